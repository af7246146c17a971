/*
 * What the reader answers, against the real store: who is greeted, what a page holds, and who may see it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "doublecrew/v1/sync.pb-c.h"
#include "server/logic/session_read.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/store_fixture.h"

#define TEAM 7u
#define ROWS 600u

struct reading {
    struct store_fixture *stores;
    struct session_reader tools;
    struct sign_key *key;
    struct session_reply reply;
};

static void put_device(struct store *store, unsigned number, enum device_standing standing)
{
    struct device_row row = {.device = numbered_id(number)};
    struct sign_key *key = fixture_key("device");
    struct scope_member member = {.scope = {.kind = SCOPE_TEAM, .id = numbered_id(TEAM)}, .entered_pos = 1};

    row.log = numbered_id(100 + number);
    row.officer = numbered_id(200 + number);
    row.certificate_key_hash = numbered_hash(number);
    row.standing = standing;
    row.revoked_as_of_us = RULE_FOREVER;
    row.revocation_recorded_us = RULE_FOREVER;
    row.watermark_us = INT64_MIN;
    row.last_seq = number;
    row.last_hash = numbered_hash(900 + number);
    sign_key_public(key, &row.key);
    sign_key_free(key);
    assert_int_equal(store->ops->device_put(store, &row), STATUS_OK);
    assert_int_equal(store->ops->scope_member_put(store, &row.device, &member), STATUS_OK);
    member.scope.kind = SCOPE_SUPERVISORS;
    assert_int_equal(store->ops->scope_member_put(store, &row.device, &member), STATUS_OK);
}

static void put_row(struct store *store, enum scope_kind kind, struct span key, Doublecrew__V1__Row *row)
{
    struct scope scope = {.kind = kind, .id = numbered_id(TEAM)};
    struct view_row view = {.key = key, .pos = row->pos};
    uint8_t *bytes;
    size_t size;

    row->key = (ProtobufCBinaryData){key.size, (uint8_t *)(uintptr_t)key.data};
    assert_int_equal(wire_pack(&row->base, &bytes, &size), STATUS_OK);
    view.row = span_of(bytes, size);
    assert_int_equal(store->ops->view_put(store, &view), STATUS_OK);
    assert_int_equal(store->ops->feed_put(store, &scope, row->pos, key, false), STATUS_OK);
    free(bytes);
}

/* Teams as rows, because they are the smallest; row i at pos i / 100 + 1, so that pages end in the middle of one. */
static void put_rows(struct store *store)
{
    for (unsigned i = 0; i < ROWS; i++) {
        Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
        Doublecrew__V1__TeamRow team = DOUBLECREW__V1__TEAM_ROW__INIT;
        struct id id = numbered_id(i);
        uint8_t key[1 + ID_SIZE] = {'t'};

        memcpy(key + 1, id.bytes, ID_SIZE);
        row.pos = i / 100 + 1;
        row.row_case = DOUBLECREW__V1__ROW__ROW_TEAM;
        row.team = &team;
        put_row(store, SCOPE_TEAM, span_of(key, sizeof(key)), &row);
    }
}

static void put_flag(struct store *store, unsigned number, Doublecrew__V1__FlagState state)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__FlagRow flag = DOUBLECREW__V1__FLAG_ROW__INIT;
    struct hash id = numbered_hash(number);
    uint8_t key[1 + HASH_SIZE] = {'f'};

    memcpy(key + 1, id.bytes, HASH_SIZE);
    flag.flag_id = (ProtobufCBinaryData){HASH_SIZE, id.bytes};
    flag.state = state;
    row.pos = number;
    row.row_case = DOUBLECREW__V1__ROW__ROW_FLAG;
    row.flag = &flag;
    put_row(store, SCOPE_SUPERVISORS, span_of(key, sizeof(key)), &row);
}

static void fill(struct store *store)
{
    struct store_head head;

    for (unsigned i = 1; i <= 10; i++)
        assert_int_equal(store_fixture_commit(store, i), STATUS_OK);
    assert_int_equal(store->ops->begin(store), STATUS_OK);
    assert_int_equal(store->ops->head(store, &head), STATUS_OK);
    head.force = fixture_id("force");
    head.epoch = fixture_id("epoch");
    assert_int_equal(store->ops->head_put(store, &head), STATUS_OK);
    put_device(store, 1, DEVICE_ACTIVE);
    put_device(store, 2, DEVICE_SUSPENDED);
    put_device(store, 3, DEVICE_LOST);
    put_device(store, 4, DEVICE_EXPIRED);
    put_rows(store);
    put_flag(store, 8, DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_RAISED);
    put_flag(store, 9, DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_ACKNOWLEDGED);
    assert_int_equal(store->ops->commit(store), STATUS_OK);
}

