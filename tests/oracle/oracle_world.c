/* The rule in one possible world: who is held, when presences end, who pairs with whom (V2, V4, V5, V6, V11). */
#include <math.h>
#include <string.h>

#include "tests/oracle/oracle_parts.h"

bool oracle_apart(const struct rule_place *a, const struct rule_place *b, double beyond_m)
{
    if (!a->known || !b->known) {
        return false;
    }
    return hypot(a->x_m - b->x_m, a->y_m - b->y_m) > beyond_m + a->accuracy_m + b->accuracy_m;
}

bool oracle_cosigned(const struct rule_case *rule_case, size_t a, size_t b)
{
    return rule_case->presences[a].cosign.presence == b || rule_case->presences[b].cosign.presence == a;
}

bool oracle_names(const struct rule_presence *presence, size_t officer)
{
    if (presence->with != RULE_WITH_NAMED || officer == presence->officer) {
        return false;
    }
    for (size_t i = 0; i < presence->named_count; i++) {
        if (presence->named[i] == officer) {
            return true;
        }
    }
    return false;
}

bool oracle_plan_holds(const struct rule_plan *plan, size_t officer)
{
    for (size_t i = 0; i < plan->officer_count; i++) {
        if (plan->officers[i] == officer) {
            return true;
        }
    }
    return false;
}

/* A plan whose window holds a's check-in names both. */
static bool planned_with(const struct oracle_view *view, size_t a, size_t b)
{
    const struct rule_case *c = view->rule_case;

    for (size_t i = 0; i < c->plan_count; i++) {
        const struct rule_plan *plan = &c->plans[i];

        if (plan->offender == c->presences[a].offender && view->world->in[a] >= plan->from_us &&
            view->world->in[a] < plan->to_us && oracle_plan_holds(plan, c->presences[a].officer) &&
            oracle_plan_holds(plan, c->presences[b].officer)) {
            return true;
        }
    }
    return false;
}

/* V11: may a, whose check-out is assumed, pair with b at all? */
static bool may_pair_assumed(const struct oracle_view *view, const struct oracle_result *results, size_t a, size_t b)
{
    const struct rule_presence *p = view->rule_case->presences;
    int64_t gap = results[a].in - results[b].in;

    return oracle_cosigned(view->rule_case, a, b) || oracle_names(&p[a], p[b].officer) ||
           oracle_names(&p[b], p[a].officer) || planned_with(view, a, b) ||
           (gap < 0 ? -gap : gap) <= results[a].policy->max_alone_us;
}

/* Each of the two whose check-out is assumed has its say. */
bool oracle_linked(const struct oracle_view *view, const struct oracle_result *results, size_t a, size_t b)
{
    return (results[a].ending != ORACLE_ASSUMED || may_pair_assumed(view, results, a, b)) &&
           (results[b].ending != ORACLE_ASSUMED || may_pair_assumed(view, results, b, a));
}

/* F4: the officer to whom the device was assigned at an instant; the first one also before. No history: its officer's. */
static size_t holder_at(const struct rule_device *device, int64_t at)
{
    size_t holder = device->holder_count > 0 ? device->holders[0].officer : device->officer;

    for (size_t i = 0; i < device->holder_count; i++) {
        if (device->holders[i].from_us <= at) {
            holder = device->holders[i].officer;
        }
    }
    return holder;
}

/* V6 without the two that need a second presence. */
static uint32_t own_reasons_to_hold(const struct oracle_view *view, const struct oracle_result *results, size_t i)
{
    const struct rule_case *c = view->rule_case;
    const struct rule_presence *p = &c->presences[i];
    bool named_by_uncontested = false;
    uint32_t reasons = 0;

    for (size_t j = 0; j < c->presence_count; j++) {
        if (!c->presences[j].contested && c->presences[j].cosign.presence == i) {
            named_by_uncontested = true;
        }
    }
    if (p->contested && !named_by_uncontested) {
        reasons |= RULE_REASON_CONTESTED;
    }
    if (c->devices[p->device].revoked_as_of_us <= results[i].in) {
        reasons |= RULE_REASON_REVOKED;
    }
    if (p->unassigned || holder_at(&c->devices[p->device], results[i].in) != p->officer) {
        reasons |= RULE_REASON_UNASSIGNED;
    }
    return reasons;
}

