/*
 * Epochs (E2): a journal that goes on from a backup says so in a record that its operator signed; whoever shows more of the
 * present epoch than the store holds proves that it was set back unsigned, and then nothing is appended.
 */
#include "core/epoch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint.h"
#include "server/logic/batch_internal.h"
#include "server/logic/epochs.h"

enum status force_keys_take(struct batch *batch, const Doublecrew__V1__Force *force)
{
    struct public_key operator_public;
    struct verify_key *server_key = NULL, *operator_key = NULL;

    RETURN_IF_BAD(public_key_from_wire(SIGN_ED25519, span_of(force->server_key.data, force->server_key.len),
                                       &batch->server_public));
    RETURN_IF_BAD(public_key_from_wire(force->key_algorithm, span_of(force->operator_key.data, force->operator_key.len),
                                       &operator_public));
    RETURN_IF_BAD(verify_key_new(&operator_public, &operator_key));
    enum status status = verify_key_new(&batch->server_public, &server_key);
    if (status != STATUS_OK) {
        verify_key_free(operator_key);
        return status;
    }
    force_keys_drop(batch);
    batch->server_key = server_key;
    batch->operator_key = operator_key;
    return STATUS_OK;
}

void force_keys_drop(struct batch *batch)
{
    verify_key_free(batch->server_key);
    verify_key_free(batch->operator_key);
    batch->server_key = NULL;
    batch->operator_key = NULL;
}

/* Records --------------------------------------------------------------------------------------------------------- */

static enum status statement_of(struct arena *arena, const struct journal_row *row, struct span *ret_statement)
{
    ProtobufCMessage *message;

    RETURN_IF_BAD(wire_unpack(arena, &doublecrew__v1__epoch__descriptor, row->body, &message));
    const Doublecrew__V1__Epoch *epoch = (const Doublecrew__V1__Epoch *)message;
    *ret_statement = span_of(epoch->statement.data, epoch->statement.len);
    return STATUS_OK;
}

/* Over the store's own journal the roots aren't worked out again; the head's was checked when it was opened. */
static bool continues(const struct batch *batch, const struct epoch_statement *statement)
{
    return id_equal(&statement->force, &batch->next.force) && id_equal(&statement->previous, &batch->next.epoch) &&
           statement->size == batch->next.pos && (in_place(batch) || hash_equal(&statement->root, &batch->head.root));
}

enum status epoch_apply(struct batch *batch, const struct journal_row *row)
{
    struct epoch_statement statement;
    struct span bytes;

    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(statement_of(batch->arena, row, &bytes));
    if (batch->operator_key == NULL || batch->next.pos != batch->head.pos)
        return STATUS_STORE;
    RETURN_IF_BAD(epoch_open(batch->sha, bytes, batch->operator_key, &statement));
    if (!continues(batch, &statement))
        return STATUS_INPUT;
    RETURN_IF_BAD(journal_copy_row(batch, row));
    batch->next.epoch = statement.epoch;
    return STATUS_OK;
}

/*
 * As of the last record: nothing falls due by then, and no timer may fire before the record that says what the journal goes
 * on from.
 */
static enum status append_epoch(struct batch *batch, struct span statement)
{
    Doublecrew__V1__Epoch message = DOUBLECREW__V1__EPOCH__INIT;
    struct journal_row row = {.count = 1, .kind = JOURNAL_EPOCH, .time_us = batch->head.time_us};
    uint8_t *bytes;
    size_t size;
    enum status status;

    message.statement = (ProtobufCBinaryData){statement.size, (uint8_t *)(uintptr_t)statement.data};
    RETURN_IF_BAD(wire_pack(&message.base, &bytes, &size));
    row.body = span_of(bytes, size);
    status = epoch_apply(batch, &row);
    free(bytes);
    return status;
}

enum status batch_epoch(struct batch *batch, struct span statement)
{
    enum status status = batch_start(batch, batch->head.time_us);

    if (status == STATUS_OK)
        status = append_epoch(batch, statement);
    if (status != STATUS_OK) {
        batch_abort(batch);
        return status;
    }
    RETURN_IF_BAD(batch_finish(batch));
    batch->behind = false; /* what was shown before is of the epoch that ended */
    return STATUS_OK;
}

/* What peers show ------------------------------------------------------------------------------------------------- */

struct epoch_walk {
    struct sha256 *sha;
    struct arena *arena;
    const struct id *from; /* epoch whose end is looked for; NULL: none */
    struct epoch_look *look;
    bool found;
    int64_t newest_ms;
};

