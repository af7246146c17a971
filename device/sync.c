/* Carries out what the sync step decides: the one place where its actions meet store, link, signer and app. */
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "device/pending.h"
#include "device/report.h"
#include "device/upkeep.h"
#include "device/witness.h"

#define HELD_REASON_MAX 64

uint64_t device_monotonic(struct dc_device *device, struct id *ret_boot)
{
    uint64_t monotonic_ms = device->clock.monotonic_ms(device->clock.context);
    struct dc_id boot;

    device->clock.boot_id(device->clock.context, &boot);
    memcpy(ret_boot->bytes, boot.bytes, ID_SIZE);
    if (id_equal(ret_boot, &device->head.boot) && monotonic_ms < device->head.monotonic_ms) {
        return device->head.monotonic_ms;
    }
    return monotonic_ms;
}

struct sync_now device_now(struct dc_device *device)
{
    struct sync_now now = {.timer_ms = device->clock.timer_ms(device->clock.context)};

    now.monotonic_ms = device_monotonic(device, &now.boot);
    if (!device_random(device, &now.random, sizeof now.random)) {
        now.random = (uint32_t)now.timer_ms; /* jitter needs no secrecy */
    }
    return now;
}

bool device_random(struct dc_device *device, void *ret_bytes, size_t size)
{
    return device->random(device->random_context, ret_bytes, size);
}

enum status device_send(struct dc_device *device, const Doublecrew__V1__ClientMessage *message)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    enum status status;

    if (!device->link_ops) {
        return STATUS_NETWORK;
    }
    status = wire_pack(&message->base, &bytes, &size);
    if (status == STATUS_OK) {
        status = device->link_ops->send(device->link, span_of(bytes, size));
    }
    free(bytes);
    return status;
}

static ProtobufCBinaryData binary(void *data, size_t size)
{
    return (ProtobufCBinaryData){.data = data, .len = size};
}

static enum status send_hello(struct dc_device *device)
{
    struct sync *sync = &device->sync;
    uint64_t pending = pending_count(device);
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Hello hello = DOUBLECREW__V1__HELLO__INIT;
    struct witness_texts witnesses;
    uint8_t checkpoint[STORE_STATE_SIZE_MAX];
    size_t size = 0;
    enum status status = store_state_get(device->store, "checkpoint", checkpoint, &size);

    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    hello.protocol_min = SYNC_PROTOCOL;
    hello.protocol_max = SYNC_PROTOCOL;
    hello.app_version = device->app_version;
    hello.log_id = binary(device->identity.log.bytes, ID_SIZE);
    hello.head_seq = device->head.seq;
    hello.head_hash = binary(device->head.hash.bytes, device->head.seq ? HASH_SIZE : 0);
    hello.epoch = binary(sync->feed.epoch.bytes, id_is_zero(&sync->feed.epoch) ? 0 : ID_SIZE);
    hello.feed_cursor = sync->feed.cursor;
    hello.feed_key = binary(sync->feed.key, sync->feed.key_size);
    hello.boot_id = binary(sync->hello_boot.bytes, ID_SIZE);
    hello.monotonic_ms = sync->hello_monotonic_ms;
    hello.wall_ms = device->clock.wall_ms(device->clock.context);
    hello.last_checkpoint = binary(checkpoint, size);
    hello.page_credit = sync->config.page_credit;
    hello.pending_entries = pending > UINT32_MAX ? UINT32_MAX : (uint32_t)pending;
    hello.pending_since_wall_ms = device_pending_since_ms(device);
    hello.failures = sync->failures;
    hello.failing_code = sync->failing_code;
    status = witness_show(device, &witnesses, &hello);
    if (status != STATUS_OK) {
        return status;
    }
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    return device_send(device, &message);
}

/* The server's time is known anew: what is due by it goes. */
static enum status keep_time(struct dc_device *device, int64_t server_ms)
{
    enum status status;

    upkeep_read_clocks(device);
    age_anchor(&device->age, server_ms);
    status = upkeep_forget(device);
    return status == STATUS_OK ? upkeep_save(device) : status;
}

static enum status put_anchor(struct dc_device *device, const struct sync_action *action)
{
    struct store_anchor anchor = {.size = action->text.size, .received_ms = device_now(device).monotonic_ms};
    struct checkpoint checkpoint;
    enum status status;

