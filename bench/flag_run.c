#include "bench/flag_run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/load_link.h"
#include "bench/load_log.h"
#include "bench/machine.h"
#include "bench/paced_sync.h"
#include "doublecrew/v1/sync.pb-c.h"

#define PHASE_MAX_S 120
#define REST_PAUSE_S 0.010
#define CLIENT_OUT_MAX (256u * 1024u) /* receipts that wait for room: more means that the server doesn't read */
#define LOG_LINE_SIZE 1024

struct client {
    const struct ingest_device *device;
    struct load_link link;
    bool is_supervisor;
    bool writing; /* epoll watches for room */
    uint8_t *out; /* receipts under way; link.sending points into it */
    size_t out_size;
    struct id boot;
    struct flag_visit *visits; /* an officer's */
    size_t next;
    size_t acknowledged;
};

/* A visit that was sent, by its presence. */
struct sent_visit {
    struct hash presence;
    double sent_s;
    double flagged_s; /* 0: not yet */
};

struct flag_run {
    const struct ingest_force *force;
    const char *log;
    uint64_t *random;
    SSL_CTX *context;
    int epoll;
    struct client *clients; /* officers, then supervisors */
    size_t officer_count;
    size_t client_count;
    size_t visits_each;
    struct sent_visit *table; /* open addressing */
    size_t table_size;
    /* the phase */
    const struct flag_phase *phase;
    size_t sent;
    size_t flagged;
    size_t acknowledged;
    size_t turn; /* whose turn it is */
    double next_s;
    double *screen_ms;
};

static enum status fail(const char *what)
{
    fprintf(stderr, "bench flag: %s: no figures\n", what);
    return STATUS_STORE;
}

/* The visits that were sent ----------------------------------------------------------------------------------------- */

static struct sent_visit *find_sent(struct flag_run *run, const struct hash *presence)
{
    size_t at = (size_t)(get_u64(presence->bytes) % run->table_size);

    while (run->table[at].sent_s != 0 && !hash_equal(&run->table[at].presence, presence))
        at = (at + 1) % run->table_size;
    return &run->table[at];
}

/* Sending ----------------------------------------------------------------------------------------------------------- */

static enum status watch(struct flag_run *run, struct client *client, int operation)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

    client->writing = client->link.sending.size > 0;
    if (client->writing)
        event.events |= EPOLLOUT;
    return epoll_ctl(run->epoll, operation, client->link.socket, &event) == 0 ? STATUS_OK : STATUS_NETWORK;
}

static enum status flush(struct flag_run *run, struct client *client)
{
    enum status status = load_link_send(&client->link);

    if (client->is_supervisor && client->link.sending.size == 0)
        client->out_size = 0;
    if (status == STATUS_OK && client->writing != (client->link.sending.size > 0))
        status = watch(run, client, EPOLL_CTL_MOD);
    return status;
}

static enum status send_visit(struct flag_run *run, struct client *client)
{
    const struct flag_visit *visit = &client->visits[client->next];
    struct sent_visit *sent = find_sent(run, &visit->presence);

    if (client->link.sending.size > 0 || client->next == run->visits_each)
        return fail("the server doesn't take in what is sent, or the visits are used up");
    client->next++;
    run->sent++;
    sent->presence = visit->presence;
    sent->sent_s = machine_now_s();
    client->link.sending = span_of(visit->frame, visit->size);
    return flush(run, client);
}

static enum status send_next(struct flag_run *run)
{
    if (run->officer_count == 0)
        return fail("there is nobody to send");
    return send_visit(run, &run->clients[run->turn++ % run->officer_count]);
}

/* FlagReceived, behind what waits already. */
static enum status send_receipt(struct flag_run *run, struct client *client, const Doublecrew__V1__Flag *flag)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__FlagReceived received = DOUBLECREW__V1__FLAG_RECEIVED__INIT;
    uint8_t bytes[128];
    size_t size = 0;
    size_t waiting = client->link.sending.size;

    received.flag_id = flag->flag->flag_id;
    received.pos = flag->pos;
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_FLAG_RECEIVED;
    message.flag_received = &received;
    uint8_t *frame = load_frame(span_of(bytes, protobuf_c_message_pack(&message.base, bytes)), run->random, &size);
    if (frame == NULL)
        return STATUS_NO_MEMORY;
    if (client->out_size + size > CLIENT_OUT_MAX) {
        free(frame);
        return fail("the server doesn't read receipts");
    }
    memcpy(client->out + client->out_size, frame, size);
    free(frame);
    client->out_size += size;
    client->link.sending = span_of(client->out + client->out_size - waiting - size, waiting + size);
    return STATUS_OK;
}

