/* Cover during leave (A1; decisions/0025): whose flags are whose then, who may decide, and what they see, for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/logic/flags.h"
#include "server/logic/purge.h"
#include "tests/lib/fleet.h"

#define M FLEET_MINUTE
#define T(minutes) (FLEET_T0 + (minutes)*M) /* FLEET_T0 is a Friday, 08:00 */
#define LEVEL(name) DOUBLECREW__V1__FLAG_LEVEL__FLAG_LEVEL_##name

/* Beside fleet_typical's sue of the north: supervisors sam of the south, sid of the east; leader len of the north. */
static struct fleet *force(void)
{
    static const char *const names[] = {"sam", "sid", "len"};
    struct fleet *fleet = fleet_typical();

    fleet_team(fleet, FLEET_T0 + FLEET_SECOND, "south");
    fleet_team(fleet, FLEET_T0 + FLEET_SECOND, "east");
    fleet_officer(fleet, FLEET_T0 + FLEET_SECOND, "sam", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "south");
    fleet_officer(fleet, FLEET_T0 + FLEET_SECOND, "sid", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "east");
    fleet_officer(fleet, FLEET_T0 + FLEET_SECOND, "len", DOUBLECREW__V1__ROLE__ROLE_LEADER, false, "north");
    for (size_t i = 0; i < 3; i++)
        (void)fleet_enrol(fleet, FLEET_T0 + FLEET_SECOND, names[i]);
    fleet_settle(fleet, FLEET_T0 + FLEET_SECOND);
    for (size_t i = 0; i < 3; i++)
        fleet_hello(fleet_device(fleet, names[i]), FLEET_T0 + 2 * FLEET_SECOND);
    return fleet;
}

/* Recorded by their own device, and in the journal at once. */
static struct batch_result cover(struct fleet *fleet, int64_t at_us, const char *recorder, const char *officer,
                                 const char *by, int64_t from_us, int64_t to_us)
{
    struct fleet_device *device = fleet_device(fleet, recorder);

    (void)fleet_cover(device, at_us, officer, by, from_us, to_us);
    return fleet_sync(device, at_us);
}

static void expect_recorded(const struct batch_result *result)
{
    assert_int_equal(result->held_count, 0);
}

static void expect_held(const struct batch_result *result, const char *reason)
{
    assert_int_equal(result->held_count, 1);
    assert_string_equal(result->held[0].reason, reason);
}

/* Alone, and over: lone confirmed 20 minutes after at_us, in the assurance lane. */
static struct hash lone_visit_by(struct fleet *fleet, const char *name, int64_t at_us)
{
    struct fleet_device *device = fleet_device(fleet, name);
    struct hash presence = fleet_check_in(device, at_us, "xen", "");

    (void)fleet_check_out(device, at_us + 20 * M, &presence);
    (void)fleet_sync(device, at_us + 20 * M);
    return presence;
}

static struct hash lone_visit(struct fleet *fleet, int64_t at_us)
{
    return lone_visit_by(fleet, "ann", at_us);
}

static void expect_with(struct fleet *fleet, const struct hash *presence, Doublecrew__V1__FlagLevel level,
                        const char *owner)
{
    Doublecrew__V1__FlagRow *row = fleet_flag_row(fleet, "lone_confirmed", presence);
    struct id id = fleet_id(owner);

    assert_int_equal(row->level, level);
    assert_int_equal(row->n_owner_ids, 1);
    assert_memory_equal(row->owner_ids[0].data, id.bytes, ID_SIZE);
    doublecrew__v1__flag_row__free_unpacked(row, NULL);
}

/* Who stands in for sue, as everybody's devices say; "" nobody. */
static void expect_row(struct fleet *fleet, const char *officer, const char *by)
{
    struct id away = fleet_id(officer), id = fleet_id(by);
    Doublecrew__V1__Row *row = fleet_view(fleet, 'c', away.bytes, ID_SIZE);

    assert_non_null(row);
    assert_int_equal(row->cover->by_officer_id.len, by[0] == '\0' ? 0 : ID_SIZE);
    if (by[0] != '\0')
        assert_memory_equal(row->cover->by_officer_id.data, id.bytes, ID_SIZE);
    doublecrew__v1__row__free_unpacked(row, NULL);
}

