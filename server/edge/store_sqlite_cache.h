/*
 * The writer's rows in hand: what it has read or put by a single blob key is answered from memory, and what it has put is
 * written when somebody else might look: before a statement whose SQL names the table, before a savepoint, at commit, or when
 * there is too much of it. So a row that changes a hundred times within a commit is written once. Readers have none.
 *
 * Only tables whose key is one blob column take part; for them:
 *   reading by key goes through sq_cache_get, writing through sq_put, deleting by key is followed by sq_cache_forget;
 *   every other statement is prepared by sq_begin, which sees in its SQL which of these tables it names.
 * A failed write shows when it is carried out, at the latest at commit; a row that can't be stored is refused at once.
 */
#ifndef DOUBLECREW_SERVER_EDGE_STORE_SQLITE_CACHE_H
#define DOUBLECREW_SERVER_EDGE_STORE_SQLITE_CACHE_H

#include "server/edge/store_sqlite_internal.h"

struct sq_cache;

MUST_USE enum status sq_cache_new(struct sq_cache **ret_cache);
void sq_cache_free(struct sq_cache *cache); /* NULL is fine; what is unwritten is lost */

/* The tables of the cache that a statement's SQL names, as bits. */
uint32_t sq_cache_tables_in(const char *sql);

/* The row of this key, by the statement that selects it. Spans last as rows' do. NOT_FOUND. */
MUST_USE enum status sq_cache_get(struct store *store, enum sq_statement_id id, struct span key, void *ret_row);

/* True: taken, and *ret_status says how it went. False: the table doesn't take part, or the store is a reader. */
bool sq_cache_put(struct store *store, enum sq_statement_id id, const void *row, enum status *ret_status);

/* The row of this key was deleted by SQL. */
void sq_cache_forget(struct store *store, const struct sq_table *table, struct span key);

/* Writes what is unwritten of these tables; UINT32_MAX: of all. */
MUST_USE enum status sq_cache_write(struct store_sqlite *self, uint32_t tables);

bool sq_cache_has_unwritten(const struct store_sqlite *self);

/* After a rollback: what memory says may never have been. */
void sq_cache_drop(struct store_sqlite *self);

/* After a commit: when more is in hand than is worth keeping, all of it is forgotten. */
void sq_cache_trim(struct store_sqlite *self);

#endif
