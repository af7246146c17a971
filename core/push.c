#include "core/push.h"

#include <string.h>

#include "core/checkpoint.h"

#include "doublecrew/v1/sync.pb-c.h"

typedef Doublecrew__V1__Push push_message;

static struct span span_of_bytes(ProtobufCBinaryData bytes)
{
    return span_of(bytes.data, bytes.len);
}

static enum status read_id(ProtobufCBinaryData bytes, struct id *ret_id)
{
    return bytes.len == 0 ? STATUS_MISSING_FIELD : id_from_span(span_of_bytes(bytes), ret_id);
}

static enum status read_hash(ProtobufCBinaryData bytes, struct hash *ret_hash)
{
    return bytes.len == 0 ? STATUS_MISSING_FIELD : hash_from_span(span_of_bytes(bytes), ret_hash);
}

/* What stands before the entries. */
static enum status read_head(const push_message *message, struct push *push)
{
    enum status status = read_id(message->log_id, &push->log);

    if (status == STATUS_OK)
        status = read_hash(message->previous_hash, &push->previous);
    if (status != STATUS_OK)
        return status;
    if (message->first_seq == 0 || message->n_entries == 0 || message->n_boot_ids == 0)
        return STATUS_MISSING_FIELD;
    if (message->n_entries > PUSH_ENTRIES_MAX || message->n_anchors > PUSH_ENTRIES_MAX ||
        message->n_boot_ids > PUSH_ENTRIES_MAX)
        return STATUS_OVER_LIMIT;
    if (message->first_seq > SEQ_MAX || message->n_entries - 1 > SEQ_MAX - message->first_seq)
        return STATUS_OVER_LIMIT;
    if ((message->first_seq == 1) != hash_is_zero(&push->previous))
        return STATUS_BAD_CHAIN;
    if (message->session_received_ms > TIME_MS_MAX)
        return STATUS_MALFORMED;
    push->first_seq = message->first_seq;
    push->session_received_ms = message->session_received_ms;
    if (message->signature_algorithm == 0 || message->signature.len == 0)
        return STATUS_MISSING_FIELD;
    return signature_from_wire(message->signature_algorithm, span_of_bytes(message->signature), &push->signature);
}

/* A full text or, by its length, a hash: no text is as short. */
static enum status read_anchor(struct sha256 *sha, const Doublecrew__V1__AnchorRef *ref, struct push_anchor *anchor)
{
    struct span checkpoint = span_of_bytes(ref->checkpoint);

    if (checkpoint.size == 0)
        return STATUS_MISSING_FIELD;
    if (checkpoint.size < HASH_SIZE)
        return STATUS_BAD_LENGTH;
    if (checkpoint.size > CHECKPOINT_TEXT_MAX)
        return STATUS_OVER_LIMIT;
    if (ref->received_ms > TIME_MS_MAX)
        return STATUS_MALFORMED;
    anchor->received_ms = ref->received_ms;
    if (checkpoint.size > HASH_SIZE) {
        anchor->text = checkpoint;
        return sha256_bytes(sha, checkpoint, &anchor->hash);
    }
    anchor->text = span_of(NULL, 0);
    if (hash_from_span(checkpoint, &anchor->hash) != STATUS_OK)
        return STATUS_BAD_LENGTH;
    return hash_is_zero(&anchor->hash) ? STATUS_MALFORMED : STATUS_OK;
}

static enum status read_anchors(struct arena *arena, struct sha256 *sha, const push_message *message, struct push *push)
{
    enum status status = STATUS_OK;

    push->anchor_count = message->n_anchors;
    push->anchors = arena_alloc(arena, message->n_anchors * sizeof(*push->anchors));
    if (push->anchors == NULL)
        return STATUS_OVER_LIMIT;
    for (size_t i = 0; i < message->n_anchors && status == STATUS_OK; i++)
        status = read_anchor(sha, message->anchors[i], &push->anchors[i]);
    return status;
}

/* The clocks of the entry before: entries carry differences. */
struct clocks {
    int64_t monotonic_ms;
    int64_t offset_ms; /* wall less monotonic */
};

static enum status read_clocks(const Doublecrew__V1__PushedEntry *pushed, struct clocks *clocks,
                               struct entry_header *header)
{
    if (__builtin_add_overflow(clocks->monotonic_ms, pushed->monotonic_delta_ms, &clocks->monotonic_ms) ||
        __builtin_add_overflow(clocks->offset_ms, pushed->wall_delta_ms, &clocks->offset_ms) ||
        __builtin_add_overflow(clocks->monotonic_ms, clocks->offset_ms, &header->wall_ms))
        return STATUS_MALFORMED;
    if (clocks->monotonic_ms < 0 || clocks->monotonic_ms > TIME_MS_MAX || header->wall_ms < -TIME_MS_MAX ||
        header->wall_ms > TIME_MS_MAX)
        return STATUS_MALFORMED;
    header->monotonic_ms = (uint64_t)clocks->monotonic_ms;
    return STATUS_OK;
}

