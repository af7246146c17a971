/* The store's log: entries, in order. */
#include <stdlib.h>
#include <string.h>

#include "device/store_internal.h"

void store_entry_done(struct store_entry *entry)
{
    free(entry->bytes);
    memset(entry, 0, sizeof *entry);
}

enum status store_head(struct store *store, uint64_t *ret_seq, struct hash *ret_hash)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, "SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1", &statement);
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    code = sqlite3_step(statement);
    status = code == SQLITE_DONE ? STATUS_NOT_FOUND : store_status(code);
    if (status == STATUS_OK) {
        status = hash_from_span(store_column_span(statement, 1), ret_hash);
    }
    if (status == STATUS_OK) {
        *ret_seq = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    store_release(store, statement);
    return status;
}

static enum status seal_entry(struct store *store, const struct entry *entry, uint8_t **ret_sealed, size_t *ret_size)
{
    struct store_place place = store_place_of_number('e', entry->header.seq);
    uint8_t *plain = malloc(ENTRY_HEADER_SIZE + entry->payload.size);
    enum status status;

    if (!plain) {
        return STATUS_NO_MEMORY;
    }
    entry_header_encode(&entry->header, plain);
    memcpy(plain + ENTRY_HEADER_SIZE, entry->payload.data, entry->payload.size);
    status = store_seal(store, &place, span_of(plain, ENTRY_HEADER_SIZE + entry->payload.size), ret_sealed, ret_size);
    free(plain);
    return status;
}

enum status store_append(struct store *store, const struct entry *entry)
{
    sqlite3_stmt *statement = NULL;
    uint8_t *sealed = NULL;
    size_t size = 0;
    enum status status = seal_entry(store, entry, &sealed, &size);

    if (status != STATUS_OK) {
        return status;
    }
    status = store_prepare(store, "INSERT INTO entry(seq, hash, anchor, sealed) VALUES(?1, ?2, ?4, ?3)", &statement);
    if (status == STATUS_OK) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)entry->header.seq);
        store_bind_span(statement, 2, span_of(entry->hash.bytes, HASH_SIZE));
        store_bind_span(statement, 3, span_of(sealed, size));
        if (!hash_is_zero(&entry->header.checkpoint)) {
            store_bind_span(statement, 4, span_of(entry->header.checkpoint.bytes, HASH_SIZE));
        }
        status = store_run(store, statement);
    }
    free(sealed);
    return status;
}

/* From a row of (seq, hash, sealed). */
static enum status entry_from_row(struct store *store, sqlite3_stmt *statement, struct store_entry *ret_entry)
{
    struct store_place place = store_place_of_number('e', (uint64_t)sqlite3_column_int64(statement, 0));
    struct store_entry entry = {0};
    size_t size = 0;
    enum status status;

    if (sqlite3_column_type(statement, 2) == SQLITE_NULL) {
        return STATUS_NOT_FOUND;
    }
    status = hash_from_span(store_column_span(statement, 1), &entry.entry.hash);
    if (status == STATUS_OK) {
        status = store_unseal(store, &place, store_column_span(statement, 2), &entry.bytes, &size);
    }
    if (status == STATUS_OK) {
        status = size < ENTRY_HEADER_SIZE ? STATUS_STORE : entry_header_decode(entry.bytes, &entry.entry.header);
    }
    if (status != STATUS_OK) {
        store_entry_done(&entry);
        return status;
    }
    entry.entry.payload = span_of(entry.bytes + ENTRY_HEADER_SIZE, size - ENTRY_HEADER_SIZE);
    *ret_entry = entry;
    return STATUS_OK;
}

enum status store_read_entry(struct store *store, uint64_t seq, struct store_entry *ret_entry)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, "SELECT seq, hash, sealed FROM entry WHERE seq = ?1", &statement);
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)seq);
    code = sqlite3_step(statement);
    status = code == SQLITE_DONE ? STATUS_NOT_FOUND : store_status(code);
    if (status == STATUS_OK) {
        status = entry_from_row(store, statement, ret_entry);
    }
    store_release(store, statement);
    return status;
}

enum status store_entry_hash(struct store *store, uint64_t seq, struct hash *ret_hash)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, "SELECT hash FROM entry WHERE seq = ?1", &statement);
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)seq);
    code = sqlite3_step(statement);
    status = code == SQLITE_DONE ? STATUS_NOT_FOUND : store_status(code);
    if (status == STATUS_OK) {
        status = hash_from_span(store_column_span(statement, 0), ret_hash);
    }
    store_release(store, statement);
    return status;
}

enum status store_find_entry(struct store *store, const struct hash *hash, uint64_t *ret_seq)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, "SELECT seq FROM entry WHERE hash = ?1", &statement);
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    store_bind_span(statement, 1, span_of(hash->bytes, HASH_SIZE));
    code = sqlite3_step(statement);
    status = code == SQLITE_DONE ? STATUS_NOT_FOUND : store_status(code);
    if (status == STATUS_OK) {
        *ret_seq = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    store_release(store, statement);
    return status;
}

enum status store_each_entry(struct store *store, uint64_t from_seq, store_on_entry on_entry, void *context)
{
    static const char sql[] = "SELECT seq, hash, sealed FROM entry WHERE seq >= ?1 AND sealed IS NOT NULL ORDER BY seq";
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, sql, &statement);
    bool more = true;

    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)from_seq);
    while (more && status == STATUS_OK) {
        struct store_entry entry = {0};
        int code = sqlite3_step(statement);

        if (code != SQLITE_ROW) {
            status = store_status(code);
            break;
        }
        status = entry_from_row(store, statement, &entry);
        if (status == STATUS_OK) {
            more = on_entry(context, &entry.entry);
        }
        store_entry_done(&entry);
    }
    store_release(store, statement);
    return status;
}
