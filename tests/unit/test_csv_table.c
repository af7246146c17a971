/* CSV files: what is right is read cell by cell, and what is wrong is named with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/csv_table.h"
#include "tests/lib/said.h"

static const char *const columns[] = {"code", "name", "note"};
#define REQUIRED 2

static struct csv_table *read_good(void **state, const char *text)
{
    struct csv_table *table = NULL;

    assert_int_equal(csv_table_read(said_file(*state, "t.csv", text, strlen(text)), columns, 3, REQUIRED, &table),
                     STATUS_OK);
    return table;
}

/* Refused, with every one of these said (they are separated by '|'); nothing is returned. */
static void refuse_bytes(void **state, const char *text, size_t size, const char *reasons)
{
    struct csv_table *table = NULL;
    const char *path = said_file(*state, "t.csv", text, size);
    char copy[512];
    char *rest = NULL;

    said_listen(*state);

    enum status status = csv_table_read(path, columns, 3, REQUIRED, &table);
    const char *heard = said_heard(*state);

    assert_int_equal(status, STATUS_INPUT);
    assert_null(table);
    snprintf(copy, sizeof(copy), "%s", reasons);
    for (char *reason = strtok_r(copy, "|", &rest); reason != NULL; reason = strtok_r(NULL, "|", &rest)) {
        if (strstr(heard, reason) == NULL)
            fail_msg("for <%s> it said <%s>, not <%s>", text, heard, reason);
    }
}

static void refuse(void **state, const char *text, const char *reasons)
{
    refuse_bytes(state, text, strlen(text), reasons);
}

static void table__is_read_in_any_order_of_columns(void **state)
{
    struct csv_table *table = read_good(state, "name,code\nNorth,N\n \"South, and \"\"East\"\"\" , S\n");

    assert_int_equal(csv_table_rows(table), 2);
    assert_string_equal(csv_table_cell(table, 0, 0), "N");
    assert_string_equal(csv_table_cell(table, 0, 1), "North");
    assert_string_equal(csv_table_cell(table, 1, 0), "S");
    assert_string_equal(csv_table_cell(table, 1, 1), "South, and \"East\"");
    assert_string_equal(csv_table_cell(table, 1, 2), "");
    assert_true(csv_table_has(table, 1));
    assert_false(csv_table_has(table, 2));
    assert_int_equal(csv_table_line(table, 1), 3);
    csv_table_free(table);
}

static void table__takes_a_byte_order_mark_and_windows_line_ends(void **state)
{
    struct csv_table *table = read_good(state, "\xef\xbb\xbf"
                                               "code,name\r\nN,North\r\nS,South\r\n");

    assert_int_equal(csv_table_rows(table), 2);
    assert_string_equal(csv_table_cell(table, 1, 1), "South");
    assert_int_equal(csv_table_line(table, 1), 3);
    csv_table_free(table);
}

static void table__needs_no_line_end_at_its_end(void **state)
{
    struct csv_table *table = read_good(state, "code,name\nN,North");

    assert_int_equal(csv_table_rows(table), 1);
    assert_string_equal(csv_table_cell(table, 0, 1), "North");
    csv_table_free(table);
}

static void table__may_have_no_rows(void **state)
{
    struct csv_table *table = read_good(state, "code,name\n");

    assert_int_equal(csv_table_rows(table), 0);
    csv_table_free(table);
}

static void lines__are_counted_over_empty_lines_and_cells_of_many_lines(void **state)
{
    struct csv_table *table = read_good(state, "code,name\n\n\nN,\"North\nof the river\"\n\"S\nS\",South\n\nE,East\n");

    assert_int_equal(csv_table_rows(table), 3);
    assert_int_equal(csv_table_line(table, 0), 4);
    assert_int_equal(csv_table_line(table, 1), 6);
    assert_int_equal(csv_table_line(table, 2), 9);
    assert_string_equal(csv_table_cell(table, 1, 0), "S\nS");
    csv_table_free(table);
}

