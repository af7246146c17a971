/*
 * Epochs (E2): what the operator signs for a journal that goes on from a backup, who stops one that goes on unsigned, and how
 * devices fill it again. The fleet's store is really set back: its file is replaced by an earlier copy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/checkpoint.h"
#include "core/epoch.h"
#include "core/wire.h"
#include "server/edge/store_sqlite.h"
#include "server/logic/epochs.h"
#include "server/logic/flags.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/fleet.h"

#define MORNING (FLEET_T0 + 2 * FLEET_HOUR)

/* ---- Statements ---- */

static void statement__says_what_was_signed_and_nothing_else(void **state)
{
    struct sha256 *sha;
    struct sign_key *key = fixture_key("operator");
    struct public_key public_key;
    struct verify_key *verify;
    struct epoch_statement statement = {.force = fixture_id("force"),
                                        .previous = fixture_id("epoch"),
                                        .size = 77,
                                        .time_ms = FLEET_T0 / 1000,
                                        .nonce = fixture_id("nonce")};
    struct epoch_statement opened;
    uint8_t bytes[EPOCH_STATEMENT_SIZE];
    struct id epoch;

    (void)state;
    memset(statement.root.bytes, 7, HASH_SIZE);
    assert_int_equal(sha256_new(&sha), STATUS_OK);
    sign_key_public(key, &public_key);
    assert_int_equal(verify_key_new(&public_key, &verify), STATUS_OK);
    assert_int_equal(epoch_sign(sha, &statement, key, bytes, &epoch), STATUS_OK);
    assert_int_equal(epoch_open(sha, span_of(bytes, sizeof(bytes)), verify, &opened), STATUS_OK);
    assert_true(id_equal(&opened.epoch, &epoch) && id_equal(&opened.previous, &statement.previous));
    assert_int_equal(opened.size, 77);
    assert_true(hash_equal(&opened.root, &statement.root) && opened.time_ms == statement.time_ms);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] ^= 1;
        assert_int_not_equal(epoch_open(sha, span_of(bytes, sizeof(bytes)), verify, &opened), STATUS_OK);
        bytes[i] ^= 1;
    }
    assert_int_equal(epoch_open(sha, span_of(bytes, sizeof(bytes) - 1), verify, &opened), STATUS_BAD_LENGTH);
    statement.time_ms = -1;
    assert_int_equal(epoch_sign(sha, &statement, key, bytes, &epoch), STATUS_INPUT);
    verify_key_free(verify);
    sign_key_free(key);
    sha256_free(sha);
}

/* ---- A fleet whose store is set back ---- */

static void path_of(const struct fleet *fleet, const char *name, char ret_path[96])
{
    (void)snprintf(ret_path, 96, "%s/%s", fleet->folder, name);
}

static void back_up(struct fleet *fleet, const char *name)
{
    char from[96], to[96];

    path_of(fleet, "fleet.db", from);
    path_of(fleet, name, to);
    assert_int_equal(store_sqlite_backup(from, to), STATUS_OK);
}

static void set_back(struct fleet *fleet, const char *name)
{
    char from[96], to[96];

    path_of(fleet, name, from);
    path_of(fleet, "fleet.db", to);
    batch_free(fleet->batch);
    fleet->store->ops->close(fleet->store);
    assert_int_equal(remove(to), 0);
    assert_int_equal(store_sqlite_backup(from, to), STATUS_OK);
    assert_int_equal(store_sqlite_open(to, STORE_SQLITE_WRITER, &fleet->store), STATUS_OK);
    assert_int_equal(batch_open_with(fleet->store, fleet->engine, &fleet->batch), STATUS_OK);
}

static struct epoch_statement about(const struct fleet *fleet, int64_t at_us)
{
    const struct store_head *head = batch_head(fleet->batch);

    return (struct epoch_statement){.force = fleet->force,
                                    .previous = head->epoch,
                                    .size = head->pos,
                                    .root = head->root,
                                    .time_ms = at_us / 1000,
                                    .nonce = fixture_id("nonce")};
}

static enum status begin_epoch(struct fleet *fleet, const struct epoch_statement *statement, const struct sign_key *key)
{
    uint8_t bytes[EPOCH_STATEMENT_SIZE];

