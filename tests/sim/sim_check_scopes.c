/*
 * Each phone holds exactly the rows of its scope (P1, P4). What the scope is, is asked of the world (who has the phone, in
 * which team, in which role), and its rows are walked in the tables one by one: no cursor, no pages, no memberships.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "doublecrew/v1/entry.pb-c.h"
#include "doublecrew/v1/sync.pb-c.h"
#include "server/logic/batch.h"
#include "server/logic/bundle.h"
#include "tests/sim/sim_check.h"

struct row {
    uint8_t key[STORE_VIEW_KEY_MAX];
    size_t key_size;
    uint8_t *bytes;
    size_t size;
};

struct rows {
    struct row *items;
    size_t count;
    size_t capacity;
};

static void add(struct rows *rows, struct span key, struct span bytes)
{
    struct row *row;

    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity == 0 ? 128 : 2 * rows->capacity;
        rows->items = realloc(rows->items, rows->capacity * sizeof(*rows->items));
        if (rows->items == NULL)
            abort();
    }
    row = &rows->items[rows->count++];
    row->key_size = key.size < sizeof(row->key) ? key.size : sizeof(row->key);
    memcpy(row->key, key.data, row->key_size);
    row->bytes = malloc(bytes.size + 1);
    if (row->bytes == NULL)
        abort();
    memcpy(row->bytes, bytes.data, bytes.size);
    row->size = bytes.size;
}

static void rows_done(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free(rows->items[i].bytes);
    free(rows->items);
    memset(rows, 0, sizeof(*rows));
}

static int by_key(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;
    size_t least = x->key_size < y->key_size ? x->key_size : y->key_size;
    int order = memcmp(x->key, y->key, least);

    return order != 0 ? order : x->key_size < y->key_size ? -1 : x->key_size > y->key_size;
}

/* A row in two scopes of the same phone is one row. */
static void sort_once(struct rows *rows)
{
    size_t to = 0;

    if (rows->count > 1)
        qsort(rows->items, rows->count, sizeof(*rows->items), by_key);
    for (size_t i = 0; i < rows->count; i++) {
        if (to > 0 && by_key(&rows->items[to - 1], &rows->items[i]) == 0)
            free(rows->items[i].bytes);
        else
            rows->items[to++] = rows->items[i];
    }
    rows->count = to;
}

static struct span column(sqlite3_stmt *statement, int index)
{
    const void *bytes = sqlite3_column_blob(statement, index);

    return span_of(bytes, (size_t)sqlite3_column_bytes(statement, index));
}

/* The rows of a group of a bundle (bundle.h). */
static void add_group(struct sim *sim, struct span key, struct span body, struct rows *rows)
{
    struct bundle bundle;
    struct bundle_item item;
    struct hash presence;
    uint64_t pos;
    enum status status = bundle_open(body, &bundle);

    if (status != STATUS_OK || !bundle_key_open(key, &presence, &pos)) {
        sim_fail(sim, "a bundle can't be read");
        return;
    }
    while (bundle_next(&bundle.items, &item, &status)) {
        if (item.pos == pos)
            add(rows, item.key, item.row);
    }
    if (status != STATUS_OK)
        sim_fail(sim, "a bundle is damaged");
}

/* The scope's name in the table: its kind, then its id. */
static void walk_scope(struct sim *sim, sqlite3 *db, enum scope_kind kind, const struct id *id, struct rows *rows)
{
    uint8_t scope[1 + ID_SIZE] = {(uint8_t)kind};
    sqlite3_stmt *statement = NULL;

    if (id != NULL)
        memcpy(scope + 1, id->bytes, ID_SIZE);
    if (sqlite3_prepare_v2(db,
                           "SELECT f.view_key, v.packed, b.bundle FROM feed f"
                           " LEFT JOIN views v ON v.view_key = f.view_key"
                           " LEFT JOIN visit_texts b ON b.presence = substr(f.view_key, 2, 32)"
                           "  AND substr(f.view_key, 1, 1) = x'62'"
                           " WHERE f.scope = ?1 AND f.gone = 0",
                           -1, &statement, NULL) != SQLITE_OK) {
        sim_fail(sim, "the feed can't be read: %s", sqlite3_errmsg(db));
        return;
    }
    sqlite3_bind_blob(statement, 1, scope, id != NULL ? sizeof(scope) : 1, SQLITE_STATIC);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        struct span key = column(statement, 0);

        if (sqlite3_column_type(statement, 1) != SQLITE_NULL)
            add(rows, key, column(statement, 1));
        else if (sqlite3_column_type(statement, 2) != SQLITE_NULL)
            add_group(sim, key, column(statement, 2), rows);
        else
            sim_fail(sim, "the feed names a row that isn't there");
    }
    sqlite3_finalize(statement);
}

