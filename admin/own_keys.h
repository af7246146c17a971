/*
 * A phone that makes its own keys gives two files: a certificate request for its TLS key, whose common name is the device id
 * that it chose (32 hex digits), and the public key of its log. Nothing secret passes through here then.
 */
#ifndef DOUBLECREW_ADMIN_OWN_KEYS_H
#define DOUBLECREW_ADMIN_OWN_KEYS_H

#include "core/sign.h"

/* Complains itself. Checks that the request is signed by its own key. NOT_FOUND, INPUT. */
MUST_USE enum status own_request_read(const char *path, struct id *ret_device);
/* PEM, SubjectPublicKeyInfo: Ed25519 or P-256. Complains itself. NOT_FOUND, INPUT. */
MUST_USE enum status own_public_key_read(const char *path, struct public_key *ret_key);

#endif
