/* From public structs to messages of entry.proto; what is returned borrows what was given. */
#ifndef DOUBLECREW_DEVICE_MESSAGES_H
#define DOUBLECREW_DEVICE_MESSAGES_H

#include "device/device.h"
#include "doublecrew/v1/entry.pb-c.h"

ProtobufCBinaryData message_bytes(const void *data, size_t size);
char *message_text(const char *text);                         /* NULL: empty */
ProtobufCBinaryData message_id(const struct dc_id *id);       /* NULL or zero: empty */
ProtobufCBinaryData message_hash(const struct dc_hash *hash); /* the same */
ProtobufCBinaryData message_subject(const struct dc_subject *subject);
/* Appends and hands out the hash (ret_entry may be NULL), as every fact does. */
MUST_USE enum dc_status message_state(struct dc_device *device, uint16_t kind, const ProtobufCMessage *message,
                                      struct dc_hash *ret_entry);
/* NULL when the place isn't known. */
Doublecrew__V1__Place *message_place(const struct dc_place *place, Doublecrew__V1__Place *ret_place);

/* A check-in and what it points to; don't copy. */
struct message_check_in {
    Doublecrew__V1__CheckIn message;
    Doublecrew__V1__Place place;
    ProtobufCBinaryData named[DC_NAMED_MAX];
};

/* By this device's officer. false: too many names. */
bool message_check_in(const struct dc_device *device, const struct dc_check_in *check_in,
                      struct message_check_in *ret_message);

#endif
