/* A phone restored from a backup, against the real server: found by the guard, or as a fork; enrolled again; nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/phone_stage.h"

static void copy_file(const char *from, const char *to)
{
    static uint8_t bytes[1 << 22];
    FILE *file = fopen(from, "rb");
    size_t size;

    assert_non_null(file);
    size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    file = fopen(to, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Closes the phone and copies its store, or puts the copy back. */
static void shut(struct phone *phone)
{
    dc_device_close(phone->device);
    phone->device = NULL;
}

static void back_up(struct phone *phone, char *ret_path, size_t size)
{
    snprintf(ret_path, size, "%s.backup", phone->store);
    shut(phone);
    copy_file(phone->store, ret_path);
}

static void reopen(struct stage *stage, struct phone *phone)
{
    assert_int_equal(dc_device_open(stage->loop, &phone->config, &phone->device), DC_OK);
}

static void sync_phone(struct stage *stage, struct phone *phone)
{
    assert_int_equal(dc_sync_start(phone->device), DC_OK);
    run_until_synced(stage, phone);
}

struct tally {
    unsigned presences;
    unsigned held;
};

static bool tally(void *context, const struct dc_presence *presence)
{
    struct tally *counted = context;

    counted->presences++;
    counted->held += strcmp(presence->verdict.company, "held") == 0;
    return true;
}

/* What the supervisor sees, once it is so. */
static struct tally wait_for(struct stage *stage, unsigned presences, unsigned held)
{
    struct tally counted = {.presences = 0};

    for (int i = 0; i < ROUNDS_MAX; i++) {
        counted = (struct tally){.presences = 0};
        assert_int_equal(dc_each_presence(stage->supervisor.device, NULL, tally, &counted), DC_OK);
        if (counted.presences == presences && counted.held == held)
            break;
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    }
    return counted;
}

struct outcome {
    enum dc_status status;
    uint64_t carried;
    bool done;
};

static void on_succeeded(void *context, enum dc_status status, uint64_t carried)
{
    *(struct outcome *)context = (struct outcome){.status = status, .carried = carried, .done = true};
}

static struct outcome enrol_and_succeed(struct stage *stage, struct phone *fresh)
{
    struct outcome outcome = {.done = false};

    server_fixture_enrol(&stage->server, &stage->server.stranger, &stage->server.officer.officer);
    open_phone(stage, fresh, &stage->server.stranger, "enrolled");
    assert_int_equal(dc_succeed(fresh->device, stage->officer.device, on_succeeded, &outcome), DC_OK);
    assert_true(outcome.done);
    assert_int_equal(outcome.status, DC_OK);
    shut(&stage->officer);
    sync_phone(stage, fresh);
    return outcome;
}

static void restored_phone__is_found_by_its_guard_and_its_entries_count_once(void **state)
{
    struct stage *stage = *state;
    struct phone fresh = {.acked = 0};
    struct dc_lost_log lost;
    struct outcome outcome;
    struct tally counted;
    char backup[160];

    sync_phone(stage, &stage->officer);
    visit_alone(&stage->officer);
    run_until_synced(stage, &stage->officer);
    dc_sync_stop(stage->officer.device);
    visit_alone(&stage->officer); /* 4 to 6: in the backup they are unpushed */
    back_up(&stage->officer, backup, sizeof backup);
    reopen(stage, &stage->officer);
    sync_phone(stage, &stage->officer); /* but then they were pushed, and more */
    visit_alone(&stage->officer);
    run_until_synced(stage, &stage->officer);
    shut(&stage->officer);
    copy_file(backup, stage->officer.store);
    reopen(stage, &stage->officer);
    assert_int_equal(dc_log_lost(stage->officer.device, &lost), DC_OK);
    assert_int_equal(lost.known_seq, 9);
    assert_int_equal(lost.store_seq, 6);
    assert_int_equal(dc_sync_start(stage->officer.device), DC_LOG_LOST);
    outcome = enrol_and_succeed(stage, &fresh);
    assert_int_equal(outcome.carried, 3);
    assert_int_equal(fresh.acked, 2);
    assert_int_equal(fresh.error, DC_OK);
    sync_phone(stage, &stage->supervisor);
    counted = wait_for(stage, 3, 0);
    assert_int_equal(counted.presences, 3); /* each once, and none contested: there is no other branch */
    assert_int_equal(counted.held, 0);
    shut(&fresh);
}

static void restored_phone__without_a_guard_is_found_as_a_fork(void **state)
{
    struct stage *stage = *state;
    struct phone fresh = {.acked = 0};
    struct dc_sync_status status;
    struct outcome outcome;
    struct tally counted;
    char backup[160];

    sync_phone(stage, &stage->officer);
    visit_alone(&stage->officer);
    run_until_synced(stage, &stage->officer);
    back_up(&stage->officer, backup, sizeof backup);
    reopen(stage, &stage->officer);
    sync_phone(stage, &stage->officer);
    visit_alone(&stage->officer); /* 4 to 6, at the server */
    run_until_synced(stage, &stage->officer);
    shut(&stage->officer);
    copy_file(backup, stage->officer.store);
    stage->officer.config.guard_never = true; /* the backup brought it along */
    reopen(stage, &stage->officer);
    visit_alone(&stage->officer); /* another 4 to 6 */
    visit_alone(&stage->officer);
    assert_int_equal(dc_sync_start(stage->officer.device), DC_OK);
    status = status_of(&stage->officer);
    for (int i = 0; i < ROUNDS_MAX && status.reason != DC_LOG_FORK; i++) {
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
        status = status_of(&stage->officer);
    }
    assert_int_equal(status.reason, DC_LOG_FORK);
    assert_int_equal(status.pending_reason, DC_PENDING_FORK);
    assert_int_equal(status.pending_entries, 6);
    assert_string_equal(status.advice, "The evidence is safe; two copies of this phone exist; enrol the device again");
    outcome = enrol_and_succeed(stage, &fresh);
    assert_int_equal(outcome.carried, 6);
    sync_phone(stage, &stage->supervisor);
    counted = wait_for(stage, 4, 3);
    assert_int_equal(counted.presences, 4);
    assert_int_equal(counted.held, 3); /* from the fork on both branches; what came before it stands */
    for (int i = 0; i < ROUNDS_MAX && stage->supervisor.flags == 0; i++)
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    assert_int_not_equal(stage->supervisor.flags, 0);
    visit_alone(&fresh); /* and work goes on */
    run_until_synced(stage, &fresh);
    counted = wait_for(stage, 5, 3);
    assert_int_equal(counted.presences, 5);
    assert_int_equal(counted.held, 3);
    shut(&fresh);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_start, stage_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(restored_phone__is_found_by_its_guard_and_its_entries_count_once),
        CASE(restored_phone__without_a_guard_is_found_as_a_fork),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
