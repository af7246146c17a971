/*
 * What bounds a boot's times (T1): the intersection over all its observations, of which few count anywhere. An observation
 * is a floor at its receipt and a ceiling at its question; from there both open by the drift. A floor under another's is
 * superfluous everywhere, since both open alike, and so is a ceiling over another's. Of those that are left the nearest on
 * either side of an instant is the best there: were a farther one better, the nearer would lie under it.
 */
#include "server/logic/batch_internal.h"

static bool superfluous(const struct clock_point_row *point, const struct clock_point_row *beside)
{
    if (point->is_ceiling)
        return bounds_ceiling_from(beside->at_us, beside->time_us, point->at_us, point->drift_ppb) <= point->time_us;
    return bounds_floor_from(beside->at_us, beside->time_us, point->at_us, point->drift_ppb) >= point->time_us;
}

static enum status find(enum status status, bool *ret_has)
{
    *ret_has = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static bool remembers(const struct clock_memo *memo, const struct id *log, const struct id *boot, bool is_ceiling,
                      int64_t at_us)
{
    const struct clock_beside *beside = &memo->beside[is_ceiling];

    return memo->has_beside[is_ceiling] && id_equal(&memo->log[is_ceiling], log) &&
           id_equal(&memo->boot[is_ceiling], boot) && (!beside->has_before || beside->before.at_us <= at_us) &&
           (!beside->has_after || at_us < beside->after.at_us);
}

static void forget_beside(struct batch *batch)
{
    batch->clock_memo.has_beside[false] = false;
    batch->clock_memo.has_beside[true] = false;
}

static enum status find_beside(struct batch *batch, const struct id *log, const struct id *boot, bool is_ceiling,
                               int64_t at_us, struct clock_beside *beside)
{
    const struct store_ops *ops = batch->store->ops;
    struct clock_memo *memo = &batch->clock_memo;

    if (remembers(memo, log, boot, is_ceiling, at_us)) {
        *beside = memo->beside[is_ceiling];
        return STATUS_OK;
    }
    RETURN_IF_BAD(
        find(ops->clock_point_up_to(batch->store, log, boot, is_ceiling, at_us, &beside->before), &beside->has_before));
    RETURN_IF_BAD(
        find(ops->clock_point_after(batch->store, log, boot, is_ceiling, at_us, &beside->after), &beside->has_after));
    memo->has_beside[is_ceiling] = true;
    memo->log[is_ceiling] = *log;
    memo->boot[is_ceiling] = *boot;
    memo->beside[is_ceiling] = *beside;
    return STATUS_OK;
}

static enum status forget_superfluous(struct batch *batch, const struct clock_point_row *point,
                                      struct clock_beside *beside)
{
    const struct store_ops *ops = batch->store->ops;

    forget_beside(batch);
    while (beside->has_before && superfluous(&beside->before, point)) {
        RETURN_IF_BAD(ops->clock_point_forget(batch->store, &beside->before));
        RETURN_IF_BAD(find(ops->clock_point_up_to(batch->store, &point->log, &point->boot, point->is_ceiling,
                                                  point->at_us, &beside->before),
                           &beside->has_before));
    }
    while (beside->has_after && superfluous(&beside->after, point)) {
        RETURN_IF_BAD(ops->clock_point_forget(batch->store, &beside->after));
        RETURN_IF_BAD(find(ops->clock_point_after(batch->store, &point->log, &point->boot, point->is_ceiling,
                                                  point->at_us, &beside->after),
                           &beside->has_after));
    }
    return STATUS_OK;
}

static enum status note_changed(struct batch *batch, const struct clock_point_row *point, int64_t from_us)
{
    struct clock_changed *changed = &batch->clock_changed;

    if (changed->any && !(id_equal(&changed->boot, &point->boot) && id_equal(&changed->log, &point->log)))
        RETURN_IF_BAD(boots_clock_changed(batch));
    if (!changed->any)
        *changed = (struct clock_changed){.any = true, .log = point->log, .boot = point->boot, .from_us = from_us};
    else if (from_us < changed->from_us)
        changed->from_us = from_us;
    return STATUS_OK;
}

/* Only between its neighbours is it the best. */
static enum status add(struct batch *batch, const struct clock_point_row *point)
{
    struct clock_beside beside;
    int64_t from_us, to_us;

