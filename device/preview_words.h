/* What a preview says besides its sentence; not for others. */
#ifndef DOUBLECREW_DEVICE_PREVIEW_WORDS_H
#define DOUBLECREW_DEVICE_PREVIEW_WORDS_H

#include "device/preview_case.h"

#define PREVIEW_CODE_SIZE 64 /* officers' codes; empty: not known here */

/* To device->texts.awaits: what may still change the verdict, each in a few words. */
void preview_write_awaits(struct dc_device *device, const struct preview_case *preview, size_t index,
                          const struct rule_verdict *verdict, char codes[][PREVIEW_CODE_SIZE]);
/* The server's own last words on it, as its row has them. NOT_FOUND: there is no row. */
MUST_USE enum status preview_told(struct dc_device *device, const struct hash *presence,
                                  struct dc_presence *ret_presence);

#endif
