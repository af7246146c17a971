/* V3, V10: minutes alone, exact for one partner, sound bounds for many; and whether that is joint. */
#include "core/rule_internal.h"

#include <string.h>

/* One partner. The three questions that the formula depends on are split here, each part exact. */
struct duo {
    struct rule_world *world;
    struct rule_term in, out;             /* mine */
    struct rule_term other_in, other_out; /* the partner's */
    int64_t max_alone_us;
    bool half;  /* at most half the presence applies, too */
    bool grows; /* with every moment that passes: I am open, the partner is not */
};

struct duo_result {
    bool any;
    struct rule_range alone;
    enum tri joint;
};

/* plus/minus: instants added and taken away; constant: what their terms' own constants come to. */
struct sum {
    size_t plus[STN_SUM_MAX];
    size_t minus[STN_SUM_MAX];
    size_t count;
    int64_t constant_us;
};

static void sum_add(struct sum *sum, struct rule_term plus, struct rule_term minus)
{
    sum->plus[sum->count] = plus.node;
    sum->minus[sum->count++] = minus.node;
    sum->constant_us += plus.plus_us - minus.plus_us;
}

static struct rule_range sum_range(const struct stn *net, const struct sum *sum)
{
    int64_t most_us = stn_most_sum(net, sum->plus, sum->minus, sum->count);
    int64_t least_us = -stn_most_sum(net, sum->minus, sum->plus, sum->count);

    return (struct rule_range){stn_sum(least_us, sum->constant_us), stn_sum(most_us, sum->constant_us)};
}

static void join(struct duo_result *result, struct rule_range alone, enum tri joint)
{
    if (!result->any) {
        *result = (struct duo_result){true, alone, joint};
        return;
    }
    result->alone.min_us = alone.min_us < result->alone.min_us ? alone.min_us : result->alone.min_us;
    result->alone.max_us = alone.max_us > result->alone.max_us ? alone.max_us : result->alone.max_us;
    result->joint = tri_join(result->joint, joint);
}

/* Minutes alone that grow with time cross the limit no sooner than this. */
static void note_growth(struct rule_world *world, int64_t alone_us, int64_t max_alone_us)
{
    int64_t left_us = stn_sum(max_alone_us, 1 - alone_us);

    if (left_us > 0 && left_us < world->soonest_us) {
        world->soonest_us = left_us;
    }
}

/* late: the partner came after me; early: left before me; brief: my presence is at most twice max_alone, so half binds. */
static void measure(const struct duo *duo, const struct stn *net, const bool *answers, struct duo_result *result)
{
    struct sum alone = {.count = 0};
    struct sum excess = {.count = 0};
    struct rule_range range;
    struct rule_range over;

    for (int twice = 0; twice < 2; twice++) {
        if (!answers[0]) {
            sum_add(&excess, duo->other_in, duo->in);
        }
        if (!answers[1]) {
            sum_add(&excess, duo->out, duo->other_out);
        }
        alone = twice == 0 ? excess : alone;
    }
    range = sum_range(net, &alone);
    sum_add(&excess, duo->in, duo->out); /* 2 * alone - length */
    over = sum_range(net, &excess);
    if (duo->grows) {
        note_growth(duo->world, range.min_us, duo->max_alone_us);
        note_growth(duo->world, range.max_us, duo->max_alone_us);
    }
    join(result, range,
         duo->half && answers[2] ? tri_at_most(over.min_us, over.max_us, 0)
                                 : tri_at_most(range.min_us, range.max_us, duo->max_alone_us));
}

/* Question k of duo: a - b <= limit? */
static int64_t question(const struct duo *duo, size_t k, struct rule_term *ret_a, struct rule_term *ret_b)
{
    *ret_a = k == 0 ? duo->other_in : duo->out;
    *ret_b = k == 0 ? duo->in : k == 1 ? duo->other_out : duo->in;
    return k == 2 ? 2 * duo->max_alone_us : 0;
}

