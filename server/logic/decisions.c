/*
 * Which decision ends a presence's flags (A3, L2). Who may decide follows from all evidence, in the rule; so a decision takes
 * effect when the verdict says so, which may be later than it came, and loses it when the evidence does.
 */
#include "server/logic/batch_internal.h"

#include <stdio.h>
#include <string.h>

#include "core/payload.h"

#define DECIDED (RULE_REASON_DECIDED_COUNTS | RULE_REASON_DECIDED_AGAINST)

struct presence_search {
    const struct id *officer;
    bool found;
};

static enum status is_officers(void *context, const struct presence_row *row)
{
    struct presence_search *search = context;

    search->found = search->found || id_equal(&row->officer, search->officer);
    return STATUS_OK;
}

enum status is_involved(struct batch *batch, const struct id *officer, const struct presence_row *presence,
                        bool *ret_involved)
{
    struct presence_search search = {.officer = officer};

    *ret_involved = presence_is_about(presence, officer);
    if (*ret_involved)
        return STATUS_OK;
    RETURN_IF_BAD(batch->store->ops->presences_at(batch->store, &presence->offender, presence->from_us, presence->to_us,
                                                  is_officers, &search));
    *ret_involved = search.found;
    return STATUS_OK;
}

static enum status keep(struct batch *batch, const struct decision_row *row, const Doublecrew__V1__Decision *message)
{
    struct fresh_decision decision = {
        .presence = row->presence, .flag = pb_hash(message->flag_id), .by = row->by, .appropriate = row->counts};

    RETURN_IF_BAD(batch_list_room((void **)&batch->decisions, &batch->decision_capacity, batch->decision_count,
                                  sizeof(decision)));
    (void)snprintf(decision.reason_code, sizeof(decision.reason_code), "%s", message->reason_code);
    decision.words = strdup(message->words);
    if (decision.words == NULL)
        return STATUS_NO_MEMORY;
    batch->decisions[batch->decision_count++] = decision;
    return STATUS_OK;
}

enum status decision_remember(struct batch *batch, const struct decision_row *row,
                              const Doublecrew__V1__Decision *message)
{
    RETURN_IF_BAD(keep(batch, row, message));
    return batch_touch(batch, &row->presence);
}

bool is_decided(uint32_t reasons)
{
    return (reasons & DECIDED) != 0;
}

static enum status was_decided(struct batch *batch, const struct hash *presence, bool *ret_was)
{
    struct view_key key = view_key_of_hash('p', presence);
    Doublecrew__V1__Row *view;
    enum status status;

    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    status = view_open(batch, &key, &view);
    *ret_was = status == STATUS_OK && is_decided(view->presence->reasons);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Whether its author may decide, as of now; the only one who did is the one whom the verdict means. */
static enum status may_stand(struct batch *batch, const struct presence_row *presence, const struct id *by,
                             const struct decision_row *rows, size_t count, bool *ret_may)
{
    bool alone = true, involved;

    for (size_t i = 0; i < count; i++)
        alone = alone && id_equal(&rows[i].by, by);
    *ret_may = alone;
    if (alone)
        return STATUS_OK;
    RETURN_IF_BAD(is_involved(batch, by, presence, &involved));
    *ret_may = !involved;
    return STATUS_OK;
}

/* Its words, from the journal. */
static enum status recall_one(struct batch *batch, const struct decision_row *row)
{
    struct journal_entry found;
    ProtobufCMessage *message;

    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(journal_entry_at(batch, row->pos, &found));
    RETURN_IF_BAD(payload_open(batch->arena, found.entry->header.kind, entry_message(found.entry), &message));
    return keep(batch, row, (const Doublecrew__V1__Decision *)message);
}

enum status decision_recall(struct batch *batch, const struct presence_row *presence, uint32_t reasons)
{
    struct decision_row rows[LOGIC_DECISIONS_MAX];
    bool counts = (reasons & RULE_REASON_DECIDED_COUNTS) != 0, was, may = false;
    size_t count;

    if (!is_decided(reasons))
        return STATUS_OK;
    RETURN_IF_BAD(was_decided(batch, &presence->presence, &was));
    if (was)
        return STATUS_OK;
    for (size_t i = 0; i < batch->decision_count; i++) {
        if (hash_equal(&batch->decisions[i].presence, &presence->presence) && batch->decisions[i].appropriate == counts)
            return STATUS_OK; /* it has just come */
    }
    RETURN_IF_BAD(
        batch->store->ops->decisions_on(batch->store, &presence->presence, rows, LOGIC_DECISIONS_MAX, &count));
    for (size_t i = count; i > 0 && !may; i--) {
        if (rows[i - 1].counts != counts)
            continue;
        RETURN_IF_BAD(may_stand(batch, presence, &rows[i - 1].by, rows, count, &may));
        if (may)
            RETURN_IF_BAD(recall_one(batch, &rows[i - 1]));
    }
    return STATUS_OK;
}

enum status decision_that_ends(struct batch *batch, const struct presence_row *presence, uint32_t reasons,
                               struct fresh_decision **ret_decision)
{
    struct decision_row rows[LOGIC_DECISIONS_MAX];
    size_t count;
    bool may = false;

    *ret_decision = NULL;
    if (!is_decided(reasons))
        return STATUS_OK;
    RETURN_IF_BAD(
        batch->store->ops->decisions_on(batch->store, &presence->presence, rows, LOGIC_DECISIONS_MAX, &count));
    for (size_t i = batch->decision_count; i > 0 && !may; i--) { /* the last one speaks */
        if (!hash_equal(&batch->decisions[i - 1].presence, &presence->presence))
            continue;
        RETURN_IF_BAD(may_stand(batch, presence, &batch->decisions[i - 1].by, rows, count, &may));
        if (may)
            *ret_decision = &batch->decisions[i - 1];
    }
    return STATUS_OK;
}
