#!/usr/bin/env bash
# The certificate scripts: what they make verifies as it should, what they must refuse is refused.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ca=$work/ca
id=00112233445566778899aabbccddeeff
failures=0

report()
{
    if [ "$1" = 0 ]; then
        printf 'ok      %s\n' "$2"
    else
        printf 'FAILED  %s\n' "$2"
        sed 's/^/        /' "$work/said"
        failures=$((failures + 1))
    fi
}

# works NAME COMMAND...
works()
{
    local name=$1 wrong=0
    shift
    "$@" >"$work/said" 2>&1 || wrong=1
    report "$wrong" "$name"
}

# refused NAME REASON COMMAND...: fails, and says REASON (a pattern).
refused()
{
    local name=$1 reason=$2 wrong=0
    shift 2
    if "$@" >"$work/said" 2>&1 || ! grep -q -- "$reason" "$work/said"; then
        wrong=1
    fi
    report "$wrong" "$name"
}

# verify PURPOSE CERTIFICATE: as a peer does that has the bundle and the list of revoked ones.
verify()
{
    openssl verify -purpose "$1" -crl_check -CAfile "$ca/ca-bundle.pem" -CRLfile "$ca/crl.pem" "$2"
}

refused 'a device before there is a CA' 'run certs/make-root.sh' certs/make-device.sh "$ca" "$id"
works 'root' certs/make-root.sh "$ca"
refused 'a second root is not written over the first' 'there already' certs/make-root.sh "$ca"
works 'issuing CA' certs/make-issuing-ca.sh "$ca"
works 'server' certs/make-server.sh "$ca" localhost 127.0.0.1 ::1
works 'device' certs/make-device.sh "$ca" "$id" --days 7
refused 'the same device again' 'there already' certs/make-device.sh "$ca" "$id"
refused 'a device id that is none' 'not a device id' certs/make-device.sh "$ca" ../../etc
refused 'a server name with a slash' 'neither a host name nor an address' certs/make-server.sh "$ca" a/b
refused 'no days at all' 'not a number of days' certs/make-device.sh "$ca" "${id/00/11}" --days 0
works 'server verifies as a server' verify sslserver "$ca/server/localhost.pem"
refused 'server does not verify as a client' 'nsuitable certificate purpose' verify sslclient "$ca/server/localhost.pem"
works 'device verifies as a client' verify sslclient "$ca/devices/$id.pem"
refused 'device does not verify as a server' 'nsuitable certificate purpose' verify sslserver "$ca/devices/$id.pem"
works 'server is known by its address' openssl verify -verify_ip 127.0.0.1 -CAfile "$ca/ca-bundle.pem" \
    "$ca/server/localhost.pem"
works 'nobody else can read a key' test -z "$(find "$ca" -perm /077)"

openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj "/CN=${id/00/22}" \
    -addext 'basicConstraints=critical,CA:TRUE' -keyout "$work/own.key" -out "$work/own.csr" 2>/dev/null
openssl req -new -newkey rsa:2048 -noenc -subj "/CN=${id/00/33}" -keyout "$work/rsa.key" -out "$work/rsa.csr" 2>/dev/null
refused 'a request for another device than meant' 'nothing was signed' certs/sign-device.sh "$ca" "$work/own.csr" --id "$id"
works 'a request made on the device' certs/sign-device.sh "$ca" "$work/own.csr" --id "${id/00/22}"
works 'its certificate verifies as a client' verify sslclient "$ca/devices/${id/00/22}.pem"
works 'it is no CA, whatever the request says' \
    sh -c "openssl x509 -in '$ca/devices/${id/00/22}.pem' -noout -ext basicConstraints | grep -q CA:FALSE"
refused 'a request with an RSA key' 'not P-256' certs/sign-device.sh "$ca" "$work/rsa.csr"
refused 'a request that is none' 'no request signed by its own key' certs/sign-device.sh "$ca" "$0"

works 'revoke' certs/revoke-device.sh "$ca" "$ca/devices/$id.pem"
refused 'a revoked device does not verify' 'certificate revoked' verify sslclient "$ca/devices/$id.pem"
refused 'revoking twice says so' 'revoked already' certs/revoke-device.sh "$ca" "$ca/devices/$id.pem"
works 'the other device still verifies' verify sslclient "$ca/devices/${id/00/22}.pem"

works 'bad certificates for tests' tests/lib/bad_certs.sh "$ca" "$id"
while read -r name reason; do
    refused "$name does not verify" "$reason" verify sslclient "$ca/bad/$name.pem"
done <<'BAD'
self-signed self-signed certificate
expired certificate has expired
not-yet-valid certificate is not yet valid
other-ca unable to get local issuer certificate
wrong-eku nsuitable certificate purpose
revoked certificate revoked
BAD
works 'no-name verifies: only its name is wrong' verify sslclient "$ca/bad/no-name.pem"

printf 'a passphrase of the test\n' >"$work/passphrase"
works 'a root with a passphrase' certs/make-root.sh "$work/locked" --passphrase-file "$work/passphrase"
works 'its key is encrypted' grep -q 'ENCRYPTED' "$work/locked/root.key"
works 'an issuing CA from it' certs/make-issuing-ca.sh "$work/locked" --passphrase-file "$work/passphrase"

printf '%d failures\n' "$failures"
[ "$failures" = 0 ]
