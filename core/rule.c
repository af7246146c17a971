/* The two-officer rule from end to end: check the case, put it in order, bound its instants, judge each presence. */
#include "core/rule.h"

#include <stdlib.h>
#include <string.h>

#include "core/rule_internal.h"

#define SCRATCH_NETWORKS 4 /* a world's own, and one for each question that rule_alone.c splits */

static bool valid_instant(struct rule_instant instant)
{
    return instant.lo_us <= instant.hi_us;
}

static bool valid_names(const size_t *officers, size_t count, size_t officer_count)
{
    if (count > RULE_NAMED_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (officers[i] >= officer_count) {
            return false;
        }
    }
    return true;
}

static bool valid_presence(const struct rule_case *given, const struct rule_presence *is)
{
    return is->officer < given->officer_count && is->device < given->device_count &&
           is->offender < given->offender_count && valid_instant(is->in) && (!is->has_out || valid_instant(is->out)) &&
           (is->cosign.presence == RULE_NONE || is->cosign.presence < given->presence_count) &&
           (is->with != RULE_WITH_NAMED || valid_names(is->named, is->named_count, given->officer_count));
}

static bool valid_offender(const struct rule_offender *offender)
{
    for (size_t i = 0; i < offender->risk_count; i++) {
        if ((unsigned)offender->risks[i].risk > RULE_RISK_VERY_HIGH ||
            (i > 0 && offender->risks[i].from_us < offender->risks[i - 1].from_us)) {
            return false;
        }
    }
    return offender->risk_count > 0;
}

static bool valid_policies(const struct rule_case *given)
{
    for (size_t i = 0; i < given->policy_count; i++) {
        const struct rule_policy *policy = &given->policies[i];

        if (policy->max_alone_us < 0 || policy->longest_visit_us < 0 || policy->drift_ppb < 0 ||
            policy->max_alone_us > STN_TIME_MAX / 4 || policy->longest_visit_us > STN_TIME_MAX / 4 ||
            (i > 0 && policy->effective_from_us < policy[-1].effective_from_us)) {
            return false;
        }
    }
    return given->policy_count > 0;
}

static bool valid_officer(const struct rule_officer *officer)
{
    for (size_t i = 1; i < officer->change_count; i++) {
        if (officer->changes[i].from_us < officer->changes[i - 1].from_us) {
            return false;
        }
    }
    return true;
}

static bool valid_device(const struct rule_case *given, const struct rule_device *device)
{
    for (size_t i = 0; i < device->holder_count; i++) {
        if ((device->holders[i].officer != RULE_NONE && device->holders[i].officer >= given->officer_count) ||
            (i > 0 && device->holders[i].from_us < device->holders[i - 1].from_us)) {
            return false;
        }
    }
    return device->officer < given->officer_count;
}

static bool valid_step(int64_t step_us)
{
    return step_us >= 0 && step_us <= INT64_C(60000000);
}

