/*
 * The server's backups, and life on one of them (E2): what was recorded since is gone, the operator signs for a new epoch,
 * and the phones bring again what they were told was safe.
 */
#include <stdlib.h>
#include <string.h>

#include "core/epoch.h"
#include "core/push.h"
#include "server/edge/store_sqlite.h"
#include "server/logic/batch.h"
#include "tests/sim/sim_device.h"
#include "tests/sim/sim_files.h"

struct sim_backup {
    struct sim_machine *machine;
    uint64_t pos; /* the journal's end in it; 0: none was made */
    struct hash *lost;
    size_t lost_count;
    size_t lost_capacity;
};

struct lost_walk {
    struct sim_backup *backup;
    struct arena *arena;
    struct sha256 *sha;
};

void sim_backup_new(struct sim *sim)
{
    char path[SIM_PATH_MAX];

    sim->backup = calloc(1, sizeof(*sim->backup));
    if (sim->backup == NULL)
        abort();
    sim->backup->machine = sim_files_add(sim, "tape", false, path);
}

void sim_backup_free(struct sim *sim)
{
    if (sim->backup == NULL)
        return; /* a stage has none */
    free(sim->backup->lost);
    free(sim->backup);
}

void sim_backup_take(struct sim *sim)
{
    struct store *store = sim_server_store(sim);
    struct store_head head = {0};

    if (store == NULL || store->ops->head(store, &head) != STATUS_OK)
        return;
    sim_files_copy(sim, sim_server_machine(sim), sim->backup->machine);
    sim->backup->pos = head.pos;
    sim_trace(sim, "server: backed up at %llu", (unsigned long long)head.pos);
}

bool sim_backup_lost(const struct sim *sim, const struct hash *entry)
{
    for (size_t i = 0; i < sim->backup->lost_count; i++) {
        if (hash_equal(&sim->backup->lost[i], entry))
            return true;
    }
    return false;
}

static void lose(struct sim_backup *backup, const struct hash *entry)
{
    if (backup->lost_count == backup->lost_capacity) {
        backup->lost_capacity = backup->lost_capacity == 0 ? 256 : 2 * backup->lost_capacity;
        backup->lost = realloc(backup->lost, backup->lost_capacity * sizeof(*backup->lost));
        if (backup->lost == NULL)
            abort();
    }
    backup->lost[backup->lost_count++] = *entry;
}

static enum status lose_row(void *context, const struct journal_row *row)
{
    struct lost_walk *walk = context;
    struct push push;
    enum status status;

    if (row->kind != JOURNAL_PUSH)
        return STATUS_OK;
    arena_reset(walk->arena, (size_t)2 * ARENA_FACTOR * row->body.size + (size_t)PUSH_ENTRIES_MAX * 1024);
    status = push_open(walk->arena, walk->sha, row->body, &push);
    for (size_t i = 0; status == STATUS_OK && i < push.entry_count; i++)
        lose(walk->backup, &push.entries[i].hash);
    return status;
}

/* What stands behind the end of the backup, which is the end of a commit. */
static void note_lost(struct sim *sim, uint64_t pos)
{
    struct store *store = sim_server_store(sim);
    struct lost_walk walk = {.backup = sim->backup};

    if (sha256_new(&walk.sha) != STATUS_OK || arena_new(&walk.arena) != STATUS_OK)
        abort();
    if (store == NULL || store->ops->journal_from(store, pos + 1, lose_row, &walk) != STATUS_OK)
        sim_fail(sim, "the journal behind the backup can't be read");
    arena_free(walk.arena);
    sha256_free(walk.sha);
}

static enum status sign(struct sim *sim, struct batch *batch, uint8_t ret_statement[EPOCH_STATEMENT_SIZE])
{
    const struct store_head *head = batch_head(batch);
    int64_t now_us = sim_server_now_us(sim) > head->time_us ? sim_server_now_us(sim) : head->time_us;
    struct epoch_statement statement = {.force = head->force,
                                        .previous = head->epoch,
                                        .size = head->pos,
                                        .root = head->root,
                                        .time_ms = now_us / 1000,
                                        .nonce = sim_id(sim, "epoch", (uint64_t)sim->now_us)};
    struct sign_key *key = sim_device_sign_key(sim->devices[0]);
    struct sha256 *sha = NULL;
    enum status status = sha256_new(&sha);

    if (status == STATUS_OK)
        status = epoch_sign(sha, &statement, key, ret_statement, NULL);
    sha256_free(sha);
    sign_key_free(key);
    return status;
}

static enum status begin_epoch(struct sim *sim)
{
    uint8_t statement[EPOCH_STATEMENT_SIZE];
    struct store *store = NULL;
    struct batch *batch = NULL;
    enum status status = store_sqlite_open(sim_server_path(sim), STORE_SQLITE_WRITER, &store);

    if (status != STATUS_OK)
        return status;
    status = batch_open(store, &batch);
    if (status == STATUS_OK)
        status = sign(sim, batch, statement);
    if (status == STATUS_OK)
        status = batch_epoch(batch, span_of(statement, sizeof(statement)));
    batch_free(batch);
    store->ops->close(store);
    return status;
}

static void on_new_disk(struct sim *sim, void *context, uint64_t number)
{
    struct sim_machine *machine = sim_server_machine(sim);
    enum status status;

    (void)context;
    (void)number;
    sim_machine_limit(machine, 0);
    sim_machine_plan(machine, NULL);
    sim_files_copy(sim, sim->backup->machine, machine);
    status = begin_epoch(sim);
    if (status != STATUS_OK)
        sim_fail(sim, "server: no new epoch begins after a restore: %s", status_name(status));
    if (!sim_failed(sim))
        sim_server_switch_on(sim);
}

bool sim_backup_restore(struct sim *sim, int64_t down_us)
{
    if (sim->backup->pos == 0)
        return false;
    note_lost(sim, sim->backup->pos);
    sim_trace(sim, "server: its disk is lost; it goes back to %llu", (unsigned long long)sim->backup->pos);
    sim_server_switch_off(sim);
    sim_at(sim, sim->now_us + down_us, on_new_disk, NULL, 0);
    return true;
}
