#!/usr/bin/env bash
# doublecrewctl from the outside: a force from nothing, every kind of bad file, and the same beside a running server.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
build=${1:?usage: $0 BUILD_FOLDER}
ctl=${DOUBLECREWCTL:-$build/bin/doublecrewctl}
daemon=${DOUBLECREWD:-$build/bin/doublecrewd}
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

# expect CODE NAME PATTERN ARGUMENTS...: doublecrewctl exits so, and prints a line like this (extended regular expression).
expect()
{
    local code=$1 name=$2 pattern=$3 got=0
    shift 3
    "$ctl" "$@" >"$work/said" 2>&1 || got=$?
    if [ "$got" != "$code" ]; then
        printf 'exit code %s, not %s\n' "$got" "$code" >>"$work/said"
        report 1 "$name"
    elif ! grep -qE -- "$pattern" "$work/said"; then
        printf 'no line like: %s\n' "$pattern" >>"$work/said"
        report 1 "$name"
    else
        report 0 "$name"
    fi
}

# check NAME COMMAND...
check()
{
    local name=$1 wrong=0
    shift
    "$@" >"$work/said" 2>&1 || wrong=1
    report "$wrong" "$name"
}

csv()
{
    printf '%b' "$2" >"$work/$1"
}

# All that an import could change: the journal's head, certificates kept, packages.
state_of()
{
    "$ctl" status --dir "$force" 2>&1 | grep -E '^(records|Merkle root)'
    ls "$force/certs/devices" "$work/out" 2>/dev/null
}

# refused KIND NAME PATTERN CSV: exit 1, this line said, and nothing imported.
refused()
{
    local kind=$1 name=$2 pattern=$3 before
    local -a out=()
    printf '%b' "$4" >"$work/bad.csv"
    [ "$kind" != devices ] || out=(--out "$work/out")
    before=$(state_of)
    expect 1 "$kind: $name" "$pattern" import "$kind" "$work/bad.csv" --dir "$force" "${out[@]}"
    if [ "$before" != "$(state_of)" ]; then
        state_of >"$work/said"
        report 1 "$kind: $name: something was imported"
    fi
}

start_server()
{
    "$daemon" --config "$force/doublecrewd.conf" --ready-file "$force/server.ready" >"$work/server.out" 2>"$work/server.log" &
    server=$!
    for _ in $(seq 100); do
        [ -e "$force/server.ready" ] && break
        sleep 0.1
    done
    cp "$work/server.log" "$work/said"
    check 'the server is ready' test -e "$force/server.ready"
}

printf '== the command line\n'
expect 0 'help lists the commands' '^  enrol +enrol a device' help
expect 0 'no arguments: the same' '^  verify ' # nothing
for command in init import enrol revoke cover seed list quiet rescue status policy rebuild verify backup judge; do
    expect 0 "help $command" "^doublecrewctl $command " help "$command"
done
expect 0 'version' '^doublecrewctl [0-9]' --version
expect 2 'help for what there isn'"'"'t' "no command 'frobnicate'" help frobnicate
expect 2 'unknown command' "no command 'frobnicate'" frobnicate
expect 2 'unknown option' "no option '--verbose' here" status --verbose
expect 2 'option without its value' "'--dir' needs a value" status --dir
expect 2 'one argument too many' "'x' is one argument too many" status x
expect 2 'import of what there isn'"'"'t' '^Usage: doublecrewctl import' import pets x.csv
expect 2 'import without a file' '^Usage: doublecrewctl import' import teams
expect 2 'devices without --out' 'devices need --out' import devices x.csv
expect 2 'teams with --out' 'goes with devices only' import teams x.csv --out y
expect 2 'list of what there isn'"'"'t' '^Usage: doublecrewctl list' list pets
expect 2 'rebuild without --check' '^Usage: doublecrewctl rebuild' rebuild
expect 2 'enrol without an officer' '^Usage: doublecrewctl enrol' enrol --out x
expect 2 'revoke expired and suspended at once' '^Usage: doublecrewctl revoke' revoke --device x --expired --suspend
expect 2 'revoke lost and active at once' '^Usage: doublecrewctl revoke' revoke --device x --lost --active
expect 2 'cover by somebody and nobody' '^Usage: doublecrewctl cover' cover --officer x --by y --back
expect 2 'cover by whom' '^Usage: doublecrewctl cover' cover --officer x
expect 2 'cover of whom' '^Usage: doublecrewctl cover' cover --by x
expect 2 'init without a name' '^Usage: doublecrewctl init' init --dir "$force"
expect 2 'init with a port that is none' "'70000' is not a port" init --dir "$force" --force F --port 70000
expect 2 'init with an empty port' "'' is not a port" init --dir "$force" --force F --port ''
expect 2 'init of a real force at another time' 'goes with --training only' init --dir "$force" --force F --at 2026-03-02
expect 2 'init at no time' 'is not a time' init --dir "$force" --force F --training --at noon
expect 2 'init with a name of two lines' 'must be one line' init --dir "$force" --force $'F\nG'
expect 1 'a folder without a force' 'there is no force in' status --dir "$work"
expect 1 'list there' 'there is no force in' list teams --dir "$work"
expect 1 'verify there' 'there is no force in' verify --dir "$work"
check 'nothing was made by all that' test ! -e "$force"

