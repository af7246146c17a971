/* Co-signing without signal, rescue, and the verdict's preview. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rule.h"
#include "tests/lib/device_fixture.h"

#define MINUTE_MS 60000

struct pair {
    struct device_fixture a;
    struct device_fixture b;
};

struct code {
    enum dc_status status;
    uint8_t bytes[DC_CODE_SIZE_MAX];
    size_t size;
    unsigned calls;
};

static void keep_code(void *context, enum dc_status status, const uint8_t *bytes, size_t size)
{
    struct code *code = context;

    code->status = status;
    code->size = size;
    code->calls++;
    if (status == DC_OK) {
        memcpy(code->bytes, bytes, size);
    }
}

/* The roster as the server's rows would bring it. */
static void know_officer_as(struct device_fixture *fixture, struct dc_id officer, int role)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__OfficerRow officer_row = DOUBLECREW__V1__OFFICER_ROW__INIT;
    Doublecrew__V1__Officer message = DOUBLECREW__V1__OFFICER__INIT;
    uint8_t key[1 + ID_SIZE] = {'o'};
    struct store_row stored = {.pos = 1};
    uint8_t *bytes = NULL;
    size_t size = 0;

    memcpy(key + 1, officer.bytes, ID_SIZE);
    message.officer_id = (ProtobufCBinaryData){.data = officer.bytes, .len = ID_SIZE};
    message.role = (Doublecrew__V1__Role)role;
    message.accredited = true;
    officer_row.officer = &message;
    row.row_case = DOUBLECREW__V1__ROW__ROW_OFFICER;
    row.officer = &officer_row;
    row.pos = 1;
    row.key = (ProtobufCBinaryData){.data = key, .len = sizeof key};
    assert_int_equal(wire_pack(&row.base, &bytes, &size), STATUS_OK);
    stored.key = span_of(key, sizeof key);
    stored.bytes = span_of(bytes, size);
    assert_int_equal(store_begin(fixture->device->store), STATUS_OK);
    assert_int_equal(store_put_row(fixture->device->store, &stored), STATUS_OK);
    assert_int_equal(store_commit(fixture->device->store), STATUS_OK);
    free(bytes);
}

static void know_officer(struct device_fixture *fixture, struct dc_id officer)
{
    know_officer_as(fixture, officer, DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER);
}

static int set_up(void **state)
{
    struct pair *pair = malloc(sizeof *pair);

    assert_non_null(pair);
    device_fixture_init(&pair->a, 1);
    device_fixture_init(&pair->b, 2);
    device_fixture_open(&pair->a);
    device_fixture_open(&pair->b);
    know_officer(&pair->a, pair->a.config.officer);
    know_officer(&pair->a, pair->b.config.officer);
    know_officer(&pair->b, pair->a.config.officer);
    know_officer(&pair->b, pair->b.config.officer);
    *state = pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;

    device_fixture_done(&pair->a);
    device_fixture_done(&pair->b);
    free(pair);
    return 0;
}

static void later(struct pair *pair, uint64_t ms)
{
    pair->a.monotonic_ms += ms;
    pair->b.monotonic_ms += ms;
    pair->a.wall_ms += (int64_t)ms;
    pair->b.wall_ms += (int64_t)ms;
}

static struct dc_hash check_in(struct device_fixture *fixture, enum dc_with with, const struct dc_id *named)
{
    struct dc_check_in in = {.offender = device_fixture_id(7), .with = with};
    struct dc_hash presence;

    if (fixture == NULL) /* never; the analyser follows cmocka's macros badly */
        abort();
    if (named) {
        in.named[in.named_count++] = *named;
    }
    assert_int_equal(dc_check_in(fixture->device, &in, &presence), DC_OK);
    return presence;
}

static struct dc_hash check_out(struct device_fixture *fixture, const struct dc_hash *presence)
{
    struct dc_hash entry;

