#include "admin/csv_table.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/files.h"
#include "core/utf8.h"

struct csv_row {
    size_t line;
    char *cells[CSV_COLUMNS_MAX];
    size_t cell_count;
    bool too_many;
};

struct csv_table {
    struct csv_row *rows; /* the header is rows[0] */
    size_t row_count;
    size_t row_capacity;
    size_t place[CSV_COLUMNS_MAX]; /* wanted column -> column of the file, or CSV_COLUMNS_MAX */
    /* while reading */
    struct csv_row current;
    size_t line;
    size_t start_line;
    bool row_begun; /* a line break is within a quoted cell then */
    enum status status;
};

static char *trimmed_copy(const char *text, size_t size)
{
    while (size > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        size--;
    }
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        size--;

    char *copy = malloc(size + 1);

    if (copy != NULL) {
        memcpy(copy, text, size);
        copy[size] = '\0';
    }
    return copy;
}

static void on_cell(void *text, size_t size, void *context)
{
    struct csv_table *table = context;
    struct csv_row *row = &table->current;

    if (row->cell_count == CSV_COLUMNS_MAX) {
        row->too_many = true;
        return;
    }
    row->cells[row->cell_count] = trimmed_copy(text != NULL ? text : "", size);
    if (row->cells[row->cell_count] == NULL)
        table->status = STATUS_NO_MEMORY;
    else
        row->cell_count++;
}

static enum status room_for_row(struct csv_table *table)
{
    size_t capacity = table->row_capacity == 0 ? 64 : 2 * table->row_capacity;

    if (table->row_count > CSV_ROWS_MAX)
        return STATUS_OVER_LIMIT;
    if (table->row_count < table->row_capacity)
        return STATUS_OK;

    struct csv_row *rows = realloc(table->rows, capacity * sizeof(*rows));

    if (rows == NULL)
        return STATUS_NO_MEMORY;
    table->rows = rows;
    table->row_capacity = capacity;
    return STATUS_OK;
}

static void on_row(int terminator, void *context)
{
    struct csv_table *table = context;

    (void)terminator;
    if (table->status == STATUS_OK)
        table->status = room_for_row(table);
    if (table->status != STATUS_OK)
        return;
    table->current.line = table->start_line;
    table->rows[table->row_count++] = table->current;
    memset(&table->current, 0, sizeof(table->current));
    table->row_begun = false;
}

/* libcsv doesn't tell lines, so it is fed a byte at a time while they are counted. */
static bool parse_bytes(struct csv_table *table, struct csv_parser *parser, const char *path, const char *text,
                        size_t size)
{
    table->line = 1;
    table->start_line = 1;
    for (size_t i = 0; i < size && table->status == STATUS_OK; i++) {
        if (!table->row_begun && strchr(" \t\r\n", text[i]) == NULL) {
            table->row_begun = true;
            table->start_line = table->line;
        }
        if (csv_parse(parser, text + i, 1, on_cell, on_row, table) != 1) {
            fprintf(stderr,
                    "%s:%zu: not valid CSV: a quotation mark inside a cell must be doubled, and the cell quoted\n",
                    path, table->line);
            return false;
        }
        if (text[i] == '\n')
            table->line++;
    }
    if (table->status != STATUS_OK || csv_fini(parser, on_cell, on_row, table) == 0)
        return true;
    fprintf(stderr, "%s:%zu: a quoted cell is never closed\n", path, table->start_line);
    return false;
}

static enum status parse_text(struct csv_table *table, const char *path, const char *text, size_t size)
{
    struct csv_parser parser;

    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0)
        return STATUS_NO_MEMORY;

    bool parsed = parse_bytes(table, &parser, path, text, size);

    csv_free(&parser);
    if (!parsed)
        return STATUS_INPUT;
    return table->status;
}

static size_t index_of(const char *name, const char *const *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(columns[i], name) == 0)
            return i;
    }
    return CSV_COLUMNS_MAX;
}

