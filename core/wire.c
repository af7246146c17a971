#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena_internal.h"
#include "core/wire_read.h"

static void *alloc_in_arena(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void free_in_arena(void *arena, void *at)
{
    (void)arena;
    (void)at;
}

enum status wire_unpack(struct arena *arena, const ProtobufCMessageDescriptor *descriptor, struct span bytes,
                        ProtobufCMessage **ret_message)
{
    ProtobufCAllocator allocator = {.alloc = alloc_in_arena, .free = free_in_arena, .allocator_data = arena};
    static const uint8_t nothing[1];
    ProtobufCMessage *message;
    enum status status = wire_scan(descriptor, bytes);
    size_t cap;

    if (status != STATUS_OK)
        return status;
    cap = arena_limit(arena, ARENA_FACTOR * bytes.size + ARENA_FLOOR);
    message = protobuf_c_message_unpack(descriptor, &allocator, bytes.size, bytes.data != NULL ? bytes.data : nothing);
    arena_restore_cap(arena, cap);
    if (arena_failure(arena) != STATUS_OK)
        return arena_failure(arena);
    if (message == NULL)
        return STATUS_MALFORMED;
    *ret_message = message;
    return STATUS_OK;
}

enum status wire_pack(const ProtobufCMessage *message, uint8_t **ret_bytes, size_t *ret_size)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes;

    if (size > MESSAGE_SIZE_MAX)
        return STATUS_OVER_LIMIT;
    bytes = malloc(size + 1); /* an empty message is one too */
    if (bytes == NULL)
        return STATUS_NO_MEMORY;
    *ret_size = protobuf_c_message_pack(message, bytes);
    *ret_bytes = bytes;
    return STATUS_OK;
}

enum status wire_next(struct span *rest, uint32_t field_number, struct span *ret_value)
{
    while (rest->size > 0) {
        struct wire_field field;
        enum status status = wire_read_field(rest, &field);

        if (status != STATUS_OK)
            return status;
        if (field.number == field_number && field.type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
            *ret_value = field.data;
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

enum status wire_find(struct span message, uint32_t field_number, struct span *ret_value)
{
    return wire_next(&message, field_number, ret_value);
}

static size_t put_varint(uint8_t *at, uint64_t value)
{
    size_t size = 0;

    while (value > 0x7f) {
        at[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    at[size++] = (uint8_t)value;
    return size;
}

enum status wire_wrap(uint32_t field_number, struct span value, uint8_t **ret_bytes, size_t *ret_size)
{
    uint8_t head[20];
    size_t head_size = put_varint(head, (uint64_t)field_number << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    uint8_t *bytes;

    head_size += put_varint(head + head_size, value.size);
    if (value.size > MESSAGE_SIZE_MAX || head_size + value.size > MESSAGE_SIZE_MAX)
        return STATUS_OVER_LIMIT;
    bytes = malloc(head_size + value.size);
    if (bytes == NULL)
        return STATUS_NO_MEMORY;
    memcpy(bytes, head, head_size);
    if (value.size > 0)
        memcpy(bytes + head_size, value.data, value.size);
    *ret_bytes = bytes;
    *ret_size = head_size + value.size;
    return STATUS_OK;
}
