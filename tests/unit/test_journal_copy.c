/*
 * The journal's copy in a second place (E2): it follows the store, goes on after whatever stopped it, and overwrites nothing that
 * isn't its own torn end. Stores are real; the place fails as folders fail.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/edge/journal_copy.h"
#include "server/edge/store_sqlite.h"
#include "tests/lib/fleet.h"
#include "tests/lib/store_fixture.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)

struct place {
    struct fleet *fleet;
    char folder[96];
    struct copier copier;
    unsigned visits;
};

static void open_reader(struct place *place)
{
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/fleet.db", place->fleet->folder);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_READER, &place->copier.store), STATUS_OK);
}

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    place->fleet = fleet_typical();
    (void)snprintf(place->folder, sizeof(place->folder), "%s/copy", place->fleet->folder);
    place->copier.folder = place->folder;
    open_reader(place);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;

    copier_done(&place->copier);
    place->copier.store->ops->close(place->copier.store);
    fleet_free(place->fleet);
    free(place);
    return 0;
}

static void work(struct place *place)
{
    struct fleet_device *ann = fleet_device(place->fleet, "ann");
    int64_t at_us = MORNING + (int64_t)place->visits++ * FLEET_HOUR;
    struct hash visit = fleet_check_in(ann, at_us, "xen", "");

    (void)fleet_check_out(ann, at_us + 10 * FLEET_MINUTE, &visit);
    assert_int_equal(fleet_sync(ann, at_us + 20 * FLEET_MINUTE).status, STATUS_OK);
}

/* ---- What the copy holds, against the store ---- */

struct comparison {
    struct store *store;
    uint64_t next_pos;
};

struct wanted {
    const struct journal_row *row;
    bool same;
};

static enum status compare_row(void *context, const struct journal_row *stored)
{
    struct wanted *wanted = context;
    const struct journal_row *row = wanted->row;

    wanted->same = row->first_pos == stored->first_pos && row->count == stored->count && row->kind == stored->kind &&
                   row->time_us == stored->time_us && id_equal(&row->log, &stored->log) &&
                   row->first_seq == stored->first_seq && span_equal(row->delivery, stored->delivery) &&
                   span_equal(row->body, stored->body);
    return STATUS_CANCELLED;
}

static enum status expect_row(void *context, const struct journal_row *row)
{
    struct comparison *comparison = context;
    struct wanted wanted = {.row = row};

    assert_int_equal(row->first_pos, comparison->next_pos);
    comparison->next_pos += row->count;
    assert_int_equal(comparison->store->ops->journal_from(comparison->store, row->first_pos, compare_row, &wanted),
                     STATUS_CANCELLED);
    assert_true(wanted.same);
    return STATUS_OK;
}

static void expect_copied(struct place *place)
{
    const struct store_head *head = batch_head(place->fleet->batch);
    struct comparison comparison = {place->fleet->store, 1};
    struct copy_end end;

    assert_int_equal(copy_find(place->folder, &end), STATUS_OK);
    assert_int_equal(end.first_pos, 1);
    assert_int_equal(end.head.pos, head->pos);
    assert_true(hash_equal(&end.head.root, &head->root) && id_equal(&end.head.epoch, &head->epoch));
    assert_string_equal(end.head.engine, head->engine);
    assert_true(end.head.time_us == head->time_us && end.head.training == head->training);
    assert_int_equal(copy_read(place->folder, &end, 1, expect_row, &comparison), STATUS_OK);
    assert_int_equal(comparison.next_pos, head->pos + 1);
}

static void the_only_file(struct place *place, char ret_path[400])
{
    DIR *directory = opendir(place->folder);
    unsigned count = 0;

    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(ret_path, 400, "%s/%s", place->folder, entry->d_name);
        count++;
    }
    closedir(directory);
    assert_int_equal(count, 1);
}

static void append_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "ae");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* ---- Following ---- */

