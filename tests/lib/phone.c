#include "tests/lib/phone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "device/device.h"
#include "tests/lib/core_fixture.h"

static void on_event(void *context, struct dc_device *device, const struct dc_event *event)
{
    struct phone *phone = context;

    (void)device;
    switch (event->type) {
    case DC_EVENT_ACK:
        phone->acked_seq = event->seq;
        phone->acked_entries += event->count;
        break;
    case DC_EVENT_VERDICT:
        (void)snprintf(phone->company, sizeof(phone->company), "%s", event->text);
        phone->verdict_of = event->presence;
        break;
    case DC_EVENT_SYNC_STATE:
        phone->went_online += event->state == DC_SYNC_ONLINE;
        if (event->state == DC_SYNC_BACKING_OFF || event->state == DC_SYNC_CLOSED)
            phone->reason = event->status;
        break;
    case DC_EVENT_ERROR:
        phone->error = event->status;
        break;
    case DC_EVENT_TRAINING_STEPPED:
        phone->stepped_ms = event->now_ms;
        break;
    default:
        break;
    }
}

static void boot_id(void *context, struct dc_id *ret_boot)
{
    *ret_boot = ((struct phone *)context)->boot;
}

static uint64_t monotonic_ms(void *context)
{
    struct phone *phone = context;

    return (uint64_t)(*phone->truth_ms - phone->boot_ms);
}

static int64_t wall_ms(void *context)
{
    struct phone *phone = context;

    return *phone->truth_ms + phone->wall_offset_ms;
}

static uint64_t timer_ms(void *context)
{
    struct timespec now;

    (void)context;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void set_identity(struct dc_config *config, const struct server_device *of)
{
    struct id force = fixture_id("force");

    memset(config->storage_key, 7, sizeof(config->storage_key));
    memcpy(config->force.bytes, force.bytes, ID_SIZE);
    memcpy(config->device.bytes, of->device.bytes, ID_SIZE);
    memcpy(config->log.bytes, of->log.bytes, ID_SIZE);
    memcpy(config->officer.bytes, of->officer.bytes, ID_SIZE);
}

void phone_init(struct phone *phone, struct dc_loop *loop, const struct server_fixture *server,
                const struct server_device *of, const char *name, uint16_t port)
{
    struct dc_config *config = &phone->config;
    struct public_key server_key;

    memset(phone, 0, sizeof(*phone));
    phone->loop = loop;
    dc_config_init(config);
    (void)snprintf(phone->store, sizeof(phone->store), "%s/%s.phone", server->folder, name);
    (void)snprintf(phone->ca, sizeof(phone->ca), "%s/ca-bundle.pem", server->ca);
    assert_int_equal(sign_key_to_pem(of->key, phone->pem, sizeof(phone->pem)), STATUS_OK);
    sign_key_public(server->checkpoint_key, &server_key);
    set_identity(config, of);
    memcpy(config->server_key, server_key.bytes, sizeof(config->server_key));
    config->store_path = phone->store;
    config->host = "127.0.0.1";
    config->port = port;
    config->server_name = "localhost";
    config->ca_path = phone->ca;
    config->certificate_path = of->certificate;
    config->key_path = of->certificate_key;
    config->signing_key_pem = phone->pem;
    config->event_context = phone;
    config->on_event = on_event;
    config->retry_first_ms = 10;
    config->retry_longest_ms = 40;
    config->seal_delay_ms = 200;
    memcpy(phone->boot.bytes, of->boot.bytes, ID_SIZE);
}

void phone_open(struct phone *phone)
{
    if (phone->truth_ms) {
        phone->config.clock = (struct dc_clock){.context = phone,
                                                .boot_id = boot_id,
                                                .monotonic_ms = monotonic_ms,
                                                .wall_ms = wall_ms,
                                                .timer_ms = timer_ms};
    }
    assert_int_equal(dc_device_open(phone->loop, &phone->config, &phone->device), DC_OK);
}

void phone_close(struct phone *phone)
{
    dc_device_close(phone->device);
    phone->device = NULL;
}

void phone_reboot(struct phone *phone)
{
    phone_close(phone);
    phone->boot.bytes[0]++;
    phone->boot_ms = *phone->truth_ms;
    phone_open(phone);
}

struct dc_sync_status phone_status(const struct phone *phone)
{
    struct dc_sync_status status;

    dc_sync_status(phone->device, &status);
    return status;
}

bool phone_is_level(const struct phone *phone)
{
    struct dc_sync_status status = phone_status(phone);

    return status.state == DC_SYNC_ONLINE && status.pending_entries == 0 &&
           (status.feed_complete || phone->config.page_credit == 0);
}

unsigned phone_repairs(const struct phone *phone)
{
    return phone->device->sync.feed.repairs;
}

struct dc_id phone_offender(void)
{
    struct id made = fixture_id("offender");
    struct dc_id id;

    memcpy(id.bytes, made.bytes, sizeof(id.bytes));
    return id;
}

void phone_note(struct phone *phone, const char *text)
{
    struct dc_subject subject = {.offender = phone_offender()};

    assert_int_equal(dc_note(phone->device, &subject, text, NULL, NULL), DC_OK);
}

static bool keep_company(void *context, const struct dc_presence *row)
{
    struct phone *phone = context;

    if (!row->verdict.preview)
        (void)snprintf(phone->company, sizeof(phone->company), "%s", row->verdict.company);
    return true;
}

const char *phone_company(struct phone *phone, const struct dc_hash *presence)
{
    phone->company[0] = '\0';
    enum dc_status status = dc_each_presence(phone->device, presence, keep_company, phone);
    assert_true(status == DC_OK || status == DC_NOT_FOUND);
    return phone->company;
}

struct each {
    phone_on_row on_row;
    void *context;
};

static bool hand_on(void *context, const struct store_row *row)
{
    const struct each *each = context;

    each->on_row(each->context, row->key, row->bytes);
    return true;
}

void phone_each_row(struct phone *phone, phone_on_row on_row, void *context)
{
    struct each each = {on_row, context};

    assert_int_equal(store_each_row(phone->device->store, span_of((const uint8_t *)"", 0), hand_on, &each), STATUS_OK);
}
