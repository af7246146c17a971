/*
 * View rows and the feed. A page merges one stream a scope; each stream is in order (effective pos, key):
 *   first the block: what the scope held when the device entered it, all at the entered pos, so by key;
 *   then the tail: what changed since, by (pos, key).
 * The stream of a scope that the device left is one block of tombstones at the left pos, and no tail.
 * A key in several of the device's scopes is given once: live at the least effective pos of the scopes that hold it
 * live, or, when none does, gone at the greatest. While a key is live its least pos never falls, so no cursor passes it
 * unsent (the greatest falls when the scope with it is left).
 */
#include <stdlib.h>
#include <string.h>

#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_internal.h"

static enum status view_get(struct store *store, struct span key, struct view_row *ret_row)
{
    return sq_cache_get(store, SQ_VIEW_GET, key, ret_row);
}

static enum status view_put(struct store *store, const struct view_row *row)
{
    if (row->key.size == 0 || row->key.size > STORE_VIEW_KEY_MAX)
        return STATUS_OVER_LIMIT;
    return sq_put(store, SQ_VIEW_PUT, row);
}

static enum status feed_put(struct store *store, const struct scope *scope, uint64_t pos, struct span key, bool gone)
{
    struct sq_feed row = {.scope = *scope, .key = key, .pos = pos, .gone = gone};

    if (key.size == 0 || key.size > STORE_VIEW_KEY_MAX)
        return STATUS_OVER_LIMIT;
    return sq_put(store, SQ_FEED_PUT, &row);
}

static enum status scopes_of_row(struct store *store, struct span key, struct scope *ret_scopes, size_t max,
                                 size_t *ret_count)
{
    struct sq_query query = sq_begin(store, SQ_FEED_OF_KEY);
    struct sq_feed row;
    size_t count = 0;

    sq_bind_span(&query, key);
    while (sq_next(&query, &sq_feeds, &row)) {
        if (row.gone)
            continue;
        if (count == max)
            query.status = STATUS_OVER_LIMIT;
        else
            ret_scopes[count++] = row.scope;
    }
    enum status status = sq_end(&query);
    if (status == STATUS_OK)
        *ret_count = count;
    return status;
}

static enum status departures(struct store *store, const struct scope *scope, uint64_t after_pos, uint64_t *ret_first,
                              uint64_t *ret_last)
{
    struct sq_query query = sq_begin(store, SQ_FEED_GONE);
    int64_t first = 0, last = 0;
    enum status status;

    sq_bind_scope(&query, scope);
    sq_bind_u64(&query, after_pos);
    if (sq_step(&query)) { /* NULL, read as 0, when there is none */
        first = sq_int(&query, 0);
        last = sq_int(&query, 1);
    }
    status = sq_end(&query);
    if (status != STATUS_OK)
        return status;
    if (last <= 0)
        return STATUS_NOT_FOUND;
    *ret_first = (uint64_t)first;
    *ret_last = (uint64_t)last;
    return STATUS_OK;
}

struct stream {
    const struct scope_member *member;
    struct sq_query query;
    bool open;
    bool tail;
    struct sq_feed at; /* borrowed from the query */
    uint64_t effective_pos;
};

struct page {
    struct store *store;
    const struct scope_member *members;
    size_t member_count;
    const struct feed_cursor *after;
    struct stream *streams; /* one a member; those that have ended are not open */
};

