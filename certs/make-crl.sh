#!/usr/bin/env bash
# Signs the list of revoked certificates: DIR/crl.pem. Run it before the old one runs out, or nobody is let in.
# shellcheck source=certs/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

usage_text='DIR [--days 30]'
parse_arguments 30 "$usage_text" "$@"
[ "${#arguments[@]}" = 1 ] || usage "$usage_text"
dir=${arguments[0]}
use_issuing_ca "$dir"
[ -e "$dir/revoked/index.txt" ] || die "$dir/revoked/index.txt is missing: restore it from the backup, or revocations are lost"

exec 9>"$dir/revoked/lock"
flock 9
remove_new_on_exit "$dir/crl.pem"
quietly openssl ca -config "$config" -gencrl -crldays "$days" -out "$dir/crl.pem.new"
keep_new "$dir/crl.pem"
printf 'revocation list: %s/crl.pem, good for %d days\n' "$dir" "$days"