static void copy__follows_and_goes_on_after_a_restart(void **state)
{
    struct place *place = *state;

    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    expect_copied(place);
    work(place);
    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    assert_int_equal(copier_look(&place->copier), STATUS_OK); /* nothing new: nothing written */
    expect_copied(place);
    copier_done(&place->copier);
    work(place);
    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    expect_copied(place);
}

/* More rows than one snapshot is held for. */
static void long_lag__caught_up_with(void **state)
{
    struct place *place = *state;

    for (int i = 0; i < 60; i++) {
        for (int j = 0; j < 6; j++) {
            struct fleet_device *bob = fleet_device(place->fleet, "bob");
            Doublecrew__V1__Seal seal = DOUBLECREW__V1__SEAL__INIT;
            struct fleet_push push;

            (void)fleet_add(bob, MORNING + i * FLEET_HOUR + j * FLEET_SECOND,
                            DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL, &seal.base);
            push = fleet_build(bob);
            assert_int_equal(fleet_deliver(place->fleet, MORNING + i * FLEET_HOUR + j * FLEET_SECOND, &push).status,
                             STATUS_OK);
            fleet_push_free(&push);
        }
    }
    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    expect_copied(place);
}

static void torn_end__cut_off_and_written_again(void **state)
{
    struct place *place = *state;
    static const uint8_t torn[] = {0, 0, 1, 0, 'R', 1, 2, 3};
    char path[400];
    struct stat before;

    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    copier_done(&place->copier);
    the_only_file(place, path);
    assert_int_equal(stat(path, &before), 0);
    append_bytes(path, torn, sizeof(torn));
    expect_copied(place); /* what was torn counts for nothing */
    work(place);
    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    expect_copied(place);
}

/* At every byte: either it was torn there, and goes on; or it is found damaged, and left alone. Never a wrong copy. */
static void cut_anywhere__goes_on_from_the_last_mark(void **state)
{
    struct place *place = *state;
    char path[400];
    struct stat whole;
    off_t step;

    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    work(place);
    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    copier_done(&place->copier);
    the_only_file(place, path);
    assert_int_equal(stat(path, &whole), 0);
    step = whole.st_size / 97 + 1;
    for (off_t size = whole.st_size - 1; size > 0; size -= step) {
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(copier_look(&place->copier), STATUS_OK);
        copier_done(&place->copier);
        expect_copied(place);
    }
}

