#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "core/wire.h"
#include "tests/lib/core_fixture.h"

#include "doublecrew/v1/entry.pb-c.h"
#include "doublecrew/v1/sync.pb-c.h"

#define HELLO (&doublecrew__v1__hello__descriptor)
#define PUSH (&doublecrew__v1__push__descriptor)
#define CLIENT (&doublecrew__v1__client_message__descriptor)
#define SERVER (&doublecrew__v1__server_message__descriptor)
#define POLICY (&doublecrew__v1__policy__descriptor)
#define PLACE (&doublecrew__v1__place__descriptor)

/* The scan of bytes written as hex. */
static enum status scan_hex(const ProtobufCMessageDescriptor *descriptor, const char *hex)
{
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = malloc(size + 1); /* on the heap: the sanitizer sees a read beyond the end */
    enum status status;

    assert_non_null(bytes);
    assert_int_equal(hex_decode(hex, size, bytes), STATUS_OK);
    status = wire_scan(descriptor, span_of(bytes, size));
    free(bytes);
    return status;
}

/* unit repeated until size bytes are full. */
static uint8_t *repeat(const char *unit, size_t unit_size, size_t size)
{
    uint8_t *bytes = malloc(size);

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)unit[i % unit_size];
    return bytes;
}

static void scan__takes_the_empty_message_and_plain_fields(void **state)
{
    (void)state;
    assert_int_equal(wire_scan(HELLO, span_of(NULL, 0)), STATUS_OK);
    assert_int_equal(scan_hex(HELLO, "080110021a0131"), STATUS_OK);
    assert_int_equal(scan_hex(PLACE, "08021003"), STATUS_OK);
}

static void scan__refuses_what_is_cut_short(void **state)
{
    static const char *const cut[] = {
        "08",             /* a tag without a value */
        "0880",           /* a varint without its end */
        "80",             /* a tag without its end */
        "1a",             /* a length that is missing */
        "1a02",           /* fewer bytes than promised */
        "1a0231",         /* the same */
        "1affffffff0f31", /* 4 GiB promised */
        "1affffffffffffffffff0131",
        "a106aabbccddeeff00", /* an unknown fixed64 of 7 bytes */
        "a506aabbcc",         /* an unknown fixed32 of 3 bytes */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++)
        assert_int_equal(scan_hex(HELLO, cut[i]), STATUS_MALFORMED);
}

static void scan__refuses_varints_that_are_not_minimal_or_too_long(void **state)
{
    (void)state;
    assert_int_equal(scan_hex(HELLO, "088100"), STATUS_MALFORMED);                   /* 1 in two bytes */
    assert_int_equal(scan_hex(HELLO, "0880808000"), STATUS_MALFORMED);               /* 0 in four */
    assert_int_equal(scan_hex(HELLO, "880001"), STATUS_MALFORMED);                   /* the tag in two */
    assert_int_equal(scan_hex(HELLO, "1a810031"), STATUS_MALFORMED);                 /* the length in two */
    assert_int_equal(scan_hex(HELLO, "40ffffffffffffffffff01"), STATUS_OK);          /* the largest 64-bit number */
    assert_int_equal(scan_hex(HELLO, "40ffffffffffffffffff02"), STATUS_MALFORMED);   /* 65 bits */
    assert_int_equal(scan_hex(HELLO, "40ffffffffffffffffffff01"), STATUS_MALFORMED); /* eleven bytes */
    assert_int_equal(scan_hex(HELLO, "f8ffffff0f01"), STATUS_OK);                    /* the largest field number */
    assert_int_equal(scan_hex(HELLO, "808080801001"), STATUS_MALFORMED);             /* a tag beyond 32 bits */
}

