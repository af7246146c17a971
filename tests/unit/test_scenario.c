/* Scenario files: what they mean, and what is said of the ones that can't be read. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client-sim/scenario.h"

#define HEAD                                                                                                           \
    "title: A test\nteam North\nofficer PC 1, team North, accredited\nofficer PC 12, team North, constable\n"          \
    "supervisor DS 3, team North\noffender RSO 7, high risk, team North, manager PC 1, at 52.2 0.12\n"
#define DAY "day 2026-03-02\n"

static void write_file(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/doublecrew-test-scenario-XXXXXX");

    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Reads a scenario from text; what was said on stderr goes to ret_said. */
static struct scenario *read_text(const char *text, char *ret_said, size_t size)
{
    char path[64];
    char errors[] = "/tmp/doublecrew-test-errors-XXXXXX";
    int fd = mkstemp(errors);
    int kept = dup(STDERR_FILENO);
    struct scenario *scenario = NULL;
    ssize_t got = 0;

    write_file(path, text);
    dup2(fd, STDERR_FILENO);
    scenario = scenario_read(path);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    lseek(fd, 0, SEEK_SET);
    got = read(fd, ret_said, size - 1);
    ret_said[got > 0 ? got : 0] = '\0';
    close(fd);
    close(kept);
    unlink(path);
    unlink(errors);
    return scenario;
}

static struct scenario *read_good(const char *text)
{
    char said[512];
    struct scenario *scenario = read_text(text, said, sizeof(said));

    assert_string_equal(said, "");
    assert_non_null(scenario);
    return scenario;
}

static void statement__is_read_with_all_its_parts(void **state)
{
    struct scenario *scenario = read_good(
        HEAD DAY "09:00:30 PC 12 checks in at RSO 7 with PC 1 accompanied by \"Probation, manager\" 40 m away # door\n"
                 "09:05 PC 1's phone loses the next acknowledgement\n"
                 "10:00 expect PC 12 at RSO 7 is part joint, grade B, alone 2 min to 4 min, authority not permitted, "
                 "due not met\n");
    const struct scenario_step *in = &scenario->steps[0];
    const struct scenario_step *expect = &scenario->steps[2];

    (void)state;
    assert_int_equal(in->act, ACT_CHECK_IN);
    assert_string_equal(scenario->people[in->actor].name, "PC 12"); /* the longest name that fits */
    assert_string_equal(scenario->people[in->others[0]].name, "PC 1");
    assert_string_equal(in->agency, "Probation, manager");
    assert_int_equal(in->place.where, WHERE_AWAY);
    assert_true(in->time_ms - scenario->steps[1].time_ms == -270000);
    assert_int_equal(scenario->steps[1].act, ACT_LOSE_ACK);
    assert_int_equal(expect->act, EXPECT_VERDICT);
    assert_string_equal(expect->word, "part_joint");
    assert_string_equal(expect->grade, "B");
    assert_string_equal(expect->authority, "not_permitted");
    assert_int_equal(expect->alone.at_least_s, 120);
    assert_int_equal(expect->alone.at_most_s, 240);
    assert_true(expect->has_due && !expect->yes);
    scenario_free(scenario);
}

static void order__gives_each_permutation_once(void **state)
{
    struct scenario *scenario =
        read_good(HEAD DAY "18:00 in any order, 30 min apart: PC 1 syncs; PC 12 syncs; DS 3 syncs\n18:10 PC 1 syncs\n");
    char seen[6][8] = {{0}};

    (void)state;
    assert_int_equal(scenario_orders(scenario), 6);
    for (size_t order = 0; order < 6; order++) {
        size_t count = 0;
        struct scenario_step *steps = scenario_in_order(scenario, order, &count);
        assert_non_null(steps);
        assert_int_equal(count, 4);
        for (size_t i = 1; i < count; i++)
            assert_true(steps[i - 1].time_ms <= steps[i].time_ms);
        /* The one at 18:10 comes second, whatever the order of the others. */
        snprintf(seen[order], sizeof(seen[order]), "%zu%zu%zu", steps[0].actor, steps[2].actor, steps[3].actor);
        for (size_t i = 0; i < order; i++)
            assert_string_not_equal(seen[i], seen[order]);
        free(steps);
    }
    scenario_free(scenario);
}

