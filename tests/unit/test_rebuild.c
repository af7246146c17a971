/* A derivation that fails (J7), the journal's Merkle tree and its proofs (K1), opening again, and what a rebuild refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/merkle.h"
#include "server/edge/store_sqlite.h"
#include "server/logic/flags.h"
#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)
#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name

static int setup(void **state)
{
    *state = fleet_typical();
    return 0;
}

static int teardown(void **state)
{
    fleet_expect_rebuild(*state);
    fleet_free(*state);
    return 0;
}

static void seals(struct fleet_device *device, int64_t from_us, size_t count)
{
    Doublecrew__V1__Seal message = DOUBLECREW__V1__SEAL__INIT;

    for (size_t i = 0; i < count; i++)
        (void)fleet_add(device, from_us + (int64_t)i * FLEET_SECOND, KIND(SEAL), &message.base);
}

static void plan_number(struct fleet_device *device, int64_t at_us, int number, int64_t from_us)
{
    Doublecrew__V1__Plan message = DOUBLECREW__V1__PLAN__INIT;
    struct id xen = fleet_id("xen"), ann = fleet_id("ann"), plan = fleet_id("plan");
    ProtobufCBinaryData officers[] = {{ID_SIZE, ann.bytes}};

    plan.bytes[0] = (uint8_t)number;
    message.plan_id = (ProtobufCBinaryData){ID_SIZE, plan.bytes};
    message.offender_id = (ProtobufCBinaryData){ID_SIZE, xen.bytes};
    message.officer_ids = officers;
    message.n_officer_ids = 1;
    message.from_ms = from_us / 1000;
    message.to_ms = (from_us + FLEET_HOUR) / 1000;
    (void)fleet_add(device, at_us, KIND(PLAN), &message.base);
}

/* More plans around one visit than a neighbourhood holds. */
static struct hash too_many_plans(struct fleet *fleet, int count)
{
    struct fleet_device *ann = fleet_device(fleet, "ann"), *sue = fleet_device(fleet, "sue");
    struct hash visit;

    for (int i = 0; i < count; i++)
        plan_number(sue, FLEET_T0 + FLEET_HOUR, i, MORNING);
    (void)fleet_sync(sue, FLEET_T0 + FLEET_HOUR);
    visit = fleet_check_in(ann, MORNING + FLEET_MINUTE, "xen", "");
    (void)fleet_check_out(ann, MORNING + 2 * FLEET_MINUTE, &visit);
    assert_int_equal(fleet_sync(ann, MORNING + FLEET_HOUR).status, STATUS_OK);
    return visit;
}

static void derivation_that_fails__entries_stay_and_an_alarm_is_raised(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *bob = fleet_device(fleet, "bob");
    struct id xen = fleet_id("xen");
    struct hash subject = flag_subject_of_id(&xen), other;
    struct offender_row offender;

    (void)too_many_plans(fleet, 70);
    assert_int_equal(fleet->store->ops->offender_get(fleet->store, &xen, &offender), STATUS_OK);
    assert_true(offender.underived);
    assert_int_equal(fleet_flag(fleet, "underived", &subject), FLAG_RAISED);
    other = fleet_check_in(bob, MORNING, "yul", "");
    (void)fleet_check_out(bob, MORNING + 5 * FLEET_MINUTE, &other);
    fleet_sync(bob, MORNING + 4 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &other), "lone_confirmed");
}

static void derivation_that_failed__cleared_by_evidence(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *sue = fleet_device(fleet, "sue");
    struct id xen = fleet_id("xen");
    struct hash subject = flag_subject_of_id(&xen), visit = too_many_plans(fleet, 70);

    assert_int_equal(fleet_flag(fleet, "underived", &subject), FLAG_RAISED);
    for (int i = 0; i < 30; i++)
        plan_number(sue, MORNING + 2 * FLEET_HOUR, i, MORNING + 48 * FLEET_HOUR);
    (void)fleet_sync(sue, MORNING + 3 * FLEET_HOUR);
    assert_int_equal(fleet_flag(fleet, "underived", &subject), FLAG_CLEARED);
    assert_string_equal(fleet_company(fleet, &visit), "lone_confirmed");
}

