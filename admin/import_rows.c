/* From rows of a CSV file to the roster's entries. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/command.h"
#include "admin/import.h"
#include "admin/time_text.h"

static const char *cell(const struct import *import, size_t column)
{
    return csv_table_cell(import->table, import->row, column);
}

/* A column that the file hasn't leaves what a known record says; an empty cell empties it. */
static bool has(const struct import *import, size_t column)
{
    return csv_table_has(import->table, column);
}

static void __attribute__((format(printf, 2, 3))) fault(struct import *import, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fprintf(stderr, "%s:%zu: ", import->path, csv_table_line(import->table, import->row));
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    import->faults++;
}

static void take_text(struct import *import, size_t column, const char *what, char *ret_text, size_t size,
                      bool required)
{
    const char *text = cell(import, column);

    if (!required && !has(import, column))
        return;
    if (required && text[0] == '\0')
        fault(import, "%s is empty", what);
    else if (strlen(text) >= size)
        fault(import, "%s is longer than %zu bytes", what, size - 1);
    else if (!line_fits(text, size))
        fault(import, "%s must be one line, without tabs and other control characters", what);
    else
        snprintf(ret_text, size, "%s", text);
}

static void take_time(struct import *import, size_t column, const char *what, int64_t *ret_time_ms)
{
    const char *text = cell(import, column);

    if (!has(import, column))
        return;
    if (text[0] == '\0')
        *ret_time_ms = 0;
    else if (time_from_text(text, ret_time_ms) != STATUS_OK)
        fault(import, "%s '%s' is not a date: write it as 2026-03-02 or 2026-03-02T09:00Z", what, text);
}

/* The same code twice in one file is a mistake, not two changes. */
static enum status check_repeated(struct import *import, bool *ret_repeated)
{
    const char *code = cell(import, 0);
    size_t earlier = import->row;
    enum status status = STATUS_OK;

    if (code[0] != '\0')
        status = name_index_add(&import->names, span_of(code, strlen(code)), import->row, &earlier);
    if (status != STATUS_OK)
        return status;
    *ret_repeated = earlier != import->row;
    if (*ret_repeated)
        fault(import, "'%s' stands in line %zu already", code, csv_table_line(import->table, earlier));
    return STATUS_OK;
}

/* What the roster says already needs no entry. `known`: the entry that would say so, the last one added. */
static void drop_unchanged(struct import *import, const struct operator_entries *known)
{
    struct operator_entry *entry = &import->entries.items[import->entries.count - 1];
    const struct operator_entry *before = &known->items[0];

    if (!span_equal(span_of(entry->message, entry->size), span_of(before->message, before->size)))
        return;
    free(entry->message);
    import->entries.count--;
    import->unchanged++;
}

static enum status import_team(struct import *import)
{
    struct roster_team team = {.code = ""};
    const struct roster_team *known = roster_team_by_code(&import->roster, cell(import, 0));
    struct operator_entries before = {.count = 0};
    bool repeated = false;
    enum status status = check_repeated(import, &repeated);

    if (status != STATUS_OK || repeated)
        return status;
    if (known != NULL)
        team = *known;
    else
        status = id_fresh(&import->ids, &team.id);
    take_text(import, 0, "the code", team.code, sizeof(team.code), true);
    take_text(import, 1, "the name", team.name, sizeof(team.name), true);
    if (strchr(team.code, ';') != NULL)
        fault(import, "the code must not hold a semicolon");
    if (status == STATUS_OK)
        status = entries_add_team(&import->entries, &team);
    if (status == STATUS_OK && known != NULL) {
        status = entries_add_team(&before, known);
        if (status == STATUS_OK)
            drop_unchanged(import, &before);
        operator_entries_done(&before);
    }
    return status;
}

static void take_role(struct import *import, struct roster_officer *officer, bool is_new)
{
    Doublecrew__V1__Role role = role_from_text(cell(import, 2));
    const char *accredited = cell(import, 3);

    if (role == DOUBLECREW__V1__ROLE__ROLE_UNSPECIFIED)
        fault(import, "role '%s' is none of offender_manager, constable, staff, supervisor, leader, operator",
              cell(import, 2));
    if (strcmp(accredited, "yes") == 0 || strcmp(accredited, "no") == 0)
        officer->accredited = accredited[0] == 'y';
    else if (accredited[0] != '\0')
        fault(import, "accredited '%s' is neither yes nor no", accredited);
    else if (has(import, 3) || is_new || officer->role != role)
        officer->accredited = role == DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER;
    officer->role = role;
}

