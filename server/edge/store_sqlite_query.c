/* Statements: prepared once, kept, bound, stepped. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/edge/store_sqlite_answers.h"
#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_internal.h"

enum status sq_status(sqlite3 *db, int code)
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
    case SQLITE_IOERR:
        if (code == SQLITE_IOERR_NOMEM)
            return STATUS_NO_MEMORY;
        return db && sqlite3_system_errno(db) == ENOSPC ? STATUS_DISK_FULL : STATUS_IO;
    case SQLITE_CANTOPEN:
        return STATUS_IO;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STATUS_STORE_BUSY;
    case SQLITE_TOOBIG:
        return STATUS_OVER_LIMIT;
    default:
        return STATUS_STORE;
    }
}

enum status sq_failed(struct store_sqlite *self, int code)
{
    self->code = code;
    return sq_status(self->db, code);
}

enum status sq_damaged(struct store *store)
{
    return sq_failed((struct store_sqlite *)store, SQLITE_CORRUPT);
}

static enum status prepare(struct store_sqlite *self, enum sq_statement_id id, struct sq_statement **ret_statement)
{
    char sql[SQ_SQL_MAX];
    struct sq_statement *statement = calloc(1, sizeof(*statement));

    if (!statement)
        return STATUS_NO_MEMORY;
    sq_statement_sql(sq_statement_spec(id), sql);
    int code = sqlite3_prepare_v3(self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->stmt, NULL);
    if (code != SQLITE_OK) {
        free(statement);
        return sq_failed(self, code);
    }
    statement->cached_tables = sq_cache_tables_in(sql);
    if (self->answers != NULL)
        sq_answers_prepare(sq_statement_spec(id), sql, statement);
    *ret_statement = statement;
    return STATUS_OK;
}

struct sq_query sq_begin_as_is(struct store *store, enum sq_statement_id id)
{
    struct store_sqlite *self = (struct store_sqlite *)store;
    struct sq_query query = {.self = self, .id = id};

    if (self->idle[id]) {
        query.statement = self->idle[id];
        self->idle[id] = query.statement->next;
    } else {
        query.status = prepare(self, id, &query.statement);
    }
    return query;
}

struct sq_query sq_begin(struct store *store, enum sq_statement_id id)
{
    struct sq_query query = sq_begin_as_is(store, id);

    if (query.status == STATUS_OK && query.statement)
        query.status = sq_cache_write(query.self, query.statement->cached_tables);
    return query;
}

static void bound(struct sq_query *query, int code)
{
    if (code != SQLITE_OK)
        query->status = sq_failed(query->self, code);
}

enum { BOUND_INT = 1, BOUND_SPAN };

/*
 * True: that is all for now, since an answer may be known; what is asked after all is bound then. Of a statement that writes
 * only the first counts: its key.
 */
static bool is_noted(struct sq_query *query, uint8_t kind, struct span value)
{
    struct sq_question *question = &query->question;

    if (query->status != STATUS_OK || query->asked ||
        (!query->statement->is_answered && (query->statement->answered_tables == 0 || question->size > 0)))
        return false;
    if (value.size > UINT8_MAX || question->size + 2 + value.size > sizeof(question->bytes)) {
        query->status = STATUS_INTERNAL; /* no key is that long */
        return true;
    }
    question->bytes[question->size] = kind;
    question->bytes[question->size + 1] = (uint8_t)value.size;
    if (value.size > 0)
        memcpy(question->bytes + question->size + 2, value.data, value.size);
    question->size += 2 + value.size;
    return query->statement->is_answered;
}

void sq_bind_question(struct sq_query *query)
{
    const struct sq_question *question = &query->question;

    for (size_t at = 0; at < question->size; at += 2 + (size_t)question->bytes[at + 1]) {
        struct span value = span_of(question->bytes + at + 2, question->bytes[at + 1]);
        int64_t number;

        if (question->bytes[at] == BOUND_SPAN) {
            sq_bind_span(query, value);
            continue;
        }
        memcpy(&number, value.data, sizeof(number));
        sq_bind_int(query, number);
    }
}