static bool overlap(int64_t a_in, int64_t a_out, int64_t b_in, int64_t b_out)
{
    int64_t from = a_in > b_in ? a_in : b_in;
    int64_t to = a_out < b_out ? a_out : b_out;

    return to > from;
}

/* One officer at two places: both check-outs recorded, in their place. */
static bool two_places(const struct oracle_view *view, const struct oracle_result *results, size_t i, size_t j)
{
    const struct rule_presence *p = view->rule_case->presences;

    return p[i].officer == p[j].officer && p[i].has_out && p[j].has_out && !results[i].late && !results[j].late &&
           overlap(results[i].in, view->world->out[i], results[j].in, view->world->out[j]) &&
           oracle_apart(&p[i].in_at, &p[j].in_at, 0);
}

void oracle_hold(const struct oracle_view *view, struct oracle_result *results)
{
    size_t n = view->rule_case->presence_count;
    uint32_t own[N] = {0};
    bool two[N] = {false};      /* two places, whoever decided what */
    bool two_open[N] = {false}; /* ... and the other isn't decided against: that counts for nobody */

    for (size_t i = 0; i < n; i++) {
        own[i] = own_reasons_to_hold(view, results, i);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            bool sound = (own[i] == 0 || results[i].decided) && (own[j] == 0 || results[j].decided);
            bool proves = i != j && sound && two_places(view, results, i, j);

            two[i] = two[i] || proves;
            two_open[i] = two_open[i] || (proves && !results[j].against);
        }
    }
    for (size_t i = 0; i < n; i++) {
        bool would_be_held = own[i] != 0 || two[i];

        results[i].reasons |= results[i].decided ? 0 : own[i] | (two_open[i] ? (uint32_t)RULE_REASON_TWO_PLACES : 0);
        results[i].held = !results[i].decided && (own[i] != 0 || two_open[i]);
        results[i].worthless = would_be_held && results[i].against;
    }
}

/* The log's order where there is one (it needs no clock; two branches of a fork have none), else time. */
static bool comes_after(const struct oracle_view *view, const struct oracle_result *results, size_t i, size_t j)
{
    const struct rule_presence *a = &view->rule_case->presences[i], *b = &view->rule_case->presences[j];

    if (a->device == b->device && a->in_seq != 0 && b->in_seq != 0 && a->in_seq != b->in_seq &&
        !(a->contested && b->contested)) {
        return b->in_seq > a->in_seq;
    }
    return results[j].in > results[i].in;
}

/* V4: the longest visit, the officer's next check-in anywhere, a late check-out's own time. */
static int64_t limit_of(const struct oracle_view *view, const struct oracle_result *results, size_t i)
{
    const struct rule_presence *p = view->rule_case->presences;
    int64_t limit = results[i].in + results[i].policy->longest_visit_us;

    for (size_t j = 0; j < view->rule_case->presence_count; j++) {
        if (j != i && !results[j].held && !results[j].worthless && p[j].officer == p[i].officer &&
            comes_after(view, results, i, j) && results[j].in < limit) {
            limit = results[j].in;
        }
    }
    if (results[i].late && view->world->out[i] < limit) {
        limit = view->world->out[i];
    }
    return limit > results[i].in ? limit : results[i].in;
}

/* As far as is known before check-outs are assumed. */
static int64_t possible_end(const struct oracle_result *result)
{
    return result->ending == ORACLE_ASSUMED ? result->limit : result->out;
}

/* V6. What is itself held proves nothing. */
static bool is_far(const struct oracle_view *view, const struct oracle_result *results, size_t i, size_t j)
{
    const struct rule_presence *p = view->rule_case->presences;

    return !results[i].held && !results[j].held && !results[i].worthless && !results[j].worthless &&
           oracle_apart(&p[i].in_at, &p[j].in_at, results[i].policy->far_apart_m);
}

