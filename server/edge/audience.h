/*
 * Who is to be told: connections by what they hear. So a commit costs what those who may see its rows cost, however many
 * others are connected. The loop's own.
 */
#ifndef DOUBLECREW_SERVER_EDGE_AUDIENCE_H
#define DOUBLECREW_SERVER_EDGE_AUDIENCE_H

#include <stddef.h>

#include "core/bytes.h"

/* A scope's kind (enum scope_kind) and id, or one of these. */
#define AUDIENCE_EVERYTHING 0x100u /* with the zero id */
#define AUDIENCE_DEVICE 0x101u     /* the sessions of one device */

struct audience_key {
    unsigned kind;
    struct id id;
};

struct audience_place;

/* Embedded in whoever hears; zero: in no group. */
struct audience_member {
    void *who;
    struct audience_place *places;
    size_t count;
};

struct audience;

MUST_USE enum status audience_new(struct audience **ret_audience);
/* Everybody has left. */
void audience_free(struct audience *audience);
/* Leaves the groups it is in and joins these, each key once. NO_MEMORY: it is in none. */
MUST_USE enum status audience_join(struct audience *audience, struct audience_member *member, void *who,
                                   const struct audience_key *keys, size_t count);
void audience_leave(struct audience *audience, struct audience_member *member);
/* Calls each for every member of the group; each mustn't change the audience. */
void audience_each(const struct audience *audience, const struct audience_key *key,
                   void (*each)(void *context, void *who), void *context);
size_t audience_count(const struct audience *audience, const struct audience_key *key);

#endif
