#include "bench/ingest_load.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/load_link.h"
#include "bench/machine.h"
#include "doublecrew/v1/sync.pb-c.h"

#define ROUND_MAX_S 60
#define EVENTS_MAX 64

struct loader {
    const struct ingest_device *device;
    struct load_link link;
    struct load_log log;
    uint8_t anchor[1024];
    size_t anchor_size;
    size_t next;         /* push to be sent; the one before it may be under way */
    size_t acknowledged; /* pushes */
    double sent_s;
    bool writing; /* epoll watches for room */
};

struct round {
    const struct ingest_load *load;
    const struct ingest_force *force;
    uint64_t *random;
    SSL_CTX *context;
    int epoll;
    struct loader *loaders;
    size_t unfinished;
    double *push_ms;
    size_t push_count;
};

static enum status complain_error(const Doublecrew__V1__Error *error)
{
    fprintf(stderr, "bench: the server said: %s (%d). %s\n", error->message, (int)error->code, error->advice);
    return STATUS_STORE;
}

/* Before the clock runs --------------------------------------------------------------------------------------------- */

static enum status say_hello(struct loader *loader, const struct id *boot, uint64_t *random)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__Hello hello = DOUBLECREW__V1__HELLO__INIT;
    char version[] = "bench";
    uint8_t bytes[512];
    size_t size = 0;

    hello.protocol_min = 1;
    hello.protocol_max = 1;
    hello.app_version = version;
    hello.log_id = (ProtobufCBinaryData){ID_SIZE, (uint8_t *)(uintptr_t)loader->device->log.bytes};
    hello.boot_id = (ProtobufCBinaryData){ID_SIZE, (uint8_t *)(uintptr_t)boot->bytes};
    hello.monotonic_ms = LOAD_HELLO_MS;
    hello.wall_ms = machine_wall_ms();
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    if (protobuf_c_message_get_packed_size(&message.base) > sizeof(bytes))
        return STATUS_INTERNAL;
    uint8_t *frame = load_frame(span_of(bytes, protobuf_c_message_pack(&message.base, bytes)), random, &size);
    if (frame == NULL)
        return STATUS_NO_MEMORY;
    loader->link.sending = span_of(frame, size);
    enum status status = load_link_send(&loader->link);
    free(frame);
    return status;
}

static enum status take_welcome(struct loader *loader, struct span bytes)
{
    Doublecrew__V1__ServerMessage *message = doublecrew__v1__server_message__unpack(NULL, bytes.size, bytes.data);
    enum status status = STATUS_STORE;

    if (message == NULL)
        return STATUS_MALFORMED;
    if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR) {
        status = complain_error(message->error);
    } else if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_WELCOME &&
               message->welcome->durable_seq == 0 && message->welcome->anchor.len <= sizeof(loader->anchor)) {
        loader->anchor_size = message->welcome->anchor.len;
        memcpy(loader->anchor, message->welcome->anchor.data, loader->anchor_size);
        status = STATUS_OK;
    }
    doublecrew__v1__server_message__free_unpacked(message, NULL);
    return status;
}

static enum status hear_welcome(struct loader *loader)
{
    struct span message;
    size_t at = 0;
    enum load_found found = LOAD_NOTHING;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && (found = load_link_next(&loader->link, &at, &message)) == LOAD_NOTHING)
        status = load_link_receive(&loader->link);
    if (status == STATUS_OK)
        status = found == LOAD_MESSAGE ? take_welcome(loader, message) : STATUS_NETWORK;
    if (status == STATUS_OK)
        load_link_drop(&loader->link, at);
    return status;
}

static struct load_person person_of(const struct round *round, size_t index)
{
    const struct ingest_force *force = round->force;

    return (struct load_person){
        .officer = force->devices[index].officer,
        .partner = force->devices[index ^ 1].officer,
        .second = index % 2 == 1,
        .offenders = force->offenders + index / 2 * INGEST_OFFENDERS,
        .offender_count = INGEST_OFFENDERS,
        .latitude_e7 = 522000000 + (int32_t)(index / 2) * 1000,
        .longitude_e7 = 1000000 + (int32_t)(index / 2) * 1000,
    };
}

