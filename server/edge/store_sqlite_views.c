/*
 * View rows, and the scopes that hold each of them live. These stand with the row, in order: whoever asks for one has the
 * other, and the feed needs no index by key, which would lie at random in a large store (decisions/0035). They follow from
 * what is put into the feed. Groups of bundles (bundle.h) have none: their bundle says where they lie.
 */
#include <string.h>

#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_internal.h"
#include "server/logic/bundle.h"

#define SCOPE_SIZE (1 + ID_SIZE)
#define SCOPES_MAX 64

static void scope_encode(const struct scope *scope, uint8_t ret_bytes[SCOPE_SIZE])
{
    ret_bytes[0] = (uint8_t)scope->kind;
    memcpy(ret_bytes + 1, scope->id.bytes, ID_SIZE);
}

bool sq_scopes_next(struct span *rest, struct scope *ret_scope)
{
    if (rest->size < SCOPE_SIZE)
        return false;
    ret_scope->kind = (enum scope_kind)rest->data[0];
    memcpy(ret_scope->id.bytes, rest->data + 1, ID_SIZE);
    *rest = span_of(rest->data + SCOPE_SIZE, rest->size - SCOPE_SIZE);
    return true;
}

static enum status get(struct store *store, struct span key, struct sq_view *ret_view)
{
    enum status status = sq_cache_get(store, SQ_VIEW_GET, key, ret_view);

    if (status == STATUS_OK && ret_view->scopes.size % SCOPE_SIZE != 0)
        return sq_damaged(store);
    return status;
}

static enum status view_get(struct store *store, struct span key, struct view_row *ret_row)
{
    struct sq_view view;
    enum status status = get(store, key, &view);

    if (status == STATUS_OK)
        *ret_row = view.view;
    return status;
}

/* The scopes stay: they change with the feed alone. */
static enum status view_put(struct store *store, const struct view_row *row)
{
    struct sq_view view = {.scopes = {NULL, 0}};
    enum status status;

    if (row->key.size == 0 || row->key.size > STORE_VIEW_KEY_MAX)
        return STATUS_OVER_LIMIT;
    status = get(store, row->key, &view);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    view.view = *row;
    return sq_put(store, SQ_VIEW_PUT, &view);
}

static enum status scopes_of_row(struct store *store, struct span key, struct scope *ret_scopes, size_t max,
                                 size_t *ret_count)
{
    struct sq_view view = {.scopes = {NULL, 0}};
    struct scope scope;
    size_t count = 0;
    enum status status = get(store, key, &view);

    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    while (status == STATUS_OK && sq_scopes_next(&view.scopes, &scope)) {
        if (count == max)
            return STATUS_OVER_LIMIT;
        ret_scopes[count++] = scope;
    }
    if (status == STATUS_OK)
        *ret_count = count;
    return status;
}

/* Where the scope is among them, or belongs. */
static size_t place_of(struct span scopes, const uint8_t scope[SCOPE_SIZE], bool *ret_there)
{
    size_t at = 0;
    int order = -1;

    while (at < scopes.size && (order = memcmp(scopes.data + at, scope, SCOPE_SIZE)) < 0)
        at += SCOPE_SIZE;
    *ret_there = at < scopes.size && order == 0;
    return at;
}

enum status sq_view_in_scope(struct store *store, struct span key, const struct scope *scope, bool live)
{
    uint8_t wanted[SCOPE_SIZE], scopes[SCOPES_MAX * SCOPE_SIZE];
    struct sq_view view;
    bool there;
    enum status status = get(store, key, &view);

    if (status != STATUS_OK) /* a tombstone may outlive its row */
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    scope_encode(scope, wanted);
    size_t at = place_of(view.scopes, wanted, &there);
    size_t after = there ? at + SCOPE_SIZE : at;
    size_t added = live ? SCOPE_SIZE : 0;
    if (there == live)
        return STATUS_OK;
    if (view.scopes.size + added > sizeof(scopes))
        return STATUS_OVER_LIMIT;
    if (at > 0)
        memcpy(scopes, view.scopes.data, at);
    memcpy(scopes + at, wanted, added);
    if (view.scopes.size > after)
        memcpy(scopes + at + added, view.scopes.data + after, view.scopes.size - after);
    view.scopes = span_of(scopes, at + added + view.scopes.size - after);
    return sq_put(store, SQ_VIEW_PUT, &view);
}

static enum status bundle_get(struct store *store, const struct hash *presence, struct bundle_row *ret_row)
{
    return sq_cache_get(store, SQ_BUNDLE_GET, span_of(presence->bytes, HASH_SIZE), ret_row);
}

static enum status bundle_put(struct store *store, const struct bundle_row *row)
{
    return row->body.size <= BUNDLE_BODY_SIZE_MAX ? sq_put(store, SQ_BUNDLE_PUT, row) : STATUS_OVER_LIMIT;
}

void sq_view_ops(struct store_ops *ops)
{
    ops->view_get = view_get;
    ops->view_put = view_put;
    ops->scopes_of_row = scopes_of_row;
    ops->bundle_get = bundle_get;
    ops->bundle_put = bundle_put;
}
