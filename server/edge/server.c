#include "server/edge/server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "server/edge/hub.h"
#include "server/edge/journal_copy.h"
#include "server/edge/signals.h"
#include "server/edge/store_sqlite.h"
#include "server/edge/tls.h"
#include "server/edge/transport_lws.h"
#include "server/edge/trust.h"

/* Descriptors beside the connections: store, log, loop, and handshakes that aren't connections yet. */
#define DESCRIPTORS_SPARE 600u
#define NOTES_MAX 1024u

struct server {
    const struct config *config;
    struct log *log;
    struct sign_key *checkpoint_key;
    struct store *store; /* the writer's */
    struct batch *batch;
    struct clock *clock;
    struct session_reader tools; /* the reader's */
    struct session_setup setup;
    struct arena *arena; /* the loop's */
    struct hub_queues queues;
    struct transport *transport;
    struct hub *hub;
    struct verifier *verifiers[HUB_VERIFIERS];
    struct writer *writer;
    struct reader *reader;
    struct journal_copy *copy; /* NULL: none is kept */
    struct signals *signals;
};

__attribute__((format(printf, 3, 4))) static enum status fail(struct config_error *error, enum status status,
                                                              const char *format, ...);

static enum status fail(struct config_error *error, enum status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return status;
}

static enum status raise_descriptors(const struct config *config, struct config_error *error)
{
    rlim_t needed = config->max_connections + DESCRIPTORS_SPARE;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return fail(error, STATUS_INTERNAL, "the limit of open files cannot be read");
    if (limit.rlim_cur >= needed)
        return STATUS_OK;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed)
        return fail(error, STATUS_CONFIG,
                    "server.max_connections is %u, which needs %llu open files, and this process may have %llu: raise "
                    "the limit (ulimit -n, LimitNOFILE) or allow fewer connections",
                    config->max_connections, (unsigned long long)needed, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = needed;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0
               ? STATUS_OK
               : fail(error, STATUS_CONFIG, "the limit of open files cannot be raised to %llu",
                      (unsigned long long)needed);
}

static bool same_key(const struct public_key *a, const struct public_key *b)
{
    return a->algorithm == b->algorithm && span_equal(span_of(a->bytes, a->size), span_of(b->bytes, b->size));
}

/* Configuration, key and store belong together. */
static enum status check_store(struct server *server, struct store_head *ret_head, struct config_error *error)
{
    const struct config *config = server->config;
    struct public_key own;
    struct public_key of_force;
    enum status status = server->store->ops->head(server->store, ret_head);

    if (status != STATUS_OK)
        return fail(error, status, "store.path: %.600s: its head cannot be read: %s", config->store,
                    status_what(status));
    if (ret_head->training != config->training)
        return fail(error, STATUS_STORE_MODE, "mode.training is %s, but %.600s %s a training store: %s",
                    config->training ? "yes" : "no", config->store, ret_head->training ? "is" : "is not",
                    status_advice(STATUS_STORE_MODE));
    status = trust_read_force(server->store, &of_force);
    if (status == STATUS_NOT_FOUND)
        return fail(error, status, "store.path: %.600s holds no force yet: run doublecrewctl init first",
                    config->store);
    if (status != STATUS_OK)
        return fail(error, status, "store.path: record 1 of %.600s cannot be read as a Force: %s", config->store,
                    status_advice(STATUS_STORE));
    sign_key_public(server->checkpoint_key, &own);
    if (!same_key(&own, &of_force))
        return fail(error, STATUS_NOT_PERMITTED,
                    "trust.checkpoint_key: %.600s is not the key that the force's first record names: use the key that "
                    "doublecrewctl init made with this store",
                    config->checkpoint_key);
    return STATUS_OK;
}

/* Before anybody connects: with a long journal it takes its time (J4). */
static enum status take_over(struct server *server, struct config_error *error)
{
    struct clock_reading reading = clock_read(server->clock);
    struct store_head before = *batch_head(server->batch);
    bool took_over = false;

    if (batch_is_behind(server->batch)) { /* reads are served, and whoever connects hears why nothing is taken */
        LOG(server->log, LOG_ERROR, "store_behind", log_text("advice", status_advice(STATUS_STORE_BEHIND)));
        return STATUS_OK;
    }
    enum status status = batch_take_over(server->batch, reading.server_us, &took_over);

    if (status != STATUS_OK)
        return fail(error, status,
                    "store.path: engine %s could not take over from engine %s, and nothing was changed: %s. %s",
                    engine_current.version, before.engine, status_what(status), status_advice(status));
    if (took_over)
        LOG(server->log, LOG_WARNING, "engine_took_over", log_text("from", before.engine),
            log_text("to", engine_current.version),
            log_number("told", (int64_t)(batch_head(server->batch)->pos - before.pos - 1)));
    return STATUS_OK;
}