    assert_int_equal(dc_check_out(fixture->device, presence, NULL, &entry), DC_OK);
    return entry;
}

static void cosign(struct pair *pair, struct dc_hash *ret_a, struct dc_hash *ret_b)
{
    struct dc_check_in empty = {.with = DC_WITH_UNRECORDED};
    struct code code = {0};
    struct code reply = {0};
    struct dc_hash partner;

    *ret_a = check_in(&pair->a, DC_WITH_NAMED, &pair->b.config.officer);
    assert_int_equal(dc_cosign_show(pair->a.device, ret_a, keep_code, &code), DC_OK);
    assert_int_equal(code.calls, 1);
    assert_int_equal(code.status, DC_OK);
    assert_in_range(code.size, 100, DC_CODE_SIZE_MAX);
    later(pair, 9000);
    assert_int_equal(dc_cosign_read(pair->b.device, code.bytes, code.size, &empty, ret_b, keep_code, &reply), DC_OK);
    assert_int_equal(reply.status, DC_OK);
    later(pair, 6000);
    assert_int_equal(dc_cosign_confirm(pair->a.device, reply.bytes, reply.size, &partner), DC_OK);
    assert_memory_equal(partner.bytes, ret_b->bytes, sizeof partner.bytes);
}

struct confirm_found {
    struct pair *pair;
    unsigned carried;
    uint32_t round_trip_ms;
};

static bool on_entry(void *context, const struct entry *entry)
{
    struct confirm_found *found = context;
    struct arena *arena = found->pair->a.arena;
    ProtobufCMessage *message = NULL;

    if (entry->header.kind == DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED) {
        found->carried++;
    }
    if (entry->header.kind == DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_COSIGN_CONFIRM) {
        assert_int_equal(
            wire_unpack(arena, &doublecrew__v1__cosign_confirm__descriptor, entry_message(entry), &message), STATUS_OK);
        found->round_trip_ms = ((const Doublecrew__V1__CosignConfirm *)message)->round_trip_ms;
    }
    return true;
}

static void cosign__leaves_each_log_with_the_others_entry(void **state)
{
    struct pair *pair = *state;
    struct confirm_found found = {.pair = pair};
    struct dc_hash a;
    struct dc_hash b;

    cosign(pair, &a, &b);
    assert_int_equal(store_each_entry(pair->a.device->store, 1, on_entry, &found), STATUS_OK);
    assert_int_equal(found.carried, 1);
    assert_int_equal(found.round_trip_ms, 15000);
    found.carried = 0;
    assert_int_equal(store_each_entry(pair->b.device->store, 1, on_entry, &found), STATUS_OK);
    assert_int_equal(found.carried, 1);
}

static void cosign__refuses_what_does_not_fit(void **state)
{
    struct pair *pair = *state;
    struct dc_check_in empty = {.with = DC_WITH_UNRECORDED};
    struct code code = {0};
    struct code reply = {0};
    struct dc_hash presence = check_in(&pair->a, DC_WITH_UNRECORDED, NULL);
    struct dc_hash nothing = {{1}};

    assert_int_equal(dc_cosign_show(pair->a.device, &nothing, keep_code, &code), DC_NOT_FOUND);
    assert_int_equal(dc_cosign_show(pair->a.device, &presence, keep_code, &code), DC_OK);
    assert_int_equal(dc_cosign_read(pair->a.device, code.bytes, code.size, &empty, NULL, keep_code, &reply),
                     DC_CODE_OWN);
    code.bytes[code.size - 5] ^= 1; /* within the signature */
    assert_int_equal(dc_cosign_read(pair->b.device, code.bytes, code.size, &empty, NULL, keep_code, &reply),
                     DC_BAD_SIGNATURE);
    code.bytes[code.size - 5] ^= 1;
    assert_int_equal(dc_cosign_read(pair->b.device, code.bytes, 30, &empty, NULL, keep_code, &reply), DC_MALFORMED);
    assert_int_equal(dc_cosign_confirm(pair->a.device, code.bytes, code.size, NULL), DC_NOT_FOUND);
    assert_int_equal(pair->b.device->head.seq, 0);
    assert_int_equal(reply.calls, 0);
    assert_int_equal(dc_cosign_read(pair->b.device, code.bytes, code.size, &empty, NULL, keep_code, &reply), DC_OK);
    assert_int_equal(dc_cosign_show(pair->a.device, &presence, keep_code, &code), DC_OK); /* a new code */
    assert_int_equal(dc_cosign_confirm(pair->a.device, reply.bytes, reply.size, NULL), DC_NOT_FOUND);
}

