#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base64.h"
#include "core/checkpoint.h"
#include "core/limits.h"
#include "tests/lib/core_fixture.h"

struct fixture {
    struct sha256 *sha;
    struct sign_key *key;
    struct public_key public_key;
    struct verify_key *verifier;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_int_equal(sha256_new(&f->sha), STATUS_OK);
    f->key = fixture_key("doublecrew test server key");
    sign_key_public(f->key, &f->public_key);
    assert_int_equal(verify_key_new(&f->public_key, &f->verifier), STATUS_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    verify_key_free(f->verifier);
    sign_key_free(f->key);
    sha256_free(f->sha);
    free(f);
    return 0;
}

/* What make_vectors.py signs. */
static struct checkpoint sample(bool is_anchor)
{
    struct checkpoint checkpoint = {.force = fixture_id("test force"),
                                    .epoch = fixture_id("test epoch"),
                                    .size = 4711,
                                    .root = fixture_hash("test root"),
                                    .time_ms = 1732286205123,
                                    .is_anchor = is_anchor};

    if (is_anchor) {
        checkpoint.log = fixture_id("test log");
        checkpoint.boot = fixture_id("test boot");
        checkpoint.monotonic_ms = 86400123;
    }
    return checkpoint;
}

static void expect_same(const struct checkpoint *a, const struct checkpoint *b)
{
    assert_true(id_equal(&a->force, &b->force));
    assert_true(id_equal(&a->epoch, &b->epoch));
    assert_true(a->size == b->size);
    assert_true(hash_equal(&a->root, &b->root));
    assert_int_equal(a->time_ms, b->time_ms);
    assert_int_equal(a->is_anchor, b->is_anchor);
    assert_true(id_equal(&a->log, &b->log));
    assert_true(id_equal(&a->boot, &b->boot));
    assert_true(a->monotonic_ms == b->monotonic_ms);
}

static enum status open_text(struct fixture *f, const char *text, size_t size, struct checkpoint *ret_checkpoint)
{
    return checkpoint_open(f->sha, span_of(text, size), &f->public_key, f->verifier, ret_checkpoint);
}

static void checkpoint__is_written_as_in_the_vectors_and_read_back(void **state)
{
    static const char *const names[2] = {"checkpoint", "anchor"};
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        struct checkpoint checkpoint = sample(i == 1);
        struct checkpoint opened;
        struct checkpoint read;
        char text[CHECKPOINT_TEXT_MAX];
        size_t size;
        size_t expected_size;
        uint8_t *expected = fixture_vector("checkpoint.txt", names[i], &expected_size);

        assert_int_equal(checkpoint_sign(f->sha, &checkpoint, f->key, text, &size), STATUS_OK);
        assert_int_equal(size, expected_size);
        assert_memory_equal(text, expected, size);
        assert_int_equal(text[size], 0);
        assert_int_equal(open_text(f, text, size, &opened), STATUS_OK);
        expect_same(&opened, &checkpoint);
        assert_int_equal(checkpoint_read(span_of(text, size), &read), STATUS_OK);
        expect_same(&read, &checkpoint);
        free(expected);
    }
}

static void checkpoint__extremes_fit(void **state)
{
    struct fixture *f = *state;
    struct checkpoint checkpoint = sample(true);
    struct checkpoint opened;
    char text[CHECKPOINT_TEXT_MAX];
    size_t size;

    checkpoint.size = UINT64_MAX;
    checkpoint.time_ms = TIME_MS_MAX;
    checkpoint.monotonic_ms = TIME_MS_MAX;
    assert_int_equal(checkpoint_sign(f->sha, &checkpoint, f->key, text, &size), STATUS_OK);
    assert_int_equal(open_text(f, text, size, &opened), STATUS_OK);
    expect_same(&opened, &checkpoint);
    checkpoint.size = 0;
    checkpoint.time_ms = 0;
    checkpoint.monotonic_ms = 0;
    assert_int_equal(checkpoint_sign(f->sha, &checkpoint, f->key, text, &size), STATUS_OK);
    assert_int_equal(open_text(f, text, size, &opened), STATUS_OK);
    expect_same(&opened, &checkpoint);
    checkpoint.time_ms = -1;
    assert_int_equal(checkpoint_sign(f->sha, &checkpoint, f->key, text, &size), STATUS_INPUT);
}

static void checkpoint__only_ed25519_keys_sign(void **state)
{
    struct fixture *f = *state;
    struct checkpoint checkpoint = sample(false);
    char text[CHECKPOINT_TEXT_MAX] = "untouched";
    struct sign_key *key;
    size_t size;

    assert_int_equal(sign_key_generate(SIGN_ECDSA_P256, &key), STATUS_OK);
    assert_int_equal(checkpoint_sign(f->sha, &checkpoint, key, text, &size), STATUS_INPUT);
    assert_string_equal(text, "untouched");
    sign_key_free(key);
}

/* Each bit of each byte: nothing that isn't the very text passes, and nothing is read beyond it. */
static void checkpoint__every_changed_bit_and_every_cut_is_refused(void **state)
{
    struct fixture *f = *state;
    struct checkpoint checkpoint = sample(true);
    struct checkpoint opened;
    char text[CHECKPOINT_TEXT_MAX];
    size_t size;

    assert_int_equal(checkpoint_sign(f->sha, &checkpoint, f->key, text, &size), STATUS_OK);
    for (size_t at = 0; at < size; at++) {
        char *cut = malloc(at + 1);

        for (int bit = 0; bit < 8; bit++) {
            enum status status;

            text[at] = (char)(text[at] ^ 1 << bit);
            status = open_text(f, text, size, &opened);
            assert_true(status == STATUS_MALFORMED || status == STATUS_BAD_SIGNATURE);
            text[at] = (char)(text[at] ^ 1 << bit);
        }
        assert_non_null(cut);
        memcpy(cut, text, at);
        assert_int_equal(open_text(f, cut, at, &opened), STATUS_MALFORMED);
        free(cut);
    }
    assert_int_equal(open_text(f, text, size, &opened), STATUS_OK);
}

