#!/usr/bin/env bash
# A device's TLS key and certificate: P-256, 90 days. Writes DIR/devices/ID.key and ID.pem (certificate, then issuing CA).
# A phone that can makes its own key, and has its request signed by sign-device.sh instead.
# shellcheck source=certs/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

usage_text='DIR DEVICE_ID_HEX [--days 90]'
parse_arguments 90 "$usage_text" "$@"
[ "${#arguments[@]}" = 2 ] || usage "$usage_text"
dir=${arguments[0]}
id=${arguments[1]}
check_device_id "$id"
use_issuing_ca "$dir"

key=$dir/devices/$id.key
certificate=$dir/devices/$id.pem
[ -d "$dir/devices" ] || mkdir -p "$dir/devices"
refuse_to_overwrite "$key" "$certificate"
export DC_NAME=$id DC_ALT_NAMES=URI:urn:doublecrew:device:$id
issue device "$key" "$certificate"
printf 'device: %s\n' "$certificate"
