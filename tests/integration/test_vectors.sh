#!/usr/bin/env bash
# The published test vectors, read by programs that share no code with the product: written anew they are the same, and the
# sessions are as PROTOCOL.md says. A session with one byte changed is not.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
export PYTHONDONTWRITEBYTECODE=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

report()
{
    if [ "$1" = 0 ]; then
        printf 'ok      %s\n' "$2"
    else
        printf 'FAILED  %s\n' "$2"
        failures=$((failures + 1))
    fi
}

cp -r tests/vectors/* "$work/"
python3 "$work/make_vectors.py"
for file in entry.txt push.txt checkpoint.txt; do
    cmp -s "$work/$file" "tests/vectors/$file"
    report $? "$file is what make_vectors.py writes"
done

python3 "$work/judge/make_cases.py"
for file in rule.jsonl odd.jsonl; do
    cmp -s "$work/judge/$file" "tests/vectors/judge/$file"
    report $? "judge/$file is what make_cases.py writes"
done

python3 "$work/check_session.py"
report $? 'the sessions are as PROTOCOL.md says'

# One hex digit of a message, in the middle of its line: of a Welcome, a Push, an Ack, a page, a Flag, a DeflatedPush.
for name in session1_server1 session1_client3 session1_server3 session1_server2 session1_server4 session2_server1 \
    session2_client6; do
    python3 - "$name" tests/vectors/session.txt "$work/session.txt" <<'EOF'
import sys
name, source, target = sys.argv[1:]
lines = open(source).read().splitlines()
for i, line in enumerate(lines):
    if line.startswith(name + " = "):
        part = 4 if name == "session1_server4" else 2  # what a Flag's id is made from stands in its first half
        at = len(name) + 3 + (len(line) - len(name) - 3) // part
        lines[i] = line[:at] + ("0" if line[at] != "0" else "1") + line[at + 1:]
open(target, "w").write("\n".join(lines) + "\n")
EOF
    ! python3 "$work/check_session.py" >/dev/null 2>&1
    report $? "a change in $name is seen"
done
[ "$failures" = 0 ]
