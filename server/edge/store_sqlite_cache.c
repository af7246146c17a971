#include "server/edge/store_sqlite_cache.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 32768                /* more than the rows that are kept: each look-up is one step */
#define SIZE_KEPT (8 * 1024 * 1024)  /* bytes that may stay after a commit */
#define SIZE_MOST (32 * 1024 * 1024) /* within one: taking a whole journal over is one transaction */

struct cached {
    struct cached *next; /* of its bucket */
    struct cached *next_unwritten;
    uint64_t hash;
    uint8_t *row; /* and what its spans point to behind it; NULL: the table has no such row */
    size_t row_size;
    enum sq_statement_id put;
    uint8_t table; /* its place in `tables` */
    bool unwritten;
    size_t key_size;
    uint8_t key[];
};

/* Oldest first: rows are written in the order in which they first changed. */
struct unwritten {
    struct cached *first;
    struct cached *last;
};

static const struct sq_table *const tables[] = {&sq_devices, &sq_officers, &sq_offenders, &sq_anchors, &sq_presences,
                                                &sq_flags,   &sq_views,    &sq_digests,   &sq_bundles, &sq_edit_sets};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

struct sq_cache {
    struct cached *buckets[BUCKETS];
    struct unwritten unwritten[TABLES];
    uint32_t unwritten_tables;
    size_t size;
};

enum status sq_cache_new(struct sq_cache **ret_cache)
{
    *ret_cache = calloc(1, sizeof(**ret_cache));
    return *ret_cache != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static void forget_all(struct sq_cache *cache)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (cache->buckets[i] != NULL) {
            struct cached *cached = cache->buckets[i];

            cache->buckets[i] = cached->next;
            free(cached->row);
            free(cached);
        }
    }
    memset(cache, 0, sizeof(*cache));
}

void sq_cache_free(struct sq_cache *cache)
{
    if (cache == NULL)
        return;
    forget_all(cache);
    free(cache);
}

uint32_t sq_cache_tables_in(const char *sql)
{
    uint32_t found = 0;

    for (size_t i = 0; i < TABLES; i++) {
        if (strstr(sql, tables[i]->name) != NULL)
            found |= UINT32_C(1) << i;
    }
    return found;
}

static bool place_of(const struct sq_table *table, uint8_t *ret_place)
{
    for (size_t i = 0; i < TABLES; i++) {
        if (tables[i] == table) {
            *ret_place = (uint8_t)i;
            return true;
        }
    }
    return false;
}

/* FNV-1a, eight bytes at a time: ids and hashes are random already, view keys differ in any of their bytes. */
uint64_t sq_hash(uint64_t seed, struct span bytes)
{
    uint64_t hash = UINT64_C(14695981039346656037) + seed;

    for (size_t at = 0; at < bytes.size; at += sizeof(uint64_t)) {
        uint64_t word = 0;

        memcpy(&word, bytes.data + at, bytes.size - at < sizeof(word) ? bytes.size - at : sizeof(word));
        hash = (hash ^ word) * UINT64_C(1099511628211);
        hash ^= hash >> 29;
    }
    return hash ^ bytes.size;
}

static struct cached **find(struct sq_cache *cache, uint8_t table, struct span key, uint64_t hash)
{
    struct cached **link = &cache->buckets[hash % BUCKETS];

    while (*link != NULL && ((*link)->hash != hash || (*link)->table != table ||
                             !span_equal(span_of((*link)->key, (*link)->key_size), key)))
        link = &(*link)->next;
    return link;
}

static const struct span *span_in(const struct sq_column *column, const void *row)
{
    return (const struct span *)(const void *)((const uint8_t *)row + column->offset);
}

static size_t spans_size(const struct sq_table *table, const void *row)
{
    size_t size = 0;

    for (size_t i = 0; i < table->count; i++)
        size += table->columns[i].kind == SQ_SPAN ? span_in(&table->columns[i], row)->size : 0;
    return size;
}

