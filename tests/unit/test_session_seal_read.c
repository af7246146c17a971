/*
 * Whether a visit waits for a device's log, against real batches and the real store (W1-W3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/logic/session_seal_read.h"
#include "tests/lib/fleet.h"

#define START (FLEET_T0 + FLEET_HOUR)
#define SILENCE_DEFAULT (2 * FLEET_MINUTE)

struct seals {
    struct fleet *fleet;
    struct session_reader tools;
    struct hash visit; /* ann's, naming bob: START to START + 40 min */
};

static int setup(void **state)
{
    struct seals *seals = calloc(1, sizeof(*seals));

    seals->fleet = fleet_typical();
    seals->tools.store = seals->fleet->store;
    seals->tools.checkpoint_key = seals->fleet->server_key;
    sign_key_public(seals->fleet->server_key, &seals->tools.checkpoint_public);
    assert_int_equal(verify_key_new(&seals->tools.checkpoint_public, &seals->tools.checkpoint_verify), STATUS_OK);
    assert_int_equal(sha256_new(&seals->tools.sha), STATUS_OK);
    assert_int_equal(arena_new(&seals->tools.arena), STATUS_OK);
    *state = seals;
    return 0;
}

static int teardown(void **state)
{
    struct seals *seals = *state;

    arena_free(seals->tools.arena);
    sha256_free(seals->tools.sha);
    verify_key_free(seals->tools.checkpoint_verify);
    fleet_free(seals->fleet);
    free(seals);
    return 0;
}

static int64_t minute(int minutes)
{
    return START + minutes * FLEET_MINUTE;
}

static void visit_begins(struct seals *seals, const char *company)
{
    struct fleet_device *ann = fleet_device(seals->fleet, "ann");

    seals->visit = fleet_check_in(ann, START, "xen", company);
    assert_int_equal(fleet_sync(ann, START).status, STATUS_OK);
}

static void visit_ends(struct seals *seals)
{
    struct fleet_device *ann = fleet_device(seals->fleet, "ann");

    fleet_check_out(ann, minute(40), &seals->visit);
    assert_int_equal(fleet_sync(ann, minute(40)).status, STATUS_OK);
}

static struct session_hello hello_of(const struct fleet_device *device, int64_t at_us)
{
    return (struct session_hello){.log = device->log, .boot = device->boot, .monotonic_ms = 1234, .time_us = at_us};
}

static struct session_seal ask_as(struct seals *seals, const struct device_row *row, int64_t at_us)
{
    struct session_hello hello = hello_of(fleet_device(seals->fleet, "bob"), at_us);
    struct store *store = seals->fleet->store;
    struct session_seal seal;

    assert_int_equal(store->ops->begin_read(store), STATUS_OK);
    assert_int_equal(session_seal_read(&seals->tools, row, &hello, &seal), STATUS_OK);
    store->ops->end_read(store);
    return seal;
}

static struct device_row row_of(struct seals *seals, const char *name)
{
    struct device_row row;
    struct store *store = seals->fleet->store;

    assert_int_equal(store->ops->device_by_log(store, &fleet_device(seals->fleet, name)->log, &row), STATUS_OK);
    return row;
}

static struct session_seal ask(struct seals *seals, int64_t at_us)
{
    struct device_row row = row_of(seals, "bob");

    return ask_as(seals, &row, at_us);
}

/* A2: whoever was named is prompted after live_silence, and asked once more when max_alone is over; then not until the end. */
static void visit_under_way__asks_whom_it_names_twice(void **state)
{
    struct seals *seals = *state;
    struct fleet_device *bob = fleet_device(seals->fleet, "bob");
    Doublecrew__V1__Seal words = DOUBLECREW__V1__SEAL__INIT;
    struct session_seal seal;

    visit_begins(seals, "bob");
    fleet_tick(seals->fleet, minute(1));
    seal = ask(seals, minute(1));
    assert_int_equal(seal.anchor_size, 0);
    assert_in_range(seal.next_us, minute(2), minute(2) + 2 * FLEET_SECOND);
    seal = ask(seals, minute(3));
    assert_int_not_equal(seal.anchor_size, 0);
    fleet_hello(bob, minute(3));
    (void)fleet_add(bob, minute(3), DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL, &words.base);
    assert_int_equal(fleet_sync(bob, minute(3)).status, STATUS_OK);
    seal = ask(seals, minute(4));
    assert_int_equal(seal.anchor_size, 0);
    assert_in_range(seal.next_us, minute(10), minute(10) + 2 * FLEET_SECOND);
    fleet_tick(seals->fleet, minute(11));
    assert_int_not_equal(ask(seals, minute(11)).anchor_size, 0);
    fleet_hello(bob, minute(11));
    (void)fleet_add(bob, minute(11), DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL, &words.base);
    assert_int_equal(fleet_sync(bob, minute(11)).status, STATUS_OK);
    assert_int_equal(ask(seals, minute(30)).anchor_size, 0);
    assert_true(ask(seals, minute(30)).next_us == RULE_FOREVER); /* its check-out's commit asks again */
}

