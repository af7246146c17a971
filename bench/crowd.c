#include "bench/crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load_link.h"
#include "bench/load_log.h"
#include "bench/machine.h"

#define READ_SIZE ((size_t)1 << 20)
#define EVENTS_MAX 256
#define CUT_OFF_WAIT_S 0.5 /* and as much again by chance */
#define IP_BIND_ADDRESS_NO_PORT_OPTION 24

static const char own_request[] = "GET /sync HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: doublecrew.v1\r\n\r\n";

enum client_state {
    CLIENT_HOME,
    CLIENT_CONNECTING,
    CLIENT_SHAKING,
    CLIENT_UPGRADING,
    CLIENT_GREETING,
    CLIENT_LIVE,
    CLIENT_FAILED
};

struct crowd_client {
    struct crowd *crowd;
    size_t index;
    enum client_state state;
    int socket;
    SSL *ssl;
    bool shaken; /* this connection's handshake, counted */
    struct id boot;
    double out_again_s; /* at home: sets out then */
    uint8_t *waiting;   /* to be sent */
    size_t waiting_size;
    uint8_t *partial; /* received, of a frame that isn't whole yet */
    size_t partial_size;
    bool watches_writing;
};

struct crowd {
    struct crowd_spec spec;
    SSL_CTX *context;
    int epoll;
    struct crowd_client *clients;
    size_t from, count;
    unsigned under_way;
    size_t next_at_home; /* where the search for whoever may set out goes on */
    size_t at_home;
    struct crowd_figures figures;
    uint64_t random;
    uint8_t *read;   /* READ_SIZE */
    uint8_t *joined; /* a partial frame and what came after it; grows */
    size_t joined_capacity;
};

static bool is_under_way(const struct crowd_client *client)
{
    return client->state > CLIENT_HOME && client->state < CLIENT_LIVE;
}

static void move(struct crowd_client *client, enum client_state to)
{
    struct crowd *crowd = client->crowd;
    bool was_under_way = is_under_way(client);

    crowd->figures.live -= client->state == CLIENT_LIVE;
    crowd->at_home -= client->state == CLIENT_HOME;
    client->state = to;
    crowd->figures.live += to == CLIENT_LIVE;
    crowd->at_home += to == CLIENT_HOME;
    crowd->figures.failed += to == CLIENT_FAILED;
    if (was_under_way != is_under_way(client))
        crowd->under_way = was_under_way ? crowd->under_way - 1 : crowd->under_way + 1;
}

/* Ends the connection; out_again_s < 0: for good. */
static void go_home(struct crowd_client *client, double out_again_s)
{
    SSL_free(client->ssl);
    if (client->socket >= 0)
        (void)close(client->socket);
    free(client->waiting);
    free(client->partial);
    client->ssl = NULL;
    client->shaken = false;
    client->socket = -1;
    client->waiting = NULL;
    client->waiting_size = 0;
    client->partial = NULL;
    client->partial_size = 0;
    client->out_again_s = out_again_s;
    move(client, out_again_s < 0 ? CLIENT_FAILED : CLIENT_HOME);
}

static void cut_off(struct crowd_client *client)
{
    double share = (double)(load_random(&client->crowd->random) >> 11) / (double)(UINT64_C(1) << 53);

    client->crowd->figures.cut_off++;
    go_home(client, machine_now_s() + CUT_OFF_WAIT_S * (1 + share));
}

static void watch(struct crowd_client *client, bool writing, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0u), .data.ptr = client};

    client->watches_writing = writing;
    (void)epoll_ctl(client->crowd->epoll, operation, client->socket, &event);
}

static void watch_writing(struct crowd_client *client, bool writing)
{
    if (client->watches_writing != writing)
        watch(client, writing, EPOLL_CTL_MOD);
}

/* Setting out ------------------------------------------------------------------------------------------------------- */

static bool bind_source(const struct crowd_client *client)
{
    struct sockaddr_in source = {.sin_family = AF_INET};
    int on = 1;

    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (in_addr_t)(client->index / CROWD_PER_ADDRESS));
    (void)setsockopt(client->socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT_OPTION, &on, sizeof(on));
    (void)setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return bind(client->socket, (struct sockaddr *)&source, sizeof(source)) == 0;
}

