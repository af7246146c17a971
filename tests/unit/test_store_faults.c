/* The SQLite store on a disk that fails: whatever fails, the store opens again with exactly what was committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/edge/store_sqlite.h"
#include "tests/lib/fault_vfs.h"
#include "tests/lib/store_fixture.h"

#define OK(call) assert_int_equal((call), STATUS_OK)
#define COMMITS 5

struct disk {
    char folder[64];
    char path[96];
    struct fault_vfs *vfs;
    unsigned names; /* stores made so far */
};

static int setup(void **state)
{
    struct disk *disk = calloc(1, sizeof(*disk));

    if (!disk)
        return -1;
    test_folder_make(disk->folder);
    disk->vfs = fault_vfs_install(disk->folder);
    *state = disk;
    return disk->vfs ? 0 : -1;
}

static int teardown(void **state)
{
    struct disk *disk = *state;

    fault_vfs_remove(disk->vfs);
    test_folder_remove(disk->folder);
    free(disk);
    return 0;
}

static void remove_store(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    char name[128];

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

/* A fresh store with one commit on it; the plan begins after that. */
static struct store *fresh(struct disk *disk, const struct fault_plan *plan)
{
    struct store *store = NULL;

    remove_store(disk->path);
    (void)snprintf(disk->path, sizeof(disk->path), "%s/store-%u", disk->folder, ++disk->names);
    OK(store_sqlite_create(disk->path, true));
    OK(store_sqlite_open(disk->path, STORE_SQLITE_WRITER, &store));
    OK(store_fixture_commit(store, 1));
    fault_vfs_plan(disk->vfs, plan);
    return store;
}

static enum status count_row(void *context, const struct journal_row *row)
{
    uint64_t *count = context;

    /* store_fixture_commit's number is the log's id: rows are in the order of the commits that succeeded. */
    if (row->first_pos != *count + 1)
        return STATUS_STORE;
    (*count)++;
    return STATUS_OK;
}

/* Opens the store, checks every page, and returns the rows of the journal, which head must agree with. */
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

/* Commits until COMMITS have been tried; returns how many rows there should be. */
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

/* For n = 1, 2, 3 ... until the plan finds nothing left to fail: commits go on after the failure, then all is there. */
static void fail_each(struct disk *disk, const struct fault_plan *plan, uint64_t *which, enum status expected)
{
    /* A commit whose sync failed for good lies whole in the log: opening again may find it. It wasn't acknowledged. */
    bool in_doubt = which == &plan->fail_sync && plan->for_good;
    bool fired = true;
    unsigned failures = 0;

    for (*which = 1; fired; (*which)++) {
        enum status failure;
        struct store *store = fresh(disk, plan);
        uint64_t committed = commit_some(store, &failure);
        store->ops->close(store);
        fired = fault_vfs_fired(disk->vfs);
        fault_vfs_plan(disk->vfs, NULL);
        if (failure != STATUS_OK) {
            assert_int_equal(failure, expected);
            failures++;
        }
        assert_in_range(rows_after_opening(disk->path), committed, committed + (in_doubt && failure != STATUS_OK));
    }
    assert_true(failures >= COMMITS); /* it did fail: at least once in each commit's place */
}

static void write_error__loses_nothing_committed(void **state)
{
    struct fault_plan plan = {0};

    fail_each(*state, &plan, &plan.fail_write, STATUS_IO);
    plan.torn = true;
    fail_each(*state, &plan, &plan.fail_write, STATUS_IO);
    plan.for_good = true;
    fail_each(*state, &plan, &plan.fail_write, STATUS_IO);
}

static void full_disk__loses_nothing_committed(void **state)
{
    struct fault_plan plan = {.write_code = SQLITE_FULL};

    fail_each(*state, &plan, &plan.fail_write, STATUS_DISK_FULL);
    plan.for_good = true;
    fail_each(*state, &plan, &plan.fail_write, STATUS_DISK_FULL);
}

static void sync_error__loses_nothing_committed(void **state)
{
    struct fault_plan plan = {0};

    fail_each(*state, &plan, &plan.fail_sync, STATUS_IO);
    plan.for_good = true;
    fail_each(*state, &plan, &plan.fail_sync, STATUS_IO);
}

/*
 * Nothing acknowledged is lost. The commit that was under way may be there whole when its bytes happened to survive: it
 * was never acknowledged, so its device sends it again. seed 0 lets nothing unsynced survive.
 */
static void power_cut__keeps_the_committed_prefix(void **state)
{
    struct disk *disk = *state;
    static const uint64_t seeds[] = {0, 1, 2, 3, UINT64_MAX};
    unsigned in_doubt_kept = 0;

    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
        bool fired = true;
        for (uint64_t n = 1; fired; n++) {
            struct fault_plan plan = {.cut_at = n, .torn = n % 2 == 0};
            enum status failure;
            struct store *store = fresh(disk, &plan);
            uint64_t committed = commit_some(store, &failure);
            store->ops->close(store);
            fired = fault_vfs_fired(disk->vfs);
            assert_true(failure == STATUS_OK || failure == STATUS_IO);
            assert_true(fault_vfs_restore(disk->vfs, seeds[i]));
            uint64_t rows = rows_after_opening(disk->path);
            assert_in_range(rows, committed, committed + (seeds[i] != 0 && failure != STATUS_OK));
            in_doubt_kept += rows > committed;
        }
    }
    assert_true(in_doubt_kept > 0); /* what survives by chance does survive sometimes: the test bites */
}