static void split(const struct duo *duo, const struct stn *net, size_t k, bool *answers, struct duo_result *result)
{
    struct rule_term a, b;
    int64_t limit_us;
    size_t cells = net->count * net->count;

    if (k == 2 && !duo->half) {
        k = 3;
    }
    if (k == 3) {
        measure(duo, net, answers, result);
        return;
    }
    limit_us = question(duo, k, &a, &b);
    for (int yes = 1; yes >= 0; yes--) {
        struct stn part = {net->count, duo->world->field->scratch + (k + 1) * cells};

        answers[k] = yes == 1;
        if (yes == 1 ? rule_least(net, a, b) > limit_us : rule_most(net, a, b) <= limit_us) {
            continue;
        }
        if (yes == 1 ? rule_most(net, a, b) <= limit_us : rule_least(net, a, b) > limit_us) {
            split(duo, net, k + 1, answers, result);
            continue;
        }
        memcpy(part.most, net->most, cells * sizeof *part.most);
        (void)(yes == 1 ? stn_add(&part, a.node, b.node, limit_us + b.plus_us - a.plus_us)
                        : stn_add(&part, b.node, a.node, a.plus_us - b.plus_us - limit_us - 1));
        split(duo, &part, k + 1, answers, result);
    }
}

static int64_t at_least_0(int64_t us)
{
    return us > 0 ? us : 0;
}

static enum tri alone_with_one(struct rule_world *world, size_t partner, struct rule_range *ret_alone)
{
    size_t me = world->me;
    bool answers[3] = {false, false, false};
    struct duo_result result = {.any = false};
    struct duo duo = {
        .world = world,
        .in = rule_in(world, me),
        .out = rule_out(world, me),
        .other_in = rule_in(world, partner),
        .other_out = rule_out(world, partner),
        .max_alone_us = rule_policy_of(world, me)->max_alone_us,
        .half = rule_is_recorded(world, me),
        .grows = rule_is_open(world, me) && !rule_is_open(world, partner),
    };

    split(&duo, &world->net, 0, answers, &result);
    *ret_alone = (struct rule_range){at_least_0(result.alone.min_us), result.alone.max_us};
    return result.joint;
}

/* Nobody covers more than this path from partner to partner: the cheapest sum of greatest gaps. */
static int64_t alone_most(struct rule_world *world, const size_t *partners, size_t count)
{
    int64_t cost_us[RULE_PRESENCES_MAX];
    bool done[RULE_PRESENCES_MAX] = {false};
    int64_t best_us = STN_UNBOUNDED;
    struct rule_term out = rule_out(world, world->me);

    for (size_t i = 0; i < count; i++) {
        cost_us[i] = at_least_0(rule_most(&world->net, rule_in(world, partners[i]), rule_in(world, world->me)));
    }
    for (size_t round = 0; round < count; round++) {
        size_t at = RULE_NONE;
        int64_t end_us;

        for (size_t i = 0; i < count; i++) {
            at = !done[i] && (at == RULE_NONE || cost_us[i] < cost_us[at]) ? i : at;
        }
        done[at] = true;
        end_us = stn_sum(cost_us[at], at_least_0(rule_most(&world->net, out, rule_out(world, partners[at]))));
        best_us = end_us < best_us ? end_us : best_us;
        for (size_t i = 0; i < count; i++) {
            int64_t gap_us =
                at_least_0(rule_most(&world->net, rule_in(world, partners[i]), rule_out(world, partners[at])));
            int64_t path_us = stn_sum(cost_us[at], gap_us);

            cost_us[i] = path_us < cost_us[i] ? path_us : cost_us[i];
        }
    }
    return best_us;
}

/* By earliest possible check-in; ids' order between equals. */
static void sort_by_in(struct rule_world *world, size_t *partners, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        size_t moving = partners[i];
        size_t j = i;
        int64_t key_us = stn_least(&world->net, world->in_node[moving], RULE_ZERO);

        while (j > 0 && stn_least(&world->net, world->in_node[partners[j - 1]], RULE_ZERO) > key_us) {
            partners[j] = partners[j - 1];
            j--;
        }
        partners[j] = moving;
    }
}