static void set_out(struct crowd_client *client)
{
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons(client->crowd->spec.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    move(client, CLIENT_CONNECTING);
    client->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client->socket < 0 || !bind_source(client) ||
        (connect(client->socket, (struct sockaddr *)&server, sizeof(server)) != 0 && errno != EINPROGRESS)) {
        cut_off(client);
        return;
    }
    watch(client, true, EPOLL_CTL_ADD);
}

static void set_out_due(struct crowd *crowd)
{
    double now_s = machine_now_s();

    for (size_t seen = 0; seen < crowd->count && crowd->at_home > 0 && crowd->under_way < crowd->spec.under_way_max;
         seen++) {
        struct crowd_client *client = &crowd->clients[crowd->next_at_home];

        crowd->next_at_home = (crowd->next_at_home + 1) % crowd->count;
        if (client->state == CLIENT_HOME && client->out_again_s <= now_s)
            set_out(client);
    }
}

/* Sending ----------------------------------------------------------------------------------------------------------- */

static void flush(struct crowd_client *client)
{
    size_t sent = 0;

    while (client->waiting_size > 0) {
        if (SSL_write_ex(client->ssl, client->waiting, client->waiting_size, &sent) != 1) {
            int reason = SSL_get_error(client->ssl, 0);

            ERR_clear_error();
            if (reason != SSL_ERROR_WANT_WRITE && reason != SSL_ERROR_WANT_READ) {
                cut_off(client);
                return;
            }
            break;
        }
        memmove(client->waiting, client->waiting + sent, client->waiting_size - sent);
        client->waiting_size -= sent;
    }
    if (client->waiting_size == 0) {
        free(client->waiting);
        client->waiting = NULL;
    }
    watch_writing(client, client->waiting_size > 0);
}

static void send_bytes(struct crowd_client *client, const void *bytes, size_t size)
{
    uint8_t *waiting = realloc(client->waiting, client->waiting_size + size);

    if (waiting == NULL)
        abort();
    memcpy(waiting + client->waiting_size, bytes, size);
    client->waiting = waiting;
    client->waiting_size += size;
    flush(client);
}

void crowd_send(struct crowd_client *client, struct span frame)
{
    send_bytes(client, frame.data, frame.size);
}

static ProtobufCBinaryData bytes_of(const void *data, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data}; /* packing only reads */
}

static void say_hello(struct crowd_client *client)
{
    const struct crowd_spec *spec = &client->crowd->spec;
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Hello hello = DOUBLECREW__V1__HELLO__INIT;
    char version[] = "bench";
    uint8_t bytes[512];
    size_t size = 0;

    put_u64(client->boot.bytes, load_random(&client->crowd->random));
    put_u64(client->boot.bytes + 8, load_random(&client->crowd->random));
    if (spec->boots != NULL)
        client->boot = spec->boots[client->index];
    hello.protocol_min = 1;
    hello.protocol_max = 1;
    hello.app_version = version;
    hello.log_id = bytes_of(spec->fleet->devices[client->index].log.bytes, ID_SIZE);
    hello.boot_id = bytes_of(client->boot.bytes, ID_SIZE);
    hello.monotonic_ms = LOAD_HELLO_MS;
    hello.wall_ms = machine_wall_ms();
    hello.page_credit = spec->page_credit;
    hello.feed_cursor = spec->cursor;
    if (spec->cursor > 0)
        hello.epoch = bytes_of(spec->fleet->epoch.bytes, ID_SIZE);
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    uint8_t *frame =
        load_frame(span_of(bytes, protobuf_c_message_pack(&message.base, bytes)), &client->crowd->random, &size);
    if (frame == NULL)
        abort();
    move(client, CLIENT_GREETING);
    send_bytes(client, frame, size);
    free(frame);
}

/* Receiving --------------------------------------------------------------------------------------------------------- */

static void take_error(struct crowd_client *client, const Doublecrew__V1__Error *error)
{
    struct crowd *crowd = client->crowd;

    if (error->retry_after_ms > 0) {
        crowd->figures.busy++;
        go_home(client, machine_now_s() + error->retry_after_ms / 1e3);
        return;
    }
    if (crowd->figures.failed == 0)
        fprintf(stderr, "bench: the server said: %s (%d). %s\n", error->message, (int)error->code, error->advice);
    go_home(client, -1);
}

