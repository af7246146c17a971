/* The policy as a file: quantities with units, every fault named, nothing changed by a file that has one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "admin/policy_file.h"
#include "core/payload.h"
#include "tests/lib/said.h"

static void read_good(void **state, const char *text, struct policy_values *values)
{
    assert_int_equal(policy_values_read(said_file(*state, "p.conf", text, strlen(text)), values), STATUS_OK);
}

static void refuse(void **state, const char *text, const char *reason)
{
    struct policy_values values;
    struct policy_values before;
    const char *path = said_file(*state, "p.conf", text, strlen(text));

    policy_values_default(&values);
    before = values;
    said_listen(*state);

    enum status status = policy_values_read(path, &values);
    const char *heard = said_heard(*state);

    assert_int_equal(status, STATUS_INPUT);
    if (strstr(heard, reason) == NULL)
        fail_msg("for <%s> it said <%s>, not <%s>", text, heard, reason);
    assert_int_equal(values.message.max_alone_s, before.message.max_alone_s);
    assert_int_equal(values.message.far_apart_m, before.message.far_apart_m);
    assert_int_equal(values.message.n_lone_forbidden, before.message.n_lone_forbidden);
    assert_int_equal(values.lone[0], before.lone[0]);
}

static void defaults__are_those_of_the_domain(void **state)
{
    struct policy_values values;

    (void)state;
    policy_values_default(&values);
    assert_int_equal(values.message.version, 1);
    assert_int_equal(values.message.effective_from_ms, 0);
    assert_int_equal(values.message.max_alone_s, 10 * 60);
    assert_int_equal(values.message.longest_visit_s, 180 * 60);
    assert_int_equal(values.message.time_limit_s, 240 * 60);
    assert_int_equal(values.message.retro_window_s, 24 * 3600);
    assert_int_equal(values.message.evidence_overdue_s, 24 * 3600);
    assert_int_equal(values.message.authority_max_s, 7 * 24 * 3600);
    assert_int_equal(values.message.cosign_round_trip_s, 60);
    assert_int_equal(values.message.drift_ppm, 200);
    assert_int_equal(values.message.partner_distance_m, 100);
    assert_int_equal(values.message.far_apart_m, 2000);
    assert_int_equal(values.message.live_silence_s, 120);
    assert_int_equal(values.message.acknowledge_within_s, 15 * 60);
    assert_int_equal(values.message.welfare_check_s, 3600);
    assert_int_equal(values.message.skew_shown_s, 120);
    assert_int_equal(values.message.address_distance_m, 150);
    assert_int_equal(values.message.n_lone_forbidden, 2);
    assert_int_equal(payload_check(DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_POLICY, &values.message.base), STATUS_OK);
}

static void quantities__have_units_and_the_rest_stays(void **state)
{
    struct policy_values values;

    policy_values_default(&values);
    read_good(state,
              "# comment\nmax_alone = 5 min\nfar_apart=3 km\ntime_limit = 2 days\nauthority_max = 1 day\n"
              "welfare_check = 2h\nskew_shown = 30 s\ndrift = 500 ppm\n",
              &values);
    assert_int_equal(values.message.max_alone_s, 300);
    assert_int_equal(values.message.far_apart_m, 3000);
    assert_int_equal(values.message.time_limit_s, 2 * 24 * 3600);
    assert_int_equal(values.message.authority_max_s, 24 * 3600);
    assert_int_equal(values.message.welfare_check_s, 7200);
    assert_int_equal(values.message.skew_shown_s, 30);
    assert_int_equal(values.message.drift_ppm, 500);
    assert_int_equal(values.message.longest_visit_s, 3 * 3600);
}

static void work_hours__are_local_times_and_days(void **state)
{
    struct policy_values values;

    policy_values_default(&values);
    assert_int_equal(values.message.work_from_min, 8 * 60);
    assert_int_equal(values.message.work_to_min, 18 * 60);
    assert_int_equal(values.message.work_days, 31);
    read_good(state, "work_from = 07:30\nwork_to = 24:00\nwork_days = mon, sat, sun\nrepeated_lone = 3 visits\n",
              &values);
    assert_int_equal(values.message.work_from_min, 450);
    assert_int_equal(values.message.work_to_min, 1440);
    assert_int_equal(values.message.work_days, 1 | 32 | 64);
    assert_int_equal(values.message.repeated_lone, 3);
}

static void version_from_before__has_the_defaults_of_what_it_does_not_say(void **state)
{
    struct policy_values values;

    (void)state;
    policy_values_default(&values);
    values.message.work_days = 0;
    values.message.work_to_min = 0;
    values.message.plausible_visit_s = 0;
    policy_values_complete(&values);
    assert_int_equal(values.message.work_to_min, 18 * 60);
    assert_int_equal(values.message.plausible_visit_s, 180);
    values.message.plausible_visit_s = 0; /* said: not looked at */
    policy_values_complete(&values);
    assert_int_equal(values.message.plausible_visit_s, 0);
}

