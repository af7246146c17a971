#include "server/edge/transport_lws.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "server/edge/door.h"
#include "server/edge/handshakes.h"
#include "server/edge/tls.h"
#include "server/edge/tls_trust.h"

/* Each connection's clock is looked at four times a second. */
#define TICK_US (250 * LWS_US_PER_MS / HUB_TICK_PARTS)
/* Of one read; a message is put together from as many as it takes. */
#define RX_BUFFER_SIZE 1024
/* Of one write: with what the library adds to it, one whole TLS record. Unsaid, it would be as small as a read. */
#define TX_PACKET_SIZE (SSL3_RT_MAX_PLAIN_LENGTH - LWS_PRE - 4)
/* Handshakes and requests that may be under way at once: each needs a buffer for its headers. */
#define HEADER_POOL 512

struct transport {
    const struct config *config;
    struct log *log;
    struct hub *hub;
    struct sha256 *sha;
    uv_loop_t loop;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct door *door;
    struct handshakes handshakes;
    SSL_CTX *ssl; /* the library's */
    struct lws_protocols protocols[2];
    lws_retry_bo_t no_keep_alive;
    lws_sorted_usec_list_t tick;
    bool stopping;
};

/* libwebsockets' memory for one connection. */
struct peer {
    struct connection *connection;
    bool ping; /* is to be sent */
};

size_t transport_headroom(void)
{
    return LWS_PRE;
}

/* Upgrade ------------------------------------------------------------------------------------------------------- */

static bool header_is(struct lws *wsi, enum lws_token_indexes token, const char *wanted)
{
    char value[64];

    return lws_hdr_copy(wsi, value, sizeof(value), token) > 0 && strcmp(value, wanted) == 0;
}

static int refuse(struct transport *transport, const char *reason)
{
    LOG(transport->log, LOG_WARNING, "client_refused", log_text("reason", reason));
    return 1;
}

/* One exact path, one exact subprotocol, one verified certificate. 0: go on. */
static int filter_upgrade(struct transport *transport, struct lws *wsi)
{
    union lws_tls_cert_info_results verified = {0};

    if (!header_is(wsi, WSI_TOKEN_GET_URI, TRANSPORT_PATH))
        return refuse(transport, "wrong_path");
    if (!header_is(wsi, WSI_TOKEN_PROTOCOL, TRANSPORT_PROTOCOL))
        return refuse(transport, "wrong_subprotocol");
    /* The handshake has checked it; a door that only one lock holds isn't shut. */
    if (lws_tls_peer_cert_info(wsi, LWS_TLS_CERT_INFO_VERIFIED, &verified, 0) != 0 || verified.verified != 1)
        return refuse(transport, "no_certificate");
    if (hub_is_full(transport->hub)) {
        LOG(transport->log, LOG_WARNING, "connection_limit", log_number("max_connections", hub_count(transport->hub)));
        return 1;
    }
    return transport->stopping ? refuse(transport, "stopping") : 0;
}

/* Connections --------------------------------------------------------------------------------------------------- */

static void end_handshake(struct transport *transport, struct lws *wsi)
{
    struct handshake *handshake = lws_get_opaque_user_data(wsi);

    if (handshake == NULL)
        return;
    lws_set_opaque_user_data(wsi, NULL);
    handshake_end(&transport->handshakes, handshake);
    door_go_on(transport->door);
}

static int established(struct transport *transport, struct lws *wsi, struct peer *peer)
{
    struct hash key_hash;
    enum status status = tls_peer_key_hash(lws_get_ssl(wsi), transport->sha, &key_hash);

    end_handshake(transport, wsi);
    hub_crowd(transport->hub, door_count(transport->door) > 0);
    if (status == STATUS_OK)
        status = hub_connect(transport->hub, wsi, &key_hash, tls_peer_is_expired(lws_get_ssl(wsi)), &peer->connection);
    if (status != STATUS_OK) {
        peer->connection = NULL;
        refuse(transport, status_name(status));
        return -1;
    }
    tls_peer_forget_chain(lws_get_ssl(wsi));
    return 0;
}

