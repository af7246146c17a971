/* The journal, its head and its Merkle tiles. */
#include <string.h>

#include "server/edge/store_sqlite_internal.h"

static enum status head(struct store *store, struct store_head *ret_head)
{
    struct sq_query query = sq_begin(store, SQ_HEAD_GET);
    enum status status = sq_one(&query, &sq_head, ret_head);

    return status == STATUS_NOT_FOUND ? STATUS_STORE : status;
}

static enum status head_put(struct store *store, const struct store_head *head)
{
    enum status status = sq_put(store, SQ_HEAD_PUT, head);

    if (status == STATUS_OK && sqlite3_changes(((struct store_sqlite *)store)->db) != 1)
        return STATUS_STORE_MODE;
    return status;
}

static enum status journal_from(struct store *store, uint64_t pos, store_journal_each each, void *context)
{
    struct sq_query query = sq_begin(store, SQ_JOURNAL_FROM);
    struct journal_row row;

    sq_bind_u64(&query, pos);
    while (sq_next(&query, &sq_journal, &row))
        query.status = each(context, &row);
    return sq_end(&query);
}

static enum status journal_of_kind(struct store *store, enum journal_kind kind, uint64_t pos, store_journal_each each,
                                   void *context)
{
    struct sq_query query = sq_begin(store, SQ_JOURNAL_OF_KIND);
    struct journal_row row;

    sq_bind_int(&query, (int64_t)kind);
    sq_bind_u64(&query, pos);
    while (sq_next(&query, &sq_journal, &row))
        query.status = each(context, &row);
    return sq_end(&query);
}

static enum status journal_of_log(struct store *store, const struct id *log, uint64_t seq, struct journal_row *ret_row)
{
    struct sq_query query = sq_begin(store, SQ_JOURNAL_OF_LOG);

    sq_bind_id(&query, log);
    sq_bind_u64(&query, seq);
    sq_bind_int(&query, PUSH_ENTRIES_MAX);
    return sq_one(&query, &sq_journal, ret_row);
}

/* J1 and J2 are kept here too: nothing that is appended can be taken back. */
static enum status journal_append(struct store *store, const struct journal_row *row)
{
    struct sq_query query = sq_begin(store, SQ_JOURNAL_END);
    uint64_t next = 1;
    int64_t time_us = INT64_MIN;

    if (sq_step(&query)) {
        next = (uint64_t)sq_int(&query, 0);
        time_us = sq_int(&query, 1);
    }
    enum status status = sq_end(&query);
    if (status != STATUS_OK)
        return status;
    if (row->first_pos != next || row->count == 0 || row->time_us < time_us)
        return STATUS_INTERNAL;
    return sq_put(store, SQ_JOURNAL_APPEND, row);
}

static enum status tile_load(struct store *store, unsigned level, uint64_t index,
                             struct hash ret_hashes[MERKLE_TILE_WIDTH])
{
    struct sq_query query = sq_begin(store, SQ_TILE_GET);
    struct sq_tile tile;

    sq_bind_int(&query, level);
    sq_bind_u64(&query, index);
    enum status status = sq_one(&query, &sq_tiles, &tile);
    if (status != STATUS_OK)
        return status;
    if (tile.hashes.size != MERKLE_TILE_WIDTH * sizeof(struct hash))
        return sq_failed((struct store_sqlite *)store, SQLITE_CORRUPT);
    memcpy(ret_hashes, tile.hashes.data, tile.hashes.size);
    return STATUS_OK;
}

static enum status tile_put(struct store *store, const struct merkle_tile *tile)
{
    struct sq_tile row = {
        .level = tile->level,
        .index = tile->index,
        .hashes = span_of(tile->hashes, MERKLE_TILE_WIDTH * sizeof(struct hash)),
    };

    return sq_put(store, SQ_TILE_PUT, &row);
}

void sq_journal_ops(struct store_ops *ops)
{
    ops->head = head;
    ops->head_put = head_put;
    ops->journal_from = journal_from;
    ops->journal_of_kind = journal_of_kind;
    ops->journal_of_log = journal_of_log;
    ops->journal_append = journal_append;
    ops->tile_load = tile_load;
    ops->tile_put = tile_put;
}