static void end(struct fleet *fleet)
{
    fleet_expect_digests(fleet);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void window__is_half_open_and_what_comes_in_it_is_the_stand_ins(void **state)
{
    struct fleet *fleet = force();
    struct batch_result result = cover(fleet, T(1), "sue", "sue", "sam", T(60), T(120));
    struct hash before = lone_visit(fleet, T(10)), during, after, flag;

    (void)state;
    expect_recorded(&result);
    expect_row(fleet, "sue", "");
    expect_with(fleet, &before, LEVEL(SUPERVISORS), "sue");
    flag = fleet_flag_id(fleet, "lone_confirmed", &before);
    (void)fleet_acknowledge(fleet_device(fleet, "sue"), T(31), &flag);
    (void)fleet_sync(fleet_device(fleet, "sue"), T(31));
    fleet_tick(fleet, T(60) - 1000);
    assert_false(fleet_sees(fleet, "sam", 'p', &before));
    assert_false(batch_roster_changed(fleet->batch));
    fleet_tick(fleet, T(60));
    assert_true(batch_roster_changed(fleet->batch)); /* open sessions read their scopes again */
    expect_row(fleet, "sue", "sam");
    assert_true(fleet_sees(fleet, "sam", 'p', &before));
    during = lone_visit(fleet, T(65));
    flag = fleet_flag_id(fleet, "lone_confirmed", &during);
    expect_with(fleet, &during, LEVEL(SUPERVISORS), "sam");
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_ALARM);
    assert_true(fleet_sees(fleet, "sam", 'f', &flag));
    (void)fleet_acknowledge(fleet_device(fleet, "sam"), T(90), &flag);
    result = fleet_sync(fleet_device(fleet, "sam"), T(90));
    expect_recorded(&result);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &during), FLAG_ACKNOWLEDGED);
    fleet_tick(fleet, T(120) - 1000);
    assert_true(fleet_sees(fleet, "sam", 'f', &flag));
    fleet_tick(fleet, T(120));
    expect_row(fleet, "sue", "");
    assert_false(fleet_sees(fleet, "sam", 'f', &flag));
    assert_false(fleet_sees(fleet, "sam", 'p', &during));
    after = lone_visit(fleet, T(121));
    expect_with(fleet, &after, LEVEL(SUPERVISORS), "sue");
    end(fleet);
}

static void handing_over__brings_what_waits_and_gains_no_time(void **state)
{
    struct fleet *fleet = force();
    struct hash presence = lone_visit(fleet, T(10)), flag = fleet_flag_id(fleet, "lone_confirmed", &presence);
    Doublecrew__V1__FlagRow *row = fleet_flag_row(fleet, "lone_confirmed", &presence);
    int64_t by_ms = row->acknowledge_by_ms;
    struct batch_result result;

    (void)state;
    doublecrew__v1__flag_row__free_unpacked(row, NULL);
    assert_false(fleet_sees(fleet, "sam", 'f', &flag));
    result = cover(fleet, T(60), "sue", "sue", "sam", T(60), T(72));
    expect_recorded(&result);
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_ALARM);
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sam");
    assert_true(fleet_sees(fleet, "sam", 'f', &flag));
    row = fleet_flag_row(fleet, "lone_confirmed", &presence);
    assert_int_equal(row->acknowledge_by_ms, by_ms);
    assert_int_equal(row->n_escalated_ms, 0);
    assert_int_equal(row->times_raised, 1);
    doublecrew__v1__flag_row__free_unpacked(row, NULL);
    fleet_tick(fleet, T(72)); /* sue is back before anybody took it */
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_ALARM);
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sue");
    assert_false(fleet_sees(fleet, "sam", 'f', &flag));
    fleet_tick(fleet, T(75));
    expect_with(fleet, &presence, LEVEL(LEADERS), "len");
    end(fleet);
}

static void operator__records_it_for_who_is_ill_and_ends_it(void **state)
{
    struct fleet *fleet = force();
    struct hash presence;

    (void)state;
    (void)fleet_cover(fleet->operator_device, T(5), "sue", "sid", T(0), 0); /* until further notice, since before */
    fleet_settle(fleet, T(5));
    expect_row(fleet, "sue", "sid");
    presence = lone_visit(fleet, T(10));
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sid");
    (void)fleet_cover(fleet->operator_device, T(40), "sue", NULL, T(40), 0);
    fleet_settle(fleet, T(40));
    expect_row(fleet, "sue", "");
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sue");
    end(fleet);
}