static void cosign__needs_an_officer_of_the_roster(void **state)
{
    struct pair *pair = *state;
    struct dc_check_in empty = {.with = DC_WITH_UNRECORDED};
    struct code code = {0};
    struct dc_hash presence = check_in(&pair->a, DC_WITH_UNRECORDED, NULL);
    uint8_t key[1 + ID_SIZE] = {'o'};

    memcpy(key + 1, pair->a.config.officer.bytes, ID_SIZE);
    assert_int_equal(store_begin(pair->b.device->store), STATUS_OK);
    assert_int_equal(store_delete_row(pair->b.device->store, span_of(key, sizeof key)), STATUS_OK);
    assert_int_equal(store_commit(pair->b.device->store), STATUS_OK);
    assert_int_equal(dc_cosign_show(pair->a.device, &presence, keep_code, &code), DC_OK);
    assert_int_equal(dc_cosign_read(pair->b.device, code.bytes, code.size, &empty, NULL, keep_code, &code),
                     DC_UNKNOWN_OFFICER);
}

/* A code by the first phone, read by the second. */
static enum dc_status read_code(struct pair *pair, const struct code *code, const struct dc_check_in *check_in)
{
    struct code reply = {0};
    uint64_t before = pair->b.device->head.seq;
    enum dc_status status = dc_cosign_read(pair->b.device, code->bytes, code->size, check_in, NULL, keep_code, &reply);

    assert_int_equal(reply.calls, status == DC_OK ? 1 : 0);
    assert_int_equal(pair->b.device->head.seq, before + (status == DC_OK ? 2 : 0)); /* both entries, or none */
    assert_true(strlen(dc_status_what(status)) > 5 && strlen(dc_status_advice(status)) > 5);
    return status;
}

static const struct dc_check_in unrecorded = {.with = DC_WITH_UNRECORDED};

static struct code show(struct pair *pair)
{
    struct dc_hash presence = check_in(&pair->a, DC_WITH_UNRECORDED, NULL);
    struct code code = {0};

    assert_int_equal(dc_cosign_show(pair->a.device, &presence, keep_code, &code), DC_OK);
    return code;
}

/* Magic, stage, nonce, key, push: one bit anywhere, and nothing is recorded. The stage and the nonce aren't signed; they are
 * compared with what was shown when the reply comes back. */
static void code__any_bit_altered__is_refused(void **state)
{
    struct pair *pair = *state;
    struct code code = show(pair);
    unsigned malformed = 0, bad_signature = 0;

    for (size_t bit = 0; bit < 8 * code.size; bit++) {
        enum dc_status status;

        if (bit / 8 >= 5 && bit / 8 < 5 + ID_SIZE) {
            continue; /* the nonce: see below */
        }
        code.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        status = read_code(pair, &code, &unrecorded);
        code.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        malformed += status == DC_MALFORMED;
        bad_signature += status == DC_BAD_SIGNATURE;
        assert_true(status == DC_MALFORMED || status == DC_BAD_SIGNATURE);
    }
    assert_true(malformed > 0 && bad_signature > 0);
    assert_int_equal(read_code(pair, &code, &unrecorded), DC_OK);
}

