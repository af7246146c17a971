/* Logs as they arrive: retries, gaps, broken chains, forks, anchors, other people's evidence, what is held and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

static struct hash visit(struct fleet_device *device, int64_t from_us, int64_t minutes, const char *company)
{
    struct hash presence = fleet_check_in(device, from_us, "xen", company);

    (void)fleet_check_out(device, from_us + minutes * FLEET_MINUTE, &presence);
    return presence;
}

static void seal(struct fleet_device *device, int64_t at_us)
{
    Doublecrew__V1__Seal message = DOUBLECREW__V1__SEAL__INIT;

    (void)fleet_add(device, at_us, KIND(SEAL), &message.base);
}

/* The device as it was: entries from a place on are forgotten, and the log goes on otherwise. */
static void restore_from_backup(struct fleet_device *device, size_t count)
{
    while (device->count > count) {
        uint8_t *payload;

        device->count--;
        memcpy(&payload, &device->entries[device->count].payload.data, sizeof(payload));
        free(payload);
    }
    device->pushed = count;
}

static void retry_after_lost_ack__nothing_doubled(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash a = visit(ann, MORNING, 40, "");
    struct fleet_push push = fleet_build(ann);
    struct batch_result first = fleet_deliver(fleet, MORNING + FLEET_HOUR, &push);
    uint64_t pos = batch_head(fleet->batch)->pos;
    struct batch_result again = fleet_deliver(fleet, MORNING + FLEET_HOUR + FLEET_MINUTE, &push);

    assert_int_equal(first.status, STATUS_OK);
    assert_int_equal(again.status, STATUS_OK);
    assert_int_equal(again.durable_seq, 2);
    assert_int_equal(again.pos, first.pos);
    assert_int_equal(batch_head(fleet->batch)->pos, pos);
    assert_int_equal(fleet_times_raised(fleet, "lone_confirmed", &a), 1);
    fleet_push_free(&push);
}

static void longer_retry__only_the_new_part_is_stored(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash a = fleet_check_in(ann, MORNING, "xen", NULL);
    struct fleet_push push = fleet_build(ann);
    struct batch_result result;

    assert_int_equal(fleet_deliver(fleet, MORNING + FLEET_MINUTE, &push).status, STATUS_OK);
    fleet_push_free(&push);
    (void)fleet_check_out(ann, MORNING + 5 * FLEET_MINUTE, &a);
    ann->pushed = 0;
    push = fleet_build(ann);
    result = fleet_deliver(fleet, MORNING + FLEET_HOUR, &push);
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(result.durable_seq, 2);
    fleet_push_free(&push);
}

static void gap__says_from_where(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct fleet_push first, second;
    struct batch_result result;
    uint64_t pos = batch_head(fleet->batch)->pos;

    seal(ann, MORNING);
    first = fleet_build(ann);
    seal(ann, MORNING + FLEET_MINUTE);
    second = fleet_build(ann);
    result = fleet_deliver(fleet, MORNING + FLEET_HOUR, &second);
    assert_int_equal(result.status, STATUS_LOG_GAP);
    assert_int_equal(result.durable_seq, 0);
    assert_int_equal(batch_head(fleet->batch)->pos, pos);
    assert_int_equal(fleet_deliver(fleet, MORNING + FLEET_HOUR, &first).status, STATUS_OK);
    assert_int_equal(fleet_deliver(fleet, MORNING + FLEET_HOUR, &second).status, STATUS_OK);
    fleet_push_free(&first);
    fleet_push_free(&second);
}

