/* V4, V11: check-outs that are recorded, open, missing or late, and what is taken in their place. */
#include "core/rule_internal.h"

bool rule_is_late(struct rule_world *world, size_t index)
{
    const struct rule_presence *is = world->field->items[index].is;

    /* Not even the smallest limit is passed in most cases: no need to ask which policy is in force. */
    return is->has_out && rule_apart(&is->in_at, &is->out_at, 0) &&
           rule_apart(&is->in_at, &is->out_at, rule_policy_of(world, index)->late_out_m);
}

bool rule_is_recorded(struct rule_world *world, size_t item)
{
    return world->field->items[item].is->has_out && !rule_is_late(world, item);
}

bool rule_is_assumed(struct rule_world *world, size_t item)
{
    return !rule_is_recorded(world, item) && !rule_is_open(world, item);
}

/* The officer's check-in b comes after a. */
static bool follows(struct rule_world *world, size_t a, size_t b)
{
    const struct rule_presence *x = world->field->items[a].is;
    const struct rule_presence *y = world->field->items[b].is;

    if (a == b || x->officer != y->officer || rule_log_later(y, x)) {
        return false;
    }
    return rule_log_later(x, y) || rule_before(world, rule_in(world, a), rule_in(world, b));
}

/* The latest that the presence can last: longest visit, a late check-out's time, the officer's next check-in anywhere. */
static struct rule_term limit_of(struct rule_world *world, size_t index)
{
    struct rule_known *known = &world->known[index];
    struct rule_term limit;

    if ((known->memo & RULE_MEMO_LIMIT) != 0) {
        return known->limit;
    }
    limit = rule_plus(rule_in(world, index), rule_policy_of(world, index)->longest_visit_us);
    if (world->field->items[index].is->has_out) {
        struct rule_term pressed = {world->out_node[index], 0};

        limit = rule_before(world, pressed, limit) ? pressed : limit;
    }
    for (size_t i = 0; i < world->field->count; i++) {
        if ((world->relevant >> i & 1) != 0 &&
            world->field->items[i].is->officer == world->field->items[index].is->officer && i != index &&
            rule_before(world, rule_in(world, i), limit) && follows(world, index, i) && rule_stands(world, i)) {
            limit = rule_in(world, i);
        }
    }
    known->limit = limit;
    known->memo |= RULE_MEMO_LIMIT;
    return limit;
}

bool rule_is_open(struct rule_world *world, size_t item)
{
    struct rule_known *known = &world->known[item];

    if (world->field->items[item].is->has_out) {
        return false;
    }
    if ((known->memo & RULE_MEMO_OPEN) == 0) {
        known->open = rule_before(world, rule_at(world->field->given->now_us), limit_of(world, item));
        known->memo |= RULE_MEMO_OPEN;
    }
    return known->open;
}

bool rule_may_pair(const struct rule_item *a, const struct rule_item *b)
{
    return a != b && a->is->offender == b->is->offender && a->is->officer != b->is->officer &&
           a->is->device != b->is->device;
}

static bool planned_together(struct rule_world *world, size_t assumed, size_t other)
{
    const struct rule_field *field = world->field;
    const struct rule_presence *is = field->items[assumed].is;
    const struct rule_presence *with = field->items[other].is;

    for (size_t k = 0; k < field->given->plan_count; k++) {
        const struct rule_plan *plan = &field->given->plans[field->plans[k]];
        bool mine = false;
        bool theirs = false;

        for (size_t i = 0; i < plan->officer_count; i++) {
            mine = mine || plan->officers[i] == is->officer;
            theirs = theirs || plan->officers[i] == with->officer;
        }
        if (plan->offender == is->offender && mine && theirs &&
            rule_no_later(world, rule_at(plan->from_us), rule_in(world, assumed)) &&
            rule_before(world, rule_in(world, assumed), rule_at(plan->to_us))) {
            return true;
        }
    }
    return false;
}

/* An assumed check-out pairs only with who was there for this visit: one forgotten in the morning doesn't cover the afternoon. */
bool rule_linked(struct rule_world *world, size_t assumed, size_t other)
{
    const struct rule_presence *is = world->field->items[assumed].is;
    const struct rule_presence *with = world->field->items[other].is;
    int64_t within_us;

    if (rule_cosigned(world->field, assumed, other) || rule_names(is, with->officer) || rule_names(with, is->officer)) {
        return true;
    }
    within_us = rule_policy_of(world, assumed)->max_alone_us;
    if (rule_no_later(world, rule_in(world, other), rule_plus(rule_in(world, assumed), within_us)) &&
        rule_no_later(world, rule_in(world, assumed), rule_plus(rule_in(world, other), within_us))) {
        return true;
    }
    return planned_together(world, assumed, other);
}

