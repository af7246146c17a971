/*
 * J3: the current verdicts depend on what arrived, not on the order or the grouping in which it did; and whatever the
 * order, the journal rebuilds to the same bytes. Seeded; DOUBLECREW_RUNS=n asks for more orders than the short default.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/core_fixture.h"
#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)
#define ARRIVAL (MORNING + 6 * FLEET_HOUR)
#define PUSHES_MAX 8
#define PRESENCES_MAX 8
#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name

struct story {
    struct fleet *fleet; /* where the pushes are made; nothing of the story is delivered to it */
    struct fleet_push pushes[PUSHES_MAX];
    size_t push_count;
    struct hash presences[PRESENCES_MAX];
    size_t presence_count;
};

static void add_push(struct story *story, struct fleet_device *device)
{
    assert_true(story->push_count < PUSHES_MAX);
    story->pushes[story->push_count++] = fleet_build(device);
}

static struct hash *add_presence(struct story *story, struct hash presence)
{
    story->presences[story->presence_count] = presence;
    return &story->presences[story->presence_count++];
}

static void seal(struct fleet_device *device, int64_t at_us)
{
    Doublecrew__V1__Seal message = DOUBLECREW__V1__SEAL__INIT;

    (void)fleet_add(device, at_us, KIND(SEAL), &message.base);
}

/* Ann and Bob at xen, Cal for a while; then Ann at yul alone with a word of Sue's; Bob's check-out is his second push. */
static struct story *story_new(void)
{
    struct story *story = calloc(1, sizeof(*story));
    struct fleet_device *ann, *bob, *cal, *sue;
    struct hash *at;

