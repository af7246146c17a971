/* What people see of a fleet, and that it is what the journal says. */
#include "tests/lib/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/checkpoint.h"
#include "core/rule.h"
#include "server/edge/store_sqlite.h"
#include "server/logic/bundle.h"
#include "server/logic/feed_digest.h"
#include "server/logic/flags.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/store_fixture.h"

Doublecrew__V1__Row *fleet_view(struct fleet *fleet, char letter, const uint8_t *id, size_t size)
{
    bool in_bundle = letter == 'e' && size > HASH_SIZE;

    return fleet_view_about(fleet, in_bundle ? span_of(id, HASH_SIZE) : span_of(NULL, 0), letter, id, size);
}

Doublecrew__V1__Row *fleet_view_about(struct fleet *fleet, struct span subject, char letter, const uint8_t *id,
                                      size_t size)
{
    uint8_t key[STORE_VIEW_KEY_MAX] = {(uint8_t)letter};
    struct view_row view;
    enum status status;

    memcpy(key + 1, id, size);
    status = bundle_view_get(fleet->store, subject, span_of(key, 1 + size), &view);
    if (status == STATUS_NOT_FOUND)
        return NULL;
    assert_int_equal(status, STATUS_OK);
    return doublecrew__v1__row__unpack(NULL, view.row.size, view.row.data);
}

const char *fleet_company(struct fleet *fleet, const struct hash *presence)
{
    static char name[64];
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', presence->bytes, HASH_SIZE);

    (void)snprintf(name, sizeof(name), "%s", row != NULL ? row->presence->company : "");
    if (row != NULL)
        doublecrew__v1__row__free_unpacked(row, NULL);
    return name;
}

const char *fleet_confirmed_by(struct fleet *fleet, const struct hash *presence)
{
    static char name[64];
    Doublecrew__V1__Row *row = fleet_view(fleet, 'p', presence->bytes, HASH_SIZE);

    (void)snprintf(name, sizeof(name), "%s", row != NULL ? row->presence->confirmed_by : "");
    if (row != NULL)
        doublecrew__v1__row__free_unpacked(row, NULL);
    return name;
}

static struct hash flag_named(struct fleet *fleet, const char *kind, const struct hash *subject)
{
    struct hash flag;

    for (uint32_t i = 1; i < FLAG_KIND_COUNT; i++) {
        if (strcmp(flag_info(i)->name, kind) == 0) {
            assert_int_equal(flag_id(fleet->sha, (enum flag_kind)i, subject, &flag), STATUS_OK);
            return flag;
        }
    }
    fail_msg("no kind of flag is called %s", kind);
    return *subject;
}

struct hash fleet_flag_id(struct fleet *fleet, const char *kind, const struct hash *subject)
{
    return flag_named(fleet, kind, subject);
}

Doublecrew__V1__FlagRow *fleet_flag_row(struct fleet *fleet, const char *kind, const struct hash *subject)
{
    struct hash flag = flag_named(fleet, kind, subject);
    struct flag_row row;
    Doublecrew__V1__FlagRow *message;

    assert_int_equal(fleet->store->ops->flag_get(fleet->store, &flag, &row), STATUS_OK);
    message = doublecrew__v1__flag_row__unpack(NULL, row.body.size, row.body.data);
    assert_non_null(message);
    return message;
}

static bool flag_row(struct fleet *fleet, const char *kind, const struct hash *subject, struct flag_row *ret_row)
{
    struct hash flag = flag_named(fleet, kind, subject);
    enum status status = fleet->store->ops->flag_get(fleet->store, &flag, ret_row);

    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK;
}

enum flag_state fleet_flag(struct fleet *fleet, const char *kind, const struct hash *subject)
{
    struct flag_row row;

    return flag_row(fleet, kind, subject, &row) ? row.state : (enum flag_state)0;
}

uint32_t fleet_times_raised(struct fleet *fleet, const char *kind, const struct hash *subject)
{
    struct flag_row row;

    return flag_row(fleet, kind, subject, &row) ? row.times_raised : 0;
}