/* May other's check-out, or its leaving together, settle item's? */
static bool shares_visit(struct rule_world *world, size_t item, size_t other)
{
    return (world->relevant >> other & 1) != 0 &&
           rule_may_pair(&world->field->items[item], &world->field->items[other]) &&
           rule_before(world, rule_in(world, other), limit_of(world, item)) && rule_linked(world, item, other) &&
           !rule_far(world, item, other) && rule_stands(world, other);
}

/* The last of the recorded check-outs that partners lend, never later than the presence's own limit. */
static bool lent_out(struct rule_world *world, size_t index, struct rule_term *ret_out)
{
    struct rule_known *known = &world->known[index];

    if ((known->memo & RULE_MEMO_LENT) == 0) {
        bool lent = false;
        struct rule_term last = {0, 0};

        for (size_t i = 0; i < world->field->count; i++) {
            if ((world->relevant >> i & 1) == 0 || !rule_is_recorded(world, i) || !shares_visit(world, index, i) ||
                !rule_before(world, rule_in(world, index), (struct rule_term){world->out_node[i], 0}) ||
                !rule_before(world, rule_in(world, i), (struct rule_term){world->out_node[i], 0})) {
                continue;
            }
            if (!lent || rule_before(world, last, (struct rule_term){world->out_node[i], 0})) {
                last = (struct rule_term){world->out_node[i], 0};
            }
            lent = true;
        }
        if (lent && rule_before(world, limit_of(world, index), last)) {
            last = limit_of(world, index);
        }
        known->lent = lent;
        known->lent_out = last;
        known->memo |= RULE_MEMO_LENT;
    }
    *ret_out = known->lent_out;
    return known->lent;
}

static bool left_together(struct rule_world *world, size_t a, size_t b)
{
    return (world->relevant >> b & 1) != 0 && rule_may_pair(&world->field->items[a], &world->field->items[b]) &&
           rule_is_assumed(world, b) && shares_visit(world, a, b) && rule_linked(world, b, a) &&
           rule_before(world, rule_in(world, a), limit_of(world, b)) &&
           rule_before(world, rule_in(world, b), limit_of(world, b));
}

/* Nobody lent a check-out: all who were there without one share one instant, by the earliest limit. Whoever was gone
 * before index came isn't among them. */
static struct rule_term shared_out(struct rule_world *world, size_t index)
{
    uint64_t group = UINT64_C(1) << index;
    uint64_t done = 0;
    bool lent = false;
    struct rule_term earliest = limit_of(world, index);
    struct rule_term last = {0, 0};

    while (group != done) {
        size_t member = 0;

        while (((group & ~done) >> member & 1) == 0) {
            member++;
        }
        done |= UINT64_C(1) << member;
        for (size_t i = 0; i < world->field->count; i++) {
            struct rule_term out;

            if ((group >> i & 1) != 0 || !left_together(world, member, i)) {
                continue;
            }
            if (lent_out(world, i, &out)) {
                if (rule_before(world, rule_in(world, index), out)) {
                    last = !lent || rule_before(world, last, out) ? out : last;
                    lent = true;
                }
                continue;
            }
            if (!rule_before(world, rule_in(world, index), limit_of(world, i))) {
                continue;
            }
            group |= UINT64_C(1) << i;
            earliest = rule_before(world, limit_of(world, i), earliest) ? limit_of(world, i) : earliest;
        }
    }
    if (!lent) {
        return earliest;
    }
    return rule_before(world, limit_of(world, index), last) ? limit_of(world, index) : last;
}

static struct rule_term assumed_out(struct rule_world *world, size_t index)
{
    struct rule_term out;

    if (!lent_out(world, index, &out)) {
        out = shared_out(world, index);
    }
    return rule_before(world, out, rule_in(world, index)) ? rule_in(world, index) : out;
}

struct rule_term rule_out(struct rule_world *world, size_t item)
{
    struct rule_known *known = &world->known[item];
    struct rule_term now = rule_at(world->field->given->now_us);

    if ((known->memo & RULE_MEMO_OUT) != 0) {
        return known->out;
    }
    if (rule_is_recorded(world, item)) {
        known->out = (struct rule_term){world->out_node[item], 0};
    } else if (rule_is_open(world, item)) {
        known->out = rule_before(world, now, rule_in(world, item)) ? rule_in(world, item) : now;
    } else {
        known->out = assumed_out(world, item);
    }
    known->memo |= RULE_MEMO_OUT;
    return known->out;
}
