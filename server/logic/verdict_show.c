/* The row of a verdict that people see, and what it gives to its offender's. */
#include <string.h>

#include "server/logic/batch_internal.h"

typedef Doublecrew__V1__PresenceRow presence_message;

/* What one presence gives to its offender's "last seen" and "last compliant"; 0: nothing. */
struct contribution {
    int64_t seen_ms;
    int64_t compliant_ms;
};

static struct contribution contribution_of(const presence_message *row)
{
    struct contribution contribution = {0};

    if (row->out_to_ms != 0 && strcmp(row->outcome, rule_outcome_name(RULE_OUTCOME_SEEN)) == 0)
        contribution.seen_ms = row->out_to_ms;
    if (row->out_to_ms != 0 && row->due_met)
        contribution.compliant_ms = row->out_to_ms;
    return contribution;
}

struct contribution_search {
    struct batch *batch;
    struct contribution greatest;
};

static enum status add_contribution(void *context, const struct presence_row *row)
{
    struct contribution_search *search = context;
    struct view_key key = view_key_of_hash('p', &row->presence);
    Doublecrew__V1__Row *view;
    enum status status;

    arena_reset(search->batch->arena, ARENA_CAP_DEFAULT);
    status = view_open(search->batch, &key, &view);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    struct contribution one = contribution_of(view->presence);
    if (one.seen_ms > search->greatest.seen_ms)
        search->greatest.seen_ms = one.seen_ms;
    if (one.compliant_ms > search->greatest.compliant_ms)
        search->greatest.compliant_ms = one.compliant_ms;
    return STATUS_OK;
}

/* A greater one replaces; when the greatest shrank, all of the offender's presences are looked at: that is rare. */
static bool fold(int64_t *stored, int64_t before, int64_t after)
{
    if (after >= *stored) {
        *stored = after;
        return false;
    }
    return before == *stored && after < before;
}

static enum status publish_offender(struct batch *batch, const struct id *offender, const struct contribution *before,
                                    const struct contribution *after, uint64_t pos)
{
    struct view_key key = view_key_of_id('x', offender);
    struct contribution_search search = {.batch = batch};
    struct contribution stored;
    Doublecrew__V1__Row *row;
    struct scope_list scopes;
    bool shrank;

    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    RETURN_IF_BAD(view_open(batch, &key, &row));
    stored = (struct contribution){row->offender->last_seen_ms, row->offender->last_compliant_ms};
    search.greatest = stored;
    shrank = fold(&search.greatest.seen_ms, before->seen_ms, after->seen_ms);
    shrank = fold(&search.greatest.compliant_ms, before->compliant_ms, after->compliant_ms) || shrank;
    if (shrank) {
        search.greatest = (struct contribution){0};
        RETURN_IF_BAD(
            batch->store->ops->presences_at(batch->store, offender, INT64_MIN, INT64_MAX, add_contribution, &search));
        RETURN_IF_BAD(view_open(batch, &key, &row));
    }
    if (search.greatest.seen_ms == stored.seen_ms && search.greatest.compliant_ms == stored.compliant_ms)
        return STATUS_OK;
    row->offender->last_seen_ms = search.greatest.seen_ms;
    row->offender->last_compliant_ms = search.greatest.compliant_ms;
    RETURN_IF_BAD(scopes_of_offender(batch, offender, &scopes));
    return feed_publish(batch, &key, pos, row, &scopes);
}

/* The view of before is read in any case, though the caller may have seen it: what people see follows from what was told. */
enum status verdict_show(struct batch *batch, presence_message *row, uint64_t pos)
{
    struct contribution before = {0}, after = contribution_of(row);
    Doublecrew__V1__Row view = DOUBLECREW__V1__ROW__INIT;
    struct hash presence = pb_hash(row->presence);
    struct id offender = pb_id(row->offender_id), officer = pb_id(row->officer_id);
    struct view_key key = view_key_of_hash('p', &presence);
    struct scope_list scopes;
    Doublecrew__V1__Row *stored;
    enum status status;

    arena_reset(batch->arena, ARENA_CAP_DEFAULT);
    status = view_open(batch, &key, &stored);
    if (status == STATUS_OK)
        before = contribution_of(stored->presence);
    else if (status != STATUS_NOT_FOUND)
        return status;
    visit_record_forget(batch->visit_records, &presence);
    view.row_case = DOUBLECREW__V1__ROW__ROW_PRESENCE;
    view.presence = row;
    RETURN_IF_BAD(scopes_of_presence(batch, &offender, &officer, &scopes));
    RETURN_IF_BAD(feed_publish(batch, &key, pos, &view, &scopes));
    if (before.seen_ms == after.seen_ms && before.compliant_ms == after.compliant_ms)
        return STATUS_OK;
    return publish_offender(batch, &offender, &before, &after, pos);
}
