/* Presences and what bears on them, on every backend: plans, authorities, decisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "tests/lib/store_rows.h"

static void presence__comes_back(void **state)
{
    struct store *store = writer_of(state);
    struct presence_row put = presence_row_of(1);
    struct presence_row got;
    struct hash nothing = numbered_hash(2);

    WRITE(store, store->ops->presence_put(store, &put));
    OK(store->ops->presence_get(store, &put.presence, &got));
    SAME(put, got);
    put.has_out = false;
    memset(&put.out, 0, sizeof(put.out));
    memset(put.named, 0, sizeof(put.named));
    put.named_count = 0;
    put.in.accuracy_m = (double)INFINITY;
    put.to_us = RULE_FOREVER;
    WRITE(store, store->ops->presence_put(store, &put));
    OK(store->ops->presence_get(store, &put.presence, &got));
    SAME(put, got);
    assert_int_equal(store->ops->presence_get(store, &nothing, &got), STATUS_NOT_FOUND);
}

static void presence__keeps_an_accuracy_that_is_no_number(void **state)
{
    struct store *store = writer_of(state);
    struct presence_row put = presence_row_of(1);
    struct presence_row got;

    put.in.accuracy_m = (double)NAN;
    WRITE(store, store->ops->presence_put(store, &put));
    OK(store->ops->presence_get(store, &put.presence, &got));
    assert_true(isnan(got.in.accuracy_m));
    assert_true(!isnan(got.out.accuracy_m));
}

struct found {
    unsigned numbers[16];
    size_t count;
    enum status then;
};

static enum status note_presence(void *context, const struct presence_row *row)
{
    struct found *found = context;

    assert_in_range(found->count, 0, 15);
    found->numbers[found->count++] = get_u32(row->presence.bytes + HASH_SIZE - 4);
    return found->then;
}

static void assert_found(const struct found *found, const char *expected)
{
    assert_int_equal(found->count, strlen(expected));
    for (size_t i = 0; i < found->count; i++)
        assert_int_equal(found->numbers[i], expected[i] - '0');
}

/* Presences 1 to 5 with loose bounds [0,10] [10,20] [21,30] [-inf,+inf] [5,25]; put in falling order. */
static void put_five(struct store *store)
{
    static const int64_t bounds[][2] = {{0, 10}, {10, 20}, {21, 30}, {INT64_MIN, INT64_MAX}, {5, 25}};

    OK(store->ops->begin(store));
    for (unsigned i = 5; i >= 1; i--) {
        struct presence_row row = presence_row_of(i);
        row.from_us = bounds[i - 1][0];
        row.to_us = bounds[i - 1][1];
        row.in.boot = numbered_id(i <= 2 ? 70 : 71);
        row.out.boot = numbered_id(i <= 3 ? 70 : 71);
        row.has_out = i != 2;
        OK(store->ops->presence_put(store, &row));
        row.presence = numbered_hash(i + 10);
        row.offender = numbered_id(91);
        row.officer = numbered_id(92);
        row.log = numbered_id(93);
        OK(store->ops->presence_put(store, &row));
    }
    OK(store->ops->commit(store));
}

static void presences__are_found_by_bounds_that_touch(void **state)
{
    struct store *store = writer_of(state);
    struct id offender = numbered_id(1);
    struct id officer = numbered_id(2);
    static const struct {
        int64_t from_us;
        int64_t to_us;
        const char *expected;
    } cases[] = {{10, 10, "1245"}, {11, 20, "245"},  {26, 26, "34"},   {31, 99, "4"},
                 {-9, -1, "4"},    {20, 21, "2345"}, {0, 30, "12345"}, {INT64_MIN, INT64_MAX, "12345"}};

    put_five(store);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct found at = {0};
        struct found of = {0};
        OK(store->ops->presences_at(store, &offender, cases[i].from_us, cases[i].to_us, note_presence, &at));
        OK(store->ops->presences_of(store, &officer, cases[i].from_us, cases[i].to_us, note_presence, &of));
        assert_found(&at, cases[i].expected);
        assert_found(&of, cases[i].expected);
    }
    struct found stopped = {.then = STATUS_OVER_LIMIT};
    assert_int_equal(store->ops->presences_at(store, &offender, 0, 30, note_presence, &stopped), STATUS_OVER_LIMIT);
    assert_int_equal(stopped.count, 1);
}

static void presences__are_found_by_boot(void **state)
{
    struct store *store = writer_of(state);
    struct id log = numbered_id(4);
    struct id boot = numbered_id(70);
    struct found found = {0};

    put_five(store);
    OK(store->ops->presences_in_boot(store, &log, &boot, note_presence, &found));
    assert_found(&found, "123"); /* 3: only its check-out; 2: only its check-in */
    boot = numbered_id(71);
    found.count = 0;
    OK(store->ops->presences_in_boot(store, &log, &boot, note_presence, &found));
    assert_found(&found, "345");
    boot = numbered_id(72);
    found.count = 0;
    OK(store->ops->presences_in_boot(store, &log, &boot, note_presence, &found));
    assert_found(&found, "");
}

