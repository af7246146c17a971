/*
 * The roster as the store has it, by code and reference: read once from the feed's rows, on a snapshot, beside a running
 * server. Texts are owned by the roster.
 */
#ifndef DOUBLECREW_ADMIN_ROSTER_H
#define DOUBLECREW_ADMIN_ROSTER_H

#include "admin/force_folder.h"
#include "admin/name_index.h"
#include "core/wire.h"
#include "doublecrew/v1/entry.pb-c.h"

#define ROSTER_TEAMS_MAX 8
/* What the server's own rows hold (struct officer_row, struct offender_row). */
#define ROSTER_OFFICER_CODE_SIZE 32
#define ROSTER_REFERENCE_SIZE 48

struct roster_team {
    struct id id;
    char code[64];
    char name[128];
};

struct roster_officer {
    struct id id;
    char code[64];
    char name[128];
    Doublecrew__V1__Role role;
    bool accredited;
    struct id teams[ROSTER_TEAMS_MAX];
    size_t team_count;
    int64_t entitled_from_ms;
    int64_t entitled_to_ms;
    bool duty;
};

struct roster_offender {
    struct id id;
    char reference[64];
    char register_reference[64];
    Doublecrew__V1__RiskLevel risk;
    struct id team;
    struct id manager;
    bool has_place;
    int32_t latitude_e7;
    int32_t longitude_e7;
    int64_t next_due_ms;
    char arms_priority[32];
};

struct roster {
    struct roster_team *teams;
    size_t team_count, team_capacity;
    struct roster_officer *officers;
    size_t officer_count, officer_capacity;
    struct roster_offender *offenders;
    size_t offender_count, offender_capacity;
    /* made by roster_read */
    struct name_index team_codes, team_ids, officer_codes, officer_ids, offender_references;
};

/* Complains itself. */
MUST_USE enum status roster_read(const struct force_folder *folder, struct roster *ret_roster);
void roster_done(struct roster *roster);

/* What roster_read found; NULL when there is none. */
struct roster_team *roster_team_by_code(struct roster *roster, const char *code);
struct roster_team *roster_team_by_id(struct roster *roster, const struct id *id);
struct roster_officer *roster_officer_by_code(struct roster *roster, const char *code);
struct roster_officer *roster_officer_by_id(struct roster *roster, const struct id *id);
struct roster_offender *roster_offender_by_reference(struct roster *roster, const char *reference);

/* A new, empty element, not to be looked up; NULL when memory ran out. Earlier pointers of that list are void. */
struct roster_team *roster_team_add(struct roster *roster);
struct roster_officer *roster_officer_add(struct roster *roster);
struct roster_offender *roster_offender_add(struct roster *roster);

#endif