    if (action->text.size > sizeof anchor.text) {
        return STATUS_OVER_LIMIT;
    }
    memcpy(anchor.text, action->text.data, action->text.size);
    status = sha256_bytes(device->sha, action->text, &anchor.hash);
    if (status == STATUS_OK) {
        status = checkpoint_read(action->text, &checkpoint);
    }
    if (status == STATUS_OK) {
        status = store_begin(device->store);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = store_put_anchor(device->store, &anchor);
    if (status == STATUS_OK) {
        status = store_get_anchor(device->store, &anchor.hash, &anchor); /* known before: its first m_r holds */
    }
    if (status == STATUS_OK) {
        status = store_state_put(device->store, "anchor", span_of(anchor.hash.bytes, HASH_SIZE));
    }
    if (status == STATUS_OK && action->proved) {
        status = store_state_put(device->store, "checkpoint", action->text);
    }
    if (status == STATUS_OK && action->proved) {
        status = witness_forget(device);
    }
    if (status == STATUS_OK) {
        status = keep_time(device, checkpoint.time_ms);
    }
    if (status == STATUS_OK) {
        status = store_commit(device->store);
    }
    if (status != STATUS_OK) {
        store_rollback(device->store);
        return status;
    }
    device->has_anchor = true;
    device->anchor = anchor.hash;
    device->anchor_received_ms = anchor.received_ms;
    device->anchor_time_ms = checkpoint.time_ms;
    return STATUS_OK;
}

/* The step has taken the new checkpoint already: what couldn't be stored won't be in the next Hello, nor proved from. */
static enum status store_anchor(struct dc_device *device, const struct sync_action *action)
{
    enum status status = put_anchor(device, action);

    if (status != STATUS_OK && device_load_checkpoint(device) != STATUS_OK) {
        device->sync.has_checkpoint = false;
    }
    return status;
}

enum status device_save_durable(struct dc_device *device, uint64_t durable_seq)
{
    uint8_t bytes[32];

    put_u64(bytes, durable_seq);
    put_u64(bytes + 8, device->reflected_seq);
    put_u64(bytes + 16, device->ack_seq);
    put_u64(bytes + 24, device->ack_pos);
    return store_state_put(device->store, "durable", span_of(bytes, sizeof bytes));
}

/* After a lost Ack the journal's head at Welcome bounds where the entries stand. */
static void note_place(struct dc_device *device, const struct sync_action *action)
{
    if (action->type == SYNC_ACTION_ACKNOWLEDGED) {
        device->ack_seq = action->to_seq;
        device->ack_pos = action->pos ? action->pos : device->sync.head_pos;
    } else if (device->reflected_seq > action->to_seq) {
        device->reflected_seq = action->to_seq;
    }
}

/* A stable name, so short and plain; what isn't is kept as far as it goes. */
static enum status hold(struct dc_device *device, const Doublecrew__V1__HeldEntry *held)
{
    char reason[HELD_REASON_MAX + 1] = "";

    strncpy(reason, held->reason, HELD_REASON_MAX);
    return held->seq > 0 && held->seq <= device->head.seq ? store_hold(device->store, held->seq, reason) : STATUS_OK;
}

static enum status acknowledge(struct dc_device *device, const struct sync_action *action)
{
    enum status status = store_begin(device->store);

    if (status != STATUS_OK) {
        return status;
    }
    if (action->type == SYNC_ACTION_BEHIND) {
        status = store_unacknowledge(device->store, action->to_seq);
    } else {
        upkeep_read_clocks(device);
        status = store_acknowledge(device->store, action->from_seq, action->to_seq, age_server_ms(&device->age));
    }
    for (size_t i = 0; status == STATUS_OK && action->ack && i < action->ack->n_held; i++) {
        status = hold(device, action->ack->held[i]);
    }
    if (status == STATUS_OK) {
        note_place(device, action);
        status = device_save_durable(device, action->to_seq);
    }
    if (status == STATUS_OK) {
        status = upkeep_forget(device);
    }
    if (status == STATUS_OK) {
        status = upkeep_save(device);
    }
    if (status == STATUS_OK) {
        status = store_commit(device->store);
    }
    if (status != STATUS_OK) {
        store_rollback(device->store);
    }
    return status;
}

static enum status connect_link(struct dc_device *device)
{
    return device->link_ops ? device->link_ops->connect(device->link) : STATUS_NETWORK;
}

static enum status seal(struct dc_device *device)
{
    enum dc_status status = dc_seal(device, NULL);

