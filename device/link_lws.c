#include "device/link_lws.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/limits.h"
#include "device/client_tls.h"
#include "device/loop.h"
#include "device/sync_step.h"

/* Bytes that may wait to be written: all pushes under way, and two messages' worth of what else there is to say. */
#define QUEUE_SIZE_MAX ((SYNC_PUSHES_MAX + 2u) * MESSAGE_SIZE_MAX)
#define PING_AFTER_S 30 /* without traffic; no answer for 20 s more ends the connection */
#define HANG_UP_AFTER_S 50

static const lws_retry_bo_t idle_policy = {.secs_since_valid_ping = PING_AFTER_S,
                                           .secs_since_valid_hangup = HANG_UP_AFTER_S};

struct queued {
    struct queued *next;
    size_t size;
    uint8_t bytes[]; /* LWS_PRE of room, then the message */
};

struct link {
    struct dc_device *device;
    struct dc_loop *loop;
    struct lws_vhost *vhost;
    SSL_CTX *tls;
    struct lws *wsi;
    char *host;
    char *name;
    uint16_t port;
    bool starting; /* within connect(): an error is its result, not an event */
    struct queued *first;
    struct queued *last;
    size_t queued_size;
    uint8_t *received;
    size_t received_size;
    size_t received_room;
    lws_sorted_usec_list_t timer;
};

static void forget_messages(struct link *link)
{
    while (link->first) {
        struct queued *next = link->first->next;

        free(link->first);
        link->first = next;
    }
    link->last = NULL;
    link->queued_size = 0;
    link->received_size = 0;
}

static enum status link_connect(void *context)
{
    struct link *link = context;
    struct lws_client_connect_info info = {.context = loop_context(link->loop),
                                           .address = link->host,
                                           .port = link->port,
                                           .ssl_connection = LCCSCF_USE_SSL,
                                           .path = "/sync",
                                           .host = link->name,
                                           .origin = link->name,
                                           .protocol = loop_protocols()[0].name,
                                           .alpn = "http/1.1",
                                           .ietf_version_or_minus_one = -1,
                                           .vhost = link->vhost,
                                           .opaque_user_data = link,
                                           .retry_and_idle_policy = &idle_policy};
    struct lws *wsi;

    forget_messages(link);
    link->starting = true;
    wsi = lws_client_connect_via_info(&info);
    link->starting = false;
    link->wsi = wsi;
    return wsi ? STATUS_OK : STATUS_NETWORK;
}

static void link_disconnect(void *context)
{
    struct link *link = context;
    struct lws *wsi = link->wsi;

    link->wsi = NULL;
    forget_messages(link);
    if (wsi) {
        lws_set_opaque_user_data(wsi, NULL);
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    }
}

static enum status link_send(void *context, struct span message)
{
    struct link *link = context;
    struct queued *queued;

    if (!link->wsi) {
        return STATUS_NETWORK;
    }
    if (message.size > MESSAGE_SIZE_MAX || link->queued_size + message.size > QUEUE_SIZE_MAX) {
        return STATUS_OVER_LIMIT;
    }
    queued = malloc(sizeof *queued + LWS_PRE + message.size);
    if (!queued) {
        return STATUS_NO_MEMORY;
    }
    queued->next = NULL;
    queued->size = message.size;
    memcpy(queued->bytes + LWS_PRE, message.data, message.size);
    if (link->last) {
        link->last->next = queued;
    } else {
        link->first = queued;
    }
    link->last = queued;
    link->queued_size += message.size;
    lws_callback_on_writable(link->wsi);
    return STATUS_OK;
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
    struct link *link = lws_container_of(timer, struct link, timer);

    loop_note_in_timer(link->loop);
    device_timer(link->device);
}

static void link_set_timer(void *context, uint64_t delay_ms)
{
    struct link *link = context;

    if (delay_ms == LINK_NO_TIMER || delay_ms > INT32_MAX) {
        lws_sul_cancel(&link->timer);
    } else {
        lws_sul_schedule(loop_context(link->loop), 0, &link->timer, on_timer, (lws_usec_t)delay_ms * 1000);
    }
}

static void link_free(void *context)
{
    struct link *link = context;

    link_disconnect(link);
    lws_sul_cancel(&link->timer);
    if (link->vhost) {
        lws_vhost_destroy(link->vhost);
    }
    SSL_CTX_free(link->tls);
    free(link->received);
    free(link->host);
    free(link->name);
    free(link);
}

static const struct link_ops lws_link_ops = {.connect = link_connect,
                                             .disconnect = link_disconnect,
                                             .send = link_send,
                                             .set_timer = link_set_timer,
                                             .free = link_free};

static enum status make_vhost(struct link *link)
{
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
                                             .protocols = loop_protocols(),
                                             .vhost_name = "device",
                                             .provided_client_ssl_ctx = link->tls,
                                             .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                                                        LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
                                             .retry_and_idle_policy = &idle_policy,
                                             .gid = -1,
                                             .uid = -1};

    link->vhost = lws_create_vhost(loop_context(link->loop), &info);
    return link->vhost && lws_init_vhost_client_ssl(&info, link->vhost) == 0 ? STATUS_OK : STATUS_TLS;
}

enum status link_lws_new(struct dc_loop *loop, const struct dc_config *config, struct dc_device *device)
{
    struct link *link;
    enum status status;

