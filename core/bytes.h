/*
 * Borrowed spans of bytes and fixed-size identifiers.
 *
 * A span is borrowed until the call that receives it returns, unless its header says otherwise. Nothing here allocates.
 */
#ifndef DOUBLECREW_CORE_BYTES_H
#define DOUBLECREW_CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

#define ID_SIZE 16
#define HASH_SIZE 32

/* Read-only bytes that somebody else owns. data may be NULL when size is 0. */
struct span {
    const uint8_t *data;
    size_t size;
};

/* Officer, offender, device, log, team, plan, boot: 16 random bytes, compared as bytes, shown as hex. */
struct id {
    uint8_t bytes[ID_SIZE];
};

/* SHA-256: the identity of an entry, and so of a presence. */
struct hash {
    uint8_t bytes[HASH_SIZE];
};

struct span span_of(const void *data, size_t size);
bool span_equal(struct span a, struct span b);

bool id_is_zero(const struct id *id);
int id_compare(const struct id *a, const struct id *b);
bool id_equal(const struct id *a, const struct id *b);
int hash_compare(const struct hash *a, const struct hash *b);
bool hash_equal(const struct hash *a, const struct hash *b);
bool hash_is_zero(const struct hash *hash);

/* BAD_LENGTH unless the span has exactly ID_SIZE (HASH_SIZE) bytes. */
MUST_USE enum status id_from_span(struct span span, struct id *ret_id);
MUST_USE enum status hash_from_span(struct span span, struct hash *ret_hash);

/* Lower-case hex with a final NUL: text must hold 2 * size + 1 bytes. */
void hex_encode(struct span bytes, char *ret_text);
/* Reads exactly 2 * size hex digits; MALFORMED otherwise. */
MUST_USE enum status hex_decode(const char *text, size_t size, uint8_t *ret_bytes);

/* Big-endian integers, as every hashed layout of Doublecrew writes them. */
void put_u16(uint8_t *at, uint16_t value);
void put_u32(uint8_t *at, uint32_t value);
void put_u64(uint8_t *at, uint64_t value);
uint16_t get_u16(const uint8_t *at);
uint32_t get_u32(const uint8_t *at);
uint64_t get_u64(const uint8_t *at);

#endif
