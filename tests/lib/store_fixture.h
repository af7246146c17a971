/*
 * Stores to test against: every backend is one line of the table, and every contract test runs on each of them.
 * A fixture is a fresh training store in a folder of its own with its writer and one reader open.
 */
#ifndef DOUBLECREW_TESTS_STORE_FIXTURE_H
#define DOUBLECREW_TESTS_STORE_FIXTURE_H

#include "server/logic/store.h"

struct store_backend {
    const char *name;
    bool simulated; /* its files live on a disk in memory (sim_disk.h) that the fixture installs */
    enum status (*create)(const char *path, bool training);
    enum status (*open_writer)(const char *path, struct store **ret_store);
    enum status (*open_reader)(const char *path, struct store **ret_store);
};

const struct store_backend *store_backends(size_t *ret_count);

struct store_fixture {
    const struct store_backend *backend;
    char folder[64];
    char path[96];
    struct store *writer;
    struct store *reader;
    struct sim_disk *disk; /* NULL: the real one */
};

/* For cmocka: the initial state is a struct store_backend *; the state becomes a struct store_fixture *. */
int store_fixture_setup(void **state);
int store_fixture_teardown(void **state);
/* Closes both and opens them again. */
void store_fixture_reopen(struct store_fixture *fixture);
/* A fresh folder under TMPDIR or /tmp, and its removal with everything in it. */
void test_folder_make(char ret_folder[64]);
void test_folder_remove(const char *folder);

/* Recognisable values: the number in the last bytes, so that they sort by it. */
struct id numbered_id(unsigned number);
struct hash numbered_hash(unsigned number);
struct span span_text(const char *text);

/* A journal row of `count` records after the last one, with a push of a log's entries from first_seq on. */
struct journal_row store_fixture_push(struct store *store, const struct id *log, uint64_t first_seq, uint32_t count);
/* Appends one such row and moves head, in a transaction of its own. */
enum status store_fixture_commit(struct store *store, unsigned number);

/* A dump in one string that the caller frees. */
char *store_dump_text(struct store *store);

#endif
