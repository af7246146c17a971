/* The simple temporal network against brute force on small integers, and its arithmetic at the edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/stn.h"
#include "core/tri.h"
#include "tests/lib/rule_gen.h"

#define INSTANTS 4 /* instant 0 stands at 0; the others from 0 to REACH */
#define REACH 5

struct brute {
    bool any;
    int64_t most[INSTANTS][INSTANTS];
    int64_t most_sum; /* (1 - 2) + (3 - 0) */
};

static bool allowed(const int64_t *bounds, const int64_t *at)
{
    for (size_t i = 0; i < INSTANTS; i++) {
        for (size_t j = 0; j < INSTANTS; j++) {
            if (at[i] - at[j] > bounds[i * INSTANTS + j]) {
                return false;
            }
        }
    }
    return true;
}

static void note(struct brute *brute, const int64_t *at)
{
    int64_t sum = at[1] - at[2] + at[3] - at[0];

    for (size_t i = 0; i < INSTANTS; i++) {
        for (size_t j = 0; j < INSTANTS; j++) {
            int64_t difference = at[i] - at[j];

            brute->most[i][j] = !brute->any || difference > brute->most[i][j] ? difference : brute->most[i][j];
        }
    }
    brute->most_sum = !brute->any || sum > brute->most_sum ? sum : brute->most_sum;
    brute->any = true;
}

static struct brute try_all(const int64_t *bounds)
{
    struct brute brute = {.any = false};
    int64_t at[INSTANTS] = {0, 0, 0, 0};

    for (at[1] = 0; at[1] <= REACH; at[1]++) {
        for (at[2] = 0; at[2] <= REACH; at[2]++) {
            for (at[3] = 0; at[3] <= REACH; at[3]++) {
                if (allowed(bounds, at)) {
                    note(&brute, at);
                }
            }
        }
    }
    return brute;
}

static void draw(uint64_t *dice, int64_t *bounds)
{
    for (size_t i = 0; i < INSTANTS; i++) {
        for (size_t j = 0; j < INSTANTS; j++) {
            bool drawn = i != j && rule_gen_below(dice, 2) == 0;

            bounds[i * INSTANTS + j] = i == j  ? 0
                                       : drawn ? (int64_t)rule_gen_below(dice, 2 * REACH) - REACH
                                               : STN_UNBOUNDED;
        }
    }
    for (size_t i = 1; i < INSTANTS; i++) {
        bounds[i * INSTANTS] = bounds[i * INSTANTS] < REACH ? bounds[i * INSTANTS] : REACH;
        bounds[i] = bounds[i] < 0 ? bounds[i] : 0;
    }
}

static void bounds__random_networks__equal_brute_force(void **state)
{
    static const size_t plus[] = {1, 3};
    static const size_t minus[] = {2, 0};
    uint64_t dice = 7;
    size_t feasible = 0;

    (void)state;
    for (int round = 0; round < 4000; round++) {
        int64_t bounds[INSTANTS * INSTANTS];
        int64_t storage[INSTANTS * INSTANTS];
        struct stn stn;
        struct brute brute;

        draw(&dice, bounds);
        brute = try_all(bounds);
        stn_init(&stn, INSTANTS, storage);
        for (size_t i = 0; i < INSTANTS * INSTANTS; i++) {
            stn_bound(&stn, i / INSTANTS, i % INSTANTS, bounds[i]);
        }
        assert_int_equal(stn_close(&stn), brute.any);
        for (size_t i = 0; brute.any && i < INSTANTS * INSTANTS; i++) {
            assert_int_equal(stn_most(&stn, i / INSTANTS, i % INSTANTS), brute.most[i / INSTANTS][i % INSTANTS]);
        }
        if (brute.any) {
            assert_int_equal(stn_most_sum(&stn, plus, minus, 2), brute.most_sum);
            feasible++;
        }
    }
    assert_in_range(feasible, 500, 3500);
}

static void bound__added_to_a_closed_network__equals_closing_anew(void **state)
{
    uint64_t dice = 11;

    (void)state;
    for (int round = 0; round < 4000; round++) {
        int64_t bounds[INSTANTS * INSTANTS];
        int64_t one[INSTANTS * INSTANTS];
        int64_t two[INSTANTS * INSTANTS];
        struct stn added;
        struct stn anew;
        bool possible;
        size_t i = (size_t)rule_gen_below(&dice, INSTANTS);
        size_t j = (i + 1 + (size_t)rule_gen_below(&dice, INSTANTS - 1)) % INSTANTS;
        int64_t most = (int64_t)rule_gen_below(&dice, 2 * REACH) - REACH;

        draw(&dice, bounds);
        stn_init(&added, INSTANTS, one);
        stn_init(&anew, INSTANTS, two);
        for (size_t k = 0; k < INSTANTS * INSTANTS; k++) {
            stn_bound(&added, k / INSTANTS, k % INSTANTS, bounds[k]);
            stn_bound(&anew, k / INSTANTS, k % INSTANTS, bounds[k]);
        }
        if (!stn_close(&added)) {
            continue;
        }
        stn_bound(&anew, i, j, most);
        possible = stn_close(&anew);
        assert_int_equal(stn_add(&added, i, j, most), possible);
        for (size_t k = 0; possible && k < INSTANTS * INSTANTS; k++) {
            assert_int_equal(added.most[k], anew.most[k]);
        }
    }
}

static void sums__at_the_edges__stay_bounded(void **state)
{
    (void)state;
    assert_int_equal(stn_sum(STN_UNBOUNDED, -STN_UNBOUNDED), STN_UNBOUNDED);
    assert_int_equal(stn_sum(INT64_MAX, 1), STN_UNBOUNDED);
    assert_int_equal(stn_sum(INT64_MIN, -1), -STN_UNBOUNDED);
    assert_int_equal(stn_sum(STN_UNBOUNDED - 1, STN_UNBOUNDED - 1), STN_UNBOUNDED);
    assert_int_equal(stn_sum(3, -5), -2);
}

static void tri__tables__are_kleenes(void **state)
{
    (void)state;
    assert_int_equal(tri_and(TRI_YES, TRI_UNKNOWN), TRI_UNKNOWN);
    assert_int_equal(tri_and(TRI_NO, TRI_UNKNOWN), TRI_NO);
    assert_int_equal(tri_or(TRI_YES, TRI_UNKNOWN), TRI_YES);
    assert_int_equal(tri_or(TRI_NO, TRI_UNKNOWN), TRI_UNKNOWN);
    assert_int_equal(tri_not(TRI_UNKNOWN), TRI_UNKNOWN);
    assert_int_equal(tri_not(TRI_YES), TRI_NO);
    assert_int_equal(tri_join(TRI_YES, TRI_NO), TRI_UNKNOWN);
    assert_int_equal(tri_at_most(3, 10, 10), TRI_YES);
    assert_int_equal(tri_at_most(3, 11, 10), TRI_UNKNOWN);
    assert_int_equal(tri_at_most(11, 12, 10), TRI_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds__random_networks__equal_brute_force),
        cmocka_unit_test(bound__added_to_a_closed_network__equals_closing_anew),
        cmocka_unit_test(sums__at_the_edges__stay_bounded),
        cmocka_unit_test(tri__tables__are_kleenes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
