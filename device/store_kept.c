/* What the server holds of this log, and how long its entries and anchors are kept after that (E2). */
#include <string.h>

#include "device/store_internal.h"

static enum status acknowledge_anchor(struct store *store, const struct hash *hash)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, "UPDATE anchor SET acknowledged = 1 WHERE hash = ?1", &statement);

    if (status != STATUS_OK) {
        return status;
    }
    store_bind_span(statement, 1, span_of(hash->bytes, HASH_SIZE));
    return store_run(store, statement);
}

enum status store_acknowledge(struct store *store, uint64_t from_seq, uint64_t to_seq, int64_t now_ms)
{
    static const char sql[] =
        "UPDATE entry SET acknowledged_ms = ?3 WHERE seq BETWEEN ?1 AND ?2 AND acknowledged_ms IS NULL";
    struct hash last = {{0}};
    sqlite3_stmt *statement = NULL;
    enum status status = STATUS_OK;

    for (uint64_t seq = from_seq; seq <= to_seq && status == STATUS_OK; seq++) {
        struct store_entry entry = {0};

        status = store_read_entry(store, seq, &entry);
        if (status == STATUS_NOT_FOUND) {
            status = STATUS_OK; /* acknowledged once before, and no longer kept */
        } else if (status == STATUS_OK && !hash_equal(&last, &entry.entry.header.checkpoint)) {
            last = entry.entry.header.checkpoint;
            status = acknowledge_anchor(store, &last);
        }
        store_entry_done(&entry);
    }
    if (status == STATUS_OK) {
        status = store_prepare(store, sql, &statement);
    }
    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)from_seq);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)to_seq);
    sqlite3_bind_int64(statement, 3, now_ms);
    return store_run(store, statement);
}

enum status store_unacknowledge(struct store *store, uint64_t to_seq)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, "UPDATE entry SET acknowledged_ms = NULL WHERE seq > ?1", &statement);

    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)to_seq);
    status = store_run(store, statement);
    if (status == STATUS_OK) {
        status = store_prepare(store, "UPDATE anchor SET acknowledged = 0", &statement);
    }
    return status == STATUS_OK ? store_run(store, statement) : status;
}

/* One statement with one number. */
static enum status run_with(struct store *store, const char *sql, int64_t number)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, sql, &statement);

    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, number);
    return store_run(store, statement);
}

enum status store_date_acknowledged(struct store *store, int64_t now_ms)
{
    return run_with(store, "UPDATE entry SET acknowledged_ms = ?1 WHERE acknowledged_ms = 0", now_ms);
}

enum status store_forget(struct store *store, int64_t before_ms)
{
    enum status status = run_with(store,
                                  "UPDATE entry SET sealed = NULL WHERE sealed IS NOT NULL"
                                  "  AND acknowledged_ms > 0 AND acknowledged_ms < ?1",
                                  before_ms);

    if (status == STATUS_OK) {
        status =
            run_with(store, "DELETE FROM held WHERE ?1 AND seq IN (SELECT seq FROM entry WHERE sealed IS NULL)", 1);
    }
    return status;
}

enum status store_oldest_acknowledged(struct store *store, int64_t *ret_ms)
{
    static const char sql[] = "SELECT min(acknowledged_ms) FROM entry WHERE sealed IS NOT NULL AND acknowledged_ms > 0";
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, sql, &statement);

    if (status != STATUS_OK) {
        return status;
    }
    status = store_status(sqlite3_step(statement));
    if (status == STATUS_OK && sqlite3_column_type(statement, 0) == SQLITE_NULL) {
        status = STATUS_NOT_FOUND;
    }
    if (status == STATUS_OK) {
        *ret_ms = sqlite3_column_int64(statement, 0);
    }
    store_release(store, statement);
    return status;
}

enum status store_first_kept(struct store *store, uint64_t from_seq, uint64_t *ret_seq)
{
    static const char sql[] = "SELECT seq FROM entry WHERE seq >= ?1 AND sealed IS NOT NULL ORDER BY seq LIMIT 1";
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, sql, &statement);
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)from_seq);
    code = sqlite3_step(statement);
    status = code == SQLITE_DONE ? STATUS_NOT_FOUND : store_status(code);
    if (status == STATUS_OK) {
        *ret_seq = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    store_release(store, statement);
    return status;
}

enum status store_prune_anchors(struct store *store)
{
    static const char sql[] =
        "DELETE FROM anchor WHERE number <= (SELECT max(number) FROM anchor) - ?1"
        "  AND hash NOT IN (SELECT anchor FROM entry WHERE sealed IS NOT NULL AND anchor IS NOT NULL)"
        "  AND (after_seq NOT IN (SELECT seq FROM entry WHERE sealed IS NOT NULL)"
        "       OR number NOT IN (SELECT min(number) FROM anchor GROUP BY after_seq))";

    return run_with(store, sql, STORE_ANCHORS_NEWEST);
}

enum status store_hold(struct store *store, uint64_t seq, const char *reason)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, "INSERT OR REPLACE INTO held(seq, reason) VALUES(?1, ?2)", &statement);

    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)seq);
    sqlite3_bind_text(statement, 2, reason, -1, SQLITE_TRANSIENT);
    return store_run(store, statement);
}

enum status store_each_held(struct store *store, store_on_held on_held, void *context)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, "SELECT seq, reason FROM held ORDER BY seq", &statement);
    int code = SQLITE_DONE;

    if (status != STATUS_OK) {
        return status;
    }
    while ((code = sqlite3_step(statement)) == SQLITE_ROW &&
           on_held(context, (uint64_t)sqlite3_column_int64(statement, 0),
                   (const char *)sqlite3_column_text(statement, 1))) {
    }
    store_release(store, statement);
    return store_status(code);
}