static int received(struct transport *transport, struct lws *wsi, struct peer *peer, const void *in, size_t size)
{
    bool first = lws_is_first_fragment(wsi) != 0;
    bool last = lws_is_final_fragment(wsi) != 0;

    if (peer->connection != NULL)
        hub_receive(transport->hub, peer->connection, span_of(in, size), first, last, lws_frame_is_binary(wsi) != 0);
    return 0;
}

/*
 * Begins the closing handshake. Not by returning -1: Debian's build of 4.1.6 closes a second time then, to test itself
 * under libuv, and the close frame is never sent. This only sets the state; the frame leaves with the next callback, and a
 * peer that doesn't answer it is cut off after 5 s by the library, or at the hub's own limit.
 */
static void say_goodbye(struct lws *wsi, struct connection *connection)
{
    if (connection->said_goodbye)
        return;
    connection->said_goodbye = true;
    lws_close_reason(wsi, (enum lws_close_status)connection->close_code, NULL, 0);
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
}

/* One write a callback; the rest asks to be called again. */
static int write_ping(struct lws *wsi, struct peer *peer)
{
    uint8_t frame[LWS_PRE + 1] = {0}; /* the library doesn't tell of a pong that holds nothing */

    peer->ping = false;
    lws_callback_on_writable(wsi);
    return lws_write(wsi, frame + LWS_PRE, 1, LWS_WRITE_PING) < 0 ? -1 : 0;
}

static int writeable(struct transport *transport, struct lws *wsi, struct peer *peer)
{
    struct connection *connection = peer->connection;
    struct outbox_message *message;
    enum session_lane lane;
    int written;

    if (connection == NULL)
        return -1;
    if (peer->ping)
        return write_ping(wsi, peer);
    message = hub_next(transport->hub, connection);
    if (message != NULL) {
        lane = message->lane;
        written = lws_write(wsi, message->bytes, message->size, LWS_WRITE_BINARY);
        free(message);
        if (written < 0)
            return -1;
        hub_written(transport->hub, connection, lane);
    } else if (hub_may_close(connection)) {
        say_goodbye(wsi, connection);
        return 0;
    }
    if (connection->outbox.size > 0 || connection->closing)
        lws_callback_on_writable(wsi);
    return 0;
}

static void closed(struct transport *transport, struct peer *peer)
{
    if (peer != NULL && peer->connection != NULL)
        hub_disconnect(transport->hub, peer->connection);
    if (peer != NULL)
        peer->connection = NULL;
}

/* The loop ------------------------------------------------------------------------------------------------------ */

static void end_if_stopped(struct transport *transport)
{
    if (transport->stopping && hub_is_stopped(transport->hub))
        uv_stop(&transport->loop);
}

static bool is_revoked(void *context, void *peer)
{
    const struct transport *transport = context;

    return tls_peer_is_revoked(transport->ssl, lws_get_ssl(peer));
}

/* A revocation works at once on open connections too (D1). */
static void reload(struct transport *transport)
{
    struct config_error error;

    if (tls_reload(transport->ssl, transport->config, &error) != STATUS_OK) {
        LOG(transport->log, LOG_ERROR, "reload_refused", log_text("reason", error.text));
        return;
    }
    LOG_EVENT(transport->log, LOG_INFO, "certificates_reloaded");
    hub_dismiss(transport->hub, is_revoked, transport, STATUS_DEVICE_REVOKED);
}

static void take_notes(struct transport *transport)
{
    unsigned asked;

    if (transport->hub == NULL)
        return;
    asked = hub_take_notes(transport->hub);
    if ((asked & HUB_ASKED_RELOAD) != 0)
        reload(transport);
    if ((asked & HUB_ASKED_STOP) != 0) {
        transport->stopping = true;
        door_shut(transport->door);
        hub_stop(transport->hub);
    }
    end_if_stopped(transport);
}

