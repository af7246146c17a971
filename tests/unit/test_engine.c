/*
 * A new rule engine over a journal that another has judged (J4): the record, what is told otherwise, and a rebuild that is
 * the same whatever the engines disagree about. The other engines are the program's own with something changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/edge/store_sqlite.h"
#include "server/logic/flags.h"
#include "tests/lib/fleet.h"

#include "doublecrew/v1/journal.pb-c.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)

/* Nobody is ever alone. */
static enum status judge_blind(const struct rule_case *rule_case, struct rule_verdict *ret_verdicts)
{
    enum status status = rule_judge(rule_case, ret_verdicts);

    for (size_t i = 0; status == STATUS_OK && i < rule_case->presence_count; i++) {
        if (ret_verdicts[i].company == RULE_COMPANY_LONE_CONFIRMED)
            ret_verdicts[i].company = RULE_COMPANY_JOINT;
    }
    return status;
}

/* Everybody is alone, and looks again every hour. */
static enum status judge_harsh(const struct rule_case *rule_case, struct rule_verdict *ret_verdicts)
{
    enum status status = rule_judge(rule_case, ret_verdicts);

    for (size_t i = 0; status == STATUS_OK && i < rule_case->presence_count; i++) {
        ret_verdicts[i].company = RULE_COMPANY_LONE_CONFIRMED;
        ret_verdicts[i].due_met = !ret_verdicts[i].due_met;
        if (rule_case->now_us < MORNING + 40 * FLEET_HOUR)
            ret_verdicts[i].next_change_us = rule_case->now_us + FLEET_HOUR;
    }
    return status;
}

/* It can't make out anything at all. */
static enum status judge_broken(const struct rule_case *rule_case, struct rule_verdict *ret_verdicts)
{
    (void)rule_case;
    (void)ret_verdicts;
    return STATUS_INTERNAL;
}

static enum status judge_failing(const struct rule_case *rule_case, struct rule_verdict *ret_verdicts)
{
    (void)rule_case;
    (void)ret_verdicts;
    return STATUS_IO; /* the store's failure, not the neighbourhood's */
}

static const struct engine blind = {"103", judge_blind}, harsh = {"104", judge_harsh}, broken = {"105", judge_broken},
                           plain = {"106", rule_judge}, failing = {"107", judge_failing}, latest = {"108", rule_judge};

struct day {
    struct hash lone;  /* ann's, alone at xen */
    struct hash joint; /* ann's, with bob, at yul */
    struct hash open;  /* cal's, naming bob, no check-out */
};

static struct day a_day(struct fleet *fleet, int64_t from_us)
{
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct fleet_device *cal = fleet_device(fleet, "cal");
    struct day day;
    struct hash other;

    day.lone = fleet_check_in(ann, from_us, "xen", "");
    (void)fleet_check_out(ann, from_us + 20 * FLEET_MINUTE, &day.lone);
    (void)fleet_outcome(ann, from_us + 21 * FLEET_MINUTE, &day.lone, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    day.joint = fleet_check_in(ann, from_us + FLEET_HOUR, "yul", "bob");
    other = fleet_check_in(bob, from_us + FLEET_HOUR + FLEET_MINUTE, "yul", "ann");
    (void)fleet_check_out(ann, from_us + 90 * FLEET_MINUTE, &day.joint);
    (void)fleet_check_out(bob, from_us + 90 * FLEET_MINUTE, &other);
    fleet_sync(ann, from_us + 2 * FLEET_HOUR);
    fleet_sync(bob, from_us + 2 * FLEET_HOUR + FLEET_MINUTE);
    day.open = fleet_check_in(cal, from_us + 2 * FLEET_HOUR, "xen", "bob");
    fleet_sync(cal, from_us + 2 * FLEET_HOUR + 2 * FLEET_MINUTE);
    fleet_tick(fleet, from_us + 9 * FLEET_HOUR);
    return day;
}

struct engines {
    char versions[8][32];
    char previous[8][32];
    uint64_t pos[8];
    size_t count;
};

static enum status note_engine(void *context, const struct journal_row *row)
{
    struct engines *engines = context;
    Doublecrew__V1__Engine *message = doublecrew__v1__engine__unpack(NULL, row->body.size, row->body.data);

    assert_non_null(message);
    assert_true(engines->count < 8);
    (void)snprintf(engines->versions[engines->count], 32, "%s", message->version);
    (void)snprintf(engines->previous[engines->count], 32, "%s", message->previous);
    engines->pos[engines->count++] = row->first_pos;
    protobuf_c_message_free_unpacked(&message->base, NULL);
    return STATUS_OK;
}

static struct engines engines_of(struct fleet *fleet)
{
    struct engines engines = {.count = 0};

