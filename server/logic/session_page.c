#include "server/logic/session_page.h"

#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "server/logic/feed_digest.h"
#include "server/logic/session_internal.h"

#define SERVER_MESSAGE_DELTA 3u
#define DELTA_ROWS_TAG (4u << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
#define TOMBSTONE_SIZE_MAX (STORE_VIEW_KEY_MAX + 32)

/* Rows gathered so far, already in wire form: tag, length, row. */
struct gather {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
    size_t row_count;
    struct feed_cursor last;
    bool full; /* there is more than this page holds */
};

static enum status reserve(struct gather *gather, size_t more)
{
    size_t capacity = gather->capacity == 0 ? 4096 : gather->capacity;
    uint8_t *bytes;

    if (more <= gather->capacity - gather->size)
        return STATUS_OK;
    while (capacity < gather->size + more)
        capacity *= 2;
    bytes = realloc(gather->bytes, capacity);
    if (bytes == NULL)
        return STATUS_NO_MEMORY;
    gather->bytes = bytes;
    gather->capacity = capacity;
    return STATUS_OK;
}

static enum status append(struct gather *gather, struct span row)
{
    enum status status = reserve(gather, row.size + 16);

    if (status != STATUS_OK)
        return status;
    gather->bytes[gather->size++] = DELTA_ROWS_TAG;
    gather->size += session_frame_put_varint(gather->bytes + gather->size, row.size);
    if (row.size > 0)
        memcpy(gather->bytes + gather->size, row.data, row.size);
    gather->size += row.size;
    return STATUS_OK;
}

/* What a row that left the scope looks like. */
static size_t pack_tombstone(const struct feed_row *row, uint64_t pos, uint8_t ret_bytes[TOMBSTONE_SIZE_MAX])
{
    Doublecrew__V1__Row message = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__Tombstone tombstone = DOUBLECREW__V1__TOMBSTONE__INIT;

    message.pos = pos;
    message.key = (ProtobufCBinaryData){row->key.size, (uint8_t *)(uintptr_t)row->key.data}; /* packing only reads */
    message.row_case = DOUBLECREW__V1__ROW__ROW_TOMBSTONE;
    message.tombstone = &tombstone;
    return doublecrew__v1__row__pack(&message, ret_bytes);
}

/* CANCELLED stops the walk: the page is full. */
static enum status each_row(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    struct gather *gather = context;
    uint8_t tombstone[TOMBSTONE_SIZE_MAX];
    struct span bytes = row->row;
    enum status status;

    if (row->key.size == 0 || row->key.size > STORE_VIEW_KEY_MAX)
        return STATUS_STORE;
    if (row->gone)
        bytes = span_of(tombstone, pack_tombstone(row, effective_pos, tombstone));
    gather->full = gather->row_count == DELTA_ROWS_MAX ||
                   (gather->row_count > 0 && gather->size + bytes.size > SESSION_PAGE_SIZE_MAX);
    if (gather->full)
        return STATUS_CANCELLED;
    status = append(gather, bytes);
    if (status != STATUS_OK)
        return status;
    gather->row_count++;
    gather->last.pos = effective_pos;
    gather->last.key_size = row->place.size;
    memcpy(gather->last.key, row->place.data, row->place.size);
    return STATUS_OK;
}

/* Delta without its rows; they follow, as fields may come in any order. */
static enum status pack_delta(const struct feed_cursor *after, const struct gather *gather,
                              const struct row_digest *digest, struct session_page *page)
{
    Doublecrew__V1__Delta delta = DOUBLECREW__V1__DELTA__INIT;
    uint8_t head[STORE_VIEW_KEY_MAX + HASH_SIZE + 64];
    size_t size;

    delta.from_cursor = after->pos;
    delta.to_cursor = page->to.pos;
    delta.last = page->last;
    if (page->last)
        delta.digest = (ProtobufCBinaryData){HASH_SIZE, (uint8_t *)(uintptr_t)digest->bytes}; /* packing only reads */
    delta.to_key = (ProtobufCBinaryData){page->to.key_size, page->to.key};
    size = doublecrew__v1__delta__pack(&delta, head);
    page->bytes = session_frame_wrap(SERVER_MESSAGE_DELTA, span_of(head, size), span_of(gather->bytes, gather->size),
                                     &page->size);
    return page->bytes == NULL ? STATUS_OVER_LIMIT : STATUS_OK;
}

enum status session_page_read(struct store *store, const struct session_look *look, const struct feed_cursor *after,
                              uint64_t head_pos, struct session_page *ret_page)
{
    struct gather gather = {0};
    struct session_page page = {0};
    struct row_digest digest = {{0}};
    enum status status =
        store->ops->feed_page(store, look->members, look->member_count, after, DELTA_ROWS_MAX + 1, each_row, &gather);

    if (status == STATUS_CANCELLED && gather.full)
        status = STATUS_OK;
    if (status == STATUS_OK) {
        page.row_count = gather.row_count;
        page.last = !gather.full;
        page.to = gather.full ? gather.last : (struct feed_cursor){.pos = head_pos};
    }
    if (status == STATUS_OK && page.last)
        status = feed_digest_of(store, look->members, look->member_count, &digest);
    if (status == STATUS_OK)
        status = pack_delta(after, &gather, &digest, &page);
    free(gather.bytes);
    if (status == STATUS_OK)
        *ret_page = page;
    return status;
}
