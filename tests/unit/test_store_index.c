/*
 * The writer finds an officer's and an offender's presences in memory (store_sqlite_index.h). Whatever happens before, it must
 * find what a plain list of them holds, and a reader, who asks SQLite, what is committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/core_fixture.h"
#include "tests/lib/store_rows.h"

#define PRESENCES 40
#define PEOPLE 3
#define TIMES 30
#define STEPS 3000

/* What the store should hold; presence i is row i. */
struct model {
    struct presence_row rows[PRESENCES];
    bool there[PRESENCES];
};

struct world {
    struct store_fixture *fixture;
    struct model now, saved, committed;
    uint64_t random;
    bool begun, savepoint;
};

struct found {
    const struct model *model;
    size_t count;
    unsigned last;
};

static uint64_t random_below(uint64_t *random, uint64_t limit)
{
    return fixture_random(random) % limit;
}

static unsigned number_of(const struct presence_row *row)
{
    return get_u32(row->presence.bytes + HASH_SIZE - 4);
}

static enum status check_row(void *context, const struct presence_row *row)
{
    struct found *found = context;
    unsigned number = number_of(row);

    assert_true(found->count == 0 || number > found->last);
    assert_true(number < PRESENCES && found->model->there[number]);
    SAME(*row, found->model->rows[number]);
    found->last = number;
    found->count++;
    return STATUS_OK;
}

static enum status check_id(void *context, const struct hash *presence)
{
    struct found *found = context;
    unsigned number = get_u32(presence->bytes + HASH_SIZE - 4);

    assert_true(found->count == 0 || number > found->last);
    assert_true(number < PRESENCES && found->model->there[number]);
    found->last = number;
    found->count++;
    return STATUS_OK;
}

static size_t count_of_both(const struct model *model, const struct id *officer, const struct id *offender,
                            int64_t from_us, int64_t to_us)
{
    size_t count = 0;

    for (size_t i = 0; i < PRESENCES; i++) {
        const struct presence_row *row = &model->rows[i];

        count += model->there[i] && id_equal(&row->officer, officer) &&
                 (offender == NULL || id_equal(&row->offender, offender)) && row->to_us >= from_us &&
                 row->from_us <= to_us;
    }
    return count;
}

static void check_ids(struct store *store, const struct model *model, struct world *world)
{
    struct id officer = numbered_id(100 + (unsigned)random_below(&world->random, PEOPLE));
    struct id offender = numbered_id(200 + (unsigned)random_below(&world->random, PEOPLE));
    const struct id *at = random_below(&world->random, 2) == 0 ? &offender : NULL;
    int64_t from_us = (int64_t)random_below(&world->random, TIMES);
    int64_t to_us = random_below(&world->random, 2) == 0 ? INT64_MAX : from_us + 3;
    struct found found = {.model = model};

    OK(store->ops->presence_ids(store, &officer, at, from_us, to_us, check_id, &found));
    assert_int_equal(found.count, count_of_both(model, &officer, at, from_us, to_us));
}

static size_t count_touching(const struct model *model, bool of_officer, const struct id *person, int64_t from_us,
                             int64_t to_us)
{
    size_t count = 0;

    for (size_t i = 0; i < PRESENCES; i++) {
        const struct presence_row *row = &model->rows[i];

        count += model->there[i] && id_equal(of_officer ? &row->officer : &row->offender, person) &&
                 row->to_us >= from_us && row->from_us <= to_us;
    }
    return count;
}

static void check_against(struct store *store, const struct model *model, struct world *world)
{
    bool of_officer = random_below(&world->random, 2) == 0;
    struct id person = numbered_id((of_officer ? 100 : 200) + (unsigned)random_below(&world->random, PEOPLE));
    int64_t from_us = random_below(&world->random, 8) == 0 ? INT64_MIN : (int64_t)random_below(&world->random, TIMES);
    int64_t to_us =
        random_below(&world->random, 4) == 0 ? INT64_MAX : from_us + (int64_t)random_below(&world->random, TIMES / 3);
    struct found found = {.model = model};

    if (from_us == INT64_MIN)
        to_us = (int64_t)random_below(&world->random, TIMES);
    if (of_officer)
        OK(store->ops->presences_of(store, &person, from_us, to_us, check_row, &found));
    else
        OK(store->ops->presences_at(store, &person, from_us, to_us, check_row, &found));
    assert_int_equal(found.count, count_touching(model, of_officer, &person, from_us, to_us));
}

