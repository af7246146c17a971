/*
 * A backup, work after it, the disk is lost: restored with and without the stream, with and without a new epoch (E2). The
 * real server, the real command, the device library over real sockets.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "device/doublecrew.h"
#include "server/edge/store_sqlite.h"
#include "tests/lib/core_fixture.h"
#include "tests/lib/server_fixture.h"

#define ROUNDS_MAX 300 /* of 50 ms: a limit, not a wait */

enum knows { KNOWS_THE_OPERATOR, KNOWS_NOBODY, KNOWS_ANOTHER };

struct phone {
    struct dc_device *device;
    char store[128];
    char pem[512];
    unsigned new_epochs;
    unsigned diverged;
};

struct stage {
    struct server_fixture server;
    struct dc_loop *loop;
    struct phone officer;
    struct phone supervisor;
};

static void on_event(void *context, struct dc_device *device, const struct dc_event *event)
{
    struct phone *phone = context;

    (void)device;
    phone->new_epochs += event->type == DC_EVENT_ERROR && event->status == DC_NEW_EPOCH;
    phone->diverged += event->type == DC_EVENT_ERROR && event->status == DC_DIVERGED;
}

static void open_phone(struct stage *stage, struct phone *phone, const struct server_device *of, const char *name,
                       enum knows knows)
{
    struct dc_config config;
    struct id force = fixture_id("force");
    struct public_key key;
    char ca[128];

    dc_config_init(&config);
    snprintf(phone->store, sizeof phone->store, "%s/%s.phone", stage->server.folder, name);
    snprintf(ca, sizeof ca, "%s/ca-bundle.pem", stage->server.ca);
    assert_int_equal(sign_key_to_pem(of->key, phone->pem, sizeof phone->pem), STATUS_OK);
    config.store_path = phone->store;
    memset(config.storage_key, 7, sizeof config.storage_key);
    memcpy(config.force.bytes, force.bytes, sizeof force.bytes);
    memcpy(config.device.bytes, of->device.bytes, ID_SIZE);
    memcpy(config.log.bytes, of->log.bytes, ID_SIZE);
    memcpy(config.officer.bytes, of->officer.bytes, ID_SIZE);
    sign_key_public(stage->server.checkpoint_key, &key);
    memcpy(config.server_key, key.bytes, sizeof config.server_key);
    if (knows != KNOWS_NOBODY) {
        sign_key_public(knows == KNOWS_THE_OPERATOR ? stage->server.operator_device.key : stage->server.stranger.key,
                        &key);
        config.operator_algorithm = (enum dc_algorithm)key.algorithm;
        memcpy(config.operator_key, key.bytes, key.size);
        config.operator_key_size = key.size;
    }
    config.host = "127.0.0.1";
    config.port = stage->server.port;
    config.server_name = "localhost";
    config.ca_path = ca;
    config.certificate_path = of->certificate;
    config.key_path = of->certificate_key;
    config.signing_key_pem = phone->pem;
    config.event_context = phone;
    config.on_event = on_event;
    config.retry_first_ms = 50;
    config.retry_longest_ms = 400;
    phone->new_epochs = 0;
    phone->diverged = 0;
    assert_int_equal(dc_device_open(stage->loop, &config, &phone->device), DC_OK);
    assert_int_equal(dc_sync_start(phone->device), DC_OK);
}

static void open_phones(struct stage *stage, enum knows knows)
{
    open_phone(stage, &stage->officer, &stage->server.officer, "officer", knows);
    open_phone(stage, &stage->supervisor, &stage->server.supervisor, "supervisor", knows);
}

static void close_phones(struct stage *stage)
{
    dc_device_close(stage->officer.device);
    dc_device_close(stage->supervisor.device);
    stage->officer.device = NULL;
    stage->supervisor.device = NULL;
}

