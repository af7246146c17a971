/* What the oracle's files share: one possible world, what is certain over all worlds, and the judgement in one world. */
#ifndef DOUBLECREW_TESTS_ORACLE_PARTS_H
#define DOUBLECREW_TESTS_ORACLE_PARTS_H

#include "tests/oracle/oracle.h"

#define N RULE_PRESENCES_MAX

/* Every instant has one value. out is the recorded check-out's, unused without one. */
struct oracle_world {
    int64_t in[N];
    int64_t out[N];
};

/* Over all worlds. */
struct oracle_facts {
    struct rule_instant in[N];
    struct rule_instant out[N];
    int64_t latest[N];   /* W3: the latest instant of the presence */
    int64_t soonest[N];  /* ... and the earliest at which it may have ended */
    bool may_meet[N][N]; /* at the same offender, possibly at the same time: for who may decide (L2) */
};

/* What one judgement looks at. */
struct oracle_view {
    const struct rule_case *rule_case;
    const struct oracle_world *world;
    const struct oracle_facts *facts;
};

enum oracle_ending { ORACLE_RECORDED, ORACLE_OPEN, ORACLE_ASSUMED };

struct oracle_result {
    const struct rule_policy *policy; /* effective at the check-in */
    enum rule_risk risk;
    enum oracle_ending ending;
    bool late;
    int64_t limit;
    int64_t in;
    int64_t out; /* recorded, now, or assumed */
    bool entitled;
    bool accredited;
    bool decided;       /* some decision stands */
    bool against;       /* "not appropriate" stands */
    int64_t against_us; /* when it was last said */
    bool lapsed;        /* L2: partners whose evidence came later made it joint */
    size_t counting;    /* supervisors whose "let it count" stands */
    bool worthless;     /* was held and is decided against: counts for nobody */
    bool held;
    uint32_t reasons;
    bool pairs[N];    /* by relation, V2 */
    bool dead[N];     /* the pair is far apart and not let count: counts for neither */
    bool far[N];      /* ... and held: undecided */
    bool eligible[N]; /* V5, and the pair isn't held */
    int64_t alone;
    enum rule_company company;
    enum rule_confirmed confirmed;
    enum rule_grade grade;
    enum rule_grade grade_so_far; /* where other worlds make the verdict "joint so far" */
    enum rule_authority authority;
};

/* Times: fills certain bounds; false and troubled[] when no world exists for some. */
struct oracle_times;
MUST_USE enum status oracle_times_new(const struct rule_case *rule_case, struct oracle_times **ret_times);
void oracle_times_free(struct oracle_times *times);
bool oracle_times_exact(const struct oracle_times *times);
bool oracle_times_troubled(const struct oracle_times *times, size_t presence);
struct rule_instant oracle_times_in(const struct oracle_times *times, size_t presence);
struct rule_instant oracle_times_out(const struct oracle_times *times, size_t presence);
void oracle_times_sample(const struct oracle_times *times, uint64_t *random, struct oracle_world *ret_world);

uint64_t oracle_random(uint64_t *state);

/* results has presence_count elements. */
void oracle_world_judge(const struct oracle_view *view, struct oracle_result *results);

/* Its steps, in their order. */
void oracle_decide(const struct oracle_view *view, struct oracle_result *results);  /* decisions that stand: L2 */
void oracle_hold(const struct oracle_view *view, struct oracle_result *results);    /* V6 */
void oracle_end(const struct oracle_view *view, struct oracle_result *results);     /* V4: check-outs */
void oracle_pair(const struct oracle_view *view, struct oracle_result *results);    /* V2, V5 */
void oracle_company(const struct oracle_view *view, struct oracle_result *results); /* V3, V7, V8, W2, W3 */
enum rule_authority oracle_authority(const struct oracle_view *view, size_t presence,
                                     const struct oracle_result *result);

/* Small predicates. */
bool oracle_apart(const struct rule_place *a, const struct rule_place *b, double beyond_m); /* certainly */
bool oracle_cosigned(const struct rule_case *rule_case, size_t a, size_t b);
bool oracle_names(const struct rule_presence *presence, size_t officer);
bool oracle_plan_holds(const struct rule_plan *plan, size_t officer);
bool oracle_linked(const struct oracle_view *view, const struct oracle_result *results, size_t a, size_t b);

#endif
