/* When each entry was written, on the server's axis: T1's direct formula for every observation, all intersected (T1, T2). */
#include <stdlib.h>

#include "tests/oracle/journal_oracle_parts.h"

#define CUT 999

/* part * length, outward: up rounds towards more. */
static int64_t stretched(int64_t length_us, int64_t drift_ppb, bool longer, bool up)
{
    __int128 billionths = (__int128)length_us * (1000000000 + (longer ? drift_ppb : -drift_ppb));
    __int128 whole = billionths / 1000000000;

    if (up && whole * 1000000000 < billionths)
        whole++;
    return (int64_t)whole;
}

/*
 * T1 for an entry at mono; before the observation it works backwards. Whole milliseconds are cut off, so any of the four times
 * may be CUT later than it says: the latest entry and answer from the earliest question bound above, the earliest entry from
 * the latest receipt below.
 */
static struct jo_bounds by_observation(const struct jo_observation *o, int64_t mono_us, int64_t drift_ppb)
{
    struct jo_bounds at = {INT64_MIN, INT64_MAX};
    int64_t latest_us = mono_us + CUT, earliest_us = mono_us - CUT;

    if (latest_us >= o->sent_us)
        at.hi_us = o->time_us + CUT + stretched(latest_us - o->sent_us, drift_ppb, true, true);
    else
        at.hi_us = o->time_us + CUT - stretched(o->sent_us - latest_us, drift_ppb, false, false);
    if (o->received_us == INT64_MAX)
        return at;
    if (earliest_us >= o->received_us)
        at.lo_us = o->time_us + stretched(earliest_us - o->received_us, drift_ppb, false, false);
    else
        at.lo_us = o->time_us - stretched(o->received_us - earliest_us, drift_ppb, true, true);
    return at;
}

static void at_least(struct jo_bounds *at, int64_t lo_us)
{
    if (lo_us > at->lo_us)
        at->lo_us = lo_us;
}

static void at_most(struct jo_bounds *at, int64_t hi_us)
{
    if (hi_us < at->hi_us)
        at->hi_us = hi_us;
}

/* A boot is the phone's: its clock is one, also when a copy from before goes on in it as another branch. */
static bool same_clock(const struct jo_observation *o, const struct jo_entry *entry)
{
    return id_equal(&o->log, &entry->header.log) && id_equal(&o->boot, &entry->header.boot);
}

/* A boot's drift is that of the policy in force when its clock was first observed. */
static int64_t drift_of(const struct jo *jo, const struct jo_entry *entry)
{
    const struct rule_policy *policy = &jo->policies.items[0].rule;
    int64_t first_us = INT64_MAX;

    for (size_t i = 0; i < jo->observations.count; i++) {
        const struct jo_observation *o = &jo->observations.items[i];

        if (same_clock(o, entry) && o->learned_us < first_us)
            first_us = o->learned_us;
    }
    for (size_t i = 1; i < jo->policies.count; i++) {
        const struct rule_policy *other = &jo->policies.items[i].rule;

        if (other->effective_from_us <= first_us && other->effective_from_us >= policy->effective_from_us)
            policy = other;
    }
    return policy->drift_ppb;
}

static struct jo_bounds on_its_own(const struct jo *jo, const struct jo_entry *entry)
{
    struct jo_bounds at = {INT64_MIN, entry->received_us};
    int64_t drift_ppb = drift_of(jo, entry);

    if (entry->has_checkpoint)
        at_least(&at, entry->checkpoint_us);
    for (size_t i = 0; i < jo->observations.count; i++) {
        const struct jo_observation *o = &jo->observations.items[i];

        if (same_clock(o, entry)) {
            struct jo_bounds by = by_observation(o, (int64_t)entry->header.monotonic_ms * 1000, drift_ppb);

            at_least(&at, by.lo_us);
            at_most(&at, by.hi_us);
        }
    }
    return at;
}

bool jo_precedes(const struct jo *jo, const struct jo_entry *a, const struct jo_entry *b)
{
    if (!id_equal(&a->header.log, &b->header.log) || a->header.seq >= b->header.seq)
        return false;
    if (!a->contested)
        return true;
    while (b->header.seq > a->header.seq + 1) {
        size_t before = jo_entry_named(jo, &b->header.previous);

        if (before == JO_NONE)
            return false;
        b = &jo->entries.items[before];
    }
    return hash_equal(&b->header.previous, &a->hash);
}

bool jo_troubled(const struct jo *jo, const struct id *log, const struct id *boot)
{
    for (size_t i = 0; i < jo->troubles.count; i++) {
        if (id_equal(&jo->troubles.items[i].log, log) && id_equal(&jo->troubles.items[i].boot, boot))
            return true;
    }
    return false;
}

static void trouble(struct jo *jo, const struct jo_entry *entry)
{
    if (!jo_troubled(jo, &entry->header.log, &entry->header.boot))
        JO_ADD(&jo->troubles, (struct jo_trouble){entry->header.log, entry->header.boot});
}

/* T2: an entry written before the answer that it names had come, by the same clock. */
static bool names_the_future(const struct jo *jo, const struct jo_entry *entry)
{
    for (size_t i = 0; i < jo->observations.count; i++) {
        const struct jo_observation *o = &jo->observations.items[i];

        if (&jo->entries.items[o->entry] == entry && o->received_us != INT64_MAX && entry->has_checkpoint &&
            o->time_us == entry->checkpoint_us && id_equal(&o->boot, &entry->header.boot) &&
            (int64_t)entry->header.checkpoint_received_ms * 1000 == o->received_us &&
            entry->header.checkpoint_received_ms > entry->header.monotonic_ms)
            return true;
    }
    return false;
}

/* T2: within one boot neither the clock nor the anchors go back. */
static bool went_back(const struct jo_entry *before, const struct jo_entry *after)
{
    return id_equal(&before->header.boot, &after->header.boot) &&
           (after->header.monotonic_ms < before->header.monotonic_ms ||
            (before->has_checkpoint && after->has_checkpoint && after->checkpoint_us < before->checkpoint_us));
}

void jo_bounds(struct jo *jo)
{
    size_t count = jo->entries.count;
    struct jo_bounds *own = calloc(count + 1, sizeof(*own));

    if (own == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        own[i] = jo->entries.items[i].at = on_its_own(jo, &jo->entries.items[i]);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            const struct jo_entry *a = &jo->entries.items[i], *b = &jo->entries.items[j];

            if (!jo_precedes(jo, a, b))
                continue;
            at_least(&jo->entries.items[j].at, own[i].lo_us);
            if (went_back(a, b))
                trouble(jo, b);
        }
    }
    for (size_t j = 0; j < count; j++) {
        for (size_t i = 0; i < count; i++) {
            if (jo_precedes(jo, &jo->entries.items[i], &jo->entries.items[j]))
                at_most(&jo->entries.items[i].at, own[j].hi_us);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (jo->entries.items[i].at.lo_us > jo->entries.items[i].at.hi_us ||
            names_the_future(jo, &jo->entries.items[i]))
            trouble(jo, &jo->entries.items[i]);
    }
    free(own);
}
