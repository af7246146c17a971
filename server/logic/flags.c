#include "server/logic/flags.h"

#include "core/limits.h"

#include <string.h>

static const struct flag_info infos[FLAG_KIND_COUNT] = {
    [FLAG_LONE_CONFIRMED] = {"lone_confirmed", 3, false, "No second officer was present."},
    [FLAG_PART_JOINT] = {"part_joint", 2, false, "A second officer was present for part of the visit only."},
    [FLAG_ACCOMPANIED] = {"accompanied", 2, false, "The second person does not make this a joint visit."},
    [FLAG_CLAIMED_ONLY] = {"claimed_only", 3, false, "A second officer was named but has not checked in."},
    [FLAG_ONE_DEVICE] = {"one_device", 3, false, "One device was used for two officers."},
    [FLAG_PLACES_APART] = {"places_apart", 2, false, "The two devices gave places that are apart."},
    [FLAG_TWO_PLACES] = {"two_places", 4, false, "One officer is recorded at two places at the same time."},
    [FLAG_CLOCK_TROUBLE] = {"clock_trouble", 2, false, "The clocks of a device contradict each other."},
    [FLAG_TIME_UNPROVEN] = {"time_unproven", 2, false, "The times do not prove who was there together."},
    [FLAG_EVIDENCE_OVERDUE] = {"evidence_overdue", 2, false,
                               "A second officer's device has not reported for too long."},
    [FLAG_FORK] = {"fork", 4, false, "Two copies of one device's log exist."},
    [FLAG_HELD_EVIDENCE] = {"held_evidence", 3, false, "The evidence is held until a supervisor decides."},
    [FLAG_CHECK_OUT_MISSING] = {"check_out_missing", 1, false, "The check-out is missing; the end is assumed."},
    [FLAG_CHECK_OUT_LATE] = {"check_out_late", 1, false, "The check-out was made away from the visit."},
    [FLAG_OUTCOMES_DIFFER] = {"outcomes_differ", 2, false, "The officers recorded different outcomes."},
    [FLAG_AUTHORITY_MISSING] = {"authority_missing", 3, false, "Nobody authorised this lone visit beforehand."},
    [FLAG_AUTHORITY_REFUSED] = {"authority_refused", 4, false, "Authority for this lone visit had been refused."},
    [FLAG_AUTHORITY_NOT_PERMITTED] = {"authority_not_permitted", 4, false,
                                      "Authority for this lone visit was given against policy."},
    [FLAG_AUTHORITY_AFTER_THE_FACT] = {"authority_after_the_fact", 2, false,
                                       "Authority for this lone visit was given only afterwards."},
    [FLAG_UNDERIVED] = {"underived", 3, true, "The verdicts for this offender could not be worked out."},
    [FLAG_LONE_LIVE] = {"lone_live", 3, false,
                        "The officer is there without the second officer named, whose phone is online."},
    [FLAG_LATE_TO_LEAVE] = {"late_to_leave", 3, true, "The officer has not checked out in time."},
    [FLAG_REPEATED_LONE] = {"repeated_lone", 3, false,
                            "The same officer has been alone with the same offender before."},
    [FLAG_LOST_DEVICE] = {"lost_device", 3, false, "A device was reported lost, or its use was stopped."},
    [FLAG_UNACKNOWLEDGED] = {"unacknowledged", 4, true, "Nobody acknowledged a flag, not even the duty role."},
    [FLAG_SAME_PAIR] = {"same_pair", 1, false, "The same two officers have made every one of these visits."},
    [FLAG_SHORT_VISIT] = {"short_visit", 1, false, "The visit was shorter than is plausible."},
    [FLAG_EDITED_AFTER] = {"edited_after", 1, false, "The record was changed long after the visit."},
    [FLAG_CODE_MISUSED] =
        {"code_misused", 3, false,
         "A co-signing code was used that belongs to another visit, another time or the same officer."},
    [FLAG_ALTERED_EVIDENCE] = {"altered_evidence", 4, false,
                               "A device brought a colleague's record that had been altered."},
};

const char FLAG_WHY_ORDER_UNPROVEN[] =
    "An authority was given, but the times do not prove that it came before the visit.";
