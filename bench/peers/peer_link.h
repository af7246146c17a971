/*
 * The load's side of one connection to a peer: TCP on loopback, with mutual TLS 1.3 or plain. Opening waits; afterwards
 * what is to be sent is queued and goes out as it can, and what comes is kept until it is understood.
 */
#ifndef DOUBLECREW_BENCH_PEER_LINK_H
#define DOUBLECREW_BENCH_PEER_LINK_H

#include <openssl/ssl.h>

#include "core/bytes.h"

struct peer_bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

struct peer_link {
    int socket; /* -1: closed */
    SSL *ssl;   /* NULL: plain */
    struct peer_bytes out;
    size_t sent; /* of `out` */
    struct peer_bytes in;
    bool closed; /* by the peer */
    /* The protocol's own. */
    uint64_t from;
    uint64_t to;
    bool busy;
    struct peer_bytes body;
};

/* At the end of a growing buffer. NO_MEMORY. */
MUST_USE enum status peer_bytes_add(struct peer_bytes *bytes, const void *data, size_t size);

/* context NULL: plain. certificate and key: PEM files. TLS, NETWORK, NO_MEMORY. */
MUST_USE enum status peer_link_open(SSL_CTX *context, uint16_t port, const char *certificate, const char *key,
                                    struct peer_link *ret_link);
void peer_link_close(struct peer_link *link);
/* From here on nothing waits. */
MUST_USE enum status peer_link_unblock(struct peer_link *link);

/* Queues, and sends what it can. NETWORK, NO_MEMORY. */
MUST_USE enum status peer_link_send(struct peer_link *link, struct span bytes);
MUST_USE enum status peer_link_flush(struct peer_link *link);
bool peer_link_is_sending(const struct peer_link *link);
/* Reads what is there; sets `closed` when nothing more will come. NETWORK, NO_MEMORY. */
MUST_USE enum status peer_link_receive(struct peer_link *link);
/* Forgets what was understood. */
void peer_link_drop(struct peer_link *link, size_t size);

/* What TCP carried from here, TLS included. */
uint64_t peer_link_bytes_sent(const struct peer_link *link);

#endif
