/*
 * core/deflated.h: what went deflated comes out the same, byte for byte; and nothing that anybody sends allocates more than it
 * says, or writes beyond it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/deflated.h"
#include "core/wire.h"
#include "doublecrew/v1/sync.pb-c.h"
#include "tests/lib/core_fixture.h"

#define DEFLATED_PUSH_FIELD 7

struct fixture {
    struct inflater *inflater;
    uint8_t *text; /* MESSAGE_SIZE_MAX bytes that deflate to about half */
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    uint64_t seed = 11;

    assert_int_equal(inflater_new(&fixture->inflater), STATUS_OK);
    fixture->text = malloc(MESSAGE_SIZE_MAX);
    for (size_t i = 0; i < MESSAGE_SIZE_MAX; i++)
        fixture->text[i] = (uint8_t)("etaoin shrdlu cm"[fixture_below(&seed, 16)]);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    inflater_free(fixture->inflater);
    free(fixture->text);
    free(fixture);
    return 0;
}

/* The DeflatedPush in a ClientMessage. */
static struct deflated_push opened(struct span message)
{
    struct deflated_push push;
    struct span body;

    assert_int_equal(wire_scan(&doublecrew__v1__client_message__descriptor, message), STATUS_OK);
    assert_int_equal(wire_find(message, DEFLATED_PUSH_FIELD, &body), STATUS_OK);
    assert_int_equal(deflated_push_open(body, &push), STATUS_OK);
    return push;
}

static void expect_whole(struct inflater *inflater, struct span push)
{
    uint8_t *message;
    size_t size;

    assert_int_equal(deflated_push_build(push, 3, &message, &size), STATUS_OK);
    if (message == NULL)
        return;
    struct deflated_push deflated = opened(span_of(message, size));
    uint8_t *again = malloc(push.size);
    assert_true(size < push.size);
    assert_int_equal(deflated.size, push.size);
    assert_int_equal(deflated.entry_count, 3);
    assert_int_equal(inflater_run(inflater, deflated.bytes, again, push.size), STATUS_OK);
    assert_memory_equal(again, push.data, push.size);
    free(again);
    free(message);
}

/* Lengths up to the largest, of text, of noise and of both mixed; in one inflater, one after the other. */
static void push__comes_out_as_it_went_in(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {1, 15, 16, 17, 18, 100, 257, 258, 259, 4096, 32768, 65537, 300000, PUSH_SIZE_MAX};
    uint64_t seed = 5;
    uint8_t *mixed = malloc(PUSH_SIZE_MAX);

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (unsigned noise = 0; noise <= 4; noise++) {
            for (size_t at = 0; at < sizes[i]; at++)
                mixed[at] = fixture_below(&seed, 4) < noise ? (uint8_t)fixture_random(&seed) : f->text[at];
            expect_whole(f->inflater, span_of(mixed, sizes[i]));
        }
    }
    for (size_t round = 0; round < 300; round++) {
        size_t size = 1 + fixture_below(&seed, 9000);

        expect_whole(f->inflater, span_of(f->text + fixture_below(&seed, 100000), size));
    }
    free(mixed);
}

/* A check-in alone is hashes, ids and a signature. */
static void push__that_would_not_be_smaller_stays_as_it_is(void **state)
{
    uint8_t noise[600];
    uint64_t seed = 3;
    uint8_t *message = noise;
    size_t size = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)fixture_random(&seed);
    for (size_t length = 1; length <= sizeof(noise); length++) {
        assert_int_equal(deflated_push_build(span_of(noise, length), 1, &message, &size), STATUS_OK);
        assert_null(message);
        assert_int_equal(size, 0);
    }
    assert_int_equal(deflated_push_build(span_of(noise, PUSH_SIZE_MAX + 1), 1, &message, &size), STATUS_OVER_LIMIT);
}

/* What the receiver wouldn't take isn't made: 64 KiB of one letter. */
static void push__beyond_the_ratio_stays_as_it_is(void **state)
{
    struct fixture *f = *state;
    uint8_t *message;
    size_t size;

    memset(f->text, 'a', 65536);
    assert_int_equal(deflated_push_build(span_of(f->text, 65536), 1, &message, &size), STATUS_OK);
    assert_null(message);
}

/* Raw DEFLATE by zlib itself, as another client makes it. */
static size_t deflated_by_zlib(struct span bytes, int level, int strategy, uint8_t *to, size_t room)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes.data, .avail_in = (uInt)bytes.size};

    assert_int_equal(deflateInit2(&stream, level, Z_DEFLATED, -15, 9, strategy), Z_OK);
    stream.next_out = to;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&stream), Z_OK);
    return room - stream.avail_out;
}

