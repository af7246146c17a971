/* TrainingStepped: the answer to TrainingStep. */
#include "device/step_parts.h"

void step_stepped(struct sync *sync, const struct sync_event *event, struct sync_actions *actions)
{
    (void)sync;
    step_add(actions, SYNC_ACTION_STEPPED)->stepped = event->message->training_stepped;
}
