#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/core_fixture.h"

static void expect_vector(const char *name, const void *bytes, size_t size)
{
    size_t expected_size;
    uint8_t *expected = fixture_vector("entry.txt", name, &expected_size);

    assert_int_equal(size, expected_size);
    assert_memory_equal(bytes, expected, size);
    free(expected);
}

static void read_id(const char *name, struct id *ret_id)
{
    size_t size;
    uint8_t *bytes = fixture_vector("entry.txt", name, &size);

    assert_int_equal(id_from_span(span_of(bytes, size), ret_id), STATUS_OK);
    free(bytes);
}

/* The three entries of the vectors, as their maker describes them. */
static void fill_headers(struct entry entries[3])
{
    size_t size;
    uint8_t *anchor = fixture_vector("entry.txt", "anchor_hash", &size);

    memset(entries, 0, 3 * sizeof(*entries));
    for (size_t i = 0; i < 3; i++) {
        read_id("log", &entries[i].header.log);
        read_id(i < 2 ? "boot" : "boot2", &entries[i].header.boot);
        entries[i].header.seq = i + 1;
        if (i > 0) {
            memcpy(entries[i].header.checkpoint.bytes, anchor, HASH_SIZE);
            entries[i].header.checkpoint_received_ms = 86400999;
        }
    }
    entries[0].header.monotonic_ms = 5000;
    entries[0].header.wall_ms = 1732286200000;
    entries[0].header.kind = 1;
    entries[1].header.monotonic_ms = 86500000;
    entries[1].header.wall_ms = 1732372700500;
    entries[1].header.kind = 2;
    entries[2].header.monotonic_ms = 70;
    entries[2].header.wall_ms = -1;
    entries[2].header.kind = 13;
    free(anchor);
}

static void check_entry(const struct entry *entry, const char *number, const struct sign_key *key)
{
    uint8_t header[ENTRY_HEADER_SIZE];
    uint8_t statement[HEAD_STATEMENT_SIZE];
    struct entry_header back;
    struct signature signature;
    char name[64] = "entry";

    strcat(strcat(name, number), "_header");
    entry_header_encode(&entry->header, header);
    expect_vector(name, header, sizeof(header));
    assert_int_equal(entry_header_decode(header, &back), STATUS_OK);
    entry_header_encode(&back, header);
    expect_vector(name, header, sizeof(header));
    strcpy(name + 6, "_hash");
    expect_vector(name, entry->hash.bytes, HASH_SIZE);
    head_statement_encode(&entry->header.log, entry->header.seq, &entry->hash, statement);
    strcpy(name + 6, "_head_statement");
    expect_vector(name, statement, sizeof(statement));
    assert_int_equal(sign_message(key, span_of(statement, sizeof(statement)), &signature), STATUS_OK);
    strcpy(name + 6, "_head_signature");
    expect_vector(name, signature.bytes, SIGNATURE_SIZE);
}

static void entry__layout_hash_statement_and_signature_are_as_in_the_vectors(void **state)
{
    static const char *const numbers[3] = {"1", "2", "3"};
    struct sign_key *key = fixture_key("doublecrew test device key");
    struct entry entries[3];
    struct sha256 *sha;

    (void)state;
    assert_int_equal(sha256_new(&sha), STATUS_OK);
    fill_headers(entries);
    for (size_t i = 0; i < 3; i++) {
        char name[] = "entryN_payload";
        uint8_t *payload;
        size_t size;

        name[5] = numbers[i][0];
        payload = fixture_vector("entry.txt", name, &size);
        entries[i].payload = span_of(payload, size);
        if (i > 0)
            entries[i].header.previous = entries[i - 1].hash;
        assert_int_equal(entry_seal(sha, &entries[i]), STATUS_OK);
        check_entry(&entries[i], numbers[i], key);
        free(payload);
    }
    sign_key_free(key);
    sha256_free(sha);
}

/* Written out once by hand, so that a wrong vector file can't pass. */
static void entry_header__bytes_stand_where_the_header_says(void **state)
{
    struct entry_header header = {.seq = 0x0102030405060708u,
                                  .checkpoint_received_ms = 0x1112131415161718u,
                                  .monotonic_ms = 0x2122232425262728u,
                                  .wall_ms = -2,
                                  .kind = 0xabcd};
    static const char expected[] =
        "44434531"                                                          /* DCE1 */
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                                  /* log */
        "0102030405060708"                                                  /* seq */
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"  /* previous */
        "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"  /* checkpoint */
        "1112131415161718"                                                  /* received */
        "dddddddddddddddddddddddddddddddd"                                  /* boot */
        "2122232425262728"                                                  /* monotonic */
        "fffffffffffffffe"                                                  /* wall */
        "abcd"                                                              /* kind */
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"; /* payload hash */
    uint8_t bytes[ENTRY_HEADER_SIZE];
    char hex[2 * ENTRY_HEADER_SIZE + 1];
    struct entry_header back;

    (void)state;
    memset(header.log.bytes, 0xaa, ID_SIZE);
    memset(header.previous.bytes, 0xbb, HASH_SIZE);
    memset(header.checkpoint.bytes, 0xcc, HASH_SIZE);
    memset(header.boot.bytes, 0xdd, ID_SIZE);
    memset(header.payload_hash.bytes, 0xee, HASH_SIZE);
    entry_header_encode(&header, bytes);
    hex_encode(span_of(bytes, sizeof(bytes)), hex);
    assert_string_equal(hex, expected);
    assert_int_equal(entry_header_decode(bytes, &back), STATUS_OK);
    assert_int_equal(back.wall_ms, -2);
    assert_int_equal(back.kind, 0xabcd);
    bytes[3] = '2';
    back.kind = 7;
    assert_int_equal(entry_header_decode(bytes, &back), STATUS_MALFORMED);
    assert_int_equal(back.kind, 7);
}

static void entry_seal__payload_must_hold_a_salt_and_not_too_much(void **state)
{
    uint8_t *payload = calloc(1, PAYLOAD_SIZE_MAX + 1);
    struct entry entry = {.hash = {{5}}};
    struct sha256 *sha;

    (void)state;
    assert_non_null(payload);
    assert_int_equal(sha256_new(&sha), STATUS_OK);
    entry.payload = span_of(payload, PAYLOAD_SALT_SIZE - 1);
    assert_int_equal(entry_seal(sha, &entry), STATUS_BAD_LENGTH);
    assert_int_equal(entry_message(&entry).size, 0);
    entry.payload = span_of(payload, PAYLOAD_SIZE_MAX + 1);
    assert_int_equal(entry_seal(sha, &entry), STATUS_OVER_LIMIT);
    assert_int_equal(entry.hash.bytes[0], 5);
    assert_true(hash_is_zero(&entry.header.payload_hash));
    entry.payload = span_of(payload, PAYLOAD_SALT_SIZE);
    assert_int_equal(entry_seal(sha, &entry), STATUS_OK);
    assert_int_equal(entry_message(&entry).size, 0);
    entry.payload = span_of(payload, PAYLOAD_SIZE_MAX);
    assert_int_equal(entry_seal(sha, &entry), STATUS_OK);
    assert_int_equal(entry_message(&entry).size, PAYLOAD_SIZE_MAX - PAYLOAD_SALT_SIZE);
    assert_ptr_equal(entry_message(&entry).data, payload + PAYLOAD_SALT_SIZE);
    sha256_free(sha);
    free(payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entry__layout_hash_statement_and_signature_are_as_in_the_vectors),
        cmocka_unit_test(entry_header__bytes_stand_where_the_header_says),
        cmocka_unit_test(entry_seal__payload_must_hold_a_salt_and_not_too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
