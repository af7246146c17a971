/* V6: evidence that counts for nobody until a supervisor decides. */
#include "core/rule_internal.h"

/* F4, whenever it was: the device was never this officer's. */
bool rule_never_assigned(const struct rule_field *field, size_t index)
{
    const struct rule_presence *is = field->items[index].is;
    const struct rule_device *device = &field->given->devices[is->device];
    bool held = device->holder_count == 0 && device->officer == is->officer;

    for (size_t i = 0; i < device->holder_count; i++) {
        held = held || device->holders[i].officer == is->officer;
    }
    return is->unassigned || !held;
}

/* F4: was somebody else, or nobody, assigned to the device at the check-in? */
static bool unassigned(struct rule_world *world, size_t index)
{
    const struct rule_presence *is = world->field->items[index].is;
    const struct rule_device *device = &world->field->given->devices[is->device];
    size_t later = device->holder_count;

    if (is->unassigned || device->holder_count == 0) {
        return rule_never_assigned(world->field, index);
    }
    while (later > 1 && !rule_no_later(world, rule_at(device->holders[later - 1].from_us), rule_in(world, index))) {
        later--;
    }
    return device->holders[later - 1].officer != is->officer;
}

static uint32_t base_reasons(struct rule_world *world, size_t index)
{
    const struct rule_item *item = &world->field->items[index];
    int64_t as_of_us = world->field->given->devices[item->is->device].revoked_as_of_us;
    uint32_t reasons = 0;

    if (item->is->contested && !item->vouched) {
        reasons |= RULE_REASON_CONTESTED;
    }
    if (unassigned(world, index)) {
        reasons |= RULE_REASON_UNASSIGNED;
    }
    if (as_of_us != RULE_FOREVER && rule_no_later(world, rule_at(as_of_us), rule_in(world, index))) {
        reasons |= RULE_REASON_REVOKED;
    }
    return reasons;
}

/* What is itself held, or counts for nobody, proves nothing against item; two that are both decided against held each other. */
static bool proves(struct rule_world *world, size_t other, size_t item)
{
    const struct rule_item *items = world->field->items;

    switch (items[other].decided) {
    case RULE_DECIDED_COUNTS:
        return true;
    case RULE_DECIDED_AGAINST:
        return items[item].decided == RULE_DECIDED_AGAINST;
    case RULE_DECIDED_NOT:
        break;
    }
    return base_reasons(world, other) == 0;
}

static bool at_two_places(struct rule_world *world, size_t a, size_t b)
{
    const struct rule_presence *x = world->field->items[a].is;
    const struct rule_presence *y = world->field->items[b].is;

    if (a == b || x->officer != y->officer || !x->has_out || !y->has_out || !rule_apart(&x->in_at, &y->in_at, 0)) {
        return false;
    }
    if (!rule_is_recorded(world, a) || !rule_is_recorded(world, b)) {
        return false;
    }
    return rule_before(world, rule_in(world, a), rule_out(world, b)) &&
           rule_before(world, rule_in(world, b), rule_out(world, a)) &&
           rule_before(world, rule_in(world, a), rule_out(world, a)) &&
           rule_before(world, rule_in(world, b), rule_out(world, b)) && proves(world, b, a);
}

uint32_t rule_held_reasons(struct rule_world *world, size_t item)
{
    struct rule_known *known = &world->known[item];
    uint32_t reasons;

    if ((known->memo & RULE_MEMO_HELD) != 0) {
        return known->held;
    }
    reasons = base_reasons(world, item);
    for (size_t i = 0; i < world->field->count && reasons == 0; i++) {
        if ((world->relevant >> i & 1) != 0 && at_two_places(world, item, i)) {
            reasons = RULE_REASON_TWO_PLACES;
        }
    }
    known->held = reasons;
    known->memo |= RULE_MEMO_HELD;
    return reasons;
}

bool rule_is_held(struct rule_world *world, size_t item)
{
    return world->field->items[item].decided == RULE_DECIDED_NOT && rule_held_reasons(world, item) != 0;
}

bool rule_is_void(struct rule_world *world, size_t item)
{
    return world->field->items[item].decided == RULE_DECIDED_AGAINST && rule_held_reasons(world, item) != 0;
}

bool rule_stands(struct rule_world *world, size_t item)
{
    return world->field->items[item].decided == RULE_DECIDED_COUNTS || rule_held_reasons(world, item) == 0;
}