static void on_tick(lws_sorted_usec_list_t *sul)
{
    struct transport *transport = lws_container_of(sul, struct transport, tick);

    door_tick(transport->door, uv_now(&transport->loop));
    hub_crowd(transport->hub, door_count(transport->door) > 0);
    tls_trust_check(SSL_CTX_get_cert_store(transport->ssl), time(NULL));
    hub_tick_part(transport->hub);
    end_if_stopped(transport);
    lws_sul_schedule(transport->context, 0, &transport->tick, on_tick, TICK_US);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    struct transport *transport = lws_context_user(lws_get_context(wsi));
    struct peer *peer = user;

    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        transport->ssl = user;
        return tls_sharpen(user, transport->config, transport->log) == STATUS_OK ? 0 : 1;
    case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
        /* size: what OpenSSL found; without this, libwebsockets lets everybody in */
        return !tls_verify(user, size != 0, transport->config->expired_grace_days);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return in == NULL || strcmp(in, "websocket") != 0;
    case LWS_CALLBACK_HTTP:
        (void)lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, NULL);
        return -1;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return filter_upgrade(transport, wsi);
    case LWS_CALLBACK_ESTABLISHED:
        return established(transport, wsi, peer);
    case LWS_CALLBACK_RECEIVE:
        return received(transport, wsi, peer, in, size);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return writeable(transport, wsi, peer);
    case LWS_CALLBACK_RECEIVE_PONG:
        if (peer->connection != NULL)
            hub_heard(transport->hub, peer->connection);
        return 0;
    case LWS_CALLBACK_CLOSED:
        closed(transport, peer);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        end_handshake(transport, wsi);
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        take_notes(transport);
        return 0;
    default:
        return 0;
    }
}

static void want_write(void *peer)
{
    lws_callback_on_writable(peer);
}

static void pause_reading(void *peer, bool paused)
{
    lws_rx_flow_control(peer, paused ? 0 : 1);
}

