#!/usr/bin/env bash
# Proves that the simulation finds bugs: each file of tests/sim/mutants plants one fault in the product's own source. The
# changed file is compiled alone and linked before the layers' libraries, so nothing of it stays anywhere.
#
#   mutants.sh BUILD [--seeds N] [--jobs N] [NAME...]
#   mutants.sh BUILD --check           only whether every mutant still fits the sources
#
# A mutant's file says, a line each, "breaks: WHAT (RULE)", "file: PATH", "seeds: N" (it must be found within so many) and
# perhaps "with: OPTIONS" for the simulation instead of the usual; then edits: "--- find", the exact text, "--- replace", the new text, "--- end".
# Text that isn't in the file exactly once is an error: the mutant must follow the product.
set -euo pipefail
export LC_ALL=C

die()
{
    printf 'mutants: %s\n' "$*" >&2
    exit 2
}

read_arguments()
{
    build=$(cd "${1:?mutants: which build folder?}" && pwd)
    shift
    seeds=
    seed_limit_s=120
    # Small fleets in which rare things are frequent: many mishaps for little time.
    usual='--days 5 --devices 8 --often 8'
    jobs=$(nproc)
    wanted=()
    while [ "$#" -gt 0 ]; do
        case "$1" in
        --seeds) seeds=${2:?--seeds: how many?} && shift ;;
        --jobs) jobs=${2:?--jobs: how many?} && shift ;;
        --check) check=yes ;;
        --one) one=${2:?} && shift ;;
        --unchanged) unchanged=${2:?} && shift ;;
        --with) with=$2 && shift ;;
        --*) die "no option $1" ;;
        *) wanted+=("$1") ;;
        esac
        shift
    done
}

# replace_once OLD NEW: in $content.
replace_once()
{
    local before after
    case "$content" in
    *"$1"*) ;;
    *) die "$name: this text isn't in $file: $1" ;;
    esac
    before=${content%%"$1"*}
    after=${content#*"$1"}
    case "$after" in
    *"$1"*) die "$name: this text is in $file more than once: $1" ;;
    esac
    content=$before$2$after
}

# Reads a mutant's file: breaks, file, limit, with; and the changed source to $content.
read_mutant()
{
    local line part='' old='' new=''
    breaks='' file='' limit='' with=$usual
    while IFS= read -r line || [ -n "$line" ]; do
        case "$line" in
        'breaks: '*) breaks=${line#*: } ;;
        'file: '*)
            file=${line#*: }
            content=$(cat "$file" && printf x) || die "$name: no file $file"
            content=${content%x}
            ;;
        'seeds: '*) limit=${line#*: } ;;
        'with: '*) with=${line#*: } ;;
        '--- find') part=find old='' new='' ;;
        '--- replace') part=replace ;;
        '--- end')
            [ -n "$old" ] || die "$name: an edit that finds nothing"
            replace_once "$old" "$new"
            part=''
            ;;
        *)
            case "$part" in
            find) old+=$line$'\n' ;;
            replace) new+=$line$'\n' ;;
            *) [ -z "$line" ] || die "$name: what is '$line'?" ;;
            esac
            ;;
        esac
    done <"$1"
    if [ -z "$breaks" ] || [ -z "$file" ] || [ -z "$limit" ]; then
        die "$name: breaks, file and seeds must be said"
    fi
}

# The commands that made the product's object and the simulation, with other inputs and outputs.
compile()
{
    local command
    mkdir -p "$(dirname "$folder/$file")"
    printf '%s' "$content" >"$folder/$file"
    command=$(grep -F -- " -c $PWD/$file" "$commands" | head -n 1) || die "$name: $file isn't compiled for the simulation"
    command=${command%% -MD *}
    (cd "$build" && eval "$command -Wno-error -w -o '$folder/mutant.o' -c '$folder/$file'") >"$folder/log" 2>&1 ||
        die "$name: doesn't compile: $(cat "$folder/log")"
}

link_mutant()
{
    local command
    command=$(tail -n 1 "$commands")
    command=${command/ -o bin\/doublecrew-fleet / -o "'$folder/fleet'" "'$folder/mutant.o'" }
    (cd "$build" && eval "$command") >"$folder/log" 2>&1 || die "$name: doesn't link: $(cat "$folder/log")"
}

# Seeds on which the unchanged product holds, until one fails. Sets how many it took, and by which check.
hunt()
{
    local program=$1 last=$2 seed
    tried=0 found_by=''
    while read -r seed; do
        [ "$seed" -le "$last" ] || break
        tried=$((tried + 1))
        # shellcheck disable=SC2086 # options, several words
        timeout -k 5 "$seed_limit_s" "$program" --seed "$seed" $with >"$folder/said" 2>&1 && continue
        found_by=$(sed -nE 's/^seed [0-9]+ FAILED:? *//p' "$folder/said" | head -n 1)
        found_by=${found_by:-it ended without a word, or never}
        return 0
    done <"$(good_of "$with")"
    return 1
}