printf '== init\n'
DOUBLECREW_CERTS=$work/none expect 1 'without the certificate scripts' 'DOUBLECREW_CERTS' init --dir "$force" --force F
check 'nothing is left of it' test ! -e "$force"
expect 0 'init' "^Force 'Fenland \(invented\)' is set up" init --dir "$force" --force 'Fenland (invented)' --port 0
for file in doublecrewd.conf force.conf store.db keys/checkpoint.pem certs/ca-bundle.pem certs/server/server.pem \
    operator/local/signing.pem operator/online/device.conf operator/online/key.pem; do
    check "there is $file" test -s "$force/$file"
done
check 'no clock in a real force' test ! -e "$force/operator/clock"
check 'nobody else can read any of it' test -z "$(find "$force" -perm /077)"
before=$(find "$force" -type f -exec sha256sum {} + | sort)
expect 1 'init in the same folder' 'is not an empty folder' init --dir "$force" --force F
check 'it changed nothing' test "$before" = "$(find "$force" -type f -exec sha256sum {} + | sort)"
expect 0 'status of a new force' '^records: 4$' status --dir "$force"

printf '== import\n'
csv teams.csv 'name,code\nNorthern team,North\n"Southern, and ""Marsh""",South\n'
csv officers.csv '\xef\xbb\xbfcode,name,role,accredited,teams,entitled_from,entitled_to\r\nPC 1,Ann Invented,offender_manager,,North,,\r\nPC 2,Ben Invented,constable,no,North; South,2026-01-01,2030-01-01T00:00Z\r\nDS 3,Cat Invented,supervisor,,North;South,,\r\nSupt 4,Dan Invented,leader,,,,\r\n'
csv offenders.csv 'reference,register_reference,risk,team,manager,latitude,longitude,next_due,arms_priority\nR 1,INV-1,very_high,North,PC 1,52.4023,-0.2612,2026-03-02T09:00Z,high\nR 2,,low,South,PC 1,,,,\n'
csv devices.csv 'officer,label\nPC 1,first phone\nPC 2,\nPC 1,second phone\n'
expect 0 'teams' '^teams imported: 2$' import teams "$work/teams.csv" --dir "$force"
expect 0 'officers, with a byte order mark and Windows line ends' '^officers imported: 4$' import officers "$work/officers.csv" --dir "$force"
expect 0 'offenders' '^offenders imported: 2$' import offenders "$work/offenders.csv" --dir "$force"
expect 0 'devices' '^devices imported: 3$' import devices "$work/devices.csv" --dir "$force" --out "$work/out"
expect 0 'list teams' $'^South\tSouthern, and "Marsh"$' list teams --dir "$force"
expect 0 'list officers: accredited by role' $'^PC 1\tAnn Invented\toffender_manager\tyes\tNorth$' list officers --dir "$force"
expect 0 'list officers: two teams' $'^PC 2\tBen Invented\tconstable\tno\tNorth;South$' list officers --dir "$force"
expect 0 'list offenders' $'^R 1\tvery_high\tNorth\tPC 1\t2026-03-02 09:00:00 \\+00:00$' list offenders --dir "$force"
expect 0 'list devices' $'^[0-9a-f]{32}\tPC 2\tactive\t0\tnever\t\t$' list devices --dir "$force"
check 'three packages' test "$(ls "$work/out")" = $'PC-1-1\nPC-1-2\nPC-2-1'
for file in device.conf key.pem certificate.pem signing.pem ca.pem; do
    check "a package holds $file" test -s "$work/out/PC-1-2/$file"
