/* Notes and fields of a presence are published together (bundle.h). */
#include "server/logic/batch_internal.h"
#include "server/logic/feed_digest.h"

#include <stdlib.h>
#include <string.h>

/* A note or a field of a presence, on its way into the bundle. */
struct joining {
    struct batch *batch;
    struct hash presence;
    struct bundle bundle; /* its items lie in batch->bundle_read */
    struct bundle_item item;
    struct bundle_item before; /* has_before: as it stands there now */
    bool has_before;
    const struct scope_list *scopes;
};

/* A copy: what the store lends ends with the next call. */
static enum status read_bundle(struct batch *batch, const struct hash *presence, struct bundle *ret_bundle)
{
    struct bundle_row stored;
    enum status status = batch->store->ops->bundle_get(batch->store, presence, &stored);

    *ret_bundle = (struct bundle){.has_alone = false};
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if (stored.body.size > sizeof(batch->bundle_read))
        return STATUS_STORE;
    memcpy(batch->bundle_read, stored.body.data, stored.body.size);
    return bundle_open(span_of(batch->bundle_read, stored.body.size), ret_bundle);
}

static enum status write_empty(struct batch *batch, const struct hash *presence)
{
    static const uint8_t alone[] = {1, 0};
    struct bundle_row row = {*presence, span_of(alone, sizeof(alone))};

    return batch->store->ops->bundle_put(batch->store, &row);
}

/* A row of this presence is not in the bundle: whoever looks for one there looks on. */
static enum status note_alone(struct batch *batch, const struct hash *presence)
{
    struct bundle bundle;
    struct bundle_row row = {.presence = *presence};

    RETURN_IF_BAD(read_bundle(batch, presence, &bundle));
    if (bundle.has_alone)
        return STATUS_OK;
    if (bundle.items.size == 0)
        return write_empty(batch, presence);
    batch->bundle_read[0] = 1;
    row.body = span_of(batch->bundle_read, (size_t)(bundle.items.data - batch->bundle_read) + bundle.items.size);
    return batch->store->ops->bundle_put(batch->store, &row);
}

static enum status forget_group(struct batch *batch, const struct hash *presence, const struct bundle *bundle,
                                uint64_t pos)
{
    uint8_t key[BUNDLE_KEY_SIZE];

    bundle_key(presence, pos, key);
    for (size_t i = 0; i < bundle->scope_count; i++)
        RETURN_IF_BAD(batch->store->ops->feed_forget(batch->store, &bundle->scopes[i], span_of(key, sizeof(key))));
    return STATUS_OK;
}

static enum status set_alone(struct batch *batch, const struct hash *presence, const struct bundle *bundle)
{
    struct span rest = bundle->items;
    struct bundle_item item;
    enum status status = STATUS_OK;

    while (bundle_next(&rest, &item, &status)) {
        struct view_row view = {.key = item.key, .pos = item.pos, .row = item.row};

        RETURN_IF_BAD(forget_group(batch, presence, bundle, item.pos));
        RETURN_IF_BAD(batch->store->ops->view_put(batch->store, &view));
        for (size_t i = 0; i < bundle->scope_count; i++)
            RETURN_IF_BAD(batch->store->ops->feed_put(batch->store, &bundle->scopes[i], item.pos, item.key, false));
    }
    return status == STATUS_OK ? write_empty(batch, presence) : status;
}

enum status feed_unbundle(struct batch *batch, const struct hash *presence)
{
    struct bundle bundle;

    RETURN_IF_BAD(read_bundle(batch, presence, &bundle));
    return bundle.items.size > 0 ? set_alone(batch, presence, &bundle) : STATUS_OK;
}

static bool same_scopes(const struct bundle *bundle, const struct scope_list *scopes)
{
    if (bundle->scope_count != scopes->count)
        return false;
    for (size_t i = 0; i < scopes->count; i++) {
        if (!scope_equal(&bundle->scopes[i], &scopes->scopes[i]))
            return false;
    }
    return true;
}

/* Whether the row belongs into the bundle; if it can't stay there, or the others can't, all of them stand alone from now on. */
static enum status may_join(struct joining *joining, const struct bundle_count *count, bool *ret_may)
{
    struct batch *batch = joining->batch;
    struct bundle *bundle = &joining->bundle;
    bool fits = joining->item.row.size <= BUNDLE_ROW_SIZE_MAX && joining->scopes->count > 0 &&
                joining->scopes->count <= BUNDLE_SCOPES_MAX &&
                bundle_size_with(bundle, &joining->item) <= BUNDLE_BODY_SIZE_MAX &&
                (joining->has_before || count->items < BUNDLE_ITEMS_MAX);
    bool empty = bundle->items.size == 0;
    struct view_row view;
    enum status status = STATUS_NOT_FOUND;

