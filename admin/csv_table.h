/*
 * A CSV file as a table of cells with the lines they came from (RFC 4180, header line required, UTF-8, libcsv reads it).
 */
#ifndef DOUBLECREW_ADMIN_CSV_TABLE_H
#define DOUBLECREW_ADMIN_CSV_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

#define CSV_COLUMNS_MAX 32
#define CSV_ROWS_MAX 200000

struct csv_table;

/*
 * Reads the whole file. INPUT after printing each fault with its line: not CSV, not UTF-8, a column named twice, unknown or
 * missing (columns: what may be there, required first), a row with more or fewer cells than the header. Without printing:
 * NOT_FOUND, IO, OVER_LIMIT (16 MiB, CSV_ROWS_MAX), NO_MEMORY.
 */
MUST_USE enum status csv_table_read(const char *path, const char *const *columns, size_t column_count,
                                    size_t required_count, struct csv_table **ret_table);
void csv_table_free(struct csv_table *table);
size_t csv_table_rows(const struct csv_table *table);
/* Line of the file at which the row begins, from 1. */
size_t csv_table_line(const struct csv_table *table, size_t row);
/* Whether the file has that column. */
bool csv_table_has(const struct csv_table *table, size_t column);
/* The cell under columns[column], without blanks around it; "" when the file has no such column. */
const char *csv_table_cell(const struct csv_table *table, size_t row, size_t column);

#endif
