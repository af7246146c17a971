/*
 * The feed of server/logic/store.h on every backend, against a naive model: an array of (scope, key) searched from end to
 * end. Histories are seeded; DOUBLECREW_SEED replays one, DOUBLECREW_ROUNDS sets how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "server/logic/bundle.h"
#include "tests/lib/store_fixture.h"

#define OK(call) assert_int_equal((call), STATUS_OK)
#define SCOPES 5
#define KEYS 24
#define PAGE_MAX 400

struct cell {
    bool there;
    bool gone;
    uint64_t pos;
};

/* What was put, and who the device is. */
struct model {
    struct cell cells[SCOPES][KEYS];
    uint64_t changed_pos[KEYS]; /* the view's; 0: none */
    struct scope_member members[SCOPES];
    size_t member_count;
    uint64_t head;
    uint64_t seed;
};

static uint64_t next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static unsigned below(struct model *model, unsigned limit)
{
    return (unsigned)(next(&model->seed) % limit);
}

static struct scope scope_number(unsigned number)
{
    struct scope scope = {.kind = number == 0 ? SCOPE_FORCE : number < 3 ? SCOPE_TEAM : SCOPE_SUPERVISORS};

    if (number > 0)
        scope.id = numbered_id(number % 2);
    return scope;
}

/* Keys of unequal length, some the beginning of another, so that order by bytes is put to the test. */
static struct span key_number(unsigned number)
{
    static const char text[] = "pppppppppppppppppppppppp\x01\xff";
    static char keys[KEYS][KEYS + 2];

    memcpy(keys[number], text, KEYS);
    keys[number][number / 2 + 1] = (char)(number % 2 ? 0xff : 0x01);
    return span_of(keys[number], number / 2 + 1 + number % 3 % 2);
}

/* One in three numbers has the key of another: those are left out. */
static bool key_is_first(unsigned number)
{
    for (unsigned i = 0; i < number; i++) {
        if (span_equal(key_number(i), key_number(number)))
            return false;
    }
    return true;
}

static void change_row(struct store *store, struct model *model, unsigned key, uint64_t pos)
{
    char text[32];
    struct view_row view = {.key = key_number(key), .pos = pos};

    view.row = span_of(text, (size_t)snprintf(text, sizeof(text), "row %u at %u", key, (unsigned)pos));
    OK(store->ops->view_put(store, &view));
    model->changed_pos[key] = pos;
}

static void put_cell(struct store *store, struct model *model, unsigned scope, unsigned key, bool gone, uint64_t pos)
{
    struct scope name = scope_number(scope);

    OK(store->ops->feed_put(store, &name, pos, key_number(key), gone));
    model->cells[scope][key] = (struct cell){true, gone, pos};
}

/* A row changes in every scope that holds it, or enters one, or leaves one; several may share a pos. */
static void random_change(struct store *store, struct model *model)
{
    unsigned key = below(model, KEYS);
    unsigned scope = below(model, SCOPES);
    uint64_t pos = model->head += below(model, 3) > 0;

    if (!key_is_first(key))
        return;
    if (model->changed_pos[key] != 0 && model->cells[scope][key].there && below(model, 3) == 0) {
        put_cell(store, model, scope, key, true, pos);
        return;
    }
    if (model->changed_pos[key] == 0 || below(model, 2) == 0) {
        change_row(store, model, key, pos);
        for (unsigned i = 0; i < SCOPES; i++) {
            if (model->cells[i][key].there && !model->cells[i][key].gone)
                put_cell(store, model, i, key, false, pos);
        }
    }
    put_cell(store, model, scope, key, false, pos);
}

static unsigned scope_index(const struct scope *scope)
{
    for (unsigned i = 0; i < SCOPES; i++) {
        struct scope other = scope_number(i);
        if (other.kind == scope->kind && id_equal(&other.id, &scope->id))
            return i;
    }
    fail();
    return 0;
}

struct shown {
    uint64_t effective_pos;
    bool gone;
};