    if (!config->host) {
        return STATUS_OK;
    }
    if (config->port == 0) {
        return STATUS_CONFIG;
    }
    link = calloc(1, sizeof *link);
    if (!link) {
        return STATUS_NO_MEMORY;
    }
    link->device = device;
    link->loop = loop;
    link->port = config->port;
    link->host = strdup(config->host);
    link->name = strdup(config->server_name ? config->server_name : config->host);
    status = link->host && link->name ? client_tls_new(config, &link->tls) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = make_vhost(link);
    }
    if (status != STATUS_OK) {
        link_free(link);
        return status;
    }
    device_attach(device, &lws_link_ops, link);
    return STATUS_OK;
}

/* libwebsockets says in words what went wrong; only whether it was TLS matters, for the advice. */
static enum status status_of_error(const void *text, size_t size)
{
    return text && (memmem(text, size, "SSL", 3) || memmem(text, size, "cert", 4) || memmem(text, size, "tls", 3))
               ? STATUS_TLS
               : STATUS_NETWORK;
}

static void lost(struct link *link, enum status status)
{
    link->wsi = NULL;
    forget_messages(link);
    if (!link->starting) {
        device_disconnected(link->device, status);
    }
}

/* Checked once more where it counts: the certificate, and TLS 1.3. */
static int established(struct link *link, struct lws *wsi)
{
    SSL *tls = lws_get_ssl(wsi);
    int on = 1;

    if (!tls || SSL_get_verify_result(tls) != X509_V_OK || SSL_version(tls) < TLS1_3_VERSION) {
        lws_set_opaque_user_data(wsi, NULL);
        lost(link, STATUS_TLS);
        return -1;
    }
    (void)setsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    device_connected(link->device);
    return 0;
}

static bool make_room(struct link *link, size_t size)
{
    uint8_t *room;
    size_t wanted = link->received_room ? link->received_room : 4096;

    if (link->received_size + size <= link->received_room) {
        return true;
    }
    while (wanted < link->received_size + size) {
        wanted *= 2;
    }
    room = realloc(link->received, wanted);
    if (!room) {
        return false;
    }
    link->received = room;
    link->received_room = wanted;
    return true;
}

static int refuse(struct link *link, struct lws *wsi, enum lws_close_status code, enum status status)
{
    lws_close_reason(wsi, code, NULL, 0);
    lws_set_opaque_user_data(wsi, NULL);
    lost(link, status);
    return -1;
}

static int received(struct link *link, struct lws *wsi, const void *bytes, size_t size)
{
    if (!lws_frame_is_binary(wsi)) {
        return refuse(link, wsi, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, STATUS_MALFORMED);
    }
    if (link->received_size + size > MESSAGE_SIZE_MAX) {
        return refuse(link, wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, STATUS_OVER_LIMIT);
    }
    if (!make_room(link, size)) {
        return refuse(link, wsi, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, STATUS_NO_MEMORY);
    }
    if (size > 0) {
        memcpy(link->received + link->received_size, bytes, size);
        link->received_size += size;
    }
    if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0) {
        struct span message = span_of(link->received, link->received_size);

        link->received_size = 0;
        device_received(link->device, message);
    }
    return link->wsi == wsi ? 0 : -1;
}

static int writeable(struct link *link, struct lws *wsi)
{
    struct queued *queued = link->first;

    if (!queued) {
        return 0;
    }
    if (lws_write(wsi, queued->bytes + LWS_PRE, queued->size, LWS_WRITE_BINARY) < (int)queued->size) {
        lws_set_opaque_user_data(wsi, NULL);
        lost(link, STATUS_NETWORK);
        return -1;
    }
    link->first = queued->next;
    if (!link->first) {
        link->last = NULL;
    }
    link->queued_size -= queued->size;
    free(queued);
    if (link->first) {
        lws_callback_on_writable(wsi);
    }
    return 0;
}

static int on_connection(struct link *link, struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t size)
{
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        lws_set_opaque_user_data(wsi, NULL);
        lost(link, status_of_error(in, size));
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        return established(link, wsi);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return received(link, wsi, in, size);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return writeable(link, wsi);
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
    case LWS_CALLBACK_WSI_DESTROY: /* the only word that comes of some that die in their handshake or upgrade */
        lws_set_opaque_user_data(wsi, NULL);
        lost(link, STATUS_NETWORK);
        return 0;
    default:
        return 0;
    }
}

int link_lws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    struct link *link;

    (void)user;
    if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED) {
        loop_note(lws_context_user(lws_get_context(wsi)));
        return 0;
    }
    link = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    if (!link) {
        /* A connection that the device has given up: nothing of it is heard any more. */
        return reason == LWS_CALLBACK_CLIENT_ESTABLISHED || reason == LWS_CALLBACK_CLIENT_RECEIVE ? -1 : 0;
    }
    if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR || reason == LWS_CALLBACK_CLIENT_ESTABLISHED ||
        reason == LWS_CALLBACK_CLIENT_RECEIVE || reason == LWS_CALLBACK_CLIENT_CLOSED ||
        reason == LWS_CALLBACK_CLOSED_CLIENT_HTTP || reason == LWS_CALLBACK_WSI_DESTROY) {
        loop_note(link->loop);
    }
    return on_connection(link, wsi, reason, in, size);
}
