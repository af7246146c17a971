/* No silent stall (P7): what isn't at the server yet, since when and why; and that every wait ends by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/device_fixture.h"

#define LISTED_MAX 16

struct listed {
    struct dc_pending items[LISTED_MAX];
    char texts[LISTED_MAX][DEVICE_TEXT_MAX];
    size_t count;
    size_t most; /* stops after so many */
};

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

static void pass(struct device_fixture *fixture, uint64_t ms)
{
    fixture->timer_ms += ms;
    fixture->monotonic_ms += ms;
    fixture->wall_ms += (int64_t)ms;
}

static void note(struct device_fixture *fixture)
{
    struct dc_subject subject = {.offender = device_fixture_id(7)};

    assert_int_equal(dc_note(fixture->device, &subject, "Invented words.", NULL, NULL), DC_OK);
}

static struct dc_sync_status status_of(struct device_fixture *fixture)
{
    struct dc_sync_status status;

    dc_sync_status(fixture->device, &status);
    return status;
}

static bool keep(void *context, const struct dc_pending *pending)
{
    struct listed *listed = context;

    assert_in_range(listed->count, 0, LISTED_MAX - 1);
    listed->items[listed->count] = *pending;
    strncpy(listed->texts[listed->count++], pending->text, DEVICE_TEXT_MAX - 1);
    return listed->most == 0 || listed->count < listed->most;
}

static struct listed list(struct device_fixture *fixture)
{
    struct listed listed = {.count = 0};

    assert_int_equal(dc_each_pending(fixture->device, keep, &listed), DC_OK);
    return listed;
}

static void send_error(struct device_fixture *fixture, Doublecrew__V1__ErrorCode code, Doublecrew__V1__Remedy remedy,
                       uint32_t retry_after_ms, bool closes)
{
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Error error = DOUBLECREW__V1__ERROR__INIT;

    error.code = code;
    error.remedy = remedy;
    error.retry_after_ms = retry_after_ms;
    error.closes = closes;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR;
    message.error = &error;
    device_fixture_receive(fixture, &message);
}

static void entry__says_what_it_is_and_how_long_it_waits(void **state)
{
    struct device_fixture *fixture = *state;
    int64_t first = fixture->wall_ms;
    struct listed listed;

    note(fixture);
    pass(fixture, 90000);
    note(fixture);
    pass(fixture, 10000);
    fixture->wall_ms -= 86400000; /* the wall clock is turned back: nobody cares */
    listed = list(fixture);
    assert_int_equal(listed.count, 2);
    assert_int_equal(listed.items[0].seq, 1);
    assert_int_equal(listed.items[0].kind, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_NOTE);
    assert_int_equal(listed.items[0].since_ms, first);
    assert_int_equal(listed.items[0].age_ms, 100000);
    assert_true(listed.items[0].age_measured);
    assert_true(listed.items[0].never_online);
    assert_int_equal(listed.items[1].age_ms, 10000);
    assert_memory_equal(listed.items[1].entry.bytes, fixture->device->head.hash.bytes, HASH_SIZE);
    assert_int_equal(listed.items[0].reason, DC_PENDING_NOT_STARTED);
    assert_string_equal(status_of(fixture).pending_text,
                        "2 entries are not yet at the server, the oldest for 100 s: syncing isn't switched on.");
}

/* After a restart of the phone only the wall clock tells; but never less than since then. */
static void entry__of_an_earlier_boot_is_at_least_as_old_as_this_one(void **state)
{
    struct device_fixture *fixture = *state;
    struct listed listed;

    note(fixture);
    fixture->boot = device_fixture_id(77);
    fixture->monotonic_ms = 600000;
    fixture->wall_ms -= 3600000;
    listed = list(fixture);
    assert_int_equal(listed.items[0].age_ms, 600000);
    assert_false(listed.items[0].age_measured);
    fixture->wall_ms += 3 * 3600000;
    assert_int_equal(list(fixture).items[0].age_ms, 2 * 3600000);
}

static void iteration__stops_when_told(void **state)
{
    struct device_fixture *fixture = *state;
    struct listed listed = {.most = 1};

    note(fixture);
    note(fixture);
    assert_int_equal(dc_each_pending(fixture->device, keep, &listed), DC_OK);
    assert_int_equal(listed.count, 1);
}

/* What the step waits for, one after the other, with a server that says nothing at all. */
struct silence {
    const char *until; /* where the silence begins */
    uint64_t limit_ms; /* and how long it may last */
    enum dc_pending_reason while_waiting;
    const char *said; /* then */
};

static const struct silence silences[] = {
    {"connecting", 20000, DC_PENDING_CONNECTING, "No connection to the server came about in time"},
    {"greeted", 30000, DC_PENDING_CONNECTING, "The server didn't answer the greeting in time"},
    {"no credit", 30000, DC_PENDING_QUEUED, "The server allowed nothing to be sent for too long"},
    {"signing", 30000, DC_PENDING_SIGNING, "The phone's key store didn't sign in time"},
    {"pushed", 30000, DC_PENDING_IN_FLIGHT, "The server didn't acknowledge in time what was sent"},
};

