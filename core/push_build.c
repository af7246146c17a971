#include <stdlib.h>
#include <string.h>

#include "core/push.h"

#include "doublecrew/v1/sync.pb-c.h"

/* Everything that the message to pack points to, in one piece. */
struct build {
    Doublecrew__V1__Push message;
    Doublecrew__V1__PushedEntry entries[PUSH_ENTRIES_MAX];
    Doublecrew__V1__PushedEntry *entry_list[PUSH_ENTRIES_MAX];
    Doublecrew__V1__AnchorRef anchors[PUSH_ENTRIES_MAX];
    Doublecrew__V1__AnchorRef *anchor_list[PUSH_ENTRIES_MAX];
    ProtobufCBinaryData boots[PUSH_ENTRIES_MAX];
    /* Payloads without the hashes that refs stand for, and the refs. */
    uint8_t *shortened;
    uint32_t *refs;
    size_t shortened_size;
    size_t ref_count;
    /* The first two bytes of each hash that an entry may refer to: few places of a payload need a closer look. */
    uint8_t beginnings[(UINT16_MAX + 1) / 8];
};

/* protobuf-c's binary data isn't const, but packing only reads it. */
static ProtobufCBinaryData borrow(const uint8_t *data, size_t size)
{
    union {
        const uint8_t *from;
        uint8_t *to;
    } pointer = {.from = data};
    ProtobufCBinaryData bytes = {.len = size, .data = pointer.to};

    return bytes;
}

static bool follows(const struct entry *previous, const struct entry *entry)
{
    return id_equal(&previous->header.log, &entry->header.log) && previous->header.seq + 1 == entry->header.seq &&
           hash_equal(&previous->hash, &entry->header.previous);
}

static void add_anchors(struct build *build, const struct push_anchor *anchors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Doublecrew__V1__AnchorRef *ref = &build->anchors[i];

        doublecrew__v1__anchor_ref__init(ref);
        ref->checkpoint = anchors[i].text.size > 0 ? borrow(anchors[i].text.data, anchors[i].text.size)
                                                   : borrow(anchors[i].hash.bytes, HASH_SIZE);
        ref->received_ms = anchors[i].received_ms;
        build->anchor_list[i] = ref;
    }
    build->message.n_anchors = count;
    build->message.anchors = build->anchor_list;
}

/* 0 for none, else the place counted from 1. INPUT when it isn't among the anchors. */
static enum status find_anchor(const struct push_anchor *anchors, size_t count, const struct entry_header *header,
                               uint32_t *ret_number)
{
    if (hash_is_zero(&header->checkpoint)) {
        *ret_number = 0;
        return header->checkpoint_received_ms == 0 ? STATUS_OK : STATUS_INPUT;
    }
    for (size_t i = 0; i < count; i++) {
        if (hash_equal(&anchors[i].hash, &header->checkpoint) &&
            anchors[i].received_ms == header->checkpoint_received_ms) {
            *ret_number = (uint32_t)(i + 1);
            return STATUS_OK;
        }
    }
    return STATUS_INPUT;
}

/* From the last boot backwards: entries seldom name an earlier one. There are never more boots than entries. */
static uint32_t find_or_add_boot(struct build *build, const struct id *boot)
{
    for (size_t i = build->message.n_boot_ids; i > 0; i--) {
        if (memcmp(build->boots[i - 1].data, boot->bytes, ID_SIZE) == 0)
            return (uint32_t)(i - 1);
    }
    build->boots[build->message.n_boot_ids] = borrow(boot->bytes, ID_SIZE);
    return (uint32_t)build->message.n_boot_ids++;
}

/* How many entries back the one is whose hash these bytes are; 0: none. From the nearest on. */
static uint32_t find_back(const struct build *build, const struct entry *entries, size_t index, const uint8_t *bytes)
{
    uint16_t beginning = get_u16(bytes);

    if ((build->beginnings[beginning / 8] & (1U << (beginning % 8))) == 0)
        return 0;
    for (size_t i = index; i > 0; i--) {
        if (memcmp(entries[i - 1].hash.bytes, bytes, HASH_SIZE) == 0)
            return (uint32_t)(index - i + 1);
    }
    return 0;
}

