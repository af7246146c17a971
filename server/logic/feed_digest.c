#include "server/logic/feed_digest.h"

#include <stdlib.h>
#include <string.h>

#define SCOPE_SIZE (1 + ID_SIZE)

struct class_key {
    uint8_t bytes[STORE_CLASS_MAX];
    size_t size;
};

static void put_scope(const struct scope *scope, uint8_t *ret_bytes)
{
    ret_bytes[0] = (uint8_t)scope->kind;
    memcpy(ret_bytes + 1, scope->id.bytes, ID_SIZE);
}

static int compare_scopes(const void *a, const void *b)
{
    return memcmp(a, b, SCOPE_SIZE);
}

static enum status class_of(const struct feed_digest_side *side, struct class_key *ret_class)
{
    if (side->scope_count * SCOPE_SIZE > sizeof(ret_class->bytes))
        return STATUS_OVER_LIMIT;
    for (size_t i = 0; i < side->scope_count; i++)
        put_scope(&side->scopes[i], ret_class->bytes + i * SCOPE_SIZE);
    ret_class->size = side->scope_count * SCOPE_SIZE;
    qsort(ret_class->bytes, side->scope_count, SCOPE_SIZE, compare_scopes);
    return STATUS_OK;
}

static bool contains(struct span scopes, const struct scope *scope)
{
    uint8_t wanted[SCOPE_SIZE];

    put_scope(scope, wanted);
    for (size_t at = 0; at + SCOPE_SIZE <= scopes.size; at += SCOPE_SIZE) {
        if (memcmp(scopes.data + at, wanted, SCOPE_SIZE) == 0)
            return true;
    }
    return false;
}

static enum status load(struct store *store, const struct class_key *class, struct digest_row *ret_row)
{
    struct span scopes = span_of(class->bytes, class->size);
    enum status status = store->ops->digest_get(store, scopes, ret_row);

    if (status == STATUS_NOT_FOUND) {
        *ret_row = (struct digest_row){.row_count = 0};
        status = STATUS_OK;
    }
    ret_row->scopes = scopes;
    return status;
}

/* before: taken out, or NULL; after: put in, or NULL. */
static enum status change(struct store *store, const struct class_key *class, const struct hash *before,
                          const struct hash *after)
{
    struct digest_row row;
    enum status status = load(store, class, &row);

    if (status != STATUS_OK)
        return status;
    if (before) {
        if (row.row_count == 0)
            return STATUS_STORE; /* a row that was never counted: the tables contradict each other */
        row.row_count--;
        row_digest_subtract(&row.sum, before);
    }
    if (after) {
        row.row_count++;
        row_digest_add(&row.sum, after);
    }
    return store->ops->digest_put(store, &row);
}

enum status feed_digest_move(struct store *store, const struct feed_digest_side *before,
                             const struct feed_digest_side *after)
{
    struct class_key from, to;
    enum status status = class_of(before, &from);

    if (status == STATUS_OK)
        status = class_of(after, &to);
    if (status != STATUS_OK)
        return status;
    if (from.size > 0 && span_equal(span_of(from.bytes, from.size), span_of(to.bytes, to.size)))
        return hash_equal(before->row, after->row) ? STATUS_OK : change(store, &from, before->row, after->row);
    if (from.size > 0)
        status = change(store, &from, before->row, NULL);
    if (status == STATUS_OK && to.size > 0)
        status = change(store, &to, NULL, after->row);
    return status;
}

struct joining {
    const struct scope_member *members;
    size_t before; /* members whose classes have been joined */
    struct row_digest digest;
};

static enum status join(void *context, const struct digest_row *row)
{
    struct joining *joining = context;

    for (size_t i = 0; i < joining->before; i++) {
        if (joining->members[i].left_pos == 0 && contains(row->scopes, &joining->members[i].scope))
            return STATUS_OK; /* joined already, by way of that scope */
    }
    row_digest_join(&joining->digest, &row->sum);
    return STATUS_OK;
}

enum status feed_digest_of(struct store *store, const struct scope_member *members, size_t member_count,
                           struct row_digest *ret_digest)
{
    struct joining joining = {.members = members};

    for (size_t i = 0; i < member_count; i++) {
        enum status status = STATUS_OK;

        joining.before = i;
        if (members[i].left_pos == 0)
            status = store->ops->digests_of_scope(store, &members[i].scope, join, &joining);
        if (status != STATUS_OK)
            return status;
    }
    *ret_digest = joining.digest;
    return STATUS_OK;
}
