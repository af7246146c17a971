/* Officers' facts about visits: check-in, check-out, outcome, co-signing. */
#include "server/logic/batch_internal.h"

typedef Doublecrew__V1__CheckIn check_in_message;

static bool is_named(const struct presence_row *row, const struct id *officer)
{
    for (size_t i = 0; i < row->named_count; i++) {
        if (id_equal(&row->named[i], officer))
            return true;
    }
    return false;
}

static void read_company(const check_in_message *message, struct presence_row *row)
{
    row->agency = message->agency[0] != '\0';
    row->with = RULE_WITH_UNRECORDED;
    if (message->company == DOUBLECREW__V1__COMPANY__COMPANY_ALONE)
        row->with = RULE_WITH_ALONE;
    if (message->company != DOUBLECREW__V1__COMPANY__COMPANY_NAMED)
        return;
    row->with = RULE_WITH_NAMED;
    for (size_t i = 0; i < message->n_named_officer_ids && row->named_count < STORE_NAMED_MAX; i++) {
        struct id named = pb_id(message->named_officer_ids[i]);

        if (!id_equal(&named, &row->officer) && !is_named(row, &named))
            row->named[row->named_count++] = named;
    }
}

/* F4: was the device certainly not the officer's when the check-in was made? The rule asks again, as of then. */
static enum status is_unassigned(struct batch *batch, const struct presence_row *row, bool *ret_unassigned)
{
    struct holder_row holders[LOGIC_HOLDERS_MAX];
    struct rule_instant in, out;
    size_t count;
    bool trouble;
    struct presence_row copy = *row;

    RETURN_IF_BAD(presence_bounds(batch, &copy, &in, &out, &trouble));
    RETURN_IF_BAD(batch->store->ops->holders_of_device(batch->store, &row->device, in.lo_us, in.hi_us, holders,
                                                       LOGIC_HOLDERS_MAX, &count));
    *ret_unassigned = count > 0;
    for (size_t i = 0; i < count; i++)
        *ret_unassigned = *ret_unassigned && !id_equal(&holders[i].officer, &row->officer);
    return STATUS_OK;
}

/* Stored all the same; but somebody the roster doesn't know, or a phone that isn't theirs, counts for nothing (F4). */
static enum status hold_unknown(struct batch *batch, struct applying *applying, const struct presence_row *row)
{
    struct offender_row offender;
    struct officer_row officer;
    enum status status;
    bool unassigned;

    RETURN_IF_BAD(is_unassigned(batch, row, &unassigned));
    if (unassigned && applying->held == NULL)
        applying->held = "unassigned_officer";
    status = batch->store->ops->officer_get(batch->store, &row->officer, &officer);
    if (status == STATUS_NOT_FOUND)
        applying->held = "unknown_officer";
    else
        RETURN_IF_BAD(status);
    status = batch->store->ops->offender_get(batch->store, &row->offender, &offender);
    if (status == STATUS_NOT_FOUND)
        applying->held = "unknown_offender";
    else
        RETURN_IF_BAD(status);
    return STATUS_OK;
}

/* Loose bounds now, so that what applies later in this batch finds it; derived with the rest. */
static enum status put_changed(struct batch *batch, struct presence_row *row)
{
    struct rule_instant in, out;
    bool trouble;

    RETURN_IF_BAD(presence_bounds(batch, row, &in, &out, &trouble));
    RETURN_IF_BAD(batch->store->ops->presence_put(batch->store, row));
    return batch_touch_changed(batch, &row->presence);
}

/* What the other one's check-in says against this co-signing is looked at when it comes (J3), wherever and whenever it was. */
static enum status look_at_partner(struct batch *batch, const struct applying *applying, const struct presence_row *row)
{
    struct presence_row other;
    enum status status;

    if (!row->has_cosign)
        return STATUS_OK;
    status = batch->store->ops->presence_get(batch->store, &row->cosign_other, &other);
    return status == STATUS_NOT_FOUND ? wait_for(batch, applying, &row->cosign_other) : status;
}

