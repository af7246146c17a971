/* The journal against the record that the world kept: nothing acknowledged is missing, nothing is there twice. */
#include <stdlib.h>
#include <string.h>

#include "core/push.h"
#include "doublecrew/v1/entry.pb-c.h"
#include "server/logic/batch.h"
#include "tests/sim/sim_check.h"

struct kept_entry {
    struct hash hash;
    struct id log;
    uint64_t seq;
};

struct journal {
    struct sim *sim;
    struct arena *arena;
    struct sha256 *sha;
    struct kept_entry *entries;
    size_t count;
    size_t capacity;
    struct hash *carried; /* entries within others' entries (F1) */
    size_t carried_count;
    size_t carried_capacity;
    uint64_t next_pos;
    int64_t time_us;
};

#define CARRIED_DEPTH_MAX 8

static void keep(struct journal *journal, const struct id *log, const struct entry *entry)
{
    if (journal->count == journal->capacity) {
        journal->capacity = journal->capacity == 0 ? 1024 : 2 * journal->capacity;
        journal->entries = realloc(journal->entries, journal->capacity * sizeof(*journal->entries));
        if (journal->entries == NULL)
            abort();
    }
    journal->entries[journal->count++] =
        (struct kept_entry){.hash = entry->hash, .log = *log, .seq = entry->header.seq};
}

static void keep_carried(struct journal *journal, const struct hash *hash)
{
    if (journal->carried_count == journal->carried_capacity) {
        journal->carried_capacity = journal->carried_capacity == 0 ? 256 : 2 * journal->carried_capacity;
        journal->carried = realloc(journal->carried, journal->carried_capacity * sizeof(*journal->carried));
        if (journal->carried == NULL)
            abort();
    }
    journal->carried[journal->carried_count++] = *hash;
}

static void look_inside(struct journal *journal, const struct entry *entry, unsigned depth)
{
    struct span packed = entry_message(entry);
    Doublecrew__V1__Carried *message;
    struct arena *arena;
    struct push push;

    if (entry->header.kind != DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED || depth > CARRIED_DEPTH_MAX)
        return;
    message = doublecrew__v1__carried__unpack(NULL, packed.size, packed.data);
    if (message == NULL || arena_new(&arena) != STATUS_OK)
        abort();
    arena_reset(arena, (size_t)2 * ARENA_FACTOR * message->push.len + (size_t)PUSH_ENTRIES_MAX * 1024);
    if (push_open(arena, journal->sha, span_of(message->push.data, message->push.len), &push) == STATUS_OK) {
        for (size_t i = 0; i < push.entry_count; i++) {
            keep_carried(journal, &push.entries[i].hash);
            look_inside(journal, &push.entries[i], depth + 1);
        }
    }
    arena_free(arena);
    doublecrew__v1__carried__free_unpacked(message, NULL);
}

static enum status read_push(struct journal *journal, const struct journal_row *row)
{
    struct push push;
    enum status status;
    size_t skipped;

    arena_reset(journal->arena, (size_t)2 * ARENA_FACTOR * row->body.size + (size_t)PUSH_ENTRIES_MAX * 1024);
    status = push_open(journal->arena, journal->sha, row->body, &push);
    if (status != STATUS_OK)
        return status;
    if (row->first_seq < push.first_seq || row->first_seq - push.first_seq + row->count > push.entry_count)
        return STATUS_STORE;
    skipped = (size_t)(row->first_seq - push.first_seq);
    for (size_t i = 0; i < row->count; i++) {
        keep(journal, &push.log, &push.entries[skipped + i]);
        look_inside(journal, &push.entries[skipped + i], 0);
    }
    return STATUS_OK;
}

static enum status on_row(void *context, const struct journal_row *row)
{
    struct journal *journal = context;

    if (row->first_pos != journal->next_pos)
        sim_fail(journal->sim, "the journal has a gap: pos %llu follows %llu (J1)", (unsigned long long)row->first_pos,
                 (unsigned long long)journal->next_pos - 1);
    if (row->time_us < journal->time_us)
        sim_fail(journal->sim, "the journal's time falls at pos %llu (J2)", (unsigned long long)row->first_pos);
    journal->next_pos = row->first_pos + row->count;
    journal->time_us = row->time_us;
    return row->kind == JOURNAL_PUSH ? read_push(journal, row) : STATUS_OK;
}

static int by_hash(const void *a, const void *b)
{
    return hash_compare(&((const struct kept_entry *)a)->hash, &((const struct kept_entry *)b)->hash);
}