static void take_answer(struct crowd_client *client, struct span bytes)
{
    struct crowd *crowd = client->crowd;
    Doublecrew__V1__ServerMessage *message = NULL;

    /* Whatever comes to a live client is the benchmark's, but for errors (field 10 of ServerMessage and the like). */
    if (client->state == CLIENT_LIVE && crowd->spec.calls.message != NULL)
        crowd->spec.calls.message(crowd->spec.context, client, bytes);
    if (client->state != CLIENT_GREETING)
        return;
    message = doublecrew__v1__server_message__unpack(NULL, bytes.size, bytes.data);
    if (message != NULL && message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR) {
        take_error(client, message->error);
    } else if (message != NULL && message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_WELCOME) {
        move(client, CLIENT_LIVE);
        if (crowd->spec.calls.live != NULL)
            crowd->spec.calls.live(crowd->spec.context, client, message->welcome);
    }
    if (message != NULL)
        doublecrew__v1__server_message__free_unpacked(message, NULL);
}

static void pong(struct crowd_client *client, struct span payload)
{
    uint8_t frame[6 + 125] = {0x8a, (uint8_t)(0x80 | payload.size)}; /* masked with zeros */

    memcpy(frame + 6, payload.data, payload.size);
    send_bytes(client, frame, 6 + payload.size);
}

/* The size of the frame at the beginning of these bytes, 0: not whole yet; its payload. */
static size_t split_frame(struct span bytes, struct span *ret_payload)
{
    size_t header = 2;
    uint64_t size;

    if (bytes.size < 2)
        return 0;
    size = bytes.data[1] & 0x7f;
    if (size == 126)
        header = 4;
    else if (size == 127)
        header = 10;
    if (bytes.size < header)
        return 0;
    if (size == 126)
        size = get_u16(bytes.data + 2);
    else if (size == 127)
        size = get_u64(bytes.data + 2);
    if (size > bytes.size - header)
        return 0;
    *ret_payload = span_of(bytes.data + header, (size_t)size);
    return header + (size_t)size;
}

static size_t take_frames(struct crowd_client *client, struct span bytes)
{
    size_t at = 0;
    size_t size;
    struct span payload;

    while (client->state >= CLIENT_GREETING && client->state <= CLIENT_LIVE &&
           (size = split_frame(span_of(bytes.data + at, bytes.size - at), &payload)) > 0) {
        unsigned opcode = bytes.data[at] & 0x0f;

        at += size;
        if (opcode == 9)
            pong(client, payload);
        else if (opcode == 8)
            cut_off(client);
        else if (opcode == 2)
            take_answer(client, payload);
    }
    return at;
}

static size_t take_upgrade(struct crowd_client *client, struct span bytes)
{
    const uint8_t *end = memmem(bytes.data, bytes.size, "\r\n\r\n", 4);

    if (end == NULL)
        return 0;
    if (memcmp(bytes.data, "HTTP/1.1 101", 12) != 0) {
        cut_off(client);
        return 0;
    }
    if (client->crowd->spec.hello) {
        say_hello(client);
    } else {
        move(client, CLIENT_LIVE);
        if (client->crowd->spec.calls.live != NULL)
            client->crowd->spec.calls.live(client->crowd->spec.context, client, NULL);
    }
    return (size_t)(end - bytes.data) + 4;
}

/*
 * The server's first byte. In TLS 1.3 a client is through before the server has looked at its certificate, which is the dearer
 * half: counted there, a handshake would be one that has only begun.
 */
static void count_shaken(struct crowd_client *client)
{
    struct crowd_figures *figures = &client->crowd->figures;

    if (client->shaken)
        return;
    client->shaken = true;
    figures->shaken++;
    figures->last_shaken_s = machine_now_s();
}

static void take_bytes(struct crowd_client *client, struct span bytes)
{
    size_t at = 0;

    count_shaken(client);
    if (client->crowd->spec.handshake_only) {
        if (client->state == CLIENT_UPGRADING)
            move(client, CLIENT_LIVE);
        return;
    }
    if (client->state == CLIENT_UPGRADING)
        at = take_upgrade(client, bytes);
    if (client->state == CLIENT_GREETING || client->state == CLIENT_LIVE)
        at += take_frames(client, span_of(bytes.data + at, bytes.size - at));
    if (client->socket < 0)
        return;
    free(client->partial);
    client->partial_size = bytes.size - at;
    client->partial = client->partial_size > 0 ? malloc(client->partial_size) : NULL;
    if (client->partial != NULL)
        memcpy(client->partial, bytes.data + at, client->partial_size);
}

