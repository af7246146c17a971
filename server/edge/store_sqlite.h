/*
 * The embedded store: server/logic/store.h on SQLite, one file and its write-ahead log.
 *
 * SQLite 3.40 has a defect that can corrupt a file when two connections write or checkpoint at once (LIBRARIES.md). So one
 * connection does both: the writer, which holds an flock on "<path>.lock" for as long as it is open. All others are
 * read-only, in this process or another. A connection belongs to one thread at a time.
 *
 * A commit that failed is not in the store that goes on. Only when its sync failed and no later one succeeds either, it may
 * be found there whole after opening again: nothing of it was acknowledged, and its device sends it once more.
 *
 * Errors of opening: NOT_FOUND (no such file), STORE_BUSY (another writer), STORE_VERSION, STORE (not a Doublecrew store, or
 * damaged), IO, DISK_FULL, NO_MEMORY.
 */
#ifndef DOUBLECREW_SERVER_EDGE_STORE_SQLITE_H
#define DOUBLECREW_SERVER_EDGE_STORE_SQLITE_H

#include "server/logic/store.h"

enum store_sqlite_mode { STORE_SQLITE_WRITER, STORE_SQLITE_READER };

/*
 * Once, by a program with many threads, before it opens its first store: SQLite then keeps no account of its memory, whose
 * one lock every allocation of every connection would take. Without it everything works, more slowly.
 */
void store_sqlite_start(void);

/* A new, empty store of mode 0600: head at pos 0. training can't be changed later. EXISTS when anything has that name. */
MUST_USE enum status store_sqlite_create(const char *path, bool training);

/* The writer brings an older layout up to date; a reader says STORE_VERSION. ret_store->ops->close frees it. */
MUST_USE enum status store_sqlite_open(const char *path, enum store_sqlite_mode mode, struct store **ret_store);

/*
 * A consistent copy while the server runs, durable on return, mode 0600. EXISTS when path_to is taken; what a failure left
 * of it is removed. Whoever starts a server on a copy gives it a new epoch first (E2).
 */
MUST_USE enum status store_sqlite_backup(const char *path_from, const char *path_to);

/* The place of a store's writer, whether or not the file can be read; close(2) gives it back. STORE_BUSY. */
MUST_USE enum status store_sqlite_lock(const char *path, int *ret_fd);

/* SQLite's quick check of every page and row. STORE when anything is wrong. */
MUST_USE enum status store_sqlite_integrity(const char *path);

/* What SQLite said about the last failure on this connection, for the log; no data in it. Never NULL. */
const char *store_sqlite_detail(const struct store *store);

#endif