static void expect_rows(struct sim *sim, sqlite3 *db, const struct sim_device *device, struct rows *ret_rows)
{
    const struct sim_officer *officer = &sim->officers[sim_device_officer(device)];

    walk_scope(sim, db, SCOPE_FORCE, NULL, ret_rows);
    walk_scope(sim, db, SCOPE_OFFICER, &officer->officer, ret_rows);
    walk_scope(sim, db, SCOPE_TEAM, &sim->teams[officer->team], ret_rows);
    if (officer->role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR)
        walk_scope(sim, db, SCOPE_SUPERVISORS, &sim->teams[officer->team], ret_rows);
    if (officer->role == DOUBLECREW__V1__ROLE__ROLE_LEADER) {
        const struct id everybody = {{0}};

        walk_scope(sim, db, SCOPE_LEADERS, &sim->teams[officer->team], ret_rows);
        walk_scope(sim, db, SCOPE_LEADERS, &everybody, ret_rows);
    }
    if (officer->duty) {
        const struct id everybody = {{0}};

        walk_scope(sim, db, SCOPE_DUTY, &everybody, ret_rows);
    }
    sort_once(ret_rows);
}

static void keep_row(void *context, struct span key, uint64_t pos, struct span bytes)
{
    (void)pos;
    add(context, key, bytes);
}

static void describe(const struct row *row, char ret_text[120])
{
    char hex[2 * STORE_VIEW_KEY_MAX + 1];

    hex_encode(span_of(row->key + 1, row->key_size - 1), hex);
    (void)snprintf(ret_text, 120, "%c %.40s", row->key[0], hex);
}

static void compare(struct sim *sim, const struct sim_device *device, const struct rows *expected,
                    const struct rows *held)
{
    size_t i = 0;
    size_t j = 0;
    char text[120];

    while ((i < expected->count || j < held->count) && !sim_failed(sim)) {
        int order = i == expected->count ? 1 : j == held->count ? -1 : by_key(&expected->items[i], &held->items[j]);

        describe(order <= 0 ? &expected->items[i] : &held->items[j], text);
        if (order < 0)
            sim_fail(sim, "scope: %s doesn't hold row %s of its scope", sim_device_name(device), text);
        else if (order > 0)
            sim_fail(sim, "scope: %s holds row %s, which isn't in its scope", sim_device_name(device), text);
        else if (!span_equal(span_of(expected->items[i].bytes, expected->items[i].size),
                             span_of(held->items[j].bytes, held->items[j].size)))
            sim_fail(sim, "scope: row %s on %s isn't as the server has it", text, sim_device_name(device));
        i += order <= 0;
        j += order >= 0;
    }
    sim_count(sim, SIM_COUNT_ROWS, held->count);
}

static void check_cursor(struct sim *sim, struct sim_device *device)
{
    struct store *store = sim_server_store(sim);
    struct store_head head = {0};
    uint64_t cursor = sim_device_cursor(device);

    if (store != NULL && store->ops->head(store, &head) == STATUS_OK && cursor > head.pos)
        sim_fail(sim, "%s stands at %llu in the feed, beyond the journal's %llu", sim_device_name(device),
                 (unsigned long long)cursor, (unsigned long long)head.pos);
}