/* New, or moved in time, or (which the rule never does) somebody else's. */
static void put_one(struct world *world)
{
    struct store *store = world->fixture->writer;
    unsigned number = (unsigned)random_below(&world->random, PRESENCES);
    struct presence_row *row = &world->now.rows[number];

    if (!world->now.there[number] || random_below(&world->random, 10) == 0) {
        *row = presence_row_of(number);
        row->presence = numbered_hash(number);
        row->officer = numbered_id(100 + (unsigned)random_below(&world->random, PEOPLE));
        row->offender = numbered_id(200 + (unsigned)random_below(&world->random, PEOPLE));
    }
    row->from_us = (int64_t)random_below(&world->random, TIMES);
    row->to_us = row->from_us + (int64_t)random_below(&world->random, TIMES / 4);
    world->now.there[number] = true;
    OK(store->ops->presence_put(store, row));
}

static void begin_or_end(struct world *world)
{
    struct store *store = world->fixture->writer;

    if (!world->begun) {
        OK(store->ops->begin(store));
    } else if (random_below(&world->random, 3) == 0) {
        store->ops->rollback(store);
        world->now = world->committed;
    } else {
        if (world->savepoint)
            OK(store->ops->savepoint_release(store));
        OK(store->ops->commit(store));
        world->committed = world->now;
    }
    world->begun = !world->begun;
    world->savepoint = false;
}

static void mark_or_take_back(struct world *world)
{
    struct store *store = world->fixture->writer;

    if (!world->begun)
        return;
    if (!world->savepoint) {
        OK(store->ops->savepoint(store));
        world->saved = world->now;
    } else if (random_below(&world->random, 2) == 0) {
        OK(store->ops->savepoint_release(store));
    } else {
        store->ops->savepoint_rollback(store);
        world->now = world->saved;
    }
    world->savepoint = !world->savepoint;
}

static void step(struct world *world)
{
    switch (random_below(&world->random, 12)) {
    case 0:
        begin_or_end(world);
        break;
    case 1:
        mark_or_take_back(world);
        break;
    case 2:
        check_against(world->fixture->reader, &world->committed, world);
        check_ids(world->fixture->reader, &world->committed, world);
        break;
    case 6:
        check_ids(world->fixture->writer, &world->now, world);
        break;
    case 3:
    case 4:
    case 5:
        if (world->begun)
            put_one(world);
        break;
    default:
        check_against(world->fixture->writer, &world->now, world);
        break;
    }
}

static void presences__are_found_whatever_came_before(void **state)
{
    static struct world world;

    for (uint64_t seed = 1; seed <= 5; seed++) {
        world = (struct world){.fixture = *state, .random = seed};
        for (size_t i = 0; i < PRESENCES; i++) {
            struct presence_row row;
            struct hash presence = numbered_hash((unsigned)i);

            /* what the seed before left */
            world.now.there[i] =
                world.fixture->writer->ops->presence_get(world.fixture->writer, &presence, &row) == STATUS_OK;
            if (world.now.there[i])
                world.now.rows[i] = row;
        }
        world.committed = world.now;
        for (size_t i = 0; i < STEPS; i++)
            step(&world);
        if (world.begun)
            world.fixture->writer->ops->rollback(world.fixture->writer);
    }
}

struct doubling {
    struct store *store;
    unsigned next; /* number of the last one put */
    size_t count;
};

static enum status put_another(void *context, const struct presence_row *row)
{
    struct doubling *doubling = context;
    struct presence_row another = *row;

    another.presence = numbered_hash(++doubling->next);
    doubling->count++;
    return doubling->store->ops->presence_put(doubling->store, &another);
}

static void presences__may_be_put_while_they_are_read(void **state)
{
    struct store *store = writer_of(state);
    struct doubling doubling = {.store = store, .next = PRESENCES};
    struct id officer = numbered_id(100);

    OK(store->ops->begin(store));
    for (unsigned i = 0; i < PRESENCES; i++) {
        struct presence_row row = presence_row_of(i);

        row.presence = numbered_hash(i);
        row.officer = officer;
        OK(store->ops->presence_put(store, &row));
    }
    for (size_t expected = PRESENCES; expected <= 4 * PRESENCES; expected *= 2) {
        doubling.count = 0;
        OK(store->ops->presences_of(store, &officer, INT64_MIN, INT64_MAX, put_another, &doubling));
        assert_int_equal(doubling.count, expected);
    }
    OK(store->ops->commit(store));
}

int main(void)
{
    static struct CMUnitTest tests[] = {
        STORE_TEST(presences__are_found_whatever_came_before),
        STORE_TEST(presences__may_be_put_while_they_are_read),
    };

    return store_rows_run(tests, sizeof(tests) / sizeof(tests[0]));
}
