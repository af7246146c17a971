/* Creating, opening and closing a store file; every connection's settings. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/edge/store_sqlite_answers.h"
#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_index.h"
#include "server/edge/store_sqlite_internal.h"
#include "server/edge/store_sqlite_logs.h"

#define BUSY_TIMEOUT_MS 2000 /* only recovery of the log after a crash holds a lock that others wait for */

static int exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void limit_statements(sqlite3 *db)
{
    static const struct {
        int id;
        int value;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, STORE_ROW_SIZE_MAX},
        {SQLITE_LIMIT_SQL_LENGTH, 16 * 1024},
        {SQLITE_LIMIT_COLUMN, 64},
        {SQLITE_LIMIT_EXPR_DEPTH, 64}, /* quick_check's own statements need depth */
        {SQLITE_LIMIT_COMPOUND_SELECT, 4},
        {SQLITE_LIMIT_FUNCTION_ARG, 8},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 64},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 0},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        (void)sqlite3_limit(db, limits[i].id, limits[i].value);
}

static int defend(sqlite3 *db)
{
    static const struct {
        int option;
        int value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    };
    int code = SQLITE_OK;

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && code == SQLITE_OK; i++)
        code = sqlite3_db_config(db, options[i].option, options[i].value, NULL);
    return code;
}

/* Nothing here writes to the file: it may yet turn out to be a stranger's. */
static enum status configure_any(sqlite3 *db)
{
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    limit_statements(db);
    int code = defend(db);
    if (code == SQLITE_OK)
        code = exec(db, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON;"
                        "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;");
    return sq_status(db, code);
}

static enum status configure_reader(sqlite3 *db)
{
    int code = exec(db, "PRAGMA query_only = ON");

    if (code == SQLITE_OK)
        code = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return sq_status(db, code);
}

static enum status configure_writer(sqlite3 *db)
{
    char sql[192];

    (void)snprintf(sql, sizeof(sql),
                   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                   "PRAGMA journal_size_limit = %d; PRAGMA cache_size = -65536;",
                   STORE_WAL_SIZE_MAX);
    return sq_status(db, exec(db, sql));
}

enum status sq_configure(sqlite3 *db, enum store_sqlite_mode mode)
{
    enum status status = configure_any(db);

    if (status != STATUS_OK)
        return status;
    return mode == STORE_SQLITE_WRITER ? configure_writer(db) : configure_reader(db);
}

/* One number of a pragma that gives one. */
static enum status read_pragma(sqlite3 *db, const char *sql, int64_t *ret_value)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    int64_t value = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    (void)sqlite3_finalize(stmt);
    if (code != SQLITE_ROW)
        return code == SQLITE_DONE ? STATUS_STORE : sq_status(db, code);
    *ret_value = value;
    return STATUS_OK;
}

static enum status migrate(sqlite3 *db, int from_version)
{
    enum status status = sq_status(db, exec(db, "BEGIN IMMEDIATE"));

    if (status == STATUS_OK)
        status = sq_schema_migrate(db, from_version);
    if (status == STATUS_OK)
        status = sq_status(db, exec(db, "COMMIT"));
    if (status != STATUS_OK)
        (void)exec(db, "ROLLBACK");
    return status;
}

/* Reads what the file says it is; then only the writer may bring it up to date. */
static enum status settle_version(sqlite3 *db, enum store_sqlite_mode mode)
{
    int64_t application = 0;
    int64_t version = 0;
    enum status status = read_pragma(db, "PRAGMA application_id", &application);

    if (status == STATUS_OK)
        status = read_pragma(db, "PRAGMA user_version", &version);
    if (status != STATUS_OK)
        return status;
    if (application != SQ_APPLICATION_ID)
        return STATUS_STORE;
    bool current = version == sq_schema_version();
    if (version < 1 || version > sq_schema_version() || (!current && mode == STORE_SQLITE_READER))
        return STATUS_STORE_VERSION;
    status = mode == STORE_SQLITE_WRITER ? configure_writer(db) : configure_reader(db);
    return status != STATUS_OK || current ? status : migrate(db, (int)version);
}