static bool valid_people(const struct rule_case *given)
{
    for (size_t i = 0; i < given->offender_count; i++) {
        if (!valid_offender(&given->offenders[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < given->officer_count; i++) {
        if (!valid_officer(&given->officers[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < given->device_count; i++) {
        if (!valid_device(given, &given->devices[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < given->presence_count; i++) {
        if (!valid_presence(given, &given->presences[i])) {
            return false;
        }
    }
    return true;
}

static bool valid_words(const struct rule_case *given)
{
    for (size_t i = 0; i < given->plan_count; i++) {
        const struct rule_plan *plan = &given->plans[i];

        if (plan->offender >= given->offender_count ||
            !valid_names(plan->officers, plan->officer_count, given->officer_count)) {
            return false;
        }
    }
    for (size_t i = 0; i < given->authority_count; i++) {
        if (given->authorities[i].officer >= given->officer_count ||
            given->authorities[i].offender >= given->offender_count) {
            return false;
        }
    }
    for (size_t i = 0; i < given->decision_count; i++) {
        if (given->decisions[i].presence >= given->presence_count) {
            return false;
        }
    }
    return true;
}

/* By insertion: a case has a handful of presences. false: two have one id. */
static bool put_in_order(struct rule_field *field)
{
    const struct rule_presence *presences = field->given->presences;
    size_t order[RULE_PRESENCES_MAX];

    for (size_t i = 0; i < field->count; i++) {
        size_t at = i;

        while (at > 0 && hash_compare(&presences[order[at - 1]].id, &presences[i].id) > 0) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    for (size_t i = 0; i < field->count; i++) {
        if (i > 0 && hash_equal(&presences[order[i]].id, &presences[order[i - 1]].id)) {
            return false;
        }
        field->items[i] = (struct rule_item){.is = &presences[order[i]], .given = order[i], .cosign = RULE_NONE};
        field->canonical[order[i]] = i;
    }
    return true;
}

static void connect_items(struct rule_field *field)
{
    for (size_t i = 0; i < field->count; i++) {
        struct rule_item *item = &field->items[i];

        if (item->is->cosign.presence != RULE_NONE) {
            item->cosign = field->canonical[item->is->cosign.presence];
            field->items[item->cosign].vouched = field->items[item->cosign].vouched || !item->is->contested;
        }
    }
}

int64_t rule_longest_visit_us(const struct rule_case *given)
{
    int64_t longest_us = 0;

    for (size_t i = 0; i < given->policy_count; i++) {
        longest_us =
            given->policies[i].longest_visit_us > longest_us ? given->policies[i].longest_visit_us : longest_us;
    }
    return longest_us;
}

static struct rule_term furthest(const struct rule_item *item, int64_t longest_us)
{
    return item->is->has_out ? (struct rule_term){item->out_node, 0} : (struct rule_term){item->in_node, longest_us};
}

/* Who may overlap whom, as far as bounds alone can tell. */
static void find_near(struct rule_field *field)
{
    int64_t longest_us = rule_longest_visit_us(field->given);

    for (size_t i = 0; i < field->count; i++) {
        for (size_t j = 0; j < i; j++) {
            struct rule_item *a = &field->items[i];
            struct rule_item *b = &field->items[j];
            bool kin = a->is->offender == b->is->offender || a->is->officer == b->is->officer;

            if (kin && rule_least(&field->base, (struct rule_term){a->in_node, 0}, furthest(b, longest_us)) <= 0 &&
                rule_least(&field->base, (struct rule_term){b->in_node, 0}, furthest(a, longest_us)) <= 0) {
                a->near |= UINT64_C(1) << j;
                b->near |= UINT64_C(1) << i;
            }
        }
    }
}

static bool plan_comes_first(const struct rule_plan *a, const struct rule_plan *b)
{
    return a->from_us != b->from_us ? a->from_us < b->from_us : a->to_us < b->to_us;
}

static void order_plans(struct rule_field *field)
{
    for (size_t i = 0; i < field->given->plan_count; i++) {
        size_t at = i;

        while (at > 0 && plan_comes_first(&field->given->plans[i], &field->given->plans[field->plans[at - 1]])) {
            field->plans[at] = field->plans[at - 1];
            at--;
        }
        field->plans[at] = i;
    }
}

/* Large, so neither on the stack of a phone's small threads nor cleared for each case. */
struct bench {
    struct rule_world world;
    struct rule_finding finding;
    struct rule_field field;
    struct rule_verdict verdicts[RULE_PRESENCES_MAX];
    struct rule_standing standings[RULE_PRESENCES_MAX];
};

/* Where the budget ran out nothing can be said of when that ends: look again soon while anybody may still be there. */
static int64_t soonest_of(const struct bench *bench)
{
    const struct rule_field *field = &bench->field;
    int64_t soonest_us = bench->world.soonest_us;

    for (size_t i = 0; bench->finding.over && i < field->count; i++) {
        int64_t in_hi_us = rule_in_bounds(field, i).hi_us;

        if (!field->items[i].is->has_out &&
            stn_sum(field->given->now_us, -in_hi_us) <= rule_longest_visit_us(field->given)) {
            soonest_us = soonest_us < RULE_LOOK_AGAIN_US ? soonest_us : RULE_LOOK_AGAIN_US;
        }
    }
    return soonest_us;
}

/* Those asked about, and whoever may have been there with them: attendances are judged whole. */
static uint64_t to_be_judged(const struct rule_field *field)
{
    uint64_t wanted = 0;
    uint64_t before;

    for (size_t i = 0; i < field->count; i++) {
        bool asked = field->given->asked_count == 0 || field->items[i].given < field->given->asked_count;

        wanted |= asked ? UINT64_C(1) << i : 0;
    }
    do {
        before = wanted;
        for (size_t i = 0; i < field->count; i++) {
            for (size_t j = 0; (before >> i & 1) != 0 && j < field->count; j++) {
                if (field->items[j].is->offender == field->items[i].is->offender) {
                    wanted |= field->items[i].near & UINT64_C(1) << j;
                }
            }
        }
    } while (wanted != before);
    return wanted;
}

static void judge_all(struct bench *bench)
{
    struct rule_field *field = &bench->field;
    uint64_t wanted = to_be_judged(field);

    for (size_t i = 0; i < field->count; i++) {
        struct rule_verdict *verdict = &bench->verdicts[field->items[i].given];

        *verdict = (struct rule_verdict){.best_partner = RULE_NONE};
        bench->standings[i] = (struct rule_standing){0};
        if ((wanted >> i & 1) == 0) {
            continue;
        }
        rule_world_init(&bench->world, field, i);
        rule_find(&bench->world, &bench->finding);
        rule_company_settle(field, i, &bench->finding, verdict, &bench->standings[i]);
        verdict->authority = rule_authority_of(field, i);
        verdict->next_change_us = rule_next_change(field, i, verdict->company, soonest_of(bench));
    }
    rule_attendances(field, bench->standings, bench->verdicts);
    for (size_t i = 0; i < field->count; i++) {
        int64_t next_us = bench->verdicts[i].next_change_us;

        /* A due date also waits for the others of the attendance. */
        for (size_t j = 0; j < field->count; j++) {
            int64_t other_us = bench->verdicts[j].next_change_us;

            next_us = bench->verdicts[j].attendance == bench->verdicts[i].attendance && other_us < next_us ? other_us
                                                                                                           : next_us;
        }
        bench->verdicts[i].next_change_us = next_us;
    }
}

enum status rule_judge(const struct rule_case *rule_case, struct rule_verdict *ret_verdicts)
{
    enum status status = STATUS_NO_MEMORY;
    struct bench *bench = NULL;
    int64_t *networks = NULL;
    size_t *plans = NULL;
    size_t nodes;

    if (rule_case->presence_count > RULE_PRESENCES_MAX) {
        return STATUS_OVER_LIMIT;
    }
    if (!valid_step(rule_case->mono_step_us) || !valid_policies(rule_case) || !valid_people(rule_case) ||
        !valid_words(rule_case)) {
        return STATUS_INPUT;
    }
    bench = malloc(sizeof *bench);
    plans = malloc((rule_case->plan_count + 1) * sizeof *plans);
    if (bench == NULL || plans == NULL) {
        goto done;
    }
    bench->field.given = rule_case;
    bench->field.count = rule_case->presence_count;
    bench->field.plans = plans;
    if (!put_in_order(&bench->field)) {
        status = STATUS_INPUT;
        goto done;
    }
    connect_items(&bench->field);
    order_plans(&bench->field);
    nodes = rule_clock_nodes(&bench->field);
    networks = malloc((1 + SCRATCH_NETWORKS) * nodes * nodes * sizeof *networks);
    if (networks == NULL) {
        goto done;
    }
    bench->field.scratch = networks + nodes * nodes;
    rule_clock_close(&bench->field, networks, nodes);
    find_near(&bench->field);
    rule_decisions(&bench->field);
    judge_all(bench);
    memcpy(ret_verdicts, bench->verdicts, rule_case->presence_count * sizeof *ret_verdicts);
    status = STATUS_OK;
done:
    free(networks);
    free(plans);
    free(bench);
    return status;
}
