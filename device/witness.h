/*
 * The fleet as the witness (K1): a checkpoint that a partner's carried entry names is kept, shown to the server at the next
 * Hello, and forgotten once the server has proved that its journal goes on from it.
 */
#ifndef DOUBLECREW_DEVICE_WITNESS_H
#define DOUBLECREW_DEVICE_WITNESS_H

#include "device/device.h"
#include "doublecrew/v1/sync.pb-c.h"

/* Texts for one Hello; the message borrows them. */
struct witness_texts {
    uint8_t texts[SYNC_WITNESSES_MAX][STORE_STATE_SIZE_MAX];
    ProtobufCBinaryData list[SYNC_WITNESSES_MAX];
};

/* Within the caller's transaction. One that the force's server didn't sign isn't kept, and none when text is empty. */
MUST_USE enum status witness_keep(struct dc_device *device, struct span text);
/* Fills the message's witnesses in, and notes in device->sync which were shown. */
MUST_USE enum status witness_show(struct dc_device *device, struct witness_texts *texts, Doublecrew__V1__Hello *hello);
/* What this session's Hello showed is proved. Within the caller's transaction. */
MUST_USE enum status witness_forget(struct dc_device *device);

#endif
