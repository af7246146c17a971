#include "device/store_internal.h"

#include <stdlib.h>
#include <string.h>

#define APPLICATION_ID 0x44434431 /* "DCD1" */
#define SCHEMA_VERSION 2
#define CHECK_NAME "identity"
#define IDENTITY_SIZE (3 * ID_SIZE)

static const char schema_sql[] =
    "CREATE TABLE state(name TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    /* acknowledged_ms: by the server's time, never after it; NULL: not yet; 0: when isn't known */
    "CREATE TABLE entry(seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, anchor BLOB, sealed BLOB,"
    "  acknowledged_ms INTEGER) STRICT;"
    "CREATE UNIQUE INDEX entry_by_hash ON entry(hash);"
    "CREATE INDEX entry_by_anchor ON entry(anchor) WHERE sealed IS NOT NULL;"
    "CREATE INDEX entry_by_acknowledged ON entry(acknowledged_ms) WHERE sealed IS NOT NULL;"
    "CREATE TABLE held(seq INTEGER PRIMARY KEY, reason TEXT NOT NULL) STRICT;"
    /* number rises with arrival; after_seq: the log's head then */
    "CREATE TABLE anchor(number INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE,"
    "  after_seq INTEGER NOT NULL, acknowledged INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;"
    "CREATE TABLE view(key BLOB PRIMARY KEY, pos INTEGER NOT NULL,"
    "  generation INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "PRAGMA application_id = 1145259057;"
    "PRAGMA user_version = 2;";

enum status store_status(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return STATUS_OK;
    case SQLITE_NOMEM:
        return STATUS_NO_MEMORY;
    case SQLITE_FULL:
        return STATUS_DISK_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STATUS_STORE_BUSY;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return STATUS_IO;
    default:
        return STATUS_STORE;
    }
}

static enum status execute(struct store *store, const char *sql)
{
    return store_status(sqlite3_exec(store->db, sql, NULL, NULL, NULL));
}

/* Idle ones only: a walk within a walk of the same kind gets a statement of its own. */
static struct store_statement *find_statement(struct store *store, const char *sql)
{
    for (size_t i = 0; i < store->statement_count; i++) {
        struct store_statement *kept = &store->statements[i];

        if (!kept->busy && (kept->sql == sql || strcmp(kept->sql, sql) == 0)) {
            return kept;
        }
    }
    return NULL;
}

enum status store_prepare(struct store *store, const char *sql, sqlite3_stmt **ret_statement)
{
    struct store_statement *kept = find_statement(store, sql);
    int code;

    if (kept) {
        kept->busy = true;
        *ret_statement = kept->statement;
        return STATUS_OK;
    }
    code = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL);
    if (code == SQLITE_OK && store->statement_count < STORE_STATEMENTS_MAX) {
        store->statements[store->statement_count++] = (struct store_statement){sql, *ret_statement, true};
    }
    return store_status(code);
}

void store_release(struct store *store, sqlite3_stmt *statement)
{
    for (size_t i = 0; i < store->statement_count; i++) {
        if (store->statements[i].statement == statement) {
            sqlite3_reset(statement);
            sqlite3_clear_bindings(statement);
            store->statements[i].busy = false;
            return;
        }
    }
    sqlite3_finalize(statement);
}

enum status store_run(struct store *store, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);

    store_release(store, statement);
    return code == SQLITE_ROW ? STATUS_STORE : store_status(code);
}

void store_bind_span(sqlite3_stmt *statement, int index, struct span span)
{
    sqlite3_bind_blob64(statement, index, span.size ? (const void *)span.data : "", span.size, SQLITE_TRANSIENT);
}

struct span store_column_span(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);

    return span_of(data, (size_t)sqlite3_column_bytes(statement, column));
}

struct store_place store_place_of(char table, struct span key)
{
    struct store_place place = {.size = 1 + key.size};

    place.bytes[0] = (uint8_t)table;
    if (key.size > STORE_KEY_SIZE_MAX) {
        place.size = 1 + STORE_KEY_SIZE_MAX;
    }
    if (place.size > 1) {
        memcpy(place.bytes + 1, key.data, place.size - 1);
    }
    return place;
}

struct store_place store_place_of_number(char table, uint64_t number)
{
    uint8_t bytes[8];

    put_u64(bytes, number);
    return store_place_of(table, span_of(bytes, sizeof bytes));
}

enum status store_seal(struct store *store, const struct store_place *place, struct span plain, uint8_t **ret_sealed,
                       size_t *ret_size)
{
    uint8_t *sealed = malloc(plain.size + SEAL_OVERHEAD);
    enum status status;

    if (!sealed) {
        return STATUS_NO_MEMORY;
    }
    status = seal_close(store->seal, span_of(place->bytes, place->size), plain, sealed);
    if (status != STATUS_OK) {
        free(sealed);
        return status;
    }
    *ret_sealed = sealed;
    *ret_size = plain.size + SEAL_OVERHEAD;
    return STATUS_OK;
}

enum status store_unseal(struct store *store, const struct store_place *place, struct span sealed, uint8_t **ret_plain,
                         size_t *ret_size)
{
    uint8_t *plain;
    enum status status;

    if (sealed.size < SEAL_OVERHEAD) {
        return STATUS_STORAGE_KEY;
    }
    plain = malloc(sealed.size - SEAL_OVERHEAD + 1);
    if (!plain) {
        return STATUS_NO_MEMORY;
    }
    status = seal_open(store->seal, span_of(place->bytes, place->size), sealed, plain);
    if (status != STATUS_OK) {
        free(plain);
        return status;
    }
    *ret_plain = plain;
    *ret_size = sealed.size - SEAL_OVERHEAD;
    return STATUS_OK;
}

