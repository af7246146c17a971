/*
 * The server's process without its threads: the real hub and sessions, and what verifier, writer and reader do, each at a
 * random small delay and in the order of server/edge: verified, grouped, applied, committed, told.
 */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "server/edge/hub.h"
#include "server/edge/store_sqlite.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_files.h"

#define CONNECTIONS_MAX 48
#define NOTES_MAX 64
#define CREDIT_ENTRIES 256
#define KEEP_ALIVE_S 25
#define HELLO_TIMEOUT_US (10 * SIM_SECOND)
#define SLOW_READER_US (30 * SIM_SECOND)
#define OUTPUT_MAX ((size_t)1024 * 1024)
#define MEMORY_MAX ((size_t)8 * 1024 * 1024)
#define ADMIT_PER_S 2u /* so few that phones meet it after a server's restart */
#define ADMIT_BURST 6u
#define LINE_US ((int64_t)1500 * 1000) /* so short that some are turned away */
#define ANSWER_US (60 * SIM_SECOND)
#define SLOW_COMMIT_RATE 1500 /* a push, in millionths */
#define CLOSE_GRACE_US (5 * SIM_SECOND)
/* The real hub ticks each second; here the ticks become rarer while nothing happens. */
#define TICK_FIRST_US SIM_SECOND
#define TICK_LONGEST_US (4 * SIM_MINUTE)
#define CLOCK_DISAGREEMENT_US (5 * SIM_SECOND)
#define VERIFY_KEYS 64
#define TIMERS_WAIT_LONGEST_US (30 * SIM_SECOND)

struct known_key {
    struct public_key public_key;
    struct verify_key *key;
};

struct sim_server {
    struct sim *sim;
    char path[SIM_PATH_MAX];
    struct sim_machine *machine;
    bool up;
    bool stopping;
    uint64_t life; /* generation: events of an earlier process do nothing */
    int64_t wall_offset_us;
    struct clock *clock;
    struct store *store;
    struct batch *batch;
    struct session_setup setup;
    struct session_reader tools;
    struct arena *arena;
    struct hub *hub;
    struct hub_queues queues;
    struct log *log;
    struct inflater *inflater;
    struct known_key keys[VERIFY_KEYS];
    bool commit_waits;
    int64_t slow_us; /* what the next commit takes beyond the usual */
    bool read_waits;
    bool contacts_wait;
    int64_t timers_wait_us; /* 0: they fired; else failed, and are left alone so long, as in server/edge/writer.c */
    int64_t timer_us;       /* the timer that an event is set for; INT64_MAX: none */
    int64_t tick_us;        /* the wait before the next tick */
    uint64_t tick;          /* generation */
    int64_t down_us;        /* of the restart under way */
};

static void die(struct sim *sim, const char *what, enum status status)
{
    sim_fail(sim, "server: %s: %s", what, status_name(status));
}

/* ---- Clocks ---- */

static int64_t wall_us(void *context)
{
    struct sim_server *server = context;

    return (server->sim->held_ms != NULL ? server->sim->server_held_us : server->sim->now_us) + server->wall_offset_us;
}

static int64_t boot_us(void *context)
{
    const struct sim *sim = ((struct sim_server *)context)->sim;

    return (sim->held_ms != NULL ? sim->server_held_us : sim->now_us) - SIM_START + 4000 * SIM_DAY;
}

int64_t sim_server_now_us(struct sim *sim)
{
    return wall_us(sim->server);
}

/* T5: in clock trouble time goes on by the boot clock, and nothing falls due. */
static int64_t time_now(struct sim_server *server, bool *ret_trouble)
{
    struct clock_reading reading = clock_read(server->clock);

    *ret_trouble = reading.clock_trouble;
    return reading.server_us;
}

/* ---- Transport ---- */

static void want_write(void *peer)
{
    sim_net_want_write(peer);
}

static void pause_reading(void *peer, bool paused)
{
    sim_net_pause(peer, paused);
}

static void kill_soon(void *peer)
{
    sim_net_kill(peer);
}

static void pump(struct sim_server *server);

/* ---- The verifier ---- */

