#!/usr/bin/env bash
# The layer check sees what it is there to see: each fault is planted in a small tree of its own.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

mkdir -p "$work"/cmake "$work"/core "$work"/server/logic "$work"/server/edge "$work"/device
cp cmake/check_layers.sh cmake/layers.txt "$work/cmake/"

# compile LAYER FILE: as CMake names objects.
compile()
{
    mkdir -p "$work/build/CMakeFiles/$1.dir/$(dirname "$2")"
    cc -w -I "$work" -c "$work/$2" -o "$work/build/CMakeFiles/$1.dir/$2.o"
}

# plant LAYER FILE TEXT
plant()
{
    printf '%s\n' "$3" >"$work/$2"
    compile "$1" "$2"
}

# found NAME PATTERN: the check fails and says PATTERN. Then the tree is made clean again.
found()
{
    if ! "$work/cmake/check_layers.sh" "$work/build" >"$work/said" 2>&1 && grep -q -- "$2" "$work/said"; then
        printf 'ok      %s\n' "$1"
    else
        printf 'FAILED  %s\n' "$1"
        cat "$work/said"
        failures=$((failures + 1))
    fi
    clean_tree
}

clean_tree()
{
    cp -r "$work/clean/." "$work"
    rm -f "$work/server/logic/b.h"
}

make_tree()
{
    plant dc_core core/a.c 'int core_a(const char *s) { return (int)__builtin_strlen(s); }'
    plant dc_server_logic server/logic/b.c 'int core_a(const char *s); int logic_b(const char *s) { return core_a(s); }'
    plant dc_server_edge server/edge/c.c 'int edge_c(void) { return rand(); }'
    plant dc_device device/d.c 'int core_a(const char *s); int device_d(void) { return rand() + core_a(""); }'
    plant dc_device device/e_step.c 'int core_a(const char *s); int device_e(void) { return core_a(""); }'
}

make_tree
mkdir "$work/clean"
cp -r "$work/core" "$work/server" "$work/device" "$work/build" "$work/clean/"
if "$work/cmake/check_layers.sh" "$work/build" >"$work/said" 2>&1; then
    printf 'ok      a clean tree passes\n'
else
    cat "$work/said"
    failures=$((failures + 1))
fi

for call in 'time(0)' 'clock_gettime(0, 0)' 'rand()' 'getrandom(0, 0, 0)' 'RAND_bytes(0, 0)' 'printf("%d", 1)' 'open("", 0)' \
    'fopen("", "")' 'socket(0, 0, 0)' 'pthread_create(0, 0, 0, 0)' 'sqlite3_open(0, 0)' 'lws_service(0, 0)' \
    'PQconnectdb("")' 'getenv("")' 'strtok(0, "")' 'strerror(0)' 'EVP_PKEY_Q_keygen(0, 0, "")'; do
    name=${call%%(*}
    plant dc_core core/a.c "int core_a(const char *s) { $call; return 0; }"
    found "core calls $name" "core/a.c calls $name"
done
plant dc_server_logic server/logic/b.c 'int edge_c(void); int logic_b(const char *s) { return edge_c(); }'
found 'logic calls edge' 'server/logic/b.c calls edge_c'
plant dc_device device/e_step.c 'int device_d(void); int device_e(void) { return device_d(); }'
found "the device's pure step calls what is not pure" 'device/e_step.c calls device_d'
plant dc_device device/d.c 'int logic_b(const char *s); int device_d(void) { return logic_b(""); }'
found 'device calls the server' 'device/d.c calls logic_b'
plant dc_server_edge server/edge/c.c 'int device_d(void); int edge_c(void) { return device_d(); }'
found 'the server calls the device' 'server/edge/c.c calls device_d'
plant dc_device device/d.c 'int edge_c(void) { return 0; } int device_d(void) { return 0; }'
found 'one name defined twice' 'edge_c is defined in server/edge/c.c device/d.c'
printf '#define B 1\n' >"$work/server/logic/b.h"
plant dc_core core/a.c '#include "server/logic/b.h"
int core_a(const char *s) { return B; }'
found 'core includes the server' 'core/a.c includes "server/logic/b.h"'
plant dc_server_logic server/logic/b.c '#include <pthread.h>
int logic_b(const char *s) { return 0; }'
found 'logic includes threads' 'includes <pthread.h>'

printf '%d failures\n' "$failures"
[ "$failures" = 0 ]
