/* A writer and readers at once, each with a connection of its own: every snapshot is one that was committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "tests/lib/store_fixture.h"

#define COMMITS 300
#define READERS 2

struct reader {
    struct store_fixture *fixture;
    pthread_t thread;
    atomic_bool *done;
    unsigned snapshots;
    enum status status; /* assertions belong to the main thread */
};

static enum status count_row(void *context, const struct journal_row *row)
{
    uint64_t *count = context;

    *count += row->count;
    return STATUS_OK;
}

static enum status read_snapshot(struct store *store, uint64_t *last_pos)
{
    struct store_head head;
    uint64_t count = 0;
    enum status status = store->ops->begin_read(store);

    if (status != STATUS_OK)
        return status;
    status = store->ops->head(store, &head);
    if (status == STATUS_OK)
        status = store->ops->journal_from(store, 1, count_row, &count);
    store->ops->end_read(store);
    if (status == STATUS_OK && (count != head.pos || head.pos < *last_pos))
        status = STATUS_INTERNAL;
    if (status == STATUS_OK)
        *last_pos = head.pos;
    return status;
}

static void *read_until_done(void *context)
{
    struct reader *reader = context;
    struct store *store = NULL;
    uint64_t last_pos = 0;

    reader->status = reader->fixture->backend->open_reader(reader->fixture->path, &store);
    if (reader->status != STATUS_OK)
        return NULL;
    while (reader->status == STATUS_OK && !(atomic_load(reader->done) && last_pos == COMMITS)) {
        reader->status = read_snapshot(store, &last_pos);
        reader->snapshots++;
    }
    store->ops->close(store);
    return NULL;
}

static void readers__see_whole_commits_while_the_writer_writes(void **state)
{
    struct store_fixture *fixture = *state;
    struct reader readers[READERS];
    atomic_bool done = false;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.fixture = fixture, .done = &done};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_until_done, &readers[i]), 0);
    }
    for (unsigned i = 0; i < COMMITS && status == STATUS_OK; i++)
        status = store_fixture_commit(fixture->writer, i);
    atomic_store(&done, true);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        assert_int_equal(readers[i].status, STATUS_OK);
        assert_true(readers[i].snapshots > 0);
    }
    assert_int_equal(status, STATUS_OK);
}

int main(void)
{
    size_t count;
    const struct store_backend *backends = store_backends(&count);
    int failed = 0;

    for (size_t i = 0; i < count; i++) {
        const struct CMUnitTest tests[] = {
            {"readers__see_whole_commits_while_the_writer_writes", readers__see_whole_commits_while_the_writer_writes,
             store_fixture_setup, store_fixture_teardown, (void *)(uintptr_t)&backends[i]},
        };
        failed += cmocka_run_group_tests_name(backends[i].name, tests, NULL, NULL);
    }
    return failed;
}