char *fleet_dump(struct store *store)
{
    return store_dump_text(store);
}

struct summing {
    struct fleet *fleet;
    struct row_digest digest;
};

static enum status sum_row(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    struct summing *summing = context;
    struct hash hash;

    (void)effective_pos;
    if (!row->gone) {
        assert_int_equal(sha256_bytes(summing->fleet->sha, row->row, &hash), STATUS_OK);
        row_digest_add(&summing->digest, &hash);
    }
    return STATUS_OK;
}

void fleet_expect_digests(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->device_count; i++) {
        struct scope_member members[STORE_SCOPES_MAX];
        struct feed_cursor start = {.pos = 0};
        struct summing summing = {.fleet = fleet};
        struct row_digest kept;
        size_t count;

        assert_int_equal(fleet->store->ops->scopes_of_device(fleet->store, &fleet->devices[i]->device, members,
                                                             STORE_SCOPES_MAX, &count),
                         STATUS_OK);
        assert_int_equal(
            fleet->store->ops->feed_page(fleet->store, members, count, &start, SIZE_MAX, sum_row, &summing), STATUS_OK);
        assert_int_equal(feed_digest_of(fleet->store, members, count, &kept), STATUS_OK);
        assert_memory_equal(kept.bytes, summing.digest.bytes, HASH_SIZE);
    }
}

void fleet_expect_rebuild(struct fleet *fleet)
{
    struct rebuild_report report;
    struct store *fresh;
    char path[96];
    char *before, *after;

    fleet_expect_digests(fleet);
    (void)snprintf(path, sizeof(path), "%s/rebuilt.db", fleet->folder);
    (void)remove(path);
    assert_int_equal(store_sqlite_create(path, true), STATUS_OK);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_WRITER, &fresh), STATUS_OK);
    assert_int_equal(rebuild_replay_with(fleet->store, fresh, fleet->engine, &report), STATUS_OK);
    assert_int_equal(report.issued_differences, 0);
    before = fleet_dump(fleet->store);
    after = fleet_dump(fresh);
    assert_string_equal(before, after);
    free(before);
    free(after);
    fresh->ops->close(fresh);
}

struct search {
    struct span key;
    bool found;
};

static enum status look_for(void *context, uint64_t pos, const struct feed_row *row)
{
    struct search *search = context;

    (void)pos;
    search->found = search->found || (!row->gone && span_equal(row->key, search->key));
    return STATUS_OK;
}

bool fleet_sees(struct fleet *fleet, const char *officer, char letter, const struct hash *id)
{
    uint8_t key[1 + HASH_SIZE] = {(uint8_t)letter};
    struct search search = {.key = span_of(key, sizeof(key))};
    struct scope_member members[STORE_SCOPES_MAX];
    struct feed_cursor start = {.pos = 0};
    size_t count;

    memcpy(key + 1, id->bytes, HASH_SIZE);
    assert_int_equal(fleet->store->ops->scopes_of_device(fleet->store, &fleet_device(fleet, officer)->device, members,
                                                         STORE_SCOPES_MAX, &count),
                     STATUS_OK);
    assert_int_equal(fleet->store->ops->feed_page(fleet->store, members, count, &start, SIZE_MAX, look_for, &search),
                     STATUS_OK);
    return search.found;
}

enum fleet_told fleet_told(struct fleet *fleet, const struct hash *flag)
{
    size_t count;
    const struct batch_flag *flags = batch_flags(fleet->batch, &count);
    enum fleet_told told = FLEET_TOLD_NOTHING;

    for (size_t i = 0; i < count; i++) {
        enum fleet_told this_time = flags[i].alarm ? FLEET_TOLD_ALARM : FLEET_TOLD_UPDATE;

        if (hash_equal(&flags[i].flag, flag) && told < this_time)
            told = this_time;
    }
    return told;
}