static void damage_before_the_last_mark__named_and_left_alone(void **state)
{
    struct place *place = *state;
    char path[400];
    struct copy_end end;
    struct stat whole;
    FILE *file;

    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    work(place);
    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    copier_done(&place->copier);
    the_only_file(place, path);
    assert_int_equal(stat(path, &whole), 0);
    assert_non_null(file = fopen(path, "r+e"));
    assert_int_equal(fseek(file, whole.st_size / 2, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, whole.st_size / 2, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(copy_find(place->folder, &end), STATUS_STORE);
    assert_int_equal(copier_look(&place->copier), STATUS_STORE);
    struct stat after;
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_size, whole.st_size);
}

/* ---- A place that fails ---- */

static void place_that_is_not_there__copied_when_it_comes_back(void **state)
{
    struct place *place = *state;
    char away[120];

    (void)snprintf(away, sizeof(away), "%s/missing/copy", place->fleet->folder);
    place->copier.folder = away;
    assert_int_equal(copier_look(&place->copier), STATUS_IO);
    work(place);
    assert_int_equal(copier_look(&place->copier), STATUS_IO);
    place->copier.folder = place->folder;
    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    expect_copied(place);
}

/* ---- Never overwritten ---- */

static void store_that_was_set_back__its_copy_is_left_alone(void **state)
{
    struct place *place = *state;
    char path[400], backup[96], store[96];
    struct stat before, after;

    (void)snprintf(store, sizeof(store), "%s/fleet.db", place->fleet->folder);
    (void)snprintf(backup, sizeof(backup), "%s/backup.db", place->fleet->folder);
    assert_int_equal(store_sqlite_backup(store, backup), STATUS_OK);
    work(place);
    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    copier_done(&place->copier);
    the_only_file(place, path);
    assert_int_equal(stat(path, &before), 0);
    place->copier.store->ops->close(place->copier.store);
    assert_int_equal(store_sqlite_open(backup, STORE_SQLITE_READER, &place->copier.store), STATUS_OK);
    assert_int_equal(copier_look(&place->copier), STATUS_STORE);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    place->copier.store->ops->close(place->copier.store);
    open_reader(place);
    assert_int_equal(copier_look(&place->copier), STATUS_OK);
    expect_copied(place);
}

/* ---- Files ---- */

struct count {
    unsigned rows;
    uint64_t next_pos;
};

static enum status count_row(void *context, const struct journal_row *row)
{
    struct count *count = context;

    assert_int_equal(row->first_pos, count->next_pos);
    count->next_pos = row->first_pos + row->count;
    count->rows++;
    return STATUS_OK;
}

static void files__end_at_their_size_and_can_be_deleted(void **state)
{
    struct place *place = *state;
    size_t size = (size_t)4 * 1024 * 1024;
    uint8_t *body = calloc(1, size);
    struct store_head head = *batch_head(place->fleet->batch);
    struct copy_writer *writer;
    struct hash root;
    struct copy_end end;
    struct count count = {0, 1};
    uint64_t pos;
    char hex[2 * ID_SIZE + 1], path[400];

    assert_non_null(body);
    assert_int_equal(copy_writer_open(place->folder, &head, &writer, &pos, &root), STATUS_OK);
    assert_int_equal(pos, 0);
    for (uint64_t i = 1; i <= 20; i++) {
        struct journal_row row = {
            .first_pos = i, .count = 1, .kind = JOURNAL_ISSUED, .time_us = (int64_t)i, .body = span_of(body, size)};

        head.pos = i;
        head.time_us = (int64_t)i;
        assert_int_equal(copy_writer_row(writer, &row), STATUS_OK);
        assert_int_equal(copy_writer_mark(writer, &head), STATUS_OK);
        if (i == 18) { /* a restart with the newest file just begun */
            copy_writer_close(writer);
            assert_int_equal(copy_writer_open(place->folder, &head, &writer, &pos, &root), STATUS_OK);
            assert_int_equal(pos, 18);
        }
    }
    copy_writer_close(writer);
    free(body);
    assert_int_equal(copy_find(place->folder, &end), STATUS_OK);
    assert_int_equal(end.head.pos, 20);
    assert_int_equal(copy_read(place->folder, &end, 1, count_row, &count), STATUS_OK);
    assert_int_equal(count.rows, 20);
    hex_encode(span_of(head.epoch.bytes, ID_SIZE), hex);
    (void)snprintf(path, sizeof(path), "%s/journal-%s-%020d.copy", place->folder, hex, 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(copy_find(place->folder, &end), STATUS_OK);
    assert_int_equal(end.first_pos, 17);
    assert_int_equal(end.head.pos, 20);
}

static void nothing_there__not_found(void **state)
{
    struct place *place = *state;
    struct copy_end end;

    assert_int_equal(copy_find(place->folder, &end), STATUS_NOT_FOUND);
    assert_int_equal(mkdir(place->folder, 0700), 0);
    assert_int_equal(copy_find(place->folder, &end), STATUS_NOT_FOUND);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(copy__follows_and_goes_on_after_a_restart),
        CASE(long_lag__caught_up_with),
        CASE(torn_end__cut_off_and_written_again),
        CASE(cut_anywhere__goes_on_from_the_last_mark),
        CASE(damage_before_the_last_mark__named_and_left_alone),
        CASE(place_that_is_not_there__copied_when_it_comes_back),
        CASE(store_that_was_set_back__its_copy_is_left_alone),
        CASE(files__end_at_their_size_and_can_be_deleted),
        CASE(nothing_there__not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
