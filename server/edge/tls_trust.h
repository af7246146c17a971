/*
 * An authority that stands between a root and the devices is verified once, when the files are read, and trusted from then on
 * as if it were a root: in a handshake only the device's own certificate is left to verify. With the root on P-384, which
 * OpenSSL 3.0 is slow at, that is half of a handshake. What is trusted stays the same: where anything about the authorities
 * isn't plain, every chain is followed to its root in every handshake, as OpenSSL does by itself.
 */
#ifndef DOUBLECREW_SERVER_EDGE_TLS_TRUST_H
#define DOUBLECREW_SERVER_EDGE_TLS_TRUST_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <time.h>

/* After the store's last certificate and revocation list. True: the authorities are trusted directly. */
bool tls_trust_directly(X509_STORE *store, time_t now);
/* Now and then: ends it when the date of any of the authorities, roots included, has passed. */
void tls_trust_check(X509_STORE *store, time_t now);

#endif