/* What came, behind what was left over; borrowed until the next call. */
static struct span join(struct crowd_client *client, size_t got)
{
    struct crowd *crowd = client->crowd;
    size_t size = client->partial_size + got;

    if (client->partial_size == 0)
        return span_of(crowd->read, got);
    if (size > crowd->joined_capacity) {
        uint8_t *joined = realloc(crowd->joined, 2 * size);

        if (joined == NULL)
            abort();
        crowd->joined = joined;
        crowd->joined_capacity = 2 * size;
    }
    memcpy(crowd->joined, client->partial, client->partial_size);
    memcpy(crowd->joined + client->partial_size, crowd->read, got);
    return span_of(crowd->joined, size);
}

static void receive(struct crowd_client *client)
{
    size_t got = 0;
    size_t part = 0;
    bool ended = false;

    while (got < READ_SIZE && !ended) {
        if (SSL_read_ex(client->ssl, client->crowd->read + got, READ_SIZE - got, &part) == 1) {
            got += part;
            continue;
        }
        ended = SSL_get_error(client->ssl, 0) != SSL_ERROR_WANT_READ;
        ERR_clear_error();
        break;
    }
    if (got > 0)
        take_bytes(client, join(client, got));
    if (ended && client->socket >= 0)
        cut_off(client);
}

/* Pages ------------------------------------------------------------------------------------------------------------- */

#define DELTA_NUMBER 3u /* in ServerMessage */

static bool take_varint(struct span *bytes, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && bytes->size > 0; shift += 7) {
        uint8_t byte = *bytes->data;

        *bytes = span_of(bytes->data + 1, bytes->size - 1);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* The next field: its number, and its number's value or its bytes. Walked by hand: unpacking would cost more than the server. */
static bool take_field(struct span *bytes, unsigned *ret_number, uint64_t *ret_value, struct span *ret_body)
{
    uint64_t tag = 0;

    if (!take_varint(bytes, &tag) || !take_varint(bytes, ret_value))
        return false;
    *ret_number = (unsigned)(tag >> 3);
    if ((tag & 7) == 0)
        return true;
    if ((tag & 7) != 2 || *ret_value > bytes->size)
        return false;
    *ret_body = span_of(bytes->data, (size_t)*ret_value);
    *bytes = span_of(bytes->data + *ret_value, bytes->size - (size_t)*ret_value);
    return true;
}

static void send_applied(struct crowd_client *client, uint64_t cursor, struct span key)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Applied applied = DOUBLECREW__V1__APPLIED__INIT;
    uint8_t bytes[256];
    size_t size = 0;

    applied.cursor = cursor;
    applied.page_credit = 1;
    applied.key = bytes_of(key.data, key.size);
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_APPLIED;
    message.applied = &applied;
    if (protobuf_c_message_get_packed_size(&message.base) > sizeof(bytes))
        return;
    uint8_t *frame =
        load_frame(span_of(bytes, protobuf_c_message_pack(&message.base, bytes)), &client->crowd->random, &size);
    if (frame == NULL)
        abort();
    send_bytes(client, frame, size);
    free(frame);
}

bool crowd_take_page(struct crowd_client *client, struct span message, struct crowd_page *ret_page)
{
    struct crowd_page page = {.rows = 0};
    struct span delta = {NULL, 0};
    struct span body = {NULL, 0};
    struct span key = {NULL, 0};
    uint64_t value = 0;
    uint64_t cursor = 0;
    unsigned number = 0;

    if (!take_field(&message, &number, &value, &delta) || number != DELTA_NUMBER)
        return false;
    while (take_field(&delta, &number, &value, &body)) {
        if (number == 2)
            cursor = value;
        else if (number == 3)
            page.last = value != 0;
        else if (number == 6)
            key = body;
        else if (number == 4) {
            page.rows++;
            page.row_bytes += body.size;
        }
    }
    send_applied(client, cursor, key);
    *ret_page = page;
    return true;
}

/* The handshake ----------------------------------------------------------------------------------------------------- */

