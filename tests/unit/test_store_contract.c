/* server/logic/store.h, on every backend: the interface alone. Rows of each kind: test_store_roster.c, _clocks, _visits, _rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/store_fixture.h"

#define OK(call) assert_int_equal((call), STATUS_OK)

static uint64_t pos_of(struct store *store)
{
    struct store_head head;

    OK(store->ops->head(store, &head));
    return head.pos;
}

static void store__is_empty_at_first(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->reader;
    struct store_head head;
    static const uint8_t root_of_nothing[] = {0xe3, 0xb0, 0xc4, 0x42};

    OK(store->ops->head(store, &head));
    assert_int_equal(head.pos, 0);
    assert_int_equal(head.time_us, 0);
    assert_true(head.training);
    assert_true(id_is_zero(&head.force));
    assert_string_equal(head.engine, "");
    assert_memory_equal(head.root.bytes, root_of_nothing, sizeof(root_of_nothing));
}

static void head__comes_back_as_put(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct store_head put = {.pos = 7,
                             .time_us = INT64_C(1764000000000000),
                             .force = numbered_id(1),
                             .epoch = numbered_id(2),
                             .root = numbered_hash(3),
                             .training = true,
                             .engine = "1"};
    struct store_head got;

    OK(store->ops->begin(store));
    OK(store->ops->head_put(store, &put));
    OK(store->ops->commit(store));
    store_fixture_reopen(fixture);
    OK(fixture->reader->ops->head(fixture->reader, &got));
    assert_int_equal(got.pos, 7);
    assert_int_equal(got.time_us, put.time_us);
    assert_true(id_equal(&got.force, &put.force) && id_equal(&got.epoch, &put.epoch));
    assert_true(hash_equal(&got.root, &put.root));
    assert_string_equal(got.engine, "1");
}

static void head__keeps_the_training_mark(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct store_head head;

    OK(store->ops->begin(store));
    OK(store->ops->head(store, &head));
    head.training = false;
    assert_int_equal(store->ops->head_put(store, &head), STATUS_STORE_MODE);
    store->ops->rollback(store);
}

static void commit__makes_it_visible_and_lasting(void **state)
{
    struct store_fixture *fixture = *state;

    OK(store_fixture_commit(fixture->writer, 1));
    assert_int_equal(pos_of(fixture->reader), 1);
    store_fixture_reopen(fixture);
    assert_int_equal(pos_of(fixture->writer), 1);
}

static void rollback__leaves_nothing(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct officer_row officer = {.officer = numbered_id(1)};

    OK(store->ops->begin(store));
    OK(store->ops->officer_put(store, &officer));
    OK(store->ops->officer_get(store, &officer.officer, &officer));
    store->ops->rollback(store);
    assert_int_equal(store->ops->officer_get(store, &officer.officer, &officer), STATUS_NOT_FOUND);
    store->ops->rollback(store); /* with nothing begun: harmless */
    OK(store_fixture_commit(store, 1));
}

static void savepoint__rolls_back_what_came_after_it(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct officer_row first = {.officer = numbered_id(1)};
    struct officer_row second = {.officer = numbered_id(2)};
    struct officer_row third = {.officer = numbered_id(3)};
    struct officer_row row;

    OK(store->ops->begin(store));
    OK(store->ops->officer_put(store, &first));
    OK(store->ops->savepoint(store));
    OK(store->ops->officer_put(store, &second));
    store->ops->savepoint_rollback(store);
    OK(store->ops->savepoint(store));
    OK(store->ops->officer_put(store, &third));
    OK(store->ops->savepoint_release(store));
    OK(store->ops->commit(store));
    OK(store->ops->officer_get(store, &first.officer, &row));
    assert_int_equal(store->ops->officer_get(store, &second.officer, &row), STATUS_NOT_FOUND);
    OK(store->ops->officer_get(store, &third.officer, &row));
}

static void writing__needs_a_transaction(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct officer_row officer = {.officer = numbered_id(1)};
    struct hash timer = numbered_hash(1);

    assert_int_equal(store->ops->officer_put(store, &officer), STATUS_INTERNAL);
    assert_int_equal(store->ops->timer_clear(store, &timer), STATUS_INTERNAL);
    assert_int_equal(store->ops->savepoint(store), STATUS_INTERNAL);
    assert_int_equal(store->ops->officer_get(store, &officer.officer, &officer), STATUS_NOT_FOUND);
}

static void reader__cannot_write(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->reader;
    struct officer_row officer = {.officer = numbered_id(1)};

    assert_int_not_equal(store->ops->begin(store), STATUS_OK);
    store->ops->rollback(store);
    OK(store->ops->begin_read(store));
    assert_int_not_equal(store->ops->officer_put(store, &officer), STATUS_OK);
    store->ops->end_read(store);
    assert_int_equal(fixture->writer->ops->officer_get(fixture->writer, &officer.officer, &officer), STATUS_NOT_FOUND);
}