static int setup(void **state)
{
    size_t count;
    void *backend = (void *)(uintptr_t)&store_backends(&count)[0];
    struct reading *reading = calloc(1, sizeof(*reading));

    assert_int_equal(store_fixture_setup(&backend), 0);
    reading->stores = backend;
    fill(reading->stores->writer);
    reading->key = fixture_key("checkpoint");
    reading->tools.store = reading->stores->reader;
    reading->tools.checkpoint_key = reading->key;
    sign_key_public(reading->key, &reading->tools.checkpoint_public);
    assert_int_equal(verify_key_new(&reading->tools.checkpoint_public, &reading->tools.checkpoint_verify), STATUS_OK);
    assert_int_equal(sha256_new(&reading->tools.sha), STATUS_OK);
    assert_int_equal(arena_new(&reading->tools.arena), STATUS_OK);
    *state = reading;
    return 0;
}

static int teardown(void **state)
{
    struct reading *reading = *state;
    void *stores = reading->stores;

    session_reply_done(&reading->reply);
    session_reader_done(&reading->tools);
    arena_free(reading->tools.arena);
    sha256_free(reading->tools.sha);
    verify_key_free(reading->tools.checkpoint_verify);
    sign_key_free(reading->key);
    free(reading);
    return store_fixture_teardown(&stores);
}

static const struct session_reply *ask(struct reading *reading, const struct session_request *request)
{
    session_reply_done(&reading->reply);
    session_read(&reading->tools, request, &reading->reply);
    return &reading->reply;
}

static struct session_request hello_of(unsigned device)
{
    struct session_request request = {.kind = SESSION_GREET, .certificate_key_hash = numbered_hash(device)};

    request.hello.log = numbered_id(100 + device);
    request.hello.boot = numbered_id(77);
    request.hello.monotonic_ms = 123;
    request.hello.time_us = (int64_t)1800000000123 * 1000;
    request.hello.epoch = fixture_id("epoch");
    return request;
}

static void greeting__holds_an_anchor_over_the_committed_head(void **state)
{
    struct reading *reading = *state;
    struct session_request request = hello_of(1);
    const struct session_greeting *greeting = &ask(reading, &request)->greeting;
    struct checkpoint anchor;

    assert_int_equal(reading->reply.status, STATUS_OK);
    assert_int_equal(checkpoint_open(reading->tools.sha, span_of(greeting->anchor, greeting->anchor_size),
                                     &reading->tools.checkpoint_public, reading->tools.checkpoint_verify, &anchor),
                     STATUS_OK);
    assert_true(anchor.is_anchor);
    assert_int_equal(anchor.size, greeting->head.pos);
    assert_true(anchor.time_ms == 1800000000123);
    assert_true(id_equal(&anchor.log, &request.hello.log));
    assert_true(id_equal(&anchor.boot, &request.hello.boot));
    assert_int_equal(anchor.monotonic_ms, 123);
    assert_int_equal(greeting->look.device.last_seq, 1);
    assert_int_equal(greeting->look.member_count, 2);
}

static void greeting__in_clock_trouble_holds_no_anchor(void **state)
{
    struct session_request request = hello_of(1);

    request.hello.clock_trouble = true;
    assert_int_equal(ask(*state, &request)->status, STATUS_OK);
    assert_int_equal(((struct reading *)*state)->reply.greeting.anchor_size, 0);
}

static void greeting__tells_flags_that_are_raised_and_not_acknowledged(void **state)
{
    struct reading *reading = *state;
    struct session_request request = hello_of(1);
    struct hash raised = numbered_hash(8);

    assert_int_equal(ask(reading, &request)->greeting.flag_count, 1);
    assert_true(hash_equal(&reading->reply.greeting.flags[0].flag, &raised));
    request.after.pos = 8;
    assert_int_equal(ask(reading, &request)->greeting.flag_count, 0); /* it has it */
    request = hello_of(2);
    assert_int_equal(ask(reading, &request)->greeting.flag_count, 0); /* suspended: may only push */
}

