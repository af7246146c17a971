/*
 * The server's store against an independent oracle over its whole journal, in stories told by a seed; and that the oracle
 * can fail. DOUBLECREW_RUNS=n asks for more stories than the short default, DOUBLECREW_SEED=n for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fleet_story.h"
#include "tests/oracle/journal_oracle.h"

static unsigned long number(const char *name, unsigned long otherwise)
{
    const char *wanted = getenv(name);

    return wanted != NULL ? strtoul(wanted, NULL, 10) : otherwise;
}

static void expect_agreement(struct fleet *fleet, uint64_t seed, struct journal_oracle_report *ret_report)
{
    char text[2048];
    const char *found = journal_oracle_check(fleet->store, ret_report, text, sizeof(text));

    if (found != NULL && getenv("DOUBLECREW_PRINT") != NULL)
        journal_oracle_print(fleet->store, stderr);
    if (found != NULL)
        fail_msg("seed %llu: %s", (unsigned long long)seed, found);
}

static void each_step(void *context, struct fleet *fleet)
{
    struct journal_oracle_report report;

    expect_agreement(fleet, *(const uint64_t *)context, &report);
}

static void play(struct fleet_story_settings settings, unsigned long runs)
{
    unsigned long first = number("DOUBLECREW_SEED", 0), steps = number("DOUBLECREW_STEPS", 0);

    if (getenv("DOUBLECREW_SEED") != NULL)
        runs = 1;
    for (unsigned long seed = first; seed < first + runs; seed++) {
        struct journal_oracle_report report;
        struct fleet *fleet;

        settings.seed = seed;
        fleet = fleet_story_play(&settings, steps != 0 ? each_step : NULL, &settings.seed);
        expect_agreement(fleet, seed, &report);
        print_message(
            "seed %lu: %zu entries (%zu carried), %zu presences (%zu uncertain, %zu stale, %zu skipped) in %zu "
            "groups, largest %zu; forked %zu, troubled %zu\n",
            seed, report.entries, report.carried, report.presences, report.uncertain, report.stale,
            report.presences_skipped, report.groups, report.largest_group, report.forked_logs, report.troubled_boots);
        fleet_free(fleet);
    }
}

static void quiet_days__store_says_what_the_oracle_says(void **state)
{
    (void)state;
    play((struct fleet_story_settings){.visits = 12, .days = 1}, number("DOUBLECREW_RUNS", 6));
}

static void days_with_mishaps__store_says_what_the_oracle_says(void **state)
{
    (void)state;
    play((struct fleet_story_settings){.visits = 16, .days = 2, .revocations = true, .policies = true},
         number("DOUBLECREW_RUNS", 6));
}

/* One presence's row as its server never wrote it. */
static void spoil(struct fleet *fleet, const struct hash *presence, void (*change)(Doublecrew__V1__PresenceRow *row))
{
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', presence->bytes, HASH_SIZE);
    uint8_t key[1 + HASH_SIZE] = {'p'}, packed[4096];
    struct view_row view = {.key = span_of(key, sizeof(key)), .pos = row->pos};

    memcpy(key + 1, presence->bytes, HASH_SIZE);
    change(row->presence);
    assert_true(protobuf_c_message_get_packed_size(&row->base) <= sizeof(packed));
    view.row = span_of(packed, protobuf_c_message_pack(&row->base, packed));
    doublecrew__v1__row__free_unpacked(row, NULL);
    assert_int_equal(fleet->store->ops->begin(fleet->store), STATUS_OK);
    assert_int_equal(fleet->store->ops->view_put(fleet->store, &view), STATUS_OK);
    assert_int_equal(fleet->store->ops->commit(fleet->store), STATUS_OK);
}

static void say_joint(Doublecrew__V1__PresenceRow *row)
{
    (void)strcpy(row->company, "joint"); /* shorter than lone_confirmed */
}

static void say_earlier(Doublecrew__V1__PresenceRow *row)
{
    row->in_from_ms -= 5;
    row->in_to_ms -= 5;
}

static void say_met(Doublecrew__V1__PresenceRow *row)
{
    row->due_met = true;
}

static void say_longer(Doublecrew__V1__PresenceRow *row)
{
    row->alone_max_s += 10;
}

static void spoilt_row__named(void **state)
{
    static const struct {
        void (*change)(Doublecrew__V1__PresenceRow *row);
        const char *what;
    } cases[] = {{say_joint, "company"}, {say_earlier, "bounds"}, {say_met, "due_met"}, {say_longer, "alone"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fleet *fleet = fleet_typical();
        struct fleet_device *ann = fleet_device(fleet, "ann");
        struct hash a = fleet_check_in(ann, FLEET_T0 + FLEET_HOUR, "xen", "");
        struct journal_oracle_report report;
        char text[2048], start[9];
        const char *found;

        (void)fleet_check_out(ann, FLEET_T0 + 2 * FLEET_HOUR, &a);
        fleet_sync(ann, FLEET_T0 + 3 * FLEET_HOUR);
        expect_agreement(fleet, 0, &report);
        assert_int_equal(report.presences, 1);
        spoil(fleet, &a, cases[i].change);
        found = journal_oracle_check(fleet->store, &report, text, sizeof(text));
        assert_non_null(found);
        hex_encode(span_of(a.bytes, 4), start);
        assert_non_null(strstr(found, start));
        assert_non_null(strstr(found, cases[i].what));
        fleet_free(fleet);
    }
}

static void spoilt_watermark__named(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct journal_oracle_report report;
    struct device_row row;
    char text[2048];

    (void)state;
    (void)fleet_check_in(ann, FLEET_T0 + FLEET_HOUR, "xen", "");
    fleet_sync(ann, FLEET_T0 + FLEET_HOUR);
    expect_agreement(fleet, 0, &report);
    assert_int_equal(fleet->store->ops->device_by_id(fleet->store, &ann->device, &row), STATUS_OK);
    row.watermark_us += 1;
    assert_int_equal(fleet->store->ops->begin(fleet->store), STATUS_OK);
    assert_int_equal(fleet->store->ops->device_put(fleet->store, &row), STATUS_OK);
    assert_int_equal(fleet->store->ops->commit(fleet->store), STATUS_OK);
    assert_non_null(journal_oracle_check(fleet->store, &report, text, sizeof(text)));
    assert_non_null(strstr(text, "watermark"));
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_days__store_says_what_the_oracle_says),
        cmocka_unit_test(spoilt_row__named),
        cmocka_unit_test(spoilt_watermark__named),
        cmocka_unit_test(days_with_mishaps__store_says_what_the_oracle_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
