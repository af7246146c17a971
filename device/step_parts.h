/* What the files of the sync step share, one message a file; not for others. */
#ifndef DOUBLECREW_DEVICE_STEP_PARTS_H
#define DOUBLECREW_DEVICE_STEP_PARTS_H

#include "device/sync_step.h"

/* Appends an action; the caller fills it. Capacity is a property of the code: no step adds more than SYNC_ACTIONS_MAX. */
struct sync_action *step_add(struct sync_actions *actions, enum sync_action_type type);
/* Changes phase and reason, and reports it when something changed. */
void step_enter(struct sync *sync, enum sync_phase phase, enum status reason, struct sync_actions *actions);
/* Ends the session and backs off; least_ms is the least wait (a server's retry_after), 0: by the number of failures. */
void step_back_off(struct sync *sync, const struct sync_event *event, enum status reason, uint32_t least_ms,
                   struct sync_actions *actions);
/* One more failure in a row, and what the server said, if it did. */
void step_count_failure(struct sync *sync, const struct sync_event *event);
/* Ends the session until a person does something. */
void step_close(struct sync *sync, enum status reason, struct sync_actions *actions);
/* The peer broke the protocol, or a check failed: reports it and backs off. */
void step_fail(struct sync *sync, const struct sync_event *event, enum status status, struct sync_actions *actions);
/* Starts a push when something is pending and there is credit; from then on the oldest answer has a limit. */
void step_push(struct sync *sync, const struct sync_event *event, struct sync_actions *actions);
/* One push was answered; when pushes are to go again and all that were under way are answered, they start over. */
void step_answered(struct sync *sync);
/*
 * The server says that this log is durable up to seq with this hash: takes it, or finds a fork (F2). Returns false when
 * nothing may be pushed.
 */
bool step_take_durable(struct sync *sync, const struct sync_event *event, uint64_t seq, struct span hash,
                       struct sync_actions *actions);
/*
 * A fork, and a store that was restored from a backup meanwhile (E2): it may have lost what it had acknowledged, and where the
 * copies part nobody says. Nothing counts as durable there any more, so that all that is kept is exported or carried.
 */
void step_doubt_durable(struct sync *sync, struct sync_actions *actions);

void step_welcome(struct sync *sync, const struct sync_event *event, struct sync_actions *actions);
void step_ack(struct sync *sync, const struct sync_event *event, struct sync_actions *actions);
void step_delta(struct sync *sync, const struct sync_event *event, struct sync_actions *actions);
void step_rows_checked(struct sync *sync, const struct sync_event *event, struct sync_actions *actions);
void step_flag(struct sync *sync, const struct sync_event *event, struct sync_actions *actions);
void step_purge(struct sync *sync, const struct sync_event *event, struct sync_actions *actions);
void step_error(struct sync *sync, const struct sync_event *event, struct sync_actions *actions);
void step_seal_request(struct sync *sync, const struct sync_event *event, struct sync_actions *actions);
void step_stepped(struct sync *sync, const struct sync_event *event, struct sync_actions *actions);

#endif
