/* doublecrewctl seed: an invented force of one force's size (DOMAIN.md, Scale), the same for each number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/command.h"
#include "admin/enrol.h"
#include "admin/operator_online.h"
#include "admin/roster_entries.h"
#include "server/edge/store_sqlite.h"

#define TEAMS 4
#define MANAGERS 20
#define CONSTABLES 36
#define OFFENDERS 1000
#define OFFICERS (MANAGERS + CONSTABLES + TEAMS)
#define DAY_MS (24 * 3600 * INT64_C(1000))

/* DOMAIN.md, Scale: 2 / 18 / 30 / 50 % by band; overdue 12 to 19 %; visit intervals 1 / 3 / 6 / 12 months. */
static const struct {
    Doublecrew__V1__RiskLevel risk;
    unsigned below_percent;
    unsigned interval_days;
} bands[] = {
    {DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_VERY_HIGH, 2, 30},
    {DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_HIGH, 20, 91},
    {DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_MEDIUM, 50, 182},
    {DOUBLECREW__V1__RISK_LEVEL__RISK_LEVEL_LOW, 100, 365},
};
#define OVERDUE_PERCENT 15
#define OVERDUE_DAYS_MAX 120

static const char *const team_names[TEAMS] = {"North", "South", "East", "West"};

struct seeding {
    struct id_source ids;
    struct roster roster;
    struct operator_entries entries;
    int64_t now_ms;
};

static enum status seed_team(struct seeding *seeding, size_t index)
{
    struct roster_team *team = roster_team_add(&seeding->roster);

    if (team == NULL)
        return STATUS_NO_MEMORY;
    snprintf(team->code, sizeof(team->code), "%s", team_names[index]);
    snprintf(team->name, sizeof(team->name), "Training team %s", team_names[index]);

    enum status status = id_fresh(&seeding->ids, &team->id);

    return status == STATUS_OK ? entries_add_team(&seeding->entries, team) : status;
}

static enum status seed_officer(struct seeding *seeding, size_t index)
{
    struct roster_officer *officer = roster_officer_add(&seeding->roster);

    if (officer == NULL)
        return STATUS_NO_MEMORY;
    if (index < MANAGERS) {
        officer->role = DOUBLECREW__V1__ROLE__ROLE_OFFENDER_MANAGER;
        officer->accredited = true;
        snprintf(officer->code, sizeof(officer->code), "PC %04zu", 1001 + index);
        snprintf(officer->name, sizeof(officer->name), "Manager %02zu (invented)", index + 1);
    } else if (index < MANAGERS + CONSTABLES) {
        officer->role = DOUBLECREW__V1__ROLE__ROLE_CONSTABLE;
        snprintf(officer->code, sizeof(officer->code), "PC %04zu", 2001 + index - MANAGERS);
        snprintf(officer->name, sizeof(officer->name), "Constable %02zu (invented)", index - MANAGERS + 1);
    } else {
        officer->role = DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR;
        snprintf(officer->code, sizeof(officer->code), "DS %03zu", 301 + index - MANAGERS - CONSTABLES);
        snprintf(officer->name, sizeof(officer->name), "Sergeant %02zu (invented)", index - MANAGERS - CONSTABLES + 1);
    }
    officer->teams[0] = seeding->roster.teams[index % TEAMS].id;
    officer->team_count = 1;

    enum status status = id_fresh(&seeding->ids, &officer->id);

    return status == STATUS_OK ? entries_add_officer(&seeding->entries, officer) : status;
}

static int64_t seed_due(struct seeding *seeding, unsigned interval_days)
{
    struct id_source *ids = &seeding->ids;

    if (id_source_below(ids, 100) < OVERDUE_PERCENT)
        return seeding->now_ms - (int64_t)(1 + id_source_below(ids, OVERDUE_DAYS_MAX)) * DAY_MS;
    return seeding->now_ms + (int64_t)(1 + id_source_below(ids, interval_days)) * DAY_MS;
}

static enum status seed_offender(struct seeding *seeding, size_t index)
{
    static const char *const priorities[] = {"low", "medium", "high"};
    struct roster_offender *offender = roster_offender_add(&seeding->roster);
    const struct roster_officer *manager = &seeding->roster.officers[index % MANAGERS];
    uint64_t percent = id_source_below(&seeding->ids, 100);
    size_t band = 0;

    if (offender == NULL)
        return STATUS_NO_MEMORY;
    while (percent >= bands[band].below_percent)
        band++;
    snprintf(offender->reference, sizeof(offender->reference), "TRAIN %04zu", index + 1);
    snprintf(offender->register_reference, sizeof(offender->register_reference), "INVENTED-%05zu", index + 1);
    snprintf(offender->arms_priority, sizeof(offender->arms_priority), "%s",
             priorities[id_source_below(&seeding->ids, 3)]);
    offender->risk = bands[band].risk;
    offender->team = manager->teams[0];
    offender->manager = manager->id;
    /* Somewhere in a box about the size of Cambridgeshire: 52.02 to 52.72 north, 0.48 west to 0.50 east. */
    offender->has_place = true;
    offender->latitude_e7 = 520200000 + (int32_t)id_source_below(&seeding->ids, 7000000);
    offender->longitude_e7 = -4800000 + (int32_t)id_source_below(&seeding->ids, 9800000);
    offender->next_due_ms = seed_due(seeding, bands[band].interval_days);

