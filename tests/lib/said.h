/*
 * What a function prints on standard error, and files for it to read. One folder a test, removed at its end.
 */
#ifndef DOUBLECREW_TESTS_LIB_SAID_H
#define DOUBLECREW_TESTS_LIB_SAID_H

#include <stddef.h>

/* cmocka set-up and tear-down: *state is a struct said. */
int said_begin(void **state);
int said_end(void **state);

struct said;

/* Writes a file of the test's folder; returns its path, which lives until the next call. */
const char *said_file(struct said *said, const char *name, const char *text, size_t size);
/* From here on standard error is kept. */
void said_listen(struct said *said);
/* Standard error as it was; what was said since, until the next said_listen. */
const char *said_heard(struct said *said);

#endif
