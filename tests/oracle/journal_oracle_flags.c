/*
 * Flags, from verdicts (A2, A3): which must stand, which must not, and which may do either because time alone will settle them
 * (docs/decisions/0007). Of their names and numbers only server/logic/flags.h is used.
 */
#include <string.h>

#include "server/logic/flags.h"
#include "tests/oracle/journal_oracle_parts.h"

enum want { MUST_NOT, MAY, MUST };

static bool has(const struct rule_verdict *v, enum rule_reason reason)
{
    return (v->reasons & (uint32_t)reason) != 0;
}

/* A2: awaiting, under way and provisional are quiet rows, joint needs nobody: then a second person named is no finding yet. */
static bool is_finding(const struct rule_verdict *v)
{
    return v->company == RULE_COMPANY_LONE_CONFIRMED || v->company == RULE_COMPANY_PART_JOINT ||
           v->company == RULE_COMPANY_ACCOMPANIED;
}

/* Alone, or nearly: what an authority would have been for. */
static bool lacked_company(const struct rule_verdict *v)
{
    return v->company == RULE_COMPANY_LONE_CONFIRMED || v->company == RULE_COMPANY_PART_JOINT;
}

static enum want when(bool wanted)
{
    return wanted ? MUST : MUST_NOT;
}

static enum want held_by(const struct rule_verdict *v, bool two_places)
{
    if (v->company != RULE_COMPANY_HELD)
        return two_places && has(v, RULE_REASON_TWO_PLACES) ? MAY : MUST_NOT;
    if (two_places)
        return when(has(v, RULE_REASON_TWO_PLACES));
    return when(has(v, RULE_REASON_CONTESTED) || has(v, RULE_REASON_REVOKED) || has(v, RULE_REASON_UNASSIGNED));
}

static enum want authority(const struct rule_verdict *v, enum flag_kind kind)
{
    if (!lacked_company(v))
        return MUST_NOT;
    switch (v->authority) {
    case RULE_AUTHORITY_NONE:
        return when(kind == FLAG_AUTHORITY_MISSING);
    case RULE_AUTHORITY_ORDER_UNPROVEN: /* L1: later as none */
        return kind == FLAG_AUTHORITY_MISSING ? MAY : MUST_NOT;
    case RULE_AUTHORITY_REFUSED:
        return when(kind == FLAG_AUTHORITY_REFUSED);
    case RULE_AUTHORITY_NOT_PERMITTED:
        return when(kind == FLAG_AUTHORITY_NOT_PERMITTED);
    case RULE_AUTHORITY_RETROSPECTIVE:
        return when(kind == FLAG_AUTHORITY_AFTER_THE_FACT);
    default:
        return MUST_NOT;
    }
}

static enum want wanted(const struct rule_verdict *v, enum flag_kind kind)
{
    switch (kind) {
    case FLAG_LONE_CONFIRMED: /* prior permitted authority silences the lone alarms (L1) */
        return when(v->company == RULE_COMPANY_LONE_CONFIRMED && v->authority != RULE_AUTHORITY_PRIOR);
    case FLAG_PART_JOINT:
        return v->company != RULE_COMPANY_PART_JOINT ? MUST_NOT : v->authority == RULE_AUTHORITY_PRIOR ? MAY : MUST;
    case FLAG_ACCOMPANIED:
        return v->company == RULE_COMPANY_ACCOMPANIED ? MUST : has(v, RULE_REASON_ACCOMPANIED) ? MAY : MUST_NOT;
    case FLAG_CLAIMED_ONLY:
        return !has(v, RULE_REASON_CLAIMED_ONLY) ? MUST_NOT : is_finding(v) ? MAY : MUST_NOT;
    case FLAG_ONE_DEVICE:
        return when(has(v, RULE_REASON_ONE_DEVICE));
    case FLAG_PLACES_APART:
        return when(has(v, RULE_REASON_PLACES_APART) || has(v, RULE_REASON_PARTNER_FAR));
    case FLAG_TWO_PLACES:
        return held_by(v, true);
    case FLAG_HELD_EVIDENCE:
        return held_by(v, false);
    case FLAG_CLOCK_TROUBLE:
        return when(has(v, RULE_REASON_CLOCK_TROUBLE));
    case FLAG_TIME_UNPROVEN:
        return when(v->company == RULE_COMPANY_TIME_UNPROVEN);
    case FLAG_EVIDENCE_OVERDUE:
        return when(has(v, RULE_REASON_EVIDENCE_OVERDUE));
    case FLAG_CHECK_OUT_MISSING:
        return when(has(v, RULE_REASON_OUT_MISSING));
    case FLAG_CHECK_OUT_LATE:
        return when(has(v, RULE_REASON_OUT_LATE));
    case FLAG_OUTCOMES_DIFFER:
        return when(has(v, RULE_REASON_OUTCOMES_DIFFER));
    case FLAG_AUTHORITY_MISSING:
    case FLAG_AUTHORITY_REFUSED:
    case FLAG_AUTHORITY_NOT_PERMITTED:
    case FLAG_AUTHORITY_AFTER_THE_FACT:
        return authority(v, kind);
    default:
        return MAY; /* about a device or an offender, or a kind that came later */
    }
}

