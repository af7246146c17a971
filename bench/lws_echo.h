/*
 * The ceiling of memory a connection: a WebSocket echo server on libwebsockets and libuv with nothing beside it, with the
 * server's own TLS settings (server/edge/tls.h) and certificates, in a process of its own.
 */
#ifndef DOUBLECREW_BENCH_LWS_ECHO_H
#define DOUBLECREW_BENCH_LWS_ECHO_H

#include <stdint.h>
#include <sys/types.h>

#include "core/status.h"

#define LWS_ECHO_REQUEST                                                                                               \
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                               \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: echo\r\n\r\n"

/* config: a doublecrewd.conf. Complains itself. CONFIG, NETWORK. */
MUST_USE enum status lws_echo_start(const char *config, pid_t *ret_pid, uint16_t *ret_port);
void lws_echo_stop(pid_t pid);

#endif