static void greeting__tells_no_flag_of_a_scope_that_was_left(void **state)
{
    struct reading *reading = *state;
    struct session_request request = hello_of(1);
    struct store *store = reading->stores->writer;
    struct scope_member left = {.scope = {SCOPE_SUPERVISORS, numbered_id(TEAM)}, .entered_pos = 1, .left_pos = 20};
    struct id device = numbered_id(1);

    assert_int_equal(store->ops->begin(store), STATUS_OK);
    assert_int_equal(store->ops->scope_member_put(store, &device, &left), STATUS_OK);
    assert_int_equal(store->ops->commit(store), STATUS_OK);
    assert_int_equal(ask(reading, &request)->greeting.flag_count, 0);
}

static void greeting__of_whom_it_should_not_greet_is_refused(void **state)
{
    struct session_request request = hello_of(55);

    assert_int_equal(ask(*state, &request)->status, STATUS_UNKNOWN_DEVICE);
    request = hello_of(3);
    assert_int_equal(ask(*state, &request)->status, STATUS_DEVICE_REVOKED);
    request = hello_of(1);
    request.hello.log = numbered_id(102);
    assert_int_equal(ask(*state, &request)->status, STATUS_UNKNOWN_LOG);
    request = hello_of(1);
    request.after.pos = 11; /* it has more than we: this store was set back (E2) */
    assert_int_equal(ask(*state, &request)->status, STATUS_STORE);
}

static void cursor__of_another_epoch_begins_again(void **state)
{
    struct session_request request = hello_of(1);

    request.after.pos = 11;
    request.hello.epoch = fixture_id("earlier epoch");
    assert_int_equal(ask(*state, &request)->status, STATUS_OK);
    assert_int_equal(((struct reading *)*state)->reply.greeting.after.pos, 0);
}

static enum status greet_with(struct reading *reading, const char *key_name, const char *epoch, uint64_t size)
{
    struct session_request request = hello_of(1);
    struct sign_key *key = fixture_key(key_name);
    struct checkpoint held = {.force = fixture_id("force"), .epoch = fixture_id(epoch), .size = size, .time_ms = 5};
    char text[CHECKPOINT_TEXT_MAX];

    assert_int_equal(checkpoint_sign(reading->tools.sha, &held, key, text, &request.checkpoint_size), STATUS_OK);
    memcpy(request.checkpoint, text, request.checkpoint_size);
    sign_key_free(key);
    return ask(reading, &request)->status;
}

static void checkpoint__that_the_device_holds_is_judged(void **state)
{
    assert_int_equal(greet_with(*state, "somebody else", "epoch", 3), STATUS_BAD_SIGNATURE);
    assert_int_equal(greet_with(*state, "checkpoint", "epoch", 11), STATUS_STORE_BEHIND);
    assert_int_equal(greet_with(*state, "checkpoint", "earlier epoch", 11), STATUS_STORE_BEHIND);
    assert_int_equal(greet_with(*state, "checkpoint", "epoch", 0), STATUS_OK);
}

static void sign_text(struct reading *reading, const char *epoch, uint64_t size, void *ret_text, size_t *ret_size)
{
    struct sign_key *key = fixture_key("checkpoint");
    struct checkpoint held = {.force = fixture_id("force"), .epoch = fixture_id(epoch), .size = size, .time_ms = 5};
    char text[CHECKPOINT_TEXT_MAX];

    assert_int_equal(checkpoint_sign(reading->tools.sha, &held, key, text, ret_size), STATUS_OK);
    memcpy(ret_text, text, *ret_size);
    sign_key_free(key);
}

