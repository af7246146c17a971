/*
 * The network: each connection has two ends that need not agree about it. Messages of one direction arrive in order, or not
 * at all; a connection that is cut loses what is on its way.
 */
#include <stdlib.h>
#include <string.h>

#include "device/link.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_device.h"

#define LATENCY_MIN_US (15 * INT64_C(1000))
#define LATENCY_MAX_US (400 * INT64_C(1000))
#define KEEP_ALIVE_US (35 * SIM_SECOND) /* ping after 25 s, and 10 s for its answer */
#define BYTES_A_SECOND 250000

/* Chances a message, in millionths, so that a connection of some twenty messages fails once in a while. */
#define CUT_RATE 1500
#define CUT_MESSAGE_RATE 700
#define HALF_OPEN_RATE 350
#define SLOW_RATE 4000
#define REFUSED_RATE 15000

struct packet {
    struct packet *next;
    size_t size;
    uint8_t bytes[];
};

struct sim_net_end {
    struct sim *sim;
    struct sim_device *device;
    struct sim_peer *peer; /* the connection as the phone sees it; NULL: none */
    uint64_t timer;        /* generation of the timer that counts */
    bool lose_next;
};

struct sim_peer {
    struct sim *sim;
    struct sim_net_end *end;
    struct connection *connection; /* as the server sees it; NULL: none */
    struct hash certificate;
    bool open;          /* the phone has been told that it is connected */
    bool cut;           /* nothing arrives any more, either way */
    int64_t up_us;      /* when the last message to the server arrives */
    int64_t down_us;    /* the last one to the phone */
    int64_t free_us;    /* when the server's next message may be written */
    int64_t latency_us; /* one way */
    bool write_waits;
    bool paused;
    bool deaf;            /* the server's next message is lost */
    struct packet *inbox; /* arrived while the server doesn't read */
    struct packet **inbox_last;
    struct sim_peer *next; /* of all there ever were */
};

struct sim_net_end *sim_net_end_new(struct sim *sim, struct sim_device *device)
{
    struct sim_net_end *end = calloc(1, sizeof(*end));

    if (end == NULL)
        abort();
    end->sim = sim;
    end->device = device;
    return end;
}

/* ---- How the ends learn ---- */

static void device_learns(struct sim *sim, void *context, uint64_t number)
{
    struct sim_peer *peer = context;

    (void)number;
    if (peer->end->peer != peer)
        return;
    peer->end->peer = NULL;
    sim_trace(sim, "%s: the connection is gone", sim_device_name(peer->end->device));
    sim_device_disconnected(peer->end->device, STATUS_NETWORK);
}

static void drop_inbox(struct sim_peer *peer)
{
    while (peer->inbox != NULL) {
        struct packet *packet = peer->inbox;

        peer->inbox = packet->next;
        free(packet);
    }
    peer->inbox_last = &peer->inbox;
}

static void server_learns(struct sim *sim, void *context, uint64_t number)
{
    struct sim_peer *peer = context;
    struct connection *connection = peer->connection;

    (void)number;
    if (connection == NULL)
        return;
    peer->connection = NULL;
    peer->cut = true;
    drop_inbox(peer);
    sim_server_lost(sim, connection);
}

static void cut(struct sim_peer *peer, int64_t device_us, int64_t server_us)
{
    struct sim *sim = peer->sim;

    peer->cut = true;
    sim_at(sim, sim->now_us + device_us, device_learns, peer, 0);
    sim_at(sim, sim->now_us + server_us, server_learns, peer, 0);
}