    assert_int_equal(fleet->store->ops->journal_of_kind(fleet->store, JOURNAL_ENGINE, 1, note_engine, &engines),
                     STATUS_OK);
    return engines;
}

static enum status count_row(void *context, const struct journal_row *row)
{
    (void)row;
    (*(unsigned *)context)++;
    return STATUS_OK;
}

static unsigned count_rows(struct fleet *fleet, uint64_t from_pos)
{
    unsigned count = 0;

    assert_int_equal(fleet->store->ops->journal_from(fleet->store, from_pos, count_row, &count), STATUS_OK);
    return count;
}

static void tidy(struct fleet *fleet)
{
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void same_engine__nothing_appended(void **state)
{
    struct fleet *fleet = fleet_typical_with(&blind);
    struct store_head before;
    bool took_over = true;

    (void)state;
    (void)a_day(fleet, MORNING);
    before = *batch_head(fleet->batch);
    assert_int_equal(fleet_reopen(fleet, &blind), STATUS_OK);
    assert_int_equal(batch_take_over(fleet->batch, MORNING + 10 * FLEET_HOUR, &took_over), STATUS_OK);
    assert_false(took_over);
    assert_int_equal(batch_head(fleet->batch)->pos, before.pos);
    assert_int_equal(engines_of(fleet).count, 0);
    tidy(fleet);
}

static void other_engine__tells_what_it_sees_differently(void **state)
{
    struct fleet *fleet = fleet_typical_with(&blind);
    struct day day = a_day(fleet, MORNING);
    struct store_head before = *batch_head(fleet->batch);
    const struct batch_flag *flags;
    size_t flag_count, lone = 0;
    bool took_over = false;
    struct hash flag;

    (void)state;
    assert_string_equal(fleet_company(fleet, &day.lone), "joint");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &day.lone), 0);
    assert_int_equal(fleet_reopen(fleet, &plain), STATUS_OK);
    assert_int_equal(batch_take_over(fleet->batch, MORNING + 72 * FLEET_HOUR, &took_over), STATUS_OK);
    assert_true(took_over);
    assert_string_equal(fleet_company(fleet, &day.lone), "lone_confirmed");
    assert_string_equal(fleet_company(fleet, &day.joint), "joint");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &day.lone), FLAG_RAISED);
    assert_int_equal(fleet_times_raised(fleet, "lone_confirmed", &day.lone), 1);

    struct engines engines = engines_of(fleet);
    assert_int_equal(engines.count, 1);
    assert_string_equal(engines.versions[0], "106");
    assert_string_equal(engines.previous[0], "103");
    assert_int_equal(engines.pos[0], before.pos + 1);
    assert_string_equal(batch_head(fleet->batch)->engine, "106");
    assert_true(batch_head(fleet->batch)->time_us == MORNING + 72 * FLEET_HOUR);

    /* supervisors are told */
    assert_int_equal(flag_id(fleet->sha, FLAG_LONE_CONFIRMED, &day.lone, &flag), STATUS_OK);
    flags = batch_flags(fleet->batch, &flag_count);
    for (size_t i = 0; i < flag_count; i++)
        lone += hash_equal(&flags[i].flag, &flag) && flags[i].alarm;
    assert_int_equal(lone, 1);

    before = *batch_head(fleet->batch);
    assert_int_equal(fleet_reopen(fleet, &plain), STATUS_OK);
    fleet_tick(fleet, MORNING + 72 * FLEET_HOUR);
    assert_int_equal(batch_head(fleet->batch)->pos, before.pos);
    tidy(fleet);
}

static void flag_that_falls_away__cleared_and_raised_again(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct day day = a_day(fleet, MORNING);

    (void)state;
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &day.lone), FLAG_RAISED);
    assert_int_equal(fleet_reopen(fleet, &blind), STATUS_OK);
    fleet_tick(fleet, MORNING + 10 * FLEET_HOUR); /* the first batch takes over by itself */
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &day.lone), FLAG_CLEARED);
    fleet_expect_rebuild(fleet);
    assert_int_equal(fleet_reopen(fleet, &plain), STATUS_OK);
    fleet_tick(fleet, MORNING + 11 * FLEET_HOUR);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &day.lone), FLAG_RAISED);
    assert_int_equal(fleet_times_raised(fleet, "lone_confirmed", &day.lone), 2);
    assert_int_equal(engines_of(fleet).count, 2);
    tidy(fleet);
}