/* A hundred visits at one offender in a boot whose times nothing bounds: more than a case holds, and nobody is left out. */
static void crowd__every_presence_is_unproven_until_an_anchor_resolves_them(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct id xen = fleet_id("xen");
    struct hash subject = flag_subject_of_id(&xen), visits[100], early;
    struct fleet_push push;

    early = fleet_check_in(bob, MORNING - FLEET_HOUR, "xen", "");
    (void)fleet_check_out(bob, MORNING - FLEET_HOUR + 5 * FLEET_MINUTE, &early);
    (void)fleet_sync(bob, MORNING - FLEET_MINUTE);
    assert_string_equal(fleet_company(fleet, &early), "lone_confirmed");
    fleet_reboot(ann, MORNING);
    for (int i = 0; i < 100; i++) {
        visits[i] = fleet_check_in(ann, MORNING + i * 5 * FLEET_MINUTE, "xen", "");
        (void)fleet_check_out(ann, MORNING + i * 5 * FLEET_MINUTE + FLEET_MINUTE, &visits[i]);
    }
    push = fleet_build(ann);
    (void)fleet_deliver(fleet, MORNING + 12 * FLEET_HOUR, &push);
    fleet_push_free(&push);
    assert_int_equal(fleet_flag(fleet, "underived", &subject), 0);
    assert_string_equal(fleet_company(fleet, &visits[0]), "time_unproven");
    assert_string_equal(fleet_company(fleet, &visits[99]), "time_unproven");
    assert_string_equal(fleet_company(fleet, &early), "time_unproven"); /* any of them may have been beside it */
    fleet_expect_rebuild(fleet);
    seals(ann, MORNING + 13 * FLEET_HOUR, 1);
    (void)fleet_sync(ann, MORNING + 13 * FLEET_HOUR + FLEET_MINUTE);
    for (int i = 0; i < 100; i++)
        assert_string_equal(fleet_company(fleet, &visits[i]), "lone_confirmed");
    assert_string_equal(fleet_company(fleet, &early), "lone_confirmed");
}

/* Every size at which a device may have stopped proves to lead to the newest. */
static void proofs__lead_from_any_head_to_the_newest(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    static struct store_head heads[64];
    size_t count = 0;

    heads[count++] = *batch_head(fleet->batch);
    for (int64_t i = 0; i < 12; i++) {
        seals(ann, MORNING + i * FLEET_HOUR, 61 + (size_t)i * 7);
        fleet_sync(ann, MORNING + i * FLEET_HOUR + 50 * FLEET_MINUTE);
        heads[count++] = *batch_head(fleet->batch);
    }
    assert_true(heads[count - 1].pos > 4 * MERKLE_TILE_WIDTH);
    for (size_t a = 0; a < count; a++) {
        for (size_t b = a; b < count; b++) {
            struct hash proof[MERKLE_PROOF_MAX];
            size_t proof_count;

            assert_int_equal(journal_prove_consistency(fleet->store, heads[a].pos, heads[b].pos, proof, &proof_count),
                             STATUS_OK);
            assert_int_equal(merkle_verify_consistency(fleet->sha, heads[a].pos, &heads[a].root, heads[b].pos,
                                                       &heads[b].root, proof, proof_count),
                             STATUS_OK);
        }
    }
    struct hash proof[MERKLE_PROOF_MAX];
    size_t proof_count;
    assert_int_equal(journal_prove_consistency(fleet->store, 1, heads[count - 1].pos + 1, proof, &proof_count),
                     STATUS_INPUT);
    assert_int_equal(journal_prove_consistency(fleet->store, 2, 1, proof, &proof_count), STATUS_INPUT);
}