/* Draws a fate for the message that is about to leave; true: it doesn't. */
static bool befalls(struct sim_peer *peer)
{
    struct sim *sim = peer->sim;
    int64_t soon_us = peer->latency_us;

    if (peer->cut)
        return true;
    if (sim_fault(sim, SIM_FAULT_CUT, CUT_RATE))
        cut(peer, soon_us, soon_us);
    else if (sim_fault(sim, SIM_FAULT_HALF_OPEN_DEVICE, HALF_OPEN_RATE))
        cut(peer, KEEP_ALIVE_US, soon_us);
    else if (sim_fault(sim, SIM_FAULT_HALF_OPEN_SERVER, HALF_OPEN_RATE))
        cut(peer, soon_us, KEEP_ALIVE_US);
    else if (sim_fault(sim, SIM_FAULT_HALF_OPEN_BOTH, HALF_OPEN_RATE))
        cut(peer, KEEP_ALIVE_US, KEEP_ALIVE_US);
    return peer->cut;
}

/* ---- From the phone to the server ---- */

static void drain_inbox(struct sim_peer *peer)
{
    while (peer->inbox != NULL && !peer->paused && peer->connection != NULL) {
        struct packet *packet = peer->inbox;

        peer->inbox = packet->next;
        if (peer->inbox == NULL)
            peer->inbox_last = &peer->inbox;
        sim_count(peer->sim, SIM_COUNT_MESSAGES, 1);
        sim_server_receive(peer->sim, peer->connection, span_of(packet->bytes, packet->size), true, true);
        free(packet);
    }
}

static struct packet *packet_of(struct span message)
{
    struct packet *packet = malloc(sizeof(*packet) + message.size);

    if (packet == NULL)
        abort();
    packet->next = NULL;
    packet->size = message.size;
    memcpy(packet->bytes, message.data, message.size);
    return packet;
}

/* number: 1 when only the first half arrives, and then nothing any more. */
static void arrives_at_server(struct sim *sim, void *context, uint64_t number)
{
    struct packet *packet = context;
    struct sim_peer *peer;
    struct span bytes;

    memcpy(&peer, packet->bytes, sizeof(struct sim_peer *));
    bytes = span_of(packet->bytes + sizeof(struct sim_peer *), packet->size - sizeof(struct sim_peer *));
    if (peer->connection == NULL || (peer->cut && number == 0))
        return;
    if (number == 1) {
        sim_server_receive(sim, peer->connection, span_of(bytes.data, bytes.size / 2), true, false);
        return;
    }
    *peer->inbox_last = packet_of(bytes);
    peer->inbox_last = &(*peer->inbox_last)->next;
    drain_inbox(peer);
}

/* The packet's first bytes name the peer. */
static struct packet *addressed(struct sim_peer *peer, struct span message)
{
    struct packet *packet = malloc(sizeof(*packet) + sizeof(struct sim_peer *) + message.size);

    if (packet == NULL)
        abort();
    packet->next = NULL;
    packet->size = sizeof(struct sim_peer *) + message.size;
    memcpy(packet->bytes, &peer, sizeof(struct sim_peer *));
    memcpy(packet->bytes + sizeof(struct sim_peer *), message.data, message.size);
    return packet;
}

static int64_t transfer_us(size_t size)
{
    return (int64_t)size * SIM_SECOND / BYTES_A_SECOND;
}

static int64_t jitter_us(struct sim_peer *peer)
{
    return sim_between(peer->sim, SIM_NET, 0, peer->latency_us / 4);
}

static int64_t arrival_us(struct sim_peer *peer, int64_t *last_us, size_t size)
{
    int64_t at_us = peer->sim->now_us + peer->latency_us + jitter_us(peer);

    if (at_us < *last_us)
        at_us = *last_us;
    *last_us = at_us + transfer_us(size);
    return *last_us;
}

static enum status op_send(void *link, struct span message)
{
    struct sim_net_end *end = link;
    struct sim_peer *peer = end->peer;
    struct packet *packet;
    uint64_t half;

