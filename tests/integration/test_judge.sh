#!/usr/bin/env bash
# doublecrewctl judge, as an auditor runs it: the rule clause by clause, and files that aren't as they should be.
set -u

build=${1:-build/gcc-debug}
ctl=$build/bin/doublecrewctl
work=$(mktemp -d)
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

python3 tests/vectors/judge/check_tool.py "$ctl" tests/vectors/judge
report $? 'every clause as the text demands, every odd line answered on its line'

# One case as a file of another system may hold it: CRLF, an empty line in the middle, no end of line at the end.
case=$(python3 -c 'import json; print(json.dumps(json.loads(open("tests/vectors/judge/rule.jsonl").readline())["case"]))')
printf '%s\r\n\r\n%s\n{"now":1,\n%s' "$case" "$case" "$case" >"$work/cases"
"$ctl" judge <"$work/cases" >"$work/answers" 2>"$work/complaints"
report $? 'lines that are no case end nothing'
test ! -s "$work/complaints"
report $? '... and say so on their own line alone'
test "$(wc -l <"$work/answers")" = 5
report $? 'a line for each line'
test "$(sed -n '1p;3p;5p' "$work/answers" | sort -u | wc -l)" = 1 && grep -q '"company":"joint"' "$work/answers"
report $? 'CRLF and a missing end of line change nothing'
test "$(sed -n 2p "$work/answers")" = '{"error":"an empty line; each line must hold one case","at":"line 2"}'
report $? 'an empty line is named'
sed -n 4p "$work/answers" | grep -q '"at":"line 4: column '
report $? 'half a case is named, with its line'

printf '' | "$ctl" judge >"$work/answers" && test ! -s "$work/answers"
report $? 'no line, no answer'
{ head -c 1500000 /dev/zero | tr '\0' '['; printf '\n%s\n' "$case"; } | "$ctl" judge >"$work/answers"
sed -n 1p "$work/answers" | grep -q 'longer than.*"at":"line 1"' && sed -n 2p "$work/answers" | grep -q '"joint"'
report $? 'a line beyond all measure is passed over, by its number'
printf '%s\0%s\n%s\n' '{"now":' '1}' "$case" | "$ctl" judge >"$work/answers"
sed -n 1p "$work/answers" | grep -q '"error"' && sed -n 2p "$work/answers" | grep -q '"joint"'
report $? 'a zero byte is no end of line'
if [ -w /dev/full ]; then
    printf '%s\n' "$case" | "$ctl" judge >/dev/full 2>"$work/complaints"
    test $? != 0 && test -s "$work/complaints"
    report $? 'results that cannot be written are no success'
fi
exit $failed
