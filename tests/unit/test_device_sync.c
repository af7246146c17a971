/* The whole device against a server that the test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/device_fixture.h"

static int set_up(void **state)
{
    struct device_fixture *fixture = malloc(sizeof *fixture);

    assert_non_null(fixture);
    device_fixture_init(fixture, 1);
    device_fixture_open(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    device_fixture_done(*state);
    free(*state);
    return 0;
}

static void check_in(struct device_fixture *fixture)
{
    struct dc_check_in in = {.offender = device_fixture_id(7), .with = DC_WITH_ALONE};

    fixture->monotonic_ms += 10;
    fixture->wall_ms += 10;
    assert_int_equal(dc_check_in(fixture->device, &in, NULL), DC_OK);
}

static struct dc_sync_status status_of(struct device_fixture *fixture)
{
    struct dc_sync_status status;

    dc_sync_status(fixture->device, &status);
    return status;
}

static void tick(struct device_fixture *fixture, uint64_t after_ms)
{
    fixture->timer_ms += after_ms;
    device_timer(fixture->device);
}

static void send_error(struct device_fixture *fixture, Doublecrew__V1__ErrorCode code, Doublecrew__V1__Remedy remedy,
                       uint32_t retry_after_ms, uint64_t durable_seq, const struct hash *durable_hash, bool closes)
{
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Error error = DOUBLECREW__V1__ERROR__INIT;
    struct hash hash = {{0}};

    if (durable_hash) {
        hash = *durable_hash;
    }
    error.code = code;
    error.remedy = remedy;
    error.retry_after_ms = retry_after_ms;
    error.durable_seq = durable_seq;
    error.durable_hash = (ProtobufCBinaryData){.data = hash.bytes, .len = durable_seq ? HASH_SIZE : 0};
    error.closes = closes;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR;
    message.error = &error;
    device_fixture_receive(fixture, &message);
}

static void session__pushes_what_is_pending_and_forgets_it_after_the_ack(void **state)
{
    struct device_fixture *fixture = *state;
    struct sign_key *key = NULL;
    struct public_key public_key;
    struct verify_key *verify = NULL;
    struct push push;

    check_in(fixture);
    check_in(fixture);
    device_fixture_online(fixture);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.entry_count, 2);
    assert_int_equal(push.session_received_ms, fixture->device->sync.welcome_received_ms);
    assert_int_equal(sign_key_from_pem(span_of(fixture->pem, strlen(fixture->pem)), &key), STATUS_OK);
    sign_key_public(key, &public_key);
    assert_int_equal(verify_key_new(&public_key, &verify), STATUS_OK);
    assert_int_equal(push_verify(&push, verify), STATUS_OK);
    assert_int_equal(status_of(fixture).pending_entries, 2);
    device_fixture_ack(fixture, 41);
    assert_int_equal(status_of(fixture).pending_entries, 0);
    assert_int_equal(status_of(fixture).durable_seq, 2);
    assert_int_equal(device_fixture_event(fixture, DC_EVENT_ACK)->count, 2);
    device_fixture_reopen(fixture);
    assert_int_equal(status_of(fixture).durable_seq, 2);
    verify_key_free(verify);
    sign_key_free(key);
}

static void add_note(struct device_fixture *fixture, const char *text)
{
    struct dc_subject subject = {.offender = device_fixture_id(7)};

    fixture->monotonic_ms += 10;
    assert_int_equal(dc_note(fixture->device, &subject, text, NULL, NULL), DC_OK);
}

#define WORDS                                                                                                          \
    "Door answered after the second knock; he was in his work clothes, and offered his phone before we mentioned it. " \
    "Nothing was found on the phone, nor on the tablet, which he had unlocked for us before we asked for it."

/* Each session's Welcome says it anew. */
static void session__deflates_a_push_where_the_server_takes_it(void **state)
{
    struct device_fixture *fixture = *state;
    const size_t words_in_all = 5 * (sizeof(WORDS) - 1);
    struct push push;

    fixture->push_deflate = true;
    for (unsigned i = 0; i < 5; i++)
        add_note(fixture, WORDS);
    device_fixture_online(fixture);
    assert_int_equal(device_fixture_last(fixture)->message_case, DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_DEFLATED_PUSH);
    assert_int_equal(device_fixture_last(fixture)->deflated_push->entry_count, 5);
    assert_in_range(fixture->sent[fixture->sent_count - 1].size, 1, words_in_all / 2);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.entry_count, 5);
    assert_int_equal(push.first_seq, 1);
    device_fixture_ack(fixture, 41);
    assert_int_equal(status_of(fixture).pending_entries, 0);
    fixture->push_deflate = false; /* another server, or the same after its operator changed their mind */
    device_disconnected(fixture->device, STATUS_NETWORK);
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 5, &fixture->device->sync.durable_hash, 512);
    add_note(fixture, WORDS);
    assert_int_equal(device_fixture_last(fixture)->message_case, DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_PUSH);
}

