/* doublecrewctl rescue FILE: what a phone couldn't push, brought in by hand (D1, F1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/command.h"
#include "admin/operator_log.h"
#include "admin/time_text.h"
#include "core/push.h"
#include "core/rescue_file.h"
#include "doublecrew/v1/entry.pb-c.h"
#include "server/edge/store_sqlite.h"
#include "server/logic/batch.h"

/* Of one file: a phone's fortnight is a few hundred entries. */
#define PUSHES_MAX 1024
/* A carried push is the payload of one entry, with the message around it. */
#define CARRIED_SIZE_MAX (PAYLOAD_SIZE_MAX - PAYLOAD_SALT_SIZE - 16)

struct rescue {
    const char *file;
    struct span pushes[PUSHES_MAX];
    bool is_good[PUSHES_MAX];
    size_t count;
    size_t bad;
    struct arena *arena;
    struct sha256 *sha;
    struct store *store;
    struct batch *batch;
    /* what came of it */
    uint64_t entries, fresh, held, contested;
    bool from_lost;
};

static enum status read_frames(struct rescue *rescue, struct span bytes)
{
    struct span rest;
    enum status status = rescue_file_open(bytes, &rest);

    if (status != STATUS_OK) {
        complain("%s is not a rescue file", rescue->file);
        return status;
    }
    while (rescue->count < PUSHES_MAX &&
           (status = rescue_file_next(&rest, &rescue->pushes[rescue->count])) == STATUS_OK)
        rescue->count++;
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    complain("%s is not whole after its %zu. push: copy it from the phone again; nothing was taken in", rescue->file,
             rescue->count);
    return status == STATUS_OK ? STATUS_OVER_LIMIT : status;
}

static enum status open_push(struct rescue *rescue, size_t index, struct push *ret_push)
{
    arena_reset(rescue->arena, (size_t)2 * ARENA_FACTOR * rescue->pushes[index].size + (size_t)PUSH_ENTRIES_MAX * 1024);
    return push_open(rescue->arena, rescue->sha, rescue->pushes[index], ret_push);
}

/* Its log is enrolled here, and its bytes are as its phone signed them. */
static enum status check_push(struct rescue *rescue, struct store *store, size_t index)
{
    struct device_row device;
    struct verify_key *key = NULL;
    struct push push;
    enum status status = open_push(rescue, index, &push);

    if (status == STATUS_OK)
        status = store->ops->device_by_log(store, &push.log, &device);
    if (status == STATUS_OK)
        status = verify_key_new(&device.key, &key);
    if (status == STATUS_OK)
        status = push_verify(&push, key);
    verify_key_free(key);
    if (status == STATUS_OK && device.standing == DEVICE_LOST)
        rescue->from_lost = true;
    return status == STATUS_NOT_FOUND ? STATUS_UNKNOWN_LOG : status;
}

/* Every fault is named before anything is changed. */
static enum status check_all(struct rescue *rescue, const struct force_folder *folder)
{
    struct store *store = NULL;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_READER, &store);

    if (status != STATUS_OK)
        return complain_status(status, "the store could not be read"), status;
    for (size_t i = 0; i < rescue->count; i++) {
        enum status fault = check_push(rescue, store, i);

        rescue->is_good[i] = fault == STATUS_OK;
        rescue->bad += fault != STATUS_OK;
        if (fault != STATUS_OK)
            fprintf(stderr, "%s: push %zu of %zu: %s (%s)\n", rescue->file, i + 1, rescue->count, status_what(fault),
                    status_name(fault));
    }
    store->ops->close(store);
    return STATUS_OK;
}

static enum status apply_push(struct rescue *rescue, size_t index, int64_t now_us)
{
    const struct batch_delivery delivery = {.import = true};
    struct batch_result result;
    struct device_row before;
    struct push push;
    enum status status = open_push(rescue, index, &push);

    if (status == STATUS_OK)
        status = rescue->store->ops->device_by_log(rescue->store, &push.log, &before);
    if (status == STATUS_OK)
        status = batch_begin(rescue->batch, now_us);
    if (status != STATUS_OK)
        return status;
    status = batch_push(rescue->batch, &push, rescue->pushes[index], &delivery, &result);
    if (status != STATUS_OK) {
        batch_abort(rescue->batch);
        return status;
    }
    status = batch_commit(rescue->batch);
    if (status == STATUS_OK && result.status != STATUS_OK && result.status != STATUS_LOG_FORK)
        status = result.status;
    if (status != STATUS_OK)
        return status;
    rescue->entries += push.entry_count;
    rescue->fresh += result.durable_seq - before.last_seq;
    rescue->held += result.held_count;
    rescue->contested += result.status == STATUS_LOG_FORK ? push.entry_count : 0;
    return STATUS_OK;
}

/* A training force's clock is its journal's. */
static int64_t now_us(const struct store_head *head)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return head->training ? head->time_us : (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Each push commits by itself: what is in stays in, and the same file again is harmless. */
static enum status apply_all(struct rescue *rescue)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < rescue->count && status == STATUS_OK; i++) {
        if (rescue->is_good[i])
            status = apply_push(rescue, i, now_us(batch_head(rescue->batch)));
        if (status == STATUS_LOG_GAP)
            complain("push %zu of %zu does not follow what the server holds of this log: entries before it are "
                     "missing. Let the phone export everything again",
                     i + 1, rescue->count);
        else if (status != STATUS_OK)
            complain_status(status, "push %zu of %zu could not be taken in", i + 1, rescue->count);
    }
    return status;
}

