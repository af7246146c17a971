/*
 * Who may decide (L2) is a function of the evidence, whatever came first (J3): a decision by somebody who may have been there
 * is kept, counts once it is clear that they weren't, and counts no more once it is clear that they were; flags follow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rule.h"
#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)
#define ARRIVAL (MORNING + 6 * FLEET_HOUR)
#define PUSHES_MAX 5
#define SAID_SIZE 1024
#define XEN_E7 520000000
#define YUL_E7 530000000
#define DECIDED (RULE_REASON_DECIDED_COUNTS | RULE_REASON_DECIDED_AGAINST)

/* The typical force; Sue has a console beside her phone. */
static struct fleet *force(struct fleet_device **ret_console)
{
    struct fleet *fleet = fleet_typical();

    *ret_console = fleet_enrol_second(fleet, FLEET_T0 + FLEET_MINUTE, "sue");
    fleet_settle(fleet, FLEET_T0 + FLEET_MINUTE);
    fleet_hello(*ret_console, FLEET_T0 + 2 * FLEET_MINUTE);
    return fleet;
}

/* Sue was at xen before Ann, or beside her; says so on her phone, decides on her console. */
struct story {
    struct fleet *source;
    struct fleet_push pushes[PUSHES_MAX]; /* ann's visit, sue's check-in, sue's check-out, the decision */
    size_t count;
    struct hash visit;
    struct hash sues;
};

enum { VISIT, IN, OUT, DECISION };