static bool same_key(const struct public_key *a, const struct public_key *b)
{
    return a->algorithm == b->algorithm && a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static enum status key_for(struct sim_server *server, const struct public_key *public_key, struct verify_key **ret_key)
{
    struct known_key *known = &server->keys[public_key->bytes[1] % VERIFY_KEYS];
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

static enum status verify(struct sim_server *server, struct push_job *job)
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

static struct commit_note *new_note(void)
{
    struct commit_note *note = calloc(1, sizeof(*note));

    if (note == NULL)
        abort();
    return note;
}

static void copy_flags(struct sim_server *server, struct commit_note *note)
{
    const struct batch_flag *flags = batch_flags(server->batch, &note->flag_count);
    size_t size = 0;
    size_t at = 0;

    for (size_t i = 0; i < note->flag_count; i++)
        size += flags[i].row.size;
    note->flags = calloc(note->flag_count + 1, sizeof(*note->flags));
    note->flag_bytes = malloc(size + 1);
    if (note->flags == NULL || note->flag_bytes == NULL)
        abort();
    for (size_t i = 0; i < note->flag_count; i++) {
        note->flags[i] = flags[i];
        memcpy(note->flag_bytes + at, flags[i].row.data, flags[i].row.size);
        note->flags[i].row = span_of(note->flag_bytes + at, flags[i].row.size);
        at += flags[i].row.size;
    }
}

static void fail_jobs(struct push_job *jobs, enum status status)
{
    for (struct push_job *job = jobs; job != NULL; job = job->next) {
        job->result.durable_seq = 0;
        job->result.pos = 0;
        job->result.held_count = 0;
        if (job->result.status == STATUS_OK || job->result.status == STATUS_LOG_FORK)
            job->result.status = status;
    }
}

static void take_notes(struct sim *sim, void *context, uint64_t life)
{
    struct sim_server *server = context;

    (void)sim;
    if (life != server->life || !server->up)
        return;
    (void)hub_take_notes(server->hub);
    pump(server);
}

static void tell(struct sim_server *server, enum status status, struct commit_note *note)
{
    struct note told = {.kind = NOTE_COMMIT, .commit = note};

    note->status = status;
    note->committed_real_us = boot_us(server);
    if (status == STATUS_OK) {
        note->head = *batch_head(server->batch);
        note->roster_changed = batch_roster_changed(server->batch);
        note->named = *batch_named(server->batch);
        note->changed_scopes = *batch_changed_scopes(server->batch);
        copy_flags(server, note);
        sim_count(server->sim, SIM_COUNT_COMMITS, 1);
    }
    if (queue_push(server->queues.notes, &told) != STATUS_OK)
        abort();
    sim_at(server->sim, server->sim->now_us + sim_between(server->sim, SIM_SERVER, 20, 2000), take_notes, server,
           server->life);
}

static enum status apply(struct sim_server *server, struct push_job *jobs, int64_t now_us, bool trouble)
{
    enum status status = trouble ? batch_begin_held(server->batch, now_us) : batch_begin(server->batch, now_us);

    if (status != STATUS_OK)
        return status;
    for (struct push_job *job = jobs; job != NULL && status == STATUS_OK; job = job->next) {
        if (job->result.status == STATUS_OK)
            status =
                batch_push(server->batch, &job->push, span_of(job->raw, job->raw_size), &job->delivery, &job->result);
    }
    if (status != STATUS_OK) {
        batch_abort(server->batch);
        return status;
    }
    return batch_commit(server->batch);
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

static void set_timer(struct sim_server *server);

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
    note = new_note();
    note->jobs = gather(server);
    now_us = time_now(server, &trouble);
    status = apply(server, note->jobs, now_us, trouble);
    if (sim->options.trace)
        trace_jobs(server, note->jobs, status);
    if (status != STATUS_OK)
        fail_jobs(note->jobs, status);
    tell(server, status, note);
    /* The hub's queue has the note by now. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    set_timer(server);
    pump(server);
}

static void timers(struct sim *sim, void *context, uint64_t life)
{
    struct sim_server *server = context;
    int64_t due_us = INT64_MAX;
    int64_t now_us;
    enum status status;
    bool trouble;

    if (life != server->life || !server->up || sim->now_us < server->timer_us)
        return;
    server->timer_us = INT64_MAX;
    now_us = time_now(server, &trouble);
    if (!trouble && batch_next_timer(server->batch, &due_us) == STATUS_OK && due_us <= now_us) {
        status = apply(server, NULL, now_us, false);
        server->timers_wait_us = status == STATUS_OK                                   ? 0
                                 : server->timers_wait_us == 0                         ? SIM_SECOND
                                 : 2 * server->timers_wait_us < TIMERS_WAIT_LONGEST_US ? 2 * server->timers_wait_us
                                                                                       : TIMERS_WAIT_LONGEST_US;
        tell(server, status, new_note());
    }
    /* The hub's queue has the note by now. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    set_timer(server);
}

/* An event for the next timer; with the wall clock in doubt it is looked at again and again. */
static void set_timer(struct sim_server *server)
{
    struct sim *sim = server->sim;
    int64_t due_us = INT64_MAX;
    int64_t at_us;
    bool trouble;

    if (sim->held_ms != NULL)
        return; /* sim_server_step() asks */
    (void)time_now(server, &trouble);
    if (batch_next_timer(server->batch, &due_us) != STATUS_OK)
        due_us = wall_us(server);
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
    sim_at(sim, at_us, timers, server, server->life);
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
    pump(server);
}

/* ---- Contacts (P7): after whatever was acknowledged, and never with it ---- */

static void write_contacts(struct sim *sim, void *context, uint64_t life)
{
    struct sim_server *server = context;
    struct contact_note notes[2 * CONNECTIONS_MAX];
    size_t count = 0;

    (void)sim;
    if (life != server->life || !server->up)
        return;
    server->contacts_wait = false;
    while (count < 2 * CONNECTIONS_MAX && queue_pop(server->queues.contacts, 0, &notes[count]) == STATUS_OK)
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

            job->result.status = verify(server, job);
            if (queue_push(server->queues.writer, &item) != STATUS_OK)
                abort();
        }
    }
}

/* The disk takes its time; the phone comes back meanwhile, hears of nothing and pushes the same again (F2). */
static void slow_down(struct sim_server *server, struct connection *connection)
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
    pump(server);
    if (hub_count(server->hub) == 0)
        return;
    server->tick_us = 2 * server->tick_us < TICK_LONGEST_US ? 2 * server->tick_us : TICK_LONGEST_US;
    sim_at(sim, sim->now_us + server->tick_us, tick, server, ++server->tick);
}

