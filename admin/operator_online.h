/* Operators' entries over the wire, while a server runs: an ordinary device with the public library. */
#ifndef DOUBLECREW_ADMIN_OPERATOR_ONLINE_H
#define DOUBLECREW_ADMIN_OPERATOR_ONLINE_H

#include "admin/operator_log.h"

/*
 * Writes and waits until all is acknowledged. Complains itself. TIMEOUT: kept, and sent with the next call. NOT_PERMITTED: the
 * server holds some of it. NETWORK: the device could not be used, nothing was sent.
 */
MUST_USE enum status operator_online_write(const struct force_folder *folder, const struct force_facts *facts,
                                           const struct operator_entries *entries);

/*
 * Before a command that writes: what an earlier one couldn't send goes first, or the roster that this one reads would be old.
 * Complains itself; not OK: write nothing.
 */
MUST_USE enum status operator_online_settle(const struct force_folder *folder, const struct force_facts *facts);

#endif