/* The shim itself: without the syncs that SQLite asks for, a power cut does lose commits. */
static void power_cut__would_lose_what_is_not_synced(void **state)
{
    struct disk *disk = *state;
    char path[128];
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;

    (void)snprintf(path, sizeof(path), "%s/unsynced", disk->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA journal_mode = WAL; CREATE TABLE t (a); PRAGMA synchronous = OFF;"
                                  "INSERT INTO t VALUES (1);",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    fault_vfs_cut(disk->vfs);
    assert_int_not_equal(sqlite3_exec(db, "INSERT INTO t VALUES (2)", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_true(fault_vfs_restore(disk->vfs, 0));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(stmt, 0), 0);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
}

/* Creating a store is all or nothing too: what a failure leaves is either no file or a whole, empty store. */
static void create__is_all_or_nothing(void **state)
{
    struct disk *disk = *state;
    bool fired = true;

    for (uint64_t n = 1; fired; n++) {
        struct fault_plan plan = {.fail_write = n};
        char path[96];
        (void)snprintf(path, sizeof(path), "%s/new-%u", disk->folder, (unsigned)n);
        fault_vfs_plan(disk->vfs, &plan);
        enum status status = store_sqlite_create(path, false);
        fired = fault_vfs_fired(disk->vfs);
        fault_vfs_plan(disk->vfs, NULL);
        if (status == STATUS_OK) {
            assert_int_equal(rows_after_opening(path), 0);
        } else {
            assert_int_equal(status, STATUS_IO);
            assert_int_equal(access(path, F_OK), -1);
        }
        remove_store(path);
    }
}

static void backup__that_fails_leaves_nothing(void **state)
{
    struct disk *disk = *state;
    struct store *store = fresh(disk, NULL);
    char copy[128];
    bool fired = true;

    (void)snprintf(copy, sizeof(copy), "%s/copy", disk->folder);
    for (uint64_t n = 1; fired; n++) {
        struct fault_plan plan = {.fail_write = n, .write_code = SQLITE_FULL};
        fault_vfs_plan(disk->vfs, &plan);
        enum status status = store_sqlite_backup(disk->path, copy);
        fired = fault_vfs_fired(disk->vfs);
        fault_vfs_plan(disk->vfs, NULL);
        assert_int_equal(status, fired ? STATUS_DISK_FULL : STATUS_OK);
        assert_int_equal(access(copy, F_OK), fired ? -1 : 0);
    }
    assert_int_equal(rows_after_opening(copy), 1);
    store->ops->close(store);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(write_error__loses_nothing_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(full_disk__loses_nothing_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(sync_error__loses_nothing_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(power_cut__keeps_the_committed_prefix, setup, teardown),
        cmocka_unit_test_setup_teardown(power_cut__would_lose_what_is_not_synced, setup, teardown),
        cmocka_unit_test_setup_teardown(create__is_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(backup__that_fails_leaves_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