/* The writer is handed the text that proves it, the device's own or a partner's that it carries (E2). */
static void store_that_is_behind__the_proof_is_handed_on(void **state)
{
    struct reading *reading = *state;
    struct session_request request = hello_of(1);
    struct checkpoint shown;

    sign_text(reading, "epoch", 11, request.checkpoint, &request.checkpoint_size);
    assert_int_equal(ask(reading, &request)->status, STATUS_STORE_BEHIND);
    assert_int_equal(checkpoint_read(span_of(reading->reply.shown, reading->reply.shown_size), &shown), STATUS_OK);
    assert_int_equal(shown.size, 11);

    request = hello_of(1);
    sign_text(reading, "epoch", 0, request.checkpoint, &request.checkpoint_size);
    sign_text(reading, "epoch", 0, request.witnesses[0].text, &request.witnesses[0].size);
    sign_text(reading, "epoch", 12, request.witnesses[1].text, &request.witnesses[1].size);
    request.witness_count = 2;
    assert_int_equal(ask(reading, &request)->status, STATUS_STORE_BEHIND);
    assert_int_equal(checkpoint_read(span_of(reading->reply.shown, reading->reply.shown_size), &shown), STATUS_OK);
    assert_int_equal(shown.size, 12);
}

static Doublecrew__V1__Delta *delta_of(const struct session_page *page, Doublecrew__V1__ServerMessage **ret_message)
{
    *ret_message = doublecrew__v1__server_message__unpack(NULL, page->size, page->bytes);
    assert_non_null(*ret_message);
    assert_int_equal((*ret_message)->message_case, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_DELTA);
    return (*ret_message)->delta;
}

static void pages__hold_every_row_once_in_order(void **state)
{
    struct reading *reading = *state;
    struct session_request request = {.kind = SESSION_PAGE, .certificate_key_hash = numbered_hash(1)};
    size_t rows = 0;
    unsigned pages = 0;
    bool last = false;

    while (!last) {
        Doublecrew__V1__ServerMessage *message;
        Doublecrew__V1__Delta *delta = delta_of(&ask(reading, &request)->page, &message);

        assert_int_equal(reading->reply.status, STATUS_OK);
        assert_true(delta->n_rows <= DELTA_ROWS_MAX);
        assert_int_equal(delta->from_cursor, request.after.pos);
        for (size_t i = 0; i < delta->n_rows && rows < ROWS; i++, rows++)
            assert_int_equal(get_u32(delta->rows[i]->key.data + ID_SIZE - 3), rows);
        last = delta->last;
        request.after = reading->reply.page.to;
        assert_int_equal(delta->to_cursor, request.after.pos);
        assert_int_equal(delta->to_key.len, request.after.key_size);
        doublecrew__v1__server_message__free_unpacked(message, NULL);
        pages++;
    }
    assert_int_equal(rows, ROWS);
    assert_int_equal(pages, 3);
    assert_int_equal(request.after.pos, 10);
    assert_int_equal(request.after.key_size, 0);
    assert_int_equal(ask(reading, &request)->page.row_count, 0);
    assert_true(reading->reply.page.last);
}

static void page__tells_what_left_the_scope(void **state)
{
    struct reading *reading = *state;
    struct store *store = reading->stores->writer;
    struct scope scope = {.kind = SCOPE_TEAM, .id = numbered_id(TEAM)};
    struct session_request request = {
        .kind = SESSION_PAGE, .certificate_key_hash = numbered_hash(1), .after = {.pos = 9}};
    uint8_t key[1 + ID_SIZE] = {'t'};
    Doublecrew__V1__ServerMessage *message;
    Doublecrew__V1__Delta *delta;

    assert_int_equal(store->ops->begin(store), STATUS_OK);
    assert_int_equal(store->ops->feed_put(store, &scope, 10, span_of(key, sizeof(key)), true), STATUS_OK);
    assert_int_equal(store->ops->commit(store), STATUS_OK);
    delta = delta_of(&ask(reading, &request)->page, &message);
    assert_int_equal(delta->n_rows, 1);
    assert_int_equal(delta->rows[0]->row_case, DOUBLECREW__V1__ROW__ROW_TOMBSTONE);
    assert_int_equal(delta->rows[0]->pos, 10);
    assert_memory_equal(delta->rows[0]->key.data, key, sizeof(key));
    doublecrew__v1__server_message__free_unpacked(message, NULL);
}

static void page__is_for_active_devices_only(void **state)
{
    struct session_request request = {.kind = SESSION_PAGE};
    static const enum status expected[] = {STATUS_OK, STATUS_DEVICE_SUSPENDED, STATUS_DEVICE_REVOKED,
                                           STATUS_DEVICE_SUSPENDED, STATUS_UNKNOWN_DEVICE};

    for (unsigned device = 1; device <= 5; device++) {
        request.certificate_key_hash = numbered_hash(device);
        assert_int_equal(ask(*state, &request)->status, expected[device - 1]);
    }
}

