#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/bounds.h"
#include "tests/lib/core_fixture.h"

#define PPM ((int64_t)1000)
#define DRIFT (200 * PPM)
#define SECOND ((int64_t)1000000)
#define HOUR (3600 * SECOND)

static void expect(struct bounds bounds, int64_t lo_us, int64_t hi_us)
{
    assert_int_equal(bounds.lo_us, lo_us);
    assert_int_equal(bounds.hi_us, hi_us);
}

/* T1's four formulas at round numbers: 1 hour is 0.72 s of drift at 200 ppm. */
static void anchor__bounds_before_between_and_after(void **state)
{
    struct bounds_anchor anchor = {.time_us = 1000 * HOUR, .sent_us = 10 * HOUR, .received_us = 10 * HOUR + SECOND};
    int64_t drift = HOUR / 5000;

    (void)state;
    expect(bounds_from_anchor(&anchor, 11 * HOUR + SECOND, DRIFT), 1001 * HOUR - drift,
           1001 * HOUR + SECOND + drift + 200);
    expect(bounds_from_anchor(&anchor, 9 * HOUR, DRIFT), 999 * HOUR - SECOND - drift - 200, 999 * HOUR + drift);
    expect(bounds_from_anchor(&anchor, 10 * HOUR, DRIFT), 1000 * HOUR - SECOND - 200, 1000 * HOUR);
    expect(bounds_from_anchor(&anchor, 10 * HOUR + SECOND, DRIFT), 1000 * HOUR, 1000 * HOUR + SECOND + 200);
    expect(bounds_from_anchor(&anchor, 10 * HOUR + SECOND / 2, DRIFT), 1000 * HOUR - SECOND / 2 - 100,
           1000 * HOUR + SECOND / 2 + 100);
}

static void anchor__unanswered_bounds_from_above_only(void **state)
{
    struct bounds_anchor anchor = {.time_us = HOUR, .sent_us = 100, .received_us = INT64_MAX};

    (void)state;
    expect(bounds_from_anchor(&anchor, 100, DRIFT), INT64_MIN, HOUR);
    expect(bounds_from_anchor(&anchor, 50, 0), INT64_MIN, HOUR - 50);
    expect(bounds_from_anchor(&anchor, 150, 0), INT64_MIN, HOUR + 50);
}

static void anchor__rounds_outward(void **state)
{
    struct bounds_anchor anchor = {.time_us = 0, .sent_us = 0, .received_us = 0};

    (void)state;
    expect(bounds_from_anchor(&anchor, 1, DRIFT), 0, 2);
    expect(bounds_from_anchor(&anchor, -1, DRIFT), -2, 0);
    expect(bounds_from_anchor(&anchor, 1, 0), 1, 1);
}

static void anchor__extremes_saturate(void **state)
{
    struct bounds_anchor late = {.time_us = INT64_MAX - 1, .sent_us = 0, .received_us = 0};
    struct bounds_anchor early = {.time_us = INT64_MIN + 1, .sent_us = 0, .received_us = 0};

    (void)state;
    assert_int_equal(bounds_from_anchor(&late, INT64_MAX, DRIFT).hi_us, INT64_MAX);
    assert_int_equal(bounds_from_anchor(&early, INT64_MIN, DRIFT).lo_us, INT64_MIN);
}

static void intersect__narrows_and_shows_trouble(void **state)
{
    struct bounds a = {0, 10};
    struct bounds b = {5, 20};
    struct bounds c = {11, 20};

    (void)state;
    expect(bounds_intersect(bounds_unknown(), a), 0, 10);
    expect(bounds_intersect(a, b), 5, 10);
    assert_false(bounds_empty(bounds_intersect(a, b)));
    assert_true(bounds_empty(bounds_intersect(a, c)));
    assert_false(bounds_empty((struct bounds){7, 7}));
    assert_false(bounds_empty(bounds_unknown()));
}

/* A phone whose clock runs at its own rate, somewhere within the drift, changing from stretch to stretch. */
struct phone {
    int64_t true_us;
    int64_t monotonic_us;
    uint64_t seed;
};

/* Lets so much of the phone's own time pass; the rate holds for this stretch. */
static void pass(struct phone *phone, int64_t monotonic_us)
{
    int64_t rate_ppb = (int64_t)fixture_below(&phone->seed, 2 * (uint64_t)DRIFT + 1) - DRIFT;

    phone->monotonic_us += monotonic_us;
    phone->true_us += monotonic_us + monotonic_us / 1000000 * rate_ppb / 1000;
}

/* Hello, and an answer whose T lies anywhere between sending and receipt. */
static struct bounds_anchor meet_server(struct phone *phone)
{
    struct bounds_anchor anchor = {.sent_us = phone->monotonic_us};

    pass(phone, (int64_t)fixture_below(&phone->seed, 5) * SECOND);
    anchor.time_us = phone->true_us;
    pass(phone, (int64_t)fixture_below(&phone->seed, 30) * SECOND);
    anchor.received_us = fixture_below(&phone->seed, 4) == 0 ? INT64_MAX : phone->monotonic_us;
    return anchor;
}