    *ret_may = false;
    if (bundle->has_alone && !joining->has_before)
        status = batch->store->ops->view_get(batch->store, joining->item.key, &view);
    if (status != STATUS_NOT_FOUND)
        return status;
    if ((!empty && !same_scopes(bundle, joining->scopes)) || (joining->has_before && !fits))
        return set_alone(batch, &joining->presence, bundle);
    *ret_may = fits;
    return STATUS_OK;
}

/* The feed's rows: one for each group and scope. */
static enum status move_group(const struct joining *joining, const struct bundle_count *count)
{
    struct batch *batch = joining->batch;
    struct bundle_count left;
    uint8_t key[BUNDLE_KEY_SIZE];

    if (joining->has_before && joining->before.pos != joining->item.pos) {
        RETURN_IF_BAD(bundle_count(&joining->bundle, joining->before.pos, &left));
        if (left.at_pos == 1)
            RETURN_IF_BAD(forget_group(batch, &joining->presence, &joining->bundle, joining->before.pos));
    }
    bundle_key(&joining->presence, joining->item.pos, key);
    for (size_t i = 0; i < joining->scopes->count && count->at_pos == 0; i++)
        RETURN_IF_BAD(batch->store->ops->feed_put(batch->store, &joining->scopes->scopes[i], joining->item.pos,
                                                  span_of(key, sizeof(key)), false));
    return STATUS_OK;
}

static enum status count_in_digests(const struct joining *joining)
{
    struct hash before = {{0}}, after;
    struct feed_digest_side from = {.scopes = joining->bundle.scopes, .row = &before};
    struct feed_digest_side to = {
        .scopes = joining->scopes->scopes, .scope_count = joining->scopes->count, .row = &after};

    if (joining->has_before) {
        from.scope_count = joining->bundle.scope_count;
        RETURN_IF_BAD(sha256_bytes(joining->batch->sha, joining->before.row, &before));
    }
    RETURN_IF_BAD(sha256_bytes(joining->batch->sha, joining->item.row, &after));
    return feed_digest_move(joining->batch->store, &from, &to);
}

static enum status join(struct joining *joining, const struct bundle_count *count)
{
    struct batch *batch = joining->batch;
    struct bundle next = joining->bundle;
    struct bundle_row row = {.presence = joining->presence};
    size_t size;

    next.scope_count = joining->scopes->count;
    memcpy(next.scopes, joining->scopes->scopes, next.scope_count * sizeof(next.scopes[0]));
    joining->item.ordinal = count->next_ordinal;
    RETURN_IF_BAD(bundle_put_item(&next, &joining->item, batch->bundle_made, &size));
    RETURN_IF_BAD(count_in_digests(joining));
    RETURN_IF_BAD(move_group(joining, count));
    row.body = span_of(batch->bundle_made, size);
    return batch->store->ops->bundle_put(batch->store, &row);
}

static enum status publish_beside(struct joining *joining)
{
    struct batch *batch = joining->batch;
    struct view_row view = {.key = joining->item.key, .pos = joining->item.pos, .row = joining->item.row};
    struct bundle_count count;
    bool may;
    enum status status = read_bundle(batch, &joining->presence, &joining->bundle);

    if (status == STATUS_OK)
        status = bundle_find(&joining->bundle, joining->item.key, &joining->before);
    joining->has_before = status == STATUS_OK;
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    RETURN_IF_BAD(bundle_count(&joining->bundle, joining->item.pos, &count));
    RETURN_IF_BAD(may_join(joining, &count, &may));
    if (may)
        return join(joining, &count);
    RETURN_IF_BAD(note_alone(batch, &joining->presence));
    return feed_put_view(batch, &view, joining->scopes);
}

enum status feed_publish_about(struct batch *batch, ProtobufCBinaryData subject, const struct view_key *key,
                               uint64_t pos, Doublecrew__V1__Row *row, const struct scope_list *scopes)
{
    struct joining joining = {.batch = batch, .presence = pb_hash(subject), .scopes = scopes};
    uint8_t *bytes;
    size_t size;
    enum status status;

    if (subject.len != HASH_SIZE)
        return feed_publish(batch, key, pos, row, scopes);
    RETURN_IF_BAD(feed_pack_row(key, pos, row, &bytes, &size));
    joining.item = (struct bundle_item){.pos = pos, .key = span_of(key->bytes, key->size), .row = span_of(bytes, size)};
    status = publish_beside(&joining);
    free(bytes);
    return status;
}
