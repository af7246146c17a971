/*
 * Whose word counts by cover (A1, L2) is a function of what was said and received, whatever came first (J3): the visit, who
 * stands in, who stands in for them, and their decisions; also when a fork takes it back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rule.h"
#include "tests/lib/fleet.h"

#define M FLEET_MINUTE
#define T(minutes) (FLEET_T0 + (minutes)*M)
#define ARRIVAL T(200)
#define PUSHES_MAX 5
#define SAID_SIZE 1024
#define REASONS (RULE_REASON_DECIDED_COUNTS | RULE_REASON_DECIDED_AGAINST)

static const char *const supervisors[] = {"sam", "sid"};

/* Beside fleet_typical's sue of the north: supervisors of the south, who have nothing to say about the north. */
static struct fleet *force(void)
{
    struct fleet *fleet = fleet_typical();

    fleet_team(fleet, FLEET_T0 + FLEET_SECOND, "south");
    for (size_t i = 0; i < 2; i++) {
        fleet_officer(fleet, FLEET_T0 + FLEET_SECOND, supervisors[i], DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR, false,
                      "south");
        (void)fleet_enrol(fleet, FLEET_T0 + FLEET_SECOND, supervisors[i]);
    }
    fleet_settle(fleet, FLEET_T0 + FLEET_SECOND);
    for (size_t i = 0; i < 2; i++)
        fleet_hello(fleet_device(fleet, supervisors[i]), FLEET_T0 + 2 * FLEET_SECOND);
    return fleet;
}

/* Pushes with those that must have come before: a bit each. All of them were built by one fleet. */
struct story {
    struct fleet *source;
    struct fleet_push pushes[PUSHES_MAX];
    unsigned after[PUSHES_MAX];
    size_t count;
    struct hash visit;
    int64_t apart_us;
    size_t tried;
    char first[SAID_SIZE];
};

static void add(struct story *story, struct fleet_device *device, unsigned after)
{
    story->after[story->count] = after;
    story->pushes[story->count++] = fleet_build(device);
}