static void report(const struct rescue *rescue)
{
    printf("Taken in: %llu entries, %llu of them new.\n", (unsigned long long)rescue->entries,
           (unsigned long long)rescue->fresh + rescue->contested);
    if (rescue->contested > 0)
        puts("Another copy of this phone had pushed other entries: both are kept, and contested until a supervisor "
             "decides. Enrol the phone again.");
    else if (rescue->from_lost)
        puts("The device is lost: what it recorded from the time of the loss on is held until a supervisor decides.");
    else if (rescue->held > 0)
        printf("%llu of them are kept, but count for nothing until a supervisor decides.\n",
               (unsigned long long)rescue->held);
}

/* Beside a running server: in the operator's own log, as a partner would carry them (C1). */
static enum status carry_all(struct rescue *rescue, const struct force_folder *folder, const struct force_facts *facts)
{
    struct operator_entries entries = {.count = 0};
    enum status status = STATUS_OK;

    for (size_t i = 0; i < rescue->count && status == STATUS_OK; i++) {
        Doublecrew__V1__Carried carried = DOUBLECREW__V1__CARRIED__INIT;

        if (!rescue->is_good[i])
            continue;
        if (rescue->pushes[i].size > CARRIED_SIZE_MAX) {
            complain("push %zu is too large to be carried to a running server: stop the server, and run this again",
                     i + 1);
            status = STATUS_OVER_LIMIT;
        }
        carried.push.data = (uint8_t *)(uintptr_t)rescue->pushes[i].data; /* packing only reads */
        carried.push.len = rescue->pushes[i].size;
        if (status == STATUS_OK)
            status = operator_entries_add(&entries, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CARRIED, &carried.base);
    }
    if (status == STATUS_OK)
        status = operator_entries_write(folder, facts, &entries);
    operator_entries_done(&entries);
    if (status == STATUS_OK)
        printf("Carried to the running server: %zu pushes. They count as from now; only by itself, or by this command "
               "while no server runs, does the phone's log report that nothing else is missing from it.\n",
               rescue->count - rescue->bad);
    return status;
}

static enum status take_in(struct rescue *rescue, const struct force_folder *folder, const struct force_facts *facts)
{
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_WRITER, &rescue->store);

    if (status == STATUS_STORE_BUSY)
        return carry_all(rescue, folder, facts);
    if (status == STATUS_OK)
        status = batch_open(rescue->store, &rescue->batch);
    if (status != STATUS_OK)
        return complain_status(status, "the store could not be opened"), status;
    status = apply_all(rescue);
    if (rescue->entries > 0)
        report(rescue);
    return status;
}

static enum status rescue_file(struct rescue *rescue, const struct force_folder *folder,
                               const struct force_facts *facts, struct span bytes, bool partly)
{
    enum status status = read_frames(rescue, bytes);

    if (status == STATUS_OK)
        status = check_all(rescue, folder);
    if (status != STATUS_OK)
        return status;
    if (rescue->count == 0) {
        puts("The file holds nothing: the phone had pushed everything.");
        return STATUS_OK;
    }
    if (rescue->bad > 0 && !partly) {
        complain("%s: nothing was taken in. Copy it from the phone again; with --partly what is sound is taken in",
                 rescue->file);
        return STATUS_INPUT;
    }
    if (rescue->bad == rescue->count) {
        complain("%s: no push of it is sound", rescue->file);
        return STATUS_INPUT;
    }
    return take_in(rescue, folder, facts);
}

static void rescue_done(struct rescue *rescue)
{
    batch_free(rescue->batch);
    if (rescue->store != NULL)
        rescue->store->ops->close(rescue->store);
    sha256_free(rescue->sha);
    arena_free(rescue->arena);
    free(rescue);
}

int command_rescue(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *plain[1];
    size_t plain_count = 0;
    size_t size = 0;
    char *bytes = NULL;
    bool partly = false;
    const struct option_spec specs[] = {{"dir", &dir, NULL}, {"partly", NULL, &partly}};
    struct force_folder folder;
    struct force_facts facts;
    struct rescue *rescue = NULL;
    enum status status;

    if (!options_read(command, argc, argv, specs, 2, plain, 1, &plain_count))
        return EXIT_USAGE;
    if (plain_count != 1)
        return complain_usage(command);
    if (!force_open(dir, &folder, &facts))
        return EXIT_FAILED;
    status = file_read(plain[0], &bytes, &size);
    if (status != STATUS_OK)
        return complain_status(status, "%s could not be read", plain[0]);
    rescue = calloc(1, sizeof(*rescue));
    if (rescue == NULL || arena_new(&rescue->arena) != STATUS_OK || sha256_new(&rescue->sha) != STATUS_OK) {
        complain_status(STATUS_NO_MEMORY, "nothing was taken in");
        status = STATUS_NO_MEMORY;
    } else {
        rescue->file = plain[0];
        status = rescue_file(rescue, &folder, &facts, span_of(bytes, size), partly);
    }
    if (rescue != NULL)
        rescue_done(rescue);
    free(bytes);
    return status == STATUS_OK ? EXIT_DONE : EXIT_FAILED;
}
