/* doublecrew-sim scenario [--quiet] FILE... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-sim/command.h"
#include "client-sim/play.h"

/* One file's plays; each order is one. */
struct played {
    char name[64]; /* the file's, without folder and ending */
    size_t plays;
    size_t good;
    size_t expected;
    size_t failed;
    bool ok;
};

static void keep_name(const char *path, struct played *played)
{
    const char *name = strrchr(path, '/');

    snprintf(played->name, sizeof(played->name), "%s", name != NULL ? name + 1 : path);

    char *ending = strstr(played->name, ".scenario");

    if (ending != NULL)
        *ending = '\0';
}

static void play_file(const char *path, bool show, struct played *played)
{
    struct scenario *scenario = scenario_read(path);

    keep_name(path, played);
    if (scenario == NULL) {
        played->plays = 1;
        return;
    }

    size_t orders = scenario_orders(scenario);

    for (size_t order = 0; order < orders; order++) {
        played->good += play_scenario(scenario, order, show, &played->expected, &played->failed) ? 1 : 0;
        played->plays++;
    }
    played->ok = played->good == played->plays;
    fflush(stdout);
    scenario_free(scenario);
}

static void print_row(const struct played *row, const char *result)
{
    printf("| %-52s | %-12s | %5zu | %12zu | %-6s |\n", row->name, stage_name(), row->plays, row->expected, result);
}

/* ./run test scenarios gathers these lines from every test: they begin with a stroke. */
static bool print_table(const struct played *rows, int count)
{
    struct played all = {.name = "all", .ok = true};

    printf("\n| %-52s | %-12s | %-5s | %-12s | %-6s |\n", "scenario", "played on", "plays", "expectations", "result");
    for (int i = 0; i < count; i++) {
        print_row(&rows[i], rows[i].ok ? "ok" : "FAILED");
        all.plays += rows[i].plays;
        all.good += rows[i].good;
        all.expected += rows[i].expected;
        all.failed += rows[i].failed;
        all.ok = all.ok && rows[i].ok;
    }
    printf("\nscenario files: %d\nplays (each order is one): %zu, as expected: %zu\n"
           "expectations: %zu, not met: %zu\n",
           count, all.plays, all.good, all.expected, all.failed);
    return all.ok;
}

int command_scenario(int argc, char **argv)
{
    struct played *rows = calloc((size_t)argc, sizeof(*rows));
    bool show = true;
    int files = 0;

    if (rows == NULL)
        return 1;
    for (int i = 1; i < argc; i++)
        show = show && strcmp(argv[i], "--quiet") != 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quiet") != 0)
            play_file(argv[i], show, &rows[files++]);
    }

    bool good = files > 0 && print_table(rows, files);

    free(rows);
    if (files == 0) {
        fputs("Usage: doublecrew-sim scenario [--quiet] FILE...\n", stderr);
        return 2;
    }
    return good ? 0 : 1;
}