done
check 'nobody else can read a package' test -z "$(find "$work/out" -perm /077)"
check 'the package says whose it is' grep -q '^officer_code = PC 1$' "$work/out/PC-1-2/device.conf"
check 'its certificate is by the force'"'"'s CA' openssl verify -CAfile "$work/out/PC-1-2/ca.pem" -untrusted \
    "$work/out/PC-1-2/certificate.pem" "$work/out/PC-1-2/certificate.pem"
check 'no device key is kept' test -z "$(find "$force/certs/devices" -name '*.key')"
before=$(state_of)
expect 0 'the same file again changes nothing' '^offenders imported: 0, unchanged: 2$' import offenders "$work/offenders.csv" --dir "$force"
expect 0 'a file without rows' '^teams imported: 0$' import teams <(printf 'code,name\n') --dir "$force"
check 'no record was added' test "$before" = "$(state_of)"
csv change.csv 'reference,register_reference,risk,team,manager,next_due\nR 1,INV-1,medium,North,PC 1,\n'
expect 0 'a change' '^offenders imported: 1$' import offenders "$work/change.csv" --dir "$force"
expect 0 'an empty cell empties' $'^R 1\tmedium\tNorth\tPC 1\tnot set$' list offenders --dir "$force"
csv change.csv 'code,name,role\nPC 2,Ben Invented-Changed,constable\n'
expect 0 'a change of one column' '^officers imported: 1$' import officers "$work/change.csv" --dir "$force"
expect 0 'columns left out stay' $'^PC 2\tBen Invented-Changed\tconstable\tno\tNorth;South$' list officers --dir "$force"

