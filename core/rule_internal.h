/*
 * Shared by the files of the two-officer rule; nobody else includes it.
 *
 * How it works. DESIGN.md's rule is written once, for one exact world (rule_held.c, rule_out.c, rule_pair.c,
 * rule_company.c). Every question about time goes through rule_before(), which answers from a simple temporal network;
 * where both answers are possible the world forks: the answer is added to the network and the judgement runs again for the
 * other one (rule_world.c). What all worlds agree on is the verdict. Presences are first put in the order of
 * their ids, so the order of the case's arrays can't matter. A budget of worlds keeps the cost polynomial: beyond it the
 * verdict is "time unproven", which is always sound.
 */
#ifndef DOUBLECREW_CORE_RULE_INTERNAL_H
#define DOUBLECREW_CORE_RULE_INTERNAL_H

#include "core/limits.h"
#include "core/rule.h"
#include "core/stn.h"
#include "core/tri.h"

#define RULE_FORKS_MAX 48        /* open questions along one world */
#define RULE_WORLDS_MAX 256      /* worlds of one presence */
#define RULE_WORK_MAX (1u << 23) /* numbers of the network touched for one presence: some 5 ms */
/* While now lies within a limit's own uncertainty there is no next instant to name: look again after this. */
#define RULE_LOOK_AGAIN_US INT64_C(1000000)
#define RULE_LOOK_AGAIN_HOUR_US                                                                                        \
    (INT64_C(3600) * 1000000)     /* after that long each look is as far away as the beginning */
#define RULE_LOOKS_FOR_THE_REST 8 /* an eighth of what is left: a 3 h uncertainty is looked at some 70 times */
#define RULE_ZERO 0               /* the network's instant 0: the axis' own zero */

enum rule_decided { RULE_DECIDED_NOT, RULE_DECIDED_COUNTS, RULE_DECIDED_AGAINST };

/* One presence, in canonical order, with all that needs no world. */
struct rule_item {
    const struct rule_presence *is;
    size_t given; /* its index in the case */
    size_t in_node;
    size_t out_node;     /* RULE_NONE: no check-out */
    size_t confirm_node; /* RULE_NONE: none */
    size_t cosign;       /* canonical index of the other, RULE_NONE */
    bool trouble;
    bool vouched; /* an uncontested log names it */
    enum rule_decided decided;
    size_t counted_by;  /* people whose last word is that it counts */
    int64_t against_us; /* when the last "not appropriate" was recorded */
    uint64_t near;      /* items of the same offender or officer that may overlap it in time */
};

/* The whole case at work. */
struct rule_field {
    const struct rule_case *given;
    size_t count;
    struct rule_item items[RULE_PRESENCES_MAX];
    size_t canonical[RULE_PRESENCES_MAX]; /* from the case's index */
    struct stn base;                      /* closed; troubled instants are free in it */
    int64_t *scratch;                     /* four more networks of the same size */
    size_t *plans;                        /* plan indices in canonical order */
};

/* An instant: node's plus a constant. */
struct rule_term {
    size_t node;
    int64_t plus_us;
};

enum rule_memo {
    RULE_MEMO_POLICY = 1,
    RULE_MEMO_HELD = 2,
    RULE_MEMO_LIMIT = 4,
    RULE_MEMO_OPEN = 8,
    RULE_MEMO_OUT = 16,
    RULE_MEMO_LENT = 32
};

/* What one world has settled about one presence. */
struct rule_known {
    unsigned memo;
    const struct rule_policy *policy;
    uint32_t held; /* RULE_REASON_*, whatever was decided */
    bool open;
    bool lent;
    struct rule_term limit;
    struct rule_term out;
    struct rule_term lent_out;
};

/* One exact world, as far as questions were asked. */
struct rule_world {
    const struct rule_field *field;
    size_t me;
    uint64_t relevant; /* items that can bear upon me, me included */
    size_t node_count;
    size_t nodes[1 + 2 * RULE_PRESENCES_MAX]; /* base node of each of this network's */
    size_t in_node[RULE_PRESENCES_MAX];       /* of relevant items, in this network */
    size_t out_node[RULE_PRESENCES_MAX];
    struct stn net;
    struct rule_known known[RULE_PRESENCES_MAX];
    bool choice[RULE_FORKS_MAX];
    size_t choice_count;
    size_t depth;
    size_t work;
    size_t worlds;
    bool over;          /* the budget is spent */
    int64_t soonest_us; /* after how long minutes alone, growing while open, may cross a limit */
};

struct rule_range {
    int64_t min_us;
    int64_t max_us;
};

enum rule_bond {
    RULE_BOND_NONE,
    RULE_BOND_ELIGIBLE,
    RULE_BOND_COMPANION,
    RULE_BOND_HELD,
    RULE_BOND_FAR,
    RULE_BOND_VOID
};

/* What one world says about me. */
struct rule_leaf {
    unsigned
        companies;  /* bits 1 << enum rule_company: held to joint; what is left to the absence rules isn't among them */
    bool rest;      /* may be left to the absence rules */
    bool bare;      /* open, unheld, no eligible partner */
    bool companion; /* accompanied: by an ineligible officer or an agency's person */
    bool waits;     /* a partner's evidence, or the pair, is held */
    uint64_t related;
    uint64_t eligible;
    uint64_t heard; /* related and unheld */
    uint32_t reasons;
    const struct rule_policy *policy;
    struct rule_range alone;
    struct rule_instant out;
    unsigned grades;      /* bits 1 << enum rule_grade: partners of this grade and better alone give joint (so far) */
    unsigned grades_firm; /* the same with checked-out partners only */
    bool joint_before;    /* joint, or possibly, on what had been received when it was decided against */
    bool must_stand;      /* entitled and unheld */
};

