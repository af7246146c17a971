/* Anchors, and a log's boots: what lies nearest, found from both sides at once. */
#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_internal.h"

static enum status anchor_get(struct store *store, const struct hash *hash, struct anchor_row *ret_row)
{
    return sq_cache_get(store, SQ_ANCHOR_GET, span_of(hash->bytes, HASH_SIZE), ret_row);
}

static enum status anchor_put(struct store *store, const struct anchor_row *row)
{
    return sq_put(store, SQ_ANCHOR_PUT, row);
}

static enum status end_both(struct sq_query *a, struct sq_query *b)
{
    enum status first = sq_end(a);
    enum status second = sq_end(b);

    return first != STATUS_OK ? first : second;
}

static enum status boot_anchors_of_log(struct store *store, const struct id *log, store_boot_anchor_each each,
                                       void *context)
{
    struct sq_query query = sq_begin(store, SQ_BOOT_ANCHORS_OF_LOG);
    struct boot_anchor_row row;
    enum status status = STATUS_OK;

    sq_bind_id(&query, log);
    while (status == STATUS_OK && sq_next(&query, &sq_boot_anchors, &row))
        status = each(context, &row);
    enum status end = sq_end(&query);
    return status != STATUS_OK ? status : end;
}

static enum status boot_anchor_any(struct store *store, const struct id *log, const struct id *boot,
                                   struct boot_anchor_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_BOOT_ANCHOR_ANY);

    sq_bind_id(&query, log);
    sq_bind_id(&query, boot);
    return sq_one(&query, &sq_boot_anchors, ret_row);
}

static enum status boot_anchor_put(struct store *store, const struct boot_anchor_row *row, bool *ret_new)
{
    enum status status = sq_put(store, SQ_BOOT_ANCHOR_PUT, row);

    if (status == STATUS_OK)
        *ret_new = sqlite3_changes(((struct store_sqlite *)store)->db) == 1;
    return status;
}

static enum status clock_point(struct store *store, enum sq_statement_id id, const struct id *log,
                               const struct id *boot, bool is_ceiling, int64_t at_us, struct clock_point_row *ret_row)
{
    struct sq_query query = sq_begin(store, id);

    sq_bind_id(&query, log);
    sq_bind_id(&query, boot);
    sq_bind_int(&query, is_ceiling);
    sq_bind_int(&query, at_us);
    return sq_one(&query, &sq_clock_points, ret_row);
}

static enum status clock_point_up_to(struct store *store, const struct id *log, const struct id *boot, bool is_ceiling,
                                     int64_t at_us, struct clock_point_row *ret_row)
{
    return clock_point(store, SQ_CLOCK_POINT_UP_TO, log, boot, is_ceiling, at_us, ret_row);
}

static enum status clock_point_after(struct store *store, const struct id *log, const struct id *boot, bool is_ceiling,
                                     int64_t at_us, struct clock_point_row *ret_row)
{
    return clock_point(store, SQ_CLOCK_POINT_AFTER, log, boot, is_ceiling, at_us, ret_row);
}

static enum status clock_point_put(struct store *store, const struct clock_point_row *row)
{
    return sq_put(store, SQ_CLOCK_POINT_PUT, row);
}

static enum status clock_point_forget(struct store *store, const struct clock_point_row *row)
{
    struct sq_query query = sq_begin(store, SQ_CLOCK_POINT_FORGET);

    sq_bind_id(&query, &row->log);
    sq_bind_id(&query, &row->boot);
    sq_bind_int(&query, row->is_ceiling);
    sq_bind_int(&query, row->at_us);
    return sq_change(&query);
}

static enum status clock_points_forget(struct store *store, const struct id *log, const struct id *boot)
{
    struct sq_query query = sq_begin(store, SQ_CLOCK_POINTS_FORGET);

    sq_bind_id(&query, log);
    sq_bind_id(&query, boot);
    return sq_change(&query);
}

static enum status boot_at(struct store *store, const struct id *log, uint64_t seq, struct boot_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_BOOTS_UP_TO);

    sq_bind_id(&query, log);
    sq_bind_u64(&query, seq);
    return sq_one(&query, &sq_boots, ret_row);
}

static enum status carried_time(struct store *store, enum sq_statement_id id, const struct id *log, uint64_t seq,
                                struct carried_time_row *ret_row)
{
    struct sq_query query = sq_begin(store, id);

    sq_bind_id(&query, log);
    sq_bind_u64(&query, seq);
    return sq_one(&query, &sq_carried_times, ret_row);
}

static enum status carried_time_up_to(struct store *store, const struct id *log, uint64_t seq,
                                      struct carried_time_row *ret_row)
{
    return carried_time(store, SQ_CARRIED_TIME_UP_TO, log, seq, ret_row);
}

