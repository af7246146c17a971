#include "bench/ingest_force.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/roster.h"
#include "bench/scratch.h"
#include "server/edge/store_sqlite.h"
#include "server/logic/batch.h"

#define OFFICERS_FROM 1001

/* Set-up by doublecrewctl ------------------------------------------------------------------------------------------- */

static void write_teams(FILE *file, const struct ingest_force *force)
{
    (void)force;
    fputs("code,name\n", file);
    for (int team = 0; team < INGEST_TEAMS; team++)
        fprintf(file, "T%d,Invented team %d\n", team + 1, team + 1);
}

static size_t team_of_pair(size_t pair)
{
    return pair % INGEST_TEAMS + 1;
}

static void write_officers(FILE *file, const struct ingest_force *force)
{
    fputs("code,name,role,teams\n", file);
    for (int team = 0; team < INGEST_TEAMS; team++)
        fprintf(file, "DS %d,Invented supervisor %d,supervisor,T%d\n", team + 1, team + 1, team + 1);
    for (size_t i = 0; i < force->device_count; i++)
        fprintf(file, "PC %zu,Invented officer %zu,offender_manager,T%zu\n", OFFICERS_FROM + i, i + 1,
                team_of_pair(i / 2));
}

/* DOMAIN.md's mix: 2, 18, 30 and 50 % of very high, high, medium and low risk. */
static const char *risk_of(size_t offender)
{
    size_t share = offender % 50;

    return share < 1 ? "very_high" : share < 10 ? "high" : share < 25 ? "medium" : "low";
}

static void write_offenders(FILE *file, const struct ingest_force *force)
{
    fputs("reference,register_reference,risk,team,manager,latitude,longitude\n", file);
    for (size_t i = 0; i < force->device_count / 2 * INGEST_OFFENDERS; i++) {
        size_t pair = i / INGEST_OFFENDERS;

        fprintf(file, "BN/%05zu,INVENTED-%zu,%s,T%zu,PC %zu,52.%04zu,0.%04zu\n", i + 1, i + 1, risk_of(i),
                team_of_pair(pair), OFFICERS_FROM + 2 * pair, 2000 + pair, 1000 + pair);
    }
}

static void write_devices(FILE *file, const struct ingest_force *force)
{
    fputs("officer,label\n", file);
    for (size_t i = 0; i < force->device_count; i++)
        fprintf(file, "PC %zu,measured phone\n", OFFICERS_FROM + i);
    for (int team = 0; team < INGEST_TEAMS; team++)
        fprintf(file, "DS %d,measured console\n", team + 1);
}

static enum status import(const struct ingest_force *force, const char *kind,
                          void (*write_rows)(FILE *, const struct ingest_force *))
{
    char path[PROCESS_PATH_MAX];
    char packages[PROCESS_PATH_MAX];
    const char *arguments[] = {"import", kind, path, "--dir", force->dir, NULL, packages, NULL};
    FILE *file = NULL;

    snprintf(path, sizeof(path), "%.900s/%s.csv", force->folder, kind);
    snprintf(packages, sizeof(packages), "%.900s/devices", force->folder);
    if (strcmp(kind, "devices") == 0)
        arguments[5] = "--out";
    file = fopen(path, "we");
    if (file == NULL)
        return STATUS_IO;
    write_rows(file, force);
    return fclose(file) == 0 && process_run_ctl(arguments) ? STATUS_OK : STATUS_IO;
}

static enum status set_up(const struct ingest_force *force)
{
    const char *const init[] = {"init", "--dir", force->dir, "--force", "Measured force", "--port", "0", NULL};
    const char *const backup[] = {"backup", force->setup, "--dir", force->dir, NULL};
    enum status status = process_run_ctl(init) ? STATUS_OK : STATUS_IO;

    if (status == STATUS_OK)
        status = scratch_set_policy(force->folder, force->dir);
    if (status == STATUS_OK)
        status = import(force, "teams", write_teams);
    if (status == STATUS_OK)
        status = import(force, "officers", write_officers);
    if (status == STATUS_OK)
        status = import(force, "offenders", write_offenders);
    if (status == STATUS_OK)
        status = import(force, "devices", write_devices);
    if (status == STATUS_OK && !process_run_ctl(backup))
        status = STATUS_IO;
    return status;
}

/* What was set up --------------------------------------------------------------------------------------------------- */

static enum status read_key(const char *path, struct sign_key **ret_key)
{
    char pem[1024];
    FILE *file = fopen(path, "re");
    size_t size;

    if (file == NULL)
        return STATUS_NOT_FOUND;
    size = fread(pem, 1, sizeof(pem), file);
    (void)fclose(file);
    enum status status = sign_key_from_pem(span_of(pem, size), ret_key);
    explicit_bzero(pem, sizeof(pem));
    return status;
}

