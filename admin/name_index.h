/*
 * Looks up a place in a list by its name (a code, a reference, an id): hashed, so that rosters of a whole country are read
 * in linear time. Names are borrowed: they must stay where they are as long as the index is used.
 */
#ifndef DOUBLECREW_ADMIN_NAME_INDEX_H
#define DOUBLECREW_ADMIN_NAME_INDEX_H

#include "core/bytes.h"

struct name_index {
    struct name_slot {
        struct span name;
        size_t place_plus_one; /* 0: the slot is free */
    } * slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

/* Adds a name unless it is there. *ret_place: its place, the given one or the earlier one's. NO_MEMORY. */
MUST_USE enum status name_index_add(struct name_index *index, struct span name, size_t place, size_t *ret_place);
/* False when it isn't there. */
bool name_index_find(const struct name_index *index, struct span name, size_t *ret_place);
void name_index_done(struct name_index *index);

#endif
