/* A phone whose disk fails: what couldn't be stored isn't taken as known, and the next session goes on from what was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/lib/device_fixture.h"
#include "tests/lib/fault_vfs.h"

struct world {
    struct fault_vfs *disk;
    struct device_fixture fixture;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    assert_non_null(world);
    world->disk = fault_vfs_install("/tmp/doublecrew-device-");
    assert_non_null(world->disk);
    device_fixture_init(&world->fixture, 1);
    device_fixture_open(&world->fixture);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    device_fixture_done(&world->fixture);
    fault_vfs_remove(world->disk);
    free(world);
    return 0;
}

/* A full disk at Welcome: the checkpoint that it brought is neither shown by the next Hello nor expected to be extended. */
static void welcome__that_could_not_be_stored_is_forgotten(void **state)
{
    struct world *world = *state;
    struct device_fixture *fixture = &world->fixture;
    const struct fault_plan full = {.fail_write = 1, .write_code = SQLITE_FULL, .for_good = true};

    device_fixture_grow(fixture, 3);
    device_fixture_online(fixture);
    device_disconnected(fixture->device, STATUS_NETWORK);
    device_fixture_grow(fixture, 2);
    fault_vfs_plan(world->disk, &full);
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 0, NULL, 512);
    assert_int_not_equal(fixture->device->sync.phase, SYNC_ONLINE);
    assert_true(fault_vfs_fired(world->disk));
    fault_vfs_plan(world->disk, NULL);
    device_fixture_grow(fixture, 4);
    device_fixture_online(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(welcome__that_could_not_be_stored_is_forgotten, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