static void last_word__speaks_for_its_own_window(void **state)
{
    struct fleet *fleet = force();

    (void)state;
    (void)cover(fleet, T(1), "sue", "sue", "sam", T(60), T(180));
    (void)cover(fleet, T(2), "sue", "sue", "sid", T(90), T(120));
    (void)cover(fleet, T(3), "sue", "sue", NULL, T(150), T(160));
    fleet_tick(fleet, T(60));
    expect_row(fleet, "sue", "sam");
    fleet_tick(fleet, T(90));
    expect_row(fleet, "sue", "sid");
    fleet_tick(fleet, T(120));
    expect_row(fleet, "sue", "sam");
    fleet_tick(fleet, T(150));
    expect_row(fleet, "sue", "");
    fleet_tick(fleet, T(160));
    expect_row(fleet, "sue", "sam");
    fleet_tick(fleet, T(180));
    expect_row(fleet, "sue", "");
    end(fleet);
}

static void all_at_once__as_if_each_had_been_on_time(void **state)
{
    struct fleet *fleet = force();

    (void)state;
    (void)cover(fleet, T(1), "sue", "sue", "sam", T(60), T(90));
    fleet_tick(fleet, T(300)); /* the server had been down for all of it */
    expect_row(fleet, "sue", "");
    end(fleet);
}

static void decision__by_who_stands_in_then_and_no_longer(void **state)
{
    struct fleet *fleet = force();
    struct hash presence = lone_visit(fleet, T(10));
    struct fleet_device *sam = fleet_device(fleet, "sam");
    struct batch_result result;

    (void)state;
    (void)cover(fleet, T(31), "sue", "sue", "sam", T(40), T(60));
    (void)fleet_decide(sam, T(40) - 1000, &presence, true);
    result = fleet_sync(sam, T(40) - 1000);
    expect_held(&result, "not_permitted");
    (void)fleet_decide(sam, T(60), &presence, true);
    result = fleet_sync(sam, T(60));
    expect_held(&result, "not_permitted");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &presence), FLAG_RAISED);
    (void)cover(fleet, T(61), "sue", "sue", "sam", T(61), T(90));
    (void)fleet_decide(sam, T(62), &presence, true);
    result = fleet_sync(sam, T(62));
    expect_recorded(&result);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &presence), FLAG_DECIDED);
    fleet_tick(fleet, T(90));
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &presence), FLAG_DECIDED); /* it stays decided */
    (void)fleet_decide(fleet_device(fleet, "sue"), T(95), &presence, false); /* who is away, or back, keeps their own */
    result = fleet_sync(fleet_device(fleet, "sue"), T(95));
    expect_recorded(&result);
    end(fleet);
}

/* It came while sam stood in; the visit comes later (J3). */
static void decision__that_waited_counts_as_of_its_receipt(void **state)
{
    struct fleet *fleet = force();
    struct fleet_device *ann = fleet_device(fleet, "ann"), *sam = fleet_device(fleet, "sam");
    struct hash presence = fleet_check_in(ann, T(10), "xen", "");
    struct batch_result result;

    (void)state;
    (void)fleet_check_out(ann, T(30), &presence);
    (void)cover(fleet, T(31), "sue", "sue", "sam", T(31), T(60));
    (void)fleet_decide(sam, T(40), &presence, true);
    result = fleet_sync(sam, T(40));
    expect_held(&result, "unknown_presence");
    fleet_tick(fleet, T(61));
    (void)fleet_sync(ann, T(70));
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &presence), FLAG_DECIDED);
    end(fleet);
}

static void authority__may_be_granted_by_who_stands_in(void **state)
{
    struct fleet *fleet = force();
    struct fleet_device *sam = fleet_device(fleet, "sam");
    struct hash presence;
    struct batch_result result;

    (void)state;
    (void)cover(fleet, T(1), "sue", "sue", "sam", T(1), T(60));
    (void)fleet_authorise(sam, T(5), "ann", "xen", true, T(5), T(100));
    result = fleet_sync(sam, T(5));
    expect_recorded(&result);
    presence = lone_visit(fleet, T(10));
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &presence), 0); /* prior, and permitted: silent */
    assert_int_equal(fleet_flag(fleet, "authority_missing", &presence), 0);
    (void)fleet_authorise(sam, T(61), "ann", "xen", false, T(61), T(100));
    result = fleet_sync(sam, T(61));
    expect_held(&result, "not_permitted");
    end(fleet);
}

