/*
 * A bounded queue of plain structs between threads: any number of writers, one reader. Items are copied in and out; what
 * they point to changes hands only when the push succeeds.
 */
#ifndef DOUBLECREW_SERVER_EDGE_QUEUE_H
#define DOUBLECREW_SERVER_EDGE_QUEUE_H

#include "core/bytes.h"

struct queue;

/* NO_MEMORY. capacity items of item_size bytes each, all allocated here. */
MUST_USE enum status queue_new(size_t item_size, size_t capacity, struct queue **ret_queue);
/* Nobody may use it any more. What its items point to is the caller's to free first. */
void queue_free(struct queue *queue);

/* BUSY: full; CANCELLED: closed. Never waits. */
MUST_USE enum status queue_push(struct queue *queue, const void *item);
/* Waits for room: for threads that may wait, never for the loop. CANCELLED: closed. */
MUST_USE enum status queue_push_wait(struct queue *queue, const void *item);
/* Waits at most timeout_us (negative: for ever). TIMEOUT; CANCELLED: closed and empty. */
MUST_USE enum status queue_pop(struct queue *queue, int64_t timeout_us, void *ret_item);
/* No more pushes; what is in it can still be popped. Wakes everybody who waits. */
void queue_close(struct queue *queue);
size_t queue_count(struct queue *queue);

#endif