printf '== files that are wrong\n'
refused teams 'unknown column' 'bad.csv:1: column .shoe. is not one' 'code,name,shoe\nA,B,9\n'
refused teams 'missing column' 'bad.csv:1: column .name. is missing' 'code\nA\n'
refused teams 'column twice' 'bad.csv:1: column .code. is there twice' 'code,name,code\nA,B,A\n'
refused teams 'unquoted quotation mark' 'bad.csv:3: not valid CSV' 'code,name\nA,B\nC,D"E\n'
refused teams 'unclosed quotation mark' 'bad.csv:2: a quoted cell is never closed' 'code,name\nA,"B\n'
refused teams 'not UTF-8' 'bad.csv:2: this line is not UTF-8' 'code,name\nA,M\xfcnster\n'
refused teams 'too few cells' 'bad.csv:3: 1 cells where the header has 2' 'code,name\nA,B\nC\n'
refused teams 'too many cells' 'bad.csv:2: 3 cells where the header has 2' 'code,name\nA,B,C\n'
refused teams 'empty file' 'bad.csv:1: the file is empty' ''
refused teams 'repeated code' "bad.csv:4: 'A' stands in line 2 already" 'code,name\nA,B\nC,D\nA,E\n'
refused teams 'empty code' 'bad.csv:2: the code is empty' 'code,name\n,B\n'
refused teams 'semicolon in a code' 'bad.csv:2: the code must not hold a semicolon' 'code,name\nA;B,C\n'
refused teams 'two lines in a cell' 'bad.csv:2: the name must be one line' 'code,name\nA,"B\nC"\n'
refused teams 'name too long' 'bad.csv:2: the name is longer than 127 bytes' "code,name\nA,$(printf '%0200d' 0)\n"
refused officers 'unknown role' "bad.csv:2: role 'chief' is none of" 'code,name,role,teams\nPC 9,E,chief,North\n'
refused officers 'unknown team' "bad.csv:2: team 'West' is not known" 'code,name,role,teams\nPC 9,E,constable,North;West\n'
refused officers 'team twice' "bad.csv:2: team 'North' is named twice" 'code,name,role,teams\nPC 9,E,constable,North; North\n'
refused officers 'no team' 'bad.csv:2: teams is empty' 'code,name,role,teams\nPC 9,E,constable,\n'
refused officers 'accredited maybe' "bad.csv:2: accredited 'maybe' is neither" 'code,name,role,accredited,teams\nPC 9,E,constable,maybe,North\n'
refused officers 'bad date' "bad.csv:2: entitled_from '1/2/2026' is not a date" 'code,name,role,teams,entitled_from\nPC 9,E,constable,North,1/2/2026\n'
refused officers 'a day that there isn'"'"'t' "entitled_to '2026-02-30' is not a date" 'code,name,role,teams,entitled_to\nPC 9,E,constable,North,2026-02-30\n'
refused officers 'window that ends before it begins' 'bad.csv:2: entitled_to is not after' 'code,name,role,teams,entitled_from,entitled_to\nPC 9,E,constable,North,2026-02-02,2026-02-01\n'
refused officers 'the operator' "bad.csv:2: 'operator' is this force's operator" 'code,name,role,teams\noperator,E,constable,North\n'
refused offenders 'unknown risk' "bad.csv:2: risk 'extreme' is none of" 'reference,register_reference,risk,team,manager\nR 9,,extreme,North,PC 1\n'
refused offenders 'unknown team' "bad.csv:2: team 'West' is not known" 'reference,register_reference,risk,team,manager\nR 9,,low,West,PC 1\n'
refused offenders 'unknown manager' "bad.csv:2: manager 'PC 9' is not known" 'reference,register_reference,risk,team,manager\nR 9,,low,North,PC 9\n'
refused offenders 'manager who is none' "bad.csv:2: manager 'PC 2' is not an offender manager" 'reference,register_reference,risk,team,manager\nR 9,,low,North,PC 2\n'
place='reference,register_reference,risk,team,manager,latitude,longitude'
refused offenders 'latitude beyond the pole' "bad.csv:2: latitude '90.1' is not" "$place\nR 9,,low,North,PC 1,90.1,0\n"
refused offenders 'longitude in words' "bad.csv:2: longitude 'west' is not" "$place\nR 9,,low,North,PC 1,52,west\n"
refused offenders 'hexadecimal degrees' "bad.csv:2: latitude '0x10' is not" "$place\nR 9,,low,North,PC 1,0x10,0\n"
refused offenders 'latitude alone' "bad.csv:2: longitude '' is not" "$place\nR 9,,low,North,PC 1,52,\n"
refused offenders 'bad date' "bad.csv:2: next_due 'soon' is not a date" 'reference,register_reference,risk,team,manager,next_due\nR 9,,low,North,PC 1,soon\n'
refused offenders 'one bad row among good ones' 'bad.csv:3: risk' 'reference,register_reference,risk,team,manager\nR 8,,low,North,PC 1\nR 9,,extreme,North,PC 1\nR 10,,low,North,PC 1\n'
refused devices 'unknown officer' "bad.csv:3: officer 'PC 9' is not known" 'officer,label\nPC 2,x\nPC 9,x\n'
refused devices 'package folder that is taken' "package '.*/PC-2-1' could not be made" 'officer,label\nDS 3,x\nPC 2,x\n'
expect 1 'file missing' 'none.csv: nothing was imported: It is not there' import teams "$work/none.csv" --dir "$force"
printf 'risk,team\n"' >"$work/bad.csv"
check 'several faults are said at once' test "$(
    printf 'code,name,role,teams,entitled_to\n,E,chief,West,never\nPC 8,,constable,North,\n' >"$work/bad.csv"
    "$ctl" import officers "$work/bad.csv" --dir "$force" 2>&1 | grep -c 'bad.csv:[23]:'
)" = 5

printf '== devices\n'
expect 1 'enrol for nobody' "officer 'PC 9'.*not on the roster" enrol --officer 'PC 9' --out "$work/out/x" --dir "$force"
expect 0 'enrol' '^Enrolled for DS 3: ' enrol --officer 'DS 3' --label 'desk' --out "$work/out/deep/er/desk" --dir "$force"
expect 1 'enrol into a folder that is taken' 'could not be made' enrol --officer 'DS 3' --out "$work/out/deep/er/desk" --dir "$force"
check 'the package there is whole' test -s "$work/out/deep/er/desk/key.pem"

# phone NAME DEVICE_ID CURVE: a phone that makes its own keys.
phone()
{
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj "/CN=$2" -keyout "$work/$1.key" \
        -out "$work/$1.csr" 2>/dev/null
    openssl genpkey -algorithm "$3" -out "$work/$1.log.key" -pkeyopt "${4:-}" 2>/dev/null ||
        openssl genpkey -algorithm "$3" -out "$work/$1.log.key" 2>/dev/null
    openssl pkey -in "$work/$1.log.key" -pubout -out "$work/$1.pub"
}
phone one "$(printf '%032x' 17)" ed25519
phone two "$(printf '%032x' 18)" EC ec_paramgen_curve:P-256
phone three 'some phone' ed25519
phone four "$(printf '%032x' 19)" EC ec_paramgen_curve:P-384
own_keys()
{
    expect "$1" "$2" "$3" enrol --officer 'DS 3' --csr "$work/$4.csr" --public-key "$work/$5.pub" --out "$work/out/own-$4" --dir "$force"
}
own_keys 0 'a phone with keys of its own' '^Enrolled for DS 3: ' one one
own_keys 0 'a phone with a P-256 key' '^Enrolled for DS 3: ' two two
check 'its package holds no key' test -z "$(find "$work/out/own-one" -name '*.pem' -exec grep -l PRIVATE {} +)"
check 'its certificate is for its key' cmp <(openssl pkey -in "$work/one.key" -pubout) \
    <(openssl x509 -in "$work/out/own-one/certificate.pem" -noout -pubkey)
