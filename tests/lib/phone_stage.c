#include "tests/lib/phone_stage.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/core_fixture.h"

static void on_event(void *context, struct dc_device *device, const struct dc_event *event)
{
    struct phone *phone = context;

    (void)device;
    switch (event->type) {
    case DC_EVENT_ACK:
        phone->acked = event->seq;
        break;
    case DC_EVENT_FLAG:
        phone->flags++;
        snprintf(phone->flag_kind, sizeof phone->flag_kind, "%s", event->row->kind);
        break;
    case DC_EVENT_PAGE:
        phone->complete = event->complete;
        break;
    case DC_EVENT_VERDICT:
        snprintf(phone->company, sizeof phone->company, "%s", event->text);
        break;
    case DC_EVENT_ERROR:
        phone->error = event->status;
        break;
    case DC_EVENT_PROMPT:
        phone->prompts++;
        break;
    default:
        break;
    }
}

void open_phone(struct stage *stage, struct phone *phone, const struct server_device *of, const char *name)
{
    struct dc_config *config = &phone->config;
    struct id force = fixture_id("force");
    struct public_key server_key;
    static char ca[128];

    dc_config_init(config);
    snprintf(phone->store, sizeof phone->store, "%s/%s.phone", stage->server.folder, name);
    snprintf(ca, sizeof ca, "%s/ca-bundle.pem", stage->server.ca);
    assert_int_equal(sign_key_to_pem(of->key, phone->pem, sizeof phone->pem), STATUS_OK);
    sign_key_public(stage->server.checkpoint_key, &server_key);
    config->store_path = phone->store;
    memset(config->storage_key, 7, sizeof config->storage_key);
    memcpy(config->force.bytes, force.bytes, sizeof force.bytes);
    memcpy(config->device.bytes, of->device.bytes, ID_SIZE);
    memcpy(config->log.bytes, of->log.bytes, ID_SIZE);
    memcpy(config->officer.bytes, of->officer.bytes, ID_SIZE);
    memcpy(config->server_key, server_key.bytes, sizeof config->server_key);
    config->host = "127.0.0.1";
    config->port = stage->server.port;
    config->server_name = "localhost";
    config->ca_path = ca;
    config->certificate_path = of->certificate;
    config->key_path = of->certificate_key;
    config->signing_key_pem = phone->pem;
    config->event_context = phone;
    config->on_event = on_event;
    config->retry_first_ms = 50;
    config->retry_longest_ms = 400;
    config->seal_delay_ms = 300;
    assert_int_equal(dc_device_open(stage->loop, config, &phone->device), DC_OK);
}

int stage_start_at(void **state, const char *mode)
{
    struct stage *stage = calloc(1, sizeof *stage);

    assert_non_null(stage);
    server_fixture_make(&stage->server);
    server_fixture_write_config(&stage->server, "training = yes", mode);
    server_fixture_start(&stage->server);
    assert_int_equal(dc_loop_new(NULL, &stage->loop), DC_OK);
    open_phone(stage, &stage->officer, &stage->server.officer, "officer");
    open_phone(stage, &stage->supervisor, &stage->server.supervisor, "supervisor");
    *state = stage;
    return 0;
}

int stage_start(void **state)
{
    return stage_start_at(state, "training = yes");
}

int stage_stop(void **state)
{
    struct stage *stage = *state;

    dc_device_close(stage->officer.device);
    dc_device_close(stage->supervisor.device);
    dc_loop_free(stage->loop);
    if (stage->server.pid != 0)
        assert_int_equal(server_fixture_stop(&stage->server, SIGTERM), 0);
    server_fixture_remove(&stage->server);
    free(stage);
    return 0;
}

struct dc_sync_status status_of(const struct phone *phone)
{
    struct dc_sync_status status;

    dc_sync_status(phone->device, &status);
    assert_int_equal(status.repairs, 0); /* in nothing that these tests do may server and device differ (P2) */
    return status;
}

void run_until_synced(struct stage *stage, struct phone *phone)
{
    struct dc_sync_status status = status_of(phone);

    for (int i = 0; i < ROUNDS_MAX; i++) {
        if (status.state == DC_SYNC_ONLINE && status.pending_entries == 0 && status.feed_complete)
            return;
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
        status = status_of(phone);
    }
    fail_msg("not synced: state %d, reason %s, pending %llu", (int)status.state, dc_status_name(status.reason),
             (unsigned long long)status.pending_entries);
}

struct dc_id stage_offender(void)
{
    struct id made = fixture_id("offender");
    struct dc_id id;

    memcpy(id.bytes, made.bytes, sizeof id.bytes);
    return id;
}

struct dc_hash visit_alone(struct phone *phone)
{
    struct dc_check_in check_in = {.offender = stage_offender(), .with = DC_WITH_ALONE};
    struct dc_hash presence;

    assert_int_equal(dc_check_in(phone->device, &check_in, &presence), DC_OK);
    assert_int_equal(dc_check_out(phone->device, &presence, NULL, NULL), DC_OK);
    assert_int_equal(dc_outcome(phone->device, &presence, DC_OUTCOME_SEEN, NULL), DC_OK);
    return presence;
}
