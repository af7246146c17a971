/*
 * Signatures over short statements. Key material is never kept longer than needed; signing may also be done elsewhere
 * (a phone's secure element): the device library takes a callback, this module is its default.
 *
 * Algorithm ids as on the wire: 1 Ed25519 (public key 32 bytes raw, signature 64 bytes), 2 ECDSA P-256 with SHA-256
 * (public key 65 bytes uncompressed point, signature 64 bytes: r then s, big-endian).
 */
#ifndef DOUBLECREW_CORE_SIGN_H
#define DOUBLECREW_CORE_SIGN_H

#include "core/bytes.h"

#define SIGNATURE_SIZE 64
#define PUBLIC_KEY_SIZE_MAX 65

enum sign_algorithm { SIGN_NONE = 0, SIGN_ED25519 = 1, SIGN_ECDSA_P256 = 2 };

struct public_key {
    enum sign_algorithm algorithm;
    uint8_t bytes[PUBLIC_KEY_SIZE_MAX];
    size_t size;
};

struct signature {
    enum sign_algorithm algorithm;
    uint8_t bytes[SIGNATURE_SIZE];
};

struct sign_key;   /* a private key */
struct verify_key; /* a public key, parsed once; may be used by one thread at a time */

/* UNKNOWN_KIND (no such algorithm), NO_MEMORY, INTERNAL. */
MUST_USE enum status sign_key_generate(enum sign_algorithm algorithm, struct sign_key **ret_key);
/* From 32 bytes of seed (Ed25519 only): tests and training forces with a seed number. */
MUST_USE enum status sign_key_from_seed(const uint8_t seed[32], struct sign_key **ret_key);
/* PEM, PKCS #8, unencrypted. MALFORMED for anything else and for other algorithms; never asks for a pass phrase. */
MUST_USE enum status sign_key_from_pem(struct span pem, struct sign_key **ret_key);
/* ret_pem receives the text; NUL-terminated; size is the buffer's size. OVER_LIMIT when it doesn't fit. */
MUST_USE enum status sign_key_to_pem(const struct sign_key *key, char *ret_pem, size_t size);
void sign_key_free(struct sign_key *key);
void sign_key_public(const struct sign_key *key, struct public_key *ret_public);
MUST_USE enum status sign_message(const struct sign_key *key, struct span message, struct signature *ret_signature);

/* MALFORMED: not a point of the curve, or an Ed25519 key of small order, under which one signature fits many messages. */
MUST_USE enum status verify_key_new(const struct public_key *public_key, struct verify_key **ret_key);
void verify_key_free(struct verify_key *key);
/* BAD_SIGNATURE when it doesn't match, or when the algorithm isn't the key's. */
MUST_USE enum status verify_message(struct verify_key *key, struct span message, const struct signature *signature);

/* Checks id and length. BAD_LENGTH, UNKNOWN_KIND (algorithm). */
MUST_USE enum status public_key_from_wire(uint32_t algorithm, struct span bytes, struct public_key *ret_key);
MUST_USE enum status signature_from_wire(uint32_t algorithm, struct span bytes, struct signature *ret_signature);

#endif