static void stand_in__who_was_there_is_skipped(void **state)
{
    struct fleet *fleet = force();
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash own, named, flag;
    struct batch_result result;

    (void)state;
    (void)cover(fleet, T(1), "sue", "sue", "sam", T(1), T(600));
    own = lone_visit_by(fleet, "sam", T(10));
    expect_with(fleet, &own, LEVEL(LEADERS), "len");
    flag = fleet_flag_id(fleet, "lone_confirmed", &own);
    (void)fleet_acknowledge(fleet_device(fleet, "sam"), T(35), &flag);
    result = fleet_sync(fleet_device(fleet, "sam"), T(35));
    expect_held(&result, "own_flag");
    (void)fleet_decide(fleet_device(fleet, "sam"), T(36), &own, true);
    result = fleet_sync(fleet_device(fleet, "sam"), T(36));
    expect_held(&result, "own_visit");
    named = fleet_check_in(ann, T(40), "xen", "sam");
    (void)fleet_check_out(ann, T(60), &named);
    (void)fleet_sync(ann, T(60));
    fleet_hello(fleet_device(fleet, "sam"), T(65));
    (void)fleet_add(fleet_device(fleet, "sam"), T(70), DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL,
                    &(Doublecrew__V1__Seal)DOUBLECREW__V1__SEAL__INIT.base);
    (void)fleet_sync(fleet_device(fleet, "sam"), T(70));
    expect_with(fleet, &named, LEVEL(LEADERS), "len");
    (void)fleet_decide(fleet_device(fleet, "sam"), T(75), &named, true);
    result = fleet_sync(fleet_device(fleet, "sam"), T(75));
    expect_held(&result, "involved");
    end(fleet);
}

/* Nobody chooses who looks at their own visits. */
static void who_is_away__hands_on_no_place_where_they_have_none(void **state)
{
    struct fleet *fleet = force();
    struct fleet_device *sam = fleet_device(fleet, "sam");
    struct hash own = lone_visit_by(fleet, "sue", T(10)), flag;
    struct batch_result result;

    (void)state;
    expect_with(fleet, &own, LEVEL(LEADERS), "len");
    (void)cover(fleet, T(31), "sue", "sue", "sam", T(31), T(600));
    expect_with(fleet, &own, LEVEL(LEADERS), "len");
    (void)fleet_decide(sam, T(35), &own, true);
    result = fleet_sync(sam, T(35));
    expect_held(&result, "not_permitted");
    flag = fleet_flag_id(fleet, "lone_confirmed", &own);
    (void)fleet_acknowledge(sam, T(36), &flag);
    result = fleet_sync(sam, T(36));
    expect_held(&result, "not_in_chain");
    (void)fleet_authorise(sam, T(37), "sue", "xen", true, T(37), T(100));
    result = fleet_sync(sam, T(37));
    expect_held(&result, "not_permitted");
    end(fleet);
}

static void links__lead_on_and_stop_at_a_circle(void **state)
{
    struct fleet *fleet = force();
    struct hash presence;

    (void)state;
    (void)cover(fleet, T(1), "sue", "sue", "sam", T(1), T(600));
    (void)cover(fleet, T(2), "sam", "sam", "sid", T(60), T(600));
    presence = lone_visit(fleet, T(10));
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sam");
    fleet_tick(fleet, T(60));
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sid");
    assert_true(fleet_sees(fleet, "sid", 'p', &presence));
    assert_false(fleet_sees(fleet, "sam", 'p', &presence));
    (void)cover(fleet, T(61), "sid", "sid", "sue", T(61), T(600)); /* all three are away */
    expect_with(fleet, &presence, LEVEL(LEADERS), "len");
    assert_false(fleet_sees(fleet, "sid", 'p', &presence));
    assert_true(fleet_sees(fleet, "sue", 'p', &presence)); /* her own team */
    end(fleet);
}

static void leader__for_a_supervisor_is_asked_once(void **state)
{
    struct fleet *fleet = force();
    struct hash presence;
    struct batch_result result;

    (void)state;
    (void)cover(fleet, T(1), "sue", "sue", "len", T(1), T(600));
    presence = lone_visit(fleet, T(10));
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "len");
    (void)fleet_decide(fleet_device(fleet, "len"), T(35), &presence, true); /* in a supervisor's place */
    result = fleet_sync(fleet_device(fleet, "len"), T(35));
    expect_recorded(&result);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &presence), FLAG_DECIDED);
    end(fleet);
}

