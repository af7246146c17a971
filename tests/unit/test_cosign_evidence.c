/*
 * Co-signing that doesn't hold what it says: what the server makes of it when it comes anyway (C1, V2, V6, V7). Phones refuse
 * most of it before it is recorded (test_device_cosign.c); an app that was tampered with doesn't.
 */
#include <setjmp.h>
#include <stdarg.h>
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

static ProtobufCBinaryData bytes(const void *data, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
}

/* The second phone's check-in, which names the first's. */
static struct hash names(struct fleet_device *second, int64_t at_us, const char *offender, const struct hash *first)
{
    Doublecrew__V1__CheckIn message = DOUBLECREW__V1__CHECK_IN__INIT;
    struct id at = fleet_id(offender);

    message.offender_id = bytes(at.bytes, ID_SIZE);
    message.officer_id = bytes(second->officer.bytes, ID_SIZE);
    message.cosigned_check_in = bytes(first->bytes, HASH_SIZE);
    return fleet_add(second, at_us, KIND(CHECK_IN), &message.base);
}

static void confirm(struct fleet_device *first, int64_t at_us, const struct hash *own, const struct hash *partner)
{
    Doublecrew__V1__CosignConfirm message = DOUBLECREW__V1__COSIGN_CONFIRM__INIT;

    message.own_check_in = bytes(own->bytes, HASH_SIZE);
    message.partner_check_in = bytes(partner->bytes, HASH_SIZE);
    message.round_trip_ms = 20000;
    (void)fleet_add(first, at_us, KIND(COSIGN_CONFIRM), &message.base);
}

static void carry(struct fleet_device *device, int64_t at_us, const struct fleet_push *push)
{
    Doublecrew__V1__Carried message = DOUBLECREW__V1__CARRIED__INIT;

    message.push = bytes(push->bytes, push->size);
    (void)fleet_add(device, at_us, KIND(CARRIED), &message.base);
}

static void expect(struct fleet *fleet, const struct hash *presence, const char *company, const char *grade)
{
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', presence->bytes, HASH_SIZE);

    assert_non_null(row);
    assert_string_equal(row->presence->company, company);
    assert_string_equal(row->presence->grade, grade);
    doublecrew__v1__row__free_unpacked(row, NULL);
}

/* A picture of the morning's code, read again in the afternoon: the presences don't overlap. */
static void code_of_the_morning__in_the_afternoon__is_no_company(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = fleet_check_in(ann, MORNING, "xen", ""), b;

    (void)fleet_check_out(ann, MORNING + 30 * FLEET_MINUTE, &a);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    fleet_hello(bob, MORNING + 2 * FLEET_HOUR);
    b = names(bob, MORNING + 5 * FLEET_HOUR, "xen", &a);
    (void)fleet_check_out(bob, MORNING + 5 * FLEET_HOUR + 30 * FLEET_MINUTE, &b);
    fleet_sync(bob, MORNING + 6 * FLEET_HOUR);
    expect(fleet, &a, "lone_confirmed", "");
    assert_string_not_equal(fleet_company(fleet, &b), "joint");
    expect(fleet, &b, "lone_provisional", "");
    assert_int_equal(fleet_flag(fleet, "code_misused", &b), FLAG_RAISED); /* who used it */
    assert_int_equal(fleet_flag(fleet, "code_misused", &a), 0);           /* and not whose it was */
}

/* Shown while ann was there, read after she had left: within the longest visit, and out of order all the same. */
static void code_of_a_visit_that_was_over__is_misused_in_either_order(void **state)
{
    for (int order = 0; order < 2; order++) {
        struct fleet *fleet = order == 0 ? *state : fleet_typical();
        struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
        struct hash a, b;

        fleet_hello(ann, MORNING - FLEET_MINUTE);
        a = fleet_check_in(ann, MORNING, "xen", NULL);
        (void)fleet_check_out(ann, MORNING + 30 * FLEET_MINUTE, &a);
        fleet_hello(bob, MORNING + FLEET_HOUR);
        b = names(bob, MORNING + FLEET_HOUR + FLEET_MINUTE, "xen", &a);
        (void)fleet_sync(order == 0 ? ann : bob, MORNING + 2 * FLEET_HOUR);
        (void)fleet_sync(order == 0 ? bob : ann, MORNING + 3 * FLEET_HOUR);
        assert_int_equal(fleet_flag(fleet, "code_misused", &b), FLAG_RAISED);
        fleet_expect_rebuild(fleet);
        if (order == 1)
            fleet_free(fleet);
    }
}

