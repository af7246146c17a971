/* Sums over the view rows that lie in the same scopes (P2), and which of them touch a scope. */
#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_internal.h"

#include <string.h>

static struct digest_row row_of(const struct sq_digest *stored)
{
    struct digest_row row = {.scopes = stored->scopes, .row_count = stored->row_count};

    memcpy(row.sum.bytes, stored->sum.bytes, HASH_SIZE);
    return row;
}

static enum status digest_get(struct store *store, struct span scopes, struct digest_row *ret_row)
{
    struct sq_digest stored;
    enum status status = sq_cache_get(store, SQ_DIGEST_GET, scopes, &stored);

    if (status == STATUS_OK)
        *ret_row = row_of(&stored);
    return status;
}

static enum status digests_of_scope(struct store *store, const struct scope *scope, store_digest_each each,
                                    void *context)
{
    struct sq_query query = sq_begin(store, SQ_DIGESTS_OF_SCOPE);
    struct sq_digest stored;

    sq_bind_scope(&query, scope);
    while (sq_next(&query, &sq_digests, &stored)) {
        struct digest_row row = row_of(&stored);

        query.status = each(context, &row);
    }
    return sq_end(&query);
}

/* Which scopes a class has stands in its key. */
static struct scope scope_at(struct span scopes, size_t at)
{
    struct scope scope = {.kind = (enum scope_kind)scopes.data[at]};

    memcpy(scope.id.bytes, scopes.data + at + 1, ID_SIZE);
    return scope;
}

static enum status class_new(struct store *store, struct span scopes)
{
    for (size_t at = 0; at + 1 + ID_SIZE <= scopes.size; at += 1 + ID_SIZE) {
        struct sq_digest_scope row = {.scope = scope_at(scopes, at), .scopes = scopes};
        enum status status = sq_put(store, SQ_DIGEST_SCOPE_PUT, &row);

        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status class_forget(struct store *store, struct span scopes)
{
    struct sq_query query = sq_begin(store, SQ_DIGEST_FORGET);
    enum status status;

    sq_bind_span(&query, scopes);
    status = sq_change(&query);
    sq_cache_forget(store, &sq_digests, scopes);
    for (size_t at = 0; at + 1 + ID_SIZE <= scopes.size && status == STATUS_OK; at += 1 + ID_SIZE) {
        struct scope scope = scope_at(scopes, at);
        struct sq_query of_scope = sq_begin(store, SQ_DIGEST_SCOPE_FORGET);

        sq_bind_scope(&of_scope, &scope);
        sq_bind_span(&of_scope, scopes);
        status = sq_change(&of_scope);
    }
    return status;
}

static enum status digest_put(struct store *store, const struct digest_row *row)
{
    struct sq_digest stored = {.scopes = row->scopes, .row_count = row->row_count};
    enum status status;

    if (row->scopes.size == 0 || row->scopes.size > STORE_CLASS_MAX || row->scopes.size % (1 + ID_SIZE) != 0)
        return STATUS_OVER_LIMIT;
    if (row->row_count == 0)
        return class_forget(store, row->scopes);
    memcpy(stored.sum.bytes, row->sum.bytes, HASH_SIZE);
    status = sq_put(store, SQ_DIGEST_PUT, &stored);
    if (status == STATUS_OK && row->row_count == 1)
        status = class_new(store, row->scopes); /* new, or as it was */
    return status;
}

void sq_digest_ops(struct store_ops *ops)
{
    ops->digest_get = digest_get;
    ops->digests_of_scope = digests_of_scope;
    ops->digest_put = digest_put;
}
