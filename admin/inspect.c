/* doublecrewctl list, status: what the store says. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "admin/command.h"
#include "admin/roster_entries.h"
#include "admin/time_text.h"
#include "server/edge/store_sqlite.h"
#include "server/logic/purge.h"

#define DEVICES_MAX 256 /* of one officer */

static const char *standing_text(enum device_standing standing)
{
    switch (standing) {
    case DEVICE_ACTIVE:
        return "active";
    case DEVICE_EXPIRED:
        return "expired";
    case DEVICE_SUSPENDED:
        return "suspended";
    case DEVICE_LOST:
        return "lost";
    }
    return "unknown";
}

static void list_teams(const struct roster *roster)
{
    puts("code\tname");
    for (size_t i = 0; i < roster->team_count; i++)
        printf("%s\t%s\n", roster->teams[i].code, roster->teams[i].name);
}

static void list_officers(struct roster *roster)
{
    puts("code\tname\trole\taccredited\tteams");
    for (size_t i = 0; i < roster->officer_count; i++) {
        const struct roster_officer *officer = &roster->officers[i];
        printf("%s\t%s\t%s\t%s\t", officer->code, officer->name, role_to_text(officer->role),
               officer->accredited ? "yes" : "no");
        for (size_t j = 0; j < officer->team_count; j++) {
            const struct roster_team *team = roster_team_by_id(roster, &officer->teams[j]);
            printf("%s%s", j == 0 ? "" : ";", team != NULL ? team->code : "?");
        }
        putchar('\n');
    }
}

static void list_offenders(struct roster *roster)
{
    puts("reference\trisk\tteam\tmanager\tnext due");
    for (size_t i = 0; i < roster->offender_count; i++) {
        const struct roster_offender *offender = &roster->offenders[i];
        const struct roster_team *team = roster_team_by_id(roster, &offender->team);
        const struct roster_officer *manager = roster_officer_by_id(roster, &offender->manager);
        char due[TIME_TEXT_SIZE] = "not set";
        if (offender->next_due_ms != 0)
            time_to_text(offender->next_due_ms, due);
        printf("%s\t%s\t%s\t%s\t%s\n", offender->reference, risk_to_text(offender->risk),
               team != NULL ? team->code : "?", manager != NULL ? manager->code : "?", due);
    }
}

/* Since when rows that left its scopes may still be on the device: it hasn't said yet that they are gone (P1). */
static enum status purge_text(struct store *store, const struct device_row *device, char ret_text[TIME_TEXT_SIZE])
{
    int64_t since_us;
    enum status status = purge_due_since(store, device, &since_us);

    ret_text[0] = '\0';
    if (status == STATUS_OK)
        time_to_text(since_us / 1000, ret_text);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status list_devices_of(struct store *store, const struct roster_officer *officer)
{
    struct device_row rows[DEVICES_MAX];
    size_t count = 0;
    enum status status = store->ops->devices_of_officer(store, &officer->id, rows, DEVICES_MAX, &count);

    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        char device[2 * ID_SIZE + 1];
        char receipt[TIME_TEXT_SIZE] = "never";
        char purge[TIME_TEXT_SIZE];
        hex_encode(span_of(rows[i].device.bytes, ID_SIZE), device);
        if (rows[i].last_seq > 0)
            time_to_text(rows[i].last_receipt_us / 1000, receipt);
        status = purge_text(store, &rows[i], purge);
        printf("%s\t%s\t%s\t%llu\t%s\t%s\t%s\n", device, officer->code, standing_text(rows[i].standing),
               (unsigned long long)rows[i].last_seq, receipt, rows[i].fork_seq != 0 ? "forked" : "", purge);
    }
    if (status == STATUS_OK && count == DEVICES_MAX)
        fprintf(stderr, "doublecrewctl: of %s only the oldest %d devices are shown\n", officer->code, DEVICES_MAX);
    return status;
}

static enum status list_devices(const struct force_folder *folder, const struct roster *roster)
{
    struct store *store = NULL;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_READER, &store);

    puts("device\tofficer\tstanding\tentries\tlast receipt\tlog\tmust give back since");
    for (size_t i = 0; i < roster->officer_count && status == STATUS_OK; i++)
        status = list_devices_of(store, &roster->officers[i]);
    if (store != NULL)
        store->ops->close(store);
    return status;
}

int command_list(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *plain[1];
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL}};
    struct force_folder folder;
    struct force_facts facts;
    struct roster roster;
    enum status status = STATUS_OK;
    static const char *const names[] = {"teams", "officers", "offenders", "devices"};
    size_t which = 0;

    if (!options_read(command, argc, argv, specs, 1, plain, 1, &plain_count))
        return EXIT_USAGE;
    while (plain_count == 1 && which < 4 && strcmp(plain[0], names[which]) != 0)
        which++;
    if (plain_count != 1 || which == 4)
        return complain_usage(command);
    if (!force_open(dir, &folder, &facts) || roster_read(&folder, &roster) != STATUS_OK)
        return EXIT_FAILED;
    if (which == 0)
        list_teams(&roster);
    else if (which == 1)
        list_officers(&roster);
    else if (which == 2)
        list_offenders(&roster);
    else
        status = list_devices(&folder, &roster);
    roster_done(&roster);
    return status == STATUS_OK ? EXIT_DONE : complain_status(status, "the devices could not be read");
}

int command_status(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL}};
    struct force_folder folder;
    struct force_facts facts;
    struct store *store = NULL;
    struct store_head head;
    struct stat about;
    char time_text[TIME_TEXT_SIZE];
    char root[2 * HASH_SIZE + 1];

    if (!options_read(command, argc, argv, specs, 1, NULL, 0, &plain_count))
        return EXIT_USAGE;
    if (!force_open(dir, &folder, &facts))
        return EXIT_FAILED;

    enum status status = store_sqlite_open(folder.store, STORE_SQLITE_READER, &store);

    if (status == STATUS_OK)
        status = store->ops->head(store, &head);
    if (store != NULL)
        store->ops->close(store);
    if (status != STATUS_OK || stat(folder.store, &about) != 0)
        return complain_status(status, "the store could not be read");
    time_to_text(head.time_us / 1000, time_text);
    hex_encode(span_of(head.root.bytes, HASH_SIZE), root);
    printf(
        "force: %s%s\nrecords: %llu\ntime of the last record: %s\nMerkle root: %s\nrule engine: %s\nstore: %.1f MiB\n",
        facts.name, head.training ? " (training)" : "", (unsigned long long)head.pos, time_text, root, head.engine,
        (double)about.st_size / (1024.0 * 1024.0));
    clock_print(folder.store, head.timers_held);
    return EXIT_DONE;
}
