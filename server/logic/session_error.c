/*
 * Every error of the wire, from one table: which code a status has, what the device should do, whether the connection
 * ends, and with which WebSocket close code.
 */
#include "server/logic/session_internal.h"

/* Times of retry: at least the base, at most the base and as much again. */
#define RETRY_SOON_MS 1000u
#define RETRY_LATER_MS 5000u

/* RFC 6455, 7.4.1. */
enum close_code {
    CLOSE_GOING_AWAY = 1001,
    CLOSE_UNSUPPORTED = 1003,
    CLOSE_POLICY = 1008,
    CLOSE_TOO_BIG = 1009,
    CLOSE_INTERNAL = 1011,
    CLOSE_LATER = 1013
};

struct error_row {
    enum status status;
    Doublecrew__V1__ErrorCode code;
    Doublecrew__V1__Remedy remedy;
    bool closes;
    uint32_t retry_base_ms;
    uint16_t close_code;
};

#define ROW(status, code, remedy, closes, retry_ms, close)                                                             \
    {                                                                                                                  \
        STATUS_##status, DOUBLECREW__V1__ERROR_CODE__ERROR_CODE_##code, DOUBLECREW__V1__REMEDY__REMEDY_##remedy,       \
            closes, retry_ms, close                                                                                    \
    }

static const struct error_row rows[] = {
    ROW(MALFORMED, MALFORMED, STOP, false, 0, CLOSE_POLICY),
    ROW(UNKNOWN_KIND, MALFORMED, STOP, false, 0, CLOSE_UNSUPPORTED),
    ROW(INPUT, MALFORMED, STOP, false, 0, CLOSE_POLICY),
    ROW(OVER_LIMIT, TOO_LARGE, STOP, false, 0, CLOSE_TOO_BIG),
    ROW(PROTOCOL_VERSION, PROTOCOL_VERSION, UPDATE, true, 0, CLOSE_POLICY),
    ROW(PROTOCOL_ORDER, PROTOCOL_ORDER, RETRY_AFTER, true, RETRY_LATER_MS, CLOSE_POLICY),
    ROW(TIMEOUT, PROTOCOL_ORDER, RETRY_AFTER, true, RETRY_LATER_MS, CLOSE_POLICY),
    ROW(MISSING_FIELD, MISSING_FIELD, STOP, false, 0, CLOSE_POLICY),
    ROW(BAD_LENGTH, BAD_LENGTH, STOP, false, 0, CLOSE_POLICY),
    ROW(BAD_SIGNATURE, BAD_SIGNATURE, ENROL_AGAIN, false, 0, CLOSE_POLICY),
    ROW(BAD_CHAIN, BAD_CHAIN, SEND_FROM, false, 0, CLOSE_POLICY),
    ROW(LOG_GAP, LOG_GAP, SEND_FROM, false, 0, CLOSE_POLICY),
    ROW(LOG_FORK, LOG_FORK, ENROL_AGAIN, false, 0, CLOSE_POLICY),
    ROW(UNKNOWN_LOG, UNKNOWN_LOG, ENROL_AGAIN, false, 0, CLOSE_POLICY),
    ROW(UNKNOWN_DEVICE, UNKNOWN_DEVICE, ENROL_AGAIN, true, 0, CLOSE_POLICY),
    ROW(UNKNOWN_ANCHOR, UNKNOWN_ANCHOR, SEND_FULL_ANCHORS, false, 0, CLOSE_POLICY),
    ROW(DEVICE_REVOKED, DEVICE_REVOKED, STOP, true, 0, CLOSE_POLICY),
    /* The session ends so that the next Welcome tells the new standing: from then on the device may only push. */
    ROW(DEVICE_SUSPENDED, DEVICE_SUSPENDED, RETRY_AFTER, true, RETRY_SOON_MS, CLOSE_POLICY),
    ROW(NOT_PERMITTED, NOT_PERMITTED, STOP, false, 0, CLOSE_POLICY),
    ROW(UNKNOWN_OFFICER, NOT_PERMITTED, STOP, false, 0, CLOSE_POLICY),
    ROW(UNKNOWN_TEAM, NOT_PERMITTED, STOP, false, 0, CLOSE_POLICY),
    ROW(UNKNOWN_OFFENDER, NOT_PERMITTED, STOP, false, 0, CLOSE_POLICY),
    ROW(EXISTS, NOT_PERMITTED, STOP, false, 0, CLOSE_POLICY),
    ROW(NOT_FOUND, NOT_PERMITTED, STOP, false, 0, CLOSE_POLICY),
    ROW(OVER_CREDIT, OVER_CREDIT, RETRY_AFTER, false, RETRY_SOON_MS, CLOSE_POLICY),
    ROW(BUSY, BUSY, RETRY_AFTER, false, RETRY_LATER_MS, CLOSE_LATER),
    ROW(SLOW_READER, SLOW_READER, RETRY_AFTER, true, RETRY_SOON_MS, CLOSE_POLICY),
    ROW(STOPPING, STOPPING, RETRY_AFTER, true, RETRY_SOON_MS, CLOSE_GOING_AWAY),
    ROW(IO, STORE, RETRY_AFTER, false, RETRY_LATER_MS, CLOSE_INTERNAL),
    ROW(DISK_FULL, STORE, RETRY_AFTER, false, RETRY_LATER_MS, CLOSE_INTERNAL),
    ROW(STORE, STORE, RETRY_AFTER, false, RETRY_LATER_MS, CLOSE_INTERNAL),
    ROW(NO_MEMORY, STORE, RETRY_AFTER, false, RETRY_LATER_MS, CLOSE_INTERNAL),
    ROW(STORE_BEHIND, STORE, RETRY_AFTER, false, RETRY_LATER_MS, CLOSE_INTERNAL),
    ROW(STORE_SLOW, STORE, RETRY_AFTER, true, RETRY_LATER_MS, CLOSE_INTERNAL),
    ROW(STORE_BUSY, STORE, RETRY_AFTER, false, RETRY_LATER_MS, CLOSE_INTERNAL),
    ROW(CLOCK_TROUBLE, CLOCK_TROUBLE, RETRY_AFTER, false, RETRY_LATER_MS, CLOSE_LATER),
    /* The last: every status that no peer should ever see. */
    ROW(INTERNAL, INTERNAL, RETRY_AFTER, true, RETRY_LATER_MS, CLOSE_INTERNAL),
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct error_row *row_of(enum status status)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].status == status)
            return &rows[i];
    }
    return &rows[ROW_COUNT - 1];
}