const char FLAG_WHY_LATE_ONLINE[] = "The officer has not checked out in time. Their phone is connected.";
const char FLAG_WHY_LATE_OFFLINE[] =
    "The officer has not checked out in time. Their phone has not been heard: it may be "
    "without signal, and then the system can't know whether they have left.";
const char FLAG_WHY_LATE_LONGEST[] =
    "The officer has still not checked out, and the time for the longest visit is over.";

const struct flag_info *flag_info(uint32_t kind)
{
    return kind < FLAG_KIND_COUNT && infos[kind].name != NULL ? &infos[kind] : NULL;
}

uint32_t flag_kind_of_name(const char *name)
{
    for (uint32_t kind = 1; kind < FLAG_KIND_COUNT; kind++) {
        if (infos[kind].name != NULL && strcmp(infos[kind].name, name) == 0)
            return kind;
    }
    return 0;
}

enum status flag_id(struct sha256 *sha, enum flag_kind kind, const struct hash *subject, struct hash *ret_flag)
{
    const char *name = infos[kind].name;
    struct span parts[] = {span_of(name, strlen(name) + 1), span_of(subject->bytes, HASH_SIZE)};

    return sha256_parts(sha, parts, 2, ret_flag);
}

struct hash flag_subject_of_id(const struct id *id)
{
    struct hash subject = {{0}};

    memcpy(subject.bytes, id->bytes, ID_SIZE);
    return subject;
}

#define BIT(kind) (UINT32_C(1) << (kind))
#define MINUTE_US (INT64_C(60) * 1000 * 1000)
#define DAY_US (24 * 60 * MINUTE_US)

/* Reasons that are flags by themselves. */
static const struct {
    uint32_t reasons;
    enum flag_kind kind;
} by_reason[] = {
    {RULE_REASON_ONE_DEVICE, FLAG_ONE_DEVICE},
    {RULE_REASON_PLACES_APART | RULE_REASON_PARTNER_FAR, FLAG_PLACES_APART},
    {RULE_REASON_TWO_PLACES, FLAG_TWO_PLACES},
    {RULE_REASON_CLOCK_TROUBLE, FLAG_CLOCK_TROUBLE},
    {RULE_REASON_EVIDENCE_OVERDUE, FLAG_EVIDENCE_OVERDUE},
    {RULE_REASON_OUT_MISSING, FLAG_CHECK_OUT_MISSING},
    {RULE_REASON_OUT_LATE, FLAG_CHECK_OUT_LATE},
    {RULE_REASON_OUTCOMES_DIFFER, FLAG_OUTCOMES_DIFFER},
};

static uint32_t flags_of_authority(enum rule_authority authority)
{
    switch (authority) {
    case RULE_AUTHORITY_NONE:
    case RULE_AUTHORITY_ORDER_UNPROVEN:
        return BIT(FLAG_AUTHORITY_MISSING);
    case RULE_AUTHORITY_RETROSPECTIVE:
        return BIT(FLAG_AUTHORITY_AFTER_THE_FACT);
    case RULE_AUTHORITY_REFUSED:
        return BIT(FLAG_AUTHORITY_REFUSED);
    case RULE_AUTHORITY_NOT_PERMITTED:
        return BIT(FLAG_AUTHORITY_NOT_PERMITTED);
    case RULE_AUTHORITY_PRIOR:
        return 0;
    }
    return 0;
}

/* Lone provisional, awaiting and under way are quiet rows, never flags (A2). */
static uint32_t flags_of_company(const struct rule_verdict *verdict)
{
    bool silenced = verdict->authority == RULE_AUTHORITY_PRIOR; /* L1 */
    bool claimed = (verdict->reasons & RULE_REASON_CLAIMED_ONLY) != 0;

    switch (verdict->company) {
    case RULE_COMPANY_LONE_CONFIRMED:
        return (silenced ? 0 : BIT(FLAG_LONE_CONFIRMED)) | (claimed ? BIT(FLAG_CLAIMED_ONLY) : 0) |
               flags_of_authority(verdict->authority);
    case RULE_COMPANY_PART_JOINT:
        return (silenced ? 0 : BIT(FLAG_PART_JOINT)) | flags_of_authority(verdict->authority);
    case RULE_COMPANY_ACCOMPANIED:
        return BIT(FLAG_ACCOMPANIED);
    case RULE_COMPANY_TIME_UNPROVEN:
        return BIT(FLAG_TIME_UNPROVEN);
    case RULE_COMPANY_HELD:
        return (verdict->reasons & (RULE_REASON_CONTESTED | RULE_REASON_REVOKED | RULE_REASON_UNASSIGNED)) != 0
                   ? BIT(FLAG_HELD_EVIDENCE)
                   : 0;
    default:
        return 0;
    }
}

