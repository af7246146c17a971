/* doublecrewctl import: the roster from CSV files. Every bad row is reported, and then nothing is imported. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/command.h"
#include "admin/csv_table.h"
#include "admin/enrol.h"
#include "admin/ids.h"
#include "admin/roster_entries.h"
#include "admin/time_text.h"

/* One import under way. */
struct import {
    const char *path;
    struct csv_table *table;
    size_t row;
    size_t faults;
    struct roster roster;
    struct id_source ids;
    struct operator_entries entries;
    const struct force_folder *folder;
    const struct force_facts *facts;
    const char *out; /* devices: where packages go */
    struct enrolment *enrolments;
    size_t enrolment_count;
};

static const char *cell(const struct import *import, size_t column)
{
    return csv_table_cell(import->table, import->row, column);
}

/* Reports the row's fault; the import goes on, to find the others. */
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

    if (required && text[0] == '\0')
        fault(import, "%s is empty", what);
    else if (strlen(text) >= size)
        fault(import, "%s is longer than %zu bytes", what, size - 1);
    else if (strpbrk(text, "\n\r\t") != NULL)
        fault(import, "%s must be one line", what);
    else
        snprintf(ret_text, size, "%s", text);
}

static void take_time(struct import *import, size_t column, const char *what, int64_t *ret_time_ms)
{
    const char *text = cell(import, column);

    if (text[0] == '\0') {
        *ret_time_ms = 0;
        return;
    }
    if (time_from_text(text, ret_time_ms) != STATUS_OK)
        fault(import, "%s '%s' is not a date: write it as 2026-03-02 or 2026-03-02T09:00Z", what, text);
}

/* The same code twice in one file is a mistake, not two changes. */
static bool named_before(struct import *import, size_t column, size_t *ret_row)
{
    const char *text = cell(import, column);

    for (size_t row = 0; row < import->row; row++) {
        if (strcmp(csv_table_cell(import->table, row, column), text) == 0) {
            *ret_row = row;
            return true;
        }
    }
    return false;
}

static bool is_repeated(struct import *import, size_t column)
{
    size_t earlier = 0;

    if (cell(import, column)[0] == '\0' || !named_before(import, column, &earlier))
        return false;
    fault(import, "'%s' stands in line %zu already", cell(import, column), csv_table_line(import->table, earlier));
    return true;
}

static enum status import_team(struct import *import)
{
    struct roster_team team = {.code = ""};
    struct roster_team *known = roster_team_by_code(&import->roster, cell(import, 0));
    enum status status = STATUS_OK;

    if (is_repeated(import, 0))
        return STATUS_OK;
    if (known != NULL)
        team = *known;
    else
        status = id_fresh(&import->ids, &team.id);
    take_text(import, 0, "the code", team.code, sizeof(team.code), true);
    take_text(import, 1, "the name", team.name, sizeof(team.name), false);
    if (strchr(team.code, ';') != NULL)
        fault(import, "the code must not hold a semicolon");
    return status == STATUS_OK ? entries_add_team(&import->entries, &team) : status;
}

static void take_role(struct import *import, struct roster_officer *officer)
{
    const char *accredited = cell(import, 3);

    officer->role = role_from_text(cell(import, 2));
    if (officer->role == DOUBLECREW__V1__ROLE__ROLE_UNSPECIFIED)
        fault(import, "role '%s' is none of offender_manager, constable, staff, supervisor, leader, operator",
              cell(import, 2));
    if (accredited[0] == '\0')
        officer->accredited = officer->role == DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER;
    else if (strcmp(accredited, "yes") == 0 || strcmp(accredited, "no") == 0)
        officer->accredited = accredited[0] == 'y';
    else
        fault(import, "accredited '%s' is neither yes nor no", accredited);
}

