/*
 * The engine against the independent oracle (tests/oracle), on seeded random cases.
 *
 * Default: a few thousand cases, short enough for every test run. More: DOUBLECREW_ORACLE_CASES=200000 (of each kind).
 * One case again, in full: test_rule_oracle exact|pair|times|all SEED. Every difference is reduced before it is shown.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/rule_gen.h"
#include "tests/oracle/oracle.h"

#define SHOWN_MAX 3
#define TEXT_SIZE 512

/* One kind of case. worlds: sampled for each case with uncertain times. */
struct kind {
    const char *name;
    size_t officers_max;
    size_t presences_max;
    unsigned features;
    size_t worlds;
    size_t cases;
    uint64_t seed;
};

static const struct kind kinds[] = {
    {"exact", 6, 10, RULE_GEN_ALL & ~(unsigned)(RULE_GEN_UNCERTAIN | RULE_GEN_TROUBLE), 1, 6000, 1},
    {"pair", 2, 2, RULE_GEN_ALL & ~(unsigned)RULE_GEN_TROUBLE, 400, 500, 1000001},
    {"times", 6, 6, RULE_GEN_ALL & ~(unsigned)(RULE_GEN_TROUBLE | RULE_GEN_HISTORY), 150, 400, 2000001},
    {"all", 6, 10, RULE_GEN_ALL, 100, 300, 3000001},
};

static void make(const struct kind *kind, uint64_t seed, struct rule_gen *ret_gen)
{
    struct rule_gen_options options = {kind->officers_max, kind->presences_max, 1000000, kind->features};

    rule_gen_make(seed, &options, ret_gen);
}

static const char *check(const struct rule_case *rule_case, struct oracle_settings settings, char *text,
                         size_t text_size)
{
    struct rule_verdict verdicts[RULE_PRESENCES_MAX];
    enum status status = rule_judge(rule_case, verdicts);

    if (status != STATUS_OK) {
        (void)snprintf(text, text_size, "the engine failed: %s", status_name(status));
        return text;
    }
    return oracle_compare(rule_case, verdicts, settings, text, text_size);
}

static void print_both(const struct rule_case *rule_case, struct oracle_settings settings)
{
    struct rule_verdict engine[RULE_PRESENCES_MAX];
    struct oracle_opinion oracle[RULE_PRESENCES_MAX];

    oracle_case_print(rule_case, stdout);
    if (rule_judge(rule_case, engine) != STATUS_OK || oracle_examine(rule_case, settings, oracle) != STATUS_OK) {
        return;
    }
    for (size_t i = 0; i < rule_case->presence_count; i++) {
        printf("p%zu engine ", i + 1);
        oracle_verdict_print(&engine[i], stdout);
        printf("p%zu oracle ", i + 1);
        oracle_verdict_print(&oracle[i].verdict, stdout);
    }
}

/* Reduced, and how to see it again. */
static void show(const struct kind *kind, uint64_t seed, const struct rule_case *rule_case,
                 struct oracle_settings settings)
{
    struct rule_case *reduced = oracle_reduce(rule_case, check, settings);
    char text[TEXT_SIZE] = "";

    printf("\nDifference: %s\nReplay: test_rule_oracle %s %" PRIu64 "\n",
           check(reduced ? reduced : rule_case, settings, text, sizeof text) ? text : "gone when reduced", kind->name,
           seed);
    print_both(reduced ? reduced : rule_case, settings);
    oracle_case_free(reduced);
}

static size_t cases_of(const struct kind *kind)
{
    const char *more = getenv("DOUBLECREW_ORACLE_CASES");
    size_t cases = more ? (size_t)strtoull(more, NULL, 10) : 0;

    return cases ? cases : kind->cases;
}

static uint64_t seed_of(const struct kind *kind)
{
    const char *seed = getenv("DOUBLECREW_ORACLE_SEED");

    return seed ? strtoull(seed, NULL, 10) : kind->seed;
}

static void run(const struct kind *kind)
{
    size_t cases = cases_of(kind), differ = 0;
    struct rule_gen gen;

    for (size_t k = 0; k < cases; k++) {
        uint64_t seed = seed_of(kind) + k;
        struct oracle_settings settings = {seed, kind->worlds};
        char text[TEXT_SIZE];

        make(kind, seed, &gen);
        if (check(&gen.rule_case, settings, text, sizeof text)) {
            differ++;
            if (differ <= SHOWN_MAX) {
                show(kind, seed, &gen.rule_case, settings);
            }
        }
    }
    print_message("%s: %zu cases, %zu differ\n", kind->name, cases, differ);
    assert_int_equal(differ, 0);
}

static void exact_times__engine_equals_oracle(void **state)
{
    (void)state;
    run(&kinds[0]);
}

static void uncertain_pair__engine_equals_oracle(void **state)
{
    (void)state;
    run(&kinds[1]);
}

static void uncertain_times__engine_is_sound(void **state)
{
    (void)state;
    run(&kinds[2]);
}

static void everything__engine_is_sound(void **state)
{
    (void)state;
    run(&kinds[3]);
}