static void take_one_team(struct import *import, struct roster_officer *officer, const char *code)
{
    const struct roster_team *team = roster_team_by_code(&import->roster, code);

    if (team == NULL) {
        fault(import, "team '%s' is not known: import teams first", code);
        return;
    }
    for (size_t i = 0; i < officer->team_count; i++) {
        if (id_equal(&officer->teams[i], &team->id)) {
            fault(import, "team '%s' is named twice", code);
            return;
        }
    }
    if (officer->team_count == ROSTER_TEAMS_MAX)
        fault(import, "more than %d teams", ROSTER_TEAMS_MAX);
    else
        officer->teams[officer->team_count++] = team->id;
}

static void take_teams(struct import *import, struct roster_officer *officer)
{
    char copy[ROSTER_TEAMS_MAX * 72];
    char *rest = NULL;
    const char *text = cell(import, 4);

    if (!has(import, 4) && officer->team_count > 0)
        return;
    officer->team_count = 0;
    if (strlen(text) >= sizeof(copy)) {
        fault(import, "teams is longer than %zu bytes", sizeof(copy) - 1);
        return;
    }
    memcpy(copy, text, strlen(text) + 1);
    for (char *code = strtok_r(copy, ";", &rest); code != NULL; code = strtok_r(NULL, ";", &rest)) {
        code += strspn(code, " \t");
        for (size_t size = strlen(code); size > 0 && strchr(" \t", code[size - 1]) != NULL; size--)
            code[size - 1] = '\0';
        if (code[0] != '\0')
            take_one_team(import, officer, code);
    }
    if (text[0] == '\0' && officer->role != DOUBLECREW__V1__ROLE__ROLE_OPERATOR &&
        officer->role != DOUBLECREW__V1__ROLE__ROLE_LEADER)
        fault(import, "teams is empty: nobody could see what this officer records");
}

/* A1: whom a flag comes to that nobody acknowledged in time. */
static void take_duty(struct import *import, struct roster_officer *officer)
{
    const char *text = cell(import, 7);

    if (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0)
        officer->duty = text[0] == 'y';
    else if (text[0] != '\0')
        fault(import, "duty '%s' is neither yes nor no", text);
    else if (has(import, 7))
        officer->duty = false;
}

static enum status import_officer(struct import *import)
{
    struct roster_officer officer = {.code = ""};
    const struct roster_officer *known = roster_officer_by_code(&import->roster, cell(import, 0));
    struct operator_entries before = {.count = 0};
    bool repeated = false;
    enum status status = check_repeated(import, &repeated);

    if (status != STATUS_OK || repeated)
        return status;
    if (known != NULL && id_equal(&known->id, &import->operator_id)) {
        fault(import, "'%s' is this force's operator: that record is not changed by an import", known->code);
        return STATUS_OK;
    }
    if (known != NULL)
        officer = *known;
    else
        status = id_fresh(&import->ids, &officer.id);
    take_text(import, 0, "the code", officer.code, ROSTER_OFFICER_CODE_SIZE, true);
    take_text(import, 1, "the name", officer.name, sizeof(officer.name), known == NULL);
    take_role(import, &officer, known == NULL);
    take_teams(import, &officer);
    take_time(import, 5, "entitled_from", &officer.entitled_from_ms);
    take_time(import, 6, "entitled_to", &officer.entitled_to_ms);
    take_duty(import, &officer);
    if (officer.entitled_to_ms != 0 && officer.entitled_to_ms <= officer.entitled_from_ms)
        fault(import, "entitled_to is not after entitled_from");
    if (status == STATUS_OK)
        status = entries_add_officer(&import->entries, &officer);
    if (status == STATUS_OK && known != NULL) {
        status = entries_add_officer(&before, known);
        if (status == STATUS_OK)
            drop_unchanged(import, &before);
        operator_entries_done(&before);
    }
    return status;
}

static bool read_degrees(const char *text, double most, int32_t *ret_degrees_e7)
{
    char *end = NULL;

    /* strtod would take hexadecimal, "nan" and the like. */
    if (text[0] == '\0' || text[strspn(text, "+-.0123456789")] != '\0')
        return false;

    double degrees = strtod(text, &end);

    if (*end != '\0' || !isfinite(degrees) || fabs(degrees) > most)
        return false;
    *ret_degrees_e7 = (int32_t)lround(degrees * 1e7);
    return true;
}