static bool model_row(const struct model *model, unsigned key, struct shown *ret_shown)
{
    struct shown best = {0, true};

    for (size_t i = 0; i < model->member_count; i++) {
        const struct cell *cell = &model->cells[scope_index(&model->members[i].scope)][key];
        uint64_t entered = model->members[i].entered_pos;
        struct shown this = {cell->pos > entered ? cell->pos : entered, cell->gone};
        if (!cell->there)
            continue;
        if (model->members[i].left_pos != 0)
            this = (struct shown){model->members[i].left_pos, true};
        if (best.effective_pos == 0 || (best.gone && !this.gone) ||
            (best.gone == this.gone &&
             (this.gone ? this.effective_pos > best.effective_pos : this.effective_pos < best.effective_pos)))
            best = this;
    }
    *ret_shown = best;
    return best.effective_pos > 0;
}

struct page {
    struct model *model;
    uint64_t pos[PAGE_MAX];
    unsigned keys[PAGE_MAX];
    bool gone[PAGE_MAX];
    size_t count;
    size_t stop_at; /* the callback itself ends the page there; 0: no */
};

static unsigned key_index(struct span key)
{
    for (unsigned i = 0; i < KEYS; i++) {
        if (span_equal(key_number(i), key))
            return i;
    }
    fail();
    return 0;
}

static enum status note_row(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    struct page *page = context;
    unsigned key = key_index(row->key);
    char text[32];
    int size = snprintf(text, sizeof(text), "row %u at %u", key, (unsigned)page->model->changed_pos[key]);

    if (page->stop_at > 0 && page->count == page->stop_at)
        return STATUS_OVER_LIMIT;
    assert_in_range(page->count, 0, PAGE_MAX - 1);
    assert_true(span_equal(row->row, row->gone ? span_of(NULL, 0) : span_of(text, (size_t)size)));
    page->pos[page->count] = effective_pos;
    page->keys[page->count] = key;
    page->gone[page->count++] = row->gone;
    return STATUS_OK;
}

static int key_order(unsigned a, unsigned b)
{
    struct span x = key_number(a);
    struct span y = key_number(b);
    int order = memcmp(x.data, y.data, x.size < y.size ? x.size : y.size);

    return order != 0 ? order : (x.size > y.size) - (x.size < y.size);
}

static bool is_after(uint64_t pos, unsigned key, const struct feed_cursor *cursor)
{
    struct span at = key_number(key);
    size_t shorter = at.size < cursor->key_size ? at.size : cursor->key_size;

    if (pos != cursor->pos)
        return pos > cursor->pos;
    if (cursor->key_size == 0)
        return false;
    int order = memcmp(at.data, cursor->key, shorter);
    return order > 0 || (order == 0 && at.size > cursor->key_size);
}

/* All that the model has after the cursor, in order. */
static void model_page(const struct model *model, const struct feed_cursor *after, struct page *ret_page)
{
    ret_page->count = 0;
    for (unsigned key = 0; key < KEYS; key++) {
        struct shown shown;
        if (!key_is_first(key) || !model_row(model, key, &shown) || !is_after(shown.effective_pos, key, after))
            continue;
        size_t at = ret_page->count++;
        for (; at > 0 && (ret_page->pos[at - 1] > shown.effective_pos ||
                          (ret_page->pos[at - 1] == shown.effective_pos && key_order(ret_page->keys[at - 1], key) > 0));
             at--) {
            ret_page->pos[at] = ret_page->pos[at - 1];
            ret_page->keys[at] = ret_page->keys[at - 1];
            ret_page->gone[at] = ret_page->gone[at - 1];
        }
        ret_page->pos[at] = shown.effective_pos;
        ret_page->keys[at] = key;
        ret_page->gone[at] = shown.gone;
    }
}

static void cursor_at(const struct page *page, size_t row, struct feed_cursor *ret_cursor)
{
    struct span key = key_number(page->keys[row]);

    ret_cursor->pos = page->pos[row];
    memcpy(ret_cursor->key, key.data, key.size);
    ret_cursor->key_size = key.size;
}

