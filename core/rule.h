/*
 * The two-officer rule: a pure function from evidence to verdicts (DESIGN.md sections 5 and 6, V1-V11, W2-W3, L1-L2).
 *
 * One call judges one offender's neighbourhood whole; there is no incremental verdict logic. The server decides with it,
 * the device previews with it, the simulator and `doublecrewctl judge` run the very same code.
 *
 * Times are microseconds on the server's axis (so whole seconds times a drift in parts per billion stay exact);
 * lengths are microseconds; places are metres on a plane (core/geo.h projects). "For ever" is RULE_FOREVER.
 * Arrays are borrowed; members refer to each other by index (size_t); RULE_NONE means none. The order of the arrays
 * carries no meaning: permuting any of them (with the indices) changes nothing in any verdict.
 */
#ifndef DOUBLECREW_CORE_RULE_H
#define DOUBLECREW_CORE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"

#define RULE_FOREVER INT64_MAX
#define RULE_NONE SIZE_MAX
#define RULE_WIRE_STEP_US INT64_C(1000) /* entries carry whole milliseconds */
#define RULE_NAMED_MAX 8                /* officers named with one check-in or one plan */

enum rule_risk { RULE_RISK_LOW, RULE_RISK_MEDIUM, RULE_RISK_HIGH, RULE_RISK_VERY_HIGH };

enum rule_with { RULE_WITH_UNRECORDED, RULE_WITH_ALONE, RULE_WITH_NAMED };

enum rule_outcome {
    RULE_OUTCOME_NONE, /* not recorded (yet) */
    RULE_OUTCOME_SEEN,
    RULE_OUTCOME_NOT_IN,
    RULE_OUTCOME_REFUSED,
    RULE_OUTCOME_MOVED,
    RULE_OUTCOME_CUSTODY,
    RULE_OUTCOME_ABORTED
};

/* V8, in the order in which the first that applies is taken. */
enum rule_company {
    RULE_COMPANY_HELD,
    RULE_COMPANY_UNDER_WAY,
    RULE_COMPANY_JOINT_SO_FAR,
    RULE_COMPANY_JOINT,
    RULE_COMPANY_TIME_UNPROVEN,
    RULE_COMPANY_AWAITING_SECOND,
    RULE_COMPANY_ACCOMPANIED,
    RULE_COMPANY_PART_JOINT,
    RULE_COMPANY_LONE_PROVISIONAL,
    RULE_COMPANY_LONE_CONFIRMED
};

enum rule_confirmed {
    RULE_CONFIRMED_NOT,
    RULE_CONFIRMED_BY_LOG,
    RULE_CONFIRMED_BY_STATEMENT,
    RULE_CONFIRMED_BY_TIME_LIMIT
};

enum rule_grade { RULE_GRADE_NONE, RULE_GRADE_A, RULE_GRADE_B, RULE_GRADE_C, RULE_GRADE_D };

enum rule_authority {
    RULE_AUTHORITY_NONE,
    RULE_AUTHORITY_PRIOR,
    RULE_AUTHORITY_RETROSPECTIVE,
    RULE_AUTHORITY_ORDER_UNPROVEN,
    RULE_AUTHORITY_REFUSED,
    RULE_AUTHORITY_NOT_PERMITTED
};

/* Closed interval of possible instants. lo may be INT64_MIN and hi RULE_FOREVER when nothing bounds that side. */
struct rule_instant {
    int64_t lo_us;
    int64_t hi_us;
};

struct rule_place {
    bool known;
    double x_m;
    double y_m;
    double accuracy_m;
};

/* DOMAIN.md's policy parameters that the rule reads; rule_policy_default() fills DOMAIN.md's defaults. */
struct rule_policy {
    int64_t effective_from_us; /* in force from here until the next version's effective_from_us (half-open) */
    int64_t max_alone_us;
    int64_t longest_visit_us;
    int64_t time_limit_us;
    int64_t retro_window_us;
    int64_t evidence_overdue_us;
    int64_t authority_max_us;
    int64_t cosign_round_trip_us;
    int64_t drift_ppb; /* monotonic clocks' error, parts per billion: 200 ppm = 200000 */
    double partner_distance_m;
    double far_apart_m;
    double late_out_m;
    bool lone_forbidden[4]; /* indexed by enum rule_risk */
};

struct rule_risk_span {
    int64_t from_us; /* this level from here until the next span's from_us */
    enum rule_risk risk;
};

