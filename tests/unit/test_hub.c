/*
 * The hub with a transport and threads played by the test: a connection's memory (P6), who is let in, and reading that is
 * paused and never for ever (P7).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/wire.h"
#include "doublecrew/v1/sync.pb-c.h"
#include "server/edge/hub.h"
#include "tests/lib/session_fixture.h"

#define OK(call) assert_int_equal((call), STATUS_OK)
#define CONNECTIONS (5 * HUB_GREETINGS_MAX)
#define OUTPUT_MAX ((size_t)1024 * 1024)
#define MEMORY_MAX ((size_t)4 * 1024 * 1024)

/* The transport's side of one connection. */
struct peer {
    struct connection *connection;
    bool paused;
    unsigned pauses;
};

struct place {
    struct session_setup setup;
    struct hub_limits limits;
    struct hub_queues queues;
    struct clock *clock;
    struct log *log;
    struct hub *hub;
    struct peer peers[CONNECTIONS + 1];
};

static void on_want_write(void *peer)
{
    (void)peer;
}

static void on_pause(void *peer, bool paused)
{
    ((struct peer *)peer)->paused = paused;
    ((struct peer *)peer)->pauses += paused;
}

static void on_kill(void *peer)
{
    (void)peer;
}

static void open_place(struct place *place)
{
    const struct hub_transport transport = {.want_write = on_want_write, .pause = on_pause, .kill = on_kill};
    const struct clock_setup clock = {.training = true, .journal_us = (int64_t)1800000000 * 1000000};

    OK(arena_new(&place->setup.arena));
    OK(clock_new(&clock, &place->clock));
    OK(log_new(LOG_ERROR, "/dev/null", &place->log));
    for (size_t i = 0; i < HUB_VERIFIERS; i++)
        OK(queue_new(sizeof(struct push_job *), 512, &place->queues.verifiers[i]));
    OK(queue_new(sizeof(struct writer_item), 512, &place->queues.writer));
    OK(queue_new(sizeof(struct read_job *), 512, &place->queues.reader));
    OK(queue_new(sizeof(struct note), 512, &place->queues.notes));
    OK(queue_new(sizeof(struct contact_note), 512, &place->queues.contacts));
    OK(hub_new(&place->setup, &place->limits, &place->queues, &transport, place->clock, place->log, &place->hub));
}

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    place->setup.credit_entries = 1024;
    place->setup.keep_alive_s = 25;
    place->setup.hello_timeout_us = (int64_t)60 * 1000000;
    place->setup.answer_timeout_us = (int64_t)60 * 1000000;
    place->limits = (struct hub_limits){.max_connections = CONNECTIONS,
                                        .output_max = OUTPUT_MAX,
                                        .memory_max = MEMORY_MAX,
                                        .slow_reader_us = (int64_t)60 * 1000000,
                                        .close_grace_us = 1000000,
                                        .answer_us = (int64_t)60 * 1000000,
                                        .line_us = HUB_LINE_WAIT_US,
                                        .admit_per_s = 1000,
                                        .admit_burst = 1000};
    *state = place;
    return 0;
}

static void free_reads(struct place *place)
{
    struct read_job *job;

    while (queue_pop(place->queues.reader, 0, &job) == STATUS_OK)
        free(job);
}

static int teardown(void **state)
{
    struct place *place = *state;
    struct push_job *job;

    hub_free(place->hub);
    free_reads(place);
    for (size_t i = 0; i < HUB_VERIFIERS; i++) {
        while (queue_pop(place->queues.verifiers[i], 0, &job) == STATUS_OK)
            push_job_free(job);
        queue_free(place->queues.verifiers[i]);
    }
    queue_free(place->queues.writer);
    queue_free(place->queues.reader);
    queue_free(place->queues.notes);
    queue_free(place->queues.contacts);
    log_free(place->log);
    clock_free(place->clock);
    arena_free(place->setup.arena);
    free(place);
    return 0;
}

static struct peer *connect(struct place *place, unsigned number)
{
    struct hash certificate = {{(uint8_t)number, (uint8_t)(number >> 8), 1}};

    OK(hub_connect(place->hub, &place->peers[number], &certificate, false, &place->peers[number].connection));
    return &place->peers[number];
}

static void say_hello(struct place *place, struct peer *peer)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Hello hello = session_fixture_good_hello();
    uint8_t *bytes;
    size_t size;

    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    OK(wire_pack(&message.base, &bytes, &size));
    hub_receive(place->hub, peer->connection, span_of(bytes, size), true, true, true);
    free(bytes);
}

