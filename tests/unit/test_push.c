#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/core_fixture.h"

#include "doublecrew/v1/sync.pb-c.h"

struct fixture {
    struct sha256 *sha;
    struct arena *arena;
    struct sign_key *key;
    struct verify_key *verifier;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct public_key public_key;

    assert_non_null(fixture);
    assert_int_equal(sha256_new(&fixture->sha), STATUS_OK);
    assert_int_equal(arena_new(&fixture->arena), STATUS_OK);
    fixture->key = fixture_key("doublecrew test device key");
    sign_key_public(fixture->key, &public_key);
    assert_int_equal(verify_key_new(&public_key, &fixture->verifier), STATUS_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    verify_key_free(fixture->verifier);
    sign_key_free(fixture->key);
    arena_free(fixture->arena);
    sha256_free(fixture->sha);
    free(fixture);
    return 0;
}

static void expect_same(const struct entry *opened, const struct entry *built)
{
    uint8_t a[ENTRY_HEADER_SIZE];
    uint8_t b[ENTRY_HEADER_SIZE];

    entry_header_encode(&opened->header, a);
    entry_header_encode(&built->header, b);
    assert_memory_equal(a, b, ENTRY_HEADER_SIZE);
    assert_true(hash_equal(&opened->hash, &built->hash));
    assert_true(span_equal(opened->payload, built->payload));
}

static void push__opens_to_what_was_built(void **state)
{
    static const size_t counts[] = {1, 2, 3, 60, PUSH_ENTRIES_MAX};
    static const uint64_t firsts[] = {1, 2, 1000, SEQ_MAX - PUSH_ENTRIES_MAX + 1};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        for (size_t j = 0; j < sizeof(firsts) / sizeof(firsts[0]); j++) {
            struct fixture_log *log = fixture_log_new(f->sha, firsts[j], counts[i], i * 10 + j);
            struct push push;
            size_t size;
            uint8_t *bytes = fixture_push(log, f->key, &size);

            arena_reset(f->arena, ARENA_FACTOR * size + ARENA_FLOOR);
            assert_int_equal(push_open(f->arena, f->sha, span_of(bytes, size), &push), STATUS_OK);
            assert_int_equal(push.entry_count, counts[i]);
            assert_int_equal(push.anchor_count, 2);
            assert_int_equal(push.anchors[0].text.size, 0);
            assert_true(span_equal(push.anchors[1].text, log->anchors[1].text));
            assert_int_equal(push.session_received_ms, 4242);
            for (size_t entry = 0; entry < counts[i]; entry++)
                expect_same(&push.entries[entry], &log->entries[entry]);
            assert_int_equal(push_verify(&push, f->verifier), STATUS_OK);
            push.signature.bytes[40] ^= 1;
            assert_int_equal(push_verify(&push, f->verifier), STATUS_BAD_SIGNATURE);
            free(bytes);
            fixture_log_free(log);
        }
    }
}

static void push__vector_opens_and_building_it_again_gives_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    struct push push;
    size_t size;
    size_t again_size;
    size_t hash_size;
    uint8_t *bytes = fixture_vector("push.txt", "push", &size);
    uint8_t *hash = fixture_vector("entry.txt", "entry3_hash", &hash_size);
    uint8_t *again;

    assert_int_equal(push_open(f->arena, f->sha, span_of(bytes, size), &push), STATUS_OK);
    assert_int_equal(push.entry_count, 3);
    assert_memory_equal(push.entries[2].hash.bytes, hash, HASH_SIZE);
    assert_int_equal(push.entries[2].header.wall_ms, -1);
    assert_int_equal(push_verify(&push, f->verifier), STATUS_OK);
    assert_int_equal(push_build(push.entries, push.entry_count, push.anchors, push.anchor_count, &push.signature,
                                push.session_received_ms, &again, &again_size),
                     STATUS_OK);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, bytes, size);
    free(again);
    free(hash);
    free(bytes);
}

