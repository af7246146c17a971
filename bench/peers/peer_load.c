#include "bench/peers/peer_load.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/load_link.h"
#include "bench/machine.h"
#include "bench/peers/peer_cpu.h"

#define ROUND_MAX_S 120
#define FIRST_MAX_S 30 /* until a reader gets anything: some put all of it together first */
#define QUIET_MAX_S 5  /* a reader to whom nothing more comes for so long has got everything that there is */
#define EVENTS_MAX 64
#define PATH_SIZE 1100
#define READER PEER_DEVICES_MAX /* its certificate's number */

struct device {
    struct peer_link link;
    struct peer_push *pushes;
    double *sent_s;
    size_t next;     /* push to be sent */
    size_t done;     /* pushes acknowledged */
    size_t answered; /* of the push after these */
    bool writing;
    uint64_t bytes_before;
};

struct load {
    const struct peer_plan *plan;
    SSL_CTX *context;
    int epoll;
    struct device *devices;
    struct peer_link reader;
    struct peer_seen *seen;
    double *push_ms;
    double *screen_ms;
    size_t push_count;
    size_t screen_count;
    size_t sent;
    double begin_s;
    bool cut;
};

static enum status complain(const char *what, enum status status)
{
    fprintf(stderr, "bench: %s: %s\n", what, status_what(status));
    return status;
}

static size_t facts_each(const struct peer_plan *plan)
{
    return plan->pushes_each * plan->facts_per_push;
}

/* Before the clock runs --------------------------------------------------------------------------------------------- */

static enum status make_context(const struct peer_plan *plan, SSL_CTX **ret_context)
{
    char path[PATH_SIZE];

    *ret_context = NULL;
    (void)snprintf(path, sizeof(path), "%s/ca-bundle.pem", plan->certs);
    return plan->protocol->tls ? load_context_new(path, ret_context) : STATUS_OK;
}

static enum status open_link(const struct peer_plan *plan, SSL_CTX *context, size_t device, struct peer_link *ret_link)
{
    char certificate[PATH_SIZE];
    char key[PATH_SIZE];

    (void)snprintf(certificate, sizeof(certificate), "%s/devices/%032zx.pem", plan->certs, device);
    (void)snprintf(key, sizeof(key), "%s/devices/%032zx.key", plan->certs, device);
    return peer_link_open(context, plan->port, certificate, key, ret_link);
}

/* One push's facts as JSON, each a span into *ret_text. */
static enum status write_facts(const struct peer_plan *plan, size_t device, size_t first, char **ret_text,
                               struct span *ret_facts)
{
    size_t ends[1024];
    size_t size = 0;
    FILE *file = open_memstream(ret_text, &size);

    if (file == NULL || plan->facts_per_push > sizeof(ends) / sizeof(ends[0]))
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < plan->facts_per_push; i++) {
        if (plan->lone)
            peer_facts_write_lone(file, plan->protocol->id_key, device, first + i);
        else
            peer_facts_write(file, plan->protocol->id_key, device, first + i);
        ends[i] = (size_t)ftell(file);
    }
    if (fclose(file) != 0)
        return STATUS_NO_MEMORY;
    for (size_t i = 0, begin = 0; i < plan->facts_per_push; begin = ends[i++])
        ret_facts[i] = span_of(*ret_text + begin, ends[i] - begin);
    return STATUS_OK;
}

static enum status make_pushes(const struct peer_plan *plan, size_t index, uint64_t *random, struct device *device)
{
    struct span facts[1024];
    enum status status = STATUS_OK;

    device->pushes = calloc(plan->pushes_each, sizeof(*device->pushes));
    device->sent_s = calloc(plan->pushes_each, sizeof(*device->sent_s));
    if (device->pushes == NULL || device->sent_s == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < plan->pushes_each && status == STATUS_OK; i++) {
        size_t first = i * plan->facts_per_push;
        char *text = NULL;

        status = write_facts(plan, index, first, &text, facts);
        if (status == STATUS_OK)
            status = plan->protocol->make_push(facts, plan->facts_per_push, first, random, &device->pushes[i]);
        free(text);
    }
    return status;
}

static enum status prepare(struct load *load, size_t index, uint64_t *random)
{
    const struct peer_plan *plan = load->plan;
    struct device *device = &load->devices[index];
    enum status status = make_pushes(plan, index, random, device);

