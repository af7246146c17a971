/* From a changed presence to those elsewhere whose verdicts may rest on it (J6, V10, L2). */
#include "server/logic/batch_internal.h"

static enum status touch_mate(void *context, const struct presence_row *row)
{
    return batch_touch(context, &row->presence);
}

/* What was done in a boot that never met the server is bounded by all that is known of that boot. */
static enum status touch_loose_mates(struct batch *batch, const struct presence_row *row)
{
    bool loose;

    RETURN_IF_BAD(clock_is_loose(batch, &row->log, &row->in.boot, &loose));
    if (!loose)
        return STATUS_OK;
    return batch->store->ops->presences_in_boot(batch->store, &row->log, &row->in.boot, touch_mate, batch);
}

struct naming_touch {
    struct batch *batch;
    const struct hash *presence;
};

struct decider_touch {
    struct batch *batch;
    const struct id *decider;
};

static enum status touch_if_naming(void *context, const struct presence_row *row)
{
    struct naming_touch *touch = context;

    if (!row->has_cosign || !hash_equal(&row->cosign_other, touch->presence))
        return STATUS_OK;
    RETURN_IF_BAD(batch_touch(touch->batch, &row->presence));
    RETURN_IF_BAD(batch_touch_of(touch->batch, &row->officer, row->from_us, row->to_us));
    return touch_loose_mates(touch->batch, row);
}

/* Whichever of the two logs says so: the other's times follow, and those of the other's boot (T3). */
static enum status touch_cosigned(struct batch *batch, const struct presence_row *row)
{
    struct naming_touch naming = {batch, &row->presence};
    struct presence_row other;
    enum status status = STATUS_NOT_FOUND;

    if (row->has_cosign)
        status = batch->store->ops->presence_get(batch->store, &row->cosign_other, &other);
    if (status == STATUS_OK) {
        RETURN_IF_BAD(batch_touch(batch, &other.presence));
        RETURN_IF_BAD(batch_touch_of(batch, &other.officer, other.from_us, other.to_us));
        RETURN_IF_BAD(touch_loose_mates(batch, &other));
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    return batch->store->ops->presences_at(batch->store, &row->offender, row->from_us, row->to_us, touch_if_naming,
                                           &naming);
}

/* Where somebody was who has decided on a visit: what its officer did elsewhere may rest on that decision (L2). */
static enum status touch_if_decided(void *context, const struct presence_row *row)
{
    const struct decider_touch *touch = context;
    struct decision_row decisions[LOGIC_DECISIONS_MAX];
    size_t count;

    if (id_equal(&row->officer, touch->decider))
        return STATUS_OK;
    RETURN_IF_BAD(touch->batch->store->ops->decisions_on(touch->batch->store, &row->presence, decisions,
                                                         LOGIC_DECISIONS_MAX, &count));
    for (size_t i = 0; i < count; i++) {
        if (id_equal(&decisions[i].by, touch->decider))
            return batch_touch_of(touch->batch, &row->officer, row->from_us, row->to_us);
    }
    return STATUS_OK;
}

static enum status touch_decided(struct batch *batch, const struct presence_row *row)
{
    struct decider_touch touch = {batch, &row->officer};

    return batch->store->ops->presences_at(batch->store, &row->offender, row->from_us, row->to_us, touch_if_decided,
                                           &touch);
}

/*
 * Whose verdict may rest on a changed presence: those that stood beside it and no longer do (its neighbourhood is derived
 * whole anyway), its officer's elsewhere, those that its boot or a co-signature links, and those of the other's boot.
 */
static enum status spread(struct batch *batch, const struct hash *presence)
{
    struct rule_instant in, out;
    struct presence_row row, before;
    bool trouble;

    RETURN_IF_BAD(batch->store->ops->presence_get(batch->store, presence, &row));
    before = row;
    RETURN_IF_BAD(presence_bounds(batch, &row, &in, &out, &trouble));
    if (row.from_us != before.from_us || row.to_us != before.to_us) {
        RETURN_IF_BAD(batch->store->ops->presence_put(batch->store, &row));
        RETURN_IF_BAD(batch_touch_at(batch, &row.offender, before.from_us, before.to_us));
        RETURN_IF_BAD(batch_touch_of(batch, &row.officer, before.from_us, before.to_us));
    }
    RETURN_IF_BAD(batch_touch_of(batch, &row.officer, row.from_us, row.to_us));
    RETURN_IF_BAD(touch_cosigned(batch, &row));
    RETURN_IF_BAD(touch_decided(batch, &row));
    return touch_loose_mates(batch, &row);
}

enum status spread_changed(struct batch *batch)
{
    for (size_t i = 0; i < batch->changed_count; i++)
        RETURN_IF_BAD(spread(batch, &batch->changed[i]));
    return STATUS_OK;
}
