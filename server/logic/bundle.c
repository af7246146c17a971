#include "server/logic/bundle.h"

#include <string.h>

#define SCOPE_SIZE (1 + ID_SIZE)
#define ITEM_HEAD_SIZE (8 + 2 + 1 + 2 + 2)
#define KEY_BEFORE_ROW 0xffffu

enum status bundle_open(struct span body, struct bundle *ret_bundle)
{
    struct bundle bundle = {0};

    if (body.size < 2 || body.data[0] > 1 || body.data[1] > BUNDLE_SCOPES_MAX ||
        body.size - 2 < body.data[1] * (size_t)SCOPE_SIZE)
        return STATUS_STORE;
    bundle.has_alone = body.data[0] == 1;
    bundle.scope_count = body.data[1];
    for (size_t i = 0; i < bundle.scope_count; i++) {
        const uint8_t *at = body.data + 2 + i * SCOPE_SIZE;

        bundle.scopes[i].kind = (enum scope_kind)at[0];
        memcpy(bundle.scopes[i].id.bytes, at + 1, ID_SIZE);
    }
    bundle.items =
        span_of(body.data + 2 + bundle.scope_count * SCOPE_SIZE, body.size - 2 - bundle.scope_count * SCOPE_SIZE);
    *ret_bundle = bundle;
    return STATUS_OK;
}

bool bundle_next(struct span *rest, struct bundle_item *ret_item, enum status *status)
{
    const uint8_t *at = rest->data;
    size_t key_size, key_at, row_size, before;

    if (rest->size == 0)
        return false;
    *status = STATUS_STORE;
    if (rest->size < ITEM_HEAD_SIZE)
        return false;
    key_size = at[10];
    key_at = (size_t)at[11] << 8 | at[12];
    row_size = (size_t)at[13] << 8 | at[14];
    before = key_at == KEY_BEFORE_ROW ? key_size : 0;
    if (key_size == 0 || key_size > STORE_VIEW_KEY_MAX || rest->size - ITEM_HEAD_SIZE < before + row_size)
        return false;
    if (before == 0 && key_at + key_size > row_size)
        return false;
    *status = STATUS_OK;
    *ret_item = (struct bundle_item){.pos = get_u64(at),
                                     .ordinal = (uint16_t)(at[8] << 8 | at[9]),
                                     .key = span_of(at + ITEM_HEAD_SIZE + (before > 0 ? 0 : key_at), key_size),
                                     .row = span_of(at + ITEM_HEAD_SIZE + before, row_size)};
    *rest = span_of(at + ITEM_HEAD_SIZE + before + row_size, rest->size - ITEM_HEAD_SIZE - before - row_size);
    return true;
}

enum status bundle_find(const struct bundle *bundle, struct span key, struct bundle_item *ret_item)
{
    struct span rest = bundle->items;
    struct bundle_item item;
    enum status status = STATUS_OK;

    while (bundle_next(&rest, &item, &status)) {
        if (span_equal(item.key, key)) {
            *ret_item = item;
            return STATUS_OK;
        }
    }
    return status == STATUS_OK ? STATUS_NOT_FOUND : status;
}

enum status bundle_count(const struct bundle *bundle, uint64_t pos, struct bundle_count *ret_count)
{
    struct span rest = bundle->items;
    struct bundle_count count = {0};
    struct bundle_item item;
    enum status status = STATUS_OK;

    while (bundle_next(&rest, &item, &status)) {
        count.items++;
        if (item.pos != pos)
            continue;
        count.at_pos++;
        count.next_ordinal = (uint16_t)(item.ordinal + 1);
    }
    if (status == STATUS_OK)
        *ret_count = count;
    return status;
}

/* At most. */
static size_t item_size(const struct bundle_item *item)
{
    return ITEM_HEAD_SIZE + item->key.size + item->row.size;
}

/* A packed row holds its key. */
static size_t key_in_row(const struct bundle_item *item)
{
    for (size_t at = 0; at + item->key.size <= item->row.size && at < KEY_BEFORE_ROW; at++) {
        if (memcmp(item->row.data + at, item->key.data, item->key.size) == 0)
            return at;
    }
    return KEY_BEFORE_ROW;
}

size_t bundle_size_with(const struct bundle *bundle, const struct bundle_item *item)
{
    return 2 + bundle->scope_count * SCOPE_SIZE + bundle->items.size + item_size(item);
}

