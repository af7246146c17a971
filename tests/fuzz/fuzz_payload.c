/*
 * An entry's message of any kind: the first two bytes choose the kind, the rest is the message.
 */
#include <stdlib.h>

#include "core/kinds.h"
#include "core/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    ProtobufCMessage *message;
    uint16_t kind;
    enum status status;

    if (arena == NULL && arena_new(&arena) != STATUS_OK)
        abort();
    if (size < 2)
        return 0;
    kind = get_u16(data);
    arena_reset(arena, ARENA_CAP_DEFAULT);
    status = payload_open(arena, kind, span_of(data + 2, size - 2), &message);
    if (status == STATUS_INTERNAL || (payload_descriptor(kind) == NULL && status != STATUS_UNKNOWN_KIND))
        abort(); /* a gap in the tables */
    if (status == STATUS_OK && payload_check(kind, message) != STATUS_OK)
        abort();
    return entry_kind_name(kind) == NULL;
}
