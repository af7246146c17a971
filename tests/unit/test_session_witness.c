/* K1 at the server: what a partner was shown is proved to whoever carries it, and a difference is known here as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/edge/store_sqlite.h"
#include "server/logic/session_read.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/fleet.h"

struct witnessing {
    struct fleet *fleet;
    struct session_reader tools;
    struct store_head before; /* an earlier head, which somebody was shown */
    struct session_reply reply;
};

static int setup(void **state)
{
    struct witnessing *it = calloc(1, sizeof(*it));
    char path[96];

    assert_non_null(it);
    it->fleet = fleet_typical();
    it->before = *batch_head(it->fleet->batch);
    struct fleet_device *ann = fleet_device(it->fleet, "ann");
    (void)fleet_check_in(ann, FLEET_T0 + FLEET_HOUR, "xen", "");
    (void)fleet_sync(ann, FLEET_T0 + 2 * FLEET_HOUR);
    (void)snprintf(path, sizeof(path), "%s/fleet.db", it->fleet->folder);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_READER, &it->tools.store), STATUS_OK);
    assert_int_equal(sha256_new(&it->tools.sha), STATUS_OK);
    assert_int_equal(arena_new(&it->tools.arena), STATUS_OK);
    it->tools.checkpoint_key = it->fleet->server_key;
    sign_key_public(it->fleet->server_key, &it->tools.checkpoint_public);
    assert_int_equal(verify_key_new(&it->tools.checkpoint_public, &it->tools.checkpoint_verify), STATUS_OK);
    *state = it;
    return 0;
}

static int teardown(void **state)
{
    struct witnessing *it = *state;

    session_reply_done(&it->reply);
    verify_key_free(it->tools.checkpoint_verify);
    arena_free(it->tools.arena);
    sha256_free(it->tools.sha);
    it->tools.store->ops->close(it->tools.store);
    fleet_free(it->fleet);
    free(it);
    return 0;
}

static const struct session_greeting *greet(struct witnessing *it, const struct checkpoint *witness,
                                            const struct sign_key *key, enum status expected)
{
    struct session_request request = {.kind = SESSION_GREET, .certificate_key_hash = fixture_hash("bob")};
    char text[CHECKPOINT_TEXT_MAX];

    request.hello.log = fleet_device(it->fleet, "bob")->log;
    request.hello.boot = fixture_id("boot");
    assert_int_equal(checkpoint_sign(it->tools.sha, witness, key, text, &request.witnesses[0].size), STATUS_OK);
    memcpy(request.witnesses[0].text, text, request.witnesses[0].size);
    request.witness_count = 1;
    session_reply_done(&it->reply);
    session_read(&it->tools, &request, &it->reply);
    assert_int_equal(it->reply.status, expected);
    return &it->reply.greeting;
}

static struct checkpoint of_head(const struct store_head *head)
{
    return (struct checkpoint){
        .force = head->force, .epoch = head->epoch, .size = head->pos, .root = head->root, .time_ms = 5};
}

static void witness_of_this_history__proved(void **state)
{
    struct witnessing *it = *state;
    struct checkpoint witness = of_head(&it->before);
    const struct session_greeting *greeting = greet(it, &witness, it->fleet->server_key, STATUS_OK);

    assert_int_equal(greeting->witness_count, 1);
    assert_false(greeting->witness_differs);
    assert_int_equal(merkle_verify_consistency(it->tools.sha, witness.size, &witness.root, greeting->head.pos,
                                               &greeting->head.root, greeting->witnesses[0].proof,
                                               greeting->witnesses[0].proof_count),
                     STATUS_OK);
    witness = of_head(batch_head(it->fleet->batch));
    assert_false(greet(it, &witness, it->fleet->server_key, STATUS_OK)->witness_differs);
}

static void witness_of_another_history__known_here_as_well(void **state)
{
    struct witnessing *it = *state;
    struct checkpoint witness = of_head(&it->before);

    witness.root.bytes[3] ^= 1;
    assert_true(greet(it, &witness, it->fleet->server_key, STATUS_OK)->witness_differs);
    witness = of_head(batch_head(it->fleet->batch));
    witness.root.bytes[3] ^= 1;
    assert_true(greet(it, &witness, it->fleet->server_key, STATUS_OK)->witness_differs);
}

static void witness_beyond_the_journal__the_store_was_set_back(void **state)
{
    struct witnessing *it = *state;
    struct checkpoint witness = of_head(batch_head(it->fleet->batch)), shown;

    witness.size++;
    (void)greet(it, &witness, it->fleet->server_key, STATUS_STORE_BEHIND);
    assert_int_equal(checkpoint_read(span_of(it->reply.shown, it->reply.shown_size), &shown), STATUS_OK);
    assert_int_equal(shown.size, witness.size); /* for the writer, which stops (E2) */
    witness.epoch = fixture_id("another epoch");
    assert_false(greet(it, &witness, it->fleet->server_key, STATUS_OK)->witness_differs);
}

static void witness_that_nobody_here_signed__refused(void **state)
{
    struct witnessing *it = *state;
    struct checkpoint witness = of_head(&it->before);
    struct sign_key *key = fixture_key("somebody");

    (void)greet(it, &witness, key, STATUS_BAD_SIGNATURE);
    sign_key_free(key);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(witness_of_this_history__proved),
        CASE(witness_of_another_history__known_here_as_well),
        CASE(witness_beyond_the_journal__the_store_was_set_back),
        CASE(witness_that_nobody_here_signed__refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
