/* Rows between C structs and SQL, by description. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server/edge/store_sqlite_answers.h"
#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_internal.h"

static int64_t int_load(const struct sq_column *column, const uint8_t *field, bool *ret_fits)
{
    uint64_t wide = 0;
    unsigned unused_bits = 64 - 8 * (unsigned)column->size;

    memcpy(&wide, field, column->size); /* little-endian, as checked below */
    if (column->is_signed)
        return (int64_t)(wide << unused_bits) >> unused_bits;
    *ret_fits = wide <= INT64_MAX;
    return (int64_t)wide;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "int_load and int_store take an integer's low bytes first");

static bool int_fits(const struct sq_column *column, int64_t value)
{
    unsigned bits = 8 * (unsigned)column->size;

    if (bits == 8) /* bools are the only bytes */
        return value == 0 || value == 1;
    if (bits == 64)
        return column->is_signed || value >= 0;
    if (column->is_signed)
        return value >= -(INT64_C(1) << (bits - 1)) && value < (INT64_C(1) << (bits - 1));
    return value >= 0 && value < (INT64_C(1) << bits);
}

static void bind_int(struct sq_query *query, const struct sq_column *column, const uint8_t *field)
{
    bool fits = true;
    int64_t value = int_load(column, field, &fits);

    if (!fits && query->status == STATUS_OK)
        query->status = STATUS_OVER_LIMIT;
    sq_bind_int(query, value);
}

static void bind_real(struct sq_query *query, const uint8_t *field)
{
    double value;

    memcpy(&value, field, sizeof(value));
    if (query->status == STATUS_OK && sqlite3_bind_double(query->statement->stmt, ++query->bound, value) != SQLITE_OK)
        query->status = STATUS_NO_MEMORY;
}

/* Text without its NUL is refused: it couldn't be read back. */
static void bind_chars(struct sq_query *query, const struct sq_column *column, const char *field)
{
    size_t size = strnlen(field, column->size);

    if (query->status != STATUS_OK)
        return;
    if (size == column->size)
        query->status = STATUS_OVER_LIMIT;
    else if (sqlite3_bind_text(query->statement->stmt, ++query->bound, field, (int)size, SQLITE_STATIC) != SQLITE_OK)
        query->status = STATUS_NO_MEMORY;
}

static void bind_array(struct sq_query *query, const struct sq_column *column, const uint8_t *row)
{
    size_t count;

    memcpy(&count, row + column->count_offset, sizeof(count));
    if (count > column->size / column->element_size) {
        query->status = query->status == STATUS_OK ? STATUS_OVER_LIMIT : query->status;
        return;
    }
    sq_bind_span(query, span_of(row + column->offset, count * column->element_size));
}

static void bind_column(struct sq_query *query, const struct sq_column *column, const uint8_t *row)
{
    const uint8_t *field = row + column->offset;

    switch (column->kind) {
    case SQ_ID:
    case SQ_HASH:
        sq_bind_span(query, span_of(field, column->size));
        return;
    case SQ_INT:
        bind_int(query, column, field);
        return;
    case SQ_REAL:
        bind_real(query, field);
        return;
    case SQ_TEXT:
        bind_chars(query, column, (const char *)field);
        return;
    case SQ_STRING:
        sq_bind_text(query, *(const char *const *)(const void *)field);
        return;
    case SQ_ARRAY:
        bind_array(query, column, row);
        return;
    case SQ_SPAN:
        sq_bind_span(query, *(const struct span *)(const void *)field);
        return;
    case SQ_SCOPE:
        sq_bind_scope(query, (const struct scope *)(const void *)field);
        return;
    }
}

void sq_bind_row(struct sq_query *query, const struct sq_table *table, const void *row)
{
    for (size_t i = 0; i < table->count; i++)
        bind_column(query, &table->columns[i], row);
}

static bool column_fits(const struct sq_column *column, const uint8_t *row)
{
    const uint8_t *field = row + column->offset;
    bool fits = true;
    size_t count;

    switch (column->kind) {
    case SQ_INT:
        (void)int_load(column, field, &fits);
        return fits;
    case SQ_TEXT:
        return strnlen((const char *)field, column->size) < column->size;
    case SQ_ARRAY:
        memcpy(&count, row + column->count_offset, sizeof(count));
        return count <= column->size / column->element_size;
    default:
        return true;
    }
}