static void session__sends_pushes_as_they_are_where_the_server_says_nothing(void **state)
{
    struct device_fixture *fixture = *state;
    struct push push;

    for (unsigned i = 0; i < 5; i++)
        add_note(fixture, WORDS);
    device_fixture_online(fixture);
    assert_int_equal(device_fixture_last(fixture)->message_case, DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_PUSH);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.entry_count, 5);
}

static void session__pushes_a_fact_made_online_at_once_and_names_the_anchor(void **state)
{
    struct device_fixture *fixture = *state;
    struct push push;

    device_fixture_online(fixture);
    check_in(fixture);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.entry_count, 1);
    assert_int_equal(push.anchor_count, 1);
    assert_int_not_equal(push.anchors[0].text.size, 0);
    assert_true(hash_equal(&push.entries[0].header.checkpoint, &fixture->device->anchor));
}

static void anchor__goes_as_text_until_an_entry_naming_it_is_acknowledged(void **state)
{
    struct device_fixture *fixture = *state;
    struct push push;

    device_fixture_online(fixture);
    check_in(fixture);
    device_fixture_ack(fixture, 1);
    check_in(fixture);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.anchor_count, 1);
    assert_int_equal(push.anchors[0].text.size, 0);
    send_error(fixture, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_UNKNOWN_ANCHOR,
               DOUBLECREW__V1__REMEDY__REMEDY_SEND_FULL_ANCHORS, 0, 0, NULL, false);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.first_seq, 2);
    assert_int_not_equal(push.anchors[0].text.size, 0);
}

static void ack_lost__the_next_welcome_settles_it(void **state)
{
    struct device_fixture *fixture = *state;
    struct hash head;
    size_t sent;

    check_in(fixture);
    device_fixture_online(fixture);
    head = fixture->device->head.hash;
    device_disconnected(fixture->device, STATUS_NETWORK);
    assert_int_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
    assert_int_equal(status_of(fixture).pending_entries, 1);
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 1, &head, 512);
    sent = fixture->sent_count;
    assert_int_equal(status_of(fixture).pending_entries, 0);
    assert_int_equal(device_fixture_event(fixture, DC_EVENT_ACK)->seq, 1);
    assert_int_equal(fixture->sent_count, sent); /* nothing goes twice */
}

static void server_behind__entries_go_again_with_their_anchors(void **state)
{
    struct device_fixture *fixture = *state;
    struct push push;

    device_fixture_online(fixture);
    check_in(fixture);
    device_fixture_ack(fixture, 1);
    device_disconnected(fixture->device, STATUS_NETWORK);
    memset(fixture->epoch.bytes, 0xe2, ID_SIZE); /* restored from a backup that didn't have it */
    merkle_init(&fixture->tree);
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 0, NULL, 512);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.first_seq, 1);
    assert_int_not_equal(push.anchors[0].text.size, 0);
    assert_int_equal(status_of(fixture).pending_entries, 1);
    assert_int_equal(device_fixture_event(fixture, DC_EVENT_ERROR)->status, DC_DIVERGED);
}

