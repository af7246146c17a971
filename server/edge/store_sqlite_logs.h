/*
 * Which device writes a log, as the writer last read it. Each push asks for its device by the log; asking SQLite would first
 * write the device's row, which the push before it has changed. Readers have none.
 */
#ifndef DOUBLECREW_SERVER_EDGE_STORE_SQLITE_LOGS_H
#define DOUBLECREW_SERVER_EDGE_STORE_SQLITE_LOGS_H

#include "server/edge/store_sqlite_internal.h"

struct sq_logs;

MUST_USE enum status sq_logs_new(struct sq_logs **ret_logs);
void sq_logs_free(struct sq_logs *logs); /* NULL is fine */

/* The first device by id whose log it is. NOT_FOUND. */
MUST_USE enum status sq_logs_device(struct store *store, const struct id *log, struct device_row *ret_row);

/* row is about to be put: if it is new or another log's, whose log is whose is read again. */
MUST_USE enum status sq_logs_put(struct store *store, const struct device_row *row);

/* After a rollback, or when tables were cleared. */
void sq_logs_drop(struct store_sqlite *self);

#endif