static void fork__both_branches_contested_and_kept(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash before = visit(ann, MORNING, 10, ""), original, clone, clone_later;
    struct hash device = flag_subject_of_id(&ann->device);
    struct fleet_push push;
    uint64_t pos;

    fleet_sync(ann, MORNING + 20 * FLEET_MINUTE);
    original = visit(ann, MORNING + FLEET_HOUR, 10, "");
    fleet_sync(ann, MORNING + 2 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &original), "lone_confirmed");

    restore_from_backup(ann, 2);
    clone = visit(ann, MORNING + 3 * FLEET_HOUR, 10, "");
    push = fleet_build(ann);
    struct batch_result result = fleet_deliver(fleet, MORNING + 4 * FLEET_HOUR, &push);
    assert_int_equal(result.status, STATUS_LOG_FORK);
    assert_int_equal(fleet_flag(fleet, "fork", &device), FLAG_RAISED);
    assert_string_equal(fleet_company(fleet, &before), "lone_confirmed");
    assert_string_equal(fleet_company(fleet, &original), "held");
    assert_string_equal(fleet_company(fleet, &clone), "held");
    assert_int_equal(fleet_flag(fleet, "held_evidence", &clone), FLAG_RAISED);
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &original), FLAG_CLEARED);

    pos = batch_head(fleet->batch)->pos;
    assert_int_equal(fleet_deliver(fleet, MORNING + 4 * FLEET_HOUR, &push).status, STATUS_LOG_FORK);
    assert_int_equal(batch_head(fleet->batch)->pos, pos); /* its retry isn't a third branch */
    fleet_push_free(&push);

    clone_later = visit(ann, MORNING + 5 * FLEET_HOUR, 10, "");
    push = fleet_build(ann);
    assert_int_equal(fleet_deliver(fleet, MORNING + 6 * FLEET_HOUR, &push).status, STATUS_LOG_FORK);
    assert_string_equal(fleet_company(fleet, &clone_later), "held");
    fleet_push_free(&push);
}

/*
 * Ann's check-out turns out to be contested: by the rule she left with her partner, whose later visit hadn't concerned hers
 * before.
 */
static void fork__a_visit_that_loses_its_check_out_reaches_further(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = fleet_check_in(ann, MORNING, "xen", "bob");

    fleet_sync(ann, MORNING + FLEET_MINUTE);
    (void)fleet_check_out(ann, MORNING + 30 * FLEET_MINUTE, &a);
    fleet_sync(ann, MORNING + 31 * FLEET_MINUTE);
    (void)visit(bob, MORNING, 35, "ann");
    (void)visit(bob, MORNING + 2 * FLEET_HOUR, 10, "cal");
    fleet_sync(bob, MORNING + 3 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "joint");
    restore_from_backup(ann, 1);
    seal(ann, MORNING + 4 * FLEET_HOUR);
    assert_int_equal(fleet_sync(ann, MORNING + 4 * FLEET_HOUR).status, STATUS_LOG_FORK);
    assert_string_equal(fleet_company(fleet, &a), "part_joint");
}

static void fork__decision_lets_it_count(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct fleet_device *sue = fleet_device(fleet, "sue");
    struct hash a, b;

    seal(ann, MORNING - FLEET_HOUR);
    fleet_sync(ann, MORNING - FLEET_HOUR);
    restore_from_backup(ann, 0);
    fleet_hello(bob, MORNING - FLEET_MINUTE);
    a = visit(ann, MORNING, 40, "bob");
    b = visit(bob, MORNING, 40, "ann");
    assert_int_equal(fleet_sync(ann, MORNING + FLEET_HOUR).status, STATUS_LOG_FORK);
    fleet_sync(bob, MORNING + FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "held");
    assert_string_equal(fleet_company(fleet, &b), "awaiting_second");
    (void)fleet_decide(sue, MORNING + 2 * FLEET_HOUR, &a, true);
    assert_int_equal(fleet_sync(sue, MORNING + 2 * FLEET_HOUR).held_count, 0);
    assert_string_equal(fleet_company(fleet, &b), "joint");
}

static void unknown_kind__kept_held_and_stops_the_watermark(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = visit(ann, MORNING, 10, "bob");
    Doublecrew__V1__Seal message = DOUBLECREW__V1__SEAL__INIT;
    struct batch_result result;

    fleet_sync(ann, MORNING + FLEET_HOUR);
    (void)fleet_add(bob, MORNING, 40, &message.base);
    result = fleet_sync(bob, MORNING + 2 * FLEET_HOUR);
    assert_int_equal(result.status, STATUS_OK);
    assert_string_equal(result.held[0].reason, "unknown_kind");
    seal(bob, MORNING + 3 * FLEET_HOUR);
    fleet_sync(bob, MORNING + 3 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "awaiting_second"); /* the unknown entry may be the answer */
}

