/*
 * The journal's copy in a second place (E2): a thread of its own follows the store through a reader's connection and appends
 * what was committed to files (copy_file.h), in order, each stretch on disk before the next is begun. Nobody waits for it: a
 * place that fails is an alarm in the log, and is caught up with as soon as it works again.
 *
 * What it never does is overwrite: a copy that is ahead of the store, or another journal's, is left alone with an alarm.
 */
#ifndef DOUBLECREW_SERVER_EDGE_JOURNAL_COPY_H
#define DOUBLECREW_SERVER_EDGE_JOURNAL_COPY_H

#include "server/edge/copy_file.h"

#include "server/edge/log.h"

/* One look at the store: copies what is new. The state is one thread's; tests drive it by hand. */
struct copier {
    struct store *store; /* a reader's */
    const char *folder;
    struct copy_writer *writer; /* NULL: to be opened */
    uint64_t pos;               /* copied so far */
    uint64_t marked_pos;        /* and on disk */
};

/* STORE: the copy isn't of this journal, or ahead of it. After a failure the next look begins again from the last mark. */
MUST_USE enum status copier_look(struct copier *copier);
void copier_done(struct copier *copier);

struct journal_copy;
MUST_USE enum status journal_copy_start(const char *store_path, const char *folder, struct log *log,
                                        struct journal_copy **ret_copy);
/* Copies what is left first, if the place works. NULL is fine. */
void journal_copy_stop(struct journal_copy *copy);

#endif