enum status sq_lock_writer(const char *path, int *ret_fd)
{
    char lock_path[PATH_MAX];

    if (snprintf(lock_path, sizeof(lock_path), "%s.lock", path) >= (int)sizeof(lock_path))
        return STATUS_OVER_LIMIT;
    int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == ENOSPC ? STATUS_DISK_FULL : STATUS_IO;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum status status = errno == EWOULDBLOCK ? STATUS_STORE_BUSY : STATUS_IO;
        (void)close(fd);
        return status;
    }
    *ret_fd = fd;
    return STATUS_OK;
}

enum status store_sqlite_lock(const char *path, int *ret_fd)
{
    return sq_lock_writer(path, ret_fd);
}

/* The lock outlives the connection, whose closing may still checkpoint. */
void sq_close(sqlite3 *db, int lock_fd)
{
    (void)sqlite3_close(db);
    if (lock_fd >= 0)
        (void)close(lock_fd);
}

static int after_commit(void *context, sqlite3 *db, const char *name, int pages)
{
    struct store_sqlite *self = context;

    (void)db;
    (void)name;
    self->wal_pages = pages;
    return SQLITE_OK;
}

enum status sq_connect(const char *path, int flags, sqlite3 **ret_db)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    enum status status = db ? sq_status(db, code) : STATUS_NO_MEMORY;

    if (status == STATUS_OK)
        status = configure_any(db);
    if (status != STATUS_OK) {
        (void)sqlite3_close(db);
        return status;
    }
    *ret_db = db;
    return STATUS_OK;
}

static enum status open_file(const char *path, enum store_sqlite_mode mode, struct store_sqlite *self)
{
    int flags = mode == STORE_SQLITE_WRITER ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    struct stat facts;

    if (stat(path, &facts) != 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
    enum status status = mode == STORE_SQLITE_WRITER ? sq_lock_writer(path, &self->lock_fd) : STATUS_OK;
    if (status == STATUS_OK)
        status = sq_connect(path, flags, &self->db);
    if (status == STATUS_OK)
        status = settle_version(self->db, mode);
    return status;
}

void store_sqlite_start(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* refused once SQLite is in use: then it stays as it was */
}

/* What only the writer keeps in memory. */
static enum status open_memory(struct store_sqlite *self)
{
    enum status status = sq_cache_new(&self->cache);

    if (status == STATUS_OK)
        status = sq_index_new(&self->index);
    if (status == STATUS_OK)
        status = sq_answers_new(&self->answers);
    if (status == STATUS_OK)
        status = sq_logs_new(&self->logs);
    if (status != STATUS_OK)
        sq_free_memory(self);
    return status;
}

enum status store_sqlite_open(const char *path, enum store_sqlite_mode mode, struct store **ret_store)
{
    struct store_sqlite *self = calloc(1, sizeof(*self));

    if (!self)
        return STATUS_NO_MEMORY;
    self->lock_fd = -1;
    enum status status = open_file(path, mode, self);
    if (status == STATUS_OK && mode == STORE_SQLITE_WRITER)
        status = open_memory(self);
    if (status != STATUS_OK) {
        sq_close(self->db, self->lock_fd);
        free(self);
        return status;
    }
    (void)sqlite3_wal_hook(self->db, after_commit, self);
    sq_transaction_ops(&self->ops);
    sq_journal_ops(&self->ops);
    sq_roster_ops(&self->ops);
    sq_anchor_ops(&self->ops);
    sq_presence_ops(&self->ops);
    sq_edit_ops(&self->ops);
    sq_flag_ops(&self->ops);
    sq_view_ops(&self->ops);
    sq_feed_ops(&self->ops);
    sq_contact_ops(&self->ops);
    sq_digest_ops(&self->ops);
    sq_proposal_ops(&self->ops);
    sq_dump_ops(&self->ops);
    self->base.ops = &self->ops;
    *ret_store = &self->base;
    return STATUS_OK;
}