/* ... also for what comes behind it in the same push. */
static void unknown_kind__stops_the_watermark_at_once(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = visit(ann, MORNING, 10, "bob");
    Doublecrew__V1__Seal message = DOUBLECREW__V1__SEAL__INIT;

    fleet_sync(ann, MORNING + FLEET_HOUR);
    (void)fleet_add(bob, MORNING, 40, &message.base);
    fleet_hello(bob, MORNING + 2 * FLEET_HOUR);
    seal(bob, MORNING + 2 * FLEET_HOUR + FLEET_MINUTE);
    fleet_sync(bob, MORNING + 3 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "awaiting_second");
}

/* Bob's log said that he wasn't there; then a second copy of his phone turns up: its silence proves nothing. */
static void fork__what_the_log_had_confirmed_waits_again(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = visit(ann, MORNING, 10, "bob");

    fleet_sync(ann, MORNING + FLEET_HOUR);
    fleet_hello(bob, MORNING + 2 * FLEET_HOUR);
    seal(bob, MORNING + 2 * FLEET_HOUR + FLEET_MINUTE);
    fleet_sync(bob, MORNING + 3 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
    restore_from_backup(bob, 0);
    seal(bob, MORNING + 4 * FLEET_HOUR);
    assert_int_equal(fleet_sync(bob, MORNING + 5 * FLEET_HOUR).status, STATUS_LOG_FORK);
    assert_string_equal(fleet_company(fleet, &a), "awaiting_second");
    assert_int_equal(fleet_flag(fleet, "lone_confirmed", &a), FLAG_CLEARED);
}

/* A copy of Ann's phone shows itself only in what Bob carries. */
static void carried_branch__is_a_fork_too(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash device = flag_subject_of_id(&ann->device), original;
    Doublecrew__V1__Carried carried = DOUBLECREW__V1__CARRIED__INIT;
    struct fleet_push push;

    original = visit(ann, MORNING, 10, "");
    fleet_sync(ann, MORNING + FLEET_HOUR);
    restore_from_backup(ann, 0);
    (void)visit(ann, MORNING + 2 * FLEET_HOUR, 10, "");
    push = fleet_build(ann);
    carried.push = (ProtobufCBinaryData){push.size, push.bytes};
    (void)fleet_add(bob, MORNING + 3 * FLEET_HOUR, KIND(CARRIED), &carried.base);
    fleet_sync(bob, MORNING + 4 * FLEET_HOUR);
    assert_int_equal(fleet_flag(fleet, "fork", &device), FLAG_RAISED);
    assert_string_equal(fleet_company(fleet, &original), "held");
    fleet_push_free(&push);
}

/* An officer can't be in two visits: the next check-in ends what was left open. */
static void next_check_in_elsewhere__ends_an_open_visit(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash a = fleet_check_in(ann, MORNING, "xen", "");
    struct fleet_push push;
    Doublecrew__V1__Row *row;

    fleet_sync(ann, MORNING + 5 * FLEET_MINUTE);
    row = fleet_view(fleet, 'p', a.bytes, HASH_SIZE);
    assert_true((row->presence->reasons & RULE_REASON_OPEN) != 0);
    doublecrew__v1__row__free_unpacked(row, NULL);
    (void)fleet_check_in(ann, MORNING + 30 * FLEET_MINUTE, "yul", "");
    push = fleet_build(ann); /* in the same session: no new anchor has the first visit looked at again */
    (void)fleet_deliver(fleet, MORNING + 31 * FLEET_MINUTE, &push);
    fleet_push_free(&push);
    row = fleet_view(fleet, 'p', a.bytes, HASH_SIZE);
    assert_true((row->presence->reasons & RULE_REASON_OUT_MISSING) != 0);
    doublecrew__v1__row__free_unpacked(row, NULL);
    assert_int_equal(fleet_flag(fleet, "check_out_missing", &a), FLAG_RAISED);
}

static void malformed_payload__kept_and_held(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    Doublecrew__V1__CheckOut message = DOUBLECREW__V1__CHECK_OUT__INIT; /* names no presence */
    struct batch_result result;

    (void)fleet_add(ann, MORNING, KIND(CHECK_OUT), &message.base);
    result = fleet_sync(ann, MORNING);
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(result.durable_seq, 1);
    assert_string_equal(result.held[0].reason, "malformed_payload");
}

static void operators_entries_from_an_officer__held(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    Doublecrew__V1__Team message = DOUBLECREW__V1__TEAM__INIT;
    struct id team = fleet_id("south");
    char name[] = "south";

    message.team_id = (ProtobufCBinaryData){ID_SIZE, team.bytes};
    message.code = message.name = name;
    (void)fleet_add(ann, MORNING, KIND(TEAM), &message.base);
    assert_string_equal(fleet_sync(ann, MORNING).held[0].reason, "not_permitted");
    assert_null(fleet_view(fleet, 't', team.bytes, ID_SIZE));
}

static void somebody_elses_check_out__held(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    struct hash a = fleet_check_in(ann, MORNING, "xen", NULL);

    fleet_sync(ann, MORNING + FLEET_MINUTE);
    (void)fleet_check_out(bob, MORNING + 2 * FLEET_MINUTE, &a);
    assert_string_equal(fleet_sync(bob, MORNING + 2 * FLEET_MINUTE).held[0].reason, "other_log");
    assert_string_equal(fleet_company(fleet, &a), "under_way");
}

static void unknown_offender__takes_effect_when_imported(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash a = fleet_check_in(ann, MORNING, "zed", "");
    struct batch_result result;

    (void)fleet_check_out(ann, MORNING + 10 * FLEET_MINUTE, &a);
    result = fleet_sync(ann, MORNING + FLEET_HOUR);
    assert_string_equal(result.held[0].reason, "unknown_offender");
    assert_string_equal(fleet_company(fleet, &a), "");
    fleet_offender(fleet, MORNING + 2 * FLEET_HOUR, "zed", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW, "north");
    fleet_settle(fleet, MORNING + 2 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &a), "lone_confirmed");
}

