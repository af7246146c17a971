#include "server/edge/store_sqlite_index.h"

#include <stdlib.h>
#include <string.h>

#include "server/edge/store_sqlite_cache.h"

#define BUCKETS 4096
#define ENTRIES_MAX 100000 /* 48 bytes each; beyond that all are forgotten after the commit, and read again as asked */
#define MATCHES_MIN 64     /* found without asking for memory */

struct indexed {
    struct hash presence;
    int64_t from_us;
    int64_t to_us;
};

/* All presences of a person with to_us at or after since_us; by id. */
struct person {
    struct person *next; /* of its bucket */
    enum sq_index_side side;
    struct id id;
    int64_t since_us;
    struct indexed *entries;
    size_t count, capacity;
};

struct sq_index {
    struct person *buckets[BUCKETS];
    size_t entries; /* of all, and the people themselves */
};

enum status sq_index_new(struct sq_index **ret_index)
{
    *ret_index = calloc(1, sizeof(**ret_index));
    return *ret_index != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static void free_person(struct sq_index *index, struct person *person)
{
    index->entries -= person->count + 1;
    free(person->entries);
    free(person);
}

static void forget_all(struct sq_index *index)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (index->buckets[i] != NULL) {
            struct person *person = index->buckets[i];

            index->buckets[i] = person->next;
            free_person(index, person);
        }
    }
}

void sq_index_free(struct sq_index *index)
{
    if (index == NULL)
        return;
    forget_all(index);
    free(index);
}

void sq_index_drop(struct store_sqlite *self)
{
    if (self->index != NULL)
        forget_all(self->index);
}

void sq_index_trim(struct store_sqlite *self)
{
    if (self->index != NULL && self->index->entries > ENTRIES_MAX)
        forget_all(self->index);
}

/* Ids are random already. */
static struct person **find(struct sq_index *index, enum sq_index_side side, const struct id *id)
{
    struct person **link;
    uint64_t hash;

    memcpy(&hash, id->bytes, sizeof(hash));
    link = &index->buckets[(hash + side) % BUCKETS];
    while (*link != NULL && ((*link)->side != side || !id_equal(&(*link)->id, id)))
        link = &(*link)->next;
    return link;
}

static void forget(struct sq_index *index, enum sq_index_side side, const struct id *id)
{
    struct person **link = find(index, side, id), *person = *link;

    if (person == NULL)
        return;
    *link = person->next;
    free_person(index, person);
}

static struct person *add_person(struct sq_index *index, enum sq_index_side side, const struct id *id, int64_t since_us)
{
    struct person **link = find(index, side, id);
    struct person *person = calloc(1, sizeof(*person));

    if (person == NULL)
        return NULL;
    *person = (struct person){.side = side, .id = *id, .since_us = since_us};
    *link = person;
    index->entries++;
    return person;
}

static enum status room_for_one(struct person *person)
{
    size_t capacity = person->capacity == 0 ? 16 : 2 * person->capacity;
    struct indexed *entries;

    if (person->count < person->capacity)
        return STATUS_OK;
    entries = realloc(person->entries, capacity * sizeof(*entries));
    if (entries == NULL)
        return STATUS_NO_MEMORY;
    person->entries = entries;
    person->capacity = capacity;
    return STATUS_OK;
}

static enum status insert_at(struct sq_index *index, struct person *person, size_t at, const struct indexed *entry)
{
    enum status status = room_for_one(person);

    if (status != STATUS_OK)
        return status;
    memmove(person->entries + at + 1, person->entries + at, (person->count - at) * sizeof(*entry));
    person->entries[at] = *entry;
    person->count++;
    index->entries++;
    return STATUS_OK;
}

/* In the order of ids, as read. */
static enum status read_entries(struct store *store, struct sq_index *index, struct person *person)
{
    struct sq_query query =
        sq_begin(store, person->side == SQ_INDEX_OFFICER ? SQ_PRESENCE_SPANS_OF : SQ_PRESENCE_SPANS_AT);

    sq_bind_id(&query, &person->id);
    sq_bind_int(&query, person->since_us);
    while (sq_step(&query)) {
        struct indexed entry = {.from_us = sq_int(&query, 1), .to_us = sq_int(&query, 2)};

        query.status = hash_from_span(sq_blob(&query, 0), &entry.presence);
        if (query.status == STATUS_OK)
            query.status = insert_at(index, person, person->count, &entry);
    }
    return sq_end(&query);
}

/* The person with all that ends at or after from_us. */
static enum status take_person(struct store *store, enum sq_index_side side, const struct id *id, int64_t from_us,
                               struct person **ret_person)
{
    struct sq_index *index = ((struct store_sqlite *)store)->index;
    struct person *person = *find(index, side, id);
    enum status status;

