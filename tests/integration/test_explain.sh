#!/usr/bin/env bash
# doublecrewctl explain, as an operator reads it after a day in the field: every visit of a training force, fact by fact.
set -u

build=${1:-build/gcc-debug}
ctl=$build/bin/doublecrewctl
work=$(mktemp -d)
force=$work/force
failed=0
trap 'rm -rf "$work"' EXIT

report()
{
    if [ "$1" = 0 ]; then
        echo "ok: $2"
    else
        echo "FAILED: $2"
        failed=1
    fi
}

says()
{
    grep -qE -- "$1" "$work/text"
    report $? "$2"
}

export PATH="$build/bin:$PATH"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$ctl" init --dir "$force" --force 'Explained force' --training --at 2026-03-02T06:00Z --port "$port" >/dev/null &&
    "$ctl" seed 7 --dir "$force" >/dev/null 2>&1 &&
    "$build/bin/doublecrew-sim" demo --dir "$force" client-sim/demo/day.scenario >"$work/day" 2>&1
report $? 'a day in the field'

sqlite3 "$force/store.db" 'SELECT lower(hex(presence)) FROM presences' >"$work/presences" 2>/dev/null ||
    python3 -c "import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute('SELECT lower(hex(presence)) FROM presences'): print(row[0])" \
        "$force/store.db" >"$work/presences"
test "$(wc -l <"$work/presences")" -ge 20
report $? 'has visits'
bad=0
while read -r presence; do
    "$ctl" explain "$presence" --dir "$force" >"$work/one" 2>&1 || bad=1
    for section in 'The verdict, as of record' 'When it was' 'What it was measured by' 'What stands beside it' \
        'Who could have been the second officer' 'in the journal.s order'; do
        grep -q "$section" "$work/one" || bad=1
    done
    # What is judged now is what people were told last.
    now=$(sed -n 5p "$work/one")
    told=$(grep '^  verdict  ' "$work/one" | grep -v 'the same words again' | tail -1)
    [ "${now#  }" = "${told#  verdict  }" ] || bad=1
    cat "$work/one" >>"$work/text"
done <"$work/presences"
report $bad 'each is explained, and what is judged is what was told last'

says '^  check-in      2026-03-02 ..:..:.. \+00:00, give or take 0\.[0-9]{3} s$' 'how well a time is known'
says '^  policy        in force from .*alone for at most 10 min, longest visit 180 min' 'the policy in force'
says '^    at the check-in: may be second yes, accredited (yes|no)$' 'how a partner stood'
says '^    phones [0-9]+ m apart, good to [0-9]+ and [0-9]+ m' 'how far apart the phones were'
says 'co-signed, [0-9.]+ s after the code was shown' 'a co-signing and its round trip'
says 'a phone that has reported all up to .*: past the visit$' 'who has reported past it'
says 'because ' 'reasons in words'
says '^What supervisors decided$' 'decisions'
says 'verdict  the same words again' 'what was told twice is told apart'
grep -E 'alone for .*(inf|nan|-[0-9])|15372' "$work/text"
test $? = 1
report $? 'no figure that is none'

"$ctl" explain 00000000 --dir "$force" >"$work/one" 2>&1
test $? = 1 && grep -q "no presence begins with" "$work/one"
report $? 'an id that nobody has is named'
exit $failed
