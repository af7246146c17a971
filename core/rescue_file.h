/*
 * A rescue file: what a phone holds unpushed, as its own signed pushes, carried by hand to the server's machine (F2, D1).
 *
 *   "DCRESC1\n" (8 bytes), then for each push its size (4 bytes, big-endian, not 0) and its bytes, then 4 zero bytes.
 *
 * The pushes prove themselves; the end says that the file was copied whole.
 */
#ifndef DOUBLECREW_CORE_RESCUE_FILE_H
#define DOUBLECREW_CORE_RESCUE_FILE_H

#include "core/bytes.h"

#define RESCUE_HEAD_SIZE 8
#define RESCUE_FRAME_SIZE 4

void rescue_file_head(uint8_t ret_head[RESCUE_HEAD_SIZE]);
/* What stands before a push of this size; size 0: the file's end. */
void rescue_file_frame(uint32_t size, uint8_t ret_frame[RESCUE_FRAME_SIZE]);

/* Checks the head, and leaves *ret_rest at the first push. MALFORMED: it is no rescue file. */
MUST_USE enum status rescue_file_open(struct span file, struct span *ret_rest);
/*
 * The next push, borrowed from the file; *rest moves on. NOT_FOUND: the end, and nothing behind it. MALFORMED: the file ends
 * in the middle, or goes on after its end. OVER_LIMIT: larger than a push can be.
 */
MUST_USE enum status rescue_file_next(struct span *rest, struct span *ret_push);

#endif
