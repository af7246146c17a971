/*
 * The scopes whose rows a batch has changed: who has to look for news after its commit, and so who needn't. One that
 * doesn't fit any more makes it all scopes: too many are told, never too few.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_SCOPE_SET_H
#define DOUBLECREW_SERVER_LOGIC_SCOPE_SET_H

#include "server/logic/store.h"

/* A group of 500 pushes touches about as many teams twice (rows, supervisors' rows). */
#define SCOPE_SET_MAX 1024
#define SCOPE_SET_SLOTS ((size_t)2 * SCOPE_SET_MAX)

struct scope_set {
    size_t count;
    bool all;
    uint16_t slots[SCOPE_SET_SLOTS]; /* index into scopes, plus one; 0: empty */
    struct scope scopes[SCOPE_SET_MAX];
};

void scope_set_clear(struct scope_set *set);
void scope_set_add(struct scope_set *set, const struct scope *scope);
bool scope_set_has(const struct scope_set *set, const struct scope *scope);

#endif
