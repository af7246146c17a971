/*
 * A copy of the store to look at in peace while the server goes on: in a folder of its own within the force's, removed
 * afterwards.
 */
#ifndef DOUBLECREW_ADMIN_SNAPSHOT_H
#define DOUBLECREW_ADMIN_SNAPSHOT_H

#include "admin/force_folder.h"
#include "server/logic/store.h"

struct snapshot {
    char scratch[PATH_SIZE];
    char rebuilt[PATH_SIZE]; /* where a rebuilt store may be made */
    struct store *store;     /* the copy, for reading */
    struct store_head head;
};

/* Complains itself. */
MUST_USE enum status snapshot_take(const struct force_folder *folder, struct snapshot *ret_snapshot);
void snapshot_done(struct snapshot *snapshot);

/* rebuild_check.c: replays the journal into a fresh store, compares, prints what it found. */
MUST_USE enum status rebuild_compare(const struct snapshot *snapshot, bool *ret_same);

#endif
