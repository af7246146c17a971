/*
 * doublecrewctl restore (E2): the backup's journal, carried on by what was streamed since, is replayed into a new store; that
 * begins a new epoch, is checked, and takes the old one's place. Whatever fails leaves everything as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/command.h"
#include "admin/epoch.h"
#include "admin/snapshot.h"
#include "server/edge/copy_file.h"
#include "server/edge/store_sqlite.h"

struct restore {
    struct force_folder folder;
    struct force_facts facts;
    const char *backup; /* NULL: the stream alone */
    const char *stream; /* NULL: none */
    struct sign_key *key;
    char scratch[PATH_SIZE];
    char source[PATH_SIZE]; /* backup and stream as one journal */
    char made[PATH_SIZE];   /* replayed from it */
    char ready[PATH_SIZE];  /* a single file, on disk, beside the store */
    struct store *from;
    struct store *to;
    uint64_t next_pos; /* while the stream is taken over */
};

static enum status make_scratch(struct restore *restore)
{
    enum status status = path_join(restore->scratch, restore->folder.root, "restore-XXXXXX");

    if (status != STATUS_OK || mkdtemp(restore->scratch) == NULL) {
        complain("no folder to work in could be made in '%s'", restore->folder.root);
        restore->scratch[0] = '\0';
        return STATUS_IO;
    }
    status = path_join(restore->source, restore->scratch, "source.db");
    if (status == STATUS_OK)
        status = path_join(restore->made, restore->scratch, "made.db");
    if (status == STATUS_OK)
        status = path_join(restore->ready, restore->scratch, "ready.db");
    return status;
}

/* The stream ------------------------------------------------------------------------------------------------------- */

static enum status take_row(void *context, const struct journal_row *row)
{
    struct restore *restore = context;

    if (row->first_pos < restore->next_pos)
        return STATUS_OK; /* the backup has it; the roots tell whether it is the same */
    if (row->first_pos != restore->next_pos)
        return STATUS_STORE;
    restore->next_pos = row->first_pos + row->count;
    return restore->from->ops->journal_append(restore->from, row);
}

/* Journal and head alone: what follows from them is what the replay is for. */
static enum status append_stream(struct restore *restore, const struct copy_end *end)
{
    const struct store_ops *ops = restore->from->ops;
    enum status status = ops->begin(restore->from);

    if (status != STATUS_OK)
        return status;
    status = copy_read(restore->stream, end, restore->next_pos, take_row, restore);
    if (status == STATUS_OK && restore->next_pos != end->head.pos + 1)
        status = STATUS_STORE;
    if (status == STATUS_OK)
        status = ops->head_put(restore->from, &end->head);
    if (status == STATUS_OK)
        status = ops->commit(restore->from);
    if (status != STATUS_OK)
        ops->rollback(restore->from);
    return status;
}

static enum status carry_on(struct restore *restore, uint64_t backup_pos)
{
    struct copy_end end;
    enum status status = copy_find(restore->stream, &end);

    if (status != STATUS_OK)
        return complain_status(status, "the stream in '%s' can't be read", restore->stream), status;
    if (!id_equal(&end.force, &restore->facts.force)) {
        complain("the stream in '%s' is another force's", restore->stream);
        return STATUS_INPUT;
    }
    if (end.first_pos > backup_pos + 1) {
        complain("the stream begins with record %llu, and the backup ends with %llu: a later backup is needed",
                 (unsigned long long)end.first_pos, (unsigned long long)backup_pos);
        return STATUS_INPUT;
    }
    printf("stream: to record %llu\n", (unsigned long long)end.head.pos);
    if (end.head.pos <= backup_pos)
        return STATUS_OK; /* the backup is as new; what differs would show when devices come */
    restore->next_pos = backup_pos + 1;
    status = append_stream(restore, &end);
    if (status != STATUS_OK)
        complain_status(status, "the stream doesn't carry on the backup");
    return status;
}

/* Source, replay --------------------------------------------------------------------------------------------------- */

static enum status open_source(struct restore *restore, struct store_head *ret_head)
{
    enum status status = restore->backup != NULL ? store_sqlite_backup(restore->backup, restore->source)
                                                 : store_sqlite_create(restore->source, restore->facts.training);

    if (status == STATUS_OK)
        status = store_sqlite_open(restore->source, STORE_SQLITE_WRITER, &restore->from);
    if (status == STATUS_OK)
        status = restore->from->ops->head(restore->from, ret_head);
    if (status != STATUS_OK) {
        complain_status(status, "'%s' can't be read as a backup", restore->backup != NULL ? restore->backup : "");
        return status;
    }
    if (restore->backup != NULL && !id_equal(&ret_head->force, &restore->facts.force)) {
        complain("'%s' is another force's backup", restore->backup);
        return STATUS_INPUT;
    }
    if (restore->backup != NULL)
        printf("backup: to record %llu\n", (unsigned long long)ret_head->pos);
    return STATUS_OK;
}

static enum status replay(struct restore *restore)
{
    struct rebuild_report report;
    enum status status = store_sqlite_create(restore->made, restore->facts.training);

    if (status == STATUS_OK)
        status = store_sqlite_open(restore->made, STORE_SQLITE_WRITER, &restore->to);
    if (status == STATUS_OK)
        status = rebuild_restore(restore->from, restore->to, &report);
    if (status == STATUS_OK)
        printf("replayed: %llu records, Merkle root as it was\n", (unsigned long long)report.records);
    else if (status == STATUS_STORE)
        complain("the journal doesn't replay to the root that it had: is the stream this backup's?");
    else
        complain_status(status, "the journal can't be replayed");
    return status;
}