static void scan__refuses_groups_field_0_and_undefined_wire_types(void **state)
{
    (void)state;
    assert_int_equal(scan_hex(HELLO, "0b0c"), STATUS_MALFORMED);     /* group 1 */
    assert_int_equal(scan_hex(HELLO, "a306a406"), STATUS_MALFORMED); /* an unknown group */
    assert_int_equal(scan_hex(HELLO, "0e"), STATUS_MALFORMED);
    assert_int_equal(scan_hex(HELLO, "0f"), STATUS_MALFORMED);
    assert_int_equal(scan_hex(HELLO, "0001"), STATUS_MALFORMED);   /* field 0 */
    assert_int_equal(scan_hex(HELLO, "020131"), STATUS_MALFORMED); /* field 0, length-delimited */
}

static void scan__refuses_a_second_value_for_a_singular_field(void **state)
{
    (void)state;
    assert_int_equal(scan_hex(HELLO, "08010801"), STATUS_MALFORMED);
    assert_int_equal(scan_hex(HELLO, "1a01311a0132"), STATUS_MALFORMED);
    assert_int_equal(scan_hex(CLIENT, "0a000a00"), STATUS_MALFORMED); /* a sub-message */
    assert_int_equal(scan_hex(PUSH, "32003200"), STATUS_OK);          /* a repeated one */
    assert_int_equal(scan_hex(PUSH, "3202080132020801"), STATUS_OK);  /* singular in each of two */
    assert_int_equal(scan_hex(PUSH, "320408010801"), STATUS_MALFORMED);
}

static void scan__refuses_a_second_member_of_a_oneof(void **state)
{
    (void)state;
    assert_int_equal(scan_hex(CLIENT, "0a00"), STATUS_OK);
    assert_int_equal(scan_hex(CLIENT, "0a001200"), STATUS_MALFORMED);                               /* hello and push */
    assert_int_equal(scan_hex(&doublecrew__v1__row__descriptor, "08021a00"), STATUS_OK);            /* pos, tombstone */
    assert_int_equal(scan_hex(&doublecrew__v1__row__descriptor, "1a0022000802"), STATUS_MALFORMED); /* two rows */
}

static void scan__refuses_a_known_field_of_another_wire_type(void **state)
{
    (void)state;
    assert_int_equal(scan_hex(HELLO, "0a0131"), STATUS_MALFORMED);              /* a number as bytes */
    assert_int_equal(scan_hex(HELLO, "1801"), STATUS_MALFORMED);                /* text as a number */
    assert_int_equal(scan_hex(HELLO, "0d01000000"), STATUS_MALFORMED);          /* a number as fixed32 */
    assert_int_equal(scan_hex(CLIENT, "0801"), STATUS_MALFORMED);               /* a message as a number */
    assert_int_equal(scan_hex(POLICY, "71aabbccddeeff0011"), STATUS_MALFORMED); /* a repeated enum as fixed64 */
}

static void scan__refuses_numbers_that_their_type_cannot_hold(void **state)
{
    (void)state;
    assert_int_equal(scan_hex(HELLO, "08ffffffff0f"), STATUS_OK);        /* uint32 */
    assert_int_equal(scan_hex(HELLO, "088080808010"), STATUS_MALFORMED); /* 2^32 */
    assert_int_equal(scan_hex(PLACE, "08ffffffff0f"), STATUS_OK);        /* sint32 */
    assert_int_equal(scan_hex(PLACE, "088080808010"), STATUS_MALFORMED);
    assert_int_equal(scan_hex(&doublecrew__v1__check_in__descriptor, "1863"), STATUS_OK); /* an enum not known yet */
    assert_int_equal(scan_hex(&doublecrew__v1__check_in__descriptor, "18ffffffffffffffffff01"), STATUS_OK); /* -1 */
    assert_int_equal(scan_hex(&doublecrew__v1__check_in__descriptor, "188080808008"), STATUS_MALFORMED);
    assert_int_equal(scan_hex(&doublecrew__v1__plan__descriptor, "3001"), STATUS_OK); /* bool */
    assert_int_equal(scan_hex(&doublecrew__v1__plan__descriptor, "3002"), STATUS_MALFORMED);
}