static void leader__who_has_it_already_keeps_it(void **state)
{
    struct fleet *fleet = force();
    struct hash presence = lone_visit(fleet, T(10));

    (void)state;
    fleet_tick(fleet, T(75));
    expect_with(fleet, &presence, LEVEL(LEADERS), "len");
    (void)cover(fleet, T(76), "sue", "sue", "len", T(76), T(600));
    expect_with(fleet, &presence, LEVEL(LEADERS), "len");
    end(fleet);
}

static void recording__is_for_oneself_or_an_operator(void **state)
{
    static const struct {
        const char *recorder, *officer, *by, *reason;
    } cases[] = {
        {"ann", "sue", "sam", "not_permitted"}, {"len", "sue", "sam", "not_permitted"},
        {"sam", "sue", "sam", "not_permitted"}, {"sue", "sue", "ann", "not_in_charge"},
        {"sue", "sue", "sue", "own_cover"},     {"sue", "sue", "nobody", "unknown_officer"},
        {"ann", "ann", "sue", "not_in_charge"}, {"sue", "nobody", "sam", "unknown_officer"},
    };
    struct fleet *fleet = force();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct batch_result result =
            cover(fleet, T(1 + (int64_t)i), cases[i].recorder, cases[i].officer, cases[i].by, T(0), T(600));

        expect_held(&result, cases[i].reason);
    }
    assert_null(fleet_view(fleet, 'c', fleet_id("sue").bytes, ID_SIZE));
    end(fleet);
}

static void window__that_ends_before_it_begins_is_malformed(void **state)
{
    struct fleet *fleet = force();
    struct batch_result result = cover(fleet, T(1), "sue", "sue", "sam", T(60), T(60));

    (void)state;
    expect_held(&result, "malformed_payload");
    end(fleet);
}

static void stand_in__whose_role_ends_leaves_the_place_empty(void **state)
{
    struct fleet *fleet = force();
    struct hash presence;

    (void)state;
    (void)cover(fleet, T(1), "sue", "sue", "sam", T(1), T(600));
    presence = lone_visit(fleet, T(10));
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sam");
    fleet_officer(fleet, T(40), "sam", DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, true, "south");
    fleet_settle(fleet, T(40));
    expect_with(fleet, &presence, LEVEL(LEADERS), "len");
    assert_false(fleet_sees(fleet, "sam", 'p', &presence));
    end(fleet);
}

static void roster__that_changes_is_followed_too(void **state)
{
    struct fleet *fleet = force();
    struct hash presence = lone_visit(fleet, T(10));

    (void)state;
    fleet_officer(fleet, T(40), "sue", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "south");
    fleet_officer(fleet, T(40), "sid", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "north");
    fleet_settle(fleet, T(40));
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sid");
    end(fleet);
}

static void team__of_who_is_away_changes_and_the_stand_in_sees_the_new_one(void **state)
{
    struct fleet *fleet = force();
    struct hash presence = lone_visit(fleet, T(10));

    (void)state;
    (void)cover(fleet, T(31), "sue", "sue", "sam", T(31), T(600));
    assert_true(fleet_sees(fleet, "sam", 'p', &presence));
    fleet_officer(fleet, T(40), "sue", DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false, "east");
    fleet_settle(fleet, T(40));
    assert_false(fleet_sees(fleet, "sam", 'p', &presence));
    end(fleet);
}

static void evening__changes_hands_without_an_alarm(void **state)
{
    struct fleet *fleet = force();
    struct hash presence = lone_visit(fleet, T(12 * 60)), flag = fleet_flag_id(fleet, "lone_confirmed", &presence);

    (void)state;
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_UPDATE);
    (void)cover(fleet, T(13 * 60), "sue", "sue", "sam", T(13 * 60), T(600 * 60));
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_UPDATE);
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sam");
    fleet_tick(fleet, FLEET_T0 + 72 * FLEET_HOUR); /* Monday, 08:00 */
    assert_int_equal(fleet_told(fleet, &flag), FLEET_TOLD_ALARM);
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sam");
    end(fleet);
}