    story->fleet = fleet_typical();
    ann = fleet_device(story->fleet, "ann");
    bob = fleet_device(story->fleet, "bob");
    cal = fleet_device(story->fleet, "cal");
    sue = fleet_device(story->fleet, "sue");
    at = add_presence(story, fleet_check_in(ann, MORNING, "xen", "bob"));
    add_push(story, ann);
    (void)fleet_check_out(ann, MORNING + 40 * FLEET_MINUTE, at);
    (void)fleet_outcome(ann, MORNING + 41 * FLEET_MINUTE, at, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    add_push(story, ann);
    fleet_hello(ann, MORNING + 50 * FLEET_MINUTE);
    at = add_presence(story, fleet_check_in(ann, MORNING + 60 * FLEET_MINUTE, "yul", "cal"));
    (void)fleet_check_out(ann, MORNING + 80 * FLEET_MINUTE, at);
    add_push(story, ann);
    at = add_presence(story, fleet_check_in(bob, MORNING + 3 * FLEET_MINUTE, "xen", NULL));
    add_push(story, bob);
    (void)fleet_check_out(bob, MORNING + 38 * FLEET_MINUTE, at);
    add_push(story, bob);
    fleet_reboot(cal, MORNING - FLEET_HOUR); /* never met the server since */
    at = add_presence(story, fleet_check_in(cal, MORNING + 20 * FLEET_MINUTE, "xen", "ann"));
    (void)fleet_check_out(cal, MORNING + 25 * FLEET_MINUTE, at);
    fleet_hello(cal, MORNING + 5 * FLEET_HOUR);
    seal(cal, MORNING + 5 * FLEET_HOUR + FLEET_SECOND);
    add_push(story, cal);
    (void)fleet_authorise(sue, MORNING, "ann", "yul", true, MORNING, MORNING + 2 * FLEET_HOUR);
    add_push(story, sue);
    return story;
}

static void story_free(struct story *story)
{
    for (size_t i = 0; i < story->push_count; i++)
        fleet_push_free(&story->pushes[i]);
    fleet_free(story->fleet);
    free(story);
}

/* The rows of all presences as bytes, without the time of looking. */
struct outcome {
    uint8_t bytes[PRESENCES_MAX * 1024];
    size_t size;
};

static void look(struct fleet *fleet, const struct story *story, struct outcome *ret_outcome)
{
    ret_outcome->size = 0;
    for (size_t i = 0; i < story->presence_count; i++) {
        Doublecrew__V1__Row *row = fleet_view(fleet, 'p', story->presences[i].bytes, HASH_SIZE);

        assert_non_null(row);
        row->presence->as_of_ms = 0;
        assert_true(ret_outcome->size + protobuf_c_message_get_packed_size(&row->presence->base) <=
                    sizeof(ret_outcome->bytes));
        ret_outcome->size += protobuf_c_message_pack(&row->presence->base, ret_outcome->bytes + ret_outcome->size);
        doublecrew__v1__row__free_unpacked(row, NULL);
    }
}

static void expect_same(const struct outcome *a, const struct outcome *b, uint64_t seed)
{
    if (a->size != b->size || memcmp(a->bytes, b->bytes, a->size) != 0)
        fail_msg("other verdicts with seed %llu", (unsigned long long)seed);
}

/* A random order in which each device's pushes keep theirs. */
static void shuffle(const struct story *story, uint64_t *random, size_t ret_order[PUSHES_MAX])
{
    bool taken[PUSHES_MAX] = {false};

    for (size_t n = 0; n < story->push_count; n++) {
        size_t pick;

        do {
            pick = (size_t)fixture_below(random, story->push_count);
            for (size_t i = 0; i < pick; i++) { /* an earlier one of the same device goes first */
                if (!taken[i] && story->pushes[i].device == story->pushes[pick].device) {
                    pick = i;
                    break;
                }
            }
        } while (taken[pick]);
        taken[pick] = true;
        ret_order[n] = pick;
    }
}

/* Delivers in an order, in batches of random sizes; all at one server time, so that only the order differs. */
static void play(struct fleet *fleet, const struct story *story, const size_t *order, uint64_t *random, bool grouped)
{
    for (size_t n = 0; n < story->push_count;) {
        size_t group = grouped ? 1 + (size_t)fixture_below(random, story->push_count) : 1;

        fleet_begin(fleet, ARRIVAL);
        for (; group > 0 && n < story->push_count; group--, n++)
            assert_int_equal(fleet_deliver(fleet, ARRIVAL, &story->pushes[order[n]]).status, STATUS_OK);
        fleet_commit(fleet);
    }
}

static unsigned long runs(unsigned long short_default)
{
    const char *wanted = getenv("DOUBLECREW_RUNS");

    return wanted != NULL ? strtoul(wanted, NULL, 10) : short_default;
}

static void any_order_and_grouping__same_verdicts_and_rebuild(void **state)
{
    static struct outcome first, first_later, now, later;
    struct story *story = story_new();

    (void)state;
    for (uint64_t seed = 0; seed < runs(24); seed++) {
        struct fleet *fleet = fleet_typical();
        uint64_t random = seed;
        size_t order[PUSHES_MAX];

        shuffle(story, &random, order);
        if (seed == 0) {
            for (size_t i = 0; i < PUSHES_MAX; i++)
                order[i] = i;
        }
        play(fleet, story, order, &random, seed % 2 == 1);
        look(fleet, story, seed == 0 ? &first : &now);
        fleet_tick(fleet, ARRIVAL + 48 * FLEET_HOUR);
        look(fleet, story, seed == 0 ? &first_later : &later);
        if (seed > 0) {
            expect_same(&first, &now, seed);
            expect_same(&first_later, &later, seed);
        }
        fleet_expect_rebuild(fleet);
        fleet_free(fleet);
    }
    story_free(story);
}

/* Which branch of a fork comes first changes neither's standing. */
static void fork_in_either_order__both_held(void **state)
{
    struct fleet *source = fleet_typical();
    struct fleet_device *ann = fleet_device(source, "ann");
    struct fleet_push branches[2];
    struct hash presences[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        presences[i] = fleet_check_in(ann, MORNING + i * FLEET_HOUR, "xen", "");
        (void)fleet_check_out(ann, MORNING + i * FLEET_HOUR + 5 * FLEET_MINUTE, &presences[i]);
        branches[i] = fleet_build(ann);
        if (i == 0) { /* the clone knows nothing of it; payloads stay owned by the device */
            for (size_t n = 0; n < 2; n++) {
                ann->entries[2 + n] = ann->entries[n];
            }
            ann->count = ann->pushed = 0;
            for (size_t n = 0; n < 2; n++) {
                uint8_t *payload;

                memcpy(&payload, &ann->entries[2 + n].payload.data, sizeof(payload));
                free(payload);
            }
        }
    }
    for (int first = 0; first < 2; first++) {
        struct fleet *fleet = fleet_typical();

        assert_int_equal(fleet_deliver(fleet, ARRIVAL, &branches[first]).status, STATUS_OK);
        assert_int_equal(fleet_deliver(fleet, ARRIVAL, &branches[1 - first]).status, STATUS_LOG_FORK);
        assert_string_equal(fleet_company(fleet, &presences[0]), "held");
        assert_string_equal(fleet_company(fleet, &presences[1]), "held");
        fleet_expect_rebuild(fleet);
        fleet_free(fleet);
    }
    fleet_push_free(&branches[0]);
    fleet_push_free(&branches[1]);
    fleet_free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_and_grouping__same_verdicts_and_rebuild),
        cmocka_unit_test(fork_in_either_order__both_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
