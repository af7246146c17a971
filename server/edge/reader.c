/*
 * The reader: answers sessions' questions from its own read-only connection, each in one short snapshot.
 */
#include <pthread.h>
#include <stdlib.h>

#include "server/edge/pipeline.h"

struct reader {
    pthread_t thread;
    struct queue *in;
    struct loop_port port;
    struct session_reader tools;
};

static void *run(void *context)
{
    struct reader *reader = context;
    struct read_job *job;

    while (queue_pop(reader->in, -1, &job) == STATUS_OK) {
        struct session_reply *reply = malloc(sizeof(*reply));
        struct note note = {.kind = NOTE_REPLY, .connection = job->connection, .reply = reply};

        if (reply == NULL)
            abort(); /* a session would wait for ever; with memory gone a restart is the honest answer */
        session_read(&reader->tools, &job->request, reply);
        free(job);
        loop_port_send(&reader->port, note);
        if (queue_count(reader->in) == 0)
            session_read_ahead(&reader->tools);
    }
    session_reader_done(&reader->tools);
    return NULL;
}

enum status reader_start(struct queue *in, const struct session_reader *tools, const struct loop_port *port,
                         struct reader **ret_reader)
{
    struct reader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL)
        return STATUS_NO_MEMORY;
    reader->in = in;
    reader->tools = *tools;
    reader->port = *port;
    if (pthread_create(&reader->thread, NULL, run, reader) != 0) {
        free(reader);
        return STATUS_NO_MEMORY;
    }
    *ret_reader = reader;
    return STATUS_OK;
}

void reader_join(struct reader *reader)
{
    if (reader == NULL)
        return;
    pthread_join(reader->thread, NULL);
    free(reader);
}