static void never_sign(void *context, struct dc_device *device, uint64_t request, const uint8_t *message, size_t size)
{
    (void)context;
    (void)device;
    (void)request;
    (void)message;
    (void)size;
}

static void go_until(struct device_fixture *fixture, const char *until)
{
    assert_int_equal(dc_sync_now(fixture->device), DC_OK);
    if (strcmp(until, "connecting") == 0) {
        return;
    }
    device_connected(fixture->device);
    if (strcmp(until, "greeted") == 0) {
        return;
    }
    if (strcmp(until, "signing") == 0) {
        sign_key_free(fixture->device->signing_key);
        fixture->device->signing_key = NULL;
        fixture->device->signer.sign = never_sign;
    }
    device_fixture_welcome(fixture, 0, NULL, strcmp(until, "no credit") == 0 ? 0 : 512);
    device_fixture_page(fixture, fixture->device->sync.feed.cursor + 1, true);
}

static void silence__ends_by_itself_in_every_phase(void **state)
{
    struct device_fixture *fixture;

    for (size_t i = 0; i < sizeof silences / sizeof *silences; i++) {
        const struct silence *silence = &silences[i];
        unsigned connects;

        tear_down(state);
        set_up(state);
        fixture = *state;
        note(fixture);
        go_until(fixture, silence->until);
        assert_int_equal(list(fixture).items[0].reason, silence->while_waiting);
        assert_int_equal(fixture->timer_delay_ms, silence->limit_ms);
        pass(fixture, silence->limit_ms - 1);
        device_timer(fixture->device);
        assert_int_not_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
        pass(fixture, 1);
        device_timer(fixture->device);
        assert_int_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
        assert_int_equal(status_of(fixture).reason, DC_TIMEOUT);
        assert_string_equal(status_of(fixture).reason_text, silence->said);
        assert_int_equal(list(fixture).items[0].reason, DC_PENDING_RETRY);
        assert_non_null(strstr(list(fixture).texts[0], silence->said));
        assert_non_null(strstr(list(fixture).texts[0], "the next try is in"));
        /* It goes on by itself: no write, no person. */
        connects = fixture->connects;
        pass(fixture, fixture->timer_delay_ms);
        device_timer(fixture->device);
        assert_int_equal(fixture->connects, connects + 1);
    }
}

static void silence__of_the_feed_ends_too(void **state)
{
    struct device_fixture *fixture = *state;

    device_fixture_online(fixture);
    pass(fixture, 29000);
    device_fixture_page(fixture, 5, false);
    assert_int_equal(fixture->timer_delay_ms, 30000); /* each page anew */
    pass(fixture, 30000);
    device_timer(fixture->device);
    assert_int_equal(status_of(fixture).state, DC_SYNC_BACKING_OFF);
    assert_string_equal(status_of(fixture).reason_text, "The server's records didn't come in time");
    device_fixture_online(fixture);
    device_fixture_page(fixture, 6, true);
    pass(fixture, 3600000);
    device_timer(fixture->device);
    assert_int_equal(status_of(fixture).state, DC_SYNC_ONLINE); /* complete: nothing is waited for */
}

static void servers_word_to_wait__has_a_limit_too(void **state)
{
    struct device_fixture *fixture = *state;

    device_fixture_online(fixture);
    send_error(fixture, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_BUSY, DOUBLECREW__V1__REMEDY__REMEDY_RETRY_AFTER,
               UINT32_MAX, true);
    assert_in_range(status_of(fixture).retry_in_ms, 3600000, 4500000);
}

static void what_a_person_must_do__is_the_reason(void **state)
{
    static const struct {
        Doublecrew__V1__ErrorCode code;
        Doublecrew__V1__Remedy remedy;
        enum dc_pending_reason reason;
        enum dc_status status;
    } words[] = {
        {DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_UNKNOWN_LOG, DOUBLECREW__V1__REMEDY__REMEDY_ENROL_AGAIN,
         DC_PENDING_ENROL, DC_UNKNOWN_LOG},
        {DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_PROTOCOL_VERSION, DOUBLECREW__V1__REMEDY__REMEDY_UPDATE,
         DC_PENDING_UPDATE, DC_PROTOCOL_VERSION},
        {DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_DEVICE_REVOKED, DOUBLECREW__V1__REMEDY__REMEDY_STOP, DC_PENDING_REFUSED,
         DC_DEVICE_REVOKED},
        {DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_LOG_FORK, DOUBLECREW__V1__REMEDY__REMEDY_ENROL_AGAIN, DC_PENDING_FORK,
         DC_LOG_FORK},
    };
    struct device_fixture *fixture = *state;

    note(fixture);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        device_fixture_online(fixture);
        assert_int_equal(list(fixture).items[0].reason, DC_PENDING_IN_FLIGHT);
        send_error(fixture, words[i].code, words[i].remedy, 0, i % 2 == 0);
        assert_int_equal(list(fixture).items[0].reason, words[i].reason);
        assert_int_equal(list(fixture).items[0].status, words[i].status);
        assert_non_null(strstr(status_of(fixture).pending_text, dc_status_advice(words[i].status)));
        dc_sync_stop(fixture->device);
    }
}