static void scan__checks_packed_numbers_one_by_one(void **state)
{
    (void)state;
    assert_int_equal(scan_hex(POLICY, "7203030201"), STATUS_OK);
    assert_int_equal(scan_hex(POLICY, "70037002"), STATUS_OK); /* the same, not packed */
    assert_int_equal(scan_hex(POLICY, "7200"), STATUS_OK);
    assert_int_equal(scan_hex(POLICY, "72028100"), STATUS_MALFORMED);
    assert_int_equal(scan_hex(POLICY, "72020380"), STATUS_MALFORMED);
    assert_int_equal(scan_hex(POLICY, "72058080808008"), STATUS_MALFORMED);
}

static void scan__refuses_text_that_is_not_text(void **state)
{
    (void)state;
    assert_int_equal(scan_hex(HELLO, "1a02c3a9"), STATUS_OK);
    assert_int_equal(scan_hex(HELLO, "1a02c0af"), STATUS_MALFORMED);
    assert_int_equal(scan_hex(HELLO, "1a03610062"), STATUS_MALFORMED); /* a NUL would cut it short */
    assert_int_equal(scan_hex(HELLO, "2202c0af"), STATUS_OK);          /* bytes may be anything */
}

static void scan__bounds_size_and_the_number_of_fields(void **state)
{
    uint8_t *bytes = repeat("\x32\x00", 2, MESSAGE_SIZE_MAX + 1);
    static const uint8_t head[5] = {0xa2, 0x06, 0xfb, 0xff, 0x1f}; /* field 100, 512 KiB less these five bytes */
    size_t most = 2 * (size_t)WIRE_FIELDS_MAX;

    (void)state;
    assert_int_equal(wire_scan(PUSH, span_of(bytes, MESSAGE_SIZE_MAX + 1)), STATUS_OVER_LIMIT);
    assert_int_equal(wire_scan(PUSH, span_of(bytes, MESSAGE_SIZE_MAX)), STATUS_OVER_LIMIT);
    assert_int_equal(wire_scan(PUSH, span_of(bytes, most)), STATUS_OK);
    assert_int_equal(wire_scan(PUSH, span_of(bytes, most + 2)), STATUS_OVER_LIMIT);
    memset(bytes, 'x', MESSAGE_SIZE_MAX + 1); /* one unknown field that fills everything */
    memcpy(bytes, head, sizeof(head));
    assert_int_equal(wire_scan(PUSH, span_of(bytes, MESSAGE_SIZE_MAX)), STATUS_OK);
    bytes[2] = 0xfc;
    assert_int_equal(wire_scan(PUSH, span_of(bytes, MESSAGE_SIZE_MAX + 1)), STATUS_OVER_LIMIT);
    free(bytes);
    bytes = repeat("\x01", 1, WIRE_FIELDS_MAX + 10);
    bytes[0] = 0x72; /* one packed field: tag, length 8,197 in two bytes, the numbers */
    bytes[1] = 0x80 | (WIRE_FIELDS_MAX & 0x7f);
    bytes[2] = WIRE_FIELDS_MAX >> 7;
    assert_int_equal(wire_scan(POLICY, span_of(bytes, 3 + WIRE_FIELDS_MAX)), STATUS_OVER_LIMIT);
    free(bytes);
}

/* Our schema isn't recursive, so a recursive descriptor is made here: a message whose field 1 is itself. */
static ProtobufCFieldDescriptor recursive_field;
static ProtobufCMessageDescriptor recursive;

static void make_recursive(void)
{
    recursive_field.id = 1;
    recursive_field.label = PROTOBUF_C_LABEL_NONE;
    recursive_field.type = PROTOBUF_C_TYPE_MESSAGE;
    recursive_field.descriptor = &recursive;
    recursive.n_fields = 1;
    recursive.fields = &recursive_field;
}

