/*
 * tests/vectors/session.txt: three whole sessions, every message of both sides as bytes, for somebody who writes another
 * client. The server's side is the server's own logic over a real store; all keys, ids and clocks follow from names, so it
 * says the same bytes each time. check_session.py reads the file with nothing but PROTOCOL.md in hand.
 *
 * DOUBLECREW_WRITE_VECTORS=1 writes the file anew, after a change of the protocol that is meant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/deflated.h"
#include "core/limits.h"
#include "server/edge/pipeline.h"
#include "server/logic/session.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/fleet.h"

#define PATH "tests/vectors/session.txt"
#define CREDIT 1024
#define AT(minutes) (FLEET_T0 + FLEET_HOUR + (minutes)*FLEET_MINUTE)

struct stage {
    struct fleet *fleet;
    struct fleet_device *ann;
    struct session_setup setup;
    struct session_reader reader;
    struct public_key server_public;
    struct session *session;
    struct session_now now;
    FILE *out;
    unsigned session_number, from_client, from_server;
    /* what the client keeps */
    struct id epoch;
    uint64_t cursor;
    uint8_t key[STORE_VIEW_KEY_MAX];
    size_t key_size;
    struct {
        struct hash id;
        uint64_t pos;
    } flags[8]; /* kept, and not answered yet */
    size_t flag_count;
};

static ProtobufCBinaryData bytes_of(const void *data, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
}

static void put_hex(struct stage *stage, const char *name, struct span bytes)
{
    char *hex = malloc(2 * bytes.size + 1);

    assert_non_null(hex);
    hex_encode(bytes, hex);
    (void)fprintf(stage->out, "%s = %s\n", name, hex);
    free(hex);
}

static void put_message(struct stage *stage, bool client, struct span bytes)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "session%u_%s%u", stage->session_number, client ? "client" : "server",
                   client ? ++stage->from_client : ++stage->from_server);
    put_hex(stage, name, bytes);
}

static void say(struct stage *stage, const char *comment)
{
    (void)fprintf(stage->out, "#%s%s\n", comment[0] == '\0' ? "" : " ", comment);
}

/* The server -------------------------------------------------------------------------------------------------------- */

static void feed(struct stage *stage, const struct session_event *event);

static void take_push(struct stage *stage, const struct session_action *action)
{
    struct batch_result result = {.status = STATUS_OK};
    struct session_event pushed = {.kind = SESSION_ON_PUSHED};
    struct session_event committed = {.kind = SESSION_ON_COMMIT};
    struct batch *batch = stage->fleet->batch;
    struct inflater *inflater;
    struct verify_key *key;
    struct push_job *job;

    assert_int_equal(inflater_new(&inflater), STATUS_OK);
    assert_int_equal(push_job_new(action->submit.raw, action->submit.inflated_size, &job), STATUS_OK);
    job->entry_count = action->submit.entry_count;
    job->result.status = action->submit.status;
    result.status = push_job_open(job, stage->fleet->sha, inflater);
    assert_int_equal(verify_key_new(&action->submit.key, &key), STATUS_OK);
    if (result.status == STATUS_OK)
        result.status = push_verify(&job->push, key);
    verify_key_free(key);
    assert_int_equal(batch_begin(batch, stage->now.server_us), STATUS_OK);
    if (result.status == STATUS_OK)
        assert_int_equal(
            batch_push(batch, &job->push, span_of(job->raw, job->raw_size), &action->submit.delivery, &result),
            STATUS_OK);
    assert_int_equal(batch_commit(batch), STATUS_OK);
    push_job_free(job);
    inflater_free(inflater);
    pushed.pushed.entry_count = action->submit.entry_count;
    pushed.pushed.result = &result;
    feed(stage, &pushed);
    if (result.status != STATUS_OK)
        return;
    size_t count;
    const struct batch_flag *flags = batch_flags(batch, &count);
    for (size_t i = 0; i < count; i++) {
        struct session_event flag = {.kind = SESSION_ON_FLAG};

        flag.flag.flag = &flags[i];
        feed(stage, &flag);
    }
    committed.commit.head_pos = batch_head(batch)->pos;
    feed(stage, &committed);
}

static void take_read(struct stage *stage, const struct session_request *request)
{
    struct session_reply reply;
    struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &reply};

    session_read(&stage->reader, request, &reply);
    feed(stage, &event);
    session_reply_done(&reply);
}