static void unassigned_officer__held(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct id officer = ann->officer;
    struct hash a;

    ann->officer = fleet_id("bob"); /* bob uses ann's phone */
    a = fleet_check_in(ann, MORNING, "xen", NULL);
    ann->officer = officer;
    assert_string_equal(fleet_sync(ann, MORNING + FLEET_HOUR).held[0].reason, "unassigned_officer");
    assert_string_equal(fleet_company(fleet, &a), "held");
}

static void suspended_device__entries_kept_and_held(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    Doublecrew__V1__DeviceState message = DOUBLECREW__V1__DEVICE_STATE__INIT;
    struct hash a;

    message.device_id = (ProtobufCBinaryData){ID_SIZE, ann->device.bytes};
    message.standing = DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED;
    message.as_of_ms = MORNING / 1000;
    (void)fleet_add(fleet->operator_device, MORNING, KIND(DEVICE_STATE), &message.base);
    fleet_settle(fleet, MORNING);
    assert_true(batch_roster_changed(fleet->batch));
    fleet_hello(ann, MORNING + FLEET_MINUTE);
    a = visit(ann, MORNING + FLEET_HOUR, 10, "");
    assert_string_equal(fleet_sync(ann, MORNING + 2 * FLEET_HOUR).held[0].reason, "device_suspended");
    assert_string_equal(fleet_company(fleet, &a), "held");
}

static void anchor_not_ours__refused_and_nothing_stored(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct sign_key *ours = fleet->server_key, *forged;
    uint64_t pos = batch_head(fleet->batch)->pos;
    uint8_t seed[32] = {7};
    struct fleet_push push;

    assert_int_equal(sign_key_from_seed(seed, &forged), STATUS_OK);
    fleet->server_key = forged;
    fleet_hello(ann, MORNING);
    fleet->server_key = ours;
    seal(ann, MORNING + FLEET_SECOND);
    push = fleet_build(ann);
    assert_int_equal(fleet_deliver(fleet, MORNING + FLEET_MINUTE, &push).status, STATUS_UNKNOWN_ANCHOR);
    assert_int_equal(batch_head(fleet->batch)->pos, pos);
    fleet_push_free(&push);
    sign_key_free(forged);
}