static void reader__does_not_see_what_is_not_committed(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *writer = fixture->writer;
    struct store *reader = fixture->reader;
    struct officer_row officer = {.officer = numbered_id(1)};
    struct officer_row row;

    OK(writer->ops->begin(writer));
    OK(writer->ops->officer_put(writer, &officer));
    assert_int_equal(reader->ops->officer_get(reader, &officer.officer, &row), STATUS_NOT_FOUND);
    OK(writer->ops->commit(writer));
    OK(reader->ops->officer_get(reader, &officer.officer, &row));
}

static void snapshot__stays_as_it_was_when_begun(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *reader = fixture->reader;

    OK(store_fixture_commit(fixture->writer, 1));
    OK(reader->ops->begin_read(reader));
    OK(store_fixture_commit(fixture->writer,
                            2)); /* before the reader's first read: the snapshot is older all the same */
    assert_int_equal(pos_of(reader), 1);
    reader->ops->end_read(reader);
    assert_int_equal(pos_of(reader), 2);
}

struct walk {
    struct store *store;
    uint64_t positions[16];
    size_t count;
    enum status then;
};

static enum status note_row(void *context, const struct journal_row *row)
{
    struct walk *walk = context;

    assert_in_range(walk->count, 0, 15);
    walk->positions[walk->count++] = row->first_pos;
    return walk->then;
}

static void append(struct store *store, const struct id *log, uint64_t first_seq, uint32_t count, const char *body)
{
    struct store_head head;
    struct journal_row row = store_fixture_push(store, log, first_seq, count);

    row.body = span_text(body);
    OK(store->ops->head(store, &head));
    head.pos = row.first_pos + count - 1;
    OK(store->ops->journal_append(store, &row));
    OK(store->ops->head_put(store, &head));
}

static void journal__is_walked_from_the_row_that_holds_the_position(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct id log = numbered_id(1);
    static const struct {
        uint64_t from;
        size_t count;
        uint64_t first;
    } cases[] = {{0, 3, 1}, {1, 3, 1}, {5, 3, 1}, {6, 2, 6}, {7, 1, 7}, {9, 1, 7}, {10, 0, 0}, {1000, 0, 0}};

    OK(store->ops->begin(store));
    append(store, &log, 1, 5, "1 to 5");
    append(store, &log, 6, 1, "6");
    append(store, &log, 7, 3, "7 to 9");
    OK(store->ops->commit(store));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct walk walk = {0};
        OK(store->ops->journal_from(store, cases[i].from, note_row, &walk));
        assert_int_equal(walk.count, cases[i].count);
        assert_int_equal(walk.positions[0], cases[i].first);
    }
    struct walk stopped = {.then = STATUS_CANCELLED};
    assert_int_equal(store->ops->journal_from(store, 0, note_row, &stopped), STATUS_CANCELLED);
    assert_int_equal(stopped.count, 1);
}

static enum status walk_within(void *context, const struct journal_row *row)
{
    struct walk *walk = context;
    struct walk inner = {0};

    OK(walk->store->ops->journal_from(walk->store, row->first_pos, note_row, &inner));
    walk->count += inner.count;
    return STATUS_OK;
}

static void callback__may_walk_the_same_table(void **state)
{
    struct store_fixture *fixture = *state;
    struct walk walk = {.store = fixture->writer};

    for (unsigned i = 1; i <= 4; i++)
        OK(store_fixture_commit(fixture->writer, i));
    OK(fixture->writer->ops->journal_from(fixture->writer, 1, walk_within, &walk));
    assert_int_equal(walk.count, 4 + 3 + 2 + 1);
}

static void journal__keeps_every_byte(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct id log = numbered_id(1);
    struct journal_row put = store_fixture_push(store, &log, 4, 2);
    struct journal_row got;

    put.time_us = 12345678;
    put.delivery = span_of("a\0b", 3);
    put.body = span_of(NULL, 0);
    OK(store->ops->begin(store));
    OK(store->ops->journal_append(store, &put));
    OK(store->ops->commit(store));
    OK(store->ops->journal_of_log(store, &log, 5, &got));
    assert_int_equal(got.first_pos, 1);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.kind, JOURNAL_PUSH);
    assert_int_equal(got.time_us, 12345678);
    assert_int_equal(got.first_seq, 4);
    assert_true(id_equal(&got.log, &log));
    assert_true(span_equal(got.delivery, put.delivery));
    assert_int_equal(got.body.size, 0);
}

static void journal__finds_the_row_of_an_entry(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct id log = numbered_id(1);
    struct id other = numbered_id(2);
    struct journal_row row;

    OK(store->ops->begin(store));
    append(store, &log, 1, 10, "main branch");
    append(store, &log, 5, 2, "a fork's other branch");
    append(store, &other, 1, 20, "another log");
    append(store, &log, 11, 1, "main branch again");
    OK(store->ops->commit(store));
    for (uint64_t seq = 1; seq <= 10; seq++) {
        OK(store->ops->journal_of_log(store, &log, seq, &row));
        assert_int_equal(row.first_pos, 1);
    }
    OK(store->ops->journal_of_log(store, &log, 11, &row));
    assert_true(span_equal(row.body, span_text("main branch again")));
    assert_int_equal(store->ops->journal_of_log(store, &log, 12, &row), STATUS_NOT_FOUND);
    assert_int_equal(store->ops->journal_of_log(store, &log, 0, &row), STATUS_NOT_FOUND);
}