/* Leaves out of the payload what the receiver has computed by then. The salt stays: it is random by contract. */
static void add_payload(struct build *build, const struct entry *entries, size_t index)
{
    struct span payload = entries[index].payload;
    Doublecrew__V1__PushedEntry *pushed = &build->entries[index];
    uint8_t *to = build->shortened + build->shortened_size;
    uint16_t beginning = get_u16(entries[index].hash.bytes);
    size_t size = 0;

    pushed->refs = build->refs + build->ref_count;
    for (size_t at = 0; at < payload.size;) {
        uint32_t back = 0;

        if (at >= PAYLOAD_SALT_SIZE && at + HASH_SIZE <= payload.size && pushed->n_refs / 2 < PUSH_REFS_MAX)
            back = find_back(build, entries, index, payload.data + at);
        if (back == 0) {
            to[size++] = payload.data[at++];
            continue;
        }
        pushed->refs[pushed->n_refs++] = (uint32_t)at;
        pushed->refs[pushed->n_refs++] = back;
        at += HASH_SIZE;
    }
    pushed->payload = borrow(to, size);
    build->shortened_size += size;
    build->ref_count += pushed->n_refs;
    build->beginnings[beginning / 8] |= (uint8_t)(1U << (beginning % 8));
}

/* Room for all payloads, and for every ref that they could hold. */
static enum status make_room(struct build *build, const struct entry *entries, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        if (entries[i].payload.size < PAYLOAD_SALT_SIZE)
            return STATUS_INPUT;
        size += entries[i].payload.size;
    }
    build->shortened = malloc(size);
    build->refs = calloc(size / HASH_SIZE + 1, 2 * sizeof(*build->refs));
    return build->shortened == NULL || build->refs == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static bool clocks_in_range(const struct entry_header *header)
{
    return header->monotonic_ms <= TIME_MS_MAX && header->wall_ms <= TIME_MS_MAX && header->wall_ms >= -TIME_MS_MAX;
}

static enum status add_entries(struct build *build, const struct entry *entries, size_t count,
                               const struct push_anchor *anchors, size_t anchor_count)
{
    int64_t monotonic_ms = 0;
    int64_t offset_ms = 0;

    for (size_t i = 0; i < count; i++) {
        const struct entry_header *header = &entries[i].header;
        Doublecrew__V1__PushedEntry *pushed = &build->entries[i];
        enum status status;

        if ((i > 0 && !follows(&entries[i - 1], &entries[i])) || !clocks_in_range(header))
            return STATUS_INPUT;
        doublecrew__v1__pushed_entry__init(pushed);
        status = find_anchor(anchors, anchor_count, header, &pushed->anchor);
        if (status != STATUS_OK)
            return status;
        pushed->kind = header->kind;
        pushed->boot = find_or_add_boot(build, &header->boot);
        pushed->monotonic_delta_ms = (int64_t)header->monotonic_ms - monotonic_ms;
        monotonic_ms = (int64_t)header->monotonic_ms;
        pushed->wall_delta_ms = header->wall_ms - monotonic_ms - offset_ms;
        offset_ms = header->wall_ms - monotonic_ms;
        add_payload(build, entries, i);
        build->entry_list[i] = pushed;
    }
    build->message.n_entries = count;
    build->message.entries = build->entry_list;
    build->message.boot_ids = build->boots;
    return STATUS_OK;
}

static enum status pack(const struct build *build, uint8_t **ret_bytes, size_t *ret_size)
{
    if (protobuf_c_message_get_packed_size(&build->message.base) > PUSH_SIZE_MAX)
        return STATUS_OVER_LIMIT;
    return wire_pack(&build->message.base, ret_bytes, ret_size);
}

enum status push_build(const struct entry *entries, size_t count, const struct push_anchor *anchors,
                       size_t anchor_count, const struct signature *signature, uint64_t session_received_ms,
                       uint8_t **ret_bytes, size_t *ret_size)
{
    struct build *build;
    enum status status;

    if (count == 0)
        return STATUS_INPUT;
    if (count > PUSH_ENTRIES_MAX || anchor_count > PUSH_ENTRIES_MAX)
        return STATUS_OVER_LIMIT;
    build = calloc(1, sizeof(*build));
    if (build == NULL)
        return STATUS_NO_MEMORY;
    doublecrew__v1__push__init(&build->message);
    build->message.log_id = borrow(entries[0].header.log.bytes, ID_SIZE);
    build->message.first_seq = entries[0].header.seq;
    build->message.previous_hash = borrow(entries[0].header.previous.bytes, HASH_SIZE);
    build->message.signature_algorithm = (uint32_t)signature->algorithm;
    build->message.signature = borrow(signature->bytes, SIGNATURE_SIZE);
    build->message.session_received_ms = session_received_ms;
    add_anchors(build, anchors, anchor_count);
    status = make_room(build, entries, count);
    if (status == STATUS_OK)
        status = add_entries(build, entries, count, anchors, anchor_count);
    if (status == STATUS_OK)
        status = pack(build, ret_bytes, ret_size);
    free(build->shortened);
    free(build->refs);
    free(build);
    return status;
}
