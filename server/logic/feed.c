/* View rows and who sees them (P1, P4; ARCHITECTURE.md, "View rows and the feed"). */
#include "server/logic/batch_internal.h"
#include "server/logic/feed_digest.h"

#include <stdlib.h>
#include <string.h>

struct view_key view_key_of_id(char letter, const struct id *id)
{
    struct view_key key = {.bytes = {(uint8_t)letter}, .size = 1 + ID_SIZE};

    memcpy(key.bytes + 1, id->bytes, ID_SIZE);
    return key;
}

struct view_key view_key_of_hash(char letter, const struct hash *hash)
{
    struct view_key key = {.bytes = {(uint8_t)letter}, .size = 1 + HASH_SIZE};

    memcpy(key.bytes + 1, hash->bytes, HASH_SIZE);
    return key;
}

bool scope_equal(const struct scope *a, const struct scope *b)
{
    return a->kind == b->kind && id_equal(&a->id, &b->id);
}

static bool has_scope(const struct scope_list *list, const struct scope *scope)
{
    for (size_t i = 0; i < list->count; i++) {
        if (scope_equal(&list->scopes[i], scope))
            return true;
    }
    return false;
}

static void add_scope(struct scope_list *list, enum scope_kind kind, const struct id *id)
{
    struct scope scope = {kind, *id};

    if (list->count < LOGIC_SCOPES_MAX && !id_is_zero(id) && !has_scope(list, &scope))
        list->scopes[list->count++] = scope;
}

struct scope_list scopes_of_force(void)
{
    struct scope_list list = {.scopes = {{SCOPE_FORCE, {{0}}}}, .count = 1};

    return list;
}

static enum status add_team_of_offender(struct batch *batch, enum scope_kind kind, const struct id *offender,
                                        struct scope_list *list)
{
    struct offender_row row;
    enum status status = batch->store->ops->offender_get(batch->store, offender, &row);

    if (status == STATUS_OK)
        add_scope(list, kind, &row.team);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status scopes_of_proposal(struct batch *batch, const struct id *offender, const struct id *officer,
                               struct scope_list *ret_scopes)
{
    ret_scopes->count = 0;
    add_scope(ret_scopes, SCOPE_OFFICER, officer);
    return add_team_of_offender(batch, SCOPE_TEAM, offender, ret_scopes);
}

static enum status add_teams_of_officer(struct batch *batch, enum scope_kind kind, const struct id *officer,
                                        struct scope_list *list)
{
    struct officer_row row;
    enum status status = batch->store->ops->officer_get(batch->store, officer, &row);

    for (size_t i = 0; status == STATUS_OK && i < row.team_count; i++)
        add_scope(list, kind, &row.teams[i]);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status scopes_of_offender(struct batch *batch, const struct id *offender, struct scope_list *ret_scopes)
{
    ret_scopes->count = 0;
    return add_team_of_offender(batch, SCOPE_TEAM, offender, ret_scopes);
}

enum status scopes_of_presence(struct batch *batch, const struct id *offender, const struct id *officer,
                               struct scope_list *ret_scopes)
{
    RETURN_IF_BAD(scopes_of_offender(batch, offender, ret_scopes));
    return add_teams_of_officer(batch, SCOPE_TEAM, officer, ret_scopes);
}

/* Zero stands for all leaders, for the duty role. */
static void add_whole_scope(struct scope_list *list, enum scope_kind kind)
{
    if (list->count < LOGIC_SCOPES_MAX)
        list->scopes[list->count++] = (struct scope){.kind = kind};
}

enum status scopes_of_request(struct batch *batch, const struct id *offender, const struct id *officer,
                              struct scope_list *ret_scopes)
{
    ret_scopes->count = 0;
    add_scope(ret_scopes, SCOPE_OFFICER, officer);
    RETURN_IF_BAD(add_team_of_offender(batch, SCOPE_SUPERVISORS, offender, ret_scopes));
    return add_teams_of_officer(batch, SCOPE_SUPERVISORS, officer, ret_scopes);
}

/* The officer first: they see and can answer their own flag first (A2). */
enum status scopes_of_flag(struct batch *batch, const Doublecrew__V1__FlagRow *flag, struct scope_list *ret_scopes)
{
    struct id offender = pb_id(flag->offender_id), officer = pb_id(flag->officer_id);

