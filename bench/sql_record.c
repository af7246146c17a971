#include "bench/sql_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine.h"
#include "server/edge/store_sqlite_internal.h"

#define TEXTS_MAX 256
#define VALUES_MAX 96 /* of one statement; the widest row has about 60 columns */

enum call_kind { CALL_BEGIN, CALL_COMMIT, CALL_ROLLBACK, CALL_READ, CALL_WRITE, CALL_OTHER };

struct text {
    char *sql;
    enum call_kind kind;
    char table[32]; /* of a write */
};

struct value {
    int type; /* SQLITE_INTEGER ... SQLITE_NULL; 0: not bound */
    sqlite3_int64 number;
    double real;
    size_t at; /* text and blobs: in bytes */
    size_t size;
};

struct call {
    unsigned text;
    unsigned value_count;
    size_t values;
};

struct sql_record {
    struct text texts[TEXTS_MAX];
    size_t text_count;
    struct call *calls;
    size_t call_count, call_capacity;
    struct value *values;
    size_t value_count, value_capacity;
    uint8_t *bytes;
    size_t byte_count, byte_capacity;
    bool failed;
};

static bool grow(void **list, size_t *capacity, size_t wanted, size_t element_size)
{
    size_t larger = *capacity == 0 ? 4096 : *capacity;

    while (larger < wanted)
        larger *= 2;
    if (larger == *capacity)
        return true;
    void *grown = reallocarray(*list, larger, element_size);
    if (grown == NULL)
        return false;
    *list = grown;
    *capacity = larger;
    return true;
}

enum status sql_record_new(struct sql_record **ret_record)
{
    struct sql_record *record = calloc(1, sizeof(*record));

    if (record == NULL)
        return STATUS_NO_MEMORY;
    *ret_record = record;
    return STATUS_OK;
}

void sql_record_free(struct sql_record *record)
{
    if (record == NULL)
        return;
    for (size_t i = 0; i < record->text_count; i++)
        free(record->texts[i].sql);
    free(record->calls);
    free(record->values);
    free(record->bytes);
    free(record);
}

/* Recording --------------------------------------------------------------------------------------------------------- */

static enum call_kind kind_of(const char *sql)
{
    static const struct {
        const char *begins;
        enum call_kind kind;
    } kinds[] = {
        {"SELECT", CALL_READ}, {"INSERT", CALL_WRITE},  {"UPDATE", CALL_WRITE},      {"DELETE", CALL_WRITE},
        {"BEGIN", CALL_BEGIN}, {"COMMIT", CALL_COMMIT}, {"ROLLBACK TO", CALL_OTHER}, {"ROLLBACK", CALL_ROLLBACK},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strncmp(sql, kinds[i].begins, strlen(kinds[i].begins)) == 0)
            return kinds[i].kind;
    }
    return CALL_OTHER;
}

/* INSERT INTO name, UPDATE name, DELETE FROM name. */
static void table_of(const char *sql, char ret_table[32])
{
    const char *at = strchr(sql, ' ');

    ret_table[0] = '\0';
    while (at != NULL && (strncmp(at, " INTO ", 6) == 0 || strncmp(at, " FROM ", 6) == 0))
        at += 5;
    if (at != NULL)
        (void)sscanf(at, " %31[a-z_]", ret_table);
}

static bool text_for(struct sql_record *record, const char *sql, unsigned *ret_text)
{
    for (size_t i = 0; i < record->text_count; i++) {
        if (strcmp(record->texts[i].sql, sql) == 0) {
            *ret_text = (unsigned)i;
            return true;
        }
    }
    if (record->text_count == TEXTS_MAX)
        return false;
    struct text *text = &record->texts[record->text_count];
    text->sql = strdup(sql);
    if (text->sql == NULL)
        return false;
    text->kind = kind_of(sql);
    if (text->kind == CALL_WRITE)
        table_of(sql, text->table);
    *ret_text = (unsigned)record->text_count++;
    return true;
}

static bool keep_byte(struct sql_record *record, uint8_t byte)
{
    if (!grow((void **)&record->bytes, &record->byte_capacity, record->byte_count + 1, 1))
        return false;
    record->bytes[record->byte_count++] = byte;
    return true;
}

/* x'hex' or 'text with '' for quotes'; the result is where it ends, NULL: it doesn't. */
static const char *read_quoted(struct sql_record *record, const char *at, struct value *ret_value)
{
    bool blob = *at != '\'';

    ret_value->type = blob ? SQLITE_BLOB : SQLITE_TEXT;
    ret_value->at = record->byte_count;
    for (at += blob ? 2 : 1; *at != '\0'; at += blob ? 2 : 1) {
        uint8_t byte = (uint8_t)*at;

        if (*at == '\'' && (blob || at[1] != '\'')) {
            ret_value->size = record->byte_count - ret_value->at;
            return at + 1;
        }
        if (*at == '\'')
            at++;
        if (blob && hex_decode((char[]){at[0], at[1], '\0'}, 1, &byte) != STATUS_OK)
            return NULL;
        if (!keep_byte(record, byte))
            return NULL;
    }
    return NULL;
}