    assert_int_equal(epoch_sign(fleet->sha, statement, key, bytes, NULL), STATUS_OK);
    return batch_epoch(fleet->batch, span_of(bytes, sizeof(bytes)));
}

static void sign_for_it(struct fleet *fleet, int64_t at_us)
{
    struct epoch_statement statement = about(fleet, at_us);

    assert_int_equal(begin_epoch(fleet, &statement, fleet->operator_device->key), STATUS_OK);
}

/* The device holds from `kept` on what the server no longer has, and pushes it again. */
static struct batch_result push_again(struct fleet_device *device, int64_t at_us)
{
    struct device_row row;
    struct fleet *fleet = device->fleet;

    assert_int_equal(fleet->store->ops->device_by_log(fleet->store, &device->log, &row), STATUS_OK);
    device->pushed = row.last_seq;
    return fleet_sync(device, at_us);
}

struct lost {
    struct hash visit;  /* ann's, before the backup */
    struct hash joint;  /* ann's with bob's, after it */
    struct hash second; /* bob's */
};

/* A visit, a backup, then a joint one whose entries name anchors of what is lost afterwards. */
static struct lost lose_an_afternoon(struct fleet *fleet)
{
    struct fleet_device *ann = fleet_device(fleet, "ann"), *bob = fleet_device(fleet, "bob");
    Doublecrew__V1__Seal seal = DOUBLECREW__V1__SEAL__INIT;
    struct lost lost;

    lost.visit = fleet_check_in(ann, MORNING, "xen", "");
    (void)fleet_check_out(ann, MORNING + 20 * FLEET_MINUTE, &lost.visit);
    fleet_sync(ann, MORNING + FLEET_HOUR);
    back_up(fleet, "backup.db");
    (void)fleet_add(bob, MORNING + FLEET_HOUR, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL, &seal.base);
    fleet_sync(bob, MORNING + 2 * FLEET_HOUR);
    fleet_hello(ann, MORNING + 2 * FLEET_HOUR);
    lost.joint = fleet_check_in(ann, MORNING + 3 * FLEET_HOUR, "yul", "bob");
    lost.second = fleet_check_in(bob, MORNING + 3 * FLEET_HOUR, "yul", "ann");
    (void)fleet_check_out(ann, MORNING + 3 * FLEET_HOUR + 30 * FLEET_MINUTE, &lost.joint);
    (void)fleet_check_out(bob, MORNING + 3 * FLEET_HOUR + 30 * FLEET_MINUTE, &lost.second);
    fleet_sync(ann, MORNING + 4 * FLEET_HOUR);
    fleet_sync(bob, MORNING + 4 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &lost.joint), "joint");
    return lost;
}

static void tidy(struct fleet *fleet)
{
    fleet_expect_rebuild(fleet);
    fleet_free(fleet);
}

static void new_epoch__devices_fill_it_again(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct lost lost = lose_an_afternoon(fleet);
    struct store_head before = *batch_head(fleet->batch), restored;
    char company[64];

    (void)state;
    (void)snprintf(company, sizeof(company), "%s", fleet_company(fleet, &lost.visit));
    set_back(fleet, "backup.db");
    restored = *batch_head(fleet->batch);
    assert_true(restored.pos < before.pos);
    assert_true(id_equal(&restored.epoch, &before.epoch));
    sign_for_it(fleet, MORNING + 5 * FLEET_HOUR);
    assert_int_equal(batch_head(fleet->batch)->pos, restored.pos + 1);
    assert_false(id_equal(&batch_head(fleet->batch)->epoch, &before.epoch));
    assert_int_equal(push_again(fleet_device(fleet, "ann"), MORNING + 6 * FLEET_HOUR).status, STATUS_OK);
    assert_int_equal(push_again(fleet_device(fleet, "bob"), MORNING + 6 * FLEET_HOUR).status, STATUS_OK);
    assert_string_equal(fleet_company(fleet, &lost.joint), "joint");
    assert_string_equal(fleet_company(fleet, &lost.second), "joint");
    assert_string_equal(fleet_company(fleet, &lost.visit), company);
    assert_int_equal(fleet_reopen(fleet, fleet->engine), STATUS_OK);
    tidy(fleet);
}