static void checkpoint__another_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct sign_key *other = fixture_key("another server");
    struct checkpoint checkpoint = sample(true);
    struct checkpoint opened;
    char text[CHECKPOINT_TEXT_MAX];
    size_t size;

    assert_int_equal(checkpoint_sign(f->sha, &checkpoint, other, text, &size), STATUS_OK);
    assert_int_equal(open_text(f, text, size, &opened), STATUS_BAD_SIGNATURE);
    assert_int_equal(checkpoint_read(span_of(text, size), &opened), STATUS_OK); /* reads without checking */
    sign_key_free(other);
}

/* from is in the text once; it is replaced, and the result must be MALFORMED for reader and opener alike. */
static void expect_malformed(struct fixture *f, const char *text, const char *from, const char *to)
{
    char changed[2 * CHECKPOINT_TEXT_MAX];
    const char *at = strstr(text, from);
    struct checkpoint opened;
    size_t size;

    assert_non_null(at);
    size = (size_t)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    assert_int_equal(checkpoint_read(span_of(changed, size), &opened), STATUS_MALFORMED);
    assert_int_equal(open_text(f, changed, size, &opened), STATUS_MALFORMED);
}

static void checkpoint__one_text_only_for_each_content(void **state)
{
    struct fixture *f = *state;
    struct checkpoint checkpoint = sample(true);
    char text[CHECKPOINT_TEXT_MAX];
    char longer[CHECKPOINT_TEXT_MAX + 1];
    struct checkpoint opened;
    size_t size;

    assert_int_equal(checkpoint_sign(f->sha, &checkpoint, f->key, text, &size), STATUS_OK);
    expect_malformed(f, text, "4711", "04711");
    expect_malformed(f, text, "4711", "+4711");
    expect_malformed(f, text, "4711", "");
    expect_malformed(f, text, "4711", "18446744073709551616");
    expect_malformed(f, text, "4711", "99999999999999999999999");
    expect_malformed(f, text, "\n4711\n", "\r\n4711\n");
    expect_malformed(f, text, "doublecrew/", "doublecrow/");
    expect_malformed(f, text, "time 1732286205123", "time -1");
    expect_malformed(f, text, "time 1732286205123", "time 9223372036854775807");
    expect_malformed(f, text, "time ", "Time ");
    expect_malformed(f, text, "\nlog ", "\nlag ");
    expect_malformed(f, text, "\nboot ", "\nextra line\nboot ");
    expect_malformed(f, text, "\n\n", "\n");
    expect_malformed(f, text, "\n\n", "\n\n\n");
    expect_malformed(f, text, "\xe2\x80\x94 ", "-- ");
    expect_malformed(f, text, "=\ntime", "\ntime");
    memset(longer, 'x', sizeof(longer));
    assert_int_equal(checkpoint_read(span_of(longer, CHECKPOINT_TEXT_MAX), &opened), STATUS_OVER_LIMIT);
    memcpy(longer, text, size);
    longer[size] = 'x';
    longer[size + 1] = '\n';
    assert_int_equal(checkpoint_read(span_of(longer, size + 2), &opened), STATUS_MALFORMED);
    assert_int_equal(checkpoint_read(span_of(NULL, 0), &opened), STATUS_MALFORMED);
}

static void checkpoint__upper_case_hex_is_refused(void **state)
{
    struct fixture *f = *state;
    struct checkpoint checkpoint = sample(true);
    char text[CHECKPOINT_TEXT_MAX];
    struct checkpoint opened;
    char *log;
    size_t size;

    memset(checkpoint.log.bytes, 0xaa, ID_SIZE);
    assert_int_equal(checkpoint_sign(f->sha, &checkpoint, f->key, text, &size), STATUS_OK);
    log = strstr(text, "log aa");
    assert_non_null(log);
    log[4] = 'A';
    assert_int_equal(open_text(f, text, size, &opened), STATUS_MALFORMED);
}

/* RFC 4648 section 10. */
static void base64__rfc_4648_and_nothing_else(void **state)
{
    static const char *const known[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    static const char *const wrong[] = {"Zh==", "Zg=", "Zg", "Zg=a", "Z===", "Zg==\n", "Z-==", "====", " Zg="};
    uint8_t bytes[8];
    char text[16];

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t size = strlen(known[i][0]);

        base64_encode(span_of(known[i][0], size), text);
        assert_string_equal(text, known[i][1]);
        assert_int_equal(base64_decode(span_of(text, strlen(text)), size, bytes), STATUS_OK);
        assert_memory_equal(bytes, known[i][0], size);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(base64_decode(span_of(wrong[i], strlen(wrong[i])), 1, bytes), STATUS_MALFORMED);
    assert_int_equal(base64_decode(span_of("Zm9=", 4), 2, bytes), STATUS_MALFORMED);
    assert_int_equal(base64_decode(span_of("Zm8=", 4), 3, bytes), STATUS_MALFORMED);
    bytes[0] = 0xfb;
    bytes[1] = 0xff;
    base64_encode(span_of(bytes, 2), text);
    assert_string_equal(text, "+/8=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(checkpoint__is_written_as_in_the_vectors_and_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checkpoint__extremes_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checkpoint__only_ed25519_keys_sign, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checkpoint__every_changed_bit_and_every_cut_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checkpoint__another_key_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checkpoint__one_text_only_for_each_content, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checkpoint__upper_case_hex_is_refused, set_up, tear_down),
        cmocka_unit_test(base64__rfc_4648_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
