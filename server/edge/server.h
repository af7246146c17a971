/*
 * The whole server, put together: opens what the configuration names, checks that it belongs together, starts the threads.
 */
#ifndef DOUBLECREW_SERVER_EDGE_SERVER_H
#define DOUBLECREW_SERVER_EDGE_SERVER_H

#include "server/edge/config.h"

struct server;

/*
 * Listens on return, and serves once server_run is called. On failure ret_error is one sentence for a person.
 * CONFIG, TLS, NETWORK, STORE_MODE (training configuration and training store must go together), NOT_FOUND (no force in
 * the store), NOT_PERMITTED (the checkpoint key isn't the force's), and what the store says.
 */
MUST_USE enum status server_open(const struct config *config, struct log *log, struct server **ret_server,
                                 struct config_error *ret_error);
uint16_t server_port(const struct server *server);
/* Until SIGTERM or SIGINT; then gracefully. */
void server_run(struct server *server);
/* Commits what is still under way, then closes everything. NULL is fine. */
void server_close(struct server *server);

#endif