/* V11: a far pair doesn't count for each other until decided, nor after a decision against; other partners do. */
static bool dead_pair(const struct oracle_view *view, const struct oracle_result *results, size_t i, size_t j)
{
    bool decided = results[i].decided || results[j].decided;
    bool against = results[i].against || results[j].against;

    return is_far(view, results, i, j) && (!decided || against);
}

static bool may_share_an_end(const struct oracle_view *view, const struct oracle_result *results, size_t i, size_t j)
{
    const struct rule_presence *p = view->rule_case->presences;

    return i != j && p[i].offender == p[j].offender && p[i].officer != p[j].officer && p[i].device != p[j].device &&
           !results[j].held && !results[j].worthless && !dead_pair(view, results, i, j) &&
           overlap(results[i].in, possible_end(&results[i]), results[j].in, possible_end(&results[j])) &&
           oracle_linked(view, results, i, j);
}

/* The last of the partners' recorded check-outs; false when nobody recorded one. */
static bool last_recorded(const struct oracle_view *view, const struct oracle_result *results, size_t i,
                          int64_t *ret_last)
{
    bool found = false;

    for (size_t j = 0; j < view->rule_case->presence_count; j++) {
        if (may_share_an_end(view, results, i, j) && results[j].ending == ORACLE_RECORDED &&
            (!found || results[j].out > *ret_last)) {
            *ret_last = results[j].out;
            found = true;
        }
    }
    return found;
}

/*
 * Nobody recorded a check-out: they left together, all who were there without one, by the earliest limit; or, where one of
 * them left with somebody who did record one, then. Whoever was gone before this one came isn't among them.
 */
static int64_t left_together(const struct oracle_view *view, const struct oracle_result *results, size_t i,
                             const bool *lent, const int64_t *lent_end)
{
    size_t n = view->rule_case->presence_count;
    int64_t earliest = results[i].limit, last = INT64_MIN;
    bool group[N] = {false}, moved = true;

    group[i] = true;
    while (moved) {
        moved = false;
        for (size_t m = 0; m < n; m++) {
            for (size_t j = 0; group[m] && j < n; j++) {
                if (group[j] || results[j].ending != ORACLE_ASSUMED || !may_share_an_end(view, results, m, j)) {
                    continue;
                }
                if (lent[j] && lent_end[j] > results[i].in) {
                    last = lent_end[j] > last ? lent_end[j] : last;
                } else if (!lent[j] && results[j].limit > results[i].in) {
                    earliest = results[j].limit < earliest ? results[j].limit : earliest;
                    group[j] = moved = true;
                }
            }
        }
    }
    if (last == INT64_MIN) {
        return earliest;
    }
    return last < results[i].limit ? last : results[i].limit;
}

/* How each presence ends before check-outs are lent. */
static void end_alone(const struct oracle_view *view, struct oracle_result *results)
{
    const struct rule_case *c = view->rule_case;

    for (size_t i = 0; i < c->presence_count; i++) {
        struct oracle_result *r = &results[i];

        r->limit = limit_of(view, results, i);
        if (c->presences[i].has_out && !r->late) {
            r->ending = ORACLE_RECORDED;
            r->out = view->world->out[i];
        } else if (!c->presences[i].has_out && c->now_us < r->limit) {
            r->ending = ORACLE_OPEN;
            r->out = c->now_us < r->in ? r->in : c->now_us;
        } else {
            r->ending = ORACLE_ASSUMED;
            r->out = r->limit;
        }
    }
}

void oracle_end(const struct oracle_view *view, struct oracle_result *results)
{
    const struct rule_case *c = view->rule_case;
    bool lent[N] = {false};
    int64_t assumed[N] = {0};

    end_alone(view, results);
    for (size_t i = 0; i < c->presence_count; i++) {
        int64_t last = 0;

        if (results[i].ending == ORACLE_ASSUMED && last_recorded(view, results, i, &last)) {
            lent[i] = true;
            assumed[i] = last < results[i].limit ? last : results[i].limit;
        }
    }
    for (size_t i = 0; i < c->presence_count; i++) {
        if (results[i].ending == ORACLE_ASSUMED && !lent[i]) {
            assumed[i] = left_together(view, results, i, lent, assumed);
        }
    }
    /* The limits mattered above, so the assumed ends are set only now. */
    for (size_t i = 0; i < c->presence_count; i++) {
        if (results[i].ending == ORACLE_ASSUMED) {
            results[i].out = assumed[i];
        }
    }
}

