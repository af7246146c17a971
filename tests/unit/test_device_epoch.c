/* Another epoch, as a device judges it: what the operator signed, and what of the journal must still be there (E2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/epoch.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/device_fixture.h"

#define KEPT 9 /* records that the played server's backup has */

struct played {
    struct device_fixture fixture;
    struct sign_key *operator_key;
    struct sign_key *other_key;
    struct merkle_tree backup;
    uint8_t statements[4][EPOCH_STATEMENT_SIZE];
};

static int setup(void **state)
{
    struct played *played = calloc(1, sizeof *played);
    struct public_key key;

    assert_non_null(played);
    played->operator_key = fixture_key("operator");
    played->other_key = fixture_key("somebody else");
    device_fixture_init(&played->fixture, 1);
    sign_key_public(played->operator_key, &key);
    played->fixture.config.operator_algorithm = (enum dc_algorithm)key.algorithm;
    memcpy(played->fixture.config.operator_key, key.bytes, key.size);
    played->fixture.config.operator_key_size = key.size;
    device_fixture_open(&played->fixture);
    *state = played;
    return 0;
}

static int teardown(void **state)
{
    struct played *played = *state;

    device_fixture_done(&played->fixture);
    sign_key_free(played->operator_key);
    sign_key_free(played->other_key);
    free(played);
    return 0;
}

/* The device has seen `seen` records; the server has been set back to KEPT. */
static void set_back(struct played *played, unsigned seen)
{
    struct device_fixture *fixture = &played->fixture;

    if (seen < KEPT) {
        device_fixture_grow(fixture, seen);
        device_fixture_online(fixture);
        device_fixture_grow(fixture, KEPT - seen);
        played->backup = fixture->tree;
    } else {
        device_fixture_grow(fixture, KEPT);
        played->backup = fixture->tree;
        device_fixture_grow(fixture, seen - KEPT);
        device_fixture_online(fixture);
    }
    device_disconnected(fixture->device, STATUS_NETWORK);
    fixture->tree = played->backup;
}

/* The next statement: about the server as it stands; its epoch becomes the server's. */
static void sign(struct played *played, struct sign_key *key, int64_t time_ms)
{
    struct device_fixture *fixture = &played->fixture;
    uint8_t *bytes = played->statements[fixture->statement_count];
    struct epoch_statement statement = {.previous = fixture->epoch, .size = fixture->tree.size, .time_ms = time_ms};

    memcpy(statement.force.bytes, fixture->config.force.bytes, ID_SIZE);
    assert_int_equal(merkle_resume(&fixture->tree, fixture->sha), STATUS_OK); /* a test may have bent it */
    assert_int_equal(merkle_root(&fixture->tree, fixture->sha, &statement.root), STATUS_OK);
    assert_int_equal(epoch_sign(fixture->sha, &statement, key, bytes, &fixture->epoch), STATUS_OK);
    fixture->statements[fixture->statement_count++] = span_of(bytes, EPOCH_STATEMENT_SIZE);
    device_fixture_grow(fixture, 1); /* its record */
}

static void meet(struct played *played)
{
    device_fixture_connect(&played->fixture);
    device_fixture_welcome(&played->fixture, 0, NULL, 512);
}

static void expect_taken(struct played *played)
{
    struct device_fixture *fixture = &played->fixture;

    assert_int_equal(fixture->device->sync.phase, SYNC_ONLINE);
    assert_true(id_equal(&fixture->device->sync.checkpoint.epoch, &fixture->epoch));
    assert_int_equal(device_fixture_event(fixture, DC_EVENT_ERROR)->status, DC_NEW_EPOCH);
}

static void expect_refused(struct played *played)
{
    struct dc_sync_status status;

    dc_sync_status(played->fixture.device, &status);
    assert_int_not_equal(played->fixture.device->sync.phase, SYNC_ONLINE);
    assert_int_equal(status.reason, DC_DIVERGED);
    assert_false(id_equal(&played->fixture.device->sync.checkpoint.epoch, &played->fixture.epoch));
}

static void signed_by_the_operator__taken_and_told_once(void **state)
{
    struct played *played = *state;
    unsigned told;

    set_back(played, KEPT + 4);
    sign(played, played->operator_key, played->fixture.wall_ms);
    meet(played);
    expect_taken(played);
    told = device_fixture_count(&played->fixture, DC_EVENT_ERROR);
    device_disconnected(played->fixture.device, STATUS_NETWORK);
    device_fixture_grow(&played->fixture, 2);
    meet(played);
    assert_int_equal(played->fixture.device->sync.phase, SYNC_ONLINE);
    assert_int_equal(device_fixture_count(&played->fixture, DC_EVENT_ERROR), told);
}

static void what_the_backup_had__must_still_be_there(void **state)
{
    struct played *played = *state;

    set_back(played, KEPT - 2);
    sign(played, played->operator_key, played->fixture.wall_ms);
    meet(played);
    expect_taken(played);
}

/* The operator signs, but the journal isn't the one that this device has seen the beginning of. */
static void another_history_behind_a_signature__refused(void **state)
{
    struct played *played = *state;

    set_back(played, KEPT - 2);
    for (int i = 0; i < KEPT; i++)
        played->fixture.tree.edge[0][i].bytes[0] ^= 1;
    sign(played, played->operator_key, played->fixture.wall_ms);
    meet(played);
    expect_refused(played);
}

static void nothing_signed__refused(void **state)
{
    struct played *played = *state;

    set_back(played, KEPT + 4);
    memset(played->fixture.epoch.bytes, 0xe2, ID_SIZE);
    meet(played);
    expect_refused(played);
}