/* Something happened: ticks come each second again for a while. */
static void stir(struct sim_server *server)
{
    server->tick_us = TICK_FIRST_US;
    sim_at(server->sim, server->sim->now_us + server->tick_us, tick, server, ++server->tick);
}

static void pump(struct sim_server *server)
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

/* ---- For the network ---- */

bool sim_server_is_up(const struct sim *sim)
{
    return sim->server->up && !sim->server->stopping;
}

struct connection *sim_server_accept(struct sim *sim, struct sim_peer *peer, const struct hash *certificate_key_hash)
{
    struct sim_server *server = sim->server;
    struct connection *connection = NULL;

    if (hub_connect(server->hub, peer, certificate_key_hash, false, &connection) != STATUS_OK)
        return NULL;
    stir(server);
    return connection;
}

void sim_server_receive(struct sim *sim, struct connection *connection, struct span part, bool first, bool last)
{
    hub_receive(sim->server->hub, connection, part, first, last, true);
    slow_down(sim->server, connection);
    pump(sim->server);
    stir(sim->server);
}

void sim_server_lost(struct sim *sim, struct connection *connection)
{
    hub_disconnect(sim->server->hub, connection);
}

struct outbox_message *sim_server_next(struct sim *sim, struct connection *connection, size_t *ret_size,
                                       const uint8_t **ret_bytes)
{
    struct outbox_message *message = hub_next(sim->server->hub, connection);

    if (message != NULL) {
        *ret_size = message->size;
        *ret_bytes = message->bytes;
    }
    return message;
}

void sim_server_written(struct sim *sim, struct connection *connection, struct outbox_message *message)
{
    enum session_lane lane = message->lane;

    free(message);
    hub_written(sim->server->hub, connection, lane);
    pump(sim->server);
}

bool sim_server_may_close(const struct connection *connection)
{
    return hub_may_close(connection);
}

bool sim_server_wants_write(const struct connection *connection)
{
    return connection->outbox.size > 0 || connection->closing;
}