enum status apply_check_in(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const check_in_message *message = (const check_in_message *)base;
    struct presence_row row = {
        .presence = applying->entry->hash,
        .offender = pb_id(message->offender_id),
        .officer = pb_id(message->officer_id),
        .device = applying->device->device,
        .log = applying->log,
        .plan = pb_id(message->plan_id),
        .has_cosign = message->cosigned_check_in.len > 0,
        .cosign_other = pb_hash(message->cosigned_check_in),
    };
    struct presence_row stored;
    enum status status = batch->store->ops->presence_get(batch->store, &row.presence, &stored);

    if (status == STATUS_OK) { /* first receipt counts (F1); a carried one may have lacked its anchor, or its branch */
        bool of_branch = !applying->carried && !id_equal(&stored.log, &applying->log);

        if (stored.in.checkpoint_us >= applying->checkpoint_us && !of_branch)
            return applying->waited_for != NULL ? batch_touch(batch, &stored.presence) : STATUS_OK;
        if (of_branch)
            stored.log = applying->log;
        RETURN_IF_BAD(batch_touch_changed(batch, &stored.presence));
        if (stored.in.checkpoint_us < applying->checkpoint_us)
            stored.in.checkpoint_us = applying->checkpoint_us;
        return batch->store->ops->presence_put(batch->store, &stored);
    }
    if (status != STATUS_NOT_FOUND)
        return status;
    stamp_of(applying, message->place, &row.in);
    read_company(message, &row);
    RETURN_IF_BAD(hold_unknown(batch, applying, &row));
    RETURN_IF_BAD(put_changed(batch, &row));
    RETURN_IF_BAD(look_at_partner(batch, applying, &row));
    RETURN_IF_BAD(proposals_look_again(batch, span_of(row.presence.bytes, HASH_SIZE), applying->pos));
    return apply_waiting(batch, &row.presence, applying->pos);
}

/*
 * F2: a check-in past a fork that a partner carried is kept with the log until its own branch comes. Where the log itself holds
 * another entry, or hasn't come so far, the check-in is of the other copy.
 */