# One mutant, in a process of its own: a line of the table to its result.
run_one()
{
    local begin=$SECONDS
    name=$one
    folder=$work/$name
    mkdir -p "$folder"
    read_mutant "tests/sim/mutants/$name.mutant"
    compile
    link_mutant
    if hunt "$folder/fleet" "${seeds:-$limit}"; then
        printf 'found     %-38s seeds %3s: %.100s\n' "$name" "$tried" "$found_by"
    else
        found_by=SURVIVED
        printf 'SURVIVED  %-38s seeds %3s\n' "$name" "$tried"
    fi
    printf '%s|%s|%s|%.110s\n' "$breaks" "$tried" "$((SECONDS - begin))" "${found_by//|/ }" >"$folder/result"
    rm -f "$folder/fleet"
}

# The simulation's options for a mutant's file.
way_of()
{
    sed -n 's/^with: //p' "$1" | grep . || printf '%s\n' "$usual"
}

# Where the seeds on which the unchanged product holds with these options are kept.
good_of()
{
    printf '%s/good%s\n' "$work" "${1// /}"
}

# One seed of the unchanged product: its number to the good ones, or to the bad.
try_unchanged()
{
    local said=$work/unchanged-$1
    # shellcheck disable=SC2086 # options, several words
    if timeout -k 5 "$seed_limit_s" "$build/bin/doublecrew-fleet" --seed "$1" $with >"$said" 2>&1; then
        printf '%s\n' "$1" >>"$(good_of "$with")"
        rm -f "$said"
    else
        printf '%s %s\n' "$1" "$with" >>"$work/bad"
        printf 'the unchanged product: %s\n' "$(grep -E '^seed [0-9]+ FAILED' "$said" || printf 'seed %s takes too long' "$1")"
    fi
}

# The unchanged product on the same seeds. One on which it fails proves nothing: it is named and left out.
check_unchanged()
{
    local name limit most files=("${names[@]/#/tests/sim/mutants/}")
    files=("${files[@]/%/.mutant}")
    : >"$work/bad"
    for name in "${files[@]}"; do
        way_of "$name"
    done | sort -u >"$work/ways"
    while IFS= read -r with; do
        most=0
        for name in "${names[@]}"; do
            [ "$(way_of "tests/sim/mutants/$name.mutant")" = "$with" ] || continue
            limit=$(sed -n 's/^seeds: //p' "tests/sim/mutants/$name.mutant")
            [ "${seeds:-$limit}" -le "$most" ] || most=${seeds:-$limit}
        done
        printf '== the unchanged product, %s seeds %s\n' "$most" "$with"
        : >"$(good_of "$with")"
        seq "$most" | xargs -P "$jobs" -I SEED "$self" "$build" --with "$with" --unchanged SEED
        sort -n -o "$(good_of "$with")" "$(good_of "$with")"
    done <"$work/ways"
}

print_table()
{
    local name survived=0 bad
    bad=$(wc -l <"$work/bad")
    printf '\n%-38s %5s %7s  %s\n' mutant seeds seconds 'what it breaks | by which check it was found'
    for name in "${names[@]}"; do
        breaks='' tried=- took=- found_by='NOT RUN'
        [ ! -f "$work/$name/result" ] || IFS='|' read -r breaks tried took found_by <"$work/$name/result"
        printf '%-38s %5s %7s  %s | %s\n' "$name" "$tried" "$took" "$breaks" "$found_by"
        case "$found_by" in SURVIVED | 'NOT RUN') survived=$((survived + 1)) ;; esac
    done
    printf '%d mutants, %d found, %d not; %d s\n' "${#names[@]}" "$((${#names[@]} - survived))" "$survived" "$SECONDS"
    [ "$bad" = 0 ] || printf 'the unchanged product fails on %d seeds, named above: a fault of its own, not used here\n' "$bad"
    [ "$survived" = 0 ]
}

list_names()
{
    local file name
    names=("${wanted[@]}")
    if [ "${#names[@]}" = 0 ]; then
        for file in tests/sim/mutants/*.mutant; do
            file=${file##*/}
            names+=("${file%.mutant}")
        done
    fi
    for name in "${names[@]}"; do
        [ -f "tests/sim/mutants/$name.mutant" ] || die "no mutant $name"
    done
}

check_texts()
{
    for name in "${names[@]}"; do
        read_mutant "tests/sim/mutants/$name.mutant"
    done
    printf '%d mutants fit the sources\n' "${#names[@]}"
}

main()
{
    one='' unchanged='' with='' check=''
    self=$(realpath "$0")
    read_arguments "$@"
    cd "$(dirname "$self")/../.."
    work=$build/mutants
    commands=$work/commands
    if [ -n "$one" ]; then
        run_one
        return
    elif [ -n "$unchanged" ]; then
        try_unchanged "$unchanged"
        return
    fi
    list_names
    if [ -n "$check" ]; then
        check_texts
        return
    fi
    rm -rf "$work"
    mkdir -p "$work"
    ninja -C "$build" doublecrew-fleet >&2
    ninja -C "$build" -t commands doublecrew-fleet >"$commands"
    check_unchanged
    printf '%s\n' "${names[@]}" |
        xargs -P "$jobs" -I NAME "$self" "$build" ${seeds:+--seeds "$seeds"} --one NAME || true
    print_table
}

main "$@"
