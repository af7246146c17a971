/* What bounds the instants of a case (V10, T1-T3): absolute bounds, elapsed time in a boot, log order, co-signing. */
#include "core/rule_internal.h"

#define PARTS_PER_BILLION INT64_C(1000000000)

/* One instant as its phone recorded it. */
struct reading {
    size_t item;
    size_t node;
    size_t device;
    uint64_t boot;
    int64_t mono_us;
    uint64_t seq;
};

size_t rule_clock_nodes(struct rule_field *field)
{
    size_t next = RULE_ZERO + 1;

    for (size_t i = 0; i < field->count; i++) {
        struct rule_item *item = &field->items[i];

        item->in_node = next++;
        item->out_node = item->is->has_out ? next++ : RULE_NONE;
        item->confirm_node =
            item->cosign != RULE_NONE && item->is->cosign.first && item->is->cosign.confirm_known ? next++ : RULE_NONE;
    }
    return next;
}

static size_t readings_of(const struct rule_item *item, size_t index, struct reading *readings)
{
    const struct rule_presence *is = item->is;
    size_t count = 0;

    readings[count++] = (struct reading){index, item->in_node, is->device, is->in_boot, is->in_mono_us, is->in_seq};
    if (item->out_node != RULE_NONE) {
        readings[count++] =
            (struct reading){index, item->out_node, is->device, is->out_boot, is->out_mono_us, is->out_seq};
    }
    if (item->confirm_node != RULE_NONE) {
        readings[count++] =
            (struct reading){index, item->confirm_node, is->device, is->in_boot, is->cosign.confirm_mono_us, 0};
    }
    return count;
}

/* length * drift, rounded up: the two parts keep the product within 64 bits. */
static int64_t error_us(int64_t length_us, int64_t drift_ppb)
{
    int64_t whole = length_us / PARTS_PER_BILLION * drift_ppb;
    int64_t rest = length_us % PARTS_PER_BILLION * drift_ppb;

    return whole + (rest + PARTS_PER_BILLION - 1) / PARTS_PER_BILLION;
}

static bool measurable(int64_t us)
{
    return us >= -STN_TIME_MAX / 2 && us <= STN_TIME_MAX / 2;
}

/* How far a phone's clock may be wrong about what elapsed: it drifts, and each reading was cut to a step. */
struct error {
    int64_t drift_ppb;
    int64_t step_us;
};

static void bound_elapsed(struct stn *net, const struct reading *a, const struct reading *b, struct error error)
{
    const struct reading *early = a->mono_us <= b->mono_us ? a : b;
    const struct reading *late = early == a ? b : a;
    int64_t length_us;
    int64_t slack_us;

    if (a->device != b->device || a->boot != b->boot || !measurable(a->mono_us) || !measurable(b->mono_us)) {
        return;
    }
    length_us = late->mono_us - early->mono_us;
    slack_us = error.step_us + error_us(length_us + error.step_us, error.drift_ppb);
    stn_bound(net, late->node, early->node, length_us + slack_us);
    stn_bound(net, early->node, late->node, slack_us - length_us);
}

bool rule_log_later(const struct rule_presence *a, const struct rule_presence *b)
{
    return a->device == b->device && a->in_seq != 0 && b->in_seq > a->in_seq && !(a->contested && b->contested);
}

/* Entries of two branches of one fork have no common order. */
static void bound_order(struct stn *net, const struct rule_field *field, const struct reading *a,
                        const struct reading *b)
{
    bool branches = a->item != b->item && field->items[a->item].is->contested && field->items[b->item].is->contested;

    if (a->device != b->device || a->seq == 0 || b->seq == 0 || a->seq == b->seq || branches) {
        return;
    }
    stn_bound(net, a->seq < b->seq ? a->node : b->node, a->seq < b->seq ? b->node : a->node, 0);
}

static void bound_absolute(struct stn *net, size_t node, struct rule_instant instant)
{
    if (instant.hi_us <= STN_TIME_MAX && instant.hi_us >= -STN_TIME_MAX) {
        stn_bound(net, node, RULE_ZERO, instant.hi_us);
    }
    if (instant.lo_us >= -STN_TIME_MAX && instant.lo_us <= STN_TIME_MAX) {
        stn_bound(net, RULE_ZERO, node, -instant.lo_us);
    }
}

static void bound_cosign(struct stn *net, const struct rule_field *field, const struct rule_item *item)
{
    const struct rule_item *other = &field->items[item->cosign];

    if (!item->is->cosign.first) {
        stn_bound(net, other->in_node, item->in_node, 0);
        return;
    }
    stn_bound(net, item->in_node, other->in_node, 0);
    if (item->confirm_node != RULE_NONE) {
        stn_bound(net, other->in_node, item->confirm_node, 0);
    }
}

/* The widest of all versions: a clock's error is no matter of policy, so the greater claim is the safe one. */
static int64_t drift_ppb_of(const struct rule_case *given)
{
    int64_t most_ppb = 0;

    for (size_t i = 0; i < given->policy_count; i++) {
        most_ppb = given->policies[i].drift_ppb > most_ppb ? given->policies[i].drift_ppb : most_ppb;
    }
    return most_ppb < PARTS_PER_BILLION ? most_ppb : PARTS_PER_BILLION;
}