/* A client that leaves nothing out is understood as well. */
static void push__vector_with_whole_payloads_holds_the_same_entries(void **state)
{
    struct fixture *f = *state;
    struct push push;
    struct push whole;
    size_t size;
    size_t whole_size;
    uint8_t *bytes = fixture_vector("push.txt", "push", &size);
    uint8_t *whole_bytes = fixture_vector("push.txt", "push_whole", &whole_size);

    assert_int_equal(push_open(f->arena, f->sha, span_of(bytes, size), &push), STATUS_OK);
    assert_int_equal(push_open(f->arena, f->sha, span_of(whole_bytes, whole_size), &whole), STATUS_OK);
    assert_true(size + 24 < whole_size);
    assert_int_equal(push.entry_count, whole.entry_count);
    for (size_t i = 0; i < push.entry_count; i++)
        expect_same(&push.entries[i], &whole.entries[i]);
    assert_int_equal(push_verify(&whole, f->verifier), STATUS_OK);
    free(whole_bytes);
    free(bytes);
}

/* Payloads that hold hashes of earlier entries: at the beginning, at the end, side by side, more than may be left out. */
static void push__hashes_of_earlier_entries_are_left_out_and_put_back(void **state)
{
    enum { COUNT = 40, SIZE = 16 + 70 * HASH_SIZE };
    struct fixture *f = *state;
    uint64_t seed = 7;

    for (size_t round = 0; round < 60; round++) {
        struct fixture_log *log = fixture_log_new(f->sha, 1, COUNT, round);
        uint8_t(*payloads)[SIZE] = calloc(COUNT, sizeof(*payloads));
        size_t whole_size = 0;
        struct push push;
        size_t size;

        assert_non_null(payloads);
        for (size_t i = 0; i < COUNT; i++) {
            size_t at = 16;

            put_u64(payloads[i], fixture_random(&seed));
            while (i > 0 && at + HASH_SIZE + 3 <= SIZE && fixture_below(&seed, i == 9 ? 200 : 3) != 0) {
                at += fixture_below(&seed, 2) * fixture_below(&seed, 3);
                memcpy(payloads[i] + at, log->entries[fixture_below(&seed, i)].hash.bytes, HASH_SIZE);
                at += HASH_SIZE;
            }
            log->entries[i].payload = span_of(payloads[i], at);
            whole_size += at;
            log->entries[i].header.previous = i > 0 ? log->entries[i - 1].hash : (struct hash){{0}};
            assert_int_equal(entry_seal(f->sha, &log->entries[i]), STATUS_OK);
        }
        uint8_t *bytes = fixture_push(log, f->key, &size);
        assert_true(size < whole_size + 64 * COUNT);
        arena_reset(f->arena, ARENA_CAP_DEFAULT);
        assert_int_equal(push_open(f->arena, f->sha, span_of(bytes, size), &push), STATUS_OK);
        for (size_t i = 0; i < COUNT; i++)
            expect_same(&push.entries[i], &log->entries[i]);
        assert_int_equal(push_verify(&push, f->verifier), STATUS_OK);
        free(bytes);
        free(payloads);
        fixture_log_free(log);
    }
}

/* A change of anything that is hashed is a change of the head, so the signature no longer fits. */
static void push__any_changed_content_breaks_the_signature_or_the_message(void **state)
{
    struct fixture *f = *state;
    size_t size;
    uint8_t *bytes = fixture_vector("push.txt", "push", &size);
    size_t session_size = 6; /* the last field, session_received_ms: not part of any entry */

    for (size_t at = 0; at < size - session_size; at++) {
        struct push push;

        bytes[at] ^= 1;
        arena_reset(f->arena, ARENA_CAP_DEFAULT);
        if (push_open(f->arena, f->sha, span_of(bytes, size), &push) == STATUS_OK)
            assert_int_equal(push_verify(&push, f->verifier), STATUS_BAD_SIGNATURE);
        bytes[at] ^= 1;
    }
    free(bytes);
}

