#include "server/logic/purge.h"

#include "core/limits.h"

static void note(struct purge_due *due, uint64_t first_pos, uint64_t last_pos)
{
    if (due->first_pos == 0 || first_pos < due->first_pos)
        due->first_pos = first_pos;
    if (last_pos > due->last_pos)
        due->last_pos = last_pos;
}

/* In a scope that the device is in: what went since it came, and since its receipt. */
static enum status note_departures(struct store *store, const struct scope_member *member, uint64_t purged_pos,
                                   struct purge_due *due)
{
    uint64_t after = member->entered_pos > purged_pos ? member->entered_pos : purged_pos;
    uint64_t first, last;
    enum status status = store->ops->departures(store, &member->scope, after, &first, &last);

    if (status == STATUS_OK)
        note(due, first, last);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status purge_due(struct store *store, const struct device_row *device, const struct scope_member *members,
                      size_t member_count, struct purge_due *ret_due)
{
    struct purge_due due = {0};

    for (size_t i = 0; i < member_count; i++) {
        enum status status = STATUS_OK;

        if (members[i].left_pos > device->purged_pos)
            note(&due, members[i].left_pos, members[i].left_pos);
        else if (members[i].left_pos == 0)
            status = note_departures(store, &members[i], device->purged_pos, &due);
        if (status != STATUS_OK)
            return status;
    }
    *ret_due = due;
    return STATUS_OK;
}

static enum status read_time(void *context, const struct journal_row *row)
{
    *(int64_t *)context = row->time_us;
    return STATUS_CANCELLED; /* one is enough */
}

enum status purge_due_since(struct store *store, const struct device_row *device, int64_t *ret_since_us)
{
    struct scope_member members[STORE_SCOPES_MAX];
    struct purge_due due;
    size_t count;
    int64_t since_us = 0;
    enum status status = store->ops->scopes_of_device(store, &device->device, members, STORE_SCOPES_MAX, &count);

    if (status == STATUS_OK)
        status = purge_due(store, device, members, count, &due);
    if (status == STATUS_OK && due.first_pos == 0)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = store->ops->journal_from(store, due.first_pos, read_time, &since_us);
    if (status != STATUS_CANCELLED)
        return status == STATUS_OK ? STATUS_STORE : status; /* a departure that the journal doesn't have */
    *ret_since_us = since_us;
    return STATUS_OK;
}