/* The row's bytes, and what its spans point to behind them. */
static enum status copy_row(const struct sq_table *table, const void *row, uint8_t **ret_bytes, size_t *ret_size)
{
    size_t size = table->row_size + spans_size(table, row);
    uint8_t *bytes = malloc(size);
    uint8_t *at = bytes + table->row_size;

    if (bytes == NULL)
        return STATUS_NO_MEMORY;
    memcpy(bytes, row, table->row_size);
    for (size_t i = 0; i < table->count; i++) {
        const struct sq_column *column = &table->columns[i];
        struct span *span;

        if (column->kind != SQ_SPAN)
            continue;
        span = (struct span *)(void *)(bytes + column->offset);
        if (span->size > 0)
            memcpy(at, span->data, span->size);
        span->data = span->size > 0 ? at : NULL;
        at += span->size;
    }
    *ret_bytes = bytes;
    *ret_size = size;
    return STATUS_OK;
}

static void set_row(struct sq_cache *cache, struct cached *cached, uint8_t *row, size_t size)
{
    cache->size = cache->size - cached->row_size + size;
    free(cached->row);
    cached->row = row;
    cached->row_size = size;
}

/* The place of a key; a new one says that there is no such row. NULL: no memory. */
static struct cached *take_place(struct sq_cache *cache, uint8_t table, struct span key, uint64_t hash)
{
    struct cached **link = find(cache, table, key, hash);
    struct cached *cached = *link;

    if (cached != NULL)
        return cached;
    cached = calloc(1, sizeof(*cached) + key.size);
    if (cached == NULL)
        return NULL;
    cached->hash = hash;
    cached->table = table;
    cached->key_size = key.size;
    memcpy(cached->key, key.data, key.size);
    cache->size += sizeof(*cached) + key.size;
    *link = cached;
    return cached;
}

static void note_unwritten(struct sq_cache *cache, struct cached *cached)
{
    struct unwritten *list = &cache->unwritten[cached->table];

    cached->unwritten = true;
    cached->next_unwritten = NULL;
    if (list->first == NULL)
        list->first = cached;
    else
        list->last->next_unwritten = cached;
    list->last = cached;
    cache->unwritten_tables |= UINT32_C(1) << cached->table;
}

static bool table_of(struct store *store, enum sq_statement_id id, uint8_t *ret_table)
{
    return ((struct store_sqlite *)store)->cache != NULL && place_of(sq_statement_spec(id)->table, ret_table);
}

/* No row of this key is unwritten: nothing needs to be written first. */
static enum status select_row(struct store *store, enum sq_statement_id id, struct span key, void *ret_row)
{
    struct sq_query query = sq_begin_as_is(store, id);

    sq_bind_span(&query, key);
    return sq_one(&query, sq_statement_spec(id)->table, ret_row);
}

/* Without memory for it, the row is read again the next time. */
static void keep(struct sq_cache *cache, uint8_t table, struct span key, uint64_t hash, const void *row)
{
    uint8_t *copy = NULL;
    size_t size = 0;
    struct cached *cached;

    if (row != NULL && copy_row(tables[table], row, &copy, &size) != STATUS_OK)
        return;
    cached = take_place(cache, table, key, hash);
    if (cached != NULL)
        set_row(cache, cached, copy, size);
    else
        free(copy);
}

static enum status make_room(struct store_sqlite *self)
{
    enum status status;

    if (self->cache->size <= SIZE_MOST)
        return STATUS_OK;
    status = sq_cache_write(self, UINT32_MAX);
    if (status == STATUS_OK)
        forget_all(self->cache);
    return status;
}

enum status sq_cache_get(struct store *store, enum sq_statement_id id, struct span key, void *ret_row)
{
    struct sq_cache *cache = ((struct store_sqlite *)store)->cache;
    const struct cached *cached;
    uint64_t hash;
    uint8_t table;
    enum status status;

