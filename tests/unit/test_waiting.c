/* Entries that come before what they are about take effect when it comes: the order of arrival doesn't matter (J3). */
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
#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name
#define PUSHES 3

static ProtobufCBinaryData bytes_of(const struct hash *hash)
{
    return (ProtobufCBinaryData){HASH_SIZE, (uint8_t *)(uintptr_t)hash->bytes};
}

/*
 * Ann's lone visit in two pushes, the second also carried by Cal; Sue's decision, word and note on it. Everything names
 * Ann's check-in, which is in her first push.
 */
struct story {
    struct fleet *fleet;
    struct hash visit;
    struct hash note;
    struct fleet_push ann, cal, sue;
};

static void begin(struct story *story)
{
    struct fleet_device *ann, *cal, *sue;
    struct fleet_push second;
    Doublecrew__V1__Carried carried = DOUBLECREW__V1__CARRIED__INIT;
    Doublecrew__V1__AuthorityWord word = DOUBLECREW__V1__AUTHORITY_WORD__INIT;
    Doublecrew__V1__Note note = DOUBLECREW__V1__NOTE__INIT;
    struct id officer = fleet_id("ann"), offender = fleet_id("xen");

    story->fleet = fleet_typical();
    ann = fleet_device(story->fleet, "ann");
    cal = fleet_device(story->fleet, "cal");
    sue = fleet_device(story->fleet, "sue");
    fleet_hello(ann, MORNING - FLEET_MINUTE);
    story->visit = fleet_check_in(ann, MORNING, "xen", "");
    story->ann = fleet_build(ann);
    (void)fleet_check_out(ann, MORNING + 20 * FLEET_MINUTE, &story->visit);
    (void)fleet_outcome(ann, MORNING + 21 * FLEET_MINUTE, &story->visit,
                        DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    second = fleet_build(ann);
    fleet_hello(cal, MORNING + FLEET_HOUR);
    carried.push = (ProtobufCBinaryData){second.size, second.bytes};
    (void)fleet_add(cal, MORNING + FLEET_HOUR, KIND(CARRIED), &carried.base);
    story->cal = fleet_build(cal);
    fleet_push_free(&second);
    fleet_hello(sue, MORNING + FLEET_HOUR);
    (void)fleet_decide(sue, MORNING + 2 * FLEET_HOUR, &story->visit, true);
    word.officer_id = (ProtobufCBinaryData){ID_SIZE, officer.bytes};
    word.offender_id = (ProtobufCBinaryData){ID_SIZE, offender.bytes};
    word.granted = true;
    word.presence = bytes_of(&story->visit);
    (void)fleet_add(sue, MORNING + 2 * FLEET_HOUR, KIND(AUTHORITY_WORD), &word.base);
    note.subject = bytes_of(&story->visit);
    note.text = (char *)(uintptr_t) "Spoke with the officer about it";
    story->note = fleet_add(sue, MORNING + 2 * FLEET_HOUR, KIND(NOTE), &note.base);
    story->sue = fleet_build(sue);
}

static void end(struct story *story)
{
    fleet_expect_rebuild(story->fleet);
    fleet_push_free(&story->ann);
    fleet_push_free(&story->cal);
    fleet_push_free(&story->sue);
    fleet_free(story->fleet);
}

static Doublecrew__V1__Row *view_of_note(struct story *story)
{
    return fleet_view_about(story->fleet, span_of(story->visit.bytes, HASH_SIZE), 'n', story->note.bytes, HASH_SIZE);
}

/* What people see of the visit, without places in the journal: these do depend on the order. */
static void describe(struct story *story, char ret_text[512])
{
    Doublecrew__V1__Row *row = fleet_view(story->fleet, 'p', story->visit.bytes, HASH_SIZE);
    Doublecrew__V1__Row *note = view_of_note(story);

    assert_non_null(row);
    assert_non_null(note);
    (void)snprintf(ret_text, 512, "%s %s %s %s reasons %x out %lld..%lld flag %d note %s", row->presence->company,
                   row->presence->confirmed_by, row->presence->authority, row->presence->outcome,
                   (unsigned)row->presence->reasons, (long long)row->presence->out_from_ms,
                   (long long)row->presence->out_to_ms, (int)fleet_flag(story->fleet, "lone_confirmed", &story->visit),
                   note->note->text);
    doublecrew__v1__row__free_unpacked(row, NULL);
    doublecrew__v1__row__free_unpacked(note, NULL);
}

static void tell(const unsigned order[PUSHES], char ret_text[512])
{
    struct story story;
    const struct fleet_push *pushes[PUSHES];

    begin(&story);
    pushes[0] = &story.ann;
    pushes[1] = &story.cal;
    pushes[2] = &story.sue;
    for (unsigned i = 0; i < PUSHES; i++)
        (void)fleet_deliver(story.fleet, ARRIVAL, pushes[order[i]]);
    describe(&story, ret_text);
    end(&story);
}

static void entries__in_any_order_have_the_same_effect(void **state)
{
    static const unsigned orders[][PUSHES] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    char first[512], other[512];

    (void)state;
    tell(orders[0], first);
    assert_non_null(strstr(first, "seen"));
    assert_non_null(strstr(first, "reasons 4")); /* bit 18: decided, counts */
    assert_non_null(strstr(first, "retrospective"));
    for (size_t i = 1; i < sizeof(orders) / sizeof(orders[0]); i++) {
        tell(orders[i], other);
        assert_string_equal(other, first);
    }
}

/* What is awaited may never come: the entry is in the journal, held, and changes nothing. */
static void entry__about_what_never_comes_stays_held(void **state)
{
    struct story story;
    struct batch_result result;

    (void)state;
    begin(&story);
    result = fleet_deliver(story.fleet, ARRIVAL, &story.sue);
    assert_int_equal(result.held_count, 3);
    assert_string_equal(result.held[0].reason, "unknown_presence");
    assert_null(view_of_note(&story));
    end(&story);
}

static const char *authority_of(struct fleet *fleet, const struct hash *visit, uint32_t *ret_reasons)
{
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', visit->bytes, HASH_SIZE);
    static char authority[32];

    (void)snprintf(authority, sizeof(authority), "%s", row->presence->authority);
    *ret_reasons = row->presence->reasons;
    doublecrew__v1__row__free_unpacked(row, NULL);
    return authority;
}

/*
 * Sue's words come while she is Ann's supervisor; then she goes to another team, or Ann does. Whether the visit comes before or
 * after that: they were hers to say (L1, L2). And the other way round: who comes to the team later didn't have the right.
 */
static void words_that_waited__judged_by_the_roster_of_their_time(void **state)
{
    (void)state;
    for (unsigned each = 0; each < 8; each++) {
        bool visit_last = (each & 1) != 0, sue_moves = (each & 2) != 0, right_then = (each & 4) != 0;
        Doublecrew__V1__Role role =
            sue_moves ? DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR : DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER;
        const char *who = sue_moves ? "sue" : "xen";
        struct story story;
        uint32_t reasons;
        const char *authority;

        begin(&story);
        fleet_team(story.fleet, MORNING, "south");
        for (unsigned step = 0; step < 4; step++) {
            int64_t at_us = ARRIVAL + step * FLEET_MINUTE;
            const char *team = right_then == (step < 2) ? "north" : "south";

            if (step == 0 || step == 2) {
                if (sue_moves)
                    fleet_officer(story.fleet, at_us, who, role, false, team);
                else {
                    fleet_offender(story.fleet, at_us, who, DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM, team);
                    fleet_officer(story.fleet, at_us, "ann", role, true, team);
                }
                fleet_settle(story.fleet, at_us);
            }
            if (step == (visit_last ? 3 : 0))
                assert_int_equal(fleet_deliver(story.fleet, at_us, &story.ann).status, STATUS_OK);
            if (step == 1)
                assert_int_equal(fleet_deliver(story.fleet, at_us, &story.sue).status, STATUS_OK);
        }
        authority = authority_of(story.fleet, &story.visit, &reasons);
        assert_int_equal((reasons & RULE_REASON_DECIDED_COUNTS) != 0, right_then);
        assert_string_equal(authority, right_then ? "retrospective" : "none");
        end(&story);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries__in_any_order_have_the_same_effect),
        cmocka_unit_test(entry__about_what_never_comes_stays_held),
        cmocka_unit_test(words_that_waited__judged_by_the_roster_of_their_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
