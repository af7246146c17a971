#!/usr/bin/env bash
# Certificates that a server must refuse, one for each reason, for a device that it would otherwise know.
# Usage: tests/lib/bad_certs.sh DIR DEVICE_ID_HEX [KEY [NAME]]   (DIR as certs/make-issuing-ca.sh leaves it)
# With KEY, a device's own: NAME-expired.pem (a day ago) and NAME-long-expired.pem (200 days) for it instead, and no others.
# Writes DIR/bad/NAME.key and NAME.pem; NAME: self-signed, expired, not-yet-valid, other-ca, wrong-eku, revoked,
# no-name (no SAN, common name no device id).
set -euo pipefail
umask 077
dir=${1:?DIR is missing}
id=${2:?DEVICE_ID_HEX is missing}
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
config=$root/certs/openssl.cnf
bad=$dir/bad
export DC_NAME=$id DC_ALT_NAMES=URI:urn:doublecrew:device:$id DC_DIR=$dir
mkdir -p "$bad"

# request NAME COMMON_NAME: a new key and its request.
request()
{
    openssl req -new -config "$config" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj "/CN=$2" \
        -keyout "$bad/$1.key" -out "$bad/$1.csr" 2>/dev/null
}

# sign NAME SECTION CA_FOLDER START END: openssl ca, because it alone takes both dates. "" as SECTION: no extensions.
sign()
{
    local work
    work=$(mktemp -d)
    : >"$work/index.txt"
    cat >"$work/ca.cnf" <<CONFIG
[ca]
default_ca = this
[this]
database = $work/index.txt
new_certs_dir = $work
rand_serial = yes
certificate = $3/ca.pem
private_key = $3/ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[none]
basicConstraints = CA:FALSE
CONFIG
    openssl ca -batch -notext -config "$work/ca.cnf" -in "$bad/$1.csr" -out "$bad/$1.pem" -startdate "$4" -enddate "$5" \
        -extfile "$([ -n "$2" ] && echo "$config" || echo "$work/ca.cnf")" -extensions "${2:-none}" 2>"$work/said" ||
        { cat "$work/said" >&2; exit 1; }
    cat "$3/ca.pem" >>"$bad/$1.pem"
    rm -rf "$work" "$bad/$1.csr"
}

stamp()
{
    date -u -d "$1" +%Y%m%d%H%M%SZ
}

if [ $# -gt 2 ]; then
    own()
    {
        openssl req -new -config "$config" -key "$key" -subj "/CN=$id" -out "$bad/$1.csr" 2>/dev/null
        sign "$1" device "$dir" "$(stamp '-300 days')" "$(stamp "$2")"
    }
    key=$3
    own "${4:-own}-expired" '-1 day'
    own "${4:-own}-long-expired" '-200 days'
    exit
fi

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 90 -subj "/CN=$id" \
    -addext "subjectAltName=$DC_ALT_NAMES" -addext extendedKeyUsage=clientAuth \
    -keyout "$bad/self-signed.key" -out "$bad/self-signed.pem" 2>/dev/null

request expired "$id"
sign expired device "$dir" "$(stamp '-30 days')" "$(stamp '-1 day')"
request not-yet-valid "$id"
sign not-yet-valid device "$dir" "$(stamp '+1 day')" "$(stamp '+30 days')"
request wrong-eku "$id"
sign wrong-eku server "$dir" "$(stamp '-1 hour')" "$(stamp '+30 days')"
request no-name nobody
sign no-name '' "$dir" "$(stamp '-1 hour')" "$(stamp '+30 days')"
request revoked "$id"
sign revoked device "$dir" "$(stamp '-1 hour')" "$(stamp '+30 days')"
"$root/certs/revoke-device.sh" "$dir" "$bad/revoked.pem" >/dev/null

other=$(mktemp -d)
"$root/certs/make-root.sh" "$other/ca" >/dev/null
"$root/certs/make-issuing-ca.sh" "$other/ca" >/dev/null
"$root/certs/make-device.sh" "$other/ca" "$id" >/dev/null
mv "$other/ca/devices/$id.key" "$bad/other-ca.key"
mv "$other/ca/devices/$id.pem" "$bad/other-ca.pem"
rm -rf "$other"
