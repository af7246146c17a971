/*
 * Edits from outside their subject's scope: proposals to the owner (P4). They count for nothing until somebody of the
 * offender's team takes them over; from then on they are their author's edits like any other. The author sees a proposal whether
 * or not its subject exists, so neither Ack nor row says more than they wrote.
 */
#include "server/logic/batch_internal.h"

#include <stdlib.h>
#include <string.h>

/* A proposal with memory of its own: the store's bytes are gone at its next call. */
struct kept_proposal {
    struct proposal_row row;
    const Doublecrew__V1__Edit *edit; /* in the batch's arena */
    struct edit_subject subject;
    bool subject_known;
};

static const uint8_t *copy(struct arena *arena, struct span bytes)
{
    uint8_t *kept = arena_alloc(arena, bytes.size + 1);

    if (kept != NULL && bytes.size > 0)
        memcpy(kept, bytes.data, bytes.size);
    return kept;
}

static enum status open_proposal(struct batch *batch, const struct hash *entry, struct kept_proposal *ret_kept)
{
    struct proposal_row *row = &ret_kept->row;
    ProtobufCMessage *message;
    enum status status;

    RETURN_IF_BAD(batch->store->ops->proposal_get(batch->store, entry, row));
    row->subject.data = copy(batch->arena, row->subject);
    row->body.data = copy(batch->arena, row->body);
    if (row->subject.data == NULL || row->body.data == NULL)
        return STATUS_NO_MEMORY;
    RETURN_IF_BAD(wire_unpack(batch->arena, &doublecrew__v1__edit__descriptor, row->body, &message));
    ret_kept->edit = (const Doublecrew__V1__Edit *)message;
    status = edit_subject_find(batch, ret_kept->edit->subject, &ret_kept->subject);
    ret_kept->subject_known = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Who let it, in what words; NULL: nobody had to. */
struct answer {
    const struct id *by;
    int64_t at_us;
    char *words;
};

static enum status publish(struct batch *batch, const struct kept_proposal *kept, const struct answer *answer,
                           uint64_t pos)
{
    const struct proposal_row *stored = &kept->row;
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__ProposalRow proposal = DOUBLECREW__V1__PROPOSAL_ROW__INIT;
    struct view_key key = view_key_of_hash('q', &stored->entry);
    struct scope_list scopes;

    proposal.proposal = pb_from_hash(&stored->entry);
    proposal.subject = kept->edit->subject;
    proposal.officer_id = pb_from_id(&stored->officer);
    proposal.n_fields = kept->edit->n_fields;
    proposal.fields = kept->edit->fields;
    proposal.from_ms = stored->lower_us == INT64_MIN ? 0 : stored->lower_us / 1000;
    proposal.to_ms = stored->upper_us == INT64_MAX ? 0 : stored->upper_us / 1000;
    proposal.state = (Doublecrew__V1__ProposalState)stored->state; /* the same numbers */
    if (answer != NULL) {
        proposal.answered_by = pb_from_id(answer->by);
        proposal.answered_ms = answer->at_us / 1000;
        proposal.words = answer->words;
    }
    row.row_case = DOUBLECREW__V1__ROW__ROW_PROPOSAL;
    row.proposal = &proposal;
    RETURN_IF_BAD(scopes_of_proposal(batch, &stored->offender, &stored->officer, &scopes));
    return feed_publish(batch, &key, pos, &row, &scopes);
}

enum status propose(struct batch *batch, const struct edit_effect *effect, const Doublecrew__V1__Edit *message,
                    const struct edit_subject *subject)
{
    struct kept_proposal kept = {.row = {.entry = effect->entry,
                                         .subject = span_of(message->subject.data, message->subject.len),
                                         .offender = subject->offender,
                                         .officer = effect->officer,
                                         .lower_us = effect->bounds.lo_us,
                                         .upper_us = effect->bounds.hi_us,
                                         .state = PROPOSAL_OPEN},
                                 .edit = message};
    uint8_t *bytes;
    size_t size;
    enum status status;

    RETURN_IF_BAD(wire_pack(&message->base, &bytes, &size));
    kept.row.body = span_of(bytes, size);
    status = batch->store->ops->proposal_put(batch->store, &kept.row);
    free(bytes);
    RETURN_IF_BAD(status);
    RETURN_IF_BAD(publish(batch, &kept, NULL, effect->pos));
    return apply_waiting(batch, &effect->entry, effect->pos); /* answers that came first */
}

/* OVER_LIMIT: the fields' rows no longer follow. */
static enum status take_over(struct batch *batch, const struct kept_proposal *kept, uint64_t pos)
{
    struct edit_effect effect = {.entry = kept->row.entry,
                                 .officer = kept->row.officer,
                                 .bounds = {kept->row.lower_us, kept->row.upper_us},
                                 .let_by = kept->row.answer,
                                 .pos = pos};