static void opened_again__goes_on_where_it_was(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct store_head before;

    seals(ann, MORNING, 200);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    seals(ann, MORNING + FLEET_HOUR, 200);
    fleet_sync(ann, MORNING + 2 * FLEET_HOUR);
    before = *batch_head(fleet->batch);
    batch_free(fleet->batch);
    assert_int_equal(batch_open(fleet->store, &fleet->batch), STATUS_OK);
    assert_true(hash_equal(&before.root, &batch_head(fleet->batch)->root));
    seals(ann, MORNING + 3 * FLEET_HOUR, 200); /* names anchors: the server's key is known again */
    assert_int_equal(fleet_sync(ann, MORNING + 4 * FLEET_HOUR).status, STATUS_OK);
}

static void root_that_does_not_match__not_opened(void **state)
{
    struct fleet *fleet = *state;
    struct store_head head = *batch_head(fleet->batch), wrong = head;
    struct batch *other = NULL;

    wrong.root.bytes[0] ^= 1;
    assert_int_equal(fleet->store->ops->begin(fleet->store), STATUS_OK);
    assert_int_equal(fleet->store->ops->head_put(fleet->store, &wrong), STATUS_OK);
    assert_int_equal(fleet->store->ops->commit(fleet->store), STATUS_OK);
    assert_int_equal(batch_open(fleet->store, &other), STATUS_STORE);
    assert_int_equal(fleet->store->ops->begin(fleet->store), STATUS_OK);
    assert_int_equal(fleet->store->ops->head_put(fleet->store, &head), STATUS_OK);
    assert_int_equal(fleet->store->ops->commit(fleet->store), STATUS_OK);
}

static void aborted_batch__as_if_it_had_never_been(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct store_head before = *batch_head(fleet->batch);
    char *dump = fleet_dump(fleet->store), *after;
    struct fleet_push push;

    (void)fleet_check_in(ann, MORNING, "xen", "");
    push = fleet_build(ann);
    fleet_begin(fleet, MORNING + FLEET_MINUTE);
    assert_int_equal(fleet_deliver(fleet, MORNING, &push).status, STATUS_OK);
    batch_abort(fleet->batch);
    fleet->batch_open = false;
    assert_int_equal(batch_head(fleet->batch)->pos, before.pos);
    after = fleet_dump(fleet->store);
    assert_string_equal(dump, after);
    assert_int_equal(fleet_deliver(fleet, MORNING + FLEET_MINUTE, &push).status, STATUS_OK);
    fleet_push_free(&push);
    free(dump);
    free(after);
}

static void rebuild_into_a_store_with_a_journal__refused(void **state)
{
    struct fleet *fleet = *state;
    struct rebuild_report report;

    assert_int_equal(rebuild_replay(fleet->store, fleet->store, &report), STATUS_EXISTS);
}

/* A dump that never differs would prove nothing. */
static void dump__shows_a_difference(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    char *before = fleet_dump(fleet->store), *after;

    (void)fleet_check_in(ann, MORNING, "xen", "");
    fleet_sync(ann, MORNING + FLEET_MINUTE);
    after = fleet_dump(fleet->store);
    assert_string_not_equal(before, after);
    free(before);
    free(after);
}

#define SCENARIO(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(derivation_that_fails__entries_stay_and_an_alarm_is_raised),
        SCENARIO(derivation_that_failed__cleared_by_evidence),
        SCENARIO(crowd__every_presence_is_unproven_until_an_anchor_resolves_them),
        SCENARIO(proofs__lead_from_any_head_to_the_newest),
        SCENARIO(opened_again__goes_on_where_it_was),
        SCENARIO(root_that_does_not_match__not_opened),
        SCENARIO(aborted_batch__as_if_it_had_never_been),
        SCENARIO(rebuild_into_a_store_with_a_journal__refused),
        SCENARIO(dump__shows_a_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
