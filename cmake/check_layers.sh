#!/usr/bin/env bash
# Proves the direction of dependencies on what was built: the pure layers call nothing of the outside world, no layer
# calls one above it, and no #include points the wrong way. Usage: cmake/check_layers.sh BUILD_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: cmake/check_layers.sh BUILD_FOLDER (built without sanitizers)}
rules=cmake/layers.txt
failures=0
checked=0

fail()
{
    printf 'layers: %s\n' "$*" >&2
    failures=$((failures + 1))
}

# The source of an object: .../dc_core.dir/core/bytes.c.o is core/bytes.c.
source_of()
{
    local path=${1#*.dir/}
    printf '%s\n' "${path%.o}"
}

# The objects of a layer, one a line. An object whose source is gone is left from an earlier build: not listed.
objects_of()
{
    local folder="$build/CMakeFiles/$1.dir" object
    [ -d "$folder" ] || return 0
    while read -r object; do
        if [ "$1" = dc_proto ] || [ -f "$(source_of "$object")" ]; then
            printf '%s\n' "$object"
        fi
    done < <(find "$folder" -name '*.o' | sort)
}

defined_in()
{
    [ "$#" = 0 ] || nm --defined-only --extern-only --format=posix "$@" 2>/dev/null | awk 'NF >= 2 {print $1}' | sort -u
}

undefined_in()
{
    nm --undefined-only --format=posix "$1" | awk 'NF >= 2 {print $1}' | sort -u
}

load_rules()
{
    local pattern reason
    allowed=()
    forbidden=()
    exceptions=" "
    pure_device=" "
    while read -r pattern reason; do
        case "$pattern" in
        '' | '#'*) continue ;;
        pure)
            pure_device+="${reason%% *} "
            continue
            ;;
        esac
        [ -n "$reason" ] || fail "$rules: '$pattern' gives no reason"
        case "$pattern" in
        '!'*) forbidden+=("${pattern#!}") ;;
        *.c:*) exceptions+="$pattern " ;;
        *) allowed+=("$pattern") ;;
        esac
    done <"$rules"
}

matches()
{
    local symbol=$1 pattern
    shift
    for pattern in "$@"; do
        # shellcheck disable=SC2053 # a glob is meant
        [[ $symbol != $pattern ]] || return 0
    done
    return 1
}

may_call()
{
    [[ $exceptions != *" $1:$2 "* ]] || return 0
    ! matches "$2" "${forbidden[@]}" && matches "$2" "${allowed[@]}"
}

# check_pure NAME OBJECTS_TO_CHECK OBJECTS_THEY_MAY_CALL (lists, one a line)
check_pure()
{
    local name=$1 inside object source symbol
    local -a callable
    [ -n "$2" ] || return 0
    mapfile -t callable < <(sed '/^$/d' <<<"$3")
    inside=$(defined_in "${callable[@]}")
    while read -r object; do
        source=$(source_of "$object")
        checked=$((checked + 1))
        while read -r symbol; do
            may_call "$source" "$symbol" ||
                fail "$source calls $symbol, which $name may not (pure; $rules says what it may call)"
        done < <(comm -23 <(undefined_in "$object") <(printf '%s\n' "$inside"))
    done <<<"$2"
}

# check_above LAYER ABOVE...: no object of LAYER needs what only the layers ABOVE define.
check_above()
{
    local layer=$1 upper object symbol
    local -a own above=()
    shift
    mapfile -t own < <(objects_of "$layer")
    [ "${#own[@]}" -gt 0 ] || return 0
    for upper in "$@"; do
        mapfile -t -O "${#above[@]}" above < <(objects_of "$upper")
    done
    [ "${#above[@]}" -gt 0 ] || return 0
    for object in "${own[@]}"; do
        while read -r symbol; do
            fail "$(source_of "$object") calls $symbol of a layer that it may not know ($*)"
        done < <(comm -12 <(undefined_in "$object") \
            <(comm -23 <(defined_in "${above[@]}") <(defined_in "${own[@]}")))
    done
}