static void bound_item(struct stn *net, const struct rule_field *field, size_t index, struct error error)
{
    const struct rule_item *item = &field->items[index];
    struct reading mine[3];
    size_t mine_count = readings_of(item, index, mine);

    bound_absolute(net, item->in_node, item->is->in);
    if (item->out_node != RULE_NONE) {
        bound_absolute(net, item->out_node, item->is->out);
    }
    if (item->cosign != RULE_NONE) {
        bound_cosign(net, field, item);
    }
    for (size_t i = 0; i < mine_count; i++) {
        for (size_t j = i + 1; j < mine_count; j++) {
            bound_elapsed(net, &mine[i], &mine[j], error);
        }
    }
}

static void bound_two(struct stn *net, const struct rule_field *field, size_t a, size_t b, struct error error,
                      bool order)
{
    struct reading of_a[3];
    struct reading of_b[3];
    size_t a_count = readings_of(&field->items[a], a, of_a);
    size_t b_count = readings_of(&field->items[b], b, of_b);

    for (size_t i = 0; i < a_count; i++) {
        for (size_t j = 0; j < b_count; j++) {
            bound_elapsed(net, &of_a[i], &of_b[j], error);
            if (order) {
                bound_order(net, field, &of_a[i], &of_b[j]);
            }
        }
    }
}

/* Only items of `members` are bounded; the others' instants are free but for in <= out and in <= receipt: that is the
 * server's clock, which no phone's trouble concerns. */
static bool build(struct rule_field *field, uint64_t members, bool order)
{
    struct error error = {drift_ppb_of(field->given), field->given->mono_step_us};

    stn_init(&field->base, field->base.count, field->base.most);
    for (size_t i = 0; i < field->count; i++) {
        const struct rule_item *item = &field->items[i];

        if (item->out_node != RULE_NONE) {
            stn_bound(&field->base, item->in_node, item->out_node, 0);
        }
        if ((members >> i & 1) == 0) {
            bound_absolute(&field->base, item->in_node, (struct rule_instant){INT64_MIN, item->is->received_us});
            continue;
        }
        bound_item(&field->base, field, i, error);
        for (size_t j = 0; j < i; j++) {
            if ((members >> j & 1) != 0 && field->items[j].is->device == item->is->device) {
                bound_two(&field->base, field, i, j, error, order);
            }
        }
    }
    return stn_close(&field->base);
}

static bool share_boot(const struct rule_presence *a, const struct rule_presence *b)
{
    if (a->device != b->device) {
        return false;
    }
    return a->in_boot == b->in_boot || (b->has_out && a->in_boot == b->out_boot) ||
           (a->has_out && a->out_boot == b->in_boot) || (a->has_out && b->has_out && a->out_boot == b->out_boot);
}

static bool share_log(const struct rule_presence *a, const struct rule_presence *b)
{
    return a->device == b->device && (a->in_seq != 0 || a->out_seq != 0) && (b->in_seq != 0 || b->out_seq != 0);
}

static bool linked(const struct rule_field *field, size_t a, size_t b, bool by_log)
{
    const struct rule_item *x = &field->items[a];
    const struct rule_item *y = &field->items[b];

    return x->cosign == b || y->cosign == a || share_boot(x->is, y->is) || (by_log && share_log(x->is, y->is));
}

/* All that hangs together with `seed` by boot or co-signing (and by log order). */
static uint64_t component(const struct rule_field *field, size_t seed, bool by_log)
{
    uint64_t members = UINT64_C(1) << seed;
    uint64_t before;

    do {
        before = members;
        for (size_t i = 0; i < field->count; i++) {
            for (size_t j = 0; j < field->count && (members >> i & 1) != 0; j++) {
                members |= linked(field, i, j, by_log) ? UINT64_C(1) << j : 0;
            }
        }
    } while (members != before);
    return members;
}

/* Finds the components that contradict themselves, and takes them out of `sound`. */
static uint64_t drop_trouble(struct rule_field *field, uint64_t sound, bool by_log)
{
    uint64_t seen = 0;
    uint64_t keep = sound;

    for (size_t i = 0; i < field->count; i++) {
        uint64_t members;

        if (((sound & ~seen) >> i & 1) == 0) {
            continue;
        }
        members = component(field, i, by_log);
        seen |= members;
        if (!build(field, members & sound, by_log)) {
            keep &= ~members;
        }
    }
    return keep;
}

static uint64_t drop_known_trouble(const struct rule_field *field)
{
    uint64_t sound = ~UINT64_C(0);

    for (size_t i = 0; i < field->count; i++) {
        if (field->items[i].is->clock_trouble) {
            sound &= ~component(field, i, false);
        }
    }
    return sound;
}

void rule_clock_close(struct rule_field *field, int64_t *storage, size_t node_count)
{
    uint64_t sound = drop_known_trouble(field);

    field->base = (struct stn){.count = node_count, .most = storage};
    if (!build(field, sound, true)) {
        sound = drop_trouble(field, sound, false);
        if (!build(field, sound, true)) {
            sound = drop_trouble(field, sound, true);
            (void)build(field, sound, true); /* can't fail: whatever is linked in any way was proved sound together */
        }
    }
    for (size_t i = 0; i < field->count; i++) {
        field->items[i].trouble = (sound >> i & 1) == 0;
    }
}
