#include "server/logic/cover.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum status batch_list_room(void **list, size_t *capacity, size_t count, size_t element_size)
{
    size_t larger = *capacity ? *capacity * 2 : 16;
    void *grown;

    if (count < *capacity)
        return STATUS_OK;
    grown = reallocarray(*list, larger, element_size);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    *list = grown;
    *capacity = larger;
    return STATUS_OK;
}

/* The server's own key stands in record 1: anchors are verified with it; the operator's too, for epochs. */
static enum status read_keys(void *context, const struct journal_row *row)
{
    struct batch *batch = context;
    ProtobufCMessage *message;
    struct push push;

    if (row->kind != JOURNAL_PUSH)
        return STATUS_STORE;
    arena_reset(batch->scratch, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(push_open(batch->scratch, batch->sha, row->body, &push));
    RETURN_IF_BAD(
        wire_unpack(batch->scratch, &doublecrew__v1__force__descriptor, entry_message(&push.entries[0]), &message));
    const Doublecrew__V1__Force *force = (const Doublecrew__V1__Force *)message;
    RETURN_IF_BAD(force_keys_take(batch, force));
    return STATUS_CANCELLED; /* the first row is enough */
}

enum status batch_read_journal(struct batch *batch)
{
    struct hash root;
    enum status engine;

    RETURN_IF_BAD(batch->store->ops->head(batch->store, &batch->head));
    RETURN_IF_BAD(merkle_edge_load(batch->store, batch->sha, batch->scratch, batch->head.pos, &batch->tree));
    if (batch->head.pos == 0)
        return STATUS_OK;
    engine = engine_compare(batch->head.engine, batch->engine->version);
    if (engine != STATUS_OK && engine != STATUS_ENGINE_OLDER)
        return engine;
    RETURN_IF_BAD(merkle_root(&batch->tree, batch->sha, &root));
    if (!hash_equal(&root, &batch->head.root))
        return STATUS_STORE;
    enum status status = batch->store->ops->journal_from(batch->store, 1, read_keys, batch);
    if (status == STATUS_CANCELLED)
        return epoch_read_witness(batch);
    return status == STATUS_OK ? STATUS_STORE : status;
}

enum status batch_open(struct store *store, struct batch **ret_batch)
{
    return batch_open_with(store, &engine_current, ret_batch);
}

enum status batch_open_with(struct store *store, const struct engine *engine, struct batch **ret_batch)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    enum status status;

    if (batch == NULL)
        return STATUS_NO_MEMORY;
    batch->store = store;
    batch->engine = engine;
    status = sha256_new(&batch->sha);
    if (status == STATUS_OK)
        status = arena_new(&batch->arena);
    if (status == STATUS_OK)
        status = arena_new(&batch->scratch);
    if (status == STATUS_OK)
        status = neighbourhood_new(&batch->neighbourhood);
    if (status == STATUS_OK)
        status = visit_records_new(&batch->visit_records);
    if (status == STATUS_OK)
        status = batch_read_journal(batch);
    if (status != STATUS_OK) {
        batch_free(batch);
        return status;
    }
    *ret_batch = batch;
    return STATUS_OK;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    batch_abort(batch);
    flags_told_forget(batch);
    free(batch->flags);
    free(batch->seeds);
    free(batch->changed);
    free(batch->items);
    free(batch->flag_touches);
    free(batch->decisions);
    free(batch->in_charge);
    free(batch->noted);
    free(batch->cover_touches);
    for (size_t i = 0; i < batch->reason_count; i++)
        free(batch->reasons[i]);
    hash_set_done(&batch->touched);
    hash_set_done(&batch->changed_set);
    hash_set_done(&batch->derived);
    neighbourhood_free(batch->neighbourhood);
    visit_records_free(batch->visit_records);
    force_keys_drop(batch);
    arena_free(batch->scratch);
    arena_free(batch->arena);
    sha256_free(batch->sha);
    free(batch);
}

enum status batch_start(struct batch *batch, int64_t time_us)
{
    assert(!batch->open);
    flags_told_forget(batch);
    if (!in_place(batch))
        RETURN_IF_BAD(batch->store->ops->begin(batch->store));
    batch->open = true;
    batch->pushed = false;
    batch->timers_fired = false;
    batch->hold_timers = false;
    batch->roster_changed = false;
    batch->named = (struct batch_named){0};
    scope_set_clear(&batch->changed_scopes);
    batch->policy_count = 0;
    batch->clock_changed.any = false;
    batch->log_memo.known = false;
    batch->voids_read = false;
    batch->in_charge_read = false;
    batch->clock_memo = (struct clock_memo){0};
    batch->tree_before = batch->tree;
    batch->next = batch->head;
    batch->time_us = time_us > batch->head.time_us ? time_us : batch->head.time_us;
    batch->phase_time_us = batch->time_us;
    return STATUS_OK;
}

/* A timer's id is the flag's whose clock it is, the presence's, or made of the officer whose cover begins or ends. */
static enum status timer_fired(struct batch *batch, const struct hash *id)
{
    struct id officer;
    enum status status;

    if (cover_of_timer(id, &officer))
        return cover_touch(batch, &officer);
    status = flag_clock_fired(batch, id);
    return status == STATUS_NOT_FOUND ? batch_touch(batch, id) : status;
}

