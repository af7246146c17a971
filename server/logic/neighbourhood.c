#include "server/logic/neighbourhood.h"

#include <stdlib.h>

enum status neighbourhood_new(struct neighbourhood **ret_neighbourhood)
{
    *ret_neighbourhood = calloc(1, sizeof(**ret_neighbourhood));
    return *ret_neighbourhood != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

void neighbourhood_free(struct neighbourhood *neighbourhood)
{
    free(neighbourhood);
}

static bool holds(const struct neighbourhood *hood, const struct hash *presence)
{
    for (size_t i = 0; i < hood->count; i++) {
        if (hash_equal(&hood->rows[i].presence, presence))
            return true;
    }
    return false;
}

static enum status add_row(void *context, const struct presence_row *row)
{
    struct neighbourhood *hood = context;

    if (holds(hood, &row->presence))
        return STATUS_OK;
    if (hood->count == RULE_PRESENCES_MAX)
        return STATUS_OVER_LIMIT;
    hood->rows[hood->count++] = *row;
    return STATUS_OK;
}

/* For what only narrows times: as much of it as there is room for, in order of ids. */
static enum status add_row_if_room(void *context, const struct presence_row *row)
{
    struct neighbourhood *hood = context;

    return hood->count < RULE_PRESENCES_MAX ? add_row(hood, row) : STATUS_OK;
}

static int by_id(const void *a, const void *b)
{
    return hash_compare(&((const struct presence_row *)a)->presence, &((const struct presence_row *)b)->presence);
}

/* The presences at one offender that are linked in time: closed under overlap of their loose bounds. */
static enum status collect_own(struct batch *batch, struct neighbourhood *hood, const struct presence_row *seed)
{
    int64_t from_us = seed->from_us, to_us = seed->to_us;
    size_t before;

    RETURN_IF_BAD(add_row(hood, seed));
    do {
        before = hood->count;
        RETURN_IF_BAD(batch->store->ops->presences_at(batch->store, &seed->offender, from_us, to_us, add_row, hood));
        for (size_t i = before; i < hood->count; i++) {
            from_us = hood->rows[i].from_us < from_us ? hood->rows[i].from_us : from_us;
            to_us = hood->rows[i].to_us > to_us ? hood->rows[i].to_us : to_us;
        }
    } while (hood->count > before);
    hood->own_count = hood->count;
    qsort(hood->rows, hood->own_count, sizeof(hood->rows[0]), by_id);
    return STATUS_OK;
}

static enum status add_cosigned(struct batch *batch, struct neighbourhood *hood, const struct presence_row *row)
{
    struct presence_row other;
    enum status status;

    if (!row->has_cosign)
        return STATUS_OK;
    status = batch->store->ops->presence_get(batch->store, &row->cosign_other, &other);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    return status == STATUS_OK ? add_row(hood, &other) : status;
}

static bool is_of_boot(const struct presence_row *mate, const struct presence_row *row)
{
    return id_equal(&mate->log, &row->log) &&
           (id_equal(&mate->in.boot, &row->in.boot) || (mate->has_out && id_equal(&mate->out.boot, &row->in.boot)));
}

/* A boot that never met the server: what else was done in it, and with whom, may say when. */
static enum status add_boot_mates(struct batch *batch, struct neighbourhood *hood, const struct presence_row *row)
{
    bool loose;

    RETURN_IF_BAD(clock_is_loose(batch, &row->log, &row->in.boot, &loose));
    if (!loose)
        return STATUS_OK;
    RETURN_IF_BAD(batch->store->ops->presences_in_boot(batch->store, &row->log, &row->in.boot, add_row_if_room, hood));
    for (size_t i = 0, mates = hood->count; i < mates && hood->count < RULE_PRESENCES_MAX; i++) {
        struct presence_row mate = hood->rows[i]; /* may have been there already, as the officer's elsewhere */

        if (is_of_boot(&mate, row))
            RETURN_IF_BAD(add_cosigned(batch, hood, &mate));
    }
    return STATUS_OK;
}

/* Whether a decision on what somebody did elsewhere counts rests on where its author was then (L2). */
static enum status add_deciders(struct batch *batch, struct neighbourhood *hood, const struct presence_row *row)
{
    struct decision_row decisions[LOGIC_DECISIONS_MAX];
    size_t count;

    RETURN_IF_BAD(
        batch->store->ops->decisions_on(batch->store, &row->presence, decisions, LOGIC_DECISIONS_MAX, &count));
    for (size_t i = 0; i < count; i++)
        RETURN_IF_BAD(batch->store->ops->presences_of(batch->store, &decisions[i].by, row->from_us, row->to_us,
                                                      add_row_if_room, hood));
    return STATUS_OK;
}

/* The same officers elsewhere at that time, and what co-signing links. */
static enum status collect_context(struct batch *batch, struct neighbourhood *hood)
{
    for (size_t i = 0; i < hood->own_count; i++) {
        struct presence_row row = hood->rows[i];

        RETURN_IF_BAD(
            batch->store->ops->presences_of(batch->store, &row.officer, row.from_us, row.to_us, add_row, hood));
        RETURN_IF_BAD(add_cosigned(batch, hood, &row));
    }
    /* When an officer was elsewhere may only be known by whom they met there. */
    for (size_t i = hood->own_count, elsewhere = hood->count; i < elsewhere && hood->count < RULE_PRESENCES_MAX; i++) {
        struct presence_row row = hood->rows[i];

        RETURN_IF_BAD(add_cosigned(batch, hood, &row));
        RETURN_IF_BAD(add_deciders(batch, hood, &row));
    }
    for (size_t i = 0; i < hood->own_count; i++) {
        struct presence_row row = hood->rows[i];

        RETURN_IF_BAD(add_boot_mates(batch, hood, &row));
    }
    return STATUS_OK;
}

enum status neighbourhood_collect(struct batch *batch, struct neighbourhood *hood, const struct presence_row *seed)
{
    hood->count = hood->own_count = 0;
    RETURN_IF_BAD(batch->store->ops->offender_get(batch->store, &seed->offender, &hood->offender));
    RETURN_IF_BAD(collect_own(batch, hood, seed));
    RETURN_IF_BAD(collect_context(batch, hood));
    qsort(hood->rows + hood->own_count, hood->count - hood->own_count, sizeof(hood->rows[0]), by_id);
    return STATUS_OK;
}

void neighbourhood_alone(struct neighbourhood *hood, const struct presence_row *row)
{
    hood->rows[0] = *row;
    hood->own_count = hood->count = 1;
}