/* A folder as `doublecrewctl init` would leave it, as far as restoring needs it. */
static void make_force_folder(struct stage *stage)
{
    char from[128], to[128], text[1024], pem[512], keys[2][140];
    struct id force = fixture_id("force");
    struct public_key server_key, operator_key;
    uint8_t bytes[1 + PUBLIC_KEY_SIZE_MAX];
    char force_hex[2 * ID_SIZE + 1];
    FILE *file;

    snprintf(from, sizeof from, "%s/store.sqlite", stage->server.folder);
    snprintf(to, sizeof to, "%s/store.db", stage->server.folder);
    assert_int_equal(rename(from, to), 0);
    sign_key_public(stage->server.checkpoint_key, &server_key);
    sign_key_public(stage->server.operator_device.key, &operator_key);
    hex_encode(span_of(force.bytes, ID_SIZE), force_hex);
    hex_encode(span_of(server_key.bytes, 32), keys[0]);
    bytes[0] = (uint8_t)operator_key.algorithm;
    memcpy(bytes + 1, operator_key.bytes, operator_key.size);
    hex_encode(span_of(bytes, 1 + operator_key.size), keys[1]);
    snprintf(text, sizeof text,
             "[force]\nforce_id = %s\nserver_key = %s\noperator_key = %s\nname = Testshire\nhost = localhost\n"
             "port = 8443\ntraining = yes\n",
             force_hex, keys[0], keys[1]);
    snprintf(to, sizeof to, "%s/force.conf", stage->server.folder);
    assert_non_null(file = fopen(to, "w"));
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    snprintf(to, sizeof to, "%s/operator", stage->server.folder);
    assert_int_equal(mkdir(to, 0700), 0);
    snprintf(to, sizeof to, "%s/operator/local", stage->server.folder);
    assert_int_equal(mkdir(to, 0700), 0);
    assert_int_equal(sign_key_to_pem(stage->server.operator_device.key, pem, sizeof pem), STATUS_OK);
    snprintf(to, sizeof to, "%s/operator/local/signing.pem", stage->server.folder);
    assert_non_null(file = fopen(to, "w"));
    assert_true(fputs(pem, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void start_server(struct stage *stage)
{
    server_fixture_write_config(&stage->server, "path = store.sqlite", "path = store.db\njournal_copy = stream");
    server_fixture_start(&stage->server);
}

static int start(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);

    assert_non_null(stage);
    server_fixture_make(&stage->server);
    make_force_folder(stage);
    start_server(stage);
    assert_int_equal(dc_loop_new(NULL, &stage->loop), DC_OK);
    open_phones(stage, KNOWS_THE_OPERATOR);
    *state = stage;
    return 0;
}

static int stop(void **state)
{
    struct stage *stage = *state;

    close_phones(stage);
    dc_loop_free(stage->loop);
    if (stage->server.pid != 0)
        assert_int_equal(server_fixture_stop(&stage->server, SIGTERM), 0);
    server_fixture_remove(&stage->server);
    free(stage);
    return 0;
}

/* doublecrewctl with --dir; fails the test unless it exits so. */
static void ctl(struct stage *stage, int code, const char *arguments)
{
    const char *program = getenv("DOUBLECREWCTL");
    char line[1024];
    int result;

    assert_non_null(program);
    snprintf(line, sizeof line, "cd %s && %s %s --dir . >said 2>&1", stage->server.folder, program, arguments);
    result = system(line); /* NOLINT(cert-env33-c): the test's own words */
    if (!WIFEXITED(result) || WEXITSTATUS(result) != code) {
        snprintf(line, sizeof line, "cat %s/said >&2", stage->server.folder);
        (void)!system(line); /* NOLINT(cert-env33-c) */
        fail_msg("doublecrewctl %s: %d, not %d", arguments, WEXITSTATUS(result), code);
    }
}

static struct dc_sync_status status_of(const struct phone *phone)
{
    struct dc_sync_status status;

    dc_sync_status(phone->device, &status);
    return status;
}

static bool is_synced(const struct phone *phone)
{
    struct dc_sync_status status = status_of(phone);

    return status.state == DC_SYNC_ONLINE && status.pending_entries == 0 && status.feed_complete;
}

static void run_until_synced(struct stage *stage)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        if (is_synced(&stage->officer) && is_synced(&stage->supervisor))
            return;
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    }
    fail_msg("not synced: %s, %s", dc_status_name(status_of(&stage->officer).reason),
             dc_status_name(status_of(&stage->supervisor).reason));
}

