#include "tests/lib/ws_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WS_MESSAGE_MAX ((size_t)4 * 1024 * 1024)
#define UPGRADE_TIMEOUT_MS 10000

struct ws_client {
    int socket;
    SSL_CTX *context;
    SSL *ssl;
    uint8_t *received; /* read, not yet understood */
    size_t size;
    size_t capacity;
    uint8_t *message; /* fragments so far */
    size_t message_size;
    size_t largest_record;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum status connect_socket(struct ws_client *client, const struct ws_options *options)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};

    int on = 1;

    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    client->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->socket < 0)
        return STATUS_NETWORK;
    (void)setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (options->receive_buffer != 0)
        (void)setsockopt(client->socket, SOL_SOCKET, SO_RCVBUF, &options->receive_buffer,
                         sizeof(options->receive_buffer));
    return connect(client->socket, (struct sockaddr *)&address, sizeof(address)) == 0 ? STATUS_OK : STATUS_NETWORK;
}

static enum status shake_hands(struct ws_client *client, const struct ws_options *options)
{
    client->context = SSL_CTX_new(TLS_client_method());
    if (client->context == NULL)
        return STATUS_NO_MEMORY;
    if (options->tls_version_max != 0)
        SSL_CTX_set_max_proto_version(client->context, options->tls_version_max);
    if (SSL_CTX_load_verify_locations(client->context, options->ca, NULL) != 1)
        return STATUS_TLS;
    SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
    if (options->certificate != NULL &&
        (SSL_CTX_use_certificate_chain_file(client->context, options->certificate) != 1 ||
         SSL_CTX_use_PrivateKey_file(client->context, options->key, SSL_FILETYPE_PEM) != 1))
        return STATUS_TLS;
    client->ssl = SSL_new(client->context);
    SSL_set_fd(client->ssl, client->socket);
    return SSL_connect(client->ssl) == 1 ? STATUS_OK : STATUS_NETWORK;
}

/* At least one byte more, within the time. */
static enum status read_more(struct ws_client *client, int64_t deadline_ms)
{
    struct pollfd poll_for = {.fd = client->socket, .events = POLLIN};
    int64_t left_ms = deadline_ms - now_ms();
    int size;

    if (SSL_pending(client->ssl) == 0 && poll(&poll_for, 1, left_ms < 0 ? 0 : (int)left_ms) == 0)
        return STATUS_TIMEOUT;
    if (client->capacity - client->size < 16384) {
        client->capacity = client->capacity == 0 ? 32768 : client->capacity * 2;
        client->received = realloc(client->received, client->capacity);
        if (client->received == NULL)
            abort();
    }
    size = SSL_read(client->ssl, client->received + client->size, (int)(client->capacity - client->size));
    ERR_clear_error();
    if (size <= 0)
        return STATUS_NETWORK;
    client->size += (size_t)size;
    if ((size_t)size > client->largest_record) /* SSL_read gives of one record at most */
        client->largest_record = (size_t)size;
    return STATUS_OK;
}

size_t ws_client_largest_record(const struct ws_client *client)
{
    return client->largest_record;
}

static void drop(struct ws_client *client, size_t size)
{
    memmove(client->received, client->received + size, client->size - size);
    client->size -= size;
}

static enum status read_answer(struct ws_client *client, int *ret_http_status)
{
    int64_t deadline_ms = now_ms() + UPGRADE_TIMEOUT_MS;
    const uint8_t *end = NULL;

    while (end == NULL) {
        enum status status = read_more(client, deadline_ms);

        if (status != STATUS_OK)
            return STATUS_NETWORK;
        end = memmem(client->received, client->size, "\r\n\r\n", 4);
    }
    if (client->size < 12 || memcmp(client->received, "HTTP/1.1 ", 9) != 0)
        return STATUS_NETWORK;
    *ret_http_status = (int)strtol((const char *)client->received + 9, NULL, 10);
    drop(client, (size_t)(end - client->received) + 4);
    return *ret_http_status == 101 ? STATUS_OK : STATUS_NETWORK;
}

static enum status upgrade(struct ws_client *client, const struct ws_options *options, int *ret_http_status)
{
    const char *subprotocol = options->subprotocol == NULL ? "doublecrew.v1" : options->subprotocol;
    char request[512];
    int size = snprintf(
        request, sizeof(request),
        "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: %s\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
        options->path == NULL ? "/sync" : options->path, options->upgrade == NULL ? "websocket" : options->upgrade,
        subprotocol[0] == '\0' ? "" : "Sec-WebSocket-Protocol: ", subprotocol, subprotocol[0] == '\0' ? "" : "\r\n");
    enum status status = ws_client_send_raw(client, span_of(request, (size_t)size));

    return status == STATUS_OK ? read_answer(client, ret_http_status) : status;
}

enum status ws_client_open(const struct ws_options *options, struct ws_client **ret_client, int *ret_http_status)
{
    struct ws_client *client = calloc(1, sizeof(*client));
    enum status status;

    if (client == NULL)
        return STATUS_NO_MEMORY;
    *ret_http_status = 0;
    client->message = malloc(WS_MESSAGE_MAX);
    status = connect_socket(client, options);
    if (status == STATUS_OK)
        status = shake_hands(client, options);
    if (status == STATUS_OK)
        status = upgrade(client, options, ret_http_status);
    ERR_clear_error();
    if (status != STATUS_OK) {
        ws_client_free(client);
        return status;
    }
    *ret_client = client;
    return STATUS_OK;
}

