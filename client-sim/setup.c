#include "client-sim/setup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static FILE *open_csv(const char *folder, const char *name, char ret_path[PROCESS_PATH_MAX])
{
    snprintf(ret_path, PROCESS_PATH_MAX, "%.900s/%s", folder, name);
    return fopen(ret_path, "we");
}

static bool import(const char *folder, const char *kind, const char *path)
{
    char devices[PROCESS_PATH_MAX];
    const char *plain[] = {"import", kind, path, "--dir", folder, NULL};
    const char *with_out[] = {"import", kind, path, "--dir", folder, "--out", devices, NULL};

    snprintf(devices, sizeof(devices), "%.900s/devices", folder);
    return process_run_ctl(strcmp(kind, "devices") == 0 ? with_out : plain);
}

static bool import_teams(const struct scenario *scenario, const char *folder)
{
    char path[PROCESS_PATH_MAX];
    FILE *file = open_csv(folder, "teams.csv", path);

    if (file == NULL)
        return false;
    fputs("code,name\n", file);
    for (size_t i = 0; i < scenario->team_count; i++)
        fprintf(file, "%s,%s\n", scenario->teams[i], scenario->teams[i]);
    return fclose(file) == 0 && import(folder, "teams", path);
}

static bool import_officers(const struct scenario *scenario, const char *folder)
{
    static const char *const roles[] = {"offender_manager", "constable", "staff", "supervisor", "leader", "supervisor"};
    char path[PROCESS_PATH_MAX];
    FILE *file = open_csv(folder, "officers.csv", path);

    if (file == NULL)
        return false;
    fputs("code,name,role,teams,duty\n", file);
    for (size_t i = 0; i < scenario->person_count; i++) {
        const struct scenario_person *person = &scenario->people[i];
        fprintf(file, "%s,%s (invented),%s,%s,%s\n", person->name, person->name, roles[person->role],
                scenario->teams[person->team], person->role == SCENARIO_DUTY ? "yes" : "no");
    }
    return fclose(file) == 0 && import(folder, "officers", path);
}

static bool import_offenders(const struct scenario *scenario, const char *folder)
{
    char path[PROCESS_PATH_MAX];
    FILE *file = open_csv(folder, "offenders.csv", path);

    if (file == NULL)
        return false;
    fputs("reference,register_reference,risk,team,manager,latitude,longitude\n", file);
    for (size_t i = 0; i < scenario->offender_count; i++) {
        const struct scenario_offender *offender = &scenario->offenders[i];
        fprintf(file, "%s,INVENTED-%zu,%s,%s,%s,", offender->name, i + 1, offender->risk,
                scenario->teams[offender->team], scenario->people[offender->manager].name);
        if (offender->has_place)
            fprintf(file, "%.7f,%.7f\n", offender->latitude_e7 / 1e7, offender->longitude_e7 / 1e7);
        else
            fputs(",\n", file);
    }
    return fclose(file) == 0 && import(folder, "offenders", path);
}

static bool import_devices(const struct scenario *scenario, const char *folder)
{
    char path[PROCESS_PATH_MAX];
    FILE *file = open_csv(folder, "devices.csv", path);

    if (file == NULL)
        return false;
    fputs("officer,label\n", file);
    for (size_t i = 0; i < scenario->person_count; i++)
        fprintf(file, "%s,simulated phone\n", scenario->people[i].name);
    return fclose(file) == 0 && import(folder, "devices", path);
}

static bool apply_policy(const struct scenario *scenario, const char *folder)
{
    char path[PROCESS_PATH_MAX];
    const char *const arguments[] = {"policy", "apply", path, "--dir", folder, NULL};
    FILE *file = NULL;

    if (scenario->policy_count == 0)
        return true;
    file = open_csv(folder, "policy.conf", path);
    if (file == NULL)
        return false;
    for (size_t i = 0; i < scenario->policy_count; i++)
        fprintf(file, "%s\n", scenario->policies[i]);
    return fclose(file) == 0 && process_run_ctl(arguments);
}

bool setup_force(const struct scenario *scenario, const char *folder, int64_t start_ms, uint16_t port)
{
    char at[64];
    char port_text[16];
    time_t start_s = (time_t)(start_ms / 1000);
    struct tm tm;
    const char *const arguments[] = {"init", "--dir",  folder,    "--force", "Scenario force", "--training", "--at",
                                     at,     "--port", port_text, NULL};

    gmtime_r(&start_s, &tm);
    strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
    snprintf(port_text, sizeof(port_text), "%u", port);
    return process_run_ctl(arguments) && import_teams(scenario, folder) && import_officers(scenario, folder) &&
           import_offenders(scenario, folder) && import_devices(scenario, folder) && apply_policy(scenario, folder);
}

void setup_package(const struct scenario *scenario, size_t person, const char *folder, char ret_path[PROCESS_PATH_MAX])
{
    char code[SCENARIO_NAME_MAX];

    snprintf(code, sizeof(code), "%s", scenario->people[person].name);
    for (char *at = code; *at != '\0'; at++) {
        if (*at == ' ' || *at == '/')
            *at = '-';
    }
    snprintf(ret_path, PROCESS_PATH_MAX, "%.900s/devices/%s-1", folder, code);
}