expect 0 'it has the id that it chose' "^$(printf '%032x' 17)"$'\tDS 3\tactive' list devices --dir "$force"
own_keys 1 'a phone whose name is no id' 'is not a request' three three
own_keys 1 'a key of another curve' 'is not a public key' four four
cp "$work/teams.csv" "$work/none-such.csr"
own_keys 1 'a request that is none' 'is not a request' none-such one
own_keys 1 'no request' "can't be opened" none one
expect 1 'the same device again' 'could not be made' enrol --officer 'DS 3' --csr "$work/one.csr" --public-key "$work/two.pub" --out "$work/out/again" --dir "$force"
check 'its certificate is still kept' test -s "$force/certs/devices/$(printf '%032x' 17).pem"
expect 2 'a request without the public key' '^Usage: doublecrewctl enrol' enrol --officer 'DS 3' --csr "$work/one.csr" --out x --dir "$force"

device=$(sed -n 's/^device_id = //p' "$work/out/PC-2-1/device.conf")
own=$(sed -n 's/^device_id = //p' "$force/operator/local/device.conf")
expect 1 'revoke what is no device id' 'not 32 hex digits' revoke --device 12 --dir "$force"
expect 1 'revoke a device that there isn'"'"'t' 'is not enrolled here' revoke --device "${own//[0-9]/a}" --dir "$force"
expect 1 'revoke the operator'"'"'s own' 'is not revoked here' revoke --device "$own" --dir "$force"
expect 1 'revoke at no time' 'is not a time' revoke --device "$device" --as-of noon --dir "$force"
expect 0 'suspend' '^Device .* is suspended' revoke --device "$device" --suspend --reason 'left on a bus' --dir "$force"
expect 0 'it is suspended, and must give back what it holds' "^$device"$'\tPC 2\tsuspended\t0\tnever\t\t20[0-9]{2}-' list devices --dir "$force"
expect 0 'expired' '^Device .* is expired' revoke --device "$device" --expired --dir "$force"
expect 0 'it is expired' "^$device"$'\tPC 2\texpired' list devices --dir "$force"
expect 0 'active again' '^Device .* is active' revoke --device "$device" --active --dir "$force"
expect 0 'lost' '^Device .* is lost' revoke --device "$device" --as-of 2026-03-01T12:00Z --dir "$force"
expect 0 'it is lost' "^$device"$'\tPC 2\tlost' list devices --dir "$force"

printf '== cover\n'
cover()
{
    local code=$1 name=$2 pattern=$3
    shift 3
    expect "$code" "$name" "$pattern" cover "$@" --dir "$force"
}
week=(--officer 'DS 3' --by 'Supt 4' --from 2099-03-02T09:00Z)
cover 1 'cover of nobody' "no officer 'DS 9'" --officer 'DS 9' --by 'Supt 4'
cover 1 'cover by nobody' "no officer 'DS 9'" --officer 'DS 3' --by 'DS 9'
cover 1 'cover of a constable' "'PC 2' is no supervisor, no leader" --officer 'PC 2' --by 'DS 3'
cover 1 'cover by a constable' "'PC 2' is neither a supervisor nor a leader" --officer 'DS 3' --by 'PC 2'
cover 1 'cover by themselves' 'nobody stands in for themselves' --officer 'DS 3' --by 'DS 3'
cover 1 'cover from no time' "--from 'noon' is not a time" --officer 'DS 3' --by 'Supt 4' --from noon
cover 1 'cover to no time' "--to 'noon' is not a time" "${week[@]}" --to noon
cover 1 'cover that ends before it begins' 'the cover ends before it begins' "${week[@]}" --to 2099-03-02T09:00Z
cover 0 'nobody is away' $'^away\tstands in\tfrom\tto$'
cover 0 'cover for a week' '^Supt 4 stands in for DS 3 from 2099-03-02 09:00:00 .* until 2099-03-09' "${week[@]}" --to 2099-03-09
cover 0 'it is listed' $'^DS 3\tSupt 4\t2099-03-02 09:00:00 .*\t2099-03-09 00:00:00'
cover 0 'back for a day' '^DS 3 is back from 2099-03-04' --officer 'DS 3' --back --from 2099-03-04 --to 2099-03-05
cover 0 'that is listed too' $'^DS 3\t[(]back[)]\t2099-03-04'

