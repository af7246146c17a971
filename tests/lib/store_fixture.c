#include "tests/lib/store_fixture.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/edge/store_sqlite.h"
#include "tests/lib/sim_disk.h"

static enum status sqlite_writer(const char *path, struct store **ret_store)
{
    return store_sqlite_open(path, STORE_SQLITE_WRITER, ret_store);
}

static enum status sqlite_reader(const char *path, struct store **ret_store)
{
    return store_sqlite_open(path, STORE_SQLITE_READER, ret_store);
}

static const struct store_backend backends[] = {
    {"sqlite", false, store_sqlite_create, sqlite_writer, sqlite_reader},
    {"sqlite on a simulated disk", true, store_sqlite_create, sqlite_writer, sqlite_reader},
};

const struct store_backend *store_backends(size_t *ret_count)
{
    *ret_count = sizeof(backends) / sizeof(backends[0]);
    return backends;
}

void test_folder_make(char ret_folder[64])
{
    const char *base = getenv("TMPDIR");

    int size = snprintf(ret_folder, 64, "%s/doublecrew-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
    assert(size > 0 && size < 64);
    char *made = mkdtemp(ret_folder);
    assert(made);
    (void)made;
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *place)
{
    (void)facts;
    (void)type;
    (void)place;
    return remove(path);
}

void test_folder_remove(const char *folder)
{
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void open_both(struct store_fixture *fixture)
{
    enum status writer = fixture->backend->open_writer(fixture->path, &fixture->writer);
    enum status reader = fixture->backend->open_reader(fixture->path, &fixture->reader);

    assert(writer == STATUS_OK && reader == STATUS_OK);
    (void)writer;
    (void)reader;
}

static void close_both(struct store_fixture *fixture)
{
    fixture->reader->ops->close(fixture->reader);
    fixture->writer->ops->close(fixture->writer);
}

int store_fixture_setup(void **state)
{
    struct store_fixture *fixture = calloc(1, sizeof(*fixture));

    assert(fixture);
    fixture->backend = *state;
    test_folder_make(fixture->folder);
    (void)snprintf(fixture->path, sizeof(fixture->path), "%s/store", fixture->folder);
    if (fixture->backend->simulated) {
        fixture->disk = sim_disk_install();
        assert(fixture->disk);
        if (!sim_disk_add(fixture->disk, fixture->folder))
            return -1;
    }
    if (fixture->backend->create(fixture->path, true) != STATUS_OK)
        return -1;
    open_both(fixture);
    *state = fixture;
    return 0;
}

int store_fixture_teardown(void **state)
{
    struct store_fixture *fixture = *state;

    close_both(fixture);
    sim_disk_remove(fixture->disk);
    test_folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

void store_fixture_reopen(struct store_fixture *fixture)
{
    close_both(fixture);
    open_both(fixture);
}

struct id numbered_id(unsigned number)
{
    struct id id = {{0}};

    put_u32(id.bytes + ID_SIZE - 4, number);
    return id;
}

struct hash numbered_hash(unsigned number)
{
    struct hash hash = {{0}};

    put_u32(hash.bytes + HASH_SIZE - 4, number);
    return hash;
}

struct span span_text(const char *text)
{
    return span_of(text, strlen(text));
}

struct journal_row store_fixture_push(struct store *store, const struct id *log, uint64_t first_seq, uint32_t count)
{
    struct store_head head;
    enum status status = store->ops->head(store, &head);

    assert(status == STATUS_OK);
    (void)status;
    struct journal_row row = {
        .first_pos = head.pos + 1,
        .count = count,
        .kind = JOURNAL_PUSH,
        .time_us = head.time_us,
        .log = *log,
        .first_seq = first_seq,
        .delivery = span_text("delivery"),
        .body = span_text("body"),
    };
    return row;
}

enum status store_fixture_commit(struct store *store, unsigned number)
{
    struct store_head head;
    struct id log = numbered_id(number);
    enum status status = store->ops->begin(store);

    if (status == STATUS_OK)
        status = store->ops->head(store, &head);
    if (status == STATUS_OK) {
        struct journal_row row = store_fixture_push(store, &log, 1, 1);
        head.pos = row.first_pos;
        status = store->ops->journal_append(store, &row);
    }
    if (status == STATUS_OK)
        status = store->ops->head_put(store, &head);
    if (status == STATUS_OK)
        status = store->ops->commit(store);
    if (status != STATUS_OK)
        store->ops->rollback(store);
    return status;
}

struct text {
    char *bytes;
    size_t size;
    size_t capacity;
};

/* Doubles: under the sanitizers a realloc always copies. */
static enum status append_line(void *context, const char *table, struct span line)
{
    struct text *text = context;

    (void)table;
    if (text->size + line.size >= text->capacity) {
        size_t capacity = 2 * (text->size + line.size) + 4096;
        char *bytes = realloc(text->bytes, capacity);

        if (!bytes)
            return STATUS_NO_MEMORY;
        text->bytes = bytes;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->size, line.data, line.size);
    text->size += line.size;
    text->bytes[text->size] = '\0';
    return STATUS_OK;
}

char *store_dump_text(struct store *store)
{
    struct text text = {0};
    enum status status = store_dump(store, append_line, &text);

    assert(status == STATUS_OK);
    (void)status;
    return text.bytes;
}
