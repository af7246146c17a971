/* V2, V5-V7: which presences pair, who counts for whom, and how strong the evidence of a pair is. */
#include "core/rule_internal.h"

static double squared(double value)
{
    return value * value;
}

bool rule_apart(const struct rule_place *a, const struct rule_place *b, double limit_m)
{
    if (!a->known || !b->known) {
        return false;
    }
    return squared(a->x_m - b->x_m) + squared(a->y_m - b->y_m) > squared(limit_m + a->accuracy_m + b->accuracy_m);
}

bool rule_cosigned(const struct rule_field *field, size_t a, size_t b)
{
    return field->items[a].cosign == b || field->items[b].cosign == a;
}

bool rule_names(const struct rule_presence *presence, size_t officer)
{
    for (size_t i = 0; presence->with == RULE_WITH_NAMED && i < presence->named_count; i++) {
        if (presence->named[i] == officer) {
            return true;
        }
    }
    return false;
}

/* What the officer's standing had changed to at the check-in; NULL: it had not changed yet. */
static const struct rule_officer_span *change_at(struct rule_world *world, size_t item)
{
    const struct rule_officer *officer = &world->field->given->officers[world->field->items[item].is->officer];
    size_t later = officer->change_count;

    while (later > 0 && !rule_no_later(world, rule_at(officer->changes[later - 1].from_us), rule_in(world, item))) {
        later--;
    }
    return later > 0 ? &officer->changes[later - 1] : NULL;
}

static bool accredited(struct rule_world *world, size_t item)
{
    const struct rule_officer_span *changed = change_at(world, item);

    return changed != NULL ? changed->accredited
                           : world->field->given->officers[world->field->items[item].is->officer].accredited;
}

bool rule_entitled(struct rule_world *world, size_t item)
{
    const struct rule_officer *officer = &world->field->given->officers[world->field->items[item].is->officer];
    const struct rule_officer_span *changed = change_at(world, item);

    if (changed != NULL) {
        return changed->entitled;
    }
    if (officer->entitled_from_us != INT64_MIN &&
        !rule_no_later(world, rule_at(officer->entitled_from_us), rule_in(world, item))) {
        return false;
    }
    return officer->entitled_to_us == RULE_FOREVER ||
           rule_before(world, rule_in(world, item), rule_at(officer->entitled_to_us));
}

static bool beyond_far(struct rule_world *world, size_t a, size_t b)
{
    const struct rule_presence *x = world->field->items[a].is;
    const struct rule_presence *y = world->field->items[b].is;

    return rule_apart(&x->in_at, &y->in_at, 0) &&
           rule_apart(&x->in_at, &y->in_at, rule_policy_of(world, a)->far_apart_m);
}

/* Partners too far from each other to have been together, and nobody decided otherwise. What is held proves nothing. */
bool rule_far(struct rule_world *world, size_t a, size_t b)
{
    const struct rule_item *items = world->field->items;
    bool decided = items[a].decided == RULE_DECIDED_COUNTS || items[b].decided == RULE_DECIDED_COUNTS;
    bool against = items[a].decided == RULE_DECIDED_AGAINST || items[b].decided == RULE_DECIDED_AGAINST;

    return (!decided || against) && beyond_far(world, a, b) && rule_stands(world, a) && rule_stands(world, b);
}

bool rule_related(struct rule_world *world, size_t a, size_t b)
{
    if (!rule_may_pair(&world->field->items[a], &world->field->items[b])) {
        return false;
    }
    if (!rule_before(world, rule_in(world, a), rule_out(world, b)) ||
        !rule_before(world, rule_in(world, b), rule_out(world, a)) ||
        !rule_before(world, rule_in(world, a), rule_out(world, a)) ||
        !rule_before(world, rule_in(world, b), rule_out(world, b))) {
        return false;
    }
    return (!rule_is_assumed(world, a) || rule_linked(world, a, b)) &&
           (!rule_is_assumed(world, b) || rule_linked(world, b, a));
}

/* One officer's standing evidence (not void) with the other's; of two that are related. */
enum rule_bond rule_bond(struct rule_world *world, size_t me, size_t other)
{
    const struct rule_item *items = world->field->items;

    if (rule_is_void(world, other)) {
        return RULE_BOND_VOID;
    }
    if (rule_is_held(world, other)) {
        return RULE_BOND_HELD;
    }
    if (rule_far(world, me, other)) {
        bool against = items[me].decided == RULE_DECIDED_AGAINST || items[other].decided == RULE_DECIDED_AGAINST;

        return against ? RULE_BOND_VOID : RULE_BOND_FAR;
    }
    if (!rule_stands(world, me)) {
        return RULE_BOND_NONE;
    }
    if (!rule_entitled(world, me) || !rule_entitled(world, other) ||
        (!accredited(world, me) && !accredited(world, other))) {
        return RULE_BOND_COMPANION;
    }
    return RULE_BOND_ELIGIBLE;
}

/* The first phone's measure speaks; the second's log repeats it where the first's isn't here. */
static bool quick(const struct rule_field *field, size_t a, size_t b, int64_t limit_us)
{
    const struct rule_item *x = &field->items[a];
    const struct rule_item *y = &field->items[b];
    const struct rule_item *speaks = x->cosign == b && (y->cosign != a || x->is->cosign.first) ? x : y;

    if (x->cosign == b && y->cosign == a && x->is->cosign.first == y->is->cosign.first) {
        return x->is->cosign.round_trip_us <= limit_us && y->is->cosign.round_trip_us <= limit_us;
    }
    return speaks->is->cosign.round_trip_us <= limit_us;
}

enum rule_grade rule_pair_grade(struct rule_world *world, size_t me, size_t other)
{
    const struct rule_presence *mine = world->field->items[me].is;
    const struct rule_presence *theirs = world->field->items[other].is;
    const struct rule_policy *policy = rule_policy_of(world, me);
    bool apart = rule_apart(&mine->in_at, &theirs->in_at, policy->partner_distance_m);

    if (rule_cosigned(world->field, me, other) && !apart &&
        quick(world->field, me, other, policy->cosign_round_trip_us)) {
        return RULE_GRADE_A;
    }
    return mine->in_at.known && theirs->in_at.known && !apart ? RULE_GRADE_B : RULE_GRADE_C;
}
