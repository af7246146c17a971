/*
 * Base64 with padding (RFC 4648 section 4), for signed notes. One text for each sequence of bytes: nothing else is read.
 */
#ifndef DOUBLECREW_CORE_BASE64_H
#define DOUBLECREW_CORE_BASE64_H

#include "core/bytes.h"

/* Characters for so many bytes, without a final NUL. */
#define BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4)

/* ret_text receives BASE64_SIZE(bytes.size) characters and a final NUL. */
void base64_encode(struct span bytes, char *ret_text);
/* Reads text that stands for exactly size bytes; MALFORMED otherwise. ret_bytes may be half written then. */
MUST_USE enum status base64_decode(struct span text, size_t size, uint8_t *ret_bytes);

#endif