    if (peer == NULL || !peer->open)
        return STATUS_NETWORK;
    if (befalls(peer))
        return STATUS_OK; /* taken by the phone's network, and lost there */
    half = sim_fault(end->sim, SIM_FAULT_CUT_MESSAGE, CUT_MESSAGE_RATE);
    peer->deaf = peer->deaf || end->lose_next;
    end->lose_next = false;
    packet = addressed(peer, message);
    sim_at_owned(end->sim, arrival_us(peer, &peer->up_us, message.size), arrives_at_server, packet, half, packet);
    if (half == 1)
        cut(peer, peer->up_us - end->sim->now_us + peer->latency_us, peer->up_us - end->sim->now_us + 1000);
    return STATUS_OK;
}

/* ---- From the server to the phone ---- */

static void arrives_at_device(struct sim *sim, void *context, uint64_t number)
{
    struct packet *packet = context;
    struct sim_peer *peer;

    (void)number;
    memcpy(&peer, packet->bytes, sizeof(struct sim_peer *));
    if (peer->cut || peer->end->peer != peer || !peer->open)
        return;
    sim_count(sim, SIM_COUNT_MESSAGES, 1);
    sim_device_received(peer->end->device,
                        span_of(packet->bytes + sizeof(struct sim_peer *), packet->size - sizeof(struct sim_peer *)));
}

static void say_goodbye(struct sim_peer *peer)
{
    struct sim *sim = peer->sim;
    int64_t at_us = arrival_us(peer, &peer->down_us, 0);

    server_learns(sim, peer, 0);
    peer->cut = false; /* what is on its way still arrives */
    sim_at(sim, at_us, device_learns, peer, 0);
}

static void write_now(struct sim *sim, void *context, uint64_t number)
{
    struct sim_peer *peer = context;
    struct outbox_message *message;
    const uint8_t *bytes;
    struct packet *packet;
    size_t size;

    (void)number;
    peer->write_waits = false;
    if (peer->connection == NULL)
        return;
    message = sim_server_next(sim, peer->connection, &size, &bytes);
    if (message == NULL) {
        if (sim_server_may_close(peer->connection))
            say_goodbye(peer);
        return;
    }
    peer->free_us = sim->now_us + transfer_us(size);
    if (sim_fault(sim, SIM_FAULT_SLOW_READER, sim_rate(sim, SLOW_RATE)))
        peer->free_us = sim->now_us + SIM_SECOND * (int64_t)(5 + sim_fault_below(sim, SIM_FAULT_SLOW_READER, 60));
    if (peer->deaf)
        cut(peer, peer->latency_us, peer->latency_us);
    if (!befalls(peer)) {
        packet = addressed(peer, span_of(bytes, size));
        sim_at_owned(sim, arrival_us(peer, &peer->down_us, size), arrives_at_device, packet, 0, packet);
    }
    sim_server_written(sim, peer->connection, message);
    if (peer->connection != NULL && sim_server_wants_write(peer->connection))
        sim_net_want_write(peer);
}

void sim_net_want_write(struct sim_peer *peer)
{
    if (peer->write_waits)
        return;
    peer->write_waits = true;
    sim_at(peer->sim, peer->free_us, write_now, peer, 0);
}

static void read_on(struct sim *sim, void *context, uint64_t number)
{
    (void)sim;
    (void)number;
    drain_inbox(context);
}

void sim_net_pause(struct sim_peer *peer, bool paused)
{
    peer->paused = paused;
    if (!paused)
        sim_at(peer->sim, peer->sim->now_us, read_on, peer, 0);
}

void sim_net_kill(struct sim_peer *peer)
{
    cut(peer, peer->latency_us, 0);
}

/* ---- Connecting ---- */

static void device_told(struct sim *sim, void *context, uint64_t number)
{
    struct sim_peer *peer = context;

    (void)sim;
    (void)number;
    if (peer->end->peer != peer || peer->cut)
        return;
    peer->open = true;
    sim_device_connected(peer->end->device);
}

