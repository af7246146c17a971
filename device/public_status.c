#include "device/public_status.h"

#include <stddef.h>

#define SAME(name)                                                                                                     \
    {                                                                                                                  \
        STATUS_##name, DC_##name                                                                                       \
    }

static const struct {
    enum status own;
    enum dc_status public;
} pairs[] = {
    SAME(OK),
    SAME(NO_MEMORY),
    SAME(OVER_LIMIT),
    SAME(MALFORMED),
    SAME(MISSING_FIELD),
    SAME(BAD_LENGTH),
    SAME(UNKNOWN_KIND),
    SAME(BAD_SIGNATURE),
    SAME(BAD_CHAIN),
    SAME(LOG_GAP),
    SAME(LOG_FORK),
    SAME(UNKNOWN_LOG),
    SAME(UNKNOWN_DEVICE),
    SAME(UNKNOWN_OFFICER),
    SAME(UNKNOWN_TEAM),
    SAME(UNKNOWN_OFFENDER),
    SAME(UNKNOWN_ANCHOR),
    SAME(DEVICE_REVOKED),
    SAME(DEVICE_SUSPENDED),
    SAME(NOT_PERMITTED),
    SAME(PROTOCOL_ORDER),
    SAME(PROTOCOL_VERSION),
    SAME(OVER_CREDIT),
    SAME(BUSY),
    SAME(SLOW_READER),
    SAME(STOPPING),
    SAME(CLOCK_TROUBLE),
    SAME(IO),
    SAME(DISK_FULL),
    SAME(STORE),
    SAME(STORE_BUSY),
    SAME(STORE_VERSION),
    SAME(STORE_MODE),
    SAME(EXISTS),
    SAME(NOT_FOUND),
    SAME(CONFIG),
    SAME(INPUT),
    SAME(TLS),
    SAME(NETWORK),
    SAME(TIMEOUT),
    SAME(CANCELLED),
    SAME(INTERNAL),
    SAME(STORAGE_KEY),
    SAME(DIVERGED),
    SAME(ROWS_DIFFER),
    SAME(SEALED),
    SAME(LOG_LOST),
    SAME(ENGINE_NEWER),
    SAME(STORE_SLOW),
    SAME(ENGINE_OLDER),
    SAME(STORE_BEHIND),
    SAME(NEW_EPOCH),
    SAME(CODE_STALE),
    SAME(CODE_USED),
    SAME(CODE_ELSEWHERE),
    SAME(CODE_OWN),
    SAME(NOT_ENTITLED),
    SAME(OWN_VISIT),
    SAME(WORDS_MISSING),
    SAME(NOT_IN_CHARGE),
    SAME(OWN_COVER),
};

enum dc_status public_status(enum status status)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i].own == status) {
            return pairs[i].public;
        }
    }
    return DC_INTERNAL;
}

enum status status_from_public(enum dc_status status)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i].public == status) {
            return pairs[i].own;
        }
    }
    return STATUS_INTERNAL;
}

const char *dc_status_name(enum dc_status status)
{
    return status_name(status_from_public(status));
}

const char *dc_status_what(enum dc_status status)
{
    return status_what(status_from_public(status));
}

const char *dc_status_advice(enum dc_status status)
{
    return status_advice(status_from_public(status));
}
