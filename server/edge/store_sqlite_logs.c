#include "server/edge/store_sqlite_logs.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 16384 /* 40 bytes each: a large force's devices, twice */

struct known_log {
    struct id log;
    struct id device;
    uint64_t drops; /* that had been when it was read: one less, and it is worth nothing */
};

struct sq_logs {
    uint64_t drops;
    struct known_log slots[SLOTS];
};

enum status sq_logs_new(struct sq_logs **ret_logs)
{
    *ret_logs = calloc(1, sizeof(**ret_logs));
    if (*ret_logs == NULL)
        return STATUS_NO_MEMORY;
    (*ret_logs)->drops = 1; /* an empty slot has 0 */
    return STATUS_OK;
}

void sq_logs_free(struct sq_logs *logs)
{
    free(logs);
}

void sq_logs_drop(struct store_sqlite *self)
{
    if (self->logs != NULL)
        self->logs->drops++;
}

/* Ids are random already. */
static struct known_log *slot_of(struct sq_logs *logs, const struct id *log)
{
    uint64_t hash;

    memcpy(&hash, log->bytes, sizeof(hash));
    return &logs->slots[hash % SLOTS];
}

static enum status read_device(struct store *store, const struct id *log, struct device_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_DEVICE_BY_LOG);

    sq_bind_id(&query, log);
    return sq_one(&query, &sq_devices, ret_row);
}

enum status sq_logs_device(struct store *store, const struct id *log, struct device_row *ret_row)
{
    struct sq_logs *logs = ((struct store_sqlite *)store)->logs;
    struct known_log *known;
    enum status status;

    if (logs == NULL)
        return read_device(store, log, ret_row);
    known = slot_of(logs, log);
    if (known->drops == logs->drops && id_equal(&known->log, log))
        return store->ops->device_by_id(store, &known->device, ret_row);
    status = read_device(store, log, ret_row);
    if (status == STATUS_OK)
        *known = (struct known_log){*log, ret_row->device, logs->drops};
    return status;
}

enum status sq_logs_put(struct store *store, const struct device_row *row)
{
    struct device_row before;
    enum status status;

    if (((struct store_sqlite *)store)->logs == NULL)
        return STATUS_OK;
    status = store->ops->device_by_id(store, &row->device, &before);
    if (status == STATUS_OK && id_equal(&before.log, &row->log))
        return STATUS_OK;
    sq_logs_drop((struct store_sqlite *)store);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
