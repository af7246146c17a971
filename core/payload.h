/*
 * What a kind of entry must hold: opening an entry's message, with its lengths, counts and values checked.
 *
 * Never reject evidence at sync: the server keeps an entry whose payload fails here, and holds it with the reason. So a
 * result is information, not a refusal. A kind or an enum value that this version doesn't know is UNKNOWN_KIND: it takes
 * effect after an upgrade (P5).
 */
#ifndef DOUBLECREW_CORE_PAYLOAD_H
#define DOUBLECREW_CORE_PAYLOAD_H

#include "core/wire.h"

/*
 * Scans, unpacks into the arena and checks the message of an entry (entry_message: without the salt). The caller casts the
 * result to the kind's type. UNKNOWN_KIND, MISSING_FIELD (absent where it must stand), BAD_LENGTH (ids, hashes, keys),
 * OVER_LIMIT (texts, lists), MALFORMED (not a message; a place off the globe; a window that ends before it begins; fields
 * that exclude each other), NO_MEMORY.
 */
MUST_USE enum status payload_open(struct arena *arena, uint16_t kind, struct span message,
                                  ProtobufCMessage **ret_message);
/* The check alone, for a message made here. INPUT when the message isn't of the kind's type. */
MUST_USE enum status payload_check(uint16_t kind, const ProtobufCMessage *message);
/* The message type of a kind; NULL for kinds that this version doesn't know. */
const ProtobufCMessageDescriptor *payload_descriptor(uint16_t kind);

#endif
