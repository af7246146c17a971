#include <stdlib.h>
#include <string.h>

#include "core/arena_internal.h"

#define BLOCK_SIZE ((size_t)64 * 1024)
#define ALIGNMENT _Alignof(max_align_t)

struct block {
    struct block *next;
    size_t size; /* of what follows */
    size_t used;
    _Alignas(max_align_t) uint8_t bytes[];
};

struct arena {
    struct block *first; /* BLOCK_SIZE, kept by arena_reset; the newest of the others comes next */
    size_t cap;
    size_t used; /* of all blocks, rounded up to the alignment */
    enum status failure;
};

static struct block *block_new(size_t size)
{
    struct block *block = malloc(sizeof(*block) + size);

    if (block == NULL)
        return NULL;
    block->next = NULL;
    block->size = size;
    block->used = 0;
    return block;
}

enum status arena_new(struct arena **ret_arena)
{
    struct arena *arena = calloc(1, sizeof(*arena));

    if (arena == NULL)
        return STATUS_NO_MEMORY;
    arena->first = block_new(BLOCK_SIZE);
    if (arena->first == NULL) {
        free(arena);
        return STATUS_NO_MEMORY;
    }
    arena->cap = ARENA_CAP_DEFAULT;
    *ret_arena = arena;
    return STATUS_OK;
}

static void free_others(struct arena *arena)
{
    struct block *block = arena->first->next;

    while (block != NULL) {
        struct block *next = block->next;

        free(block);
        block = next;
    }
    arena->first->next = NULL;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    free_others(arena);
    free(arena->first);
    free(arena);
}

void arena_reset(struct arena *arena, size_t cap)
{
    free_others(arena);
    arena->first->used = 0;
    arena->used = 0;
    arena->cap = cap;
    arena->failure = STATUS_OK;
}

static void *take_from(struct block *block, size_t size)
{
    void *at = block->bytes + block->used;

    block->used += size;
    memset(at, 0, size);
    return at;
}

/* The block to take from: the newest if it has room, else a new one. */
static struct block *block_with_room(struct arena *arena, size_t size)
{
    struct block *newest = arena->first->next != NULL ? arena->first->next : arena->first;
    struct block *block;

    if (newest->size - newest->used >= size)
        return newest;
    block = block_new(size > BLOCK_SIZE ? size : BLOCK_SIZE);
    if (block == NULL)
        return NULL;
    block->next = arena->first->next;
    arena->first->next = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct block *block;
    size_t rounded;

    if (size > arena->cap || arena->used > arena->cap) {
        arena->failure = STATUS_OVER_LIMIT;
        return NULL;
    }
    rounded = (size + (size == 0) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (rounded > arena->cap - arena->used) {
        arena->failure = STATUS_OVER_LIMIT;
        return NULL;
    }
    block = block_with_room(arena, rounded);
    if (block == NULL) {
        arena->failure = STATUS_NO_MEMORY;
        return NULL;
    }
    arena->used += rounded;
    return take_from(block, rounded);
}

size_t arena_limit(struct arena *arena, size_t more)
{
    size_t cap = arena->cap;

    arena->failure = STATUS_OK;
    if (arena->used < cap && more < cap - arena->used)
        arena->cap = arena->used + more;
    return cap;
}

void arena_restore_cap(struct arena *arena, size_t cap)
{
    arena->cap = cap;
}

enum status arena_failure(const struct arena *arena)
{
    return arena->failure;
}