/* The reader's answer to Hello; the device's team has its number. */
static void answer_hello(struct place *place, struct peer *peer)
{
    struct session_reply *reply = calloc(1, sizeof(*reply));
    struct note note = {.kind = NOTE_REPLY, .connection = peer->connection->id, .reply = reply};

    reply->kind = SESSION_GREET;
    reply->greeting.look.device.standing = DEVICE_ACTIVE;
    reply->greeting.look.device.device.bytes[0] = 1 + peer->connection->certificate_key_hash.bytes[0];
    reply->greeting.look.device.officer = reply->greeting.look.device.device;
    reply->greeting.look.members[0].scope =
        (struct scope){.kind = SCOPE_TEAM, .id = reply->greeting.look.device.device};
    reply->greeting.look.member_count = 1;
    /* The hub frees the reply with its note. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    OK(queue_push(place->queues.notes, &note));
    assert_int_equal(hub_take_notes(place->hub), 0);
}

static void greet(struct place *place, struct peer *peer)
{
    answer_hello(place, peer);
    assert_int_equal(session_state(peer->connection->session), SESSION_LIVE);
}

/* Whatever waits to be written is written. */
static void drain(struct place *place, struct peer *peer)
{
    struct outbox_message *message;

    while ((message = hub_next(place->hub, peer->connection)) != NULL) {
        enum session_lane lane = message->lane;

        free(message);
        hub_written(place->hub, peer->connection, lane);
    }
}

/* The one message that waits is an error; its time of retry. */
static uint32_t error_of(struct place *place, struct peer *peer, Doublecrew__V1__ErrorCode code)
{
    struct outbox_message *message = hub_next(place->hub, peer->connection);
    Doublecrew__V1__ServerMessage *said;
    uint32_t retry_ms;

    assert_non_null(message);
    said = doublecrew__v1__server_message__unpack(NULL, message->size, message->bytes);
    assert_int_equal(said->message_case, DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR);
    assert_int_equal(said->error->code, code);
    assert_true(said->error->closes);
    retry_ms = said->error->retry_after_ms;
    doublecrew__v1__server_message__free_unpacked(said, NULL);
    free(message);
    return retry_ms;
}

/* A ClientMessage with a Push of one field: no push at all, but the verifier is there to say so. */
static uint8_t *push_of(size_t size)
{
    uint8_t *bytes = calloc(1, size);
    size_t inner = size - 4;

    bytes[0] = 2 << 3 | 2;
    bytes[1] = (uint8_t)(inner | 0x80);
    bytes[2] = (uint8_t)(inner >> 7 | 0x80);
    bytes[3] = (uint8_t)(inner >> 14);
    inner -= 4;
    bytes[4] = 8 << 3 | 2;
    bytes[5] = (uint8_t)(inner | 0x80);
    bytes[6] = (uint8_t)(inner >> 7 | 0x80);
    bytes[7] = (uint8_t)(inner >> 14);
    return bytes;
}

/* The writer answers all pushes under way. */
static void answer_pushes(struct place *place)
{
    struct commit_note *commit = calloc(1, sizeof(*commit));
    struct note note = {.kind = NOTE_COMMIT, .commit = commit};
    struct push_job *job;

    commit->status = STATUS_BUSY;
    for (size_t i = 0; i < HUB_VERIFIERS; i++) {
        while (queue_pop(place->queues.verifiers[i], 0, &job) == STATUS_OK) {
            job->result.status = STATUS_OK;
            job->next = commit->jobs;
            commit->jobs = job;
        }
    }
    /* The hub frees them with the note. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    OK(queue_push(place->queues.notes, &note));
    assert_int_equal(hub_take_notes(place->hub), 0);
}

static unsigned fill(struct place *place, struct peer *peer, size_t size)
{
    uint8_t *push = push_of(size);
    unsigned count = 0;

    while (!peer->paused && count < 1000) {
        hub_receive(place->hub, peer->connection, span_of(push, size), true, true, true);
        count++;
    }
    free(push);
    return count;
}

static void memory__stays_within_its_limit_whatever_the_pushes(void **state)
{
    struct place *place = *state;
    static const size_t sizes[] = {17000, 60000, 200000, MESSAGE_SIZE_MAX};
    struct peer *peer;

    open_place(place);
    peer = connect(place, 0);
    say_hello(place, peer);
    greet(place, peer);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned count = fill(place, peer, sizes[i]);

        assert_in_range(count, 1, 999); /* reading was paused */
        assert_true(hub_memory(peer->connection) <= MEMORY_MAX);
        assert_true(peer->connection->memory_peak <= MEMORY_MAX);
        assert_true(peer->connection->memory_peak > MEMORY_MAX / 4);
        answer_pushes(place);
        assert_false(peer->paused);
        drain(place, peer);
        assert_true(hub_memory(peer->connection) < MEMORY_MAX / 4);
    }
}

