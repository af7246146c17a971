#include "device/view_rows.h"

struct each {
    struct arena *arena;
    Doublecrew__V1__Row__RowCase kind;
    view_on_row on_row;
    void *context;
    size_t count;
};

static bool open_row(void *context, const struct store_row *stored)
{
    struct each *each = context;
    ProtobufCMessage *message = NULL;
    const Doublecrew__V1__Row *row;

    arena_reset(each->arena, ARENA_CAP_DEFAULT); /* one row at a time, however many there are */
    if (wire_unpack(each->arena, &doublecrew__v1__row__descriptor, stored->bytes, &message) != STATUS_OK) {
        return true;
    }
    row = (const Doublecrew__V1__Row *)message;
    if (row->row_case != each->kind || !row->offender) { /* any member of the union: all are pointers */
        return true;
    }
    each->count++;
    return each->on_row(each->context, row);
}

enum status view_each(struct dc_device *device, const struct view_key *prefix, Doublecrew__V1__Row__RowCase kind,
                      view_on_row on_row, void *context, size_t *ret_count)
{
    struct each each = {.kind = kind, .on_row = on_row, .context = context};
    enum status status = arena_new(&each.arena);

    if (status == STATUS_OK) {
        status = store_each_row(device->store, view_key_span(prefix), open_row, &each);
    }
    arena_free(each.arena);
    if (status == STATUS_OK && ret_count) {
        *ret_count = each.count;
    }
    return status;
}