static void code__nonce_altered__is_not_confirmed(void **state)
{
    struct pair *pair = *state;
    struct code code = show(pair), reply = {0};

    code.bytes[7] ^= 1;
    assert_int_equal(dc_cosign_read(pair->b.device, code.bytes, code.size, &unrecorded, NULL, keep_code, &reply),
                     DC_OK);
    assert_int_equal(dc_cosign_confirm(pair->a.device, reply.bytes, reply.size, NULL), DC_NOT_FOUND);
}

static void code__read_twice__is_used(void **state)
{
    struct pair *pair = *state;
    struct code code = show(pair);

    assert_int_equal(read_code(pair, &code, &unrecorded), DC_OK);
    later(pair, 5 * MINUTE_MS);
    assert_int_equal(read_code(pair, &code, &unrecorded), DC_CODE_USED);
}

/* Another code of the same visit is still that visit. */
static void code__another_of_the_same_check_in__is_used(void **state)
{
    struct pair *pair = *state;
    struct dc_hash presence = check_in(&pair->a, DC_WITH_UNRECORDED, NULL);
    struct code code = {0};

    assert_int_equal(dc_cosign_show(pair->a.device, &presence, keep_code, &code), DC_OK);
    assert_int_equal(read_code(pair, &code, &unrecorded), DC_OK);
    assert_int_equal(dc_cosign_show(pair->a.device, &presence, keep_code, &code), DC_OK);
    assert_int_equal(read_code(pair, &code, &unrecorded), DC_CODE_USED);
}

static void code__of_another_offender__is_elsewhere(void **state)
{
    struct pair *pair = *state;
    struct dc_check_in elsewhere = {.offender = device_fixture_id(8), .with = DC_WITH_UNRECORDED};
    struct dc_check_in here = {.offender = device_fixture_id(7), .with = DC_WITH_UNRECORDED};
    struct code code = show(pair);

    assert_int_equal(read_code(pair, &code, &elsewhere), DC_CODE_ELSEWHERE);
    assert_int_equal(read_code(pair, &code, &here), DC_OK);
}

static void code__by_the_officers_own_second_phone__is_own(void **state)
{
    struct pair *pair = *state;
    struct code code;

    device_fixture_done(&pair->a);
    device_fixture_init(&pair->a, 3);
    pair->a.config.officer = pair->b.config.officer;
    device_fixture_open(&pair->a);
    code = show(pair);
    assert_int_equal(read_code(pair, &code, &unrecorded), DC_CODE_OWN);
}

static void code__by_staff__is_not_entitled(void **state)
{
    struct pair *pair = *state;
    struct code code = show(pair);

    know_officer_as(&pair->b, pair->a.config.officer, DOUBLECREW__V1__ROLE__ROLE_STAFF);
    assert_int_equal(read_code(pair, &code, &unrecorded), DC_NOT_ENTITLED);
}

/* Both have met the server since they were switched on: then it is certain how old the check-in is. */
static void code__of_a_visit_that_is_over__is_stale(void **state)
{
    struct pair *pair = *state;
    struct code code;

    device_fixture_online(&pair->a);
    device_fixture_online(&pair->b);
    later(pair, MINUTE_MS);
    code = show(pair);
    later(pair, (uint64_t)181 * MINUTE_MS);
    assert_int_equal(read_code(pair, &code, &unrecorded), DC_CODE_STALE);
}

static void code__within_the_longest_visit__is_taken(void **state)
{
    struct pair *pair = *state;
    struct code code;

    device_fixture_online(&pair->a);
    device_fixture_online(&pair->b);
    later(pair, MINUTE_MS);
    code = show(pair);
    later(pair, (uint64_t)179 * MINUTE_MS);
    assert_int_equal(read_code(pair, &code, &unrecorded), DC_OK);
}