/* A few bytes that ask for much: they count as what they will take. */
static void memory__counts_a_deflated_push_as_inflated(void **state)
{
    struct place *place = *state;
    uint8_t *deflated = calloc(1, 20000);
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__DeflatedPush push = DOUBLECREW__V1__DEFLATED_PUSH__INIT;
    struct peer *peer;
    unsigned count = 0;
    uint8_t *bytes;
    size_t size;

    place->setup.push_deflate = true;
    open_place(place);
    peer = connect(place, 0);
    say_hello(place, peer);
    greet(place, peer);
    push.size = PUSH_SIZE_MAX;
    push.entry_count = 1;
    push.deflated = (ProtobufCBinaryData){20000, deflated};
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_DEFLATED_PUSH;
    message.deflated_push = &push;
    OK(wire_pack(&message.base, &bytes, &size));
    while (!peer->paused && count++ < 1000)
        hub_receive(place->hub, peer->connection, span_of(bytes, size), true, true, true);
    assert_in_range(count, 1, MEMORY_MAX / ((size_t)2 * PUSH_SIZE_MAX));
    assert_true(peer->connection->memory_peak <= MEMORY_MAX);
    assert_true(hub_memory(peer->connection) > count * (size_t)2 * PUSH_SIZE_MAX);
    answer_pushes(place);
    assert_false(peer->paused);
    drain(place, peer);
    assert_true(hub_memory(peer->connection) < MEMORY_MAX / 4);
    free(bytes);
    free(deflated);
}

/* A message that comes in pieces counts with what it takes, and one that is never finished can't grow on. */
static void memory__counts_what_is_half_received(void **state)
{
    struct place *place = *state;
    struct peer *peer;
    uint8_t *part = calloc(1, 64 * 1024);
    size_t before;

    open_place(place);
    peer = connect(place, 0);
    before = hub_memory(peer->connection);
    hub_receive(place->hub, peer->connection, span_of(part, 64 * 1024), true, false, true);
    assert_true(hub_memory(peer->connection) >= before + 64 * 1024);
    for (int i = 0; i < 8; i++)
        hub_receive(place->hub, peer->connection, span_of(part, 64 * 1024), false, false, true);
    assert_true(peer->connection->closing);
    (void)error_of(place, peer, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_TOO_LARGE);
    assert_true(peer->connection->memory_peak <= MEMORY_MAX);
    free(part);
}

static void reading__that_stays_paused_ends_with_a_word(void **state)
{
    struct place *place = *state;
    struct timespec pause = {.tv_nsec = 20 * 1000000};
    struct peer *peer;

    place->limits.answer_us = 10000;
    open_place(place);
    peer = connect(place, 0);
    say_hello(place, peer);
    greet(place, peer);
    drain(place, peer);
    (void)fill(place, peer, 200000);
    hub_tick(place->hub);
    nanosleep(&pause, NULL);
    hub_tick(place->hub);
    assert_true(peer->connection->closing);
    (void)error_of(place, peer, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_BUSY);
}

/* Beyond the burst they wait in line, unread; beyond the line they are told when to come back, and nothing else is done. */
static void admission__lets_wait_whom_it_can_and_sends_the_rest_away(void **state)
{
    struct place *place = *state;
    uint32_t last_ms = 0;

    place->limits.admit_per_s = 1;
    place->limits.admit_burst = 3;
    place->limits.line_us = (int64_t)4 * 1000000;
    open_place(place);
    for (unsigned i = 0; i < 14; i++) {
        struct peer *peer = connect(place, i);
        bool waits = i >= 3 && i < 7;

        assert_int_equal(peer->paused, waits);
        assert_int_equal(peer->connection->closing, i >= 7);
        if (!waits)
            say_hello(place, peer);
        if (i >= 7) {
            uint32_t retry_ms = error_of(place, peer, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_BUSY);

            assert_true(retry_ms >= ADMISSION_RETRY_MIN_MS);
            last_ms = retry_ms > last_ms ? retry_ms : last_ms;
        }
    }
    assert_true(last_ms >= 6000); /* seven turns at one a second, the first at once */
    assert_int_equal(queue_count(place->queues.reader), 3);
}