static int by_place(const void *a, const void *b)
{
    const struct kept_entry *x = a;
    const struct kept_entry *y = b;
    int order = id_compare(&x->log, &y->log);

    return order != 0 ? order : x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Both branches of a fork may stand at the same place (F2); the log itself has no gap. */
static void check_places(struct journal *journal)
{
    qsort(journal->entries, journal->count, sizeof(*journal->entries), by_place);
    for (size_t i = 0; i < journal->count; i++) {
        const struct kept_entry *entry = &journal->entries[i];
        bool first = i == 0 || !id_equal(&entry->log, &entry[-1].log);
        uint64_t before = first ? 0 : entry[-1].seq;

        if (entry->seq != before + 1 && entry->seq != before)
            sim_fail(journal->sim, "the journal holds entry %llu of a log after its %llu (F2)",
                     (unsigned long long)entry->seq, (unsigned long long)before);
    }
}

static void check_once(struct journal *journal)
{
    qsort(journal->entries, journal->count, sizeof(*journal->entries), by_hash);
    for (size_t i = 1; i < journal->count; i++) {
        if (hash_equal(&journal->entries[i].hash, &journal->entries[i - 1].hash))
            sim_fail(journal->sim, "doubled: the journal holds entry %llu of a log twice",
                     (unsigned long long)journal->entries[i].seq);
    }
}

static bool holds(const struct journal *journal, const struct hash *hash)
{
    struct kept_entry wanted = {.hash = *hash};

    return bsearch(&wanted, journal->entries, journal->count, sizeof(wanted), by_hash) != NULL;
}

static bool carries(const struct journal *journal, const struct hash *hash)
{
    for (size_t i = 0; i < journal->carried_count; i++) {
        if (hash_equal(&journal->carried[i], hash))
            return true;
    }
    return false;
}

static void check_inherited(struct journal *journal, const struct sim_device *device)
{
    const struct hash *hashes;
    size_t count = sim_device_inherited(device, &hashes);

    if (!journal->sim->settled || sim_device_fate(device) != SIM_DEVICE_FINE)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!holds(journal, &hashes[i]) && !carries(journal, &hashes[i]) && !sim_backup_lost(journal->sim, &hashes[i]))
            sim_fail(journal->sim, "entry %zu of the log that %s has succeeded is neither in the journal nor carried",
                     i + 1, sim_device_name(device));
    }
}

/* A server that was set back gets again what phones hold: by the end from each that is well; lost and forked ones can't. */
static void check_device(struct journal *journal, const struct sim_device *device)
{
    const struct hash *hashes;
    size_t acknowledged;
    size_t count = sim_device_entries(device, &hashes, &acknowledged);
    bool all = journal->sim->settled && sim_device_fate(device) == SIM_DEVICE_FINE;

    for (size_t i = 0; i < count; i++) {
        if ((i < acknowledged || all) && !holds(journal, &hashes[i]) &&
            (all || !sim_backup_lost(journal->sim, &hashes[i]))) {
            sim_fail(journal->sim, "%s of %s isn't in the journal: entry %zu of %zu, acknowledged up to %zu",
                     i < acknowledged ? "what was acknowledged" : "an entry", sim_device_name(device), i + 1, count,
                     acknowledged);
            return;
        }
    }
    count = sim_device_left_behind(device, &hashes);
    for (size_t i = 0; i < count; i++) {
        if (!holds(journal, &hashes[i]) && !sim_backup_lost(journal->sim, &hashes[i]))
            sim_fail(journal->sim, "what was acknowledged to %s before it was restored isn't in the journal",
                     sim_device_name(device));
    }
}

void sim_check_journal(struct sim *sim)
{
    struct journal journal = {.sim = sim, .next_pos = 1};
    struct store *store = sim_server_store(sim);
    enum status status = STATUS_OK;

    if (store == NULL)
        return;
    if (sha256_new(&journal.sha) != STATUS_OK || arena_new(&journal.arena) != STATUS_OK)
        abort();
    status = store->ops->journal_from(store, 1, on_row, &journal);
    if (status != STATUS_OK)
        sim_fail(sim, "the journal can't be read: %s", status_name(status));
    if (journal.count > 0) {
        check_places(&journal);
        check_once(&journal);
    }
    for (unsigned i = 0; i < sim->device_count && !sim_failed(sim); i++) {
        check_device(&journal, sim->devices[i]);
        check_inherited(&journal, sim->devices[i]);
    }
    free(journal.entries);
    free(journal.carried);
    arena_free(journal.arena);
    sha256_free(journal.sha);
}