/* A wall clock a day fast proves nothing: the code of a minute ago is taken, and one of yesterday by a phone that can't know. */
static void code__age_by_the_wall_clock_alone__is_no_ground(void **state)
{
    struct pair *pair = *state;
    struct code code;

    device_fixture_online(&pair->a);
    later(pair, MINUTE_MS);
    code = show(pair);
    later(pair, MINUTE_MS);
    pair->b.wall_ms += (int64_t)24 * 60 * MINUTE_MS;
    assert_int_equal(read_code(pair, &code, &unrecorded), DC_OK);
}

static void preview__alone_by_statement_is_lone_and_says_that_it_is_a_preview(void **state)
{
    struct pair *pair = *state;
    struct dc_verdict verdict;
    struct dc_hash presence;
    struct dc_hash nothing = {{1}};

    device_fixture_online(&pair->a);
    later(pair, MINUTE_MS);
    presence = check_in(&pair->a, DC_WITH_ALONE, NULL);
    later(pair, 30 * MINUTE_MS);
    check_out(&pair->a, &presence);
    assert_int_equal(dc_preview(pair->a.device, &presence, &verdict), DC_OK);
    assert_string_equal(verdict.company, "lone_confirmed");
    assert_string_equal(verdict.confirmed_by, "statement");
    /* The server's own sentence (core/rule_explain.h), not one of the phone's. */
    assert_non_null(strstr(verdict.why, "Lone, confirmed: the officer said so at the check-in; there for"));
    assert_true(verdict.preview);
    assert_string_equal(verdict.authority, "");
    assert_in_range(verdict.alone_min_s, 1790, 1800);
    assert_in_range(verdict.alone_max_s, 1800, 1810);
    assert_non_null(strstr(verdict.awaits, "This phone's next sync"));
    assert_int_equal(dc_preview(pair->a.device, &nothing, &verdict), DC_NOT_FOUND);
}

static void preview__a_named_partner_is_awaited(void **state)
{
    struct pair *pair = *state;
    struct dc_verdict verdict;
    struct dc_hash presence;

    device_fixture_online(&pair->a);
    later(pair, MINUTE_MS);
    presence = check_in(&pair->a, DC_WITH_NAMED, &pair->b.config.officer);
    later(pair, 30 * MINUTE_MS);
    check_out(&pair->a, &presence);
    later(pair, 48 * 60 * MINUTE_MS); /* however long: a silent phone never makes it lone */
    assert_int_equal(dc_preview(pair->a.device, &presence, &verdict), DC_OK);
    assert_string_equal(verdict.company, "awaiting_second");
    assert_non_null(strstr(verdict.awaits, "second officer's phone"));
}

static void preview__a_cosigned_partner_makes_it_joint_so_far_without_any_server(void **state)
{
    struct pair *pair = *state;
    struct dc_verdict verdict;
    struct dc_hash a;
    struct dc_hash b;

    cosign(pair, &a, &b);
    later(pair, 5 * MINUTE_MS);
    assert_int_equal(dc_preview(pair->a.device, &a, &verdict), DC_OK);
    assert_string_equal(verdict.company, "joint_so_far");
    assert_non_null(strstr(verdict.why, "Joint so far, grade "));
    /* The second phone knows that the first checked in before it, but not how long before: it must not promise. */
    assert_int_equal(dc_preview(pair->b.device, &b, &verdict), DC_OK);
    assert_string_equal(verdict.company, "time_unproven");
}

static bool read_presence(void *context, const struct dc_presence *presence)
{
    struct dc_presence *found = context;

    *found = *presence;
    return true;
}

static void presences__own_ones_are_there_before_the_server_knows_them(void **state)
{
    struct pair *pair = *state;
    struct dc_presence found = {.own = false};
    struct dc_hash presence = check_in(&pair->a, DC_WITH_ALONE, NULL);

    assert_int_equal(dc_outcome(pair->a.device, &presence, DC_OUTCOME_NOT_IN, NULL), DC_OK);
    assert_int_equal(dc_each_presence(pair->a.device, &presence, read_presence, &found), DC_OK);
    assert_true(found.own);
    assert_true(found.pending);
    assert_true(found.verdict.preview);
    assert_int_equal(found.outcome, DC_OUTCOME_NOT_IN);
    assert_int_equal(found.received_ms, 0);
}