static void risks__forbidden_for_lone_visits_may_be_any_or_none(void **state)
{
    struct policy_values values;

    policy_values_default(&values);
    read_good(state, "lone_forbidden = medium, high, very_high\n", &values);
    assert_int_equal(values.message.n_lone_forbidden, 3);
    assert_ptr_equal(values.message.lone_forbidden, values.lone);
    assert_int_equal(values.lone[0], DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM);
    read_good(state, "lone_forbidden =\n", &values);
    assert_int_equal(values.message.n_lone_forbidden, 0);
}

static void faults__are_named_and_change_nothing(void **state)
{
    refuse(state, "max_alone = 5 min\nmax_lone = 3 min\n", "there is no parameter 'max_lone'");
    refuse(state, "max_alone = 5 min\nmax_lone = 3 min\n", "p.conf:2: this is the first line that is wrong");
    refuse(state, "max_alone = 5\n", "max_alone = 5: give a whole number and a unit (s, min, h or days)");
    refuse(state, "max_alone = 5 km\n", "max_alone = 5 km: give");
    refuse(state, "max_alone = -5 min\n", "max_alone = -5 min: give");
    refuse(state, "max_alone = 1.5 h\n", "max_alone = 1.5 h: give");
    refuse(state, "max_alone = 99999999999 s\n", "max_alone = 99999999999 s: give");
    refuse(state, "max_alone = 4000000000 days\n", "from 0 to 86400 in the smallest unit");
    refuse(state, "far_apart = 0 m\n", "from 1 to 1000000");
    refuse(state, "lone_forbidden = high, extreme\n", "give risk levels out of");
    refuse(state, "lone_forbidden = high, low, medium, very_high, high\n", "give risk levels out of");
    refuse(state, "work_from = 8:00\n", "work_from = 8:00: give a local time such as 08:00");
    refuse(state, "work_to = 24:30\n", "work_to = 24:30: give a local time");
    refuse(state, "work_to = 480 min\n", "work_to = 480 min: give a local time");
    refuse(state, "work_days = mon, caturday\n", "give days out of mon");
    refuse(state, "work_days =\n", "give days out of mon");
    refuse(state, "work_from = 19:00\n", "work_to must be later on the day than work_from");
    refuse(state, "repeated_lone = 2 min\n", "repeated_lone = 2 min: give a whole number and a unit (visits)");
    refuse(state, "max_alone\n", "p.conf:1: this is the first line that is wrong");
}

static void file__that_is_missing_says_so(void **state)
{
    struct policy_values values;

    policy_values_default(&values);
    said_listen(*state);

    enum status status = policy_values_read("/tmp/doublecrew-no-such.conf", &values);

    assert_non_null(strstr(said_heard(*state), "can't be opened"));
    assert_int_equal(status, STATUS_NOT_FOUND);
}

/* policy show > file; policy apply file: nothing changes. */
static void print__gives_a_file_that_reads_the_same(void **state)
{
    struct policy_values values;
    struct policy_values read;
    char path[] = "/tmp/doublecrew-policy-XXXXXX";
    int fd = mkstemp(path);
    int kept = dup(STDOUT_FILENO);

    (void)state;
    policy_values_default(&values);
    values.message.max_alone_s = 421;
    values.message.n_lone_forbidden = 1;
    fflush(stdout);
    dup2(fd, STDOUT_FILENO);
    policy_values_print(&values);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    close(fd);
    policy_values_default(&read);
    assert_int_equal(policy_values_read(path, &read), STATUS_OK);
    unlink(path);

    uint8_t *bytes[2] = {NULL};
    size_t sizes[2] = {0};

    assert_int_equal(wire_pack(&values.message.base, &bytes[0], &sizes[0]), STATUS_OK);
    assert_int_equal(wire_pack(&read.message.base, &bytes[1], &sizes[1]), STATUS_OK);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, said_begin, said_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults__are_those_of_the_domain),
        TEST(quantities__have_units_and_the_rest_stays),
        TEST(work_hours__are_local_times_and_days),
        TEST(version_from_before__has_the_defaults_of_what_it_does_not_say),
        TEST(risks__forbidden_for_lone_visits_may_be_any_or_none),
        TEST(faults__are_named_and_change_nothing),
        TEST(file__that_is_missing_says_so),
        TEST(print__gives_a_file_that_reads_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