static enum status open_store(struct server *server, struct config_error *error)
{
    const struct config *config = server->config;
    struct store_head head = {0};
    enum status status = store_sqlite_open(config->store, STORE_SQLITE_WRITER, &server->store);

    if (status != STATUS_OK)
        return fail(error, status, "store.path: %.600s cannot be opened: %s. %s", config->store, status_what(status),
                    status_advice(status));
    status = check_store(server, &head, error);
    if (status != STATUS_OK)
        return status;
    status = batch_open(server->store, &server->batch);
    if (status == STATUS_STORE)
        return fail(error, status, "store.path: the journal of %.600s does not match its Merkle root: %s",
                    config->store, status_advice(status));
    if (status != STATUS_OK)
        return fail(error, status, "store.path: %.600s: %s. %s", config->store, status_what(status),
                    status_advice(status));
    struct clock_setup clock = {.training = config->training,
                                .training_rate = config->training_rate,
                                .journal_us = head.time_us,
                                .doubted = head.timers_held,
                                .disagreement_us = (int64_t)config->clock_disagreement_ms * 1000};
    status = clock_new(&clock, &server->clock);
    if (status != STATUS_OK)
        return fail(error, status, "%s", status_what(status));
    return take_over(server, error);
}

static enum status open_tools(struct server *server)
{
    struct session_reader *tools = &server->tools;
    enum status status = store_sqlite_open(server->config->store, STORE_SQLITE_READER, &tools->store);

    if (status == STATUS_OK)
        status = sha256_new(&tools->sha);
    if (status == STATUS_OK)
        status = arena_new(&tools->arena);
    if (status == STATUS_OK)
        status = arena_new(&server->arena);
    tools->checkpoint_key = server->checkpoint_key;
    sign_key_public(server->checkpoint_key, &tools->checkpoint_public);
    if (status == STATUS_OK)
        status = verify_key_new(&tools->checkpoint_public, &tools->checkpoint_verify);
    if (status == STATUS_OK)
        status = checkpoint_memory_new(&tools->memory);
    return status;
}

/* Every queue holds all that its writers may have under way at once, so that the loop never has to wait. */
static enum status open_queues(struct server *server)
{
    size_t connections = server->config->max_connections;
    enum status status =
        queue_new(sizeof(struct writer_item), 2 * HUB_PUSHES_MAX + connections + 1, &server->queues.writer);

    for (size_t i = 0; i < HUB_VERIFIERS && status == STATUS_OK; i++)
        status = queue_new(sizeof(struct push_job *), HUB_PUSHES_MAX + connections, &server->queues.verifiers[i]);
    if (status == STATUS_OK)
        status = queue_new(sizeof(struct read_job *), 2 * connections, &server->queues.reader);
    if (status == STATUS_OK)
        status = queue_new(sizeof(struct contact_note), 2 * connections, &server->queues.contacts);
    if (status == STATUS_OK)
        status = queue_new(sizeof(struct note), NOTES_MAX, &server->queues.notes);
    return status;
}

static enum status open_hub(struct server *server)
{
    const struct config *config = server->config;
    struct hub_transport calls = transport_calls();
    struct hub_limits limits = {
        .max_connections = config->max_connections,
        .told_all_max = HUB_TOLD_ALL,
        .headroom = transport_headroom(),
        .output_max = (size_t)config->output_kib * 1024,
        .memory_max = (size_t)config->connection_kib * 1024,
        .admit_per_s = config->admit_per_s,
        .admit_burst = config->admit_burst,
        .line_us = HUB_LINE_WAIT_US,
        .answer_us = (int64_t)config->answer_s * 1000000,
        .keep_alive_us = (int64_t)config->keep_alive_s * 1000000,
        .slow_reader_us = (int64_t)config->slow_reader_s * 1000000,
        .close_grace_us = (int64_t)config->stop_grace_s * 1000000,
    };

    server->setup = (struct session_setup){
        .credit_entries = config->credit_entries,
        .keep_alive_s = config->keep_alive_s,
        .hello_timeout_us = (int64_t)config->hello_timeout_s * 1000000,
        .answer_timeout_us = (int64_t)config->answer_s * 1000000,
        .training = config->training,
        .push_deflate = config->push_deflate,
        .arena = server->arena,
    };
    return hub_new(&server->setup, &limits, &server->queues, &calls, server->clock, server->log, &server->hub);
}

static enum status start_threads(struct server *server)
{
    struct loop_port port = {.notes = server->queues.notes, .wake = transport_wake, .context = server->transport};
    struct writer_tools tools = {.contacts = server->queues.contacts,
                                 .store = server->store,
                                 .batch = server->batch,
                                 .clock = server->clock,
                                 .store_path = server->config->store};
    enum status status = STATUS_OK;

