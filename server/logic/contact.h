/*
 * What a session tells of its device's contact with the server (P7), and how it changes the device's row. The notes are
 * gathered by the loop and written by the writer in a transaction of their own: no Ack ever waits for them.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_CONTACT_H
#define DOUBLECREW_SERVER_LOGIC_CONTACT_H

#include "server/logic/store.h"

/* Written at once: bounds one transaction. */
#define CONTACT_NOTES_MAX 512

/* Since the session's last note; times on the server's axis. */
struct contact_note {
    struct hash certificate_key_hash; /* says whose contact it is: a session may fail before the device is known */
    int64_t at_us;
    bool hello; /* it said Hello: the five below are its words */
    uint32_t failures;
    uint32_t failing_code;
    uint32_t pending_reason;
    int64_t pending_since_ms;
    char app_version[40];
    bool pending_known;
    uint32_t pending_entries;
    int64_t push_us; /* of the last Ack; 0: none */
    bool recovered;  /* an Ack or a complete feed; what follows counts from there */
    uint32_t errors; /* told */
    int64_t error_us;
    enum status error; /* the last one told */
};

/* Pure. */
void contact_apply(const struct contact_note *note, struct contact_row *row);

/*
 * Applies the notes in order, in one transaction of its own; those of devices that aren't enrolled are passed over. The
 * writer's store, with nothing begun.
 */
MUST_USE enum status contacts_write(struct store *store, const struct contact_note *notes, size_t count);

#endif
