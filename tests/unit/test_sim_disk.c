/* The simulated disk itself: the server's store and the device's on it, cut and failed at every write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/edge/store_sqlite.h"
#include "tests/lib/device_fixture.h"
#include "tests/lib/sim_disk.h"
#include "tests/lib/store_fixture.h"

#define OK(call) assert_int_equal((call), STATUS_OK)
#define SQL(db, sql) assert_int_equal(sqlite3_exec((db), (sql), NULL, NULL, NULL), SQLITE_OK)
#define COMMITS 5

struct world {
    char folder[64];
    char path[96];
    struct sim_disk *disk;
    struct sim_machine *server;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    if (!world)
        return -1;
    test_folder_make(world->folder);
    (void)snprintf(world->path, sizeof(world->path), "%s/store", world->folder);
    world->disk = sim_disk_install();
    world->server = world->disk ? sim_disk_add(world->disk, world->folder) : NULL;
    *state = world;
    return world->server ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *world = *state;

    sim_disk_remove(world->disk);
    test_folder_remove(world->folder);
    free(world);
    return 0;
}

/* A fresh store with one commit on it; the plan begins after that. */
static struct store *fresh(struct world *world, const struct fault_plan *plan)
{
    struct store *store = NULL;

    assert_true(sim_machine_clear(world->server));
    OK(store_sqlite_create(world->path, true));
    OK(store_sqlite_open(world->path, STORE_SQLITE_WRITER, &store));
    OK(store_fixture_commit(store, 1));
    sim_machine_plan(world->server, plan);
    return store;
}

static enum status count_row(void *context, const struct journal_row *row)
{
    uint64_t *count = context;

    if (row->first_pos != *count + 1)
        return STATUS_STORE;
    (*count)++;
    return STATUS_OK;
}

static uint64_t rows_after_opening(const char *path)
{
    struct store *store = NULL;
    struct store_head head;
    uint64_t count = 0;

    OK(store_sqlite_open(path, STORE_SQLITE_WRITER, &store));
    OK(store->ops->head(store, &head));
    OK(store->ops->journal_from(store, 1, count_row, &count));
    assert_int_equal(head.pos, count);
    store->ops->close(store);
    OK(store_sqlite_integrity(path));
    return count;
}

static uint64_t commit_some(struct store *store, enum status *ret_first_failure)
{
    uint64_t committed = 1;

    *ret_first_failure = STATUS_OK;
    for (unsigned i = 0; i < COMMITS; i++) {
        enum status status = store_fixture_commit(store, 10 + i);
        if (status == STATUS_OK)
            committed++;
        else if (*ret_first_failure == STATUS_OK)
            *ret_first_failure = status;
    }
    return committed;
}

/* For n = 1, 2, 3 ... until nothing is left to fail. in_doubt: the failed commit may be found whole, as its sync failed. */
static void fail_each(struct world *world, const struct fault_plan *plan, uint64_t *which, enum status expected)
{
    bool in_doubt = which == &plan->fail_sync && plan->for_good;
    bool fired = true;
    unsigned failures = 0;

    for (*which = 1; fired; (*which)++) {
        enum status failure;
        struct store *store = fresh(world, plan);
        uint64_t committed = commit_some(store, &failure);
        store->ops->close(store);
        fired = sim_machine_fired(world->server);
        sim_machine_plan(world->server, NULL);
        if (failure != STATUS_OK) {
            assert_int_equal(failure, expected);
            failures++;
        }
        assert_in_range(rows_after_opening(world->path), committed, committed + (in_doubt && failure != STATUS_OK));
    }
    assert_true(failures >= COMMITS);
}

static void failing_calls__lose_nothing_committed(void **state)
{
    struct fault_plan plan = {0};

    fail_each(*state, &plan, &plan.fail_write, STATUS_IO);
    plan.torn = true;
    fail_each(*state, &plan, &plan.fail_write, STATUS_IO);
    plan.for_good = true;
    fail_each(*state, &plan, &plan.fail_write, STATUS_IO);
    plan = (struct fault_plan){.write_code = SQLITE_FULL};
    fail_each(*state, &plan, &plan.fail_write, STATUS_DISK_FULL);
    plan = (struct fault_plan){0};
    fail_each(*state, &plan, &plan.fail_sync, STATUS_IO);
    plan.for_good = true;
    fail_each(*state, &plan, &plan.fail_sync, STATUS_IO);
}

