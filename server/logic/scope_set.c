#include "server/logic/scope_set.h"

#include <string.h>

/* Ids are random, but for the zero of a whole scope. */
static size_t slot_of(const struct scope_set *set, const struct scope *scope)
{
    size_t at = (size_t)(get_u64(scope->id.bytes) + (uint64_t)scope->kind * 37) % SCOPE_SET_SLOTS;

    while (set->slots[at] != 0) {
        const struct scope *there = &set->scopes[set->slots[at] - 1];

        if (there->kind == scope->kind && id_equal(&there->id, &scope->id))
            break;
        at = (at + 1) % SCOPE_SET_SLOTS;
    }
    return at;
}

void scope_set_clear(struct scope_set *set)
{
    if (set->count > 0)
        memset(set->slots, 0, sizeof(set->slots));
    set->count = 0;
    set->all = false;
}

void scope_set_add(struct scope_set *set, const struct scope *scope)
{
    size_t at = slot_of(set, scope);

    if (set->slots[at] != 0)
        return;
    if (set->count == SCOPE_SET_MAX) {
        set->all = true;
        return;
    }
    set->scopes[set->count++] = *scope;
    set->slots[at] = (uint16_t)set->count;
}

bool scope_set_has(const struct scope_set *set, const struct scope *scope)
{
    return set->all || set->slots[slot_of(set, scope)] != 0;
}