struct rescued {
    uint8_t pushes[4][70000];
    size_t sizes[4];
    size_t count;
    unsigned ends;
};

static bool keep_push(void *context, enum dc_status status, const uint8_t *push, size_t size)
{
    struct rescued *rescued = context;

    assert_int_equal(status, DC_OK);
    if (!push) {
        rescued->ends++;
        return true;
    }
    memcpy(rescued->pushes[rescued->count], push, size);
    rescued->sizes[rescued->count++] = size;
    return true;
}

static void rescue__exports_what_another_log_can_carry(void **state)
{
    struct pair *pair = *state;
    struct rescued *rescued = calloc(1, sizeof *rescued);
    struct dc_subject subject = {.offender = device_fixture_id(7)};
    char *text = malloc(30001);

    assert_non_null(rescued);
    assert_non_null(text);
    memset(text, 'a', 30000);
    text[30000] = '\0';
    for (int i = 0; i < 3; i++) {
        assert_int_equal(dc_note(pair->a.device, &subject, text, NULL, NULL), DC_OK);
    }
    assert_int_equal(dc_export_pending(pair->a.device, keep_push, rescued), DC_OK);
    assert_int_equal(rescued->ends, 1);
    assert_in_range(rescued->count, 2, 3);
    for (size_t i = 0; i < rescued->count; i++) {
        assert_int_equal(dc_carry(pair->b.device, rescued->pushes[i], rescued->sizes[i], NULL), DC_OK);
    }
    assert_int_equal(dc_carry(pair->b.device, rescued->pushes[0], 40, NULL), DC_MALFORMED);
    free(text);
    free(rescued);
}

/* A's check-in names what the server had shown to A; B carries it, and asks the server about it (K1). */
static void cosign_with_what_a_was_shown(struct pair *pair)
{
    struct dc_hash a, b;

    device_fixture_grow(&pair->a, 5);
    device_fixture_online(&pair->a);
    device_disconnected(pair->a.device, STATUS_NETWORK);
    cosign(pair, &a, &b);
}

static enum dc_status reason_of(struct device_fixture *fixture)
{
    struct dc_sync_status status;

    dc_sync_status(fixture->device, &status);
    return status.reason;
}

static void witness__shown_until_the_server_proves_that_it_goes_on_from_there(void **state)
{
    struct pair *pair = *state;

    cosign_with_what_a_was_shown(pair);
    pair->b.tree = pair->a.tree;
    device_fixture_grow(&pair->b, 3);
    device_fixture_reopen(&pair->b); /* kept across a restart of the app */
    device_fixture_connect(&pair->b);
    assert_int_equal(device_fixture_last(&pair->b)->hello->n_witness_checkpoints, 1);
    device_disconnected(pair->b.device, STATUS_NETWORK); /* no answer: shown again */
    device_fixture_online(&pair->b);
    assert_int_equal(reason_of(&pair->b), DC_OK);
    device_disconnected(pair->b.device, STATUS_NETWORK);
    device_fixture_connect(&pair->b);
    assert_int_equal(device_fixture_last(&pair->b)->hello->n_witness_checkpoints, 0);
}

static void witness__of_another_history_stops_the_session(void **state)
{
    struct pair *pair = *state;

    cosign_with_what_a_was_shown(pair);
    device_fixture_grow(&pair->b, 9); /* B's server: the same key, another tree */
    pair->b.tree.edge[0][2].bytes[0] ^= 1;
    device_fixture_connect(&pair->b);
    device_fixture_welcome(&pair->b, 0, NULL, 512);
    assert_int_equal(reason_of(&pair->b), DC_DIVERGED);
    assert_false(pair->b.device->sync.has_checkpoint);
    device_fixture_connect(&pair->b); /* and stays so */
    assert_int_equal(device_fixture_last(&pair->b)->hello->n_witness_checkpoints, 1);
}