static void signed_by_somebody_else__refused(void **state)
{
    struct played *played = *state;

    set_back(played, KEPT + 4);
    sign(played, played->other_key, played->fixture.wall_ms);
    meet(played);
    expect_refused(played);
}

static void statement_of_another_epoch__refused(void **state)
{
    struct played *played = *state;

    set_back(played, KEPT + 4);
    sign(played, played->operator_key, played->fixture.wall_ms);
    played->fixture.epoch.bytes[3] ^= 1; /* not what was signed */
    meet(played);
    expect_refused(played);
}

static void statement_cut_short__refused(void **state)
{
    struct played *played = *state;

    set_back(played, KEPT + 4);
    sign(played, played->operator_key, played->fixture.wall_ms);
    played->fixture.statements[0].size--;
    meet(played);
    expect_refused(played);
}

static void several__must_follow_one_another(void **state)
{
    struct played *played = *state;
    struct span first;

    set_back(played, KEPT + 4);
    sign(played, played->operator_key, played->fixture.wall_ms);
    sign(played, played->operator_key, played->fixture.wall_ms + 1000);
    first = played->fixture.statements[0];
    played->fixture.statements[0] = played->fixture.statements[1];
    played->fixture.statements[1] = first;
    meet(played);
    expect_refused(played);
    device_disconnected(played->fixture.device, STATUS_NETWORK);
    played->fixture.statements[1] = played->fixture.statements[0];
    played->fixture.statements[0] = first;
    meet(played);
    expect_taken(played);
}

/* An epoch that was given up: only a later word of the operator will do; an old one played back won't. */
static void epoch_that_was_given_up__needs_a_later_statement(void **state)
{
    struct played *played = *state;
    int64_t now_ms = played->fixture.wall_ms;

    set_back(played, KEPT + 4); /* in the epoch that nobody will remember */
    memset(played->fixture.epoch.bytes, 0xe7, ID_SIZE);
    sign(played, played->operator_key, now_ms - 1000);
    meet(played);
    expect_refused(played);
    device_disconnected(played->fixture.device, STATUS_NETWORK);
    sign(played, played->operator_key, now_ms + 1000);
    meet(played);
    expect_taken(played);
}

static void check_in(struct device_fixture *fixture)
{
    struct dc_check_in in = {.offender = device_fixture_id(7), .with = DC_WITH_ALONE};

    fixture->monotonic_ms += 10;
    fixture->wall_ms += 10;
    assert_int_equal(dc_check_in(fixture->device, &in, NULL), DC_OK);
}

static bool keep_first_seq(void *context, enum dc_status status, const uint8_t *bytes, size_t size)
{
    uint64_t *first_seq = context;
    struct arena *arena = NULL;
    struct sha256 *sha = NULL;
    struct push push;

    assert_int_equal(status, DC_OK);
    if (bytes == NULL)
        return true;
    assert_int_equal(arena_new(&arena), STATUS_OK);
    assert_int_equal(sha256_new(&sha), STATUS_OK);
    assert_int_equal(push_open(arena, sha, span_of(bytes, size), &push), STATUS_OK);
    if (*first_seq == 0)
        *first_seq = push.first_seq;
    arena_free(arena);
    sha256_free(sha);
    return true;
}

/* A copy of the phone met the restored server first. What was acknowledged may be gone: rescue brings all that is kept. */
static void fork_in_a_new_epoch__nothing_counts_as_acknowledged(void **state)
{
    struct played *played = *state;
    struct device_fixture *fixture = &played->fixture;
    struct hash other;
    uint64_t first_seq = 0;

    memset(other.bytes, 0x77, HASH_SIZE);
    check_in(fixture);
    device_fixture_grow(fixture, KEPT);
    played->backup = fixture->tree;
    device_fixture_grow(fixture, 4);
    device_fixture_online(fixture);
    device_fixture_ack(fixture, 5);
    check_in(fixture);
    device_disconnected(fixture->device, STATUS_NETWORK);
    fixture->tree = played->backup;
    sign(played, played->operator_key, fixture->wall_ms);
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 9, &other, 512); /* it went on further than this one */
    device_fixture_reopen(fixture);                  /* and that is remembered */
    assert_int_equal(dc_export_pending(fixture->device, keep_first_seq, &first_seq), DC_OK);
    assert_int_equal(first_seq, 1);
}

/* In the same epoch what was acknowledged is there, in one branch or the other. */
static void fork_in_the_same_epoch__what_was_acknowledged_is_there(void **state)
{
    struct played *played = *state;
    struct device_fixture *fixture = &played->fixture;
    struct hash other;
    uint64_t first_seq = 0;

    memset(other.bytes, 0x77, HASH_SIZE);
    check_in(fixture);
    device_fixture_grow(fixture, KEPT);
    device_fixture_online(fixture);
    device_fixture_ack(fixture, 5);
    device_fixture_page(fixture, 5, true);
    check_in(fixture);
    device_disconnected(fixture->device, STATUS_NETWORK);
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 9, &other, 512);
    assert_int_equal(dc_export_pending(fixture->device, keep_first_seq, &first_seq), DC_OK);
    assert_int_equal(first_seq, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(signed_by_the_operator__taken_and_told_once),
        CASE(what_the_backup_had__must_still_be_there),
        CASE(another_history_behind_a_signature__refused),
        CASE(nothing_signed__refused),
        CASE(signed_by_somebody_else__refused),
        CASE(statement_of_another_epoch__refused),
        CASE(statement_cut_short__refused),
        CASE(several__must_follow_one_another),
        CASE(epoch_that_was_given_up__needs_a_later_statement),
        CASE(fork_in_a_new_epoch__nothing_counts_as_acknowledged),
        CASE(fork_in_the_same_epoch__what_was_acknowledged_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