static void anchor_by_hash__only_after_its_text(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct fleet_push push;

    seal(ann, MORNING);
    struct span text = ann->anchors[0].text;
    ann->anchors[0].text = span_of(NULL, 0);
    push = fleet_build(ann);
    assert_int_equal(fleet_deliver(fleet, MORNING + FLEET_MINUTE, &push).status, STATUS_UNKNOWN_ANCHOR);
    fleet_push_free(&push);
    ann->anchors[0].text = text;
    ann->pushed = 0;
    push = fleet_build(ann);
    assert_int_equal(fleet_deliver(fleet, MORNING + FLEET_MINUTE, &push).status, STATUS_OK);
    fleet_push_free(&push);
    seal(ann, MORNING + FLEET_HOUR);
    ann->anchors[0].text = span_of(NULL, 0);
    push = fleet_build(ann);
    assert_int_equal(fleet_deliver(fleet, MORNING + FLEET_HOUR, &push).status, STATUS_OK);
    fleet_push_free(&push);
    ann->anchors[0].text = text;
}

/* B carries A's push; A's phone never syncs. */
static void carried_by_the_partner__proves_the_visit(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    Doublecrew__V1__Carried carried = DOUBLECREW__V1__CARRIED__INIT;
    struct hash a = visit(ann, MORNING, 40, "bob"), b = visit(bob, MORNING, 40, "ann");
    struct fleet_push push = fleet_build(ann);
    struct batch_result result;

    carried.push = (ProtobufCBinaryData){push.size, push.bytes};
    (void)fleet_add(bob, MORNING + 41 * FLEET_MINUTE, KIND(CARRIED), &carried.base);
    result = fleet_sync(bob, MORNING + FLEET_HOUR);
    assert_int_equal(result.held_count, 0);
    assert_string_equal(fleet_company(fleet, &a), "joint");
    assert_string_equal(fleet_company(fleet, &b), "joint");
    /* and then it does: the same evidence, once */
    assert_int_equal(fleet_deliver(fleet, MORNING + 2 * FLEET_HOUR, &push).status, STATUS_OK);
    assert_string_equal(fleet_company(fleet, &a), "joint");
    fleet_push_free(&push);
}

static void co_signed_without_a_server__grade_a(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    Doublecrew__V1__CheckIn second = DOUBLECREW__V1__CHECK_IN__INIT;
    Doublecrew__V1__CosignConfirm confirm = DOUBLECREW__V1__COSIGN_CONFIRM__INIT;
    struct id xen = fleet_id("xen");
    struct hash a = fleet_check_in(ann, MORNING, "xen", "bob"), b;

    second.offender_id = (ProtobufCBinaryData){ID_SIZE, xen.bytes};
    second.officer_id = (ProtobufCBinaryData){ID_SIZE, bob->officer.bytes};
    second.cosigned_check_in = (ProtobufCBinaryData){HASH_SIZE, a.bytes};
    b = fleet_add(bob, MORNING + 10 * FLEET_SECOND, KIND(CHECK_IN), &second.base);
    confirm.own_check_in = (ProtobufCBinaryData){HASH_SIZE, a.bytes};
    confirm.partner_check_in = (ProtobufCBinaryData){HASH_SIZE, b.bytes};
    confirm.round_trip_ms = 20000;
    (void)fleet_add(ann, MORNING + 20 * FLEET_SECOND, KIND(COSIGN_CONFIRM), &confirm.base);
    (void)fleet_check_out(ann, MORNING + 40 * FLEET_MINUTE, &a);
    (void)fleet_check_out(bob, MORNING + 40 * FLEET_MINUTE, &b);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    fleet_sync(bob, MORNING + FLEET_HOUR);
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', a.bytes, HASH_SIZE);
    assert_string_equal(row->presence->company, "joint");
    assert_string_equal(row->presence->grade, "A");
    doublecrew__v1__row__free_unpacked(row, NULL);
}

static void boot_that_never_met_the_server__bounded_by_its_neighbours(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash a;

    seal(ann, MORNING);
    fleet_sync(ann, MORNING + FLEET_MINUTE);
    fleet_reboot(ann, MORNING + FLEET_HOUR);
    a = visit(ann, MORNING + 2 * FLEET_HOUR, 10, "");
    fleet_reboot(ann, MORNING + 3 * FLEET_HOUR);
    seal(ann, MORNING + 3 * FLEET_HOUR + FLEET_MINUTE);
    fleet_sync(ann, MORNING + 5 * FLEET_HOUR);
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', a.bytes, HASH_SIZE);
    assert_true(row->presence->in_from_ms >= (MORNING - FLEET_SECOND) / 1000);
    assert_true(row->presence->in_to_ms <= (MORNING + 3 * FLEET_HOUR + 3 * FLEET_MINUTE) / 1000);
    doublecrew__v1__row__free_unpacked(row, NULL);
}

