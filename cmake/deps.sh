#!/usr/bin/env bash
# Installs what is missing of the groups named: build, test, lint, fuzz, proto, bench; peer-node, peer-mosquitto and
# peer-postgres are what the benchmarks compare with. Used by ./run and bench/harness.py.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A packages=(
    [build]="gcc libc6-dev make cmake ninja-build pkg-config ca-certificates openssl protobuf-c-compiler libprotobuf-c-dev
             libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libcap-dev libsqlite3-dev libssl-dev zlib1g-dev
             libinih-dev libjansson-dev libcsv-dev tzdata"
    [test]="libcmocka-dev python3"
    [lint]="git clang clang-format clang-tidy shellcheck binutils python3"
    [fuzz]="clang libclang-rt-14-dev"
    [proto]=""
    [bench]="python3"
    [peer-node]="g++ make python3"
    [peer-mosquitto]="mosquitto"
    [peer-postgres]="postgresql-15 postgresql-client-15"
)

die()
{
    printf 'deps: %s\n' "$*" >&2
    exit 1
}

# Prints the packages of the arguments that are not installed, one a line.
missing_of()
{
    local installed
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | awk '$2 == "installed" {print $1}' ||
        true)
    comm -23 <(printf '%s\n' "$@" | sort -u) <(printf '%s\n' "$installed" | sort -u)
}

as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "packages are missing, and you are neither root nor is sudo installed. As root, run: ./run deps"
    fi
}

install_packages()
{
    local missing
    mapfile -t missing < <(missing_of "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    printf 'deps: installing %s\n' "${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
    printf 'deps: %d packages installed\n' "${#missing[@]}"
}

# node_modules is as the lock file says when npm left its copy there and nothing changed since.
install_npm()
{
    command -v npm >/dev/null || install_packages nodejs npm
    if [ -x node_modules/.bin/buf ] && [ node_modules/.package-lock.json -nt package-lock.json ]; then
        return 0
    fi
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
}

# The Node peers: nothing of theirs runs while it is fetched; better-sqlite3 is then built from its source, with this
# machine's own headers where there are some.
install_npm_peers()
{
    command -v npm >/dev/null || install_packages nodejs npm
    cd bench/peers
    if [ -f node_modules/better-sqlite3/build/Release/better_sqlite3.node ] &&
        [ node_modules/.package-lock.json -nt package-lock.json ]; then
        return 0
    fi
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    [ ! -f /usr/include/node/node.h ] || export npm_config_nodedir=/usr
    npm_config_build_from_source=true npm rebuild better-sqlite3 --no-audit --no-fund --loglevel=error
    touch node_modules/.package-lock.json
}

[ "$#" -gt 0 ] || set -- build test lint fuzz proto
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "this is not Debian. Install what cmake/deps.sh lists, then set DOUBLECREW_SKIP_DEPS=1"
fi

wanted=()
for group in "$@"; do
    [ -n "${packages[$group]+set}" ] || die "no group '$group'; there are: ${!packages[*]}"
    read -r -d '' -a names <<<"${packages[$group]}" || true
    wanted+=("${names[@]}")
done
[ "${#wanted[@]}" = 0 ] || install_packages "${wanted[@]}"
for group in "$@"; do
    [ "$group" != proto ] || install_npm
    [ "$group" != peer-node ] || install_npm_peers
done