static void statement__about_anything_else_refused(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct sign_key *other = fixture_key("somebody else");
    struct store_head before;
    struct epoch_statement right, wrong;
    uint8_t junk[EPOCH_STATEMENT_SIZE] = {1};

    (void)state;
    (void)lose_an_afternoon(fleet);
    set_back(fleet, "backup.db");
    before = *batch_head(fleet->batch);
    right = about(fleet, MORNING);
    assert_int_equal(begin_epoch(fleet, &right, other), STATUS_BAD_SIGNATURE);
    wrong = right;
    wrong.size--;
    assert_int_equal(begin_epoch(fleet, &wrong, fleet->operator_device->key), STATUS_INPUT);
    wrong = right;
    wrong.root.bytes[3] ^= 1;
    assert_int_equal(begin_epoch(fleet, &wrong, fleet->operator_device->key), STATUS_INPUT);
    wrong = right;
    wrong.previous = fixture_id("another epoch");
    assert_int_equal(begin_epoch(fleet, &wrong, fleet->operator_device->key), STATUS_INPUT);
    wrong = right;
    wrong.force = fixture_id("another force");
    assert_int_equal(begin_epoch(fleet, &wrong, fleet->operator_device->key), STATUS_INPUT);
    assert_int_equal(batch_epoch(fleet->batch, span_of(junk, sizeof(junk))), STATUS_MALFORMED);
    assert_int_equal(batch_epoch(fleet->batch, span_of(junk, 0)), STATUS_BAD_LENGTH);
    assert_int_equal(batch_head(fleet->batch)->pos, before.pos);
    assert_int_equal(begin_epoch(fleet, &right, fleet->operator_device->key), STATUS_OK);
    assert_int_equal(begin_epoch(fleet, &right, fleet->operator_device->key), STATUS_INPUT); /* once */
    sign_key_free(other);
    tidy(fleet);
}

/* ---- A store that was set back and nobody signed for ---- */

static void unsigned__the_first_push_that_shows_more_stops_it(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct fleet_device *ann = fleet_device(fleet, "ann"), *cal = fleet_device(fleet, "cal");
    struct batch_result result;
    struct device_row row;
    struct fleet_push push;

    (void)state;
    (void)lose_an_afternoon(fleet);
    set_back(fleet, "backup.db");
    assert_int_equal(fleet->store->ops->device_by_log(fleet->store, &ann->log, &row), STATUS_OK);
    ann->pushed = row.last_seq;
    push = fleet_build(ann);
    { /* as the writer delivers it */
        struct arena *arena;
        struct push opened;

        assert_int_equal(arena_new(&arena), STATUS_OK);
        assert_int_equal(push_open(arena, fleet->sha, span_of(push.bytes, push.size), &opened), STATUS_OK);
        fleet_begin(fleet, MORNING + 5 * FLEET_HOUR);
        assert_int_equal(batch_push(fleet->batch, &opened, span_of(push.bytes, push.size), &push.delivery, &result),
                         STATUS_STORE_BEHIND);
        batch_abort(fleet->batch);
        fleet->batch_open = false;
        arena_free(arena);
    }
    fleet_push_free(&push);
    assert_int_equal(batch_show(fleet->batch, batch_shown(fleet->batch)), STATUS_OK);
    assert_true(batch_is_behind(fleet->batch));
    assert_int_equal(batch_begin(fleet->batch, MORNING + 5 * FLEET_HOUR), STATUS_STORE_BEHIND);
    assert_int_equal(batch_begin_held(fleet->batch, MORNING + 5 * FLEET_HOUR), STATUS_STORE_BEHIND);
    assert_int_equal(fleet_reopen(fleet, fleet->engine), STATUS_OK); /* a restart doesn't make it forget */
    assert_true(batch_is_behind(fleet->batch));
    sign_for_it(fleet, MORNING + 6 * FLEET_HOUR);
    assert_false(batch_is_behind(fleet->batch));
    assert_int_equal(fleet_reopen(fleet, fleet->engine), STATUS_OK);
    assert_false(batch_is_behind(fleet->batch));
    assert_int_equal(push_again(ann, MORNING + 7 * FLEET_HOUR).status, STATUS_OK);
    (void)fleet_check_in(cal, MORNING + 7 * FLEET_HOUR, "xen", "");
    assert_int_equal(fleet_sync(cal, MORNING + 7 * FLEET_HOUR).status, STATUS_OK);
    tidy(fleet);
}

