/*
 * Replay (J4): the journal's rows in order into an empty store. A batch is derived where the writer derived it: the first
 * push of each is marked in its delivery. What was told to people then is copied, not told anew; what would be told
 * otherwise now is counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/logic/batch_internal.h"

#define FETCH_ROWS 64

/* A row of the journal, its bytes owned. */
struct kept_row {
    struct journal_row row;
    uint8_t *bytes;
};

/* Rows are fetched a few at a time: a walk's callback may not write. */
struct fetch {
    struct kept_row rows[FETCH_ROWS];
    size_t count;
};

static void fetch_done(struct fetch *fetch)
{
    while (fetch->count > 0)
        free(fetch->rows[--fetch->count].bytes);
}

static enum status keep_row(void *context, const struct journal_row *row)
{
    struct fetch *fetch = context;
    struct kept_row *kept = &fetch->rows[fetch->count];

    if (fetch->count == FETCH_ROWS)
        return STATUS_CANCELLED;
    kept->bytes = malloc(row->delivery.size + row->body.size + 1);
    if (kept->bytes == NULL)
        return STATUS_NO_MEMORY;
    kept->row = *row;
    if (row->delivery.size > 0)
        memcpy(kept->bytes, row->delivery.data, row->delivery.size);
    if (row->body.size > 0)
        memcpy(kept->bytes + row->delivery.size, row->body.data, row->body.size);
    kept->row.delivery = span_of(kept->bytes, row->delivery.size);
    kept->row.body = span_of(kept->bytes + row->delivery.size, row->body.size);
    fetch->count++;
    return STATUS_OK;
}

struct rebuild {
    struct batch *batch;
    struct replay replay;
    struct arena *arena;
    struct sha256 *sha;
    uint64_t ours_from; /* pos of the record by which our engine took over; 0: from the beginning */
    bool older_allowed; /* the journal may end under an earlier engine */
};

/* What a derivation was expected to consume and didn't: copied all the same, and a difference. */
static enum status copy_unmatched(struct rebuild *rebuild)
{
    if (!rebuild->replay.has_issued)
        return STATUS_OK;
    rebuild->replay.has_issued = false;
    rebuild->replay.differences++;
    return journal_copy_row(rebuild->batch, &rebuild->replay.issued);
}

static enum status close_batch(struct rebuild *rebuild)
{
    struct batch *batch = rebuild->batch;

    if (!batch->open)
        return STATUS_OK;
    if (batch->pushed)
        RETURN_IF_BAD(derive_phase(batch));
    RETURN_IF_BAD(copy_unmatched(rebuild));
    return batch_finish(batch);
}

/* Timers that told nothing leave no row, but had fired by the time of the last record: unless it came in trouble (T5). */
static enum status fire_until_head(struct batch *batch)
{
    if (batch->head.pos == 0 || batch->head.timers_held)
        return STATUS_OK;
    RETURN_IF_BAD(batch_start(batch, batch->head.time_us));
    RETURN_IF_BAD(batch_fire_timers(batch, batch->time_us));
    return batch_finish(batch);
}

/* A batch as the writer began it; what it had to tick first stands in the journal as a row of its own. */
static enum status open_batch(struct batch *batch, const struct journal_row *row, bool timers_held)
{
    RETURN_IF_BAD(fire_until_head(batch));
    RETURN_IF_BAD(batch_start(batch, row->time_us));
    batch->hold_timers = timers_held;
    return timers_held ? STATUS_OK : batch_fire_timers(batch, row->time_us);
}

static enum status replay_push(struct rebuild *rebuild, const struct journal_row *row)
{
    struct batch_delivery delivery;
    struct batch_result result;
    ProtobufCMessage *message;
    struct push push;

    arena_reset(rebuild->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(wire_unpack(rebuild->arena, &doublecrew__v1__delivery__descriptor, row->delivery, &message));
    const Doublecrew__V1__Delivery *kept = (const Doublecrew__V1__Delivery *)message;
    if (kept->opens_batch) {
        RETURN_IF_BAD(close_batch(rebuild));
        RETURN_IF_BAD(open_batch(rebuild->batch, row, kept->timers_held));
    }
    if (!rebuild->batch->open || rebuild->batch->hold_timers != kept->timers_held ||
        rebuild->batch->time_us != row->time_us)
        return STATUS_STORE;
    delivery = (struct batch_delivery){pb_id(kept->device_id), pb_id(kept->boot_id), kept->hello_monotonic_ms,
                                       kept->hello_time_ms * 1000, kept->import};
    RETURN_IF_BAD(push_open(rebuild->arena, rebuild->sha, row->body, &push));
    RETURN_IF_BAD(batch_push(rebuild->batch, &push, row->body, &delivery, &result));
    return result.pos == row->first_pos + row->count - 1 ? STATUS_OK : STATUS_STORE;
}

/* An idle writer's tick comes after the timers that fired; the one that ends clock trouble before (T5). */
static enum status replay_tick(struct rebuild *rebuild, const struct journal_row *row)
{
    struct batch *batch = rebuild->batch;

