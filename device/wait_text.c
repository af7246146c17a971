#include "device/wait_text.h"

#include <inttypes.h>
#include <stdio.h>

static const char *ran_out_text(enum sync_wait wait)
{
    switch (wait) {
    case SYNC_WAIT_CONNECTION:
        return "No connection to the server came about in time";
    case SYNC_WAIT_WELCOME:
        return "The server didn't answer the greeting in time";
    case SYNC_WAIT_SIGNATURE:
        return "The phone's key store didn't sign in time";
    case SYNC_WAIT_ACK:
        return "The server didn't acknowledge in time what was sent";
    case SYNC_WAIT_CREDIT:
        return "The server allowed nothing to be sent for too long";
    case SYNC_WAIT_PAGE:
        return "The server's records didn't come in time";
    case SYNC_WAIT_NOTHING:
    case SYNC_WAIT_RETRY:
        break;
    }
    return status_what(STATUS_TIMEOUT);
}

static const char *reason_text(const struct sync *sync)
{
    if (sync->reason == STATUS_LOG_GAP && sync->stop == SYNC_STOP_ENROL) {
        return "The server was restored from a backup that is older than what this phone keeps";
    }
    return sync->reason == STATUS_TIMEOUT ? ran_out_text(sync->ran_out) : status_what(sync->reason);
}

const char *wait_text_advice(const struct sync *sync)
{
    if (sync->reason == STATUS_LOG_GAP && sync->stop == SYNC_STOP_ENROL) {
        return "Your evidence is safe; enrol the device again, and the new log carries what this one holds";
    }
    return status_advice(sync->reason);
}

void wait_text_reason(const struct sync *sync, char *ret_text, size_t size)
{
    snprintf(ret_text, size, "%s", reason_text(sync));
}

/* "40 s", "12 min", "2 h 10 min", "3 days": as exact as helps. */
static void duration(uint64_t ms, char *ret_text, size_t size)
{
    uint64_t minutes = ms / 60000;

    if (minutes < 2) {
        snprintf(ret_text, size, "%" PRIu64 " s", (ms + 999) / 1000);
    } else if (minutes < 120) {
        snprintf(ret_text, size, "%" PRIu64 " min", minutes);
    } else if (minutes < 48 * 60) {
        snprintf(ret_text, size, "%" PRIu64 " h %" PRIu64 " min", minutes / 60, minutes % 60);
    } else {
        snprintf(ret_text, size, "%" PRIu64 " days", minutes / (24 * 60));
    }
}

void wait_text_pending(const struct sync *sync, const struct dc_pending *pending, char *ret_text, size_t size)
{
    char when[48];

    switch (pending->reason) {
    case DC_PENDING_NOT_STARTED:
        snprintf(ret_text, size, "syncing isn't switched on");
        break;
    case DC_PENDING_CONNECTING:
        snprintf(ret_text, size, "the phone is connecting to the server");
        break;
    case DC_PENDING_RETRY:
        duration(pending->retry_in_ms, when, sizeof when);
        snprintf(ret_text, size, "%s; the next try is in %s", reason_text(sync), when);
        break;
    case DC_PENDING_QUEUED:
        snprintf(ret_text, size, "%s",
                 sync->outstanding > 0 || sync->building ? "it is behind what is being sent"
                                                         : "the server allows nothing to be sent just now");
        break;
    case DC_PENDING_SIGNING:
        snprintf(ret_text, size, "the phone's key store is signing it");
        break;
    case DC_PENDING_IN_FLIGHT:
        snprintf(ret_text, size, "it is sent, and the server hasn't confirmed it yet");
        break;
    case DC_PENDING_FORK:
        snprintf(ret_text, size, "%s", status_advice(STATUS_LOG_FORK));
        break;
    case DC_PENDING_ENROL:
    case DC_PENDING_UPDATE:
    case DC_PENDING_REFUSED:
    case DC_PENDING_LOST:
        snprintf(ret_text, size, "%s. %s", reason_text(sync), wait_text_advice(sync));
        break;
    case DC_PENDING_HELD:
        break; /* the server's word stands there */
    }
}

void wait_text_overall(uint64_t count, const struct dc_pending *oldest, char *ret_text, size_t size)
{
    char age[48];

    if (count == 0) {
        snprintf(ret_text, size, "Everything recorded on this phone is at the server.");
        return;
    }
    duration(oldest->age_ms, age, sizeof age);
    snprintf(ret_text, size, "%" PRIu64 " %s not yet at the server, the oldest for %s: %s.", count,
             count == 1 ? "entry is" : "entries are", age, oldest->text);
}
