/* A range of this log as signed pushes that another log can carry (C1, F2). */
#ifndef DOUBLECREW_DEVICE_RESCUE_H
#define DOUBLECREW_DEVICE_RESCUE_H

#include "device/device.h"

struct rescue_chunk {
    struct span push;
    uint64_t from_seq;
    uint64_t to_seq;
};

/*
 * Begins with the first entry from from_seq on whose body is kept: earlier ones were acknowledged long ago, and only a server
 * that was set back further misses them.
 *
 * Comes for each chunk, in order; false stops. Then exactly once with NULL: the status tells whether all went well (also OK
 * when it was stopped). A chunk is borrowed until the callback returns.
 */
typedef bool (*rescue_on_chunk)(void *context, enum status status, const struct rescue_chunk *chunk);

/* An error (NO_MEMORY, of the store): on_chunk won't come. */
MUST_USE enum status rescue_each(struct dc_device *device, uint64_t from_seq, rescue_on_chunk on_chunk, void *context);

#endif
