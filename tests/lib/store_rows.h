/*
 * For the contract tests of rows: each kind comes back as put, is replaced by key, found in order. Include cmocka first.
 */
#ifndef DOUBLECREW_TESTS_STORE_ROWS_H
#define DOUBLECREW_TESTS_STORE_ROWS_H

#include "tests/lib/store_fixture.h"

#define OK(call) assert_int_equal((call), STATUS_OK)
#define WRITE(store, call)                                                                                             \
    do {                                                                                                               \
        OK((store)->ops->begin(store));                                                                                \
        OK(call);                                                                                                      \
        OK((store)->ops->commit(store));                                                                               \
    } while (0)
/* Rows are zeroed whole before they are filled, here and there, so their padding is equal too. */
#define SAME(a, b) assert_memory_equal(&(a), &(b), sizeof(a))
#define STORE_TEST(function)                                                                                           \
    {                                                                                                                  \
#function, function, store_fixture_setup, store_fixture_teardown, NULL                                         \
    }

/* The writer of the fixture that a test got. */
struct store *writer_of(void **state);

/* Rows with every column filled, recognisably. */
struct device_row device_row_of(unsigned number);
struct presence_row presence_row_of(unsigned number);

struct CMUnitTest;
/* Every test on every backend; the number that failed. */
int store_rows_run(struct CMUnitTest *tests, size_t count);

#endif
