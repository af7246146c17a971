#include "server/edge/audience.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64u

struct audience_place {
    struct group *group;
    struct audience_member *member;
    struct audience_place *before;
    struct audience_place *after;
};

/* Gone with its last member. */
struct group {
    struct audience_key key;
    struct audience_place *first;
    size_t count;
    struct group *next; /* in the bucket */
};

struct audience {
    struct group **buckets;
    size_t bucket_count; /* a power of two */
    size_t group_count;
};

/* Ids are random, but for the zero of a whole scope. */
static size_t bucket_of(const struct audience *audience, const struct audience_key *key)
{
    return (size_t)(get_u64(key->id.bytes) + (uint64_t)key->kind * 37) & (audience->bucket_count - 1);
}

static struct group **find(const struct audience *audience, const struct audience_key *key)
{
    struct group **at = &audience->buckets[bucket_of(audience, key)];

    while (*at != NULL && ((*at)->key.kind != key->kind || !id_equal(&(*at)->key.id, &key->id)))
        at = &(*at)->next;
    return at;
}

/* Stays as it is where there is no memory: only slower. */
static void grow(struct audience *audience)
{
    struct audience larger = *audience;

    larger.bucket_count = 2 * audience->bucket_count;
    larger.buckets = calloc(larger.bucket_count, sizeof(struct group *));
    if (larger.buckets == NULL)
        return;
    for (size_t i = 0; i < audience->bucket_count; i++) {
        for (struct group *group = audience->buckets[i], *next; group != NULL; group = next) {
            struct group **to = &larger.buckets[bucket_of(&larger, &group->key)];

            next = group->next;
            group->next = *to;
            *to = group;
        }
    }
    free(audience->buckets);
    *audience = larger;
}

static struct group *group_of(struct audience *audience, const struct audience_key *key)
{
    struct group *group = *find(audience, key);
    struct group **at;

    if (group != NULL)
        return group;
    group = calloc(1, sizeof(*group));
    if (group == NULL)
        return NULL;
    if (audience->group_count == audience->bucket_count)
        grow(audience);
    at = find(audience, key);
    group->key = *key;
    *at = group;
    audience->group_count++;
    return group;
}

static void remove_group(struct audience *audience, struct group *group)
{
    struct group **at = find(audience, &group->key);

    *at = group->next;
    audience->group_count--;
    free(group);
}

enum status audience_new(struct audience **ret_audience)
{
    struct audience *audience = calloc(1, sizeof(*audience));

    if (audience == NULL)
        return STATUS_NO_MEMORY;
    audience->bucket_count = FIRST_BUCKETS;
    audience->buckets = calloc(audience->bucket_count, sizeof(struct group *));
    if (audience->buckets == NULL) {
        free(audience);
        return STATUS_NO_MEMORY;
    }
    *ret_audience = audience;
    return STATUS_OK;
}

void audience_free(struct audience *audience)
{
    if (audience == NULL)
        return;
    assert(audience->group_count == 0);
    free(audience->buckets);
    free(audience);
}

static void enter(struct group *group, struct audience_place *place, struct audience_member *member)
{
    *place = (struct audience_place){.group = group, .member = member, .after = group->first};
    if (group->first != NULL)
        group->first->before = place;
    group->first = place;
    group->count++;
}

static void leave(struct audience *audience, struct audience_place *place)
{
    struct group *group = place->group;

    if (place->before != NULL)
        place->before->after = place->after;
    else
        group->first = place->after;
    if (place->after != NULL)
        place->after->before = place->before;
    if (--group->count == 0)
        remove_group(audience, group);
}

enum status audience_join(struct audience *audience, struct audience_member *member, void *who,
                          const struct audience_key *keys, size_t count)
{
    audience_leave(audience, member);
    member->who = who;
    if (count == 0)
        return STATUS_OK;
    member->places = malloc(count * sizeof(*member->places));
    if (member->places == NULL)
        return STATUS_NO_MEMORY;
    while (member->count < count) {
        struct group *group = group_of(audience, &keys[member->count]);

        if (group == NULL) {
            audience_leave(audience, member);
            return STATUS_NO_MEMORY;
        }
        enter(group, &member->places[member->count++], member);
    }
    return STATUS_OK;
}

void audience_leave(struct audience *audience, struct audience_member *member)
{
    for (size_t i = 0; i < member->count; i++)
        leave(audience, &member->places[i]);
    free(member->places);
    member->places = NULL;
    member->count = 0;
}

void audience_each(const struct audience *audience, const struct audience_key *key,
                   void (*each)(void *context, void *who), void *context)
{
    const struct group *group = *find(audience, key);

    for (const struct audience_place *place = group == NULL ? NULL : group->first; place != NULL; place = place->after)
        each(context, place->member->who);
}

size_t audience_count(const struct audience *audience, const struct audience_key *key)
{
    const struct group *group = *find(audience, key);

    return group == NULL ? 0 : group->count;
}