/* 0007: what the next minute or the check-out settles is raised later, and what stands isn't taken back for it. */
static bool settles_itself(const struct rule_verdict *v, enum flag_kind kind, int64_t now_us)
{
    bool soon = v->next_change_us != RULE_FOREVER && v->next_change_us <= now_us + FLAG_SETTLING_US;
    bool lone = kind == FLAG_PART_JOINT || kind == FLAG_AUTHORITY_MISSING || kind == FLAG_AUTHORITY_REFUSED ||
                kind == FLAG_AUTHORITY_NOT_PERMITTED || kind == FLAG_AUTHORITY_AFTER_THE_FACT;

    if (v->company == RULE_COMPANY_TIME_UNPROVEN && soon)
        return true;
    return lone && v->company == RULE_COMPANY_PART_JOINT && has(v, RULE_REASON_OPEN);
}

static bool decided(const struct jo *jo, const struct hash *presence)
{
    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];
        struct hash of;

        if (entry->header.kind != JO_KIND(DECISION) || entry->message == NULL)
            continue;
        of = jo_hash(((const Doublecrew__V1__Decision *)entry->message)->presence);
        if (hash_equal(&of, presence))
            return true;
    }
    return false;
}

/* What somebody saw and said stays, also when their log turns out to be forked (decisions/0015). */
static bool acknowledged(const struct jo *jo, const struct hash *flag)
{
    for (size_t i = 0; i < jo->entries.count; i++) {
        const struct jo_entry *entry = &jo->entries.items[i];
        struct hash of;

        if (entry->header.kind != JO_KIND(FLAG_ACKNOWLEDGEMENT) || entry->message == NULL ||
            !jo_permitted_but_for_forks(jo, entry))
            continue;
        of = jo_hash(((const Doublecrew__V1__FlagAcknowledgement *)entry->message)->flag_id);
        if (hash_equal(&of, flag))
            return true;
    }
    return false;
}

static const char *state_name(enum flag_state state)
{
    static const char *const names[] = {"not there", "raised", "acknowledged", "cleared", "decided"};

    return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "in no state";
}

static struct hash id_of_flag(const struct jo *jo, const char *kind, const struct hash *subject)
{
    struct span parts[] = {span_of(kind, strlen(kind) + 1), span_of(subject->bytes, HASH_SIZE)};
    struct hash flag = {{0}};

    if (sha256_parts(jo->sha, parts, 2, &flag) != STATUS_OK)
        return flag;
    return flag;
}

static enum flag_state stored_state(struct store *store, const struct hash *flag)
{
    struct flag_row row;

    return store->ops->flag_get(store, flag, &row) == STATUS_OK ? row.state : (enum flag_state)0;
}

/* L2, A3: what ended it is a decision that counts. */
static bool ended_by_decision(const struct jo *jo, const struct rule_verdict *v, const struct hash *presence)
{
    return (has(v, RULE_REASON_DECIDED_COUNTS) || has(v, RULE_REASON_DECIDED_AGAINST)) && decided(jo, presence);
}

static bool fits(const struct jo *jo, enum want want, enum flag_state state, const struct hash *flag,
                 const struct hash *presence, const struct rule_verdict *v)
{
    switch (state) {
    case FLAG_RAISED:
        return want != MUST_NOT;
    case FLAG_ACKNOWLEDGED:
        return want != MUST_NOT && acknowledged(jo, flag);
    case FLAG_DECIDED:
        return ended_by_decision(jo, v, presence);
    default:
        return want != MUST;
    }
}

const char *jo_compare_flags(const struct jo *jo, struct store *store, const struct hash *presence,
                             const struct rule_verdict *verdict, bool lenient, struct journal_oracle_report *report,
                             char *text, size_t size)
{
    for (uint32_t kind = 1; kind < FLAG_KIND_COUNT; kind++) {
        const char *name = flag_info(kind)->name;
        struct hash flag = id_of_flag(jo, name, presence);
        enum flag_state state = stored_state(store, &flag);
        enum want want = wanted(verdict, (enum flag_kind)kind);

        if (lenient || settles_itself(verdict, (enum flag_kind)kind, jo->now_us))
            want = MAY;
        report->flags_either += want == MAY && state != 0;
        report->flags_standing += want == MUST;
        report->flags += want != MAY;
        if (!fits(jo, want, state, &flag, presence, verdict))
            return jo_say(text, size, "flag %s on %s: store: %s; oracle: it %s (%s, authority %s, reasons %#x)", name,
                          jo_show(&jo->entries.items[jo_entry_named(jo, presence)]), state_name(state),
                          want == MUST  ? "must stand"
                          : want == MAY ? "may stand, but nobody acknowledged or decided it"
                                        : "must not stand",
                          rule_company_name(verdict->company), rule_authority_name(verdict->authority),
                          verdict->reasons);
    }
    return NULL;
}

const char *jo_compare_fork_flags(const struct jo *jo, struct store *store, struct journal_oracle_report *report,
                                  char *text, size_t size)
{
    for (size_t i = 0; i < jo->logs.count; i++) {
        const struct jo_log *log = &jo->logs.items[i];
        const struct jo_enrolment *enrolment = jo_enrolment_as_of(jo, &log->log, UINT64_MAX);
        struct hash subject = {{0}}, flag;
        enum flag_state state;

        if (enrolment == NULL)
            continue;
        memcpy(subject.bytes, enrolment->device.bytes, ID_SIZE);
        flag = id_of_flag(jo, flag_info(FLAG_FORK)->name, &subject);
        state = stored_state(store, &flag);
        report->flags++;
        if ((log->fork_seq != 0) != (state != 0))
            return jo_say(text, size, "flag fork on log %02x%02x: store: %s; oracle: forked from %llu",
                          log->log.bytes[0], log->log.bytes[1], state_name(state), (unsigned long long)log->fork_seq);
    }
    return NULL;
}
