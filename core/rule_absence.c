/* W2, W3, V11: who could have been the second officer, and whether their logs have reported past the presence. */
#include "core/rule_internal.h"

struct roll {
    size_t candidates; /* certainly so: unrevoked as of the check-in, whenever it was */
    size_t unheard;    /* candidates whose logs haven't reported past the presence */
    size_t can_report; /* ... and still can */
    size_t deviceless; /* officers named or planned who have no device to wait for, nor were seen here */
};

bool rule_plan_may_contain(const struct rule_field *field, const struct rule_plan *plan, size_t item)
{
    struct rule_instant in = rule_in_bounds(field, item);

    return plan->offender == field->items[item].is->offender && in.hi_us >= plan->from_us && in.lo_us < plan->to_us &&
           plan->from_us < plan->to_us;
}

bool rule_awaited(const struct rule_field *field, size_t me, size_t officer)
{
    if (officer == field->items[me].is->officer) {
        return false;
    }
    if (rule_names(field->items[me].is, officer)) {
        return true;
    }
    for (size_t i = 0; i < field->given->plan_count; i++) {
        const struct rule_plan *plan = &field->given->plans[i];

        for (size_t k = 0; k < plan->officer_count; k++) {
            if (plan->officers[k] == officer && rule_plan_may_contain(field, plan, me)) {
                return true;
            }
        }
    }
    return false;
}

static bool seen_here(const struct rule_field *field, const struct rule_leaf *leaf, size_t officer, size_t device)
{
    for (size_t i = 0; i < field->count; i++) {
        const struct rule_presence *is = field->items[i].is;

        if ((leaf->heard >> i & 1) != 0 && (device == RULE_NONE ? is->officer == officer : is->device == device)) {
            return true;
        }
    }
    return false;
}

/* W2: whose evidence can be in the device's log? Theirs who held it at some time in [from, to]. */
static bool held_by(const struct rule_device *device, size_t officer, int64_t from_us, int64_t to_us)
{
    for (size_t i = 0; i < device->holder_count; i++) {
        int64_t until_us = i + 1 < device->holder_count ? device->holders[i + 1].from_us : RULE_FOREVER;

        if (device->holders[i].officer == officer && device->holders[i].from_us <= to_us && until_us > from_us) {
            return true;
        }
    }
    return device->holder_count == 0 && device->officer == officer;
}

/* Whatever the times were, it was a log to wait for: unrevoked as of the check-in, and theirs while the presence lasted. */
static bool surely_candidate(const struct rule_device *device, size_t officer, struct rule_instant in,
                             struct rule_instant out)
{
    return (device->revoked_as_of_us == RULE_FOREVER || device->revoked_as_of_us > in.hi_us) &&
           held_by(device, officer, in.hi_us, out.lo_us > in.hi_us ? out.lo_us : in.hi_us);
}

static void call_officer(const struct rule_field *field, size_t me, const struct rule_leaf *leaf,
                         struct rule_instant out, size_t officer, struct roll *roll)
{
    struct rule_instant in = rule_in_bounds(field, me);
    bool any = false;

    for (size_t i = 0; i < field->given->device_count; i++) {
        const struct rule_device *device = &field->given->devices[i];

        if (!held_by(device, officer, in.lo_us, out.hi_us) ||
            (device->revoked_as_of_us != RULE_FOREVER && device->revoked_as_of_us <= in.lo_us)) {
            continue;
        }
        /* What may not be one is waited for, but its word alone proves nothing: better times may take it away. */
        if (surely_candidate(device, officer, in, out)) {
            any = true;
            roll->candidates++;
        }
        if ((device->watermark_known && device->watermark_us > out.hi_us) || seen_here(field, leaf, officer, i)) {
            continue;
        }
        roll->unheard++;
        roll->can_report += device->lost ? 0 : 1;
    }
    if (!any && !seen_here(field, leaf, officer, RULE_NONE)) {
        roll->deviceless++;
    }
}

static bool passed(int64_t now_us, int64_t since_us, int64_t wait_us)
{
    return stn_sum(now_us, -since_us) >= wait_us;
}

struct rule_absence rule_absence_of(const struct rule_field *field, size_t me, const struct rule_leaf *leaf,
                                    struct rule_instant out)
{
    const struct rule_presence *is = field->items[me].is;
    int64_t now_us = field->given->now_us;
    bool limit_passed = passed(now_us, is->received_us, leaf->policy->time_limit_us);
    struct rule_absence absence = {.named = false};
    struct roll roll = {0, 0, 0, 0};

    for (size_t officer = 0; officer < field->given->officer_count; officer++) {
        if (rule_awaited(field, me, officer)) {
            absence.named = true;
            call_officer(field, me, leaf, out, officer, &roll);
        }
    }
    if (!absence.named && is->with == RULE_WITH_ALONE) {
        absence.by = RULE_CONFIRMED_BY_STATEMENT;
    } else if (absence.named && roll.unheard == 0 &&
               (roll.candidates > 0 || roll.deviceless == 0 || leaf->eligible != 0)) {
        /* Part joint waits for candidates only (V8): for nobody who has no log. */
        absence.by = RULE_CONFIRMED_BY_LOG;
    } else if (roll.can_report == 0 && limit_passed) {
        absence.by = RULE_CONFIRMED_BY_TIME_LIMIT;
    }
    absence.settled = absence.by != RULE_CONFIRMED_NOT;
    absence.overdue =
        !absence.settled && roll.unheard > 0 && passed(now_us, is->received_us, leaf->policy->evidence_overdue_us);
    return absence;
}