enum status sq_row_fits(const struct sq_table *table, const void *row)
{
    for (size_t i = 0; i < table->count; i++) {
        if (!column_fits(&table->columns[i], row))
            return STATUS_OVER_LIMIT;
    }
    return STATUS_OK;
}

struct span sq_row_key(const struct sq_table *table, const void *row)
{
    const uint8_t *field = (const uint8_t *)row + table->columns[0].offset;

    if (table->columns[0].kind == SQ_SPAN)
        return *(const struct span *)(const void *)field;
    return span_of(field, table->columns[0].size);
}

static bool scope_read(struct span blob, struct scope *ret_scope)
{
    struct scope scope = {0};

    if (blob.size != 1 && blob.size != 1 + ID_SIZE)
        return false;
    scope.kind = (enum scope_kind)blob.data[0];
    if (scope.kind > SCOPE_DUTY || (scope.kind == SCOPE_FORCE) != (blob.size == 1))
        return false;
    memcpy(scope.id.bytes, blob.data + 1, blob.size - 1);
    *ret_scope = scope;
    return true;
}

static int type_of(enum sq_kind kind)
{
    switch (kind) {
    case SQ_INT:
        return SQLITE_INTEGER;
    case SQ_REAL:
        return SQLITE_FLOAT;
    case SQ_TEXT:
    case SQ_STRING:
        return SQLITE_TEXT;
    default:
        return SQLITE_BLOB;
    }
}

static bool read_int(sqlite3_stmt *stmt, int index, const struct sq_column *column, uint8_t *field)
{
    int64_t value = sqlite3_column_int64(stmt, index);

    if (!int_fits(column, value))
        return false;
    memcpy(field, &value, column->size); /* little-endian, as checked above */
    return true;
}

static void read_real(sqlite3_stmt *stmt, int index, bool is_null, uint8_t *field)
{
    double real = is_null ? (double)NAN : sqlite3_column_double(stmt, index);

    memcpy(field, &real, sizeof(real));
}

/* What has a size: blobs and text. */
static bool read_bytes(struct span bytes, const struct sq_column *column, uint8_t *row)
{
    uint8_t *field = row + column->offset;
    size_t count;

    switch (column->kind) {
    case SQ_ID:
    case SQ_HASH:
        if (bytes.size != column->size)
            return false;
        break;
    case SQ_TEXT:
        if (bytes.size >= column->size)
            return false;
        break;
    case SQ_ARRAY:
        if (bytes.size > column->size || bytes.size % column->element_size != 0)
            return false;
        count = bytes.size / column->element_size;
        memcpy(row + column->count_offset, &count, sizeof(count));
        break;
    case SQ_SCOPE:
        return scope_read(bytes, (struct scope *)(void *)field);
    case SQ_SPAN:
        *(struct span *)(void *)field = bytes;
        return true;
    default: /* a string is bound only */
        return true;
    }
    if (bytes.size > 0)
        memcpy(field, bytes.data, bytes.size);
    return true;
}

/*
 * False: not what the column holds. A file that was tampered with or damaged where no page check sees it must not write past
 * a struct's field.
 */
static bool read_column(sqlite3_stmt *stmt, int index, const struct sq_column *column, uint8_t *row)
{
    int type = sqlite3_column_type(stmt, index);
    bool is_null = column->kind == SQ_REAL && type == SQLITE_NULL;
    const void *data;

    if (type != type_of(column->kind) && !is_null)
        return false;
    if (column->kind == SQ_INT)
        return read_int(stmt, index, column, row + column->offset);
    if (column->kind == SQ_REAL) {
        read_real(stmt, index, is_null, row + column->offset);
        return true;
    }
    data = sqlite3_column_blob(stmt, index);
    return read_bytes(span_of(data, data ? (size_t)sqlite3_column_bytes(stmt, index) : 0), column, row);
}

static bool read_row(struct sq_query *query, const struct sq_table *table, void *row)
{
    _Alignas(max_align_t) uint8_t fresh[SQ_ROW_SIZE_MAX];

    if (!sq_step(query))
        return false;
    memset(fresh, 0, table->row_size);
    for (size_t i = 0; i < table->count; i++) {
        if (!read_column(query->statement->stmt, (int)i, &table->columns[i], fresh)) {
            query->status = sq_failed(query->self, SQLITE_CORRUPT);
            return false;
        }
    }
    memcpy(row, fresh, table->row_size);
    return true;
}