/* Pages of random size from the cursor on, put together, are the model's rows, none twice and none left out. */
static void compare_from(struct store *store, struct model *model, const struct feed_cursor *from)
{
    static struct page expected;
    static struct page got;
    struct feed_cursor cursor = *from;
    size_t max;
    size_t before;

    model_page(model, from, &expected);
    got = (struct page){.model = model};
    do {
        before = got.count;
        max = 1 + below(model, 7);
        got.stop_at = below(model, 4) == 0 && max > 1 ? before + 1 : 0;
        enum status status =
            store->ops->feed_page(store, model->members, model->member_count, &cursor, max, note_row, &got);
        assert_true(status == STATUS_OK || (got.stop_at > 0 && status == STATUS_OVER_LIMIT));
        assert_in_range(got.count - before, 0, max);
        if (got.count > before)
            cursor_at(&got, got.count - 1, &cursor);
    } while (got.count > before);
    assert_int_equal(got.count, expected.count);
    for (size_t i = 0; i < got.count; i++) {
        assert_int_equal(got.pos[i], expected.pos[i]);
        assert_int_equal(got.keys[i], expected.keys[i]);
        assert_int_equal(got.gone[i], expected.gone[i]);
    }
}

static void random_members(struct model *model)
{
    model->member_count = 0;
    for (unsigned i = 0; i < SCOPES; i++) {
        if (below(model, 3) == 0)
            continue;
        struct scope_member *member = &model->members[model->member_count++];
        member->scope = scope_number(i);
        member->entered_pos = below(model, (unsigned)model->head + 4);
        member->left_pos = below(model, 3) == 0 ? 1 + below(model, (unsigned)model->head + 3) : 0;
    }
}

static void compare_all(struct store *store, struct model *model)
{
    static struct page all;
    struct feed_cursor start = {0};

    compare_from(store, model, &start);
    model_page(model, &start, &all);
    for (size_t i = 0; i < all.count; i++) {
        struct feed_cursor cursor;
        cursor_at(&all, i, &cursor);
        compare_from(store, model, &cursor);
        cursor.key_size = 0; /* all of that pos is done */
        compare_from(store, model, &cursor);
    }
    for (unsigned i = 0; i < 4; i++) { /* cursors that stand on no row */
        struct feed_cursor cursor = {.pos = below(model, (unsigned)model->head + 4), .key = {'p', 0x80}, .key_size = 2};
        compare_from(store, model, &cursor);
    }
}