static void admission__waits_while_too_many_are_being_greeted(void **state)
{
    struct place *place = *state;
    struct peer *late = &place->peers[HUB_GREETINGS_MAX];

    open_place(place);
    for (unsigned i = 0; i < HUB_GREETINGS_MAX; i++) {
        say_hello(place, connect(place, i));
        assert_false(place->peers[i].paused);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_true(connect(place, HUB_GREETINGS_MAX + i)->paused);
    hub_tick(place->hub);
    assert_true(late[0].paused);
    greet(place, &place->peers[5]);
    hub_disconnect(place->hub, place->peers[6].connection);
    hub_disconnect(place->hub, late[0].connection); /* its place in the line is nobody's */
    hub_tick(place->hub);
    for (unsigned i = 1; i < 3; i++) {
        assert_false(late[i].paused);
        say_hello(place, &late[i]);
        assert_false(late[i].connection->closing);
    }
    assert_true(connect(place, HUB_GREETINGS_MAX + 3)->paused);
}

static unsigned count_waiting(const struct place *place, unsigned count)
{
    unsigned waiting = 0;

    for (unsigned i = 0; i < count; i++)
        waiting += place->peers[i].paused;
    return waiting;
}

/* Handshakes come first: while others wait for theirs few are let in, and then all. */
static void line__moves_slowly_while_others_wait_at_the_door(void **state)
{
    struct place *place = *state;

    open_place(place);
    hub_crowd(place->hub, true);
    for (unsigned i = 0; i < 200; i++)
        (void)connect(place, i);
    assert_int_equal(count_waiting(place, 200), 199); /* somebody is always served */
    hub_tick(place->hub);
    assert_true(count_waiting(place, 200) > 150);
    hub_crowd(place->hub, false);
    hub_tick(place->hub);
    assert_int_equal(count_waiting(place, 200), 0);
    assert_true(connect(place, 200)->connection->closing == false && !place->peers[200].paused);
}

/* Nobody waits for longer than a device would: it is told to come back, and the line goes on. */
static void line__ends_with_a_word(void **state)
{
    struct place *place = *state;
    struct timespec pause = {.tv_nsec = 30 * 1000000};

    place->limits.admit_per_s = 100;
    place->limits.admit_burst = 1;
    place->limits.line_us = 20000;
    open_place(place);
    for (unsigned i = 0; i < 4; i++)
        (void)connect(place, i); /* bursts of a tick: three at 100 a second */
    assert_true(place->peers[3].paused);
    hub_crowd(place->hub, true);
    nanosleep(&pause, NULL);
    hub_tick(place->hub);
    assert_true(place->peers[3].connection->closing);
    assert_true(error_of(place, &place->peers[3], DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_BUSY) >=
                ADMISSION_RETRY_MIN_MS);
}

/* What a session has to say in time is reckoned from when it is let in. */
static void line__is_not_held_against_who_waited(void **state)
{
    struct place *place = *state;
    struct timespec pause = {.tv_nsec = 60 * 1000000};

    place->setup.hello_timeout_us = 50000;
    open_place(place);
    hub_crowd(place->hub, true);
    for (unsigned i = 0; i < 2; i++)
        (void)connect(place, i);
    assert_true(place->peers[1].paused);
    nanosleep(&pause, NULL);
    hub_tick(place->hub);
    assert_true(place->peers[0].connection->closing); /* it could have spoken */
    hub_crowd(place->hub, false);
    hub_tick(place->hub);
    hub_tick(place->hub);
    assert_false(place->peers[1].paused);
    assert_false(place->peers[1].connection->closing);
}

/* The questions to the reader of one connection since the last look. */
static unsigned questions_of(struct place *place, const struct peer *peer)
{
    struct read_job *job;
    unsigned count = 0;

    while (queue_pop(place->queues.reader, 0, &job) == STATUS_OK) {
        count += job->connection == peer->connection->id;
        free(job);
    }
    return count;
}

static struct commit_note commit_at(uint64_t pos)
{
    return (struct commit_note){.head.pos = pos};
}

/* A copy: the hub frees commits with their notes. */
static void take(struct place *place, const struct commit_note *commit)
{
    struct commit_note *copy = calloc(1, sizeof(*copy));
    struct note note = {.kind = NOTE_COMMIT, .commit = copy};

    *copy = *commit;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    OK(queue_push(place->queues.notes, &note));
    assert_int_equal(hub_take_notes(place->hub), 0);
}

static void see_off(struct place *place, struct peer *peer)
{
    hub_disconnect(place->hub, peer->connection);
    peer->connection = NULL;
}

/* Of ten thousand that are idle nobody is asked whether a visit elsewhere is news to them. */
static void commit__is_told_to_whose_scopes_it_changed(void **state)
{
    struct place *place = *state;
    struct commit_note commit = commit_at(5);
    struct peer *named;
    struct peer *other;

    open_place(place);
    named = connect(place, 0);
    other = connect(place, 1);
    say_hello(place, named);
    say_hello(place, other);
    greet(place, named);
    greet(place, other);
    free_reads(place);
    commit.named.officers[commit.named.count++] = (struct id){{1}};
    take(place, &commit);
    assert_int_equal(named->connection->gathered, other->connection->gathered + 1);
    commit = commit_at(6);
    scope_set_add(&commit.changed_scopes, &(struct scope){.kind = SCOPE_TEAM, .id = {{2}}});
    take(place, &commit);
    assert_true(other->connection->gathered > named->connection->gathered);
    assert_true(session_lags(named->connection->session, 6));
    assert_false(session_lags(other->connection->session, 6));
    hub_tick(place->hub); /* its cursor follows, in its turn */
    assert_false(session_lags(named->connection->session, 6));
    commit = commit_at(7);
    commit.changed_scopes.all = true;
    take(place, &commit);
    assert_int_equal(other->connection->gathered, named->connection->gathered);
    see_off(place, other);
    commit = commit_at(8);
    take(place, &commit);
}

/* A small server needn't choose: its devices' cursors keep up with the head. */
static void commit__is_told_to_everybody_when_they_are_few(void **state)
{
    struct place *place = *state;
    struct commit_note commit = commit_at(5);
    struct peer *peer;

    place->limits.told_all_max = 1;
    open_place(place);
    peer = connect(place, 0);
    say_hello(place, peer);
    greet(place, peer);
    take(place, &commit);
    assert_false(session_lags(peer->connection->session, 5));
    say_hello(place, connect(place, 1));
    commit = commit_at(6);
    take(place, &commit);
    assert_true(session_lags(peer->connection->session, 6));
}

/* Who was entitled when the greeting was read may not be any more when it is told (P4, D1). */
static void roster__that_changes_before_welcome_is_looked_at(void **state)
{
    struct place *place = *state;
    struct commit_note commit = commit_at(5);
    struct peer *peer;

    open_place(place);
    peer = connect(place, 0);
    say_hello(place, peer);
    assert_int_equal(questions_of(place, peer), 1);
    commit.roster_changed = true;
    take(place, &commit);
    assert_int_equal(questions_of(place, peer), 0);
    greet(place, peer);
    assert_int_equal(questions_of(place, peer), 1);
}

/* The half-open sessions of one phone don't take all places. */
static void sessions__of_one_device_are_few(void **state)
{
    struct place *place = *state;
    struct peer *peer = NULL;

    open_place(place);
    for (unsigned i = 0; i <= HUB_CONNECTIONS_PER_DEVICE_MAX; i++) {
        peer = connect(place, 256 * i); /* the same first byte: the same device */
        say_hello(place, peer);
        answer_hello(place, peer);
        assert_int_equal(peer->connection->closing, i == HUB_CONNECTIONS_PER_DEVICE_MAX);
    }
    see_off(place, &place->peers[0]);
    see_off(place, peer);
    say_hello(place, connect(place, 0)); /* there is a place again */
    answer_hello(place, &place->peers[0]);
    assert_false(place->peers[0].connection->closing);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(memory__stays_within_its_limit_whatever_the_pushes),
        CASE(memory__counts_a_deflated_push_as_inflated),
        CASE(memory__counts_what_is_half_received),
        CASE(reading__that_stays_paused_ends_with_a_word),
        CASE(admission__lets_wait_whom_it_can_and_sends_the_rest_away),
        CASE(admission__waits_while_too_many_are_being_greeted),
        CASE(line__moves_slowly_while_others_wait_at_the_door),
        CASE(line__ends_with_a_word),
        CASE(line__is_not_held_against_who_waited),
        CASE(commit__is_told_to_whose_scopes_it_changed),
        CASE(roster__that_changes_before_welcome_is_looked_at),
        CASE(sessions__of_one_device_are_few),
        CASE(commit__is_told_to_everybody_when_they_are_few),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
