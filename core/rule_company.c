/* V3, V7, V8: what each world says of a presence's company, and what all of them say together. */
#include "core/rule_internal.h"

#define COMPANY(name) (1u << RULE_COMPANY_##name)

struct sights {
    uint64_t open;        /* eligible partners without a check-out yet */
    uint64_t of_grade[4]; /* eligible partners by enum rule_grade */
};

static bool one_device(struct rule_world *world, size_t other)
{
    const struct rule_presence *mine = world->field->items[world->me].is;
    const struct rule_presence *theirs = world->field->items[other].is;

    return mine->offender == theirs->offender && mine->officer != theirs->officer && mine->device == theirs->device &&
           rule_surely_before(world, rule_in(world, other), rule_out(world, world->me)) &&
           rule_surely_before(world, rule_in(world, world->me), rule_out(world, other));
}

static void see_partner(struct rule_world *world, size_t other, struct rule_leaf *leaf, struct sights *sights)
{
    size_t me = world->me;
    uint64_t bit = UINT64_C(1) << other;
    enum rule_bond bond = rule_bond(world, me, other);

    leaf->related |= bit;
    leaf->heard |= bond == RULE_BOND_HELD ? 0 : bit;
    switch (bond) {
    case RULE_BOND_ELIGIBLE:
        leaf->eligible |= bit;
        sights->open |= rule_is_open(world, other) ? bit : 0;
        sights->of_grade[rule_pair_grade(world, me, other)] |= bit;
        if (rule_apart(&world->field->items[me].is->in_at, &world->field->items[other].is->in_at,
                       rule_policy_of(world, me)->partner_distance_m)) {
            leaf->reasons |= RULE_REASON_PLACES_APART;
        }
        break;
    case RULE_BOND_COMPANION:
        leaf->companion = true;
        leaf->reasons |= rule_entitled(world, other) ? 0 : RULE_REASON_NOT_ENTITLED;
        break;
    case RULE_BOND_HELD:
    case RULE_BOND_FAR:
        leaf->waits = true;
        leaf->reasons |= bond == RULE_BOND_HELD ? RULE_REASON_PARTNER_HELD : RULE_REASON_PARTNER_FAR;
        break;
    case RULE_BOND_VOID:
    case RULE_BOND_NONE:
        break;
    }
}

static void see_partners(struct rule_world *world, struct rule_leaf *leaf, struct sights *sights)
{
    size_t me = world->me;

    for (size_t i = 0; i < world->field->count; i++) {
        if (i == me || (world->relevant >> i & 1) == 0 || (world->field->items[me].near >> i & 1) == 0) {
            continue;
        }
        if (rule_related(world, me, i)) {
            see_partner(world, i, leaf, sights);
        } else if (one_device(world, i)) {
            leaf->reasons |= RULE_REASON_ONE_DEVICE;
        }
    }
    if (world->field->items[me].is->agency) {
        leaf->companion = true;
    }
    leaf->reasons |= leaf->companion ? RULE_REASON_ACCOMPANIED : 0;
}

/* V7: would partners of this grade and better alone make it joint? */
static void grade_subsets(struct rule_world *world, const struct sights *sights, uint64_t firm, struct rule_leaf *leaf)
{
    uint64_t partners = 0;
    struct rule_range unused;

    for (enum rule_grade grade = RULE_GRADE_A; grade <= RULE_GRADE_C; grade++) {
        partners |= sights->of_grade[grade];
        if (partners == 0) {
            continue;
        }
        leaf->grades |= rule_alone(world, partners, &unused) == TRI_YES ? 1u << grade : 0;
        if ((partners & firm) == partners) {
            leaf->grades_firm |= leaf->grades & 1u << grade;
        } else {
            leaf->grades_firm |= rule_alone(world, partners & firm, &unused) == TRI_YES ? 1u << grade : 0;
        }
    }
}

/* Part joint takes the best pair's grade: any one partner gives that verdict. */
static unsigned best_bit(const struct sights *sights)
{
    for (enum rule_grade grade = RULE_GRADE_A; grade <= RULE_GRADE_C; grade++) {
        if (sights->of_grade[grade] != 0) {
            return 1u << grade;
        }
    }
    return 0;
}

static bool joint_before(struct rule_world *world, uint64_t eligible, int64_t by_us)
{
    uint64_t received = 0;
    struct rule_range unused;

    for (size_t i = 0; i < world->field->count; i++) {
        received |= world->field->items[i].is->received_us <= by_us ? eligible & UINT64_C(1) << i : 0;
    }
    return received != 0 && rule_alone(world, received, &unused) != TRI_NO;
}

