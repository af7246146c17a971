#include "admin/operator_log.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/command.h"
#include "admin/operator_online.h"
#include "core/push.h"
#include "server/edge/store_sqlite.h"
#include "server/logic/batch.h"

/* The set-up log under way: chain head, key, and the open batch. */
struct local_log {
    struct sha256 *sha;
    struct arena *arena;
    struct sign_key *key;
    struct store *store;
    struct batch *batch;
    struct id log;
    struct id boot;
    uint64_t seq;
    struct hash head;
    int64_t now_ms;
};

static void local_log_close(struct local_log *local)
{
    batch_free(local->batch);
    if (local->store != NULL)
        local->store->ops->close(local->store);
    sign_key_free(local->key);
    arena_free(local->arena);
    sha256_free(local->sha);
}

static enum status read_signing_key(const char *package, struct sign_key **ret_key)
{
    char path[PATH_SIZE];
    char *pem = NULL;
    size_t size = 0;
    enum status status = path_join(path, package, "signing.pem");

    if (status == STATUS_OK)
        status = file_read(path, &pem, &size);
    if (status != STATUS_OK)
        return status;
    status = sign_key_from_pem(span_of(pem, size), ret_key);
    explicit_bzero(pem, size);
    free(pem);
    return status;
}

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The kernel's boot id, so that the log tells one start of this machine from the next. */
static enum status read_boot_id(struct id *ret_boot)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    char text[64] = "";
    char digits[2 * ID_SIZE + 1];
    size_t count = 0;

    if (file == NULL)
        return STATUS_IO;
    if (fgets(text, sizeof(text), file) == NULL)
        text[0] = '\0';
    fclose(file);
    for (const char *at = text; *at != '\0' && *at != '\n' && count < 2 * ID_SIZE; at++) {
        if (*at != '-')
            digits[count++] = *at;
    }
    digits[count] = '\0';
    return hex_decode(digits, ID_SIZE, ret_boot->bytes) == STATUS_OK ? STATUS_OK : STATUS_IO;
}

static enum status local_log_open(const struct force_folder *folder, struct local_log *local)
{
    struct package package;
    struct device_row device;
    struct store_head head;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_WRITER, &local->store);

    if (status == STATUS_OK)
        status = sha256_new(&local->sha);
    if (status == STATUS_OK)
        status = arena_new(&local->arena);
    if (status == STATUS_OK)
        status = read_signing_key(folder->local, &local->key);
    if (status == STATUS_OK)
        status = read_boot_id(&local->boot);
    if (status == STATUS_OK)
        status = batch_open(local->store, &local->batch);
    if (status == STATUS_OK)
        status = package_read(folder->local, &package);
    if (status == STATUS_OK)
        status = local->store->ops->head(local->store, &head);
    if (status != STATUS_OK)
        return status;
    local->log = package.log;
    /* A training force's clock stands still while nobody steps it. */
    local->now_ms = head.training ? head.time_us / 1000 : wall_ms();
    if (head.pos == 0)
        return STATUS_OK;
    status = local->store->ops->device_by_log(local->store, &package.log, &device);
    if (status == STATUS_OK) {
        local->seq = device.last_seq;
        local->head = device.last_hash;
    }
    return status;
}

/* payload: room for 16 random bytes and the message; it must stay as long as the entry is used. */
static enum status seal_entry(struct local_log *local, const struct operator_entry *item, uint8_t *payload,
                              struct entry *ret_entry)
{
    struct entry entry = {.payload = span_of(payload, PAYLOAD_SALT_SIZE + item->size)};

    if (RAND_bytes(payload, PAYLOAD_SALT_SIZE) != 1)
        return STATUS_INTERNAL;
    memcpy(payload + PAYLOAD_SALT_SIZE, item->message, item->size);
    entry.header.log = local->log;
    entry.header.seq = local->seq + 1;
    entry.header.previous = local->head;
    entry.header.boot = local->boot;
    entry.header.monotonic_ms = monotonic_ms();
    entry.header.wall_ms = local->now_ms;
    entry.header.kind = item->kind;

    enum status status = entry_seal(local->sha, &entry);

