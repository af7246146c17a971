/*
 * Whatever arrives on a socket: what the scan accepts must unpack within the arena's cap, or be refused for its size.
 */
#include <stdlib.h>

#include "core/wire.h"

#include "doublecrew/v1/sync.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unpack(struct arena *arena, const ProtobufCMessageDescriptor *descriptor, struct span bytes)
{
    ProtobufCMessage *message;
    enum status scanned = wire_scan(descriptor, bytes);
    enum status status;
    uint8_t *packed;
    size_t packed_size;

    arena_reset(arena, ARENA_CAP_DEFAULT);
    status = wire_unpack(arena, descriptor, bytes, &message);
    if (scanned != STATUS_OK && status != scanned)
        abort();
    if (scanned == STATUS_OK && status != STATUS_OK && status != STATUS_OVER_LIMIT)
        abort(); /* protobuf-c is stricter than the scan: the scan misses something */
    if (status != STATUS_OK || wire_pack(message, &packed, &packed_size) != STATUS_OK)
        return;
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;

    if (arena == NULL && arena_new(&arena) != STATUS_OK)
        abort();
    unpack(arena, &doublecrew__v1__client_message__descriptor, span_of(data, size));
    unpack(arena, &doublecrew__v1__server_message__descriptor, span_of(data, size));
    return 0;
}