/* Whole days of anchors and entries: the truth is always within, and each anchor only narrows. */
static void simulated_phones__true_time_always_lies_within(void **state)
{
    size_t narrowed = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct phone phone = {.seed = seed, .monotonic_us = (int64_t)(seed * 17 % 1000) * SECOND};
        struct bounds_anchor anchors[10];
        int64_t entry_true_us[40];
        int64_t entry_us[40];
        size_t entries = 0;

        phone.true_us = 1732286205 * SECOND + (int64_t)fixture_below(&phone.seed, 1000000);
        for (size_t i = 0; i < 10; i++) {
            for (size_t n = 0; n < 4; n++) {
                pass(&phone, (int64_t)fixture_below(&phone.seed, 7200) * SECOND);
                entry_true_us[entries] = phone.true_us;
                entry_us[entries++] = phone.monotonic_us;
            }
            anchors[i] = meet_server(&phone);
        }
        for (size_t e = 0; e < entries; e++) {
            struct bounds all = bounds_unknown();

            for (size_t i = 0; i < 10; i++) {
                struct bounds one = bounds_from_anchor(&anchors[i], entry_us[e], DRIFT);
                struct bounds both = bounds_intersect(all, one);

                assert_true(one.lo_us <= entry_true_us[e] && entry_true_us[e] <= one.hi_us);
                assert_true(both.lo_us >= all.lo_us && both.hi_us <= all.hi_us);
                narrowed += i > 0 && (both.lo_us > all.lo_us || both.hi_us < all.hi_us);
                all = both;
            }
            assert_false(bounds_empty(all));
            assert_true(all.lo_us <= entry_true_us[e] && entry_true_us[e] <= all.hi_us);
        }
    }
    assert_true(narrowed > 10000); /* more anchors do say more */
}

static int64_t cut(int64_t us)
{
    return us == INT64_MAX ? us : us - us % 1000;
}

/* One boot of one phone, in microseconds that nobody sees; everything told is cut to milliseconds. */
static void one_boot(struct phone *phone, size_t meetings)
{
    struct bounds_anchor anchors[8];
    int64_t entry_true_us[32], entry_us[32];
    size_t entries = 0;

    for (size_t i = 0; i < meetings; i++) {
        for (size_t n = 0; n < 4; n++) {
            pass(phone, (int64_t)fixture_below(&phone->seed, n == 0 ? 3000 : 4000000));
            entry_true_us[entries] = phone->true_us;
            entry_us[entries++] = cut(phone->monotonic_us);
        }
        anchors[i].sent_us = cut(phone->monotonic_us);
        pass(phone, (int64_t)fixture_below(&phone->seed, 3000));
        anchors[i].time_us = cut(phone->true_us);
        pass(phone, (int64_t)fixture_below(&phone->seed, 3000));
        anchors[i].received_us = fixture_below(&phone->seed, 4) == 0 ? INT64_MAX : cut(phone->monotonic_us);
    }
    for (size_t e = 0; e < entries; e++) {
        struct bounds all = bounds_unknown();

        for (size_t i = 0; i < meetings; i++) /* forwards and backwards */
            all = bounds_intersect(all, bounds_from_cut_anchor(&anchors[i], entry_us[e], DRIFT));
        assert_true(all.lo_us <= entry_true_us[e] && entry_true_us[e] <= all.hi_us);
    }
}

/* Latencies, drifts and boots of milliseconds, where what is cut off matters most. */
static void clocks_in_whole_milliseconds__true_time_always_lies_within(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct phone phone = {.seed = seed, .true_us = 1732286205 * SECOND + (int64_t)(seed * 7919 % 1000000)};

        for (size_t boot = 0; boot < 3; boot++) {
            phone.monotonic_us = (int64_t)fixture_below(&phone.seed, 90000000);
            one_boot(&phone, 1 + (size_t)fixture_below(&phone.seed, 8));
        }
    }
}

/* Beyond the drift the anchors contradict each other: that is how a manipulated clock shows. */
static void simulated_phone__a_jumping_clock_empties_the_intersection(void **state)
{
    struct bounds_anchor before = {.time_us = 0, .sent_us = 0, .received_us = SECOND};
    struct bounds_anchor after = {.time_us = 10 * HOUR, .sent_us = 11 * HOUR, .received_us = 11 * HOUR + SECOND};

    (void)state;
    assert_true(bounds_empty(
        bounds_intersect(bounds_from_anchor(&before, 5 * HOUR, DRIFT), bounds_from_anchor(&after, 5 * HOUR, DRIFT))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchor__bounds_before_between_and_after),
        cmocka_unit_test(anchor__unanswered_bounds_from_above_only),
        cmocka_unit_test(anchor__rounds_outward),
        cmocka_unit_test(anchor__extremes_saturate),
        cmocka_unit_test(intersect__narrows_and_shows_trouble),
        cmocka_unit_test(simulated_phones__true_time_always_lies_within),
        cmocka_unit_test(clocks_in_whole_milliseconds__true_time_always_lies_within),
        cmocka_unit_test(simulated_phone__a_jumping_clock_empties_the_intersection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
