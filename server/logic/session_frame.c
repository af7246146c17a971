/*
 * The envelope of messages, without unpacking what is in it: a push's bytes are kept as they came (S1), rows are sent as
 * they lie in the store.
 */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/wire_read.h"
#include "server/logic/session_internal.h"

#define SERVER_MESSAGE_FLAG 4u
#define FLAG_POS_TAG (1u << 3 | PROTOBUF_C_WIRE_TYPE_VARINT)
#define FLAG_ROW_TAG (2u << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)

enum status session_frame_split(struct span bytes, enum session_message *ret_kind, struct span *ret_body)
{
    struct span body = {0};
    uint32_t number = 0;
    bool newer = false;

    if (bytes.size > MESSAGE_SIZE_MAX)
        return STATUS_OVER_LIMIT;
    while (bytes.size > 0) {
        struct wire_field field;
        enum status status = wire_read_field(&bytes, &field);

        if (status != STATUS_OK)
            return status;
        if (field.number >= SESSION_MESSAGE_COUNT) {
            newer = true; /* a newer client's: not ours to judge beside a message that we know (P5) */
            continue;
        }
        if (number != 0 || field.type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            return STATUS_MALFORMED;
        number = field.number;
        body = field.data;
    }
    if (number == 0)
        return newer ? STATUS_UNKNOWN_KIND : STATUS_MISSING_FIELD;
    *ret_kind = (enum session_message)number;
    *ret_body = body;
    return STATUS_OK;
}

enum status session_frame_count(struct span message, uint32_t number, uint32_t *ret_count)
{
    uint32_t count = 0;

    while (message.size > 0) {
        struct wire_field field;
        enum status status = wire_read_field(&message, &field);

        if (status != STATUS_OK)
            return status;
        count += field.number == number;
    }
    *ret_count = count;
    return STATUS_OK;
}

size_t session_frame_varint_size(uint64_t value)
{
    size_t size = 1;

    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

size_t session_frame_put_varint(uint8_t *at, uint64_t value)
{
    size_t size = 0;

    for (; value >= 0x80; value >>= 7)
        at[size++] = (uint8_t)(value | 0x80);
    at[size++] = (uint8_t)value;
    return size;
}

uint8_t *session_frame_wrap(uint32_t number, struct span first, struct span second, size_t *ret_size)
{
    size_t body = first.size + second.size;
    size_t size = 1 + session_frame_varint_size(body) + body; /* field numbers below 16: a tag of one byte */
    uint8_t *bytes = size > MESSAGE_SIZE_MAX ? NULL : malloc(size);
    size_t at = 1;

    if (bytes == NULL)
        return NULL;
    bytes[0] = (uint8_t)(number << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    at += session_frame_put_varint(bytes + at, body);
    if (first.size > 0)
        memcpy(bytes + at, first.data, first.size);
    if (second.size > 0)
        memcpy(bytes + at + first.size, second.data, second.size);
    *ret_size = size;
    return bytes;
}

uint8_t *session_frame_flag(uint64_t pos, struct span row, size_t *ret_size)
{
    uint8_t head[24];
    size_t size = 0;

    head[size++] = FLAG_POS_TAG;
    size += session_frame_put_varint(head + size, pos);
    head[size++] = FLAG_ROW_TAG;
    size += session_frame_put_varint(head + size, row.size);
    return session_frame_wrap(SERVER_MESSAGE_FLAG, span_of(head, size), row, ret_size);
}