static bool in_scope(sqlite3 *db, struct span key, enum scope_kind kind, const struct id *id)
{
    uint8_t scope[1 + ID_SIZE] = {(uint8_t)kind};
    sqlite3_stmt *statement = NULL;
    bool found = false;

    memcpy(scope + 1, id->bytes, ID_SIZE);
    if (sqlite3_prepare_v2(db, "SELECT 1 FROM feed WHERE scope = ?1 AND view_key = ?2 AND gone = 0", -1, &statement,
                           NULL) == SQLITE_OK) {
        sqlite3_bind_blob(statement, 1, scope, sizeof(scope), SQLITE_STATIC);
        sqlite3_bind_blob(statement, 2, key.data, (int)key.size, SQLITE_STATIC);
        found = sqlite3_step(statement) == SQLITE_ROW;
    }
    sqlite3_finalize(statement);
    return found;
}

/* A flag about an officer stands in that officer's scope, and in that of their team's supervisors (A1). */
static void check_flag(struct sim *sim, sqlite3 *db, struct span key, const Doublecrew__V1__FlagRow *flag)
{
    for (unsigned i = 1; i < sim->officer_count; i++) {
        const struct sim_officer *officer = &sim->officers[i];

        if (flag->officer_id.len != ID_SIZE || memcmp(flag->officer_id.data, officer->officer.bytes, ID_SIZE) != 0)
            continue;
        if (!in_scope(db, key, SCOPE_OFFICER, &officer->officer))
            sim_fail(sim, "flag %s doesn't reach officer %u, whom it is about", flag->kind, i);
        if (!in_scope(db, key, SCOPE_SUPERVISORS, &sim->teams[officer->team]))
            sim_fail(sim, "flag %s about officer %u doesn't reach the supervisors of team %u", flag->kind, i,
                     officer->team);
    }
}

static void check_flags(struct sim *sim, sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(db, "SELECT view_key, packed FROM views WHERE substr(view_key, 1, 1) = x'66'", -1,
                           &statement, NULL) != SQLITE_OK)
        sim_fail(sim, "the flags can't be read: %s", sqlite3_errmsg(db));
    while (!sim_failed(sim) && sqlite3_step(statement) == SQLITE_ROW) {
        struct span key = span_of(sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
        Doublecrew__V1__Row *row = doublecrew__v1__row__unpack(NULL, (size_t)sqlite3_column_bytes(statement, 1),
                                                               sqlite3_column_blob(statement, 1));

        if (row == NULL || row->row_case != DOUBLECREW__V1__ROW__ROW_FLAG)
            sim_fail(sim, "a flag's row can't be read");
        else if (row->flag->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_RAISED ||
                 row->flag->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_ACKNOWLEDGED)
            check_flag(sim, db, key, row->flag);
        if (row != NULL)
            doublecrew__v1__row__free_unpacked(row, NULL);
    }
    sqlite3_finalize(statement);
}

static void check_device(struct sim *sim, sqlite3 *db, struct sim_device *device)
{
    struct rows expected = {0};
    struct rows held = {0};

    expect_rows(sim, db, device, &expected);
    sim_device_rows(device, keep_row, &held);
    if (held.count > 1)
        qsort(held.items, held.count, sizeof(*held.items), by_key);
    if (!sim_failed(sim))
        compare(sim, device, &expected, &held);
    rows_done(&expected);
    rows_done(&held);
    /* A repair hides what went wrong: the feed alone must have brought every row. */
    if (!sim_failed(sim) && sim_device_repairs(device) > 0)
        sim_fail(sim, "%s found its rows to differ from the server's %u times, and fetched them anew",
                 sim_device_name(device), sim_device_repairs(device));
}

void sim_check_scopes(struct sim *sim)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(sim_server_path(sim), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        sim_fail(sim, "the server's store can't be read beside it");
    for (unsigned i = 1; i < sim->device_count && !sim_failed(sim); i++) {
        if (sim_device_fate(sim->devices[i]) == SIM_DEVICE_FINE)
            check_device(sim, db, sim->devices[i]);
        if (!sim_failed(sim))
            check_cursor(sim, sim->devices[i]);
    }
    if (!sim_failed(sim))
        check_flags(sim, db);
    sqlite3_close(db);
}