/* Receiving --------------------------------------------------------------------------------------------------------- */

static enum status take_flag(struct flag_run *run, struct client *client, const Doublecrew__V1__Flag *flag)
{
    struct hash subject;
    struct sent_visit *sent;

    if (strcmp(flag->flag->kind, "lone_confirmed") == 0 &&
        hash_from_span(span_of(flag->flag->subject.data, flag->flag->subject.len), &subject) == STATUS_OK) {
        sent = find_sent(run, &subject);
        if (sent->sent_s == 0)
            return fail("a flag is of no visit that was sent");
        if (sent->flagged_s != 0)
            return fail("a flag came twice");
        sent->flagged_s = machine_now_s();
        run->screen_ms[run->flagged++] = (sent->flagged_s - sent->sent_s) * 1e3;
        run->next_s = sent->flagged_s + REST_PAUSE_S;
    }
    return send_receipt(run, client, flag);
}

static enum status take_ack(struct flag_run *run, struct client *client, const Doublecrew__V1__Ack *ack)
{
    if (client->acknowledged == client->next || ack->n_held > 0 ||
        ack->durable_seq != client->visits[client->acknowledged].last_seq)
        return fail("a visit was not plainly acknowledged");
    client->acknowledged++;
    run->acknowledged++;
    if (run->phase->one_at_a_time || run->phase->rate_per_s > 0 || run->sent == run->phase->visits)
        return STATUS_OK;
    return send_visit(run, client);
}

static enum status take_message(struct flag_run *run, struct client *client, struct span bytes)
{
    Doublecrew__V1__ServerMessage *message = doublecrew__v1__server_message__unpack(NULL, bytes.size, bytes.data);
    enum status status = STATUS_OK;

    if (message == NULL)
        return STATUS_MALFORMED;
    if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK)
        status = take_ack(run, client, message->ack);
    else if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_FLAG && client->is_supervisor)
        status = take_flag(run, client, message->flag);
    else if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR)
        status = fail(message->error->message);
    doublecrew__v1__server_message__free_unpacked(message, NULL);
    return status;
}

static enum status take_all(struct flag_run *run, struct client *client)
{
    struct span message;
    size_t at = 0;
    enum load_found found = LOAD_NOTHING;
    enum status status = load_link_receive(&client->link);

    while (status == STATUS_OK && (found = load_link_next(&client->link, &at, &message)) == LOAD_MESSAGE)
        status = take_message(run, client, message);
    load_link_drop(&client->link, at);
    if (status == STATUS_OK && client->link.sending.size > 0)
        status = flush(run, client);
    return found == LOAD_BROKEN ? STATUS_NETWORK : status;
}

static enum status take_events(struct flag_run *run, int wait_ms)
{
    struct epoll_event events[64];
    int count = epoll_wait(run->epoll, events, 64, wait_ms);
    enum status status = STATUS_OK;

    for (int i = 0; i < count && status == STATUS_OK; i++) {
        struct client *client = events[i].data.ptr;

        if ((events[i].events & EPOLLOUT) != 0)
            status = flush(run, client);
        if (status == STATUS_OK && (events[i].events & ~(uint32_t)EPOLLOUT) != 0)
            status = take_all(run, client);
    }
    return status;
}

/* A phase ----------------------------------------------------------------------------------------------------------- */

static enum status send_what_is_due(struct flag_run *run, double begin_s)
{
    const struct flag_phase *phase = run->phase;
    enum status status = STATUS_OK;

    if (phase->one_at_a_time && run->sent < phase->visits && run->flagged == run->sent &&
        machine_now_s() >= run->next_s)
        return send_next(run);
    while (phase->rate_per_s > 0 && run->sent < phase->visits && status == STATUS_OK &&
           machine_now_s() >= begin_s + (double)run->sent / phase->rate_per_s)
        status = send_next(run);
    return status;
}

static enum status run_phase(struct flag_run *run, double *ret_took_s)
{
    double begin_s = machine_now_s();
    enum status status = STATUS_OK;

    run->next_s = begin_s;
    for (size_t i = 0; !run->phase->one_at_a_time && run->phase->rate_per_s == 0 && i < run->officer_count &&
                       status == STATUS_OK && run->sent < run->phase->visits;
         i++)
        status = send_visit(run, &run->clients[i]);
    while (status == STATUS_OK && (run->flagged < run->phase->visits || run->acknowledged < run->phase->visits)) {
        status = send_what_is_due(run, begin_s);
        if (status == STATUS_OK)
            status = take_events(run, 1);
        if (status == STATUS_OK && machine_now_s() - begin_s > PHASE_MAX_S)
            status = fail("a flag never came");
    }
    *ret_took_s = machine_now_s() - begin_s;
    /* Whatever comes twice has a moment to do so. */
    for (int i = 0; i < 20 && status == STATUS_OK; i++)
        status = take_events(run, 10);
    return status;
}

