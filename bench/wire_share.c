#include "bench/wire_share.h"

#include <stdlib.h>
#include <string.h>

#include "core/deflated.h"
#include "core/payload.h"
#include "core/push.h"
#include "doublecrew/v1/entry.pb-c.h"
#include "doublecrew/v1/sync.pb-c.h"

#define PUSH_FIELD 2 /* of ClientMessage */

static const void *member(const ProtobufCMessage *message, unsigned offset)
{
    return (const uint8_t *)message + offset;
}

/* How many values a field has here; a oneof's only when it is the one. */
static size_t values_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)member(message, field->quantifier_offset);
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return *(const uint32_t *)member(message, field->quantifier_offset) == field->id ? 1 : 0;
    return 1;
}

static void add_message(const ProtobufCMessage *message, struct wire_share *share);

static void add_bytes(size_t size, struct wire_share *share)
{
    if (size == HASH_SIZE)
        share->hashes += size;
    else if (size == ID_SIZE)
        share->ids += size;
}

static void add_value(const ProtobufCFieldDescriptor *field, const void *value, struct wire_share *share)
{
    if (field->type == PROTOBUF_C_TYPE_STRING && *(const char *const *)value != NULL)
        share->words += strlen(*(const char *const *)value);
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        add_bytes(((const ProtobufCBinaryData *)value)->len, share);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && *(const ProtobufCMessage *const *)value != NULL)
        add_message(*(const ProtobufCMessage *const *)value, share);
}

/* Everything in it that a person, a hash or an id takes; what is left of its size is framing. */
static void add_message(const ProtobufCMessage *message, struct wire_share *share)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        size_t count = values_of(message, field);
        const uint8_t *values = member(message, field->offset);
        size_t size = field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);

        if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_BYTES &&
            field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED && count > 0)
            values = *(const uint8_t *const *)member(message, field->offset);
        for (size_t j = 0; j < count; j++)
            add_value(field, values + j * size, share);
    }
}

static enum status add_entry(struct arena *arena, const struct entry *entry, struct wire_share *share)
{
    ProtobufCMessage *message = NULL;
    enum status status = payload_open(arena, entry->header.kind, entry_message(entry), &message);

    share->salts += PAYLOAD_SALT_SIZE;
    if (status == STATUS_OK)
        add_message(message, share);
    return status;
}

/* The journal holds pushes as they are; how one was sent follows from it. */
static enum status add_messages(struct span push, size_t entry_count, struct wire_share *share)
{
    uint8_t *deflated = NULL;
    uint8_t *plain = NULL;
    size_t deflated_size = 0;
    size_t plain_size = 0;
    enum status status = wire_wrap(PUSH_FIELD, push, &plain, &plain_size);

    if (status == STATUS_OK)
        status = deflated_push_build(push, entry_count, &deflated, &deflated_size);
    if (status == STATUS_OK) {
        share->plain += plain_size;
        share->sent += deflated != NULL ? deflated_size : plain_size;
    }
    free(deflated);
    free(plain);
    return status;
}

enum status wire_share_add(struct arena *arena, struct sha256 *sha, struct span bytes, struct wire_share *share)
{
    ProtobufCMessage *unpacked = NULL;
    struct push push;
    enum status status = wire_unpack(arena, &doublecrew__v1__push__descriptor, bytes, &unpacked);

    if (status == STATUS_OK)
        status = push_open(arena, sha, bytes, &push);
    if (status != STATUS_OK)
        return status;
    const Doublecrew__V1__Push *message = (const Doublecrew__V1__Push *)unpacked;
    status = add_messages(bytes, push.entry_count, share);
    share->pushes++;
    share->facts += push.entry_count;
    share->bytes += bytes.size;
    share->signature += message->signature.len;
    share->hashes += message->previous_hash.len;
    share->ids += message->log_id.len + message->n_boot_ids * ID_SIZE;
    for (size_t i = 0; i < message->n_anchors; i++)
        share->anchors += message->anchors[i]->checkpoint.len;
    for (size_t i = 0; i < push.entry_count && status == STATUS_OK; i++) {
        status = add_entry(arena, &push.entries[i], share);
        share->hashes -= message->entries[i]->n_refs / 2 * HASH_SIZE; /* left out of the message */
    }
    return status;
}

size_t wire_share_framing(const struct wire_share *share)
{
    return share->bytes - share->signature - share->hashes - share->anchors - share->salts - share->ids - share->words;
}
