/* What is SQLite's own about the store: files, locks, versions, size of the log, and a real kill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/limits.h"
#include "server/edge/store_sqlite_internal.h"
#include "tests/lib/store_fixture.h"

#define OK(call) assert_int_equal((call), STATUS_OK)

struct place {
    char folder[64];
    char path[96];
    char other[96];
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    if (!place)
        return -1;
    test_folder_make(place->folder);
    (void)snprintf(place->path, sizeof(place->path), "%s/store", place->folder);
    (void)snprintf(place->other, sizeof(place->other), "%s/other", place->folder);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;

    test_folder_remove(place->folder);
    free(place);
    return 0;
}

static struct store *open_as(const char *path, enum store_sqlite_mode mode)
{
    struct store *store = NULL;

    OK(store_sqlite_open(path, mode, &store));
    return store;
}

static struct store *create_and_open(const char *path)
{
    OK(store_sqlite_create(path, true));
    return open_as(path, STORE_SQLITE_WRITER);
}

static enum status open_fails(const char *path, enum store_sqlite_mode mode)
{
    struct store *store = NULL;
    enum status status = store_sqlite_open(path, mode, &store);

    assert_int_not_equal(status, STATUS_OK);
    assert_null(store);
    return status;
}

static uint64_t head_pos(const char *path)
{
    struct store *store = open_as(path, STORE_SQLITE_WRITER);
    struct store_head head;

    OK(store->ops->head(store, &head));
    store->ops->close(store);
    OK(store_sqlite_integrity(path));
    return head.pos;
}

static void raw(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static mode_t mode_of(const char *path, const char *suffix)
{
    char name[128];
    struct stat facts;

    (void)snprintf(name, sizeof(name), "%s%s", path, suffix);
    assert_int_equal(stat(name, &facts), 0);
    return facts.st_mode & 07777;
}

static void create__refuses_a_name_that_is_taken(void **state)
{
    struct place *place = *state;

    OK(store_sqlite_create(place->path, false));
    assert_int_equal(store_sqlite_create(place->path, false), STATUS_EXISTS);
    assert_int_equal(head_pos(place->path), 0);
    assert_int_equal(symlink("nowhere", place->other), 0);
    assert_int_equal(store_sqlite_create(place->other, false), STATUS_EXISTS);
    assert_int_equal(store_sqlite_create("/nonexistent-folder/store", false), STATUS_NOT_FOUND);
}

static void files__are_the_owners_alone(void **state)
{
    struct place *place = *state;
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    mode_t before = umask(0);
    struct store *store = create_and_open(place->path);

    OK(store_fixture_commit(store, 1));
    OK(store_sqlite_backup(place->path, place->other));
    (void)umask(before);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        assert_int_equal(mode_of(place->path, suffixes[i]), 0600);
    assert_int_equal(mode_of(place->other, ""), 0600);
    store->ops->close(store);
}

static void training__is_settled_when_created(void **state)
{
    struct place *place = *state;
    struct store_head head;

    for (unsigned i = 0; i < 2; i++) {
        const char *path = i == 0 ? place->path : place->other;
        OK(store_sqlite_create(path, i == 1));
        struct store *store = open_as(path, STORE_SQLITE_READER);
        OK(store->ops->head(store, &head));
        assert_int_equal(head.training, i == 1);
        store->ops->close(store);
    }
}

static void writer__is_alone(void **state)
{
    struct place *place = *state;
    struct store *writer = create_and_open(place->path);

    assert_int_equal(open_fails(place->path, STORE_SQLITE_WRITER), STATUS_STORE_BUSY);
    struct store *reader = open_as(place->path, STORE_SQLITE_READER);
    writer->ops->close(writer);
    writer = open_as(place->path, STORE_SQLITE_WRITER); /* the lock goes with its holder, readers or not */
    OK(store_fixture_commit(writer, 1));
    reader->ops->close(reader);
    writer->ops->close(writer);
}

