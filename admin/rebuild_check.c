/* doublecrewctl rebuild --check, verify, backup: is the store what its journal says? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/command.h"
#include "admin/force_folder.h"
#include "server/edge/store_sqlite.h"
#include "server/logic/batch.h"

/* The dump of one store: a running hash, a count of rows, and the lines of a table kept for naming a difference. */
struct dump {
    struct sha256 *sha;
    struct hash hash; /* chained over the lines: hash = SHA-256(hash, table, line) */
    uint64_t rows;
    struct hash *chain; /* after each line, to find the first that differs */
    size_t capacity;
    char (*tables)[32];
};

static enum status on_line(void *context, const char *table, struct span line)
{
    struct dump *dump = context;

    if (dump->rows == dump->capacity) {
        size_t capacity = dump->capacity == 0 ? 4096 : 2 * dump->capacity;
        struct hash *chain = realloc(dump->chain, capacity * sizeof(*chain));
        if (chain == NULL)
            return STATUS_NO_MEMORY;
        dump->chain = chain;
        char(*tables)[32] = realloc(dump->tables, capacity * sizeof(*tables));
        if (tables == NULL)
            return STATUS_NO_MEMORY;
        dump->tables = tables;
        dump->capacity = capacity;
    }

    const struct span parts[] = {span_of(dump->hash.bytes, HASH_SIZE), span_of(table, strlen(table)), line};
    enum status status = sha256_parts(dump->sha, parts, 3, &dump->hash);

    if (status != STATUS_OK)
        return status;
    snprintf(dump->tables[dump->rows], sizeof(dump->tables[0]), "%s", table);
    dump->chain[dump->rows++] = dump->hash;
    return STATUS_OK;
}

static void dump_done(struct dump *dump)
{
    sha256_free(dump->sha);
    free(dump->chain);
    free(dump->tables);
}

static enum status dump_store(struct store *store, struct dump *dump)
{
    enum status status = sha256_new(&dump->sha);

    return status == STATUS_OK ? store_dump(store, on_line, dump) : status;
}

static bool report_difference(const struct dump *stored, const struct dump *rebuilt)
{
    uint64_t row = 0;

    if (stored->rows == rebuilt->rows && hash_equal(&stored->hash, &rebuilt->hash))
        return false;
    while (row < stored->rows && row < rebuilt->rows && hash_equal(&stored->chain[row], &rebuilt->chain[row]))
        row++;
    printf("first difference: row %llu, table %s\n", (unsigned long long)(row + 1),
           row < stored->rows    ? stored->tables[row]
           : row < rebuilt->rows ? rebuilt->tables[row]
                                 : "none");
    return true;
}

static int report(const struct store_head *head, const struct rebuild_report *rebuild, const struct dump *stored,
                  const struct dump *rebuilt)
{
    char hex[2 * HASH_SIZE + 1];
    bool differs = report_difference(stored, rebuilt);
    bool root_differs = !hash_equal(&head->root, &rebuild->root);

    hex_encode(span_of(rebuilt->hash.bytes, HASH_SIZE), hex);
    printf("records replayed: %llu\nderived rows: stored %llu, rebuilt %llu\ndigest: %s\nissued differently: %llu\n"
           "Merkle root: %s\nrebuild: %s\n",
           (unsigned long long)rebuild->records, (unsigned long long)stored->rows, (unsigned long long)rebuilt->rows,
           hex, (unsigned long long)rebuild->issued_differences, root_differs ? "differs" : "the same",
           differs || root_differs ? "DIFFERS" : "byte-identical");
    return differs || root_differs ? EXIT_FAILED : EXIT_DONE;
}

/* Both sides are read from one snapshot copy, so that a running server can go on. */
static enum status rebuild_and_compare(const char *snapshot, const char *scratch, int *ret_exit)
{
    struct store *from = NULL;
    struct store *to = NULL;
    struct store_head head;
    struct rebuild_report rebuild;
    struct dump stored = {.rows = 0};
    struct dump rebuilt = {.rows = 0};
    enum status status = store_sqlite_open(snapshot, STORE_SQLITE_READER, &from);