/* Honest phones, with a bad watch and a slow start: nothing to flag. */
static void code_read_at_the_door__is_no_misuse(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = fleet_check_in(ann, MORNING, "xen", "bob"), b = names(bob, MORNING + FLEET_SECOND, "xen", &a);

    confirm(ann, MORNING + 20 * FLEET_SECOND, &a, &b);
    (void)fleet_check_out(ann, MORNING + 30 * FLEET_MINUTE, &a);
    (void)fleet_check_out(bob, MORNING + 30 * FLEET_MINUTE, &b);
    fleet_sync(bob, MORNING + FLEET_HOUR);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    expect(fleet, &a, "joint", "A");
    assert_int_equal(fleet_flag(fleet, "code_misused", &a), 0);
    assert_int_equal(fleet_flag(fleet, "code_misused", &b), 0);
}

/* The code of another offender's door. */
static void code_of_another_offender__is_no_company(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = fleet_check_in(ann, MORNING, "xen", ""), b = names(bob, MORNING + FLEET_SECOND, "yul", &a);

    confirm(ann, MORNING + 20 * FLEET_SECOND, &a, &b);
    (void)fleet_check_out(ann, MORNING + 30 * FLEET_MINUTE, &a);
    (void)fleet_check_out(bob, MORNING + 30 * FLEET_MINUTE, &b);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    fleet_sync(bob, MORNING + FLEET_HOUR);
    expect(fleet, &a, "lone_confirmed", "");
    expect(fleet, &b, "lone_provisional", "");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), FLAG_RAISED);
    assert_int_equal(fleet_flag(fleet, "code_misused", &a), FLAG_RAISED); /* ann confirmed it */
    assert_int_equal(fleet_flag(fleet, "code_misused", &b), FLAG_RAISED);
    (void)fleet_decide(fleet_device(fleet, "sue"), MORNING + 2 * FLEET_HOUR, &b, false);
    (void)fleet_sync(fleet_device(fleet, "sue"), MORNING + 2 * FLEET_HOUR);
    assert_int_equal(fleet_flag(fleet, "code_misused", &b), FLAG_DECIDED);
}

/* The same, and the second's records come first: what they name isn't there yet. */
static void code_of_another_offender__found_when_the_first_comes(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = fleet_check_in(ann, MORNING, "xen", ""), b = names(bob, MORNING + FLEET_SECOND, "yul", &a);

    (void)fleet_check_out(bob, MORNING + 30 * FLEET_MINUTE, &b);
    fleet_sync(bob, MORNING + FLEET_HOUR);
    assert_int_equal(fleet_flag(fleet, "code_misused", &b), 0);
    (void)fleet_check_out(ann, MORNING + 30 * FLEET_MINUTE, &a);
    fleet_sync(ann, MORNING + 2 * FLEET_HOUR);
    assert_int_equal(fleet_flag(fleet, "code_misused", &b), FLAG_RAISED);
    assert_int_equal(fleet_flag(fleet, "code_misused", &a), 0); /* ann confirmed nothing */
}

/* And when the first's come first, with the confirmation in them. */
static void code_of_another_offender__found_when_the_second_comes(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = fleet_check_in(ann, MORNING, "xen", ""), b = names(bob, MORNING + FLEET_SECOND, "yul", &a);

    confirm(ann, MORNING + 20 * FLEET_SECOND, &a, &b);
    (void)fleet_check_out(ann, MORNING + 30 * FLEET_MINUTE, &a);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    assert_int_equal(fleet_flag(fleet, "code_misused", &a), 0);
    fleet_sync(bob, MORNING + 2 * FLEET_HOUR);
    assert_int_equal(fleet_flag(fleet, "code_misused", &a), FLAG_RAISED);
    assert_int_equal(fleet_flag(fleet, "code_misused", &b), FLAG_RAISED);
}

/* One code confirms one partner: the second confirmation is held, and says so. */
static void second_confirmation__already_cosigned(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct fleet_device *cal = fleet_device(fleet, "cal");
    struct hash a = fleet_check_in(ann, MORNING, "xen", "bob"), b = names(bob, MORNING + FLEET_SECOND, "xen", &a);
    struct hash c = names(cal, MORNING + FLEET_MINUTE, "xen", &a);
    struct batch_result result;

    confirm(ann, MORNING + 20 * FLEET_SECOND, &a, &b);
    confirm(ann, MORNING + 80 * FLEET_SECOND, &a, &c);
    confirm(ann, MORNING + 81 * FLEET_SECOND, &a, &b); /* pressed twice: nothing wrong with that */
    result = fleet_sync(ann, MORNING + FLEET_HOUR);
    assert_int_equal(result.held_count, 1);
    assert_string_equal(result.held[0].reason, "already_cosigned");
}

