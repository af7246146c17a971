/* The loop's inside: one libwebsockets context. */
#ifndef DOUBLECREW_DEVICE_LOOP_H
#define DOUBLECREW_DEVICE_LOOP_H

#include <libwebsockets.h>

#include "device/doublecrew.h"

struct lws_context *loop_context(struct dc_loop *loop);
const struct lws_protocols *loop_protocols(void);
/* Something happened: dc_loop_run() returns after this round. */
void loop_note(struct dc_loop *loop);
/* The same, from a timer's callback. */
void loop_note_in_timer(struct dc_loop *loop);

/* link_lws.c: what libwebsockets tells a connection. */
int link_lws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size);

#endif