static unsigned joint_companies(enum tri joint, enum tri firm, bool open)
{
    if (joint == TRI_NO) {
        return 0;
    }
    if (open || firm == TRI_NO) {
        return COMPANY(JOINT_SO_FAR);
    }
    return firm == TRI_YES ? COMPANY(JOINT) : COMPANY(JOINT) | COMPANY(JOINT_SO_FAR);
}

static bool surely_beyond_max_alone(const struct rule_world *world, int64_t max_alone_us)
{
    int64_t latest_in_us = rule_in_bounds(world->field, world->me).hi_us;

    return latest_in_us != RULE_FOREVER && world->field->given->now_us - latest_in_us > max_alone_us;
}

static void weigh(struct rule_world *world, const struct sights *sights, struct rule_leaf *leaf)
{
    const struct rule_item *me = &world->field->items[world->me];
    bool open = rule_is_open(world, world->me);
    uint64_t firm = leaf->eligible & ~sights->open;
    enum tri joint = rule_alone(world, leaf->eligible, &leaf->alone);
    enum tri joint_firm = joint;
    struct rule_range unused;

    if (rule_is_held(world, world->me)) {
        leaf->companies = COMPANY(HELD);
        return;
    }
    leaf->bare = open && leaf->eligible == 0;
    if (leaf->bare && !surely_beyond_max_alone(world, leaf->policy->max_alone_us)) {
        leaf->companies = COMPANY(UNDER_WAY);
        return;
    }
    if (firm != leaf->eligible) {
        joint_firm = rule_alone(world, firm, &unused);
    }
    leaf->companies = joint_companies(joint, joint_firm, open);
    leaf->rest = joint != TRI_YES;
    if (joint == TRI_YES) {
        grade_subsets(world, sights, firm, leaf);
        leaf->joint_before = me->decided == RULE_DECIDED_AGAINST && joint_before(world, leaf->eligible, me->against_us);
    } else {
        leaf->grades = best_bit(sights);
    }
}

static uint32_t own_reasons(struct rule_world *world, bool entitled)
{
    size_t me = world->me;
    bool has_out = world->field->items[me].is->has_out;
    uint32_t reasons = rule_is_held(world, me) ? rule_held_reasons(world, me) : 0;

    if (rule_is_open(world, me)) {
        reasons |= RULE_REASON_OPEN;
    } else if (rule_is_assumed(world, me)) {
        reasons |= has_out ? RULE_REASON_OUT_LATE : RULE_REASON_OUT_MISSING;
    }
    return reasons | (entitled ? 0 : RULE_REASON_NOT_ENTITLED);
}

static void judge_world(struct rule_world *world, struct rule_leaf *leaf)
{
    size_t me = world->me;
    struct sights sights = {.open = 0};
    bool entitled = rule_entitled(world, me);
    struct rule_term out = rule_out(world, me);

    *leaf = (struct rule_leaf){.policy = rule_policy_of(world, me)};
    leaf->reasons = own_reasons(world, entitled);
    leaf->must_stand = entitled && !rule_is_held(world, me);
    see_partners(world, leaf, &sights);
    weigh(world, &sights, leaf);
    leaf->out.lo_us = rule_least(&world->net, out, rule_at(0));
    leaf->out.hi_us = rule_most(&world->net, out, rule_at(0));
}

static void note_cover(struct rule_world *world, const struct rule_leaf *leaf, struct rule_finding *finding)
{
    /* One partner needs no comparing. */
    if ((leaf->eligible & (leaf->eligible - 1)) == 0 && (finding->eligible_some & ~leaf->eligible) == 0) {
        return;
    }
    for (size_t i = 0; i < world->field->count; i++) {
        if ((leaf->eligible >> i & 1) != 0) {
            int64_t cover_us = rule_cover_min(world, i);
            bool first = (finding->eligible_some >> i & 1) == 0;

            finding->cover_min_us[i] =
                first || cover_us < finding->cover_min_us[i] ? cover_us : finding->cover_min_us[i];
        }
    }
}

void rule_find(struct rule_world *world, struct rule_finding *ret_finding)
{
    ret_finding->leaf_count = 0;
    ret_finding->related = 0;
    ret_finding->eligible_some = 0;
    ret_finding->eligible_all = ~UINT64_C(0);
    for (size_t i = 0; i < world->field->count; i++) {
        ret_finding->cover_min_us[i] = 0;
    }
    do {
        struct rule_leaf *leaf = &ret_finding->leaves[ret_finding->leaf_count++];

        rule_world_begin(world);
        judge_world(world, leaf);
        note_cover(world, leaf, ret_finding);
        ret_finding->related |= leaf->related;
        ret_finding->eligible_some |= leaf->eligible;
        ret_finding->eligible_all &= leaf->eligible;
    } while (rule_world_next(world));
    ret_finding->over = world->over;
}