static size_t shown_text(struct fleet *fleet, struct id force, struct id epoch, uint64_t size, int64_t at_us,
                         const struct sign_key *key, char text[CHECKPOINT_TEXT_MAX])
{
    struct checkpoint checkpoint = {.force = force, .epoch = epoch, .size = size, .time_ms = at_us / 1000};
    size_t text_size;

    assert_int_equal(checkpoint_sign(fleet->sha, &checkpoint, key, text, &text_size), STATUS_OK);
    return text_size;
}

static void forged_and_foreign_checkpoints__stop_nothing(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct sign_key *other = fixture_key("somebody else");
    struct store_head head = *batch_head(fleet->batch);
    char text[CHECKPOINT_TEXT_MAX];
    size_t size;

    (void)state;
    size = shown_text(fleet, fleet->force, head.epoch, head.pos + 10, MORNING, other, text);
    assert_int_equal(batch_show(fleet->batch, span_of(text, size)), STATUS_BAD_SIGNATURE);
    size = shown_text(fleet, fixture_id("another force"), head.epoch, head.pos + 10, MORNING, fleet->server_key, text);
    assert_int_equal(batch_show(fleet->batch, span_of(text, size)), STATUS_OK);
    size = shown_text(fleet, fleet->force, head.epoch, head.pos, MORNING, fleet->server_key, text);
    assert_int_equal(batch_show(fleet->batch, span_of(text, size)), STATUS_OK);
    assert_int_equal(batch_show(fleet->batch, span_of(text, size - 3)), STATUS_MALFORMED);
    assert_int_equal(batch_show(fleet->batch, span_of(text, 0)), STATUS_MALFORMED);
    assert_false(batch_is_behind(fleet->batch));
    size = shown_text(fleet, fleet->force, head.epoch, head.pos + 1, MORNING, fleet->server_key, text);
    assert_int_equal(batch_show(fleet->batch, span_of(text, size)), STATUS_OK);
    assert_true(batch_is_behind(fleet->batch));
    sign_key_free(other);
    fleet_free(fleet);
}

/* ---- Several epochs ---- */

static enum epoch_place place_of(struct fleet *fleet, struct id epoch, uint64_t size, int64_t at_us,
                                 struct epoch_look *ret_look)
{
    struct checkpoint held = {.force = fleet->force, .epoch = epoch, .size = size, .time_ms = at_us / 1000};
    struct arena *arena;

    assert_int_equal(arena_new(&arena), STATUS_OK);
    assert_int_equal(epochs_look(fleet->store, fleet->sha, arena, batch_head(fleet->batch), &held, ret_look),
                     STATUS_OK);
    arena_free(arena);
    return ret_look->place;
}

static void several_epochs__every_checkpoint_has_its_place(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct lost lost = lose_an_afternoon(fleet);
    struct id first = batch_head(fleet->batch)->epoch, second, given_up;
    struct epoch_look look;
    uint64_t kept;

    (void)state;
    set_back(fleet, "backup.db");
    kept = batch_head(fleet->batch)->pos;
    sign_for_it(fleet, MORNING + 5 * FLEET_HOUR);
    given_up = batch_head(fleet->batch)->epoch;
    push_again(fleet_device(fleet, "ann"), MORNING + 6 * FLEET_HOUR);
    set_back(fleet, "backup.db"); /* the same backup again: that epoch is given up */
    sign_for_it(fleet, MORNING + 7 * FLEET_HOUR);
    second = batch_head(fleet->batch)->epoch;
    assert_false(id_equal(&second, &given_up));
    push_again(fleet_device(fleet, "ann"), MORNING + 8 * FLEET_HOUR);
    push_again(fleet_device(fleet, "bob"), MORNING + 8 * FLEET_HOUR);
    back_up(fleet, "later.db");
    set_back(fleet, "later.db");
    sign_for_it(fleet, MORNING + 9 * FLEET_HOUR);

    assert_int_equal(place_of(fleet, batch_head(fleet->batch)->epoch, 1, MORNING, &look), EPOCH_SAME);
    assert_int_equal(look.statement_count, 0);
    assert_int_equal(place_of(fleet, batch_head(fleet->batch)->epoch, 999999, MORNING, &look), EPOCH_BEYOND);
    assert_int_equal(place_of(fleet, first, 999999, MORNING, &look), EPOCH_EARLIER);
    assert_int_equal(look.kept_size, kept);
    assert_int_equal(look.statement_count, 2);
    assert_int_equal(place_of(fleet, second, 5, MORNING, &look), EPOCH_EARLIER);
    assert_int_equal(look.statement_count, 1);
    assert_int_equal(place_of(fleet, given_up, 5, MORNING + 6 * FLEET_HOUR, &look), EPOCH_GIVEN_UP);
    assert_int_equal(look.statement_count, 2);
    assert_int_equal(place_of(fleet, given_up, 5, MORNING + 10 * FLEET_HOUR, &look), EPOCH_BEYOND);
    (void)fleet_check_in(fleet_device(fleet, "cal"), MORNING + 11 * FLEET_HOUR, "xen", "");
    assert_int_equal(fleet_sync(fleet_device(fleet, "cal"), MORNING + 12 * FLEET_HOUR).status, STATUS_OK);
    assert_string_equal(fleet_company(fleet, &lost.joint), "joint");
    tidy(fleet);
}