    if (person != NULL && person->since_us <= from_us) {
        *ret_person = person;
        return STATUS_OK;
    }
    forget(index, side, id);
    if (index->entries > ENTRIES_MAX)
        forget_all(index);
    person = add_person(index, side, id, from_us);
    if (person == NULL)
        return STATUS_NO_MEMORY;
    status = read_entries(store, index, person);
    if (status == STATUS_OK)
        *ret_person = person;
    else
        forget(index, side, id);
    return status;
}

/* Copied, since what `each` does may put presences or read another person. */
struct matches {
    struct hash here[MATCHES_MIN];
    struct hash *all;
    size_t count;
};

static enum status find_matches(const struct person *person, int64_t from_us, int64_t to_us,
                                struct matches *ret_matches)
{
    ret_matches->count = 0;
    ret_matches->all = ret_matches->here;
    if (person->count > MATCHES_MIN)
        ret_matches->all = malloc(person->count * sizeof(struct hash));
    if (ret_matches->all == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < person->count; i++) {
        if (person->entries[i].to_us >= from_us && person->entries[i].from_us <= to_us)
            ret_matches->all[ret_matches->count++] = person->entries[i].presence;
    }
    return STATUS_OK;
}

/* Where the presence is, or belongs. */
static size_t place_of(const struct person *person, const struct hash *presence)
{
    size_t low = 0, high = person->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (hash_compare(&person->entries[middle].presence, presence) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void free_matches(struct matches *matches)
{
    if (matches->all != matches->here)
        free(matches->all);
}

/* The matches of a person, by then in order. */
static enum status matches_of(struct store *store, enum sq_index_side side, const struct id *id, int64_t from_us,
                              int64_t to_us, struct matches *ret_matches)
{
    struct person *person;
    enum status status = take_person(store, side, id, from_us, &person);

    return status == STATUS_OK ? find_matches(person, from_us, to_us, ret_matches) : status;
}

enum status sq_index_each(struct store *store, enum sq_index_side side, const struct id *person, int64_t from_us,
                          int64_t to_us, store_presence_each each, void *context)
{
    struct matches matches;
    enum status status = matches_of(store, side, person, from_us, to_us, &matches);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < matches.count && status == STATUS_OK; i++) {
        struct presence_row row;

        status = sq_cache_get(store, SQ_PRESENCE_GET, span_of(matches.all[i].bytes, HASH_SIZE), &row);
        if (status == STATUS_OK)
            status = each(context, &row);
        else if (status == STATUS_NOT_FOUND)
            status = STATUS_INTERNAL; /* the index says what the table doesn't */
    }
    free_matches(&matches);
    return status;
}

/* Of those, the ones that are the offender's too. */
static enum status keep_those_at(struct store *store, const struct id *offender, int64_t from_us,
                                 struct matches *matches)
{
    struct person *person;
    size_t kept = 0;
    enum status status = take_person(store, SQ_INDEX_OFFENDER, offender, from_us, &person);

    for (size_t i = 0; status == STATUS_OK && i < matches->count; i++) {
        size_t at = place_of(person, &matches->all[i]);

        if (at < person->count && hash_equal(&person->entries[at].presence, &matches->all[i]))
            matches->all[kept++] = matches->all[i];
    }
    matches->count = kept;
    return status;
}

enum status sq_index_ids(struct store *store, const struct id *officer, const struct id *offender, int64_t from_us,
                         int64_t to_us, store_hash_each each, void *context)
{
    struct matches matches;
    enum status status = matches_of(store, SQ_INDEX_OFFICER, officer, from_us, to_us, &matches);

    if (status != STATUS_OK)
        return status;
    if (offender != NULL)
        status = keep_those_at(store, offender, from_us, &matches);
    for (size_t i = 0; i < matches.count && status == STATUS_OK; i++)
        status = each(context, &matches.all[i]);
    free_matches(&matches);
    return status;
}

/* Without memory for one more, the person is read again. */
static void follow(struct sq_index *index, enum sq_index_side side, const struct id *id, const struct presence_row *row)
{
    struct indexed entry = {row->presence, row->from_us, row->to_us};
    struct person *person = *find(index, side, id);
    size_t at;

    if (person == NULL)
        return;
    at = place_of(person, &row->presence);
    if (at < person->count && hash_equal(&person->entries[at].presence, &row->presence))
        person->entries[at] = entry;
    else if (row->to_us >= person->since_us && insert_at(index, person, at, &entry) != STATUS_OK)
        forget(index, side, id);
}

void sq_index_put(struct store_sqlite *self, const struct presence_row *before, const struct presence_row *row)
{
    struct sq_index *index = self->index;

    if (index == NULL)
        return;
    if (before != NULL && !id_equal(&before->officer, &row->officer))
        forget(index, SQ_INDEX_OFFICER, &before->officer);
    if (before != NULL && !id_equal(&before->offender, &row->offender))
        forget(index, SQ_INDEX_OFFENDER, &before->offender);
    follow(index, SQ_INDEX_OFFICER, &row->officer, row);
    follow(index, SQ_INDEX_OFFENDER, &row->offender, row);
}
