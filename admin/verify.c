/* doublecrewctl verify, backup: is the store's file sound, and its journal what devices signed? */
#include <stdio.h>
#include <string.h>

#include "admin/command.h"
#include "admin/snapshot.h"
#include "core/push.h"
#include "server/edge/store_sqlite.h"

/* One walk along the journal: no gap (J1), time never falls (J2), every push signed with the key on record for its log. */
struct journal_walk {
    struct store *store;
    struct sha256 *sha;
    struct arena *arena;
    uint64_t next_pos;
    int64_t time_us;
    uint64_t pushes;
    uint64_t faults;
};

#define FAULTS_SHOWN 10

static void report_fault(struct journal_walk *walk, uint64_t pos, const char *what)
{
    if (walk->faults++ < FAULTS_SHOWN)
        printf("record %llu: %s\n", (unsigned long long)pos, what);
}

/*
 * A log's key never changes once it is enrolled; the one on record is that of the roster's row, which the rebuild compares
 * with what the journal's enrolments say.
 */
static enum status check_signature(struct journal_walk *walk, const struct push *push)
{
    struct device_row device;
    struct verify_key *key = NULL;
    enum status status = walk->store->ops->device_by_log(walk->store, &push->log, &device);

    if (status == STATUS_NOT_FOUND)
        return STATUS_UNKNOWN_LOG;
    if (status == STATUS_OK)
        status = verify_key_new(&device.key, &key);
    if (status == STATUS_OK)
        status = push_verify(push, key);
    verify_key_free(key);
    return status;
}

static enum status check_push(struct journal_walk *walk, const struct journal_row *row)
{
    struct push push;
    enum status status;

    walk->pushes++;
    arena_reset(walk->arena, ARENA_CAP_DEFAULT);
    status = push_open(walk->arena, walk->sha, row->body, &push);
    if (status == STATUS_OK)
        status = check_signature(walk, &push);
    switch (status) {
    case STATUS_IO:
    case STATUS_STORE:
    case STATUS_NO_MEMORY:
        return status;
    case STATUS_OK:
        return STATUS_OK;
    default:
        report_fault(walk, row->first_pos, status_what(status));
        return STATUS_OK;
    }
}

static enum status on_row(void *context, const struct journal_row *row)
{
    struct journal_walk *walk = context;

    if (row->first_pos != walk->next_pos || row->count == 0)
        report_fault(walk, row->first_pos, "records before it are missing");
    if (row->time_us < walk->time_us)
        report_fault(walk, row->first_pos, "its time lies before that of the record before it");
    walk->next_pos = row->first_pos + row->count;
    walk->time_us = row->time_us;
    return row->kind == JOURNAL_PUSH ? check_push(walk, row) : STATUS_OK;
}

static enum status walk_journal(const struct snapshot *snapshot, struct journal_walk *walk)
{
    enum status status = sha256_new(&walk->sha);

    if (status == STATUS_OK)
        status = arena_new(&walk->arena);
    if (status == STATUS_OK)
        status = walk->store->ops->journal_from(walk->store, 1, on_row, walk);
    if (status == STATUS_OK && walk->next_pos != snapshot->head.pos + 1)
        report_fault(walk, walk->next_pos, "the journal does not end where the store's head says");
    arena_free(walk->arena);
    sha256_free(walk->sha);
    return status;
}

static enum status verify_snapshot(const struct snapshot *snapshot, bool *ret_good)
{
    struct journal_walk walk = {.store = snapshot->store, .next_pos = 1};
    bool same = false;
    enum status status = walk_journal(snapshot, &walk);

    if (status != STATUS_OK)
        return status;
    printf("signatures: %llu pushes, %s\n", (unsigned long long)walk.pushes,
           walk.faults == 0 ? "each signed with the key on record" : "NOT ALL GOOD");
    if (walk.faults > FAULTS_SHOWN)
        printf("faults: %llu\n", (unsigned long long)walk.faults);
    status = rebuild_compare(snapshot, &same);
    if (status == STATUS_OK)
        *ret_good = same && walk.faults == 0;
    else if (walk.faults > 0)
        *ret_good = false; /* what isn't what was signed need not replay */
    return walk.faults > 0 ? STATUS_OK : status;
}

int command_verify(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    bool good = false;
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL}};
    struct force_folder folder;
    struct force_facts facts;
    struct snapshot snapshot;

    if (!options_read(command, argc, argv, specs, 1, NULL, 0, &plain_count))
        return EXIT_USAGE;
    if (!force_open(dir, &folder, &facts))
        return EXIT_FAILED;

    enum status status = store_sqlite_integrity(folder.store);

    printf("pages: %s\n", status == STATUS_OK ? "sound" : "DAMAGED");
    if (status == STATUS_STORE)
        return complain("the store's file is damaged: stop the server, keep the file, and restore a backup");
    if (status != STATUS_OK)
        return complain_status(status, "the store could not be checked");
    if (snapshot_take(&folder, &snapshot) != STATUS_OK)
        return EXIT_FAILED;
    status = verify_snapshot(&snapshot, &good);
    snapshot_done(&snapshot);
    if (status != STATUS_OK)
        return complain_status(status, "the journal could not be checked to its end");
    printf("verify: %s\n", good ? "sound" : "NOT SOUND");
    return good ? EXIT_DONE : EXIT_FAILED;
}

int command_backup(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *plain[1];
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL}};
    struct force_folder folder;
    struct force_facts facts;

    if (!options_read(command, argc, argv, specs, 1, plain, 1, &plain_count))
        return EXIT_USAGE;
    if (plain_count != 1)
        return complain_usage(command);
    if (!force_open(dir, &folder, &facts))
        return EXIT_FAILED;

    enum status status = store_sqlite_backup(folder.store, plain[0]);

    if (status != STATUS_OK)
        return complain_status(status, "no backup was made to '%s'", plain[0]);
    printf("Backup: %s\n", plain[0]);
    return EXIT_DONE;
}