/* A new epoch, then this version's engine if an earlier one judged last. */
static enum status begin_epoch(struct restore *restore)
{
    struct batch *batch = NULL;
    bool took_over = false;
    enum status status = batch_open(restore->to, &batch);

    if (status == STATUS_OK)
        status = epoch_begin(batch, restore->key);
    else
        complain_status(status, "the restored journal can't be gone on with");
    if (status == STATUS_OK) {
        status = batch_take_over(batch, epoch_now_us(batch_head(batch)), &took_over);
        if (status != STATUS_OK)
            complain_status(status, "the rule engine could not take over");
        else if (took_over)
            printf("rule engine: %s took over\n", engine_current.version);
    }
    batch_free(batch);
    return status;
}

static enum status check(struct restore *restore)
{
    struct snapshot snapshot = {.store = restore->to};
    bool same = false;
    enum status status = path_join(snapshot.rebuilt, restore->scratch, "rebuilt.db");

    if (status == STATUS_OK)
        status = restore->to->ops->head(restore->to, &snapshot.head);
    if (status == STATUS_OK)
        status = rebuild_compare(&snapshot, &same);
    if (status == STATUS_OK && !same)
        status = STATUS_STORE;
    if (status != STATUS_OK)
        complain_status(status, "the restored store is not what its journal says");
    return status;
}

/* Into its place --------------------------------------------------------------------------------------------------- */

static enum status move_aside(const char *store, const char *suffix, const char *stamp)
{
    char from[PATH_SIZE], to[PATH_SIZE];

    if (snprintf(from, sizeof(from), "%s%s", store, suffix) >= (int)sizeof(from) ||
        snprintf(to, sizeof(to), "%s.replaced-%s%s", store, stamp, suffix) >= (int)sizeof(to))
        return STATUS_INPUT;
    return rename(from, to) == 0 || errno == ENOENT ? STATUS_OK : STATUS_IO;
}

/* The -wal file goes with its store: the last records may be in it. */
static enum status replace(struct restore *restore)
{
    char stamp[32];
    enum status status = store_sqlite_backup(restore->made, restore->ready);

    (void)snprintf(stamp, sizeof(stamp), "%lld",
                   (long long)(epoch_now_us(&(struct store_head){.training = false}) / 1000000));
    if (status == STATUS_OK)
        status = move_aside(restore->folder.store, "-wal", stamp);
    if (status == STATUS_OK)
        status = move_aside(restore->folder.store, "-shm", stamp);
    if (status == STATUS_OK)
        status = move_aside(restore->folder.store, "", stamp);
    if (status == STATUS_OK && rename(restore->ready, restore->folder.store) != 0)
        status = STATUS_IO;
    if (status != STATUS_OK)
        complain_status(status, "the restored store could not be put in its place");
    else
        printf("The store before is kept as %s.replaced-%s\n", restore->folder.store, stamp);
    sync();
    return status;
}

static void done(struct restore *restore)
{
    if (restore->from != NULL)
        restore->from->ops->close(restore->from);
    if (restore->to != NULL)
        restore->to->ops->close(restore->to);
    restore->from = NULL;
    restore->to = NULL;
}

static enum status make(struct restore *restore)
{
    struct store_head head;
    enum status status = open_source(restore, &head);

    if (status == STATUS_OK && restore->stream != NULL)
        status = carry_on(restore, head.pos);
    if (status == STATUS_OK)
        status = replay(restore);
    if (status == STATUS_OK)
        status = begin_epoch(restore);
    if (status == STATUS_OK)
        status = check(restore);
    done(restore); /* the last connection brings the file up to date */
    return status == STATUS_OK ? replace(restore) : status;
}

/* Nobody may write to the old store from here on. NOT_FOUND: there is none, which is what restores are for. */
static enum status lock_store(struct restore *restore, int *ret_fd)
{
    enum status status = store_sqlite_lock(restore->folder.store, ret_fd);

    if (status == STATUS_STORE_BUSY)
        complain("the server is running on this store: stop it first");
    else if (status != STATUS_OK)
        complain_status(status, "the store's place can't be locked");
    return status;
}

static int run(struct restore *restore)
{
    int lock_fd = -1;
    enum status status = lock_store(restore, &lock_fd);

    if (status == STATUS_OK)
        status = make_scratch(restore);
    if (status == STATUS_OK)
        status = make(restore);
    if (restore->scratch[0] != '\0')
        folder_remove_all(restore->scratch);
    if (lock_fd >= 0)
        close(lock_fd);
    if (status != STATUS_OK)
        return complain("nothing was changed");
    puts("Restored. Start the server; devices send again what they still hold.");
    return EXIT_DONE;
}

int command_restore(const struct command *command, int argc, char **argv)
{
    struct restore restore = {.backup = NULL};
    const char *dir = ".", *key_path = NULL;
    const char *plain[1];
    size_t plain_count = 0;
    const struct option_spec specs[] = {
        {"dir", &dir, NULL}, {"stream", &restore.stream, NULL}, {"key", &key_path, NULL}};
    int code;

    if (!options_read(command, argc, argv, specs, 3, plain, 1, &plain_count))
        return EXIT_USAGE;
    if (plain_count == 0 && restore.stream == NULL)
        return complain_usage(command);
    restore.backup = plain_count == 1 ? plain[0] : NULL;
    if (!force_open(dir, &restore.folder, &restore.facts) ||
        epoch_key_read(&restore.folder, key_path, &restore.key) != STATUS_OK)
        return EXIT_FAILED;
    code = run(&restore);
    sign_key_free(restore.key);
    return code;
}
