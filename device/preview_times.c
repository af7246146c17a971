/* The preview's times: bounds from the anchors that this phone holds, and from now. */
#include "device/preview_parts.h"

struct bounding {
    struct id log;
    struct id boot;
    int64_t monotonic_us;
    struct bounds bounds;
};

static bool bound_by_anchor(void *context, const struct store_anchor *anchor)
{
    struct bounding *bounding = context;
    struct checkpoint checkpoint;

    if (checkpoint_read(span_of(anchor->text, anchor->size), &checkpoint) == STATUS_OK && checkpoint.is_anchor &&
        id_equal(&checkpoint.boot, &bounding->boot) && id_equal(&checkpoint.log, &bounding->log)) {
        struct rule_policy policy;
        struct bounds_anchor known = {.time_us = checkpoint.time_ms * US_PER_MS,
                                      .sent_us = (int64_t)checkpoint.monotonic_ms * US_PER_MS,
                                      .received_us = (int64_t)anchor->received_ms * US_PER_MS};

        rule_policy_default(&policy);
        bounding->bounds = bounds_intersect(bounding->bounds,
                                            bounds_from_cut_anchor(&known, bounding->monotonic_us, policy.drift_ppb));
    }
    return true;
}

/* The time of the checkpoint that the entry names: it is not earlier than that. */
static int64_t named_time_us(struct preview_builder *builder, const struct entry_header *header)
{
    struct store_anchor anchor;
    struct checkpoint checkpoint;

    if (hash_is_zero(&header->checkpoint) ||
        store_get_anchor(builder->device->store, &header->checkpoint, &anchor) != STATUS_OK ||
        checkpoint_read(span_of(anchor.text, anchor.size), &checkpoint) != STATUS_OK) {
        return INT64_MIN;
    }
    return checkpoint.time_ms * US_PER_MS;
}

/*
 * Now is an anchor too for entries of this boot: the sync that the preview foretells will begin with a Hello (T1). So a
 * phone that never met the server still knows how long ago its own entries are.
 */
static struct bounds bounds_from_now(const struct preview_builder *builder, const struct entry_header *header)
{
    struct bounds_anchor now = {.time_us = builder->preview->now_us,
                                .sent_us = (int64_t)builder->now.monotonic_ms * US_PER_MS,
                                .received_us = (int64_t)builder->now.monotonic_ms * US_PER_MS};
    struct rule_policy policy;

    rule_policy_default(&policy);
    return id_equal(&header->boot, &builder->now.boot)
               ? bounds_from_cut_anchor(&now, (int64_t)header->monotonic_ms * US_PER_MS, policy.drift_ppb)
               : bounds_unknown();
}

struct rule_instant preview_instant(struct preview_builder *builder, const struct entry_header *header)
{
    struct bounding bounding = {.log = header->log,
                                .boot = header->boot,
                                .monotonic_us = (int64_t)header->monotonic_ms * US_PER_MS,
                                .bounds = {.lo_us = named_time_us(builder, header), .hi_us = RULE_FOREVER}};
    struct bounds relative = bounds_from_now(builder, header);

    if (store_each_anchor(builder->device->store, bound_by_anchor, &bounding) != STATUS_OK ||
        bounds_empty(bounds_intersect(bounding.bounds, relative))) {
        bounding.bounds = bounds_unknown();
    }
    bounding.bounds = bounds_intersect(bounding.bounds, relative);
    if (bounding.bounds.hi_us > builder->preview->now_us) {
        bounding.bounds.hi_us = builder->preview->now_us;
    }
    if (bounding.bounds.lo_us > bounding.bounds.hi_us) {
        bounding.bounds.lo_us = bounding.bounds.hi_us;
    }
    return (struct rule_instant){.lo_us = bounding.bounds.lo_us, .hi_us = bounding.bounds.hi_us};
}

/* The server's time by the newest anchor of this boot, or else the wall clock's. */
int64_t preview_now_us(struct dc_device *device, struct sync_now now)
{
    int64_t wall_us = device->clock.wall_ms(device->clock.context) * US_PER_MS;
    struct store_anchor anchor;
    struct checkpoint checkpoint;

    if (!device->has_anchor || store_get_anchor(device->store, &device->anchor, &anchor) != STATUS_OK ||
        checkpoint_read(span_of(anchor.text, anchor.size), &checkpoint) != STATUS_OK ||
        !id_equal(&checkpoint.boot, &now.boot) || now.monotonic_ms < anchor.received_ms) {
        return wall_us;
    }
    return (checkpoint.time_ms + (int64_t)(now.monotonic_ms - anchor.received_ms)) * US_PER_MS;
}

bool preview_proven_now(struct dc_device *device, struct sync_now now, int64_t *ret_now_us)
{
    struct store_anchor anchor;
    struct checkpoint checkpoint;
    struct rule_policy policy;
    struct bounds_anchor known;

    if (!device->has_anchor || store_get_anchor(device->store, &device->anchor, &anchor) != STATUS_OK ||
        checkpoint_read(span_of(anchor.text, anchor.size), &checkpoint) != STATUS_OK ||
        !id_equal(&checkpoint.boot, &now.boot) || now.monotonic_ms < anchor.received_ms) {
        return false;
    }
    rule_policy_default(&policy);
    known = (struct bounds_anchor){.time_us = checkpoint.time_ms * US_PER_MS,
                                   .sent_us = (int64_t)checkpoint.monotonic_ms * US_PER_MS,
                                   .received_us = (int64_t)anchor.received_ms * US_PER_MS};
    *ret_now_us = bounds_from_cut_anchor(&known, (int64_t)now.monotonic_ms * US_PER_MS, policy.drift_ppb).lo_us;
    return true;
}
