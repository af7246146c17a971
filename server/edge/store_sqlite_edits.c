/*
 * Edits of fields (M1). Those of one presence are one row, since a visit brings a dozen at once; beyond EDIT_SET_SIZE_MAX
 * the rest stand alone, one row each, as an offender's all do: that is edited over years, a visit in a day.
 *
 * A set: 1 byte, 1 when some stand alone; then each edit, in order of field and entry: 1 byte of what is there of it
 * (HAS_OFFICER: else the officer of the edit before; HAS_LET_BY: else zero), size of the field's name 1, of the body 2, name,
 * entry, officer, lower 8, upper 8 (all big-endian), let_by, body.
 */
#include <stdlib.h>
#include <string.h>

#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_internal.h"

#define EDIT_SET_SIZE_MAX (32 * 1024)
#define HAS_OFFICER 1u
#define HAS_LET_BY 2u
#define FIXED_SIZE (1 + 1 + 2 + HASH_SIZE + 8 + 8)
#define EDIT_SIZE_MOST(field_size, body_size) (FIXED_SIZE + ID_SIZE + HASH_SIZE + (field_size) + (body_size))

struct set_edit {
    struct span field;
    struct edit_row row;
};

static struct span set_edits(struct span set)
{
    return set.size > 0 ? span_of(set.data + 1, set.size - 1) : set;
}

/* Takes the first edit off rest; *edit is the one before, or zeroed. False at its end, and on damage, which *status then says. */
static bool set_next(struct span *rest, struct set_edit *edit, enum status *status)
{
    const uint8_t *at = rest->data;
    size_t field_size, body_size, officer_size, let_by_size, size;

    if (rest->size == 0)
        return false;
    *status = STATUS_STORE;
    if (rest->size < FIXED_SIZE || (at[0] & ~(HAS_OFFICER | HAS_LET_BY)) != 0)
        return false;
    field_size = at[1];
    body_size = (size_t)at[2] << 8 | at[3];
    officer_size = (at[0] & HAS_OFFICER) != 0 ? ID_SIZE : 0;
    let_by_size = (at[0] & HAS_LET_BY) != 0 ? HASH_SIZE : 0;
    size = FIXED_SIZE + officer_size + let_by_size + field_size + body_size;
    if (size > rest->size)
        return false;
    *status = STATUS_OK;
    edit->field = span_of(at + 4, field_size);
    at += 4 + field_size;
    memcpy(edit->row.entry.bytes, at, HASH_SIZE);
    at += HASH_SIZE;
    if (officer_size > 0)
        memcpy(edit->row.officer.bytes, at, ID_SIZE);
    at += officer_size;
    edit->row.lower_us = (int64_t)get_u64(at);
    edit->row.upper_us = (int64_t)get_u64(at + 8);
    at += 16;
    edit->row.let_by = (struct hash){{0}};
    if (let_by_size > 0)
        memcpy(edit->row.let_by.bytes, at, HASH_SIZE);
    at += let_by_size;
    edit->row.body = span_of(at, body_size);
    *rest = span_of(rest->data + size, rest->size - size);
    return true;
}

/* A set on its way. */
struct set_making {
    uint8_t *at;
    struct id officer; /* of the last edit */
    bool any;
};

static void put_bytes(struct set_making *making, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(making->at, bytes, size);
    making->at += size;
}

static void set_put(struct set_making *making, struct span field, const struct edit_row *row)
{
    bool has_officer = !making->any || !id_equal(&making->officer, &row->officer);
    bool has_let_by = !hash_is_zero(&row->let_by);

    *making->at++ = (uint8_t)((has_officer ? HAS_OFFICER : 0) | (has_let_by ? HAS_LET_BY : 0));
    *making->at++ = (uint8_t)field.size;
    *making->at++ = (uint8_t)(row->body.size >> 8);
    *making->at++ = (uint8_t)row->body.size;
    put_bytes(making, field.data, field.size);
    put_bytes(making, row->entry.bytes, HASH_SIZE);
    if (has_officer)
        put_bytes(making, row->officer.bytes, ID_SIZE);
    put_u64(making->at, (uint64_t)row->lower_us);
    put_u64(making->at + 8, (uint64_t)row->upper_us);
    making->at += 16;
    if (has_let_by)
        put_bytes(making, row->let_by.bytes, HASH_SIZE);
    put_bytes(making, row->body.data, row->body.size);
    making->officer = row->officer;
    making->any = true;
}