/* An epoch under one engine, a new engine, an epoch under that: the rebuild is still the same. */
static void epochs_and_engines__in_any_order(void **state)
{
    static const struct engine later = {"8", rule_judge}, latest = {"9", rule_judge};
    struct fleet *fleet = fleet_typical();
    struct lost lost = lose_an_afternoon(fleet);

    (void)state;
    set_back(fleet, "backup.db");
    sign_for_it(fleet, MORNING + 5 * FLEET_HOUR);
    push_again(fleet_device(fleet, "ann"), MORNING + 6 * FLEET_HOUR);
    assert_int_equal(fleet_reopen(fleet, &later), STATUS_OK);
    sign_for_it(fleet, MORNING + 7 * FLEET_HOUR); /* before the engine has taken over: nothing is judged by it yet */
    assert_string_equal(batch_head(fleet->batch)->engine, engine_current.version);
    push_again(fleet_device(fleet, "bob"), MORNING + 8 * FLEET_HOUR);
    assert_string_equal(batch_head(fleet->batch)->engine, "8");
    fleet_expect_rebuild(fleet);
    sign_for_it(fleet, MORNING + 9 * FLEET_HOUR);
    assert_int_equal(fleet_reopen(fleet, &latest), STATUS_OK);
    fleet_tick(fleet, MORNING + 10 * FLEET_HOUR);
    assert_string_equal(fleet_company(fleet, &lost.joint), "joint");
    tidy(fleet);
}

static void proofs__lead_across_epochs(void **state)
{
    struct fleet *fleet = fleet_typical();
    struct store_head at_backup, head;
    struct hash proof[MERKLE_PROOF_MAX];
    size_t count;

    (void)state;
    (void)lose_an_afternoon(fleet);
    set_back(fleet, "backup.db");
    at_backup = *batch_head(fleet->batch);
    sign_for_it(fleet, MORNING + 5 * FLEET_HOUR);
    push_again(fleet_device(fleet, "ann"), MORNING + 6 * FLEET_HOUR);
    head = *batch_head(fleet->batch);
    assert_int_equal(journal_prove_consistency(fleet->store, at_backup.pos, head.pos, proof, &count), STATUS_OK);
    assert_int_equal(
        merkle_verify_consistency(fleet->sha, at_backup.pos, &at_backup.root, head.pos, &head.root, proof, count),
        STATUS_OK);
    tidy(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statement__says_what_was_signed_and_nothing_else),
        cmocka_unit_test(new_epoch__devices_fill_it_again),
        cmocka_unit_test(statement__about_anything_else_refused),
        cmocka_unit_test(unsigned__the_first_push_that_shows_more_stops_it),
        cmocka_unit_test(forged_and_foreign_checkpoints__stop_nothing),
        cmocka_unit_test(several_epochs__every_checkpoint_has_its_place),
        cmocka_unit_test(epochs_and_engines__in_any_order),
        cmocka_unit_test(proofs__lead_across_epochs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