uint32_t flags_of_verdict(const struct rule_verdict *verdict)
{
    uint32_t kinds = flags_of_company(verdict);

    for (size_t i = 0; i < sizeof(by_reason) / sizeof(by_reason[0]); i++) {
        if ((verdict->reasons & by_reason[i].reasons) != 0)
            kinds |= BIT(by_reason[i].kind);
    }
    return kinds;
}

uint32_t flags_unsettled(const struct rule_verdict *verdict, int64_t now_us)
{
    bool soon = verdict->next_change_us != RULE_FOREVER && verdict->next_change_us - now_us <= FLAG_SETTLING_US;

    if (verdict->company == RULE_COMPANY_PART_JOINT && (verdict->reasons & RULE_REASON_OPEN) != 0)
        return flags_of_company(verdict);
    return verdict->company == RULE_COMPANY_TIME_UNPROVEN && soon ? BIT(FLAG_TIME_UNPROVEN) : 0;
}

uint32_t flags_of_records(void)
{
    return BIT(FLAG_REPEATED_LONE) | BIT(FLAG_EDITED_AFTER);
}

uint32_t flags_of_welfare(void)
{
    return BIT(FLAG_LATE_TO_LEAVE);
}

uint32_t flags_of_presences(void)
{
    return (BIT(FLAG_KIND_COUNT) - 1) & ~(BIT(0) | BIT(FLAG_FORK) | BIT(FLAG_UNDERIVED) | BIT(FLAG_LOST_DEVICE) |
                                          BIT(FLAG_UNACKNOWLEDGED) | BIT(FLAG_SAME_PAIR) | BIT(FLAG_ALTERED_EVIDENCE));
}

void flag_policy_default(struct flag_policy *ret_policy)
{
    *ret_policy = (struct flag_policy){.effective_from_us = INT64_MIN,
                                       .hours = work_hours_default(),
                                       .acknowledge_us = 15 * MINUTE_US,
                                       .answer_us = 30 * MINUTE_US,
                                       .welfare_us = 60 * MINUTE_US,
                                       .longest_us = 180 * MINUTE_US,
                                       .max_alone_us = 10 * MINUTE_US,
                                       .repeated_lone = 2,
                                       .repeated_us = 90 * DAY_US,
                                       .same_pair = 8,
                                       .plausible_us = 3 * MINUTE_US,
                                       .edited_after_us = 3 * DAY_US};
}

int64_t flag_alarm_us(const struct flag_policy *policy, bool safety, int64_t at_us)
{
    return safety ? at_us : work_begin(&policy->hours, at_us);
}

int64_t flag_acknowledge_by_us(const struct flag_policy *policy, bool safety, int64_t from_us)
{
    return safety ? from_us + policy->acknowledge_us : work_add(&policy->hours, from_us, policy->acknowledge_us);
}

int64_t flag_answer_by_us(const struct flag_policy *policy, bool safety, int64_t at_us)
{
    return safety ? at_us : work_add(&policy->hours, at_us, policy->answer_us);
}

enum flag_move flag_next(enum flag_state previous, bool wanted, bool decided)
{
    switch (previous) {
    case FLAG_RAISED:
    case FLAG_ACKNOWLEDGED:
        if (decided)
            return FLAG_IS_DECIDED;
        return wanted ? FLAG_STAYS : FLAG_IS_CLEARED;
    case FLAG_CLEARED:
        if (!wanted)
            return FLAG_STAYS;
        return decided ? FLAG_IS_DECIDED : FLAG_IS_REOPENED;
    case FLAG_DECIDED:
        return decided ? FLAG_IS_DECIDED : FLAG_STAYS;
    }
    if (!wanted)
        return FLAG_STAYS;
    return decided ? FLAG_IS_DECIDED : FLAG_IS_RAISED;
}
