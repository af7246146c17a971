/* The store's anchors: those that entries name, and the newest. */
#include <string.h>

#include "device/store_internal.h"

#define ANCHOR_PREFIX_SIZE 8 /* m_r, before the text */

enum status store_put_anchor(struct store *store, const struct store_anchor *anchor)
{
    static const char sql[] = "INSERT OR IGNORE INTO anchor(hash, after_seq, acknowledged, sealed)"
                              "  VALUES(?1, (SELECT coalesce(max(seq), 0) FROM entry), 0, ?2)";
    struct store_place place = store_place_of('a', span_of(anchor->hash.bytes, HASH_SIZE));
    uint8_t plain[ANCHOR_PREFIX_SIZE + CHECKPOINT_TEXT_MAX];
    uint8_t sealed[sizeof plain + SEAL_OVERHEAD];
    size_t size = ANCHOR_PREFIX_SIZE + anchor->size;
    sqlite3_stmt *statement = NULL;
    enum status status;

    if (anchor->size > CHECKPOINT_TEXT_MAX) {
        return STATUS_OVER_LIMIT;
    }
    put_u64(plain, anchor->received_ms);
    memcpy(plain + ANCHOR_PREFIX_SIZE, anchor->text, anchor->size);
    status = seal_close(store->seal, span_of(place.bytes, place.size), span_of(plain, size), sealed);
    if (status == STATUS_OK) {
        status = store_prepare(store, sql, &statement);
    }
    if (status != STATUS_OK) {
        return status;
    }
    store_bind_span(statement, 1, span_of(anchor->hash.bytes, HASH_SIZE));
    store_bind_span(statement, 2, span_of(sealed, size + SEAL_OVERHEAD));
    return store_run(store, statement);
}

/* From a row of (hash, acknowledged, sealed). */
static enum status anchor_from_row(struct store *store, sqlite3_stmt *statement, struct store_anchor *ret_anchor)
{
    uint8_t plain[ANCHOR_PREFIX_SIZE + CHECKPOINT_TEXT_MAX];
    struct store_anchor anchor = {.acknowledged = sqlite3_column_int(statement, 1) != 0};
    struct span sealed = store_column_span(statement, 2);
    struct store_place place;
    enum status status = hash_from_span(store_column_span(statement, 0), &anchor.hash);

    if (status != STATUS_OK || sealed.size < SEAL_OVERHEAD + ANCHOR_PREFIX_SIZE ||
        sealed.size > SEAL_OVERHEAD + sizeof plain) {
        return STATUS_STORE;
    }
    place = store_place_of('a', span_of(anchor.hash.bytes, HASH_SIZE));
    status = seal_open(store->seal, span_of(place.bytes, place.size), sealed, plain);
    if (status != STATUS_OK) {
        return status;
    }
    anchor.received_ms = get_u64(plain);
    anchor.size = sealed.size - SEAL_OVERHEAD - ANCHOR_PREFIX_SIZE;
    memcpy(anchor.text, plain + ANCHOR_PREFIX_SIZE, anchor.size);
    *ret_anchor = anchor;
    return STATUS_OK;
}

enum status store_get_anchor(struct store *store, const struct hash *hash, struct store_anchor *ret_anchor)
{
    sqlite3_stmt *statement = NULL;
    enum status status =
        store_prepare(store, "SELECT hash, acknowledged, sealed FROM anchor WHERE hash = ?1", &statement);
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    store_bind_span(statement, 1, span_of(hash->bytes, HASH_SIZE));
    code = sqlite3_step(statement);
    status = code == SQLITE_DONE ? STATUS_NOT_FOUND : store_status(code);
    if (status == STATUS_OK) {
        status = anchor_from_row(store, statement, ret_anchor);
    }
    store_release(store, statement);
    return status;
}

enum status store_each_anchor(struct store *store, store_on_anchor on_anchor, void *context)
{
    sqlite3_stmt *statement = NULL;
    enum status status =
        store_prepare(store, "SELECT hash, acknowledged, sealed FROM anchor ORDER BY hash", &statement);
    bool more = true;

    if (status != STATUS_OK) {
        return status;
    }
    while (more && status == STATUS_OK) {
        struct store_anchor anchor;
        int code = sqlite3_step(statement);

        if (code != SQLITE_ROW) {
            status = store_status(code);
            break;
        }
        status = anchor_from_row(store, statement, &anchor);
        if (status == STATUS_OK) {
            more = on_anchor(context, &anchor);
        }
    }
    store_release(store, statement);
    return status;
}
