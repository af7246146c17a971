/*
 * Flags that follow from a visit as it goes on, from its length and from its code (A2, A3; decisions/0021, 0026): lone live,
 * late to leave, a visit too short to be one, a co-signing code that can't have been shown at the door. All of it from the journal: that a phone is online is its log having named an anchor, by an
 * entry or a seal that it was asked for, later than the moment in question.
 */
#include "server/logic/neighbourhood.h"

#define BIT(kind) (UINT32_C(1) << (kind))
#define SECOND_US INT64_C(1000000)

struct live {
    const struct neighbourhood *hood;
    size_t index;
    const struct flag_policy *policy;
    int64_t now_us;
    struct flag_facts *facts;
};

static bool is_open(const struct rule_verdict *verdict)
{
    return (verdict->reasons & RULE_REASON_OPEN) != 0;
}

static void look_again(struct live *live, int64_t at_us)
{
    if (at_us > live->now_us && at_us < live->facts->next_us)
        live->facts->next_us = at_us;
}

/* Some phone of the officer's, and all of those that can still report, have said something since. */
static bool heard_past(const struct neighbourhood *hood, const struct id *officer, int64_t at_us)
{
    size_t phones = 0;

    for (size_t i = 0; i < hood->rule_case.device_count; i++) {
        const struct rule_device *device = &hood->devices[i];

        if (!id_equal(&hood->officers[device->officer].id, officer) || device->lost ||
            device->revoked_as_of_us != RULE_FOREVER)
            continue;
        if (!device->watermark_known || device->watermark_us <= at_us)
            return false;
        phones++;
    }
    return phones > 0;
}

/* A2: the second officer is named, their phone is online, and max_alone after the check-in it hasn't checked in. */
static void lone_live(struct live *live)
{
    const struct neighbourhood *hood = live->hood;
    const struct rule_verdict *verdict = &hood->verdicts[live->index];
    int64_t alone_us = hood->presences[live->index].in.hi_us + live->policy->max_alone_us;
    struct id named[STORE_NAMED_MAX * 2];
    size_t count = neighbourhood_candidates(hood, live->index, named, STORE_NAMED_MAX * 2);
    bool silent = count > 0 && live->now_us > alone_us;

    if (!is_open(verdict) || verdict->company != RULE_COMPANY_AWAITING_SECOND ||
        verdict->authority == RULE_AUTHORITY_PRIOR || (verdict->reasons & RULE_REASON_PARTNER_HELD) != 0)
        return;
    for (size_t i = 0; i < count; i++)
        silent = silent && heard_past(hood, &named[i], alone_us);
    if (silent)
        live->facts->wanted |= BIT(FLAG_LONE_LIVE);
}

/* They are elsewhere since: whoever has checked in again has left. */
static bool went_on(const struct neighbourhood *hood, size_t index)
{
    for (size_t i = 0; i < hood->count; i++) {
        if (i != index && hood->presences[i].officer == hood->presences[index].officer &&
            hood->presences[i].in.lo_us > hood->presences[index].in.hi_us)
            return true;
    }
    return false;
}

/*
 * While the visit is open, from the welfare check on. Past the longest visit the rule takes the check-out for missing; that
 * is no news of the officer, so a flag that stands goes on, and is pushed once more. It isn't raised then for the first time:
 * what comes in late without its check-out is no emergency but a check-out missing.
 */
static void late_to_leave(struct live *live)
{
    const struct rule_presence *presence = &live->hood->presences[live->index];
    const struct rule_verdict *verdict = &live->hood->verdicts[live->index];
    int64_t check_us = presence->in.hi_us + live->policy->welfare_us;
    bool heard = heard_past(live->hood, &live->hood->rows[live->index].officer, check_us - WELFARE_ASK_BEFORE_US);

    if (live->hood->rows[live->index].has_out)
        return;
    if (is_open(verdict)) {
        look_again(live, check_us);
        if (live->now_us >= check_us)
            live->facts->wanted |= BIT(FLAG_LATE_TO_LEAVE);
        live->facts->late_why = heard ? FLAG_WHY_LATE_ONLINE : FLAG_WHY_LATE_OFFLINE;
        return;
    }
    if (went_on(live->hood, live->index))
        return;
    live->facts->goes_on |= BIT(FLAG_LATE_TO_LEAVE);
    if ((verdict->reasons & RULE_REASON_OUT_MISSING) != 0) /* certainly: clocks leave it open for a moment */
        live->facts->late_why = FLAG_WHY_LATE_LONGEST;
}

/* Only where the offender was seen: an attempt at the door may be over in a minute. */
static void short_visit(struct live *live)
{
    const struct presence_row *row = &live->hood->rows[live->index];
    const struct rule_presence *presence = &live->hood->presences[live->index];
    bool one_boot = row->has_out && id_equal(&row->in.boot, &row->out.boot);
    int64_t longest_us = one_boot ? row->out.mono_us - row->in.mono_us : presence->out.hi_us - presence->in.lo_us;

    if (!row->has_out || row->outcome != RULE_OUTCOME_SEEN || live->policy->plausible_us == 0)
        return;
    if (longest_us >= 0 && longest_us < live->policy->plausible_us)
        live->facts->wanted |= BIT(FLAG_SHORT_VISIT);
}

static const struct presence_row *row_of(const struct neighbourhood *hood, const struct hash *presence, size_t *ret_at)
{
    for (size_t i = 0; i < hood->count; i++) {
        if (hash_equal(&hood->rows[i].presence, presence)) {
            *ret_at = i;
            return &hood->rows[i];
        }
    }
    return NULL;
}

/* Certainly: the first phone's visit was over, or too long ago, when the second's check-in named it. */
static bool is_stale(const struct live *live, size_t second, size_t first)
{
    const struct rule_presence *later = &live->hood->presences[second], *earlier = &live->hood->presences[first];

    return later->in.lo_us - earlier->in.hi_us > live->policy->longest_us ||
           (live->hood->rows[first].has_out && later->in.lo_us > earlier->out.hi_us);
}

/*
 * What honest phones refuse, or can't do (C1): the code of another offender's visit, of one's own other phone, of a visit that was
 * over. Where clocks contradict each other nothing is said of times.
 */
static void code_misused(struct live *live)
{
    const struct presence_row *row = &live->hood->rows[live->index], *other;
    size_t at;
    bool trouble;

    if (!row->has_cosign)
        return;
    other = row_of(live->hood, &row->cosign_other, &at);
    if (other == NULL)
        return; /* it hasn't come */
    trouble = live->hood->presences[live->index].clock_trouble || live->hood->presences[at].clock_trouble;
    if (!id_equal(&row->offender, &other->offender) || id_equal(&row->officer, &other->officer) ||
        id_equal(&row->device, &other->device) || (!row->cosign_first && !trouble && is_stale(live, live->index, at)))
        live->facts->wanted |= BIT(FLAG_CODE_MISUSED);
}

enum status flags_live(struct batch *batch, const struct neighbourhood *hood, size_t index,
                       struct flag_facts *ret_facts)
{
    struct live live = {.hood = hood, .index = index, .now_us = batch->phase_time_us, .facts = ret_facts};

    *ret_facts = (struct flag_facts){.next_us = RULE_FOREVER};
    RETURN_IF_BAD(batch_flag_policy_at(batch, batch->phase_time_us, &live.policy));
    if (hood->presences[index].in.hi_us > INT64_MAX / 2 || hood->presences[index].in.lo_us < 0)
        return STATUS_OK; /* nothing is known of when it was */
    lone_live(&live);
    late_to_leave(&live);
    short_visit(&live);
    code_misused(&live);
    return STATUS_OK;
}
