/* What all possible worlds say together: agreement is the verdict, disagreement is "time unproven" (V10, V11). */
#include "core/rule_internal.h"

#define COMPANY(name) (1u << RULE_COMPANY_##name)
#define HELD_REASONS (RULE_REASON_CONTESTED | RULE_REASON_REVOKED | RULE_REASON_UNASSIGNED | RULE_REASON_TWO_PLACES)

/* What the absence rules add over all worlds. */
struct rest {
    unsigned companies;
    bool overdue;
    bool awaits;
    enum rule_confirmed by;
};

static int64_t shown(int64_t us)
{
    return us >= STN_UNBOUNDED ? RULE_FOREVER : us <= -STN_UNBOUNDED ? INT64_MIN : us;
}

/* What is left when a presence is neither held, under way nor joint. */
static enum rule_company rest_company(const struct rule_leaf *leaf, const struct rule_absence *absence)
{
    if (leaf->waits || (absence->named && !absence->settled)) {
        return RULE_COMPANY_AWAITING_SECOND;
    }
    if (leaf->eligible != 0) {
        return RULE_COMPANY_PART_JOINT;
    }
    if (leaf->companion) {
        return RULE_COMPANY_ACCOMPANIED;
    }
    return absence->settled ? RULE_COMPANY_LONE_CONFIRMED : RULE_COMPANY_LONE_PROVISIONAL;
}

static void settle_rest(const struct rule_field *field, size_t me, const struct rule_leaf *leaf,
                        struct rule_instant out, struct rest *rest)
{
    struct rule_absence absence = rule_absence_of(field, me, leaf, out);
    enum rule_company company = rest_company(leaf, &absence);

    rest->companies |= 1u << company;
    rest->overdue = rest->overdue || absence.overdue;
    rest->awaits = rest->awaits || (absence.named && !absence.settled);
    if (company == RULE_COMPANY_LONE_CONFIRMED) {
        rest->by = absence.by > rest->by ? absence.by : rest->by;
    }
}

/*
 * Joint with joint so far is joint so far. Under way lasts until certainly beyond max_alone, under every policy and also
 * where it may have ended (V11); but not where it may be held or have a partner.
 */
static enum rule_company agreed(unsigned companies, bool bare)
{
    unsigned alone = COMPANY(UNDER_WAY) | COMPANY(AWAITING_SECOND) | COMPANY(ACCOMPANIED) | COMPANY(LONE_PROVISIONAL) |
                     COMPANY(LONE_CONFIRMED);

    if ((companies & COMPANY(UNDER_WAY)) != 0 && (bare || (companies & ~alone) == 0)) {
        return RULE_COMPANY_UNDER_WAY;
    }
    if (companies == (COMPANY(JOINT) | COMPANY(JOINT_SO_FAR))) {
        return RULE_COMPANY_JOINT_SO_FAR;
    }
    for (enum rule_company company = RULE_COMPANY_HELD; company <= RULE_COMPANY_LONE_CONFIRMED; company++) {
        if (companies == 1u << company) {
            return company;
        }
    }
    return RULE_COMPANY_TIME_UNPROVEN;
}

static void join_leaves(const struct rule_finding *finding, struct rule_verdict *verdict, struct rule_leaf *ret_all)
{
    *ret_all = finding->leaves[0];
    for (size_t i = 1; i < finding->leaf_count; i++) {
        const struct rule_leaf *leaf = &finding->leaves[i];

        ret_all->companies |= leaf->companies;
        ret_all->reasons &= leaf->reasons;
        ret_all->alone.min_us = leaf->alone.min_us < ret_all->alone.min_us ? leaf->alone.min_us : ret_all->alone.min_us;
        ret_all->alone.max_us = leaf->alone.max_us > ret_all->alone.max_us ? leaf->alone.max_us : ret_all->alone.max_us;
        ret_all->out.lo_us = leaf->out.lo_us < ret_all->out.lo_us ? leaf->out.lo_us : ret_all->out.lo_us;
        ret_all->out.hi_us = leaf->out.hi_us > ret_all->out.hi_us ? leaf->out.hi_us : ret_all->out.hi_us;
        ret_all->bare = ret_all->bare && leaf->bare;
        ret_all->must_stand = ret_all->must_stand || leaf->must_stand;
        ret_all->joint_before = ret_all->joint_before || leaf->joint_before;
    }
    verdict->alone_min_us = shown(ret_all->alone.min_us);
    verdict->alone_max_us = shown(ret_all->alone.max_us);
    verdict->out = (struct rule_instant){shown(ret_all->out.lo_us), shown(ret_all->out.hi_us)};
    verdict->reasons = ret_all->reasons;
}

