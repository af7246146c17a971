/* Anchors, points of clocks and boots, on every backend: what lies nearest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/store_rows.h"

static void anchor__comes_back(void **state)
{
    struct store *store = writer_of(state);
    struct anchor_row put;
    struct anchor_row got;
    struct hash nothing = numbered_hash(2);

    memset(&put, 0, sizeof(put));
    put.hash = numbered_hash(1);
    put.time_us = 17;
    put.log = numbered_id(3);
    put.boot = numbered_id(4);
    put.sent_us = 18;
    WRITE(store, store->ops->anchor_put(store, &put));
    OK(store->ops->anchor_get(store, &put.hash, &got));
    SAME(put, got);
    assert_int_equal(store->ops->anchor_get(store, &nothing, &got), STATUS_NOT_FOUND);
}

static enum status note_sent(void *context, const struct boot_anchor_row *row)
{
    int64_t **next = context;

    *(*next)++ = row->sent_us;
    return STATUS_OK;
}

static void boot_anchors__the_same_again_is_one_with_its_first_drift(void **state)
{
    struct store *store = writer_of(state);
    struct id log = numbered_id(1);
    struct id boot = numbered_id(2);
    struct boot_anchor_row row = {log, boot, 1, 10, INT64_MAX, 200};
    struct boot_anchor_row got;
    int64_t sent_us[8] = {0};
    int64_t *next = sent_us;
    bool is_new = false;

    assert_int_equal(store->ops->boot_anchor_any(store, &log, &boot, &got), STATUS_NOT_FOUND);
    OK(store->ops->begin(store));
    OK(store->ops->boot_anchor_put(store, &row, &is_new));
    assert_true(is_new);
    row.drift_ppb = 300;
    OK(store->ops->boot_anchor_put(store, &row, &is_new));
    assert_false(is_new);
    row.boot = numbered_id(3);
    row.sent_us = 20;
    OK(store->ops->boot_anchor_put(store, &row, &is_new));
    assert_true(is_new);
    row.log = numbered_id(4);
    OK(store->ops->boot_anchor_put(store, &row, &is_new));
    OK(store->ops->commit(store));
    OK(store->ops->boot_anchor_any(store, &log, &boot, &got));
    assert_int_equal(got.drift_ppb, 200);
    OK(store->ops->boot_anchors_of_log(store, &log, note_sent, &next));
    assert_int_equal(next - sent_us, 2);
    assert_int_equal(sent_us[0], 10);
    assert_int_equal(sent_us[1], 20);
}

static void expect_clock_point(struct store *store, int64_t at_us, int64_t up_to_us, int64_t after_us)
{
    struct id log = numbered_id(1);
    struct id boot = numbered_id(2);
    struct clock_point_row got;

    if (up_to_us == 0)
        assert_int_equal(store->ops->clock_point_up_to(store, &log, &boot, true, at_us, &got), STATUS_NOT_FOUND);
    else {
        OK(store->ops->clock_point_up_to(store, &log, &boot, true, at_us, &got));
        assert_int_equal(got.at_us, up_to_us);
    }
    if (after_us == 0)
        assert_int_equal(store->ops->clock_point_after(store, &log, &boot, true, at_us, &got), STATUS_NOT_FOUND);
    else {
        OK(store->ops->clock_point_after(store, &log, &boot, true, at_us, &got));
        assert_int_equal(got.at_us, after_us);
    }
}

static void clock_points__are_the_nearest_on_either_side(void **state)
{
    struct store *store = writer_of(state);
    struct id log = numbered_id(1);
    struct id boot = numbered_id(2);
    struct clock_point_row row = {.log = log, .boot = boot, .is_ceiling = true, .time_us = 7, .drift_ppb = 200};

    OK(store->ops->begin(store));
    for (row.at_us = 10; row.at_us <= 30; row.at_us += 10)
        OK(store->ops->clock_point_put(store, &row));
    row.is_ceiling = false;
    row.at_us = 25;
    OK(store->ops->clock_point_put(store, &row));
    row.is_ceiling = true;
    row.boot = numbered_id(3);
    OK(store->ops->clock_point_put(store, &row));
    OK(store->ops->commit(store));
    expect_clock_point(store, 9, 0, 10);
    expect_clock_point(store, 20, 20, 30);
    expect_clock_point(store, 29, 20, 30);
    expect_clock_point(store, 30, 30, 0);
    row.boot = boot;
    row.at_us = 20;
    WRITE(store, store->ops->clock_point_forget(store, &row));
    expect_clock_point(store, 29, 10, 30);
    WRITE(store, store->ops->clock_points_forget(store, &log, &boot));
    expect_clock_point(store, 29, 0, 0);
}

static void boots__are_the_nearest_in_log_order(void **state)
{
    struct store *store = writer_of(state);
    struct id log = numbered_id(1);
    struct boot_row rows[8];
    size_t count = 99;
    /* Stretches 1-10, 11-12, 13-40, 41-44. */
    static const uint64_t edges[] = {1, 11, 13, 41, 45};
    static const struct {
        uint64_t seq;
        size_t max;
        size_t count;
        uint64_t first[4];
    } cases[] = {
        {12, 8, 4, {1, 11, 13, 41}},
        {12, 1, 1, {11}},
        {12, 2, 2, {11, 13}},
        {12, 3, 3, {1, 11, 13}},
        {39, 2, 2, {13, 41}},
        {14, 2, 2, {11, 13}},
        {1, 2, 2, {1, 11}},
        {100, 2, 2, {13, 41}},
        {0, 1, 1, {1}},
        {30, 0, 0, {0}},
    };

    OK(store->ops->begin(store));
    for (size_t i = 0; i < 4; i++) {
        struct boot_row row = {
            .log = log, .boot = numbered_id(9 - (unsigned)i), .first_seq = edges[i], .last_seq = edges[i]};
        OK(store->ops->boot_put(store, &row));
        row.last_seq = edges[i + 1] - 1; /* it grew */
        row.first_mono_us = 3;
        row.last_mono_us = -4;
        row.clock_trouble = true;
        OK(store->ops->boot_put(store, &row));
    }
    OK(store->ops->commit(store));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        OK(store->ops->boots_of_log(store, &log, cases[i].seq, rows, cases[i].max, &count));
        assert_int_equal(count, cases[i].count);
        for (size_t j = 0; j < count; j++)
            assert_int_equal(rows[j].first_seq, cases[i].first[j]);
    }
    OK(store->ops->boots_of_log(store, &log, 1, rows, 1, &count));
    assert_true(rows[0].last_seq == 10 && rows[0].first_mono_us == 3 && rows[0].last_mono_us == -4);
    assert_true(rows[0].clock_trouble);
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        STORE_TEST(anchor__comes_back),
        STORE_TEST(boot_anchors__the_same_again_is_one_with_its_first_drift),
        STORE_TEST(clock_points__are_the_nearest_on_either_side),
        STORE_TEST(boots__are_the_nearest_in_log_order),
    };

    return store_rows_run(tests, sizeof(tests) / sizeof(tests[0]));
}