    if (status == STATUS_OK)
        status = from->ops->head(from, &head);
    if (status == STATUS_OK)
        status = store_sqlite_create(scratch, head.training);
    if (status == STATUS_OK)
        status = store_sqlite_open(scratch, STORE_SQLITE_WRITER, &to);
    if (status == STATUS_OK)
        status = rebuild_replay(from, to, &rebuild);
    if (status == STATUS_OK)
        status = dump_store(from, &stored);
    if (status == STATUS_OK)
        status = dump_store(to, &rebuilt);
    if (status == STATUS_OK)
        *ret_exit = report(&head, &rebuild, &stored, &rebuilt);
    dump_done(&stored);
    dump_done(&rebuilt);
    if (to != NULL)
        to->ops->close(to);
    if (from != NULL)
        from->ops->close(from);
    return status;
}

static void remove_scratch(const char *folder)
{
    static const char *const names[] = {"snapshot.db",    "snapshot.db-wal", "snapshot.db-shm", "rebuilt.db",
                                        "rebuilt.db-wal", "rebuilt.db-shm",  "rebuilt.db.lock"};
    char path[PATH_SIZE];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (path_join(path, folder, names[i]) == STATUS_OK)
            unlink(path);
    }
    rmdir(folder);
}

static bool folder_option(const struct command *command, int argc, char **argv, bool *check, const char **plain,
                          size_t plain_max, size_t *plain_count, struct force_folder *folder)
{
    const char *dir = ".";
    bool unused = false;
    const struct option_spec specs[] = {{"dir", &dir, NULL}, {"check", NULL, check != NULL ? check : &unused}};
    struct force_facts facts;

    return options_read(command, argc, argv, specs, check != NULL ? 2 : 1, plain, plain_max, plain_count) &&
           force_folder_at(dir, folder) == STATUS_OK && force_facts_read(folder, &facts) == STATUS_OK;
}

int command_rebuild(const struct command *command, int argc, char **argv)
{
    bool check = false;
    size_t plain_count = 0;
    struct force_folder folder;
    char scratch[PATH_SIZE];
    char snapshot[PATH_SIZE];
    char rebuilt[PATH_SIZE];
    int result = EXIT_FAILED;

    if (!folder_option(command, argc, argv, &check, NULL, 0, &plain_count, &folder))
        return EXIT_USAGE;
    if (!check)
        return complain_usage(command);
    if (path_join(scratch, folder.root, "rebuild-XXXXXX") != STATUS_OK || mkdtemp(scratch) == NULL)
        return complain("no folder for the rebuilt store could be made in '%s'", folder.root);

    enum status status = path_join(snapshot, scratch, "snapshot.db");

    if (status == STATUS_OK)
        status = path_join(rebuilt, scratch, "rebuilt.db");
    if (status == STATUS_OK)
        status = store_sqlite_backup(folder.store, snapshot);
    if (status == STATUS_OK)
        status = rebuild_and_compare(snapshot, rebuilt, &result);
    remove_scratch(scratch);
    return status == STATUS_OK ? result : complain_status(status, "the store could not be rebuilt");
}

/* The journal is replayed with every signature of every push checked, and its root compared with the head's. */
int command_verify(const struct command *command, int argc, char **argv)
{
    size_t plain_count = 0;
    struct force_folder folder;

    if (!folder_option(command, argc, argv, NULL, NULL, 0, &plain_count, &folder))
        return EXIT_USAGE;

    enum status status = store_sqlite_integrity(folder.store);

    printf("pages: %s\n", status == STATUS_OK ? "sound" : status_what(status));
    if (status != STATUS_OK)
        return complain_status(status, "the store's file is damaged: restore it from a backup");

    char check[] = "--check";
    char dir[] = "--dir";
    char *rebuild_argv[] = {argv[0], check, dir, folder.root, NULL};

    return command_rebuild(command, 4, rebuild_argv);
}

int command_backup(const struct command *command, int argc, char **argv)
{
    const char *plain[1];
    size_t plain_count = 0;
    struct force_folder folder;

    if (!folder_option(command, argc, argv, NULL, plain, 1, &plain_count, &folder))
        return EXIT_USAGE;
    if (plain_count != 1)
        return complain_usage(command);

    enum status status = store_sqlite_backup(folder.store, plain[0]);

    if (status != STATUS_OK)
        return complain_status(status, "no backup was made to '%s'", plain[0]);
    printf("Backup: %s\n", plain[0]);
    return EXIT_DONE;
}
