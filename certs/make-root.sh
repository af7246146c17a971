#!/usr/bin/env bash
# The root: P-384, ten years, signs issuing CAs only. Writes DIR/root.key and DIR/root.pem.
# shellcheck source=certs/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

usage_text='DIR [--days 3650] [--passphrase-file FILE]'
parse_arguments 3650 "$usage_text" "$@"
[ "${#arguments[@]}" = 1 ] || usage "$usage_text"
dir=${arguments[0]}
mkdir -p "$dir"
refuse_to_overwrite "$dir/root.key" "$dir/root.pem"

protect=(-noenc)
[ "${#passphrase[@]}" = 0 ] || protect=(-passout "file:${passphrase[0]}")
export DC_NAME='Doublecrew root'
remove_new_on_exit "$dir/root.key" "$dir/root.pem"
quietly openssl req -x509 -config "$config" -extensions root -newkey ec -pkeyopt ec_paramgen_curve:P-384 "${protect[@]}" \
    -sha384 -days "$days" -set_serial "$(random_serial)" -keyout "$dir/root.key.new" -out "$dir/root.pem.new"
keep_new "$dir/root.key" "$dir/root.pem"
printf 'root: %s/root.pem; keep %s/root.key offline once the issuing CA is made\n' "$dir" "$dir"