static void purge__what_was_seen_is_taken_back(void **state)
{
    struct fleet *fleet = force();
    struct device_row device;
    int64_t since_us;

    (void)state;
    (void)lone_visit(fleet, T(10));
    (void)cover(fleet, T(31), "sue", "sue", "sam", T(31), T(60));
    assert_int_equal(fleet->store->ops->device_by_id(fleet->store, &fleet_device(fleet, "sam")->device, &device),
                     STATUS_OK);
    assert_int_equal(purge_due_since(fleet->store, &device, &since_us), STATUS_NOT_FOUND);
    fleet_tick(fleet, T(60));
    assert_int_equal(purge_due_since(fleet->store, &device, &since_us), STATUS_OK);
    assert_int_equal(since_us, T(60));
    end(fleet);
}

static void fork__of_the_log_takes_it_back(void **state)
{
    struct fleet *fleet = force();
    struct fleet_device *sue = fleet_device(fleet, "sue");
    struct hash presence;
    struct fleet_push one, other;
    uint8_t *payload;

    (void)state;
    (void)fleet_cover(sue, T(1), "sue", "sam", T(1), T(600));
    fleet_hello(sue, T(1));
    one = fleet_build(sue);
    memcpy(&payload, &sue->entries[--sue->count].payload.data, sizeof(payload)); /* the copy of her phone */
    free(payload);
    sue->pushed--;
    (void)fleet_cover(sue, T(2), "sue", "sid", T(1), T(600));
    other = fleet_build(sue);
    (void)fleet_deliver(fleet, T(3), &one);
    expect_row(fleet, "sue", "sam");
    presence = lone_visit(fleet, T(10));
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sam");
    (void)fleet_deliver(fleet, T(40), &other);
    expect_row(fleet, "sue", "");
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sue");
    fleet_push_free(&one);
    fleet_push_free(&other);
    end(fleet);
}

static void engine__that_takes_over_knows_who_stands_in_and_until_when(void **state)
{
    static const struct engine later = {.version = "1000", .judge = rule_judge};
    struct fleet *fleet = force();
    struct hash presence = lone_visit(fleet, T(10));

    (void)state;
    (void)cover(fleet, T(31), "sue", "sue", "sam", T(31), T(600));
    assert_int_equal(fleet_reopen(fleet, &later), STATUS_OK);
    fleet_tick(fleet, T(40));
    expect_row(fleet, "sue", "sam");
    expect_with(fleet, &presence, LEVEL(SUPERVISORS), "sam");
    assert_true(fleet_sees(fleet, "sam", 'p', &presence));
    fleet_tick(fleet, T(600));
    expect_row(fleet, "sue", "");
    assert_false(fleet_sees(fleet, "sam", 'p', &presence));
    end(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window__is_half_open_and_what_comes_in_it_is_the_stand_ins),
        cmocka_unit_test(handing_over__brings_what_waits_and_gains_no_time),
        cmocka_unit_test(operator__records_it_for_who_is_ill_and_ends_it),
        cmocka_unit_test(last_word__speaks_for_its_own_window),
        cmocka_unit_test(all_at_once__as_if_each_had_been_on_time),
        cmocka_unit_test(decision__by_who_stands_in_then_and_no_longer),
        cmocka_unit_test(decision__that_waited_counts_as_of_its_receipt),
        cmocka_unit_test(authority__may_be_granted_by_who_stands_in),
        cmocka_unit_test(stand_in__who_was_there_is_skipped),
        cmocka_unit_test(who_is_away__hands_on_no_place_where_they_have_none),
        cmocka_unit_test(links__lead_on_and_stop_at_a_circle),
        cmocka_unit_test(leader__for_a_supervisor_is_asked_once),
        cmocka_unit_test(leader__who_has_it_already_keeps_it),
        cmocka_unit_test(recording__is_for_oneself_or_an_operator),
        cmocka_unit_test(window__that_ends_before_it_begins_is_malformed),
        cmocka_unit_test(stand_in__whose_role_ends_leaves_the_place_empty),
        cmocka_unit_test(roster__that_changes_is_followed_too),
        cmocka_unit_test(team__of_who_is_away_changes_and_the_stand_in_sees_the_new_one),
        cmocka_unit_test(evening__changes_hands_without_an_alarm),
        cmocka_unit_test(purge__what_was_seen_is_taken_back),
        cmocka_unit_test(fork__of_the_log_takes_it_back),
        cmocka_unit_test(engine__that_takes_over_knows_who_stands_in_and_until_when),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
