#include "server/edge/journal_copy.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/edge/queue.h"
#include "server/edge/store_sqlite.h"
#include "server/logic/batch.h"

/* What a crash of this machine may cost the copy; and how long a place that failed is left in peace. */
#define LOOK_EVERY_US ((int64_t)250 * 1000)
#define RETRY_FIRST_US ((int64_t)1000 * 1000)
#define RETRY_LONGEST_US ((int64_t)30 * 1000 * 1000)
/* Of one read snapshot, which holds up the WAL's checkpoint. */
#define STRETCH_ROWS 256

struct stretch {
    struct copier *copier;
    unsigned rows;
};

static enum status copy_row(void *context, const struct journal_row *row)
{
    struct stretch *stretch = context;

    if (stretch->rows++ == STRETCH_ROWS)
        return STATUS_CANCELLED;
    enum status status = copy_writer_row(stretch->copier->writer, row);
    if (status == STATUS_OK)
        stretch->copier->pos = row->first_pos + row->count - 1;
    return status;
}

/* The root over the copied records must be the store's over as many. */
static enum status same_journal(struct store *store, const struct store_head *head, uint64_t pos,
                                const struct hash *root)
{
    struct hash proof[MERKLE_PROOF_MAX];
    struct sha256 *sha = NULL;
    size_t count = 0;
    enum status status;

    if (pos == 0)
        return STATUS_OK;
    if (pos > head->pos)
        return STATUS_STORE;
    if (pos == head->pos)
        return hash_equal(root, &head->root) ? STATUS_OK : STATUS_STORE;
    status = journal_prove_consistency(store, pos, head->pos, proof, &count);
    if (status == STATUS_OK)
        status = sha256_new(&sha);
    if (status == STATUS_OK &&
        merkle_verify_consistency(sha, pos, root, head->pos, &head->root, proof, count) != STATUS_OK)
        status = STATUS_STORE;
    sha256_free(sha);
    return status;
}

static enum status open_writer(struct copier *copier, const struct store_head *head)
{
    struct hash root;
    enum status status = copy_writer_open(copier->folder, head, &copier->writer, &copier->pos, &root);

    if (status != STATUS_OK)
        return status;
    copier->marked_pos = copier->pos;
    return same_journal(copier->store, head, copier->pos, &root);
}

/* One snapshot. *ret_done: everything up to its head is on disk. */
static enum status copy_stretch(struct copier *copier, bool *ret_done)
{
    struct stretch stretch = {.copier = copier};
    struct store_head head;
    enum status status = copier->store->ops->head(copier->store, &head);

    if (status == STATUS_OK && head.pos > 0 && copier->writer == NULL)
        status = open_writer(copier, &head);
    if (status != STATUS_OK || head.pos == 0 || copier->marked_pos == head.pos) {
        *ret_done = true;
        return status;
    }
    status = copier->store->ops->journal_from(copier->store, copier->pos + 1, copy_row, &stretch);
    if (status != STATUS_OK && status != STATUS_CANCELLED)
        return status;
    *ret_done = copier->pos == head.pos;
    if (!*ret_done)
        return status == STATUS_CANCELLED ? STATUS_OK : STATUS_STORE;
    status = copy_writer_mark(copier->writer, &head);
    if (status == STATUS_OK)
        copier->marked_pos = head.pos;
    return status;
}

void copier_done(struct copier *copier)
{
    copy_writer_close(copier->writer);
    copier->writer = NULL;
}

enum status copier_look(struct copier *copier)
{
    enum status status = STATUS_OK;
    bool done = false;

    while (status == STATUS_OK && !done) {
        status = copier->store->ops->begin_read(copier->store);
        if (status != STATUS_OK)
            break;
        status = copy_stretch(copier, &done);
        copier->store->ops->end_read(copier->store);
    }
    if (status != STATUS_OK)
        copier_done(copier);
    return status;
}

/* The thread -------------------------------------------------------------------------------------------------------- */

struct journal_copy {
    pthread_t thread;
    struct queue *stop; /* nothing is ever pushed: closing it ends the thread */
    struct copier copier;
    struct log *log;
    bool failing;
    int64_t retry_us;
};

static void look(struct journal_copy *copy)
{
    enum status status = copier_look(&copy->copier);

    if (status != STATUS_OK && !copy->failing)
        LOG(copy->log, LOG_ERROR, "journal_copy_failed", log_status("error", status),
            log_number("copied", (int64_t)copy->copier.marked_pos), log_text("advice", status_advice(status)));
    if (status == STATUS_OK && copy->failing)
        LOG(copy->log, LOG_WARNING, "journal_copy_works_again", log_number("copied", (int64_t)copy->copier.marked_pos));
    if (status == STATUS_OK)
        copy->retry_us = RETRY_FIRST_US;
    else if (copy->failing)
        copy->retry_us = 2 * copy->retry_us < RETRY_LONGEST_US ? 2 * copy->retry_us : RETRY_LONGEST_US;
    copy->failing = status != STATUS_OK;
}

static void *run(void *context)
{
    struct journal_copy *copy = context;
    char none;

    do
        look(copy);
    while (queue_pop(copy->stop, copy->failing ? copy->retry_us : LOOK_EVERY_US, &none) == STATUS_TIMEOUT);
    look(copy);
    return NULL;
}

static void free_copy(struct journal_copy *copy)
{
    copier_done(&copy->copier);
    if (copy->copier.store != NULL)
        copy->copier.store->ops->close(copy->copier.store);
    queue_free(copy->stop);
    free(copy);
}

enum status journal_copy_start(const char *store_path, const char *folder, struct log *log,
                               struct journal_copy **ret_copy)
{
    struct journal_copy *copy = calloc(1, sizeof(*copy));
    enum status status;

    if (copy == NULL)
        return STATUS_NO_MEMORY;
    copy->copier.folder = folder;
    copy->log = log;
    copy->retry_us = RETRY_FIRST_US;
    status = queue_new(1, 1, &copy->stop);
    if (status == STATUS_OK)
        status = store_sqlite_open(store_path, STORE_SQLITE_READER, &copy->copier.store);
    if (status == STATUS_OK && pthread_create(&copy->thread, NULL, run, copy) != 0)
        status = STATUS_NO_MEMORY;
    if (status != STATUS_OK) {
        free_copy(copy);
        return status;
    }
    *ret_copy = copy;
    return STATUS_OK;
}

void journal_copy_stop(struct journal_copy *copy)
{
    if (copy == NULL)
        return;
    queue_close(copy->stop);
    pthread_join(copy->thread, NULL);
    free_copy(copy);
}
