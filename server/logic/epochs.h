/*
 * Where a checkpoint that a peer shows stands against a store's epochs (E2). Any store connection, within a read snapshot or
 * on the writer's thread.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_EPOCHS_H
#define DOUBLECREW_SERVER_LOGIC_EPOCHS_H

#include "core/checkpoint.h"
#include "core/epoch.h"
#include "core/wire.h"
#include "server/logic/store.h"

/* Statements that one Welcome brings; a device that missed more epochs gets the last ones. */
#define EPOCHS_SHOWN_MAX 16

enum epoch_place {
    EPOCH_SAME,     /* of the present epoch, and we hold all of it */
    EPOCH_EARLIER,  /* of an epoch that this journal had; kept_size records of it are here still */
    EPOCH_GIVEN_UP, /* of none that it had, signed before the operator's last statement: that gave it up */
    EPOCH_BEYOND    /* we signed more than this store holds: it was set back, and nobody has signed for that */
};

struct epoch_look {
    enum epoch_place place;
    uint64_t kept_size;                                         /* SAME: the head's */
    uint8_t statements[EPOCHS_SHOWN_MAX][EPOCH_STATEMENT_SIZE]; /* that ended it and the later ones; all, if given up */
    size_t statement_count;
};

/* held: its signature has been checked, and it is of the head's force. */
MUST_USE enum status epochs_look(struct store *store, struct sha256 *sha, struct arena *arena,
                                 const struct store_head *head, const struct checkpoint *held,
                                 struct epoch_look *ret_look);

#endif
