/*
 * TLS as DESIGN.md wants it: 1.3 only, a verified client certificate always, no resumption (it would skip the check of a
 * revoked one), and a name in the log for every handshake that was refused.
 */
#ifndef DOUBLECREW_SERVER_EDGE_TLS_H
#define DOUBLECREW_SERVER_EDGE_TLS_H

#include <openssl/ssl.h>

#include "core/sha256.h"
#include "server/edge/config.h"
#include "server/edge/log.h"

/* Tries the configured files before the server starts. TLS: ret_error names the key of the configuration and why. */
MUST_USE enum status tls_check(const struct config *config, struct config_error *ret_error);

/* Sharpens the context that the transport made. log outlives it. TLS. */
MUST_USE enum status tls_sharpen(SSL_CTX *context, const struct config *config, struct log *log);

/* Stable name of an X509_V_ERR_...: "self_signed", "expired", "revoked", "unknown_ca" ... */
const char *tls_refusal_name(int verify_error);

/* SHA-256 of the peer's SubjectPublicKeyInfo. TLS unless the certificate was verified. */
MUST_USE enum status tls_peer_key_hash(SSL *ssl, struct sha256 *sha, struct hash *ret_hash);

#endif
