#include "admin/name_index.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bits. Whoever writes the roster can already slow everything down: no seed is needed. */
static uint64_t hash_of(struct span name)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < name.size; i++)
        hash = (hash ^ name.data[i]) * 0x100000001b3u;
    return hash ^ (hash >> 29);
}

/* The slot that holds the name, or the free one where it belongs. At least one slot is free. */
static struct name_slot *slot_of(const struct name_index *index, struct span name)
{
    size_t at = (size_t)hash_of(name) & (index->capacity - 1);

    while (index->slots[at].place_plus_one != 0 && !span_equal(index->slots[at].name, name))
        at = (at + 1) & (index->capacity - 1);
    return &index->slots[at];
}

/* At most two thirds full. */
static enum status make_room(struct name_index *index)
{
    struct name_index larger = {.capacity = index->capacity == 0 ? 64 : 2 * index->capacity, .count = index->count};

    if (3 * (index->count + 1) <= 2 * index->capacity)
        return STATUS_OK;
    larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
    if (larger.slots == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < index->capacity; i++) {
        if (index->slots[i].place_plus_one != 0)
            *slot_of(&larger, index->slots[i].name) = index->slots[i];
    }
    free(index->slots);
    *index = larger;
    return STATUS_OK;
}

enum status name_index_add(struct name_index *index, struct span name, size_t place, size_t *ret_place)
{
    enum status status = make_room(index);

    if (status != STATUS_OK)
        return status;

    struct name_slot *slot = slot_of(index, name);

    if (slot->place_plus_one == 0) {
        slot->name = name;
        slot->place_plus_one = place + 1;
        index->count++;
    }
    *ret_place = slot->place_plus_one - 1;
    return STATUS_OK;
}

bool name_index_find(const struct name_index *index, struct span name, size_t *ret_place)
{
    if (index->capacity == 0)
        return false;

    const struct name_slot *slot = slot_of(index, name);

    if (slot->place_plus_one == 0)
        return false;
    *ret_place = slot->place_plus_one - 1;
    return true;
}

void name_index_done(struct name_index *index)
{
    free(index->slots);
    memset(index, 0, sizeof(*index));
}
