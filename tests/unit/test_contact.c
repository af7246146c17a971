/* A device's contact (P7): what a session gathers, what becomes of it in the device's row, and that rebuild never sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/session_fixture.h"
#include "tests/lib/store_fixture.h"

#define OK(call) assert_int_equal((call), STATUS_OK)
#define NOW_US ((int64_t)1800000000 * 1000000)

static Doublecrew__V1__Hello lagging_hello(char *version)
{
    Doublecrew__V1__Hello hello = session_fixture_good_hello();
    static uint8_t head[HASH_SIZE] = {1};

    hello.app_version = version;
    hello.head_seq = 12;
    hello.head_hash = (ProtobufCBinaryData){HASH_SIZE, head};
    hello.pending_entries = 12;
    hello.pending_since_wall_ms = 1799990000000;
    hello.failures = 4;
    hello.failing_code = DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_UNKNOWN_ANCHOR;
    hello.pending_reason = DOUBLECREW__V1__PENDING_REASON__PENDING_REASON_PUSH_REFUSED;
    return hello;
}

static void greet_lagging(struct session_fixture *fixture, char *version)
{
    Doublecrew__V1__Hello hello = lagging_hello(version);
    struct session_reply reply = {.kind = SESSION_GREET, .status = STATUS_OK};
    struct session_event event = {.kind = SESSION_ON_REPLY, .reply = &reply};

    session_fixture_open(fixture);
    session_fixture_hello(fixture, &hello);
    reply.greeting = fixture->greeting;
    session_fixture_step(fixture, &event);
}

static void hello__is_told_once_with_the_devices_own_words(void **state)
{
    struct session_fixture fixture;
    struct contact_note note;
    char version[] = "app 1.2\n\xc3\xa9 with words that nobody needs to keep whole, really not";

    (void)state;
    greet_lagging(&fixture, version);
    assert_true(session_contact_changed(fixture.session));
    session_contact_take(fixture.session, NOW_US, &note);
    assert_true(note.hello && note.pending_known && !note.recovered);
    assert_int_equal(note.at_us, NOW_US);
    assert_int_equal(note.pending_entries, 12);
    assert_int_equal(note.failures, 4);
    assert_int_equal(note.failing_code, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_UNKNOWN_ANCHOR);
    assert_int_equal(note.pending_reason, DOUBLECREW__V1__PENDING_REASON__PENDING_REASON_PUSH_REFUSED);
    assert_string_equal(note.app_version, "app 1.2 with words that nobody needs to");
    assert_false(session_contact_changed(fixture.session));
    session_contact_take(fixture.session, NOW_US + 1, &note);
    assert_false(note.hello);
    session_fixture_close(&fixture);
}

static void ack__lessens_what_is_pending_and_ends_the_failures(void **state)
{
    struct session_fixture fixture;
    struct contact_note note;
    struct batch_result result = {.status = STATUS_OK, .durable_seq = 5, .pos = 15};
    char version[] = "1";

    (void)state;
    greet_lagging(&fixture, version);
    session_fixture_push(&fixture, 5);
    session_fixture_result(&fixture, 5, &result);
    session_contact_take(fixture.session, NOW_US, &note);
    assert_true(note.recovered);
    assert_int_equal(note.pending_entries, 7);
    assert_int_equal(note.push_us, fixture.now.server_us);
    session_fixture_push(&fixture, 7);
    result.durable_seq = 12;
    session_fixture_result(&fixture, 7, &result);
    session_contact_take(fixture.session, NOW_US, &note);
    assert_true(note.pending_known);
    assert_int_equal(note.pending_entries, 0);
    session_fixture_close(&fixture);
}

static void errors__are_counted_from_the_last_success(void **state)
{
    struct session_fixture fixture;
    struct contact_note note;
    struct batch_result bad = {.status = STATUS_UNKNOWN_ANCHOR};
    struct batch_result good = {.status = STATUS_OK, .durable_seq = 1, .pos = 15};
    char version[] = "1";

    (void)state;
    greet_lagging(&fixture, version);
    for (int i = 0; i < 4; i++) {
        session_fixture_push(&fixture, 1);
        session_fixture_result(&fixture, 1, i == 1 ? &good : &bad);
    }
    session_contact_take(fixture.session, NOW_US, &note);
    assert_true(note.recovered);
    assert_int_equal(note.errors, 2);
    assert_int_equal(note.error, STATUS_UNKNOWN_ANCHOR);
    session_fixture_close(&fixture);
}

static void row__adds_up_over_sessions(void **state)
{
    struct contact_row row = {.device = {{1}}};
    struct contact_note refused = {.at_us = 10, .errors = 2, .error = STATUS_UNKNOWN_ANCHOR, .error_us = 9};
    struct contact_note hello = {.at_us = 20,
                                 .hello = true,
                                 .failures = 3,
                                 .pending_known = true,
                                 .pending_entries = 7,
                                 .pending_since_ms = 5,
                                 .app_version = "2"};
    struct contact_note done = {.at_us = 30, .recovered = true, .push_us = 29, .pending_known = true};

    (void)state;
    contact_apply(&refused, &row);
    contact_apply(&refused, &row);
    assert_int_equal(row.errors, 4);
    assert_string_equal(row.error, "unknown_anchor");
    contact_apply(&hello, &row);
    assert_int_equal(row.errors, 4);
    assert_int_equal(row.failures, 3);
    assert_int_equal(row.hello_us, 20);
    assert_int_equal(row.pending_since_ms, 5);
    contact_apply(&done, &row);
    assert_int_equal(row.errors + row.failures + row.pending_entries, 0);
    assert_int_equal(row.pending_since_ms, 0);
    assert_int_equal(row.seen_us, 30);
    assert_int_equal(row.push_us, 29);
    assert_string_equal(row.error, "unknown_anchor"); /* the last one stays to be seen */
    contact_apply(&refused, &row);                    /* an old note never makes it seem gone */
    assert_int_equal(row.seen_us, 30);
}