/* depth messages within each other, written from the innermost outwards; returns the size, at the buffer's end. */
static size_t nest(uint8_t *buffer, size_t buffer_size, size_t depth)
{
    size_t size = 0;

    for (size_t i = 1; i < depth; i++) {
        uint8_t head[8];
        size_t head_size = 0;
        size_t rest = size;

        head[head_size++] = 0x0a;
        do {
            head[head_size++] = (uint8_t)(rest > 0x7f ? rest | 0x80 : rest);
            rest >>= 7;
        } while (rest > 0);
        size += head_size;
        assert_true(size <= buffer_size);
        memcpy(buffer + buffer_size - size, head, head_size);
    }
    return size;
}

static void scan__bounds_nesting_without_using_the_stack(void **state)
{
    uint8_t buffer[65536];
    size_t size;

    (void)state;
    make_recursive();
    size = nest(buffer, sizeof(buffer), WIRE_DEPTH_MAX);
    assert_int_equal(wire_scan(&recursive, span_of(buffer + sizeof(buffer) - size, size)), STATUS_OK);
    size = nest(buffer, sizeof(buffer), WIRE_DEPTH_MAX + 1);
    assert_int_equal(wire_scan(&recursive, span_of(buffer + sizeof(buffer) - size, size)), STATUS_OVER_LIMIT);
    size = nest(buffer, sizeof(buffer), 16000); /* LIBRARIES.md: protobuf-c crashes on this */
    assert_int_equal(wire_scan(&recursive, span_of(buffer + sizeof(buffer) - size, size)), STATUS_OVER_LIMIT);
}

static unsigned walk(const ProtobufCMessageDescriptor *descriptor, unsigned depth)
{
    unsigned deepest = depth;

    assert_true(depth <= WIRE_DEPTH_MAX);
    assert_true(descriptor->n_fields <= 64);
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        if (descriptor->fields[i].type == PROTOBUF_C_TYPE_MESSAGE) {
            unsigned below = walk(descriptor->fields[i].descriptor, depth + 1);

            deepest = below > deepest ? below : deepest;
        }
    }
    return deepest;
}

static void schema__fits_the_limits_of_the_scan(void **state)
{
    (void)state;
    assert_int_equal(walk(CLIENT, 1), 3);
    assert_int_equal(walk(SERVER, 1), 7); /* Server, Delta, Row, ProposalRow, FieldEdit, SetChange, SetRemoval */
    assert_int_equal(walk(&doublecrew__v1__edit__descriptor, 1), 4);
}

static struct arena *new_arena(void)
{
    struct arena *arena;

    assert_int_equal(arena_new(&arena), STATUS_OK);
    return arena;
}

static void arena__hands_out_zeroed_aligned_memory_up_to_its_cap(void **state)
{
    struct arena *arena = new_arena();
    size_t total = 0;

    (void)state;
    for (int round = 0; round < 3; round++) {
        arena_reset(arena, 200000);
        total = 0;
        for (size_t size = 1;; size = size * 3 % 7919 + 1) {
            uint8_t *at = arena_alloc(arena, size);

            if (at == NULL)
                break;
            assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(at[i], 0);
            memset(at, 0xff, size);
            total += size;
        }
        assert_true(total <= 200000 && total > 180000);
    }
    arena_reset(arena, 100);
    assert_null(arena_alloc(arena, 101));
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_null(arena_alloc(arena, SIZE_MAX - 8));
    assert_non_null(arena_alloc(arena, 90));
    arena_reset(arena, 10 * 1024 * 1024);
    assert_non_null(arena_alloc(arena, 9 * 1024 * 1024)); /* more than a block */
    arena_reset(arena, 0);
    assert_null(arena_alloc(arena, 1));
    arena_free(arena);
    arena_free(NULL);
}

