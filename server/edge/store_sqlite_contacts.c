/* Contacts, the witness of a store set back, and why entries were held. */
#include "server/edge/store_sqlite_internal.h"

static enum status contact_get(struct store *store, const struct id *device, struct contact_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_CONTACT_GET);

    sq_bind_id(&query, device);
    return sq_one(&query, &sq_contacts, ret_row);
}

static enum status contact_put(struct store *store, const struct contact_row *row)
{
    return sq_put(store, SQ_CONTACT_PUT, row);
}

static enum status held_of_log(struct store *store, const struct id *log, uint64_t from_seq, uint64_t to_seq,
                               struct held_row *ret_rows, size_t max, size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_HELD_OF_LOG);

    sq_bind_id(&query, log);
    sq_bind_u64(&query, from_seq);
    sq_bind_u64(&query, to_seq);
    return sq_all(&query, &sq_held, ret_rows, max, SQ_EXCESS_CUT, ret_count);
}

static enum status held_put(struct store *store, const struct held_row *row)
{
    return sq_put(store, SQ_HELD_PUT, row);
}

static enum status witness_get(struct store *store, struct span *ret_text)
{
    struct sq_query query = sq_begin(store, SQ_WITNESS_GET);
    struct sq_witness row;
    enum status status = sq_one(&query, &sq_witness, &row);

    if (status == STATUS_OK)
        *ret_text = row.text;
    return status;
}

static enum status witness_put(struct store *store, struct span text)
{
    struct sq_witness row = {.one = 1, .text = text};

    return sq_put(store, SQ_WITNESS_PUT, &row);
}

void sq_contact_ops(struct store_ops *ops)
{
    ops->witness_get = witness_get;
    ops->witness_put = witness_put;
    ops->contact_get = contact_get;
    ops->contact_put = contact_put;
    ops->held_of_log = held_of_log;
    ops->held_put = held_put;
}