/* A push as protobuf-c's structure, valid until somebody breaks it. */
struct draft {
    Doublecrew__V1__Push push;
    Doublecrew__V1__AnchorRef anchor;
    Doublecrew__V1__AnchorRef *anchors[PUSH_ENTRIES_MAX + 1];
    ProtobufCBinaryData boots[PUSH_ENTRIES_MAX + 1];
    Doublecrew__V1__PushedEntry entry[2];
    Doublecrew__V1__PushedEntry *entries[PUSH_ENTRIES_MAX + 1];
    uint8_t log[17];
    uint8_t boot[17];
    uint8_t previous[33];
    uint8_t signature[65];
    uint8_t checkpoint[1000];
    uint8_t payload[PAYLOAD_SIZE_MAX + 1];
    uint32_t refs[2 * (PUSH_REFS_MAX + 1)];
};

static ProtobufCBinaryData data_of(uint8_t *bytes, size_t size)
{
    ProtobufCBinaryData data = {size, bytes};

    return data;
}

static void draft_init(struct draft *draft)
{
    memset(draft, 0, sizeof(*draft));
    memset(draft->checkpoint, 'c', sizeof(draft->checkpoint));
    memset(draft->boot, 'b', sizeof(draft->boot));
    doublecrew__v1__push__init(&draft->push);
    doublecrew__v1__anchor_ref__init(&draft->anchor);
    draft->anchor.checkpoint = data_of(draft->checkpoint, 100);
    draft->anchor.received_ms = 9;
    for (size_t i = 0; i <= PUSH_ENTRIES_MAX; i++) {
        draft->anchors[i] = &draft->anchor;
        draft->boots[i] = data_of(draft->boot, ID_SIZE);
        draft->entries[i] = &draft->entry[i % 2];
    }
    for (size_t i = 0; i < 2; i++) {
        doublecrew__v1__pushed_entry__init(&draft->entry[i]);
        draft->entry[i].kind = 1;
        draft->entry[i].monotonic_delta_ms = 1000;
        draft->entry[i].payload = data_of(draft->payload, 20);
        draft->entry[i].refs = draft->refs;
    }
    draft->push.log_id = data_of(draft->log, ID_SIZE);
    draft->push.first_seq = 1;
    draft->push.previous_hash = data_of(draft->previous, HASH_SIZE);
    draft->push.n_anchors = 1;
    draft->push.anchors = draft->anchors;
    draft->push.n_boot_ids = 1;
    draft->push.boot_ids = draft->boots;
    draft->push.n_entries = 2;
    draft->push.entries = draft->entries;
    draft->push.signature_algorithm = 1;
    draft->push.signature = data_of(draft->signature, SIGNATURE_SIZE);
}

static void draft_refs(struct draft *draft, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        draft->refs[2 * i] = 16 + i * HASH_SIZE;
        draft->refs[2 * i + 1] = 1;
    }
}

typedef void (*breakage)(struct draft *draft);

#define BREAKAGE(name, change)                                                                                         \
    static void name(struct draft *draft)                                                                              \
    {                                                                                                                  \
        Doublecrew__V1__Push *push = &draft->push;                                                                     \
        Doublecrew__V1__PushedEntry *first = &draft->entry[0];                                                         \
        Doublecrew__V1__PushedEntry *second = &draft->entry[1];                                                        \
                                                                                                                       \
        (void)push;                                                                                                    \
        (void)first;                                                                                                   \
        (void)second;                                                                                                  \
        change;                                                                                                        \
    }

