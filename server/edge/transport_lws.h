/*
 * The transport: libwebsockets 4.1.6 on libuv, as LIBRARIES.md warns. One subprotocol, "doublecrew.v1", on the path /sync;
 * HTTP/1.1 only; binary messages; no compression. All of it on one thread; others call transport_wake only.
 */
#ifndef DOUBLECREW_SERVER_EDGE_TRANSPORT_LWS_H
#define DOUBLECREW_SERVER_EDGE_TRANSPORT_LWS_H

#include "server/edge/config.h"
#include "server/edge/hub.h"

#define TRANSPORT_PROTOCOL "doublecrew.v1"
#define TRANSPORT_PATH "/sync"
/* Bytes that a message needs in front of it. */
size_t transport_headroom(void);

struct transport;

/* What the hub needs of this transport. */
struct hub_transport transport_calls(void);

/*
 * Listens. config, log and hub are borrowed. NETWORK: the address or port can't be used; TLS.
 * hub may be set later, with transport_set_hub, but before transport_run.
 */
MUST_USE enum status transport_new(const struct config *config, struct log *log, struct transport **ret_transport);
void transport_set_hub(struct transport *transport, struct hub *hub);
void transport_free(struct transport *transport);
uint16_t transport_port(const struct transport *transport);

/* Serves until the hub was asked to stop and has stopped. */
void transport_run(struct transport *transport);
/* From any thread: the hub has notes. context is a struct transport. */
void transport_wake(void *context);

#endif
