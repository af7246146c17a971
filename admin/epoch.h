/* Signing for a new epoch (E2). */
#ifndef DOUBLECREW_ADMIN_EPOCH_H
#define DOUBLECREW_ADMIN_EPOCH_H

#include "admin/force_folder.h"
#include "core/sign.h"
#include "server/logic/batch.h"

/* path: NULL is the operator's own, in the force's folder. Complains itself. */
MUST_USE enum status epoch_key_read(const struct force_folder *folder, const char *path, struct sign_key **ret_key);
/* The batch's journal goes on from here. Complains itself. */
MUST_USE enum status epoch_begin(struct batch *batch, const struct sign_key *key);
/* The time that a command on a stopped server works with. */
int64_t epoch_now_us(const struct store_head *head);

#endif