/* By field, then entry. */
static int order(const struct set_edit *edit, struct span field, const struct hash *entry)
{
    int by_field = memcmp(edit->field.data, field.data, edit->field.size < field.size ? edit->field.size : field.size);

    if (by_field != 0 || edit->field.size != field.size)
        return by_field != 0 ? by_field : edit->field.size < field.size ? -1 : 1;
    return memcmp(edit->row.entry.bytes, entry->bytes, HASH_SIZE);
}

/* The set with this edit in its place, or in place of the one that it replaces. ret_body has room for both. */
static enum status set_with(struct span set, struct span field, const struct edit_row *row, uint8_t *ret_body,
                            size_t *ret_size)
{
    struct span rest = set_edits(set);
    struct set_edit edit = {.field = {NULL, 0}};
    struct set_making making = {.at = ret_body};
    bool done = false;
    enum status status = STATUS_OK;

    *making.at++ = set.size > 0 ? set.data[0] : 0;
    while (set_next(&rest, &edit, &status)) {
        int place = done ? 1 : order(&edit, field, &row->entry);

        if (place >= 0 && !done) {
            set_put(&making, field, row);
            done = true;
        }
        if (place != 0)
            set_put(&making, edit.field, &edit.row);
    }
    if (!done)
        set_put(&making, field, row);
    *ret_size = (size_t)(making.at - ret_body);
    return status;
}

/* Empty when there is none yet. */
static enum status get_set(struct store *store, const struct hash *presence, struct span *ret_set)
{
    struct sq_edit_set row = {.body = {NULL, 0}};
    enum status status = sq_cache_get(store, SQ_EDIT_SET_GET, span_of(presence->bytes, HASH_SIZE), &row);

    if (status == STATUS_OK && row.body.size == 0)
        return sq_damaged(store);
    *ret_set = status == STATUS_OK ? row.body : span_of(NULL, 0);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status put_set(struct store *store, const struct hash *presence, struct span body)
{
    struct sq_edit_set row = {.presence = *presence, .body = body};

    return sq_put(store, SQ_EDIT_SET_PUT, &row);
}

static enum status put_alone(struct store *store, struct span subject, const char *field, const struct edit_row *row)
{
    struct sq_edit edit = {.subject = subject, .field = field, .row = *row};

    return sq_put(store, SQ_EDIT_PUT, &edit);
}

static enum status is_there(struct span set, struct span field, const struct hash *entry, bool *ret_there)
{
    struct span rest = set_edits(set);
    struct set_edit edit = {.field = {NULL, 0}};
    enum status status = STATUS_OK;

    *ret_there = false;
    while (!*ret_there && set_next(&rest, &edit, &status))
        *ret_there = order(&edit, field, entry) == 0;
    return status;
}

/* No room in the set: it says from now on that others stand alone. */
static enum status spill(struct store *store, const struct hash *presence, struct span set, const char *field,
                         const struct edit_row *row)
{
    static const uint8_t empty = 1;
    uint8_t *copy;
    enum status status;

    if (set.size == 0)
        status = put_set(store, presence, span_of(&empty, 1));
    else if (set.data[0] == 1)
        status = STATUS_OK;
    else {
        copy = malloc(set.size);
        if (copy == NULL)
            return STATUS_NO_MEMORY;
        memcpy(copy, set.data, set.size);
        copy[0] = 1;
        status = put_set(store, presence, span_of(copy, set.size));
        free(copy);
    }
    return status == STATUS_OK ? put_alone(store, span_of(presence->bytes, HASH_SIZE), field, row) : status;
}

static enum status put_in_set(struct store *store, const struct hash *presence, const char *field,
                              const struct edit_row *row)
{
    struct span name = span_of(field, strlen(field));
    struct span set = span_of(NULL, 0);
    size_t most, size;
    uint8_t *body;
    bool there;
    enum status status = get_set(store, presence, &set);

    if (status != STATUS_OK)
        return status;
    if (is_there(set, name, &row->entry, &there) != STATUS_OK)
        return sq_damaged(store);
    /* Put between two of one officer, it makes the second one's be said. */
    most = 1 + set.size + EDIT_SIZE_MOST(name.size, row->body.size) + ID_SIZE;
    if (most > EDIT_SET_SIZE_MAX && !there)
        return spill(store, presence, set, field, row);
    if (row->body.size > UINT16_MAX)
        return STATUS_OVER_LIMIT;
    body = malloc(most);
    if (body == NULL)
        return STATUS_NO_MEMORY;
    status = set_with(set, name, row, body, &size) == STATUS_OK ? STATUS_OK : sq_damaged(store);
    if (status == STATUS_OK)
        status = put_set(store, presence, span_of(body, size));
    free(body);
    return status;
}

static enum status edit_put(struct store *store, struct span subject, const char *field, const struct edit_row *row)
{
    struct hash presence;

