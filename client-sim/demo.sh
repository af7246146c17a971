#!/usr/bin/env bash
# ./run demo [--once]: a training force from nothing, a day in the field, and what the supervisors saw of it.
# DOUBLECREWD, DOUBLECREWCTL and DOUBLECREW_SIM name the programs; ./run sets them.
set -euo pipefail
cd "$(dirname "$0")/.."

seed=7
day=2026-03-02
once=no
for argument in "$@"; do
    case $argument in
    --once) once=yes ;;
    *)
        printf 'demo: %s is not an option; there is only --once\n' "$argument" >&2
        exit 2
        ;;
    esac
done

ctl=${DOUBLECREWCTL:?run this with ./run demo}
sim=${DOUBLECREW_SIM:?run this with ./run demo}
server=${DOUBLECREWD:?run this with ./run demo}
force=$PWD/demo-force
port=${DOUBLECREW_DEMO_PORT:-8443}

if [ -e "$force" ] && [ ! -e "$force/force.conf" ]; then
    printf 'demo: %s is there, but is no force made by this demo: move it away first\n' "$force" >&2
    exit 1
fi
rm -rf "$force"

printf '\n== a training force: certificates, keys, store\n'
"$ctl" init --dir "$force" --force 'Demonstration force' --training --at "${day}T06:00Z" --port "$port" >/dev/null
"$ctl" seed "$seed" --dir "$force"

printf '\n== a day in the field (training mode: the simulator owns the clock)\n'
result=0
"$sim" demo --dir "$force" client-sim/demo/day.scenario || result=1

printf '\n== is the store what its journal says?\n'
"$ctl" rebuild --check --dir "$force" || result=1

if [ "$result" -ne 0 ]; then
    printf '\ndemo: something did not hold; the force is kept in %s\n' "$force" >&2
    exit 1
fi
if [ "$once" = yes ]; then
    printf '\nThe force is kept in demo-force. Nothing is left running.\n'
    exit 0
fi
cat <<TEXT

== the server stays up on port $port; Ctrl-C stops it. In other terminals, try a phone by hand:
   $sim device --dir $force --as "PC 1001"
   $sim device --dir $force --as "PC 2001"
   $sim device --dir $force --as "DS 301"        (their supervisor)
   then type: help

TEXT
sed -i 's/^training = yes$/&\ntraining_rate = 1/' "$force/doublecrewd.conf"
exec "$server" --config "$force/doublecrewd.conf"
