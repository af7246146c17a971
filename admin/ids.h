/* Fresh identifiers: from libcrypto's generator, or, in a training force seeded by a number, from that number. */
#ifndef DOUBLECREW_ADMIN_IDS_H
#define DOUBLECREW_ADMIN_IDS_H

#include <stdbool.h>

#include "core/bytes.h"

struct id_source {
    bool seeded;
    uint64_t state;
};

/* INTERNAL when the generator fails. */
MUST_USE enum status id_fresh(struct id_source *source, struct id *ret_id);
/* The next number of a seeded source (splitmix64, Steele, Lea and Flood 2014), below `bound` (not 0). */
uint64_t id_source_below(struct id_source *source, uint64_t bound);

#endif