static enum status carried_time_from(struct store *store, const struct id *log, uint64_t seq,
                                     struct carried_time_row *ret_row)
{
    return carried_time(store, SQ_CARRIED_TIME_FROM, log, seq, ret_row);
}

static enum status carried_time_put(struct store *store, const struct carried_time_row *row)
{
    return sq_put(store, SQ_CARRIED_TIME_PUT, row);
}

static enum status boots_of_boot(struct store *store, const struct id *log, const struct id *boot,
                                 struct boot_row *ret_rows, size_t max, size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_BOOTS_OF_BOOT);

    sq_bind_id(&query, log);
    sq_bind_id(&query, boot);
    return sq_all(&query, &sq_boots, ret_rows, max, SQ_EXCESS_CUT, ret_count);
}

static uint64_t distance_from_end(const struct boot_row *row, uint64_t seq)
{
    return row->last_seq >= seq ? 0 : seq - row->last_seq;
}

static void reverse(struct boot_row *rows, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct boot_row row = rows[i];
        rows[i] = rows[count - 1 - i];
        rows[count - 1 - i] = row;
    }
}

/* Those up to seq are gathered backwards and turned round; nearer ones after it then push out the farthest. */
static enum status boots_of_log(struct store *store, const struct id *log, uint64_t seq, struct boot_row *ret_rows,
                                size_t max, size_t *ret_count)
{
    struct sq_query up_to = sq_begin(store, SQ_BOOTS_UP_TO);
    struct sq_query after = sq_begin(store, SQ_BOOTS_AFTER);
    struct boot_row row;
    size_t earlier = 0;
    size_t count = 0;

    sq_bind_id(&up_to, log);
    sq_bind_u64(&up_to, seq);
    sq_bind_id(&after, log);
    sq_bind_u64(&after, seq);
    while (earlier < max && sq_next(&up_to, &sq_boots, &ret_rows[earlier]))
        earlier++;
    reverse(ret_rows, earlier);
    count = earlier;
    while (sq_next(&after, &sq_boots, &row)) {
        if (count == max) {
            /* Full: it takes the place of the farthest earlier one, which stands first, if it is nearer. */
            if (earlier == 0 || distance_from_end(&ret_rows[0], seq) <= row.first_seq - seq)
                break;
            earlier--;
            count--;
            for (size_t i = 0; i < count; i++)
                ret_rows[i] = ret_rows[i + 1];
        }
        ret_rows[count++] = row;
    }
    enum status status = end_both(&up_to, &after);
    if (status == STATUS_OK)
        *ret_count = count;
    return status;
}

static enum status boot_put(struct store *store, const struct boot_row *row)
{
    return sq_put(store, SQ_BOOT_PUT, row);
}

static enum status anchor_voids(struct store *store, struct anchor_void_row *ret_rows, size_t max, size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_ANCHOR_VOIDS);

    return sq_all(&query, &sq_anchor_voids, ret_rows, max, SQ_EXCESS_REFUSED, ret_count);
}

static enum status anchor_void_put(struct store *store, const struct anchor_void_row *row)
{
    return sq_put(store, SQ_ANCHOR_VOID_PUT, row);
}

static enum status device_anchored_in(struct store *store, int64_t from_us, int64_t to_us, const struct id *after_log,
                                      struct device_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_DEVICE_ANCHORED_IN);

    sq_bind_int(&query, from_us);
    sq_bind_int(&query, to_us);
    sq_bind_id(&query, after_log);
    return sq_one(&query, &sq_devices, ret_row);
}

void sq_anchor_ops(struct store_ops *ops)
{
    ops->anchor_get = anchor_get;
    ops->anchor_put = anchor_put;
    ops->boot_anchor_any = boot_anchor_any;
    ops->boot_anchors_of_log = boot_anchors_of_log;
    ops->clock_point_up_to = clock_point_up_to;
    ops->clock_point_after = clock_point_after;
    ops->clock_point_put = clock_point_put;
    ops->clock_point_forget = clock_point_forget;
    ops->clock_points_forget = clock_points_forget;
    ops->boot_at = boot_at;
    ops->boots_of_boot = boots_of_boot;
    ops->carried_time_up_to = carried_time_up_to;
    ops->carried_time_from = carried_time_from;
    ops->carried_time_put = carried_time_put;
    ops->boot_anchor_put = boot_anchor_put;
    ops->boots_of_log = boots_of_log;
    ops->boot_put = boot_put;
    ops->anchor_voids = anchor_voids;
    ops->anchor_void_put = anchor_void_put;
    ops->device_anchored_in = device_anchored_in;
}
