/* Records: rows of the journal, and their Merkle leaves (ARCHITECTURE.md, "The journal"). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/logic/batch_internal.h"

#define LEAF_SIZE 81
#define ITEM_TAG 0x0A /* Issued.items */

static enum status leaf_hash(struct sha256 *sha, const struct journal_row *row, uint64_t pos,
                             const struct hash *subject, const struct hash *context, struct hash *ret_leaf)
{
    uint8_t leaf[LEAF_SIZE];

    leaf[0] = (uint8_t)row->kind;
    put_u64(leaf + 1, pos);
    put_u64(leaf + 9, (uint64_t)row->time_us);
    memcpy(leaf + 17, subject->bytes, HASH_SIZE);
    memcpy(leaf + 49, context->bytes, HASH_SIZE);
    return merkle_leaf_hash(sha, span_of(leaf, sizeof(leaf)), ret_leaf);
}

bool issued_next_item(struct span *rest, struct span *ret_item, enum status *ret_status)
{
    size_t at = 1;
    uint64_t size = 0;
    unsigned shift = 0;

    if (rest->size == 0)
        return false;
    *ret_status = STATUS_MALFORMED;
    if (rest->data[0] != ITEM_TAG)
        return false;
    do {
        if (at >= rest->size || shift > 28)
            return false;
        size |= (uint64_t)(rest->data[at] & 0x7F) << shift;
        shift += 7;
    } while ((rest->data[at++] & 0x80) != 0);
    if (size > rest->size - at)
        return false;
    *ret_item = span_of(rest->data + at, (size_t)size);
    *rest = span_of(rest->data + at + size, rest->size - at - (size_t)size);
    *ret_status = STATUS_OK;
    return true;
}

/* Where leaves go: an array, or the tree. */
struct leaves {
    struct sha256 *sha;
    const struct journal_row *row;
    uint64_t pos; /* of the next one */
    uint64_t from_pos;
    struct hash *hashes;
    size_t max;
    size_t count;
};

static enum status leaf_add(struct leaves *leaves, const struct hash *subject, const struct hash *context)
{
    uint64_t pos = leaves->pos++;

    if (pos < leaves->from_pos || leaves->count == leaves->max)
        return STATUS_OK;
    return leaf_hash(leaves->sha, leaves->row, pos, subject, context, &leaves->hashes[leaves->count++]);
}

static enum status leaves_of_push(struct leaves *leaves, struct arena *arena)
{
    const struct journal_row *row = leaves->row;
    struct hash context;
    struct push push;

    arena_reset(arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(push_open(arena, leaves->sha, row->body, &push));
    RETURN_IF_BAD(sha256_bytes(leaves->sha, row->delivery, &context));
    uint64_t skip = row->first_seq - push.first_seq;
    if (row->first_seq < push.first_seq || skip > push.entry_count || row->count > push.entry_count - skip)
        return STATUS_STORE;
    for (size_t i = 0; i < row->count; i++)
        RETURN_IF_BAD(leaf_add(leaves, &push.entries[skip + i].hash, &context));
    return STATUS_OK;
}

static enum status leaves_of_issued(struct leaves *leaves)
{
    static const struct hash none;
    struct span rest = leaves->row->body;
    enum status status = STATUS_OK;
    struct hash subject;
    struct span item;

    while (issued_next_item(&rest, &item, &status)) {
        RETURN_IF_BAD(sha256_bytes(leaves->sha, item, &subject));
        RETURN_IF_BAD(leaf_add(leaves, &subject, &none));
    }
    return status;
}

enum status journal_leaves(struct sha256 *sha, struct arena *arena, const struct journal_row *row, uint64_t from_pos,
                           struct hash *ret_leaves, size_t max, size_t *ret_count)
{
    static const struct hash none;
    struct leaves leaves = {
        .sha = sha, .row = row, .pos = row->first_pos, .from_pos = from_pos, .hashes = ret_leaves, .max = max};
    struct hash subject;
    enum status status = STATUS_STORE;

    switch (row->kind) {
    case JOURNAL_PUSH:
        status = leaves_of_push(&leaves, arena);
        break;
    case JOURNAL_ISSUED:
        status = leaves_of_issued(&leaves);
        break;
    case JOURNAL_TICK:
        status = leaf_add(&leaves, &none, &none);
        break;
    case JOURNAL_ENGINE:
    case JOURNAL_EPOCH:
        RETURN_IF_BAD(sha256_bytes(sha, row->body, &subject));
        status = leaf_add(&leaves, &subject, &none);
        break;
    }
    if (status == STATUS_OK && leaves.pos != row->first_pos + row->count)
        status = STATUS_STORE;
    if (status == STATUS_OK)
        *ret_count = leaves.count;
    return status;
}

static enum status store_tile(void *context, const struct merkle_tile *tile)
{
    struct batch *batch = context;