static void fork__stops_pushing_and_loses_nothing(void **state)
{
    struct device_fixture *fixture = *state;
    struct hash other;

    memset(other.bytes, 0x77, HASH_SIZE);
    check_in(fixture);
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 1, &other, 512);
    assert_int_equal(status_of(fixture).state, DC_SYNC_ONLINE);
    assert_int_equal(status_of(fixture).reason, DC_LOG_FORK);
    assert_non_null(strstr(status_of(fixture).advice, "evidence is safe"));
    check_in(fixture);
    assert_int_equal(status_of(fixture).pending_entries, 2);
    assert_int_equal(device_fixture_last(fixture)->message_case, DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO);
}

static void fork__a_log_shorter_than_the_servers_is_one(void **state)
{
    struct device_fixture *fixture = *state;
    struct hash other;

    memset(other.bytes, 0x77, HASH_SIZE);
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 9, &other, 512);
    assert_int_equal(status_of(fixture).reason, DC_LOG_FORK);
}

static void credit__is_never_exceeded(void **state)
{
    struct device_fixture *fixture = *state;
    struct push push;

    for (int i = 0; i < 5; i++) {
        check_in(fixture);
    }
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 0, NULL, 3);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.entry_count, 3);
    assert_int_equal(fixture->device->sync.sent_seq, 3);
    device_fixture_ack(fixture, 3);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.first_seq, 4);
    assert_int_equal(push.entry_count, 2);
}

static void push__stays_below_the_message_limit(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_subject subject = {.offender = device_fixture_id(7)};
    char *text = malloc(57001);
    struct push push;

    assert_non_null(text);
    memset(text, 'a', 57000);
    text[57000] = '\0';
    for (int i = 0; i < 12; i++) {
        assert_int_equal(dc_note(fixture->device, &subject, text, NULL, NULL), DC_OK);
    }
    free(text);
    device_fixture_online(fixture);
    device_fixture_last_push(fixture, &push);
    for (size_t i = 0; i < fixture->sent_count; i++) {
        assert_in_range(fixture->sent[i].size, 1, MESSAGE_SIZE_MAX);
    }
    assert_int_equal(fixture->device->sync.sent_seq, 12);
    assert_int_equal(push.first_seq + push.entry_count - 1, 12);
}

static void anchor__of_another_server_is_refused(void **state)
{
    struct device_fixture *fixture = *state;
    uint8_t seed[32] = {9};

    sign_key_free(fixture->server_key);
    assert_int_equal(sign_key_from_seed(seed, &fixture->server_key), STATUS_OK);
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 0, NULL, 512);
    assert_int_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
    assert_int_equal(status_of(fixture).reason, DC_BAD_SIGNATURE);
    assert_false(fixture->device->has_anchor);
    assert_false(fixture->linked);
}

static void anchor__of_another_force_is_refused(void **state)
{
    struct device_fixture *fixture = *state;
    struct dc_id own = fixture->config.force;

    fixture->config.force = device_fixture_id(2); /* the played server signs for it, with the right key */
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 0, NULL, 512);
    assert_int_equal(status_of(fixture).reason, DC_BAD_SIGNATURE);
    fixture->config.force = own;
}

static void anchor__bound_to_another_hello_is_refused(void **state)
{
    struct device_fixture *fixture = *state;

    device_fixture_connect(fixture);
    fixture->device->sync.hello_monotonic_ms++;
    device_fixture_welcome(fixture, 0, NULL, 512);
    assert_int_equal(status_of(fixture).reason, DC_CLOCK_TROUBLE);
}

