#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/device_fixture.h"

static const char secret[] = "Mr Example Person was polite and showed his tablet.";

static void write_note(struct device_fixture *fixture, const char *text)
{
    struct dc_subject subject = {.offender = device_fixture_id(7)};

    assert_int_equal(dc_note(fixture->device, &subject, text, NULL, NULL), DC_OK);
}

static bool file_holds(const char *path, const char *needle)
{
    FILE *file = fopen(path, "rb");
    static char bytes[1 << 20];
    size_t size;

    if (!file) {
        return false;
    }
    size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return memmem(bytes, size, needle, strlen(needle)) != NULL;
}

static void store__holds_no_plaintext(void **state)
{
    struct device_fixture fixture;
    char wal[160];

    (void)state;
    device_fixture_init(&fixture, 1);
    device_fixture_open(&fixture);
    write_note(&fixture, secret);
    snprintf(wal, sizeof wal, "%s-wal", fixture.path);
    assert_int_equal(access(wal, F_OK), 0);
    assert_false(file_holds(wal, "Example Person"));
    dc_device_close(fixture.device);
    fixture.device = NULL;
    assert_false(file_holds(fixture.path, "Example Person"));
    assert_true(file_holds(fixture.path, "SQLite format 3")); /* the search itself works */
    device_fixture_done(&fixture);
}

static void store__refuses_another_storage_key(void **state)
{
    struct device_fixture fixture;

    (void)state;
    device_fixture_init(&fixture, 1);
    device_fixture_open(&fixture);
    write_note(&fixture, secret);
    dc_device_close(fixture.device);
    fixture.device = NULL;
    fixture.config.storage_key[31] ^= 1;
    assert_int_equal(dc_device_open(NULL, &fixture.config, &fixture.device), DC_STORAGE_KEY);
    assert_string_equal(dc_status_name(DC_STORAGE_KEY), "storage_key");
    fixture.config.storage_key[31] ^= 1;
    device_fixture_open(&fixture);
    device_fixture_done(&fixture);
}

static void store__refuses_a_second_opener_and_another_log(void **state)
{
    struct device_fixture fixture;
    struct dc_device *second = NULL;

    (void)state;
    device_fixture_init(&fixture, 1);
    device_fixture_open(&fixture);
    assert_int_equal(dc_device_open(NULL, &fixture.config, &second), DC_STORE_BUSY);
    dc_device_close(fixture.device);
    fixture.device = NULL;
    fixture.config.log = device_fixture_id(9999);
    assert_int_equal(dc_device_open(NULL, &fixture.config, &second), DC_STORE);
    device_fixture_done(&fixture);
}

static bool count_note(void *context, const struct dc_note_read *note)
{
    unsigned *count = context;

    assert_string_equal(note->text, secret);
    assert_true(note->pending);
    (*count)++;
    return true;
}

/* The process dies right after the append returned, without closing anything. */
static void append__survives_a_crash(void **state)
{
    struct device_fixture fixture;
    struct dc_sync_status status;
    unsigned notes = 0;
    int result = 0;
    pid_t child;

    (void)state;
    device_fixture_init(&fixture, 1);
    child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        device_fixture_open(&fixture);
        write_note(&fixture, secret);
        write_note(&fixture, secret);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    device_fixture_open(&fixture);
    dc_sync_status(fixture.device, &status);
    assert_int_equal(status.head_seq, 2);
    assert_int_equal(status.pending_entries, 2);
    assert_int_equal(status.pending_since_ms, fixture.wall_ms);
    assert_int_equal(dc_each_note(fixture.device, NULL, count_note, &notes), DC_OK);
    assert_int_equal(notes, 2);
    device_fixture_done(&fixture);
}

static void append__chains_after_reopening(void **state)
{
    struct device_fixture fixture;
    struct store_entry first;
    struct store_entry second;

    (void)state;
    device_fixture_init(&fixture, 1);
    device_fixture_open(&fixture);
    write_note(&fixture, secret);
    device_fixture_reopen(&fixture);
    write_note(&fixture, secret);
    assert_int_equal(store_read_entry(fixture.device->store, 1, &first), STATUS_OK);
    assert_int_equal(store_read_entry(fixture.device->store, 2, &second), STATUS_OK);
    assert_true(hash_equal(&second.entry.header.previous, &first.entry.hash));
    assert_true(hash_is_zero(&first.entry.header.previous));
    assert_memory_not_equal(first.entry.payload.data, second.entry.payload.data, PAYLOAD_SALT_SIZE);
    store_entry_done(&first);
    store_entry_done(&second);
    device_fixture_done(&fixture);
}

static void append__refuses_what_no_entry_can_hold(void **state)
{
    struct dc_check_in bad = {.offender = device_fixture_id(7), .with = DC_WITH_NAMED};
    struct dc_subject subject = {.offender = device_fixture_id(7)};
    struct device_fixture fixture;
    char *text = malloc(70000);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', 69999);
    text[69999] = '\0';
    device_fixture_init(&fixture, 1);
    device_fixture_open(&fixture);
    assert_int_equal(dc_note(fixture.device, &subject, text, NULL, NULL), DC_OVER_LIMIT);
    assert_int_equal(dc_check_in(fixture.device, &bad, NULL), DC_INPUT);
    assert_int_equal(fixture.device->head.seq, 0);
    free(text);
    device_fixture_done(&fixture);
}

static void seal__opens_only_in_its_own_place(void **state)
{
    struct device_fixture fixture;
    uint8_t key[SEAL_KEY_SIZE] = {1};
    uint8_t sealed[5 + SEAL_OVERHEAD];
    uint8_t plain[5];
    struct seal *seal = NULL;

    (void)state;
    device_fixture_init(&fixture, 1);
    assert_int_equal(seal_new(key, fixture.config.random, fixture.config.random_context, &seal), STATUS_OK);
    assert_int_equal(seal_close(seal, span_of("here", 4), span_of("hello", 5), sealed), STATUS_OK);
    assert_int_equal(seal_open(seal, span_of("here", 4), span_of(sealed, sizeof sealed), plain), STATUS_OK);
    assert_memory_equal(plain, "hello", 5);
    assert_int_equal(seal_open(seal, span_of("hers", 4), span_of(sealed, sizeof sealed), plain), STATUS_STORAGE_KEY);
    sealed[14] ^= 1;
    assert_int_equal(seal_open(seal, span_of("here", 4), span_of(sealed, sizeof sealed), plain), STATUS_STORAGE_KEY);
    assert_int_equal(seal_open(seal, span_of("here", 4), span_of(sealed, 10), plain), STATUS_STORAGE_KEY);
    seal_free(seal);
    device_fixture_done(&fixture);
}

static void status__has_a_public_number_for_each(void **state)
{
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++) {
        enum dc_status public = public_status((enum status)i);

        assert_int_equal(status_from_public(public), i);
        assert_string_equal(dc_status_name(public), status_name((enum status)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store__holds_no_plaintext),
        cmocka_unit_test(store__refuses_another_storage_key),
        cmocka_unit_test(store__refuses_a_second_opener_and_another_log),
        cmocka_unit_test(append__survives_a_crash),
        cmocka_unit_test(append__chains_after_reopening),
        cmocka_unit_test(append__refuses_what_no_entry_can_hold),
        cmocka_unit_test(seal__opens_only_in_its_own_place),
        cmocka_unit_test(status__has_a_public_number_for_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