/* The officer's own phone: when the partner stays away, and before the welfare check. */
static void own_visit__asks_the_phone_whether_it_can_be_heard(void **state)
{
    struct seals *seals = *state;
    struct fleet_device *ann = fleet_device(seals->fleet, "ann");
    struct device_row row;
    struct session_hello hello;
    struct session_seal seal;
    struct store *store = seals->fleet->store;

    visit_begins(seals, "bob");
    fleet_tick(seals->fleet, minute(59));
    row = row_of(seals, "ann");
    hello = hello_of(ann, minute(59));
    assert_int_equal(store->ops->begin_read(store), STATUS_OK);
    assert_int_equal(session_seal_read(&seals->tools, &row, &hello, &seal), STATUS_OK);
    store->ops->end_read(store);
    assert_int_not_equal(seal.anchor_size, 0);
}

static void visit__wants_a_seal_once_it_is_over(void **state)
{
    struct seals *seals = *state;
    struct session_seal seal;
    struct checkpoint anchor;
    struct store_head head;

    visit_begins(seals, "bob");
    visit_ends(seals);
    seal = ask(seals, minute(40));
    assert_int_equal(seal.anchor_size, 0);
    assert_true(seal.next_us > minute(40) && seal.next_us < minute(41));
    assert_int_equal(ask(seals, seal.next_us - 1).anchor_size, 0);
    seal = ask(seals, seal.next_us);
    assert_int_not_equal(seal.anchor_size, 0);
    assert_true(seal.next_us == RULE_FOREVER);
    assert_true(seal.silence_us == SILENCE_DEFAULT);
    assert_int_equal(checkpoint_open(seals->tools.sha, span_of(seal.anchor, seal.anchor_size),
                                     &seals->tools.checkpoint_public, seals->tools.checkpoint_verify, &anchor),
                     STATUS_OK);
    assert_true(anchor.is_anchor);
    assert_true(anchor.time_ms * 1000 > seal.to_us); /* what names it exceeds the visit */
    assert_true(id_equal(&anchor.log, &fleet_device(seals->fleet, "bob")->log));
    assert_true(id_equal(&anchor.boot, &fleet_device(seals->fleet, "bob")->boot));
    assert_int_equal(anchor.monotonic_ms, 1234);
    assert_int_equal(seals->fleet->store->ops->head(seals->fleet->store, &head), STATUS_OK);
    assert_int_equal(anchor.size, head.pos);
}

/* V4: nobody presses check-out; the visit is over all the same, and its partner's log can say that nobody came. */
static void visit_without_check_out__wants_a_seal_once_it_is_missing(void **state)
{
    struct seals *seals = *state;
    struct session_seal seal;

    visit_begins(seals, "bob");
    fleet_tick(seals->fleet, minute(182));
    seal = ask(seals, minute(182));
    assert_int_not_equal(seal.anchor_size, 0);
    assert_true(seal.to_us >= minute(180) && seal.to_us < minute(182));
}

static void log__that_reported_past_the_visit_is_not_asked_again(void **state)
{
    struct seals *seals = *state;
    struct fleet_device *bob = fleet_device(seals->fleet, "bob");
    Doublecrew__V1__Seal seal = DOUBLECREW__V1__SEAL__INIT;

    visit_begins(seals, "bob");
    visit_ends(seals);
    assert_int_not_equal(ask(seals, minute(45)).anchor_size, 0);
    fleet_hello(bob, minute(45));
    fleet_add(bob, minute(45), DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL, &seal.base);
    assert_int_equal(fleet_sync(bob, minute(46)).status, STATUS_OK);
    assert_string_equal(fleet_company(seals->fleet, &seals->visit), "lone_confirmed");
    assert_int_equal(ask(seals, minute(50)).anchor_size, 0);
}

