/*
 * What carries a device's messages: libwebsockets (link_lws.c), or a simulated network. The link is told what to do by
 * link_ops, and tells the device what happened by the device_ functions, never from within an op.
 */
#ifndef DOUBLECREW_DEVICE_LINK_H
#define DOUBLECREW_DEVICE_LINK_H

#include "core/bytes.h"
#include "device/doublecrew.h"

#define LINK_NO_TIMER UINT64_MAX

struct link_ops {
    /* Starts; answered by device_connected() or device_disconnected(). NETWORK, TLS, NO_MEMORY. */
    enum status (*connect)(void *link);
    /* Ends the connection, if there is one; not answered. */
    void (*disconnect)(void *link);
    /* Copies and queues one message. NO_MEMORY, OVER_LIMIT (the queue is full), NETWORK (no connection). */
    enum status (*send)(void *link, struct span message);
    /* One timer: device_timer() after delay_ms, instead of any earlier setting. LINK_NO_TIMER: none. */
    void (*set_timer)(void *link, uint64_t delay_ms);
    void (*free)(void *link);
};

/* A device without a loop gets its link here; dc_device_close() frees it. ops are borrowed for as long as the device. */
void device_attach(struct dc_device *device, const struct link_ops *ops, void *link);

void device_connected(struct dc_device *device);
void device_disconnected(struct dc_device *device, enum status status);
/* One whole message. */
void device_received(struct dc_device *device, struct span bytes);
void device_timer(struct dc_device *device);

#endif