/* ---- Starting and stopping ---- */

static enum status open_queues(struct hub_queues *queues)
{
    enum status status = queue_new(sizeof(struct writer_item), 2 * HUB_PUSHES_MAX + CONNECTIONS_MAX, &queues->writer);

    for (size_t i = 0; i < HUB_VERIFIERS && status == STATUS_OK; i++)
        status = queue_new(sizeof(struct push_job *), HUB_PUSHES_MAX + CONNECTIONS_MAX, &queues->verifiers[i]);
    if (status == STATUS_OK)
        status = queue_new(sizeof(struct read_job *), 2 * CONNECTIONS_MAX, &queues->reader);
    if (status == STATUS_OK)
        status = queue_new(sizeof(struct contact_note), 2 * CONNECTIONS_MAX, &queues->contacts);
    if (status == STATUS_OK)
        status = queue_new(sizeof(struct note), NOTES_MAX + 2 * HUB_PUSHES_MAX, &queues->notes);
    return status;
}

static enum status open_store(struct sim_server *server)
{
    struct clock_setup clock = {.source = {.wall_us = wall_us, .boot_us = boot_us, .context = server},
                                .disagreement_us = CLOCK_DISAGREEMENT_US};
    struct store_head head = {0};
    bool took_over;
    enum status status = store_sqlite_open(server->path, STORE_SQLITE_WRITER, &server->store);

    if (status == STATUS_OK)
        status = batch_open(server->store, &server->batch);
    if (status == STATUS_OK)
        status = server->store->ops->head(server->store, &head);
    clock.journal_us = head.time_us;
    clock.doubted = head.timers_held;
    if (status == STATUS_OK)
        status = clock_new(&clock, &server->clock);
    if (status == STATUS_OK)
        status = batch_take_over(server->batch, clock_read(server->clock).server_us, &took_over);
    if (status == STATUS_OK)
        status = store_sqlite_open(server->path, STORE_SQLITE_READER, &server->tools.store);
    return status;
}

/* Now and then it comes back as one that doesn't: an older version, or its operator's choice. */
static bool takes_deflated(const struct sim_server *server)
{
    return (server->sim->options.seed + server->life) % 4 != 0;
}

static enum status open_hub(struct sim_server *server)
{
    struct hub_limits limits = {.max_connections = CONNECTIONS_MAX,
                                .told_all_max = server->sim->held_ms != NULL ? HUB_TOLD_ALL : 0,
                                .output_max = OUTPUT_MAX,
                                .memory_max = MEMORY_MAX,
                                .admit_per_s = server->sim->held_ms != NULL ? 1000 : ADMIT_PER_S,
                                .admit_burst = server->sim->held_ms != NULL ? 1000 : ADMIT_BURST,
                                .line_us = LINE_US,
                                .answer_us = ANSWER_US,
                                .slow_reader_us = SLOW_READER_US,
                                .close_grace_us = CLOSE_GRACE_US};
    struct hub_transport calls = {.want_write = want_write, .pause = pause_reading, .kill = kill_soon};
    enum status status = open_queues(&server->queues);

    server->setup = (struct session_setup){.credit_entries = CREDIT_ENTRIES,
                                           .keep_alive_s = KEEP_ALIVE_S,
                                           .hello_timeout_us = HELLO_TIMEOUT_US,
                                           .answer_timeout_us = ANSWER_US,
                                           .push_deflate = takes_deflated(server),
                                           .arena = server->arena};
    if (status == STATUS_OK)
        status = hub_new(&server->setup, &limits, &server->queues, &calls, server->clock, server->log, &server->hub);
    return status;
}

