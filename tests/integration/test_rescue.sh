#!/usr/bin/env bash
# A phone whose radio is broken: its evidence leaves as a file and is brought in by hand, beside a running server and without
# one; damaged, another force's, twice, and of a phone that was declared lost (D1).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
build=${1:?usage: $0 BUILD_FOLDER}
ctl=${DOUBLECREWCTL:-$build/bin/doublecrewctl}
daemon=${DOUBLECREWD:-$build/bin/doublecrewd}
sim=${DOUBLECREW_SIM:-$build/bin/doublecrew-sim}
export DOUBLECREW_CERTS=${DOUBLECREW_CERTS:-$PWD/certs} TZ=UTC
work=$(mktemp -d)
force=$work/force
failures=0
server=

finish()
{
    [ -z "$server" ] || kill "$server" 2>/dev/null
    wait
    rm -rf "$work"
}
trap finish EXIT

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

# expect CODE NAME PATTERN ARGUMENTS...
expect()
{
    local code=$1 name=$2 pattern=$3 got=0
    shift 3
    "$ctl" "$@" >"$work/said" 2>&1 || got=$?
    printf 'exit code %s, wanted %s and a line like: %s\n' "$got" "$code" "$pattern" >>"$work/said"
    [ "$got" = "$code" ] && head -n -1 "$work/said" | grep -qE -- "$pattern"
    report $? "$name"
}

check()
{
    local name=$1
    shift
    "$@" >"$work/said" 2>&1
    report $? "$name"
}

start_server()
{
    rm -f "$force/server.ready"
    "$daemon" --config "$force/doublecrewd.conf" --ready-file "$force/server.ready" >"$work/server.out" 2>"$work/server.log" &
    server=$!
    for _ in $(seq 100); do
        [ -e "$force/server.ready" ] && return
        sleep 0.1
    done
    cp "$work/server.log" "$work/said"
    report 1 'the server is ready'
}

stop_server()
{
    kill "$server"
    wait "$server"
    server=
    rm -f "$force/server.ready"
}

# phone CODE LINE...: what the person does with this phone, in order.
phone()
{
    local code=$1
    shift
    printf '%s\n' "$@" quit | timeout 60 "$sim" device --dir "$force" --as "$code" >"$work/phone.out" 2>&1
}

entries_of()
{
    "$ctl" list devices --dir "$force" | awk -F '\t' -v code="$1" '$2 == code { print $4; exit }'
}

# Packages hold the port, so it must be known beforehand: any that nobody listens on.
port=$((20000 + RANDOM % 12000))
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
"$ctl" init --dir "$force" --force T --training --at 2026-03-02T09:00Z --port "$port" >/dev/null || exit 1
"$ctl" seed 7 --dir "$force" >/dev/null 2>&1 || exit 1
sed -i 's/^training = yes/training = yes\ntraining_rate = 1/' "$force/doublecrewd.conf"
start_server
phone 'PC 1001' 'goes offline' 'checks in at TRAIN 0001 alone' 'records seen' 'checks out' "rescue $work/one.rescue"
cp "$work/phone.out" "$work/said"
check 'the phone writes a file' test -s "$work/one.rescue"
phone 'PC 1002' 'goes offline' 'checks in at TRAIN 0002 alone' 'checks out' "rescue $work/two.rescue"
check 'and another one' test -s "$work/two.rescue"
before=$(entries_of 'PC 1001')

printf '== beside a running server\n'
expect 0 'it is carried' '^Carried to the running server: 1 pushes' rescue "$work/one.rescue" --dir "$force"
expect 0 'all is sound' '^verify: sound$' verify --dir "$force"
check 'the log of the phone itself is as before' test "$(entries_of 'PC 1001')" = "$before"
stop_server

printf '== without one\n'
expect 0 'it is taken in' '^Taken in: [0-9]+ entries, [1-9][0-9]* of them new\.$' rescue "$work/one.rescue" --dir "$force"
check 'the log has grown' test "$(entries_of 'PC 1001')" -gt "$before"
expect 0 'twice is harmless' '^Taken in: [0-9]+ entries, 0 of them new\.$' rescue "$work/one.rescue" --dir "$force"
expect 0 'a rebuild is the same' '^rebuild: byte-identical$' rebuild --check --dir "$force"

printf '== what is not sound\n'
records=$("$ctl" status --dir "$force" | grep '^records')
size=$(stat -c %s "$work/two.rescue")
head -c $((size - 40)) "$work/two.rescue" >"$work/cut.rescue"
expect 1 'cut off' 'is not whole after its 0\. push' rescue "$work/cut.rescue" --dir "$force"
cp "$work/two.rescue" "$work/flipped.rescue"
printf 'X' | dd of="$work/flipped.rescue" bs=1 seek=$((size - 40)) conv=notrunc 2>/dev/null
expect 1 'a byte turned over' 'push 1 of 1: The signature does not match' rescue "$work/flipped.rescue" --dir "$force"
expect 1 'also partly: nothing of it is sound' 'no push of it is sound' rescue "$work/flipped.rescue" --partly --dir "$force"
expect 1 'no rescue file' 'is not a rescue file' rescue "$force/force.conf" --dir "$force"
expect 1 'no file' 'could not be read' rescue "$work/none" --dir "$force"
expect 2 'no argument' '^Usage: doublecrewctl rescue' rescue --dir "$force"
"$ctl" init --dir "$work/other" --force O --training --at 2026-03-02T09:00Z --port 0 >/dev/null
expect 1 'another force' 'The log is not enrolled here \(unknown_log\)' rescue "$work/one.rescue" --dir "$work/other"
# The sound push of one file before the damaged one of the other: all or nothing, unless asked.
{ head -c $(($(stat -c %s "$work/two.rescue") - 4)) "$work/two.rescue"; tail -c +9 "$work/flipped.rescue"; } >"$work/mixed.rescue"
expect 1 'one damaged of two' 'push 2 of 2: .*bad_signature' rescue "$work/mixed.rescue" --dir "$force"
check 'nothing was taken in by all that' test "$records" = "$("$ctl" status --dir "$force" | grep '^records')"
expect 0 'partly: what is sound' '^Taken in: [0-9]+ entries, [1-9][0-9]* of them new\.$' rescue "$work/mixed.rescue" --partly --dir "$force"

printf '== a lost phone\n'
start_server
phone 'PC 1003' 'goes offline' 'checks in at TRAIN 0003 alone' 'checks out' "rescue $work/lost.rescue"
stop_server
device=$("$ctl" list devices --dir "$force" | awk -F '\t' '$2 == "PC 1003" { print $1; exit }')
expect 0 'it is declared lost' 'is lost' revoke --device "$device" --as-of 2026-03-02T08:00Z --dir "$force"
expect 0 'its file is taken in, and held' '^The device is lost: ' rescue "$work/lost.rescue" --dir "$force"
expect 0 'all of it is sound' '^verify: sound$' verify --dir "$force"

printf 'failed: %d\n' "$failures"
[ "$failures" = 0 ]
