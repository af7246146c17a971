#!/usr/bin/env bash
# What `./run lint` checks, on the build folder named (clang, no sanitizers, built). Every check runs; each prints its
# own figures; the exit status says whether all of them held.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: cmake/lint.sh BUILD_FOLDER}
cache=build/lint-cache
failed=()

# Every file of ours that git tracks or would track.
files()
{
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
        [ ! -f "$file" ] || printf '%s\n' "$file"
    done
}

# tell WHAT LINES: each line on standard error.
tell()
{
    local line
    while IFS= read -r line; do
        [ -z "$line" ] || printf '%s: %s\n' "$1" "$line" >&2
    done <<<"$2"
}

# Files that cmake/lint_exceptions.txt names for a check.
exceptions_of()
{
    awk -v check="$1" '$1 == check && NF > 2 {print $2}' cmake/lint_exceptions.txt
}

check()
{
    local name=$1
    shift
    "$@" || failed+=("$name")
}

check_format()
{
    local sources bad
    mapfile -t sources < <(files '*.c' '*.h')
    bad=$(clang-format --dry-run "${sources[@]}" 2>&1 | sed -nE 's/^([^:]+):[0-9]+:[0-9]+: warning.*/\1/p' | sort -u)
    tell 'format: not as .clang-format says (./run format)' "$bad"
    printf 'format: %d files checked, %d not formatted\n' "${#sources[@]}" "$(grep -c . <<<"$bad" || true)"
    [ -z "$bad" ]
}

# clang-tidy on one source, unless the same text with the same flags and checks has passed before.
tidy_one()
{
    local source=$1 command key output
    command=$(python3 - "$build/compile_commands.json" "$PWD/$source" <<'PYTHON'
import json, re, sys
for entry in json.load(open(sys.argv[1])):
    if entry["file"] == sys.argv[2]:
        print(re.sub(r" -o \S+ -c ", " -E -C ", entry["command"]))
        break
PYTHON
    )
    [ -n "$command" ] || return 0
    key=$( (
        clang-tidy --version
        clang-tidy --dump-config "$source"
        printf '%s\n' "$command"
        cd "$build" && eval "$command"
    ) 2>/dev/null | sha256sum | cut -d ' ' -f 1)
    [ ! -e "$cache/$key" ] || return 0
    if output=$(clang-tidy --quiet -p "$build" "$source" 2>/dev/null); then
        : >"$cache/$key"
    else
        printf '%s\n' "$output" >&2
        return 1
    fi
}

check_tidy()
{
    local sources before after bad=0
    mkdir -p "$cache"
    before=$(find "$cache" -type f | wc -l)
    mapfile -t sources < <(files '*.c')
    export build cache
    export -f tidy_one
    # shellcheck disable=SC2016 # the inner shell expands it
    printf '%s\n' "${sources[@]}" |
        xargs -P "$(nproc)" -I {} bash -c 'tidy_one "$1" || { echo "tidy: $1" >&2; exit 1; }' _ {} || bad=1
    after=$(find "$cache" -type f | wc -l)
    printf 'clang-tidy: %d files, %d newly passed, %s\n' "${#sources[@]}" "$((after - before))" \
        "$([ "$bad" = 0 ] && echo clean || echo 'with findings')"
    [ "$bad" = 0 ]
}

check_shell()
{
    local scripts
    mapfile -t scripts < <(files '*.sh' run .ci/run)
    shellcheck -x "${scripts[@]}" && printf 'shellcheck: %d scripts, clean\n' "${#scripts[@]}"
}

check_secrets()
{
    local bad
    bad=$(
        files | grep -E '\.(key|p12|pfx|srl)$' || true
        files | tr '\n' '\0' | xargs -0 grep -lIE -e '-----BEGIN [A-Z ]*PRIVATE KEY-----' 2>/dev/null || true
    )
    bad=$(grep -vxF -f <(exceptions_of secrets) <<<"$bad" || true)
    tell 'secrets: a private key: remove it, and make a new one' "$bad"
    printf 'secrets: %d private keys among the files\n' "$(grep -c . <<<"$bad" || true)"
    [ -z "$bad" ]
}

check_whitespace()
{
    local bad
    bad=$(files | grep -vE '\.(png|svg|binpb|ico|woff2?)$' | tr '\n' '\0' |
        xargs -0 grep -nIE '[[:space:]]+$' 2>/dev/null | cut -c 1-100 || true)
    tell whitespace "$bad"
    printf 'whitespace: %d lines end in blanks\n' "$(grep -c . <<<"$bad" || true)"
    [ -z "$bad" ]
}

check_unfinished()
{
    local bad
    bad=$(files '*.c' '*.h' '*.sh' '*.proto' run | tr '\n' '\0' | xargs -0 grep -nE '\b(TODO|FIXME|XXX)\b' |
        grep -v 'cmake/lint.sh' || true)
    tell unfinished "$bad"
    printf 'unfinished: %d marks of unfinished work\n' "$(grep -c . <<<"$bad" || true)"
    [ -z "$bad" ]
}

# Sizes are advice, not law: named, never failed.
show_sizes()
{
    files '*.c' '*.h' | grep -v '^tests/' | xargs awk '
        FNR == 1 { if (last != "" && lines > 500) { printf "size: %s has %d lines\n", last, lines; long_files++ } last = FILENAME }
        { lines = FNR }
        /^\{$/ { start = FNR; inside = 1 }
        /^\}$/ && inside {
            inside = 0
            if (FNR - start - 1 > 70) { printf "size: %s:%d a function of %d lines\n", FILENAME, start, FNR - start - 1; long_functions++ }
        }
        END {
            if (lines > 500) { printf "size: %s has %d lines\n", last, lines; long_files++ }
            printf "size: %d files over 500 lines, %d functions over 70 (advice)\n", long_files, long_functions
        }'
}

# Without its list of files every check would pass.
if ! git ls-files --error-unmatch run >/dev/null; then
    printf 'lint: git cannot list the files of this folder: run it in a clone that is yours\n' >&2
    exit 1
fi

check format check_format
check layers cmake/check_layers.sh "$build"
check shellcheck check_shell
check secrets check_secrets
check whitespace check_whitespace
check unfinished check_unfinished
show_sizes
check clang-tidy check_tidy

printf 'lint: %d checks failed%s\n' "${#failed[@]}" "${failed[*]:+: ${failed[*]}}"
[ "${#failed[@]}" = 0 ]
