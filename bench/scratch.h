/* What benchmarks with a server of their own share: their folder, its stores, its policy, and how they complain. */
#ifndef DOUBLECREW_BENCH_SCRATCH_H
#define DOUBLECREW_BENCH_SCRATCH_H

#include <stddef.h>

#include "core/status.h"

/* Says on stderr what went wrong and what to do; returns status. */
enum status scratch_complain(enum status status, const char *what);

/*
 * A folder of its own under base, which is made if it isn't there: the name and six random characters. Says itself what is
 * wrong with base. IO; INPUT where it is in memory, since nothing is durable there.
 */
MUST_USE enum status scratch_make(const char *base, const char *name, size_t size, char *ret_folder);

/* The store, its log and its lock, if they are there. */
void scratch_remove_store(const char *path);

/* A copy of a store that nobody has open, in place of whatever was at path_to, durable on return. IO. */
MUST_USE enum status scratch_put_store(const char *path_from, const char *path_to);

/* Work round the clock: what a flag costs isn't to depend on the hour of the measurement (A2). force: its folder. IO. */
MUST_USE enum status scratch_set_policy(const char *folder, const char *force);

#endif
