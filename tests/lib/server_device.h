/*
 * A device of the server's tests: its key, its log, and the messages that it would send, built by hand so that they can
 * also be wrong.
 */
#ifndef DOUBLECREW_TESTS_LIB_SERVER_DEVICE_H
#define DOUBLECREW_TESTS_LIB_SERVER_DEVICE_H

#include <protobuf-c/protobuf-c.h>

#include "core/push.h"
#include "doublecrew/v1/sync.pb-c.h"
#include "tests/lib/ws_client.h"

struct server_device {
    struct id device;
    struct id log;
    struct id boot;
    struct id officer;
    struct sign_key *key;
    struct sha256 *sha;
    uint64_t seq; /* of the last entry */
    struct hash head;
    uint64_t monotonic_ms;
    /* entries not pushed yet; payloads are owned */
    struct entry pending[PUSH_ENTRIES_MAX];
    size_t pending_count;
    /* the last anchor of a Welcome; entries name it from then on */
    uint8_t anchor[1024];
    size_t anchor_size;
    struct hash anchor_hash;
    bool anchor_is_told; /* its text has been pushed */
    /* the feed, as Hello tells it: zero, from the beginning */
    struct id epoch;
    uint64_t feed_cursor;
    char certificate[160];
    char certificate_key[160];
};

/* From a name: the same ids and keys in every run. */
void server_device_init(struct server_device *device, const char *name);
void server_device_done(struct server_device *device);
/* One more entry: 16 bytes of salt and the message. */
void server_device_add(struct server_device *device, uint16_t kind, const ProtobufCMessage *message);
/* count notes about nobody. */
void server_device_add_notes(struct server_device *device, size_t count);
/* All pending entries as one Push message that the caller frees; they are pending no more. */
uint8_t *server_device_push(struct server_device *device, size_t *ret_size);

/* On a connection. Each fails the test when the server doesn't do as it should. */
void server_device_say_hello(const struct server_device *device, struct ws_client *client, uint32_t page_credit);
/* Hello, then Welcome, whose anchor the device keeps from then on. Returns durable_seq. */
uint64_t server_device_greet(struct server_device *device, struct ws_client *client, uint32_t page_credit);
/* Sends a Push message in its envelope. */
void server_device_send_push(struct ws_client *client, struct span push);
/* Pushes what is pending and waits for the Ack. */
void server_device_sync(struct server_device *device, struct ws_client *client);

void server_say(struct ws_client *client, const Doublecrew__V1__ClientMessage *message);
/* The next message; the caller frees it with server_heard_free. Fails the test after 10 s. */
Doublecrew__V1__ServerMessage *server_hear(struct ws_client *client);
/* The next message of a kind, whatever comes before it. */
Doublecrew__V1__ServerMessage *server_hear_kind(struct ws_client *client,
                                                Doublecrew__V1__ServerMessage__MessageCase kind);
void server_heard_free(Doublecrew__V1__ServerMessage *message);
/* The next message is this error. */
void server_hear_error(struct ws_client *client, Doublecrew__V1__ErrorCode code, bool closes);
/* Whatever still comes, then the end. Returns the close code; 0: none. */
uint16_t server_hear_end(struct ws_client *client);

#endif