void sim_server_new(struct sim *sim)
{
    struct sim_server *server = calloc(1, sizeof(*server));
    struct session_reader *tools;
    enum status status;

    if (server == NULL)
        abort();
    sim->server = server;
    server->sim = sim;
    tools = &server->tools;
    server->machine = sim_files_add(sim, "server", true, server->path);
    tools->checkpoint_key = sim->server_key;
    sign_key_public(sim->server_key, &tools->checkpoint_public);
    status = store_sqlite_create(server->path, false);
    if (status == STATUS_OK)
        status = verify_key_new(&tools->checkpoint_public, &tools->checkpoint_verify);
    if (status == STATUS_OK)
        status = checkpoint_memory_new(&tools->memory);
    if (status == STATUS_OK)
        status = sha256_new(&tools->sha);
    if (status == STATUS_OK)
        status = inflater_new(&server->inflater);
    if (status == STATUS_OK)
        status = arena_new(&tools->arena);
    if (status == STATUS_OK)
        status = arena_new(&server->arena);
    if (status == STATUS_OK)
        status = log_new(sim->options.trace ? LOG_WARNING : LOG_ERROR, sim->options.trace ? NULL : "/dev/null",
                         &server->log);
    if (status != STATUS_OK)
        die(sim, "can't be made", status);
}

void sim_server_start(struct sim *sim)
{
    struct sim_server *server = sim->server;
    enum status status = open_store(server);

    if (status == STATUS_OK)
        status = open_hub(server);
    if (status != STATUS_OK) {
        die(sim, "doesn't start", status);
        return;
    }
    server->up = true;
    server->stopping = false;
    server->commit_waits = server->read_waits = server->contacts_wait = false;
    server->timers_wait_us = 0;
    server->timer_us = INT64_MAX;
    sim_trace(sim, "server: up, journal at %llu", (unsigned long long)batch_head(server->batch)->pos);
    set_timer(server);
}

static void drain_queues(struct hub_queues *queues)
{
    struct writer_item item;
    struct push_job *job;
    struct read_job *read;
    struct note note;

    while (queues->writer != NULL && queue_pop(queues->writer, 0, &item) == STATUS_OK)
        push_job_free(item.job);
    for (size_t i = 0; i < HUB_VERIFIERS; i++) {
        while (queues->verifiers[i] != NULL && queue_pop(queues->verifiers[i], 0, &job) == STATUS_OK)
            push_job_free(job);
        queue_free(queues->verifiers[i]);
    }
    while (queues->reader != NULL && queue_pop(queues->reader, 0, &read) == STATUS_OK)
        free(read);
    while (queues->notes != NULL && queue_pop(queues->notes, 0, &note) == STATUS_OK)
        note_done(&note);
    queue_free(queues->writer);
    queue_free(queues->reader);
    queue_free(queues->contacts);
    queue_free(queues->notes);
    memset(queues, 0, sizeof(*queues));
}

/* The process is gone; its files stay. */
static void tear_down(struct sim_server *server)
{
    server->up = false;
    server->life++;
    server->tick++;
    sim_net_server_gone(server->sim);
    hub_free(server->hub);
    server->hub = NULL;
    drain_queues(&server->queues);
    batch_free(server->batch);
    server->batch = NULL;
    session_reader_done(&server->tools);
    if (server->tools.store != NULL)
        server->tools.store->ops->close(server->tools.store);
    if (server->store != NULL)
        server->store->ops->close(server->store);
    server->tools.store = server->store = NULL;
    clock_free(server->clock);
    server->clock = NULL;
}

void sim_server_switch_on(struct sim *sim)
{
    if (sim->server->up)
        return;
    sim_server_start(sim);
    if (!sim_failed(sim))
        sim_check_journal(sim); /* acknowledged is durable, whatever has just happened (E1) */
}

static void start_again(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    sim_server_switch_on(sim);
}

void sim_server_switch_off(struct sim *sim)
{
    sim_machine_cut(sim->server->machine);
    tear_down(sim->server);
    sim_files_power_on(sim, sim->server->machine, false, SIM_FAULT_SERVER_CRASH);
}

void sim_server_crash(struct sim *sim, bool power_lost, int64_t down_us)
{
    struct sim_server *server = sim->server;

    if (!server->up)
        return;
    sim_trace(sim, "server: crashes%s", power_lost ? ", power lost" : "");
    sim_machine_cut(server->machine);
    tear_down(server);
    sim_files_power_on(sim, server->machine, power_lost, SIM_FAULT_SERVER_CRASH);
    sim_at(sim, sim->now_us + down_us, start_again, NULL, 0);
}

static void stopped(struct sim *sim, void *context, uint64_t life)
{
    struct sim_server *server = context;

    if (life != server->life || !server->up)
        return;
    hub_tick(server->hub);
    pump(server);
    if (!hub_is_stopped(server->hub)) {
        sim_at(sim, sim->now_us + 100 * INT64_C(1000), stopped, server, life);
        return;
    }
    tear_down(server);
    sim_at(sim, sim->now_us + server->down_us, start_again, NULL, 0);
}

