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

/* The app was killed with entries in the write-ahead log; or, the first time, there was nothing at all. */
static void leave_store(struct world *world, bool fresh, struct hash *ret_last)
{
    static const uint8_t message[] = {0x0a, 0x03, 'n', 'e', 'w'};
    struct device_fixture *fixture = &world->fixture;

    if (!fresh) {
        device_fixture_open(fixture);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(dc_append(fixture->device, 50, message, sizeof message, NULL), DC_OK);
        assert_int_equal(store_entry_hash(fixture->device->store, 3, ret_last), STATUS_OK);
        fault_vfs_cut(world->disk);
    }
    dc_device_close(fixture->device);
    fixture->device = NULL;
    assert_true(fault_vfs_restore(world->disk, UINT64_MAX));
}

/* One plan for one opening; false: it has got past all that opening writes. */
static bool opening_survives(const struct fault_plan *plan, bool fresh)
{
    struct world world = {.disk = fault_vfs_install("/tmp/doublecrew-device-")};
    struct device_fixture *fixture = &world.fixture;
    struct hash last, found;
    enum dc_status status;
    bool fired;

    assert_non_null(world.disk);
    device_fixture_init(fixture, 2);
    leave_store(&world, fresh, &last);
    fault_vfs_plan(world.disk, plan);
    status = dc_device_open(NULL, &fixture->config, &fixture->device);
    fired = fault_vfs_fired(world.disk);
    assert_true(status == DC_OK || (fired && (status == DC_IO || status == DC_DISK_FULL)));
    if (status == DC_OK)
        dc_device_close(fixture->device);
    fixture->device = NULL;
    fault_vfs_plan(world.disk, NULL);
    device_fixture_open(fixture);
    assert_int_equal(fixture->device->head.seq, fresh ? 0 : 3);
    if (!fresh) {
        assert_int_equal(store_entry_hash(fixture->device->store, 3, &found), STATUS_OK);
        assert_memory_equal(&found, &last, sizeof last);
    }
    device_fixture_done(fixture);
    fault_vfs_remove(world.disk);
    return fired;
}

/* Whichever write or sync of an opening fails, and however: the store opens when the disk works again, with everything (E1). */
static void opening_on_a_disk_that_fails__opens_once_it_works(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (unsigned how = 0; how < 32; how++) {
        bool fresh = (how & 1) != 0, syncs = (how & 2) != 0;

        for (uint64_t nth = 1; nth < 200; nth++) {
            struct fault_plan plan = {
                .torn = (how & 4) != 0, .for_good = (how & 8) != 0, .write_code = (how & 16) != 0 ? SQLITE_FULL : 0};

            plan.fail_sync = syncs ? nth : 0;
            plan.fail_write = syncs ? 0 : nth;
            if (!opening_survives(&plan, fresh))
                break;
            failed++;
        }
    }
    assert_true(failed > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_on_a_disk_that_fails__opens_once_it_works),
        cmocka_unit_test_setup_teardown(welcome__that_could_not_be_stored_is_forgotten, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
