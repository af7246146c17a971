/* Whole files: creating a store, copying it, checking it. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/edge/store_sqlite_internal.h"

/* SHA-256 of nothing: the root of an empty tree (core/merkle.h). */
#define EMPTY_ROOT "x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'"

/* Claims the name, so that SQLite finds a file of ours, and of our mode, whatever the umask. */
static enum status claim(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        switch (errno) {
        case EEXIST:
            return STATUS_EXISTS;
        case ENOSPC:
            return STATUS_DISK_FULL;
        case ENOENT:
        case ENOTDIR:
            return STATUS_NOT_FOUND;
        default:
            return STATUS_IO;
        }
    }
    int failed = fchmod(fd, 0600);
    return close(fd) != 0 || failed ? STATUS_IO : STATUS_OK;
}

static enum status sync_folder_of(const char *path)
{
    char copy[PATH_MAX];

    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return STATUS_OVER_LIMIT;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return STATUS_IO;
    int failed = fsync(fd);
    return close(fd) != 0 || failed ? STATUS_IO : STATUS_OK;
}

static void remove_file(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".lock"};
    char name[PATH_MAX];

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (snprintf(name, sizeof(name), "%s%s", path, suffixes[i]) < (int)sizeof(name))
            (void)unlink(name);
    }
}

static enum status fill(sqlite3 *db, bool training)
{
    char sql[512];

    (void)snprintf(sql, sizeof(sql),
                   "PRAGMA application_id = %d;"
                   "INSERT INTO head (one, pos, time_us, force, epoch, root, training, timers_held, engine)"
                   " VALUES (1, 0, 0, zeroblob(16), zeroblob(16), " EMPTY_ROOT ", %d, 0, '');",
                   SQ_APPLICATION_ID, training ? 1 : 0);
    enum status status = sq_status(db, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
    if (status == STATUS_OK)
        status = sq_schema_migrate(db, 0);
    if (status == STATUS_OK)
        status = sq_status(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
    if (status == STATUS_OK)
        status = sq_status(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    return status;
}

static enum status create_in(const char *path, bool training)
{
    sqlite3 *db = NULL;
    int lock_fd = -1;
    enum status status = sq_lock_writer(path, &lock_fd);

    if (status == STATUS_OK)
        status = sq_connect(path, SQLITE_OPEN_READWRITE, &db);
    if (status == STATUS_OK)
        status = sq_configure(db, STORE_SQLITE_WRITER);
    if (status == STATUS_OK)
        status = fill(db, training);
    sq_close(db, lock_fd);
    return status == STATUS_OK ? sync_folder_of(path) : status;
}

enum status store_sqlite_create(const char *path, bool training)
{
    enum status status = claim(path);

    if (status != STATUS_OK)
        return status;
    status = create_in(path, training);
    if (status != STATUS_OK)
        remove_file(path);
    return status;
}

static enum status copy(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");

    if (!backup)
        return sq_status(to, sqlite3_errcode(to));
    /* All in one step: between steps the source could change, and the copy would begin again. */
    (void)sqlite3_backup_step(backup, -1);
    return sq_status(to, sqlite3_backup_finish(backup));
}

static enum status backup_into(sqlite3 *from, const char *path_to)
{
    sqlite3 *to = NULL;
    enum status status = sq_connect(path_to, SQLITE_OPEN_READWRITE, &to);

    if (status == STATUS_OK)
        status = copy(from, to);
    if (sqlite3_close(to) != SQLITE_OK && status == STATUS_OK)
        status = STATUS_IO;
    return status == STATUS_OK ? sync_folder_of(path_to) : status;
}

enum status store_sqlite_backup(const char *path_from, const char *path_to)
{
    struct store *store = NULL;
    enum status status = store_sqlite_open(path_from, STORE_SQLITE_READER, &store);

    if (status != STATUS_OK)
        return status;
    status = claim(path_to);
    if (status == STATUS_OK) {
        status = backup_into(((struct store_sqlite *)store)->db, path_to);
        if (status != STATUS_OK)
            remove_file(path_to);
    }
    store->ops->close(store);
    return status;
}

enum status store_sqlite_integrity(const char *path)
{
    struct store *store = NULL;
    sqlite3_stmt *stmt = NULL;
    enum status status = store_sqlite_open(path, STORE_SQLITE_READER, &store);

    if (status != STATUS_OK)
        return status;
    sqlite3 *db = ((struct store_sqlite *)store)->db;
    int code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        status = strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0 ? STATUS_OK : STATUS_STORE;
    else
        status = code == SQLITE_DONE ? STATUS_STORE : sq_status(db, code);
    (void)sqlite3_finalize(stmt);
    store->ops->close(store);
    return status;
}