    ret_scopes->count = 0;
    add_scope(ret_scopes, SCOPE_OFFICER, &officer);
    if (flag->level >= DOUBLECREW__V1__FLAG_LEVEL__FLAG_LEVEL_ANY_LEADER)
        add_whole_scope(ret_scopes, SCOPE_LEADERS);
    if (flag->level >= DOUBLECREW__V1__FLAG_LEVEL__FLAG_LEVEL_DUTY)
        add_whole_scope(ret_scopes, SCOPE_DUTY);
    RETURN_IF_BAD(add_team_of_offender(batch, SCOPE_SUPERVISORS, &offender, ret_scopes));
    RETURN_IF_BAD(add_teams_of_officer(batch, SCOPE_SUPERVISORS, &officer, ret_scopes));
    if (flag->level < DOUBLECREW__V1__FLAG_LEVEL__FLAG_LEVEL_LEADERS)
        return STATUS_OK;
    RETURN_IF_BAD(add_team_of_offender(batch, SCOPE_LEADERS, &offender, ret_scopes));
    return add_teams_of_officer(batch, SCOPE_LEADERS, &officer, ret_scopes);
}

/* The hash of a row as it lies in the store, and so as it is sent. Zero when there is none: nobody holds it then. */
static enum status hash_stored(struct batch *batch, struct span key, struct hash *ret_row)
{
    struct view_row view;
    enum status status = batch->store->ops->view_get(batch->store, key, &view);

    if (status == STATUS_NOT_FOUND) {
        *ret_row = (struct hash){{0}};
        return STATUS_OK;
    }
    return status == STATUS_OK ? sha256_bytes(batch->sha, view.row, ret_row) : status;
}

static enum status put_feed(struct batch *batch, const struct scope *scope, uint64_t pos, struct span key, bool gone)
{
    scope_set_add(&batch->changed_scopes, scope);
    return batch->store->ops->feed_put(batch->store, scope, pos, key, gone);
}

/* A row moves from where it was, with the bytes that it had, to scopes with the bytes that it has now. */
static enum status put_scopes(struct batch *batch, struct span key, uint64_t pos, const struct scope_list *scopes,
                              const struct hash *row_before, const struct hash *row_after)
{
    struct scope_list before;
    struct feed_digest_side from = {.scopes = before.scopes, .row = row_before};
    struct feed_digest_side to = {.scopes = scopes->scopes, .scope_count = scopes->count, .row = row_after};
    bool changed = !hash_equal(row_before, row_after);

    RETURN_IF_BAD(batch->store->ops->scopes_of_row(batch->store, key, before.scopes, LOGIC_SCOPES_MAX, &before.count));
    from.scope_count = before.count;
    RETURN_IF_BAD(feed_digest_move(batch->store, &from, &to));
    for (size_t i = 0; i < scopes->count; i++) {
        if (changed || !has_scope(&before, &scopes->scopes[i]))
            RETURN_IF_BAD(put_feed(batch, &scopes->scopes[i], pos, key, false));
    }
    for (size_t i = 0; i < before.count; i++) {
        if (!has_scope(scopes, &before.scopes[i]))
            RETURN_IF_BAD(put_feed(batch, &before.scopes[i], pos, key, true));
    }
    return STATUS_OK;
}

enum status feed_put_view(struct batch *batch, const struct view_row *view, const struct scope_list *scopes)
{
    struct hash before, after;

    RETURN_IF_BAD(hash_stored(batch, view->key, &before));
    RETURN_IF_BAD(sha256_bytes(batch->sha, view->row, &after));
    RETURN_IF_BAD(batch->store->ops->view_put(batch->store, view));
    return put_scopes(batch, view->key, view->pos, scopes, &before, &after);
}

enum status feed_pack_row(const struct view_key *key, uint64_t pos, Doublecrew__V1__Row *row, uint8_t **ret_bytes,
                          size_t *ret_size)
{
    uint8_t key_copy[STORE_VIEW_KEY_MAX];
    enum status status;

    memcpy(key_copy, key->bytes, key->size);
    row->pos = pos;
    row->key = (ProtobufCBinaryData){key->size, key_copy};
    status = wire_pack(&row->base, ret_bytes, ret_size);
    row->key = (ProtobufCBinaryData){0, NULL};
    return status;
}

enum status feed_publish(struct batch *batch, const struct view_key *key, uint64_t pos, Doublecrew__V1__Row *row,
                         const struct scope_list *scopes)
{
    struct view_row view = {.key = span_of(key->bytes, key->size), .pos = pos};
    uint8_t *bytes;
    size_t size;
    enum status status;

    RETURN_IF_BAD(feed_pack_row(key, pos, row, &bytes, &size));
    view.row = span_of(bytes, size);
    status = feed_put_view(batch, &view, scopes);
    free(bytes);
    return status;
}

enum status feed_rescope(struct batch *batch, struct span key, uint64_t pos, const struct scope_list *scopes)
{
    struct hash row;

    RETURN_IF_BAD(hash_stored(batch, key, &row));
    return put_scopes(batch, key, pos, scopes, &row, &row);
}

enum status view_open(struct batch *batch, const struct view_key *key, Doublecrew__V1__Row **ret_row)
{
    struct view_row view;
    ProtobufCMessage *message;

    RETURN_IF_BAD(batch->store->ops->view_get(batch->store, span_of(key->bytes, key->size), &view));
    RETURN_IF_BAD(wire_unpack(batch->arena, &doublecrew__v1__row__descriptor, view.row, &message));
    *ret_row = (Doublecrew__V1__Row *)message;
    return STATUS_OK;
}
