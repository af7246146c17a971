/* Edits, flags, timers and memberships, on every backend; more rows than are kept in hand; values that don't fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/store_rows.h"

struct edits {
    char bodies[64];
    struct edit_row last;
};

static enum status note_edit(void *context, const struct edit_row *row)
{
    struct edits *edits = context;

    strncat(edits->bodies, (const char *)row->body.data, row->body.size);
    edits->last = *row;
    return STATUS_OK;
}

static void edits__are_found_by_subject_and_field_in_order_of_hash(void **state)
{
    struct store *store = writer_of(state);
    struct hash presence = numbered_hash(1);
    struct span long_subject = span_of(presence.bytes, HASH_SIZE);
    struct span short_subject = span_of(presence.bytes + ID_SIZE, ID_SIZE);
    struct edits edits = {0};

    OK(store->ops->begin(store));
    for (unsigned i = 3; i >= 1; i--) {
        struct edit_row row = {
            .entry = numbered_hash(i), .officer = numbered_id(i), .lower_us = -5, .upper_us = RULE_FOREVER};
        char letter = (char)('a' + i);
        row.body = span_of(&letter, 1);
        OK(store->ops->edit_put(store, long_subject, "outcome", &row));
        row.body = span_text("other field");
        OK(store->ops->edit_put(store, long_subject, "outcome_other", &row));
        row.body = span_text("other subject");
        OK(store->ops->edit_put(store, short_subject, "outcome", &row));
    }
    struct edit_row again = {.entry = numbered_hash(2), .body = span_text("C")};
    OK(store->ops->edit_put(store, long_subject, "outcome", &again));
    OK(store->ops->commit(store));
    OK(store->ops->edits_of(store, long_subject, "outcome", note_edit, &edits));
    assert_string_equal(edits.bodies, "bCd");
    assert_true(edits.last.lower_us == -5 && edits.last.upper_us == RULE_FOREVER);
    assert_true(edits.last.officer.bytes[ID_SIZE - 1] == 3);
    memset(&edits, 0, sizeof(edits));
    OK(store->ops->edits_of(store, long_subject, "out", note_edit, &edits));
    assert_string_equal(edits.bodies, "");
}

/* More than the writer keeps in hand: 40 MB in one transaction. */
static void more_rows_than_fit_in_hand__none_is_lost(void **state)
{
    struct store *store = writer_of(state);
    static uint8_t body[20000];
    struct flag_row flag = {.kind = 1, .state = FLAG_RAISED, .body = span_of(body, sizeof(body))}, got;

    OK(store->ops->begin(store));
    for (unsigned i = 0; i < 2000; i++) {
        flag.flag = numbered_hash(i);
        flag.times_raised = i;
        OK(store->ops->flag_put(store, &flag));
    }
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 2000; i++) {
            struct hash id = numbered_hash(i);

            OK(store->ops->flag_get(store, &id, &got));
            assert_int_equal(got.times_raised, i);
            assert_int_equal(got.body.size, sizeof(body));
        }
        if (round == 0)
            OK(store->ops->commit(store));
    }
}

static enum status expect_edit(void *context, const struct edit_row *row)
{
    const struct edit_row **next = context;
    struct span body = (*next)->body;

    assert_true(hash_equal(&row->entry, &(*next)->entry) && id_equal(&row->officer, &(*next)->officer));
    assert_true(hash_equal(&row->let_by, &(*next)->let_by) && span_equal(row->body, body));
    assert_true(row->lower_us == (*next)->lower_us && row->upper_us == (*next)->upper_us);
    (*next)++;
    return STATUS_OK;
}

