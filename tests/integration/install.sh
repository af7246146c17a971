#!/usr/bin/env bash
# Installs the build folder given and uses libdoublecrew as an app would: by pkg-config, by CMake, shared and static.
# Usage: tests/integration/install.sh BUILD_FOLDER (release)
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "${1:?usage: tests/integration/install.sh BUILD_FOLDER}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

die()
{
    printf 'install: %s\n' "$*" >&2
    exit 1
}

cmake --install "$build" --prefix "$prefix" >"$work/said" || { cat "$work/said" >&2; die 'cmake --install failed'; }
libdir=$(dirname "$(find "$prefix" -name libdoublecrew.a)")
export PKG_CONFIG_PATH=$libdir/pkgconfig

others=$(nm -D --defined-only --format=posix "$libdir/libdoublecrew.so" | awk '$1 !~ /^dc_/ {print $1}')
[ -z "$others" ] || die "the shared library exports more than its public names: $others"
others=$(nm --defined-only --extern-only --format=posix "$libdir/libdoublecrew.a" |
    awk 'NF >= 2 && $1 !~ /^dc_/ {print $1}')
[ -z "$others" ] || die "the static library shows more than its public names: $others"
declared=$(grep -oE '\bdc_[a-z0-9_]+\(' device/doublecrew.h | tr -d '(' | sort -u | comm -12 - <(
    nm -D --defined-only --format=posix "$libdir/libdoublecrew.so" | awk '{print $1}' | sort -u) | grep -c .)

cp -r tests/integration/install_example "$work/app"
openssl genpkey -algorithm ed25519 -out "$work/key.pem"
# shellcheck disable=SC2046 # flags are words
cc -Wall -Wextra -Werror "$work/app/example.c" -o "$work/app/by_pkg_config" $(pkg-config --cflags --libs doublecrew) \
    -Wl,-rpath,"$libdir"
if ! cmake -S "$work/app" -B "$work/app/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >"$work/said" ||
    ! cmake --build "$work/app/build" >>"$work/said"; then
    cat "$work/said" >&2
    die 'the CMake package is of no use'
fi
for app in by_pkg_config build/example_shared build/example_static; do
    said=$("$work/app/$app" "$work/app/$app.store" "$work/key.pem") || die "$app does not run"
    [ "$said" = "ok under_way" ] || die "$app said: $said"
done
printf 'install: %d public functions; pkg-config, CMake shared and CMake static link and run\n' "$declared"