static enum status read_device(const struct ingest_force *force, const char *rank, size_t number,
                               struct ingest_device *device)
{
    char key[PROCESS_PATH_MAX];
    struct package package;

    snprintf(device->package, sizeof(device->package), "%.900s/devices/%s-%zu-1", force->folder, rank, number);
    enum status status = package_read(device->package, &package);
    if (status != STATUS_OK)
        return status;
    device->device = package.device;
    device->log = package.log;
    device->officer = package.officer;
    snprintf(key, sizeof(key), "%.980s/signing.pem", device->package);
    return read_key(key, &device->key);
}

static enum status read_offenders(struct ingest_force *force, const struct force_folder *folder)
{
    struct roster roster = {0};
    size_t count = force->device_count / 2 * INGEST_OFFENDERS;
    enum status status = roster_read(folder, &roster);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        char reference[32];

        snprintf(reference, sizeof(reference), "BN/%05zu", i + 1);
        const struct roster_offender *offender = roster_offender_by_reference(&roster, reference);
        if (offender == NULL)
            status = STATUS_UNKNOWN_OFFENDER;
        else
            force->offenders[i] = offender->id;
    }
    roster_done(&roster);
    return status;
}

static enum status read_setup(struct ingest_force *force)
{
    struct force_folder folder;
    struct store_head head;
    struct store *store = NULL;
    enum status status = force_folder_at(force->dir, &folder);

    if (status == STATUS_OK)
        status = read_offenders(force, &folder);
    for (size_t i = 0; i < force->device_count && status == STATUS_OK; i++)
        status = read_device(force, "PC", OFFICERS_FROM + i, &force->devices[i]);
    for (size_t i = 0; i < INGEST_TEAMS && status == STATUS_OK; i++)
        status = read_device(force, "DS", i + 1, &force->supervisors[i]);
    if (status == STATUS_OK)
        status = store_sqlite_open(folder.store, STORE_SQLITE_READER, &store);
    if (status == STATUS_OK)
        status = store->ops->head(store, &head);
    if (store != NULL)
        store->ops->close(store);
    if (status == STATUS_OK) {
        force->setup_pos = head.pos;
        snprintf(force->store, sizeof(force->store), "%s", folder.store);
    }
    return status;
}

static enum status make_folder(const char *base, struct ingest_force *force)
{
    enum status status = scratch_make(base, "ingest", sizeof(force->folder), force->folder);

    if (status != STATUS_OK)
        return status;
    snprintf(force->dir, sizeof(force->dir), "%.900s/force", force->folder);
    snprintf(force->setup, sizeof(force->setup), "%.900s/setup.db", force->folder);
    snprintf(force->bare, sizeof(force->bare), "%.900s/bare.db", force->folder);
    return STATUS_OK;
}

enum status ingest_force_make(const char *base, size_t device_count, struct ingest_force *ret_force)
{
    struct ingest_force force = {.device_count = device_count};
    enum status status = make_folder(base, &force);

    if (status != STATUS_OK)
        return status;
    force.devices = calloc(device_count, sizeof(*force.devices));
    force.offenders = calloc(device_count / 2 * INGEST_OFFENDERS, sizeof(*force.offenders));
    status = force.devices == NULL || force.offenders == NULL ? STATUS_NO_MEMORY : set_up(&force);
    if (status == STATUS_OK)
        status = read_setup(&force);
    if (status != STATUS_OK) {
        ingest_force_remove(&force);
        return scratch_complain(status, "the force could not be set up");
    }
    *ret_force = force;
    return STATUS_OK;
}

void ingest_force_remove(struct ingest_force *force)
{
    for (size_t i = 0; force->devices != NULL && i < force->device_count; i++)
        sign_key_free(force->devices[i].key);
    for (size_t i = 0; i < INGEST_TEAMS; i++)
        sign_key_free(force->supervisors[i].key);
    free(force->devices);
    free(force->offenders);
    process_remove_tree(force->folder);
    *force = (struct ingest_force){.device_count = 0};
}

/* Stores ------------------------------------------------------------------------------------------------------------ */

enum status ingest_force_reset(const struct ingest_force *force)
{
    return scratch_put_store(force->setup, force->store);
}

/* Checks ------------------------------------------------------------------------------------------------------------ */

/* The line of a device in "doublecrewctl list devices": device, officer, standing, entries ... */
static bool has_entries(const char *listed, const struct id *device, uint64_t wanted)
{
    char hex[2 * ID_SIZE + 1];
    char *end = NULL;

    hex_encode(span_of(device->bytes, ID_SIZE), hex);
    const char *at = strstr(listed, hex);
    for (int i = 0; i < 3 && at != NULL; i++) {
        at = strchr(at, '\t');
        at = at == NULL ? NULL : at + 1;
    }
    return at != NULL && strtoull(at, &end, 10) == wanted && *end == '\t';
}