BREAKAGE(none, (void)0)
BREAKAGE(no_log, push->log_id.len = 0)
BREAKAGE(short_log, push->log_id.len = 15)
BREAKAGE(long_log, push->log_id.len = 17)
BREAKAGE(no_seq, push->first_seq = 0)
BREAKAGE(no_previous, push->previous_hash.len = 0)
BREAKAGE(short_previous, push->previous_hash.len = 31)
BREAKAGE(long_previous, push->previous_hash.len = 33)
BREAKAGE(first_with_previous, draft->previous[5] = 1)
BREAKAGE(later_without_previous, push->first_seq = 2)
BREAKAGE(seq_beyond, push->first_seq = (uint64_t)SEQ_MAX + 1; draft->previous[5] = 1)
BREAKAGE(seq_runs_beyond, push->first_seq = SEQ_MAX; draft->previous[5] = 1)
BREAKAGE(seq_runs_to_the_end, push->first_seq = SEQ_MAX - 1; draft->previous[5] = 1)
BREAKAGE(seq_wraps, push->first_seq = UINT64_MAX; draft->previous[5] = 1)
BREAKAGE(no_entries, push->n_entries = 0)
BREAKAGE(entries_257, push->n_entries = 257)
BREAKAGE(entries_256, push->n_entries = 256)
BREAKAGE(no_boots, push->n_boot_ids = 0)
BREAKAGE(boots_257, push->n_boot_ids = 257)
BREAKAGE(short_boot, push->n_boot_ids = 2; draft->boots[1].len = 15)
BREAKAGE(empty_boot, draft->boots[0].len = 0)
BREAKAGE(boot_beyond, second->boot = 1)
BREAKAGE(no_anchors, push->n_anchors = 0)
BREAKAGE(anchors_257, push->n_anchors = 257)
BREAKAGE(anchor_beyond, second->anchor = 2)
BREAKAGE(anchor_far_beyond, second->anchor = UINT32_MAX)
BREAKAGE(anchor_last, second->anchor = 1)
BREAKAGE(anchor_empty, draft->anchor.checkpoint.len = 0)
BREAKAGE(anchor_short, draft->anchor.checkpoint.len = 31)
BREAKAGE(anchor_hash, draft->anchor.checkpoint.len = 32)
BREAKAGE(anchor_hash_zero, draft->anchor.checkpoint.len = 32; memset(draft->checkpoint, 0, 32))
BREAKAGE(anchor_long, draft->anchor.checkpoint.len = 1000)
BREAKAGE(anchor_time_beyond, draft->anchor.received_ms = (uint64_t)TIME_MS_MAX + 1)
BREAKAGE(session_time_beyond, push->session_received_ms = (uint64_t)TIME_MS_MAX + 1)
BREAKAGE(no_algorithm, push->signature_algorithm = 0)
BREAKAGE(algorithm_unknown, push->signature_algorithm = 3)
BREAKAGE(no_signature, push->signature.len = 0)
BREAKAGE(short_signature, push->signature.len = 63)
BREAKAGE(long_signature, push->signature.len = 65)
BREAKAGE(no_kind, first->kind = 0)
BREAKAGE(kind_unknown, first->kind = 65535)
BREAKAGE(kind_beyond, first->kind = 65536)
BREAKAGE(no_payload, first->payload.len = 0)
BREAKAGE(payload_without_salt, first->payload.len = 15)
BREAKAGE(payload_of_salt, first->payload.len = 16)
BREAKAGE(payload_largest, first->payload.len = PAYLOAD_SIZE_MAX)
BREAKAGE(payload_too_large, first->payload.len = PAYLOAD_SIZE_MAX + 1)
BREAKAGE(refs, draft->refs[0] = 20; draft->refs[1] = 1; second->n_refs = 2)
BREAKAGE(refs_odd, second->n_refs = 1)
BREAKAGE(refs_of_first, first->n_refs = 2; draft->refs[1] = 1)
BREAKAGE(refs_to_itself, second->n_refs = 2; draft->refs[1] = 0)
BREAKAGE(refs_before_the_push, second->n_refs = 2; draft->refs[1] = 2)
BREAKAGE(refs_at_the_end, second->n_refs = 2; draft->refs[0] = 20; draft->refs[1] = 1)
BREAKAGE(refs_beyond_the_end, second->n_refs = 2; draft->refs[0] = 21; draft->refs[1] = 1)
BREAKAGE(refs_far_beyond, second->n_refs = 2; draft->refs[0] = UINT32_MAX; draft->refs[1] = 1)
BREAKAGE(refs_overlap, second->n_refs = 4; draft->refs[0] = 17; draft->refs[1] = 1; draft->refs[2] = 48;
         draft->refs[3] = 1)
BREAKAGE(refs_side_by_side, second->n_refs = 4; draft->refs[0] = 17; draft->refs[1] = 1; draft->refs[2] = 49;
         draft->refs[3] = 1)
