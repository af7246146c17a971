/* What a device must give back, until its signed receipt is in the journal (P1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/logic/feed_digest.h"
#include "server/logic/session_page.h"
#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)
#define NOON (FLEET_T0 + 5 * FLEET_HOUR)
#define KIND(name) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##name
#define MANY 5000

static int setup(void **state)
{
    struct fleet *fleet = fleet_typical();

    fleet_team(fleet, FLEET_T0 + FLEET_HOUR, "south");
    fleet_settle(fleet, FLEET_T0 + FLEET_HOUR);
    *state = fleet;
    return 0;
}

static int teardown(void **state)
{
    fleet_expect_rebuild(*state);
    fleet_free(*state);
    return 0;
}

static struct session_look look_of(struct fleet *fleet, const char *officer)
{
    struct session_look look = {.member_count = 0};

    assert_int_equal(fleet->store->ops->device_by_id(fleet->store, &fleet_device(fleet, officer)->device, &look.device),
                     STATUS_OK);
    assert_int_equal(fleet->store->ops->scopes_of_device(fleet->store, &look.device.device, look.members,
                                                         STORE_SCOPES_MAX, &look.member_count),
                     STATUS_OK);
    assert_int_equal(purge_due(fleet->store, &look.device, look.members, look.member_count, &look.purge), STATUS_OK);
    return look;
}

static bool is_due(struct fleet *fleet, const char *officer)
{
    return look_of(fleet, officer).purge.last_pos != 0;
}

struct purged {
    char letters[64]; /* first letters of the keys */
    size_t keys;
    size_t messages;
};

/* Every Purge that a session would send. */
static struct purged purge_of(struct fleet *fleet, const char *officer)
{
    struct session_look look = look_of(fleet, officer);
    struct feed_cursor after = {.pos = look.device.purged_pos};
    struct session_purge purge = {.more = true};
    struct purged purged = {.keys = 0};

    while (purge.more) {
        Doublecrew__V1__ServerMessage *message;

        assert_int_equal(session_purge_read(fleet->store, &look, &after, look.purge.last_pos, &purge), STATUS_OK);
        after = purge.to;
        if (purge.bytes == NULL)
            continue;
        message = doublecrew__v1__server_message__unpack(NULL, purge.size, purge.bytes);
        assert_non_null(message);
        assert_int_equal(get_u64(message->purge->purge_id.data), look.purge.last_pos);
        assert_int_equal(message->purge->more, purge.more);
        for (size_t i = 0; i < message->purge->n_keys; i++) {
            if (purged.keys < sizeof(purged.letters) - 1)
                purged.letters[purged.keys] = (char)message->purge->keys[i].data[0];
            purged.keys++;
        }
        purged.messages++;
        doublecrew__v1__server_message__free_unpacked(message, NULL);
        free(purge.bytes);
    }
    return purged;
}

/* The device's receipt for all that it was told. */
static struct batch_result answer(struct fleet *fleet, const char *officer, uint64_t pos, int64_t at_us)
{
    Doublecrew__V1__Purged receipt = DOUBLECREW__V1__PURGED__INIT;
    uint8_t id[8];

    put_u64(id, pos);
    receipt.purge_id = (ProtobufCBinaryData){sizeof(id), id};
    receipt.keys = 3;
    (void)fleet_add(fleet_device(fleet, officer), at_us, KIND(PURGED), &receipt.base);
    return fleet_sync(fleet_device(fleet, officer), at_us);
}

static void visit(struct fleet *fleet)
{
    struct fleet_device *ann = fleet_device(fleet, "ann");
    struct hash presence = fleet_check_in(ann, MORNING, "xen", "");

    (void)fleet_check_out(ann, MORNING + 10 * FLEET_MINUTE, &presence);
    fleet_sync(ann, MORNING + 20 * FLEET_MINUTE);
}

static void offender_moves(struct fleet *fleet, int64_t at_us)
{
    fleet_offender(fleet, at_us, "xen", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM, "south");
    fleet_settle(fleet, at_us);
}

static void suspend(struct fleet *fleet, const char *officer, Doublecrew__V1__DeviceStanding standing, int64_t at_us)
{
    Doublecrew__V1__DeviceState message = DOUBLECREW__V1__DEVICE_STATE__INIT;
    struct id device = fleet_device(fleet, officer)->device;

    message.device_id = (ProtobufCBinaryData){ID_SIZE, device.bytes};
    message.standing = standing;
    (void)fleet_add(fleet->operator_device, at_us, KIND(DEVICE_STATE), &message.base);
    fleet_settle(fleet, at_us);
}

static void nothing__is_due_while_nothing_leaves(void **state)
{
    visit(*state);
    assert_false(is_due(*state, "ann"));
    assert_false(is_due(*state, "sue"));
}

static void offender__that_moves_is_given_back_by_the_old_team(void **state)
{
    struct fleet *fleet = *state;
    struct purged bob;
    uint64_t pos;

    visit(fleet);
    offender_moves(fleet, NOON);
    assert_true(is_due(fleet, "bob"));
    assert_true(is_due(fleet, "sue"));
    bob = purge_of(fleet, "bob");
    assert_int_equal(bob.messages, 1);
    assert_string_equal(bob.letters, "x"); /* the visit stays: it is a colleague's */
    pos = look_of(fleet, "bob").purge.last_pos;
    assert_int_equal(answer(fleet, "bob", pos, NOON + FLEET_MINUTE).held_count, 0);
    assert_false(is_due(fleet, "bob"));
    assert_true(is_due(fleet, "sue")); /* each for itself */
    fleet_offender(fleet, NOON + FLEET_HOUR, "yul", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_VERY_HIGH, "south");
    fleet_settle(fleet, NOON + FLEET_HOUR);
    assert_int_equal(purge_of(fleet, "bob").keys, 1); /* only what left since */
    assert_int_equal(purge_of(fleet, "sue").keys, 2);
}

