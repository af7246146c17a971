/*
 * What SELECTs on small tables answered the writer: who held a phone, what bounds a boot's clock, who has decided on a visit.
 * The same is asked again and again while neighbours are derived, nearly always with the same answer, often that there is none.
 * An answer stands until one of the tables that its SQL names changes: for a statement that looks in one table by the first
 * column of its key, until a row with such a key does. Readers have none.
 *
 * A question is a statement and what is bound to it, kept in the query until it is known whether SQLite must be asked.
 * Everything that changes these tables goes through sq_change, or is followed by sq_answers_drop.
 */
#ifndef DOUBLECREW_SERVER_EDGE_STORE_SQLITE_ANSWERS_H
#define DOUBLECREW_SERVER_EDGE_STORE_SQLITE_ANSWERS_H

#include "server/edge/store_sqlite_internal.h"

struct sq_answers;

MUST_USE enum status sq_answers_new(struct sq_answers **ret_answers);
void sq_answers_free(struct sq_answers *answers); /* NULL is fine */

/* Which of the tables a statement names, whether it looks by first key, whether its answers are kept. */
void sq_answers_prepare(const struct sq_statement_spec *spec, const char *sql, struct sq_statement *statement);

/* True: the query's question is known, and sq_answers_next tells the answer. */
bool sq_answers_find(struct sq_query *query);
bool sq_answers_next(struct sq_query *query, void *row);

/* A row of the answer, as SQLite gave it; and that it was the last one. */
void sq_answers_add(struct sq_query *query, const struct sq_table *table, const void *row);
void sq_answers_keep(struct sq_query *query);

/* The query is over, its answer told or not. */
void sq_answers_end(struct sq_query *query);

/* The statement has changed its tables. */
void sq_answers_changed(struct sq_query *query);

/* After a rollback, or when tables were cleared: nothing that was answered stands. */
void sq_answers_drop(struct store_sqlite *self);

#endif
