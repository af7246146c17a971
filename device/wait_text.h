/* Sentences on what is waited for, and for how long (P7): plain English, for an officer's screen. */
#ifndef DOUBLECREW_DEVICE_WAIT_TEXT_H
#define DOUBLECREW_DEVICE_WAIT_TEXT_H

#include "device/device.h"

/* Why the sync isn't online, or why nothing moves; never empty. */
void wait_text_reason(const struct sync *sync, char *ret_text, size_t size);
/* What to do about it; static. */
const char *wait_text_advice(const struct sync *sync);
/* Why an entry isn't acknowledged. */
void wait_text_pending(const struct sync *sync, const struct dc_pending *pending, char *ret_text, size_t size);
/* The whole: how many, the oldest for how long, why. */
void wait_text_overall(uint64_t count, const struct dc_pending *oldest, char *ret_text, size_t size);

#endif
