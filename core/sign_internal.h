/*
 * What sign.c (private keys) and verify.c (public keys, wire forms) share; not for others.
 */
#ifndef DOUBLECREW_CORE_SIGN_INTERNAL_H
#define DOUBLECREW_CORE_SIGN_INTERNAL_H

#include <openssl/evp.h>

#include "core/sign.h"

/* DER of an ECDSA P-256 signature: a sequence of two integers of at most 33 bytes. */
#define SIGN_DER_MAX 72

#define SIGN_ED25519_KEY_SIZE 32
#define SIGN_P256_POINT_SIZE 65

/* r and s, 32 bytes each, to DER. BAD_SIGNATURE when one is 0 or not below the order of the curve. */
MUST_USE enum status sign_der_from_raw(const uint8_t raw[SIGNATURE_SIZE], uint8_t ret_der[SIGN_DER_MAX],
                                       size_t *ret_size);
/* From libcrypto's DER. MALFORMED when it isn't what libcrypto writes. */
MUST_USE enum status sign_raw_from_der(struct span der, uint8_t ret_raw[SIGNATURE_SIZE]);

#endif
