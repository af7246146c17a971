/*
 * The keys that the server stands on: its own checkpoint key, and the Force entry that names it (record 1 of the journal).
 */
#ifndef DOUBLECREW_SERVER_EDGE_TRUST_H
#define DOUBLECREW_SERVER_EDGE_TRUST_H

#include "core/sign.h"
#include "server/edge/config.h"
#include "server/logic/store.h"

/* PEM file, Ed25519. ret_error says what is wrong with trust.checkpoint_key. NOT_FOUND, MALFORMED, IO. */
MUST_USE enum status trust_load_key(const char *file, struct sign_key **ret_key, struct config_error *ret_error);

/* The server's public key as record 1 has it. NOT_FOUND: the journal is empty. STORE: record 1 is no Force. */
MUST_USE enum status trust_read_force(struct store *store, struct public_key *ret_server_key);

#endif