    RETURN_IF_BAD(close_batch(rebuild));
    if (batch->head.timers_held) {
        RETURN_IF_BAD(batch_start(batch, row->time_us));
        RETURN_IF_BAD(batch_end_hold(batch));
    } else {
        RETURN_IF_BAD(open_batch(batch, row, false));
        RETURN_IF_BAD(journal_tick(batch));
    }
    return batch_finish(batch);
}

static enum status replay_told(struct rebuild *rebuild, const struct journal_row *row)
{
    RETURN_IF_BAD(batch_start(rebuild->batch, row->time_us));
    RETURN_IF_BAD(told_apply(rebuild->batch, row));
    return batch_finish(rebuild->batch);
}

/* The rest of what one phase told. */
static enum status replay_expected(struct rebuild *rebuild, const struct journal_row *row)
{
    struct replay *replay = &rebuild->replay;
    struct hash body;

    RETURN_IF_BAD(batch_start(rebuild->batch, row->time_us));
    RETURN_IF_BAD(sha256_bytes(rebuild->sha, row->body, &body));
    if (!hash_equal(&body, &replay->expected[replay->expected_at++]))
        replay->differences++;
    RETURN_IF_BAD(journal_copy_row(rebuild->batch, row));
    return batch_finish(rebuild->batch);
}

static bool is_expected(const struct rebuild *rebuild, const struct journal_row *row)
{
    return rebuild->replay.expected_at < rebuild->replay.expected_count && row->kind == JOURNAL_ISSUED &&
           row->time_us == rebuild->batch->head.time_us && !rebuild->batch->open;
}

/* What would have been told, and wasn't. */
static void forget_expected(struct replay *replay)
{
    replay->differences += replay->expected_count - replay->expected_at;
    replay->expected_count = 0;
    replay->expected_at = 0;
}

/* The end of the open batch, if it has its time; otherwise what one timer told. */
static enum status replay_issued(struct rebuild *rebuild, const struct journal_row *row)
{
    struct batch *batch = rebuild->batch;

    if (!batch->open || batch->time_us != row->time_us || !batch->pushed) {
        RETURN_IF_BAD(close_batch(rebuild));
        if (rebuild->replay.told_only)
            return replay_told(rebuild, row);
        if (batch->head.timers_held)
            return STATUS_STORE; /* timers fire only after the tick that ends clock trouble */
        RETURN_IF_BAD(batch_start(batch, row->time_us));
        rebuild->replay.issued = *row;
        rebuild->replay.has_issued = true;
        rebuild->replay.one_row = true;
        RETURN_IF_BAD(batch_fire_timers(batch, row->time_us));
        rebuild->replay.one_row = false;
        return close_batch(rebuild);
    }
    rebuild->replay.issued = *row;
    rebuild->replay.has_issued = true;
    return close_batch(rebuild);
}

/* Another engine's record is history; with ours everything is derived, and the row that follows is what that told. */
static enum status replay_engine(struct rebuild *rebuild, const struct journal_row *row)
{
    struct batch *batch = rebuild->batch;
    ProtobufCMessage *message;

    RETURN_IF_BAD(close_batch(rebuild));
    arena_reset(rebuild->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(wire_unpack(rebuild->arena, &doublecrew__v1__engine__descriptor, row->body, &message));
    RETURN_IF_BAD(batch_start(batch, row->time_us));
    RETURN_IF_BAD(journal_copy_row(batch, row));
    (void)snprintf(batch->next.engine, sizeof(batch->next.engine), "%s",
                   ((const Doublecrew__V1__Engine *)message)->version);
    if (row->first_pos != rebuild->ours_from)
        return batch_finish(batch);
    rebuild->replay.told_only = false;
    batch->pushed = true; /* its end is a derivation's */
    return engine_touch_all(batch);
}

static enum status replay_row(struct rebuild *rebuild, const struct journal_row *row)
{
    if (row->first_pos != rebuild->batch->next.pos + 1)
        return STATUS_STORE;
    if (is_expected(rebuild, row))
        return replay_expected(rebuild, row);
    forget_expected(&rebuild->replay);
    switch (row->kind) {
    case JOURNAL_PUSH:
        return replay_push(rebuild, row);
    case JOURNAL_TICK:
        return replay_tick(rebuild, row);
    case JOURNAL_ISSUED:
        return replay_issued(rebuild, row);
    case JOURNAL_ENGINE:
        return replay_engine(rebuild, row);
    case JOURNAL_EPOCH:
        RETURN_IF_BAD(close_batch(rebuild));
        RETURN_IF_BAD(fire_until_head(rebuild->batch));
        RETURN_IF_BAD(batch_start(rebuild->batch, row->time_us));
        RETURN_IF_BAD(epoch_apply(rebuild->batch, row));
        return batch_finish(rebuild->batch);
    }
    return STATUS_STORE;
}

static enum status finish(struct rebuild *rebuild, const struct store_head *from)
{
    struct batch *batch = rebuild->batch;