static enum status is_of_log(struct batch *batch, const struct applying *applying, const struct presence_row *row,
                             bool *ret_is)
{
    const struct device_row *device = applying->device;
    struct hash stored;
    uint64_t pos;
    enum status status;

    *ret_is = id_equal(&row->log, &applying->log);
    if (!*ret_is || applying->carried || !id_equal(&applying->log, &device->log) || device->fork_seq == 0 ||
        row->in.seq < device->fork_seq)
        return STATUS_OK;
    *ret_is = row->in.seq < applying->entry->header.seq;
    if (!*ret_is)
        return STATUS_OK;
    status = log_hash_at(batch, &applying->log, row->in.seq, &stored, &pos);
    if (status == STATUS_OK)
        *ret_is = hash_equal(&stored, &row->presence);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The presence that a later entry of the same log is about. */
static enum status own_presence(struct batch *batch, struct applying *applying, ProtobufCBinaryData named,
                                struct presence_row *ret_row, bool *ret_own)
{
    struct hash presence = pb_hash(named);
    enum status status = batch->store->ops->presence_get(batch->store, &presence, ret_row);

    *ret_own = false;
    if (status == STATUS_NOT_FOUND) {
        applying->held = "unknown_presence";
        return wait_for(batch, applying, &presence);
    }
    RETURN_IF_BAD(status);
    RETURN_IF_BAD(is_of_log(batch, applying, ret_row, ret_own));
    if (!*ret_own)
        applying->held = "other_log";
    return STATUS_OK;
}

enum status apply_check_out(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__CheckOut *message = (const Doublecrew__V1__CheckOut *)base;
    struct presence_row row, before;
    bool own;

    RETURN_IF_BAD(own_presence(batch, applying, message->presence, &row, &own));
    if (!own || (row.has_out && row.out.seq <= applying->entry->header.seq))
        return STATUS_OK; /* the first of the log order stands; later ones are kept in the journal */
    before = row;
    row.has_out = true;
    stamp_of(applying, message->place, &row.out);
    /* What stood beside it while it was open looks again as well. */
    RETURN_IF_BAD(batch_touch_at(batch, &row.offender, before.from_us, before.to_us));
    RETURN_IF_BAD(batch_touch_of(batch, &row.officer, before.from_us, before.to_us));
    return put_changed(batch, &row);
}

static enum rule_outcome outcome_of(Doublecrew__V1__VisitOutcome outcome)
{
    switch (outcome) {
    case DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN:
        return RULE_OUTCOME_SEEN;
    case DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_NOT_IN:
        return RULE_OUTCOME_NOT_IN;
    case DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_REFUSED:
        return RULE_OUTCOME_REFUSED;
    case DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_MOVED:
        return RULE_OUTCOME_MOVED;
    case DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_CUSTODY:
        return RULE_OUTCOME_CUSTODY;
    case DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_ABORTED:
        return RULE_OUTCOME_ABORTED;
    default:
        return RULE_OUTCOME_NONE;
    }
}

/* The last in log order stands. Past a fork nothing is said of a visit before it (F2), whichever branch came first. */
enum status apply_outcome(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Outcome *message = (const Doublecrew__V1__Outcome *)base;
    struct outcome_row fresh = {.seq = applying->entry->header.seq, .outcome = outcome_of(message->outcome)}, replaced;
    uint64_t fork_seq = applying->device->fork_seq;
    struct presence_row row;
    bool own;

    RETURN_IF_BAD(own_presence(batch, applying, message->presence, &row, &own));
    if (!own || row.outcome_seq == fresh.seq)
        return STATUS_OK;
    if (fork_seq != 0 && fresh.seq >= fork_seq && row.in.seq < fork_seq) {
        applying->held = "contested";
        return STATUS_OK;
    }
    fresh.presence = row.presence;
    replaced = (struct outcome_row){row.presence, row.outcome_seq, row.outcome};
    if (fresh.seq < row.outcome_seq)
        return batch->store->ops->outcome_put(batch->store, &fresh);
    if (replaced.seq != 0)
        RETURN_IF_BAD(batch->store->ops->outcome_put(batch->store, &replaced));
    row.outcome = fresh.outcome;
    row.outcome_seq = fresh.seq;
    RETURN_IF_BAD(batch->store->ops->presence_put(batch->store, &row));
    return batch_touch(batch, &row.presence);
}

enum status apply_cosign_confirm(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__CosignConfirm *message = (const Doublecrew__V1__CosignConfirm *)base;
    const struct entry_header *header = &applying->entry->header;
    struct presence_row row;
    bool own;

    RETURN_IF_BAD(own_presence(batch, applying, message->own_check_in, &row, &own));
    if (!own)
        return STATUS_OK;
    if (row.has_cosign) { /* one co-signing a presence: the first of the log order */
        struct hash partner = pb_hash(message->partner_check_in);

        applying->held = hash_equal(&row.cosign_other, &partner) ? NULL : "already_cosigned";
        return applying->waited_for != NULL ? batch_touch(batch, &row.presence) : STATUS_OK;
    }
    row.has_cosign = true;
    row.cosign_other = pb_hash(message->partner_check_in);
    row.cosign_first = true;
    row.cosign_confirmed = id_equal(&header->boot, &row.in.boot);
    row.cosign_confirm_mono_us = (int64_t)header->monotonic_ms * 1000;
    row.cosign_round_trip_us = (int64_t)message->round_trip_ms * 1000;
    RETURN_IF_BAD(batch->store->ops->presence_put(batch->store, &row));
    RETURN_IF_BAD(look_at_partner(batch, applying, &row));
    return batch_touch_changed(batch, &row.presence);
}