static void journal__must_extend_the_checkpoint_held(void **state)
{
    struct device_fixture *fixture = *state;
    struct checkpoint kept;
    struct hash leaf;

    device_fixture_grow(fixture, 5);
    device_fixture_online(fixture);
    device_disconnected(fixture->device, STATUS_NETWORK);
    device_fixture_grow(fixture, 4);
    device_fixture_online(fixture); /* with its proof */
    kept = fixture->device->sync.checkpoint;
    assert_int_equal(kept.size, 9);
    device_disconnected(fixture->device, STATUS_NETWORK);
    merkle_init(&fixture->tree); /* another history of the same epoch */
    memset(leaf.bytes, 3, HASH_SIZE);
    for (int i = 0; i < 12; i++) {
        device_fixture_grow(fixture, 1);
        fixture->tree.size += 0;
        fixture->tree.edge[0][i].bytes[0] ^= 1;
    }
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 0, NULL, 512);
    assert_int_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
    assert_int_equal(status_of(fixture).reason, DC_DIVERGED);
    assert_int_equal(fixture->device->sync.checkpoint.size, 9);
    device_fixture_reopen(fixture);
    assert_true(hash_equal(&fixture->device->sync.checkpoint.root, &kept.root));
}

static void back_off__doubles_with_jitter_up_to_its_longest(void **state)
{
    struct device_fixture *fixture = *state;
    uint64_t longest = 0;

    assert_int_equal(dc_sync_start(fixture->device), DC_OK);
    for (int i = 0; i < 14; i++) {
        uint64_t wait;

        device_disconnected(fixture->device, STATUS_NETWORK);
        wait = status_of(fixture).retry_in_ms;
        assert_in_range(wait, i < 9 ? (500u << i) : 150000, i < 9 ? (1000u << i) : 300000);
        longest = wait > longest ? wait : longest;
        assert_int_equal(fixture->timer_delay_ms, wait);
        tick(fixture, wait - 1);
        assert_int_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
        tick(fixture, 1);
        assert_int_equal(status_of(fixture).state, DC_SYNC_CONNECTING);
    }
    assert_in_range(longest, 150000, 300000);
}

static void back_off__honours_the_servers_word(void **state)
{
    struct device_fixture *fixture = *state;

    device_fixture_online(fixture);
    send_error(fixture, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_BUSY, DOUBLECREW__V1__REMEDY__REMEDY_RETRY_AFTER, 60000,
               0, NULL, true);
    assert_int_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
    assert_int_equal(status_of(fixture).reason, DC_BUSY);
    assert_in_range(status_of(fixture).retry_in_ms, 60000, 75000);
    assert_int_equal(dc_sync_now(fixture->device), DC_OK); /* a person may be less patient */
    assert_int_equal(status_of(fixture).state, DC_SYNC_CONNECTING);
}

static void refuse_push(struct device_fixture *fixture)
{
    device_fixture_online(fixture);
    device_fixture_page(fixture, 1, true);
    send_error(fixture, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_STORE, DOUBLECREW__V1__REMEDY__REMEDY_RETRY_AFTER, 5000,
               0, NULL, true);
    assert_int_equal(status_of(fixture).reason, DC_STORE);
}

/* Its disk is full: rows come, pushes don't go. */
static void back_off__grows_while_the_server_takes_no_push_though_rows_come(void **state)
{
    struct device_fixture *fixture = *state;
    struct push push;

    check_in(fixture);
    for (uint32_t i = 1; i <= 12; i++) {
        refuse_push(fixture);
        assert_int_equal(status_of(fixture).failures, i);
        assert_in_range(status_of(fixture).retry_in_ms, i < 9 ? (500u << (i - 1)) : 128000, 300000);
        assert_in_range(status_of(fixture).retry_in_ms, 5000, 300000);
        assert_int_equal(dc_sync_now(fixture->device), DC_OK);
    }
    device_fixture_online(fixture);
    device_fixture_page(fixture, 1, true);
    assert_int_equal(status_of(fixture).failures, 12);
    device_fixture_last_push(fixture, &push);
    device_fixture_ack(fixture, push.first_seq + push.entry_count - 1);
    assert_int_equal(status_of(fixture).failures, 0);
}

static void back_off__begins_anew_with_a_complete_feed_when_no_push_was_refused(void **state)
{
    struct device_fixture *fixture = *state;

    assert_int_equal(dc_sync_start(fixture->device), DC_OK);
    device_disconnected(fixture->device, STATUS_NETWORK);
    check_in(fixture);
    device_fixture_online(fixture);
    assert_int_equal(status_of(fixture).failures, 1);
    device_fixture_page(fixture, 1, true);
    assert_int_equal(status_of(fixture).failures, 0);
}

