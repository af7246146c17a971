/* Transactions, and the writer's checkpoints. */
#include <stdlib.h>

#include "server/edge/store_sqlite_answers.h"
#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_index.h"
#include "server/edge/store_sqlite_internal.h"
#include "server/edge/store_sqlite_logs.h"

#define LOG_PAGES (STORE_WAL_SIZE_MAX / SQ_PAGE_SIZE)
#define LOG_PAGES_IDLE (LOG_PAGES / 8)     /* in a quiet moment: soon done */
#define LOG_PAGES_TOLD (LOG_PAGES / 4 * 3) /* when nobody waits for this commit any more */

static enum status begin(struct store *store)
{
    enum status status = sq_do(store, SQ_BEGIN_WRITE);

    if (status == STATUS_OK)
        ((struct store_sqlite *)store)->changes_before = sqlite3_total_changes64(((struct store_sqlite *)store)->db);
    return status;
}

/* A transaction that wrote nothing leaves what is in hand as true as it was. */
static bool has_written(const struct store_sqlite *self)
{
    return sqlite3_total_changes64(self->db) != self->changes_before || sq_cache_has_unwritten(self);
}

/*
 * Passive: waits for no reader, takes what it can. A failure here loses nothing, as the log is durable; a later commit
 * tries again. While a reader holds the log back, attempts are spaced by a quarter of the limit.
 */
static void checkpoint_beyond(struct store_sqlite *self, int pages)
{
    int in_log = 0;
    int done = 0;

    if (self->wal_pages < pages || self->wal_pages < self->checkpoint_pages)
        return;
    int code = sqlite3_wal_checkpoint_v2(self->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &done);
    if (code != SQLITE_OK)
        self->code = code;
    bool whole = code == SQLITE_OK && done == in_log;
    self->checkpoint_pages = whole ? 0 : self->wal_pages + LOG_PAGES / 4;
    if (whole)
        self->wal_pages = 0; /* the next commit begins the log anew, unless somebody reads from it */
}

static void rest(struct store *store, bool idle)
{
    checkpoint_beyond((struct store_sqlite *)store, idle ? LOG_PAGES_IDLE : LOG_PAGES_TOLD);
}

static enum status commit(struct store *store)
{
    struct store_sqlite *self = (struct store_sqlite *)store;
    enum status status = sq_cache_write(self, UINT32_MAX);

    if (status == STATUS_OK)
        status = sq_do(store, SQ_COMMIT);
    if (status != STATUS_OK)
        return status;
    self->changes_before = sqlite3_total_changes64(self->db);
    sq_cache_trim(self);
    sq_index_trim(self);
    checkpoint_beyond(self, LOG_PAGES);
    return STATUS_OK;
}

void sq_forget(struct store_sqlite *self)
{
    self->contested_known = false;
    sq_cache_drop(self);
    sq_index_drop(self);
    sq_answers_drop(self);
    sq_logs_drop(self);
}

static void rollback(struct store *store)
{
    struct store_sqlite *self = (struct store_sqlite *)store;

    if (has_written(self))
        sq_forget(self);
    self->changes_before = sqlite3_total_changes64(self->db);
    /* After some errors SQLite has rolled back by itself. */
    if (!sqlite3_get_autocommit(self->db) && sq_do(store, SQ_ROLLBACK) != STATUS_OK)
        (void)sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
}

static enum status savepoint(struct store *store)
{
    struct store_sqlite *self = (struct store_sqlite *)store;
    enum status status = sqlite3_get_autocommit(self->db) ? STATUS_INTERNAL : sq_cache_write(self, UINT32_MAX);

    return status == STATUS_OK ? sq_do(store, SQ_SAVEPOINT) : status;
}

static enum status savepoint_release(struct store *store)
{
    return sq_do(store, SQ_SAVEPOINT_RELEASE);
}

static void savepoint_rollback(struct store *store)
{
    sq_forget((struct store_sqlite *)store);
    /* Should it fail, the transaction can't be trusted: then nothing of it may be committed. */
    if (sq_do(store, SQ_SAVEPOINT_ROLLBACK) != STATUS_OK || sq_do(store, SQ_SAVEPOINT_RELEASE) != STATUS_OK)
        rollback(store);
}

static enum status begin_read(struct store *store)
{
    struct store_head head;
    enum status status = sq_do(store, SQ_BEGIN_READ);

    if (status != STATUS_OK)
        return status;
    status = store->ops->head(store, &head); /* SQLite takes the snapshot at the first read */
    if (status != STATUS_OK)
        rollback(store);
    return status;
}

static void end_read(struct store *store)
{
    rollback(store);
}

void sq_free_memory(struct store_sqlite *self)
{
    sq_cache_free(self->cache);
    sq_index_free(self->index);
    sq_answers_free(self->answers);
    sq_logs_free(self->logs);
}

static void close_store(struct store *store)
{
    struct store_sqlite *self = (struct store_sqlite *)store;

    sq_free_statements(self);
    sq_free_memory(self);
    sq_close(self->db, self->lock_fd);
    free(self->scratch);
    free(self);
}

const char *store_sqlite_detail(const struct store *store)
{
    return sqlite3_errstr(((const struct store_sqlite *)store)->code);
}

void sq_transaction_ops(struct store_ops *ops)
{
    ops->begin = begin;
    ops->commit = commit;
    ops->rest = rest;
    ops->rollback = rollback;
    ops->savepoint = savepoint;
    ops->savepoint_release = savepoint_release;
    ops->savepoint_rollback = savepoint_rollback;
    ops->begin_read = begin_read;
    ops->end_read = end_read;
    ops->close = close_store;
}
