#include "bench/peers/peer_link.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench/load_link.h"

#define READ_SIZE ((size_t)16 * 1024)
#define BLOCKED_MAX_S 10
#define READ_TURN ((size_t)1024 * 1024) /* in one go, before what came is looked at */

enum status peer_bytes_add(struct peer_bytes *bytes, const void *data, size_t size)
{
    if (bytes->capacity - bytes->size < size) {
        size_t capacity = 2 * (bytes->size + size);
        uint8_t *grown = realloc(bytes->data, capacity);

        if (grown == NULL)
            return STATUS_NO_MEMORY;
        bytes->data = grown;
        bytes->capacity = capacity;
    }
    if (data != NULL)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return STATUS_OK;
}

static enum status connect_socket(struct peer_link *link, uint16_t port)
{
    struct timeval patience = {.tv_sec = BLOCKED_MAX_S};
    enum status status = load_socket_connect(port, &link->socket);

    if (status == STATUS_OK)
        (void)setsockopt(link->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)); /* while it blocks */
    return status;
}

static enum status shake_hands(struct peer_link *link, SSL_CTX *context, const char *certificate, const char *key)
{
    link->ssl = SSL_new(context);
    if (link->ssl == NULL)
        return STATUS_NO_MEMORY;
    if (SSL_use_certificate_chain_file(link->ssl, certificate) != 1 ||
        SSL_use_PrivateKey_file(link->ssl, key, SSL_FILETYPE_PEM) != 1)
        return STATUS_TLS;
    SSL_set_fd(link->ssl, link->socket);
    return SSL_connect(link->ssl) == 1 ? STATUS_OK : STATUS_TLS;
}

enum status peer_link_open(SSL_CTX *context, uint16_t port, const char *certificate, const char *key,
                           struct peer_link *ret_link)
{
    struct peer_link link = {.socket = -1};
    enum status status = connect_socket(&link, port);

    if (status == STATUS_OK && context != NULL)
        status = shake_hands(&link, context, certificate, key);
    ERR_clear_error();
    if (status != STATUS_OK) {
        peer_link_close(&link);
        return status;
    }
    *ret_link = link;
    return STATUS_OK;
}

void peer_link_close(struct peer_link *link)
{
    SSL_free(link->ssl);
    if (link->socket >= 0)
        (void)close(link->socket);
    free(link->in.data);
    free(link->out.data);
    free(link->body.data);
    *link = (struct peer_link){.socket = -1};
}

enum status peer_link_unblock(struct peer_link *link)
{
    return load_socket_unblock(link->socket);
}

/* More than 0: so many went through. 0: not now. -1: never again. */
static ssize_t after_tls(const struct peer_link *link, int result, const size_t *moved)
{
    if (result == 1)
        return (ssize_t)*moved;
    int reason = SSL_get_error(link->ssl, 0);
    ERR_clear_error();
    return reason == SSL_ERROR_WANT_WRITE || reason == SSL_ERROR_WANT_READ ? 0 : -1;
}

static ssize_t after_plain(ssize_t result)
{
    if (result > 0)
        return result;
    return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : -1;
}

static ssize_t write_some(struct peer_link *link)
{
    const uint8_t *data = link->out.data + link->sent;
    size_t size = link->out.size - link->sent;
    size_t moved = 0;

    if (link->ssl == NULL)
        return after_plain(send(link->socket, data, size, MSG_NOSIGNAL));
    return after_tls(link, SSL_write_ex(link->ssl, data, size, &moved), &moved);
}

static ssize_t read_some(struct peer_link *link, uint8_t *ret_bytes, size_t size)
{
    size_t moved = 0;

    if (link->ssl == NULL)
        return after_plain(recv(link->socket, ret_bytes, size, 0));
    return after_tls(link, SSL_read_ex(link->ssl, ret_bytes, size, &moved), &moved);
}

enum status peer_link_flush(struct peer_link *link)
{
    while (link->sent < link->out.size) {
        ssize_t moved = write_some(link);

        if (moved <= 0)
            return moved == 0 ? STATUS_OK : STATUS_NETWORK;
        link->sent += (size_t)moved;
    }
    link->sent = 0;
    link->out.size = 0;
    return STATUS_OK;
}

enum status peer_link_send(struct peer_link *link, struct span bytes)
{
    enum status status = peer_bytes_add(&link->out, bytes.data, bytes.size);

    return status == STATUS_OK ? peer_link_flush(link) : status;
}

bool peer_link_is_sending(const struct peer_link *link)
{
    return link->sent < link->out.size;
}

/* A blocking connection returns after the first bytes: TLS has records, and a plain one is asked only once. */
enum status peer_link_receive(struct peer_link *link)
{
    size_t total = 0;
    ssize_t moved = 0;

    do {
        size_t before = link->in.size;
        enum status status = peer_bytes_add(&link->in, NULL, READ_SIZE);

        if (status != STATUS_OK)
            return status;
        moved = read_some(link, link->in.data + before, READ_SIZE);
        link->in.size = before + (moved > 0 ? (size_t)moved : 0);
        if (moved < 0) {
            link->closed = true;
            return STATUS_NETWORK;
        }
        total += (size_t)moved;
    } while (total < READ_TURN && ((link->ssl != NULL && SSL_pending(link->ssl) > 0) || moved == (ssize_t)READ_SIZE));
    return STATUS_OK;
}

void peer_link_drop(struct peer_link *link, size_t size)
{
    if (size == 0)
        return;
    memmove(link->in.data, link->in.data + size, link->in.size - size);
    link->in.size -= size;
}

uint64_t peer_link_bytes_sent(const struct peer_link *link)
{
    return link->ssl == NULL ? 0 : BIO_number_written(SSL_get_wbio(link->ssl));
}