    if (status == STATUS_OK)
        status = open_link(plan, load->context, index, &device->link);
    if (status == STATUS_OK)
        status = plan->protocol->begin(&device->link, index);
    if (status == STATUS_OK)
        status = peer_link_unblock(&device->link);
    device->bytes_before = peer_link_bytes_sent(&device->link);
    return status;
}

static enum status open_reader(const struct peer_plan *plan, SSL_CTX *context, bool from_start,
                               struct peer_link *ret_reader)
{
    enum status status = open_link(plan, context, READER, ret_reader);

    if (status == STATUS_OK)
        status = plan->protocol->begin(ret_reader, READER);
    if (status == STATUS_OK)
        status = plan->protocol->read(ret_reader, from_start);
    if (status == STATUS_OK)
        status = peer_link_unblock(ret_reader);
    return status;
}

/* While it runs ----------------------------------------------------------------------------------------------------- */

static enum status watch(struct load *load, struct device *device, int operation)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = device};

    device->writing = peer_link_is_sending(&device->link);
    if (device->writing)
        event.events |= EPOLLOUT;
    return epoll_ctl(load->epoll, operation, device->link.socket, &event) == 0 ? STATUS_OK : STATUS_NETWORK;
}

static enum status send_next(struct load *load, struct device *device)
{
    const struct peer_push *push = &device->pushes[device->next];

    device->sent_s[device->next++] = machine_now_s();
    load->sent++;
    enum status status = peer_link_send(&device->link, span_of(push->bytes, push->size));
    if (status == STATUS_OK && device->writing != peer_link_is_sending(&device->link))
        status = watch(load, device, EPOLL_CTL_MOD);
    return status;
}

/* A push is done when all its answers are there; they come in order. */
static enum status take_answers(struct load *load, struct device *device)
{
    size_t answers = 0;
    enum status status = load->plan->protocol->take_answers(&device->link, &answers);

    device->answered += answers;
    while (status == STATUS_OK && device->done < device->next &&
           device->answered >= device->pushes[device->done].answers) {
        device->answered -= device->pushes[device->done].answers;
        load->push_ms[load->push_count++] = (machine_now_s() - device->sent_s[device->done]) * 1000;
        device->done++;
        if (load->plan->rate_per_s <= 0 && device->next < load->plan->pushes_each)
            status = send_next(load, device);
    }
    if (device->done == device->next && device->answered > 0) {
        fprintf(stderr, "bench: more was acknowledged than was sent: no figure\n");
        return STATUS_STORE;
    }
    return status;
}

/* A push has reached the other client when its last fact has. */
static void see_fact(void *context, size_t device, size_t number)
{
    struct load *load = context;
    size_t push = number / load->plan->facts_per_push;

    if (number % load->plan->facts_per_push == load->plan->facts_per_push - 1)
        load->screen_ms[load->screen_count++] = (machine_now_s() - load->devices[device].sent_s[push]) * 1000;
}

static enum status take_changes(struct load *load)
{
    enum status status = peer_link_flush(&load->reader);

    if (status == STATUS_OK)
        status = peer_link_receive(&load->reader);
    if (status == STATUS_OK)
        status = load->plan->protocol->take_changes(&load->reader, load->seen, see_fact, load);
    return status;
}

static enum status take_event(struct load *load, const struct epoll_event *event)
{
    struct device *device = event->data.ptr;
    enum status status = STATUS_OK;

    if (device == NULL)
        return take_changes(load);
    if ((event->events & EPOLLOUT) != 0) {
        status = peer_link_flush(&device->link);
        if (status == STATUS_OK && !peer_link_is_sending(&device->link))
            status = watch(load, device, EPOLL_CTL_MOD);
    }
    if (status == STATUS_OK && (event->events & ~(uint32_t)EPOLLOUT) != 0)
        status = peer_link_receive(&device->link);
    if (device->link.in.size > 0 && (status == STATUS_OK || status == STATUS_NETWORK)) {
        enum status taken = take_answers(load, device);
        status = taken == STATUS_OK ? status : taken;
    }
    return status;
}

static bool is_finished(const struct load *load)
{
    size_t all = load->plan->devices * load->plan->pushes_each;

    return load->push_count == all && (!load->plan->listens || load->screen_count == all);
}

/* How long to wait for the next event: until the next push is due. */
static int wait_ms(const struct load *load)
{
    size_t all = load->plan->devices * load->plan->pushes_each;

    if (load->plan->rate_per_s <= 0 || load->sent == all)
        return 1000;
    double due_s = load->begin_s + (double)load->sent / load->plan->rate_per_s - machine_now_s();
    return due_s <= 0 ? 0 : (int)(due_s * 1000);
}

