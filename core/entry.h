/*
 * One entry of a device's log (DESIGN.md S1): a header of fixed layout, and a payload.
 *
 * Hashed layout, integers big-endian, 166 bytes:
 *   "DCE1" | log 16 | seq 8 | previous hash 32 | checkpoint hash 32 | checkpoint received 8 | boot 16 | monotonic 8 |
 *   wall 8 | kind 2 | payload hash 32
 * The entry's hash is SHA-256 of these bytes; the payload's hash is SHA-256 of the payload as received.
 * The head statement that a device signs, 64 bytes: "DCHEAD1\0" | log 16 | seq 8 | hash 32.
 */
#ifndef DOUBLECREW_CORE_ENTRY_H
#define DOUBLECREW_CORE_ENTRY_H

#include "core/bytes.h"
#include "core/sha256.h"
#include "core/sign.h"

#define ENTRY_HEADER_SIZE 166
#define HEAD_STATEMENT_SIZE 64
#define PAYLOAD_SALT_SIZE 16

struct entry_header {
    struct id log;
    uint64_t seq; /* 1, 2, 3 ... */
    struct hash previous;
    struct hash checkpoint; /* SHA-256 of the anchor's text; zero: none seen yet */
    uint64_t
        checkpoint_received_ms; /* m_r, on the monotonic clock of the boot that the anchor names; 0 with no anchor */
    struct id boot;
    uint64_t monotonic_ms;
    int64_t wall_ms;
    uint16_t kind; /* EntryKind of entry.proto */
    struct hash payload_hash;
};

/* A header, its hash, and its payload; the payload is borrowed from the message that it came in. */
struct entry {
    struct entry_header header;
    struct hash hash;
    struct span payload; /* salt and message */
};

void entry_header_encode(const struct entry_header *header, uint8_t ret_bytes[ENTRY_HEADER_SIZE]);
/* MALFORMED when the magic is wrong. */
MUST_USE enum status entry_header_decode(const uint8_t bytes[ENTRY_HEADER_SIZE], struct entry_header *ret_header);

/* Fills header.payload_hash and hash from the rest. BAD_LENGTH when the payload has no salt, OVER_LIMIT when too large. */
MUST_USE enum status entry_seal(struct sha256 *sha, struct entry *entry);

/* The message within the payload (without the salt); borrowed. */
struct span entry_message(const struct entry *entry);

void head_statement_encode(const struct id *log, uint64_t seq, const struct hash *hash,
                           uint8_t ret_bytes[HEAD_STATEMENT_SIZE]);

#endif