printf '== quiet\n'
expect 0 'quiet names devices that never came' $'^[0-9a-f]{32}\tPC 1\thas never connected' quiet --dir "$force"
check 'but not one that is lost' test -z "$("$ctl" quiet --dir "$force" | grep "^$device")"
expect 0 'quiet with another time' 'has never connected' quiet --since 7d --dir "$force"
for since in 24 h -1h 1y 367d ''; do
    expect 2 "quiet since '$since'" 'is not a time: write it as' quiet --since "$since" --dir "$force"
done

printf '== policy\n'
expect 0 'policy show' '^max_alone = 600 s$' policy show --dir "$force"
printf 'max_alone = 5 min\nfar_away = 3 km\n' >"$work/policy.conf"
expect 1 'a parameter that there isn'"'"'t' "no parameter 'far_away'" policy apply "$work/policy.conf" --dir "$force"
expect 0 'the policy stays' '^# Policy version 1\.' policy show --dir "$force"
printf 'max_alone = 5 min\nlone_forbidden = very_high\n' >"$work/policy.conf"
expect 0 'policy apply' '^Policy version 2 is in force' policy apply "$work/policy.conf" --dir "$force"
expect 0 'the new one is shown' '^max_alone = 300 s$' policy show --dir "$force"
printf 'max_alone = 15 km\n' >"$work/policy.conf"
expect 1 'a wrong unit' 'max_alone = 15 km: give a whole number and a unit' policy check "$work/policy.conf" --dir "$force"
printf 'max_alone = 15 min\neffective_from = 2001-01-01\n' >"$work/policy.conf"
expect 1 'a policy of the past' 'never back-dated' policy check "$work/policy.conf" --dir "$force"
printf 'max_alone = 15 min\neffective_from = 2101-01-01T00:00Z\n' >"$work/policy.conf"
expect 0 'policy check says what changes' 'max_alone: 5 min -> 15 min' policy check "$work/policy.conf" --dir "$force"
expect 0 'checking changes nothing' '^versions: 2$' policy history --dir "$force"
expect 0 'policy what-if' '^presences of the last 30 days: 0, verdicts that would differ: 0$' \
    policy what-if "$work/policy.conf" --days 30 --dir "$force"
expect 0 'a policy for later' 'version 3 is recorded; effective from: 2101-01-01' policy apply "$work/policy.conf" --dir "$force"
expect 0 'the one in force stays' '^max_alone = 300 s$' policy show --dir "$force"
expect 0 'the history' '^version 3, takes effect 2101-01-01 00:00:00 .00:00$' policy history --dir "$force"
printf 'max_alone = 20 min\n' >"$work/policy.conf"
expect 1 'dates that overlap' 'version 3 is set to take effect at 2101' policy apply "$work/policy.conf" --dir "$force"
printf 'max_alone = 20 min\neffective_from = 2102-01-01\n' >"$work/policy.conf"
expect 0 'one after it' 'version 4 is recorded' policy apply "$work/policy.conf" --dir "$force"
printf 'max_alone = 5 min\neffective_from = 2103-01-01\n' >"$work/policy.conf"

printf '== checks and copies\n'
expect 0 'verify: pages' '^pages: sound$' verify --dir "$force"
expect 0 'verify: signatures' '^signatures: [0-9]+ pushes, each signed' verify --dir "$force"
expect 0 'verify' '^verify: sound$' verify --dir "$force"
expect 0 'rebuild --check' '^rebuild: byte-identical$' rebuild --check --dir "$force"
check 'no copy is left of them' test -z "$(find "$force" -name 'check-*')"
expect 0 'backup' '^Backup: ' backup "$work/backup.db" --dir "$force"
expect 1 'backup to a name that is taken' 'It is there already' backup "$work/backup.db" --dir "$force"
cp -r "$force" "$work/restored"
rm -f "$work/restored"/store.db*
cp "$work/backup.db" "$work/restored/store.db"
expect 0 'the backup is sound' '^verify: sound$' verify --dir "$work/restored"