/* xorshift64: only spreads retries. */
static uint32_t retry_after_ms(struct session *session, uint32_t base_ms)
{
    if (session->retry_after_ms != 0)
        return session->retry_after_ms;
    if (base_ms == 0)
        return 0;
    session->jitter ^= session->jitter << 13;
    session->jitter ^= session->jitter >> 7;
    session->jitter ^= session->jitter << 17;
    return base_ms + (uint32_t)(session->jitter % base_ms);
}

static void end(struct session *session, struct session_update *update, const struct error_row *row, enum status status)
{
    struct session_action *action = session_act(update, SESSION_CLOSE);

    action->close.status = status;
    action->close.code = row->close_code;
    session_flags_drop(session);
    session_move(session, SESSION_CLOSING);
}

void session_close(struct session *session, struct session_update *update, enum status status)
{
    if (session->state != SESSION_CLOSING)
        end(session, update, row_of(status), status);
}

/* Status and advice are of the status, not of the code: several statuses share a code. */
static void tell(struct session *session, struct session_update *update, const struct error_row *row,
                 enum status status, bool closes)
{
    Doublecrew__V1__ServerMessage message = DOUBLECREW__V1__SERVER_MESSAGE__INIT;
    Doublecrew__V1__Error error = DOUBLECREW__V1__ERROR__INIT;
    enum status shown = row->status == status ? status : row->status;

    error.code = row->code;
    error.message = (char *)(uintptr_t)status_what(shown); /* protobuf-c's strings aren't const; packing reads only */
    error.advice = (char *)(uintptr_t)status_advice(shown);
    error.remedy = row->remedy;
    error.retry_after_ms = retry_after_ms(session, row->retry_base_ms);
    error.durable_seq = session->durable_seq;
    if (session->durable_seq > 0)
        error.durable_hash = (ProtobufCBinaryData){HASH_SIZE, session->durable_hash.bytes};
    error.closes = closes;
    message.message_case = DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR;
    message.error = &error;
    session_send_message(session, update, &message);
}

void session_fail(struct session *session, struct session_update *update, enum status status, bool closes)
{
    const struct error_row *row = row_of(status);
    struct session_action *report = session_act(update, SESSION_REPORT);

    report->report.status = status;
    session_contact_failed(session, status);
    closes = closes || row->closes || ++session->strikes >= SESSION_STRIKES_MAX;
    tell(session, update, row, status, closes);
    if (closes && session->state != SESSION_CLOSING)
        end(session, update, row, status);
}
