/* doublecrew-sim: simulated officers on the real device library, against a real server. A table of commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client-sim/command.h"

static const struct {
    const char *name;
    const char *arguments;
    const char *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"scenario", "[--quiet] FILE...", "play scenario files, each with a training force and server of its own",
     command_scenario},
    {"demo", "--dir FORCE FILE", "play a day in a training force that is set up, and print what became of it",
     command_demo},
    {"chaos", "--listen A:P --to A:P", "a bad network between phones and a server: delay, cut, split, throttle",
     command_chaos},
    {"device", "--dir FORCE --as \"PC 1001\"", "one simulated phone by hand, against a running server", command_device},
};

int main(int argc, char **argv)
{
    /* Times in scenario files are the field's: UK local time, whatever this machine's is. */
    setenv("TZ", "Europe/London", 1);
    tzset();
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "help") != 0 && strcmp(argv[1], "--help") != 0)
        fprintf(stderr, "doublecrew-sim: there is no command '%s'\n", argv[1]);
    puts("Usage: doublecrew-sim COMMAND [ARGUMENTS]\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        printf("  %-9s %-28s %s\n", commands[i].name, commands[i].arguments, commands[i].summary);
    return argc > 1 && strcmp(argv[1], "help") != 0 && strcmp(argv[1], "--help") != 0 ? 2 : 0;
}
