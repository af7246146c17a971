/*
 * The writer: the only thread that writes. Takes what has come in while the last commit was on its way to the disk, puts
 * it into one transaction (group commit), answers after the commit (E1). Idle, it wakes for the next timer (J2).
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "server/edge/clock_files.h"
#include "server/edge/pipeline.h"
#include "server/logic/contact.h"

/* A timer is looked at again at least this often, so that a step of the wall clock is noticed. */
#define WAIT_MAX_US ((int64_t)1000 * 1000)
/* Timers that fail are tried again after WAIT_MAX_US, then twice that, at most this. */
#define TIMERS_WAIT_LONGEST_US ((int64_t)30 * 1000 * 1000)
/* Contacts wait for at least this long, so that many share a commit; so does whoever asks for the list. */
#define CONTACTS_EVERY_US ((int64_t)1000 * 1000)

/* With nothing to do for so long, what may wait is done: those who were just acknowledged have mostly pushed again. */
#define IDLE_US ((int64_t)500)

struct writer {
    pthread_t thread;
    struct queue *in;
    struct queue *contacts;
    struct store *store;
    struct batch *batch;
    struct clock *clock;
    const char *store_path;
    struct log *log;
    struct loop_port port;
    int64_t timers_wait_us;  /* 0: they fired; else failed, and how long they are left alone */
    int64_t timers_again_us; /* boot clock */
    bool was_in_trouble;
    struct writer_item next; /* popped, but not of the group under way */
    bool has_next;
    int64_t contacts_us; /* real; when they were last written */
    struct contact_note notes[CONTACT_NOTES_MAX];
};

static void note_trouble(struct writer *writer, const struct clock_reading *reading)
{
    int64_t wall_us = clock_wall_us();

    LOG(writer->log, LOG_ERROR, reading->clock_trouble ? "clock_trouble" : "clock_agrees_again",
        log_number("wall_ms", wall_us / 1000), log_number("server_ms", reading->server_us / 1000));
    if (!clock_files_note(writer->store_path, reading->clock_trouble, wall_us, reading->server_us))
        LOG(writer->log, LOG_ERROR, "clock_note_not_written", log_status("error", STATUS_IO));
}

/* T5: in clock trouble nothing falls due; what comes in is stored all the same, timed by the boot clock. */
static int64_t time_now(struct writer *writer, bool *ret_trouble)
{
    struct clock_reading reading = clock_read(writer->clock);

    if (reading.clock_trouble && clock_files_take_acceptance(writer->store_path)) {
        LOG(writer->log, LOG_ERROR, "clock_accepted", log_number("wall_ms", clock_wall_us() / 1000));
        clock_accept_wall(writer->clock);
        reading = clock_read(writer->clock);
    }
    if (reading.clock_trouble != writer->was_in_trouble)
        note_trouble(writer, &reading);
    writer->was_in_trouble = reading.clock_trouble;
    *ret_trouble = reading.clock_trouble;
    return reading.server_us;
}

/* What the loop tells after a commit, or after a failure (then only the pushers are told). */
static void tell(struct writer *writer, enum status status, struct commit_note *note)
{
    note->status = status;
    note->committed_real_us = clock_boot_us();
    if (status == STATUS_OK) {
        if (commit_note_fill(note, writer->batch) != STATUS_OK)
            LOG(writer->log, LOG_ERROR, "flags_not_pushed", log_status("error", STATUS_NO_MEMORY));
    } else {
        LOG(writer->log, LOG_ERROR, "batch_failed", log_status("error", status));
    }
    loop_port_send_commit(&writer->port, note);
}

static struct commit_note *new_note(void)
{
    struct commit_note *note = calloc(1, sizeof(*note));

    if (note == NULL)
        abort(); /* nobody could be answered any more */
    return note;
}

/* The first job and all that wait behind it, up to one commit's worth. A step ends the group. */
static struct push_job *gather(struct writer *writer, struct push_job *first)
{
    struct push_job **last = &first->next;
    size_t records = first->entry_count;

    while (records < COMMIT_RECORDS_MAX && queue_pop(writer->in, 0, &writer->next) == STATUS_OK) {
        struct push_job *job = writer->next.job;

        if (job == NULL || records + job->entry_count > COMMIT_RECORDS_MAX) {
            writer->has_next = true;
            break;
        }
        *last = job;
        last = &job->next;
        records += job->entry_count;
    }
    *last = NULL;
    return first;
}

static int64_t count_jobs(const struct push_job *jobs)
{
    int64_t count = 0;

    for (; jobs != NULL; jobs = jobs->next)
        count++;
    return count;
}

/* E2: reads go on; every push is told why nothing is taken. */
static void look_at_shown(struct writer *writer, struct span text)
{
    bool known = batch_is_behind(writer->batch);
    enum status status = batch_show(writer->batch, text);

    if (status != STATUS_OK)
        LOG(writer->log, LOG_ERROR, "shown_checkpoint_not_kept", log_status("error", status));
    if (!known && batch_is_behind(writer->batch))
        LOG(writer->log, LOG_ERROR, "store_behind", log_number("head", (int64_t)batch_head(writer->batch)->pos),
            log_text("advice", status_advice(STATUS_STORE_BEHIND)));
}

static void run_group(struct writer *writer, struct push_job *first)
{
    struct commit_note *note = new_note();
    int64_t begun_us;
    bool trouble;
    int64_t now_us;
    enum status status;

    note->jobs = gather(writer, first);
    begun_us = clock_boot_us();
    now_us = time_now(writer, &trouble);
    status = push_jobs_apply(writer->batch, note->jobs, now_us, trouble);
    if (status == STATUS_STORE_BEHIND && !batch_is_behind(writer->batch))
        look_at_shown(writer, batch_shown(writer->batch));
    if (status != STATUS_OK)
        push_jobs_fail(note->jobs, status);
    else
        LOG(writer->log, LOG_DEBUG, "committed", log_number("pushes", count_jobs(note->jobs)),
            log_number("took_us", clock_boot_us() - begun_us));
    tell(writer, status, note);
}