/* Push 0 of every story: a lone visit with the offender seen. */
static void begin(struct story *story)
{
    struct fleet_device *ann;

    *story = (struct story){.source = force()};
    ann = fleet_device(story->source, "ann");
    fleet_hello(ann, T(9));
    story->visit = fleet_check_in(ann, T(10), "xen", "");
    (void)fleet_outcome(ann, T(20), &story->visit, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    (void)fleet_check_out(ann, T(30), &story->visit);
    add(story, ann, 0);
}

static void end(struct story *story)
{
    for (size_t i = 0; i < story->count; i++)
        fleet_push_free(&story->pushes[i]);
    fleet_free(story->source);
}

/* A flag that was never raised and one that was cleared say the same of now. */
static int standing(struct fleet *fleet, const char *kind, const struct hash *presence)
{
    enum flag_state state = fleet_flag(fleet, kind, presence);

    return state == 0 ? FLAG_CLEARED : (int)state;
}

static void say(struct fleet *fleet, const struct story *story, char said[SAID_SIZE])
{
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', story->visit.bytes, HASH_SIZE);

    (void)snprintf(said, SAID_SIZE, "%s %x %s due %d, lone %d, missing %d, refused %d", row->presence->company,
                   row->presence->reasons & REASONS, row->presence->authority, row->presence->due_met,
                   standing(fleet, "lone_confirmed", &story->visit),
                   standing(fleet, "authority_missing", &story->visit),
                   standing(fleet, "authority_refused", &story->visit));
    doublecrew__v1__row__free_unpacked(row, NULL);
}

static void play(struct story *story, const size_t *order)
{
    struct fleet *fleet = force();
    char said[SAID_SIZE];

    for (size_t i = 0; i < story->count; i++) {
        enum status status =
            fleet_deliver(fleet, ARRIVAL + (int64_t)i * story->apart_us, &story->pushes[order[i]]).status;

        assert_true(status == STATUS_OK || status == STATUS_LOG_FORK);
    }
    fleet_tick(fleet, ARRIVAL + M);
    say(fleet, story, said);
    if (story->tried++ == 0)
        (void)memcpy(story->first, said, SAID_SIZE);
    assert_string_equal(story->first, said);
    fleet_expect_digests(fleet);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void permute(struct story *story, size_t *order, size_t depth, unsigned taken)
{
    if (depth == story->count) {
        play(story, order);
        return;
    }
    for (size_t i = 0; i < story->count; i++) {
        if ((taken >> i & 1) != 0 || (story->after[i] & ~taken) != 0)
            continue;
        order[depth] = i;
        permute(story, order, depth + 1, taken | 1u << i);
    }
}

/* Every order says the same, received together and one after the other. */
static void expect(struct story *story, size_t orders, const char *said)
{
    static const int64_t apart_us[] = {0, FLEET_SECOND};
    size_t order[PUSHES_MAX];

    for (size_t i = 0; i < 2; i++) {
        story->apart_us = apart_us[i];
        story->tried = 0;
        permute(story, order, 0, 0);
        assert_int_equal(story->tried, orders);
        assert_string_equal(story->first, said);
    }
}

static void decision__counts_whether_it_or_the_cover_came_first(void **state)
{
    struct story story;
    struct fleet_device *sue, *sam;

    (void)state;
    begin(&story);
    sue = fleet_device(story.source, "sue");
    sam = fleet_device(story.source, "sam");
    (void)fleet_cover(sue, T(35), "sue", "sam", T(40), T(300));
    add(&story, sue, 0);
    (void)fleet_decide(sam, T(50), &story.visit, true);
    add(&story, sam, 0);
    expect(&story, 6, "lone_confirmed 40000 none due 1, lone 4, missing 4, refused 3");
    end(&story);
}

/* Sam named sid, and decided all the same; sid said no, and no stands. */
static void decisions__along_a_chain_that_comes_in_any_order(void **state)
{
    struct story story;
    struct fleet_device *sue, *sam, *sid;

    (void)state;
    begin(&story);
    sue = fleet_device(story.source, "sue");
    sam = fleet_device(story.source, "sam");
    sid = fleet_device(story.source, "sid");
    (void)fleet_cover(sue, T(35), "sue", "sam", T(40), T(300));
    add(&story, sue, 0);
    (void)fleet_decide(sam, T(50), &story.visit, true);
    add(&story, sam, 0);
    (void)fleet_cover(sam, T(55), "sam", "sid", T(60), T(300));
    add(&story, sam, 1u << 2);
    (void)fleet_decide(sid, T(70), &story.visit, false);
    add(&story, sid, 0);
    expect(&story, 60, "lone_confirmed 80000 none due 0, lone 4, missing 4, refused 3");
    end(&story);
}

static void window__that_was_over_lets_nothing_count(void **state)
{
    struct story story;
    struct fleet_device *sue, *sam;

    (void)state;
    begin(&story);
    sue = fleet_device(story.source, "sue");
    sam = fleet_device(story.source, "sam");
    (void)fleet_cover(sue, T(35), "sue", "sam", T(40), ARRIVAL); /* half-open */
    add(&story, sue, 0);
    (void)fleet_decide(sam, T(50), &story.visit, true);
    add(&story, sam, 0);
    expect(&story, 6, "lone_confirmed 0 none due 0, lone 1, missing 1, refused 3");
    end(&story);
}

/* A refusal outweighs what nobody granted; it counts by cover as a decision does. */
static void authority__counts_whether_it_or_the_cover_came_first(void **state)
{
    struct story story;
    struct fleet_device *sue, *sam;

    (void)state;
    begin(&story);
    sue = fleet_device(story.source, "sue");
    sam = fleet_device(story.source, "sam");
    (void)fleet_cover(sue, T(35), "sue", "sam", T(40), T(300));
    add(&story, sue, 0);
    (void)fleet_authorise(sam, T(50), "ann", "xen", false, T(5), T(100));
    add(&story, sam, 0);
    expect(&story, 6, "lone_confirmed 0 refused due 0, lone 1, missing 3, refused 1");
    end(&story);
}

/* Sue's console was copied: one copy named sam, the other sid. Neither was hers to say, and what rested on it goes. */
static void fork__takes_back_what_counted_by_the_cover(void **state)
{
    struct story story;
    struct fleet_device *sue, *sam, *sid;
    uint8_t *payload;

    (void)state;
    begin(&story);
    sue = fleet_device(story.source, "sue");
    sam = fleet_device(story.source, "sam");
    sid = fleet_device(story.source, "sid");
    (void)fleet_cover(sue, T(35), "sue", "sam", T(40), T(300));
    add(&story, sue, 0);
    memcpy(&payload, &sue->entries[--sue->count].payload.data, sizeof(payload)); /* the copy of her console */
    free(payload);
    sue->pushed--;
    (void)fleet_cover(sue, T(36), "sue", "sid", T(40), T(300));
    add(&story, sue, 0);
    (void)fleet_decide(sam, T(50), &story.visit, true);
    add(&story, sam, 0);
    (void)fleet_decide(sid, T(50), &story.visit, true);
    add(&story, sid, 0);
    expect(&story, 120, "lone_confirmed 0 none due 0, lone 1, missing 1, refused 3");
    end(&story);
}

/* Whose visit it is can't choose who looks at it, in no order. */
static void own_visit__isnt_opened_to_anybody_by_cover(void **state)
{
    struct story story = {.source = force()};
    struct fleet_device *sue = fleet_device(story.source, "sue"), *sam = fleet_device(story.source, "sam");

    (void)state;
    fleet_hello(sue, T(9));
    story.visit = fleet_check_in(sue, T(10), "xen", "");
    (void)fleet_outcome(sue, T(20), &story.visit, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    (void)fleet_check_out(sue, T(30), &story.visit);
    add(&story, sue, 0);
    (void)fleet_cover(sue, T(35), "sue", "sam", T(40), T(300));
    add(&story, sue, 1u << 0);
    (void)fleet_decide(sam, T(50), &story.visit, true);
    add(&story, sam, 0);
    expect(&story, 3, "lone_confirmed 0 none due 0, lone 1, missing 1, refused 3");
    end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decision__counts_whether_it_or_the_cover_came_first),
        cmocka_unit_test(decisions__along_a_chain_that_comes_in_any_order),
        cmocka_unit_test(window__that_was_over_lets_nothing_count),
        cmocka_unit_test(authority__counts_whether_it_or_the_cover_came_first),
        cmocka_unit_test(fork__takes_back_what_counted_by_the_cover),
        cmocka_unit_test(own_visit__isnt_opened_to_anybody_by_cover),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