static size_t check_header(struct csv_table *table, const char *path, const char *const *columns, size_t count,
                           size_t required)
{
    const struct csv_row *header = &table->rows[0];
    size_t faults = 0;

    for (size_t i = 0; i < CSV_COLUMNS_MAX; i++)
        table->place[i] = CSV_COLUMNS_MAX;
    for (size_t i = 0; i < header->cell_count; i++) {
        size_t column = index_of(header->cells[i], columns, count);
        if (column == CSV_COLUMNS_MAX || table->place[column] != CSV_COLUMNS_MAX) {
            fprintf(stderr, "%s:%zu: column '%s' is %s\n", path, header->line, header->cells[i],
                    column == CSV_COLUMNS_MAX ? "not one that is read here" : "there twice");
            faults++;
            continue;
        }
        table->place[column] = i;
    }
    for (size_t i = 0; i < required; i++) {
        if (table->place[i] == CSV_COLUMNS_MAX) {
            fprintf(stderr, "%s:%zu: column '%s' is missing\n", path, header->line, columns[i]);
            faults++;
        }
    }
    return faults;
}

static size_t check_rows(const struct csv_table *table, const char *path)
{
    size_t width = table->rows[0].cell_count;
    size_t faults = 0;

    for (size_t i = 1; i < table->row_count; i++) {
        const struct csv_row *row = &table->rows[i];
        if (row->cell_count == width && !row->too_many)
            continue;
        fprintf(stderr, "%s:%zu: %zu cells where the header has %zu: check the commas and quotation marks\n", path,
                row->line, row->cell_count, width);
        faults++;
    }
    return faults;
}

static enum status check_table(struct csv_table *table, const char *path, const char *const *columns, size_t count,
                               size_t required)
{
    if (table->row_count == 0) {
        fprintf(stderr, "%s:1: the file is empty: its first line must name the columns\n", path);
        return STATUS_INPUT;
    }

    size_t faults = check_header(table, path, columns, count, required) + check_rows(table, path);

    return faults == 0 ? STATUS_OK : STATUS_INPUT;
}

/* A byte order mark is what spreadsheets put first. */
static const char *skip_mark(const char *text, size_t *size)
{
    if (*size < 3 || memcmp(text, "\xef\xbb\xbf", 3) != 0)
        return text;
    *size -= 3;
    return text + 3;
}

/* Names the first line that isn't text. */
static bool is_text(const char *path, const char *text, size_t size)
{
    size_t line = 1;

    for (size_t at = 0; at < size; line++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - (text + at)) : size - at;
        if (!utf8_valid_text(span_of(text + at, length))) {
            fprintf(stderr, "%s:%zu: this line is not UTF-8 text: save the file as 'CSV UTF-8'\n", path, line);
            return false;
        }
        at += length + 1;
    }
    return true;
}

static enum status read_into(struct csv_table *table, const char *path, const char *const *columns, size_t count,
                             size_t required)
{
    char *text = NULL;
    size_t size = 0;
    enum status status = file_read(path, &text, &size);

    if (status != STATUS_OK)
        return status;

    const char *begin = skip_mark(text, &size);

    if (!is_text(path, begin, size))
        status = STATUS_INPUT;
    if (status == STATUS_OK)
        status = parse_text(table, path, begin, size);
    if (status == STATUS_OK)
        status = check_table(table, path, columns, count, required);
    free(text);
    return status;
}

enum status csv_table_read(const char *path, const char *const *columns, size_t column_count, size_t required_count,
                           struct csv_table **ret_table)
{
    struct csv_table *table = calloc(1, sizeof(*table));

    if (table == NULL)
        return STATUS_NO_MEMORY;

    enum status status = read_into(table, path, columns, column_count, required_count);

    if (status != STATUS_OK) {
        csv_table_free(table);
        return status;
    }
    *ret_table = table;
    return STATUS_OK;
}

static void free_cells(struct csv_row *row)
{
    for (size_t i = 0; i < row->cell_count; i++)
        free(row->cells[i]);
}

void csv_table_free(struct csv_table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->row_count; i++)
        free_cells(&table->rows[i]);
    free_cells(&table->current);
    free(table->rows);
    free(table);
}

size_t csv_table_rows(const struct csv_table *table)
{
    return table->row_count - 1;
}

size_t csv_table_line(const struct csv_table *table, size_t row)
{
    return table->rows[row + 1].line;
}

bool csv_table_has(const struct csv_table *table, size_t column)
{
    return table->place[column] != CSV_COLUMNS_MAX;
}

const char *csv_table_cell(const struct csv_table *table, size_t row, size_t column)
{
    size_t place = table->place[column];

    return place == CSV_COLUMNS_MAX ? "" : table->rows[row + 1].cells[place];
}
