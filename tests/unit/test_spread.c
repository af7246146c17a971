/* Whose verdict is looked at again when somebody's times narrow (T3, V10): also whoever only a third visit links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fleet.h"
#include "tests/oracle/journal_oracle.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)

static ProtobufCBinaryData bytes(const void *data, size_t size)
{
    ProtobufCBinaryData binary = {.len = size};

    memcpy(&binary.data, &data, sizeof(data));
    return binary;
}

/* At yul, naming another's check-in (C1). */
static struct hash check_in_naming(struct fleet_device *device, int64_t at_us, const struct hash *other)
{
    Doublecrew__V1__CheckIn message = DOUBLECREW__V1__CHECK_IN__INIT;
    struct id yul = fleet_id("yul");

    message.offender_id = bytes(yul.bytes, ID_SIZE);
    message.officer_id = bytes(device->officer.bytes, ID_SIZE);
    message.cosigned_check_in = bytes(other->bytes, HASH_SIZE);
    return fleet_add(device, at_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, &message.base);
}

static void confirm(struct fleet_device *device, int64_t at_us, const struct hash *own, const struct hash *partner)
{
    Doublecrew__V1__CosignConfirm message = DOUBLECREW__V1__COSIGN_CONFIRM__INIT;

    message.own_check_in = bytes(own->bytes, HASH_SIZE);
    message.partner_check_in = bytes(partner->bytes, HASH_SIZE);
    message.round_trip_ms = 2000;
    (void)fleet_add(device, at_us, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_COSIGN_CONFIRM, &message.base);
}

static void expect_oracle(struct fleet *fleet)
{
    struct journal_oracle_report report;
    char text[2048];
    const char *found = journal_oracle_check(fleet->store, &report, text, sizeof(text));

    if (found != NULL)
        fail_msg("%s", found);
}

/*
 * Ann's phone, started anew, never meets the server: only her co-signing with Cal at yul says when she was with Bob at xen. Cal's
 * phone doesn't either, at first; then it does, and Ann's visit with Bob is proved.
 */
static void partner_of_a_later_visit_met_the_server__earlier_visit_proved(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct fleet_device *cal = fleet_device(fleet, "cal");
    struct hash anns, bobs, cals, hers;
    struct fleet_push push;

    (void)state;
    fleet_hello(bob, MORNING - FLEET_MINUTE);
    bobs = fleet_check_in(bob, MORNING - FLEET_MINUTE / 2, "xen", "ann");
    (void)fleet_check_out(bob, MORNING + 41 * FLEET_MINUTE, &bobs);
    fleet_sync(bob, MORNING + FLEET_HOUR);
    fleet_reboot(ann, MORNING - 2 * FLEET_MINUTE);
    fleet_offline(ann);
    fleet_reboot(cal, MORNING - 2 * FLEET_MINUTE);
    fleet_offline(cal);
    anns = fleet_check_in(ann, MORNING, "xen", "bob");
    (void)fleet_check_out(ann, MORNING + 40 * FLEET_MINUTE, &anns);
    cals = fleet_check_in(cal, MORNING + FLEET_HOUR, "yul", "ann");
    hers = check_in_naming(ann, MORNING + FLEET_HOUR + FLEET_SECOND, &cals);
    confirm(cal, MORNING + FLEET_HOUR + 2 * FLEET_SECOND, &cals, &hers);
    (void)fleet_check_out(ann, MORNING + 2 * FLEET_HOUR, &hers);
    push = fleet_build(cal);
    (void)fleet_deliver(fleet, MORNING + 3 * FLEET_HOUR, &push);
    fleet_push_free(&push);
    push = fleet_build(ann);
    (void)fleet_deliver(fleet, MORNING + 3 * FLEET_HOUR, &push);
    fleet_push_free(&push);
    assert_string_equal(fleet_company(fleet, &anns), "time_unproven");
    (void)fleet_check_out(cal, MORNING + 2 * FLEET_HOUR, &cals);
    fleet_sync(cal, MORNING + 4 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &anns), "joint");
    expect_oracle(fleet);
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partner_of_a_later_visit_met_the_server__earlier_visit_proved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
