/* L1: what supervisors said about going alone, ordered against the check-in's bounds. */
#include "core/rule_internal.h"

/* Which words are looked at: those before the check-in, or those after it. */
enum side { SIDE_PRIOR, SIDE_AFTER, SIDE_NEITHER };

/* One possible instant of the check-in; words of the very same instant may have come before it or after. */
struct moment {
    const struct rule_field *field;
    size_t me;
    int64_t at_us;
    bool ties_before;
};

static const struct rule_policy *policy_at(const struct rule_case *given, int64_t at_us)
{
    size_t version = given->policy_count - 1;

    while (version > 0 && given->policies[version].effective_from_us > at_us) {
        version--;
    }
    return &given->policies[version];
}

static enum rule_risk risk_at(const struct rule_offender *offender, int64_t at_us)
{
    size_t span = offender->risk_count - 1;

    while (span > 0 && offender->risks[span].from_us > at_us) {
        span--;
    }
    return offender->risks[span].risk;
}

static bool forbidden_at(const struct rule_field *field, size_t me, int64_t at_us)
{
    const struct rule_offender *offender = &field->given->offenders[field->items[me].is->offender];

    return policy_at(field->given, at_us)->lone_forbidden[risk_at(offender, at_us)];
}

static enum side side_of(const struct moment *moment, const struct rule_authority_word *word)
{
    const struct rule_presence *is = moment->field->items[moment->me].is;
    const struct rule_case *given = moment->field->given;

    if (word->officer != is->officer || word->offender != is->offender ||
        id_equal(&word->by, &given->officers[word->officer].id) || word->valid_from_us > moment->at_us ||
        moment->at_us >= word->valid_to_us) {
        return SIDE_NEITHER;
    }
    if (word->recorded_us < moment->at_us || (word->recorded_us == moment->at_us && moment->ties_before)) {
        return SIDE_PRIOR;
    }
    return stn_sum(word->recorded_us, -is->received_us) <= policy_at(given, moment->at_us)->retro_window_us
               ? SIDE_AFTER
               : SIDE_NEITHER;
}

/* A person's last word speaks; of two at one instant the refusal. */
static bool is_last(const struct moment *moment, size_t index, enum side side)
{
    const struct rule_case *given = moment->field->given;
    const struct rule_authority_word *word = &given->authorities[index];

    for (size_t i = 0; i < given->authority_count; i++) {
        const struct rule_authority_word *other = &given->authorities[i];
        bool later = other->recorded_us > word->recorded_us ||
                     (other->recorded_us == word->recorded_us && !other->granted && word->granted);

        if (later && id_equal(&other->by, &word->by) && side_of(moment, other) == side) {
            return false;
        }
    }
    return true;
}

static bool too_long(const struct moment *moment, const struct rule_authority_word *word)
{
    return stn_sum(word->valid_to_us, -word->valid_from_us) >
           policy_at(moment->field->given, moment->at_us)->authority_max_us;
}

static enum rule_authority speak(const struct moment *moment, enum side side)
{
    const struct rule_case *given = moment->field->given;
    enum rule_authority said = RULE_AUTHORITY_NONE;

    for (size_t i = 0; i < given->authority_count; i++) {
        const struct rule_authority_word *word = &given->authorities[i];

        if (side_of(moment, word) != side || !is_last(moment, i, side)) {
            continue;
        }
        if (!word->granted) {
            return RULE_AUTHORITY_REFUSED;
        }
        if (!too_long(moment, word) && !forbidden_at(moment->field, moment->me, moment->at_us)) {
            said = side == SIDE_PRIOR ? RULE_AUTHORITY_PRIOR : RULE_AUTHORITY_RETROSPECTIVE;
        } else if (said == RULE_AUTHORITY_NONE) {
            said = RULE_AUTHORITY_NOT_PERMITTED;
        }
    }
    return said;
}

/* A refusal found late in the array outweighs a grant found early: speak() returns it at once, wherever it stands. */
static enum rule_authority authority_at(const struct moment *moment)
{
    enum rule_authority prior = speak(moment, SIDE_PRIOR);

    return prior != RULE_AUTHORITY_NONE ? prior : speak(moment, SIDE_AFTER);
}

/* The instants at which anything can change: bounds, words, windows, policies, risk levels. Three of each: before, at, after. */
static bool turning_point(const struct rule_field *field, size_t me, size_t index, int64_t *ret_at_us)
{
    const struct rule_case *given = field->given;
    const struct rule_offender *offender = &given->offenders[field->items[me].is->offender];
    size_t which = index / 3;
    int64_t at_us;

    if (which < given->policy_count) {
        at_us = given->policies[which].effective_from_us;
    } else if ((which -= given->policy_count) < offender->risk_count) {
        at_us = offender->risks[which].from_us;
    } else if ((which -= offender->risk_count) < 3 * given->authority_count) {
        const struct rule_authority_word *word = &given->authorities[which / 3];

        at_us = which % 3 == 0 ? word->recorded_us : which % 3 == 1 ? word->valid_from_us : word->valid_to_us;
    } else {
        return false;
    }
    *ret_at_us = stn_sum(at_us, (int64_t)(index % 3) - 1);
    return true;
}

static struct rule_instant finite_in(const struct rule_field *field, size_t me)
{
    struct rule_instant in = rule_in_bounds(field, me);

    in.lo_us = in.lo_us < -STN_TIME_MAX ? -STN_TIME_MAX : in.lo_us;
    in.hi_us = in.hi_us > STN_TIME_MAX ? STN_TIME_MAX : in.hi_us;
    return in;
}

static void hear(struct moment moment, int64_t at_us, bool *any, enum rule_authority *said)
{
    moment.at_us = at_us;
    for (int before = 0; before < 2; before++) {
        enum rule_authority here;

        moment.ties_before = before == 1;
        here = authority_at(&moment);
        *said = *any && here != *said ? RULE_AUTHORITY_ORDER_UNPROVEN : here;
        *any = true;
        if (*said == RULE_AUTHORITY_ORDER_UNPROVEN) {
            return;
        }
    }
}

enum rule_authority rule_authority_of(const struct rule_field *field, size_t me)
{
    struct rule_instant in = finite_in(field, me);
    struct moment moment = {.field = field, .me = me};
    enum rule_authority said = RULE_AUTHORITY_NONE;
    bool any = false;
    int64_t at_us;

    if (field->given->authority_count == 0) {
        return RULE_AUTHORITY_NONE;
    }
    hear(moment, in.lo_us, &any, &said);
    if (in.hi_us != in.lo_us && said != RULE_AUTHORITY_ORDER_UNPROVEN) {
        hear(moment, in.hi_us, &any, &said);
    }
    for (size_t i = 0; said != RULE_AUTHORITY_ORDER_UNPROVEN && turning_point(field, me, i, &at_us); i++) {
        if (at_us > in.lo_us && at_us < in.hi_us) {
            hear(moment, at_us, &any, &said);
        }
    }
    return said;
}

enum tri rule_forbidden(const struct rule_field *field, size_t me)
{
    struct rule_instant in = finite_in(field, me);
    enum tri forbidden = tri_of(forbidden_at(field, me, in.lo_us));
    int64_t at_us;

    forbidden = tri_join(forbidden, tri_of(forbidden_at(field, me, in.hi_us)));
    for (size_t i = 0; in.lo_us < in.hi_us && turning_point(field, me, i, &at_us); i++) {
        if (at_us > in.lo_us && at_us < in.hi_us) {
            forbidden = tri_join(forbidden, tri_of(forbidden_at(field, me, at_us)));
        }
    }
    return forbidden;
}
