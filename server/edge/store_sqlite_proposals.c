/* Edits from outside their subject's scope (P4). */
#include "server/edge/store_sqlite_internal.h"

static enum status proposal_get(struct store *store, const struct hash *entry, struct proposal_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_PROPOSAL_GET);

    sq_bind_hash(&query, entry);
    return sq_one(&query, &sq_proposals, ret_row);
}

static enum status proposals_open(struct store *store, struct span about, store_hash_each each, void *context)
{
    struct sq_query query = sq_begin(store, SQ_PROPOSALS_OPEN);
    struct hash entry;

    sq_bind_span(&query, about);
    while (sq_step(&query)) {
        query.status = hash_from_span(sq_blob(&query, 0), &entry);
        if (query.status == STATUS_OK)
            query.status = each(context, &entry);
    }
    return sq_end(&query);
}

static enum status proposal_put(struct store *store, const struct proposal_row *row)
{
    return sq_put(store, SQ_PROPOSAL_PUT, row);
}

void sq_proposal_ops(struct store_ops *ops)
{
    ops->proposal_get = proposal_get;
    ops->proposals_open = proposals_open;
    ops->proposal_put = proposal_put;
}