    enum status status = id_fresh(&seeding->ids, &offender->id);

    return status == STATUS_OK ? entries_add_offender(&seeding->entries, offender) : status;
}

static enum status seed_roster(struct seeding *seeding)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < TEAMS && status == STATUS_OK; i++)
        status = seed_team(seeding, i);
    for (size_t i = 0; i < OFFICERS && status == STATUS_OK; i++)
        status = seed_officer(seeding, i);
    for (size_t i = 0; i < OFFENDERS && status == STATUS_OK; i++)
        status = seed_offender(seeding, i);
    return status;
}

/* Makes the devices' packages and writes everything, roster and devices, at once. */
static enum status seed_devices(struct seeding *seeding, const struct force_folder *folder,
                                const struct force_facts *facts, const char *out)
{
    struct enrolment *enrolments = calloc(OFFICERS, sizeof(*enrolments));

    if (enrolments == NULL)
        return STATUS_NO_MEMORY;

    enum status status = STATUS_OK;

    for (size_t i = 0; i < OFFICERS; i++) {
        enrolments[i].officer = seeding->roster.officers[i];
        snprintf(enrolments[i].label, sizeof(enrolments[i].label), "training phone %02zu", i + 1);
        if (!enrolment_name_folder(&enrolments[i], out, 1))
            status = STATUS_INPUT;
    }
    if (status == STATUS_OK)
        status = enrolments_make(folder, facts, &seeding->ids, enrolments, OFFICERS, &seeding->entries);
    else
        complain_status(status, "--out '%s' is too long a path", out);

    free(enrolments);
    return status;
}

/* The clock of a training store; STORE_MODE when it is a real one, whatever force.conf says. */
static enum status read_clock(const struct force_folder *folder, int64_t *ret_now_ms)
{
    struct store *store = NULL;
    struct store_head head;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_READER, &store);

    if (status == STATUS_OK)
        status = store->ops->head(store, &head);
    if (store != NULL)
        store->ops->close(store);
    if (status == STATUS_OK && !head.training)
        status = STATUS_STORE_MODE;
    if (status == STATUS_OK)
        *ret_now_ms = head.time_us / 1000;
    return status;
}

/* Invented people come into an empty force only. */
static bool is_empty(const struct force_folder *folder)
{
    struct roster roster;

    if (roster_read(folder, &roster) != STATUS_OK)
        return false;

    bool empty = roster.team_count == 0 && roster.offender_count == 0;

    roster_done(&roster);
    if (!empty)
        complain("this force has teams or offenders already: seed a new training force");
    return empty;
}

static int seed_force(const struct force_folder *folder, const struct force_facts *facts, uint64_t number,
                      const char *out)
{
    struct seeding seeding = {.ids = {.seeded = true, .state = number}};
    enum status status = operator_online_settle(folder, facts);

    if (status != STATUS_OK)
        return EXIT_FAILED;
    status = read_clock(folder, &seeding.now_ms);

    if (status == STATUS_STORE_MODE)
        return complain("this is not a training force: invented people are never mixed with real ones");
    if (status != STATUS_OK)
        return complain_status(status, "the store could not be read");
    if (!is_empty(folder))
        return EXIT_FAILED;
    status = seed_roster(&seeding);
    if (status != STATUS_OK)
        complain_status(status, "the force could not be seeded");
    else
        status = seed_devices(&seeding, folder, facts, out);
    operator_entries_done(&seeding.entries);
    roster_done(&seeding.roster);
    if (status != STATUS_OK)
        return EXIT_FAILED;
    printf("Seeded from number %llu: %d teams, %d offender managers, %d constables, %d supervisors, %d devices, "
           "%d offenders.\nDevice packages: %s\n",
           (unsigned long long)number, TEAMS, MANAGERS, CONSTABLES, TEAMS, OFFICERS, OFFENDERS, out);
    return EXIT_DONE;
}

int command_seed(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *out = NULL;
    const char *plain[1];
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL}, {"out", &out, NULL}};
    struct force_folder folder;
    struct force_facts facts;
    char devices[PATH_SIZE];
    uint64_t number = 0;

    if (!options_read(command, argc, argv, specs, 2, plain, 1, &plain_count))
        return EXIT_USAGE;
    if (plain_count != 1)
        return complain_usage(command);
    if (!number_read(plain[0], UINT64_MAX, &number)) {
        complain("'%s' is not a number: give a whole number such as 7", plain[0]);
        return complain_usage(command);
    }
    if (!force_open(dir, &folder, &facts))
        return EXIT_FAILED;
    if (out == NULL) {
        if (path_join(devices, dir, "devices") != STATUS_OK)
            return complain("the folder's name is too long");
        out = devices;
    }
    return seed_force(&folder, &facts, number, out);
}