    if (status != STATUS_OK)
        return status;
    local->seq++;
    local->head = entry.hash;
    *ret_entry = entry;
    return STATUS_OK;
}

/* The head is the entry sealed last. */
static enum status sign_head(const struct local_log *local, struct signature *ret_signature)
{
    uint8_t statement[HEAD_STATEMENT_SIZE];

    head_statement_encode(&local->log, local->seq, &local->head, statement);
    return sign_message(local->key, span_of(statement, sizeof(statement)), ret_signature);
}

static enum status apply_push(struct local_log *local, const struct entry *entries, size_t count)
{
    struct signature signature;
    struct push push;
    struct batch_result result;
    const struct batch_delivery delivery = {.hello_time_us = 0};
    uint8_t *raw = NULL;
    size_t size = 0;
    enum status status = sign_head(local, &signature);

    if (status == STATUS_OK)
        status = push_build(entries, count, NULL, 0, &signature, 0, &raw, &size);
    if (status == STATUS_OK) {
        arena_reset(local->arena, ARENA_FACTOR * size + ARENA_FLOOR);
        status = push_open(local->arena, local->sha, span_of(raw, size), &push);
    }
    if (status == STATUS_OK)
        status = batch_push(local->batch, &push, span_of(raw, size), &delivery, &result);
    if (status == STATUS_OK && result.status != STATUS_OK)
        status = result.status;
    if (status == STATUS_OK && result.held_count > 0) {
        complain("entry %llu would be held: %s", (unsigned long long)result.held[0].seq, result.held[0].reason);
        status = STATUS_INPUT;
    }
    free(raw);
    return status;
}

/* As many entries as one push takes, by count and by size; and the room that their payloads need. */
static size_t count_for_push(const struct operator_entries *list, size_t from, size_t *ret_size)
{
    size_t count = 0;
    size_t size = 0;

    while (from + count < list->count && count < PUSH_ENTRIES_MAX && size < MESSAGE_SIZE_MAX / 2)
        size += PAYLOAD_SALT_SIZE + list->items[from + count++].size;
    *ret_size = size;
    return count;
}

static enum status apply_some(struct local_log *local, const struct operator_entry *items, size_t count,
                              uint8_t *payloads)
{
    struct entry entries[PUSH_ENTRIES_MAX];
    size_t used = 0;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = seal_entry(local, &items[i], payloads + used, &entries[i]);
        used += PAYLOAD_SALT_SIZE + items[i].size;
    }
    return status == STATUS_OK ? apply_push(local, entries, count) : status;
}

static enum status apply_all(struct local_log *local, const struct operator_entries *entries)
{
    enum status status = batch_begin(local->batch, local->now_ms * 1000);

    if (status != STATUS_OK)
        return status;
    for (size_t done = 0; done < entries->count && status == STATUS_OK;) {
        size_t size = 0;
        size_t count = count_for_push(entries, done, &size);
        uint8_t *payloads = malloc(size);
        status = payloads == NULL ? STATUS_NO_MEMORY : apply_some(local, entries->items + done, count, payloads);
        free(payloads);
        done += count;
    }
    if (status != STATUS_OK) {
        batch_abort(local->batch);
        return status;
    }
    return batch_commit(local->batch);
}

enum status operator_entries_found(const struct force_folder *folder, const struct operator_entries *entries,
                                   int64_t now_ms)
{
    struct local_log local = {.seq = 0};
    enum status status = local_log_open(folder, &local);

    if (status == STATUS_OK) {
        local.now_ms = now_ms;
        status = apply_all(&local, entries);
    }
    if (status != STATUS_OK)
        complain_status(status, "the store could not be begun");
    local_log_close(&local);
    return status;
}

enum status operator_entries_write(const struct force_folder *folder, const struct force_facts *facts,
                                   const struct operator_entries *entries)
{
    struct local_log local = {.seq = 0};
    enum status status = local_log_open(folder, &local);

    if (status == STATUS_OK)
        status = apply_all(&local, entries);
    local_log_close(&local);
    if (status == STATUS_STORE_BUSY)
        return operator_online_write(folder, facts, entries);
    if (status != STATUS_OK)
        complain_status(status, "nothing was changed");
    return status;
}
