/* Rescue files brought in by hand (D1, F1), and what an Ack says of entries that come again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

static struct hash visit(struct fleet_device *device, int64_t from_us, int64_t minutes, const char *company)
{
    struct hash presence = fleet_check_in(device, from_us, "xen", company);

    (void)fleet_check_out(device, from_us + minutes * FLEET_MINUTE, &presence);
    return presence;
}

static void set_standing(struct fleet *fleet, int64_t at_us, const struct fleet_device *device,
                         Doublecrew__V1__DeviceStanding standing, int64_t as_of_us)
{
    Doublecrew__V1__DeviceState message = DOUBLECREW__V1__DEVICE_STATE__INIT;
    struct id id = device->device;

    message.device_id = (ProtobufCBinaryData){ID_SIZE, id.bytes};
    message.standing = standing;
    message.as_of_ms = as_of_us / 1000;
    (void)fleet_add(fleet->operator_device, at_us, KIND(DEVICE_STATE), &message.base);
    fleet_settle(fleet, at_us);
}

/* What is pending, as a rescue file brings it: nobody's session, nobody's Hello. */
static struct fleet_push rescue(struct fleet_device *device)
{
    struct fleet_push push = fleet_build(device);

    push.delivery = (struct batch_delivery){.import = true};
    return push;
}

static struct device_row row_of(struct fleet *fleet, const struct fleet_device *device)
{
    struct device_row row;

    assert_int_equal(fleet->store->ops->device_by_id(fleet->store, &device->device, &row), STATUS_OK);
    return row;
}

static enum status find_import(void *context, const struct journal_row *row)
{
    if (row->kind == JOURNAL_PUSH && row->delivery.size > 0) {
        /* Delivery.import is field 5, a varint of 1 */
        for (size_t i = 0; i + 1 < row->delivery.size; i++)
            *(bool *)context = *(bool *)context || (row->delivery.data[i] == 5 << 3 && row->delivery.data[i + 1] == 1);
    }
    return STATUS_OK;
}

static void import__counts_and_is_marked_in_the_journal(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a, b;
    struct fleet_push push;
    struct batch_result result;
    bool marked = false;

    fleet_hello(ann, MORNING);
    fleet_hello(bob, MORNING);
    a = visit(ann, MORNING + FLEET_MINUTE, 40, "bob");
    b = visit(bob, MORNING + FLEET_MINUTE, 40, "ann");
    (void)fleet_sync(bob, MORNING + FLEET_HOUR);
    push = rescue(ann); /* the phone's screen is broken */
    result = fleet_deliver(fleet, MORNING + 5 * FLEET_HOUR, &push);
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(result.held_count, 0);
    assert_string_equal(fleet_company(fleet, &a), "joint");
    assert_string_equal(fleet_company(fleet, &b), "joint");
    assert_int_equal(fleet->store->ops->journal_from(fleet->store, 1, find_import, &marked), STATUS_OK);
    assert_true(marked);
    /* Twice: acknowledged again, kept once. */
    uint64_t pos = batch_head(fleet->batch)->pos;
    result = fleet_deliver(fleet, MORNING + 6 * FLEET_HOUR, &push);
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(batch_head(fleet->batch)->pos, pos);
    fleet_push_free(&push);
}

static void import__of_a_lost_phone_is_kept_and_held_from_the_loss_on(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash before, after;
    struct fleet_push push;
    struct batch_result result;

    fleet_hello(ann, MORNING);
    before = visit(ann, MORNING + FLEET_MINUTE, 30, "");
    fleet_hello(ann, MORNING + FLEET_HOUR);
    after = visit(ann, MORNING + 2 * FLEET_HOUR, 30, "");
    set_standing(fleet, MORNING + 4 * FLEET_HOUR, ann, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST,
                 MORNING + 90 * FLEET_MINUTE);
    push = rescue(ann);
    result = fleet_deliver(fleet, MORNING + 5 * FLEET_HOUR, &push);
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(result.held_count, 4);
    assert_string_equal(result.held[0].reason, "device_lost");
    assert_string_equal(fleet_company(fleet, &before), "lone_confirmed");
    assert_string_equal(fleet_company(fleet, &after), "held");
    fleet_push_free(&push);
}