static enum status read_references(const Doublecrew__V1__PushedEntry *pushed, const push_message *message,
                                   const struct push *push, struct entry_header *header)
{
    if (pushed->kind == 0)
        return STATUS_MISSING_FIELD;
    if (pushed->kind > UINT16_MAX || pushed->anchor > push->anchor_count || pushed->boot >= message->n_boot_ids)
        return STATUS_MALFORMED;
    header->kind = (uint16_t)pushed->kind;
    if (pushed->anchor > 0) {
        header->checkpoint = push->anchors[pushed->anchor - 1].hash;
        header->checkpoint_received_ms = push->anchors[pushed->anchor - 1].received_ms;
    }
    return read_id(message->boot_ids[pushed->boot], &header->boot);
}

/* The next pair of refs. MALFORMED: places that don't rise, or entries that aren't in this push. */
static enum status read_ref(const struct push *push, size_t index, const uint32_t *pair, size_t from, size_t whole_size,
                            const struct hash **ret_hash)
{
    if (pair[0] < from || pair[0] > whole_size - HASH_SIZE || pair[1] == 0 || pair[1] > index)
        return STATUS_MALFORMED;
    *ret_hash = &push->entries[index - pair[1]].hash;
    return STATUS_OK;
}

/* The payload with the hashes put back that the push left out. */
static enum status restore_payload(struct arena *arena, const Doublecrew__V1__PushedEntry *pushed,
                                   const struct push *push, size_t index, struct span *ret_payload)
{
    size_t count = pushed->n_refs / 2;
    size_t size = pushed->payload.len + count * HASH_SIZE;
    const uint8_t *from = pushed->payload.data;
    size_t at = 0;
    uint8_t *whole;

    if (pushed->n_refs % 2 != 0)
        return STATUS_MALFORMED;
    if (count > PUSH_REFS_MAX || size > PAYLOAD_SIZE_MAX)
        return STATUS_OVER_LIMIT;
    whole = arena_alloc(arena, size);
    if (whole == NULL)
        return STATUS_OVER_LIMIT;
    for (size_t i = 0; i < count; i++) {
        const struct hash *hash = NULL;
        enum status status = read_ref(push, index, &pushed->refs[2 * i], at, size, &hash);

        if (status != STATUS_OK)
            return status;
        size_t before = pushed->refs[2 * i] - at;
        if (before > pushed->payload.len - (size_t)(from - pushed->payload.data))
            return STATUS_MALFORMED;
        memcpy(whole + at, from, before);
        memcpy(whole + at + before, hash->bytes, HASH_SIZE);
        from += before;
        at += before + HASH_SIZE;
    }
    memcpy(whole + at, from, size - at);
    *ret_payload = span_of(whole, size);
    return STATUS_OK;
}

static enum status read_payload(struct arena *arena, const Doublecrew__V1__PushedEntry *pushed, const struct push *push,
                                size_t index, struct span *ret_payload)
{
    if (pushed->payload.len == 0)
        return STATUS_MISSING_FIELD;
    if (pushed->n_refs > 0)
        return restore_payload(arena, pushed, push, index, ret_payload);
    *ret_payload = span_of_bytes(pushed->payload);
    return STATUS_OK;
}

static enum status read_entry(struct arena *arena, struct sha256 *sha, const push_message *message,
                              const struct push *push, size_t index, struct clocks *clocks)
{
    const Doublecrew__V1__PushedEntry *pushed = message->entries[index];
    struct entry *entry = &push->entries[index];
    enum status status;

    entry->header.log = push->log;
    entry->header.seq = push->first_seq + index;
    entry->header.previous = index == 0 ? push->previous : push->entries[index - 1].hash;
    status = read_payload(arena, pushed, push, index, &entry->payload);
    if (status == STATUS_OK)
        status = read_references(pushed, message, push, &entry->header);
    if (status == STATUS_OK)
        status = read_clocks(pushed, clocks, &entry->header);
    return status == STATUS_OK ? entry_seal(sha, entry) : status;
}

enum status push_open(struct arena *arena, struct sha256 *sha, struct span bytes, struct push *ret_push)
{
    struct push push = {0};
    struct clocks clocks = {0};
    ProtobufCMessage *base;
    const push_message *message;
    enum status status = wire_unpack(arena, &doublecrew__v1__push__descriptor, bytes, &base);

    if (status != STATUS_OK)
        return status;
    message = (const push_message *)base;
    status = read_head(message, &push);
    if (status == STATUS_OK)
        status = read_anchors(arena, sha, message, &push);
    if (status != STATUS_OK)
        return status;
    push.entry_count = message->n_entries;
    push.entries = arena_alloc(arena, push.entry_count * sizeof(*push.entries));
    if (push.entries == NULL)
        return STATUS_OVER_LIMIT;
    for (size_t i = 0; i < push.entry_count && status == STATUS_OK; i++)
        status = read_entry(arena, sha, message, &push, i, &clocks);
    for (size_t i = 0; i < message->n_boot_ids && status == STATUS_OK; i++)
        status = message->boot_ids[i].len == ID_SIZE ? STATUS_OK : STATUS_BAD_LENGTH; /* those that no entry names */
    if (status != STATUS_OK)
        return status;
    *ret_push = push;
    return STATUS_OK;
}

enum status push_verify(const struct push *push, struct verify_key *key)
{
    const struct entry *last = &push->entries[push->entry_count - 1];
    uint8_t statement[HEAD_STATEMENT_SIZE];

    head_statement_encode(&push->log, last->header.seq, &last->hash, statement);
    return verify_message(key, span_of(statement, sizeof(statement)), &push->signature);
}
