#include "server/edge/outbox.h"

#include <stdlib.h>
#include <string.h>

/* The memory that a message takes. */
static size_t cost(const struct outbox *outbox, size_t size)
{
    return sizeof(struct outbox_message) + outbox->headroom + size;
}

void outbox_init(struct outbox *outbox, size_t headroom, size_t size_max)
{
    memset(outbox, 0, sizeof(*outbox));
    outbox->headroom = headroom;
    outbox->size_max = size_max;
}

void outbox_clear_lane(struct outbox *outbox, enum session_lane lane)
{
    struct outbox_lane *cleared = &outbox->lanes[lane];

    while (cleared->first != NULL) {
        struct outbox_message *message = cleared->first;

        cleared->first = message->next;
        outbox->size -= cost(outbox, message->size);
        free(message);
    }
    cleared->last = NULL;
}

void outbox_clear(struct outbox *outbox)
{
    outbox_clear_lane(outbox, SESSION_URGENT);
    outbox_clear_lane(outbox, SESSION_BULK);
}

enum status outbox_push(struct outbox *outbox, enum session_lane lane, struct span bytes)
{
    struct outbox_lane *to = &outbox->lanes[lane];
    struct outbox_message *message;

    if (cost(outbox, bytes.size) > outbox->size_max - outbox->size)
        return STATUS_OVER_LIMIT;
    message = malloc(cost(outbox, bytes.size));
    if (message == NULL)
        return STATUS_NO_MEMORY;
    message->next = NULL;
    message->lane = lane;
    message->size = bytes.size;
    message->bytes = (uint8_t *)(message + 1) + outbox->headroom;
    memcpy(message->bytes, bytes.data, bytes.size);
    if (to->last == NULL)
        to->first = message;
    else
        to->last->next = message;
    to->last = message;
    outbox->size += cost(outbox, bytes.size);
    return STATUS_OK;
}

struct outbox_message *outbox_pop(struct outbox *outbox)
{
    struct outbox_lane *from =
        &outbox->lanes[outbox->lanes[SESSION_URGENT].first != NULL ? SESSION_URGENT : SESSION_BULK];
    struct outbox_message *message = from->first;

    if (message == NULL)
        return NULL;
    from->first = message->next;
    if (from->first == NULL)
        from->last = NULL;
    outbox->size -= cost(outbox, message->size);
    return message;
}

bool outbox_is_empty(const struct outbox *outbox, enum session_lane lane)
{
    return outbox->lanes[lane].first == NULL;
}