static void visit(struct stage *stage, unsigned count)
{
    struct dc_check_in check_in = {.with = DC_WITH_ALONE};
    struct id made = fixture_id("offender");
    struct dc_hash presence;

    memcpy(check_in.offender.bytes, made.bytes, ID_SIZE);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(dc_check_in(stage->officer.device, &check_in, &presence), DC_OK);
        assert_int_equal(dc_check_out(stage->officer.device, &presence, NULL, NULL), DC_OK);
    }
    run_until_synced(stage);
}

/* A supervisor's own entry: with the stream it comes back from there, without from their device. */
static void supervisor_notes(struct stage *stage)
{
    struct dc_subject subject = {.offender = {{0}}};
    struct id made = fixture_id("offender");

    memcpy(subject.offender.bytes, made.bytes, ID_SIZE);
    assert_int_equal(dc_note(stage->supervisor.device, &subject, "Spoken to.", NULL, NULL), DC_OK);
    run_until_synced(stage);
}

static uint64_t stored_seq(struct stage *stage, const struct server_device *of)
{
    struct store *store;
    struct device_row row;
    char path[128];

    snprintf(path, sizeof path, "%s/store.db", stage->server.folder);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_READER, &store), STATUS_OK);
    assert_int_equal(store->ops->device_by_log(store, &of->log, &row), STATUS_OK);
    store->ops->close(store);
    return row.last_seq;
}

/* Backup after one visit; two more and a note are acknowledged; then the machine dies. */
static void work_and_lose_the_disk(struct stage *stage)
{
    visit(stage, 1);
    ctl(stage, 0, "backup backup.db");
    visit(stage, 2);
    supervisor_notes(stage);
    assert_int_equal(status_of(&stage->officer).durable_seq, 6);
    close_phones(stage);
    open_phones(stage, KNOWS_THE_OPERATOR); /* a session later they hold a checkpoint of what is about to be lost */
    run_until_synced(stage);
    close_phones(stage);
    server_fixture_stop(&stage->server, SIGKILL);
}

static void start_again(struct stage *stage, enum knows knows)
{
    start_server(stage);
    open_phones(stage, knows);
}

static void expect_whole(struct stage *stage)
{
    assert_int_equal(status_of(&stage->officer).durable_seq, status_of(&stage->officer).head_seq);
    assert_int_equal(stored_seq(stage, &stage->server.officer), status_of(&stage->officer).head_seq);
    assert_int_equal(stored_seq(stage, &stage->server.supervisor), status_of(&stage->supervisor).head_seq);
    ctl(stage, 0, "verify");
}

static void without_stream__devices_fill_it_again(void **state)
{
    struct stage *stage = *state;

    work_and_lose_the_disk(stage);
    ctl(stage, 0, "restore backup.db");
    assert_int_equal(stored_seq(stage, &stage->server.officer), 2);
    assert_int_equal(stored_seq(stage, &stage->server.supervisor), 0);
    start_again(stage, KNOWS_THE_OPERATOR);
    run_until_synced(stage);
    assert_int_equal(stage->officer.new_epochs, 1);
    assert_int_equal(stage->supervisor.new_epochs, 1);
    assert_int_equal(stage->officer.diverged, 0);
    expect_whole(stage);
    visit(stage, 1);
    expect_whole(stage);
}

static void with_stream__nothing_was_lost_to_begin_with(void **state)
{
    struct stage *stage = *state;

    visit(stage, 1);
    ctl(stage, 0, "backup backup.db");
    visit(stage, 2);
    supervisor_notes(stage);
    for (int i = 0; i < 20; i++) /* the copy follows within a quarter of a second */
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    close_phones(stage);
    server_fixture_stop(&stage->server, SIGKILL);
    ctl(stage, 0, "restore backup.db --stream stream");
    assert_int_equal(stored_seq(stage, &stage->server.officer), 6);
    assert_int_equal(stored_seq(stage, &stage->server.supervisor), 1);
    start_again(stage, KNOWS_THE_OPERATOR);
    run_until_synced(stage);
    assert_int_equal(stage->officer.new_epochs, 1);
    expect_whole(stage);
    /* and from the stream alone: the new epoch has a whole one of its own */
    for (int i = 0; i < 20; i++)
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    close_phones(stage);
    server_fixture_stop(&stage->server, SIGKILL);
    ctl(stage, 0, "restore --stream stream");
    start_again(stage, KNOWS_THE_OPERATOR);
    run_until_synced(stage);
    expect_whole(stage);
}