static void take_teams(struct import *import, struct roster_officer *officer)
{
    char copy[512];
    char *rest = NULL;
    const char *text = cell(import, 4);

    officer->team_count = 0;
    if (strlen(text) >= sizeof(copy)) {
        fault(import, "teams is too long");
        return;
    }
    memcpy(copy, text, strlen(text) + 1);
    for (char *code = strtok_r(copy, ";", &rest); code != NULL; code = strtok_r(NULL, ";", &rest)) {
        const struct roster_team *team = roster_team_by_code(&import->roster, code + strspn(code, " "));
        if (team == NULL)
            fault(import, "team '%s' is not known: import teams first", code);
        else if (officer->team_count == 8)
            fault(import, "more than 8 teams");
        else
            officer->teams[officer->team_count++] = team->id;
    }
    if (officer->team_count == 0 && officer->role != DOUBLECREW__V1__ROLE__ROLE_OPERATOR &&
        officer->role != DOUBLECREW__V1__ROLE__ROLE_LEADER && text[0] == '\0')
        fault(import, "teams is empty: nobody could see what this officer records");
}

static enum status import_officer(struct import *import)
{
    struct roster_officer officer = {.code = ""};
    struct roster_officer *known = roster_officer_by_code(&import->roster, cell(import, 0));
    enum status status = STATUS_OK;

    if (is_repeated(import, 0))
        return STATUS_OK;
    if (known != NULL)
        officer = *known;
    else
        status = id_fresh(&import->ids, &officer.id);
    take_text(import, 0, "the code", officer.code, 32, true);
    take_text(import, 1, "the name", officer.name, sizeof(officer.name), true);
    take_role(import, &officer);
    take_teams(import, &officer);
    take_time(import, 5, "entitled_from", &officer.entitled_from_ms);
    take_time(import, 6, "entitled_to", &officer.entitled_to_ms);
    if (officer.entitled_to_ms != 0 && officer.entitled_to_ms <= officer.entitled_from_ms)
        fault(import, "entitled_to is not after entitled_from");
    return status == STATUS_OK ? entries_add_officer(&import->entries, &officer) : status;
}

static bool read_degrees(const char *text, double most, int32_t *ret_degrees_e7)
{
    char *end = NULL;
    double degrees = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(degrees) || fabs(degrees) > most)
        return false;
    *ret_degrees_e7 = (int32_t)lround(degrees * 1e7);
    return true;
}

static void take_place(struct import *import, struct roster_offender *offender)
{
    const char *latitude = cell(import, 5);
    const char *longitude = cell(import, 6);

    offender->has_place = latitude[0] != '\0' || longitude[0] != '\0';
    if (!offender->has_place)
        return;
    if (!read_degrees(latitude, 90, &offender->latitude_e7))
        fault(import, "latitude '%s' is not a number from -90 to 90", latitude);
    if (!read_degrees(longitude, 180, &offender->longitude_e7))
        fault(import, "longitude '%s' is not a number from -180 to 180", longitude);
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
    struct roster_offender *known = roster_offender_by_reference(&import->roster, cell(import, 0));
    enum status status = STATUS_OK;

    if (is_repeated(import, 0))
        return STATUS_OK;
    if (known != NULL)
        offender = *known;
    else
        status = id_fresh(&import->ids, &offender.id);
    take_text(import, 0, "the reference", offender.reference, 48, true);
    take_text(import, 1, "the register reference", offender.register_reference, sizeof(offender.register_reference),
              false);
    offender.risk = risk_from_text(cell(import, 2));
    if (offender.risk == DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_UNSPECIFIED)
        fault(import, "risk '%s' is none of very_high, high, medium, low", cell(import, 2));
    take_responsible(import, &offender);
    take_place(import, &offender);
    take_time(import, 7, "next_due", &offender.next_due_ms);
    take_text(import, 8, "the ARMS priority", offender.arms_priority, sizeof(offender.arms_priority), false);
    return status == STATUS_OK ? entries_add_offender(&import->entries, &offender) : status;
}

/* Only notes what to enrol: keys are made when every row has proved good. */
static enum status import_device(struct import *import)
{
    const struct roster_officer *officer = roster_officer_by_code(&import->roster, cell(import, 0));
    struct enrolment *enrolment = &import->enrolments[import->enrolment_count];