/* A batch without pushes: timers due fire, and a tick is appended when one was (J2). */
static enum status run_empty(struct writer *writer, struct commit_note *note, int64_t now_us)
{
    enum status status = push_jobs_apply(writer->batch, NULL, now_us, false);

    tell(writer, status, note);
    return status;
}

static void take_shown(struct writer *writer, struct shown_checkpoint *shown)
{
    look_at_shown(writer, span_of(shown->text, shown->size));
    free(shown);
}

static void run_step(struct writer *writer, const struct writer_item *item)
{
    struct commit_note *note = new_note();
    bool trouble;

    clock_step(writer->clock, item->step_us);
    note->is_step = true;
    note->step_connection = item->connection;
    note->step_us = time_now(writer, &trouble);
    run_empty(writer, note, note->step_us);
}

/* Microseconds until a timer is due, 0: now; at most WAIT_MAX_US, also where the clock moves by steps alone. */
static int64_t until_timer_us(struct writer *writer)
{
    bool trouble;
    int64_t due_us = 0;
    int64_t wait_us;

    (void)time_now(writer, &trouble);
    if (trouble || writer->timers_wait_us > 0 || batch_is_behind(writer->batch) ||
        batch_next_timer(writer->batch, &due_us) != STATUS_OK)
        due_us = RULE_FOREVER;
    wait_us = clock_real_until_us(writer->clock, due_us);
    return wait_us >= 0 && wait_us < WAIT_MAX_US ? wait_us : WAIT_MAX_US;
}

/* A full disk stays full for a while: each try derives everything that is due, and fails at its commit. */
static void note_timers(struct writer *writer, enum status status)
{
    int64_t wait_us = 2 * writer->timers_wait_us;

    if (wait_us > TIMERS_WAIT_LONGEST_US)
        wait_us = TIMERS_WAIT_LONGEST_US;
    if (wait_us < WAIT_MAX_US)
        wait_us = WAIT_MAX_US;
    writer->timers_wait_us = status == STATUS_OK ? 0 : wait_us;
    writer->timers_again_us = clock_boot_us() + writer->timers_wait_us;
}

static void run_timers(struct writer *writer)
{
    bool trouble;
    int64_t now_us = time_now(writer, &trouble);
    int64_t due_us;

    if (writer->timers_wait_us > 0 && clock_boot_us() < writer->timers_again_us)
        return;
    if (trouble || batch_is_behind(writer->batch) || batch_next_timer(writer->batch, &due_us) != STATUS_OK ||
        due_us > now_us)
        return;
    note_timers(writer, run_empty(writer, new_note(), now_us));
}

static enum status take(struct writer *writer, struct writer_item *ret_item)
{
    enum status status;

    if (writer->has_next) {
        writer->has_next = false;
        *ret_item = writer->next;
        return STATUS_OK;
    }
    status = queue_pop(writer->in, IDLE_US, ret_item);
    if (status != STATUS_TIMEOUT)
        return status;
    writer->store->ops->rest(writer->store, true);
    return queue_pop(writer->in, until_timer_us(writer), ret_item);
}

/* After whatever was acknowledged, and never with it. What can't be written is told again by the next contact. */
static void write_contacts(struct writer *writer)
{
    size_t count = 0;
    enum status status;

    while (count < CONTACT_NOTES_MAX && queue_pop(writer->contacts, 0, &writer->notes[count]) == STATUS_OK)
        count++;
    writer->contacts_us = clock_boot_us();
    if (count == 0)
        return;
    status = contacts_write(writer->store, writer->notes, count);
    if (status != STATUS_OK)
        LOG(writer->log, LOG_WARNING, "contacts_not_written", log_status("error", status),
            log_number("count", (int64_t)count));
}

static void *run(void *context)
{
    struct writer *writer = context;

    for (;;) {
        struct writer_item item;
        enum status status = take(writer, &item);

        if (status == STATUS_CANCELLED) {
            while (queue_count(writer->contacts) > 0)
                write_contacts(writer);
            return NULL;
        }
        if (status == STATUS_TIMEOUT)
            run_timers(writer);
        else if (item.job != NULL)
            run_group(writer, item.job);
        else if (item.shown != NULL)
            take_shown(writer, item.shown);
        else
            run_step(writer, &item);
        writer->store->ops->rest(writer->store, false);
        if (clock_boot_us() - writer->contacts_us >= CONTACTS_EVERY_US)
            write_contacts(writer);
    }
}

enum status writer_start(struct queue *in, const struct writer_tools *tools, struct log *log,
                         const struct loop_port *port, struct writer **ret_writer)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    struct clock_note left;

    if (writer == NULL)
        return STATUS_NO_MEMORY;
    writer->in = in;
    writer->contacts = tools->contacts;
    writer->store = tools->store;
    writer->batch = tools->batch;
    writer->clock = tools->clock;
    writer->store_path = tools->store_path;
    writer->was_in_trouble = clock_files_read(tools->store_path, &left); /* of an earlier run */
    writer->log = log;
    writer->port = *port;
    if (pthread_create(&writer->thread, NULL, run, writer) != 0) {
        free(writer);
        return STATUS_NO_MEMORY;
    }
    *ret_writer = writer;
    return STATUS_OK;
}

void writer_join(struct writer *writer)
{
    if (writer == NULL)
        return;
    pthread_join(writer->thread, NULL);
    free(writer);
}
