/*
 * Pushes deflated on their way, over real sockets: a day's words cost less where the server takes them so, arrive where it
 * doesn't, and lie in the journal as the same pushes either way.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/officer_words.h"
#include "client-sim/relay.h"
#include "core/push.h"
#include "server/edge/store_sqlite.h"
#include "tests/lib/phone_stage.h"

#define NOTES OFFICER_DAY_NOTES

static int start_with(void **state)
{
    return stage_start(state);
}

static int start_without(void **state)
{
    return stage_start_at(state, "training = yes\n[limits]\npush_deflate = no");
}

static void write_notes(struct stage *stage)
{
    struct dc_subject subject = {.offender = stage_offender()};

    for (size_t i = 0; i < NOTES; i++)
        assert_int_equal(dc_note(stage->officer.device, &subject, officer_note(i), NULL, NULL), DC_OK);
}

/* The officer's phone again, with a relay between it and the server that counts. */
static struct relay *put_relay_between(struct stage *stage)
{
    struct relay *relay = relay_new(stage->server.port);

    assert_non_null(relay);
    dc_device_close(stage->officer.device);
    stage->officer.config.port = relay_port(relay);
    assert_int_equal(dc_device_open(stage->loop, &stage->officer.config, &stage->officer.device), DC_OK);
    return relay;
}

struct found {
    struct id log;
    struct arena *arena;
    struct sha256 *sha;
    size_t entries;
    size_t bytes;
};

/* A push in the journal is a Push: it opens, and its chain is whole. */
static enum status look_at_row(void *context, const struct journal_row *row)
{
    struct found *found = context;
    struct push push;

    if (row->kind != JOURNAL_PUSH || !id_equal(&row->log, &found->log))
        return STATUS_OK;
    arena_reset(found->arena, ARENA_CAP_DEFAULT);
    assert_int_equal(push_open(found->arena, found->sha, row->body, &push), STATUS_OK);
    assert_int_equal(push.first_seq, found->entries + 1);
    found->entries += push.entry_count;
    found->bytes += row->body.size;
    return STATUS_OK;
}

static struct found look_into_the_journal(struct stage *stage)
{
    struct found found = {.log = stage->server.officer.log};
    struct store *store;
    char path[128];

    assert_int_equal(server_fixture_stop(&stage->server, SIGTERM), 0);
    (void)snprintf(path, sizeof(path), "%s/store.sqlite", stage->server.folder);
    assert_int_equal(arena_new(&found.arena), STATUS_OK);
    assert_int_equal(sha256_new(&found.sha), STATUS_OK);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_READER, &store), STATUS_OK);
    assert_int_equal(store->ops->begin_read(store), STATUS_OK);
    assert_int_equal(store->ops->journal_from(store, 1, look_at_row, &found), STATUS_OK);
    store->ops->end_read(store);
    store->ops->close(store);
    sha256_free(found.sha);
    arena_free(found.arena);
    return found;
}

/* What the phone's session without facts sends is a good 2 KB; what its facts add, and what the journal then holds. */
static void push_a_day(struct stage *stage, uint64_t *ret_sent, struct found *ret_found)
{
    struct relay *relay = put_relay_between(stage);
    uint64_t before;

    assert_int_equal(dc_sync_start(stage->officer.device), DC_OK);
    run_until_synced(stage, &stage->officer);
    dc_sync_stop(stage->officer.device);
    write_notes(stage);
    before = relay_bytes(relay).from_phone;
    assert_int_equal(dc_sync_start(stage->officer.device), DC_OK);
    run_until_synced(stage, &stage->officer);
    *ret_sent = relay_bytes(relay).from_phone - before;
    assert_int_equal(stage->officer.acked, NOTES);
    assert_int_equal(stage->officer.error, DC_OK);
    dc_device_close(stage->officer.device);
    stage->officer.device = NULL;
    relay_free(relay);
    *ret_found = look_into_the_journal(stage);
    assert_int_equal(ret_found->entries, NOTES);
}

static void days_words__cost_less_than_they_are_where_the_server_takes_them_deflated(void **state)
{
    struct found found;
    uint64_t sent;

    push_a_day(*state, &sent, &found);
    assert_in_range(sent, 1, 2600 + found.bytes * 3 / 4);
}

static void days_words__arrive_as_they_are_where_the_server_does_not(void **state)
{
    struct found found;
    uint64_t sent;

    push_a_day(*state, &sent, &found);
    assert_in_range(sent, found.bytes + 2000, found.bytes + 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(days_words__cost_less_than_they_are_where_the_server_takes_them_deflated,
                                        start_with, stage_stop),
        cmocka_unit_test_setup_teardown(days_words__arrive_as_they_are_where_the_server_does_not, start_without,
                                        stage_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
