#include "server/edge/admission.h"

void admission_init(struct admission *admission, unsigned rate, unsigned burst, uint64_t seed)
{
    *admission = (struct admission){.interval_us = 1000000 / (int64_t)rate, .chance = seed | 1};
    admission->burst_us = admission->interval_us * (int64_t)burst;
}

/* The generic cell rate algorithm: paid_us is the theoretical time of the next one. */
bool admission_ask(struct admission *admission, int64_t now_us)
{
    int64_t paid_us = admission->paid_us > now_us ? admission->paid_us : now_us;

    if (paid_us + admission->interval_us > now_us + admission->burst_us)
        return false;
    admission->paid_us = paid_us + admission->interval_us;
    return true;
}

/* Turns lie an interval apart; a little chance on top keeps those given in one instant from meeting again. */
uint32_t admission_turn_ms(struct admission *admission, int64_t now_us)
{
    int64_t first_us = now_us + (int64_t)ADMISSION_RETRY_MIN_MS * 1000;
    int64_t wait_ms;

    admission->promised_us += admission->interval_us;
    if (admission->promised_us < first_us)
        admission->promised_us = first_us;
    admission->chance ^= admission->chance << 13;
    admission->chance ^= admission->chance >> 7;
    admission->chance ^= admission->chance << 17;
    wait_ms = (admission->promised_us - now_us) / 1000;
    if (wait_ms > ADMISSION_RETRY_MAX_MS)
        wait_ms = ADMISSION_RETRY_MAX_MS;
    return (uint32_t)(wait_ms + (int64_t)(admission->chance % (uint64_t)(wait_ms / 8 + 1)));
}
