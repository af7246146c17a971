/*
 * The feed. A page merges one stream a scope; each stream is in order (effective pos, key):
 *   first the block: what the scope held when the device entered it, all at the entered pos, so by key;
 *   then the tail: what changed since, by (pos, key).
 * A bundle's key in the feed (bundle.h) stands for a group of rows, which come out one by one where the key lies.
 * The stream of a scope that the device left is one block of tombstones at the left pos, and no tail.
 * A key in several of the device's scopes is given once: live at the least effective pos of the scopes that hold it
 * live, or, when none does, gone at the greatest. While a key is live its least pos never falls, so no cursor passes it
 * unsent (the greatest falls when the scope with it is left).
 */
#include <stdlib.h>
#include <string.h>

#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_internal.h"
#include "server/logic/bundle.h"

static enum status feed_put(struct store *store, const struct scope *scope, uint64_t pos, struct span key, bool gone)
{
    struct sq_feed row = {.scope = *scope, .key = key, .pos = pos, .gone = gone};
    struct hash presence;
    uint64_t group_pos;
    enum status status = STATUS_OK;

    if (key.size == 0 || key.size > STORE_VIEW_KEY_MAX)
        return STATUS_OVER_LIMIT;
    if (!bundle_key_open(key, &presence, &group_pos))
        status = sq_view_in_scope(store, key, scope, !gone);
    return status == STATUS_OK ? sq_put(store, SQ_FEED_PUT, &row) : status;
}

static enum status feed_forget(struct store *store, const struct scope *scope, struct span key)
{
    struct sq_query query = sq_begin(store, SQ_FEED_FORGET);

