/* What an entry or a timer touches: the presences that are derived at the end of the phase (J6). */
#include "server/logic/batch_internal.h"

static enum status add(struct hash_set *set, struct hash **list, size_t *count, size_t *capacity,
                       const struct hash *presence)
{
    enum status status = hash_set_add(set, presence);

    if (status == STATUS_EXISTS)
        return STATUS_OK;
    if (status == STATUS_OK)
        status = batch_list_room((void **)list, capacity, *count, sizeof(**list));
    if (status == STATUS_OK)
        (*list)[(*count)++] = *presence;
    return status;
}

enum status batch_touch(struct batch *batch, const struct hash *presence)
{
    return add(&batch->touched, &batch->seeds, &batch->seed_count, &batch->seed_capacity, presence);
}

enum status batch_touch_changed(struct batch *batch, const struct hash *presence)
{
    RETURN_IF_BAD(batch_touch(batch, presence));
    return add(&batch->changed_set, &batch->changed, &batch->changed_count, &batch->changed_capacity, presence);
}

static enum status touch_row(void *context, const struct presence_row *row)
{
    return batch_touch(context, &row->presence);
}

enum status batch_touch_at(struct batch *batch, const struct id *offender, int64_t from_us, int64_t to_us)
{
    return batch->store->ops->presences_at(batch->store, offender, from_us, to_us, touch_row, batch);
}

enum status batch_touch_of(struct batch *batch, const struct id *officer, int64_t from_us, int64_t to_us)
{
    return batch->store->ops->presences_of(batch->store, officer, from_us, to_us, touch_row, batch);
}