static enum status count_lines(void *context, const char *table, struct span line)
{
    (void)line;
    if (strcmp(table, "contacts") == 0)
        (*(size_t *)context)++;
    return STATUS_OK;
}

static void notes__are_written_for_enrolled_devices_and_left_out_of_the_dump(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct device_row device = {.device = numbered_id(1),
                                .log = numbered_id(2),
                                .officer = numbered_id(3),
                                .key = {.algorithm = SIGN_ED25519, .size = 32},
                                .certificate_key_hash = numbered_hash(4),
                                .standing = DEVICE_ACTIVE};
    struct contact_note notes[3] = {
        {.certificate_key_hash = numbered_hash(4), .at_us = 5, .hello = true, .app_version = "1"},
        {.certificate_key_hash = numbered_hash(99), .at_us = 6, .hello = true}, /* nobody's */
        {.certificate_key_hash = numbered_hash(4), .at_us = 7, .errors = 1, .error = STATUS_BUSY, .error_us = 7},
    };
    struct contact_row row;
    size_t dumped = 0;

    OK(store->ops->begin(store));
    OK(store->ops->device_put(store, &device));
    OK(store->ops->commit(store));
    assert_int_equal(store->ops->contact_get(store, &device.device, &row), STATUS_NOT_FOUND);
    OK(contacts_write(store, notes, 3));
    OK(fixture->reader->ops->contact_get(fixture->reader, &device.device, &row));
    assert_int_equal(row.hello_us, 5);
    assert_int_equal(row.seen_us, 7);
    assert_int_equal(row.errors, 1);
    assert_string_equal(row.error, "busy");
    assert_string_equal(row.app_version, "1");
    OK(store_dump(store, count_lines, &dumped));
    assert_int_equal(dumped, 0);
}

static void held_reasons__come_back_in_order_of_the_log(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct held_row rows[3] = {{.log = numbered_id(1), .seq = 9, .reason = "unknown_kind"},
                               {.log = numbered_id(1), .seq = 4, .reason = "out_of_scope"},
                               {.log = numbered_id(2), .seq = 5, .reason = "contested"}};
    struct held_row got[3];
    size_t count = 0;

    OK(store->ops->begin(store));
    for (size_t i = 0; i < 3; i++)
        OK(store->ops->held_put(store, &rows[i]));
    OK(store->ops->commit(store));
    OK(store->ops->held_of_log(store, &rows[0].log, 1, 9, got, 3, &count));
    assert_int_equal(count, 2);
    assert_int_equal(got[0].seq, 4);
    assert_string_equal(got[0].reason, "out_of_scope");
    assert_string_equal(got[1].reason, "unknown_kind");
    OK(store->ops->held_of_log(store, &rows[0].log, 5, 8, got, 3, &count));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest pure[] = {
        cmocka_unit_test(hello__is_told_once_with_the_devices_own_words),
        cmocka_unit_test(ack__lessens_what_is_pending_and_ends_the_failures),
        cmocka_unit_test(errors__are_counted_from_the_last_success),
        cmocka_unit_test(row__adds_up_over_sessions),
    };
    struct CMUnitTest stored[] = {
        cmocka_unit_test_setup_teardown(notes__are_written_for_enrolled_devices_and_left_out_of_the_dump,
                                        store_fixture_setup, store_fixture_teardown),
        cmocka_unit_test_setup_teardown(held_reasons__come_back_in_order_of_the_log, store_fixture_setup,
                                        store_fixture_teardown),
    };
    size_t count;
    const struct store_backend *backends = store_backends(&count);
    int failed = cmocka_run_group_tests(pure, NULL, NULL);

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sizeof(stored) / sizeof(stored[0]); j++)
            stored[j].initial_state = (void *)(uintptr_t)&backends[i];
        failed += cmocka_run_group_tests_name(backends[i].name, stored, NULL, NULL);
    }
    return failed;
}
