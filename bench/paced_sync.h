/*
 * What the disk takes for an append that must last: 4 KiB and fdatasync at an even pace, on a thread of its own.
 */
#ifndef DOUBLECREW_BENCH_PACED_SYNC_H
#define DOUBLECREW_BENCH_PACED_SYNC_H

#include "core/status.h"

struct paced_sync;

/* In a file of its own in this folder. IO, NO_MEMORY. */
MUST_USE enum status paced_sync_start(const char *folder, struct paced_sync **ret_sync);
/* Ends it, and frees it; p50 and p99 in milliseconds. */
void paced_sync_stop(struct paced_sync *sync, double ret_ms[2]);

#endif