static const char *read_value(struct sql_record *record, const char *at, struct value *ret_value)
{
    static const char empty[] = "zeroblob(0)";
    char *end = NULL;
    size_t size = strspn(at, "+-0123456789.eE");

    if (strncmp(at, "NULL", 4) == 0) {
        ret_value->type = SQLITE_NULL;
        return at + 4;
    }
    if (strncmp(at, empty, strlen(empty)) == 0) {
        ret_value->type = SQLITE_BLOB;
        return at + strlen(empty);
    }
    if (*at == '\'' || ((*at == 'x' || *at == 'X') && at[1] == '\''))
        return read_quoted(record, at, ret_value);
    if (size == 0)
        return NULL;
    if (memchr(at, '.', size) == NULL && memchr(at, 'e', size) == NULL) {
        ret_value->type = SQLITE_INTEGER;
        ret_value->number = strtoll(at, &end, 10);
    } else {
        ret_value->type = SQLITE_FLOAT;
        ret_value->real = strtod(at, &end);
    }
    return end;
}

/* Walks the statement's text beside the same text with its values in place. */
static bool read_values(struct sql_record *record, const char *sql, const char *expanded,
                        struct value values[VALUES_MAX], unsigned *ret_count)
{
    *ret_count = 0;
    while (*sql != '\0') {
        char *end = NULL;
        unsigned long number;

        if (*sql != '?') {
            if (*sql++ != *expanded++)
                return false;
            continue;
        }
        number = strtoul(sql + 1, &end, 10);
        if (end == sql + 1 || number == 0 || number > VALUES_MAX)
            return false;
        sql = end;
        expanded = read_value(record, expanded, &values[number - 1]);
        if (expanded == NULL)
            return false;
        *ret_count = number > *ret_count ? (unsigned)number : *ret_count;
    }
    return *expanded == '\0';
}

static bool keep_call(struct sql_record *record, const char *sql, const char *expanded)
{
    struct value values[VALUES_MAX] = {{0}};
    struct call call = {.values = record->value_count};

    if (!text_for(record, sql, &call.text) || !read_values(record, sql, expanded, values, &call.value_count) ||
        !grow((void **)&record->calls, &record->call_capacity, record->call_count + 1, sizeof(*record->calls)) ||
        !grow((void **)&record->values, &record->value_capacity, record->value_count + call.value_count,
              sizeof(*record->values)))
        return false;
    memcpy(record->values + record->value_count, values, call.value_count * sizeof(values[0]));
    record->value_count += call.value_count;
    record->calls[record->call_count++] = call;
    return true;
}

static int on_statement(unsigned what, void *context, void *stmt, void *text)
{
    struct sql_record *record = context;
    const char *sql = sqlite3_sql(stmt);

    (void)what;
    (void)text;
    if (record->failed)
        return 0;
    char *expanded = sqlite3_expanded_sql(stmt);
    record->failed = sql == NULL || expanded == NULL || !keep_call(record, sql, expanded);
    if (record->failed)
        fprintf(stderr, "bench: this statement could not be recorded: %.200s\n", sql == NULL ? "?" : sql);
    sqlite3_free(expanded);
    return 0;
}

enum status sql_record_begin(struct sql_record *record, struct store *store)
{
    sqlite3 *db = ((struct store_sqlite *)store)->db;

    return sq_status(db, sqlite3_trace_v2(db, SQLITE_TRACE_STMT, on_statement, record));
}

enum status sql_record_end(struct sql_record *record, struct store *store)
{
    (void)sqlite3_trace_v2(((struct store_sqlite *)store)->db, 0, NULL, NULL);
    return record->failed ? STATUS_STORE : STATUS_OK;
}

/* Parts ------------------------------------------------------------------------------------------------------------- */

static enum call_kind call_kind(const struct sql_record *record, size_t call)
{
    return record->texts[record->calls[call].text].kind;
}

static bool appends_after(const struct sql_record *record, size_t index, uint64_t after_pos)
{
    const struct call *call = &record->calls[index];
    const struct text *text = &record->texts[call->text];

    return text->kind == CALL_WRITE && strcmp(text->table, "journal") == 0 &&
           record->values[call->values].number > (sqlite3_int64)after_pos; /* first_pos leads */
}