static enum status send_due(struct load *load)
{
    const struct peer_plan *plan = load->plan;
    size_t all = plan->devices * plan->pushes_each;
    enum status status = STATUS_OK;

    if (plan->rate_per_s <= 0)
        return STATUS_OK;
    while (status == STATUS_OK && load->sent < all &&
           machine_now_s() >= load->begin_s + (double)load->sent / plan->rate_per_s)
        status = send_next(load, &load->devices[load->sent % plan->devices]);
    return status;
}

static enum status turn(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    enum status status = send_due(load);

    if (status != STATUS_OK)
        return status;
    int count = epoll_wait(load->epoll, events, EVENTS_MAX, wait_ms(load));
    for (int i = 0; i < count && status == STATUS_OK; i++)
        status = take_event(load, &events[i]);
    return status == STATUS_OK && machine_now_s() > load->begin_s + ROUND_MAX_S ? STATUS_TIMEOUT : status;
}

static enum status measure(struct load *load, struct peer_figures *figures)
{
    const struct peer_plan *plan = load->plan;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < plan->devices && status == STATUS_OK; i++)
        status = watch(load, &load->devices[i], EPOLL_CTL_ADD);
    if (plan->until_cut) { /* whoever kills it waits for this */
        puts("pushing");
        (void)fflush(stdout);
    }
    double server_s = peer_cpu_s(plan->server);
    double used_s = machine_usage().own_s;
    load->begin_s = machine_now_s();
    for (size_t i = 0; plan->rate_per_s <= 0 && i < plan->devices && status == STATUS_OK; i++)
        status = send_next(load, &load->devices[i]);
    while (status == STATUS_OK && !is_finished(load))
        status = turn(load);
    figures->took_s = machine_now_s() - load->begin_s;
    figures->server_cpu_s = peer_cpu_s(plan->server) - server_s;
    figures->load_share = (machine_usage().own_s - used_s) / figures->took_s;
    if (status == STATUS_NETWORK && plan->until_cut) {
        load->cut = true;
        return STATUS_OK;
    }
    return status;
}

/* The whole --------------------------------------------------------------------------------------------------------- */

static void sum_up(struct load *load, struct peer_figures *figures)
{
    for (size_t i = 0; i < load->plan->devices; i++) {
        const struct device *device = &load->devices[i];

        figures->acknowledged[i] = device->done * load->plan->facts_per_push;
        figures->facts += figures->acknowledged[i];
        figures->wire_bytes += peer_link_bytes_sent(&device->link) - device->bytes_before;
    }
    figures->pushes = load->push_count;
    figures->screen_count = load->screen_count;
    figures->push_ms[0] = machine_percentile(load->push_ms, load->push_count, 0.5);
    figures->push_ms[1] = machine_percentile(load->push_ms, load->push_count, 0.99);
    figures->screen_ms[0] = machine_percentile(load->screen_ms, load->screen_count, 0.5);
    figures->screen_ms[1] = machine_percentile(load->screen_ms, load->screen_count, 0.99);
}

static enum status listen_first(struct load *load)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    const struct peer_plan *plan = load->plan;

    if (!plan->listens)
        return STATUS_OK;
    enum status status = peer_seen_new(plan->devices, facts_each(plan), &load->seen);
    if (status == STATUS_OK)
        status = open_reader(plan, load->context, false, &load->reader);
    if (status == STATUS_OK && epoll_ctl(load->epoll, EPOLL_CTL_ADD, load->reader.socket, &event) != 0)
        status = STATUS_NETWORK;
    return status;
}

static enum status run(struct load *load, struct peer_figures *ret_figures)
{
    const struct peer_plan *plan = load->plan;
    size_t all = plan->devices * plan->pushes_each;
    uint64_t random = plan->seed;
    enum status status = make_context(plan, &load->context);

    load->devices = calloc(plan->devices, sizeof(*load->devices));
    load->push_ms = calloc(all, sizeof(double));
    load->screen_ms = calloc(all, sizeof(double));
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->devices == NULL || load->push_ms == NULL || load->screen_ms == NULL || load->epoll < 0)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < plan->devices; i++)
        load->devices[i].link.socket = -1;
    for (size_t i = 0; i < plan->devices && status == STATUS_OK; i++)
        status = prepare(load, i, &random);
    if (status == STATUS_OK)
        status = listen_first(load);
    if (status == STATUS_OK)
        status = measure(load, ret_figures);
    if (status == STATUS_OK)
        sum_up(load, ret_figures);
    return status;
}

