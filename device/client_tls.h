/* The client's side of TLS: version 1.3 only, one certificate, one authority, one name. */
#ifndef DOUBLECREW_DEVICE_CLIENT_TLS_H
#define DOUBLECREW_DEVICE_CLIENT_TLS_H

#include <openssl/ssl.h>

#include "core/status.h"
#include "device/doublecrew.h"

/* Free with SSL_CTX_free. TLS (a certificate or key that can't be used, or both a path and a PEM), NO_MEMORY. */
MUST_USE enum status client_tls_new(const struct dc_config *config, SSL_CTX **ret_context);

#endif
