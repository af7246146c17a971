/* Flags and timers. */
#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_internal.h"

static enum status flag_get(struct store *store, const struct hash *flag, struct flag_row *ret_row)
{
    return sq_cache_get(store, SQ_FLAG_GET, span_of(flag->bytes, HASH_SIZE), ret_row);
}

static enum status flags_on(struct store *store, const struct hash *subject, struct flag_row *ret_rows, size_t max,
                            size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_FLAGS_ON);

    sq_bind_hash(&query, subject);
    return sq_all(&query, &sq_flags, ret_rows, max, SQ_EXCESS_CUT, ret_count);
}

static enum status flags_waiting(struct store *store, store_hash_each each, void *context)
{
    struct sq_query query = sq_begin(store, SQ_FLAGS_WAITING);
    struct hash flag;

    while (sq_step(&query)) {
        query.status = hash_from_span(sq_blob(&query, 0), &flag);
        if (query.status == STATUS_OK)
            query.status = each(context, &flag);
    }
    return sq_end(&query);
}

static enum status flag_put(struct store *store, const struct flag_row *row)
{
    return sq_put(store, SQ_FLAG_PUT, row);
}

static enum status timer_first(struct store *store, int64_t due_us, struct timer_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_TIMER_FIRST);

    sq_bind_int(&query, due_us);
    return sq_one(&query, &sq_timers, ret_row);
}

static enum status timer_set(struct store *store, const struct timer_row *row)
{
    return sq_put(store, SQ_TIMER_PUT, row);
}

static enum status timer_clear(struct store *store, const struct hash *id)
{
    struct sq_query query = sq_begin(store, SQ_TIMER_CLEAR);

    sq_bind_hash(&query, id);
    return sq_change(&query);
}

void sq_flag_ops(struct store_ops *ops)
{
    ops->flag_get = flag_get;
    ops->flags_on = flags_on;
    ops->flags_waiting = flags_waiting;
    ops->flag_put = flag_put;
    ops->timer_first = timer_first;
    ops->timer_set = timer_set;
    ops->timer_clear = timer_clear;
}
