/* doublecrew-sim demo --dir FORCE FILE: a day in the field of a training force that is set up already. */
#include <stdio.h>
#include <string.h>

#include "client-sim/command.h"
#include "client-sim/play.h"
#include "client-sim/report.h"

int command_demo(int argc, char **argv)
{
    const char *folder = NULL;
    const char *file = NULL;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc)
            folder = argv[++i];
        else
            file = argv[i];
    }
    if (folder == NULL || file == NULL) {
        fputs("Usage: doublecrew-sim demo --dir FORCE FILE\n", stderr);
        return 2;
    }

    struct scenario *scenario = scenario_read(file);

    if (scenario == NULL)
        return 1;

    bool good = false;
    struct play *play = play_in_force(scenario, folder, &good);

    if (play != NULL) {
        good = report_print(play) && good;
        good = play_end(play) && good;
    }
    scenario_free(scenario);
    return good ? 0 : 1;
}
