#include <stdlib.h>
#include <string.h>

#include "admin/operator_log.h"
#include "core/wire.h"

void operator_entries_done(struct operator_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        free(entries->items[i].message);
    free(entries->items);
    memset(entries, 0, sizeof(*entries));
}

enum status operator_entries_add(struct operator_entries *entries, uint16_t kind, const ProtobufCMessage *message)
{
    struct operator_entry entry = {.kind = kind};

    if (entries->count == OPERATOR_ENTRIES_MAX)
        return STATUS_OVER_LIMIT;
    if (entries->count == entries->capacity) {
        size_t capacity = entries->capacity == 0 ? 64 : 2 * entries->capacity;
        struct operator_entry *items = realloc(entries->items, capacity * sizeof(*items));
        if (items == NULL)
            return STATUS_NO_MEMORY;
        entries->items = items;
        entries->capacity = capacity;
    }

    enum status status = wire_pack(message, &entry.message, &entry.size);

    if (status == STATUS_OK)
        entries->items[entries->count++] = entry;
    return status;
}