/* As the device does it: the anchor of a Welcome, the place of a page. */
static void note_welcome(struct stage *stage, const Doublecrew__V1__Welcome *welcome)
{
    struct push_anchor *anchor = &stage->ann->anchors[stage->ann->anchor_count++];
    char *words = malloc(welcome->anchor.len);

    assert_non_null(words);
    memcpy(words, welcome->anchor.data, welcome->anchor.len);
    /* The fleet frees it with the device. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    anchor->text = span_of(words, welcome->anchor.len);
    anchor->received_ms = stage->ann->session_received_ms;
    assert_int_equal(sha256_bytes(stage->fleet->sha, anchor->text, &anchor->hash), STATUS_OK);
    assert_int_equal(id_from_span(span_of(welcome->epoch.data, welcome->epoch.len), &stage->epoch), STATUS_OK);
}

static void note_page(struct stage *stage, const Doublecrew__V1__Delta *delta)
{
    stage->cursor = delta->to_cursor;
    stage->key_size = delta->to_key.len;
    if (delta->to_key.len > 0)
        memcpy(stage->key, delta->to_key.data, delta->to_key.len);
}

/* FlagReceived, once it is kept; said after what the server says now. */
static void note_flag(struct stage *stage, const Doublecrew__V1__Flag *flag)
{
    assert_true(stage->flag_count < sizeof(stage->flags) / sizeof(stage->flags[0]));
    assert_int_equal(
        hash_from_span(span_of(flag->flag->flag_id.data, flag->flag->flag_id.len), &stage->flags[stage->flag_count].id),
        STATUS_OK);
    stage->flags[stage->flag_count++].pos = flag->pos;
}

static void take_sent(struct stage *stage, const struct session_action *action)
{
    Doublecrew__V1__ServerMessage *message =
        doublecrew__v1__server_message__unpack(NULL, action->send.size, action->send.bytes);

    assert_non_null(message);
    put_message(stage, false, span_of(action->send.bytes, action->send.size));
    if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_WELCOME)
        note_welcome(stage, message->welcome);
    if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_DELTA)
        note_page(stage, message->delta);
    if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_FLAG)
        note_flag(stage, message->flag);
    doublecrew__v1__server_message__free_unpacked(message, NULL);
}

static void feed(struct stage *stage, const struct session_event *event)
{
    struct session_event drained = {.kind = SESSION_ON_BACKLOG}; /* a page has left the connection */
    struct session_update update;
    bool sent_page = false;

    session_step(stage->session, &stage->now, event, &update);
    for (size_t i = 0; i < update.count; i++) {
        const struct session_action *action = &update.actions[i];

        switch (action->kind) {
        case SESSION_SEND:
            take_sent(stage, action);
            free(action->send.bytes);
            sent_page = sent_page || action->send.lane == SESSION_BULK;
            break;
        case SESSION_SUBMIT:
            take_push(stage, action);
            break;
        case SESSION_READ:
            take_read(stage, &update.request);
            break;
        case SESSION_CLOSE:
            say(stage, "the server closes the connection");
            break;
        default:
            break;
        }
    }
    if (sent_page)
        feed(stage, &drained);
}

/* The client -------------------------------------------------------------------------------------------------------- */

static void send_message(struct stage *stage, Doublecrew__V1__ClientMessage *message)
{
    struct session_event event = {.kind = SESSION_ON_MESSAGE};
    uint8_t *bytes;
    size_t size;

    assert_int_equal(wire_pack(&message->base, &bytes, &size), STATUS_OK);
    event.message = span_of(bytes, size);
    put_message(stage, true, event.message);
    feed(stage, &event);
    free(bytes);
}

static void connect_device(struct stage *stage, int64_t at_us)
{
    struct hash certificate = fixture_hash("ann");

    stage->now.server_us = at_us;
    stage->now.real_us = at_us;
    stage->session_number++;
    stage->from_client = stage->from_server = 0;
    session_free(stage->session);
    assert_int_equal(session_new(&stage->setup, &certificate, 7, &stage->now, &stage->session), STATUS_OK);
}

static void send_hello(struct stage *stage)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Hello hello = DOUBLECREW__V1__HELLO__INIT;
    struct fleet_device *ann = stage->ann;
    uint64_t monotonic_ms = (uint64_t)(stage->now.server_us - ann->boot_started_us) / 1000;
    char version[] = "vectors 1";

    hello.protocol_min = hello.protocol_max = 1;
    hello.app_version = version;
    hello.log_id = bytes_of(ann->log.bytes, ID_SIZE);
    hello.head_seq = ann->count;
    if (ann->count > 0)
        hello.head_hash = bytes_of(ann->entries[ann->count - 1].hash.bytes, HASH_SIZE);
    if (stage->cursor > 0) {
        hello.epoch = bytes_of(stage->epoch.bytes, ID_SIZE);
        hello.feed_cursor = stage->cursor;
        hello.feed_key = bytes_of(stage->key, stage->key_size);
    }
    hello.boot_id = bytes_of(ann->boot.bytes, ID_SIZE);
    hello.monotonic_ms = monotonic_ms;
    hello.wall_ms = stage->now.server_us / 1000;
    if (ann->anchor_count > 0) {
        struct span text = ann->anchors[ann->anchor_count - 1].text;

        hello.last_checkpoint = bytes_of(text.data, text.size);
    }
    hello.page_credit = 4;
    hello.pending_entries = (uint32_t)(ann->count - ann->pushed);
    ann->session_received_ms = monotonic_ms + 100;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    send_message(stage, &message);
}