static enum status run_kept(struct store *store, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, sql, &statement);

    return status == STATUS_OK ? store_run(store, statement) : status;
}

enum status store_begin(struct store *store)
{
    return run_kept(store, "BEGIN IMMEDIATE");
}

enum status store_commit(struct store *store)
{
    return run_kept(store, "COMMIT");
}

void store_rollback(struct store *store)
{
    if (!sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
}

static enum status read_number(struct store *store, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    enum status status = store_prepare(store, sql, &statement);

    if (status != STATUS_OK) {
        return status;
    }
    status = store_status(sqlite3_step(statement));
    if (status == STATUS_OK) {
        *ret_number = sqlite3_column_int64(statement, 0);
    }
    store_release(store, statement);
    return status;
}

static enum status open_database(struct store *store, const char *path)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    enum status status = store_status(sqlite3_open_v2(path, &store->db, flags, NULL));

    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    return execute(store, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                          "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF;"
                          "PRAGMA secure_delete=ON; PRAGMA journal_size_limit=1048576;");
}

static void encode_identity(const struct store_identity *identity, uint8_t ret_bytes[IDENTITY_SIZE])
{
    memcpy(ret_bytes, identity->force.bytes, ID_SIZE);
    memcpy(ret_bytes + ID_SIZE, identity->device.bytes, ID_SIZE);
    memcpy(ret_bytes + 2 * ID_SIZE, identity->log.bytes, ID_SIZE);
}

static enum status create(struct store *store, const uint8_t identity[IDENTITY_SIZE])
{
    enum status status = store_begin(store);

    if (status == STATUS_OK) {
        status = execute(store, schema_sql);
    }
    if (status == STATUS_OK) {
        status = store_state_put(store, CHECK_NAME, span_of(identity, IDENTITY_SIZE));
    }
    if (status == STATUS_OK) {
        status = store_commit(store);
    }
    return status;
}

static enum status check(struct store *store, int64_t version, const uint8_t identity[IDENTITY_SIZE])
{
    uint8_t value[STORE_STATE_SIZE_MAX];
    size_t size = 0;
    int64_t application = 0;
    enum status status = read_number(store, "PRAGMA application_id", &application);

    if (status != STATUS_OK) {
        return status;
    }
    if (application != APPLICATION_ID) {
        return STATUS_STORE;
    }
    if (version != SCHEMA_VERSION) {
        return STATUS_STORE_VERSION;
    }
    status = store_state_get(store, CHECK_NAME, value, &size);
    if (status == STATUS_OK && !span_equal(span_of(value, size), span_of(identity, IDENTITY_SIZE))) {
        return STATUS_STORE;
    }
    return status;
}

enum status store_open(const char *path, struct seal *seal, const struct store_identity *identity,
                       struct store **ret_store)
{
    struct store *store = calloc(1, sizeof *store);
    uint8_t expected[IDENTITY_SIZE];
    int64_t version = 0;
    int64_t tables = 0;
    enum status status;

    if (!store) {
        return STATUS_NO_MEMORY;
    }
    store->seal = seal;
    encode_identity(identity, expected);
    status = open_database(store, path);
    if (status == STATUS_OK) {
        status = read_number(store, "PRAGMA user_version", &version);
    }
    if (status == STATUS_OK) {
        status = read_number(store, "SELECT count(*) FROM sqlite_schema", &tables);
    }
    if (status == STATUS_OK) {
        status = version == 0 && tables == 0 ? create(store, expected) : check(store, version, expected);
    }
    if (status != STATUS_OK) {
        store_close(store);
        return status;
    }
    *ret_store = store;
    return STATUS_OK;
}

void store_close(struct store *store)
{
    if (!store) {
        return;
    }
    store_rollback(store);
    while (store->statement_count > 0) {
        sqlite3_finalize(store->statements[--store->statement_count].statement);
    }
    sqlite3_close(store->db);
    free(store);
}

enum status store_state_get(struct store *store, const char *name, uint8_t *ret_value, size_t *ret_size)
{
    struct store_place place = store_place_of('s', span_of(name, strlen(name)));
    sqlite3_stmt *statement = NULL;
    struct span sealed;
    enum status status = store_prepare(store, "SELECT sealed FROM state WHERE name = ?1", &statement);
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_TRANSIENT);
    code = sqlite3_step(statement);
    sealed = store_column_span(statement, 0);
    if (code != SQLITE_ROW) {
        status = code == SQLITE_DONE ? STATUS_NOT_FOUND : store_status(code);
    } else if (sealed.size > STORE_STATE_SIZE_MAX + SEAL_OVERHEAD) {
        status = STATUS_STORE;
    } else {
        status = seal_open(store->seal, span_of(place.bytes, place.size), sealed, ret_value);
    }
    if (status == STATUS_OK) {
        *ret_size = sealed.size - SEAL_OVERHEAD;
    }
    store_release(store, statement);
    return status;
}

enum status store_state_put(struct store *store, const char *name, struct span value)
{
    struct store_place place = store_place_of('s', span_of(name, strlen(name)));
    uint8_t sealed[STORE_STATE_SIZE_MAX + SEAL_OVERHEAD];
    sqlite3_stmt *statement = NULL;
    enum status status;

    if (value.size > STORE_STATE_SIZE_MAX) {
        return STATUS_OVER_LIMIT;
    }
    status = seal_close(store->seal, span_of(place.bytes, place.size), value, sealed);
    if (status == STATUS_OK) {
        status = store_prepare(store, "INSERT OR REPLACE INTO state(name, sealed) VALUES(?1, ?2)", &statement);
    }
    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_TRANSIENT);
    store_bind_span(statement, 2, span_of(sealed, value.size + SEAL_OVERHEAD));
    return store_run(store, statement);
}
