/*
 * The verdict before the server has one: the same rule (core/rule.h) over the own log and the rows known here. It decides
 * nothing; it says what it waits for.
 */
#ifndef DOUBLECREW_DEVICE_PREVIEW_H
#define DOUBLECREW_DEVICE_PREVIEW_H

#include "device/device.h"

/* Texts lie in device->texts: valid until the next preview. NOT_FOUND: no check-in of this log, or no longer kept. */
MUST_USE enum status preview_presence(struct dc_device *device, const struct hash *presence,
                                      struct dc_presence *ret_presence);

/* Is the entry about a visit of this phone, and newer than what the server's rows reflect? message: opened. */
bool preview_is_news(const struct dc_device *device, const struct entry *entry, const ProtobufCMessage *message,
                     struct hash *ret_presence);

/* The longest of the policies' longest visits, by the rows known here; the default without any. */
MUST_USE enum status preview_longest_visit(struct dc_device *device, int64_t *ret_longest_us);
/* It is not earlier than this, by the newest anchor of this boot (T1). false: there is none. */
bool preview_proven_now(struct dc_device *device, struct sync_now now, int64_t *ret_now_us);

#endif
