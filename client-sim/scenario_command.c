/* doublecrew-sim scenario [--quiet] FILE... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-sim/command.h"
#include "client-sim/play.h"

struct totals {
    size_t plays;
    size_t good;
    size_t expected;
    size_t failed;
};

static bool play_file(const char *path, bool show, struct totals *totals)
{
    struct scenario *scenario = scenario_read(path);
    bool good = true;

    if (scenario == NULL) {
        totals->plays++;
        return false;
    }

    size_t orders = scenario_orders(scenario);

    for (size_t order = 0; order < orders; order++) {
        bool played = play_scenario(scenario, order, show, &totals->expected, &totals->failed);
        totals->plays++;
        totals->good += played ? 1 : 0;
        good = good && played;
    }
    if (!show)
        printf("%-6s %-60s %zu order%s\n", good ? "ok" : "FAILED", scenario->title, orders, orders == 1 ? "" : "s");
    fflush(stdout);
    scenario_free(scenario);
    return good;
}

int command_scenario(int argc, char **argv)
{
    struct totals totals = {.plays = 0};
    bool show = true;
    bool good = true;
    int files = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quiet") == 0) {
            show = false;
            continue;
        }
        good = play_file(argv[i], show, &totals) && good;
        files++;
    }
    if (files == 0) {
        fputs("Usage: doublecrew-sim scenario [--quiet] FILE...\n", stderr);
        return 2;
    }
    printf("\nscenario files: %d\nplays (each order is one): %zu, as expected: %zu\nexpectations: %zu, not met: %zu\n",
           files, totals.plays, totals.good, totals.expected, totals.failed);
    return good ? 0 : 1;
}
