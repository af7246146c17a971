/* The server's process without its threads: the real hub, sessions and store; what threads do is sim_server_work.c. */
#include <stdlib.h>
#include <string.h>

#include "server/edge/store_sqlite.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_server_internal.h"

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
#define CLOSE_GRACE_US (5 * SIM_SECOND)
#define CLOCK_DISAGREEMENT_US (5 * SIM_SECOND)

static void die(struct sim *sim, const char *what, enum status status)
{
    sim_fail(sim, "server: %s: %s", what, status_name(status));
}

/* ---- Clocks ---- */

int64_t sim_server_wall_us(void *context)
{
    struct sim_server *server = context;

    return (server->sim->held_ms != NULL ? server->sim->server_held_us : server->sim->now_us) + server->wall_offset_us;
}

int64_t sim_server_boot_us(void *context)
{
    const struct sim *sim = ((struct sim_server *)context)->sim;

    return (sim->held_ms != NULL ? sim->server_held_us : sim->now_us) - SIM_START + 4000 * SIM_DAY;
}

int64_t sim_server_now_us(struct sim *sim)
{
    return sim_server_wall_us(sim->server);
}

int64_t sim_server_time(struct sim_server *server, bool *ret_trouble)
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
    sim_work_stir(server);
    return connection;
}

void sim_server_receive(struct sim *sim, struct connection *connection, struct span part, bool first, bool last)
{
    hub_receive(sim->server->hub, connection, part, first, last, true);
    sim_work_slow_down(sim->server, connection);
    sim_work_pump(sim->server);
    sim_work_stir(sim->server);
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
    sim_work_pump(sim->server);
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
    enum status status =
        queue_new(sizeof(struct writer_item), 2 * HUB_PUSHES_MAX + SIM_CONNECTIONS_MAX, &queues->writer);

    for (size_t i = 0; i < HUB_VERIFIERS && status == STATUS_OK; i++)
        status = queue_new(sizeof(struct push_job *), HUB_PUSHES_MAX + SIM_CONNECTIONS_MAX, &queues->verifiers[i]);
    if (status == STATUS_OK)
        status = queue_new(sizeof(struct read_job *), 2 * SIM_CONNECTIONS_MAX, &queues->reader);
    if (status == STATUS_OK)
        status = queue_new(sizeof(struct contact_note), 2 * SIM_CONNECTIONS_MAX, &queues->contacts);
    if (status == STATUS_OK)
        status = queue_new(sizeof(struct note), NOTES_MAX + 2 * HUB_PUSHES_MAX, &queues->notes);
    return status;
}

static enum status open_store(struct sim_server *server)
{
    struct clock_setup clock = {
        .source = {.wall_us = sim_server_wall_us, .boot_us = sim_server_boot_us, .context = server},
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
    struct hub_limits limits = {.max_connections = SIM_CONNECTIONS_MAX,
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
    sim_work_set_timer(server);
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
    sim_work_pump(server);
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
        sim_work_set_timer(sim->server);
}

void sim_server_wall_right(struct sim *sim)
{
    sim_server_wall_jump(sim, -sim->server->wall_offset_us);
    if (sim->server->up) {
        clock_accept_wall(sim->server->clock);
        sim_work_set_timer(sim->server);
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
    sim_work_timers(sim, server, server->life);
    hub_tick(server->hub);
    sim_work_pump(server);
    sim_work_stir(server);
}

bool sim_server_is_idle(struct sim *sim)
{
    struct sim_server *server = sim->server;
    int64_t due_us = 0;

    return server->up && !server->stopping && queue_count(server->queues.writer) == 0 &&
           queue_count(server->queues.reader) == 0 && queue_count(server->queues.notes) == 0 &&
           batch_next_timer(server->batch, &due_us) == STATUS_OK && due_us > sim_server_wall_us(server);
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
    job->result.status = sim_work_verify(server, job);
    job->entry_count = (uint32_t)job->push.entry_count;
    status = push_jobs_apply(server->batch, job, sim_server_wall_us(server), false);
    if (status == STATUS_OK)
        status = job->result.status;
    push_job_free(job);
    if (status != STATUS_OK)
        die(sim, "import", status);
    sim_work_set_timer(server);
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
    status = sim_work_verify(server, job);
    job->entry_count = (uint32_t)job->push.entry_count;
    if (status == STATUS_OK) {
        int64_t now_us = sim_server_time(server, &trouble);

        status = push_jobs_apply(server->batch, job, now_us, trouble);
        sim_work_tell(server, status, sim_work_new_note());
        if (status == STATUS_OK)
            status = job->result.status;
        /* The hub's queue has the note by now. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        sim_work_set_timer(server);
        sim_work_pump(server);
    }
    push_job_free(job);
    return status;
}

void sim_server_free(struct sim *sim)
{
    struct sim_server *server = sim->server;

    tear_down(server);
    for (size_t i = 0; i < SIM_VERIFY_KEYS; i++)
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
