/*
 * Checkpoints of one key that needn't be verified again: a phone comes back with the text that it was given last time, and
 * checking its signature is most of what greeting it costs (some 100 us). One thread's; empty in a new process.
 *
 * Security: what is kept is the SHA-256 of whole texts, signature included, and only of texts that this process has signed or
 * verified with that key. A text that differs in one byte isn't known. One memory is never used for two keys.
 */
#ifndef DOUBLECREW_CORE_CHECKPOINT_MEMORY_H
#define DOUBLECREW_CORE_CHECKPOINT_MEMORY_H

#include "core/checkpoint.h"

struct checkpoint_memory;

MUST_USE enum status checkpoint_memory_new(struct checkpoint_memory **ret_memory);
void checkpoint_memory_free(struct checkpoint_memory *memory);
/* memory NULL: nothing is remembered. The newest text of a place takes it (CHECKPOINTS_REMEMBERED). */
void checkpoint_memory_add(struct checkpoint_memory *memory, struct sha256 *sha, struct span text);
bool checkpoint_memory_knows(const struct checkpoint_memory *memory, struct sha256 *sha, struct span text);
/* As checkpoint_open; known texts are only read, others are known from then on. */
MUST_USE enum status checkpoint_memory_open(struct checkpoint_memory *memory, struct sha256 *sha, struct span text,
                                            const struct public_key *public_key, struct verify_key *key,
                                            struct checkpoint *ret_checkpoint);

#endif
