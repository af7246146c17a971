/* Exact worlds: every question about time forks where both answers are possible. rule_internal.h explains. */
#include "core/rule_internal.h"

static int64_t clamped(int64_t us)
{
    return us > STN_TIME_MAX ? STN_TIME_MAX : us < -STN_TIME_MAX ? -STN_TIME_MAX : us;
}

struct rule_term rule_at(int64_t time_us)
{
    return (struct rule_term){RULE_ZERO, clamped(time_us)};
}

struct rule_term rule_in(const struct rule_world *world, size_t item)
{
    return (struct rule_term){world->in_node[item], 0};
}

struct rule_term rule_plus(struct rule_term term, int64_t plus_us)
{
    return (struct rule_term){term.node, clamped(term.plus_us + clamped(plus_us))};
}

int64_t rule_most(const struct stn *net, struct rule_term a, struct rule_term b)
{
    return stn_sum(stn_most(net, a.node, b.node), a.plus_us - b.plus_us);
}

int64_t rule_least(const struct stn *net, struct rule_term a, struct rule_term b)
{
    return -rule_most(net, b, a);
}

struct rule_instant rule_bounds(const struct stn *net, size_t node)
{
    int64_t lo_us = stn_least(net, node, RULE_ZERO);
    int64_t hi_us = stn_most(net, node, RULE_ZERO);

    return (struct rule_instant){
        .lo_us = lo_us <= -STN_UNBOUNDED ? INT64_MIN : lo_us,
        .hi_us = hi_us >= STN_UNBOUNDED ? RULE_FOREVER : hi_us,
    };
}

struct rule_instant rule_in_bounds(const struct rule_field *field, size_t item)
{
    return rule_bounds(&field->base, field->items[item].in_node);
}

/*
 * Items that can bear upon me: what may overlap me; for each with it, its officer's others (two places, next check-in);
 * and for those without a firm check-out, who could lend them one.
 */
static uint64_t relevant_to(const struct rule_field *field, size_t me)
{
    uint64_t relevant = UINT64_C(1) << me;
    uint64_t done = 0;

    while (relevant != done) {
        for (size_t i = 0; i < field->count; i++) {
            const struct rule_item *item = &field->items[i];
            bool firm = item->is->has_out && !rule_apart(&item->is->in_at, &item->is->out_at, 0) && i != me;

            if (((relevant & ~done) >> i & 1) == 0) {
                continue;
            }
            done |= UINT64_C(1) << i;
            for (size_t j = 0; j < field->count; j++) {
                bool matters =
                    (item->near >> j & 1) != 0 && (!firm || field->items[j].is->officer == item->is->officer);

                relevant |= matters ? UINT64_C(1) << j : 0;
            }
        }
    }
    return relevant;
}

static void take_node(struct rule_world *world, size_t base_node, size_t *ret_node)
{
    *ret_node = world->node_count;
    world->nodes[world->node_count++] = base_node;
}

void rule_world_init(struct rule_world *world, const struct rule_field *field, size_t me)
{
    world->field = field;
    world->me = me;
    world->relevant = relevant_to(field, me);
    world->node_count = 1;
    world->nodes[0] = RULE_ZERO;
    for (size_t i = 0; i < field->count; i++) {
        if ((world->relevant >> i & 1) == 0) {
            continue;
        }
        take_node(world, field->items[i].in_node, &world->in_node[i]);
        if (field->items[i].out_node != RULE_NONE) {
            take_node(world, field->items[i].out_node, &world->out_node[i]);
        }
    }
    world->net = (struct stn){.count = world->node_count, .most = field->scratch};
    world->choice_count = 0;
    world->work = 0;
    world->worlds = 0;
    world->over = false;
    world->soonest_us = STN_UNBOUNDED;
}

void rule_world_begin(struct rule_world *world)
{
    const struct stn *base = &world->field->base;

    for (size_t i = 0; i < world->node_count; i++) {
        for (size_t j = 0; j < world->node_count; j++) {
            world->net.most[i * world->node_count + j] = stn_most(base, world->nodes[i], world->nodes[j]);
        }
    }
    for (size_t i = 0; i < world->field->count; i++) {
        world->known[i].memo = 0;
    }
    world->depth = 0;
    world->work += world->node_count * world->node_count;
    world->worlds++;
}

bool rule_world_next(struct rule_world *world)
{
    while (world->choice_count > 0 && !world->choice[world->choice_count - 1]) {
        world->choice_count--;
    }
    if (world->choice_count == 0 || world->over) {
        return false;
    }
    if (world->worlds >= RULE_WORLDS_MAX || world->work > RULE_WORK_MAX) {
        world->over = true;
        return false;
    }
    world->choice[world->choice_count - 1] = false;
    return true;
}

bool rule_no_later(struct rule_world *world, struct rule_term a, struct rule_term b)
{
    bool answer;

    if (rule_most(&world->net, a, b) <= 0) {
        return true;
    }
    if (rule_least(&world->net, a, b) > 0) {
        return false;
    }
    if (world->depth == RULE_FORKS_MAX) {
        world->over = true;
        return false;
    }
    if (world->depth == world->choice_count) {
        world->choice[world->choice_count++] = true;
    }
    answer = world->choice[world->depth++];
    world->work += world->node_count * world->node_count;
    /* Both answers were possible, so neither can contradict the network. */
    (void)(answer ? stn_add(&world->net, a.node, b.node, b.plus_us - a.plus_us)
                  : stn_add(&world->net, b.node, a.node, a.plus_us - b.plus_us - 1));
    return answer;
}

bool rule_before(struct rule_world *world, struct rule_term a, struct rule_term b)
{
    return !rule_no_later(world, b, a);
}

bool rule_surely_before(const struct rule_world *world, struct rule_term a, struct rule_term b)
{
    return rule_most(&world->net, a, b) < 0;
}

const struct rule_policy *rule_policy_of(struct rule_world *world, size_t item)
{
    const struct rule_case *given = world->field->given;
    struct rule_known *known = &world->known[item];
    size_t version = given->policy_count - 1;

    if ((known->memo & RULE_MEMO_POLICY) != 0) {
        return known->policy;
    }
    while (version > 0 &&
           !rule_no_later(world, rule_at(given->policies[version].effective_from_us), rule_in(world, item))) {
        version--;
    }
    known->policy = &given->policies[version];
    known->memo |= RULE_MEMO_POLICY;
    return known->policy;
}
