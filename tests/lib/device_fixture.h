/*
 * A device with clocks, chance and link in the test's hand. What it sends is kept in order; the test plays the server.
 */
#ifndef DOUBLECREW_TESTS_DEVICE_FIXTURE_H
#define DOUBLECREW_TESTS_DEVICE_FIXTURE_H

#include "core/checkpoint.h"
#include "core/merkle.h"
#include "core/push.h"
#include "device/device.h"

#define DEVICE_SENT_MAX 64
#define DEVICE_EVENTS_KEPT 512

struct device_kept_event {
    enum dc_event_type type;
    enum dc_sync_state state;
    enum dc_status status;
    uint64_t seq;
    uint32_t count;
    bool complete;
    uint64_t done;
    uint64_t total;
    enum dc_records records;
    char text[200];
};

struct device_fixture {
    char path[128];
    char pem[512];
    struct dc_config config;
    struct dc_device *device;

    struct dc_id boot;
    uint64_t monotonic_ms;
    int64_t wall_ms;
    uint64_t timer_ms;
    uint64_t random; /* xorshift state */

    unsigned connects;
    unsigned disconnects;
    bool linked;
    enum status connect_status;
    uint64_t timer_delay_ms;
    struct {
        uint8_t *bytes;
        size_t size;
    } sent[DEVICE_SENT_MAX];
    size_t sent_count;
    struct device_kept_event events[DEVICE_EVENTS_KEPT];
    size_t event_count;

    struct sha256 *sha;
    struct arena *arena;
    struct sign_key *server_key;
    struct merkle_tree tree; /* of the played server */
    struct id epoch;
    struct span statements[4]; /* for Welcome; borrowed */
    size_t statement_count;
    bool push_deflate;      /* the played server takes pushes deflated */
    bool no_witness_proofs; /* the played server leaves them out */
};

/* number tells devices of one test apart: ids, log and key follow from it. */
void device_fixture_init(struct device_fixture *fixture, unsigned number);
void device_fixture_open(struct device_fixture *fixture);
/* Closes and opens again, as after a restart of the app. */
void device_fixture_reopen(struct device_fixture *fixture);
void device_fixture_done(struct device_fixture *fixture);

/* The server's tree grows by so many leaves. */
void device_fixture_grow(struct device_fixture *fixture, unsigned leaves);
/* An anchor for the last Hello; ret_text holds CHECKPOINT_TEXT_MAX. */
size_t device_fixture_anchor(struct device_fixture *fixture, const Doublecrew__V1__Hello *hello, char *ret_text);
/* The n-th message sent, opened; valid until the next call. */
const Doublecrew__V1__ClientMessage *device_fixture_sent(struct device_fixture *fixture, size_t index);
const Doublecrew__V1__ClientMessage *device_fixture_last(struct device_fixture *fixture);
/* The last push, inflated if it came so, opened and its chain computed. */
void device_fixture_last_push(struct device_fixture *fixture, struct push *ret_push);
void device_fixture_receive(struct device_fixture *fixture, const Doublecrew__V1__ServerMessage *message);
/* Starts, connects, answers Hello with a Welcome that is right but for what the caller then changes. */
void device_fixture_connect(struct device_fixture *fixture);
void device_fixture_welcome(struct device_fixture *fixture, uint64_t durable_seq, const struct hash *durable_hash,
                            uint32_t credit);
void device_fixture_online(struct device_fixture *fixture);
/* An empty page at a cursor that isn't below the device's; last: the feed is complete. */
void device_fixture_page(struct device_fixture *fixture, uint64_t to_cursor, bool last);
/* Acknowledges the last push. */
void device_fixture_ack(struct device_fixture *fixture, uint64_t pos);
unsigned device_fixture_count(const struct device_fixture *fixture, enum dc_event_type type);
const struct device_kept_event *device_fixture_event(const struct device_fixture *fixture, enum dc_event_type type);
struct dc_id device_fixture_id(unsigned number);

#endif
