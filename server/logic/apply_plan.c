/* Plans and authority: what was agreed beforehand (W2, L1). */
#include "server/logic/cover.h"

#include "core/payload.h"

static enum status touch_window(struct batch *batch, const struct plan_row *plan)
{
    return batch_touch_at(batch, &plan->offender, plan->from_us, plan->to_us);
}

static enum status publish_plan(struct batch *batch, uint64_t pos, const struct id *by, const struct plan_row *plan,
                                const Doublecrew__V1__Plan *message)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    Doublecrew__V1__PlanRow plan_row = DOUBLECREW__V1__PLAN_ROW__INIT;
    Doublecrew__V1__Plan copy = *message;
    struct view_key key = view_key_of_id('l', &plan->plan);
    struct scope_list scopes;

    plan_row.plan = &copy;
    plan_row.by_officer_id = pb_from_id(by);
    row.row_case = DOUBLECREW__V1__ROW__ROW_PLAN;
    row.plan = &plan_row;
    RETURN_IF_BAD(scopes_of_offender(batch, &plan->offender, &scopes));
    return feed_publish(batch, &key, pos, &row, &scopes);
}

enum status apply_plan(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__Plan *message = (const Doublecrew__V1__Plan *)base;
    struct plan_row before, plan = {.plan = pb_id(message->plan_id),
                                    .pos = applying->pos,
                                    .entry = applying->entry->hash,
                                    .offender = pb_id(message->offender_id),
                                    .from_us = message->from_ms * 1000,
                                    .to_us = message->to_ms * 1000,
                                    .cancelled = message->cancelled};
    struct offender_row offender;
    enum status status = batch->store->ops->offender_get(batch->store, &plan.offender, &offender);

    if (status == STATUS_NOT_FOUND) {
        applying->held = "unknown_offender";
        return STATUS_OK;
    }
    RETURN_IF_BAD(status);
    for (size_t i = 0; i < message->n_officer_ids && i < STORE_NAMED_MAX; i++)
        plan.officers[plan.officer_count++] = pb_id(message->officer_ids[i]);
    status = batch->store->ops->plan_get(batch->store, &plan.plan, &before);
    if (status == STATUS_OK && !id_equal(&before.offender, &plan.offender)) {
        applying->held = "plan_in_use";
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        RETURN_IF_BAD(touch_window(batch, &before));
    else if (status != STATUS_NOT_FOUND)
        return status;
    RETURN_IF_BAD(batch->store->ops->plan_put(batch->store, &plan));
    RETURN_IF_BAD(touch_window(batch, &plan));
    return publish_plan(batch, applying->pos, &applying->author.officer, &plan, message);
}

/* The version that stands now is told again, from its own entry; none: the plan is gone. */
enum status plan_again(struct batch *batch, const struct id *plan)
{
    struct view_key key = view_key_of_id('l', plan);
    struct scope_list nobody = {.count = 0};
    ProtobufCMessage *message;
    struct device_row device;
    struct journal_entry found;
    struct plan_row row;
    enum status status = batch->store->ops->plan_get(batch->store, plan, &row);

    if (status == STATUS_NOT_FOUND)
        return feed_rescope(batch, span_of(key.bytes, key.size), batch->next.pos, &nobody);
    RETURN_IF_BAD(status);
    RETURN_IF_BAD(touch_window(batch, &row));
    RETURN_IF_BAD(journal_entry_at(batch, row.pos, &found));
    RETURN_IF_BAD(batch->store->ops->device_by_log(batch->store, &found.entry->header.log, &device));
    RETURN_IF_BAD(payload_open(batch->arena, found.entry->header.kind, entry_message(found.entry), &message));
    return publish_plan(batch, batch->next.pos, &device.officer, &row, (const Doublecrew__V1__Plan *)message);
}

/* What one check-in's word covers: its own bounds, not longer than an authority may be. */
static enum status window_of_presence(struct batch *batch, const struct presence_row *presence,
                                      struct authority_row *word)
{
    const struct rule_policy *policy;
    struct bounds in;
    bool trouble;

    RETURN_IF_BAD(bounds_of_stamp(batch, &presence->log, &presence->in, &in, &trouble));
    RETURN_IF_BAD(batch_policy_at(batch, batch->time_us, &policy));
    word->to_us = in.hi_us + 1;
    word->from_us = word->to_us - policy->authority_max_us;
    if (in.lo_us > word->from_us)
        word->from_us = in.lo_us;
    return STATUS_OK;
}

/* The window that a word names directly, or by a plan or a check-in. */
static enum status window_of(struct batch *batch, struct applying *applying,
                             const Doublecrew__V1__AuthorityWord *message, struct authority_row *word)
{
    struct id plan_id = pb_id(message->plan_id);
    struct hash presence_id = pb_hash(message->presence);
    struct presence_row presence;
    struct plan_row plan;
    enum status status = STATUS_OK;

    word->from_us = message->from_ms * 1000;
    word->to_us = message->to_ms * 1000;
    if (message->plan_id.len > 0) {
        status = batch->store->ops->plan_get(batch->store, &plan_id, &plan);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !id_equal(&plan.offender, &word->offender)))
            applying->held = "unknown_plan";
        else if (status == STATUS_OK) {
            word->from_us = plan.from_us;
            word->to_us = plan.to_us;
        }
    } else if (message->presence.len > 0) {
        status = batch->store->ops->presence_get(batch->store, &presence_id, &presence);
        if (status == STATUS_NOT_FOUND)
            RETURN_IF_BAD(wait_for(batch, applying, &presence_id));
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && (!id_equal(&presence.offender, &word->offender) ||
                                                                   !id_equal(&presence.officer, &word->officer))))
            applying->held = "unknown_presence";
        else if (status == STATUS_OK && presence_is_about(&presence, &word->by))
            applying->held = "involved"; /* nobody approves of a visit that names them */
        else if (status == STATUS_OK)
            status = window_of_presence(batch, &presence, word);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status apply_authority_word(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__AuthorityWord *message = (const Doublecrew__V1__AuthorityWord *)base;
    struct authority_row word = {.entry = applying->entry->hash,
                                 .officer = pb_id(message->officer_id),
                                 .offender = pb_id(message->offender_id),
                                 .granted = message->granted,
                                 .by = applying->author.officer,
                                 .recorded_us = applying->received_us};
    struct supervised of = {&word.officer, &word.offender, NULL, applying->received_us};
    enum may_supervise may;

    if (id_equal(&word.by, &word.officer)) {
        applying->held = "own_visit";
        return STATUS_OK;
    }
    RETURN_IF_BAD(may_supervise(batch, &applying->author, &of, &may));
    if (may == MAY_NOT) {
        applying->held = "not_permitted";
        return cover_word_waits(batch, applying);
    }
    if (may == MAY_BY_COVER)
        RETURN_IF_BAD(cover_word_counts(batch, applying));
    RETURN_IF_BAD(window_of(batch, applying, message, &word));
    if (applying->held != NULL)
        return STATUS_OK;
    RETURN_IF_BAD(batch->store->ops->authority_put(batch->store, &word));
    RETURN_IF_BAD(batch_touch_at(batch, &word.offender, word.from_us, word.to_us));
    return request_answered(batch, applying, message);
}
