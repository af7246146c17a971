/*
 * The load's side of one connection: plain OpenSSL and as little as possible, so that what is measured is the server.
 * Opening blocks; afterwards frames made ahead are sent, and what comes back is read, without waiting.
 */
#ifndef DOUBLECREW_BENCH_LOAD_LINK_H
#define DOUBLECREW_BENCH_LOAD_LINK_H

#include <openssl/ssl.h>

#include "core/bytes.h"

#define LOAD_LINK_BUFFER ((size_t)64 * 1024) /* the largest message that the load may be sent: it asks for no pages */

/* A blocking connection to a port of this machine, without delay; the caller closes it. NETWORK. */
MUST_USE enum status load_socket_connect(uint16_t port, int *ret_socket);
MUST_USE enum status load_socket_unblock(int socket);

struct load_link {
    int socket; /* -1: closed */
    SSL *ssl;
    struct span sending; /* what is left of a frame under way; borrowed */
    uint8_t *received;
    size_t size;
};

/* TLS 1.3 with this CA for the server's certificate. TLS, NO_MEMORY. */
MUST_USE enum status load_context_new(const char *ca, SSL_CTX **ret_context);

/* TCP to 127.0.0.1, mutual TLS, upgrade to doublecrew.v1. package: a device's folder. TLS, NETWORK, NO_MEMORY. */
MUST_USE enum status load_link_open(SSL_CTX *context, uint16_t port, const char *package, struct load_link *ret_link);
void load_link_close(struct load_link *link);
/* From here on nothing waits. */
MUST_USE enum status load_link_unblock(struct load_link *link);

/* A masked, final, binary frame around a ClientMessage, in memory that the caller frees. NULL: no memory. */
uint8_t *load_frame(struct span message, uint64_t *random, size_t *ret_size);

/* Sends what it can; the rest stays in link->sending. NETWORK. */
MUST_USE enum status load_link_send(struct load_link *link);
/* Reads what is there into `received`. NETWORK: the server has hung up; OVER_LIMIT: more than the buffer holds. */
MUST_USE enum status load_link_receive(struct load_link *link);
/* The next whole binary message in `received` from *at on, and *at moved beyond it. A close frame is NETWORK. */
enum load_found { LOAD_NOTHING, LOAD_MESSAGE, LOAD_BROKEN };
enum load_found load_link_next(const struct load_link *link, size_t *at, struct span *ret_message);
/* Forgets what was understood. */
void load_link_drop(struct load_link *link, size_t size);

/* splitmix64 */
uint64_t load_random(uint64_t *state);

#endif