static void wait__for_connection_welcome_and_ack_has_a_limit(void **state)
{
    struct device_fixture *fixture = *state;

    assert_int_equal(dc_sync_start(fixture->device), DC_OK);
    assert_int_equal(fixture->timer_delay_ms, 20000);
    tick(fixture, 20000);
    assert_int_equal(status_of(fixture).reason, DC_TIMEOUT);
    device_fixture_connect(fixture);
    tick(fixture, 30000);
    assert_int_equal(status_of(fixture).reason, DC_TIMEOUT);
    device_fixture_online(fixture);
    device_fixture_page(fixture, 1, true);
    assert_int_equal(fixture->timer_delay_ms, 24 * 3600 * 1000); /* nothing is waited for but the rows' growing old */
    check_in(fixture);
    assert_int_equal(fixture->timer_delay_ms, 30000);
    tick(fixture, 30000);
    assert_int_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
    assert_int_equal(status_of(fixture).reason, DC_TIMEOUT);
}

static void error__send_from_goes_back_and_gives_up_after_a_few(void **state)
{
    struct device_fixture *fixture = *state;
    struct push push;

    check_in(fixture);
    check_in(fixture);
    device_fixture_online(fixture);
    for (int i = 0; i < SYNC_RESENDS_MAX; i++) {
        send_error(fixture, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_LOG_GAP, DOUBLECREW__V1__REMEDY__REMEDY_SEND_FROM, 0,
                   0, NULL, false);
        device_fixture_last_push(fixture, &push);
        assert_int_equal(push.first_seq, 1);
    }
    send_error(fixture, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_LOG_GAP, DOUBLECREW__V1__REMEDY__REMEDY_SEND_FROM, 0, 0,
               NULL, false);
    assert_int_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
    assert_int_equal(status_of(fixture).reason, DC_LOG_GAP);
}

/* Three pushes are under way when the first fails: the other two fail as well, and only then does it start over. */
static void error__pushes_under_way_are_waited_for_before_they_go_again(void **state)
{
    struct device_fixture *fixture = *state;
    struct push push;
    size_t sent;

    for (int i = 0; i < 3; i++) {
        check_in(fixture);
    }
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 0, NULL, 1);
    fixture->device->sync.credit = 3;
    check_in(fixture); /* one in flight, and now two more fit */
    check_in(fixture);
    sent = fixture->sent_count;
    assert_int_equal(fixture->device->sync.outstanding, 2);
    send_error(fixture, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_UNKNOWN_ANCHOR,
               DOUBLECREW__V1__REMEDY__REMEDY_SEND_FULL_ANCHORS, 0, 0, NULL, false);
    assert_int_equal(fixture->sent_count, sent);
    send_error(fixture, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_LOG_GAP, DOUBLECREW__V1__REMEDY__REMEDY_SEND_FROM, 0, 0,
               NULL, false);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.first_seq, 1);
    assert_int_equal(push.entry_count, 3);
    assert_int_equal(fixture->device->sync.outstanding, 1);
    assert_int_equal(fixture->device->sync.resends, 1);
    assert_true(fixture->device->sync.full_anchors);
}

static void error__a_refused_push_leaves_the_rows_coming(void **state)
{
    struct device_fixture *fixture = *state;
    size_t sent;

    check_in(fixture);
    device_fixture_online(fixture);
    send_error(fixture, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_NOT_PERMITTED, DOUBLECREW__V1__REMEDY__REMEDY_STOP, 0, 0,
               NULL, false);
    assert_int_equal(status_of(fixture).state, DC_SYNC_ONLINE);
    assert_int_equal(status_of(fixture).reason, DC_NOT_PERMITTED);
    sent = fixture->sent_count;
    check_in(fixture);
    assert_int_equal(fixture->sent_count, sent);
    assert_int_equal(status_of(fixture).pending_entries, 2);
}

