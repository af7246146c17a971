/*
 * Whether a visit waits for a device's log (W1, W3). Pure; for session_read.c, inside its snapshot.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_SESSION_SEAL_READ_H
#define DOUBLECREW_SERVER_LOGIC_SESSION_SEAL_READ_H

#include "server/logic/session_read.h"

/* Visits that one read looks at: those since the log's watermark whose verdict looks at it. */
#define SEAL_VISITS_MAX 4096

/* hello->time_us is the time of asking. In clock trouble no seal is wanted (T5). */
MUST_USE enum status session_seal_read(struct session_reader *reader, const struct device_row *device,
                                       const struct session_hello *hello, struct session_seal *ret_seal);

/* session_read.c: an anchor over the head for a Hello's clock; size 0 in clock trouble. */
MUST_USE enum status session_anchor_sign(struct session_reader *reader, const struct store_head *head,
                                         const struct session_hello *hello, char ret_text[CHECKPOINT_TEXT_MAX],
                                         size_t *ret_size);

#endif