/* Each timer is a phase of its own, as of its due time (J2); in clock trouble others may have been recorded since (T5). */
enum status batch_fire_timers(struct batch *batch, int64_t until_us)
{
    struct timer_row timer;
    enum status status;

    while ((status = batch->store->ops->timer_first(batch->store, until_us, &timer)) == STATUS_OK) {
        RETURN_IF_BAD(batch->store->ops->timer_clear(batch->store, &timer.id));
        batch->timers_fired = true;
        batch->phase_time_us = timer.due_us > batch->next.time_us ? timer.due_us : batch->next.time_us;
        batch->timer_last_us = batch->phase_time_us;
        RETURN_IF_BAD(timer_fired(batch, &timer.id));
        RETURN_IF_BAD(derive_phase(batch));
        if (batch->replay != NULL && batch->replay->one_row && !batch->replay->has_issued)
            break; /* the row was this timer's; what comes next has its own */
    }
    batch->phase_time_us = batch->time_us;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status batch_end_hold(struct batch *batch)
{
    if (!batch->next.timers_held)
        return STATUS_OK;
    batch->next.timers_held = false;
    return journal_tick(batch);
}

enum status batch_begin_held(struct batch *batch, int64_t now_us)
{
    RETURN_IF_BAD(batch_take_over(batch, now_us, NULL)); /* also: refused when behind */
    RETURN_IF_BAD(batch_start(batch, now_us));
    batch->hold_timers = true;
    return STATUS_OK;
}

enum status batch_begin(struct batch *batch, int64_t now_us)
{
    enum status status = batch_take_over(batch, now_us, NULL);

    if (status != STATUS_OK)
        return status;
    status = batch_start(batch, now_us);
    if (status == STATUS_OK)
        status = batch_end_hold(batch);
    if (status == STATUS_OK)
        status = batch_fire_timers(batch, batch->time_us);
    if (status != STATUS_OK)
        batch_abort(batch);
    return status;
}

static enum status seal_head(struct batch *batch)
{
    RETURN_IF_BAD(merkle_root(&batch->tree, batch->sha, &batch->next.root));
    RETURN_IF_BAD(batch->store->ops->head_put(batch->store, &batch->next));
    return batch->store->ops->commit(batch->store);
}

enum status batch_finish(struct batch *batch)
{
    if (in_place(batch)) {
        batch->head = batch->next;
    } else if (batch->next.pos == batch->head.pos && !batch->timers_fired) {
        batch->store->ops->rollback(batch->store);
    } else {
        enum status status = seal_head(batch);

        if (status != STATUS_OK) {
            batch_abort(batch);
            return status;
        }
        batch->head = batch->next;
    }
    phase_forget(batch);
    batch->open = false;
    return STATUS_OK;
}

enum status batch_commit(struct batch *batch)
{
    enum status status = STATUS_OK;

    assert(batch->open);
    if (batch->pushed)
        status = derive_phase(batch);
    else if (batch->timers_fired && batch->next.time_us < batch->timer_last_us)
        status = journal_tick(batch);
    if (status != STATUS_OK) {
        batch_abort(batch);
        return status;
    }
    return batch_finish(batch);
}

void batch_abort(struct batch *batch)
{
    if (!batch->open)
        return;
    batch->store->ops->rollback(batch->store);
    visit_records_drop(batch->visit_records);
    batch->tree = batch->tree_before;
    batch->policy_count = 0;
    batch->clock_changed.any = false;
    batch->log_memo.known = false;
    batch->voids_read = false;
    batch->roster_changed = false;
    batch->open = false;
    phase_forget(batch);
    flags_told_forget(batch);
    if (batch->head.pos == 0)
        force_keys_drop(batch);
}

const struct store_head *batch_head(const struct batch *batch)
{
    return &batch->head;
}

const struct batch_flag *batch_flags(const struct batch *batch, size_t *ret_count)
{
    *ret_count = batch->flag_count;
    return batch->flags;
}

bool batch_roster_changed(const struct batch *batch)
{
    return batch->roster_changed;
}

const struct scope_set *batch_changed_scopes(const struct batch *batch)
{
    return &batch->changed_scopes;
}

const struct batch_named *batch_named(const struct batch *batch)
{
    return &batch->named;
}

static bool is_named(const struct batch_named *named, const struct id *officer)
{
    for (size_t i = 0; i < named->count; i++) {
        if (id_equal(&named->officers[i], officer))
            return true;
    }
    return false;
}

void batch_note_named(struct batch *batch, const struct id *officers, size_t count)
{
    struct batch_named *named = &batch->named;

    for (size_t i = 0; i < count && !named->all; i++) {
        if (is_named(named, &officers[i]))
            continue;
        named->all = named->count == BATCH_NAMED_MAX;
        if (!named->all)
            named->officers[named->count++] = officers[i];
    }
}

enum status batch_next_timer(struct batch *batch, int64_t *ret_due_us)
{
    struct timer_row timer;
    enum status status = batch->store->ops->timer_first(batch->store, INT64_MAX, &timer);

    if (status == STATUS_OK)
        *ret_due_us = timer.due_us;
    else if (status == STATUS_NOT_FOUND)
        *ret_due_us = RULE_FOREVER;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
