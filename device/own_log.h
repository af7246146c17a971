/* What this log itself says: opened entries, and the state of one field as far as it is known here. */
#ifndef DOUBLECREW_DEVICE_OWN_LOG_H
#define DOUBLECREW_DEVICE_OWN_LOG_H

#include "core/limits.h"
#include "device/device.h"
#include "doublecrew/v1/entry.pb-c.h"

/* An entry with its message opened. Borrowed until the callback returns; false stops. */
typedef bool (*own_on_entry)(void *context, const struct entry *entry, const ProtobufCMessage *message);
/* Entries of one kind (0: of every kind), by rising seq. Entries whose message doesn't open are passed over. */
MUST_USE enum status own_each(struct dc_device *device, uint16_t kind, own_on_entry on_entry, void *context);

/* The heads of a field and the additions of one member, from the server's row and from own edits since. */
struct own_field {
    struct hash heads[LIST_MAX];
    size_t head_count;
    struct hash additions[LIST_MAX];
    size_t addition_count;
};

MUST_USE enum status own_field_read(struct dc_device *device, const struct dc_subject *subject, const char *field,
                                    const char *member, struct own_field *ret_field);

/* An own edit of a field that the server's row doesn't hold yet. */
typedef bool (*own_on_edit)(void *context, const struct entry *entry, const Doublecrew__V1__Edit *edit,
                            const Doublecrew__V1__FieldEdit *field);
MUST_USE enum status own_each_field_edit(struct dc_device *device, const struct dc_subject *subject,
                                         own_on_edit on_edit, void *context);

#endif