static bool make_ssl(struct crowd_client *client)
{
    const struct fleet *fleet = client->crowd->spec.fleet;
    const struct fleet_device *device = &fleet->devices[client->index];

    client->ssl = SSL_new(client->crowd->context);
    return client->ssl != NULL && SSL_use_certificate(client->ssl, device->certificate) == 1 &&
           SSL_use_PrivateKey(client->ssl, device->tls_key) == 1 &&
           SSL_add1_chain_cert(client->ssl, fleet->issuer) == 1 && SSL_set_fd(client->ssl, client->socket) == 1;
}

static void shake_hands(struct crowd_client *client)
{
    const char *request = client->crowd->spec.request == NULL ? own_request : client->crowd->spec.request;
    int result = SSL_connect(client->ssl);

    if (result != 1) {
        int reason = SSL_get_error(client->ssl, result);

        ERR_clear_error();
        if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
            watch_writing(client, reason == SSL_ERROR_WANT_WRITE);
        else
            cut_off(client);
        return;
    }
    move(client, CLIENT_UPGRADING);
    if (!client->crowd->spec.handshake_only)
        send_bytes(client, request, strlen(request));
}

static void connected(struct crowd_client *client)
{
    int error = 0;
    socklen_t size = sizeof(error);

    if (getsockopt(client->socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0 || !make_ssl(client)) {
        cut_off(client);
        return;
    }
    move(client, CLIENT_SHAKING);
    shake_hands(client);
}

static void on_event(struct crowd_client *client, uint32_t events)
{
    if (client->state == CLIENT_CONNECTING) {
        connected(client);
    } else if (client->state == CLIENT_SHAKING) {
        shake_hands(client);
    } else if (client->socket >= 0) {
        if ((events & EPOLLOUT) != 0)
            flush(client);
        if (client->socket >= 0 && (events & ~(uint32_t)EPOLLOUT) != 0)
            receive(client);
    }
}

/* The whole --------------------------------------------------------------------------------------------------------- */

enum status crowd_new(const struct crowd_spec *spec, struct crowd **ret_crowd)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));

    if (crowd == NULL)
        return STATUS_NO_MEMORY;
    crowd->spec = *spec;
    crowd->random = 1;
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    crowd->read = malloc(READ_SIZE);
    crowd->context = SSL_CTX_new(TLS_client_method());
    if (crowd->read == NULL || crowd->context == NULL || crowd->epoll < 0) {
        crowd_free(crowd);
        return STATUS_NO_MEMORY;
    }
    /* The server's certificate isn't looked at: the load is to cost little, and this side has nothing to lose. */
    SSL_CTX_set_verify(crowd->context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_min_proto_version(crowd->context, TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(crowd->context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(crowd->context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    *ret_crowd = crowd;
    return STATUS_OK;
}

void crowd_free(struct crowd *crowd)
{
    if (crowd == NULL)
        return;
    for (size_t i = 0; crowd->clients != NULL && i < crowd->count; i++)
        go_home(&crowd->clients[i], 0);
    if (crowd->epoll >= 0)
        (void)close(crowd->epoll);
    SSL_CTX_free(crowd->context);
    free(crowd->clients);
    free(crowd->read);
    free(crowd->joined);
    free(crowd);
}

enum status crowd_set_out(struct crowd *crowd, size_t from, size_t count)
{
    crowd->clients = calloc(count, sizeof(*crowd->clients));
    if (crowd->clients == NULL)
        return STATUS_NO_MEMORY;
    crowd->from = from;
    crowd->count = count;
    crowd->at_home = count;
    for (size_t i = 0; i < count; i++)
        crowd->clients[i] = (struct crowd_client){.crowd = crowd, .index = from + i, .socket = -1};
    return STATUS_OK;
}

void crowd_run(struct crowd *crowd, int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count;

    set_out_due(crowd);
    count = epoll_wait(crowd->epoll, events, EVENTS_MAX, wait_ms);
    for (int i = 0; i < count; i++)
        on_event(events[i].data.ptr, events[i].events);
}

const struct crowd_figures *crowd_figures(const struct crowd *crowd)
{
    return &crowd->figures;
}

size_t crowd_index(const struct crowd_client *client)
{
    return client->index;
}

struct crowd_client *crowd_client_of(struct crowd *crowd, size_t index)
{
    return &crowd->clients[index - crowd->from];
}

bool crowd_is_live(const struct crowd_client *client)
{
    return client->state == CLIENT_LIVE;
}

const struct id *crowd_boot(const struct crowd_client *client)
{
    return &client->boot;
}