void sim_server_restart(struct sim *sim, int64_t down_us)
{
    struct sim_server *server = sim->server;

    if (!server->up || server->stopping)
        return;
    sim_trace(sim, "server: stops in order");
    server->stopping = true;
    server->down_us = down_us;
    hub_stop(server->hub);
    sim_at(sim, sim->now_us + 1000, stopped, server, server->life);
}

void sim_server_wall_jump(struct sim *sim, int64_t by_us)
{
    sim->server->wall_offset_us += by_us;
    sim_trace(sim, "server: its wall clock jumps by %lld s", (long long)(by_us / SIM_SECOND));
    if (sim->server->up)
        set_timer(sim->server);
}

void sim_server_wall_right(struct sim *sim)
{
    sim_server_wall_jump(sim, -sim->server->wall_offset_us);
    if (sim->server->up) {
        clock_accept_wall(sim->server->clock);
        set_timer(sim->server);
    }
}

void sim_server_step(struct sim *sim)
{
    struct sim_server *server = sim->server;

    if (sim->server_held_us < *sim->held_ms * 1000)
        sim->server_held_us = *sim->held_ms * 1000;
    if (!server->up)
        return;
    server->timer_us = sim->now_us;
    timers(sim, server, server->life);
    hub_tick(server->hub);
    pump(server);
    stir(server);
}

bool sim_server_is_idle(struct sim *sim)
{
    struct sim_server *server = sim->server;
    int64_t due_us = 0;

    return server->up && !server->stopping && queue_count(server->queues.writer) == 0 &&
           queue_count(server->queues.reader) == 0 && queue_count(server->queues.notes) == 0 &&
           batch_next_timer(server->batch, &due_us) == STATUS_OK && due_us > wall_us(server);
}

struct store *sim_server_store(struct sim *sim)
{
    return sim->server->up ? sim->server->store : NULL;
}

struct sim_machine *sim_server_machine(struct sim *sim)
{
    return sim->server->machine;
}

const char *sim_server_path(const struct sim *sim)
{
    return sim->server->path;
}

void sim_server_import(struct sim *sim, struct span raw, const struct public_key *key)
{
    struct sim_server *server = sim->server;
    struct push_job *job;
    enum status status = push_job_new(raw, 0, &job);

    if (status != STATUS_OK) {
        die(sim, "import", status);
        return;
    }
    job->key = *key;
    job->result.status = verify(server, job);
    job->entry_count = (uint32_t)job->push.entry_count;
    status = apply(server, job, wall_us(server), false);
    if (status == STATUS_OK)
        status = job->result.status;
    push_job_free(job);
    if (status != STATUS_OK)
        die(sim, "import", status);
    set_timer(server);
}

enum status sim_server_rescue(struct sim *sim, struct span raw, const struct public_key *key)
{
    struct sim_server *server = sim->server;
    struct push_job *job;
    bool trouble;
    enum status status = push_job_new(raw, 0, &job);

    if (status != STATUS_OK)
        return status;
    job->key = *key;
    job->delivery.import = true;
    status = verify(server, job);
    job->entry_count = (uint32_t)job->push.entry_count;
    if (status == STATUS_OK) {
        int64_t now_us = time_now(server, &trouble);

        status = apply(server, job, now_us, trouble);
        tell(server, status, new_note());
        if (status == STATUS_OK)
            status = job->result.status;
        /* The hub's queue has the note by now. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        set_timer(server);
        pump(server);
    }
    push_job_free(job);
    return status;
}

void sim_server_free(struct sim *sim)
{
    struct sim_server *server = sim->server;

    tear_down(server);
    for (size_t i = 0; i < VERIFY_KEYS; i++)
        verify_key_free(server->keys[i].key);
    verify_key_free(server->tools.checkpoint_verify);
    checkpoint_memory_free(server->tools.memory);
    sha256_free(server->tools.sha);
    inflater_free(server->inflater);
    arena_free(server->tools.arena);
    arena_free(server->arena);
    log_free(server->log);
    sim_files_forget_folder(sim, "server");
    free(server);
}
