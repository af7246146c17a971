#!/usr/bin/env bash
# Signs the request of a device that made its own key. Of the request only the key and the common name (the device id)
# are used; what the certificate says is ours. Writes DIR/devices/ID.pem (certificate, then issuing CA).
# shellcheck source=certs/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

usage_text='DIR REQUEST_FILE [--id DEVICE_ID_HEX] [--days 90]   (--id: refuse a request for any other device)'
parse_arguments 90 "$usage_text" "$@"
[ "${#arguments[@]}" = 2 ] || usage "$usage_text"
dir=${arguments[0]}
request=${arguments[1]}
[ -r "$request" ] || die "cannot read $request: give the request that the device made"
use_issuing_ca "$dir"

openssl req -in "$request" -noout -verify >/dev/null 2>&1 ||
    die "$request is no request signed by its own key: have the device make it again"
said=$(openssl req -in "$request" -noout -subject -text -nameopt multiline) || die "$request cannot be read"
id=$(sed -nE 's/^ +commonName += ([^ ]+)$/\1/p' <<<"$said" | head -n 1)
check_device_id "$id"
[ -z "$wanted_id" ] || [ "$id" = "$wanted_id" ] || die "$request is for device $id, not $wanted_id: nothing was signed"
grep -q 'ASN1 OID: prime256v1' <<<"$said" || die "the key in $request is not P-256: have the device make a P-256 key"

certificate=$dir/devices/$id.pem
mkdir -p "$dir/devices"
refuse_to_overwrite "$certificate"
export DC_NAME=$id DC_ALT_NAMES=URI:urn:doublecrew:device:$id
remove_new_on_exit "$certificate"
quietly openssl x509 -req -in "$request" -extfile "$config" -extensions device -sha256 -days "$days" -subj "/CN=$id" \
    -set_serial "$(random_serial)" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -out "$certificate.new"
cat "$dir/ca.pem" >>"$certificate.new"
keep_new "$certificate"
printf 'device: %s\n' "$certificate"