BREAKAGE(refs_64, second->n_refs = 128; draft_refs(draft, 64))
BREAKAGE(refs_65, second->n_refs = 130; draft_refs(draft, 65))
BREAKAGE(refs_with_payload_too_large, second->n_refs = 2; draft->refs[0] = 20; draft->refs[1] = 1;
         second->payload.len = PAYLOAD_SIZE_MAX - HASH_SIZE + 1)
BREAKAGE(refs_without_payload, second->n_refs = 2; draft->refs[1] = 1; second->payload.len = 0)
BREAKAGE(clock_negative, first->monotonic_delta_ms = -1)
BREAKAGE(clock_back_below_0, second->monotonic_delta_ms = -1001)
BREAKAGE(clock_back, second->monotonic_delta_ms = -1000) /* another boot may well do that */
BREAKAGE(clock_beyond, first->monotonic_delta_ms = TIME_MS_MAX + 1)
BREAKAGE(clock_overflows, second->monotonic_delta_ms = INT64_MAX)
BREAKAGE(clock_underflows, second->monotonic_delta_ms = INT64_MIN)
BREAKAGE(wall_before_1970, first->wall_delta_ms = -5000)
BREAKAGE(wall_overflows, first->wall_delta_ms = INT64_MAX)
BREAKAGE(wall_sum_overflows, first->wall_delta_ms = TIME_MS_MAX - 1000; second->wall_delta_ms = INT64_MAX)
BREAKAGE(wall_underflows, first->wall_delta_ms = INT64_MIN)
BREAKAGE(wall_beyond, first->wall_delta_ms = TIME_MS_MAX)
BREAKAGE(wall_below, first->wall_delta_ms = -TIME_MS_MAX - 1001)

static const struct {
    breakage apply;
    enum status expected;
} breakages[] = {
    {none, STATUS_OK},
    {no_log, STATUS_MISSING_FIELD},
    {short_log, STATUS_BAD_LENGTH},
    {long_log, STATUS_BAD_LENGTH},
    {no_seq, STATUS_MISSING_FIELD},
    {no_previous, STATUS_MISSING_FIELD},
    {short_previous, STATUS_BAD_LENGTH},
    {long_previous, STATUS_BAD_LENGTH},
    {first_with_previous, STATUS_BAD_CHAIN},
    {later_without_previous, STATUS_BAD_CHAIN},
    {seq_beyond, STATUS_OVER_LIMIT},
    {seq_runs_beyond, STATUS_OVER_LIMIT},
    {seq_runs_to_the_end, STATUS_OK},
    {seq_wraps, STATUS_OVER_LIMIT},
    {no_entries, STATUS_MISSING_FIELD},
    {entries_257, STATUS_OVER_LIMIT},
    {entries_256, STATUS_OK},
    {no_boots, STATUS_MISSING_FIELD},
    {boots_257, STATUS_OVER_LIMIT},
    {short_boot, STATUS_BAD_LENGTH},
    {empty_boot, STATUS_MISSING_FIELD},
    {boot_beyond, STATUS_MALFORMED},
    {no_anchors, STATUS_OK},
    {anchors_257, STATUS_OVER_LIMIT},
    {anchor_beyond, STATUS_MALFORMED},
    {anchor_far_beyond, STATUS_MALFORMED},
    {anchor_last, STATUS_OK},
    {anchor_empty, STATUS_MISSING_FIELD},
    {anchor_short, STATUS_BAD_LENGTH},
    {anchor_hash, STATUS_OK},
    {anchor_hash_zero, STATUS_MALFORMED},
    {anchor_long, STATUS_OVER_LIMIT},
    {anchor_time_beyond, STATUS_MALFORMED},
    {session_time_beyond, STATUS_MALFORMED},
    {no_algorithm, STATUS_MISSING_FIELD},
    {algorithm_unknown, STATUS_UNKNOWN_KIND},
    {no_signature, STATUS_MISSING_FIELD},
    {short_signature, STATUS_BAD_LENGTH},
    {long_signature, STATUS_BAD_LENGTH},
    {no_kind, STATUS_MISSING_FIELD},
    {kind_unknown, STATUS_OK},
    {kind_beyond, STATUS_MALFORMED},
    {no_payload, STATUS_MISSING_FIELD},
    {payload_without_salt, STATUS_BAD_LENGTH},
    {payload_of_salt, STATUS_OK},
    {payload_largest, STATUS_OK},
    {payload_too_large, STATUS_OVER_LIMIT},
    {refs, STATUS_OK},
    {refs_odd, STATUS_MALFORMED},
    {refs_of_first, STATUS_MALFORMED},
    {refs_to_itself, STATUS_MALFORMED},
    {refs_before_the_push, STATUS_MALFORMED},
    {refs_at_the_end, STATUS_OK},
    {refs_beyond_the_end, STATUS_MALFORMED},
    {refs_far_beyond, STATUS_MALFORMED},
    {refs_overlap, STATUS_MALFORMED},
    {refs_side_by_side, STATUS_OK},
    {refs_64, STATUS_OK},
    {refs_65, STATUS_OVER_LIMIT},
    {refs_with_payload_too_large, STATUS_OVER_LIMIT},
    {refs_without_payload, STATUS_MISSING_FIELD},
    {clock_negative, STATUS_MALFORMED},
    {clock_back_below_0, STATUS_MALFORMED},
    {clock_back, STATUS_OK},
    {clock_beyond, STATUS_MALFORMED},
    {clock_overflows, STATUS_MALFORMED},
    {clock_underflows, STATUS_MALFORMED},
    {wall_before_1970, STATUS_OK},
    {wall_overflows, STATUS_MALFORMED},
    {wall_sum_overflows, STATUS_MALFORMED},
    {wall_underflows, STATUS_MALFORMED},
    {wall_beyond, STATUS_MALFORMED},
    {wall_below, STATUS_MALFORMED},
};

