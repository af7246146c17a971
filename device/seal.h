/*
 * Sealing of what the store keeps: AES-256-GCM under the storage key, the row's place as associated data, so that nothing
 * can be read, changed, or moved to another row.
 *
 * Layout: nonce 12 | ciphertext | tag 16. Nonces are random: one key may seal 2^32 bodies (NIST SP 800-38D 8.3), a
 * thousand a day for ten thousand years. Belongs to one thread.
 */
#ifndef DOUBLECREW_DEVICE_SEAL_H
#define DOUBLECREW_DEVICE_SEAL_H

#include "core/bytes.h"

#define SEAL_KEY_SIZE 32
#define SEAL_OVERHEAD 28 /* nonce and tag */

struct seal;

typedef bool (*seal_random)(void *context, uint8_t *ret_bytes, size_t size);

/* random: for nonces. NO_MEMORY, INTERNAL (libcrypto without AES-GCM). */
MUST_USE enum status seal_new(const uint8_t key[SEAL_KEY_SIZE], seal_random random, void *random_context,
                              struct seal **ret_seal);
void seal_free(struct seal *seal);
/* ret_sealed holds plain.size + SEAL_OVERHEAD bytes. INTERNAL: no chance to be had, or libcrypto failed. */
MUST_USE enum status seal_close(struct seal *seal, struct span place, struct span plain, uint8_t *ret_sealed);
/* ret_plain holds sealed.size - SEAL_OVERHEAD bytes. STORAGE_KEY: another key, another place, or changed bytes. */
MUST_USE enum status seal_open(struct seal *seal, struct span place, struct span sealed, uint8_t *ret_plain);

#endif