    return edit_take_effect(batch, &effect, kept->edit, &kept->subject);
}

static enum status look_again_at(struct batch *batch, const struct hash *entry, uint64_t pos)
{
    struct kept_proposal kept;
    struct officer_row author;
    bool inside = false;
    enum status status;

    RETURN_IF_BAD(open_proposal(batch, entry, &kept));
    kept.row.offender = kept.subject.offender;
    status = kept.subject_known ? batch->store->ops->officer_get(batch->store, &kept.row.officer, &author)
                                : STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = edit_in_scope(batch, &author, &kept.subject, &inside);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (inside) {
        kept.row.state = PROPOSAL_ACCEPTED;
        status = take_over(batch, &kept, pos);
        if (status != STATUS_OVER_LIMIT)
            RETURN_IF_BAD(status);
    }
    RETURN_IF_BAD(batch->store->ops->proposal_put(batch->store, &kept.row));
    if (inside)
        return publish(batch, &kept, NULL, pos);
    /* the same row for more people: its author isn't told anything */
    struct view_key key = view_key_of_hash('q', entry);
    struct scope_list scopes;

    RETURN_IF_BAD(scopes_of_proposal(batch, &kept.row.offender, &kept.row.officer, &scopes));
    return feed_rescope(batch, span_of(key.bytes, key.size), pos, &scopes);
}

/* With an arena of its own: what came still needs its message, and there may be many. */
static enum status look_again(struct batch *batch, const struct hash *entry, uint64_t pos)
{
    struct arena *outer = batch->arena;
    enum status status = arena_new(&batch->arena);

    if (status == STATUS_OK) {
        status = look_again_at(batch, entry, pos);
        arena_free(batch->arena);
    }
    batch->arena = outer;
    return status;
}

struct entry_list {
    struct hash *entries;
    size_t count, capacity;
};

static enum status collect(void *context, const struct hash *entry)
{
    struct entry_list *list = context;

    RETURN_IF_BAD(batch_list_room((void **)&list->entries, &list->capacity, list->count, sizeof(*entry)));
    list->entries[list->count++] = *entry;
    return STATUS_OK;
}

enum status proposals_look_again(struct batch *batch, struct span about, uint64_t pos)
{
    struct entry_list list = {.count = 0};
    enum status status = batch->store->ops->proposals_open(batch->store, about, collect, &list);

    for (size_t i = 0; i < list.count && status == STATUS_OK; i++)
        status = look_again(batch, &list.entries[i], pos);
    free(list.entries);
    return status;
}

/* The offender's manager, or a manager or supervisor of the team; never the author. */
static bool may_answer(const struct officer_row *by, const struct offender_row *offender, const struct id *author)
{
    bool role =
        by->role == DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER || by->role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR;
    bool may = id_equal(&by->officer, &offender->manager);

    for (size_t i = 0; i < by->team_count && role; i++)
        may = may || id_equal(&by->teams[i], &offender->team);
    return may && !id_equal(&by->officer, author);
}

/* Says why the answer counts for nothing; NULL: it counts. */
static enum status objection(struct batch *batch, const struct applying *applying, const struct kept_proposal *kept,
                             const char **ret_held)
{
    struct offender_row offender;
    enum status status = batch->store->ops->offender_get(batch->store, &kept->subject.offender, &offender);

    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK && !may_answer(&applying->author, &offender, &kept->row.officer)))
        *ret_held = "not_permitted";
    else if (status == STATUS_OK)
        *ret_held = kept->row.state == PROPOSAL_OPEN ? NULL : "answered";
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The team, which sees a proposal only when its subject is known, can answer before the server can tell whose it is. */
static enum status wait_for_subject(struct batch *batch, const struct applying *applying,
                                    const struct kept_proposal *kept)
{
    struct hash awaited = pb_hash(kept->edit->subject);

    if (kept->edit->subject.len == ID_SIZE)
        awaited = awaited_offender(&kept->row.offender);
    return wait_for(batch, applying, &awaited);
}

