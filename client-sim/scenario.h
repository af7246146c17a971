/*
 * A scenario as read from its file (docs/SCENARIOS.md): people, places, and what happens when. Plain data; the player acts
 * on it. Everything is owned by the scenario and freed with it. Times are milliseconds since 1970 UTC.
 */
#ifndef DOUBLECREW_CLIENT_SIM_SCENARIO_H
#define DOUBLECREW_CLIENT_SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCENARIO_NAME_MAX 48
#define SCENARIO_TEXT_MAX 512
#define SCENARIO_PEOPLE_MAX 96
#define SCENARIO_OFFENDERS_MAX 1200 /* a training force's caseload, for the interactive device */
#define SCENARIO_TEAMS_MAX 8
#define SCENARIO_POLICIES_MAX 16
#define SCENARIO_ABOUT_MAX 12
#define SCENARIO_STEPS_MAX 400
#define SCENARIO_ORDER_MAX 5        /* statements in one "in any order": 120 orders */
#define SCENARIO_ORDERS_ALL_MAX 720 /* plays of one file */
#define SCENARIO_NONE SIZE_MAX

enum scenario_role {
    SCENARIO_MANAGER,
    SCENARIO_CONSTABLE,
    SCENARIO_STAFF,
    SCENARIO_SUPERVISOR,
    SCENARIO_LEADER,
    SCENARIO_DUTY /* a supervisor with the duty role */
};

struct scenario_person {
    char name[SCENARIO_NAME_MAX];
    size_t team;
    enum scenario_role role;
    int64_t clock_offset_ms; /* the phone's wall clock against the truth */
    bool unanchored;
};

struct scenario_offender {
    char name[SCENARIO_NAME_MAX];
    size_t team;
    size_t manager;
    char risk[16]; /* as doublecrewctl's CSV has it */
    bool has_place;
    int32_t latitude_e7;
    int32_t longitude_e7;
};

enum scenario_where { WHERE_DEFAULT, WHERE_AT, WHERE_AWAY, WHERE_NONE };

struct scenario_place {
    enum scenario_where where;
    int32_t latitude_e7;
    int32_t longitude_e7;
    double away_m;
};

enum scenario_act {
    ACT_OFFLINE,
    ACT_ONLINE,
    ACT_SYNC,
    ACT_CHECK_IN,
    ACT_CHECK_OUT,
    ACT_COSIGN,
    ACT_OUTCOME,
    ACT_NOTE,
    ACT_EDIT,
    ACT_SET_ADD,
    ACT_SET_REMOVE,
    ACT_PLAN,
    ACT_REBOOT,
    ACT_LOSE_ACK,
    ACT_DIE,
    ACT_AUTHORITY,
    ACT_REQUEST,        /* text: the risk assessment */
    ACT_ANSWER_REQUEST, /* others: whose request */
    ACT_CARRY,          /* others: whose records */
    ACT_ACKNOWLEDGE,
    ACT_ANSWER,
    ACT_DECIDE,
    ACT_COVER,       /* others: who stands in; none: the actor is back */
    ACT_SERVER_KILL, /* others: while these sync */
    ACT_SERVER_START,
    ACT_ORDER, /* the statements of `order`, in any order */
    EXPECT_VERDICT,
    EXPECT_REQUEST,
    EXPECT_PREVIEW,
    EXPECT_FLAG,
    EXPECT_NO_FLAG,
    EXPECT_NO_FLAGS,
    EXPECT_PUSHED,
    EXPECT_ESCALATED,
    EXPECT_WITH,  /* others: who is asked now */
    EXPECT_COVER, /* actor: who is away; others: who stands in, none: nobody */
    EXPECT_SEES,  /* yes: the offender's record is on the actor's device */
    EXPECT_TOLD,
    EXPECT_UNSYNCED,
    EXPECT_PRESENCES,
    EXPECT_FIELD,
    EXPECT_SET
};

enum scenario_with { SCENARIO_WITH_UNRECORDED, SCENARIO_WITH_ALONE, SCENARIO_WITH_NAMED };

/* Bounds on minutes alone; negative: not asked. */
struct scenario_alone {
    int64_t holds_s;    /* lies within the interval */
    int64_t at_least_s; /* the whole interval */
    int64_t at_most_s;
};

/* One statement. Which members count depends on `act`. */
struct scenario_step {
    enum scenario_act act;
    size_t line;
    char source[SCENARIO_TEXT_MAX]; /* as written */
    int64_t time_ms;
    size_t actor;
    size_t offender;
    size_t others[8];
    size_t other_count;
    enum scenario_with with;
    char agency[128];
    struct scenario_place place;
    char word[64]; /* outcome, company, flag kind, error code, reason code, field: stable name */
    char text[SCENARIO_TEXT_MAX];
    char text2[SCENARIO_TEXT_MAX];
    bool yes; /* granted; appropriate; due met */
    bool has_due;
    int64_t from_ms;
    int64_t to_ms;
    char refused[SCENARIO_NAME_MAX]; /* an act that the device must refuse with this error */
    int64_t number;                  /* seconds, counts; which visit (1: first, 0: last) */
    char confirmed_by[16];
    char grade[4];
    char authority[24];
    char outcome[16];
    char state[16];
    struct scenario_alone alone;
    struct scenario_step *order; /* ACT_ORDER */
    size_t order_count;
    int64_t apart_ms;
};

struct scenario {
    char path[1024];
    char title[SCENARIO_TEXT_MAX];
    char about[SCENARIO_ABOUT_MAX][SCENARIO_TEXT_MAX];
    size_t about_count;
    char teams[SCENARIO_TEAMS_MAX][SCENARIO_NAME_MAX];
    size_t team_count;
    struct scenario_person people[SCENARIO_PEOPLE_MAX];
    size_t person_count;
    struct scenario_offender offenders[SCENARIO_OFFENDERS_MAX];
    size_t offender_count;
    char policies[SCENARIO_POLICIES_MAX][128]; /* "max_alone = 10 min" */
    size_t policy_count;
    struct scenario_step *steps;
    size_t step_count;
};

/* Prints what is wrong, with file and line, to stderr; NULL then. */
struct scenario *scenario_read(const char *path);
void scenario_free(struct scenario *scenario);

/* How many orders the file's "in any order" statements allow together; at least 1. */
size_t scenario_orders(const struct scenario *scenario);
/*
 * The steps of one order (0 is the order as written), times filled in, sorted as they happen. The caller frees the array,
 * not what it points to. NULL when memory ran out.
 */
struct scenario_step *scenario_in_order(const struct scenario *scenario, size_t order, size_t *ret_count);

#endif