static void plan__comes_back_and_is_found_by_window(void **state)
{
    struct store *store = writer_of(state);
    struct plan_row put;
    struct plan_row got[2];
    struct id nothing = numbered_id(9);
    size_t count = 99;

    memset(&put, 0, sizeof(put));
    put.plan = numbered_id(1);
    put.offender = numbered_id(2);
    for (unsigned i = 0; i < 3; i++)
        put.officers[i] = numbered_id(i + 3);
    put.officer_count = 3;
    put.from_us = 100;
    put.to_us = 200;
    put.cancelled = true;
    WRITE(store, store->ops->plan_put(store, &put));
    OK(store->ops->plan_get(store, &put.plan, &got[0]));
    SAME(put, got[0]);
    assert_int_equal(store->ops->plan_get(store, &nothing, &got[0]), STATUS_NOT_FOUND);
    OK(store->ops->plans_at(store, &put.offender, 200, 300, got, 2, &count));
    assert_int_equal(count, 1);
    OK(store->ops->plans_at(store, &put.offender, 201, 300, got, 2, &count));
    assert_int_equal(count, 0);
    struct plan_row second = put;
    second.plan = numbered_id(0);
    WRITE(store, store->ops->plan_put(store, &second));
    OK(store->ops->plans_at(store, &put.offender, 0, 100, got, 2, &count));
    assert_int_equal(count, 2);
    SAME(second, got[0]);
    SAME(put, got[1]);
    assert_int_equal(store->ops->plans_at(store, &put.offender, 0, 100, got, 1, &count), STATUS_OVER_LIMIT);
}

static void authorities__are_found_by_pair_in_order_of_record(void **state)
{
    struct store *store = writer_of(state);
    struct authority_row put[3];
    struct authority_row got[3];
    struct id officer = numbered_id(1);
    struct id offender = numbered_id(2);
    size_t count = 99;

    memset(put, 0, sizeof(put));
    for (unsigned i = 0; i < 3; i++) {
        put[i].entry = numbered_hash(i + 1);
        put[i].officer = officer;
        put[i].offender = i == 2 ? officer : offender;
        put[i].granted = i == 0;
        put[i].by = numbered_id(5);
        put[i].recorded_us = 100 - (int64_t)i;
        put[i].from_us = 6;
        put[i].to_us = 7;
        WRITE(store, store->ops->authority_put(store, &put[i]));
    }
    OK(store->ops->authorities_for(store, &officer, &offender, got, 3, &count));
    assert_int_equal(count, 2);
    SAME(put[1], got[0]);
    SAME(put[0], got[1]);
    assert_int_equal(store->ops->authorities_for(store, &officer, &offender, got, 1, &count), STATUS_OVER_LIMIT);
    put[1].granted = true;
    WRITE(store, store->ops->authority_put(store, &put[1]));
    OK(store->ops->authorities_for(store, &officer, &offender, got, 3, &count));
    assert_int_equal(count, 2);
    SAME(put[1], got[0]);
}

static void decisions__are_found_by_presence_in_order_of_record(void **state)
{
    struct store *store = writer_of(state);
    struct decision_row put[2];
    struct decision_row got[2];
    struct hash presence = numbered_hash(50);
    struct hash nothing = numbered_hash(51);
    size_t count = 99;

    memset(put, 0, sizeof(put));
    for (unsigned i = 0; i < 2; i++) {
        put[i].entry = numbered_hash(i + 1);
        put[i].presence = presence;
        put[i].by = numbered_id(5);
        put[i].counts = i == 0;
        put[i].recorded_us = 9;
        put[i].pos = 20 - i;
        WRITE(store, store->ops->decision_put(store, &put[i]));
    }
    OK(store->ops->decisions_on(store, &presence, got, 2, &count));
    assert_int_equal(count, 2);
    SAME(put[1], got[0]);
    SAME(put[0], got[1]);
    assert_int_equal(store->ops->decisions_on(store, &presence, got, 1, &count), STATUS_OVER_LIMIT);
    OK(store->ops->decisions_on(store, &nothing, got, 2, &count));
    assert_int_equal(count, 0);
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        STORE_TEST(presence__comes_back),
        STORE_TEST(presence__keeps_an_accuracy_that_is_no_number),
        STORE_TEST(presences__are_found_by_bounds_that_touch),
        STORE_TEST(presences__are_found_by_boot),
        STORE_TEST(plan__comes_back_and_is_found_by_window),
        STORE_TEST(authorities__are_found_by_pair_in_order_of_record),
        STORE_TEST(decisions__are_found_by_presence_in_order_of_record),
    };

    return store_rows_run(tests, sizeof(tests) / sizeof(tests[0]));
}