static void unpack__reads_what_pack_wrote(void **state)
{
    struct arena *arena = new_arena();
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Hello hello = DOUBLECREW__V1__HELLO__INIT;
    char version[] = "1.2.3";
    ProtobufCMessage *base;
    Doublecrew__V1__ClientMessage *back;
    uint8_t *bytes;
    size_t size;

    (void)state;
    hello.app_version = version;
    hello.monotonic_ms = UINT64_MAX;
    hello.wall_ms = -5;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    assert_int_equal(wire_pack(&message.base, &bytes, &size), STATUS_OK);
    assert_int_equal(wire_unpack(arena, CLIENT, span_of(bytes, size), &base), STATUS_OK);
    back = (Doublecrew__V1__ClientMessage *)base;
    assert_int_equal(back->message_case, DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO);
    assert_string_equal(back->hello->app_version, "1.2.3");
    assert_true(back->hello->monotonic_ms == UINT64_MAX);
    assert_int_equal(back->hello->wall_ms, -5);
    free(bytes);
    arena_free(arena);
}

static void unpack__keeps_unknown_fields_away_but_accepts_them(void **state)
{
    /* protocol_min 7, then unknown fields 100 of every wire type */
    static const char hex[] = "0807a00605a106aabbccddeeff0011a20603616263a506aabbccdd";
    struct arena *arena = new_arena();
    uint8_t bytes[sizeof(hex) / 2];
    ProtobufCMessage *base;

    (void)state;
    assert_int_equal(hex_decode(hex, sizeof(bytes), bytes), STATUS_OK);
    assert_int_equal(wire_unpack(arena, HELLO, span_of(bytes, sizeof(bytes)), &base), STATUS_OK);
    assert_int_equal(((Doublecrew__V1__Hello *)base)->protocol_min, 7);
    assert_int_equal(base->n_unknown_fields, 4);
    arena_free(arena);
}

/* LIBRARIES.md: 1 MiB of empty sub-messages makes protobuf-c allocate 112 MiB, unknown fields 44 times their size. */
static void unpack__bombs_meet_a_limit(void **state)
{
    struct arena *arena = new_arena();
    uint8_t *empties = repeat("\x32\x00", 2, 1024 * 1024);
    uint8_t *unknown = repeat("\xa0\x06\x01", 3, 1024 * 1024);
    ProtobufCMessage *base = NULL;

    (void)state;
    assert_int_equal(wire_unpack(arena, PUSH, span_of(empties, 1024 * 1024), &base), STATUS_OVER_LIMIT);
    assert_int_equal(wire_unpack(arena, PUSH, span_of(empties, 2 * WIRE_FIELDS_MAX), &base), STATUS_OVER_LIMIT);
    assert_int_equal(wire_unpack(arena, HELLO, span_of(unknown, 1024 * 1024), &base), STATUS_OVER_LIMIT);
    assert_int_equal(wire_unpack(arena, HELLO, span_of(unknown, 3 * WIRE_FIELDS_MAX), &base), STATUS_OVER_LIMIT);
    assert_null(base);
    assert_int_equal(wire_unpack(arena, HELLO, span_of(unknown, 3 * 50), &base), STATUS_OK);
    free(empties);
    free(unknown);
    arena_free(arena);
}

/* The caps are for attackers: a full page of the smallest rows that a server sends must fit. */
static void unpack__a_full_page_of_tombstones_fits(void **state)
{
    Doublecrew__V1__Delta delta = DOUBLECREW__V1__DELTA__INIT;
    Doublecrew__V1__Tombstone tombstone = DOUBLECREW__V1__TOMBSTONE__INIT;
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__Row *rows[DELTA_ROWS_MAX];
    struct arena *arena = new_arena();
    uint8_t key[1 + ID_SIZE] = {1};
    ProtobufCMessage *base;
    uint8_t *bytes;
    size_t size;

    (void)state;
    row.pos = 1;
    row.key.data = key;
    row.key.len = sizeof(key);
    row.row_case = DOUBLECREW__V1__ROW__ROW_TOMBSTONE;
    row.tombstone = &tombstone;
    for (size_t i = 0; i < DELTA_ROWS_MAX; i++)
        rows[i] = &row;
    delta.n_rows = DELTA_ROWS_MAX;
    delta.rows = rows;
    assert_int_equal(wire_pack(&delta.base, &bytes, &size), STATUS_OK);
    assert_int_equal(wire_unpack(arena, &doublecrew__v1__delta__descriptor, span_of(bytes, size), &base), STATUS_OK);
    assert_int_equal(((Doublecrew__V1__Delta *)base)->n_rows, DELTA_ROWS_MAX);
    free(bytes);
    arena_free(arena);
}