/* Whoever held the phone after it was lost can't make its log say "nobody else was there" (W1). */
static void import__of_a_lost_phone_moves_the_watermark_to_the_loss_at_most(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    Doublecrew__V1__Seal seal = DOUBLECREW__V1__SEAL__INIT;
    struct fleet_push push;

    fleet_hello(ann, MORNING);
    (void)visit(ann, MORNING + FLEET_MINUTE, 30, "");
    fleet_hello(ann, MORNING + 2 * FLEET_HOUR);
    (void)fleet_add(ann, MORNING + 2 * FLEET_HOUR + FLEET_MINUTE, KIND(SEAL), &seal.base);
    set_standing(fleet, MORNING + 4 * FLEET_HOUR, ann, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST,
                 MORNING + FLEET_HOUR);
    push = rescue(ann);
    assert_int_equal(fleet_deliver(fleet, MORNING + 5 * FLEET_HOUR, &push).status, STATUS_OK);
    assert_true(row_of(fleet, ann).watermark_us == MORNING);
    fleet_push_free(&push);
}

static void import__with_entries_missing_before_it_is_refused(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct fleet_push first, second;

    (void)visit(ann, MORNING, 30, "");
    first = rescue(ann);
    (void)visit(ann, MORNING + FLEET_HOUR, 30, "");
    second = rescue(ann);
    assert_int_equal(fleet_deliver(fleet, MORNING + 5 * FLEET_HOUR, &second).status, STATUS_LOG_GAP);
    assert_int_equal(fleet_deliver(fleet, MORNING + 5 * FLEET_HOUR, &first).status, STATUS_OK);
    assert_int_equal(fleet_deliver(fleet, MORNING + 5 * FLEET_HOUR, &second).status, STATUS_OK);
    fleet_push_free(&first);
    fleet_push_free(&second);
}

/* The copy of a phone, restored from a backup, is brought in after the other has pushed. */
static void import__of_the_other_copy_is_a_fork(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct fleet_push copy;
    uint8_t *payload;

    (void)visit(ann, MORNING, 30, "");
    copy = rescue(ann);
    while (ann->count > 0) {
        ann->count--;
        memcpy(&payload, &ann->entries[ann->count].payload.data, sizeof(payload));
        free(payload);
    }
    ann->pushed = 0;
    (void)visit(ann, MORNING + FLEET_HOUR, 20, "");
    assert_int_equal(fleet_sync(ann, MORNING + 2 * FLEET_HOUR).status, STATUS_OK);
    assert_int_equal(fleet_deliver(fleet, MORNING + 5 * FLEET_HOUR, &copy).status, STATUS_LOG_FORK);
    assert_int_equal(row_of(fleet, ann).fork_seq, 1);
    fleet_push_free(&copy);
}

/* The first Ack was lost on the way: the second says all that the first said. */
static void retry__is_told_again_what_is_held_and_why(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct fleet_push push;
    struct batch_result first, again;
    Doublecrew__V1__Seal seal = DOUBLECREW__V1__SEAL__INIT;

    (void)visit(ann, MORNING, 30, "");
    (void)fleet_add(ann, MORNING + FLEET_HOUR, 999, &seal.base); /* a newer app's kind */
    push = fleet_build(ann);
    first = fleet_deliver(fleet, MORNING + 2 * FLEET_HOUR, &push);
    assert_int_equal(first.held_count, 1);
    again = fleet_deliver(fleet, MORNING + 3 * FLEET_HOUR, &push);
    assert_int_equal(again.status, STATUS_OK);
    assert_int_equal(again.held_count, 1);
    assert_int_equal(again.held[0].seq, 3);
    assert_string_equal(again.held[0].reason, "unknown_kind");
    fleet_push_free(&push);
    /* Old and new ones in one push: both are told, in order of the log. */
    (void)fleet_add(ann, MORNING + 4 * FLEET_HOUR, 998, &seal.base);
    ann->pushed = 0;
    push = fleet_build(ann);
    again = fleet_deliver(fleet, MORNING + 5 * FLEET_HOUR, &push);
    assert_int_equal(again.held_count, 2);
    assert_int_equal(again.held[0].seq, 3);
    assert_int_equal(again.held[1].seq, 4);
    fleet_push_free(&push);
}

#define SCENARIO(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(import__counts_and_is_marked_in_the_journal),
        SCENARIO(import__of_a_lost_phone_is_kept_and_held_from_the_loss_on),
        SCENARIO(import__of_a_lost_phone_moves_the_watermark_to_the_loss_at_most),
        SCENARIO(import__with_entries_missing_before_it_is_refused),
        SCENARIO(import__of_the_other_copy_is_a_fork),
        SCENARIO(retry__is_told_again_what_is_held_and_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
