/*
 * Bundles: the notes and fields of one presence, kept as one row of the store, since a visit brings a dozen of them at once
 * and each alone would cost a view row, its feed rows and their indexes. What clients see is the same: a bundle's rows come
 * out of the feed one by one.
 *
 * All rows of a bundle lie in the same scopes, live. Those published at one pos are a group: the feed has one row for each
 * group and scope, under the group's key. A row that changes moves to the group of its new pos. Rows that don't fit (too
 * many, too large, or in other scopes than the rest) stand alone, as view rows, and stay so.
 *
 * Body: 1 byte 1 when rows of this presence stand alone; 1 byte number of scopes, 17 bytes each (kind, id); then each row:
 * pos 8, ordinal 2, size of its key 1, where in the row the key lies first 2 (0xffff: nowhere), size of the row 2 (all
 * big-endian), the key if it lies nowhere in the row, row. Oldest first; ordinals rise within a group.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_BUNDLE_H
#define DOUBLECREW_SERVER_LOGIC_BUNDLE_H

#include "server/logic/store.h"

#define BUNDLE_ITEMS_MAX 64
#define BUNDLE_SCOPES_MAX 4 /* notes and fields go to the offender's team alone */
#define BUNDLE_ROW_SIZE_MAX 2048
#define BUNDLE_BODY_SIZE_MAX (32 * 1024)
#define BUNDLE_KEY_SIZE (1 + HASH_SIZE + 8)     /* 'b', presence, pos: a group's key in the feed */
#define BUNDLE_PLACE_SIZE (BUNDLE_KEY_SIZE + 2) /* and the ordinal: where a page may end */

struct bundle_item {
    uint64_t pos;
    uint16_t ordinal;
    struct span key; /* of the view row */
    struct span row; /* packed */
};

/* Opened: borrows the body. Zeroed: an empty one. */
struct bundle {
    bool has_alone;
    struct scope scopes[BUNDLE_SCOPES_MAX];
    size_t scope_count;
    struct span items;
};

/* STORE: damaged. */
MUST_USE enum status bundle_open(struct span body, struct bundle *ret_bundle);
/* Takes the first item off rest. False at its end, and on damage, which *status then says. */
bool bundle_next(struct span *rest, struct bundle_item *ret_item, enum status *status);
/* NOT_FOUND, STORE. */
MUST_USE enum status bundle_find(const struct bundle *bundle, struct span key, struct bundle_item *ret_item);

/* How many items there are, how many at one pos, and that group's next ordinal. */
struct bundle_count {
    size_t items;
    size_t at_pos;
    uint16_t next_ordinal;
};
MUST_USE enum status bundle_count(const struct bundle *bundle, uint64_t pos, struct bundle_count *ret_count);

/* The size of a body with this item put, at most. */
size_t bundle_size_with(const struct bundle *bundle, const struct bundle_item *item);
/* The body with the item in place of the one of its key, if that is in the same group; else at the end, and that one gone. */
MUST_USE enum status bundle_put_item(const struct bundle *bundle, const struct bundle_item *item, uint8_t *ret_body,
                                     size_t *ret_size);

void bundle_key(const struct hash *presence, uint64_t pos, uint8_t ret_key[BUNDLE_KEY_SIZE]);
/* Whether a key of the feed is a group's. */
bool bundle_key_open(struct span key, struct hash *ret_presence, uint64_t *ret_pos);
void bundle_place(struct span group_key, uint16_t ordinal, uint8_t ret_place[BUNDLE_PLACE_SIZE]);
/* Whether a place in the feed lies within a group: its key and the last ordinal that is done. */
bool bundle_place_open(struct span place, struct span *ret_group_key, uint16_t *ret_ordinal);

/*
 * A view row that may lie in its presence's bundle. subject: of a note or a field, 16 or 32 bytes; for other rows empty.
 * Borrowed until the next call on the store. NOT_FOUND.
 */
MUST_USE enum status bundle_view_get(struct store *store, struct span subject, struct span key,
                                     struct view_row *ret_view);

#endif