static void hello__tells_the_failures_and_the_servers_last_word(void **state)
{
    struct device_fixture *fixture = *state;
    const Doublecrew__V1__Hello *hello;

    device_fixture_online(fixture);
    send_error(fixture, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_BUSY, DOUBLECREW__V1__REMEDY__REMEDY_RETRY_AFTER, 1000,
               true);
    device_fixture_connect(fixture);
    hello = device_fixture_last(fixture)->hello;
    assert_int_equal(hello->failures, 1);
    assert_int_equal(hello->failing_code, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_BUSY);
    device_disconnected(fixture->device, STATUS_NETWORK);
    device_fixture_connect(fixture);
    hello = device_fixture_last(fixture)->hello;
    assert_int_equal(hello->failures, 2);
    assert_int_equal(hello->failing_code, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_UNSPECIFIED);
    device_fixture_welcome(fixture, 0, NULL, 512);
    device_fixture_page(fixture, 1, true);
    device_disconnected(fixture->device, STATUS_NETWORK);
    device_fixture_connect(fixture);
    assert_int_equal(device_fixture_last(fixture)->hello->failures, 1);
}

static void push__queues_behind_the_credit(void **state)
{
    struct device_fixture *fixture = *state;
    struct listed listed;

    note(fixture);
    note(fixture);
    note(fixture);
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 0, NULL, 2);
    listed = list(fixture);
    assert_int_equal(listed.items[0].reason, DC_PENDING_IN_FLIGHT);
    assert_int_equal(listed.items[1].reason, DC_PENDING_IN_FLIGHT);
    assert_int_equal(listed.items[2].reason, DC_PENDING_QUEUED);
    assert_false(listed.items[2].never_online);
}

static void held__is_listed_after_what_is_pending(void **state)
{
    struct device_fixture *fixture = *state;
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Ack ack = DOUBLECREW__V1__ACK__INIT;
    Doublecrew__V1__HeldEntry held = DOUBLECREW__V1__HELD_ENTRY__INIT;
    Doublecrew__V1__HeldEntry *list_of_held = &held;
    struct hash hash;
    struct listed listed;

    note(fixture);
    device_fixture_online(fixture);
    hash = fixture->device->head.hash;
    held.seq = 1;
    held.reason = (char *)(uintptr_t) "out_of_scope";
    ack.durable_seq = 1;
    ack.durable_hash = (ProtobufCBinaryData){.data = hash.bytes, .len = HASH_SIZE};
    ack.pos = 9;
    ack.credit = 512;
    ack.n_held = 1;
    ack.held = &list_of_held;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK;
    message.ack = &ack;
    device_fixture_receive(fixture, &message);
    device_disconnected(fixture->device, STATUS_NETWORK);
    note(fixture);
    device_fixture_reopen(fixture); /* durable */
    listed = list(fixture);
    assert_int_equal(listed.count, 2);
    assert_int_equal(listed.items[0].seq, 2);
    assert_int_equal(listed.items[1].seq, 1);
    assert_int_equal(listed.items[1].reason, DC_PENDING_HELD);
    assert_string_equal(listed.texts[1], "out_of_scope");
    assert_int_equal(status_of(fixture).pending_entries, 1);
}

static void progress__is_told_as_it_comes(void **state)
{
    struct device_fixture *fixture = *state;
    const struct device_kept_event *event;

    for (int i = 0; i < 5; i++) {
        note(fixture);
    }
    device_fixture_connect(fixture);
    device_fixture_welcome(fixture, 0, NULL, 3);
    event = device_fixture_event(fixture, DC_EVENT_PROGRESS);
    assert_non_null(event);
    assert_int_equal(event->done, 0);
    assert_int_equal(event->total, 5);
    assert_false(event->complete);
    device_fixture_ack(fixture, 3);
    event = device_fixture_event(fixture, DC_EVENT_PROGRESS);
    assert_int_equal(event->done, 3);
    assert_int_equal(event->total, 5);
    device_fixture_page(fixture, 4, true);
    device_fixture_ack(fixture, 5);
    event = device_fixture_event(fixture, DC_EVENT_PROGRESS);
    assert_int_equal(event->done, 5);
    assert_true(event->complete);
    assert_int_equal(status_of(fixture).pushed_entries, 5);
    assert_int_equal(status_of(fixture).pages, 1);
    assert_string_equal(status_of(fixture).pending_text, "Everything recorded on this phone is at the server.");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(entry__says_what_it_is_and_how_long_it_waits),
        CASE(entry__of_an_earlier_boot_is_at_least_as_old_as_this_one),
        CASE(iteration__stops_when_told),
        CASE(silence__ends_by_itself_in_every_phase),
        CASE(silence__of_the_feed_ends_too),
        CASE(servers_word_to_wait__has_a_limit_too),
        CASE(what_a_person_must_do__is_the_reason),
        CASE(hello__tells_the_failures_and_the_servers_last_word),
        CASE(push__queues_behind_the_credit),
        CASE(held__is_listed_after_what_is_pending),
        CASE(progress__is_told_as_it_comes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