    for (size_t i = 0; i < HUB_VERIFIERS && status == STATUS_OK; i++)
        status = verifier_start(server->queues.verifiers[i], server->queues.writer, &server->verifiers[i]);
    if (status == STATUS_OK)
        status = writer_start(server->queues.writer, &tools, server->log, &port, &server->writer);
    if (status == STATUS_OK)
        status = reader_start(server->queues.reader, &server->tools, &port, &server->reader);
    if (status == STATUS_OK && server->config->journal_copy[0] != '\0')
        status = journal_copy_start(server->config->store, server->config->journal_copy, server->log, &server->copy);
    if (status == STATUS_OK)
        status = signals_start(&port, &server->signals);
    return status;
}

/* What is received and under way must fit beside what waits for a slow reader. */
static enum status check_memory(const struct config *config, struct config_error *error)
{
    size_t least_kib = 2 * (size_t)config->output_kib + HUB_MESSAGE_ROOM / 1024;

    if (config->connection_kib >= least_kib)
        return STATUS_OK;
    return fail(
        error, STATUS_CONFIG,
        "limits.connection_kib is %u: with limits.output_kib %u it must be at least %zu, or a reader that is slow "
        "could not be read from",
        config->connection_kib, config->output_kib, least_kib);
}

static enum status open_all(struct server *server, struct config_error *error)
{
    const struct config *config = server->config;
    enum status status = raise_descriptors(config, error);

    if (status == STATUS_OK)
        status = check_memory(config, error);
    if (status == STATUS_OK)
        status = tls_check(config, error);
    if (status == STATUS_OK)
        status = trust_load_key(config->checkpoint_key, &server->checkpoint_key, error);
    if (status == STATUS_OK)
        status = open_store(server, error);
    if (status != STATUS_OK)
        return status;
    status = open_tools(server);
    if (status == STATUS_OK)
        status = open_queues(server);
    if (status != STATUS_OK)
        return fail(error, status, "%s. %s", status_what(status), status_advice(status));
    status = transport_new(config, server->log, &server->transport);
    if (status != STATUS_OK)
        return fail(error, status, "server.listen, server.port: %s port %u cannot be listened on; is it taken?",
                    config->listen, config->port);
    status = open_hub(server);
    if (status == STATUS_OK) {
        transport_set_hub(server->transport, server->hub);
        status = start_threads(server);
    }
    return status == STATUS_OK ? status : fail(error, status, "%s. %s", status_what(status), status_advice(status));
}

enum status server_open(const struct config *config, struct log *log, struct server **ret_server,
                        struct config_error *ret_error)
{
    struct server *server = calloc(1, sizeof(*server));
    enum status status;

    if (server == NULL)
        return fail(ret_error, STATUS_NO_MEMORY, "%s", status_what(STATUS_NO_MEMORY));
    server->config = config;
    server->log = log;
    status = open_all(server, ret_error);
    if (status != STATUS_OK) {
        server_close(server);
        return status;
    }
    *ret_server = server;
    return STATUS_OK;
}

uint16_t server_port(const struct server *server)
{
    return transport_port(server->transport);
}

void server_run(struct server *server)
{
    transport_run(server->transport);
}

static void close_queue(struct queue *queue)
{
    if (queue != NULL)
        queue_close(queue);
}

/* From the front to the back, so that everything taken in is committed before its thread ends. */
static void join_threads(struct server *server)
{
    close_queue(server->queues.notes);
    signals_join(server->signals);
    for (size_t i = 0; i < HUB_VERIFIERS; i++) {
        close_queue(server->queues.verifiers[i]);
        verifier_join(server->verifiers[i]);
    }
    close_queue(server->queues.writer);
    writer_join(server->writer);
    close_queue(server->queues.reader);
    reader_join(server->reader);
    journal_copy_stop(server->copy);
}

static void free_queues(struct server *server)
{
    struct note note;

    while (server->queues.notes != NULL && queue_pop(server->queues.notes, 0, &note) == STATUS_OK)
        note_done(&note);
    queue_free(server->queues.notes);
    queue_free(server->queues.writer);
    queue_free(server->queues.reader);
    queue_free(server->queues.contacts);
    for (size_t i = 0; i < HUB_VERIFIERS; i++)
        queue_free(server->queues.verifiers[i]);
}

void server_close(struct server *server)
{
    if (server == NULL)
        return;
    join_threads(server);
    transport_free(server->transport);
    hub_free(server->hub);
    free_queues(server);
    batch_free(server->batch);
    if (server->store != NULL)
        server->store->ops->close(server->store);
    if (server->tools.store != NULL)
        server->tools.store->ops->close(server->tools.store);
    verify_key_free(server->tools.checkpoint_verify);
    checkpoint_memory_free(server->tools.memory);
    arena_free(server->tools.arena);
    sha256_free(server->tools.sha);
    arena_free(server->arena);
    sign_key_free(server->checkpoint_key);
    clock_free(server->clock);
    free(server);
}