/* What people did under one engine stands under the next: a decision ends a flag for good, an acknowledgement shows. */
static void decided_flag__stays_decided(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct day day = a_day(fleet, MORNING);
    struct fleet_device *sue = fleet_device(fleet, "sue");

    (void)state;
    (void)fleet_decide(sue, MORNING + 9 * FLEET_HOUR, &day.lone, true);
    fleet_sync(sue, MORNING + 9 * FLEET_HOUR + FLEET_MINUTE);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &day.lone), FLAG_DECIDED);
    assert_int_equal(fleet_reopen(fleet, &blind), STATUS_OK);
    fleet_tick(fleet, MORNING + 10 * FLEET_HOUR);
    assert_int_equal(fleet_reopen(fleet, &harsh), STATUS_OK);
    fleet_tick(fleet, MORNING + 11 * FLEET_HOUR);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &day.lone), FLAG_DECIDED);
    tidy(fleet);
}

/* Five engines that agree about nothing, one of them unable to judge, with days between and timers of their own. */
static void five_engines__every_rebuild_is_the_same(void **state)
{
    static const struct engine *const order[] = {&blind, &harsh, &broken, &plain};
    struct fleet *fleet = fleet_typical();
    struct id xen = fleet_id("xen");
    struct hash subject = flag_subject_of_id(&xen);
    int64_t day_us = MORNING;
    struct day first = a_day(fleet, day_us);

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(fleet_reopen(fleet, order[i]), STATUS_OK);
        day_us += 24 * FLEET_HOUR;
        (void)a_day(fleet, day_us);
        assert_int_equal(fleet_flag(fleet, "underived", &subject), i < 2 ? 0 : i == 2 ? FLAG_RAISED : FLAG_CLEARED);
        fleet_expect_rebuild(fleet);
    }
    assert_int_equal(engines_of(fleet).count, 4);
    assert_string_equal(fleet_company(fleet, &first.lone), "lone_confirmed");
    assert_string_equal(fleet_company(fleet, &first.joint), "joint");
    tidy(fleet);
}

/* Whoever had the new engine from the beginning sees the same verdicts, flags apart: those have a history (J3). */
static void verdicts__as_if_the_new_engine_had_always_been_there(void **state)
{
    struct fleet *changed = fleet_typical_with(&blind), *always = fleet_typical();
    struct day day = a_day(changed, MORNING), same = a_day(always, MORNING);

    (void)state;
    assert_int_equal(fleet_reopen(changed, &plain), STATUS_OK);
    fleet_tick(changed, MORNING + 10 * FLEET_HOUR);
    fleet_tick(always, MORNING + 10 * FLEET_HOUR);
    assert_true(hash_equal(&day.open, &same.open));
    assert_string_equal(fleet_company(changed, &day.open), fleet_company(always, &same.open));
    assert_string_equal(fleet_company(changed, &day.lone), fleet_company(always, &same.lone));
    assert_string_equal(fleet_company(changed, &day.joint), fleet_company(always, &same.joint));
    tidy(always);
    tidy(changed);
}

/* More is told than one row of the journal takes. */
static void many_differences__several_rows(void **state)
{
    struct fleet *fleet = fleet_typical_with(&blind);
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct store_head before;
    struct hash visit = {{0}};

    (void)state;
    for (int i = 0; i < 600; i++) {
        visit = fleet_check_in(ann, MORNING + i * FLEET_HOUR, "xen", "");
        (void)fleet_check_out(ann, MORNING + i * FLEET_HOUR + 20 * FLEET_MINUTE, &visit);
        if (i % 100 == 99)
            fleet_sync(ann, MORNING + i * FLEET_HOUR + 30 * FLEET_MINUTE);
    }
    before = *batch_head(fleet->batch);
    assert_int_equal(fleet_reopen(fleet, &plain), STATUS_OK);
    fleet_tick(fleet, MORNING + 700 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &visit), "lone_confirmed");
    assert_true(batch_head(fleet->batch)->pos > before.pos + 1 + 1200);
    assert_true(count_rows(fleet, before.pos + 1) >= 3); /* the engine, and what it told */
    fleet_expect_rebuild(fleet);
    assert_int_equal(fleet_reopen(fleet, &latest), STATUS_OK); /* and as history, by another */
    fleet_tick(fleet, MORNING + 701 * FLEET_HOUR);
    tidy(fleet);
}

static void failure_on_the_way__the_old_state_stands(void **state)
{
    struct fleet *fleet = fleet_typical_with(&blind);
    char *before, *after;
    bool took_over;

    (void)state;
    (void)a_day(fleet, MORNING);
    before = fleet_dump(fleet->store);
    assert_int_equal(fleet_reopen(fleet, &failing), STATUS_OK);
    assert_int_equal(batch_take_over(fleet->batch, MORNING + 10 * FLEET_HOUR, &took_over), STATUS_IO);
    assert_int_equal(batch_begin(fleet->batch, MORNING + 10 * FLEET_HOUR), STATUS_IO);
    after = fleet_dump(fleet->store);
    assert_string_equal(before, after);
    free(before);
    free(after);
    assert_int_equal(engines_of(fleet).count, 0);
    assert_int_equal(fleet_reopen(fleet, &plain), STATUS_OK);
    (void)a_day(fleet, MORNING + 24 * FLEET_HOUR);
    tidy(fleet);
}

