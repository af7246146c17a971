/*
 * The operator's entries: every change to roster, keys, policy and caseload is one (J1), signed by an operator's device.
 *
 * Two logs, never mixed: while no server runs, entries of the set-up log (operator/local) are applied to the store itself,
 * under its lock, all in one transaction; while one runs, entries of operator/online go over the wire. Either way it is all
 * or nothing for a list of up to OPERATOR_ENTRIES_MAX entries on the store; over the wire, the device library keeps what
 * isn't acknowledged yet and sends it next time.
 */
#ifndef DOUBLECREW_ADMIN_OPERATOR_LOG_H
#define DOUBLECREW_ADMIN_OPERATOR_LOG_H

#include <protobuf-c/protobuf-c.h>

#include "admin/force_folder.h"

#define OPERATOR_ENTRIES_MAX 200000

/* A list of entries yet to be written: kinds and packed messages, owned by the list. */
struct operator_entries {
    struct operator_entry {
        uint16_t kind;
        uint8_t *message;
        size_t size;
    } * items;
    size_t count;
    size_t capacity;
};

void operator_entries_done(struct operator_entries *entries);
/* Packs the message. NO_MEMORY, OVER_LIMIT. */
MUST_USE enum status operator_entries_add(struct operator_entries *entries, uint16_t kind,
                                          const ProtobufCMessage *message);

/*
 * Writes them where they belong. Complains itself; nothing is half written on the store. TIMEOUT: a server runs and hasn't
 * acknowledged all of them; they are kept, and sent with the next command.
 */
MUST_USE enum status operator_entries_write(const struct force_folder *folder, const struct force_facts *facts,
                                            const struct operator_entries *entries);

/* For init: the first entries of a new force, on a store that is empty, at now_ms. Complains itself. */
MUST_USE enum status operator_entries_found(const struct force_folder *folder, const struct operator_entries *entries,
                                            int64_t now_ms);

#endif
