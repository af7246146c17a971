/* The device library against the real server: facts go up, rows and flags come down, through cuts and kills. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/phone_stage.h"

/* The server's clock runs by itself. */
static int start_running(void **state)
{
    return stage_start_at(state, "training = yes\ntraining_rate = 1");
}

static bool count_offender(void *context, const struct dc_offender *row)
{
    assert_string_equal(row->reference, "TS/0001");
    assert_int_equal(row->risk, DC_RISK_HIGH);
    (*(unsigned *)context)++;
    return true;
}

static bool count_officer(void *context, const struct dc_officer *row)
{
    assert_int_not_equal(row->role, DC_ROLE_UNKNOWN);
    (*(unsigned *)context)++;
    return true;
}

static bool keep_presence(void *context, const struct dc_presence *row)
{
    *(struct dc_presence *)context = *row;
    return true;
}

static void facts_go_up__and_rows_come_down(void **state)
{
    struct stage *stage = *state;
    struct dc_hash presence = visit_alone(&stage->officer);
    struct dc_presence found = {.own = false};
    unsigned offenders = 0;
    unsigned officers = 0;

    assert_int_equal(dc_each_presence(stage->officer.device, &presence, keep_presence, &found), DC_OK);
    assert_true(found.verdict.preview);
    assert_int_equal(dc_sync_start(stage->officer.device), DC_OK);
    assert_int_equal(dc_sync_start(stage->supervisor.device), DC_OK);
    run_until_synced(stage, &stage->officer);
    run_until_synced(stage, &stage->supervisor);
    assert_int_equal(stage->officer.acked, 3);
    assert_int_equal(stage->officer.error, DC_OK);
    assert_int_equal(dc_each_offender(stage->officer.device, NULL, count_offender, &offenders), DC_OK);
    assert_int_equal(offenders, 1);
    assert_int_equal(dc_each_officer(stage->supervisor.device, NULL, count_officer, &officers), DC_OK);
    assert_int_equal(officers, 3);
    for (int i = 0; i < ROUNDS_MAX && (found.verdict.preview || !found.received_ms); i++) {
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
        assert_int_equal(dc_each_presence(stage->officer.device, &presence, keep_presence, &found), DC_OK);
    }
    assert_false(found.verdict.preview); /* the server's row now */
    assert_true(found.own);
}

static void lone_visit__reaches_the_supervisor_who_decides(void **state)
{
    struct stage *stage = *state;
    struct dc_decision decision = {.appropriate = true, .reason_code = "emergency", .words = "Threat to life."};

    assert_int_equal(dc_sync_start(stage->officer.device), DC_OK);
    assert_int_equal(dc_sync_start(stage->supervisor.device), DC_OK);
    run_until_synced(stage, &stage->supervisor);
    decision.presence = visit_alone(&stage->officer);
    run_until_synced(stage, &stage->officer);
    for (int i = 0; i < ROUNDS_MAX && stage->supervisor.flags == 0; i++)
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    assert_int_not_equal(stage->supervisor.flags, 0);
    assert_string_equal(stage->supervisor.company, "lone_confirmed");
    assert_int_equal(dc_decide(stage->supervisor.device, &decision, NULL), DC_OK);
    run_until_synced(stage, &stage->supervisor);
    assert_int_equal(stage->supervisor.error, DC_OK);
}

static void named_partner_who_is_online__is_asked_and_the_visit_confirmed(void **state)
{
    struct stage *stage = *state;
    struct dc_check_in check_in = {.offender = stage_offender(), .with = DC_WITH_NAMED, .named_count = 1};
    struct dc_hash presence;

    memcpy(check_in.named[0].bytes, stage->server.supervisor.officer.bytes, ID_SIZE);
    assert_int_equal(dc_sync_start(stage->officer.device), DC_OK);
    assert_int_equal(dc_sync_start(stage->supervisor.device), DC_OK);
    run_until_synced(stage, &stage->officer);
    run_until_synced(stage, &stage->supervisor);
    assert_int_equal(dc_check_in(stage->officer.device, &check_in, &presence), DC_OK);
    assert_int_equal(dc_check_out(stage->officer.device, &presence, NULL, NULL), DC_OK);
    for (int i = 0; i < ROUNDS_MAX && stage->supervisor.prompts == 0; i++)
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    assert_int_equal(stage->supervisor.prompts, 1);
    assert_string_not_equal(stage->officer.company, "lone_confirmed");
    assert_int_equal(stage->supervisor.acked, 0); /* the officer is asked first */
    for (int i = 0; i < ROUNDS_MAX && strcmp(stage->officer.company, "lone_confirmed") != 0; i++)
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    assert_string_equal(stage->officer.company, "lone_confirmed");
    run_until_synced(stage, &stage->supervisor);
    assert_int_equal(stage->supervisor.acked, 1); /* the seal */
    assert_int_equal(stage->supervisor.error, DC_OK);
    assert_int_equal(stage->officer.prompts, 0);
}