/* The worst of the worlds' best grades. */
static enum rule_grade pair_grade(const struct rule_finding *finding, enum rule_company company)
{
    enum rule_grade worst = RULE_GRADE_NONE;

    for (size_t i = 0; i < finding->leaf_count; i++) {
        unsigned grades = company == RULE_COMPANY_JOINT ? finding->leaves[i].grades_firm : finding->leaves[i].grades;
        enum rule_grade best = RULE_GRADE_A;

        while (best < RULE_GRADE_C && (grades >> best & 1) == 0) {
            best++;
        }
        worst = best > worst ? best : worst;
    }
    return worst;
}

static bool claims_company(const struct rule_presence *is)
{
    bool claims = is->agency;

    for (size_t i = 0; is->with == RULE_WITH_NAMED && i < is->named_count; i++) {
        claims = claims || is->named[i] != is->officer;
    }
    return claims;
}

static enum rule_grade grade_of(const struct rule_field *field, size_t me, const struct rule_finding *finding,
                                enum rule_company company)
{
    switch (company) {
    case RULE_COMPANY_JOINT:
    case RULE_COMPANY_JOINT_SO_FAR:
    case RULE_COMPANY_PART_JOINT:
        return pair_grade(finding, company);
    case RULE_COMPANY_AWAITING_SECOND:
    case RULE_COMPANY_ACCOMPANIED:
    case RULE_COMPANY_LONE_PROVISIONAL:
    case RULE_COMPANY_LONE_CONFIRMED:
        return finding->related == 0 && claims_company(field->items[me].is) ? RULE_GRADE_D : RULE_GRADE_NONE;
    case RULE_COMPANY_HELD:
    case RULE_COMPANY_UNDER_WAY:
    case RULE_COMPANY_TIME_UNPROVEN:
        break;
    }
    return RULE_GRADE_NONE;
}

/* Certain partners first, then who certainly covers most, then the smallest id. */
static size_t best_partner(const struct rule_field *field, const struct rule_finding *finding)
{
    size_t best = RULE_NONE;

    for (size_t i = 0; i < field->count; i++) {
        bool certain = (finding->eligible_all >> i & 1) != 0;
        bool best_certain = best != RULE_NONE && (finding->eligible_all >> best & 1) != 0;

        if ((finding->eligible_some >> i & 1) == 0 || (best_certain && !certain)) {
            continue;
        }
        if (best == RULE_NONE || certain != best_certain || finding->cover_min_us[i] > finding->cover_min_us[best]) {
            best = i;
        }
    }
    return best == RULE_NONE ? RULE_NONE : field->items[best].given;
}

/* Officers, not presences: somebody may have left and come again. */
static size_t partner_count(const struct rule_field *field, const struct rule_finding *finding)
{
    size_t count = 0;

    for (size_t i = 0; i < field->count; i++) {
        bool first = (finding->eligible_some >> i & 1) != 0;

        for (size_t k = 0; k < i && first; k++) {
            first =
                (finding->eligible_some >> k & 1) == 0 || field->items[k].is->officer != field->items[i].is->officer;
        }
        count += first ? 1 : 0;
    }
    return count;
}

static uint32_t settled_reasons(const struct rule_field *field, size_t me, const struct rest *rest,
                                const struct rule_verdict *verdict)
{
    const struct rule_item *item = &field->items[me];
    uint32_t reasons = 0;

    reasons |= item->trouble ? RULE_REASON_CLOCK_TROUBLE : 0;
    reasons |= rest->awaits ? RULE_REASON_AWAITS_CANDIDATE : 0;
    reasons |= rest->overdue ? RULE_REASON_EVIDENCE_OVERDUE : 0;
    reasons |= verdict->grade == RULE_GRADE_D ? RULE_REASON_CLAIMED_ONLY : 0;
    reasons |= item->decided == RULE_DECIDED_COUNTS ? RULE_REASON_DECIDED_COUNTS : 0;
    reasons |= item->decided == RULE_DECIDED_AGAINST ? RULE_REASON_DECIDED_AGAINST : 0;
    reasons |= rule_forbidden(field, me) == TRI_YES ? RULE_REASON_LONE_FORBIDDEN : 0;
    return reasons;
}