static void joint_visit__wants_no_seal(void **state)
{
    struct seals *seals = *state;
    struct fleet_device *bob = fleet_device(seals->fleet, "bob");
    struct hash other;

    visit_begins(seals, "bob");
    other = fleet_check_in(bob, minute(5), "xen", "ann");
    assert_int_equal(fleet_sync(bob, minute(5)).status, STATUS_OK);
    visit_ends(seals);
    fleet_check_out(bob, minute(40), &other);
    assert_int_equal(fleet_sync(bob, minute(40)).status, STATUS_OK);
    assert_string_equal(fleet_company(seals->fleet, &seals->visit), "joint");
    assert_int_equal(ask(seals, minute(45)).anchor_size, 0);
}

static void visit_that_names_somebody_else__wants_no_seal(void **state)
{
    visit_begins(*state, "cal");
    visit_ends(*state);
    assert_int_equal(ask(*state, minute(45)).anchor_size, 0);
}

static void device__that_cannot_seal_is_not_asked(void **state)
{
    struct seals *seals = *state;
    struct device_row row;

    visit_begins(seals, "bob");
    visit_ends(seals);
    row = row_of(seals, "bob");
    row.standing = DEVICE_SUSPENDED;
    assert_int_equal(ask_as(seals, &row, minute(45)).anchor_size, 0);
    row = row_of(seals, "bob");
    row.fork_seq = 2;
    assert_int_equal(ask_as(seals, &row, minute(45)).anchor_size, 0);
    row = row_of(seals, "bob");
    row.watermark_stopped = true;
    assert_int_equal(ask_as(seals, &row, minute(45)).anchor_size, 0);
    row = row_of(seals, "bob");
    row.log = fleet_id("another session's log");
    assert_int_equal(ask_as(seals, &row, minute(45)).anchor_size, 0);
}

static void clock_trouble__wants_no_seal(void **state)
{
    struct seals *seals = *state;
    struct session_hello hello = hello_of(fleet_device(seals->fleet, "bob"), minute(45));
    struct device_row row;
    struct session_seal seal;

    visit_begins(seals, "bob");
    visit_ends(seals);
    row = row_of(seals, "bob");
    hello.clock_trouble = true;
    assert_int_equal(session_seal_read(&seals->tools, &row, &hello, &seal), STATUS_OK);
    assert_int_equal(seal.anchor_size, 0);
}

static void request__is_answered_for_the_certificates_device(void **state)
{
    struct seals *seals = *state;
    struct session_request request = {.kind = SESSION_SEAL};
    struct session_reply reply;

    visit_begins(seals, "bob");
    visit_ends(seals);
    request.certificate_key_hash = row_of(seals, "bob").certificate_key_hash;
    request.hello = hello_of(fleet_device(seals->fleet, "bob"), minute(45));
    session_read(&seals->tools, &request, &reply);
    assert_int_equal(reply.status, STATUS_OK);
    assert_int_equal(reply.kind, SESSION_SEAL);
    assert_int_not_equal(reply.seal.anchor_size, 0);
    session_reply_done(&reply);
    request.certificate_key_hash.bytes[3] ^= 1;
    session_read(&seals->tools, &request, &reply);
    assert_int_equal(reply.status, STATUS_UNKNOWN_DEVICE);
}

static void batch__tells_whose_logs_its_verdicts_look_at(void **state)
{
    struct seals *seals = *state;
    const struct batch_named *named = batch_named(seals->fleet->batch);

    visit_begins(seals, "bob");
    assert_int_equal(named->count, 2); /* and the officer's own, while it goes on */
    assert_true(id_equal(&named->officers[0], &fleet_device(seals->fleet, "ann")->officer));
    assert_true(id_equal(&named->officers[1], &fleet_device(seals->fleet, "bob")->officer));
    assert_false(named->all);
    fleet_tick(seals->fleet, START);
    assert_int_equal(named->count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(own_visit__asks_the_phone_whether_it_can_be_heard, setup, teardown),
        cmocka_unit_test_setup_teardown(visit_under_way__asks_whom_it_names_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(visit__wants_a_seal_once_it_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(visit_without_check_out__wants_a_seal_once_it_is_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(log__that_reported_past_the_visit_is_not_asked_again, setup, teardown),
        cmocka_unit_test_setup_teardown(joint_visit__wants_no_seal, setup, teardown),
        cmocka_unit_test_setup_teardown(visit_that_names_somebody_else__wants_no_seal, setup, teardown),
        cmocka_unit_test_setup_teardown(device__that_cannot_seal_is_not_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(clock_trouble__wants_no_seal, setup, teardown),
        cmocka_unit_test_setup_teardown(request__is_answered_for_the_certificates_device, setup, teardown),
        cmocka_unit_test_setup_teardown(batch__tells_whose_logs_its_verdicts_look_at, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