    return status_from_public(status);
}

static enum status carry_out(struct dc_device *device, const struct sync_action *action)
{
    switch (action->type) {
    case SYNC_ACTION_CONNECT:
        return connect_link(device);
    case SYNC_ACTION_DISCONNECT:
        device->push_request = 0;
        if (device->link_ops) {
            device->link_ops->disconnect(device->link);
        }
        return STATUS_OK;
    case SYNC_ACTION_SEND_HELLO:
        device->purging = (struct device_purging){.keys = 0}; /* what was cut short is sent from its beginning */
        return send_hello(device);
    case SYNC_ACTION_STORE_ANCHOR:
        return store_anchor(device, action);
    case SYNC_ACTION_PUSH:
        device_start_push(device, action->from_seq, action->count);
        return STATUS_OK;
    case SYNC_ACTION_ACKNOWLEDGED:
    case SYNC_ACTION_BEHIND: {
        enum status status = acknowledge(device, action);

        if (status == STATUS_OK && action->type == SYNC_ACTION_ACKNOWLEDGED) {
            device_report_ack(device, action);
        }
        return status;
    }
    case SYNC_ACTION_APPLY_PAGE:
        return device_apply_page(device, action);
    case SYNC_ACTION_SAVE_FEED:
        return device_save_feed(device);
    case SYNC_ACTION_STORE_FLAG:
        return device_store_flag(device, action->flag);
    case SYNC_ACTION_PURGE:
        return device_purge(device, action->purge);
    case SYNC_ACTION_PROMPT:
        device_report_prompt(device);
        return STATUS_OK;
    case SYNC_ACTION_SEAL:
        return seal(device);
    case SYNC_ACTION_STEPPED:
        device_report_stepped(device, action->stepped);
        return STATUS_OK;
    case SYNC_ACTION_REPORT_STATE:
        device_report_state(device);
        return STATUS_OK;
    case SYNC_ACTION_REPORT_ERROR:
        device_report_error(device, action);
        return STATUS_OK;
    }
    return STATUS_INTERNAL;
}

/* One of each type waits; a later one of the same type says all that the earlier would have. */
static void enqueue(struct dc_device *device, const struct sync_event *event)
{
    for (size_t i = 0; i < device->event_count; i++) {
        if (device->events[i].type == event->type) {
            device->events[i] = *event;
            return;
        }
    }
    if (device->event_count < DEVICE_EVENTS_MAX) {
        device->events[device->event_count++] = *event;
    }
}

static void step(struct dc_device *device, struct sync_event *event)
{
    struct sync_event failed = {.type = SYNC_EVENT_FAILED};
    struct sync_actions actions;

    event->now = device_now(device);
    sync_step(&device->sync, event, &actions);
    for (size_t i = 0; i < actions.count; i++) {
        enum status status = carry_out(device, &actions.items[i]);

        if (status != STATUS_OK) {
            failed.status = status;
            enqueue(device, &failed);
            break;
        }
    }
}

static void set_timer(struct dc_device *device)
{
    uint64_t next = sync_next_tick_ms(&device->sync);
    uint64_t now = device->clock.timer_ms(device->clock.context);
    uint64_t upkeep_ms = upkeep_next_ms(device);
    uint64_t delay_ms = next == SYNC_NEVER ? LINK_NO_TIMER : next > now ? next - now : 0;

    if (device->link_ops) {
        device->link_ops->set_timer(device->link, delay_ms < upkeep_ms ? delay_ms : upkeep_ms);
    }
}

void device_drive(struct dc_device *device, const struct sync_event *event)
{
    if (device->closing) {
        return;
    }
    if (device->driving) {
        enqueue(device, event);
        return;
    }
    device->driving = true;
    struct sync_event next = *event;
    step(device, &next);
    while (device->event_count > 0) {
        next = device->events[0];
        device->event_count--;
        memmove(device->events, device->events + 1, device->event_count * sizeof *device->events);
        step(device, &next);
    }
    upkeep_watch(device);
    device->driving = false;
    set_timer(device);
}

void device_connected(struct dc_device *device)
{
    struct sync_event event = {.type = SYNC_EVENT_CONNECTED};

    device_drive(device, &event);
}

void device_disconnected(struct dc_device *device, enum status status)
{
    struct sync_event event = {.type = SYNC_EVENT_DISCONNECTED, .status = status};

    device->push_request = 0;
    device_drive(device, &event);
}

void device_timer(struct dc_device *device)
{
    struct sync_event event = {.type = SYNC_EVENT_TICK};

    device_drive(device, &event);
}

static uint64_t stated_seq(const Doublecrew__V1__ServerMessage *message)
{
    switch ((int)message->message_case) {
    case DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_WELCOME:
        return message->welcome->durable_seq;
    case DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK:
        return message->ack->durable_seq;
    case DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR:
        return message->error->durable_seq;
    default:
        return 0;
    }
}

void device_received(struct dc_device *device, struct span bytes)
{
    struct sync_event event = {.type = SYNC_EVENT_MESSAGE};
    ProtobufCMessage *message = NULL;
    enum status status;
    uint64_t seq;

    if (!device->driving) { /* else the message before it is still in use */
        arena_reset(device->arena, ARENA_CAP_DEFAULT);
    }
    status = wire_unpack(device->arena, &doublecrew__v1__server_message__descriptor, bytes, &message);
    if (status != STATUS_OK) {
        event = (struct sync_event){.type = SYNC_EVENT_FAILED, .status = status};
        device_drive(device, &event);
        return;
    }
    event.message = (const Doublecrew__V1__ServerMessage *)message;
    event.raw = bytes;
    seq = stated_seq(event.message);
    event.own_hash_known = seq > 0 && store_entry_hash(device->store, seq, &event.own_hash) == STATUS_OK;
    device_drive(device, &event);
}