/* Stored, fixed and dynamic blocks, of the largest window. */
static void inflating__takes_any_valid_stream(void **state)
{
    struct fixture *f = *state;
    static const int kinds[][2] = {{0, Z_DEFAULT_STRATEGY}, {1, Z_DEFAULT_STRATEGY},
                                   {9, Z_DEFAULT_STRATEGY}, {9, Z_FIXED},
                                   {6, Z_HUFFMAN_ONLY},     {6, Z_RLE}};
    size_t size = 200000;
    uint8_t *deflated = malloc(2 * size);
    uint8_t *again = malloc(size);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t length = deflated_by_zlib(span_of(f->text, size), kinds[i][0], kinds[i][1], deflated, 2 * size);

        assert_int_equal(inflater_run(f->inflater, span_of(deflated, length), again, size), STATUS_OK);
        assert_memory_equal(again, f->text, size);
    }
    free(again);
    free(deflated);
}

/* Half a megabyte in 600 bytes: refused by what it says of itself, and if it lies, when its room is full. */
static void inflating__stops_a_bomb_at_its_own_word(void **state)
{
    struct fixture *f = *state;
    size_t size = PUSH_SIZE_MAX;
    uint8_t *zeros = calloc(1, size);
    uint8_t deflated[2048];
    size_t length = deflated_by_zlib(span_of(zeros, size), 9, Z_DEFAULT_STRATEGY, deflated, sizeof(deflated));
    Doublecrew__V1__DeflatedPush bomb = DOUBLECREW__V1__DEFLATED_PUSH__INIT;
    struct deflated_push push = {.size = 7};
    uint8_t *room = malloc(1000 + 1);
    uint8_t *bytes;
    size_t packed;

    assert_true(length < 600);
    bomb.size = (uint32_t)size;
    bomb.entry_count = 1;
    bomb.deflated = (ProtobufCBinaryData){length, deflated};
    assert_int_equal(wire_pack(&bomb.base, &bytes, &packed), STATUS_OK);
    assert_int_equal(deflated_push_open(span_of(bytes, packed), &push), STATUS_OVER_LIMIT);
    assert_int_equal(push.size, 7);
    room[1000] = 0x5a;
    assert_int_equal(inflater_run(f->inflater, span_of(deflated, length), room, 1000), STATUS_BAD_LENGTH);
    assert_int_equal(room[1000], 0x5a);
    free(bytes);
    free(room);
    free(zeros);
}

static void inflating__to_another_size_is_named(void **state)
{
    struct fixture *f = *state;
    uint8_t deflated[4096];
    uint8_t room[1200];
    size_t length = deflated_by_zlib(span_of(f->text, 1000), 6, Z_DEFAULT_STRATEGY, deflated, sizeof(deflated));

    for (size_t size = 1; size < sizeof(room); size++) {
        enum status status = inflater_run(f->inflater, span_of(deflated, length), room, size);

        assert_int_equal(status, size == 1000 ? STATUS_OK : STATUS_BAD_LENGTH);
    }
}

static void inflating__of_a_stream_that_is_cut_off_is_named(void **state)
{
    struct fixture *f = *state;
    uint8_t deflated[4096];
    uint8_t room[1000];
    size_t length = deflated_by_zlib(span_of(f->text, 1000), 6, Z_DEFAULT_STRATEGY, deflated, sizeof(deflated));

    for (size_t cut = 0; cut < length; cut++)
        assert_int_equal(inflater_run(f->inflater, span_of(deflated, cut), room, 1000), STATUS_MALFORMED);
    assert_int_equal(inflater_run(f->inflater, span_of(deflated, length), room, 1000), STATUS_OK);
}

static void inflating__with_something_after_it_is_named(void **state)
{
    struct fixture *f = *state;
    uint8_t deflated[4096] = {0};
    uint8_t room[1000];
    size_t length = deflated_by_zlib(span_of(f->text, 1000), 6, Z_DEFAULT_STRATEGY, deflated, sizeof(deflated) - 10);

    deflated[length] = 0;
    assert_int_equal(inflater_run(f->inflater, span_of(deflated, length + 1), room, 1000), STATUS_MALFORMED);
    assert_int_equal(inflater_run(f->inflater, span_of(deflated, length + 9), room, 1000), STATUS_MALFORMED);
}

