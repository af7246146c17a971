/* L2 and V9: decisions that stand, attendances, and whether their due date is met. */
#include "core/rule_internal.h"

/* L2: nobody decides who is named or possibly present. */
static bool may_decide(const struct rule_field *field, size_t index, const struct id *by)
{
    const struct rule_case *given = field->given;
    const struct rule_item *item = &field->items[index];

    for (size_t officer = 0; officer < given->officer_count; officer++) {
        if (!id_equal(&given->officers[officer].id, by)) {
            continue;
        }
        if (officer == item->is->officer || rule_awaited(field, index, officer)) {
            return false;
        }
        for (size_t i = 0; i < field->count; i++) {
            const struct rule_presence *is = field->items[i].is;

            if (is->officer == officer && is->offender == item->is->offender && (item->near >> i & 1) != 0) {
                return false;
            }
        }
    }
    return true;
}

static bool is_last_decision(const struct rule_case *given, size_t index)
{
    const struct rule_decision *decision = &given->decisions[index];

    for (size_t i = 0; i < given->decision_count; i++) {
        const struct rule_decision *other = &given->decisions[i];
        bool later = other->recorded_us > decision->recorded_us ||
                     (other->recorded_us == decision->recorded_us && !other->counts && decision->counts);

        if (later && other->presence == decision->presence && id_equal(&other->by, &decision->by)) {
            return false;
        }
    }
    return true;
}

/* The same person's same word twice at one instant is one. */
static bool repeats(const struct rule_case *given, size_t index)
{
    const struct rule_decision *decision = &given->decisions[index];

    for (size_t i = 0; i < index; i++) {
        const struct rule_decision *other = &given->decisions[i];

        if (other->presence == decision->presence && other->recorded_us == decision->recorded_us &&
            other->counts == decision->counts && id_equal(&other->by, &decision->by)) {
            return true;
        }
    }
    return false;
}

void rule_decisions(struct rule_field *field)
{
    const struct rule_case *given = field->given;

    for (size_t i = 0; i < given->decision_count; i++) {
        const struct rule_decision *decision = &given->decisions[i];
        struct rule_item *item = &field->items[field->canonical[decision->presence]];

        if (!may_decide(field, field->canonical[decision->presence], &decision->by) || !is_last_decision(given, i) ||
            repeats(given, i)) {
            continue;
        }
        if (decision->counts) {
            item->counted_by++;
            item->decided = item->decided == RULE_DECIDED_NOT ? RULE_DECIDED_COUNTS : item->decided;
            continue;
        }
        if (item->decided != RULE_DECIDED_AGAINST || decision->recorded_us > item->against_us) {
            item->against_us = decision->recorded_us;
        }
        item->decided = RULE_DECIDED_AGAINST;
    }
}

/* Joint, or authorised beforehand, or decided to count (a lone one in a band that policy excludes: by two). */
static bool satisfies(const struct rule_field *field, size_t index, const struct rule_verdict *verdict)
{
    const struct rule_item *item = &field->items[index];
    bool lone = verdict->company == RULE_COMPANY_LONE_PROVISIONAL || verdict->company == RULE_COMPANY_LONE_CONFIRMED;
    size_t needed = lone && rule_forbidden(field, index) != TRI_NO ? 2 : 1;

    return verdict->company == RULE_COMPANY_JOINT || verdict->authority == RULE_AUTHORITY_PRIOR ||
           (item->decided == RULE_DECIDED_COUNTS && item->counted_by >= needed);
}

static uint64_t attendance_of(const struct rule_field *field, const struct rule_standing *standings, size_t seed)
{
    uint64_t members = UINT64_C(1) << seed;
    uint64_t before;

    do {
        before = members;
        for (size_t i = 0; i < field->count; i++) {
            if ((members >> i & 1) != 0) {
                members |= standings[i].related;
            } else if ((standings[i].related & members) != 0) {
                members |= UINT64_C(1) << i;
            }
        }
    } while (members != before);
    return members;
}

static bool outcomes_differ(const struct rule_field *field, const struct rule_standing *standings, uint64_t members)
{
    enum rule_outcome said = RULE_OUTCOME_NONE;

    for (size_t i = 0; i < field->count; i++) {
        enum rule_outcome outcome = field->items[i].is->outcome;

        if ((members >> i & 1) == 0 || !standings[i].unheld || outcome == RULE_OUTCOME_NONE) {
            continue;
        }
        if (said != RULE_OUTCOME_NONE && outcome != said) {
            return true;
        }
        said = outcome;
    }
    return false;
}

static bool due_met(const struct rule_field *field, const struct rule_standing *standings,
                    const struct rule_verdict *verdicts, uint64_t members)
{
    bool seen = false;

    for (size_t i = 0; i < field->count; i++) {
        const struct rule_standing *standing = &standings[i];

        if ((members >> i & 1) == 0) {
            continue;
        }
        if (field->items[i].decided == RULE_DECIDED_AGAINST && !standing->against_lapsed) {
            return false;
        }
        if (!standing->must_stand) {
            continue;
        }
        if (standing->open || !satisfies(field, i, &verdicts[field->items[i].given])) {
            return false;
        }
        /* In some world it may be before the officer was entitled: what nobody can prove, a decision settles (T4). */
        seen = seen || ((standing->must_be_there || field->items[i].counted_by > 0) &&
                        field->items[i].is->outcome == RULE_OUTCOME_SEEN);
    }
    return seen;
}

void rule_attendances(const struct rule_field *field, const struct rule_standing *standings,
                      struct rule_verdict *verdicts)
{
    uint64_t done = 0;

    for (size_t first = 0; first < field->count; first++) {
        uint64_t members = attendance_of(field, standings, first);
        bool differ;
        bool met;

        if ((done >> first & 1) != 0) {
            continue;
        }
        done |= members;
        differ = outcomes_differ(field, standings, members);
        met = !differ && due_met(field, standings, verdicts, members);
        for (size_t i = first; i < field->count; i++) {
            struct rule_verdict *verdict = &verdicts[field->items[i].given];

            if ((members >> i & 1) != 0) {
                verdict->attendance = field->items[first].given; /* canonical order is the ids' order */
                verdict->due_met = met;
                verdict->reasons |= differ ? RULE_REASON_OUTCOMES_DIFFER : 0;
            }
        }
    }
}
