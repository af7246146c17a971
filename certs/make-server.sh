#!/usr/bin/env bash
# A server's key and certificate: P-256, 90 days. Writes DIR/server/NAME.key and NAME.pem (certificate, then issuing CA).
# shellcheck source=certs/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

usage_text='DIR NAME [HOST_OR_ADDRESS...] [--days 90]'
parse_arguments 90 "$usage_text" "$@"
[ "${#arguments[@]}" -ge 2 ] || usage "$usage_text"
dir=${arguments[0]}
name=${arguments[1]}
use_issuing_ca "$dir"

alt_names=
for host in "${arguments[@]:1}"; do
    if [[ $host =~ ^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$ || $host =~ ^[0-9a-fA-F]*:[0-9a-fA-F:.]*$ ]]; then
        alt_names+=${alt_names:+,}IP:$host
    elif [[ $host =~ ^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$ && ${#host} -le 64 ]]; then
        alt_names+=${alt_names:+,}DNS:$host
    else
        die "'$host' is neither a host name nor an address: give e.g. sync.force.example or 192.0.2.7"
    fi
done
key=$dir/server/$name.key
certificate=$dir/server/$name.pem
mkdir -p "$dir/server"
refuse_to_overwrite "$key" "$certificate"
export DC_NAME=$name DC_ALT_NAMES=$alt_names
issue server "$key" "$certificate"
printf 'server: %s\n' "$certificate"
