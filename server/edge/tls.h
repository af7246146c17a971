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

/* The same, and the context with all of them in it; the caller frees it. TLS. */
MUST_USE enum status tls_try(const struct config *config, SSL_CTX **ret_context, struct config_error *ret_error);

/* Sharpens the context that the transport made. log outlives it. TLS. */
MUST_USE enum status tls_sharpen(SSL_CTX *context, const struct config *config, struct log *log);

/*
 * OpenSSL's word on one certificate of a client's chain, as the verify callback has it. True: go on. One fault alone is
 * forgiven (D1): that the client's own certificate, else good, is past its date by at most grace_days. Evidence isn't refused
 * after two weeks' leave; tls_peer_is_expired tells such a client from the others.
 */
bool tls_verify(X509_STORE_CTX *verify, bool found_good, unsigned grace_days);
bool tls_peer_is_expired(SSL *ssl);

/*
 * The configured certificate, key, authorities and revocation list anew, for a context in use, on the thread that uses it:
 * all of them, or, when anything is wrong with one (a list that is out of date or by another authority, a certificate that is
 * past its date), none. TLS: ret_error says why, and nothing has changed.
 */
MUST_USE enum status tls_reload(SSL_CTX *context, const struct config *config, struct config_error *ret_error);
/* Whether the context's revocation list names the peer's certificate: for connections that were open before it was read. */
bool tls_peer_is_revoked(const SSL_CTX *context, SSL *ssl);

/* Stable name of an X509_V_ERR_...: "self_signed", "expired", "revoked", "unknown_ca" ... */
const char *tls_refusal_name(int verify_error);

/*
 * After the handshake: the certificates that the peer sent beside its own have done their work, and are a fifth of what an
 * idle connection costs. Its own stays, for the revocation list.
 */
void tls_peer_forget_chain(SSL *ssl);

/* SHA-256 of the peer's SubjectPublicKeyInfo. TLS unless the certificate was verified. */
MUST_USE enum status tls_peer_key_hash(SSL *ssl, struct sha256 *sha, struct hash *ret_hash);

#endif