static void journal__has_no_gaps_and_no_way_back(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct id log = numbered_id(1);

    OK(store_fixture_commit(store, 1));
    OK(store->ops->begin(store));
    struct journal_row row = store_fixture_push(store, &log, 1, 1);
    row.first_pos = 3;
    assert_int_equal(store->ops->journal_append(store, &row), STATUS_INTERNAL);
    row.first_pos = 1;
    assert_int_equal(store->ops->journal_append(store, &row), STATUS_INTERNAL);
    row.first_pos = 2;
    row.time_us = -1;
    assert_int_equal(store->ops->journal_append(store, &row), STATUS_INTERNAL);
    row.time_us = 0;
    row.count = 0;
    assert_int_equal(store->ops->journal_append(store, &row), STATUS_INTERNAL);
    row.count = 1;
    OK(store->ops->journal_append(store, &row));
    store->ops->rollback(store);
}

static void tile__comes_back_whole(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    static struct hash put[MERKLE_TILE_WIDTH];
    static struct hash got[MERKLE_TILE_WIDTH];
    struct merkle_tile tile = {.level = 1, .index = 77, .hashes = put};

    for (unsigned i = 0; i < MERKLE_TILE_WIDTH; i++)
        put[i] = numbered_hash(i);
    OK(store->ops->begin(store));
    OK(store->ops->tile_put(store, &tile));
    OK(store->ops->commit(store));
    OK(store->ops->tile_load(store, 1, 77, got));
    assert_memory_equal(put, got, sizeof(put));
    assert_int_equal(store->ops->tile_load(store, 0, 77, got), STATUS_NOT_FOUND);
    assert_int_equal(store->ops->tile_load(store, 1, 78, got), STATUS_NOT_FOUND);
}

static void dump__depends_on_the_rows_not_on_their_history(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct officer_row a = {.officer = numbered_id(1), .code = "A"};
    struct officer_row b = {.officer = numbered_id(2), .code = "B"};
    struct hash timer = numbered_hash(9);

    OK(store->ops->begin(store));
    OK(store->ops->officer_put(store, &b));
    OK(store->ops->officer_put(store, &a));
    OK(store->ops->commit(store));
    char *before = store_dump_text(store);
    assert_non_null(strstr(before, "head|0|0|"));
    assert_non_null(strstr(before, "officers|00000000000000000000000000000001|0|0|0|0||41|0|0\n"));
    assert_true(strstr(before, "|41|0|0\n") < strstr(before, "|42|0|0\n"));
    OK(store->ops->begin(store));
    OK(store->ops->timer_set(store, &(struct timer_row){.due_us = 5, .id = timer}));
    a.role = 3;
    OK(store->ops->officer_put(store, &a));
    OK(store->ops->commit(store));
    char *between = store_dump_text(fixture->reader);
    assert_string_not_equal(before, between);
    OK(store->ops->begin(store));
    OK(store->ops->timer_clear(store, &timer));
    a.role = 0;
    OK(store->ops->officer_put(store, &a));
    OK(store->ops->commit(store));
    char *after = store_dump_text(fixture->reader);
    assert_string_equal(before, after);
    free(before);
    free(between);
    free(after);
}

#define TEST(function)                                                                                                 \
    {                                                                                                                  \
#function, function, store_fixture_setup, store_fixture_teardown, NULL                                         \
    }

int main(void)
{
    static struct CMUnitTest tests[] = {
        TEST(store__is_empty_at_first),
        TEST(head__comes_back_as_put),
        TEST(head__keeps_the_training_mark),
        TEST(commit__makes_it_visible_and_lasting),
        TEST(rollback__leaves_nothing),
        TEST(savepoint__rolls_back_what_came_after_it),
        TEST(writing__needs_a_transaction),
        TEST(reader__cannot_write),
        TEST(reader__does_not_see_what_is_not_committed),
        TEST(snapshot__stays_as_it_was_when_begun),
        TEST(journal__is_walked_from_the_row_that_holds_the_position),
        TEST(callback__may_walk_the_same_table),
        TEST(journal__keeps_every_byte),
        TEST(journal__finds_the_row_of_an_entry),
        TEST(journal__has_no_gaps_and_no_way_back),
        TEST(tile__comes_back_whole),
        TEST(dump__depends_on_the_rows_not_on_their_history),
    };
    size_t count;
    const struct store_backend *backends = store_backends(&count);
    int failed = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sizeof(tests) / sizeof(tests[0]); j++)
            tests[j].initial_state = (void *)(uintptr_t)&backends[i];
        failed += cmocka_run_group_tests_name(backends[i].name, tests, NULL, NULL);
    }
    return failed;
}
