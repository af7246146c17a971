/*
 * The ceiling that ingest is measured against: the same kind of rows in a bare SQLite loop, with the store's own settings
 * (WAL, synchronous=FULL, the same checkpoints), no protocol, no hashing, no derivation.
 */
#ifndef DOUBLECREW_BENCH_SQLITE_LOOP_H
#define DOUBLECREW_BENCH_SQLITE_LOOP_H

#include "core/status.h"

#include <stddef.h>

struct sqlite_loop {
    const char *folder; /* where its file is made and removed again: on the disk that the server's store is on */
    size_t facts;       /* how many in all */
    size_t facts_per_transaction; /* 1 or more; the last transaction may be smaller */
};

/*
 * A fact is one operation row (a 200-byte blob, keyed by a running number) and one upsert (200 bytes under a 16-byte key;
 * every second fact finds its key there already). Rates are facts a second, each in a committed, synced transaction.
 * IO, DISK_FULL, STORE; INPUT when a number is 0.
 */
MUST_USE enum status sqlite_loop_run(const struct sqlite_loop *loop, double *ret_facts_per_s);

#endif