/* Whatever it makes of it, nothing beyond the room is written, and the next stream is read as if nothing had been. */
static void inflating__of_changed_bytes_stays_in_its_room(void **state)
{
    struct fixture *f = *state;
    uint8_t deflated[4096];
    uint8_t good[4096];
    uint8_t *room = malloc(1000); /* the sanitizer watches its end */
    size_t length = deflated_by_zlib(span_of(f->text, 1000), 6, Z_DEFAULT_STRATEGY, good, sizeof(good));
    uint64_t seed = 9;

    for (size_t round = 0; round < 5000; round++) {
        memcpy(deflated, good, length);
        for (size_t i = 0; i <= round % 3; i++)
            deflated[fixture_below(&seed, length)] ^= (uint8_t)(1 + fixture_below(&seed, 255));
        enum status status = inflater_run(f->inflater, span_of(deflated, length), room, 1000);
        assert_true(status == STATUS_OK || status == STATUS_MALFORMED || status == STATUS_BAD_LENGTH);
    }
    assert_int_equal(inflater_run(f->inflater, span_of(good, length), room, 1000), STATUS_OK);
    assert_memory_equal(room, f->text, 1000);
    free(room);
}

struct form {
    uint32_t size;
    uint32_t entry_count;
    size_t length; /* of what is deflated */
    enum status status;
};

static void opening__names_what_is_wrong(void **state)
{
    static const struct form forms[] = {
        {100, 1, 50, STATUS_OK},
        {0, 1, 50, STATUS_MISSING_FIELD},
        {100, 0, 50, STATUS_MISSING_FIELD},
        {100, 1, 0, STATUS_MISSING_FIELD},
        {PUSH_SIZE_MAX, PUSH_ENTRIES_MAX, 20000, STATUS_OK},
        {PUSH_SIZE_MAX + 1, 1, 20000, STATUS_OVER_LIMIT},
        {UINT32_MAX, 1, 20000, STATUS_OVER_LIMIT},
        {100, PUSH_ENTRIES_MAX + 1, 50, STATUS_OVER_LIMIT},
        {32 * 50, 1, 50, STATUS_OK},
        {32 * 50 + 1, 1, 50, STATUS_OVER_LIMIT},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        Doublecrew__V1__DeflatedPush message = DOUBLECREW__V1__DEFLATED_PUSH__INIT;
        struct deflated_push push;
        uint8_t *bytes;
        size_t size;

        message.size = forms[i].size;
        message.entry_count = forms[i].entry_count;
        message.deflated = (ProtobufCBinaryData){forms[i].length, f->text};
        assert_int_equal(wire_pack(&message.base, &bytes, &size), STATUS_OK);
        assert_int_equal(deflated_push_open(span_of(bytes, size), &push), forms[i].status);
        free(bytes);
    }
}

static void opening__refuses_what_is_no_message(void **state)
{
    static const struct span forms[] = {
        {(const uint8_t *)"\x08\x64\x08\x64\x10\x01\x1a\x01x", 9},          /* two sizes */
        {(const uint8_t *)"\x0a\x01x\x10\x01\x1a\x01x", 8},                 /* a size that is bytes */
        {(const uint8_t *)"\x08\x64\x10\x01\x1a\x05x", 7},                  /* cut off */
        {(const uint8_t *)"\x08\xff\xff\xff\xff\x7f\x10\x01\x1a\x01x", 11}, /* a size beyond 32 bits */
    };
    struct deflated_push push = {.size = 7};

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        assert_int_equal(deflated_push_open(forms[i], &push), STATUS_MALFORMED);
    assert_int_equal(push.size, 7);
}

/* Made by a program that shares no code with this one, nor with zlib. */
static void vector__inflates_to_the_published_push(void **state)
{
    struct fixture *f = *state;
    size_t size;
    size_t push_size;
    uint8_t *message = fixture_vector("push.txt", "client_message_deflated", &size);
    uint8_t *push = fixture_vector("push.txt", "push", &push_size);
    struct deflated_push deflated = opened(span_of(message, size));
    uint8_t *again = malloc(deflated.size);

    assert_true(size < push_size);
    assert_int_equal(deflated.size, push_size);
    assert_int_equal(deflated.entry_count, 3);
    assert_int_equal(inflater_run(f->inflater, deflated.bytes, again, deflated.size), STATUS_OK);
    assert_memory_equal(again, push, push_size);
    free(again);
    free(push);
    free(message);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(push__comes_out_as_it_went_in),
        CASE(push__that_would_not_be_smaller_stays_as_it_is),
        CASE(push__beyond_the_ratio_stays_as_it_is),
        CASE(inflating__takes_any_valid_stream),
        CASE(inflating__stops_a_bomb_at_its_own_word),
        CASE(inflating__to_another_size_is_named),
        CASE(inflating__of_a_stream_that_is_cut_off_is_named),
        CASE(inflating__with_something_after_it_is_named),
        CASE(inflating__of_changed_bytes_stays_in_its_room),
        CASE(opening__names_what_is_wrong),
        CASE(opening__refuses_what_is_no_message),
        CASE(vector__inflates_to_the_published_push),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