    sq_bind_scope(&query, scope);
    sq_bind_span(&query, key);
    return sq_change(&query);
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
    size_t max;
    size_t given;
    store_feed_each each;
    void *context;
    bool within_group; /* the last page ended within a group of a bundle */
    struct span group_key;
    uint16_t ordinal; /* the last one that is done */
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

static int key_compare(struct span a, struct span b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Where streams begin again. Of a group that isn't done, just before it: what lies between is passed by. */
static struct span key_done(const struct page *page)
{
    if (page->within_group)
        return span_of(page->group_key.data, page->group_key.size - 1);
    return span_of(page->after->key, page->after->key_size);
}

static bool is_done(const struct page *page, const struct stream *stream)
{
    return page->within_group && stream->effective_pos == page->after->pos &&
           key_compare(stream->at.key, page->group_key) < 0;
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
    sq_bind_span(&stream->query, within ? key_done(page) : span_of(NULL, 0));
}

static enum status stream_start(struct page *page, struct stream *stream, const struct scope_member *member)
{
    const struct feed_cursor *after = page->after;

    stream->member = member;
    if (block_pos(member) > after->pos)
        open_block(page, stream, span_of(NULL, 0));
    else if (block_pos(member) == after->pos && after->key_size > 0)
        open_block(page, stream, key_done(page));
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
            if (is_done(page, stream))
                continue;
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

/* Whether another of the device's scopes holds the row live. Of most rows none does. */
static bool is_elsewhere(const struct page *page, const struct stream *stream, struct span scopes)
{
    struct scope scope;

    while (sq_scopes_next(&scopes, &scope)) {
        for (size_t i = 0; i < page->member_count; i++) {
            if (&page->members[i] != stream->member && scope_equal(&page->members[i].scope, &scope))
                return true;
        }
    }
    return false;
}

/* Whether this row, in another of the device's scopes, is the one that stands for the key. */
static bool is_outdone(const struct page *page, const struct stream *stream, const struct sq_feed *row)
{
    for (size_t i = 0; i < page->member_count; i++) {
        const struct scope_member *member = &page->members[i];
        bool gone = row->gone || member->left_pos != 0;
        uint64_t pos = effective(member, row);

        if (member == stream->member || !scope_equal(&member->scope, &row->scope))
            continue;
        if (stands_before(gone, pos, stream->at.gone, stream->effective_pos) ||
            (member < stream->member && !stands_before(stream->at.gone, stream->effective_pos, gone, pos)))
            return true;
    }
    return false;
}

/* Sets ret_chosen when this stream's row is the one that stands for its key among all of the device's scopes. */
static enum status is_chosen(const struct page *page, const struct stream *stream, bool *ret_chosen)
{
    bool chosen = true;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < page->member_count && chosen && status == STATUS_OK; i++) {
        struct sq_query query;
        struct sq_feed row;

        if (&page->members[i] == stream->member)
            continue;
        query = sq_begin(page->store, SQ_FEED_GET);
        sq_bind_scope(&query, &page->members[i].scope);
        sq_bind_span(&query, stream->at.key);
        if (sq_next(&query, &sq_feeds, &row))
            chosen = !is_outdone(page, stream, &row);
        status = sq_end(&query);
    }
    if (status == STATUS_OK)
        *ret_chosen = chosen;
    return status;
}

/* The same for a group: it lies in all scopes of its bundle, live and at one pos, so the feed needn't be asked. */
static bool is_group_chosen(const struct page *page, const struct stream *stream, const struct bundle *bundle,
                            uint64_t pos)
{
    for (size_t i = 0; i < bundle->scope_count; i++) {
        struct sq_feed row = {.scope = bundle->scopes[i], .key = stream->at.key, .pos = pos};

        if (is_outdone(page, stream, &row))
            return false;
    }
    return true;
}

static enum status hand_over(struct page *page, const struct stream *stream, const struct feed_row *feed)
{
    page->given++;
    return page->each(page->context, stream->effective_pos, feed);
}

static enum status give_group(struct page *page, const struct stream *stream, struct span items, uint64_t pos)
{
    bool begun = page->within_group && stream->effective_pos == page->after->pos &&
                 key_compare(stream->at.key, page->group_key) == 0;
    uint8_t place[BUNDLE_PLACE_SIZE];
    struct bundle_item item;
    enum status status = STATUS_OK;

    while (page->given < page->max && bundle_next(&items, &item, &status)) {
        struct feed_row feed = {.scope = stream->at.scope, .pos = stream->at.pos, .key = item.key};

        if (item.pos != pos || (begun && item.ordinal <= page->ordinal))
            continue;
        bundle_place(stream->at.key, item.ordinal, place);
        feed.place = span_of(place, sizeof(place));
        feed.gone = stream->at.gone;
        feed.row = feed.gone ? span_of(NULL, 0) : item.row;
        enum status handed = hand_over(page, stream, &feed);
        if (handed != STATUS_OK)
            return handed;
    }
    return status == STATUS_OK ? STATUS_OK : sq_damaged(page->store);
}

static enum status give_bundled(struct page *page, const struct stream *stream, const struct hash *presence,
                                uint64_t pos)
{
    struct sq_query query = sq_begin(page->store, SQ_BUNDLE_GET);
    struct bundle_row row;
    struct bundle bundle;
    enum status status;

    sq_bind_hash(&query, presence);
    if (sq_next(&query, &sq_bundles, &row)) {
        status = bundle_open(row.body, &bundle);
        if (status != STATUS_OK)
            query.status = sq_damaged(page->store);
        else if (is_group_chosen(page, stream, &bundle, pos))
            query.status = give_group(page, stream, bundle.items, pos);
        return sq_end(&query);
    }
    status = sq_end(&query);
    return status != STATUS_OK ? status : sq_damaged(page->store);
}

static enum status give_gone(struct page *page, const struct stream *stream)
{
    const struct feed_row feed = {
        .scope = stream->at.scope, .pos = stream->at.pos, .key = stream->at.key, .place = stream->at.key, .gone = true};
    bool chosen = true;
    enum status status = is_chosen(page, stream, &chosen);

    return status == STATUS_OK && chosen ? hand_over(page, stream, &feed) : status;
}

/* What is live stands before what is gone, so only where it is live, too, another scope can have the word. */
static enum status give_live(struct page *page, const struct stream *stream)
{
    struct feed_row feed = {
        .scope = stream->at.scope, .pos = stream->at.pos, .key = stream->at.key, .place = stream->at.key};
    struct sq_query query = sq_begin(page->store, SQ_VIEW_GET);
    struct sq_view view;
    bool chosen = true;
    enum status status;

    sq_bind_span(&query, stream->at.key);
    if (sq_next(&query, &sq_views, &view)) {
        feed.row = view.view.row;
        if (is_elsewhere(page, stream, view.scopes))
            query.status = is_chosen(page, stream, &chosen);
        if (query.status == STATUS_OK && chosen)
            query.status = hand_over(page, stream, &feed);
        return sq_end(&query);
    }
    status = sq_end(&query);
    return status != STATUS_OK ? status : sq_damaged(page->store);
}

/* Each key once: by the stream whose row stands for it. */
static enum status give(struct page *page, const struct stream *stream)
{
    struct hash presence;
    uint64_t pos;

    if (bundle_key_open(stream->at.key, &presence, &pos))
        return give_bundled(page, stream, &presence, pos);
    return stream->at.gone ? give_gone(page, stream) : give_live(page, stream);
}

static enum status merge(struct page *page)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < page->member_count && status == STATUS_OK; i++)
        status = stream_start(page, &page->streams[i], &page->members[i]);
    while (status == STATUS_OK && page->given < page->max) {
        struct stream *stream = first_stream(page);
        if (!stream)
            break;
        status = give(page, stream);
        if (status == STATUS_OK)
            status = stream_advance(page, stream);
    }
    return status;
}

static enum status feed_page(struct store *store, const struct scope_member *members, size_t member_count,
                             const struct feed_cursor *after, size_t max, store_feed_each each, void *context)
{
    struct page page = {.store = store,
                        .members = members,
                        .member_count = member_count,
                        .after = after,
                        .max = max,
                        .each = each,
                        .context = context};

    if (member_count > STORE_SCOPES_MAX || after->key_size > STORE_VIEW_KEY_MAX)
        return STATUS_OVER_LIMIT;
    page.streams = calloc(member_count + 1, sizeof(*page.streams));
    if (!page.streams)
        return STATUS_NO_MEMORY;
    page.within_group = bundle_place_open(span_of(after->key, after->key_size), &page.group_key, &page.ordinal);
    enum status status = merge(&page);
    for (size_t i = 0; i < member_count; i++) {
        if (page.streams[i].open)
            (void)sq_end(&page.streams[i].query);
    }
    free(page.streams);
    return status;
}

void sq_feed_ops(struct store_ops *ops)
{
    ops->feed_put = feed_put;
    ops->feed_forget = feed_forget;
    ops->feed_page = feed_page;
    ops->departures = departures;
}