    if (!table_of(store, id, &table))
        return select_row(store, id, key, ret_row);
    hash = sq_hash(table, key);
    cached = *find(cache, table, key, hash);
    if (cached != NULL) {
        if (cached->row != NULL)
            memcpy(ret_row, cached->row, tables[table]->row_size);
        return cached->row != NULL ? STATUS_OK : STATUS_NOT_FOUND;
    }
    status = make_room((struct store_sqlite *)store);
    if (status == STATUS_OK)
        status = select_row(store, id, key, ret_row);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        keep(cache, table, key, hash, status == STATUS_OK ? ret_row : NULL);
    return status;
}

static enum status put_row(struct store_sqlite *self, uint8_t table, enum sq_statement_id id, const void *row)
{
    struct sq_cache *cache = self->cache;
    struct cached *cached;
    struct span key;
    uint8_t *copy;
    size_t size;
    enum status status = copy_row(tables[table], row, &copy, &size); /* it may borrow from the one that it replaces */

    if (status != STATUS_OK)
        return status;
    status = make_room(self);
    if (status != STATUS_OK) {
        free(copy);
        return status;
    }
    key = sq_row_key(tables[table], copy);
    cached = take_place(cache, table, key, sq_hash(table, key));
    if (cached == NULL) {
        free(copy);
        return STATUS_NO_MEMORY;
    }
    set_row(cache, cached, copy, size);
    cached->put = id;
    if (!cached->unwritten)
        note_unwritten(cache, cached);
    return STATUS_OK;
}

bool sq_cache_put(struct store *store, enum sq_statement_id id, const void *row, enum status *ret_status)
{
    struct store_sqlite *self = (struct store_sqlite *)store;
    uint8_t table;

    if (!table_of(store, id, &table))
        return false;
    *ret_status = sqlite3_get_autocommit(self->db) ? STATUS_INTERNAL : sq_row_fits(tables[table], row);
    if (*ret_status == STATUS_OK)
        *ret_status = put_row(self, table, id, row);
    return true;
}

static enum status write_row(struct store_sqlite *self, const struct cached *cached)
{
    struct sq_query query = sq_begin_as_is(&self->base, cached->put);

    sq_bind_row(&query, tables[cached->table], cached->row);
    return sq_change(&query);
}

/* A row that was deleted since it was put has nothing to write. */
static enum status write_table(struct store_sqlite *self, size_t table)
{
    struct unwritten *list = &self->cache->unwritten[table];

    while (list->first != NULL) {
        struct cached *cached = list->first;
        enum status status = cached->row != NULL ? write_row(self, cached) : STATUS_OK;

        if (status != STATUS_OK)
            return status;
        cached->unwritten = false;
        list->first = cached->next_unwritten;
    }
    self->cache->unwritten_tables &= ~(UINT32_C(1) << table);
    return STATUS_OK;
}

enum status sq_cache_write(struct store_sqlite *self, uint32_t wanted)
{
    enum status status = STATUS_OK;

    if (self->cache == NULL)
        return STATUS_OK;
    for (size_t i = 0; i < TABLES && status == STATUS_OK; i++) {
        if ((self->cache->unwritten_tables & wanted & UINT32_C(1) << i) != 0)
            status = write_table(self, i);
    }
    return status;
}

bool sq_cache_has_unwritten(const struct store_sqlite *self)
{
    return self->cache != NULL && self->cache->unwritten_tables != 0;
}

void sq_cache_forget(struct store *store, const struct sq_table *table, struct span key)
{
    struct sq_cache *cache = ((struct store_sqlite *)store)->cache;
    struct cached *cached;
    uint8_t place;

    if (cache == NULL || !place_of(table, &place))
        return;
    cached = *find(cache, place, key, sq_hash(place, key));
    if (cached != NULL)
        set_row(cache, cached, NULL, 0);
}

void sq_cache_drop(struct store_sqlite *self)
{
    if (self->cache != NULL)
        forget_all(self->cache);
}

void sq_cache_trim(struct store_sqlite *self)
{
    if (self->cache != NULL && self->cache->size > SIZE_KEPT && self->cache->unwritten_tables == 0)
        forget_all(self->cache);
}
