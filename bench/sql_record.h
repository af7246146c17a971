/*
 * What a store's connection is told to do, kept as prepared statements and their values, and done again in a bare loop.
 *
 * Recording listens at SQLite itself (sqlite3_trace_v2), so nothing is assumed about which statements the server's logic
 * uses, how many rows a fact costs, or where transactions begin and end: the loop is that of the code as it is. Playing
 * binds and steps, and nothing else: no logic, no hashing, no reading of what comes back.
 */
#ifndef DOUBLECREW_BENCH_SQL_RECORD_H
#define DOUBLECREW_BENCH_SQL_RECORD_H

#include "server/logic/store.h"

struct sql_record;

MUST_USE enum status sql_record_new(struct sql_record **ret_record);
void sql_record_free(struct sql_record *record);

/* From now on; the store is an SQLite one. Only one record listens to a store. */
MUST_USE enum status sql_record_begin(struct sql_record *record, struct store *store);
/* STORE: a statement couldn't be read back, so the record is worth nothing. */
MUST_USE enum status sql_record_end(struct sql_record *record, struct store *store);

/* Which part of a record: whole transactions, from the one on that appends the journal's record after `after_pos`. */
struct sql_part {
    size_t first; /* call */
    size_t transactions;
    size_t writes; /* rows inserted, replaced or removed */
    size_t reads;
};
/* NOT_FOUND: nothing was journalled after it. */
MUST_USE enum status sql_record_part(const struct sql_record *record, uint64_t after_pos, struct sql_part *ret_part);

/*
 * Plays a part into a store that is where the recorded one was then. with_reads: every statement, else only those that
 * write; transactions begin and end as recorded, and the store checkpoints as it always does. IO, DISK_FULL, STORE.
 */
MUST_USE enum status sql_record_play(const struct sql_record *record, const struct sql_part *part, struct store *store,
                                     bool with_reads, double *ret_took_s);

/* Calls `each` for every table written to in the part, with the rows written. */
void sql_record_tables(const struct sql_record *record, const struct sql_part *part,
                       void (*each)(void *context, const char *table, size_t writes), void *context);

#endif