static void free_load(struct load *load)
{
    for (size_t i = 0; load->devices != NULL && i < load->plan->devices; i++) {
        struct device *device = &load->devices[i];

        for (size_t n = 0; device->pushes != NULL && n < load->plan->pushes_each; n++)
            free(device->pushes[n].bytes);
        peer_link_close(&device->link);
        free(device->pushes);
        free(device->sent_s);
    }
    peer_link_close(&load->reader);
    peer_seen_free(load->seen);
    if (load->epoll >= 0)
        (void)close(load->epoll);
    free(load->devices);
    free(load->push_ms);
    free(load->screen_ms);
    SSL_CTX_free(load->context);
}

enum status peer_load_run(const struct peer_plan *plan, struct peer_figures *ret_figures)
{
    struct load load = {.plan = plan, .epoll = -1, .reader = {.socket = -1}};
    enum status status = run(&load, ret_figures);

    if (status != STATUS_OK)
        fprintf(stderr, "bench: %s: %s (%zu pushes were acknowledged, %zu seen by the other client): no figure\n",
                plan->protocol->title, status_what(status), load.push_count, load.screen_count);
    free_load(&load);
    return status;
}

/* Afterwards -------------------------------------------------------------------------------------------------------- */

static enum status collect(const struct peer_plan *plan, struct peer_link *reader, struct peer_seen *seen,
                           size_t expected, double *ret_last_s)
{
    enum status status = plan->protocol->take_changes(reader, seen, NULL, NULL); /* some may have come already */
    double heard_s = machine_now_s();

    *ret_last_s = heard_s;
    while (status == STATUS_OK && peer_seen_count(seen) < expected &&
           machine_now_s() < heard_s + (peer_seen_count(seen) == 0 ? FIRST_MAX_S : QUIET_MAX_S)) {
        short events = peer_link_is_sending(reader) ? POLLIN | POLLOUT : POLLIN;
        struct pollfd wanted = {.fd = reader->socket, .events = events};
        size_t before = peer_seen_count(seen);

        if (poll(&wanted, 1, 100) == 0)
            continue;
        status = peer_link_flush(reader);
        if (status == STATUS_OK)
            status = peer_link_receive(reader);
        enum status taken = plan->protocol->take_changes(reader, seen, NULL, NULL);
        status = status == STATUS_OK ? taken : status;
        if (peer_seen_count(seen) > before)
            *ret_last_s = heard_s = machine_now_s();
    }
    return status == STATUS_NETWORK && reader->closed ? STATUS_OK : status;
}

enum status peer_load_collect(const struct peer_plan *plan, const size_t *acknowledged,
                              struct peer_collected *ret_collected)
{
    struct peer_link reader = {.socket = -1};
    struct peer_collected collected = {.facts = 0};
    struct peer_seen *seen = NULL;
    SSL_CTX *context = NULL;
    size_t expected = 0;
    double last_s = 0;

    for (size_t i = 0; i < plan->devices; i++)
        expected += acknowledged[i];
    enum status status = make_context(plan, &context);
    if (status == STATUS_OK)
        status = peer_seen_new(plan->devices, facts_each(plan), &seen);
    double begin_s = machine_now_s();
    if (status == STATUS_OK)
        status = open_reader(plan, context, true, &reader);
    if (status == STATUS_OK)
        status = collect(plan, &reader, seen, plan->until_cut ? SIZE_MAX : expected, &last_s);
    if (status == STATUS_OK) {
        collected.facts = peer_seen_count(seen);
        collected.took_s = last_s - begin_s;
        for (size_t i = 0; i < plan->devices; i++)
            collected.lost += peer_seen_missing(seen, i, acknowledged[i]);
        *ret_collected = collected;
    } else {
        status = complain("what was stored can't be read again", status);
    }
    peer_link_close(&reader);
    peer_seen_free(seen);
    SSL_CTX_free(context);
    return status;
}

enum status peer_load_make_reader(const struct peer_plan *plan)
{
    struct peer_link reader = {.socket = -1};
    SSL_CTX *context = NULL;
    enum status status = make_context(plan, &context);

    if (plan->protocol->make_reader != NULL && status == STATUS_OK) {
        status = open_link(plan, context, READER, &reader);
        if (status == STATUS_OK)
            status = plan->protocol->make_reader(&reader);
    }
    peer_link_close(&reader);
    SSL_CTX_free(context);
    return status == STATUS_OK ? status : complain("the other client can't be made known", status);
}