/* What the server's log says of this phase. */
struct said {
    double *flag_ms;
    double *commit_ms;
    size_t flags, commits, capacity;
};

static bool number_after(const char *line, const char *name, double *ret_number)
{
    const char *at = strstr(line, name);

    if (at == NULL)
        return false;
    *ret_number = strtod(at + strlen(name), NULL);
    return *ret_number >= 0;
}

static enum status read_said(const char *path, long from, struct said *said)
{
    FILE *file = fopen(path, "re");
    char line[LOG_LINE_SIZE];
    double us = 0;

    if (file == NULL || fseek(file, from, SEEK_SET) != 0) {
        if (file != NULL)
            (void)fclose(file);
        return STATUS_IO;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strstr(line, "\"event\":\"flag_received\"") != NULL && number_after(line, "\"latency_us\":", &us) &&
            said->flags < said->capacity)
            said->flag_ms[said->flags++] = us / 1e3;
        if (strstr(line, "\"event\":\"committed\"") != NULL && number_after(line, "\"took_us\":", &us) &&
            said->commits < said->capacity)
            said->commit_ms[said->commits++] = us / 1e3;
    }
    (void)fclose(file);
    return STATUS_OK;
}

static long size_of(const char *path)
{
    FILE *file = fopen(path, "re");
    long size = 0;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    if (file != NULL)
        (void)fclose(file);
    return size;
}

static enum status sum_up(struct flag_run *run, long from, struct flag_figures *figures)
{
    struct said said = {.capacity = 8 * run->phase->visits + 1};
    enum status status = STATUS_NO_MEMORY;

    said.flag_ms = calloc(said.capacity, sizeof(double));
    said.commit_ms = calloc(said.capacity, sizeof(double));
    if (said.flag_ms != NULL && said.commit_ms != NULL)
        status = read_said(run->log, from, &said);
    if (status == STATUS_OK && (said.flags < run->phase->visits || said.commits == 0))
        status = fail("the server's log has fewer flags than visits, or no commits (it must be at level debug)");
    if (status == STATUS_OK) {
        const double shares[2] = {0.5, 0.99};

        figures->visits = run->flagged;
        figures->flags = said.flags;
        for (size_t i = 0; i < 2; i++) {
            figures->screen_ms[i] = machine_percentile(run->screen_ms, run->flagged, shares[i]);
            figures->flag_ms[i] = machine_percentile(said.flag_ms, said.flags, shares[i]);
            figures->commit_ms[i] = machine_percentile(said.commit_ms, said.commits, shares[i]);
        }
    }
    free(said.flag_ms);
    free(said.commit_ms);
    return status;
}

enum status flag_run_phase(struct flag_run *run, const struct flag_phase *phase, struct flag_figures *ret_figures)
{
    struct flag_figures figures = {.visits = 0};
    struct paced_sync *sync = NULL;
    long from = size_of(run->log);
    enum status status = paced_sync_start(run->force->folder, &sync);

    run->phase = phase;
    run->sent = run->flagged = run->acknowledged = 0;
    run->screen_ms = calloc(phase->visits + 1, sizeof(double));
    if (status == STATUS_OK && run->screen_ms == NULL)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = run_phase(run, &figures.took_s);
    if (sync != NULL)
        paced_sync_stop(sync, figures.fsync_ms);
    if (status == STATUS_OK)
        status = sum_up(run, from, &figures);
    if (status == STATUS_OK)
        *ret_figures = figures;
    free(run->screen_ms);
    run->screen_ms = NULL;
    return status;
}

/* Before and after -------------------------------------------------------------------------------------------------- */

static enum status say_hello(struct client *client, uint64_t *random)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Hello hello = DOUBLECREW__V1__HELLO__INIT;
    char version[] = "bench";
    uint8_t bytes[512];
    size_t size = 0;

    hello.protocol_min = 1;
    hello.protocol_max = 1;
    hello.app_version = version;
    hello.log_id = (ProtobufCBinaryData){ID_SIZE, (uint8_t *)(uintptr_t)client->device->log.bytes};
    hello.boot_id = (ProtobufCBinaryData){ID_SIZE, client->boot.bytes};
    hello.monotonic_ms = LOAD_HELLO_MS;
    hello.wall_ms = machine_wall_ms();
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    uint8_t *frame = load_frame(span_of(bytes, protobuf_c_message_pack(&message.base, bytes)), random, &size);
    if (frame == NULL)
        return STATUS_NO_MEMORY;
    client->link.sending = span_of(frame, size);
    enum status status = load_link_send(&client->link);
    free(frame);
    return status;
}