/* At every write and sync, with nothing, everything, and 12 different choices of the unsynced sectors surviving. */
static void power_cut__keeps_the_committed_prefix(void **state)
{
    struct world *world = *state;
    unsigned in_doubt_kept = 0;
    unsigned cuts = 0;

    for (uint64_t seed = 0; seed < 14; seed++) {
        uint64_t chosen = seed == 13 ? UINT64_MAX : seed;
        bool fired = true;
        for (uint64_t n = 1; fired; n++) {
            struct fault_plan plan = {.cut_at = n, .torn = n % 2 == 0};
            enum status failure;
            struct store *store = fresh(world, &plan);
            uint64_t committed = commit_some(store, &failure);
            store->ops->close(store);
            fired = sim_machine_fired(world->server);
            cuts += fired;
            assert_true(failure == STATUS_OK || failure == STATUS_IO);
            assert_true(sim_machine_restore(world->server, chosen));
            uint64_t rows = rows_after_opening(world->path);
            assert_in_range(rows, committed, committed + (chosen != 0 && failure != STATUS_OK));
            in_doubt_kept += rows > committed;
        }
    }
    print_message("%u power cuts; %u times the commit under way survived whole\n", cuts, in_doubt_kept);
    assert_true(in_doubt_kept > 0);
}

/* The disk bites: without the syncs that SQLite asks for, a cut loses what was committed, and can break the file. */
static void power_cut__takes_what_is_not_synced(void **state)
{
    struct world *world = *state;
    unsigned lost = 0;
    unsigned broken = 0;

    for (uint64_t seed = 0; seed < 40; seed++) {
        sqlite3 *db = NULL;
        sqlite3_stmt *stmt = NULL;
        assert_true(sim_machine_clear(world->server));
        assert_int_equal(sqlite3_open(world->path, &db), SQLITE_OK);
        SQL(db,
            "PRAGMA journal_mode = DELETE; CREATE TABLE t (a, b); CREATE INDEX i ON t (b); PRAGMA synchronous = OFF;");
        for (int i = 0; i < 50; i++)
            SQL(db, "INSERT INTO t VALUES (1, hex(randomblob(200)))");
        sim_machine_cut(world->server);
        assert_int_not_equal(sqlite3_exec(db, "INSERT INTO t VALUES (1, 2)", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_true(sim_machine_restore(world->server, seed));
        assert_int_equal(sqlite3_open(world->path, &db), SQLITE_OK);
        int code = sqlite3_prepare_v2(db, "SELECT count(*), (SELECT quick_check FROM pragma_quick_check(1)) FROM t", -1,
                                      &stmt, NULL);
        if (code == SQLITE_OK)
            code = sqlite3_step(stmt);
        bool whole = code == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 1), "ok") == 0;
        broken += !whole;
        lost += whole && sqlite3_column_int(stmt, 0) < 50;
        (void)sqlite3_finalize(stmt);
        (void)sqlite3_close(db);
    }
    print_message("without syncs, 40 cuts: %u lost commits, %u broken files\n", lost, broken);
    assert_true(lost > 0 && broken > 0);
}

static void cut_machine__answers_nothing_and_others_go_on(void **state)
{
    struct world *world = *state;
    struct sim_machine *phone = sim_disk_add(world->disk, "/phone/");
    struct store *store = fresh(world, NULL);
    sqlite3 *db = NULL;

    assert_non_null(phone);
    assert_int_equal(sqlite3_open("/phone/db", &db), SQLITE_OK);
    sim_machine_cut(world->server);
    SQL(db, "CREATE TABLE t (a)");
    assert_int_equal(store_fixture_commit(store, 2), STATUS_IO);
    assert_false(sim_machine_restore(world->server, 0)); /* still open */
    store->ops->close(store);
    assert_true(sim_machine_restore(world->server, 0));
    assert_int_equal(rows_after_opening(world->path), 1);
    (void)sqlite3_close(db);
    assert_int_equal(access("/phone/db", F_OK), -1); /* no such thing outside */
}

