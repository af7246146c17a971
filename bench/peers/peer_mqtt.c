/* mosquitto: MQTT 3.1.1, QoS 1. A fact is a message; the other client has a session of its own that the broker keeps. */
#include <stdlib.h>
#include <string.h>

#include "bench/peers/peer_protocol.h"

#define TOPIC "facts"
#define TOPIC_SIZE (sizeof(TOPIC) - 1)
#define CONNACK 0x20
#define PUBLISH 0x30
#define PUBACK 0x40
#define SUBACK 0x90
#define CLEAN_SESSION 0x02
#define READER_NAME "reader"

static enum status add_length(struct peer_bytes *bytes, size_t size)
{
    enum status status = STATUS_OK;

    do {
        uint8_t byte = (uint8_t)(size & 0x7f);

        size >>= 7;
        byte = size > 0 ? byte | 0x80 : byte;
        status = peer_bytes_add(bytes, &byte, 1);
    } while (status == STATUS_OK && size > 0);
    return status;
}

/* The next whole packet from *at on, and *at moved beyond it. */
static bool next_packet(const struct peer_link *link, size_t *at, uint8_t *ret_type, struct span *ret_body)
{
    const uint8_t *packet = link->in.data + *at;
    size_t left = link->in.size - *at;
    size_t size = 0;
    size_t header = 1;

    for (unsigned shift = 0;; shift += 7) {
        if (left <= header || shift > 21)
            return false;
        size |= (size_t)(packet[header] & 0x7f) << shift;
        if ((packet[header++] & 0x80) == 0)
            break;
    }
    if (left - header < size)
        return false;
    *at += header + size;
    *ret_type = packet[0];
    *ret_body = span_of(packet + header, size);
    return true;
}

/* Waits for this packet, whose last byte says how it went: 0x80 and above, or not 0 after CONNECT, is a refusal. */
static enum status hear(struct peer_link *link, uint8_t type, uint8_t good_max)
{
    struct span body = {.data = NULL};
    uint8_t got = 0;
    size_t at = 0;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && !next_packet(link, &at, &got, &body))
        status = peer_link_receive(link);
    if (status != STATUS_OK)
        return status;
    if (got != type || body.size == 0 || body.data[body.size - 1] > good_max) {
        fprintf(stderr, "bench: mosquitto refused: packet %02x, code %d\n", got,
                body.size == 0 ? -1 : body.data[body.size - 1]);
        return STATUS_STORE;
    }
    peer_link_drop(link, at);
    return STATUS_OK;
}

static enum status connect_as(struct peer_link *link, const char *name, uint8_t flags)
{
    uint8_t packet[64] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, flags, 0, 0};
    size_t size = strlen(name);

    put_u16(packet + 12, (uint16_t)size);
    (void)snprintf((char *)packet + 14, sizeof(packet) - 14, "%s", name);
    packet[1] = (uint8_t)(12 + size);
    enum status status = peer_link_send(link, span_of(packet, 14 + size));
    return status == STATUS_OK ? hear(link, CONNACK, 0) : status;
}

static enum status subscribe(struct peer_link *link)
{
    uint8_t packet[] = {0x82, 5 + TOPIC_SIZE, 0, 1, 0, TOPIC_SIZE, 'f', 'a', 'c', 't', 's', 1};
    enum status status = peer_link_send(link, span_of(packet, sizeof(packet)));

    return status == STATUS_OK ? hear(link, SUBACK, 2) : status;
}

/* From now on the broker queues for this session. */
static enum status make_reader(struct peer_link *link)
{
    static const uint8_t disconnect[] = {0xe0, 0};
    enum status status = connect_as(link, READER_NAME, 0);

    if (status == STATUS_OK)
        status = subscribe(link);
    return status == STATUS_OK ? peer_link_send(link, span_of(disconnect, sizeof(disconnect))) : status;
}

/* The reader connects when it begins to read: with its session, or with a new one. */
static enum status begin(struct peer_link *link, size_t device)
{
    char name[32];

    if (device >= PEER_DEVICES_MAX)
        return STATUS_OK;
    (void)snprintf(name, sizeof(name), "device-%zu", device);
    return connect_as(link, name, CLEAN_SESSION);
}

static enum status read_changes(struct peer_link *link, bool from_start)
{
    if (from_start)
        return connect_as(link, READER_NAME, 0);
    enum status status = connect_as(link, "watcher", CLEAN_SESSION);
    return status == STATUS_OK ? subscribe(link) : status;
}

static enum status add_publish(struct peer_bytes *bytes, struct span fact, uint16_t id)
{
    static const uint8_t type = PUBLISH | 1 << 1; /* QoS 1 */
    uint8_t head[2 + TOPIC_SIZE + 2] = {0, TOPIC_SIZE};

    memcpy(head + 2, TOPIC, TOPIC_SIZE);
    put_u16(head + 2 + TOPIC_SIZE, id);
    enum status status = peer_bytes_add(bytes, &type, 1);
    if (status == STATUS_OK)
        status = add_length(bytes, sizeof(head) + fact.size);
    if (status == STATUS_OK)
        status = peer_bytes_add(bytes, head, sizeof(head));
    return status == STATUS_OK ? peer_bytes_add(bytes, fact.data, fact.size) : status;
}

static enum status make_push(const struct span *facts, size_t count, size_t first, uint64_t *random,
                             struct peer_push *ret_push)
{
    struct peer_bytes bytes = {.data = NULL};
    enum status status = STATUS_OK;

    (void)random;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = add_publish(&bytes, facts[i], (uint16_t)((first + i) % UINT16_MAX + 1));
    if (status == STATUS_OK)
        *ret_push = (struct peer_push){.bytes = bytes.data, .size = bytes.size, .facts = count, .answers = count};
    else
        free(bytes.data);
    return status;
}

static enum status take_answers(struct peer_link *link, size_t *ret_answers)
{
    struct span body;
    uint8_t type = 0;
    size_t at = 0;

    *ret_answers = 0;
    while (next_packet(link, &at, &type, &body)) {
        if (type != PUBACK)
            return peer_complain("mosquitto", body);
        ++*ret_answers;
    }
    peer_link_drop(link, at);
    return STATUS_OK;
}

static enum status take_changes(struct peer_link *link, struct peer_seen *seen, peer_seen_fn *fn, void *context)
{
    enum status status = STATUS_OK;
    struct span body;
    uint8_t type = 0;
    size_t at = 0;

    while (status == STATUS_OK && next_packet(link, &at, &type, &body)) {
        if ((type & 0xf0) != PUBLISH || body.size < 4 + TOPIC_SIZE)
            continue;
        uint8_t answer[4] = {PUBACK, 2, body.data[2 + TOPIC_SIZE], body.data[3 + TOPIC_SIZE]};
        (void)peer_seen_read(seen, span_of(body.data + 4 + TOPIC_SIZE, body.size - 4 - TOPIC_SIZE), fn, context);
        status = peer_link_send(link, span_of(answer, sizeof(answer)));
    }
    peer_link_drop(link, at);
    return status;
}

const struct peer_protocol peer_mqtt = {
    .name = "mosquitto",
    .title = "mosquitto, QoS 1",
    .id_key = "id",
    .tls = true,
    .keeps_queue = true,
    .make_reader = make_reader,
    .begin = begin,
    .make_push = make_push,
    .take_answers = take_answers,
    .read = read_changes,
    .take_changes = take_changes,
};
