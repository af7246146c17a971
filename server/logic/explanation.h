/*
 * What one stored verdict rests on: the same case that the engine judged, collected again from a reader's connection, and
 * judged again as of the journal's last record. Read-only; for `doublecrewctl explain`.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_EXPLANATION_H
#define DOUBLECREW_SERVER_LOGIC_EXPLANATION_H

#include "server/logic/neighbourhood.h"

struct explanation {
    struct batch *batch; /* over the reader's store; nothing is written */
    const struct neighbourhood *hood;
    size_t index; /* of the presence, in the neighbourhood's arrays */
    char why[512];
};

/*
 * Within a read snapshot of the store, which must outlive the explanation. NOT_FOUND: no such presence, or its offender
 * isn't known; OVER_LIMIT: too much stands around it to be judged; the store's own.
 */
MUST_USE enum status explanation_read(struct store *store, const struct hash *presence,
                                      struct explanation *ret_explanation);
void explanation_done(struct explanation *explanation);

#endif
