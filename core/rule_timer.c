/* When a verdict may change by the passing of time alone: never later than it does, perhaps earlier. */
#include "core/rule_internal.h"

struct alarm {
    int64_t now_us;
    int64_t next_us;
};

static void ring_at(struct alarm *alarm, int64_t at_us)
{
    if (at_us > alarm->now_us && at_us < alarm->next_us && at_us < STN_UNBOUNDED) {
        alarm->next_us = at_us;
    }
}

static int64_t later(int64_t us, int64_t by_us)
{
    return us == RULE_FOREVER || us == INT64_MIN ? us : stn_sum(us, by_us);
}

/*
 * Within an uncertainty nobody can say when a verdict tips: it is looked at again, the more often the nearer its beginning and
 * its end. A phone whose clocks contradict each other is uncertain for hours or for ever; a look every second, or every hour,
 * would fill the journal with ticks. Each look doubles the time since the beginning: a year without an end takes some 15.
 */
static int64_t look_again_after(int64_t now_us, int64_t from_us, int64_t to_us)
{
    int64_t most_us = from_us == INT64_MIN ? STN_UNBOUNDED : stn_sum(now_us, -from_us);
    int64_t step_us;

    if (most_us < RULE_LOOK_AGAIN_HOUR_US)
        most_us = RULE_LOOK_AGAIN_HOUR_US;
    step_us = to_us == RULE_FOREVER ? most_us : (to_us - now_us) / RULE_LOOKS_FOR_THE_REST;
    if (step_us > most_us)
        return most_us;
    return step_us < RULE_LOOK_AGAIN_US ? RULE_LOOK_AGAIN_US : step_us;
}

/* Something starts to be possible at lo + by, and is certain after hi + by. */
static void ring_between(struct alarm *alarm, struct rule_instant instant, int64_t by_us)
{
    int64_t from_us = later(instant.lo_us, by_us);
    int64_t to_us = later(instant.hi_us, by_us);

    ring_at(alarm, from_us);
    ring_at(alarm, stn_sum(from_us, 1));
    ring_at(alarm, to_us);
    ring_at(alarm, stn_sum(to_us, 1));
    /* What nothing bounds on either side is as uncertain at any other time: there is nothing to wait for. */
    if (from_us <= alarm->now_us && alarm->now_us <= to_us && from_us != to_us &&
        !(from_us == INT64_MIN && to_us == RULE_FOREVER)) {
        ring_at(alarm, stn_sum(alarm->now_us, look_again_after(alarm->now_us, from_us, to_us)));
    }
}

static void ring_for_item(struct alarm *alarm, const struct rule_field *field, size_t index)
{
    const struct rule_item *item = &field->items[index];
    struct rule_instant in = rule_in_bounds(field, index);

    for (size_t i = 0; i < field->given->policy_count; i++) {
        const struct rule_policy *policy = &field->given->policies[i];

        if (!item->is->has_out) {
            ring_between(alarm, in, policy->longest_visit_us);
            ring_at(alarm, stn_sum(later(in.hi_us, policy->max_alone_us), 1));
        }
    }
    if (in.hi_us >= alarm->now_us) {
        ring_between(alarm, in, 0);
    }
    if (item->is->has_out) {
        struct rule_instant out = rule_bounds(&field->base, item->out_node);

        if (out.hi_us >= alarm->now_us) {
            ring_between(alarm, out, 0);
        }
    }
}

/* The limits of waiting concern only who waits. */
static void ring_for_waiting(struct alarm *alarm, const struct rule_field *field, size_t me, enum rule_company company)
{
    int64_t received_us = field->items[me].is->received_us;

    for (size_t i = 0; i < field->given->policy_count && company != RULE_COMPANY_JOINT && company != RULE_COMPANY_HELD;
         i++) {
        ring_at(alarm, stn_sum(received_us, field->given->policies[i].time_limit_us));
        ring_at(alarm, stn_sum(received_us, field->given->policies[i].evidence_overdue_us));
    }
}

int64_t rule_next_change(const struct rule_field *field, size_t me, enum rule_company company, int64_t soonest_us)
{
    struct alarm alarm = {.now_us = field->given->now_us, .next_us = RULE_FOREVER};

    if (soonest_us < STN_UNBOUNDED) {
        ring_at(&alarm, stn_sum(alarm.now_us, soonest_us));
    }
    ring_for_waiting(&alarm, field, me, company);
    for (size_t i = 0; i < field->count; i++) {
        ring_for_item(&alarm, field, i);
    }
    for (size_t i = 0; i < field->given->device_count; i++) {
        if (field->given->devices[i].watermark_known) {
            ring_at(&alarm, field->given->devices[i].watermark_us);
        }
        for (size_t k = 0; k < field->given->devices[i].holder_count; k++) {
            ring_at(&alarm, field->given->devices[i].holders[k].from_us);
        }
    }
    return alarm.next_us;
}