static void check_scopes_of_row(struct store *store, const struct model *model)
{
    for (unsigned key = 0; key < KEYS; key++) {
        struct scope scopes[SCOPES];
        size_t count = 0;
        size_t expected = 0;
        if (!key_is_first(key))
            continue;
        for (unsigned i = 0; i < SCOPES; i++)
            expected += model->cells[i][key].there && !model->cells[i][key].gone;
        OK(store->ops->scopes_of_row(store, key_number(key), scopes, SCOPES, &count));
        assert_int_equal(count, expected);
        for (size_t i = 0; i < count; i++)
            assert_false(model->cells[scope_index(&scopes[i])][key].gone);
        if (expected > 0)
            assert_int_equal(store->ops->scopes_of_row(store, key_number(key), scopes, expected - 1, &count),
                             STATUS_OVER_LIMIT);
    }
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void feed__pages_exactly_as_the_model_says(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    uint64_t first = from_environment("DOUBLECREW_SEED", 1);
    uint64_t rounds = from_environment("DOUBLECREW_ROUNDS", 40);

    for (uint64_t seed = first; seed < first + rounds; seed++) {
        struct model model = {.seed = seed, .head = 1};
        print_message("# seed %u\n", (unsigned)seed);
        OK(store->ops->begin(store));
        for (unsigned i = 0; i < 4; i++) {
            for (unsigned changes = 1 + below(&model, 30); changes > 0; changes--)
                random_change(store, &model);
            random_members(&model);
            compare_all(store, &model);
        }
        check_scopes_of_row(store, &model);
        store->ops->rollback(store);
    }
}

/* What a device holds after it has applied a page. */
static void device_apply(const struct page *page, bool held[KEYS], struct model *model, uint64_t versions[KEYS])
{
    for (size_t i = 0; i < page->count; i++) {
        held[page->keys[i]] = !page->gone[i];
        versions[page->keys[i]] = model->changed_pos[page->keys[i]];
    }
}

/* Enters a scope, leaves it, or comes back to it. Needs a pos of its own, as a journal record has. */
static void random_move(struct model *model)
{
    struct scope scope = scope_number(below(model, SCOPES));
    uint64_t pos = ++model->head;
    size_t i = 0;

    while (i < model->member_count && scope_index(&model->members[i].scope) != scope_index(&scope))
        i++;
    if (i == model->member_count)
        model->members[model->member_count++] = (struct scope_member){.scope = scope, .entered_pos = pos};
    else if (model->members[i].left_pos == 0)
        model->members[i].left_pos = pos;
    else
        model->members[i] = (struct scope_member){.scope = scope, .entered_pos = pos};
}

/*
 * Rows change and the device enters, leaves and re-enters scopes between its pages, and is offline at times: in the end
 * it holds what its scopes hold, as it is now, and nothing else.
 */
static void device__converges_while_rows_change_between_pages(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    uint64_t first = from_environment("DOUBLECREW_SEED", 1);
    uint64_t rounds = from_environment("DOUBLECREW_ROUNDS", 40);
    static struct page page;

    for (uint64_t seed = first; seed < first + rounds; seed++) {
        struct model model = {.seed = seed, .head = 1};
        struct feed_cursor cursor = {0};
        bool held[KEYS] = {false};
        uint64_t versions[KEYS] = {0};
        unsigned calm = 0;
        OK(store->ops->begin(store));
        for (unsigned step = 0; calm < 2; step++) {
            for (unsigned changes = step < 60 ? below(&model, 4) : 0; changes > 0; changes--)
                random_change(store, &model);
            if (step < 60 && below(&model, 6) == 0)
                random_move(&model);
            if (step < 60 && below(&model, 3) > 0)
                continue;
            page = (struct page){.model = &model};
            OK(store->ops->feed_page(store, model.members, model.member_count, &cursor, 1 + below(&model, 5), note_row,
                                     &page));
            device_apply(&page, held, &model, versions);
            if (page.count > 0)
                cursor_at(&page, page.count - 1, &cursor);
            else if (step >= 60)
                calm++;
            model.head++; /* what comes after a page has a pos after it */
        }
        for (unsigned key = 0; key < KEYS; key++) {
            struct shown shown;
            bool live = key_is_first(key) && model_row(&model, key, &shown) && !shown.gone;
            assert_int_equal(held[key], live);
            assert_true(!live || versions[key] == model.changed_pos[key]);
        }
        store->ops->rollback(store);
    }
}

static void feed__of_no_scopes_is_empty(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct model model = {.seed = 5, .head = 1};
    struct page page = {.model = &model};
    struct feed_cursor start = {0};

    static const struct scope_member many[STORE_SCOPES_MAX + 1];

    OK(store->ops->feed_page(store, NULL, 0, &start, 10, note_row, &page));
    assert_int_equal(page.count, 0);
    assert_int_equal(store->ops->feed_page(store, many, STORE_SCOPES_MAX + 1, &start, 10, note_row, &page),
                     STATUS_OVER_LIMIT);
}

static void feed__with_a_scope_named_twice_gives_each_row_once(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct model model = {.seed = 7, .head = 1};
    struct feed_cursor start = {0};

    OK(store->ops->begin(store));
    for (unsigned i = 0; i < 40; i++)
        random_change(store, &model);
    for (unsigned i = 0; i < 4; i++)
        model.members[i] = (struct scope_member){.scope = scope_number(i % 2), .entered_pos = i};
    model.member_count = 4;
    compare_from(store, &model, &start);
    store->ops->rollback(store);
}

static void feed__without_its_view_row_is_a_damaged_store(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct scope_member member = {.scope = scope_number(0)};
    struct feed_cursor start = {0};
    struct model model = {0};
    struct page page = {.model = &model};

    OK(store->ops->begin(store));
    OK(store->ops->feed_put(store, &member.scope, 3, key_number(0), false));
    assert_int_equal(store->ops->feed_page(store, &member, 1, &start, 10, note_row, &page), STATUS_STORE);
    store->ops->rollback(store);
}

struct counted {
    size_t live, gone;
    uint64_t pos; /* of the last */
};

static enum status count_row(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    struct counted *counted = context;

    counted->live += !row->gone;
    counted->gone += row->gone;
    counted->pos = effective_pos;
    return STATUS_OK;
}

static void put_group(struct store *store, const struct hash *presence, uint64_t pos, const struct scope *scopes,
                      size_t count)
{
    struct bundle bundle = {.scope_count = count};
    uint8_t bodies[3][256], key[BUNDLE_KEY_SIZE];
    size_t size = 0;

    memcpy(bundle.scopes, scopes, count * sizeof(*scopes));
    for (uint16_t i = 0; i < 3; i++) {
        char letter[] = {'n', (char)('a' + i)};
        struct bundle_item item = {.pos = pos, .ordinal = i, .key = span_of(letter, 2), .row = span_text("row")};

        OK(bundle_put_item(&bundle, &item, bodies[i], &size));
        OK(bundle_open(span_of(bodies[i], size), &bundle));
    }
    struct bundle_row row = {.presence = *presence, .body = span_of(bodies[2], size)};
    OK(store->ops->bundle_put(store, &row));
    bundle_key(presence, pos, key);
    for (size_t i = 0; i < count; i++)
        OK(store->ops->feed_put(store, &scopes[i], pos, span_of(key, sizeof(key)), false));
}

/* In whichever of its scopes a device is, was, or came late to. */
static void feed__of_a_bundle_in_several_scopes_gives_each_row_once(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct scope scopes[] = {scope_number(0), scope_number(1)};
    struct hash presence = {{9}};
    const struct {
        struct scope_member members[2];
        size_t live, gone;
        uint64_t pos;
    } cases[] = {
        {{{.scope = scopes[0]}, {.scope = scopes[1]}}, 3, 0, 5},
        {{{.scope = scopes[0], .entered_pos = 8}, {.scope = scopes[1]}}, 3, 0, 5},
        {{{.scope = scopes[0], .left_pos = 9}, {.scope = scopes[1]}}, 3, 0, 5},
        {{{.scope = scopes[0], .left_pos = 9}, {.scope = scopes[1], .left_pos = 7}}, 0, 3, 9},
        {{{.scope = scopes[0], .entered_pos = 6}, {.scope = scopes[0], .entered_pos = 7}}, 3, 0, 6},
        {{{.scope = scope_number(2)}, {.scope = scopes[1], .entered_pos = 8}}, 3, 0, 8},
    };

    OK(store->ops->begin(store));
    put_group(store, &presence, 5, scopes, 2);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct feed_cursor start = {0};
        struct counted counted = {0};

        OK(store->ops->feed_page(store, cases[i].members, 2, &start, 10, count_row, &counted));
        assert_int_equal(counted.live, cases[i].live);
        assert_int_equal(counted.gone, cases[i].gone);
        assert_int_equal(counted.pos, cases[i].pos);
    }
    store->ops->rollback(store);
}