static void columns__unknown_missing_or_doubled_are_named(void **state)
{
    refuse(state, "code,name,shoe\nN,North,9\n", "t.csv:1: column 'shoe' is not one that is read here");
    refuse(state, "code\nN\n", "t.csv:1: column 'name' is missing");
    refuse(state, "code,name,code\nN,North,N\n", "t.csv:1: column 'code' is there twice");
    refuse(state, "\n\nCode,Name\n", "t.csv:3: column 'Code' is not|t.csv:3: column 'code' is missing");
    refuse(state, "code,name,\nN,North,\n", "column '' is not one");
}

static void rows__of_another_width_are_all_named(void **state)
{
    refuse(state, "code,name\nN\nS,South\nE,East,x\n",
           "t.csv:2: 1 cells where the header has 2|t.csv:4: 3 cells where the header has 2");
}

static void row__of_very_many_cells_is_refused(void **state)
{
    char text[512] = "code,name\n";

    memset(text + strlen(text), ',', 400);
    refuse(state, text, "t.csv:2: 32 cells");
}

static void quotes__that_go_wrong_are_named(void **state)
{
    refuse(state, "code,name\nN,North\nS,So\"uth\n", "t.csv:3: not valid CSV");
    refuse(state, "code,name\nN,\"North\" x\n", "t.csv:2: not valid CSV");
    refuse(state, "code,name\nN,North\nS,\"South\nE,East\n", "t.csv:3: a quoted cell is never closed");
}

static void bytes__that_are_no_text_are_named(void **state)
{
    refuse(state, "code,name\nN,North\nS,S\xfct\n", "t.csv:3: this line is not UTF-8");
    refuse_bytes(state, "code,name\nN,No\0rth\n", 19, "t.csv:2: this line is not UTF-8");
    refuse(state,
           "\xff\xfe"
           "c\n",
           "t.csv:1: this line is not UTF-8");
}

static void file__that_is_empty_is_named(void **state)
{
    refuse(state, "", "t.csv:1: the file is empty");
    refuse(state, "\n\n  \n", "t.csv:1: the file is empty");
    refuse(state, "\xef\xbb\xbf", "t.csv:1: the file is empty");
}

static void file__that_is_missing_or_a_folder_is_an_error(void **state)
{
    struct csv_table *table = NULL;

    (void)state;
    assert_int_equal(csv_table_read("/tmp/doublecrew-no-such.csv", columns, 3, REQUIRED, &table), STATUS_NOT_FOUND);
    assert_int_equal(csv_table_read("/tmp", columns, 3, REQUIRED, &table), STATUS_IO);
    assert_null(table);
}

static void table__of_many_rows_is_read_up_to_the_limit(void **state)
{
    size_t rows = CSV_ROWS_MAX + 1;
    size_t head = strlen("code,name\n");
    char *text = malloc(head + 4 * rows + 1);
    struct csv_table *table = NULL;

    assert_non_null(text);
    snprintf(text, head + 1, "code,name\n");
    for (size_t i = 0; i < rows; i++)
        snprintf(text + head + 4 * i, 5, "a,b\n");
    assert_int_equal(
        csv_table_read(said_file(*state, "t.csv", text, head + 4 * (rows - 1)), columns, 3, REQUIRED, &table),
        STATUS_OK);
    assert_int_equal(csv_table_rows(table), CSV_ROWS_MAX);
    csv_table_free(table);
    table = NULL;
    assert_int_equal(csv_table_read(said_file(*state, "t.csv", text, head + 4 * rows), columns, 3, REQUIRED, &table),
                     STATUS_OVER_LIMIT);
    assert_null(table);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, said_begin, said_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(table__is_read_in_any_order_of_columns),
        TEST(table__takes_a_byte_order_mark_and_windows_line_ends),
        TEST(table__needs_no_line_end_at_its_end),
        TEST(table__may_have_no_rows),
        TEST(lines__are_counted_over_empty_lines_and_cells_of_many_lines),
        TEST(columns__unknown_missing_or_doubled_are_named),
        TEST(rows__of_another_width_are_all_named),
        TEST(row__of_very_many_cells_is_refused),
        TEST(quotes__that_go_wrong_are_named),
        TEST(bytes__that_are_no_text_are_named),
        TEST(file__that_is_empty_is_named),
        TEST(file__that_is_missing_or_a_folder_is_an_error),
        TEST(table__of_many_rows_is_read_up_to_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