/* The digest of all pages from the beginning. */
static struct hash walk(struct reading *reading, bool ahead)
{
    struct session_request request = {.kind = SESSION_PAGE, .certificate_key_hash = numbered_hash(1), .more = ahead};
    struct hash digest = {{0}};
    bool last = false;

    while (!last) {
        assert_int_equal(ask(reading, &request)->status, STATUS_OK);
        assert_false(reading->tools.ahead.ready);
        const struct session_page *page = &reading->reply.page;
        struct span parts[] = {span_of(digest.bytes, HASH_SIZE), span_of(page->bytes, page->size)};

        assert_int_equal(sha256_parts(reading->tools.sha, parts, 2, &digest), STATUS_OK);
        last = page->last;
        request.after = page->to;
        session_read_ahead(&reading->tools);
        assert_int_equal(reading->tools.ahead.ready, ahead && !last);
    }
    return digest;
}

static void pages__read_ahead_are_what_would_have_been_read(void **state)
{
    struct hash plain = walk(*state, false), ahead = walk(*state, true);

    assert_memory_equal(ahead.bytes, plain.bytes, HASH_SIZE);
}

static void read_one_ahead(struct reading *reading, struct session_request *ret_next)
{
    *ret_next = (struct session_request){.kind = SESSION_PAGE, .certificate_key_hash = numbered_hash(1), .more = true};
    assert_int_equal(ask(reading, ret_next)->status, STATUS_OK);
    ret_next->after = reading->reply.page.to;
    session_read_ahead(&reading->tools);
    assert_true(reading->tools.ahead.ready);
}

/* Whoever was suspended meanwhile gets nothing of it (D1, P4). */
static void page__read_ahead_before_a_commit_is_read_again(void **state)
{
    struct reading *reading = *state;
    struct store *store = reading->stores->writer;
    struct session_request next;

    read_one_ahead(reading, &next);
    assert_int_equal(store->ops->begin(store), STATUS_OK);
    put_device(store, 1, DEVICE_SUSPENDED);
    assert_int_equal(store->ops->commit(store), STATUS_OK);
    assert_int_equal(store_fixture_commit(store, 11), STATUS_OK);
    assert_int_equal(ask(reading, &next)->status, STATUS_DEVICE_SUSPENDED);
    assert_false(reading->tools.ahead.ready);
}

static void page__read_ahead_is_for_who_asked(void **state)
{
    struct reading *reading = *state;
    struct session_request next;

    read_one_ahead(reading, &next);
    next.certificate_key_hash = numbered_hash(2); /* suspended */
    assert_int_equal(ask(reading, &next)->status, STATUS_DEVICE_SUSPENDED);
    read_one_ahead(reading, &next);
    next.after = (struct feed_cursor){.pos = 9};
    assert_int_equal(ask(reading, &next)->page.row_count, 0);
    assert_true(reading->reply.page.last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(greeting__holds_an_anchor_over_the_committed_head, setup, teardown),
        cmocka_unit_test_setup_teardown(greeting__in_clock_trouble_holds_no_anchor, setup, teardown),
        cmocka_unit_test_setup_teardown(greeting__tells_flags_that_are_raised_and_not_acknowledged, setup, teardown),
        cmocka_unit_test_setup_teardown(greeting__tells_no_flag_of_a_scope_that_was_left, setup, teardown),
        cmocka_unit_test_setup_teardown(greeting__of_whom_it_should_not_greet_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(cursor__of_another_epoch_begins_again, setup, teardown),
        cmocka_unit_test_setup_teardown(checkpoint__that_the_device_holds_is_judged, setup, teardown),
        cmocka_unit_test_setup_teardown(store_that_is_behind__the_proof_is_handed_on, setup, teardown),
        cmocka_unit_test_setup_teardown(pages__hold_every_row_once_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(page__tells_what_left_the_scope, setup, teardown),
        cmocka_unit_test_setup_teardown(page__is_for_active_devices_only, setup, teardown),
        cmocka_unit_test_setup_teardown(pages__read_ahead_are_what_would_have_been_read, setup, teardown),
        cmocka_unit_test_setup_teardown(page__read_ahead_before_a_commit_is_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(page__read_ahead_is_for_who_asked, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
