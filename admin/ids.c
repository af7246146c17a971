#include "admin/ids.h"

#include <openssl/rand.h>

static uint64_t next(struct id_source *source)
{
    uint64_t z = source->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t id_source_below(struct id_source *source, uint64_t bound)
{
    return next(source) % bound; /* bias below 2^-40 for the small bounds used here */
}

enum status id_fresh(struct id_source *source, struct id *ret_id)
{
    if (!source->seeded)
        return RAND_bytes(ret_id->bytes, ID_SIZE) == 1 ? STATUS_OK : STATUS_INTERNAL;
    put_u64(ret_id->bytes, next(source));
    put_u64(ret_id->bytes + 8, next(source));
    return STATUS_OK;
}
