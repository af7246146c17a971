/* What supervisors said, in one possible world: decisions that stand (L2) and authority (L1). */
#include <string.h>

#include "tests/oracle/oracle_parts.h"

/* L2: nobody decides who is the officer, is named or planned with it, or is possibly present. */
static bool may_decide(const struct oracle_view *view, size_t presence, const struct id *by)
{
    const struct rule_case *c = view->rule_case;
    const struct rule_presence *p = &c->presences[presence];

    for (size_t officer = 0; officer < c->officer_count; officer++) {
        if (!id_equal(&c->officers[officer].id, by)) {
            continue;
        }
        if (officer == p->officer || oracle_names(p, officer)) {
            return false;
        }
        for (size_t i = 0; i < c->plan_count; i++) {
            const struct rule_plan *plan = &c->plans[i];

            if (plan->offender == p->offender && oracle_plan_holds(plan, officer) &&
                view->facts->in[presence].hi_us >= plan->from_us && view->facts->in[presence].lo_us < plan->to_us) {
                return false;
            }
        }
        for (size_t j = 0; j < c->presence_count; j++) {
            if (c->presences[j].officer == officer && view->facts->may_meet[presence][j]) {
                return false;
            }
        }
    }
    return true;
}

/* A person's last word: nothing later by the same person, nor at the same instant a refusal. */
static bool is_last_decision(const struct rule_case *c, const struct rule_decision *decision)
{
    for (size_t i = 0; i < c->decision_count; i++) {
        const struct rule_decision *other = &c->decisions[i];

        if (other->presence != decision->presence || !id_equal(&other->by, &decision->by)) {
            continue;
        }
        if (other->recorded_us > decision->recorded_us ||
            (other->recorded_us == decision->recorded_us && decision->counts && !other->counts)) {
            return false;
        }
        /* Said twice at one instant: once is enough. */
        if (other->recorded_us == decision->recorded_us && other->counts == decision->counts && other < decision) {
            return false;
        }
    }
    return true;
}

void oracle_decide(const struct oracle_view *view, struct oracle_result *results)
{
    const struct rule_case *c = view->rule_case;

    for (size_t i = 0; i < c->decision_count; i++) {
        const struct rule_decision *decision = &c->decisions[i];
        struct oracle_result *r = &results[decision->presence];

        if (!is_last_decision(c, decision) || !may_decide(view, decision->presence, &decision->by)) {
            continue;
        }
        if (!decision->counts && (!r->against || decision->recorded_us > r->against_us)) {
            r->against_us = decision->recorded_us;
        }
        r->decided = true;
        r->against = r->against || !decision->counts;
        r->counting += decision->counts ? 1 : 0;
    }
    for (size_t i = 0; i < c->presence_count; i++) {
        results[i].counting = results[i].against ? 0 : results[i].counting;
    }
}

enum group { GROUP_BEFORE, GROUP_AFTER };

static bool concerns(const struct rule_case *c, const struct rule_presence *p, const struct rule_authority_word *word,
                     int64_t in)
{
    return word->officer == p->officer && word->offender == p->offender && word->valid_from_us <= in &&
           in < word->valid_to_us && !id_equal(&word->by, &c->officers[p->officer].id);
}

/* Of the words of one group: each person's last; any refusal, any good grant, any grant against policy. */
static void hear(const struct oracle_view *view, size_t presence, const struct oracle_result *r, enum group group,
                 bool tie_is_before, bool *ret_refused, bool *ret_granted, bool *ret_against_policy)
{
    const struct rule_case *c = view->rule_case;
    const struct rule_presence *p = &c->presences[presence];
    int64_t first_after = tie_is_before ? r->in + 1 : r->in;
    int64_t from = group == GROUP_BEFORE ? INT64_MIN : first_after;
    int64_t to = group == GROUP_BEFORE ? first_after - 1 : p->received_us + r->policy->retro_window_us;

    for (size_t i = 0; i < c->authority_count; i++) {
        const struct rule_authority_word *word = &c->authorities[i];
        bool last = true;

        if (!concerns(c, p, word, r->in) || word->recorded_us < from || word->recorded_us > to) {
            continue;
        }
        for (size_t j = 0; j < c->authority_count; j++) {
            const struct rule_authority_word *other = &c->authorities[j];

            if (concerns(c, p, other, r->in) && other->recorded_us >= from && other->recorded_us <= to &&
                id_equal(&other->by, &word->by) &&
                (other->recorded_us > word->recorded_us ||
                 (other->recorded_us == word->recorded_us && word->granted && !other->granted))) {
                last = false;
            }
        }
        if (!last) {
            continue;
        }
        *ret_refused = *ret_refused || !word->granted;
        if (word->granted && (r->policy->lone_forbidden[r->risk] ||
                              word->valid_to_us - word->valid_from_us > r->policy->authority_max_us)) {
            *ret_against_policy = true;
        } else if (word->granted) {
            *ret_granted = true;
        }
    }
}

/* V11: words after the check-in never replace those before it. */
static enum rule_authority authority_if(const struct oracle_view *view, size_t presence,
                                        const struct oracle_result *result, bool tie_is_before)
{
    static const enum rule_authority granted_as[] = {RULE_AUTHORITY_PRIOR, RULE_AUTHORITY_RETROSPECTIVE};

    for (int group = GROUP_BEFORE; group <= GROUP_AFTER; group++) {
        bool refused = false, granted = false, against_policy = false;

        hear(view, presence, result, (enum group)group, tie_is_before, &refused, &granted, &against_policy);
        if (refused) {
            return RULE_AUTHORITY_REFUSED;
        }
        if (granted) {
            return granted_as[group];
        }
        if (against_policy) {
            return RULE_AUTHORITY_NOT_PERMITTED;
        }
    }
    return RULE_AUTHORITY_NONE;
}

/* L1: a word at the very instant of the check-in is neither before nor after it. */
enum rule_authority oracle_authority(const struct oracle_view *view, size_t presence,
                                     const struct oracle_result *result)
{
    enum rule_authority before = authority_if(view, presence, result, true);

    return before == authority_if(view, presence, result, false) ? before : RULE_AUTHORITY_ORDER_UNPROVEN;
}