/* The phone was reported stolen before: what it shows counts for nobody, and the partner isn't called lone for it. */
static void revoked_phone__is_held_and_the_partner_waits(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    Doublecrew__V1__DeviceState lost = DOUBLECREW__V1__DEVICE_STATE__INIT;
    struct hash a, b;
    struct fleet_push push;

    lost.device_id = bytes(ann->device.bytes, ID_SIZE);
    lost.standing = DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST;
    lost.as_of_ms = (MORNING - FLEET_HOUR) / 1000;
    (void)fleet_add(fleet->operator_device, MORNING - FLEET_HOUR, KIND(DEVICE_STATE), &lost.base);
    fleet_settle(fleet, MORNING - FLEET_HOUR);
    a = fleet_check_in(ann, MORNING, "xen", "bob");
    push = fleet_build(ann);
    carry(bob, MORNING + 10 * FLEET_SECOND, &push);
    b = names(bob, MORNING + 10 * FLEET_SECOND, "xen", &a);
    (void)fleet_check_out(bob, MORNING + 30 * FLEET_MINUTE, &b);
    fleet_sync(bob, MORNING + FLEET_HOUR);
    expect(fleet, &a, "held", "");
    expect(fleet, &b, "awaiting_second", "");
    assert_int_equal(fleet_flag(fleet, "held_evidence", &a), FLAG_RAISED);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &b), 0);
    fleet_push_free(&push);
}

/* One bit of the partner's entry is another: held by name, and the own check-in stands alone. */
static void altered_entry__bad_signature(void **state)
{
    struct hash device = {{0}};
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = fleet_check_in(ann, MORNING, "xen", "bob");
    struct fleet_push push = fleet_build(ann);
    struct batch_result result;

    memcpy(device.bytes, bob->device.bytes, ID_SIZE);
    push.bytes[push.size - 10] ^= 1; /* of the signature */
    carry(bob, MORNING + FLEET_SECOND, &push);
    (void)names(bob, MORNING + FLEET_SECOND, "xen", &a);
    result = fleet_sync(bob, MORNING + FLEET_HOUR);
    assert_int_equal(result.held_count, 1);
    assert_string_equal(result.held[0].reason, "bad_signature");
    assert_int_equal(fleet_flag(fleet, "altered_evidence", &device), FLAG_RAISED);
    assert_null(fleet_view(fleet, 'p', a.bytes, HASH_SIZE));
    fleet_push_free(&push);
}

/* Somebody who isn't on the roster: a key that nobody enrolled. */
static void phone_of_nobody__unknown_log(void **state)
{
    struct fleet *fleet = *state, *elsewhere = fleet_typical();
    struct fleet_device *bob = fleet_device(fleet, "bob");
    struct fleet_device *stranger = fleet_device(elsewhere, "ann");
    struct id own = stranger->log;
    struct fleet_push push;
    struct batch_result result;

    stranger->log.bytes[0] ^= 0x55;
    (void)fleet_check_in(stranger, MORNING, "xen", "bob");
    push = fleet_build(stranger);
    stranger->log = own;
    carry(bob, MORNING + FLEET_SECOND, &push);
    result = fleet_sync(bob, MORNING + FLEET_HOUR);
    assert_int_equal(result.held_count, 1);
    assert_string_equal(result.held[0].reason, "unknown_log");
    fleet_push_free(&push);
    fleet_free(elsewhere);
}

/* The officer's own second phone: different devices, one officer, and so no pair. */
static void own_second_phone__is_no_company(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = fleet_check_in(ann, MORNING, "xen", NULL), b;

    bob->officer = ann->officer; /* tampered with: says that it is Ann's */
    b = names(bob, MORNING + FLEET_SECOND, "xen", &a);
    confirm(ann, MORNING + 20 * FLEET_SECOND, &a, &b);
    (void)fleet_check_out(ann, MORNING + 30 * FLEET_MINUTE, &a);
    (void)fleet_check_out(bob, MORNING + 30 * FLEET_MINUTE, &b);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    assert_string_equal(fleet_sync(bob, MORNING + FLEET_HOUR).held[0].reason, "unassigned_officer");
    expect(fleet, &b, "held", "");
    assert_string_not_equal(fleet_company(fleet, &a), "joint");
    assert_int_equal(fleet_flag(fleet, "held_evidence", &b), FLAG_RAISED);
    assert_int_equal(fleet_flag(fleet, "code_misused", &b), FLAG_RAISED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(code_of_the_morning__in_the_afternoon__is_no_company),
        CASE(code_of_a_visit_that_was_over__is_misused_in_either_order),
        CASE(code_read_at_the_door__is_no_misuse),
        CASE(code_of_another_offender__is_no_company),
        CASE(code_of_another_offender__found_when_the_first_comes),
        CASE(code_of_another_offender__found_when_the_second_comes),
        CASE(second_confirmation__already_cosigned),
        CASE(revoked_phone__is_held_and_the_partner_waits),
        CASE(altered_entry__bad_signature),
        CASE(phone_of_nobody__unknown_log),
        CASE(own_second_phone__is_no_company),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