    RETURN_IF_BAD(close_batch(rebuild));
    RETURN_IF_BAD(fire_until_head(batch));
    if (batch->head.pos != from->pos || !hash_equal(&batch->head.root, &from->root))
        return STATUS_STORE;
    return STATUS_OK;
}

static enum status replay_to(struct rebuild *rebuild, struct store *from, uint64_t to_pos)
{
    struct fetch fetch = {.count = 0};
    uint64_t pos = 1;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && pos <= to_pos) {
        status = from->ops->journal_from(from, pos, keep_row, &fetch);
        status = status == STATUS_CANCELLED ? STATUS_OK : status;
        if (status == STATUS_OK && fetch.count == 0)
            status = STATUS_STORE; /* the journal ends before its head */
        for (size_t i = 0; i < fetch.count && status == STATUS_OK; i++) {
            status = replay_row(rebuild, &fetch.rows[i].row);
            pos = fetch.rows[i].row.first_pos + fetch.rows[i].row.count;
        }
        fetch_done(&fetch);
    }
    return status;
}

static enum status note_pos(void *context, const struct journal_row *row)
{
    *(uint64_t *)context = row->first_pos;
    return STATUS_OK;
}

/* The store says whose it is. */
static enum status leave_to(struct batch *batch, const char *engine)
{
    RETURN_IF_BAD(batch_start(batch, batch->head.time_us));
    (void)snprintf(batch->next.engine, sizeof(batch->next.engine), "%s", engine);
    batch->timers_fired = true; /* there is something to commit */
    return batch_finish(batch);
}

static enum status replay_all(struct rebuild *rebuild, struct store *from)
{
    struct store_head head;

    enum status engine = STATUS_OK;

    RETURN_IF_BAD(from->ops->head(from, &head));
    if (head.pos > 0)
        engine = engine_compare(head.engine, rebuild->batch->engine->version);
    if (engine == STATUS_ENGINE_OLDER && rebuild->older_allowed)
        rebuild->ours_from = UINT64_MAX;
    else if (engine != STATUS_OK)
        return engine;
    else
        RETURN_IF_BAD(from->ops->journal_of_kind(from, JOURNAL_ENGINE, 1, note_pos, &rebuild->ours_from));
    rebuild->replay.told_only = rebuild->ours_from > 0;
    RETURN_IF_BAD(replay_to(rebuild, from, head.pos));
    RETURN_IF_BAD(finish(rebuild, &head));
    return engine == STATUS_OK ? STATUS_OK : leave_to(rebuild->batch, head.engine);
}

static enum status rebuild_init(struct rebuild *rebuild)
{
    RETURN_IF_BAD(arena_new(&rebuild->arena));
    RETURN_IF_BAD(arena_new(&rebuild->replay.arena));
    RETURN_IF_BAD(sha256_new(&rebuild->sha));
    rebuild->batch->replay = &rebuild->replay;
    return STATUS_OK;
}

static void rebuild_done(struct rebuild *rebuild)
{
    free(rebuild->replay.untold);
    free(rebuild->replay.expected);
    arena_free(rebuild->replay.arena);
    arena_free(rebuild->arena);
    sha256_free(rebuild->sha);
}

enum status rebuild_in_place(struct batch *batch, uint64_t to_pos)
{
    struct rebuild rebuild = {.batch = batch, .replay = {.told_only = true, .in_place = true}};
    enum status status = rebuild_init(&rebuild);

    if (status == STATUS_OK)
        status = replay_to(&rebuild, batch->store, to_pos);
    if (status == STATUS_OK)
        status = close_batch(&rebuild);
    if (status == STATUS_OK)
        status = batch_start(batch, batch->head.time_us); /* in place: the transaction goes on */
    for (size_t i = 0; i < rebuild.replay.untold_count && status == STATUS_OK; i++)
        status = flag_touch_untold(batch, &rebuild.replay.untold[i]);
    batch->replay = NULL;
    rebuild_done(&rebuild);
    return status;
}

static enum status replay_into(struct store *from, struct store *to, const struct engine *engine, bool older_allowed,
                               struct rebuild_report *ret_report)
{
    struct rebuild rebuild = {.older_allowed = older_allowed};
    enum status status = batch_open_with(to, engine, &rebuild.batch);

    if (status == STATUS_OK && rebuild.batch->head.pos != 0)
        status = STATUS_EXISTS;
    if (status == STATUS_OK)
        status = rebuild_init(&rebuild);
    if (status == STATUS_OK)
        status = replay_all(&rebuild, from);
    if (status == STATUS_OK)
        *ret_report =
            (struct rebuild_report){rebuild.batch->head.pos, rebuild.replay.differences, rebuild.batch->head.root};
    batch_free(rebuild.batch);
    rebuild_done(&rebuild);
    return status;
}

enum status rebuild_replay_with(struct store *from, struct store *to, const struct engine *engine,
                                struct rebuild_report *ret_report)
{
    return replay_into(from, to, engine, false, ret_report);
}

enum status rebuild_restore(struct store *from, struct store *to, struct rebuild_report *ret_report)
{
    return replay_into(from, to, &engine_current, true, ret_report);
}

enum status rebuild_replay(struct store *from, struct store *to, struct rebuild_report *ret_report)
{
    return rebuild_replay_with(from, to, &engine_current, ret_report);
}
