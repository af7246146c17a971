/* doublecrewctl rebuild --check: is what the store derived what its journal says? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/command.h"
#include "admin/snapshot.h"
#include "core/sha256.h"
#include "server/edge/store_sqlite.h"
#include "server/logic/batch.h"

/* The dump of one store: a running hash, and where each row stands, to name the first that differs. */
struct dump {
    struct sha256 *sha;
    struct hash hash; /* chained over the lines: hash = SHA-256(hash, table, line) */
    struct dump_row {
        struct hash hash; /* after this row */
        char table[32];
    } * rows;
    size_t count;
    size_t capacity;
};

static enum status on_line(void *context, const char *table, struct span line)
{
    struct dump *dump = context;

    if (dump->count == dump->capacity) {
        size_t capacity = dump->capacity == 0 ? 4096 : 2 * dump->capacity;
        struct dump_row *rows = realloc(dump->rows, capacity * sizeof(*rows));
        if (rows == NULL)
            return STATUS_NO_MEMORY;
        dump->rows = rows;
        dump->capacity = capacity;
    }

    const struct span parts[] = {span_of(dump->hash.bytes, HASH_SIZE), span_of(table, strlen(table)), line};
    enum status status = sha256_parts(dump->sha, parts, 3, &dump->hash);

    if (status != STATUS_OK)
        return status;
    snprintf(dump->rows[dump->count].table, sizeof(dump->rows[0].table), "%s", table);
    dump->rows[dump->count++].hash = dump->hash;
    return STATUS_OK;
}

static void dump_done(struct dump *dump)
{
    sha256_free(dump->sha);
    free(dump->rows);
}

static enum status dump_store(struct store *store, struct dump *dump)
{
    enum status status = sha256_new(&dump->sha);

    return status == STATUS_OK ? store_dump(store, on_line, dump) : status;
}

static bool report_difference(const struct dump *stored, const struct dump *rebuilt)
{
    size_t row = 0;

    if (stored->count == rebuilt->count && hash_equal(&stored->hash, &rebuilt->hash))
        return false;
    while (row < stored->count && row < rebuilt->count && hash_equal(&stored->rows[row].hash, &rebuilt->rows[row].hash))
        row++;
    printf("first difference: row %zu, table %s\n", row + 1,
           row < stored->count ? stored->rows[row].table : rebuilt->rows[row].table);
    return true;
}

static bool report(const struct store_head *head, const struct rebuild_report *rebuild, const struct dump *stored,
                   const struct dump *rebuilt)
{
    char hex[2 * HASH_SIZE + 1];
    bool differs = report_difference(stored, rebuilt);
    bool root_differs = head->pos != rebuild->records || !hash_equal(&head->root, &rebuild->root);

    hex_encode(span_of(rebuilt->hash.bytes, HASH_SIZE), hex);
    printf("records replayed: %llu of %llu\nderived rows: stored %zu, rebuilt %zu\ndigest: %s\n"
           "issued differently: %llu\nMerkle root: %s\nrebuild: %s\n",
           (unsigned long long)rebuild->records, (unsigned long long)head->pos, stored->count, rebuilt->count, hex,
           (unsigned long long)rebuild->issued_differences, root_differs ? "differs" : "the same",
           differs || root_differs ? "DIFFERS" : "byte-identical");
    return !differs && !root_differs;
}

static enum status compare(const struct snapshot *snapshot, struct store *to, bool *ret_same)
{
    struct rebuild_report rebuild;
    struct dump stored = {.count = 0};
    struct dump rebuilt = {.count = 0};
    enum status status = rebuild_replay(snapshot->store, to, &rebuild);

    if (status == STATUS_STORE) {
        puts("Merkle root: differs\nrebuild: DIFFERS: the journal does not replay to the head that the store names");
        *ret_same = false;
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = dump_store(snapshot->store, &stored);
    if (status == STATUS_OK)
        status = dump_store(to, &rebuilt);
    if (status == STATUS_OK)
        *ret_same = report(&snapshot->head, &rebuild, &stored, &rebuilt);
    dump_done(&stored);
    dump_done(&rebuilt);
    return status;
}

enum status rebuild_compare(const struct snapshot *snapshot, bool *ret_same)
{
    struct store *to = NULL;
    enum status status = store_sqlite_create(snapshot->rebuilt, snapshot->head.training);

    if (status == STATUS_OK)
        status = store_sqlite_open(snapshot->rebuilt, STORE_SQLITE_WRITER, &to);
    if (status != STATUS_OK)
        return status;
    status = compare(snapshot, to, ret_same);
    to->ops->close(to);
    return status;
}

int command_rebuild(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    bool check = false;
    bool same = false;
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL}, {"check", NULL, &check}};
    struct force_folder folder;
    struct force_facts facts;
    struct snapshot snapshot;

    if (!options_read(command, argc, argv, specs, 2, NULL, 0, &plain_count))
        return EXIT_USAGE;
    if (!check)
        return complain_usage(command);
    if (!force_open(dir, &folder, &facts) || snapshot_take(&folder, &snapshot) != STATUS_OK)
        return EXIT_FAILED;

    enum status status = rebuild_compare(&snapshot, &same);

    snapshot_done(&snapshot);
    if (status != STATUS_OK)
        return complain_status(status, "the store could not be rebuilt from its journal");
    return same ? EXIT_DONE : EXIT_FAILED;
}
