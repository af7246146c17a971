#include "server/edge/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled; /* CLOCK_MONOTONIC */
    pthread_cond_t emptied;
    size_t item_size;
    size_t capacity;
    size_t first;
    size_t count;
    bool closed;
    uint8_t *items;
};

static void init_locks(struct queue *queue)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->filled, &attributes);
    pthread_cond_init(&queue->emptied, &attributes);
    pthread_condattr_destroy(&attributes);
}

enum status queue_new(size_t item_size, size_t capacity, struct queue **ret_queue)
{
    struct queue *queue = calloc(1, sizeof(*queue));

    if (queue == NULL)
        return STATUS_NO_MEMORY;
    queue->items = calloc(capacity, item_size);
    if (queue->items == NULL) {
        free(queue);
        return STATUS_NO_MEMORY;
    }
    queue->item_size = item_size;
    queue->capacity = capacity;
    init_locks(queue);
    *ret_queue = queue;
    return STATUS_OK;
}

void queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    pthread_cond_destroy(&queue->filled);
    pthread_cond_destroy(&queue->emptied);
    pthread_mutex_destroy(&queue->lock);
    free(queue->items);
    free(queue);
}

/* Under the lock, with room. */
static void put(struct queue *queue, const void *item)
{
    size_t at = (queue->first + queue->count) % queue->capacity;

    memcpy(queue->items + at * queue->item_size, item, queue->item_size);
    queue->count++;
    pthread_cond_signal(&queue->filled);
}

static enum status push(struct queue *queue, const void *item, bool wait)
{
    enum status status = STATUS_OK;

    pthread_mutex_lock(&queue->lock);
    while (wait && !queue->closed && queue->count == queue->capacity)
        pthread_cond_wait(&queue->emptied, &queue->lock);
    if (queue->closed)
        status = STATUS_CANCELLED;
    else if (queue->count == queue->capacity)
        status = STATUS_BUSY;
    else
        put(queue, item);
    pthread_mutex_unlock(&queue->lock);
    return status;
}

enum status queue_push(struct queue *queue, const void *item)
{
    return push(queue, item, false);
}

enum status queue_push_wait(struct queue *queue, const void *item)
{
    return push(queue, item, true);
}

static struct timespec deadline_in(int64_t timeout_us)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += timeout_us / 1000000;
    at.tv_nsec += (timeout_us % 1000000) * 1000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

/* Under the lock, until there is an item, the queue is closed, or the time is over. */
static void wait_for_item(struct queue *queue, int64_t timeout_us)
{
    struct timespec deadline = deadline_in(timeout_us < 0 ? 0 : timeout_us);
    int error = 0;

    while (queue->count == 0 && !queue->closed && error != ETIMEDOUT) {
        if (timeout_us < 0)
            error = pthread_cond_wait(&queue->filled, &queue->lock);
        else
            error = pthread_cond_timedwait(&queue->filled, &queue->lock, &deadline);
    }
}

enum status queue_pop(struct queue *queue, int64_t timeout_us, void *ret_item)
{
    enum status status = STATUS_OK;

    pthread_mutex_lock(&queue->lock);
    if (timeout_us != 0)
        wait_for_item(queue, timeout_us);
    if (queue->count > 0) {
        memcpy(ret_item, queue->items + queue->first * queue->item_size, queue->item_size);
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        pthread_cond_signal(&queue->emptied);
    } else {
        status = queue->closed ? STATUS_CANCELLED : STATUS_TIMEOUT;
    }
    pthread_mutex_unlock(&queue->lock);
    return status;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_cond_broadcast(&queue->emptied);
    pthread_mutex_unlock(&queue->lock);
}

size_t queue_count(struct queue *queue)
{
    size_t count;

    pthread_mutex_lock(&queue->lock);
    count = queue->count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}
