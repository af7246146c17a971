/* Anchors, and a log's boots: what lies nearest, found from both sides at once. */
#include "server/edge/store_sqlite_internal.h"

static enum status anchor_get(struct store *store, const struct hash *hash, struct anchor_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_ANCHOR_GET);

    sq_bind_hash(&query, hash);
    return sq_one(&query, &sq_anchors, ret_row);
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

static struct sq_query boot_anchors_query(struct store *store, enum sq_statement_id id, const struct id *log,
                                          const struct id *boot, int64_t mono_us)
{
    struct sq_query query = sq_begin(store, id);

    sq_bind_id(&query, log);
    sq_bind_id(&query, boot);
    sq_bind_int(&query, mono_us);
    return query;
}

static enum status boot_anchors(struct store *store, const struct id *log, const struct id *boot, int64_t mono_us,
                                struct boot_anchor_row *ret_rows, size_t max, size_t *ret_count)
{
    struct sq_query before = boot_anchors_query(store, SQ_BOOT_ANCHORS_BEFORE, log, boot, mono_us);
    struct sq_query from = boot_anchors_query(store, SQ_BOOT_ANCHORS_FROM, log, boot, mono_us);
    struct boot_anchor_row earlier;
    struct boot_anchor_row later;
    bool has_earlier = sq_next(&before, &sq_boot_anchors, &earlier);
    bool has_later = sq_next(&from, &sq_boot_anchors, &later);
    size_t count = 0;

    while (count < max && (has_earlier || has_later)) {
        /* Unsigned: the two may be farther apart than an int64_t holds. */
        bool take_earlier = has_earlier && (!has_later || (uint64_t)mono_us - (uint64_t)earlier.sent_us <=
                                                              (uint64_t)later.sent_us - (uint64_t)mono_us);
        ret_rows[count++] = take_earlier ? earlier : later;
        if (take_earlier)
            has_earlier = sq_next(&before, &sq_boot_anchors, &earlier);
        else
            has_later = sq_next(&from, &sq_boot_anchors, &later);
    }
    enum status status = end_both(&before, &from);
    if (status == STATUS_OK)
        *ret_count = count;
    return status;
}

static enum status boot_anchor_put(struct store *store, const struct boot_anchor_row *row)
{
    return sq_put(store, SQ_BOOT_ANCHOR_PUT, row);
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
    ops->boot_anchors = boot_anchors;
    ops->boot_anchor_put = boot_anchor_put;
    ops->boots_of_log = boots_of_log;
    ops->boot_put = boot_put;
    ops->anchor_voids = anchor_voids;
    ops->anchor_void_put = anchor_void_put;
    ops->device_anchored_in = device_anchored_in;
}
