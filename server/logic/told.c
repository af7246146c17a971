/*
 * What another engine told (J4): taken from the journal, never worked out again. The views, the flags and what follows from
 * them alone are as its issued rows left them; timers, namings and verdicts' inputs belong to whoever judges next.
 */
#include <stdlib.h>

#include "server/logic/cover.h"

static enum status show_item(struct batch *batch, struct span bytes, uint64_t pos)
{
    ProtobufCMessage *message;

    arena_reset(batch->replay->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(wire_unpack(batch->replay->arena, &doublecrew__v1__issued_item__descriptor, bytes, &message));
    const Doublecrew__V1__IssuedItem *item = (const Doublecrew__V1__IssuedItem *)message;
    switch (item->item_case) {
    case DOUBLECREW__V1__ISSUED_ITEM__ITEM_VERDICT:
        return verdict_show(batch, item->verdict, pos);
    case DOUBLECREW__V1__ISSUED_ITEM__ITEM_FLAG:
        return flag_show_told(batch, item->flag, pos);
    case DOUBLECREW__V1__ISSUED_ITEM__ITEM_COVER:
        return cover_show_told(batch, item->cover, pos);
    default:
        return STATUS_STORE;
    }
}

enum status told_apply(struct batch *batch, const struct journal_row *row)
{
    enum status status = STATUS_OK;
    struct span rest = row->body;
    struct span item;
    uint64_t pos = row->first_pos;

    while (issued_next_item(&rest, &item, &status))
        RETURN_IF_BAD(show_item(batch, item, pos++));
    RETURN_IF_BAD(status);
    return journal_copy_row(batch, row);
}

/* An entry changed it, as this version applies entries; whether people were told so is looked at when ours judges. */
static enum status note_untold(struct replay *replay, const struct hash *flag)
{
    for (size_t i = 0; i < replay->untold_count; i++) {
        if (hash_equal(&replay->untold[i], flag))
            return STATUS_OK;
    }
    RETURN_IF_BAD(batch_list_room((void **)&replay->untold, &replay->untold_capacity, replay->untold_count,
                                  sizeof(*replay->untold)));
    replay->untold[replay->untold_count++] = *flag;
    return STATUS_OK;
}

static bool is_shown(const struct batch *batch, const struct hash *flag, uint64_t since_pos)
{
    struct view_key key = view_key_of_hash('f', flag);
    struct view_row view;

    return batch->store->ops->view_get(batch->store, span_of(key.bytes, key.size), &view) == STATUS_OK &&
           view.pos >= since_pos;
}

enum status told_phase(struct batch *batch)
{
    struct replay *replay = batch->replay;
    uint64_t since_pos = batch->next.pos + 1;

    if (replay->has_issued) {
        replay->has_issued = false;
        RETURN_IF_BAD(told_apply(batch, &replay->issued));
    }
    for (size_t i = 0; i < batch->flag_touch_count; i++) {
        if (!is_shown(batch, &batch->flag_touches[i].flag, since_pos))
            RETURN_IF_BAD(note_untold(replay, &batch->flag_touches[i].flag));
    }
    return STATUS_OK;
}
