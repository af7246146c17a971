/* doublecrew-stage [--quiet] FILE...: scenario files in the deterministic simulator (docs/SCENARIOS.md). */
#include <stdlib.h>
#include <time.h>

#include "client-sim/command.h"

int main(int argc, char **argv)
{
    /* As doublecrew-sim: times in scenario files are the field's. */
    setenv("TZ", "Europe/London", 1);
    tzset();
    return command_scenario(argc, argv);
}
