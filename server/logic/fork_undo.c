/*
 * What a log did from its fork on, undone (F2, J3). Facts are held by the rule. Acts had an effect when they came, if the fork
 * wasn't known then; now they are marked, everything that reads acts leaves them out, and what had followed is worked out again.
 * So it is the same whether the fork or its branches became known first.
 */
#include "server/logic/cover.h"

#include "core/payload.h"

struct undo {
    struct batch *batch;
    bool mark; /* first all are marked, then each is undone */
};

static enum status undo_decision(struct batch *batch, const Doublecrew__V1__Decision *message)
{
    struct hash presence = pb_hash(message->presence);
    struct presence_row row;
    enum status status = batch->store->ops->presence_get(batch->store, &presence, &row);

    if (status == STATUS_OK)
        return batch_touch_changed(batch, &presence);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status undo_word(struct batch *batch, const struct hash *entry,
                             const Doublecrew__V1__AuthorityWord *message)
{
    struct id offender = pb_id(message->offender_id);

    RETURN_IF_BAD(request_answer_undo(batch, entry, message));
    return batch_touch_at(batch, &offender, INT64_MIN, INT64_MAX);
}

static enum status undo_plan(struct batch *batch, const Doublecrew__V1__Plan *message)
{
    struct id plan = pb_id(message->plan_id), offender = pb_id(message->offender_id);

    RETURN_IF_BAD(batch_touch_at(batch, &offender, message->from_ms * 1000, message->to_ms * 1000));
    return plan_again(batch, &plan);
}

static enum status undo_edit(struct batch *batch, const struct hash *entry, const Doublecrew__V1__Edit *message)
{
    bool applied;

    RETURN_IF_BAD(proposal_withdraw(batch, entry, &applied));
    return applied ? edit_undo(batch, message) : STATUS_OK;
}

static enum status undo_cover(struct batch *batch, const Doublecrew__V1__Cover *message)
{
    struct id officer = pb_id(message->officer_id), by = pb_id(message->by_officer_id);

    RETURN_IF_BAD(cover_touch(batch, &officer));
    return cover_words_review(batch, &by, batch->next.pos);
}

static enum status undo_act(struct batch *batch, uint16_t kind, const struct hash *entry,
                            const ProtobufCMessage *message)
{
    switch (kind) {
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DECISION:
        return undo_decision(batch, (const Doublecrew__V1__Decision *)message);
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_AUTHORITY_WORD:
        return undo_word(batch, entry, (const Doublecrew__V1__AuthorityWord *)message);
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_AUTHORITY_REQUEST:
        return request_undo(batch, entry);
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_PLAN:
        return undo_plan(batch, (const Doublecrew__V1__Plan *)message);
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_EDIT:
        return undo_edit(batch, entry, (const Doublecrew__V1__Edit *)message);
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_COVER:
        return undo_cover(batch, (const Doublecrew__V1__Cover *)message);
    case DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_PROPOSAL_ANSWER:
        return proposal_answer_undo(batch, entry, (const Doublecrew__V1__ProposalAnswer *)message);
    default:
        return STATUS_OK; /* facts, and what was done and seen: an acknowledgement, an answer, a change of the roster */
    }
}

enum status fork_undo_act(struct batch *batch, const struct entry *entry)
{
    ProtobufCMessage *message;

    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(payload_open(batch->arena, entry->header.kind, entry_message(entry), &message));
    return undo_act(batch, entry->header.kind, &entry->hash, message);
}

static enum status each_entry(void *context, const struct log_record *record)
{
    struct undo *undo = context;
    uint16_t kind = record->entry->header.kind;
    ProtobufCMessage *message;
    enum status status;

    if (undo->mark)
        return undo->batch->store->ops->contested_put(undo->batch->store, &record->entry->hash);
    arena_reset(undo->batch->arena, ARENA_CAP_DEFAULT);
    status = payload_open(undo->batch->arena, kind, entry_message(record->entry), &message);
    if (status == STATUS_NO_MEMORY)
        return status;
    return status == STATUS_OK ? undo_act(undo->batch, kind, &record->entry->hash, message)
                               : STATUS_OK; /* malformed: had no effect */
}

static enum status mark_and_undo(struct batch *batch, const struct id *log, uint64_t from_seq, uint64_t to_seq)
{
    struct undo undo = {.batch = batch, .mark = true};

    RETURN_IF_BAD(log_walk(batch, log, from_seq, to_seq, each_entry, &undo));
    undo.mark = false;
    return log_walk(batch, log, from_seq, to_seq, each_entry, &undo);
}

enum status fork_undo(struct batch *batch, const struct device_row *device, uint64_t from_seq, uint64_t to_seq)
{
    struct arena *callers = batch->arena; /* may hold the message that made the fork known */
    enum status status;

    RETURN_IF_BAD(arena_new(&batch->arena));
    status = mark_and_undo(batch, &device->log, from_seq, to_seq);
    arena_free(batch->arena);
    batch->arena = callers;
    return status;
}