/* Runs in a child of its own; its result is the exit code. */
static int in_child(int (*run)(const char *path, int pipe_fd), const char *path, int pipe_fd)
{
    pid_t child = fork();
    int result = 0;

    assert_true(child >= 0);
    if (child == 0)
        _exit(run(path, pipe_fd));
    assert_int_equal(waitpid(child, &result, 0), child);
    return result;
}

static int try_to_write(const char *path, int pipe_fd)
{
    struct store *store = NULL;
    enum status status = store_sqlite_open(path, STORE_SQLITE_WRITER, &store);

    (void)pipe_fd;
    return (int)status;
}

static void writer__is_alone_among_processes(void **state)
{
    struct place *place = *state;
    struct store *writer = create_and_open(place->path);

    assert_int_equal(WEXITSTATUS(in_child(try_to_write, place->path, -1)), STATUS_STORE_BUSY);
    writer->ops->close(writer);
    assert_int_equal(WEXITSTATUS(in_child(try_to_write, place->path, -1)), STATUS_OK);
    assert_string_equal(status_what(STATUS_STORE_BUSY), "Another process has the store open");
}

/* Three commits, then a fourth that is under way when the process is killed. */
static int commit_and_die(const char *path, int pipe_fd)
{
    struct store *store = NULL;
    struct id log = numbered_id(4);

    if (store_sqlite_open(path, STORE_SQLITE_WRITER, &store) != STATUS_OK)
        return 1;
    for (unsigned i = 1; i <= 3; i++) {
        if (store_fixture_commit(store, i) != STATUS_OK || write(pipe_fd, "x", 1) != 1)
            return 1;
    }
    if (store->ops->begin(store) != STATUS_OK)
        return 1;
    struct journal_row row = store_fixture_push(store, &log, 1, 1);
    if (store->ops->journal_append(store, &row) != STATUS_OK)
        return 1;
    return raise(SIGKILL);
}

static void commit__survives_a_kill(void **state)
{
    struct place *place = *state;
    int ends[2];
    char acknowledged[8];

    OK(store_sqlite_create(place->path, true));
    assert_int_equal(pipe(ends), 0);
    int result = in_child(commit_and_die, place->path, ends[1]);
    assert_true(WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL);
    assert_int_equal(read(ends[0], acknowledged, sizeof(acknowledged)), 3);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(head_pos(place->path), 3);
}