struct rule_offender {
    struct id id;
    const struct rule_risk_span *risks; /* at least one, ascending, the first from INT64_MIN */
    size_t risk_count;
    struct rule_place at;
};

/* An officer's standing from here until the next span's from_us. */
struct rule_officer_span {
    int64_t from_us;
    bool accredited;
    bool entitled;
};

struct rule_officer {
    struct id id;
    bool accredited;
    int64_t entitled_from_us; /* half-open [from, to) */
    int64_t entitled_to_us;   /* RULE_FOREVER: open */
    /* How it changed: from the first one on these say both, and the three above nothing. Ascending; none: count 0. */
    const struct rule_officer_span *changes;
    size_t change_count;
};

/* F4: who was assigned to a device from here until the next span's from_us. */
struct rule_holder_span {
    int64_t from_us;
    size_t officer; /* RULE_NONE: nobody */
};

struct rule_device {
    struct id id;
    size_t officer;
    int64_t revoked_as_of_us;       /* RULE_FOREVER: not revoked */
    int64_t revocation_recorded_us; /* when the revocation entered the journal */
    bool lost;                      /* its log can no longer report */
    bool watermark_known;
    int64_t watermark_us; /* W1 */
    /*
     * Ascending, or count 0: officer's all the time. A check-in by anybody else is unassigned; the first holder was so
     * also before. As a candidate (W2) it is the phone of those who held it at some time of the presence.
     */
    const struct rule_holder_span *holders;
    size_t holder_count;
};

/* This log's own entry that names the other officer's check-in (C1). */
struct rule_cosign {
    size_t presence; /* the other presence; RULE_NONE: not co-signed */
    bool first;      /* this phone showed its code first: first.in <= second.in <= first.confirm */
    bool confirm_known;
    int64_t confirm_mono_us; /* first phone's monotonic clock, same boot as its check-in */
    int64_t round_trip_us;   /* first phone's measure */
};

struct rule_presence {
    struct hash id; /* the check-in's entry hash */
    size_t officer;
    size_t device;
    size_t offender;
    struct rule_instant in;
    bool has_out;
    struct rule_instant out;
    /* Monotonic clocks: comparable only within one boot of one device. boot indexes nothing; equal numbers = same boot. */
    uint64_t in_boot;
    uint64_t out_boot;
    int64_t in_mono_us;
    int64_t out_mono_us;
    uint64_t in_seq; /* place in the device's log, 0: unknown. Log order bounds times across boots */
    uint64_t out_seq;
    enum rule_with with;
    size_t named[RULE_NAMED_MAX]; /* officers, when with == RULE_WITH_NAMED */
    size_t named_count;
    bool agency; /* a person of a partner agency was named as company */
    struct rule_place in_at;
    struct rule_place out_at;
    int64_t received_us; /* first receipt of the check-in */
    bool contested;      /* F2: on or after a fork point */
    bool unassigned;     /* F4: the officer was never assigned to the device; else the device's holders say */
    bool clock_trouble;  /* T1: an empty intersection of bounds touches this log and boot */
    struct rule_cosign cosign;
    enum rule_outcome outcome;
};

struct rule_plan {
    size_t offender;
    size_t officers[RULE_NAMED_MAX];
    size_t officer_count;
    int64_t from_us; /* half-open window */
    int64_t to_us;
};

struct rule_authority_word {
    size_t officer;
    size_t offender;
    bool granted; /* false: refused, or a grant withdrawn */
    struct id by; /* the supervisor: need not be among officers */
    int64_t recorded_us;
    int64_t valid_from_us;
    int64_t valid_to_us;
};

struct rule_decision {
    size_t presence;
    struct id by;
    bool counts; /* true: appropriate, let it count; false: not appropriate */
    int64_t recorded_us;
};

struct rule_case {
    const struct rule_policy *policies; /* at least one, ascending by effective_from_us; the first also before it */
    size_t policy_count;
    const struct rule_offender *offenders;
    size_t offender_count;
    const struct rule_officer *officers;
    size_t officer_count;
    const struct rule_device *devices;
    size_t device_count;
    const struct rule_presence *presences;
    size_t presence_count;
    /* Only the first so many are asked about, the others are there for what they say of these; 0: all are. */
    size_t asked_count;
    const struct rule_plan *plans;
    size_t plan_count;
    const struct rule_authority_word *authorities;
    size_t authority_count;
    const struct rule_decision *decisions;
    size_t decision_count;
    int64_t now_us;
    /* Monotonic readings are cut down to multiples of this (on the wire: RULE_WIRE_STEP_US); 0: they are exact. */
    int64_t mono_step_us;
};