    if (strlen(field) > UINT8_MAX || row->body.size > STORE_ROW_SIZE_MAX)
        return STATUS_OVER_LIMIT;
    if (hash_from_span(subject, &presence) != STATUS_OK)
        return put_alone(store, subject, field, row);
    return put_in_set(store, &presence, field, row);
}

static enum status is_contested(struct store *store, const struct hash *entry, bool *ret_contested)
{
    struct sq_query query = sq_begin(store, SQ_CONTESTED_GET);

    sq_bind_hash(&query, entry);
    *ret_contested = sq_step(&query);
    return sq_end(&query);
}

/* Most stores know of no fork at all. */
static enum status any_contested(struct store *store, bool *ret_any)
{
    struct store_sqlite *self = (struct store_sqlite *)store;
    struct sq_query query;

    if (self->contested_known && self->cache != NULL) {
        *ret_any = self->any_contested;
        return STATUS_OK;
    }
    query = sq_begin(store, SQ_CONTESTED_ANY);
    self->any_contested = sq_step(&query);
    enum status status = sq_end(&query);
    self->contested_known = status == STATUS_OK;
    *ret_any = self->any_contested;
    return status;
}

/* F2: neither the edit nor the word that let it is contested. */
static enum status counts(struct store *store, const struct edit_row *row, bool *ret_counts)
{
    bool any, contested = false;
    enum status status = any_contested(store, &any);

    if (status == STATUS_OK && any)
        status = is_contested(store, &row->entry, &contested);
    if (status == STATUS_OK && any && !contested)
        status = is_contested(store, &row->let_by, &contested);
    *ret_counts = !contested;
    return status;
}

static enum status edits_alone(struct store *store, struct span subject, const char *field, store_edit_each each,
                               void *context)
{
    struct sq_query query = sq_begin(store, SQ_EDITS_OF);
    struct sq_edit row;

    sq_bind_span(&query, subject);
    sq_bind_text(&query, field);
    while (sq_next(&query, &sq_edits, &row))
        query.status = each(context, &row.row);
    return sq_end(&query);
}

static enum status edits_of(struct store *store, struct span subject, const char *field, store_edit_each each,
                            void *context)
{
    struct hash presence;
    struct span set = span_of(NULL, 0), rest;
    struct set_edit edit = {.field = {NULL, 0}};
    bool does_count, alone = true;
    enum status status = STATUS_OK, damage = STATUS_OK;

    if (hash_from_span(subject, &presence) == STATUS_OK) {
        status = get_set(store, &presence, &set);
        alone = status == STATUS_OK && set.size > 0 && set.data[0] == 1;
        rest = status == STATUS_OK ? set_edits(set) : span_of(NULL, 0);
        while (status == STATUS_OK && set_next(&rest, &edit, &damage)) {
            if (!span_equal(edit.field, span_of(field, strlen(field))))
                continue;
            status = counts(store, &edit.row, &does_count);
            if (status == STATUS_OK && does_count)
                status = each(context, &edit.row);
        }
        if (damage != STATUS_OK)
            return sq_damaged(store);
    }
    return status == STATUS_OK && alone ? edits_alone(store, subject, field, each, context) : status;
}

static enum status contested_put(struct store *store, const struct hash *entry)
{
    struct sq_contested_row row = {.entry = *entry};
    struct store_sqlite *self = (struct store_sqlite *)store;

    self->contested_known = true;
    self->any_contested = true;
    return sq_put(store, SQ_CONTESTED_PUT, &row);
}

void sq_edit_ops(struct store_ops *ops)
{
    ops->edit_put = edit_put;
    ops->edits_of = edits_of;
    ops->contested_put = contested_put;
}
