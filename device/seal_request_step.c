/* SealRequest: "were you there? If not, say that your log is complete." The officer is asked first (W1). */
#include "device/step_parts.h"

void step_seal_request(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    const Doublecrew__V1__SealRequest *request = event->message->seal_request;
    struct span text = span_of(request->anchor.data, request->anchor.len);
    struct anchor_binding binding = {
        .log = sync->config.log, .boot = sync->hello_boot, .monotonic_ms = sync->hello_monotonic_ms};
    struct checkpoint checkpoint;
    struct sync_action *action;
    enum status status = anchor_open(sync->verifier, text, &binding, &checkpoint);

    if (status == STATUS_OK && sync->has_checkpoint && id_equal(&checkpoint.epoch, &sync->checkpoint.epoch) &&
        checkpoint.size < sync->checkpoint.size) {
        status = STATUS_DIVERGED;
    }
    if (status != STATUS_OK) {
        step_fail(sync, event, status, actions);
        return;
    }
    action = step_add(actions, SYNC_ACTION_STORE_ANCHOR);
    action->text = text;
    action->proved =
        false; /* it comes without a proof: entries may name it, the next Welcome's proof starts before it */
    step_add(actions, SYNC_ACTION_PROMPT);
    if (!sync->config.seal_never) {
        sync->seal_at_ms = event->now.timer_ms + sync->config.seal_delay_ms;
    }
}
