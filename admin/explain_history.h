/*
 * What the journal holds about one presence, record by record: facts as they came in, and what people were told.
 */
#ifndef DOUBLECREW_ADMIN_EXPLAIN_HISTORY_H
#define DOUBLECREW_ADMIN_EXPLAIN_HISTORY_H

#include "admin/roster.h"
#include "server/logic/store.h"

/*
 * The presence whose id begins with these hex digits (8 to 64). INPUT: no hex, or too few digits; NOT_FOUND; EXISTS: several
 * begin so. Within a read snapshot.
 */
MUST_USE enum status history_find_presence(struct store *store, const char *digits, struct hash *ret_presence);

/* Prints a line or two for each record that bears on it, in the journal's order. Within a read snapshot. */
MUST_USE enum status history_print(struct store *store, struct roster *roster, const struct hash *presence);

/* Milliseconds as local time with its UTC offset; "not known" for 0. Static storage of the last two calls. */
const char *history_time(int64_t time_ms);

#endif