printf '== training\n'
expect 1 'seed on a real force' 'not a training force' seed 7 --dir "$force"
for one in a b; do
    expect 0 "init --training ($one)" '\(training\)' init --dir "$work/$one" --force T --training --at 2026-03-02T06:00Z --port 0
    expect 0 "seed 7 ($one)" '^Seeded from number 7: .* 60 devices' seed 7 --dir "$work/$one"
done
expect 2 'seed without a number' "'seven' is not a number" seed seven --dir "$work/a"
expect 1 'seed again' 'has teams or offenders already' seed 8 --dir "$work/a"
check 'a training force has a clock' test -s "$work/a/operator/clock/device.conf"
for kind in teams officers offenders; do
    check "the same number gives the same $kind" cmp <("$ctl" list "$kind" --dir "$work/a") <("$ctl" list "$kind" --dir "$work/b")
done
check 'and the same device ids' cmp <("$ctl" list devices --dir "$work/a" | grep -v operator) \
    <("$ctl" list devices --dir "$work/b" | grep -v operator)
check '1,000 offenders' test "$("$ctl" list offenders --dir "$work/a" | wc -l)" = 1001
check '60 packages' test "$(find "$work/a/devices" -name signing.pem | wc -l)" = 60
expect 0 'its clock stands where init said' '^time of the last record: 2026-03-02 06:00:00' status --dir "$work/a"
expect 0 'anchors of a wrong clock are declared void' '^Anchors issued from 2026-03-02T09:00Z up to 2026-03-02T10:00Z' \
    anchor void --from 2026-03-02T09:00Z --to 2026-03-02T10:00Z --reason 'an hour ahead' --dir "$work/a"
expect 1 'a range that ends before it begins' 'must be earlier than --to' \
    anchor void --from 2026-03-02T11:00Z --to 2026-03-02T10:00Z --reason x --dir "$work/a"
expect 2 'anchor void needs its range' '^Usage: doublecrewctl anchor void' anchor void --dir "$work/a"
expect 0 'no clock trouble' '^clock: no trouble known' clock show --dir "$work/a"
expect 1 'no clock trouble, nothing to accept' 'nothing to accept' clock accept --dir "$work/a"
echo '1772442000000000 1772438400000000' >"$work/a/store.db.clock"
expect 0 'status shows clock trouble' 'TROUBLE since 2026-03-02 08:00:00' status --dir "$work/a"
expect 0 'the wall clock is accepted' '^accepted' clock accept --dir "$work/a"
rm -f "$work/a/store.db.clock" "$work/a/store.db.clock-accepted"
expect 0 'a seeded force is sound' '^verify: sound$' verify --dir "$work/a"

printf '== the rule as a function\n'
case='{"policy":{"max_alone_s":600,"longest_visit_s":10800,"time_limit_s":14400,"retro_window_s":86400,"evidence_overdue_s":86400,"authority_max_s":604800,"lone_forbidden":["VH","H"],"cosign_round_trip_s":60,"partner_distance_m":100,"far_apart_m":2000,"late_out_m":150,"drift":0.0002},"offenders":{"X":{"risk":"M","at":[0,0]}},"officers":{"A":{"accredited":true,"entitled_from":0,"entitled_to":null}},"devices":{"dA":{"officer":"A","revoked_as_of":null,"revocation_recorded":null,"lost":false}},"presences":[{"id":"p1","officer":"A","device":"dA","offender":"X","in":[1000,1000],"out":[4000,4000],"boot":"b1","in_m":1000,"out_m":4000,"with":"alone","agency":null,"at":[0,0],"out_at":[0,0],"acc":20,"received":4100,"contested":false,"cosign":null,"outcome":"seen"}],"plans":[],"authorities":[],"decisions":[],"watermarks":{"dA":5000},"now":6000}'
printf '%s\nnot json\n{"now":"x"}\n%s' "$case" "$case" >"$work/cases"
check 'judge' test "$("$ctl" judge <"$work/cases" 2>&1 >"$work/verdicts"; printf %s $?)" = 0
check 'a line for each line' test "$(wc -l <"$work/verdicts")" = 4
check 'the first is judged' grep -q '"p1":{"company":"lone_confirmed"' <(sed -n 1p "$work/verdicts")
check 'what is no JSON says so on its line' grep -qE '^\{"error":".*","at":".*"\}$' <(sed -n 2p "$work/verdicts")
check 'what is no case says so on its line' grep -qE '^\{"error":".*","at":".*"\}$' <(sed -n 3p "$work/verdicts")
check 'the run goes on' cmp -s <(sed -n 1p "$work/verdicts") <(sed -n 4p "$work/verdicts")
head -c 1200000 /dev/zero | tr '\0' ' ' >"$work/cases"
printf '\n%s\n' "$case" >>"$work/cases"
check 'a line beyond the limit says so' grep -q 'longer than' <("$ctl" judge <"$work/cases" | sed -n 1p)
check 'and the next is judged' grep -q lone_confirmed <("$ctl" judge <"$work/cases" | sed -n 2p)
expect 2 'judge takes no file' 'one argument too many' judge x

