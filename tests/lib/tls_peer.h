/*
 * A TLS and WebSocket server in a child process that does one thing, right or wrong, for each connection: what a device
 * must stand or refuse. Plain OpenSSL, so that it can also misbehave.
 */
#ifndef DOUBLECREW_TESTS_LIB_TLS_PEER_H
#define DOUBLECREW_TESTS_LIB_TLS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls_peer_plan {
    const char *certificate; /* paths */
    const char *key;
    const char *ca;
    bool only_tls12;
    bool refuse_upgrade;
    const uint8_t *frames; /* raw bytes, sent after the first message has come */
    size_t frames_size;
    bool hold; /* keep the connection after that, until the client leaves */
};

struct tls_peer {
    pid_t pid;
    uint16_t port;
};

/* Listens on a free port of 127.0.0.1. Fails the test when it can't. */
void tls_peer_start(struct tls_peer *peer, const struct tls_peer_plan *plan);
void tls_peer_stop(struct tls_peer *peer);

#endif
