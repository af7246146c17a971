/*
 * The ceiling of handshakes: a server that shakes hands on plain OpenSSL and epoll and does nothing else, with the server's own
 * TLS settings (server/edge/tls.h) and certificates, in a process of its own. Connections stay until it is stopped.
 */
#ifndef DOUBLECREW_BENCH_TLS_BARE_H
#define DOUBLECREW_BENCH_TLS_BARE_H

#include <stdint.h>
#include <sys/types.h>

#include "core/status.h"

/* config: a doublecrewd.conf. Complains itself. CONFIG, TLS, NETWORK. */
MUST_USE enum status tls_bare_start(const char *config, pid_t *ret_pid, uint16_t *ret_port);
void tls_bare_stop(pid_t pid);

#endif
