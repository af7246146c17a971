#include "server/edge/handshakes.h"

#include <stdlib.h>

struct handshake *handshake_begin(struct handshakes *handshakes, void *peer, uint64_t now_ms)
{
    struct handshake *handshake = malloc(sizeof(*handshake));

    if (handshake == NULL)
        return NULL;
    *handshake = (struct handshake){.older = handshakes->newest, .peer = peer, .since_ms = now_ms};
    if (handshakes->newest == NULL)
        handshakes->oldest = handshake;
    else
        handshakes->newest->newer = handshake;
    handshakes->newest = handshake;
    handshakes->count++;
    return handshake;
}

void handshake_end(struct handshakes *handshakes, struct handshake *handshake)
{
    if (handshake == NULL)
        return;
    if (handshake->older == NULL)
        handshakes->oldest = handshake->newer;
    else
        handshake->older->newer = handshake->newer;
    if (handshake->newer == NULL)
        handshakes->newest = handshake->older;
    else
        handshake->newer->older = handshake->older;
    handshakes->count--;
    free(handshake);
}

bool handshakes_are_full(const struct handshakes *handshakes)
{
    return handshakes->count >= HANDSHAKES_MAX;
}

void *handshakes_overdue(const struct handshakes *handshakes, uint64_t now_ms)
{
    if (!handshakes_are_full(handshakes) || now_ms - handshakes->oldest->since_ms < HANDSHAKE_PATIENCE_MS)
        return NULL;
    return handshakes->oldest->peer;
}