/* Certain gaps: before all, after all, and between those that are certainly over and those that certainly came later. */
static int64_t alone_least(struct rule_world *world, const size_t *partners, size_t count)
{
    int64_t first_us = STN_UNBOUNDED;
    int64_t last_us = STN_UNBOUNDED;
    int64_t sum_us = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t before_us = rule_least(&world->net, rule_in(world, partners[i]), rule_in(world, world->me));
        int64_t after_us = rule_least(&world->net, rule_out(world, world->me), rule_out(world, partners[i]));

        first_us = before_us < first_us ? before_us : first_us;
        last_us = after_us < last_us ? after_us : last_us;
    }
    for (size_t cut = 1; cut < count; cut++) {
        int64_t gap_us = STN_UNBOUNDED;

        for (size_t i = 0; i < cut; i++) {
            for (size_t j = cut; j < count; j++) {
                int64_t us = rule_least(&world->net, rule_in(world, partners[j]), rule_out(world, partners[i]));

                gap_us = us < gap_us ? us : gap_us;
            }
        }
        sum_us = stn_sum(sum_us, at_least_0(gap_us));
    }
    return stn_sum(stn_sum(at_least_0(first_us), at_least_0(last_us)), sum_us);
}

/* A path that ends with an open partner doesn't grow; one that ends with a partner who left does. */
static void note_many_growth(struct rule_world *world, const size_t *partners, size_t count,
                             const struct rule_range *alone)
{
    int64_t max_alone_us = rule_policy_of(world, world->me)->max_alone_us;
    size_t open[RULE_PRESENCES_MAX];
    size_t open_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (rule_is_open(world, partners[i])) {
            open[open_count++] = partners[i];
        }
    }
    if (!rule_is_open(world, world->me) || (open_count > 0 && alone_most(world, open, open_count) <= max_alone_us)) {
        return;
    }
    note_growth(world, alone->min_us, max_alone_us);
    note_growth(world, alone->max_us, max_alone_us);
}

static enum tri alone_with_many(struct rule_world *world, size_t *partners, size_t count, struct rule_range *ret_alone)
{
    struct rule_term in = rule_in(world, world->me);
    struct rule_term out = rule_out(world, world->me);
    int64_t max_alone_us = rule_policy_of(world, world->me)->max_alone_us;
    struct rule_range alone;
    enum tri joint = TRI_NO;
    enum tri all;

    sort_by_in(world, partners, count);
    alone = (struct rule_range){alone_least(world, partners, count), alone_most(world, partners, count)};
    for (size_t i = 0; i < count; i++) {
        struct rule_range with_one;

        joint = tri_or(joint, alone_with_one(world, partners[i], &with_one));
        alone.max_us = with_one.max_us < alone.max_us ? with_one.max_us : alone.max_us;
    }
    all = tri_at_most(alone.min_us, alone.max_us, max_alone_us);
    if (rule_is_recorded(world, world->me)) {
        int64_t twice_max_us = stn_sum(alone.max_us, alone.max_us);
        int64_t twice_min_us = stn_sum(alone.min_us, alone.min_us);
        enum tri half = twice_max_us <= rule_least(&world->net, out, in) ? TRI_YES
                        : twice_min_us > rule_most(&world->net, out, in) ? TRI_NO
                                                                         : TRI_UNKNOWN;

        all = tri_and(all, half);
    }
    note_many_growth(world, partners, count, &alone);
    *ret_alone = alone;
    return joint == TRI_YES ? TRI_YES : all;
}

enum tri rule_alone(struct rule_world *world, uint64_t partners, struct rule_range *ret_alone)
{
    size_t list[RULE_PRESENCES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < world->field->count; i++) {
        if ((partners >> i & 1) != 0) {
            list[count++] = i;
        }
    }
    if (count == 0) {
        struct rule_term in = rule_in(world, world->me);
        struct rule_term out = rule_out(world, world->me);

        *ret_alone = (struct rule_range){at_least_0(rule_least(&world->net, out, in)), rule_most(&world->net, out, in)};
        return TRI_NO;
    }
    return count == 1 ? alone_with_one(world, list[0], ret_alone) : alone_with_many(world, list, count, ret_alone);
}

int64_t rule_cover_min(struct rule_world *world, size_t partner)
{
    struct rule_range alone;

    (void)alone_with_one(world, partner, &alone);
    return at_least_0(
        stn_sum(rule_least(&world->net, rule_out(world, world->me), rule_in(world, world->me)), -alone.max_us));
}