static void officer__who_changes_team_gives_back_what_the_team_has(void **state)
{
    struct fleet *fleet = *state;
    int64_t since_us = 0;
    struct device_row device;

    visit(fleet);
    fleet_officer(fleet, NOON, "bob", DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER, true, "south");
    fleet_settle(fleet, NOON);
    assert_string_equal(purge_of(fleet, "bob").letters, "pxx");
    assert_false(is_due(fleet, "ann"));
    device = look_of(fleet, "bob").device;
    assert_int_equal(purge_due_since(fleet->store, &device, &since_us), STATUS_OK);
    assert_true(since_us == NOON);
    device = look_of(fleet, "ann").device;
    assert_int_equal(purge_due_since(fleet->store, &device, &since_us), STATUS_NOT_FOUND);
}

static void device__suspended_gives_back_everything_and_gets_it_again_when_it_returns(void **state)
{
    struct fleet *fleet = *state;
    struct purged ann;
    struct session_look look;
    struct row_digest digest, none = {{0}};
    uint64_t pos;

    visit(fleet);
    suspend(fleet, "ann", DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED, NOON);
    ann = purge_of(fleet, "ann");
    ann.letters[ann.keys] = '\0';
    assert_non_null(strchr(ann.letters, 'x'));
    assert_non_null(strchr(ann.letters, 'p'));
    assert_non_null(strchr(ann.letters, 'o')); /* the roster too */
    assert_non_null(strchr(ann.letters, 'f'));
    look = look_of(fleet, "ann");
    assert_int_equal(feed_digest_of(fleet->store, look.members, look.member_count, &digest), STATUS_OK);
    assert_true(row_digest_equal(&digest, &none));
    pos = look.purge.last_pos;
    assert_int_equal(answer(fleet, "ann", pos, NOON + FLEET_MINUTE).held_count,
                     0); /* though its evidence would be held */
    assert_false(is_due(fleet, "ann"));
    suspend(fleet, "ann", DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_ACTIVE, NOON + FLEET_HOUR);
    assert_false(is_due(fleet, "ann"));
    look = look_of(fleet, "ann");
    assert_int_equal(feed_digest_of(fleet->store, look.members, look.member_count, &digest), STATUS_OK);
    assert_false(row_digest_equal(&digest, &none));
}

static void row__that_comes_back_is_not_taken_away(void **state)
{
    struct fleet *fleet = *state;

    offender_moves(fleet, NOON);
    fleet_offender(fleet, NOON + FLEET_HOUR, "xen", DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM, "north");
    fleet_settle(fleet, NOON + FLEET_HOUR);
    assert_int_equal(purge_of(fleet, "bob").keys, 0);
}

static void receipt__for_what_never_left_is_held(void **state)
{
    struct fleet *fleet = *state;
    struct batch_result result;

    offender_moves(fleet, NOON);
    result = answer(fleet, "bob", 1000000, NOON + FLEET_MINUTE);
    assert_int_equal(result.held_count, 1);
    assert_string_equal(result.held[0].reason, "not_permitted");
    assert_true(is_due(fleet, "bob"));
}

/* Keys beyond one message, and rows beyond one question: all come, each once. */
static void purge__too_large_for_one_message_is_sent_in_several(void **state)
{
    struct fleet *fleet = *state;
    struct scope north = {SCOPE_TEAM, fleet_id("north")};
    struct store *store = fleet->store;
    struct purged bob;

    assert_int_equal(store->ops->begin(store), STATUS_OK);
    for (unsigned i = 0; i < MANY; i++) {
        uint8_t key[1 + HASH_SIZE] = {'p', (uint8_t)(i >> 8), (uint8_t)i};
        struct view_row view = {.key = span_of(key, sizeof(key)), .pos = 5, .row = span_of("row", 3)};

        assert_int_equal(store->ops->view_put(store, &view), STATUS_OK);
        assert_int_equal(store->ops->feed_put(store, &north, 1000 + i, view.key, true), STATUS_OK);
    }
    bob = purge_of(fleet, "bob");
    assert_int_equal(bob.keys, MANY);
    assert_true(bob.messages >= 3);
    store->ops->rollback(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing__is_due_while_nothing_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(offender__that_moves_is_given_back_by_the_old_team, setup, teardown),
        cmocka_unit_test_setup_teardown(officer__who_changes_team_gives_back_what_the_team_has, setup, teardown),
        cmocka_unit_test_setup_teardown(device__suspended_gives_back_everything_and_gets_it_again_when_it_returns,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(row__that_comes_back_is_not_taken_away, setup, teardown),
        cmocka_unit_test_setup_teardown(receipt__for_what_never_left_is_held, setup, teardown),
        cmocka_unit_test_setup_teardown(purge__too_large_for_one_message_is_sent_in_several, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