static void copied_back_by_hand__the_first_device_that_shows_more_stops_it(void **state)
{
    struct stage *stage = *state;

    work_and_lose_the_disk(stage);
    {
        char line[512];

        snprintf(line, sizeof line, "cd %s && rm store.db store.db-* && cp backup.db store.db", stage->server.folder);
        assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c) */
    }
    start_again(stage, KNOWS_THE_OPERATOR);
    for (int i = 0; i < 20; i++)
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    server_fixture_expect_log(&stage->server, "store_behind", "doublecrewctl", 1);
    assert_int_equal(stored_seq(stage, &stage->server.officer), 2);
    assert_int_not_equal(status_of(&stage->officer).state, DC_SYNC_ONLINE);
    close_phones(stage);
    assert_int_equal(server_fixture_stop(&stage->server, SIGTERM), 0);
    ctl(stage, 0, "epoch");
    start_again(stage, KNOWS_THE_OPERATOR);
    run_until_synced(stage);
    expect_whole(stage);
}

/* Told that it can't tell; it goes on all the same. */
static void device_that_does_not_know_the_operator__says_so(void **state)
{
    struct stage *stage = *state;

    work_and_lose_the_disk(stage);
    ctl(stage, 0, "restore backup.db");
    start_again(stage, KNOWS_NOBODY);
    run_until_synced(stage);
    assert_int_equal(stage->officer.new_epochs, 0);
    assert_int_equal(stage->officer.diverged, 1);
    expect_whole(stage);
}

static void epoch_that_the_operator_did_not_sign__refused_by_devices(void **state)
{
    struct stage *stage = *state;

    work_and_lose_the_disk(stage);
    ctl(stage, 0, "restore backup.db");
    start_again(stage, KNOWS_ANOTHER);
    for (int i = 0; i < 40; i++)
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    assert_int_equal(status_of(&stage->officer).reason, DC_DIVERGED);
    assert_int_equal(stored_seq(stage, &stage->server.officer), 2);
    assert_int_equal(status_of(&stage->officer).head_seq, 6);
    close_phones(stage);
    open_phones(stage, KNOWS_THE_OPERATOR);
    run_until_synced(stage);
    expect_whole(stage);
}

static void restore__refused_changes_nothing(void **state)
{
    struct stage *stage = *state;
    char line[512];

    visit(stage, 1);
    ctl(stage, 0, "backup backup.db");
    ctl(stage, 1, "restore backup.db"); /* the server runs */
    ctl(stage, 1, "epoch");
    ctl(stage, 2, "restore");
    visit(stage, 1);
    close_phones(stage);
    assert_int_equal(server_fixture_stop(&stage->server, SIGTERM), 0);
    ctl(stage, 1, "restore missing.db");
    ctl(stage, 1, "restore backup.db --stream missing");
    ctl(stage, 1, "restore backup.db --key checkpoint.key");
    snprintf(line, sizeof line,
             "cd %s && for f in stream/*.copy; do printf x | dd of=$f bs=1 seek=900 conv=notrunc; done 2>/dev/null",
             stage->server.folder);
    assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c) */
    ctl(stage, 1, "restore backup.db --stream stream");
    assert_int_equal(stored_seq(stage, &stage->server.officer), 4);
    start_again(stage, KNOWS_THE_OPERATOR);
    run_until_synced(stage);
    assert_int_equal(stage->officer.new_epochs, 0);
    server_fixture_expect_log(&stage->server, "journal_copy_failed", "store_error", 1); /* and serves all the same */
    expect_whole(stage);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(without_stream__devices_fill_it_again),
        CASE(with_stream__nothing_was_lost_to_begin_with),
        CASE(copied_back_by_hand__the_first_device_that_shows_more_stops_it),
        CASE(device_that_does_not_know_the_operator__says_so),
        CASE(epoch_that_the_operator_did_not_sign__refused_by_devices),
        CASE(restore__refused_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