/* A disk with a limit: full for as long as it is, whole afterwards. */
static void full_disk__goes_on_when_there_is_room(void **state)
{
    struct world *world = *state;
    struct store *store = fresh(world, NULL);
    uint64_t committed = 1;
    enum status status = STATUS_OK;

    sim_machine_limit(world->server, sim_machine_size(world->server) + 100 * 1024);
    for (unsigned i = 0; status == STATUS_OK; i++) {
        assert_true(i < 1000);
        status = store_fixture_commit(store, 10 + i);
        committed += status == STATUS_OK;
    }
    assert_int_equal(status, STATUS_DISK_FULL);
    assert_true(sim_machine_fired(world->server));
    assert_int_equal(store_fixture_commit(store, 9), STATUS_DISK_FULL);
    sim_machine_limit(world->server, 0);
    OK(store_fixture_commit(store, 9));
    store->ops->close(store);
    assert_int_equal(rows_after_opening(world->path), committed + 1);
}

/* A copy taken while the store is open, brought back later: an older state, whole. The clone lives a life of its own. */
static void copy__is_whole_and_independent(void **state)
{
    struct world *world = *state;
    struct sim_machine *shelf = sim_disk_add(world->disk, "/shelf/");
    struct store *store = fresh(world, NULL);
    enum status failure;

    assert_non_null(shelf);
    OK(store_fixture_commit(store, 2));
    assert_true(sim_machine_copy(world->server, shelf));
    (void)commit_some(store, &failure);
    OK(failure);
    assert_false(sim_machine_copy(shelf, world->server)); /* open */
    store->ops->close(store);
    assert_int_equal(rows_after_opening(world->path), 2 + COMMITS);
    assert_true(sim_machine_copy(shelf, world->server));
    assert_int_equal(rows_after_opening(world->path), 2);
}

static void backup__that_fails_leaves_nothing(void **state)
{
    struct world *world = *state;
    struct store *store = fresh(world, NULL);
    char copy[128];
    bool fired = true;

    (void)snprintf(copy, sizeof(copy), "%s/copy", world->folder);
    for (uint64_t n = 1; fired; n++) {
        struct fault_plan plan = {.fail_write = n, .write_code = SQLITE_FULL};
        sim_machine_plan(world->server, &plan);
        enum status status = store_sqlite_backup(world->path, copy);
        fired = sim_machine_fired(world->server);
        sim_machine_plan(world->server, NULL);
        assert_int_equal(status, fired ? STATUS_DISK_FULL : STATUS_OK);
        assert_int_equal(access(copy, F_OK), fired ? -1 : 0);
    }
    assert_int_equal(rows_after_opening(copy), 1);
    store->ops->close(store);
}

static uint64_t play(uint64_t seed)
{
    struct sim_disk *disk = sim_disk_install();
    struct sim_machine *machine = sim_disk_add(disk, "/m/");
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open("/m/db", &db), SQLITE_OK);
    SQL(db, "PRAGMA journal_mode = WAL; CREATE TABLE t (a)");
    struct fault_plan plan = {.cut_at = 40 + seed};
    sim_machine_plan(machine, &plan);
    for (int i = 0; i < 50; i++)
        (void)sqlite3_exec(db, "INSERT INTO t VALUES (randomblob(2000))", NULL, NULL, NULL);
    (void)sqlite3_close(db);
    assert_true(sim_machine_restore(machine, seed));
    uint64_t hash = sim_machine_hash(machine);
    sim_disk_remove(disk);
    return hash;
}

static void same_calls_and_seed__give_the_same_bytes(void **state)
{
    unsigned different = 0;

    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        assert_int_equal(play(seed), play(seed));
        different += play(seed) != play(seed + 100);
    }
    assert_true(different > 10);
}