static void kill_soon(void *peer)
{
    lws_set_timeout(peer, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
}

static void ping(void *peer)
{
    ((struct peer *)lws_wsi_user(peer))->ping = true;
    lws_callback_on_writable(peer);
}

struct hub_transport transport_calls(void)
{
    return (struct hub_transport){.want_write = want_write, .pause = pause_reading, .kill = kill_soon, .ping = ping};
}

static void describe(struct transport *transport, struct lws_context_creation_info *ret_info, void **foreign_loops)
{
    const struct config *config = transport->config;

    transport->protocols[0] = (struct lws_protocols){.name = TRANSPORT_PROTOCOL,
                                                     .callback = on_event,
                                                     .per_session_data_size = sizeof(struct peer),
                                                     .rx_buffer_size = RX_BUFFER_SIZE,
                                                     .tx_packet_size = TX_PACKET_SIZE};
    /* The hub pings. The library's own timers are one sorted list, walked from its beginning for every message that comes. */
    transport->no_keep_alive = (lws_retry_bo_t){.secs_since_valid_hangup = 0};
    foreign_loops[0] = &transport->loop;
    *ret_info = (struct lws_context_creation_info){
        .port = CONTEXT_PORT_NO_LISTEN_SERVER, /* the door listens */
        .protocols = transport->protocols,
        .ssl_cert_filepath = config->certificate,
        .ssl_private_key_filepath = config->key,
        .ssl_ca_filepath = config->client_ca,
        .alpn = "http/1.1",
        .foreign_loops = foreign_loops,
        .retry_and_idle_policy = &transport->no_keep_alive,
        .max_http_header_pool = HEADER_POOL,
        .timeout_secs = 10,
        .server_string = "doublecrew",
        .user = transport,
        .pcontext = &transport->context, /* set to NULL once the context is really gone */
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT |
                   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS |
                   (strchr(config->listen, ':') == NULL ? LWS_SERVER_OPTION_DISABLE_IPV6 : 0),
    };
}

/* The door ------------------------------------------------------------------------------------------------------ */

/* Handshakes under way take none: those who mean no harm are few at a time, and the others mustn't take any. */
static unsigned places(void *context)
{
    const struct transport *transport = context;

    return transport->config->max_connections - hub_count(transport->hub);
}

/* Nobody is kept waiting by those who are slow at shaking hands, or don't mean to. */
static bool may_enter(void *context)
{
    struct transport *transport = context;
    struct lws *overdue = handshakes_overdue(&transport->handshakes, uv_now(&transport->loop));

    if (overdue != NULL) {
        end_handshake(transport, overdue);
        lws_set_timeout(overdue, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
    }
    return !handshakes_are_full(&transport->handshakes);
}

static void enter(void *context, int socket)
{
    struct transport *transport = context;
    struct lws *wsi = lws_adopt_socket_vhost(transport->vhost, socket); /* closes the socket when it fails */
    struct handshake *handshake;

    if (wsi == NULL)
        return;
    handshake = handshake_begin(&transport->handshakes, wsi, uv_now(&transport->loop));
    lws_set_opaque_user_data(wsi, handshake);
    if (handshake == NULL)
        lws_set_timeout(wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
}

static enum status open_door(struct transport *transport)
{
    const struct door_spec spec = {.loop = &transport->loop,
                                   .address = transport->config->listen,
                                   .port = transport->config->port,
                                   .capacity = transport->config->max_connections,
                                   .calls = {.places = places, .may_enter = may_enter, .enter = enter},
                                   .context = transport,
                                   .log = transport->log};

    return door_open(&spec, &transport->door);
}

enum status transport_new(const struct config *config, struct log *log, struct transport **ret_transport)
{
    struct transport *transport = calloc(1, sizeof(*transport));
    struct lws_context_creation_info info;
    void *foreign_loops[1];
    enum status status;

    if (transport == NULL)
        return STATUS_NO_MEMORY;
    transport->config = config;
    transport->log = log;
    if (sha256_new(&transport->sha) != STATUS_OK || uv_loop_init(&transport->loop) != 0) {
        sha256_free(transport->sha);
        free(transport);
        return STATUS_NO_MEMORY;
    }
    lws_set_log_level(0, NULL); /* what matters is logged here, by name */
    describe(transport, &info, foreign_loops);
    transport->context = lws_create_context(&info);
    if (transport->context != NULL)
        transport->vhost = lws_get_vhost_by_name(transport->context, "default");
    status = transport->vhost == NULL ? STATUS_TLS : open_door(transport);
    if (status != STATUS_OK) {
        transport_free(transport);
        return status;
    }
    *ret_transport = transport;
    return STATUS_OK;
}

void transport_set_hub(struct transport *transport, struct hub *hub)
{
    transport->hub = hub;
}

/* With a loop of our own, libwebsockets closes its handles on it: it has to run until they are gone. */
void transport_free(struct transport *transport)
{
    if (transport == NULL)
        return;
    if (transport->door != NULL)
        door_shut(transport->door);
    for (int i = 0; i < 10 && transport->context != NULL; i++) {
        lws_context_destroy(transport->context);
        uv_run(&transport->loop, UV_RUN_DEFAULT);
    }
    door_free(transport->door);
    uv_loop_close(&transport->loop);
    sha256_free(transport->sha);
    free(transport);
}

uint16_t transport_port(const struct transport *transport)
{
    return door_port(transport->door);
}

void transport_run(struct transport *transport)
{
    lws_sul_schedule(transport->context, 0, &transport->tick, on_tick, TICK_US);
    uv_run(&transport->loop, UV_RUN_DEFAULT);
    lws_sul_schedule(transport->context, 0, &transport->tick, NULL, LWS_SET_TIMER_USEC_CANCEL);
}

void transport_wake(void *context)
{
    struct transport *transport = context;

    lws_cancel_service(transport->context);
}