/* Too many worlds: only what needs no time is certain. Whoever may be near may be a partner. */
static void settle_over(const struct rule_field *field, size_t me, struct rule_finding *finding,
                        struct rule_verdict *verdict, struct rule_standing *standing)
{
    const struct rule_item *item = &field->items[me];
    struct rule_instant in = rule_in_bounds(field, me);
    uint32_t reasons = (item->is->contested && !item->vouched ? RULE_REASON_CONTESTED : 0u) |
                       (rule_never_assigned(field, me) ? RULE_REASON_UNASSIGNED : 0u);
    bool held = item->decided == RULE_DECIDED_NOT && reasons != 0;
    int64_t length_us =
        item->is->has_out ? stn_most(&field->base, item->out_node, item->in_node) : rule_longest_visit_us(field->given);

    finding->related = 0;
    for (size_t i = 0; i < field->count; i++) {
        finding->related |= rule_may_pair(item, &field->items[i]) ? item->near & UINT64_C(1) << i : 0;
    }
    verdict->company = held ? RULE_COMPANY_HELD : RULE_COMPANY_TIME_UNPROVEN;
    verdict->alone_min_us = 0;
    verdict->alone_max_us = shown(length_us);
    verdict->out.lo_us = in.lo_us;
    verdict->out.hi_us = shown(stn_sum(in.hi_us == RULE_FOREVER ? STN_UNBOUNDED : in.hi_us, length_us));
    verdict->best_partner = RULE_NONE;
    verdict->reasons = held ? reasons : 0;
    verdict->reasons |= settled_reasons(field, me, &(struct rest){.companies = 0}, verdict);
    *standing = (struct rule_standing){
        .related = finding->related, .must_stand = !held, .unheld = !held, .open = !item->is->has_out};
}

static bool may_be_open(const struct rule_field *field, size_t me, const struct rule_verdict *verdict)
{
    return !field->items[me].is->has_out &&
           ((verdict->reasons & RULE_REASON_OPEN) != 0 || (verdict->reasons & RULE_REASON_OUT_MISSING) == 0);
}

void rule_company_settle(const struct rule_field *field, size_t me, struct rule_finding *finding,
                         struct rule_verdict *verdict, struct rule_standing *ret_standing)
{
    struct rule_leaf all;
    bool there = true;
    struct rest rest = {.companies = 0};

    if (finding->over) {
        settle_over(field, me, finding, verdict, ret_standing);
        return;
    }
    join_leaves(finding, verdict, &all);
    for (size_t i = 0; i < finding->leaf_count; i++) {
        there = there && finding->leaves[i].must_stand;
        if (finding->leaves[i].rest) {
            settle_rest(field, me, &finding->leaves[i], verdict->out, &rest);
        }
    }
    verdict->company = agreed(all.companies | rest.companies, all.bare);
    verdict->confirmed_by = verdict->company == RULE_COMPANY_LONE_CONFIRMED ? rest.by : RULE_CONFIRMED_NOT;
    verdict->grade = grade_of(field, me, finding, verdict->company);
    verdict->best_partner = best_partner(field, finding);
    verdict->partner_count = partner_count(field, finding);
    verdict->against_lapsed =
        field->items[me].decided == RULE_DECIDED_AGAINST && verdict->company == RULE_COMPANY_JOINT && !all.joint_before;
    verdict->reasons |= settled_reasons(field, me, &rest, verdict);
    *ret_standing = (struct rule_standing){
        .related = finding->related,
        .must_stand = all.must_stand,
        .must_be_there = there,
        .unheld = (verdict->reasons & HELD_REASONS) == 0,
        .open = may_be_open(field, me, verdict),
        .against_lapsed = verdict->company == RULE_COMPANY_JOINT && !all.joint_before,
    };
}
