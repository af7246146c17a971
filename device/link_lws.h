/* The link over libwebsockets: TLS 1.3 with a client certificate, subprotocol doublecrew.v1. */
#ifndef DOUBLECREW_DEVICE_LINK_LWS_H
#define DOUBLECREW_DEVICE_LINK_LWS_H

#include "device/link.h"

/* Makes a link in the loop and attaches it to the device. Without a host in config: nothing, OK. TLS, NO_MEMORY, IO. */
enum status link_lws_new(struct dc_loop *loop, const struct dc_config *config, struct dc_device *device);

#endif
