#include "bench/load_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_HEADER_MAX 14

uint64_t load_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

enum status load_context_new(const char *ca, SSL_CTX **ret_context)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (context == NULL)
        return STATUS_NO_MEMORY;
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_load_verify_locations(context, ca, NULL) != 1) {
        SSL_CTX_free(context);
        return STATUS_TLS;
    }
    *ret_context = context;
    return STATUS_OK;
}

enum status load_socket_connect(uint16_t port, int *ret_socket)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return STATUS_NETWORK;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        (void)close(fd);
        return STATUS_NETWORK;
    }
    *ret_socket = fd;
    return STATUS_OK;
}

enum status load_socket_unblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? STATUS_OK : STATUS_NETWORK;
}

static enum status shake_hands(struct load_link *link, SSL_CTX *context, const char *package)
{
    char certificate[1100];
    char key[1100];

    (void)snprintf(certificate, sizeof(certificate), "%s/certificate.pem", package);
    (void)snprintf(key, sizeof(key), "%s/key.pem", package);
    link->ssl = SSL_new(context);
    if (link->ssl == NULL)
        return STATUS_NO_MEMORY;
    if (SSL_use_certificate_chain_file(link->ssl, certificate) != 1 ||
        SSL_use_PrivateKey_file(link->ssl, key, SSL_FILETYPE_PEM) != 1)
        return STATUS_TLS;
    SSL_set_fd(link->ssl, link->socket);
    return SSL_connect(link->ssl) == 1 ? STATUS_OK : STATUS_TLS;
}

static enum status upgrade(struct load_link *link)
{
    static const char request[] = "GET /sync HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: doublecrew.v1\r\n\r\n";
    const uint8_t *end = NULL;

    if (SSL_write(link->ssl, request, sizeof(request) - 1) != sizeof(request) - 1)
        return STATUS_NETWORK;
    while (end == NULL) {
        enum status status = load_link_receive(link);

        if (status != STATUS_OK)
            return status;
        end = memmem(link->received, link->size, "\r\n\r\n", 4);
    }
    if (memcmp(link->received, "HTTP/1.1 101", 12) != 0)
        return STATUS_NETWORK;
    load_link_drop(link, (size_t)(end - link->received) + 4);
    return STATUS_OK;
}

enum status load_link_open(SSL_CTX *context, uint16_t port, const char *package, struct load_link *ret_link)
{
    struct load_link link = {.socket = -1, .received = malloc(LOAD_LINK_BUFFER)};
    enum status status = link.received == NULL ? STATUS_NO_MEMORY : load_socket_connect(port, &link.socket);

    if (status == STATUS_OK)
        status = shake_hands(&link, context, package);
    if (status == STATUS_OK)
        status = upgrade(&link);
    ERR_clear_error();
    if (status != STATUS_OK) {
        load_link_close(&link);
        return status;
    }
    *ret_link = link;
    return STATUS_OK;
}

void load_link_close(struct load_link *link)
{
    SSL_free(link->ssl);
    if (link->socket >= 0)
        (void)close(link->socket);
    free(link->received);
    *link = (struct load_link){.socket = -1};
}

enum status load_link_unblock(struct load_link *link)
{
    return load_socket_unblock(link->socket);
}

uint8_t *load_frame(struct span message, uint64_t *random, size_t *ret_size)
{
    uint8_t *frame = malloc(FRAME_HEADER_MAX + message.size);
    size_t at = 2;

    if (frame == NULL)
        return NULL;
    frame[0] = 0x82; /* final, binary */
    if (message.size < 126) {
        frame[1] = (uint8_t)(0x80 | message.size);
    } else if (message.size <= UINT16_MAX) {
        frame[1] = 0x80 | 126;
        put_u16(frame + 2, (uint16_t)message.size);
        at = 4;
    } else {
        frame[1] = 0x80 | 127;
        put_u64(frame + 2, message.size);
        at = 10;
    }
    put_u32(frame + at, (uint32_t)load_random(random));
    at += 4;
    for (size_t i = 0; i < message.size; i++)
        frame[at + i] = (uint8_t)(message.data[i] ^ frame[at - 4 + i % 4]);
    *ret_size = at + message.size;
    return frame;
}

enum status load_link_send(struct load_link *link)
{
    while (link->sending.size > 0) {
        size_t sent = 0;

        if (SSL_write_ex(link->ssl, link->sending.data, link->sending.size, &sent) != 1) {
            int reason = SSL_get_error(link->ssl, 0);

            ERR_clear_error();
            return reason == SSL_ERROR_WANT_WRITE || reason == SSL_ERROR_WANT_READ ? STATUS_OK : STATUS_NETWORK;
        }
        link->sending = span_of(link->sending.data + sent, link->sending.size - sent);
    }
    return STATUS_OK;
}

enum status load_link_receive(struct load_link *link)
{
    do {
        size_t got = 0;

        if (link->size == LOAD_LINK_BUFFER)
            return STATUS_OVER_LIMIT;
        if (SSL_read_ex(link->ssl, link->received + link->size, LOAD_LINK_BUFFER - link->size, &got) != 1) {
            int reason = SSL_get_error(link->ssl, 0);

            ERR_clear_error();
            return reason == SSL_ERROR_WANT_READ ? STATUS_OK : STATUS_NETWORK;
        }
        link->size += got;
    } while (SSL_pending(link->ssl) > 0);
    return STATUS_OK;
}

enum load_found load_link_next(const struct load_link *link, size_t *at, struct span *ret_message)
{
    for (;;) {
        const uint8_t *frame = link->received + *at;
        size_t left = link->size - *at;
        size_t header = 2;
        size_t size;

        if (left < 4)
            return LOAD_NOTHING;
        size = frame[1];
        if (size > 126) /* masked, or larger than the buffer */
            return LOAD_BROKEN;
        if (size == 126) {
            header = 4;
            size = get_u16(frame + 2);
        }
        if (left < header + size)
            return LOAD_NOTHING;
        *at += header + size;
        *ret_message = span_of(frame + header, size);
        if (frame[0] == 0x82)
            return LOAD_MESSAGE;
        if (frame[0] != 0x89 && frame[0] != 0x8a) /* pings may go unanswered for as long as a round lasts */
            return LOAD_BROKEN;
    }
}

void load_link_drop(struct load_link *link, size_t size)
{
    memmove(link->received, link->received + size, link->size - size);
    link->size -= size;
}