static enum status prepare(struct round *round, size_t index, uint16_t port)
{
    struct loader *loader = &round->loaders[index];
    struct load_log_spec spec = {
        .log = round->force->devices[index].log,
        .key = round->force->devices[index].key,
        .person = person_of(round, index),
        .times = round->load->times,
        .attempts = round->load->attempts,
        .attempt = round->load->attempt,
        .facts_per_push = round->load->facts_per_push,
    };

    loader->device = &round->force->devices[index];
    put_u64(spec.boot.bytes, load_random(round->random));
    put_u64(spec.boot.bytes + 8, load_random(round->random));
    enum status status = load_link_open(round->context, port, loader->device->package, &loader->link);
    spec.wall_ms = machine_wall_ms();
    if (status == STATUS_OK)
        status = say_hello(loader, &spec.boot, round->random);
    if (status == STATUS_OK)
        status = hear_welcome(loader);
    if (status == STATUS_OK)
        status = load_link_unblock(&loader->link);
    spec.anchor = span_of(loader->anchor, loader->anchor_size);
    if (status == STATUS_OK)
        status = load_log_make(&spec, round->random, &loader->log);
    return status;
}

/* While it runs ----------------------------------------------------------------------------------------------------- */

static enum status watch(struct round *round, struct loader *loader, int operation)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = loader};

    loader->writing = loader->link.sending.size > 0;
    if (loader->writing)
        event.events |= EPOLLOUT;
    return epoll_ctl(round->epoll, operation, loader->link.socket, &event) == 0 ? STATUS_OK : STATUS_NETWORK;
}

static enum status flush(struct round *round, struct loader *loader)
{
    enum status status = load_link_send(&loader->link);

    if (status == STATUS_OK && loader->writing != (loader->link.sending.size > 0))
        status = watch(round, loader, EPOLL_CTL_MOD);
    return status;
}

static enum status send_next(struct round *round, struct loader *loader)
{
    const struct load_push *push = &loader->log.pushes[loader->next++];

    loader->sent_s = machine_now_s();
    loader->link.sending = span_of(push->frame, push->size);
    return flush(round, loader);
}

static enum status take_ack(struct round *round, struct loader *loader, const Doublecrew__V1__Ack *ack)
{
    const struct load_push *push = &loader->log.pushes[loader->acknowledged];

    if (loader->acknowledged == loader->next || ack->durable_seq != push->last_seq ||
        ack->durable_hash.len != HASH_SIZE || memcmp(ack->durable_hash.data, push->last_hash.bytes, HASH_SIZE) != 0) {
        fprintf(stderr, "bench: an acknowledgement is not of what was sent: no figure\n");
        return STATUS_STORE;
    }
    if (ack->n_held > 0) {
        fprintf(stderr, "bench: entry %llu is held (%s), so it isn't the load that was meant: no figure\n",
                (unsigned long long)ack->held[0]->seq, ack->held[0]->reason);
        return STATUS_STORE;
    }
    round->push_ms[round->push_count++] = (machine_now_s() - loader->sent_s) * 1000;
    loader->acknowledged++;
    if (loader->next < loader->log.push_count)
        return send_next(round, loader);
    round->unfinished--;
    return STATUS_OK;
}

static enum status take_message(struct round *round, struct loader *loader, struct span bytes)
{
    Doublecrew__V1__ServerMessage *message = doublecrew__v1__server_message__unpack(NULL, bytes.size, bytes.data);
    enum status status = STATUS_OK;

    if (message == NULL)
        return STATUS_MALFORMED;
    if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK)
        status = take_ack(round, loader, message->ack);
    else if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR)
        status = complain_error(message->error);
    doublecrew__v1__server_message__free_unpacked(message, NULL);
    return status;
}

static enum status take_all(struct round *round, struct loader *loader)
{
    struct span message;
    size_t at = 0;
    enum load_found found = LOAD_NOTHING;
    enum status status = load_link_receive(&loader->link);

    while (status == STATUS_OK && (found = load_link_next(&loader->link, &at, &message)) == LOAD_MESSAGE)
        status = take_message(round, loader, message);
    load_link_drop(&loader->link, at);
    return found == LOAD_BROKEN ? STATUS_NETWORK : status;
}

static enum status take_events(struct round *round, double deadline_s)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(round->epoll, events, EVENTS_MAX, 1000);
    enum status status = machine_now_s() > deadline_s ? STATUS_TIMEOUT : STATUS_OK;

    for (int i = 0; i < count && status == STATUS_OK; i++) {
        struct loader *loader = events[i].data.ptr;

        if ((events[i].events & EPOLLOUT) != 0)
            status = flush(round, loader);
        if (status == STATUS_OK && (events[i].events & ~(uint32_t)EPOLLOUT) != 0)
            status = take_all(round, loader);
    }
    return status;
}