printf '== a store that somebody else has open\n'
csv teams4.csv 'code,name\nLate,Late team\n'
exec 8>>"$force/store.db.lock"
flock 8
expect 1 'no server known' "its port isn't known here: start" import teams "$work/teams4.csv" --dir "$force"
printf '{"event":"ready","port":1}\n' >"$force/server.ready"
expect 1 'no server there' 'no server answers at 127.0.0.1 port 1' import teams "$work/teams4.csv" --dir "$force"
rm "$force/server.ready"
exec 8>&-
check 'nothing waits to be sent' test ! -e "$force/operator/online/device.db"
expect 0 'once it is free' '^teams imported: 1$' import teams "$work/teams4.csv" --dir "$force"

if [ -x "$daemon" ]; then
    printf '== beside a running server\n'
    start_server
    csv teams2.csv 'code,name\nWest,Western team\nEast,Eastern team\n'
    expect 0 'teams over the wire' '^teams imported: 2$' import teams "$work/teams2.csv" --dir "$force"
    expect 0 'they are there at once' $'^East\tEastern team$' list teams --dir "$force"
    expect 0 'enrol over the wire' '^Enrolled for PC 2: ' enrol --officer 'PC 2' --out "$work/out/PC-2-9" --dir "$force"
    expect 0 'status beside it' '^records: ' status --dir "$force"
    expect 0 'verify beside it' '^verify: sound$' verify --dir "$force"
    expect 0 'backup beside it' '^Backup: ' backup "$work/backup2.db" --dir "$force"
    printf '== beside a server that does not answer\n'
    export DOUBLECREWCTL_WAIT_S=1
    csv teams5.csv 'code,name\nStill,Still team\n'
    kill -STOP "$server"
    expect 1 'it is waited for, and given up' '^doublecrewctl: 1 entries are not acknowledged yet' import teams "$work/teams5.csv" --dir "$force"
    expect 1 'a command after it waits for that first' '1 entries of an earlier command' import teams "$work/teams2.csv" --dir "$force"
    kill -CONT "$server"
    DOUBLECREWCTL_WAIT_S=30 expect 0 'the same again: it was sent first, so nothing changes' '^teams imported: 0, unchanged: 1$' import teams "$work/teams5.csv" --dir "$force"
    check 'there is one such team' test "$("$ctl" list teams --dir "$force" | grep -c Still)" = 1
    csv teams6.csv 'code,name\nLast,Last team\n'
    kill -STOP "$server"
    expect 1 'once more' 'not acknowledged yet' import teams "$work/teams6.csv" --dir "$force"
    kill -CONT "$server"
    unset DOUBLECREWCTL_WAIT_S
    kill "$server"
    check 'the server stops' wait "$server"
    rm -f "$force/server.ready"
    expect 1 'nothing is changed on the store before that was sent' 'entries of an earlier command' import teams "$work/teams6.csv" --dir "$force"
    start_server
    expect 0 'it is, once a server runs' '^Policy version 5 is recorded' policy apply "$work/policy.conf" --dir "$force"
    check 'there is that team, too' test "$("$ctl" list teams --dir "$force" | grep -c Last)" = 1
    kill "$server"
    check 'the server stops again' wait "$server"
    server=
    rm -f "$force/server.ready"
    csv teams3.csv 'code,name\nFar,Far team\n'
    expect 0 'teams on the store again' '^teams imported: 1$' import teams "$work/teams3.csv" --dir "$force"
    expect 0 'all of it is sound' '^verify: sound$' verify --dir "$force"
else
    printf 'skipped: beside a running server (doublecrewd is not built)\n'
fi

printf 'failed: %d\n' "$failures"
[ "$failures" = 0 ]