void sq_bind_int(struct sq_query *query, int64_t value)
{
    if (is_noted(query, BOUND_INT, span_of((const uint8_t *)&value, sizeof(value))))
        return;
    if (query->status == STATUS_OK)
        bound(query, sqlite3_bind_int64(query->statement->stmt, ++query->bound, value));
}

void sq_bind_u64(struct sq_query *query, uint64_t value)
{
    if (value > INT64_MAX && query->status == STATUS_OK)
        query->status = STATUS_OVER_LIMIT;
    sq_bind_int(query, (int64_t)value);
}

/* Bound without a copy: whoever binds keeps the bytes until sq_end. */
void sq_bind_span(struct sq_query *query, struct span value)
{
    if (is_noted(query, BOUND_SPAN, value) || query->status != STATUS_OK)
        return;
    query->bound++;
    if (value.size == 0)
        bound(query, sqlite3_bind_zeroblob(query->statement->stmt, query->bound, 0));
    else
        bound(query, sqlite3_bind_blob64(query->statement->stmt, query->bound, value.data, value.size, SQLITE_STATIC));
}

void sq_bind_id(struct sq_query *query, const struct id *value)
{
    sq_bind_span(query, span_of(value->bytes, ID_SIZE));
}

void sq_bind_hash(struct sq_query *query, const struct hash *value)
{
    sq_bind_span(query, span_of(value->bytes, HASH_SIZE));
}

void sq_bind_text(struct sq_query *query, const char *value)
{
    if (query->status == STATUS_OK)
        bound(query, sqlite3_bind_text(query->statement->stmt, ++query->bound, value, -1, SQLITE_STATIC));
}

void sq_bind_scope(struct sq_query *query, const struct scope *value)
{
    uint8_t blob[1 + ID_SIZE] = {(uint8_t)value->kind};
    int size = value->kind == SCOPE_FORCE ? 1 : 1 + ID_SIZE;

    memcpy(blob + 1, value->id.bytes, ID_SIZE);
    if (query->status == STATUS_OK)
        bound(query, sqlite3_bind_blob(query->statement->stmt, ++query->bound, blob, size, SQLITE_TRANSIENT));
}

bool sq_step(struct sq_query *query)
{
    if (query->status != STATUS_OK || !query->statement)
        return false;
    if (query->statement->is_answered && !query->asked) {
        query->asked = true; /* whoever steps asks SQLite itself */
        sq_bind_question(query);
    }
    int code = sqlite3_step(query->statement->stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        query->status = sq_failed(query->self, code);
    return code == SQLITE_ROW;
}

int64_t sq_int(const struct sq_query *query, int column)
{
    return sqlite3_column_int64(query->statement->stmt, column);
}

struct span sq_blob(const struct sq_query *query, int column)
{
    const void *data = sqlite3_column_blob(query->statement->stmt, column);

    return span_of(data, (size_t)sqlite3_column_bytes(query->statement->stmt, column));
}

enum status sq_end(struct sq_query *query)
{
    if (query->statement) {
        sq_answers_end(query);
        /* What reset and unbinding say was said by the step. */
        (void)sqlite3_reset(query->statement->stmt);
        (void)sqlite3_clear_bindings(query->statement->stmt);
        query->statement->next = query->self->idle[query->id];
        query->self->idle[query->id] = query->statement;
        query->statement = NULL;
    }
    return query->status;
}

enum status sq_do(struct store *store, enum sq_statement_id id)
{
    struct sq_query query = sq_begin(store, id);

    (void)sq_step(&query);
    return sq_end(&query);
}

void sq_free_statements(struct store_sqlite *self)
{
    for (size_t id = 0; id < SQ_STATEMENT_COUNT; id++) {
        while (self->idle[id]) {
            struct sq_statement *statement = self->idle[id];
            self->idle[id] = statement->next;
            (void)sqlite3_finalize(statement->stmt);
            free(statement);
        }
    }
}