static void connections__exclude_each_other(void **state)
{
    struct world *world = *state;
    sqlite3 *a = NULL;
    sqlite3 *b = NULL;

    assert_non_null(sim_disk_add(world->disk, "/m/"));
    assert_int_equal(sqlite3_open("/m/db", &a), SQLITE_OK);
    SQL(a, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; CREATE TABLE t (a)");
    assert_int_equal(sqlite3_open("/m/db", &b), SQLITE_OK);
    assert_int_equal(sqlite3_exec(b, "SELECT * FROM t", NULL, NULL, NULL), SQLITE_BUSY);
    (void)sqlite3_close(a);
    SQL(b, "SELECT * FROM t");
    assert_int_equal(sqlite3_open("/m/db", &a), SQLITE_OK);
    SQL(a, "BEGIN IMMEDIATE");
    assert_int_equal(sqlite3_exec(b, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_BUSY);
    (void)sqlite3_close(a);
    (void)sqlite3_close(b);
    assert_int_equal(sqlite3_open("/m/other", &a), SQLITE_OK);
    assert_int_equal(sqlite3_open("/m/other", &b), SQLITE_OK);
    SQL(a, "CREATE TABLE t (a); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
    assert_int_equal(sqlite3_exec(b, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_BUSY);
    SQL(b, "BEGIN; SELECT * FROM t");
    assert_int_equal(sqlite3_exec(a, "COMMIT", NULL, NULL, NULL), SQLITE_BUSY); /* b reads */
    SQL(b, "COMMIT");
    SQL(a, "COMMIT");
    (void)sqlite3_close(a);
    (void)sqlite3_close(b);
}

static uint64_t notes_in(struct device_fixture *fixture)
{
    uint64_t seq = 0;
    struct hash hash;
    enum status status = store_head(fixture->device->store, &seq, &hash);

    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return seq;
}

/* The device's own store: what an officer's tap committed survives, what wasn't doesn't come half. */
static void device__keeps_what_it_committed(void **state)
{
    struct world *world = *state;
    struct sim_machine *phone = sim_disk_add(world->disk, "/phone/");
    struct device_fixture fixture;
    char folder[sizeof(fixture.path)];
    struct dc_subject subject = {.offender = {{7}}};
    bool fired = true;
    unsigned cuts = 0;

    assert_non_null(phone);
    device_fixture_init(&fixture, 1);
    memcpy(folder, fixture.path, sizeof(folder));
    (void)snprintf(fixture.path, sizeof(fixture.path), "/phone/device");
    for (uint64_t n = 1; fired; n++) {
        struct fault_plan plan = {.cut_at = n};
        uint64_t committed = 0;
        assert_true(sim_machine_clear(phone));
        device_fixture_open(&fixture);
        sim_machine_plan(phone, &plan);
        for (unsigned i = 0; i < 3; i++)
            committed += dc_note(fixture.device, &subject, "An invented note.", NULL, NULL) == DC_OK;
        fired = sim_machine_fired(phone);
        cuts += fired;
        dc_device_close(fixture.device);
        fixture.device = NULL;
        assert_true(sim_machine_restore(phone, n));
        device_fixture_open(&fixture);
        assert_in_range(notes_in(&fixture), committed, committed + 1);
        dc_device_close(fixture.device);
        fixture.device = NULL;
    }
    assert_true(cuts > 6);
    memcpy(fixture.path, folder, sizeof(folder)); /* the fixture's own, which it removes */
    device_fixture_done(&fixture);
}

static double seconds_for(const char *path, unsigned commits)
{
    struct store *store = NULL;
    struct timespec from;
    struct timespec to;

    OK(store_sqlite_create(path, true));
    OK(store_sqlite_open(path, STORE_SQLITE_WRITER, &store));
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (unsigned i = 0; i < commits; i++)
        OK(store_fixture_commit(store, i + 1));
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    store->ops->close(store);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* For the record; a busy machine proves nothing, so nothing is asserted. */
static void speed__is_told(void **state)
{
    struct world *world = *state;
    char real[64] = "/dev/shm/doublecrew-XXXXXX";
    char path[96];

    if (!mkdtemp(real))
        skip();
    (void)snprintf(path, sizeof(path), "%s/store", real);
    double there = seconds_for(path, 2000);
    double here = seconds_for(world->path, 2000);
    print_message("commits a second: /dev/shm %.0f, simulated disk %.0f\n", 2000 / there, 2000 / here);
    test_folder_remove(real);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(failing_calls__lose_nothing_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(power_cut__keeps_the_committed_prefix, setup, teardown),
        cmocka_unit_test_setup_teardown(power_cut__takes_what_is_not_synced, setup, teardown),
        cmocka_unit_test_setup_teardown(cut_machine__answers_nothing_and_others_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(full_disk__goes_on_when_there_is_room, setup, teardown),
        cmocka_unit_test_setup_teardown(copy__is_whole_and_independent, setup, teardown),
        cmocka_unit_test_setup_teardown(backup__that_fails_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(same_calls_and_seed__give_the_same_bytes, NULL, NULL),
        cmocka_unit_test_setup_teardown(connections__exclude_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(device__keeps_what_it_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(speed__is_told, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