static void push_open__names_each_thing_that_is_wrong(void **state)
{
    struct fixture *f = *state;
    struct draft *draft = malloc(sizeof(*draft));

    assert_non_null(draft);
    for (size_t i = 0; i < sizeof(breakages) / sizeof(breakages[0]); i++) {
        struct push push = {.entry_count = 999};
        enum status status;
        uint8_t *bytes;
        size_t size;

        draft_init(draft);
        breakages[i].apply(draft);
        assert_int_equal(wire_pack(&draft->push.base, &bytes, &size), STATUS_OK);
        arena_reset(f->arena, ARENA_CAP_DEFAULT);
        status = push_open(f->arena, f->sha, span_of(bytes, size), &push);
        if (status != breakages[i].expected)
            fail_msg("breakage %zu: %s instead of %s", i, status_name(status), status_name(breakages[i].expected));
        assert_true(status == STATUS_OK || push.entry_count == 999); /* untouched on failure */
        free(bytes);
    }
    free(draft);
}

static void push_open__refuses_rubbish(void **state)
{
    struct fixture *f = *state;
    struct push push;

    assert_int_equal(push_open(f->arena, f->sha, span_of(NULL, 0), &push), STATUS_MISSING_FIELD);
    assert_int_equal(push_open(f->arena, f->sha, span_of("\xff\xff", 2), &push), STATUS_MALFORMED);
}

static enum status build(const struct fixture_log *log, size_t count, size_t anchor_count)
{
    struct signature signature = {.algorithm = SIGN_ED25519};
    uint8_t *bytes = NULL;
    size_t size;
    enum status status = push_build(log->entries, count, log->anchors, anchor_count, &signature, 0, &bytes, &size);

    assert_true((status == STATUS_OK) == (bytes != NULL));
    free(bytes);
    return status;
}

