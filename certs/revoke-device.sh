#!/usr/bin/env bash
# Revokes a device's certificate and makes the list of revoked ones anew. The server's roster must say it too
# (doublecrewctl revoke), which is what works at once on open connections.
# shellcheck source=certs/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

usage_text='DIR CERTIFICATE'
parse_arguments 30 "$usage_text" "$@"
[ "${#arguments[@]}" = 2 ] || usage "$usage_text"
dir=${arguments[0]}
certificate=${arguments[1]}
[ -r "$certificate" ] || die "cannot read $certificate: give the device's certificate, e.g. $dir/devices/ID.pem"
use_issuing_ca "$dir"
openssl verify -no_check_time -partial_chain -trusted "$dir/ca.pem" "$certificate" >/dev/null 2>&1 ||
    die "$certificate is not by the issuing CA of $dir: give the folder of the CA that issued it"

exec 9>"$dir/revoked/lock"
flock 9
said=$(openssl ca -config "$config" -revoke "$certificate" 2>&1) || {
    ! grep -q 'Already revoked' <<<"$said" || die "$certificate is revoked already: nothing to do"
    die "openssl failed: $said"
}
flock -u 9
"$here/make-crl.sh" "$dir"
printf 'revoked: %s\n' "$certificate"
