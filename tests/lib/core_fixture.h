/*
 * What tests of the core share: fixed keys and ids by name, a log of entries, vectors, and seeded chance.
 */
#ifndef DOUBLECREW_TESTS_LIB_CORE_FIXTURE_H
#define DOUBLECREW_TESTS_LIB_CORE_FIXTURE_H

#include "core/entry.h"
#include "core/push.h"

/* splitmix64: the same numbers for the same seed on every machine. */
uint64_t fixture_random(uint64_t *state);
/* Below limit, which isn't 0. */
uint64_t fixture_below(uint64_t *state, uint64_t limit);

/* The first bytes of the name's SHA-256. */
struct id fixture_id(const char *name);
struct hash fixture_hash(const char *name);
/* Ed25519 from the SHA-256 of the name as seed. The caller frees. */
struct sign_key *fixture_key(const char *name);

/* One value of tests/vectors/FILE, in memory that the caller frees; fails the test when it isn't there. */
uint8_t *fixture_vector(const char *file, const char *name, size_t *ret_size);

/* Entries of one log: seals whose payload is 16 bytes of salt and a text. payloads are owned by it. */
struct fixture_log {
    struct entry entries[PUSH_ENTRIES_MAX + 1];
    uint8_t payloads[PUSH_ENTRIES_MAX + 1][PAYLOAD_SALT_SIZE + 32];
    struct push_anchor anchors[3];
    size_t count;
};

/* From seq on, the clocks moving on by seeded steps; every third entry names anchor 1, every seventh another boot. */
struct fixture_log *fixture_log_new(struct sha256 *sha, uint64_t first_seq, size_t count, uint64_t seed);
void fixture_log_free(struct fixture_log *log);
/* A push of it, signed with the key, in memory that the caller frees. */
uint8_t *fixture_push(const struct fixture_log *log, const struct sign_key *key, size_t *ret_size);

#endif
