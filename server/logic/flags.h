/*
 * Flags: what a supervisor must see (A1-A3). Kinds with their stable names, and which of them follow from a verdict. Pure.
 *
 * A flag's id is SHA-256(kind name | 0 | subject); the subject is a presence, or a device's or offender's id padded with
 * zeros. A flag is never deleted: evidence clears it, later evidence reopens it, a decision ends it.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_FLAGS_H
#define DOUBLECREW_SERVER_LOGIC_FLAGS_H

#include "core/rule.h"
#include "core/sha256.h"
#include "server/logic/store.h"
#include "server/logic/work_hours.h"

/* Numbers stand in the store: never reused. */
enum flag_kind {
    FLAG_LONE_CONFIRMED = 1,
    FLAG_PART_JOINT = 2,
    FLAG_ACCOMPANIED = 3,
    FLAG_CLAIMED_ONLY = 4,
    FLAG_ONE_DEVICE = 5,
    FLAG_PLACES_APART = 6,
    FLAG_TWO_PLACES = 7,
    FLAG_CLOCK_TROUBLE = 8,
    FLAG_TIME_UNPROVEN = 9,
    FLAG_EVIDENCE_OVERDUE = 10,
    FLAG_FORK = 11, /* subject: the device */
    FLAG_HELD_EVIDENCE = 12,
    FLAG_CHECK_OUT_MISSING = 13,
    FLAG_CHECK_OUT_LATE = 14,
    FLAG_OUTCOMES_DIFFER = 15,
    FLAG_AUTHORITY_MISSING = 16,
    FLAG_AUTHORITY_REFUSED = 17,
    FLAG_AUTHORITY_NOT_PERMITTED = 18,
    FLAG_AUTHORITY_AFTER_THE_FACT = 19,
    FLAG_UNDERIVED = 20, /* subject: the offender (J7) */
    FLAG_LONE_LIVE = 21,
    FLAG_LATE_TO_LEAVE = 22,
    FLAG_REPEATED_LONE = 23,
    FLAG_LOST_DEVICE = 24,    /* subject: the device */
    FLAG_UNACKNOWLEDGED = 25, /* subject: the flag */
    FLAG_SAME_PAIR = 26,
    FLAG_SHORT_VISIT = 27,
    FLAG_EDITED_AFTER = 28,
    FLAG_CODE_MISUSED = 29,
    FLAG_ALTERED_EVIDENCE = 30, /* subject: the device that brought it */
    FLAG_KIND_COUNT
};

struct flag_info {
    const char *name;  /* stable, snake case */
    uint32_t severity; /* 1 low .. 4 very high */
    bool safety;       /* lane: day and night; otherwise working hours */
    const char *why;   /* one plain sentence */
};

/* An authority was given, but whether before the check-in can't be told: another sentence than that there was none. */
extern const char FLAG_WHY_ORDER_UNPROVEN[];
/* What late to leave says, by what is known of the officer's phone (decisions/0021). */
extern const char FLAG_WHY_LATE_ONLINE[], FLAG_WHY_LATE_OFFLINE[], FLAG_WHY_LATE_LONGEST[];
/* The officer's own phone is asked so long before the welfare check: then it is known whether it is online. */
#define WELFARE_ASK_BEFORE_US (INT64_C(120) * 1000 * 1000)

/* NULL for a number that is no kind. */
const struct flag_info *flag_info(uint32_t kind);
/* 0: no kind has this name. */
uint32_t flag_kind_of_name(const char *name);
MUST_USE enum status flag_id(struct sha256 *sha, enum flag_kind kind, const struct hash *subject,
                             struct hash *ret_flag);
struct hash flag_subject_of_id(const struct id *id);

/* Kinds that the verdict gives reason for, as bits 1 << kind; only kinds whose subject is the presence. */
uint32_t flags_of_verdict(const struct rule_verdict *verdict);
/*
 * Of those, the kinds that aren't raised yet. Time alone will soon say otherwise: while a check-in or a limit lies within the
 * clocks' uncertainty, the times prove nothing for a second or two. And part joint while there is no check-out: it rests on
 * the officer being there still, which their phone, perhaps without signal, hasn't said; the row shows it, the alarm waits
 * for the check-out or for the longest visit (A2).
 */
uint32_t flags_unsettled(const struct rule_verdict *verdict, int64_t now_us);
/* Of those whose subject is a presence, the kinds that follow from other visits or from what was recorded later. */
uint32_t flags_of_records(void);
/* Kinds that a decision on the visit ends only if it names the flag: whether the officer is well is another question. */
uint32_t flags_of_welfare(void);
/* All kinds whose subject is a presence. */
uint32_t flags_of_presences(void);

enum flag_move { FLAG_STAYS, FLAG_IS_RAISED, FLAG_IS_REOPENED, FLAG_IS_CLEARED, FLAG_IS_DECIDED };
/*
 * What becomes of a flag: previous is its state (0: there is none), wanted what the evidence says now, decided whether a
 * decision on its subject has just taken effect. A decision ends what is open and what would be raised with it; what was
 * decided stays so, whatever the evidence says later, as long as the decision counts, and only another changes what it says.
 */
enum flag_move flag_next(enum flag_state previous, bool wanted, bool decided);

/* Policy as far as flags need it: who is asked when (A1, A2), and what patterns are worth showing (A3). */
struct flag_policy {
    int64_t effective_from_us;
    struct work_hours hours;
    int64_t acknowledge_us;
    int64_t answer_us;
    int64_t welfare_us;
    int64_t longest_us;
    int64_t max_alone_us;
    uint32_t repeated_lone; /* 0, here and below: not looked at */
    int64_t repeated_us;
    uint32_t same_pair;
    int64_t plausible_us;
    int64_t edited_after_us;
};
/* DOMAIN.md's defaults, in force for all time. */
void flag_policy_default(struct flag_policy *ret_policy);

/* When a flag raised, or gone up, at at_us is pushed, and when it goes (further) up: safety at all hours (A2). */
int64_t flag_alarm_us(const struct flag_policy *policy, bool safety, int64_t at_us);
int64_t flag_acknowledge_by_us(const struct flag_policy *policy, bool safety, int64_t from_us);
/* Until when the officer is asked first; at_us for the safety lane, which asks nobody first. */
int64_t flag_answer_by_us(const struct flag_policy *policy, bool safety, int64_t at_us);

#endif
