/* The store's copy of the server's view rows. */
#include <stdlib.h>
#include <string.h>

#include "device/store_internal.h"

enum status store_put_row(struct store *store, const struct store_row *row)
{
    static const char sql[] = "INSERT OR REPLACE INTO view(key, pos, generation, sealed) VALUES(?1, ?2, ?3, ?4)";
    struct store_place place = store_place_of('v', row->key);
    sqlite3_stmt *statement = NULL;
    uint8_t *sealed = NULL;
    size_t size = 0;
    enum status status;

    if (row->key.size == 0 || row->key.size > STORE_KEY_SIZE_MAX) {
        return STATUS_OVER_LIMIT;
    }
    status = store_seal(store, &place, row->bytes, &sealed, &size);
    if (status != STATUS_OK) {
        return status;
    }
    status = store_prepare(store, sql, &statement);
    if (status == STATUS_OK) {
        store_bind_span(statement, 1, row->key);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)row->pos);
        sqlite3_bind_int64(statement, 3, (sqlite3_int64)row->generation);
        store_bind_span(statement, 4, span_of(sealed, size));
        status = store_run(store, statement);
    }
    free(sealed);
    return status;
}

enum status store_row_place(struct store *store, struct span key, uint64_t *ret_pos, uint64_t *ret_generation)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, "SELECT pos, generation FROM view WHERE key = ?1", &statement);
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    store_bind_span(statement, 1, key);
    code = sqlite3_step(statement);
    status = code == SQLITE_DONE ? STATUS_NOT_FOUND : store_status(code);
    if (status == STATUS_OK) {
        *ret_pos = (uint64_t)sqlite3_column_int64(statement, 0);
        *ret_generation = (uint64_t)sqlite3_column_int64(statement, 1);
    }
    store_release(store, statement);
    return status;
}

enum status store_delete_row(struct store *store, struct span key)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, "DELETE FROM view WHERE key = ?1", &statement);

    if (status != STATUS_OK) {
        return status;
    }
    store_bind_span(statement, 1, key);
    return store_run(store, statement);
}

enum status store_sweep_rows(struct store *store, uint64_t generation, uint64_t *ret_count)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, "DELETE FROM view WHERE generation < ?1", &statement);

    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)generation);
    status = store_run(store, statement);
    if (status == STATUS_OK) {
        *ret_count = (uint64_t)sqlite3_changes64(store->db);
    }
    return status;
}

static enum status row_from_statement(struct store *store, sqlite3_stmt *statement, struct store_row *ret_row,
                                      uint8_t **ret_plain)
{
    struct span key = store_column_span(statement, 0);
    struct store_place place = store_place_of('v', key);
    size_t size = 0;
    enum status status = store_unseal(store, &place, store_column_span(statement, 3), ret_plain, &size);

    if (status != STATUS_OK) {
        return status;
    }
    *ret_row = (struct store_row){.key = key,
                                  .pos = (uint64_t)sqlite3_column_int64(statement, 1),
                                  .generation = (uint64_t)sqlite3_column_int64(statement, 2),
                                  .bytes = span_of(*ret_plain, size)};
    return STATUS_OK;
}

enum status store_each_row(struct store *store, struct span prefix, store_on_row on_row, void *context)
{
    static const char sql[] = "SELECT key, pos, generation, sealed FROM view WHERE key >= ?1 ORDER BY key";
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, sql, &statement);
    bool more = true;

    if (status != STATUS_OK) {
        return status;
    }
    store_bind_span(statement, 1, prefix);
    while (more && status == STATUS_OK) {
        struct store_row row;
        uint8_t *plain = NULL;
        int code = sqlite3_step(statement);

        if (code != SQLITE_ROW) {
            status = store_status(code);
            break;
        }
        status = row_from_statement(store, statement, &row, &plain);
        if (status == STATUS_OK) {
            more = row.key.size >= prefix.size && memcmp(row.key.data, prefix.data, prefix.size) == 0 &&
                   on_row(context, &row);
        }
        free(plain);
    }
    store_release(store, statement);
    return status;
}

enum status store_each_readable_row(struct store *store, store_on_row on_row, void *context)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, "SELECT key, pos, generation, sealed FROM view", &statement);
    bool more = true;

    if (status != STATUS_OK) {
        return status;
    }
    while (more && status == STATUS_OK) {
        struct store_row row;
        uint8_t *plain = NULL;
        int code = sqlite3_step(statement);

        if (code != SQLITE_ROW) {
            status = store_status(code);
            break;
        }
        status = row_from_statement(store, statement, &row, &plain);
        if (status == STATUS_OK) {
            more = on_row(context, &row);
        } else if (status != STATUS_NO_MEMORY) {
            status = STATUS_OK;
        }
        free(plain);
    }
    store_release(store, statement);
    return status;
}

enum status store_read_row(struct store *store, struct span key, uint8_t **ret_bytes, size_t *ret_size)
{
    sqlite3_stmt *statement = NULL;
    enum status status =
        store_prepare(store, "SELECT key, pos, generation, sealed FROM view WHERE key = ?1", &statement);
    struct store_row row;
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    store_bind_span(statement, 1, key);
    code = sqlite3_step(statement);
    status = code == SQLITE_DONE ? STATUS_NOT_FOUND : store_status(code);
    if (status == STATUS_OK) {
        status = row_from_statement(store, statement, &row, ret_bytes);
    }
    if (status == STATUS_OK) {
        *ret_size = row.bytes.size;
    }
    store_release(store, statement);
    return status;
}