static void reaches_server(struct sim *sim, void *context, uint64_t number)
{
    struct sim_peer *peer = context;

    (void)number;
    if (peer->end->peer != peer)
        return; /* the phone has thought better of it */
    if (sim_server_is_up(sim) && !sim_fault(sim, SIM_FAULT_REFUSED, REFUSED_RATE))
        peer->connection = sim_server_accept(sim, peer, &peer->certificate);
    if (peer->connection == NULL) {
        sim_at(sim, sim->now_us + peer->latency_us, device_learns, peer, 0);
        return;
    }
    sim_count(sim, SIM_COUNT_CONNECTIONS, 1);
    sim_at(sim, sim->now_us + peer->latency_us, device_told, peer, 0);
}

static enum status op_connect(void *link)
{
    struct sim_net_end *end = link;
    struct sim *sim = end->sim;
    struct sim_peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL)
        return STATUS_NO_MEMORY;
    peer->sim = sim;
    peer->end = end;
    peer->inbox_last = &peer->inbox;
    peer->certificate = *sim_device_certificate(end->device);
    peer->latency_us = sim_between(sim, SIM_NET, LATENCY_MIN_US, LATENCY_MAX_US);
    peer->next = sim->peers;
    sim->peers = peer;
    end->peer = peer;
    if (!sim_device_has_signal(end->device))
        sim_at(sim, sim->now_us + 10 * SIM_SECOND, device_learns, peer, 0);
    else
        sim_at(sim, sim->now_us + 3 * peer->latency_us, reaches_server, peer, 0); /* TCP and TLS */
    return STATUS_OK;
}

static void op_disconnect(void *link)
{
    struct sim_net_end *end = link;
    struct sim_peer *peer = end->peer;

    end->peer = NULL;
    if (peer != NULL && peer->connection != NULL) /* after what is on its way */
        sim_at(end->sim, arrival_us(peer, &peer->up_us, 0), server_learns, peer, 0);
}

/* ---- The timer, and the end ---- */

static void timer_rings(struct sim *sim, void *context, uint64_t number)
{
    struct sim_net_end *end = context;

    (void)sim;
    if (number == end->timer)
        sim_device_timer(end->device);
}

static void op_set_timer(void *link, uint64_t delay_ms)
{
    struct sim_net_end *end = link;

    end->timer++;
    if (delay_ms != LINK_NO_TIMER)
        sim_at(end->sim, end->sim->now_us + (int64_t)delay_ms * 1000, timer_rings, end, end->timer);
}

static void op_free(void *link)
{
    struct sim_net_end *end = link;

    end->timer++;
    op_disconnect(link);
}

static const struct link_ops ops = {
    .connect = op_connect, .disconnect = op_disconnect, .send = op_send, .set_timer = op_set_timer, .free = op_free};

const struct link_ops *sim_net_ops(void)
{
    return &ops;
}

void sim_net_lose_next_answer(struct sim_net_end *end)
{
    end->lose_next = true;
}

void sim_net_drop(struct sim *sim, struct sim_net_end *end)
{
    struct sim_peer *peer = end->peer;

    end->peer = NULL;
    end->timer++;
    if (peer == NULL)
        return;
    peer->cut = true;
    sim_at(sim, sim->now_us + KEEP_ALIVE_US, server_learns, peer, 0);
}

void sim_net_server_gone(struct sim *sim)
{
    for (struct sim_peer *peer = sim->peers; peer != NULL; peer = peer->next) {
        if (peer->connection == NULL)
            continue;
        peer->connection = NULL; /* the hub frees it */
        peer->cut = true;
        drop_inbox(peer);
        sim_at(sim, sim->now_us + (sim_chance(sim, SIM_NET, 300000) ? KEEP_ALIVE_US : peer->latency_us), device_learns,
               peer, 0);
    }
}

void sim_net_free(struct sim *sim)
{
    struct sim_peer *peer = sim->peers;

    while (peer != NULL) {
        struct sim_peer *next = peer->next;

        drop_inbox(peer);
        free(peer);
        peer = next;
    }
    sim->peers = NULL;
}