static void error__a_persons_remedy_stops_the_sync_until_they_start_it(void **state)
{
    static const Doublecrew__V1__Remedy remedies[] = {DOUBLECREW__V1__REMEDY__REMEDY_ENROL_AGAIN,
                                                      DOUBLECREW__V1__REMEDY__REMEDY_UPDATE,
                                                      DOUBLECREW__V1__REMEDY__REMEDY_STOP};
    struct device_fixture *fixture = *state;

    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++) {
        device_fixture_online(fixture);
        send_error(fixture, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_DEVICE_REVOKED, remedies[i], 0, 0, NULL, true);
        assert_int_equal(status_of(fixture).state, DC_SYNC_CLOSED);
        assert_int_equal(status_of(fixture).reason, DC_DEVICE_REVOKED);
        assert_int_equal(fixture->timer_delay_ms, LINK_NO_TIMER);
        check_in(fixture); /* facts are still taken */
    }
}

static void message__out_of_order_or_malformed_ends_the_session(void **state)
{
    struct device_fixture *fixture = *state;
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Delta delta = DOUBLECREW__V1__DELTA__INIT;
    static const uint8_t garbage[] = {0x0a, 0xff, 0xff, 0xff};

    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_DELTA;
    message.delta = &delta;
    device_fixture_connect(fixture);
    device_fixture_receive(fixture, &message);
    assert_int_equal(status_of(fixture).reason, DC_PROTOCOL_ORDER);
    device_fixture_online(fixture);
    device_received(fixture->device, span_of(garbage, sizeof garbage));
    assert_int_equal(status_of(fixture).reason, DC_MALFORMED);
    assert_false(fixture->linked);
    device_fixture_receive(fixture, &message); /* late: nothing happens */
    assert_int_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
}

enum { NOTES_OF_A_PAGE = 100, LETTERS_OF_A_NOTE = 2000 };

/* A page of notes, as a phone gets them for weeks without a restart. */
static void receive_notes(struct device_fixture *fixture, uint64_t to_cursor)
{
    static char text[LETTERS_OF_A_NOTE + 1];
    static uint8_t ids[NOTES_OF_A_PAGE][HASH_SIZE], keys[NOTES_OF_A_PAGE][1 + HASH_SIZE];
    static Doublecrew__V1__NoteRow notes[NOTES_OF_A_PAGE];
    static Doublecrew__V1__Row rows[NOTES_OF_A_PAGE];
    Doublecrew__V1__Row *list[NOTES_OF_A_PAGE];
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Delta delta = DOUBLECREW__V1__DELTA__INIT;

    memset(text, 'a', LETTERS_OF_A_NOTE);
    for (unsigned i = 0; i < NOTES_OF_A_PAGE; i++) {
        put_u64(ids[i], to_cursor);
        ids[i][HASH_SIZE - 1] = (uint8_t)i;
        keys[i][0] = 'n';
        memcpy(keys[i] + 1, ids[i], HASH_SIZE);
        notes[i] = (Doublecrew__V1__NoteRow)DOUBLECREW__V1__NOTE_ROW__INIT;
        notes[i].note = (ProtobufCBinaryData){HASH_SIZE, ids[i]};
        notes[i].text = text;
        rows[i] = (Doublecrew__V1__Row)DOUBLECREW__V1__ROW__INIT;
        rows[i].pos = to_cursor;
        rows[i].key = (ProtobufCBinaryData){sizeof(keys[i]), keys[i]};
        rows[i].row_case = DOUBLECREW__V1__ROW__ROW_NOTE;
        rows[i].note = &notes[i];
        list[i] = &rows[i];
    }
    delta.from_cursor = fixture->device->sync.feed.cursor;
    delta.to_cursor = to_cursor;
    delta.last = true;
    delta.rows = list;
    delta.n_rows = NOTES_OF_A_PAGE;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_DELTA;
    message.delta = &delta;
    device_fixture_receive(fixture, &message);
}

static bool count_note(void *context, const struct dc_note_read *note)
{
    (void)note;
    ++*(size_t *)context;
    return true;
}