static void view__comes_back_and_is_replaced(void **state)
{
    struct store_fixture *fixture = *state;
    struct store *store = fixture->writer;
    struct view_row put = {.key = span_text("pA"), .pos = 3, .row = span_text("first")};
    struct view_row got;

    OK(store->ops->begin(store));
    OK(store->ops->view_put(store, &put));
    put.pos = 4;
    put.row = span_text("second");
    OK(store->ops->view_put(store, &put));
    OK(store->ops->commit(store));
    OK(store->ops->view_get(store, put.key, &got));
    assert_true(got.pos == 4 && span_equal(got.row, put.row) && span_equal(got.key, put.key));
    assert_int_equal(store->ops->view_get(store, span_text("p"), &got), STATUS_NOT_FOUND);
}

#define TEST(function)                                                                                                 \
    {                                                                                                                  \
#function, function, store_fixture_setup, store_fixture_teardown, NULL                                         \
    }

int main(void)
{
    static struct CMUnitTest tests[] = {
        TEST(feed__pages_exactly_as_the_model_says),
        TEST(device__converges_while_rows_change_between_pages),
        TEST(feed__of_no_scopes_is_empty),
        TEST(feed__with_a_scope_named_twice_gives_each_row_once),
        TEST(feed__of_a_bundle_in_several_scopes_gives_each_row_once),
        TEST(feed__without_its_view_row_is_a_damaged_store),
        TEST(view__comes_back_and_is_replaced),
    };
    size_t count;
    const struct store_backend *backends = store_backends(&count);
    int failed = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sizeof(tests) / sizeof(tests[0]); j++)
            tests[j].initial_state = (void *)(uintptr_t)&backends[i];
        failed += cmocka_run_group_tests_name(backends[i].name, tests, NULL, NULL);
    }
    return failed;
}