static uint8_t *put_item(uint8_t *at, const struct bundle_item *item)
{
    size_t key_at = key_in_row(item);

    put_u64(at, item->pos);
    at[8] = (uint8_t)(item->ordinal >> 8);
    at[9] = (uint8_t)item->ordinal;
    at[10] = (uint8_t)item->key.size;
    at[11] = (uint8_t)(key_at >> 8);
    at[12] = (uint8_t)key_at;
    at[13] = (uint8_t)(item->row.size >> 8);
    at[14] = (uint8_t)item->row.size;
    at += ITEM_HEAD_SIZE;
    if (key_at == KEY_BEFORE_ROW) {
        memcpy(at, item->key.data, item->key.size);
        at += item->key.size;
    }
    if (item->row.size > 0)
        memcpy(at, item->row.data, item->row.size);
    return at + item->row.size;
}

enum status bundle_put_item(const struct bundle *bundle, const struct bundle_item *item, uint8_t *ret_body,
                            size_t *ret_size)
{
    struct span rest = bundle->items;
    struct bundle_item other;
    uint8_t *at = ret_body;
    const uint8_t *from = rest.data; /* the other item as it lies there */
    bool done = false;
    enum status status = STATUS_OK;

    *at++ = bundle->has_alone;
    *at++ = (uint8_t)bundle->scope_count;
    for (size_t i = 0; i < bundle->scope_count; i++, at += SCOPE_SIZE) {
        at[0] = (uint8_t)bundle->scopes[i].kind;
        memcpy(at + 1, bundle->scopes[i].id.bytes, ID_SIZE);
    }
    for (; bundle_next(&rest, &other, &status); from = rest.data) {
        if (!span_equal(other.key, item->key)) {
            memcpy(at, from, (size_t)(rest.data - from));
            at += rest.data - from;
        } else if (other.pos == item->pos) {
            struct bundle_item same = {item->pos, other.ordinal, item->key, item->row};

            at = put_item(at, &same);
            done = true;
        }
    }
    if (!done)
        at = put_item(at, item);
    if (status == STATUS_OK)
        *ret_size = (size_t)(at - ret_body);
    return status;
}

void bundle_key(const struct hash *presence, uint64_t pos, uint8_t ret_key[BUNDLE_KEY_SIZE])
{
    ret_key[0] = 'b';
    memcpy(ret_key + 1, presence->bytes, HASH_SIZE);
    put_u64(ret_key + 1 + HASH_SIZE, pos);
}

bool bundle_key_open(struct span key, struct hash *ret_presence, uint64_t *ret_pos)
{
    if (key.size != BUNDLE_KEY_SIZE || key.data[0] != 'b')
        return false;
    memcpy(ret_presence->bytes, key.data + 1, HASH_SIZE);
    *ret_pos = get_u64(key.data + 1 + HASH_SIZE);
    return true;
}

void bundle_place(struct span group_key, uint16_t ordinal, uint8_t ret_place[BUNDLE_PLACE_SIZE])
{
    memcpy(ret_place, group_key.data, BUNDLE_KEY_SIZE);
    ret_place[BUNDLE_KEY_SIZE] = (uint8_t)(ordinal >> 8);
    ret_place[BUNDLE_KEY_SIZE + 1] = (uint8_t)ordinal;
}

bool bundle_place_open(struct span place, struct span *ret_group_key, uint16_t *ret_ordinal)
{
    if (place.size != BUNDLE_PLACE_SIZE || place.data[0] != 'b')
        return false;
    *ret_group_key = span_of(place.data, BUNDLE_KEY_SIZE);
    *ret_ordinal = (uint16_t)(place.data[BUNDLE_KEY_SIZE] << 8 | place.data[BUNDLE_KEY_SIZE + 1]);
    return true;
}

enum status bundle_view_get(struct store *store, struct span subject, struct span key, struct view_row *ret_view)
{
    struct bundle_row stored;
    struct bundle bundle;
    struct bundle_item item;
    struct hash presence;
    enum status status = STATUS_NOT_FOUND;

    if (hash_from_span(subject, &presence) == STATUS_OK)
        status = store->ops->bundle_get(store, &presence, &stored);
    if (status == STATUS_OK)
        status = bundle_open(stored.body, &bundle);
    if (status == STATUS_OK)
        status = bundle_find(&bundle, key, &item);
    if (status == STATUS_NOT_FOUND)
        return store->ops->view_get(store, key, ret_view);
    if (status == STATUS_OK)
        *ret_view = (struct view_row){.key = item.key, .pos = item.pos, .row = item.row};
    return status;
}