static bool next_answered(struct sq_query *query, const struct sq_table *table, void *row)
{
    if (!query->asked) {
        query->asked = true;
        if (!sq_answers_find(query))
            sq_bind_question(query);
    }
    if (query->answer != NULL)
        return sq_answers_next(query, row);
    if (read_row(query, table, row)) {
        sq_answers_add(query, table, row);
        return true;
    }
    if (query->status == STATUS_OK)
        sq_answers_keep(query);
    return false;
}

static bool is_answered(const struct sq_query *query)
{
    return query->statement != NULL && query->statement->is_answered;
}

bool sq_next(struct sq_query *query, const struct sq_table *table, void *row)
{
    if (query->status != STATUS_OK)
        return false;
    return is_answered(query) ? next_answered(query, table, row) : read_row(query, table, row);
}

/* Copies what a row's spans point to behind what scratch holds already. */
static enum status keep_spans(struct store_sqlite *self, const struct sq_table *table, const uint8_t *row, size_t *used)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->columns[i].kind != SQ_SPAN)
            continue;
        const struct span *span = (const struct span *)(const void *)(row + table->columns[i].offset);
        if (*used + span->size > self->scratch_size) {
            size_t size = 2 * (*used + span->size);
            uint8_t *scratch = realloc(self->scratch, size);
            if (!scratch)
                return STATUS_NO_MEMORY;
            self->scratch = scratch;
            self->scratch_size = size;
        }
        if (span->size > 0)
            memcpy(self->scratch + *used, span->data, span->size);
        *used += span->size;
    }
    return STATUS_OK;
}

/* Scratch may have moved while it grew: only now do the spans learn where they lie. */
static void point_spans(struct store_sqlite *self, const struct sq_table *table, uint8_t *rows, size_t count)
{
    size_t used = 0;

    for (size_t i = 0; i < count * table->count; i++) {
        const struct sq_column *column = &table->columns[i % table->count];
        if (column->kind != SQ_SPAN)
            continue;
        struct span *span = (struct span *)(void *)(rows + i / table->count * table->row_size + column->offset);
        span->data = span->size > 0 ? self->scratch + used : NULL;
        used += span->size;
    }
}

/* Asked only of who needs to know; an answer can be kept only when it was told to its end. */
static bool has_more(struct sq_query *query, const struct sq_table *table, enum sq_excess excess)
{
    _Alignas(max_align_t) uint8_t row[SQ_ROW_SIZE_MAX];

    if (is_answered(query))
        return sq_next(query, table, row);
    return excess == SQ_EXCESS_REFUSED && sq_step(query);
}

enum status sq_all(struct sq_query *query, const struct sq_table *table, void *ret_rows, size_t max,
                   enum sq_excess excess, size_t *ret_count)
{
    uint8_t *rows = ret_rows;
    size_t count = 0;
    size_t used = 0;

    while (count < max && sq_next(query, table, rows + count * table->row_size)) {
        query->status = keep_spans(query->self, table, rows + count * table->row_size, &used);
        count++;
    }
    if (count == max && has_more(query, table, excess) && excess == SQ_EXCESS_REFUSED)
        query->status = STATUS_OVER_LIMIT;
    point_spans(query->self, table, rows, query->status == STATUS_OK ? count : 0);
    enum status status = sq_end(query);
    if (status == STATUS_OK)
        *ret_count = count;
    return status;
}

enum status sq_one(struct sq_query *query, const struct sq_table *table, void *ret_row)
{
    size_t count = 0;
    enum status status = sq_all(query, table, ret_row, 1, SQ_EXCESS_CUT, &count);

    return status == STATUS_OK && count == 0 ? STATUS_NOT_FOUND : status;
}

enum status sq_change(struct sq_query *query)
{
    if (query->status == STATUS_OK && sqlite3_get_autocommit(query->self->db))
        query->status = STATUS_INTERNAL;
    (void)sq_step(query);
    if (query->statement != NULL && query->statement->answered_tables != 0)
        sq_answers_changed(query);
    return sq_end(query);
}

enum status sq_put(struct store *store, enum sq_statement_id id, const void *row)
{
    struct sq_query query;
    enum status status;

    if (sq_cache_put(store, id, row, &status))
        return status;
    query = sq_begin(store, id);
    sq_bind_row(&query, sq_statement_spec(id)->table, row);
    return sq_change(&query);
}