/* In whatever order they come: what one says only by what stands before it must not change with that. */
static void edits_of_a_presence__say_who_wrote_and_who_let_them(void **state)
{
    static const unsigned officers[] = {1, 1, 2, 1, 1, 1}, let_by[] = {0, 7, 0, 0, 8, 0};
    static const unsigned orders[][6] = {{0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {3, 0, 5, 2, 4, 1}};
    struct store *store = writer_of(state);
    struct edit_row rows[6] = {{.lower_us = 0}};

    for (unsigned i = 0; i < 6; i++) {
        rows[i] = (struct edit_row){.entry = numbered_hash(i + 1),
                                    .officer = numbered_id(officers[i]),
                                    .lower_us = -(int64_t)i,
                                    .upper_us = RULE_FOREVER - i,
                                    .body = span_of("abcdef", i + 1)};
        if (let_by[i] != 0)
            rows[i].let_by = numbered_hash(let_by[i]);
    }
    for (unsigned order = 0; order < 3; order++) {
        struct hash presence = numbered_hash(100 + order);
        const struct edit_row *next = rows;

        OK(store->ops->begin(store));
        for (unsigned i = 0; i < 6; i++)
            OK(store->ops->edit_put(store, span_of(presence.bytes, HASH_SIZE), "f", &rows[orders[order][i]]));
        OK(store->ops->commit(store));
        OK(store->ops->edits_of(store, span_of(presence.bytes, HASH_SIZE), "f", expect_edit, &next));
        assert_ptr_equal(next, rows + 6);
    }
}

static enum status count_edits(void *context, const struct edit_row *row)
{
    size_t *sizes = context;

    sizes[0]++;
    sizes[1] += row->body.size;
    return STATUS_OK;
}

/* However many there are, whether or not they fit beside one another. */
static void many_edits_of_a_presence__all_are_found(void **state)
{
    struct store *store = writer_of(state);
    struct hash presence = numbered_hash(1), contested = numbered_hash(7);
    struct span subject = span_of(presence.bytes, HASH_SIZE);
    static uint8_t body[1500];
    size_t sizes[2] = {0};

    OK(store->ops->begin(store));
    for (unsigned i = 1; i <= 60; i++) {
        struct edit_row row = {.entry = numbered_hash(i), .body = span_of(body, 100 + 20 * i)};

        OK(store->ops->edit_put(store, subject, i % 2 == 0 ? "even" : "odd", &row));
        if (i % 5 == 0)
            OK(store->ops->edit_put(store, subject, i % 2 == 0 ? "even" : "odd", &row)); /* once more: no other */
    }
    OK(store->ops->commit(store));
    OK(store->ops->edits_of(store, subject, "even", count_edits, sizes));
    assert_int_equal(sizes[0], 30);
    assert_int_equal(sizes[1], 30 * 100 + 20 * (2 + 60) * 15);
    OK(store->ops->begin(store));
    OK(store->ops->contested_put(store, &contested));
    contested = numbered_hash(59);
    OK(store->ops->contested_put(store, &contested));
    OK(store->ops->commit(store));
    memset(sizes, 0, sizeof(sizes));
    OK(store->ops->edits_of(store, subject, "odd", count_edits, sizes));
    assert_int_equal(sizes[0], 28); /* one of those that lie together, one of the others */
    OK(store->ops->begin(store));
    contested = numbered_hash(9);
    OK(store->ops->contested_put(store, &contested));
    store->ops->rollback(store);
    memset(sizes, 0, sizeof(sizes));
    OK(store->ops->edits_of(store, subject, "odd", count_edits, sizes));
    assert_int_equal(sizes[0], 28);
}

static void flags__come_back_with_their_bodies(void **state)
{
    struct store *store = writer_of(state);
    struct hash subject = numbered_hash(9);
    struct hash nothing = numbered_hash(8);
    struct flag_row got[3];
    size_t count = 99;
    static uint8_t large[100000];

    memset(large, 0x5a, sizeof(large));
    OK(store->ops->begin(store));
    for (unsigned i = 3; i >= 1; i--) {
        struct flag_row row = {
            .flag = numbered_hash(i), .subject = subject, .kind = i, .state = FLAG_CLEARED, .times_raised = 5};
        row.body = i == 2 ? span_of(large, sizeof(large)) : i == 3 ? span_text("three") : span_of(NULL, 0);
        OK(store->ops->flag_put(store, &row));
    }
    OK(store->ops->commit(store));
    OK(store->ops->flags_on(store, &subject, got, 3, &count));
    assert_int_equal(count, 3);
    assert_int_equal(got[0].body.size, 0);
    assert_true(span_equal(got[1].body, span_of(large, sizeof(large))));
    assert_true(span_equal(got[2].body, span_text("three")));
    assert_true(got[2].kind == 3 && got[2].state == FLAG_CLEARED && got[2].times_raised == 5);
    OK(store->ops->flags_on(store, &subject, got, 2, &count));
    assert_int_equal(count, 2);
    OK(store->ops->flags_on(store, &nothing, got, 2, &count));
    assert_int_equal(count, 0);
    struct flag_row moved = {
        .flag = numbered_hash(3), .subject = nothing, .state = FLAG_RAISED, .body = span_text("now")};
    WRITE(store, store->ops->flag_put(store, &moved));
    OK(store->ops->flag_get(store, &moved.flag, &got[0]));
    assert_true(span_equal(got[0].body, span_text("now")));
    assert_true(hash_equal(&got[0].subject, &nothing));
    assert_int_equal(store->ops->flag_get(store, &nothing, &got[0]), STATUS_NOT_FOUND);
}

static void timers__fire_in_order_and_once_a_subject(void **state)
{
    struct store *store = writer_of(state);
    static const int64_t due_us[] = {30, 10, 10, INT64_MIN};
    static const unsigned order[] = {4, 2, 3, 1};
    struct timer_row row;

    assert_int_equal(store->ops->timer_first(store, INT64_MAX, &row), STATUS_NOT_FOUND);
    OK(store->ops->begin(store));
    for (unsigned i = 4; i >= 1; i--) {
        struct timer_row set = {.due_us = 5, .id = numbered_hash(i)};
        OK(store->ops->timer_set(store, &set));
        set.due_us = due_us[i - 1];
        OK(store->ops->timer_set(store, &set));
    }
    for (size_t i = 0; i < 4; i++) {
        int64_t due = due_us[order[i] - 1];
        struct hash expected = numbered_hash(order[i]);
        OK(store->ops->timer_first(store, due, &row));
        assert_true(hash_equal(&row.id, &expected));
        assert_int_equal(row.due_us, due);
        if (i > 0)
            assert_int_equal(store->ops->timer_first(store, due - 1, &row), STATUS_NOT_FOUND);
        OK(store->ops->timer_clear(store, &row.id));
    }
    OK(store->ops->timer_clear(store, &row.id)); /* nothing there: nothing to do */
    OK(store->ops->commit(store));
}

static void scope_members__come_and_go(void **state)
{
    struct store *store = writer_of(state);
    struct id device = numbered_id(1);
    struct id other = numbered_id(2);
    struct scope_member members[3] = {
        {{SCOPE_OFFICER, numbered_id(5)}, 3, 0}, {{SCOPE_FORCE, {{0}}}, 1, 0}, {{SCOPE_TEAM, numbered_id(5)}, 2, 0}};
    struct scope_member got[3];
    size_t count = 99;

    OK(store->ops->begin(store));
    for (size_t i = 0; i < 3; i++)
        OK(store->ops->scope_member_put(store, &device, &members[i]));
    OK(store->ops->scope_member_put(store, &other, &members[0]));
    members[2].entered_pos = 44;
    members[2].left_pos = 50;
    OK(store->ops->scope_member_put(store, &device, &members[2]));
    OK(store->ops->commit(store));
    OK(store->ops->scopes_of_device(store, &device, got, 3, &count));
    assert_int_equal(count, 3);
    assert_true(got[0].scope.kind == SCOPE_FORCE && got[0].entered_pos == 1);
    assert_true(got[1].scope.kind == SCOPE_TEAM && got[1].entered_pos == 44 && got[1].left_pos == 50);
    assert_int_equal(got[0].left_pos, 0);
    assert_true(got[2].scope.kind == SCOPE_OFFICER && id_equal(&got[2].scope.id, &members[0].scope.id));
    assert_int_equal(store->ops->scopes_of_device(store, &device, got, 2, &count), STATUS_OVER_LIMIT);
    WRITE(store, store->ops->scope_member_forget(store, &device, &members[0].scope));
    OK(store->ops->scopes_of_device(store, &device, got, 3, &count));
    assert_int_equal(count, 2);
    OK(store->ops->scopes_of_device(store, &other, got, 3, &count));
    assert_int_equal(count, 1);
}

static void values__that_do_not_fit_are_refused(void **state)
{
    struct store *store = writer_of(state);
    struct device_row device = device_row_of(1);
    struct presence_row presence = presence_row_of(1);
    struct view_row view = {.key = span_of("", 0), .row = span_text("row")};
    uint8_t long_key[STORE_VIEW_KEY_MAX + 1] = {1};
    struct scope force = {.kind = SCOPE_FORCE};
    struct officer_row officer = {.officer = numbered_id(1)};

    OK(store->ops->begin(store));
    memset(officer.code, 'x', sizeof(officer.code));
    assert_int_equal(store->ops->officer_put(store, &officer), STATUS_OVER_LIMIT);
    device.last_seq = (uint64_t)INT64_MAX + 1;
    assert_int_equal(store->ops->device_put(store, &device), STATUS_OVER_LIMIT);
    presence.named_count = STORE_NAMED_MAX + 1;
    assert_int_equal(store->ops->presence_put(store, &presence), STATUS_OVER_LIMIT);
    assert_int_equal(store->ops->view_put(store, &view), STATUS_OVER_LIMIT);
    assert_int_equal(store->ops->feed_put(store, &force, 1, span_of(long_key, sizeof(long_key)), false),
                     STATUS_OVER_LIMIT);
    OK(store->ops->feed_put(store, &force, 1, span_of(long_key, STORE_VIEW_KEY_MAX), false));
    store->ops->rollback(store);
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        STORE_TEST(edits__are_found_by_subject_and_field_in_order_of_hash),
        STORE_TEST(more_rows_than_fit_in_hand__none_is_lost),
        STORE_TEST(edits_of_a_presence__say_who_wrote_and_who_let_them),
        STORE_TEST(many_edits_of_a_presence__all_are_found),
        STORE_TEST(flags__come_back_with_their_bodies),
        STORE_TEST(timers__fire_in_order_and_once_a_subject),
        STORE_TEST(scope_members__come_and_go),
        STORE_TEST(values__that_do_not_fit_are_refused),
    };

    return store_rows_run(tests, sizeof(tests) / sizeof(tests[0]));
}
