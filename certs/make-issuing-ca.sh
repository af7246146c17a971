#!/usr/bin/env bash
# The issuing CA: P-256, two years, signs servers and devices. Writes DIR/ca.key, ca.pem, ca-bundle.pem, crl.pem.
# shellcheck source=certs/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

usage_text='DIR [--days 730] [--passphrase-file FILE]   (the passphrase is the root key'"'"'s)'
parse_arguments 730 "$usage_text" "$@"
[ "${#arguments[@]}" = 1 ] || usage "$usage_text"
dir=${arguments[0]}
[ -r "$dir/root.pem" ] || die "$dir holds no root: run certs/make-root.sh $dir first"
[ -r "$dir/root.key" ] || die "$dir/root.key is missing: run this where the root key is kept"
refuse_to_overwrite "$dir/ca.key" "$dir/ca.pem" "$dir/ca-bundle.pem"

unlock=()
[ "${#passphrase[@]}" = 0 ] || unlock=(-passin "file:${passphrase[0]}")
export DC_NAME='Doublecrew issuing CA'
remove_new_on_exit "$dir/ca.key" "$dir/ca.pem" "$dir/ca-bundle.pem"
quietly openssl req -x509 -config "$config" -extensions issuing -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
    -sha384 -days "$days" -set_serial "$(random_serial)" -CA "$dir/root.pem" -CAkey "$dir/root.key" "${unlock[@]}" \
    -keyout "$dir/ca.key.new" -out "$dir/ca.pem.new"
cat "$dir/ca.pem.new" "$dir/root.pem" >"$dir/ca-bundle.pem.new"
mkdir -p "$dir/revoked" "$dir/server" "$dir/devices"
[ -e "$dir/revoked/index.txt" ] || : >"$dir/revoked/index.txt"
[ -e "$dir/revoked/crlnumber" ] || printf '01\n' >"$dir/revoked/crlnumber"
keep_new "$dir/ca.key" "$dir/ca.pem" "$dir/ca-bundle.pem"
"$here/make-crl.sh" "$dir"
printf 'issuing CA: %s/ca.pem; peers verify with %s/ca-bundle.pem\n' "$dir" "$dir"