static void messages_and_rows__however_many__are_all_opened(void **state)
{
    struct device_fixture *fixture = *state;
    const uint64_t pages = 2 * ARENA_CAP_DEFAULT / (NOTES_OF_A_PAGE * LETTERS_OF_A_NOTE);
    size_t notes = 0;

    device_fixture_online(fixture);
    for (uint64_t cursor = 100; cursor < 100 + pages; cursor++) {
        receive_notes(fixture, cursor);
        assert_int_equal(fixture->device->sync.feed.cursor, cursor);
        assert_true(fixture->linked);
        fixture->event_count = 0; /* the fixture keeps some hundred, and some dozen of what was sent */
        while (fixture->sent_count > 0)
            free(fixture->sent[--fixture->sent_count].bytes);
    }
    assert_int_equal(dc_each_note(fixture->device, NULL, count_note, &notes), DC_OK);
    assert_int_equal(notes, pages * NOTES_OF_A_PAGE);
}

static void link__that_cannot_start_backs_off(void **state)
{
    struct device_fixture *fixture = *state;

    fixture->connect_status = STATUS_TLS;
    assert_int_equal(dc_sync_start(fixture->device), DC_OK);
    assert_int_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
    assert_int_equal(status_of(fixture).reason, DC_TLS);
}

static void hello__says_what_is_unsynced_since_when(void **state)
{
    struct device_fixture *fixture = *state;
    const Doublecrew__V1__Hello *hello;

    check_in(fixture);
    check_in(fixture);
    device_fixture_connect(fixture);
    hello = device_fixture_last(fixture)->hello;
    assert_int_equal(hello->head_seq, 2);
    assert_int_equal(hello->head_hash.len, HASH_SIZE);
    assert_int_equal(hello->pending_entries, 2);
    assert_int_equal(hello->pending_since_wall_ms, fixture->wall_ms - 10);
    assert_int_equal(hello->monotonic_ms, fixture->monotonic_ms);
    assert_int_equal(hello->epoch.len, 0);
    assert_int_equal(hello->last_checkpoint.len, 0);
    assert_int_equal(hello->page_credit, 4);
}

static void seal_request__asks_the_officer_then_seals(void **state)
{
    struct device_fixture *fixture = *state;
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__SealRequest request = DOUBLECREW__V1__SEAL_REQUEST__INIT;
    Doublecrew__V1__Hello hello = DOUBLECREW__V1__HELLO__INIT;
    char text[CHECKPOINT_TEXT_MAX];
    struct push push;

    device_fixture_online(fixture);
    device_fixture_page(fixture, 1, true);
    hello.log_id = (ProtobufCBinaryData){.data = fixture->device->identity.log.bytes, .len = ID_SIZE};
    hello.boot_id = (ProtobufCBinaryData){.data = fixture->boot.bytes, .len = ID_SIZE};
    hello.monotonic_ms = fixture->device->sync.hello_monotonic_ms;
    fixture->wall_ms += 60000;
    fixture->monotonic_ms += 60000;
    request.anchor.len = device_fixture_anchor(fixture, &hello, text);
    request.anchor.data = (uint8_t *)text;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_SEAL_REQUEST;
    message.seal_request = &request;
    device_fixture_receive(fixture, &message);
    assert_int_equal(device_fixture_count(fixture, DC_EVENT_PROMPT), 1);
    assert_int_equal(fixture->device->head.seq, 0);
    assert_int_equal(fixture->timer_delay_ms, 30000);
    tick(fixture, 30000);
    device_fixture_last_push(fixture, &push);
    assert_int_equal(push.entries[0].header.kind, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL);
    assert_int_equal(push.entries[0].header.checkpoint_received_ms, fixture->monotonic_ms);
}

/* A signer that answers later, as a phone's key store does. */
struct slow_signer {
    uint64_t request;
    uint8_t message[HEAD_STATEMENT_SIZE];
};