/* Clock trouble before, during and after two changes: timers stay held, and the tick that ends it comes after (T5). */
static void in_clock_trouble__timers_stay_held(void **state)
{
    struct fleet *fleet = fleet_typical_with(&blind);
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash visit;

    (void)state;
    (void)a_day(fleet, MORNING);
    visit = fleet_check_in(ann, MORNING + 10 * FLEET_HOUR, "yul", "bob");
    fleet_begin_held(fleet, MORNING + 11 * FLEET_HOUR);
    fleet_sync(ann, MORNING + 11 * FLEET_HOUR);
    fleet_commit(fleet);
    assert_true(batch_head(fleet->batch)->timers_held);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fleet_reopen(fleet, i == 0 ? &harsh : &plain), STATUS_OK);
        fleet_begin_held(fleet, MORNING + (12 + i) * FLEET_HOUR);
        (void)fleet_check_in(ann, MORNING + (11 + i) * FLEET_HOUR + FLEET_MINUTE, "xen", "");
        fleet_sync(ann, MORNING + (12 + i) * FLEET_HOUR);
        fleet_commit(fleet);
        assert_true(batch_head(fleet->batch)->timers_held);
        fleet_expect_rebuild(fleet);
    }
    fleet_tick(fleet, MORNING + 24 * FLEET_HOUR);
    assert_false(batch_head(fleet->batch)->timers_held);
    assert_string_equal(fleet_company(fleet, &visit), "awaiting_second");
    tidy(fleet);
}

static void earlier_engine__refuses_a_later_ones_store(void **state)
{
    struct fleet *fleet = fleet_typical_with(&plain);
    static const struct engine words = {"six", rule_judge};
    struct rebuild_report report;
    struct store *store = fleet->store;

    (void)state;
    assert_int_equal(fleet_reopen(fleet, &blind), STATUS_ENGINE_NEWER);
    assert_int_equal(fleet_reopen(fleet, &words), STATUS_STORE_VERSION);
    assert_int_equal(fleet_reopen(fleet, &engine_current), STATUS_ENGINE_NEWER);
    assert_int_equal(rebuild_replay_with(store, store, &blind, &report), STATUS_ENGINE_NEWER);
    tidy(fleet);
}

/* A backup that an earlier engine judged: restored as that told it, and then taken over, as if it had been here all along. */
static void restored_from_an_older_engines_backup__taken_over(void **state)
{
    static const struct engine first = {"0", judge_blind};
    struct fleet *fleet = fleet_typical_with(&first);
    struct day day = a_day(fleet, MORNING);
    struct rebuild_report report;
    struct store *to;
    char path[96];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/restored.db", fleet->folder);
    assert_int_equal(store_sqlite_create(path, true), STATUS_OK);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_WRITER, &to), STATUS_OK);
    assert_int_equal(rebuild_replay(fleet->store, to, &report), STATUS_ENGINE_OLDER);
    assert_int_equal(rebuild_restore(fleet->store, to, &report), STATUS_OK);
    assert_int_equal(report.records, batch_head(fleet->batch)->pos);
    assert_true(hash_equal(&report.root, &batch_head(fleet->batch)->root));
    batch_free(fleet->batch);
    fleet->store->ops->close(fleet->store);
    fleet->store = to;
    assert_int_equal(batch_open(to, &fleet->batch), STATUS_OK);
    fleet->engine = &engine_current;
    assert_string_equal(batch_head(fleet->batch)->engine, "0");
    assert_string_equal(fleet_company(fleet, &day.lone), "joint"); /* as it was told */
    fleet_tick(fleet, MORNING + 10 * FLEET_HOUR);
    assert_string_equal(batch_head(fleet->batch)->engine, engine_current.version);
    assert_string_equal(fleet_company(fleet, &day.lone), "lone_confirmed");
    (void)a_day(fleet, MORNING + 24 * FLEET_HOUR);
    tidy(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_engine__nothing_appended),
        cmocka_unit_test(other_engine__tells_what_it_sees_differently),
        cmocka_unit_test(flag_that_falls_away__cleared_and_raised_again),
        cmocka_unit_test(decided_flag__stays_decided),
        cmocka_unit_test(five_engines__every_rebuild_is_the_same),
        cmocka_unit_test(verdicts__as_if_the_new_engine_had_always_been_there),
        cmocka_unit_test(many_differences__several_rows),
        cmocka_unit_test(failure_on_the_way__the_old_state_stands),
        cmocka_unit_test(in_clock_trouble__timers_stay_held),
        cmocka_unit_test(earlier_engine__refuses_a_later_ones_store),
        cmocka_unit_test(restored_from_an_older_engines_backup__taken_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
