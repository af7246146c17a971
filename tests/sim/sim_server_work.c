/*
 * What the server's threads do, each at a random small delay and in the order of server/edge: verified, grouped, applied,
 * committed, told.
 */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "tests/sim/sim_server_internal.h"

/* The real hub ticks each second; here the ticks become rarer while nothing happens. */
#define TICK_FIRST_US SIM_SECOND
#define TICK_LONGEST_US (4 * SIM_MINUTE)
#define SLOW_COMMIT_RATE 1500 /* a push, in millionths */
#define TIMERS_WAIT_LONGEST_US (30 * SIM_SECOND)

/* ---- The verifier ---- */

static bool same_key(const struct public_key *a, const struct public_key *b)
{
    return a->algorithm == b->algorithm && a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static enum status key_for(struct sim_server *server, const struct public_key *public_key, struct verify_key **ret_key)
{
    struct known_key *known = &server->keys[public_key->bytes[1] % SIM_VERIFY_KEYS];
    enum status status;

    if (known->key == NULL || !same_key(&known->public_key, public_key)) {
        verify_key_free(known->key);
        known->key = NULL;
        status = verify_key_new(public_key, &known->key);
        if (status != STATUS_OK)
            return status;
        known->public_key = *public_key;
    }
    *ret_key = known->key;
    return STATUS_OK;
}

enum status sim_work_verify(struct sim_server *server, struct push_job *job)
{
    struct verify_key *key;
    enum status status;

    sim_count(server->sim, SIM_COUNT_DEFLATED, job->inflated_size > 0);
    status = push_job_open(job, server->tools.sha, server->inflater);
    if (status == STATUS_OK)
        status = key_for(server, &job->key, &key);
    return status == STATUS_OK ? push_verify(&job->push, key) : status;
}

/* ---- The writer ---- */

struct commit_note *sim_work_new_note(void)
{
    struct commit_note *note = calloc(1, sizeof(*note));

    if (note == NULL)
        abort();
    return note;
}

static void take_notes(struct sim *sim, void *context, uint64_t life)
{
    struct sim_server *server = context;

    (void)sim;
    if (life != server->life || !server->up)
        return;
    (void)hub_take_notes(server->hub);
    sim_work_pump(server);
}

void sim_work_tell(struct sim_server *server, enum status status, struct commit_note *note)
{
    struct note told = {.kind = NOTE_COMMIT, .commit = note};

    note->status = status;
    note->committed_real_us = sim_server_boot_us(server);
    if (status == STATUS_OK) {
        if (commit_note_fill(note, server->batch) != STATUS_OK)
            abort();
        sim_count(server->sim, SIM_COUNT_COMMITS, 1);
    }
    if (queue_push(server->queues.notes, &told) != STATUS_OK)
        abort();
    sim_at(server->sim, server->sim->now_us + sim_between(server->sim, SIM_SERVER, 20, 2000), take_notes, server,
           server->life);
}

static struct push_job *gather(struct sim_server *server)
{
    struct push_job *first = NULL;
    struct push_job **last = &first;
    struct writer_item item;
    size_t records = 0;

    while (records < COMMIT_RECORDS_MAX && queue_pop(server->queues.writer, 0, &item) == STATUS_OK) {
        if (item.job == NULL) {
            sim_fail(server->sim,
                     "server: a phone shows a checkpoint beyond the journal, and nobody has signed for that");
            free(item.shown);
            break;
        }
        *last = item.job;
        last = &item.job->next;
        records += item.job->entry_count;
    }
    *last = NULL;
    return first;
}

static void trace_jobs(struct sim_server *server, const struct push_job *jobs, enum status status)
{
    for (const struct push_job *job = jobs; job != NULL; job = job->next)
        sim_trace(server->sim, "server: push of %u entries by %02x%02x: %s, pos %llu; commit: %s", job->entry_count,
                  job->delivery.device.bytes[0], job->delivery.device.bytes[1], status_name(job->result.status),
                  (unsigned long long)job->result.pos, status_name(status));
}

static void commit_group(struct sim *sim, void *context, uint64_t life)
{
    struct sim_server *server = context;
    struct commit_note *note;
    bool trouble;
    int64_t now_us;
    enum status status;

    if (life != server->life || !server->up)
        return;
    server->commit_waits = false;
    note = sim_work_new_note();
    note->jobs = gather(server);
    now_us = sim_server_time(server, &trouble);
    status = push_jobs_apply(server->batch, note->jobs, now_us, trouble);
    if (sim->options.trace)
        trace_jobs(server, note->jobs, status);
    if (status != STATUS_OK)
        push_jobs_fail(note->jobs, status);
    sim_work_tell(server, status, note);
    /* The hub's queue has the note by now. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    sim_work_set_timer(server);
    sim_work_pump(server);
}

void sim_work_timers(struct sim *sim, void *context, uint64_t life)
{
    struct sim_server *server = context;
    int64_t due_us = INT64_MAX;
    int64_t now_us;
    enum status status;
    bool trouble;

    if (life != server->life || !server->up || sim->now_us < server->timer_us)
        return;
    server->timer_us = INT64_MAX;
    now_us = sim_server_time(server, &trouble);
    if (!trouble && batch_next_timer(server->batch, &due_us) == STATUS_OK && due_us <= now_us) {
        status = push_jobs_apply(server->batch, NULL, now_us, false);
        server->timers_wait_us = status == STATUS_OK                                   ? 0
                                 : server->timers_wait_us == 0                         ? SIM_SECOND
                                 : 2 * server->timers_wait_us < TIMERS_WAIT_LONGEST_US ? 2 * server->timers_wait_us
                                                                                       : TIMERS_WAIT_LONGEST_US;
        sim_work_tell(server, status, sim_work_new_note());
    }
    /* The hub's queue has the note by now. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    sim_work_set_timer(server);
}

/* An event for the next timer; with the wall clock in doubt it is looked at again and again. */
void sim_work_set_timer(struct sim_server *server)
{
    struct sim *sim = server->sim;
    int64_t due_us = INT64_MAX;
    int64_t at_us;
    bool trouble;

    if (sim->held_ms != NULL)
        return; /* sim_server_step() asks */
    (void)sim_server_time(server, &trouble);
    if (batch_next_timer(server->batch, &due_us) != STATUS_OK)
        due_us = sim_server_wall_us(server);
    if (due_us == RULE_FOREVER)
        return;
    at_us = due_us - server->wall_offset_us;
    if (trouble)
        at_us = sim->now_us + SIM_HOUR;
    if (at_us < sim->now_us)
        at_us = sim->now_us;
    at_us += server->timers_wait_us;
    if (at_us >= server->timer_us)
        return;
    server->timer_us = at_us;
    sim_at(sim, at_us, sim_work_timers, server, server->life);
}

/* ---- The reader ---- */

static void read_one(struct sim *sim, void *context, uint64_t life)
{
    struct sim_server *server = context;
    struct session_reply *reply;
    struct read_job *job;
    struct note note = {.kind = NOTE_REPLY};

    if (life != server->life || !server->up)
        return;
    server->read_waits = false;
    if (queue_pop(server->queues.reader, 0, &job) != STATUS_OK)
        return;
    reply = malloc(sizeof(*reply));
    if (reply == NULL)
        abort();
    session_read(&server->tools, &job->request, reply);
    session_read_ahead(&server->tools); /* whatever happens before it is asked for */
    note.connection = job->connection;
    note.reply = reply;
    free(job);
    if (queue_push(server->queues.notes, &note) != STATUS_OK)
        abort();
    sim_at(sim, sim->now_us + sim_between(sim, SIM_SERVER, 10, 300), take_notes, server, life);
    sim_work_pump(server);
}

/* ---- Contacts (P7): after whatever was acknowledged, and never with it ---- */

static void write_contacts(struct sim *sim, void *context, uint64_t life)
{
    struct sim_server *server = context;
    struct contact_note notes[2 * SIM_CONNECTIONS_MAX];
    size_t count = 0;

    (void)sim;
    if (life != server->life || !server->up)
        return;
    server->contacts_wait = false;
    while (count < 2 * SIM_CONNECTIONS_MAX && queue_pop(server->queues.contacts, 0, &notes[count]) == STATUS_OK)
        count++;
    if (count > 0 && contacts_write(server->store, notes, count) != STATUS_OK)
        sim_trace(sim, "server: contacts aren't written");
}

/* ---- What has been queued gets its event ---- */

static void verify_queued(struct sim_server *server)
{
    for (size_t i = 0; i < HUB_VERIFIERS; i++) {
        struct push_job *job;

        while (queue_pop(server->queues.verifiers[i], 0, &job) == STATUS_OK) {
            struct writer_item item = {.job = job, .connection = job->connection};

            job->result.status = sim_work_verify(server, job);
            if (queue_push(server->queues.writer, &item) != STATUS_OK)
                abort();
        }
    }
}

/* The disk takes its time; the phone comes back meanwhile, hears of nothing and pushes the same again (F2). */
void sim_work_slow_down(struct sim_server *server, struct connection *connection)
{
    struct sim *sim = server->sim;

    verify_queued(server);
    if (server->commit_waits || queue_count(server->queues.writer) == 0 ||
        !sim_fault(sim, SIM_FAULT_SERVER_SLOW, sim_rate(sim, SLOW_COMMIT_RATE)))
        return;
    server->slow_us = SIM_SECOND * (int64_t)(2 + sim_fault_below(sim, SIM_FAULT_SERVER_SLOW, 28));
    sim_net_kill(connection->peer);
}

static void tick(struct sim *sim, void *context, uint64_t generation)
{
    struct sim_server *server = context;

    if (generation != server->tick || !server->up)
        return;
    hub_tick(server->hub);
    sim_work_pump(server);
    if (hub_count(server->hub) == 0)
        return;
    server->tick_us = 2 * server->tick_us < TICK_LONGEST_US ? 2 * server->tick_us : TICK_LONGEST_US;
    sim_at(sim, sim->now_us + server->tick_us, tick, server, ++server->tick);
}

void sim_work_stir(struct sim_server *server)
{
    server->tick_us = TICK_FIRST_US;
    sim_at(server->sim, server->sim->now_us + server->tick_us, tick, server, ++server->tick);
}

void sim_work_pump(struct sim_server *server)
{
    struct sim *sim = server->sim;

    verify_queued(server);
    if (!server->commit_waits && queue_count(server->queues.writer) > 0) {
        server->commit_waits = true;
        sim_at(sim, sim->now_us + server->slow_us + sim_between(sim, SIM_SERVER, 300, 20000), commit_group, server,
               server->life);
        server->slow_us = 0;
    }
    if (!server->read_waits && queue_count(server->queues.reader) > 0) {
        server->read_waits = true;
        sim_at(sim, sim->now_us + sim_between(sim, SIM_SERVER, 100, 3000), read_one, server, server->life);
    }
    if (!server->contacts_wait && queue_count(server->queues.contacts) > 0) {
        server->contacts_wait = true;
        sim_at(sim, sim->now_us + SIM_SECOND, write_contacts, server, server->life);
    }
}