static bool paired(const struct oracle_view *view, const struct oracle_result *results, size_t i, size_t j)
{
    const struct rule_presence *p = view->rule_case->presences;

    return i != j && p[i].offender == p[j].offender && p[i].officer != p[j].officer && p[i].device != p[j].device &&
           overlap(results[i].in, results[i].out, results[j].in, results[j].out) && oracle_linked(view, results, i, j);
}

void oracle_pair(const struct oracle_view *view, struct oracle_result *results)
{
    size_t n = view->rule_case->presence_count;

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            results[i].pairs[j] = paired(view, results, i, j);
            results[i].dead[j] = results[i].pairs[j] && dead_pair(view, results, i, j);
            results[i].far[j] = results[i].dead[j] && !results[i].decided && !results[j].decided;
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            const struct oracle_result *a = &results[i], *b = &results[j];

            results[i].eligible[j] = a->pairs[j] && !a->dead[j] && !a->held && !b->held && !a->worthless &&
                                     !b->worthless && a->entitled && b->entitled && (a->accredited || b->accredited);
        }
    }
}

static const struct rule_policy *policy_at(const struct rule_case *c, int64_t at)
{
    const struct rule_policy *policy = &c->policies[0];

    for (size_t i = 0; i < c->policy_count; i++) {
        if (c->policies[i].effective_from_us <= at) {
            policy = &c->policies[i];
        }
    }
    return policy;
}

static enum rule_risk risk_at(const struct rule_offender *offender, int64_t at)
{
    enum rule_risk risk = offender->risks[0].risk;

    for (size_t i = 0; i < offender->risk_count; i++) {
        if (offender->risks[i].from_us <= at) {
            risk = offender->risks[i].risk;
        }
    }
    return risk;
}

/* V5: what the officer was at the check-in. */
static void stand(const struct rule_officer *officer, struct oracle_result *ret)
{
    ret->entitled = officer->entitled_from_us <= ret->in && ret->in < officer->entitled_to_us;
    ret->accredited = officer->accredited;
    for (size_t i = 0; i < officer->change_count && officer->changes[i].from_us <= ret->in; i++) {
        ret->entitled = officer->changes[i].entitled;
        ret->accredited = officer->changes[i].accredited;
    }
}

static void begin(const struct oracle_view *view, size_t i, struct oracle_result *ret)
{
    const struct rule_case *c = view->rule_case;
    const struct rule_presence *p = &c->presences[i];

    memset(ret, 0, sizeof(*ret));
    ret->in = view->world->in[i];
    ret->policy = policy_at(c, ret->in);
    ret->risk = risk_at(&c->offenders[p->offender], ret->in);
    ret->late = p->has_out && oracle_apart(&p->in_at, &p->out_at, ret->policy->late_out_m);
    stand(&c->officers[p->officer], ret);
}

void oracle_world_judge(const struct oracle_view *view, struct oracle_result *results)
{
    size_t n = view->rule_case->presence_count;

    for (size_t i = 0; i < n; i++) {
        begin(view, i, &results[i]);
    }
    oracle_decide(view, results);
    oracle_hold(view, results);
    oracle_end(view, results);
    oracle_pair(view, results);
    oracle_company(view, results);
    for (size_t i = 0; i < n; i++) {
        struct oracle_result *r = &results[i];

        r->authority = oracle_authority(view, i, r);
        r->reasons |= r->ending == ORACLE_OPEN ? (uint32_t)RULE_REASON_OPEN : 0;
        r->reasons |= r->late ? (uint32_t)RULE_REASON_OUT_LATE : 0;
        r->reasons |= r->ending == ORACLE_ASSUMED && !r->late ? (uint32_t)RULE_REASON_OUT_MISSING : 0;
    }
}