/* All worlds together. */
struct rule_finding {
    bool over;
    size_t leaf_count;
    struct rule_leaf leaves[RULE_WORLDS_MAX];
    uint64_t related; /* in some world */
    uint64_t eligible_some;
    uint64_t eligible_all;
    int64_t cover_min_us[RULE_PRESENCES_MAX];
};

/* What the attendance needs of each presence, after its own verdict. */
struct rule_standing {
    uint64_t related;
    bool must_stand;    /* may be entitled and unheld */
    bool must_be_there; /* is entitled and unheld in every world */
    bool unheld;
    bool open; /* or possibly */
    bool against_lapsed;
};

/* rule.c: the longest of all versions of the policy */
int64_t rule_longest_visit_us(const struct rule_case *given);

/* rule_clock.c: bounds, elapsed time, log order, co-signing. */
size_t rule_clock_nodes(struct rule_field *field);
void rule_clock_close(struct rule_field *field, int64_t *storage, size_t node_count);
bool rule_log_later(const struct rule_presence *a, const struct rule_presence *b); /* b is later in the same log */

/* rule_world.c */
void rule_world_init(struct rule_world *world, const struct rule_field *field, size_t me);
void rule_world_begin(struct rule_world *world);
bool rule_world_next(struct rule_world *world);                                       /* false: all seen, or over */
bool rule_no_later(struct rule_world *world, struct rule_term a, struct rule_term b); /* a <= b; may fork */
bool rule_before(struct rule_world *world, struct rule_term a, struct rule_term b);   /* a < b; may fork */
bool rule_surely_before(const struct rule_world *world, struct rule_term a, struct rule_term b); /* never forks */
struct rule_term rule_at(int64_t time_us);
struct rule_term rule_in(const struct rule_world *world, size_t item);
struct rule_term rule_plus(struct rule_term term, int64_t plus_us);
int64_t rule_most(const struct stn *net, struct rule_term a, struct rule_term b); /* greatest a - b */
int64_t rule_least(const struct stn *net, struct rule_term a, struct rule_term b);
const struct rule_policy *rule_policy_of(struct rule_world *world, size_t item);
struct rule_instant rule_bounds(const struct stn *net, size_t node);
struct rule_instant rule_in_bounds(const struct rule_field *field, size_t item);

/* rule_held.c */
bool rule_never_assigned(const struct rule_field *field, size_t item);
uint32_t rule_held_reasons(struct rule_world *world, size_t item);
bool rule_is_held(struct rule_world *world, size_t item);
bool rule_is_void(struct rule_world *world, size_t item); /* held, and decided against: counts for nobody */
bool rule_stands(struct rule_world *world, size_t item);

/* rule_out.c */
bool rule_is_late(struct rule_world *world, size_t item);
bool rule_is_recorded(struct rule_world *world, size_t item);
bool rule_is_open(struct rule_world *world, size_t item);
bool rule_is_assumed(struct rule_world *world, size_t item);
struct rule_term rule_out(struct rule_world *world, size_t item);
bool rule_may_pair(const struct rule_item *a, const struct rule_item *b); /* offender, officers, devices */
bool rule_linked(struct rule_world *world, size_t assumed, size_t other);

/* rule_pair.c */
bool rule_apart(const struct rule_place *a, const struct rule_place *b, double limit_m); /* certainly farther */
bool rule_cosigned(const struct rule_field *field, size_t a, size_t b);
bool rule_names(const struct rule_presence *presence, size_t officer);
bool rule_entitled(struct rule_world *world, size_t item);
bool rule_far(struct rule_world *world, size_t a, size_t b);
bool rule_related(struct rule_world *world, size_t a, size_t b);
enum rule_bond rule_bond(struct rule_world *world, size_t me, size_t other); /* of two that are related */
enum rule_grade rule_pair_grade(struct rule_world *world, size_t me, size_t other);

/* rule_alone.c: minutes alone with these partners covering, and whether that is joint. */
enum tri rule_alone(struct rule_world *world, uint64_t partners, struct rule_range *ret_alone);
int64_t rule_cover_min(struct rule_world *world, size_t partner);

/* rule_company.c, rule_settle.c */
void rule_find(struct rule_world *world, struct rule_finding *ret_finding);
void rule_company_settle(const struct rule_field *field, size_t me, struct rule_finding *finding,
                         struct rule_verdict *verdict, struct rule_standing *ret_standing);

/* rule_absence.c */
struct rule_absence {
    bool settled; /* nobody is awaited any more */
    bool named;   /* somebody was named or planned */
    bool overdue;
    enum rule_confirmed by;
};
/* out: when the presence ended, over all worlds. */
struct rule_absence rule_absence_of(const struct rule_field *field, size_t me, const struct rule_leaf *leaf,
                                    struct rule_instant out);
bool rule_awaited(const struct rule_field *field, size_t me, size_t officer); /* named with me, or planned */
bool rule_plan_may_contain(const struct rule_field *field, const struct rule_plan *plan, size_t item);

/* rule_authority.c */
enum rule_authority rule_authority_of(const struct rule_field *field, size_t me);
enum tri rule_forbidden(const struct rule_field *field,
                        size_t me); /* does policy exclude lone visits at this risk level? */

/* rule_due.c */
void rule_decisions(struct rule_field *field);
void rule_attendances(const struct rule_field *field, const struct rule_standing *standings,
                      struct rule_verdict *verdicts);

/* rule_timer.c */
/* soonest_us: after how long minutes alone may cross a limit; STN_UNBOUNDED: they don't grow. */
int64_t rule_next_change(const struct rule_field *field, size_t me, enum rule_company company, int64_t soonest_us);

#endif