    RETURN_IF_BAD(find_beside(batch, &point->log, &point->boot, point->is_ceiling, point->at_us, &beside));
    if ((beside.has_before && superfluous(point, &beside.before)) ||
        (beside.has_after && superfluous(point, &beside.after)))
        return STATUS_OK;
    RETURN_IF_BAD(forget_superfluous(batch, point, &beside));
    RETURN_IF_BAD(batch->store->ops->clock_point_put(batch->store, point));
    from_us = beside.has_before ? beside.before.at_us - BOUNDS_CUT_US : INT64_MIN;
    to_us = beside.has_after ? beside.after.at_us + BOUNDS_CUT_US : INT64_MAX;
    RETURN_IF_BAD(note_changed(batch, point, from_us));
    return touch_boot(batch, &point->log, &point->boot, from_us, to_us);
}

/*
 * All points of a boot open alike, or they couldn't be compared: a policy's new drift is for boots that it meets first, void
 * observations included.
 */
static enum status drift_of(struct batch *batch, const struct boot_anchor_row *seen, int64_t *ret_drift_ppb)
{
    const struct rule_policy *policy;
    struct boot_anchor_row any;
    bool has;

    RETURN_IF_BAD(find(batch->store->ops->boot_anchor_any(batch->store, &seen->log, &seen->boot, &any), &has));
    if (has) {
        *ret_drift_ppb = any.drift_ppb;
        return STATUS_OK;
    }
    RETURN_IF_BAD(batch_policy_at(batch, batch->time_us, &policy));
    *ret_drift_ppb = policy->drift_ppb;
    return STATUS_OK;
}

static enum status add_both(struct batch *batch, const struct boot_anchor_row *seen)
{
    struct clock_point_row point = {.log = seen->log,
                                    .boot = seen->boot,
                                    .is_ceiling = true,
                                    .at_us = seen->sent_us,
                                    .time_us = seen->time_us,
                                    .drift_ppb = seen->drift_ppb};
    bool is_void;

    RETURN_IF_BAD(anchor_is_void(batch, seen->time_us, &is_void));
    if (is_void)
        return STATUS_OK;
    RETURN_IF_BAD(add(batch, &point));
    if (seen->received_us == INT64_MAX)
        return STATUS_OK;
    point.is_ceiling = false;
    point.at_us = seen->received_us;
    return add(batch, &point);
}

enum status clock_observe(struct batch *batch, struct boot_anchor_row *seen)
{
    bool is_new;

    RETURN_IF_BAD(drift_of(batch, seen, &seen->drift_ppb));
    RETURN_IF_BAD(batch->store->ops->boot_anchor_put(batch->store, seen, &is_new));
    return is_new ? add_both(batch, seen) : STATUS_OK;
}

struct again {
    struct batch *batch;
    struct id boot;
    bool any;
};

static enum status observe_again(void *context, const struct boot_anchor_row *seen)
{
    struct again *again = context;

    if (!again->any || !id_equal(&again->boot, &seen->boot)) {
        again->boot = seen->boot;
        again->any = true;
        forget_beside(again->batch);
        RETURN_IF_BAD(again->batch->store->ops->clock_points_forget(again->batch->store, &seen->log, &seen->boot));
    }
    return add_both(again->batch, seen);
}

enum status clock_again(struct batch *batch, const struct id *log)
{
    struct again again = {.batch = batch};

    return batch->store->ops->boot_anchors_of_log(batch->store, log, observe_again, &again);
}

static void narrow(struct bounds *bounds, const struct clock_point_row *point, int64_t mono_us)
{
    int64_t time_us;

    if (point->is_ceiling) {
        time_us = bounds_ceiling_from(point->at_us, point->time_us, mono_us, point->drift_ppb);
        bounds->hi_us = time_us < bounds->hi_us ? time_us : bounds->hi_us;
    } else {
        time_us = bounds_floor_from(point->at_us, point->time_us, mono_us, point->drift_ppb);
        bounds->lo_us = time_us > bounds->lo_us ? time_us : bounds->lo_us;
    }
}

/* Whole milliseconds: what was said may be up to BOUNDS_CUT_US later than it says, the server's time as well. */
enum status clock_bounds(struct batch *batch, const struct id *log, const struct id *boot, int64_t mono_us,
                         struct bounds *ret_bounds)
{
    struct bounds bounds = bounds_unknown();

    for (int is_ceiling = 0; is_ceiling <= 1; is_ceiling++) {
        int64_t at_us = is_ceiling ? mono_us + BOUNDS_CUT_US : mono_us - BOUNDS_CUT_US;
        struct clock_beside beside;

        RETURN_IF_BAD(find_beside(batch, log, boot, is_ceiling, at_us, &beside));
        if (beside.has_before)
            narrow(&bounds, &beside.before, at_us);
        if (beside.has_after)
            narrow(&bounds, &beside.after, at_us);
    }
    if (bounds.hi_us < INT64_MAX - BOUNDS_CUT_US)
        bounds.hi_us += BOUNDS_CUT_US;
    *ret_bounds = bounds;
    return STATUS_OK;
}

enum status clock_is_loose(struct batch *batch, const struct id *log, const struct id *boot, bool *ret_loose)
{
    struct clock_point_row any;
    bool has;

    RETURN_IF_BAD(find(batch->store->ops->clock_point_after(batch->store, log, boot, true, INT64_MIN, &any), &has));
    *ret_loose = !has;
    return STATUS_OK;
}