enum status sql_record_part(const struct sql_record *record, uint64_t after_pos, struct sql_part *ret_part)
{
    struct sql_part part = {.first = record->call_count};
    size_t begun = 0;

    for (size_t i = 0; i < record->call_count && part.first == record->call_count; i++) {
        if (call_kind(record, i) == CALL_BEGIN)
            begun = i;
        if (appends_after(record, i, after_pos))
            part.first = begun;
    }
    if (part.first == record->call_count)
        return STATUS_NOT_FOUND;
    for (size_t i = part.first; i < record->call_count; i++) {
        part.transactions += call_kind(record, i) == CALL_COMMIT;
        part.writes += call_kind(record, i) == CALL_WRITE;
        part.reads += call_kind(record, i) == CALL_READ;
    }
    *ret_part = part;
    return STATUS_OK;
}

/* The first statement that writes to the same table. */
static size_t first_of_table(const struct sql_record *record, size_t text)
{
    size_t first = 0;

    while (strcmp(record->texts[first].table, record->texts[text].table) != 0)
        first++;
    return first;
}

void sql_record_tables(const struct sql_record *record, const struct sql_part *part,
                       void (*each)(void *context, const char *table, size_t writes), void *context)
{
    size_t writes[TEXTS_MAX] = {0};

    for (size_t i = part->first; i < record->call_count; i++) {
        if (call_kind(record, i) == CALL_WRITE)
            writes[first_of_table(record, record->calls[i].text)]++;
    }
    for (size_t i = 0; i < record->text_count; i++) {
        if (writes[i] > 0)
            each(context, record->texts[i].table, writes[i]);
    }
}

/* Playing ----------------------------------------------------------------------------------------------------------- */

static int bind_value(const struct sql_record *record, sqlite3_stmt *stmt, int number, const struct value *value)
{
    const uint8_t *bytes = record->bytes + value->at;

    switch (value->type) {
    case SQLITE_INTEGER:
        return sqlite3_bind_int64(stmt, number, value->number);
    case SQLITE_FLOAT:
        return sqlite3_bind_double(stmt, number, value->real);
    case SQLITE_TEXT:
        return sqlite3_bind_text(stmt, number, (const char *)bytes, (int)value->size, SQLITE_STATIC);
    case SQLITE_BLOB:
        return value->size == 0 ? sqlite3_bind_zeroblob(stmt, number, 0)
                                : sqlite3_bind_blob(stmt, number, bytes, (int)value->size, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(stmt, number);
    }
}

static int play_call(const struct sql_record *record, const struct call *call, sqlite3_stmt *stmt)
{
    int code = SQLITE_OK;

    for (unsigned i = 0; i < call->value_count && code == SQLITE_OK; i++)
        code = bind_value(record, stmt, (int)i + 1, &record->values[call->values + i]);
    if (code != SQLITE_OK)
        return code;
    do
        code = sqlite3_step(stmt);
    while (code == SQLITE_ROW);
    (void)sqlite3_reset(stmt);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static enum status play_all(const struct sql_record *record, const struct sql_part *part, struct store *store,
                            sqlite3_stmt *const *stmts, bool with_reads)
{
    sqlite3 *db = ((struct store_sqlite *)store)->db;
    enum status status = STATUS_OK;

    for (size_t i = part->first; i < record->call_count && status == STATUS_OK; i++) {
        const struct call *call = &record->calls[i];
        enum call_kind kind = record->texts[call->text].kind;
        bool inside = sqlite3_get_autocommit(db) == 0;

        if (kind == CALL_COMMIT && inside)
            status = store->ops->commit(store); /* checkpoints as it always does */
        else if (kind == CALL_BEGIN || (inside && (kind != CALL_READ || with_reads)))
            status = sq_status(db, play_call(record, call, stmts[call->text]));
    }
    return status;
}

enum status sql_record_play(const struct sql_record *record, const struct sql_part *part, struct store *store,
                            bool with_reads, double *ret_took_s)
{
    sqlite3 *db = ((struct store_sqlite *)store)->db;
    sqlite3_stmt *stmts[TEXTS_MAX] = {NULL};
    int code = SQLITE_OK;

    for (size_t i = 0; i < record->text_count && code == SQLITE_OK; i++)
        code = sqlite3_prepare_v3(db, record->texts[i].sql, -1, SQLITE_PREPARE_PERSISTENT, &stmts[i], NULL);
    double begin_s = machine_now_s();
    enum status status = sq_status(db, code);
    if (status == STATUS_OK)
        status = play_all(record, part, store, stmts, with_reads);
    double took_s = machine_now_s() - begin_s;
    for (size_t i = 0; i < record->text_count; i++)
        (void)sqlite3_finalize(stmts[i]);
    if (status == STATUS_OK)
        *ret_took_s = took_s;
    return status;
}