/* Every cap from nothing to enough: protobuf-c's clean-up after a refused allocation must hold. */
static void unpack__survives_running_out_at_every_allocation(void **state)
{
    struct arena *arena = new_arena();
    struct sign_key *key = fixture_key("wire");
    struct fixture_log *log;
    struct sha256 *sha;
    ProtobufCMessage *base = NULL;
    enum status status = STATUS_OVER_LIMIT;
    uint8_t *bytes;
    size_t size;
    size_t cap;

    (void)state;
    assert_int_equal(sha256_new(&sha), STATUS_OK);
    log = fixture_log_new(sha, 1, 20, 1);
    bytes = fixture_push(log, key, &size);
    for (cap = 0; status == STATUS_OVER_LIMIT; cap += 16) {
        assert_null(base);
        arena_reset(arena, cap);
        status = wire_unpack(arena, PUSH, span_of(bytes, size), &base);
    }
    assert_int_equal(status, STATUS_OK);
    assert_true(cap > 1000);
    free(bytes);
    fixture_log_free(log);
    sha256_free(sha);
    sign_key_free(key);
    arena_free(arena);
}

static void pack__refuses_more_than_a_message_may_hold(void **state)
{
    Doublecrew__V1__PushedEntry entry = DOUBLECREW__V1__PUSHED_ENTRY__INIT;
    uint8_t *payload = calloc(1, MESSAGE_SIZE_MAX);
    uint8_t *bytes = NULL;
    size_t size;

    (void)state;
    assert_non_null(payload);
    entry.payload.data = payload;
    entry.payload.len = MESSAGE_SIZE_MAX;
    assert_int_equal(wire_pack(&entry.base, &bytes, &size), STATUS_OVER_LIMIT);
    assert_null(bytes);
    entry.payload.len = MESSAGE_SIZE_MAX - 4; /* tag and a length of three bytes */
    assert_int_equal(wire_pack(&entry.base, &bytes, &size), STATUS_OK);
    assert_int_equal(size, MESSAGE_SIZE_MAX);
    free(bytes);
    free(payload);
}

static void wrap__and_find_are_each_other_s_inverse(void **state)
{
    static const size_t sizes[] = {0, 1, 127, 128, 16383, 16384, PUSH_SIZE_MAX};
    uint8_t *value = calloc(1, MESSAGE_SIZE_MAX);
    uint8_t *bytes = NULL;
    struct span found;
    size_t size;

    (void)state;
    assert_non_null(value);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(wire_wrap(2, span_of(value, sizes[i]), &bytes, &size), STATUS_OK);
        assert_int_equal(wire_find(span_of(bytes, size), 2, &found), STATUS_OK);
        assert_int_equal(found.size, sizes[i]);
        assert_int_equal(wire_find(span_of(bytes, size), 3, &found), STATUS_NOT_FOUND);
        assert_true(found.data >= bytes && found.data + found.size == bytes + size);
        if (size > 2)
            assert_int_equal(wire_find(span_of(bytes, size - 1), 2, &found), STATUS_MALFORMED);
        free(bytes);
    }
    bytes = NULL;
    assert_int_equal(wire_wrap(2, span_of(value, MESSAGE_SIZE_MAX - 3), &bytes, &size), STATUS_OVER_LIMIT);
    assert_null(bytes);
    free(value);
}

