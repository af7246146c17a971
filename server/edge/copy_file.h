/*
 * Files of the journal's copy (E2): every committed row in order, and after each stretch a mark with the head that it leads
 * to. One folder; a file belongs to one epoch and goes on where the one before it ended:
 *   journal-<epoch, 32 hex digits>-<first pos, 20 digits>.copy
 * A record: size 4 (of the body) | kind 1 | body | chain 32, integers big-endian. Kinds: 'B' CopyBegin, first in each file;
 * 'M' CopyMark; 'R' a row, which may be larger than any message: first pos 8 | count 4 | kind 4 | time 8 | log 16 | first
 * seq 8 | size of delivery 4 | delivery | body. chain = SHA-256(chain before | kind | body), 32 zero bytes before the first:
 * nothing can be left out, changed or moved unnoticed. What follows the last mark of a file was being written when the power went, and counts for
 * nothing.
 */
#ifndef DOUBLECREW_SERVER_EDGE_COPY_FILE_H
#define DOUBLECREW_SERVER_EDGE_COPY_FILE_H

#include "core/sha256.h"
#include "core/wire.h"
#include "server/logic/store.h"

#define COPY_PATH_MAX 1200
/* A file is closed at the first mark beyond this, so that old ones can be deleted once a backup holds them. */
#define COPY_FILE_SIZE ((int64_t)64 * 1024 * 1024)

/* ---- Writing: one thread's ---- */

struct copy_writer;

/*
 * Goes on behind the last mark of this epoch's last file in the folder (made if it isn't there). A torn end is cut off; a file
 * that is damaged before it is STORE. ret_pos: of the last record copied; 0: none, and the first row is 1's.
 * IO, DISK_FULL, NOT_PERMITTED.
 */
MUST_USE enum status copy_writer_open(const char *folder, const struct store_head *head,
                                      struct copy_writer **ret_writer, uint64_t *ret_pos, struct hash *ret_root);
void copy_writer_close(struct copy_writer *writer);
/* Not on disk before a mark. After any failure only close may be called. */
MUST_USE enum status copy_writer_row(struct copy_writer *writer, const struct journal_row *row);
/* Returns after the disk has it all. */
MUST_USE enum status copy_writer_mark(struct copy_writer *writer, const struct store_head *head);

/* ---- Reading ---- */

struct copy_end {
    struct id force;
    struct id epoch;
    uint64_t first_pos; /* of the first file that is there */
    struct store_head head;
};

/* The epoch whose last mark is the newest. NOT_FOUND: no copy there; STORE: damaged. */
MUST_USE enum status copy_find(const char *folder, struct copy_end *ret_end);
/* Its rows from pos on up to the last mark; rows are borrowed until the callback returns. */
MUST_USE enum status copy_read(const char *folder, const struct copy_end *end, uint64_t from_pos,
                               store_journal_each each, void *context);

#endif