static void tell(struct story *story, int64_t sue_in_us, int64_t sue_out_us, bool appropriate)
{
    struct fleet_device *console, *ann, *phone;

    story->source = force(&console);
    ann = fleet_device(story->source, "ann");
    phone = fleet_device(story->source, "sue");
    fleet_hello(ann, MORNING - FLEET_MINUTE);
    fleet_hello(phone, sue_in_us - FLEET_MINUTE);
    story->visit = fleet_check_in(ann, MORNING, "xen", "");
    (void)fleet_check_out(ann, MORNING + 40 * FLEET_MINUTE, &story->visit);
    (void)fleet_outcome(ann, MORNING + 40 * FLEET_MINUTE, &story->visit,
                        DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    story->pushes[VISIT] = fleet_build(ann);
    story->sues = fleet_check_in(phone, sue_in_us, "xen", "");
    story->pushes[IN] = fleet_build(phone);
    (void)fleet_check_out(phone, sue_out_us, &story->sues);
    story->pushes[OUT] = fleet_build(phone);
    (void)fleet_decide(console, MORNING + FLEET_HOUR, &story->visit, appropriate);
    story->pushes[DECISION] = fleet_build(console);
    story->count = 4;
}

static void story_done(struct story *story)
{
    for (size_t i = 0; i < story->count; i++)
        fleet_push_free(&story->pushes[i]);
    fleet_free(story->source);
}

static uint32_t reasons_of(struct fleet *fleet, const struct hash *presence)
{
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', presence->bytes, HASH_SIZE);
    uint32_t reasons = row->presence->reasons;

    doublecrew__v1__row__free_unpacked(row, NULL);
    return reasons;
}

static const char *const kinds[] = {"lone_confirmed", "part_joint", "accompanied", "authority_missing",
                                    "held_evidence"};

/* A flag that was never raised and one that was cleared say the same of now. */
static enum flag_state standing(struct fleet *fleet, const char *kind, const struct hash *presence)
{
    enum flag_state state = fleet_flag(fleet, kind, presence);

    return state == 0 ? FLAG_CLEARED : state;
}

static void say(struct fleet *fleet, const struct story *story, char *said)
{
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', story->visit.bytes, HASH_SIZE);
    int used = snprintf(said, SAID_SIZE, "%s %x due %d:", row->presence->company, row->presence->reasons,
                        row->presence->due_met);

    doublecrew__v1__row__free_unpacked(row, NULL);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        used += snprintf(said + used, SAID_SIZE - (size_t)used, " %s=%d", kinds[i],
                         (int)standing(fleet, kinds[i], &story->visit));
}

static void play(const struct story *story, const size_t *order, char *said)
{
    struct fleet_device *console;
    struct fleet *fleet = force(&console);

    for (size_t i = 0; i < story->count; i++)
        assert_int_equal(fleet_deliver(fleet, ARRIVAL + (int64_t)i * FLEET_SECOND, &story->pushes[order[i]]).status,
                         STATUS_OK);
    fleet_tick(fleet, ARRIVAL + FLEET_MINUTE);
    say(fleet, story, said);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

/* All orders but those in which the check-out comes before the check-in; how many. */
static size_t expect_same(const struct story *story, char *said)
{
    size_t tried = 0;

    for (size_t code = 0; code < 256; code++) {
        size_t order[4] = {code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3};
        size_t in = 4, out = 4;
        unsigned seen = 0;
        char now[SAID_SIZE];

        for (size_t i = 0; i < 4; i++) {
            seen |= 1u << order[i];
            in = order[i] == IN ? i : in;
            out = order[i] == OUT ? i : out;
        }
        if (seen != 15 || in > out)
            continue;
        play(story, order, now);
        if (tried++ == 0)
            (void)memcpy(said, now, SAID_SIZE);
        assert_string_equal(said, now);
    }
    return tried;
}

static void decider_who_had_left__decides_in_any_order(void **state)
{
    struct story story;
    char said[SAID_SIZE];

    (void)state;
    for (int appropriate = 0; appropriate < 2; appropriate++) {
        char expected[64];

        tell(&story, MORNING - FLEET_HOUR, MORNING - 30 * FLEET_MINUTE, appropriate != 0);
        assert_int_equal(expect_same(&story, said), 12);
        (void)snprintf(expected, sizeof(expected), "lone_confirmed=%d", FLAG_DECIDED);
        assert_non_null(strstr(said, expected));
        (void)snprintf(expected, sizeof(expected), "due %d", appropriate);
        assert_non_null(strstr(said, expected));
        story_done(&story);
    }
}

static void decider_who_was_there__decides_nothing_in_any_order(void **state)
{
    struct story story;
    char said[SAID_SIZE];

    (void)state;
    tell(&story, MORNING - FLEET_MINUTE, MORNING + 5 * FLEET_MINUTE, true);
    assert_int_equal(expect_same(&story, said), 12);
    assert_null(strstr(said, "=4")); /* no flag is decided */
    story_done(&story);
}

/* The steps of it: the answer says why it doesn't count yet, and what the flag says meanwhile. */
static void decision_by_somebody_possibly_present__waits_for_the_evidence(void **state)
{
    struct story story;
    struct fleet_device *console;
    struct fleet *fleet = force(&console);
    struct batch_result result;

    (void)state;
    tell(&story, MORNING - FLEET_HOUR, MORNING - 30 * FLEET_MINUTE, true);
    (void)fleet_deliver(fleet, ARRIVAL, &story.pushes[VISIT]);
    (void)fleet_deliver(fleet, ARRIVAL, &story.pushes[IN]);
    result = fleet_deliver(fleet, ARRIVAL, &story.pushes[DECISION]);
    assert_int_equal(result.held_count, 1);
    assert_string_equal(result.held[0].reason, "involved");
    assert_int_equal(reasons_of(fleet, &story.visit) & DECIDED, 0);
    assert_int_not_equal(fleet_flag(fleet, "lone_confirmed", &story.visit), FLAG_DECIDED);
    (void)fleet_deliver(fleet, ARRIVAL + FLEET_HOUR, &story.pushes[OUT]);
    assert_int_equal(reasons_of(fleet, &story.visit) & DECIDED, RULE_REASON_DECIDED_COUNTS);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &story.visit), FLAG_DECIDED);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
    story_done(&story);
}

/* She turns out to have been there: what she ended stands again, and somebody else has to look. */
static void decider_found_to_have_been_there__flag_raised_again(void **state)
{
    struct story story;
    struct fleet_device *console;
    struct fleet *fleet = force(&console);

    (void)state;
    tell(&story, MORNING + 20 * FLEET_MINUTE, MORNING + 25 * FLEET_MINUTE, true);
    (void)fleet_deliver(fleet, ARRIVAL, &story.pushes[VISIT]);
    (void)fleet_deliver(fleet, ARRIVAL, &story.pushes[DECISION]);
    assert_int_equal(fleet_flag(fleet, "authority_missing", &story.visit), FLAG_DECIDED);
    (void)fleet_deliver(fleet, ARRIVAL + FLEET_HOUR, &story.pushes[IN]);
    (void)fleet_deliver(fleet, ARRIVAL + FLEET_HOUR, &story.pushes[OUT]);
    assert_int_equal(reasons_of(fleet, &story.visit) & DECIDED, 0);
    assert_string_equal(fleet_company(fleet, &story.visit), "part_joint");
    assert_int_equal(fleet_flag(fleet, "part_joint", &story.visit), FLAG_RAISED);
    assert_int_equal(fleet_flag(fleet, "authority_missing", &story.visit), FLAG_RAISED);
    assert_int_equal(fleet_times_raised(fleet, "authority_missing", &story.visit), 2);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
    story_done(&story);
}

