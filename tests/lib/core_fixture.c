#include "tests/lib/core_fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka needs these three before it */
#include <setjmp.h>
#include <stddef.h>

#include <cmocka.h>

uint64_t fixture_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t fixture_below(uint64_t *state, uint64_t limit)
{
    return fixture_random(state) % limit;
}

struct hash fixture_hash(const char *name)
{
    struct sha256 *sha;
    struct hash hash;

    assert_int_equal(sha256_new(&sha), STATUS_OK);
    assert_int_equal(sha256_bytes(sha, span_of(name, strlen(name)), &hash), STATUS_OK);
    sha256_free(sha);
    return hash;
}

struct id fixture_id(const char *name)
{
    struct hash hash = fixture_hash(name);
    struct id id;

    memcpy(id.bytes, hash.bytes, ID_SIZE);
    return id;
}

struct sign_key *fixture_key(const char *name)
{
    struct hash seed = fixture_hash(name);
    struct sign_key *key;

    assert_int_equal(sign_key_from_seed(seed.bytes, &key), STATUS_OK);
    return key;
}

uint8_t *fixture_vector(const char *file, const char *name, size_t *ret_size)
{
    static char line[16384];
    char path[256];
    FILE *stream;

    (void)snprintf(path, sizeof(path), "tests/vectors/%s", file);
    stream = fopen(path, "r");
    assert_non_null(stream);
    while (fgets(line, sizeof(line), stream) != NULL) {
        char *value = strstr(line, " = ");
        uint8_t *bytes;
        size_t size;

        if (value == NULL || (size_t)(value - line) != strlen(name) || strncmp(line, name, strlen(name)) != 0)
            continue;
        (void)fclose(stream);
        value += 3;
        value[strcspn(value, "\n")] = '\0';
        size = strlen(value) / 2;
        bytes = malloc(size + 1);
        assert_non_null(bytes);
        assert_int_equal(hex_decode(value, size, bytes), STATUS_OK);
        *ret_size = size;
        return bytes;
    }
    (void)fclose(stream);
    fail_msg("no %s in %s", name, path);
    return NULL;
}

static void fill_entry(struct fixture_log *log, size_t i, uint64_t *seed)
{
    struct entry *entry = &log->entries[i];
    struct entry_header *header = &entry->header;

    for (size_t at = 0; at < PAYLOAD_SALT_SIZE; at += 8)
        put_u64(log->payloads[i] + at, fixture_random(seed));
    entry->payload = span_of(log->payloads[i], PAYLOAD_SALT_SIZE + fixture_below(seed, 32));
    header->kind = (uint16_t)(1 + fixture_below(seed, 20));
    header->boot = fixture_id(i % 7 == 6 ? "boot b" : "boot a");
    header->monotonic_ms = 1000 * i + fixture_below(seed, 900);
    header->wall_ms = 1732286205123 + (int64_t)fixture_below(seed, 100000000) - 50000000;
    if (i % 3 == 2) {
        size_t which = i % 2;

        header->checkpoint = log->anchors[which].hash;
        header->checkpoint_received_ms = log->anchors[which].received_ms;
    }
}

struct fixture_log *fixture_log_new(struct sha256 *sha, uint64_t first_seq, size_t count, uint64_t seed)
{
    static const char text[] = "a text that stands for an anchor, longer than a hash is";
    struct fixture_log *log = calloc(1, sizeof(*log));

    assert_non_null(log);
    assert_true(count <= PUSH_ENTRIES_MAX + 1);
    log->count = count;
    log->anchors[0].hash = fixture_hash("anchor known");
    log->anchors[0].received_ms = 77;
    log->anchors[1].hash = fixture_hash(text);
    log->anchors[1].text = span_of(text, sizeof(text) - 1);
    log->anchors[1].received_ms = 1234567;
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = &log->entries[i];

        fill_entry(log, i, &seed);
        entry->header.log = fixture_id("log");
        entry->header.seq = first_seq + i;
        if (i > 0)
            entry->header.previous = log->entries[i - 1].hash;
        else if (first_seq > 1)
            entry->header.previous = fixture_hash("previous");
        assert_int_equal(entry_seal(sha, entry), STATUS_OK);
    }
    return log;
}

void fixture_log_free(struct fixture_log *log)
{
    free(log);
}

uint8_t *fixture_push(const struct fixture_log *log, const struct sign_key *key, size_t *ret_size)
{
    const struct entry *last = &log->entries[log->count - 1];
    uint8_t statement[HEAD_STATEMENT_SIZE];
    struct signature signature;
    uint8_t *bytes = NULL;

    head_statement_encode(&last->header.log, last->header.seq, &last->hash, statement);
    assert_int_equal(sign_message(key, span_of(statement, sizeof(statement)), &signature), STATUS_OK);
    assert_int_equal(push_build(log->entries, log->count, log->anchors, 2, &signature, 4242, &bytes, ret_size),
                     STATUS_OK);
    return bytes;
}
