/* What the store's files share; not for others. */
#ifndef DOUBLECREW_DEVICE_STORE_INTERNAL_H
#define DOUBLECREW_DEVICE_STORE_INTERNAL_H

#include <sqlite3.h>

#include "device/store.h"

#define STORE_PLACE_MAX (STORE_KEY_SIZE_MAX + 1)

/* More than there are statements; one too many isn't kept. */
#define STORE_STATEMENTS_MAX 64

/* A statement kept for its next use: preparing one costs more than most of them do. */
struct store_statement {
    const char *sql; /* a literal */
    sqlite3_stmt *statement;
    bool busy;
};

struct store {
    sqlite3 *db;
    struct seal *seal;
    struct store_statement statements[STORE_STATEMENTS_MAX];
    size_t statement_count;
};

enum status store_status(int code);
/* SQL, a literal, for one use; then release it. */
MUST_USE enum status store_prepare(struct store *store, const char *sql, sqlite3_stmt **ret_statement);
/* NULL is fine. */
void store_release(struct store *store, sqlite3_stmt *statement);
/* Steps a statement that returns no row, and releases it. */
MUST_USE enum status store_run(struct store *store, sqlite3_stmt *statement);
void store_bind_span(sqlite3_stmt *statement, int index, struct span span);
struct span store_column_span(sqlite3_stmt *statement, int column);

/* A place: the table's letter, then its key. */
struct store_place {
    uint8_t bytes[STORE_PLACE_MAX];
    size_t size;
};

struct store_place store_place_of(char table, struct span key);
struct store_place store_place_of_number(char table, uint64_t number);
/* Allocates; the caller frees. */
MUST_USE enum status store_seal(struct store *store, const struct store_place *place, struct span plain,
                                uint8_t **ret_sealed, size_t *ret_size);
MUST_USE enum status store_unseal(struct store *store, const struct store_place *place, struct span sealed,
                                  uint8_t **ret_plain, size_t *ret_size);

#endif