static void sign_later(void *context, struct dc_device *device, uint64_t request, const uint8_t *message, size_t size)
{
    struct slow_signer *slow = context;

    (void)device;
    assert_int_equal(size, sizeof slow->message);
    slow->request = request;
    memcpy(slow->message, message, size);
}

static void signer__may_take_its_time_and_a_stale_answer_is_ignored(void **state)
{
    struct device_fixture *fixture = *state;
    struct slow_signer slow = {0};
    struct sign_key *key = NULL;
    struct signature signature;
    struct public_key public_key;
    uint64_t stale;
    size_t sent;

    assert_int_equal(sign_key_from_pem(span_of(fixture->pem, strlen(fixture->pem)), &key), STATUS_OK);
    sign_key_public(key, &public_key);
    dc_device_close(fixture->device);
    fixture->config.signer = (struct dc_signer){
        .context = &slow, .algorithm = DC_ED25519, .public_key_size = public_key.size, .sign = sign_later};
    memcpy(fixture->config.signer.public_key, public_key.bytes, public_key.size);
    device_fixture_open(fixture);
    device_fixture_online(fixture);
    check_in(fixture);
    assert_int_equal(slow.request, 1);
    stale = slow.request;
    device_disconnected(fixture->device, STATUS_NETWORK);
    device_fixture_online(fixture);
    assert_int_equal(slow.request, 2);
    sent = fixture->sent_count;
    assert_int_equal(sign_message(key, span_of(slow.message, sizeof slow.message), &signature), STATUS_OK);
    dc_sign_complete(fixture->device, stale, DC_OK, signature.bytes);
    assert_int_equal(fixture->sent_count, sent);
    dc_sign_complete(fixture->device, slow.request, DC_OK, signature.bytes);
    assert_int_equal(fixture->sent_count, sent + 1);
    device_fixture_ack(fixture, 1);
    check_in(fixture);
    dc_sign_complete(fixture->device, slow.request, DC_NOT_PERMITTED, NULL);
    assert_int_equal(status_of(fixture).reason, DC_NOT_PERMITTED);
    sign_key_free(key);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(session__pushes_what_is_pending_and_forgets_it_after_the_ack),
        CASE(session__deflates_a_push_where_the_server_takes_it),
        CASE(session__sends_pushes_as_they_are_where_the_server_says_nothing),
        CASE(session__pushes_a_fact_made_online_at_once_and_names_the_anchor),
        CASE(anchor__goes_as_text_until_an_entry_naming_it_is_acknowledged),
        CASE(ack_lost__the_next_welcome_settles_it),
        CASE(server_behind__entries_go_again_with_their_anchors),
        CASE(fork__stops_pushing_and_loses_nothing),
        CASE(fork__a_log_shorter_than_the_servers_is_one),
        CASE(credit__is_never_exceeded),
        CASE(push__stays_below_the_message_limit),
        CASE(anchor__of_another_server_is_refused),
        CASE(anchor__of_another_force_is_refused),
        CASE(anchor__bound_to_another_hello_is_refused),
        CASE(journal__must_extend_the_checkpoint_held),
        CASE(back_off__doubles_with_jitter_up_to_its_longest),
        CASE(back_off__honours_the_servers_word),
        CASE(back_off__grows_while_the_server_takes_no_push_though_rows_come),
        CASE(back_off__begins_anew_with_a_complete_feed_when_no_push_was_refused),
        CASE(wait__for_connection_welcome_and_ack_has_a_limit),
        CASE(error__send_from_goes_back_and_gives_up_after_a_few),
        CASE(error__pushes_under_way_are_waited_for_before_they_go_again),
        CASE(error__a_refused_push_leaves_the_rows_coming),
        CASE(error__a_persons_remedy_stops_the_sync_until_they_start_it),
        CASE(message__out_of_order_or_malformed_ends_the_session),
        CASE(messages_and_rows__however_many__are_all_opened),
        CASE(link__that_cannot_start_backs_off),
        CASE(hello__says_what_is_unsynced_since_when),
        CASE(seal_request__asks_the_officer_then_seals),
        CASE(signer__may_take_its_time_and_a_stale_answer_is_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
