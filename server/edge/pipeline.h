/*
 * What travels between the server's threads, and the threads behind the loop: verifiers, writer, reader.
 *
 *   loop --push_job--> verifier --writer_item--> writer --note--> loop
 *   loop --read_job--> reader --note--> loop
 *   loop --shown_checkpoint--> writer, at most one
 *   loop --contact_note--> writer, which writes them when no push waits (P7)
 *
 * Everything is plain memory that one thread owns at a time: whoever popped it. Pushes of one connection always take the
 * same verifier, so they reach the writer, and their answers the loop, in the order in which they came.
 */
#ifndef DOUBLECREW_SERVER_EDGE_PIPELINE_H
#define DOUBLECREW_SERVER_EDGE_PIPELINE_H

#include "core/deflated.h"
#include "core/push.h"
#include "server/edge/clock.h"
#include "server/edge/log.h"
#include "server/edge/queue.h"
#include "server/logic/batch.h"
#include "server/logic/session_read.h"

struct push_job {
    uint64_t connection;
    uint32_t entry_count;
    struct public_key key;
    struct batch_delivery delivery;
    uint8_t *raw; /* the Push; deflated until push_job_open */
    size_t raw_size;
    size_t inflated_size; /* 0: it isn't deflated, or no more */
    size_t charged_size;  /* what it counts as while it is under way, the larger of the two */
    struct arena *arena;
    struct push push; /* in arena and raw, once opened */
    struct batch_result result;
    struct push_job *next;
};

/* raw is copied; inflated_size: 0, or it is deflated (core/deflated.h). */
MUST_USE enum status push_job_new(struct span raw, size_t inflated_size, struct push_job **ret_job);
/*
 * Inflates it if it must, and opens the push: then raw and push are as if it had come as it is. What was wrong with it
 * before (result.status), of inflater_run, of push_open; MALFORMED: it holds another number of entries than it was charged for.
 */
MUST_USE enum status push_job_open(struct push_job *job, struct sha256 *sha, struct inflater *inflater);
void push_job_free(struct push_job *job);

/*
 * Those of one group, oldest first, in one batch; NULL: an empty one, in which timers fire (J2). held: clock trouble, nothing falls
 * due (T5). Each verified one has its result; the status is the store's, and then nothing is stored.
 */
MUST_USE enum status push_jobs_apply(struct batch *batch, struct push_job *jobs, int64_t now_us, bool held);
/* Nothing of a failed group is stored. Whoever would have been acknowledged is told so; a push's own error stays. */
void push_jobs_fail(struct push_job *jobs, enum status status);

/* A signed checkpoint of more than the store holds (E2). */
struct shown_checkpoint {
    size_t size;
    uint8_t text[CHECKPOINT_TEXT_MAX];
};

struct writer_item {
    struct push_job *job;           /* NULL: what a peer has shown, or a training step */
    struct shown_checkpoint *shown; /* the writer frees it */
    uint64_t connection;
    int64_t step_us;
};

struct read_job {
    uint64_t connection;
    struct session_request request;
};

/* After one batch; in the order in which the loop must tell it. */
struct commit_note {
    enum status status;
    struct store_head head; /* only when status is OK */
    bool roster_changed;
    struct batch_named named;
    struct scope_set changed_scopes;
    int64_t committed_real_us;
    struct batch_flag *flags; /* rows lie in flag_bytes */
    size_t flag_count;
    uint8_t *flag_bytes;
    struct push_job *jobs; /* oldest first */
    bool is_step;
    uint64_t step_connection;
    int64_t step_us;
};

/* What a batch that was committed means for sessions. NO_MEMORY: without its flags. */
MUST_USE enum status commit_note_fill(struct commit_note *note, const struct batch *batch);
void commit_note_free(struct commit_note *note);

enum note_kind { NOTE_COMMIT, NOTE_REPLY, NOTE_STOP, NOTE_RELOAD };

struct note {
    enum note_kind kind;
    uint64_t connection; /* NOTE_REPLY */
    union {
        struct commit_note *commit;
        struct session_reply *reply;
    };
};

void note_done(struct note *note);

/* How a thread reaches the loop: pushes a note, then wakes it (lws_cancel_service). */
struct loop_port {
    struct queue *notes;
    void (*wake)(void *context);
    void *context;
};

/* Takes the note over, delivered or not. */
void loop_port_send(const struct loop_port *port, struct note note);
void loop_port_send_commit(const struct loop_port *port, struct commit_note *commit);

/* Each runs one thread until its queue is closed and empty. */
struct verifier;
MUST_USE enum status verifier_start(struct queue *in, struct queue *writer, struct verifier **ret_verifier);
void verifier_join(struct verifier *verifier);

struct writer;
/* The writer's from here on; the caller frees them after the join. */
struct writer_tools {
    struct queue *contacts; /* of struct contact_note, looked at about once a second */
    struct store *store;
    struct batch *batch; /* of that store */
    struct clock *clock;
    /* Beside the store's file (kept) lies what operators read and write about clock trouble (clock_files.h). */
    const char *store_path;
};

MUST_USE enum status writer_start(struct queue *in, const struct writer_tools *tools, struct log *log,
                                  const struct loop_port *port, struct writer **ret_writer);
void writer_join(struct writer *writer);

struct reader;
/* The tools are the reader's from here on. */
MUST_USE enum status reader_start(struct queue *in, const struct session_reader *tools, const struct loop_port *port,
                                  struct reader **ret_reader);
void reader_join(struct reader *reader);

#endif