static void keep_statement(struct epoch_look *look, struct span bytes)
{
    if (look->statement_count == EPOCHS_SHOWN_MAX) {
        memmove(look->statements[0], look->statements[1], (EPOCHS_SHOWN_MAX - 1) * sizeof(look->statements[0]));
        look->statement_count--;
    }
    memcpy(look->statements[look->statement_count++], bytes.data, EPOCH_STATEMENT_SIZE);
}

static enum status look_at_statement(void *context, const struct journal_row *row)
{
    struct epoch_walk *walk = context;
    struct epoch_statement statement;
    struct span bytes;

    arena_reset(walk->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(statement_of(walk->arena, row, &bytes));
    RETURN_IF_BAD(epoch_read(walk->sha, bytes, &statement));
    walk->newest_ms = statement.time_ms;
    if (walk->from != NULL && id_equal(&statement.previous, walk->from)) {
        walk->found = true;
        walk->look->statement_count = 0;
        walk->look->kept_size = statement.size;
    }
    keep_statement(walk->look, bytes);
    return STATUS_OK;
}

enum status epochs_look(struct store *store, struct sha256 *sha, struct arena *arena, const struct store_head *head,
                        const struct checkpoint *held, struct epoch_look *ret_look)
{
    struct epoch_look look = {.place = EPOCH_SAME, .kept_size = head->pos};
    struct epoch_walk walk = {.sha = sha, .arena = arena, .from = &held->epoch, .look = &look};

    if (id_equal(&held->epoch, &head->epoch)) {
        if (held->size > head->pos)
            look.place = EPOCH_BEYOND;
        *ret_look = look;
        return STATUS_OK;
    }
    RETURN_IF_BAD(store->ops->journal_of_kind(store, JOURNAL_EPOCH, 1, look_at_statement, &walk));
    if (walk.found) {
        look.place = EPOCH_EARLIER;
    } else {
        look.kept_size = 0;
        /* Of an epoch that this journal never had: what the operator signed since gave it up, or we are the ones set back. */
        look.place = look.statement_count > 0 && walk.newest_ms >= held->time_ms ? EPOCH_GIVEN_UP : EPOCH_BEYOND;
    }
    *ret_look = look;
    return STATUS_OK;
}

static enum status judge_shown(struct batch *batch, struct span text, bool *ret_behind)
{
    struct checkpoint shown;
    struct epoch_look *look;
    enum status status;

    if (batch->server_key == NULL)
        return STATUS_BAD_SIGNATURE;
    RETURN_IF_BAD(checkpoint_open(batch->sha, text, &batch->server_public, batch->server_key, &shown));
    *ret_behind = false;
    if (!id_equal(&shown.force, &batch->head.force))
        return STATUS_OK;
    look = malloc(sizeof(*look));
    if (look == NULL)
        return STATUS_NO_MEMORY;
    status = epochs_look(batch->store, batch->sha, batch->scratch, &batch->head, &shown, look);
    *ret_behind = status == STATUS_OK && look->place == EPOCH_BEYOND;
    free(look);
    return status;
}

enum status batch_show(struct batch *batch, struct span text)
{
    bool behind = false;
    enum status status;

    assert(!batch->open);
    RETURN_IF_BAD(judge_shown(batch, text, &behind));
    if (!behind || batch->behind)
        return STATUS_OK;
    batch->behind = true; /* even if the disk doesn't keep it */
    RETURN_IF_BAD(batch->store->ops->begin(batch->store));
    status = batch->store->ops->witness_put(batch->store, text);
    if (status == STATUS_OK)
        status = batch->store->ops->commit(batch->store);
    if (status != STATUS_OK)
        batch->store->ops->rollback(batch->store);
    return status;
}

enum status epoch_read_witness(struct batch *batch)
{
    char text[CHECKPOINT_TEXT_MAX];
    struct span kept;
    enum status status = batch->store->ops->witness_get(batch->store, &kept);

    batch->behind = false;
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status != STATUS_OK || kept.size > sizeof(text))
        return status == STATUS_OK ? STATUS_STORE : status;
    memcpy(text, kept.data, kept.size);
    status = judge_shown(batch, span_of(text, kept.size), &batch->behind);
    return status == STATUS_BAD_SIGNATURE || status == STATUS_MALFORMED ? STATUS_STORE : status;
}

bool batch_is_behind(const struct batch *batch)
{
    return batch->behind;
}

struct span batch_shown(const struct batch *batch)
{
    return span_of(batch->shown, batch->shown_size);
}