static enum status measure(struct round *round, double *ret_took_s, double *ret_load_share)
{
    enum status status = STATUS_OK;
    double used_s = 0;

    round->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (round->epoll < 0)
        return STATUS_NETWORK;
    for (size_t i = 0; i < round->load->devices && status == STATUS_OK; i++)
        status = watch(round, &round->loaders[i], EPOLL_CTL_ADD);
    round->unfinished = round->load->devices;
    used_s = machine_usage().own_s;
    double begin_s = machine_now_s();
    for (size_t i = 0; i < round->load->devices && status == STATUS_OK; i++)
        status = send_next(round, &round->loaders[i]);
    while (round->unfinished > 0 && status == STATUS_OK)
        status = take_events(round, begin_s + ROUND_MAX_S);
    if (status != STATUS_OK)
        return status;
    *ret_took_s = machine_now_s() - begin_s;
    *ret_load_share = (machine_usage().own_s - used_s) / *ret_took_s;
    return STATUS_OK;
}

/* The whole --------------------------------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void sum_up(struct round *round, double took_s, struct ingest_round *ret_round, uint64_t *ret_acknowledged)
{
    struct ingest_round sum = {.took_s = took_s, .pushes = round->push_count};

    memset(ret_acknowledged, 0, round->force->device_count * sizeof(*ret_acknowledged));
    for (size_t i = 0; i < round->load->devices; i++) {
        sum.facts += round->loaders[i].log.facts;
        sum.wire_bytes += round->loaders[i].log.bytes;
        ret_acknowledged[i] = round->loaders[i].log.pushes[round->loaders[i].acknowledged - 1].last_seq;
    }
    qsort(round->push_ms, round->push_count, sizeof(double), compare_doubles);
    sum.push_ms_p50 = round->push_ms[round->push_count / 2];
    sum.push_ms_p99 = round->push_ms[round->push_count * 99 / 100];
    *ret_round = sum;
}

static enum status run(struct round *round, uint16_t port, struct ingest_round *ret_round, uint64_t *ret_acknowledged)
{
    size_t pushes = 0;
    double took_s = 0;
    double load_share = 0;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < round->load->devices && status == STATUS_OK; i++) {
        status = prepare(round, i, port);
        pushes += round->loaders[i].log.push_count;
    }
    if (status == STATUS_OK && (round->push_ms = calloc(pushes + 1, sizeof(double))) == NULL)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = measure(round, &took_s, &load_share);
    if (status == STATUS_OK && round->push_count != pushes)
        status = STATUS_STORE;
    if (status == STATUS_OK)
        sum_up(round, took_s, ret_round, ret_acknowledged);
    if (status == STATUS_OK)
        ret_round->load_share = load_share;
    return status;
}

enum status ingest_load_run(const struct ingest_load *load, const struct ingest_force *force, uint16_t port,
                            uint64_t *random, struct ingest_round *ret_round, uint64_t *ret_acknowledged)
{
    struct round round = {.load = load, .force = force, .random = random, .epoll = -1};
    char ca[PROCESS_PATH_MAX];

    snprintf(ca, sizeof(ca), "%.980s/ca.pem", force->devices[0].package);
    enum status status = load_context_new(ca, &round.context);
    if (status == STATUS_OK && (round.loaders = calloc(load->devices, sizeof(*round.loaders))) == NULL)
        status = STATUS_NO_MEMORY;
    for (size_t i = 0; i < load->devices && status == STATUS_OK; i++)
        round.loaders[i].link.socket = -1;
    if (status == STATUS_OK)
        status = run(&round, port, ret_round, ret_acknowledged);
    if (status != STATUS_OK)
        fprintf(stderr, "bench: %s: %s (%zu of the pushes were acknowledged): no figure\n", load->name,
                status_what(status), round.push_count);
    for (size_t i = 0; round.loaders != NULL && i < load->devices; i++) {
        load_link_close(&round.loaders[i].link);
        load_log_done(&round.loaders[i].log);
    }
    if (round.epoll >= 0)
        (void)close(round.epoll);
    free(round.loaders);
    free(round.push_ms);
    SSL_CTX_free(round.context);
    return status;
}