    return batch->store->ops->tile_put(batch->store, tile);
}

/*
 * Tiles above the lowest level are kept while they grow, too: a reader's proof then needs no hashing of what lies below.
 * They change once in 256 records.
 */
static enum status store_growing_tiles(struct batch *batch)
{
    uint64_t width = batch->tree.size / MERKLE_TILE_WIDTH;

    if (batch->tree.size % MERKLE_TILE_WIDTH != 0)
        return STATUS_OK;
    for (unsigned level = 1; level < MERKLE_LEVELS_MAX && width > 0; level++, width /= MERKLE_TILE_WIDTH) {
        struct hash hashes[MERKLE_TILE_WIDTH] = {0};
        size_t held = (size_t)(width % MERKLE_TILE_WIDTH);
        struct merkle_tile tile = {.level = level, .index = width / MERKLE_TILE_WIDTH, .hashes = hashes};

        if (held == 0)
            continue; /* it has just become full, and was stored as such */
        memcpy(hashes, batch->tree.edge[level], held * sizeof(hashes[0]));
        RETURN_IF_BAD(batch->store->ops->tile_put(batch->store, &tile));
    }
    return STATUS_OK;
}

static enum status append_leaf(struct batch *batch, const struct hash *leaf)
{
    RETURN_IF_BAD(merkle_append(&batch->tree, batch->sha, leaf, store_tile, batch));
    return store_growing_tiles(batch);
}

static enum status append_row(struct batch *batch, struct journal_row *row)
{
    row->first_pos = batch->next.pos + 1;
    if (!in_place(batch))
        RETURN_IF_BAD(batch->store->ops->journal_append(batch->store, row));
    batch->next.pos += row->count;
    batch->next.time_us = row->time_us;
    return STATUS_OK;
}

enum status delivery_pack(const struct batch *batch, const struct batch_delivery *delivery, uint8_t ret_bytes[128],
                          size_t *ret_size)
{
    Doublecrew__V1__Delivery message = DOUBLECREW__V1__DELIVERY__INIT;

    message.device_id = pb_from_id(&delivery->device);
    message.boot_id = pb_from_id(&delivery->boot);
    message.hello_monotonic_ms = delivery->hello_monotonic_ms;
    message.hello_time_ms = delivery->hello_time_us / 1000;
    message.import = delivery->import;
    message.opens_batch = !batch->pushed;
    message.timers_held = batch->hold_timers;
    if (protobuf_c_message_get_packed_size(&message.base) > 128)
        return STATUS_INTERNAL;
    *ret_size = protobuf_c_message_pack(&message.base, ret_bytes);
    return STATUS_OK;
}

enum status journal_push(struct batch *batch, const struct push *push, size_t first, struct span raw,
                         const struct id *log, const struct batch_delivery *delivery, uint64_t *ret_first_pos)
{
    uint8_t packed[128];
    size_t packed_size;
    struct journal_row row = {
        .count = (uint32_t)(push->entry_count - first),
        .kind = JOURNAL_PUSH,
        .time_us = batch->time_us,
        .log = *log,
        .first_seq = push->first_seq + first,
        .body = raw,
    };
    struct hash context;

    RETURN_IF_BAD(delivery_pack(batch, delivery, packed, &packed_size));
    row.delivery = span_of(packed, packed_size);
    RETURN_IF_BAD(sha256_bytes(batch->sha, row.delivery, &context));
    RETURN_IF_BAD(append_row(batch, &row));
    for (size_t i = 0; i < row.count && !in_place(batch); i++) {
        struct hash leaf;

        RETURN_IF_BAD(leaf_hash(batch->sha, &row, row.first_pos + i, &push->entries[first + i].hash, &context, &leaf));
        RETURN_IF_BAD(append_leaf(batch, &leaf));
    }
    batch->pushed = true;
    batch->next.timers_held = batch->hold_timers;
    *ret_first_pos = row.first_pos;
    return STATUS_OK;
}

/* Rows whose leaves are cheap to work out from the row itself. */
static enum status append_with_leaves(struct batch *batch, struct journal_row *row)
{
    struct hash *leaves;
    size_t count = 0;
    enum status status;

    if (in_place(batch))
        return append_row(batch, row);
    leaves = calloc(row->count, sizeof(*leaves));
    if (leaves == NULL)
        return STATUS_NO_MEMORY;
    status = append_row(batch, row);
    if (status == STATUS_OK)
        status = journal_leaves(batch->sha, batch->scratch, row, 0, leaves, row->count, &count);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = append_leaf(batch, &leaves[i]);
    free(leaves);
    return status;
}

enum status journal_tick(struct batch *batch)
{
    struct journal_row row = {.count = 1, .kind = JOURNAL_TICK, .time_us = batch->time_us};