static uint64_t max_pos(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static enum status stream_advance(struct page *page, struct stream *stream);

static uint64_t block_pos(const struct scope_member *member)
{
    return member->left_pos != 0 ? member->left_pos : member->entered_pos;
}

static uint64_t effective(const struct scope_member *member, const struct sq_feed *row)
{
    return member->left_pos != 0 ? member->left_pos : max_pos(row->pos, member->entered_pos);
}

static void open_block(struct page *page, struct stream *stream, struct span after_key)
{
    stream->query = sq_begin(page->store, SQ_FEED_BLOCK);
    stream->open = true;
    stream->tail = false;
    sq_bind_scope(&stream->query, &stream->member->scope);
    sq_bind_span(&stream->query, after_key);
    sq_bind_u64(&stream->query, stream->member->left_pos != 0 ? INT64_MAX : stream->member->entered_pos);
}

static void open_tail(struct page *page, struct stream *stream)
{
    const struct feed_cursor *after = page->after;
    uint64_t entered = stream->member->entered_pos;
    bool within = after->pos > entered && after->key_size > 0;

    stream->query = sq_begin(page->store, SQ_FEED_TAIL);
    stream->open = true;
    stream->tail = true;
    sq_bind_scope(&stream->query, &stream->member->scope);
    sq_bind_u64(&stream->query, within ? after->pos : max_pos(after->pos, entered) + 1);
    sq_bind_span(&stream->query, within ? span_of(after->key, after->key_size) : span_of(NULL, 0));
}

static enum status stream_start(struct page *page, struct stream *stream, const struct scope_member *member)
{
    const struct feed_cursor *after = page->after;

    stream->member = member;
    if (block_pos(member) > after->pos)
        open_block(page, stream, span_of(NULL, 0));
    else if (block_pos(member) == after->pos && after->key_size > 0)
        open_block(page, stream, span_of(after->key, after->key_size));
    else if (member->left_pos == 0)
        open_tail(page, stream);
    return stream_advance(page, stream);
}

static enum status stream_advance(struct page *page, struct stream *stream)
{
    while (stream->open) {
        if (sq_next(&stream->query, &sq_feeds, &stream->at)) {
            stream->effective_pos = effective(stream->member, &stream->at);
            stream->at.gone = stream->at.gone || stream->member->left_pos != 0;
            return STATUS_OK;
        }
        enum status status = sq_end(&stream->query);
        stream->open = false;
        if (status != STATUS_OK)
            return status;
        if (!stream->tail && stream->member->left_pos == 0)
            open_tail(page, stream);
    }
    return STATUS_OK;
}

static int key_compare(struct span a, struct span b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static struct stream *first_stream(const struct page *page)
{
    struct stream *first = NULL;

    for (size_t i = 0; i < page->member_count; i++) {
        struct stream *stream = &page->streams[i];
        if (!stream->open)
            continue;
        if (!first || stream->effective_pos < first->effective_pos ||
            (stream->effective_pos == first->effective_pos && key_compare(stream->at.key, first->at.key) < 0))
            first = stream;
    }
    return first;
}

static bool scope_equal(const struct scope *a, const struct scope *b)
{
    return a->kind == b->kind && (a->kind == SCOPE_FORCE || id_equal(&a->id, &b->id));
}

/* Live before gone; of the live the earliest, of the gone the latest; of equals the first member. */
static bool stands_before(bool gone, uint64_t pos, bool best_gone, uint64_t best_pos)
{
    if (gone != best_gone)
        return !gone;
    return gone ? pos > best_pos : pos < best_pos;
}

/* Sets ret_chosen when this stream's row is the one that stands for its key among all of the device's scopes. */
static enum status is_chosen(const struct page *page, const struct stream *stream, bool *ret_chosen)
{
    struct sq_query query = sq_begin(page->store, SQ_FEED_OF_KEY);
    struct sq_feed row;
    bool chosen = true;

    sq_bind_span(&query, stream->at.key);
    while (sq_next(&query, &sq_feeds, &row)) {
        for (size_t i = 0; i < page->member_count; i++) {
            const struct scope_member *member = &page->members[i];
            bool gone = row.gone || member->left_pos != 0;
            uint64_t pos = effective(member, &row);
            if (member == stream->member || !scope_equal(&member->scope, &row.scope))
                continue;
            if (stands_before(gone, pos, stream->at.gone, stream->effective_pos) ||
                (member < stream->member && !stands_before(stream->at.gone, stream->effective_pos, gone, pos)))
                chosen = false;
        }
    }
    enum status status = sq_end(&query);
    if (status == STATUS_OK)
        *ret_chosen = chosen;
    return status;
}

static enum status give(struct page *page, const struct stream *stream, store_feed_each each, void *context)
{
    struct feed_row feed = {.scope = stream->at.scope, .pos = stream->at.pos, .key = stream->at.key};
    struct view_row view;
    struct sq_query query;
    enum status status;

    if (stream->at.gone) {
        feed.gone = true;
        return each(context, stream->effective_pos, &feed);
    }
    query = sq_begin(page->store, SQ_VIEW_GET);
    sq_bind_span(&query, stream->at.key);
    if (sq_next(&query, &sq_views, &view)) {
        feed.row = view.row;
        query.status = each(context, stream->effective_pos, &feed);
        return sq_end(&query);
    }
    status = sq_end(&query);
    return status != STATUS_OK ? status : sq_failed((struct store_sqlite *)page->store, SQLITE_CORRUPT);
}

static enum status merge(struct page *page, size_t max, store_feed_each each, void *context)
{
    enum status status = STATUS_OK;
    size_t given = 0;

    for (size_t i = 0; i < page->member_count && status == STATUS_OK; i++)
        status = stream_start(page, &page->streams[i], &page->members[i]);
    while (status == STATUS_OK && given < max) {
        struct stream *stream = first_stream(page);
        bool chosen = true;
        if (!stream)
            break;
        if (page->member_count > 1)
            status = is_chosen(page, stream, &chosen);
        if (status == STATUS_OK && chosen) {
            status = give(page, stream, each, context);
            given++;
        }
        if (status == STATUS_OK)
            status = stream_advance(page, stream);
    }
    return status;
}

static enum status feed_page(struct store *store, const struct scope_member *members, size_t member_count,
                             const struct feed_cursor *after, size_t max, store_feed_each each, void *context)
{
    struct page page = {.store = store, .members = members, .member_count = member_count, .after = after};

    if (member_count > STORE_SCOPES_MAX || after->key_size > STORE_VIEW_KEY_MAX)
        return STATUS_OVER_LIMIT;
    page.streams = calloc(member_count + 1, sizeof(*page.streams));
    if (!page.streams)
        return STATUS_NO_MEMORY;
    enum status status = merge(&page, max, each, context);
    for (size_t i = 0; i < member_count; i++) {
        if (page.streams[i].open)
            (void)sq_end(&page.streams[i].query);
    }
    free(page.streams);
    return status;
}

void sq_feed_ops(struct store_ops *ops)
{
    ops->view_get = view_get;
    ops->view_put = view_put;
    ops->feed_put = feed_put;
    ops->scopes_of_row = scopes_of_row;
    ops->feed_page = feed_page;
    ops->departures = departures;
}