static void send_applied(struct stage *stage)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Applied applied = DOUBLECREW__V1__APPLIED__INIT;

    applied.cursor = stage->cursor;
    applied.key = bytes_of(stage->key, stage->key_size);
    applied.page_credit = 1;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_APPLIED;
    message.applied = &applied;
    send_message(stage, &message);
}

static void send_receipts(struct stage *stage)
{
    for (size_t i = 0; i < stage->flag_count; i++) {
        Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
        Doublecrew__V1__FlagReceived received = DOUBLECREW__V1__FLAG_RECEIVED__INIT;

        received.flag_id = bytes_of(stage->flags[i].id.bytes, HASH_SIZE);
        received.pos = stage->flags[i].pos;
        message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_FLAG_RECEIVED;
        message.flag_received = &received;
        send_message(stage, &message);
    }
    stage->flag_count = 0;
}

static void send_push(struct stage *stage, struct span push)
{
    struct session_event event = {.kind = SESSION_ON_MESSAGE};
    uint8_t *bytes;
    size_t size;

    assert_int_equal(wire_wrap(2 /* ClientMessage.push */, push, &bytes, &size), STATUS_OK);
    event.message = span_of(bytes, size);
    put_message(stage, true, event.message);
    feed(stage, &event);
    free(bytes);
}

/* As the library makes it. Its bytes are zlib's at one level, the same in all of its versions so far; any other are as good. */
static void send_deflated(struct stage *stage, const struct fleet_push *push, size_t entry_count)
{
    struct session_event event = {.kind = SESSION_ON_MESSAGE};
    uint8_t *bytes;
    size_t size;

    assert_int_equal(deflated_push_build(span_of(push->bytes, push->size), entry_count, &bytes, &size), STATUS_OK);
    assert_non_null(bytes);
    event.message = span_of(bytes, size);
    put_message(stage, true, event.message);
    feed(stage, &event);
    free(bytes);
}

static struct fleet_push build_push(struct stage *stage)
{
    return fleet_build(stage->ann);
}

/* The story --------------------------------------------------------------------------------------------------------- */

static void first_session(struct stage *stage)
{
    struct fleet_push push;
    struct hash presence;

    say(stage, "");
    say(stage,
        "Session 1: a new phone meets the server, gets its rows, and pushes a visit alone that it recorded before.");
    presence = fleet_check_in(stage->ann, AT(-60), "xen", "");
    connect_device(stage, AT(0));
    send_hello(stage);
    send_applied(stage);
    (void)fleet_check_out(stage->ann, AT(1), &presence);
    stage->now.server_us = stage->now.real_us = AT(2);
    push = build_push(stage);
    send_push(stage, span_of(push.bytes, push.size));
    send_receipts(stage);
    send_applied(stage);
    fleet_push_free(&push);
}

#define NOTES 3

static void write_notes(struct stage *stage, const struct hash *presence)
{
    static const char *const texts[NOTES] = {
        "Door answered after the second knock. He was in his work clothes and asked us in.",
        "He offered his phone before we asked for it. Nothing found on the phone that he had not told us of.",
        "Nothing found in the house. He asked when the next visit would be; told him that we would not say."};

    for (unsigned i = 0; i < NOTES; i++) {
        Doublecrew__V1__Note note = DOUBLECREW__V1__NOTE__INIT;

        note.subject = bytes_of(presence->bytes, HASH_SIZE);
        note.text = (char *)(uintptr_t)texts[i];
        (void)fleet_add(stage->ann, AT(152 + i), DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_NOTE, &note.base);
    }
    stage->now.server_us = stage->now.real_us = AT(156);
}

static void second_session(struct stage *stage)
{
    struct fleet_push push;
    struct hash presence;

    say(stage, "");
    say(stage, "Session 2: two hours later. The new anchor is proved against the last; a visit with a partner named.");
    connect_device(stage, AT(120));
    send_hello(stage);
    send_applied(stage);
    presence = fleet_check_in(stage->ann, AT(121), "yul", "bob");
    (void)fleet_outcome(stage->ann, AT(140), &presence, DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN);
    (void)fleet_check_out(stage->ann, AT(150), &presence);
    stage->now.server_us = stage->now.real_us = AT(151);
    push = build_push(stage);
    send_push(stage, span_of(push.bytes, push.size));
    send_applied(stage);
    say(stage, "the same push again, as after a lost Ack");
    send_push(stage, span_of(push.bytes, push.size));
    fleet_push_free(&push);
    say(stage, "what the officer wrote about it: a push that deflating makes smaller");
    write_notes(stage, &presence);
    push = build_push(stage);
    send_deflated(stage, &push, NOTES);
    send_applied(stage);
    fleet_push_free(&push);
}

