# shellcheck shell=bash
# Shared by the scripts of this folder, which source it. Sets: script, here, config.
set -euo pipefail
umask 077
script=${0##*/}
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
config=$here/openssl.cnf
export DC_NAME=unused DC_ALT_NAMES=DNS:unused DC_DIR=unused

die()
{
    printf '%s: %s\n' "$script" "$*" >&2
    exit 1
}

usage()
{
    printf 'Usage: certs/%s %s\n' "$script" "$1" >&2
    exit 2
}

# parse_arguments DEFAULT_DAYS USAGE ARGUMENTS...: leaves the plain ones in arguments, and sets days, passphrase, wanted_id.
# shellcheck disable=SC2034 # the scripts that source this read them
parse_arguments()
{
    local usage_text=$2
    days=$1
    passphrase=()
    wanted_id=
    arguments=()
    shift 2
    while [ "$#" -gt 0 ]; do
        case "$1" in
        --days | --passphrase-file | --id)
            [ "$#" -ge 2 ] || die "$1 needs a value"
            case "$1" in
            --days) days=$2 ;;
            --passphrase-file) passphrase=("$2") ;;
            --id) wanted_id=$2 ;;
            esac
            shift 2
            ;;
        -*) usage "$usage_text" ;;
        *)
            arguments+=("$1")
            shift
            ;;
        esac
    done
    [[ $days =~ ^[1-9][0-9]{0,4}$ ]] || die "--days '$days' is not a number of days: give 1 to 99999"
    [ "${#passphrase[@]}" = 0 ] || [ -r "${passphrase[0]}" ] || die "cannot read ${passphrase[0]}: check --passphrase-file"
}

refuse_to_overwrite()
{
    local file
    for file in "$@"; do
        [ ! -e "$file" ] || die "$file is there already: nothing was changed. Move it away first if it is to be replaced"
    done
}

# The issuing CA of a folder, for whatever signs with it.
use_issuing_ca()
{
    [ -r "$1/ca.pem" ] || die "$1 holds no issuing CA: run certs/make-root.sh $1, then certs/make-issuing-ca.sh $1"
    [ -r "$1/ca.key" ] || die "$1/ca.key is missing: run this where the issuing CA's key is kept"
    DC_DIR=$1
}

check_device_id()
{
    [[ $1 =~ ^[0-9a-f]{32}$ ]] || die "'$1' is not a device id: give 32 lower-case hex digits, e.g. from openssl rand -hex 16"
}

# A serial number that nobody can guess, positive (its first bit 0), without a file to count in.
random_serial()
{
    local bytes
    bytes=$(od -An -N16 -tx1 /dev/urandom)
    bytes=${bytes// /}
    printf '0x4%s' "${bytes:1}"
}

# openssl says much when it fails, and nothing needed otherwise.
quietly()
{
    local said
    said=$("$@" 2>&1) || die "openssl failed: $said"
}

# While files are being made they bear .new, so that a failure leaves nothing that looks finished.
keep_new()
{
    local file
    for file in "$@"; do
        mv "$file.new" "$file"
    done
}

remove_new_on_exit()
{
    new_files=("${@/%/.new}")
    trap 'rm -f "${new_files[@]}"' EXIT
}

# issue SECTION KEY CERTIFICATE: a P-256 key and its certificate by the issuing CA, which goes behind it in the file.
issue()
{
    remove_new_on_exit "$2" "$3"
    quietly openssl req -x509 -config "$config" -extensions "$1" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
        -sha256 -days "$days" -set_serial "$(random_serial)" -CA "$DC_DIR/ca.pem" -CAkey "$DC_DIR/ca.key" \
        -keyout "$2.new" -out "$3.new"
    cat "$DC_DIR/ca.pem" >>"$3.new"
    keep_new "$2" "$3"
}