    if (officer == NULL) {
        fault(import, "officer '%s' is not known: import officers first", cell(import, 0));
        return STATUS_OK;
    }
    enrolment->officer = *officer;
    take_text(import, 1, "the label", enrolment->label, sizeof(enrolment->label), false);

    size_t number = 1;

    for (size_t i = 0; i < import->enrolment_count; i++)
        number += id_equal(&import->enrolments[i].officer.id, &officer->id) ? 1 : 0;
    enrolment_name_folder(enrolment, import->out, number);
    import->enrolment_count++;
    return STATUS_OK;
}

struct import_kind {
    const char *name;
    const char *columns[12];
    size_t column_count;
    size_t required_count; /* the first ones */
    enum status (*row)(struct import *import);
};

static const struct import_kind kinds[] = {
    {"teams", {"code", "name"}, 2, 1, import_team},
    {"officers", {"code", "name", "role", "accredited", "teams", "entitled_from", "entitled_to"}, 7, 3, import_officer},
    {"offenders",
     {"reference", "register_reference", "risk", "team", "manager", "latitude", "longitude", "next_due",
      "arms_priority"},
     9,
     5,
     import_offender},
    {"devices", {"officer", "label"}, 2, 1, import_device},
};

static enum status read_rows(struct import *import, const struct import_kind *kind)
{
    enum status status =
        csv_table_read(import->path, kind->columns, kind->column_count, kind->required_count, &import->table);

    if (status != STATUS_OK)
        return status;
    import->enrolments = calloc(csv_table_rows(import->table) + 1, sizeof(*import->enrolments));
    if (import->enrolments == NULL)
        return STATUS_NO_MEMORY;
    for (import->row = 0; import->row < csv_table_rows(import->table) && status == STATUS_OK; import->row++)
        status = kind->row(import);
    return status == STATUS_OK && import->faults > 0 ? STATUS_INPUT : status;
}

static int import_file(struct import *import, const struct import_kind *kind)
{
    enum status status = roster_read(import->folder, &import->roster);

    if (status != STATUS_OK)
        return EXIT_FAILED;
    status = read_rows(import, kind);
    if (status == STATUS_INPUT)
        return complain("%s: nothing was imported; correct the lines above and run the same command again",
                        import->path);
    if (status != STATUS_OK)
        return complain_status(status, "%s: nothing was imported", import->path);

    size_t rows = csv_table_rows(import->table);

    if (import->enrolment_count > 0)
        status =
            enrolments_make(import->folder, import->facts, &import->ids, import->enrolments, import->enrolment_count);
    else
        status = operator_entries_write(import->folder, import->facts, &import->entries);
    if (status != STATUS_OK)
        return EXIT_FAILED;
    printf("%s imported: %zu\n", kind->name, rows);
    return EXIT_DONE;
}

static const struct import_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

int command_import(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *out = NULL;
    const char *plain[2];
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL}, {"out", &out, NULL}};
    struct force_folder folder;
    struct force_facts facts;

    if (!options_read(command, argc, argv, specs, 2, plain, 2, &plain_count))
        return EXIT_USAGE;

    const struct import_kind *kind = plain_count == 2 ? find_kind(plain[0]) : NULL;

    if (kind == NULL)
        return complain_usage(command);
    if (kind->row == import_device && out == NULL) {
        complain("devices need --out FOLDER: each row's device package is written there");
        return complain_usage(command);
    }
    if (force_folder_at(dir, &folder) != STATUS_OK || force_facts_read(&folder, &facts) != STATUS_OK)
        return EXIT_FAILED;

    struct import import = {.path = plain[1], .folder = &folder, .facts = &facts, .out = out};
    int result = import_file(&import, kind);

    operator_entries_done(&import.entries);
    roster_done(&import.roster);
    csv_table_free(import.table);
    free(import.enrolments);
    return result;
}
