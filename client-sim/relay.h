/*
 * A relay between one phone and the server, on loopback: bytes pass, until the scenario says that an answer is lost. A
 * thread of its own; the functions may be called from any thread.
 */
#ifndef DOUBLECREW_CLIENT_SIM_RELAY_H
#define DOUBLECREW_CLIENT_SIM_RELAY_H

#include <stdint.h>

struct relay;

/* Listens on a port of 127.0.0.1 and connects each client to server_port. NULL when it can't. */
struct relay *relay_new(uint16_t server_port);
void relay_free(struct relay *relay);
uint16_t relay_port(const struct relay *relay);
/* What TCP has carried since relay_new(): everything within it, TLS included. */
struct relay_bytes {
    uint64_t from_phone;
    uint64_t from_server;
};
struct relay_bytes relay_bytes(const struct relay *relay);
/* What the server answers to the next bytes that the phone sends is dropped, and the connection is cut. */
void relay_lose_next_answer(struct relay *relay);

#endif
