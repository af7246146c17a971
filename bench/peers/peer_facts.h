/*
 * The same facts for every peer: what bench/load_log.h makes for our own server, as the JSON that somebody would write who
 * begins today: an id for each (a time-ordered UUID), its visit, kind and time, and the same words. About 250 bytes a fact.
 *
 * A fact can be told from its id alone: the last 12 hex digits are device * 2^32 + number, scattered so that they look like the
 * chance that they are in a real one. So whatever protocol brings facts
 * back, counting them is the same (peer_facts_see).
 */
#ifndef DOUBLECREW_BENCH_PEER_FACTS_H
#define DOUBLECREW_BENCH_PEER_FACTS_H

#include <stdint.h>
#include <stdio.h>

#include "core/bytes.h"

#define PEER_ATTEMPT_FACTS 20
#define PEER_DEVICES_MAX 1000

/* Writes one fact; id_key is what the peer calls an id ("id", "_id"). Numbers count from 0. */
void peer_facts_write(FILE *file, const char *id_key, size_t device, size_t number);
/* The same, of a visit that nobody else was at: even numbers are check-ins, odd ones their check-outs. */
void peer_facts_write_lone(FILE *file, const char *id_key, size_t device, size_t number);

/* Which facts have been seen, each counted once. */
struct peer_seen;
MUST_USE enum status peer_seen_new(size_t devices, size_t facts_each, struct peer_seen **ret_seen);
void peer_seen_free(struct peer_seen *seen);
size_t peer_seen_count(const struct peer_seen *seen);
/* How many of this device's facts below `count` have not been seen. */
size_t peer_seen_missing(const struct peer_seen *seen, size_t device, size_t count);

/* Called for a fact that is seen for the first time. */
typedef void peer_seen_fn(void *context, size_t device, size_t number);

/*
 * Finds ids in this text and marks them; returns how many bytes may be forgotten (the rest may hold the beginning of an id).
 */
size_t peer_seen_read(struct peer_seen *seen, struct span text, peer_seen_fn *fn, void *context);

#endif