static void take_place(struct import *import, struct roster_offender *offender)
{
    const char *latitude = cell(import, 5);
    const char *longitude = cell(import, 6);

    if (!has(import, 5) && !has(import, 6))
        return;
    offender->has_place = latitude[0] != '\0' || longitude[0] != '\0';
    if (!offender->has_place)
        return;
    if (!read_degrees(latitude, 90, &offender->latitude_e7))
        fault(import, "latitude '%s' is not a number of degrees from -90 to 90", latitude);
    if (!read_degrees(longitude, 180, &offender->longitude_e7))
        fault(import, "longitude '%s' is not a number of degrees from -180 to 180", longitude);
}

static void take_responsible(struct import *import, struct roster_offender *offender)
{
    const struct roster_team *team = roster_team_by_code(&import->roster, cell(import, 3));
    const struct roster_officer *manager = roster_officer_by_code(&import->roster, cell(import, 4));

    if (team == NULL)
        fault(import, "team '%s' is not known: import teams first", cell(import, 3));
    else
        offender->team = team->id;
    if (manager == NULL)
        fault(import, "manager '%s' is not known: import officers first", cell(import, 4));
    else if (manager->role != DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER)
        fault(import, "manager '%s' is not an offender manager", cell(import, 4));
    else
        offender->manager = manager->id;
}

static enum status import_offender(struct import *import)
{
    struct roster_offender offender = {.reference = ""};
    const struct roster_offender *known = roster_offender_by_reference(&import->roster, cell(import, 0));
    struct operator_entries before = {.count = 0};
    bool repeated = false;
    enum status status = check_repeated(import, &repeated);

    if (status != STATUS_OK || repeated)
        return status;
    if (known != NULL)
        offender = *known;
    else
        status = id_fresh(&import->ids, &offender.id);
    take_text(import, 0, "the reference", offender.reference, ROSTER_REFERENCE_SIZE, true);
    take_text(import, 1, "the register reference", offender.register_reference, sizeof(offender.register_reference),
              false);
    offender.risk = risk_from_text(cell(import, 2));
    if (offender.risk == DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_UNSPECIFIED)
        fault(import, "risk '%s' is none of very_high, high, medium, low", cell(import, 2));
    take_responsible(import, &offender);
    take_place(import, &offender);
    take_time(import, 7, "next_due", &offender.next_due_ms);
    take_text(import, 8, "the ARMS priority", offender.arms_priority, sizeof(offender.arms_priority), false);
    if (status == STATUS_OK)
        status = entries_add_offender(&import->entries, &offender);
    if (status == STATUS_OK && known != NULL) {
        status = entries_add_offender(&before, known);
        if (status == STATUS_OK)
            drop_unchanged(import, &before);
        operator_entries_done(&before);
    }
    return status;
}

/* Only notes what to enrol: keys are made when every row has proved good. */
static enum status import_device(struct import *import)
{
    const struct roster_officer *officer = roster_officer_by_code(&import->roster, cell(import, 0));
    struct enrolment *enrolment = &import->enrolments[import->enrolment_count];
    size_t number = 1;

    if (officer == NULL) {
        fault(import, "officer '%s' is not known: import officers first", cell(import, 0));
        return STATUS_OK;
    }
    enrolment->officer = *officer;
    take_text(import, 1, "the label", enrolment->label, sizeof(enrolment->label), false);
    for (size_t i = 0; i < import->enrolment_count; i++)
        number += id_equal(&import->enrolments[i].officer.id, &officer->id) ? 1 : 0;
    if (!enrolment_name_folder(enrolment, import->out, number))
        fault(import, "the package's folder can't be made under '%s': the path is too long", import->out);
    import->enrolment_count++;
    return STATUS_OK;
}

static const struct import_kind kinds[] = {
    {"teams", {"code", "name"}, 2, 2, import_team},
    {"officers",
     {"code", "name", "role", "accredited", "teams", "entitled_from", "entitled_to", "duty"},
     8,
     3,
     import_officer},
    {"offenders",
     {"reference", "register_reference", "risk", "team", "manager", "latitude", "longitude", "next_due",
      "arms_priority"},
     9,
     5,
     import_offender},
    {"devices", {"officer", "label"}, 2, 1, import_device},
};

const struct import_kind *import_kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}