/* On one's own visit, and on one where one is named, nothing that may come later makes it right. */
static void approve(struct fleet_device *device, int64_t at_us, const struct hash *visit)
{
    Doublecrew__V1__AuthorityWord message = DOUBLECREW__V1__AUTHORITY_WORD__INIT;
    struct id officer = fleet_id("ann"), offender = fleet_id("xen");
    struct hash presence = *visit;
    char words[] = "I know that she was careful.";

    message.officer_id = (ProtobufCBinaryData){ID_SIZE, officer.bytes};
    message.offender_id = (ProtobufCBinaryData){ID_SIZE, offender.bytes};
    message.presence = (ProtobufCBinaryData){HASH_SIZE, presence.bytes};
    message.granted = true;
    message.words = words;
    (void)fleet_add(device, at_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_AUTHORITY_WORD, &message.base);
}

static void own_and_named__not_permitted(void **state)
{
    struct fleet_device *console, *ann;
    struct fleet *fleet = force(&console);
    struct hash visit;

    (void)state;
    ann = fleet_device(fleet, "ann");
    fleet_hello(ann, MORNING - FLEET_MINUTE);
    visit = fleet_check_in(ann, MORNING, "xen", "sue");
    (void)fleet_check_out(ann, MORNING + 40 * FLEET_MINUTE, &visit);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    (void)fleet_decide(console, MORNING + 2 * FLEET_HOUR, &visit, true);
    assert_string_equal(fleet_sync(console, MORNING + 2 * FLEET_HOUR).held[0].reason, "involved");
    assert_int_equal(reasons_of(fleet, &visit) & DECIDED, 0);
    approve(console, MORNING + 3 * FLEET_HOUR, &visit); /* nor approves of it (L1) */
    assert_string_equal(fleet_sync(console, MORNING + 3 * FLEET_HOUR).held[0].reason, "involved");
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static struct hash check_in_at(struct fleet_device *device, int64_t at_us, const char *offender, int32_t latitude_e7)
{
    struct id id = fleet_id(offender);
    Doublecrew__V1__Place place = DOUBLECREW__V1__PLACE__INIT;
    Doublecrew__V1__CheckIn in = DOUBLECREW__V1__CHECK_IN__INIT;

    place.latitude_e7 = latitude_e7;
    place.accuracy_m = 10;
    in.offender_id = (ProtobufCBinaryData){ID_SIZE, id.bytes};
    in.officer_id = (ProtobufCBinaryData){ID_SIZE, device->officer.bytes};
    in.place = &place;
    return fleet_add(device, at_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, &in.base);
}

static void check_out_at(struct fleet_device *device, int64_t at_us, struct hash visit, int32_t latitude_e7)
{
    Doublecrew__V1__Place place = DOUBLECREW__V1__PLACE__INIT;
    Doublecrew__V1__CheckOut out = DOUBLECREW__V1__CHECK_OUT__INIT;

    place.latitude_e7 = latitude_e7;
    place.accuracy_m = 10;
    out.presence = (ProtobufCBinaryData){HASH_SIZE, visit.bytes};
    out.place = &place;
    (void)fleet_add(device, at_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_OUT, &out.base);
}

/*
 * Ann says that she was at two places at once; Bob was with her at one. Sue's word on the other place would clear Ann, but
 * Sue was there herself: what she decides counts for nothing, also for Bob, who is judged elsewhere.
 */
static void decider_who_was_there__decides_nothing_elsewhere_in_any_order(void **state)
{
    (void)state;
    for (unsigned last = 0; last < 4; last++) {
        struct fleet_device *console;
        struct fleet *fleet = force(&console);
        struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
        struct fleet_device *sue = fleet_device(fleet, "sue");
        struct fleet_push pushes[4];
        struct hash here, there, bobs, sues;

        fleet_hello(sue, MORNING - FLEET_MINUTE);
        fleet_hello(bob, MORNING - FLEET_MINUTE);
        fleet_hello(ann, MORNING - FLEET_MINUTE);
        sues = check_in_at(sue, MORNING, "xen", XEN_E7);
        check_out_at(sue, MORNING + FLEET_HOUR, sues, XEN_E7);
        pushes[0] = fleet_build(sue);
        bobs = check_in_at(bob, MORNING + 30 * FLEET_MINUTE, "yul", YUL_E7);
        check_out_at(bob, MORNING + 90 * FLEET_MINUTE, bobs, YUL_E7);
        pushes[1] = fleet_build(bob);
        here = check_in_at(ann, MORNING, "xen", XEN_E7);
        there = check_in_at(ann, MORNING + 30 * FLEET_MINUTE, "yul", YUL_E7);
        check_out_at(ann, MORNING + FLEET_HOUR, here, XEN_E7);
        check_out_at(ann, MORNING + 90 * FLEET_MINUTE, there, YUL_E7);
        pushes[2] = fleet_build(ann);
        (void)fleet_decide(console, MORNING + 2 * FLEET_HOUR, &here, false);
        pushes[3] = fleet_build(console);
        for (unsigned i = 0; i < 4; i++) {
            if (i != last)
                assert_int_equal(fleet_deliver(fleet, ARRIVAL, &pushes[i]).status, STATUS_OK);
        }
        assert_int_equal(fleet_deliver(fleet, ARRIVAL, &pushes[last]).status, STATUS_OK);
        assert_true((reasons_of(fleet, &there) & RULE_REASON_TWO_PLACES) != 0);
        assert_true((reasons_of(fleet, &bobs) & RULE_REASON_PARTNER_HELD) != 0);
        for (unsigned i = 0; i < 4; i++)
            fleet_push_free(&pushes[i]);
        fleet_expect_rebuild(fleet);
        fleet_free(fleet);
    }
}

/* Where two have to decide, the first decision ends no flag; evidence that comes with it still does (L2, A3). */
static void first_of_two_decisions__leaves_cleared_what_evidence_clears(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *ann = fleet_device(fleet, "ann"), *sue = fleet_device(fleet, "sue");
    struct fleet_push leaving, decision;
    struct hash visit, flag;

    (void)state;
    visit = fleet_check_in(ann, MORNING, "yul", "");
    fleet_sync(ann, MORNING + FLEET_MINUTE);
    fleet_tick(fleet, ARRIVAL);
    assert_int_equal(fleet_flag(fleet, "check_out_missing", &visit), FLAG_RAISED);
    flag = fleet_flag_id(fleet, "check_out_missing", &visit);
    (void)fleet_acknowledge(sue, ARRIVAL, &flag);
    fleet_sync(sue, ARRIVAL);
    (void)fleet_check_out(ann, MORNING + FLEET_HOUR, &visit);
    leaving = fleet_build(ann);
    (void)fleet_decide(sue, ARRIVAL + FLEET_MINUTE, &visit, true);
    decision = fleet_build(sue);
    fleet_begin(fleet, ARRIVAL + FLEET_HOUR);
    (void)fleet_deliver(fleet, ARRIVAL + FLEET_HOUR, &leaving);
    (void)fleet_deliver(fleet, ARRIVAL + FLEET_HOUR, &decision);
    fleet_commit(fleet);
    assert_string_equal(fleet_company(fleet, &visit), "lone_confirmed");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &visit), FLAG_RAISED);
    assert_int_equal(fleet_flag(fleet, "check_out_missing", &visit), FLAG_CLEARED);
    fleet_push_free(&leaving);
    fleet_push_free(&decision);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decider_who_had_left__decides_in_any_order),
        cmocka_unit_test(decider_who_was_there__decides_nothing_in_any_order),
        cmocka_unit_test(decision_by_somebody_possibly_present__waits_for_the_evidence),
        cmocka_unit_test(decider_found_to_have_been_there__flag_raised_again),
        cmocka_unit_test(own_and_named__not_permitted),
        cmocka_unit_test(decider_who_was_there__decides_nothing_elsewhere_in_any_order),
        cmocka_unit_test(first_of_two_decisions__leaves_cleared_what_evidence_clears),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