/* Machine-readable reasons: why the verdict is what it is, and which flags follow. Bits of rule_verdict.reasons. */
enum rule_reason {
    RULE_REASON_CONTESTED = 1 << 0,     /* held: fork */
    RULE_REASON_REVOKED = 1 << 1,       /* held: revoked as of before it */
    RULE_REASON_UNASSIGNED = 1 << 2,    /* held: unassigned officer */
    RULE_REASON_TWO_PLACES = 1 << 3,    /* held: certainly at two places at once */
    RULE_REASON_PARTNER_FAR = 1 << 4,   /* a pair held: partners certainly farther apart than far_apart */
    RULE_REASON_PARTNER_HELD = 1 << 5,  /* a partner's evidence is held */
    RULE_REASON_OPEN = 1 << 6,          /* no check-out yet, still within its limit */
    RULE_REASON_OUT_MISSING = 1 << 7,   /* check-out missing: assumed */
    RULE_REASON_OUT_LATE = 1 << 8,      /* check-out pressed away from the place: assumed, its time an upper bound */
    RULE_REASON_ACCOMPANIED = 1 << 9,   /* the mark beside any company (V5, V11) */
    RULE_REASON_CLAIMED_ONLY = 1 << 10, /* grade D: a second person named, none checked in */
    RULE_REASON_ONE_DEVICE = 1 << 11,   /* one phone used for two officers: never joint */
    RULE_REASON_PLACES_APART = 1 << 12, /* pair's locations apart beyond partner_distance plus accuracies */
    RULE_REASON_CLOCK_TROUBLE = 1 << 13,
    RULE_REASON_NOT_ENTITLED = 1 << 14,
    RULE_REASON_AWAITS_CANDIDATE = 1 << 15, /* a candidate's log has not yet reported past it */
    RULE_REASON_EVIDENCE_OVERDUE = 1 << 16, /* ... for longer than evidence_overdue */
    RULE_REASON_OUTCOMES_DIFFER = 1 << 17,
    RULE_REASON_DECIDED_COUNTS = 1 << 18,
    RULE_REASON_DECIDED_AGAINST = 1 << 19,
    RULE_REASON_LONE_FORBIDDEN = 1 << 20 /* policy excludes lone visits for this risk level */
};

struct rule_verdict {
    enum rule_company company;
    enum rule_confirmed confirmed_by;
    int64_t alone_min_us; /* a lone presence's is its whole length */
    int64_t alone_max_us;
    enum rule_grade grade;
    enum rule_authority authority;
    bool due_met; /* of its attendance (V9) */
    uint32_t reasons;
    size_t attendance;       /* the presence of its attendance with the smallest id */
    size_t best_partner;     /* RULE_NONE: none. The eligible partner that covers most, for the sentence */
    size_t partner_count;    /* officers who are, or may be, eligible partners; for the sentence */
    bool against_lapsed;     /* L2: what came after a "not appropriate" made it joint */
    struct rule_instant out; /* the check-out that was used: recorded or assumed; hi = now while open */
    /* A time after now at which the verdict or a reason may change by itself; RULE_FOREVER: never. May be early;
       never late where times are exact, and within an uncertainty by at most an eighth of what is left of it. */
    int64_t next_change_us;
};

/* DOMAIN.md's defaults, effective for all time. */
void rule_policy_default(struct rule_policy *ret_policy);

/*
 * Judges every presence of the case that is asked about. ret_verdicts has presence_count elements, in the case's order; of
 * those that aren't asked about only what was worked out anyway is there, which means nothing.
 * Errors: INPUT (an index out of range, an interval with lo > hi, no policy), NO_MEMORY, OVER_LIMIT
 * (more than RULE_PRESENCES_MAX presences in one case, core/limits.h). Outputs are untouched on failure.
 */
MUST_USE enum status rule_judge(const struct rule_case *rule_case, struct rule_verdict *ret_verdicts);

/* Stable snake_case names, as on the wire, in the store, in JUDGE.md. */
const char *rule_company_name(enum rule_company company);
const char *rule_confirmed_name(enum rule_confirmed confirmed); /* "" for not */
const char *rule_grade_name(enum rule_grade grade);             /* "" for none */
const char *rule_authority_name(enum rule_authority authority);
const char *rule_outcome_name(enum rule_outcome outcome);

#endif