static void open__says_what_is_wrong(void **state)
{
    struct place *place = *state;
    FILE *file = fopen(place->other, "w");

    assert_non_null(file);
    assert_true(fprintf(file, "This is a letter, not a store. %0600d\n", 7) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(open_fails(place->path, STORE_SQLITE_READER), STATUS_NOT_FOUND);
    assert_int_equal(open_fails(place->path, STORE_SQLITE_WRITER), STATUS_NOT_FOUND);
    assert_int_equal(open_fails(place->other, STORE_SQLITE_READER), STATUS_STORE);
    assert_int_equal(open_fails(place->other, STORE_SQLITE_WRITER), STATUS_STORE);
    assert_int_equal(store_sqlite_integrity(place->other), STATUS_STORE);
    assert_int_equal(store_sqlite_backup(place->other, place->path), STATUS_STORE);
    assert_int_equal(access(place->path, F_OK), -1);
    assert_int_equal(truncate(place->other, 0), 0);
    assert_int_equal(open_fails(place->other, STORE_SQLITE_WRITER), STATUS_STORE);
}

static void open__leaves_a_strangers_database_as_it_is(void **state)
{
    struct place *place = *state;
    struct stat before;
    struct stat after;

    raw(place->other, "CREATE TABLE theirs (a)");
    assert_int_equal(stat(place->other, &before), 0);
    assert_int_equal(open_fails(place->other, STORE_SQLITE_WRITER), STATUS_STORE);
    assert_int_equal(stat(place->other, &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
    assert_int_equal(before.st_size, after.st_size);
}

static void open__refuses_another_version(void **state)
{
    struct place *place = *state;

    OK(store_sqlite_create(place->path, true));
    raw(place->path, "PRAGMA user_version = 99");
    assert_int_equal(open_fails(place->path, STORE_SQLITE_WRITER), STATUS_STORE_VERSION);
    assert_int_equal(open_fails(place->path, STORE_SQLITE_READER), STATUS_STORE_VERSION);
    raw(place->path, "PRAGMA user_version = 0");
    assert_int_equal(open_fails(place->path, STORE_SQLITE_WRITER), STATUS_STORE_VERSION);
}

static void row__damaged_within_its_columns_is_an_error(void **state)
{
    struct place *place = *state;
    struct store_head head = {.pos = 77};

    OK(store_sqlite_create(place->path, true));
    raw(place->path, "UPDATE head SET epoch = zeroblob(4000)");
    struct store *store = open_as(place->path, STORE_SQLITE_READER);
    assert_int_equal(store->ops->head(store, &head), STATUS_STORE);
    assert_int_equal(head.pos, 77);
    assert_string_equal(store_sqlite_detail(store), "database disk image is malformed");
    store->ops->close(store);
}

static void integrity__finds_a_damaged_page(void **state)
{
    struct place *place = *state;
    struct store *store = create_and_open(place->path);

    for (unsigned i = 0; i < 50; i++)
        OK(store_fixture_commit(store, i));
    store->ops->close(store);
    OK(store_sqlite_integrity(place->path));
    FILE *file = fopen(place->path, "r+");
    assert_non_null(file);
    for (long page = 1; page < 8; page++) { /* the first of them holds the schema's name and version: left alone */
        assert_int_equal(fseek(file, page * SQ_PAGE_SIZE, SEEK_SET), 0);
        assert_true(fprintf(file, "%064d", 0) > 0);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(store_sqlite_integrity(place->path), STATUS_STORE);
}

static void backup__is_what_was_committed(void **state)
{
    struct place *place = *state;
    struct store *writer = create_and_open(place->path);
    struct officer_row officer = {.officer = numbered_id(1)};

    OK(store_fixture_commit(writer, 1));
    OK(writer->ops->begin(writer));
    OK(writer->ops->officer_put(writer, &officer));
    OK(store_sqlite_backup(place->path, place->other));
    assert_int_equal(store_sqlite_backup(place->path, place->other), STATUS_EXISTS);
    OK(writer->ops->commit(writer));
    writer->ops->close(writer);
    assert_int_equal(head_pos(place->other), 1);
    struct store *copy = open_as(place->other, STORE_SQLITE_WRITER);
    assert_int_equal(copy->ops->officer_get(copy, &officer.officer, &officer), STATUS_NOT_FOUND);
    OK(store_fixture_commit(copy, 2));
    copy->ops->close(copy);
}

static void append_large(struct store *store, size_t size, enum status expected)
{
    uint8_t *body = calloc(1, size);
    struct id log = numbered_id(1);

    assert_non_null(body);
    OK(store->ops->begin(store));
    struct journal_row row = store_fixture_push(store, &log, 1, 1);
    struct store_head head = {.pos = row.first_pos, .training = true};
    row.body = span_of(body, size);
    assert_int_equal(store->ops->journal_append(store, &row), expected);
    if (expected == STATUS_OK) {
        OK(store->ops->head_put(store, &head));
        OK(store->ops->commit(store));
    }
    store->ops->rollback(store);
    free(body);
}

static void row__above_the_limit_is_refused(void **state)
{
    struct place *place = *state;
    struct store *store = create_and_open(place->path);

    append_large(store, STORE_ROW_SIZE_MAX + 1, STATUS_OVER_LIMIT);
    OK(store_fixture_commit(store, 1));
    store->ops->close(store);
}

static off_t wal_size(const struct place *place)
{
    char name[128];
    struct stat facts;

    (void)snprintf(name, sizeof(name), "%s-wal", place->path);
    assert_int_equal(stat(name, &facts), 0);
    return facts.st_size;
}

static void log__stays_within_its_size(void **state)
{
    struct place *place = *state;
    struct store *store = create_and_open(place->path);
    size_t each = STORE_WAL_SIZE_MAX / 8;

    for (unsigned i = 0; i < 24; i++) {
        append_large(store, each, STATUS_OK);
        assert_in_range(wal_size(place), 0, STORE_WAL_SIZE_MAX + 2 * each);
    }
    store->ops->close(store);
    assert_int_equal(head_pos(place->path), 24);
}

static off_t store_size(const struct place *place)
{
    struct stat facts;

    assert_int_equal(stat(place->path, &facts), 0);
    return facts.st_size;
}

/* Not while somebody may wait, unless it is nearly full; and the next commit finds it empty. */
static void log__is_moved_into_the_store_in_a_quiet_moment(void **state)
{
    struct place *place = *state;
    struct store *store = create_and_open(place->path);
    size_t each = STORE_WAL_SIZE_MAX / 8 + STORE_WAL_SIZE_MAX / 64;
    off_t before = store_size(place);

    append_large(store, each, STATUS_OK);
    store->ops->rest(store, false);
    assert_int_equal(store_size(place), before);
    store->ops->rest(store, true);
    assert_true(store_size(place) > before + (off_t)each / 2);
    before = store_size(place);
    for (unsigned i = 0; i < 5; i++)
        append_large(store, each, STATUS_OK);
    assert_in_range(wal_size(place), 0, 6 * each);
    assert_int_equal(store_size(place), before);
    append_large(store, each, STATUS_OK);
    store->ops->rest(store, false);
    assert_true(store_size(place) > before);
    store->ops->close(store);
    assert_int_equal(head_pos(place->path), 7);
}

static void log__grows_only_while_a_reader_holds_it(void **state)
{
    struct place *place = *state;
    struct store *store = create_and_open(place->path);
    struct store *reader = open_as(place->path, STORE_SQLITE_READER);
    size_t each = STORE_WAL_SIZE_MAX / 4;

    OK(reader->ops->begin_read(reader));
    for (unsigned i = 0; i < 8; i++)
        append_large(store, each, STATUS_OK);
    assert_true(wal_size(place) > STORE_WAL_SIZE_MAX);
    reader->ops->end_read(reader);
    for (unsigned i = 0; i < 3; i++)
        append_large(store, each, STATUS_OK);
    assert_in_range(wal_size(place), 0, STORE_WAL_SIZE_MAX + 2 * each);
    reader->ops->close(reader);
    store->ops->close(store);
}

static void settings__are_those_that_keep_data_safe(void **state)
{
    struct place *place = *state;
    struct store *store = create_and_open(place->path);
    sqlite3 *db = ((struct store_sqlite *)store)->db;
    static const struct {
        const char *pragma;
        const char *value;
    } settings[] = {
        {"journal_mode", "wal"}, {"synchronous", "2"},  {"mmap_size", "0"},          {"cell_size_check", "1"},
        {"trusted_schema", "0"}, {"foreign_keys", "1"}, {"wal_autocheckpoint", "0"}, {"application_id", "1145262897"}};

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        char sql[64];
        sqlite3_stmt *stmt = NULL;
        (void)snprintf(sql, sizeof(sql), "PRAGMA %s", settings[i].pragma);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
        const char *value = sqlite3_step(stmt) == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : "0";
        assert_string_equal(value, settings[i].value);
        assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    }
    assert_int_not_equal(sqlite3_exec(db, "SELECT \"text in the wrong quotes\"", NULL, NULL, NULL), SQLITE_OK);
    assert_int_not_equal(sqlite3_exec(db, "ATTACH 'elsewhere' AS other", NULL, NULL, NULL), SQLITE_OK);
    store->ops->close(store);
}

/* Two look-ups a second for each of thousands of devices mustn't read whole tables: every read uses an index. */
static void statements__never_scan_a_growing_table(void **state)
{
    struct place *place = *state;
    struct store *store = create_and_open(place->path);
    sqlite3 *db = ((struct store_sqlite *)store)->db;

    for (int id = 0; id < SQ_STATEMENT_COUNT; id++) {
        char sql[SQ_SQL_MAX + 32] = "EXPLAIN QUERY PLAN ";
        sqlite3_stmt *stmt = NULL;
        sq_statement_sql(sq_statement_spec((enum sq_statement_id)id), sql + strlen(sql));
        if (!strstr(sql, " WHERE ") || strstr(sql, "UPDATE head"))
            continue;
        if (id == SQ_PRESENCES_ANCHORED_IN || id == SQ_DEVICE_ANCHORED_IN)
            continue; /* once in a force's life, when its clock had been wrong */
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(stmt, 3);
            if (strstr(detail, "USING INDEX officers_in_charge"))
                continue; /* a partial index of just what is asked for */
            if (strncmp(detail, "SCAN", 4) == 0 && strcmp(detail, "SCAN v") != 0) /* void ranges: 64 at most */
                fail_msg("%s: %s", sql, detail);
        }
        assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    }
    store->ops->close(store);
}

/* A real full disk: a tmpfs of less than a megabyte. Mounting needs root. */
static void disk_full__keeps_what_was_committed(void **state)
{
    struct place *place = *state;
    enum status status = STATUS_OK;
    unsigned committed = 0;

    if (mount("tmpfs", place->folder, "tmpfs", 0, "size=800k,mode=0700") != 0) {
        print_message("# left out: no tmpfs can be mounted here (%s)\n", strerror(errno));
        skip();
    }
    struct store *store = create_and_open(place->path);
    while (committed < 10000 && (status = store_fixture_commit(store, committed)) == STATUS_OK)
        committed++;
    assert_int_equal(status, STATUS_DISK_FULL);
    assert_in_range(committed, 2, 9999);
    assert_int_equal(store_fixture_commit(store, 0), STATUS_DISK_FULL); /* and goes on saying so */
    assert_int_equal(mount("tmpfs", place->folder, "tmpfs", MS_REMOUNT, "size=8m"), 0);
    OK(store_fixture_commit(store, committed)); /* space was freed: it goes on without being opened again */
    store->ops->close(store);
    uint64_t found = head_pos(place->path);
    test_folder_remove(place->folder);
    assert_int_equal(umount(place->folder), 0);
    assert_int_equal(found, committed + 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(create__refuses_a_name_that_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(files__are_the_owners_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(training__is_settled_when_created, setup, teardown),
        cmocka_unit_test_setup_teardown(writer__is_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(writer__is_alone_among_processes, setup, teardown),
        cmocka_unit_test_setup_teardown(commit__survives_a_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(open__says_what_is_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(open__leaves_a_strangers_database_as_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(open__refuses_another_version, setup, teardown),
        cmocka_unit_test_setup_teardown(row__damaged_within_its_columns_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(integrity__finds_a_damaged_page, setup, teardown),
        cmocka_unit_test_setup_teardown(backup__is_what_was_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(row__above_the_limit_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(log__stays_within_its_size, setup, teardown),
        cmocka_unit_test_setup_teardown(log__is_moved_into_the_store_in_a_quiet_moment, setup, teardown),
        cmocka_unit_test_setup_teardown(log__grows_only_while_a_reader_holds_it, setup, teardown),
        cmocka_unit_test_setup_teardown(settings__are_those_that_keep_data_safe, setup, teardown),
        cmocka_unit_test_setup_teardown(statements__never_scan_a_growing_table, setup, teardown),
        cmocka_unit_test_setup_teardown(disk_full__keeps_what_was_committed, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