/* The boot after it meets the server only later: then the visit before is narrowed as well. */
static void next_boot_anchored_later__narrows_what_came_before(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct fleet_push push;
    struct hash a;

    fleet_reboot(ann, MORNING + FLEET_HOUR);
    a = visit(ann, MORNING + 2 * FLEET_HOUR, 10, "");
    fleet_reboot(ann, MORNING + 3 * FLEET_HOUR);
    seal(ann, MORNING + 3 * FLEET_HOUR + FLEET_MINUTE);
    push = fleet_build(ann); /* by hand: no session says when */
    (void)fleet_deliver(fleet, MORNING + 20 * FLEET_HOUR, &push);
    fleet_push_free(&push);
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', a.bytes, HASH_SIZE);
    assert_int_equal(row->presence->in_to_ms, (MORNING + 20 * FLEET_HOUR) / 1000);
    doublecrew__v1__row__free_unpacked(row, NULL);
    seal(ann, MORNING + 21 * FLEET_HOUR);
    fleet_sync(ann, MORNING + 22 * FLEET_HOUR);
    row = fleet_view(fleet, 'p', a.bytes, HASH_SIZE);
    assert_true(row->presence->in_to_ms <= (MORNING + 3 * FLEET_HOUR + 3 * FLEET_MINUTE) / 1000);
    doublecrew__v1__row__free_unpacked(row, NULL);
}

static void session_of_the_delivery__anchors_backwards(void **state)
{
    struct fleet *fleet = *state;
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash a;
    struct fleet_push push;

    fleet_reboot(ann, MORNING - FLEET_HOUR);
    a = visit(ann, MORNING, 10, "");
    push = fleet_build(ann); /* names the old boot's anchor only */
    fleet_hello(ann, MORNING + 2 * FLEET_HOUR);
    push.delivery = ann->delivery;
    (void)fleet_deliver(fleet, MORNING + 2 * FLEET_HOUR, &push);
    fleet_push_free(&push);
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', a.bytes, HASH_SIZE);
    assert_true(row->presence->in_to_ms <= (MORNING + 3 * FLEET_SECOND) / 1000); /* 2 h of drift either way */
    doublecrew__v1__row__free_unpacked(row, NULL);
}

#define SCENARIO(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(retry_after_lost_ack__nothing_doubled),
        SCENARIO(longer_retry__only_the_new_part_is_stored),
        SCENARIO(gap__says_from_where),
        SCENARIO(fork__both_branches_contested_and_kept),
        SCENARIO(fork__a_visit_that_loses_its_check_out_reaches_further),
        SCENARIO(fork__decision_lets_it_count),
        SCENARIO(unknown_kind__kept_held_and_stops_the_watermark),
        SCENARIO(unknown_kind__stops_the_watermark_at_once),
        SCENARIO(fork__what_the_log_had_confirmed_waits_again),
        SCENARIO(carried_branch__is_a_fork_too),
        SCENARIO(next_check_in_elsewhere__ends_an_open_visit),
        SCENARIO(next_boot_anchored_later__narrows_what_came_before),
        SCENARIO(malformed_payload__kept_and_held),
        SCENARIO(operators_entries_from_an_officer__held),
        SCENARIO(somebody_elses_check_out__held),
        SCENARIO(unknown_offender__takes_effect_when_imported),
        SCENARIO(unassigned_officer__held),
        SCENARIO(suspended_device__entries_kept_and_held),
        SCENARIO(anchor_not_ours__refused_and_nothing_stored),
        SCENARIO(anchor_by_hash__only_after_its_text),
        SCENARIO(carried_by_the_partner__proves_the_visit),
        SCENARIO(co_signed_without_a_server__grade_a),
        SCENARIO(boot_that_never_met_the_server__bounded_by_its_neighbours),
        SCENARIO(session_of_the_delivery__anchors_backwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