static void witness__larger_than_what_is_shown_now(void **state)
{
    struct pair *pair = *state;

    cosign_with_what_a_was_shown(pair);
    device_fixture_grow(&pair->b, 4);
    device_fixture_connect(&pair->b);
    device_fixture_welcome(&pair->b, 0, NULL, 512);
    assert_int_equal(reason_of(&pair->b), DC_DIVERGED);
}

static void witness__whose_proof_is_left_out(void **state)
{
    struct pair *pair = *state;

    cosign_with_what_a_was_shown(pair);
    pair->b.tree = pair->a.tree;
    device_fixture_grow(&pair->b, 3);
    pair->b.no_witness_proofs = true;
    device_fixture_connect(&pair->b);
    device_fixture_welcome(&pair->b, 0, NULL, 512);
    assert_int_equal(reason_of(&pair->b), DC_DIVERGED);
}

/* After a restore the store has a new epoch: what was shown before says nothing of it (E2). */
static void witness__of_another_epoch_says_nothing(void **state)
{
    struct pair *pair = *state;

    cosign_with_what_a_was_shown(pair);
    memset(pair->b.epoch.bytes, 0xe2, ID_SIZE);
    device_fixture_online(&pair->b);
    assert_int_equal(reason_of(&pair->b), DC_OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* Five days in the cellar: colleagues' rows can't be read any more, but who may be second is still known. */
static void cosign__works_while_the_rows_are_sealed(void **state)
{
    struct pair *pair = *state;
    struct dc_hash a;
    struct dc_hash b;

    device_fixture_online(&pair->b);
    device_fixture_page(&pair->b, pair->b.device->sync.feed.cursor + 1, true);
    device_disconnected(pair->b.device, STATUS_NETWORK);
    later(pair, (uint64_t)121 * 60 * MINUTE_MS);
    pair->b.timer_ms += (uint64_t)121 * 60 * MINUTE_MS;
    assert_int_equal(dc_each_officer(pair->b.device, NULL, NULL, NULL), DC_SEALED);
    cosign(pair, &a, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(cosign__leaves_each_log_with_the_others_entry),
        CASE(cosign__refuses_what_does_not_fit),
        CASE(cosign__needs_an_officer_of_the_roster),
        CASE(cosign__works_while_the_rows_are_sealed),
        CASE(code__any_bit_altered__is_refused),
        CASE(code__nonce_altered__is_not_confirmed),
        CASE(code__read_twice__is_used),
        CASE(code__another_of_the_same_check_in__is_used),
        CASE(code__of_another_offender__is_elsewhere),
        CASE(code__by_the_officers_own_second_phone__is_own),
        CASE(code__by_staff__is_not_entitled),
        CASE(code__of_a_visit_that_is_over__is_stale),
        CASE(code__within_the_longest_visit__is_taken),
        CASE(code__age_by_the_wall_clock_alone__is_no_ground),
        CASE(preview__alone_by_statement_is_lone_and_says_that_it_is_a_preview),
        CASE(preview__a_named_partner_is_awaited),
        CASE(preview__a_cosigned_partner_makes_it_joint_so_far_without_any_server),
        CASE(presences__own_ones_are_there_before_the_server_knows_them),
        CASE(rescue__exports_what_another_log_can_carry),
        CASE(witness__shown_until_the_server_proves_that_it_goes_on_from_there),
        CASE(witness__of_another_history_stops_the_session),
        CASE(witness__larger_than_what_is_shown_now),
        CASE(witness__whose_proof_is_left_out),
        CASE(witness__of_another_epoch_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
