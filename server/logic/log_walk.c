/* A stored log, entry by entry: for what has to be worked out again. Costs what the log is long, so only where that is rare. */
#include "server/logic/batch_internal.h"

#include <string.h>

#include "core/payload.h"

enum status log_walk(struct batch *batch, const struct id *log, uint64_t first_seq, uint64_t last_seq, log_each each,
                     void *context)
{
    uint64_t seq = first_seq;

    while (seq <= last_seq) {
        struct journal_row row;
        struct push push;

        RETURN_IF_BAD(batch->store->ops->journal_of_log(batch->store, log, seq, &row));
        arena_reset(batch->scratch, ARENA_CAP_DEFAULT);
        RETURN_IF_BAD(push_open(batch->scratch, batch->sha, row.body, &push));
        for (; seq < row.first_seq + row.count && seq <= last_seq; seq++) {
            const struct entry *entry = &push.entries[seq - push.first_seq];
            struct log_record record = {.entry = entry, .pos = row.first_pos + (seq - row.first_seq)};
            struct anchor_row anchor;

            if (!hash_is_zero(&entry->header.checkpoint)) {
                RETURN_IF_BAD(batch->store->ops->anchor_get(batch->store, &entry->header.checkpoint, &anchor));
                record.anchor = &anchor;
            }
            RETURN_IF_BAD(each(context, &record));
        }
    }
    return STATUS_OK;
}

struct entry_search {
    struct batch *batch;
    uint64_t pos;
    struct journal_entry *found;
};

static enum status open_entry(void *context, const struct journal_row *row)
{
    struct entry_search *search = context;
    struct push *push = &search->found->push;
    uint8_t *body = arena_alloc(search->batch->arena, row->body.size + 1);

    if (row->kind != JOURNAL_PUSH || search->pos < row->first_pos)
        return STATUS_STORE;
    if (body == NULL)
        return STATUS_NO_MEMORY;
    memcpy(body, row->body.data, row->body.size);
    RETURN_IF_BAD(push_open(search->batch->arena, search->batch->sha, span_of(body, row->body.size), push));
    search->found->entry = &push->entries[row->first_seq - push->first_seq + (search->pos - row->first_pos)];
    return STATUS_CANCELLED; /* the first row is the one */
}

enum status journal_entry_at(struct batch *batch, uint64_t pos, struct journal_entry *ret_entry)
{
    struct entry_search search = {batch, pos, ret_entry};
    enum status status = batch->store->ops->journal_from(batch->store, pos, open_entry, &search);

    if (status == STATUS_CANCELLED)
        return STATUS_OK;
    return status == STATUS_OK ? STATUS_STORE : status;
}

/* A lost device's log says nothing of the time from which on nobody can say who held it: it isn't heard past it (W1). */
bool watermark_takes(const struct device_row *device, const struct anchor_row *anchor, int64_t newest_us)
{
    int64_t limit_us = device->standing == DEVICE_LOST ? device->revoked_as_of_us : INT64_MAX;

    return anchor != NULL && anchor->time_us > newest_us && anchor->time_us < limit_us;
}

struct watermark_search {
    const struct device_row *device;
    struct batch *batch;
    int64_t newest_us;
};

static enum status look(void *context, const struct log_record *record)
{
    struct watermark_search *search = context;
    bool is_void;

    if (payload_descriptor(record->entry->header.kind) == NULL)
        return STATUS_CANCELLED; /* the watermark stops at an unknown kind */
    if (!watermark_takes(search->device, record->anchor, search->newest_us))
        return STATUS_OK;
    RETURN_IF_BAD(anchor_is_void(search->batch, record->anchor->time_us, &is_void));
    if (!is_void)
        search->newest_us = record->anchor->time_us;
    return STATUS_OK;
}

enum status watermark_up_to(struct batch *batch, const struct device_row *device, int64_t *ret_us)
{
    uint64_t last = device->fork_seq != 0 ? device->fork_seq - 1 : device->last_seq;
    struct watermark_search search = {device, batch, INT64_MIN};
    enum status status = log_walk(batch, &device->log, 1, last, look, &search);

    if (status != STATUS_OK && status != STATUS_CANCELLED)
        return status;
    *ret_us = search.newest_us;
    return STATUS_OK;
}
