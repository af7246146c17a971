/* doublecrewctl clock: clock trouble (T5) seen, and ended by somebody who knows which clock is right. */
#include <stdio.h>
#include <string.h>

#include "admin/command.h"
#include "admin/force_folder.h"
#include "admin/time_text.h"
#include "server/edge/clock_files.h"
#include "server/edge/store_sqlite.h"

void clock_print(const char *store_path, bool timers_held)
{
    char wall[TIME_TEXT_SIZE], server[TIME_TEXT_SIZE];
    struct clock_note note;

    if (!clock_files_read(store_path, &note)) {
        printf("clock: %s\n", timers_held ? "agrees again; timers fire with the next record" : "no trouble known");
        return;
    }
    time_to_text(note.wall_us / 1000, wall);
    time_to_text(note.server_us / 1000, server);
    printf("clock: TROUBLE since %s by the server's count, when the wall clock said %s; no anchors are issued and no "
           "timers "
           "fire\n",
           server, wall);
}

static int show(const struct force_folder *folder)
{
    struct store *store = NULL;
    struct store_head head;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_READER, &store);

    if (status == STATUS_OK)
        status = store->ops->head(store, &head);
    if (store != NULL)
        store->ops->close(store);
    if (status != STATUS_OK)
        return complain_status(status, "the store could not be read");
    clock_print(folder->store, head.timers_held);
    return EXIT_DONE;
}

static int accept_wall(const struct force_folder *folder)
{
    struct clock_note note;

    if (!clock_files_read(folder->store, &note))
        return complain("the server knows of no clock trouble, so there is nothing to accept");
    if (!clock_files_accept(folder->store))
        return complain("%s.clock-accepted cannot be written", folder->store);
    puts("accepted: the server believes its wall clock as soon as it looks, within a second. If anchors were issued "
         "while "
         "it was wrong, void them: doublecrewctl anchor void");
    return EXIT_DONE;
}

int command_clock(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *verb = NULL;
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL}};
    struct force_folder folder;
    struct force_facts facts;

    if (!options_read(command, argc, argv, specs, 1, &verb, 1, &plain_count))
        return EXIT_USAGE;
    if (plain_count != 1 || (strcmp(verb, "show") != 0 && strcmp(verb, "accept") != 0))
        return complain_usage(command);
    if (!force_open(dir, &folder, &facts))
        return EXIT_FAILED;
    return strcmp(verb, "show") == 0 ? show(&folder) : accept_wall(&folder);
}