static enum status hear_welcome(struct client *client)
{
    Doublecrew__V1__ServerMessage *message = NULL;
    struct span bytes;
    size_t at = 0;
    enum load_found found = LOAD_NOTHING;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && (found = load_link_next(&client->link, &at, &bytes)) == LOAD_NOTHING)
        status = load_link_receive(&client->link);
    if (status != STATUS_OK || found != LOAD_MESSAGE)
        return STATUS_NETWORK;
    message = doublecrew__v1__server_message__unpack(NULL, bytes.size, bytes.data);
    if (message == NULL || message->message_case != DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_WELCOME)
        status = fail("a device was not welcome");
    if (message != NULL)
        doublecrew__v1__server_message__free_unpacked(message, NULL);
    load_link_drop(&client->link, at);
    return status;
}

static enum status connect_client(struct flag_run *run, struct client *client, uint16_t port)
{
    enum status status = load_link_open(run->context, port, client->device->package, &client->link);

    put_u64(client->boot.bytes, load_random(run->random));
    put_u64(client->boot.bytes + 8, load_random(run->random));
    if (status == STATUS_OK)
        status = say_hello(client, run->random);
    if (status == STATUS_OK)
        status = hear_welcome(client);
    if (status == STATUS_OK)
        status = load_link_unblock(&client->link);
    if (status == STATUS_OK && client->is_supervisor && (client->out = malloc(CLIENT_OUT_MAX)) == NULL)
        status = STATUS_NO_MEMORY;
    return status == STATUS_OK ? watch(run, client, EPOLL_CTL_ADD) : status;
}

static enum status prepare(struct flag_run *run, uint16_t port)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < run->client_count; i++) {
        struct client *client = &run->clients[i];

        client->link.socket = -1;
        client->is_supervisor = i >= run->officer_count;
        client->device =
            client->is_supervisor ? &run->force->supervisors[i - run->officer_count] : &run->force->devices[i];
    }
    for (size_t i = 0; i < run->client_count && status == STATUS_OK; i++) {
        struct client *client = &run->clients[i];

        status = connect_client(run, client, port);
        if (status == STATUS_OK && !client->is_supervisor)
            status = flag_visits_make(run->force, i, &client->boot, machine_wall_ms(), run->visits_each, run->random,
                                      &client->visits);
    }
    return status;
}

enum status flag_run_new(const struct ingest_force *force, uint16_t port, const char *log, size_t visits,
                         uint64_t *random, struct flag_run **ret_run)
{
    struct flag_run *run = calloc(1, sizeof(*run));
    char ca[PROCESS_PATH_MAX];
    enum status status = STATUS_NO_MEMORY;

    if (run == NULL)
        return status;
    run->force = force;
    run->log = log;
    run->random = random;
    run->officer_count = force->device_count;
    run->client_count = force->device_count + INGEST_TEAMS;
    run->visits_each = visits / force->device_count + 1;
    run->table_size = 2 * run->visits_each * run->officer_count + 1;
    run->table = calloc(run->table_size, sizeof(*run->table));
    run->clients = calloc(run->client_count, sizeof(*run->clients));
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    (void)snprintf(ca, sizeof(ca), "%.980s/ca.pem", force->devices[0].package);
    if (run->table != NULL && run->clients != NULL && run->epoll >= 0)
        status = load_context_new(ca, &run->context);
    if (status == STATUS_OK)
        status = prepare(run, port);
    if (status == STATUS_OK) {
        *ret_run = run;
        return STATUS_OK;
    }
    fprintf(stderr, "bench flag: the devices could not be connected: %s\n", status_what(status));
    flag_run_free(run);
    return status;
}

void flag_run_free(struct flag_run *run)
{
    if (run == NULL)
        return;
    for (size_t i = 0; run->clients != NULL && i < run->client_count; i++) {
        if (run->clients[i].device != NULL)
            load_link_close(&run->clients[i].link);
        flag_visits_done(run->clients[i].visits, run->visits_each);
        free(run->clients[i].out);
    }
    if (run->epoll >= 0)
        (void)close(run->epoll);
    SSL_CTX_free(run->context);
    free(run->clients);
    free(run->table);
    free(run);
}

void flag_run_acknowledged(const struct flag_run *run, uint64_t *ret_acknowledged)
{
    for (size_t i = 0; i < run->officer_count; i++) {
        const struct client *client = &run->clients[i];

        ret_acknowledged[i] = client->acknowledged == 0 ? 0 : client->visits[client->acknowledged - 1].last_seq;
    }
}