void ws_client_free(struct ws_client *client)
{
    if (client == NULL)
        return;
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    if (client->socket >= 0)
        close(client->socket);
    free(client->received);
    free(client->message);
    free(client);
}

enum status ws_client_send_raw(struct ws_client *client, struct span bytes)
{
    int written = bytes.size == 0 ? 1 : SSL_write(client->ssl, bytes.data, (int)bytes.size);

    ERR_clear_error();
    return written > 0 ? STATUS_OK : STATUS_NETWORK;
}

static size_t put_header(const struct ws_frame *frame, size_t size, uint8_t ret_header[14])
{
    static const uint8_t mask[4] = {0x11, 0x22, 0x33, 0x44};
    uint8_t masked = frame->unmasked ? 0 : 0x80;
    size_t at = 2;

    ret_header[0] =
        (uint8_t)((frame->not_final ? 0u : 0x80u) | (unsigned)frame->reserved_bits << 4 | (unsigned)frame->opcode);
    if (size < 126) {
        ret_header[1] = (uint8_t)(masked | size);
    } else if (size < 65536) {
        ret_header[1] = masked | 126;
        put_u16(ret_header + 2, (uint16_t)size);
        at = 4;
    } else {
        ret_header[1] = masked | 127;
        put_u64(ret_header + 2, size);
        at = 10;
    }
    if (!frame->unmasked) {
        memcpy(ret_header + at, mask, 4);
        at += 4;
    }
    return at;
}

enum status ws_client_send_frame(struct ws_client *client, const struct ws_frame *frame, struct span payload)
{
    uint8_t *bytes = malloc(payload.size + 14);
    size_t at = put_header(frame, payload.size, bytes);
    size_t size = at + payload.size;
    size_t chunk = frame->chunk == 0 ? size : frame->chunk;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < payload.size; i++)
        bytes[at + i] = frame->unmasked ? payload.data[i] : (uint8_t)(payload.data[i] ^ bytes[at - 4 + i % 4]);
    for (size_t sent = 0; sent < size && status == STATUS_OK; sent += chunk)
        status = ws_client_send_raw(client, span_of(bytes + sent, chunk < size - sent ? chunk : size - sent));
    free(bytes);
    return status;
}

enum status ws_client_send(struct ws_client *client, struct span payload)
{
    struct ws_frame frame = {.opcode = WS_BINARY};

    return ws_client_send_frame(client, &frame, payload);
}

struct frame_view {
    enum ws_opcode opcode;
    bool final;
    size_t header;
    size_t size;
};

/* False: not all of it is there yet. */
static bool see_frame(const struct ws_client *client, struct frame_view *ret_frame)
{
    const uint8_t *bytes = client->received;

    if (client->size < 2)
        return false;
    ret_frame->opcode = (enum ws_opcode)(bytes[0] & 15);
    ret_frame->final = (bytes[0] & 0x80) != 0;
    ret_frame->size = bytes[1] & 0x7f;
    ret_frame->header = ret_frame->size < 126 ? 2 : ret_frame->size == 126 ? 4 : 10;
    if (client->size < ret_frame->header)
        return false;
    if (ret_frame->size == 126)
        ret_frame->size = get_u16(bytes + 2);
    else if (ret_frame->size == 127)
        ret_frame->size = (size_t)get_u64(bytes + 2);
    return client->size - ret_frame->header >= ret_frame->size;
}

static enum status take_frame(struct ws_client *client, const struct frame_view *frame, struct ws_message *ret_message,
                              bool *ret_done)
{
    struct span payload = span_of(client->received + frame->header, frame->size);
    struct ws_frame pong = {.opcode = WS_PONG};

    *ret_done = false;
    if (frame->opcode == WS_PING)
        return ws_client_send_frame(client, &pong, payload);
    if (frame->opcode == WS_PONG)
        return STATUS_OK;
    if (frame->opcode == WS_CLOSE) {
        memset(ret_message, 0, sizeof(*ret_message));
        ret_message->opcode = WS_CLOSE;
        ret_message->close_code = payload.size >= 2 ? get_u16(payload.data) : 0;
        *ret_done = true;
        return STATUS_OK;
    }
    if (client->message_size + payload.size > WS_MESSAGE_MAX)
        return STATUS_OVER_LIMIT;
    memcpy(client->message + client->message_size, payload.data, payload.size);
    client->message_size += payload.size;
    if (frame->final) {
        ret_message->opcode = WS_BINARY;
        ret_message->bytes = malloc(client->message_size + 1);
        memcpy(ret_message->bytes, client->message, client->message_size);
        ret_message->size = client->message_size;
        client->message_size = 0;
        *ret_done = true;
    }
    return STATUS_OK;
}

enum status ws_client_receive(struct ws_client *client, int timeout_ms, struct ws_message *ret_message)
{
    int64_t deadline_ms = now_ms() + timeout_ms;
    struct frame_view frame;
    bool done = false;
    enum status status = STATUS_OK;

    while (!done && status == STATUS_OK) {
        if (see_frame(client, &frame)) {
            status = take_frame(client, &frame, ret_message, &done);
            drop(client, frame.header + frame.size);
        } else {
            status = read_more(client, deadline_ms);
        }
    }
    return status;
}