enum status apply_proposal_answer(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__ProposalAnswer *message = (const Doublecrew__V1__ProposalAnswer *)base;
    struct answer answer = {.by = &applying->author.officer, .at_us = applying->received_us, .words = message->words};
    struct hash proposal = pb_hash(message->proposal);
    struct kept_proposal kept;
    enum status status = open_proposal(batch, &proposal, &kept);

    if (status == STATUS_NOT_FOUND) {
        applying->held = "unknown_proposal";
        return wait_for(batch, applying, &proposal);
    }
    RETURN_IF_BAD(status);
    if (!kept.subject_known) {
        applying->held = "unknown_proposal";
        return wait_for_subject(batch, applying, &kept);
    }
    RETURN_IF_BAD(objection(batch, applying, &kept, &applying->held));
    if (applying->held != NULL && kept.row.state != PROPOSAL_OPEN && !hash_is_zero(&kept.row.answer))
        return wait_for(batch, applying, &kept.row.answer); /* should a fork undo the one that stands */
    if (applying->held != NULL)
        return STATUS_OK;
    kept.row.state = message->accepted ? PROPOSAL_ACCEPTED : PROPOSAL_REFUSED;
    kept.row.answer = applying->entry->hash;
    if (message->accepted) {
        status = take_over(batch, &kept, applying->pos);
        if (status == STATUS_OVER_LIMIT)
            applying->held = "over_limit";
        else
            RETURN_IF_BAD(status);
    }
    RETURN_IF_BAD(batch->store->ops->proposal_put(batch->store, &kept.row));
    return publish(batch, &kept, &answer, applying->pos);
}

enum status proposal_withdraw(struct batch *batch, const struct hash *edit, bool *ret_applied)
{
    struct view_key key = view_key_of_hash('q', edit);
    struct scope_list nobody = {.count = 0};
    struct kept_proposal kept;
    enum status status = open_proposal(batch, edit, &kept);

    *ret_applied = status == STATUS_NOT_FOUND || (status == STATUS_OK && kept.row.state == PROPOSAL_ACCEPTED);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    kept.row.state = PROPOSAL_REFUSED;
    kept.row.answer = (struct hash){{0}};
    RETURN_IF_BAD(batch->store->ops->proposal_put(batch->store, &kept.row));
    return feed_rescope(batch, span_of(key.bytes, key.size), batch->next.pos, &nobody);
}

enum status proposal_answer_undo(struct batch *batch, const struct hash *entry,
                                 const Doublecrew__V1__ProposalAnswer *message)
{
    struct hash proposal = pb_hash(message->proposal);
    struct kept_proposal kept;
    bool accepted;
    enum status status = open_proposal(batch, &proposal, &kept);

    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !hash_equal(&kept.row.answer, entry)))
        return STATUS_OK; /* it never had an effect */
    RETURN_IF_BAD(status);
    accepted = kept.row.state == PROPOSAL_ACCEPTED;
    kept.row.state = PROPOSAL_OPEN;
    kept.row.answer = (struct hash){{0}};
    RETURN_IF_BAD(batch->store->ops->proposal_put(batch->store, &kept.row));
    RETURN_IF_BAD(publish(batch, &kept, NULL, batch->next.pos));
    if (accepted)
        RETURN_IF_BAD(edit_undo(batch, kept.edit));
    return apply_waiting(batch, entry, batch->next.pos);
}