static void third_session(struct stage *stage)
{
    struct fleet_push first, second;
    struct hash presence;

    say(stage, "");
    say(stage,
        "Session 3: pushes in the wrong order, a forged signature, then all as it should be; a message before Hello.");
    connect_device(stage, AT(300));
    send_hello(stage);
    presence = fleet_check_in(stage->ann, AT(301), "xen", "bob");
    first = build_push(stage);
    (void)fleet_check_out(stage->ann, AT(310), &presence);
    second = build_push(stage);
    stage->now.server_us = stage->now.real_us = AT(311);
    send_push(stage, span_of(second.bytes, second.size));
    first.bytes[first.size - 20] ^= 1; /* within the signature */
    send_push(stage, span_of(first.bytes, first.size));
    first.bytes[first.size - 20] ^= 1;
    send_push(stage, span_of(first.bytes, first.size));
    send_push(stage, span_of(second.bytes, second.size));
    fleet_push_free(&first);
    fleet_push_free(&second);
    say(stage, "on another connection");
    connect_device(stage, AT(312));
    send_applied(stage);
}

static void put_heading(struct stage *stage)
{
    struct public_key key;

    (void)fputs(
        "# Sessions between one phone and the server, every message of both as bytes: sessionN_clientM is a\n"
        "# ClientMessage, sessionN_serverM a ServerMessage, in the order in which they were sent. Keys are made from\n"
        "# published text and sign nothing real. check_session.py reads them as PROTOCOL.md says.\n",
        stage->out);
    sign_key_public(stage->ann->key, &key);
    put_hex(stage, "device_public", span_of(key.bytes, key.size));
    put_hex(stage, "server_public", span_of(stage->server_public.bytes, stage->server_public.size));
    put_hex(stage, "force", span_of(stage->fleet->force.bytes, ID_SIZE));
    put_hex(stage, "log", span_of(stage->ann->log.bytes, ID_SIZE));
    put_hex(stage, "boot", span_of(stage->ann->boot.bytes, ID_SIZE));
}

static char *record(size_t *ret_size)
{
    struct stage stage = {.fleet = fleet_typical()};
    char *text = NULL;
    char *words;

    stage.ann = fleet_device(stage.fleet, "ann");
    memcpy(&words, &stage.ann->anchors[0].text.data, sizeof(words));
    free(words); /* the fleet's own greeting: this phone hasn't met the server yet */
    stage.ann->anchor_count = 0;
    stage.setup = (struct session_setup){.credit_entries = CREDIT,
                                         .keep_alive_s = 25,
                                         .hello_timeout_us = 10 * FLEET_SECOND,
                                         .training = true,
                                         .push_deflate = true};
    assert_int_equal(arena_new(&stage.setup.arena), STATUS_OK);
    assert_int_equal(arena_new(&stage.reader.arena), STATUS_OK);
    sign_key_public(stage.fleet->server_key, &stage.server_public);
    stage.reader.store = stage.fleet->store;
    stage.reader.sha = stage.fleet->sha;
    stage.reader.checkpoint_key = stage.fleet->server_key;
    stage.reader.checkpoint_public = stage.server_public;
    assert_int_equal(verify_key_new(&stage.server_public, &stage.reader.checkpoint_verify), STATUS_OK);
    stage.out = open_memstream(&text, ret_size);
    assert_non_null(stage.out);
    put_heading(&stage);
    first_session(&stage);
    second_session(&stage);
    third_session(&stage);
    assert_int_equal(fclose(stage.out), 0);
    session_free(stage.session);
    verify_key_free(stage.reader.checkpoint_verify);
    arena_free(stage.reader.arena);
    arena_free(stage.setup.arena);
    fleet_free(stage.fleet);
    return text;
}

static void sessions__are_the_bytes_that_are_published(void **state)
{
    size_t size = 0;
    char *text = record(&size);
    char *kept = calloc(1, size + 2);
    FILE *file;

    (void)state;
    assert_non_null(kept);
    if (getenv("DOUBLECREW_WRITE_VECTORS") != NULL) {
        file = fopen(PATH, "we");
        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
    }
    file = fopen(PATH, "re");
    assert_non_null(file);
    size_t kept_size = fread(kept, 1, size + 1, file);
    (void)fclose(file);
    if (kept_size != size || memcmp(kept, text, size) != 0)
        fail_msg("%s differs from what the server says now: if that is meant, write it anew with "
                 "DOUBLECREW_WRITE_VECTORS=1 and say so in PROTOCOL.md",
                 PATH);
    free(kept);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions__are_the_bytes_that_are_published),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