/* The operator's word about the officer's phone. */
static void set_standing(struct stage *stage, Doublecrew__V1__DeviceStanding standing)
{
    struct server_device *operator_device = &stage->server.operator_device;
    struct ws_client *client = server_fixture_connect(&stage->server, operator_device);
    Doublecrew__V1__DeviceState message = DOUBLECREW__V1__DEVICE_STATE__INIT;

    message.device_id = (ProtobufCBinaryData){ID_SIZE, stage->server.officer.device.bytes};
    message.standing = standing;
    server_device_greet(operator_device, client, 0);
    server_device_add(operator_device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DEVICE_STATE, &message.base);
    server_device_sync(operator_device, client);
    ws_client_free(client);
}

static unsigned offenders_held(struct stage *stage)
{
    unsigned count = 0;

    assert_int_equal(dc_each_offender(stage->officer.device, NULL, count_offender, &count), DC_OK);
    return count;
}

/* D1, P1: what it has comes in, what it holds goes, its log says so; when it is let in again everything comes back. */
static void suspended__gives_back_what_it_holds_and_gets_it_again(void **state)
{
    struct stage *stage = *state;
    uint64_t pushed;

    assert_int_equal(dc_sync_start(stage->officer.device), DC_OK);
    run_until_synced(stage, &stage->officer);
    assert_int_equal(offenders_held(stage), 1);
    pushed = stage->officer.acked;
    set_standing(stage, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED);
    for (int i = 0; i < ROUNDS_MAX && offenders_held(stage) > 0; i++) {
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
        assert_int_equal(dc_sync_now(stage->officer.device), DC_OK); /* the officer doesn't wait for the retry */
    }
    assert_int_equal(offenders_held(stage), 0);
    for (int i = 0; i < ROUNDS_MAX && stage->officer.acked == pushed; i++)
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    assert_int_equal(stage->officer.acked, pushed + 1); /* the receipt */
    set_standing(stage, DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_ACTIVE);
    for (int i = 0; i < ROUNDS_MAX && offenders_held(stage) == 0; i++)
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    assert_int_equal(offenders_held(stage), 1);
}

static void server_killed__nothing_is_lost_or_doubled(void **state)
{
    struct stage *stage = *state;
    struct dc_subject subject = {.offender = stage_offender()};
    char text[64];

    assert_int_equal(dc_sync_start(stage->officer.device), DC_OK);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) {
            snprintf(text, sizeof text, "note %d of round %d", i, round);
            assert_int_equal(dc_note(stage->officer.device, &subject, text, NULL, NULL), DC_OK);
            assert_int_equal(dc_loop_run(stage->loop, 0), DC_OK);
        }
        server_fixture_stop(&stage->server, SIGKILL);
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
        server_fixture_start(&stage->server);
        /* Another port each time: the app would have it from its config. */
        dc_device_close(stage->officer.device);
        open_phone(stage, &stage->officer, &stage->server.officer, "officer");
        assert_int_equal(dc_sync_start(stage->officer.device), DC_OK);
    }
    run_until_synced(stage, &stage->officer);
    assert_int_equal(status_of(&stage->officer).durable_seq, 60);
    assert_int_equal(status_of(&stage->officer).head_seq, 60);
    assert_int_equal(stage->officer.error, DC_OK);
}

static bool count_note(void *context, const struct dc_note_read *note)
{
    assert_false(note->pending);
    (*(unsigned *)context)++;
    return true;
}

static void long_absence__syncs_in_pages_and_batches(void **state)
{
    struct stage *stage = *state;
    struct dc_subject subject = {.offender = stage_offender()};
    unsigned notes = 0;

    for (int i = 0; i < 700; i++)
        assert_int_equal(dc_note(stage->officer.device, &subject, "written offline", NULL, NULL), DC_OK);
    assert_int_equal(dc_sync_start(stage->officer.device), DC_OK);
    run_until_synced(stage, &stage->officer);
    assert_int_equal(dc_sync_start(stage->supervisor.device), DC_OK);
    run_until_synced(stage, &stage->supervisor);
    assert_int_equal(dc_each_note(stage->supervisor.device, NULL, count_note, &notes), DC_OK);
    assert_int_equal(notes, 700);
}

static void stranger__is_told_to_enrol(void **state)
{
    struct stage *stage = *state;
    struct phone stranger = {.acked = 0};
    struct dc_sync_status status;

    open_phone(stage, &stranger, &stage->server.stranger, "stranger");
    assert_int_equal(dc_sync_start(stranger.device), DC_OK);
    status = status_of(&stranger);
    for (int i = 0; i < ROUNDS_MAX && status.state != DC_SYNC_CLOSED; i++) {
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
        status = status_of(&stranger);
    }
    assert_int_equal(status.state, DC_SYNC_CLOSED);
    assert_int_equal(status.reason, DC_UNKNOWN_DEVICE);
    dc_device_close(stranger.device);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stage_start, stage_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(facts_go_up__and_rows_come_down),
        CASE(lone_visit__reaches_the_supervisor_who_decides),
        cmocka_unit_test_setup_teardown(named_partner_who_is_online__is_asked_and_the_visit_confirmed, start_running,
                                        stage_stop),
        CASE(suspended__gives_back_what_it_holds_and_gets_it_again),
        CASE(server_killed__nothing_is_lost_or_doubled),
        CASE(long_absence__syncs_in_pages_and_batches),
        CASE(stranger__is_told_to_enrol),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