/* Timers rest on next_change_us: between now and just before it nothing that the oracle knows may change. */
static void next_change__is_never_late(void **state)
{
    size_t late = 0;

    (void)state;
    for (uint64_t seed = 5000001; seed <= 5000001 + cases_of(&kinds[0]) / 2; seed++) {
        struct rule_verdict engine[RULE_PRESENCES_MAX], before[RULE_PRESENCES_MAX], after[RULE_PRESENCES_MAX];
        int64_t ahead_us = 1 + (int64_t)(seed * 2654435761u % 400u) * 60 * 1000000;
        struct rule_case later;
        struct rule_gen gen;

        make(&kinds[0], seed, &gen);
        assert_int_equal(rule_judge(&gen.rule_case, engine), STATUS_OK);
        assert_int_equal(oracle_judge(&gen.rule_case, before), STATUS_OK);
        for (size_t i = 0; i < gen.rule_case.presence_count; i++) {
            int64_t now_us = gen.rule_case.now_us;
            bool soon = engine[i].next_change_us <= now_us + ahead_us;

            assert_true(engine[i].next_change_us > now_us);
            later = gen.rule_case;
            later.now_us = soon ? engine[i].next_change_us - 1 : now_us + ahead_us;
            assert_int_equal(oracle_judge(&later, after), STATUS_OK);
            if (after[i].company != before[i].company || after[i].confirmed_by != before[i].confirmed_by ||
                after[i].grade != before[i].grade || after[i].authority != before[i].authority ||
                after[i].due_met != before[i].due_met || after[i].reasons != before[i].reasons) {
                late++;
                printf("late: exact seed %" PRIu64 ", p%zu: %s now, %s %" PRId64 " us later\n", seed, i + 1,
                       rule_company_name(before[i].company), rule_company_name(after[i].company),
                       later.now_us - now_us);
            }
        }
    }
    assert_int_equal(late, 0);
}

/* The comparison must be able to fail: every field of a verdict, once wrong, is seen. */
static void wrong_verdict__is_seen(void **state)
{
    struct oracle_settings settings = {1, 1};
    struct rule_verdict right[RULE_PRESENCES_MAX], wrong[RULE_PRESENCES_MAX];
    char text[TEXT_SIZE];
    struct rule_gen gen;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        make(&kinds[0], seed, &gen);
        assert_int_equal(oracle_judge(&gen.rule_case, right), STATUS_OK);
        assert_null(oracle_compare(&gen.rule_case, right, settings, text, sizeof text));
        for (int field = 0; field < 6; field++) {
            memcpy(wrong, right, sizeof wrong);
            switch (field) {
            case 0:
                wrong[0].company = (enum rule_company)(((int)right[0].company + 1) % 10);
                break;
            case 1:
                wrong[0].alone_min_us++;
                break;
            case 2:
                wrong[0].authority = (enum rule_authority)(((int)right[0].authority + 1) % 6);
                break;
            case 3:
                wrong[0].due_met = !right[0].due_met;
                break;
            case 4:
                wrong[0].out.hi_us++;
                break;
            default:
                wrong[0].reasons ^= RULE_REASON_OPEN;
                break;
            }
            assert_non_null(oracle_compare(&gen.rule_case, wrong, settings, text, sizeof text));
        }
    }
}

static const char *more_than_one_presence(const struct rule_case *rule_case, struct oracle_settings settings,
                                          char *text, size_t text_size)
{
    (void)settings;
    (void)snprintf(text, text_size, "still");
    return rule_case->presence_count > 1 ? text : NULL;
}

static void reducer__ends_at_the_smallest_case(void **state)
{
    struct oracle_settings settings = {1, 1};
    struct rule_case *reduced;
    struct rule_gen gen;
    uint64_t seed = 1;

    (void)state;
    do {
        make(&kinds[0], seed++, &gen);
    } while (gen.rule_case.presence_count < 4 || gen.rule_case.plan_count == 0);
    reduced = oracle_reduce(&gen.rule_case, more_than_one_presence, settings);
    assert_non_null(reduced);
    assert_int_equal(reduced->presence_count, 2);
    assert_int_equal(reduced->plan_count + reduced->authority_count + reduced->decision_count, 0);
    oracle_case_free(reduced);
}

static int replay(const char *name, const char *seed_text)
{
    uint64_t seed = strtoull(seed_text, NULL, 10);
    struct rule_gen gen;

    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct oracle_settings settings = {seed, kinds[k].worlds};
        char text[TEXT_SIZE];

        if (strcmp(kinds[k].name, name) != 0) {
            continue;
        }
        make(&kinds[k], seed, &gen);
        print_both(&gen.rule_case, settings);
        if (!check(&gen.rule_case, settings, text, sizeof text)) {
            printf("engine and oracle agree\n");
            return 0;
        }
        show(&kinds[k], seed, &gen.rule_case, settings);
        return 1;
    }
    (void)fprintf(stderr, "unknown kind %s: exact, pair, times or all\n", name);
    return 2;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_verdict__is_seen),
        cmocka_unit_test(reducer__ends_at_the_smallest_case),
        cmocka_unit_test(next_change__is_never_late),
        cmocka_unit_test(exact_times__engine_equals_oracle),
        cmocka_unit_test(uncertain_pair__engine_equals_oracle),
        cmocka_unit_test(uncertain_times__engine_is_sound),
        cmocka_unit_test(everything__engine_is_sound),
    };

    if (argc == 3) {
        return replay(argv[1], argv[2]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
