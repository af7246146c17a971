/*
 * The writer's index of presences in memory: which an officer had, and which were at an offender, and when. Derivation asks for
 * neighbours many times for each fact, nearly always for the same few people; SQLite sorts and decodes wide rows for each answer.
 *
 * For each person asked about, it holds all presences that end at or after some time: the earliest that was asked for. What is
 * asked for before that is read again, wider. It follows each presence_put, and holds what the transaction under way sees;
 * after a rollback it is dropped. Rows themselves come from the cache of rows (store_sqlite_cache.h). Readers have none.
 */
#ifndef DOUBLECREW_SERVER_EDGE_STORE_SQLITE_INDEX_H
#define DOUBLECREW_SERVER_EDGE_STORE_SQLITE_INDEX_H

#include "server/edge/store_sqlite_internal.h"

struct sq_index;

enum sq_index_side { SQ_INDEX_OFFICER, SQ_INDEX_OFFENDER };

MUST_USE enum status sq_index_new(struct sq_index **ret_index);
void sq_index_free(struct sq_index *index); /* NULL is fine */

/* Those of one person whose bounds touch from_us..to_us, in order of their ids. What `each` says other than OK ends it. */
MUST_USE enum status sq_index_each(struct store *store, enum sq_index_side side, const struct id *person,
                                   int64_t from_us, int64_t to_us, store_presence_each each, void *context);

/* The ids of an officer's at an offender (NULL: at any), the same way. */
MUST_USE enum status sq_index_ids(struct store *store, const struct id *officer, const struct id *offender,
                                  int64_t from_us, int64_t to_us, store_hash_each each, void *context);

/* row was put in place of before; NULL: of none. */
void sq_index_put(struct store_sqlite *self, const struct presence_row *before, const struct presence_row *row);

/* After a rollback; also when it holds more than it may. */
void sq_index_drop(struct store_sqlite *self);
/* After a commit. */
void sq_index_trim(struct store_sqlite *self);

#endif