# No name is defined twice: operator's command and tests link the server and the device into one program.
check_unique()
{
    local layer name
    local -a all=()
    for layer in dc_core dc_proto dc_server_logic dc_server_edge dc_device dc_sim dc_admin; do
        mapfile -t -O "${#all[@]}" all < <(objects_of "$layer")
    done
    while read -r name; do
        fail "$name is defined in $(nm -A --defined-only --extern-only --format=posix "${all[@]}" |
            awk -v name="$name" '$2 == name {print $1}' | sed -E 's/.*\.dir\///; s/\.o:$//' | paste -sd ' ')"
    done < <(nm --defined-only --extern-only --format=posix "${all[@]}" | awk 'NF >= 2 {print $1}' | sort | uniq -d)
}

# check_includes GLOB ALLOWED_PREFIX...: what a file may #include "...". World headers are named for the pure layers.
check_includes()
{
    local glob=$1 file header
    shift
    for file in $glob; do
        [ -f "$file" ] || continue
        while read -r header; do
            matches "$header" "$@" || fail "$file includes \"$header\", against the direction of the layers"
        done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]+)".*/\1/p' "$file")
    done
}

check_world_headers()
{
    local glob=$1 file header
    for file in $glob; do
        [ -f "$file" ] || continue
        while read -r header; do
            fail "$file includes <$header>: a pure layer does not know it"
        done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*<(libwebsockets\.h|uv\.h|sqlite3\.h|pthread\.h|unistd\.h|fcntl\.h|sys\/socket\.h|sys\/random\.h|threads\.h|jansson\.h|ini\.h|csv\.h|openssl\/(ssl|rand|bio)\.h)>.*/\1/p' "$file")
    done
}

load_rules
core=$(objects_of dc_core)
proto=$(objects_of dc_proto)
logic=$(objects_of dc_server_logic)
step=""
while read -r object; do
    source=$(source_of "$object")
    if [[ $source == device/*_step.c || $pure_device == *" $source "* ]]; then
        step+="$object"$'\n'
    fi
done < <(objects_of dc_device)
step=${step%$'\n'}
[ -n "$core" ] || fail "$build holds no objects of core: build it first"

check_pure core "$core" "$core"$'\n'"$proto"
check_pure server/logic "$logic" "$logic"$'\n'"$core"$'\n'"$proto"
check_pure "device's pure part" "$step" "$step"$'\n'"$core"$'\n'"$proto"

check_above dc_core dc_server_logic dc_server_edge dc_device dc_sim dc_admin
check_above dc_server_logic dc_server_edge dc_device dc_sim dc_admin
check_above dc_server_edge dc_device dc_sim dc_admin
check_above dc_device dc_server_logic dc_server_edge dc_sim dc_admin
check_above dc_sim dc_server_logic dc_server_edge dc_admin
check_above dc_admin dc_sim
check_unique

check_includes 'core/*.[ch]' 'core/*' 'doublecrew/v1/*'
check_includes 'server/logic/*.[ch]' 'core/*' 'server/logic/*' 'doublecrew/v1/*'
check_includes 'server/edge/*.[ch]' 'core/*' 'server/logic/*' 'server/edge/*' 'doublecrew/v1/*'
check_includes 'server/*.[ch]' 'core/*' 'server/*'
check_includes 'device/*.[ch]' 'core/*' 'device/*' 'doublecrew/v1/*'
check_includes 'client-sim/*.[ch]' 'core/*' 'device/*' 'client-sim/*' 'doublecrew/v1/*'
check_includes 'admin/*.[ch]' 'core/*' 'server/*' 'admin/*' 'doublecrew/v1/*' device/doublecrew.h
check_world_headers 'core/*.[ch]'
check_world_headers 'server/logic/*.[ch]'
check_world_headers 'device/*_step.[ch]'

printf 'layers: %d pure objects checked, %d violations\n' "$checked" "$failures"
[ "$failures" = 0 ]