/* Cutting, or changing one byte of, a real message never reads beyond it and never gets past the scan half-read. */
static void scan__every_prefix_and_every_changed_byte_is_safe(void **state)
{
    struct arena *arena = new_arena();
    size_t size;
    uint8_t *bytes = fixture_vector("push.txt", "client_message", &size);
    ProtobufCMessage *base;

    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *prefix = malloc(cut + 1);

        assert_non_null(prefix);
        memcpy(prefix, bytes, cut);
        arena_reset(arena, ARENA_CAP_DEFAULT);
        assert_int_equal(wire_unpack(arena, CLIENT, span_of(prefix, cut), &base),
                         cut == 0 ? STATUS_OK : STATUS_MALFORMED);
        free(prefix);
    }
    for (size_t at = 0; at < size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            enum status scanned;

            bytes[at] ^= (uint8_t)(1 << bit);
            arena_reset(arena, ARENA_CAP_DEFAULT);
            scanned = wire_scan(CLIENT, span_of(bytes, size));
            assert_int_equal(wire_unpack(arena, CLIENT, span_of(bytes, size), &base), scanned);
            bytes[at] ^= (uint8_t)(1 << bit);
        }
    }
    free(bytes);
    arena_free(arena);
}

static void utf8__as_rfc_3629(void **state)
{
    static const char *const valid[] = {"",
                                        "a",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf"};
    static const char *const invalid[] = {"\x80",
                                          "\xc1\xbf",
                                          "\xc2",
                                          "\xc2\x7f",
                                          "\xe0\x9f\xbf",
                                          "\xed\xa0\x80",
                                          "\xe2\x82",
                                          "\xf0\x8f\xbf\xbf",
                                          "\xf4\x90\x80\x80",
                                          "\xf5\x80\x80\x80",
                                          "\xff",
                                          "\xf0\x90\x80",
                                          "\xe2\x28\xa1",
                                          "\xe2\x82\x28"};

    (void)state;
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
        assert_true(utf8_valid(span_of(valid[i], strlen(valid[i]))));
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        assert_false(utf8_valid(span_of(invalid[i], strlen(invalid[i]))));
    assert_true(utf8_valid(span_of("a\0b", 3)));
    assert_false(utf8_valid_text(span_of("a\0b", 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scan__takes_the_empty_message_and_plain_fields),
        cmocka_unit_test(scan__refuses_what_is_cut_short),
        cmocka_unit_test(scan__refuses_varints_that_are_not_minimal_or_too_long),
        cmocka_unit_test(scan__refuses_groups_field_0_and_undefined_wire_types),
        cmocka_unit_test(scan__refuses_a_second_value_for_a_singular_field),
        cmocka_unit_test(scan__refuses_a_second_member_of_a_oneof),
        cmocka_unit_test(scan__refuses_a_known_field_of_another_wire_type),
        cmocka_unit_test(scan__refuses_numbers_that_their_type_cannot_hold),
        cmocka_unit_test(scan__checks_packed_numbers_one_by_one),
        cmocka_unit_test(scan__refuses_text_that_is_not_text),
        cmocka_unit_test(scan__bounds_size_and_the_number_of_fields),
        cmocka_unit_test(scan__bounds_nesting_without_using_the_stack),
        cmocka_unit_test(schema__fits_the_limits_of_the_scan),
        cmocka_unit_test(arena__hands_out_zeroed_aligned_memory_up_to_its_cap),
        cmocka_unit_test(unpack__reads_what_pack_wrote),
        cmocka_unit_test(unpack__keeps_unknown_fields_away_but_accepts_them),
        cmocka_unit_test(unpack__bombs_meet_a_limit),
        cmocka_unit_test(unpack__a_full_page_of_tombstones_fits),
        cmocka_unit_test(unpack__survives_running_out_at_every_allocation),
        cmocka_unit_test(pack__refuses_more_than_a_message_may_hold),
        cmocka_unit_test(wrap__and_find_are_each_other_s_inverse),
        cmocka_unit_test(scan__every_prefix_and_every_changed_byte_is_safe),
        cmocka_unit_test(utf8__as_rfc_3629),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