static void fault__names_line_and_what_would_be_understood(void **state)
{
    static const struct {
        const char *text;
        const char *line;
        const char *says;
    } faults[] = {
        {"", "", "lacks a title"},
        {"team North\n", ":1:", "'title: TEXT' must stand first"},
        {"title: T\nofficer PC 1, team Nowhere\n", ":2:", "the name of a team"},
        {"title: T\nteam N\nofficer PC 1, team N, wizard\n", ":3:", "accredited, constable, staff"},
        {"title: T\nteam N\nofficer PC 1, team N\nofficer PC 1, team N\n", ":4:", "declared twice"},
        {"title: T\nteam N\nofficer PC 1, team N\noffender X, grave risk, team N, manager PC 1\n",
         ":4:", "very high, high, medium, low"},
        {"title: T\nteam N\nofficer PC 1, team N, constable\noffender X, low risk, team N, manager PC 1\n",
         ":4:", "accredited officer"},
        {HEAD "day 2026-02-31\n", ":7:", "doesn't exist"},
        {HEAD "day soon\n", ":7:", "2026-03-02"},
        {HEAD "09:00 PC 1 syncs\n", ":7:", "'day YYYY-MM-DD'"},
        {HEAD DAY "25:00 PC 1 syncs\n", ":8:", "09:00"},
        {HEAD DAY "09:00 PC 9 syncs\n", ":8:", "declared above"},
        {HEAD DAY "09:00 PC 1 dances\n", ":8:", "SCENARIOS.md"},
        {HEAD DAY "09:00 PC 1 syncs today\n", ":8:", "'today' is not understood"},
        {HEAD DAY "09:00 PC 1 syncs\n08:59 PC 1 syncs\n", ":9:", "the time goes back"},
        {HEAD DAY "09:00 PC 1 notes \"open\n", ":8:", "double quotes"},
        {HEAD DAY "09:00 expect PC 1 at RSO 7 is fine\n", ":8:", "lone confirmed"},
        {HEAD DAY "09:00 expect no flag lone confrimed on PC 1\n", ":8:", "evidence overdue"},
        {HEAD DAY "09:00 expect PC 1 at RSO 7 is joint, alone 4\n", ":8:", "unit"},
        {HEAD DAY "09:00 in any order: PC 1 syncs\n", ":8:", "two statements"},
        {HEAD DAY "09:00 in any order: PC 1 syncs; expect no flags\n", ":8:", "only what people do"},
        {HEAD DAY "09:00 DS 3 allows PC 1 alone at RSO 7 from 12:00 to 11:00, \"x\"\n", ":8:", "ends before"},
        {HEAD DAY, "", "lacks a timeline"},
        {"title: T\nteam N\nofficer PC 1, team N\noffender X, low risk, team N, manager PC 1\n" DAY
         "09:00 PC 1 syncs\n",
         "", "lacks a supervisor"},
        {"title: T\n\tpolicy max_alone\n", ":2:", "max_alone 10 min"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char said[1024];
        struct scenario *scenario = read_text(faults[i].text, said, sizeof(said));
        assert_null(scenario);
        if (strstr(said, faults[i].says) == NULL || strstr(said, faults[i].line) == NULL)
            fail_msg("fault %zu: expected '%s' at '%s', got: %s", i, faults[i].says, faults[i].line, said);
    }
}

static void file__that_is_missing_is_named(void **state)
{
    (void)state;
    assert_null(scenario_read("/nonexistent/none.scenario")); /* said on stderr, as any fault is */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statement__is_read_with_all_its_parts),
        cmocka_unit_test(order__gives_each_permutation_once),
        cmocka_unit_test(fault__names_line_and_what_would_be_understood),
        cmocka_unit_test(file__that_is_missing_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