enum status ingest_force_check(const struct ingest_force *force, const uint64_t *acknowledged)
{
    const char *const list[] = {"list", "devices", "--dir", force->dir, NULL};
    const char *const rebuild[] = {"rebuild", "--check", "--dir", force->dir, NULL};
    char *listed = process_read_ctl(list);
    char *rebuilt = NULL;
    size_t missing = 0;

    if (listed == NULL)
        return STATUS_STORE;
    for (size_t i = 0; i < force->device_count; i++)
        missing += !has_entries(listed, &force->devices[i].device, acknowledged[i]);
    free(listed);
    if (missing > 0) {
        fprintf(stderr, "bench: %zu devices' logs don't hold what was acknowledged: no figure\n", missing);
        return STATUS_STORE;
    }
    rebuilt = process_read_ctl(rebuild);
    bool same = rebuilt != NULL && strstr(rebuilt, "byte-identical") != NULL;
    free(rebuilt);
    if (!same)
        fprintf(stderr, "bench: the store is not what its journal says: no figure\n");
    return same ? STATUS_OK : STATUS_STORE;
}

/* The bare loop ----------------------------------------------------------------------------------------------------- */

static enum status replay(struct store *from, struct store *to, struct sql_record *record)
{
    struct rebuild_report report;
    enum status status = sql_record_begin(record, to);

    if (status != STATUS_OK)
        return status;
    status = rebuild_replay(from, to, &report);
    enum status recorded = sql_record_end(record, to);
    return status != STATUS_OK ? status : recorded;
}

enum status ingest_force_record(const struct ingest_force *force, struct sql_record **ret_record,
                                struct sql_part *ret_part)
{
    struct store *from = NULL;
    struct store *to = NULL;
    struct sql_record *record = NULL;
    enum status status = sql_record_new(&record);

    scratch_remove_store(force->bare);
    if (status == STATUS_OK)
        status = store_sqlite_open(force->store, STORE_SQLITE_READER, &from);
    if (status == STATUS_OK)
        status = store_sqlite_create(force->bare, false);
    if (status == STATUS_OK)
        status = store_sqlite_open(force->bare, STORE_SQLITE_WRITER, &to);
    if (status == STATUS_OK)
        status = replay(from, to, record);
    if (to != NULL)
        to->ops->close(to);
    if (from != NULL)
        from->ops->close(from);
    if (status == STATUS_OK)
        status = sql_record_part(record, force->setup_pos, ret_part);
    if (status != STATUS_OK) {
        sql_record_free(record);
        return scratch_complain(status, "the writer's statements could not be recorded");
    }
    *ret_record = record;
    return STATUS_OK;
}

struct digest {
    struct sha256 *sha;
    struct hash hash;
};

static enum status add_line(void *context, const char *table, struct span line)
{
    struct digest *digest = context;
    const struct span parts[] = {span_of(digest->hash.bytes, HASH_SIZE), span_of(table, strlen(table)), line};

    return sha256_parts(digest->sha, parts, 3, &digest->hash);
}

static enum status digest_of(const char *path, struct hash *ret_hash)
{
    struct digest digest = {.sha = NULL};
    struct store *store = NULL;
    enum status status = sha256_new(&digest.sha);

    if (status == STATUS_OK)
        status = store_sqlite_open(path, STORE_SQLITE_READER, &store);
    if (status == STATUS_OK)
        status = store_dump(store, add_line, &digest);
    if (store != NULL)
        store->ops->close(store);
    sha256_free(digest.sha);
    if (status == STATUS_OK)
        *ret_hash = digest.hash;
    return status;
}

/* The bare loop has done what the server's writer did: every derived row is the same. */
static enum status compare_stores(const struct ingest_force *force)
{
    struct hash server;
    struct hash bare;
    enum status status = digest_of(force->store, &server);

    if (status == STATUS_OK)
        status = digest_of(force->bare, &bare);
    if (status == STATUS_OK && !hash_equal(&server, &bare)) {
        fprintf(stderr, "bench: the bare loop didn't leave the rows that the server left: no figure\n");
        status = STATUS_STORE;
    }
    return status;
}

enum status ingest_force_play(const struct ingest_force *force, const struct sql_record *record,
                              const struct sql_part *part, bool with_reads, double *ret_took_s)
{
    struct store *store = NULL;
    enum status status = scratch_put_store(force->setup, force->bare);

    if (status == STATUS_OK)
        status = store_sqlite_open(force->bare, STORE_SQLITE_WRITER, &store);
    if (status == STATUS_OK)
        status = sql_record_play(record, part, store, with_reads, ret_took_s);
    if (store != NULL)
        store->ops->close(store);
    if (status == STATUS_OK)
        status = compare_stores(force);
    scratch_remove_store(force->bare);
    return status == STATUS_OK ? STATUS_OK : scratch_complain(status, "the bare loop could not be run");
}