static void push_build__refuses_what_it_could_not_open_again(void **state)
{
    struct fixture *f = *state;
    struct fixture_log *log = fixture_log_new(f->sha, 1, PUSH_ENTRIES_MAX + 1, 5);

    assert_int_equal(build(log, 0, 2), STATUS_INPUT);
    assert_int_equal(build(log, PUSH_ENTRIES_MAX, 2), STATUS_OK);
    assert_int_equal(build(log, PUSH_ENTRIES_MAX + 1, 2), STATUS_OVER_LIMIT);
    assert_int_equal(build(log, 9, 1), STATUS_INPUT); /* an anchor that isn't given */
    log->anchors[0].received_ms++;
    assert_int_equal(build(log, 9, 2), STATUS_INPUT); /* received at another time than the entry says */
    log->anchors[0].received_ms--;
    log->entries[4].header.seq++;
    assert_int_equal(build(log, 9, 2), STATUS_INPUT);
    log->entries[4].header.seq--;
    log->entries[4].header.previous.bytes[0] ^= 1;
    assert_int_equal(build(log, 9, 2), STATUS_INPUT);
    log->entries[4].header.previous.bytes[0] ^= 1;
    log->entries[4].header.log.bytes[0] ^= 1;
    assert_int_equal(build(log, 9, 2), STATUS_INPUT);
    log->entries[4].header.log.bytes[0] ^= 1;
    log->entries[8].header.wall_ms = INT64_MIN;
    assert_int_equal(build(log, 9, 2), STATUS_INPUT);
    fixture_log_free(log);
}

/* The eighth payload as long as the push allows: what is built can be sent, and one byte more isn't built. */
static void expect_largest_fits_its_envelope(struct fixture *f, struct fixture_log *log)
{
    const uint8_t *payload = log->entries[7].payload.data;
    size_t size = PAYLOAD_SIZE_MAX - 2000;
    size_t largest = 0;

    for (; size < PAYLOAD_SIZE_MAX; size++) {
        struct signature signature = {.algorithm = SIGN_ED25519};
        uint8_t *bytes;
        uint8_t *wrapped;
        size_t wrapped_size;

        log->entries[7].payload = span_of(payload, size);
        assert_int_equal(entry_seal(f->sha, &log->entries[7]), STATUS_OK);
        if (push_build(log->entries, 8, log->anchors, 2, &signature, 0, &bytes, &largest) != STATUS_OK)
            break;
        assert_true(largest <= PUSH_SIZE_MAX);
        assert_int_equal(wire_wrap(2, span_of(bytes, largest), &wrapped, &wrapped_size), STATUS_OK);
        free(wrapped);
        free(bytes);
    }
    assert_true(size < PAYLOAD_SIZE_MAX);
    assert_int_equal(largest, PUSH_SIZE_MAX);
}

/* Nine payloads of 64 KiB don't fit one message: the device sends fewer. */
static void push_build__more_bytes_than_a_message_holds_is_over_limit(void **state)
{
    struct fixture *f = *state;
    struct fixture_log *log = fixture_log_new(f->sha, 1, 9, 5);
    uint8_t *payload = calloc(1, PAYLOAD_SIZE_MAX);

    assert_non_null(payload);
    for (size_t i = 0; i < 9; i++) {
        log->entries[i].payload = span_of(payload, PAYLOAD_SIZE_MAX);
        if (i > 0)
            log->entries[i].header.previous = log->entries[i - 1].hash;
        assert_int_equal(entry_seal(f->sha, &log->entries[i]), STATUS_OK);
    }
    assert_int_equal(build(log, 7, 2), STATUS_OK);
    assert_int_equal(build(log, 8, 2), STATUS_OVER_LIMIT);
    expect_largest_fits_its_envelope(f, log);
    free(payload);
    fixture_log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(push__opens_to_what_was_built, set_up, tear_down),
        cmocka_unit_test_setup_teardown(push__vector_opens_and_building_it_again_gives_the_same_bytes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(push__any_changed_content_breaks_the_signature_or_the_message, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(push_open__names_each_thing_that_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(push_open__refuses_rubbish, set_up, tear_down),
        cmocka_unit_test_setup_teardown(push__vector_with_whole_payloads_holds_the_same_entries, set_up, tear_down),
        cmocka_unit_test_setup_teardown(push__hashes_of_earlier_entries_are_left_out_and_put_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(push_build__refuses_what_it_could_not_open_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(push_build__more_bytes_than_a_message_holds_is_over_limit, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