    return append_with_leaves(batch, &row);
}

enum status journal_engine(struct batch *batch)
{
    Doublecrew__V1__Engine message = DOUBLECREW__V1__ENGINE__INIT;
    struct journal_row row = {.count = 1, .kind = JOURNAL_ENGINE, .time_us = batch->time_us};
    const char *version = batch->engine->version;
    uint8_t *bytes;
    size_t size;
    enum status status;

    memcpy(&message.version, &version, sizeof(version)); /* protobuf-c's strings aren't const; packing reads them */
    message.previous = batch->head.engine;
    RETURN_IF_BAD(wire_pack(&message.base, &bytes, &size));
    row.body = span_of(bytes, size);
    status = append_with_leaves(batch, &row);
    free(bytes);
    if (status == STATUS_OK)
        (void)snprintf(batch->next.engine, sizeof(batch->next.engine), "%s", version);
    return status;
}

enum status journal_copy_row(struct batch *batch, const struct journal_row *row)
{
    struct journal_row copy = *row;

    return append_with_leaves(batch, &copy);
}

uint64_t issued_next_pos(const struct batch *batch)
{
    return batch->next.pos + 1 + batch->item_count;
}

enum status issued_add(struct batch *batch, const Doublecrew__V1__IssuedItem *item)
{
    struct issued_item packed;

    RETURN_IF_BAD(batch_list_room((void **)&batch->items, &batch->item_capacity, batch->item_count, sizeof(packed)));
    RETURN_IF_BAD(wire_pack(&item->base, &packed.bytes, &packed.size));
    batch->items[batch->item_count++] = packed;
    return STATUS_OK;
}

static size_t put_varint(uint8_t *at, size_t value)
{
    size_t size = 0;

    while (value > 0x7F) {
        at[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    at[size++] = (uint8_t)value;
    return size;
}

/* Items from..to as one packed Issued. */
static uint8_t *pack_items(const struct batch *batch, size_t from, size_t to, size_t *ret_size)
{
    size_t size = 0;
    uint8_t *body;

    for (size_t i = from; i < to; i++)
        size += 1 + 10 + batch->items[i].size;
    body = malloc(size);
    if (body == NULL)
        return NULL;
    size = 0;
    for (size_t i = from; i < to; i++) {
        body[size++] = ITEM_TAG;
        size += put_varint(body + size, batch->items[i].size);
        memcpy(body + size, batch->items[i].bytes, batch->items[i].size);
        size += batch->items[i].size;
    }
    *ret_size = size;
    return body;
}

/* The second and later rows of one phase come next in the journal: what they should be is remembered until then. */
static enum status expect_row(struct batch *batch, struct span body)
{
    struct replay *replay = batch->replay;

    RETURN_IF_BAD(batch_list_room((void **)&replay->expected, &replay->expected_capacity, replay->expected_count,
                                  sizeof(*replay->expected)));
    return sha256_bytes(batch->sha, body, &replay->expected[replay->expected_count++]);
}

/* A replay takes what was told from the journal, and counts what it would have told otherwise (J4). */
static enum status replay_issued(struct batch *batch, struct span body, bool first)
{
    struct replay *replay = batch->replay;

    if (!first)
        return expect_row(batch, body);
    if (!replay->has_issued || replay->issued.time_us != batch->phase_time_us) {
        replay->differences++;
        return STATUS_OK;
    }
    replay->has_issued = false;
    if (!span_equal(replay->issued.body, body))
        replay->differences++;
    return journal_copy_row(batch, &replay->issued);
}

static enum status issue_row(struct batch *batch, size_t from, size_t to)
{
    struct journal_row row = {.count = (uint32_t)(to - from), .kind = JOURNAL_ISSUED, .time_us = batch->phase_time_us};
    size_t size = 0;
    uint8_t *body = pack_items(batch, from, to, &size);
    enum status status;

    if (body == NULL)
        return STATUS_NO_MEMORY;
    row.body = span_of(body, size);
    status = batch->replay != NULL ? replay_issued(batch, row.body, from == 0) : append_with_leaves(batch, &row);
    free(body);
    return status;
}

enum status journal_issued(struct batch *batch)
{
    size_t from = 0;

    while (from < batch->item_count) {
        size_t to = from;
        size_t size = 0;

        while (to < batch->item_count && (to == from || size + batch->items[to].size <= ISSUED_ROW_SIZE))
            size += batch->items[to++].size;
        RETURN_IF_BAD(issue_row(batch, from, to));
        from = to;
    }
    return STATUS_OK;
}
