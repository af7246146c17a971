/*
 * The queue between threads: nothing lost, nothing doubled, the order of each writer kept, and every wait ends.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "server/edge/queue.h"

#define WRITERS 3
#define ITEMS_EACH 5000

struct item {
    unsigned writer;
    unsigned number;
};

struct writer {
    struct queue *queue;
    unsigned index;
    bool waits;
    enum status last;
};

static void *write_items(void *context)
{
    struct writer *writer = context;

    for (unsigned i = 0; i < ITEMS_EACH; i++) {
        struct item item = {writer->index, i};

        do
            writer->last = writer->waits ? queue_push_wait(writer->queue, &item) : queue_push(writer->queue, &item);
        while (writer->last == STATUS_BUSY);
    }
    return NULL;
}

static void read_all(struct queue *queue, unsigned ret_next[WRITERS])
{
    struct item item;

    for (size_t i = 0; i < (size_t)WRITERS * ITEMS_EACH; i++) {
        assert_int_equal(queue_pop(queue, 10 * 1000000, &item), STATUS_OK);
        assert_int_equal(item.number, ret_next[item.writer]);
        ret_next[item.writer]++;
    }
}

static void items__of_every_writer_arrive_once_and_in_order(void **state)
{
    struct queue *queue;
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    unsigned next[WRITERS] = {0};

    (void)state;
    assert_int_equal(queue_new(sizeof(struct item), 7, &queue), STATUS_OK);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.queue = queue, .index = i, .waits = i != 0};
        assert_int_equal(pthread_create(&threads[i], NULL, write_items, &writers[i]), 0);
    }
    read_all(queue, next);
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(next[i], ITEMS_EACH);
    }
    assert_int_equal(queue_count(queue), 0);
    queue_free(queue);
}

static void full_queue__refuses_and_keeps_what_it_has(void **state)
{
    struct queue *queue;
    int value;

    (void)state;
    assert_int_equal(queue_new(sizeof(int), 2, &queue), STATUS_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(queue_push(queue, &i), STATUS_OK);
    value = 9;
    assert_int_equal(queue_push(queue, &value), STATUS_BUSY);
    assert_int_equal(queue_pop(queue, 0, &value), STATUS_OK);
    assert_int_equal(value, 0);
    assert_int_equal(queue_pop(queue, 0, &value), STATUS_OK);
    assert_int_equal(value, 1);
    queue_free(queue);
}

static void empty_queue__times_out_and_leaves_the_item_alone(void **state)
{
    struct queue *queue;
    int value = 5;

    (void)state;
    assert_int_equal(queue_new(sizeof(int), 2, &queue), STATUS_OK);
    assert_int_equal(queue_pop(queue, 0, &value), STATUS_TIMEOUT);
    assert_int_equal(queue_pop(queue, 2000, &value), STATUS_TIMEOUT);
    assert_int_equal(value, 5);
    queue_free(queue);
}

static void closed_queue__gives_what_it_has_and_takes_nothing(void **state)
{
    struct queue *queue;
    int value = 1;

    (void)state;
    assert_int_equal(queue_new(sizeof(int), 2, &queue), STATUS_OK);
    assert_int_equal(queue_push(queue, &value), STATUS_OK);
    queue_close(queue);
    assert_int_equal(queue_push(queue, &value), STATUS_CANCELLED);
    assert_int_equal(queue_push_wait(queue, &value), STATUS_CANCELLED);
    assert_int_equal(queue_pop(queue, -1, &value), STATUS_OK);
    assert_int_equal(queue_pop(queue, -1, &value), STATUS_CANCELLED);
    queue_free(queue);
}

static void close__wakes_a_writer_that_waits_for_room(void **state)
{
    struct writer writer = {.waits = true};
    struct item item = {0};
    pthread_t thread;

    (void)state;
    assert_int_equal(queue_new(sizeof(struct item), 1, &writer.queue), STATUS_OK);
    assert_int_equal(queue_push(writer.queue, &item), STATUS_OK);
    assert_int_equal(pthread_create(&thread, NULL, write_items, &writer), 0);
    queue_close(writer.queue);
    pthread_join(thread, NULL);
    assert_int_equal(writer.last, STATUS_CANCELLED);
    queue_free(writer.queue);
}

static void *pop_one(void *context)
{
    static int value;

    return (void *)(intptr_t)queue_pop(context, -1, &value);
}

static void close__wakes_a_reader_that_waits_for_an_item(void **state)
{
    struct queue *queue;
    pthread_t thread;
    void *result;

    (void)state;
    assert_int_equal(queue_new(sizeof(int), 1, &queue), STATUS_OK);
    assert_int_equal(pthread_create(&thread, NULL, pop_one, queue), 0);
    queue_close(queue);
    pthread_join(thread, &result);
    assert_int_equal((intptr_t)result, STATUS_CANCELLED);
    queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items__of_every_writer_arrive_once_and_in_order),
        cmocka_unit_test(full_queue__refuses_and_keeps_what_it_has),
        cmocka_unit_test(empty_queue__times_out_and_leaves_the_item_alone),
        cmocka_unit_test(closed_queue__gives_what_it_has_and_takes_nothing),
        cmocka_unit_test(close__wakes_a_writer_that_waits_for_room),
        cmocka_unit_test(close__wakes_a_reader_that_waits_for_an_item),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
