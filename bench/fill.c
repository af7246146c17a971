#include "bench/fill.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/load_link.h"
#include "bench/load_log.h"
#include "bench/machine.h"

#define PATIENCE_S 600
#define LAST_AGO_MS 3600000u
#define ATTEMPT_EVERY_MS 1800000u
#define ATTEMPT_LASTS_MS 1200000u

struct writer {
    struct load_log log;
    size_t next; /* push under way */
    uint64_t seq;
    struct hash head;
};

struct fill {
    const struct fleet *fleet;
    struct id *boots; /* of this addition */
    struct writer *writers;
    size_t facts;
    size_t done;
    bool wrong;
    uint64_t random;
};

enum status fill_new(const struct fleet *fleet, uint64_t seed, struct fill **ret_fill)
{
    struct fill *fill = calloc(1, sizeof(*fill));

    if (fill == NULL)
        return STATUS_NO_MEMORY;
    fill->fleet = fleet;
    fill->random = seed;
    fill->boots = calloc(fleet->count, sizeof(*fill->boots));
    fill->writers = calloc(fleet->count, sizeof(*fill->writers));
    if (fill->boots == NULL || fill->writers == NULL) {
        fill_free(fill);
        return STATUS_NO_MEMORY;
    }
    *ret_fill = fill;
    return STATUS_OK;
}

void fill_free(struct fill *fill)
{
    if (fill == NULL)
        return;
    for (size_t i = 0; fill->writers != NULL && i < fill->fleet->count; i++)
        load_log_done(&fill->writers[i].log);
    free(fill->writers);
    free(fill->boots);
    free(fill);
}

static enum status make_log(struct fill *fill, size_t index, const struct fill_part *part)
{
    const struct fleet_device *device = &fill->fleet->devices[index];
    size_t of_pair = fill->fleet->spec.offenders_per_pair;
    struct writer *writer = &fill->writers[index];
    const struct load_log_spec spec = {
        .log = device->log,
        .boot = fill->boots[index],
        .key = device->key,
        .person = {.officer = device->officer,
                   .partner = fill->fleet->devices[index ^ 1].officer,
                   .second = index % 2 == 1,
                   .offenders = &fill->fleet->offenders[index / 2 * of_pair],
                   .offender_count = of_pair,
                   .latitude_e7 = 522000000,
                   .longitude_e7 = 1000000},
        .times = {.ago_ms = LAST_AGO_MS, .every_ms = ATTEMPT_EVERY_MS, .lasts_ms = ATTEMPT_LASTS_MS},
        .attempts = part->attempts,
        .facts_per_push = part->facts_per_push,
        .wall_ms = machine_wall_ms(),
        .after_seq = writer->seq,
        .after = writer->head,
    };

    load_log_done(&writer->log);
    writer->next = 0;
    return load_log_make(&spec, &fill->random, &writer->log);
}

static void send_next(struct fill *fill, struct crowd_client *client)
{
    struct writer *writer = &fill->writers[crowd_index(client)];

    if (writer->next == writer->log.push_count)
        fill->done++;
    else
        crowd_send(client, span_of(writer->log.pushes[writer->next].frame, writer->log.pushes[writer->next].size));
}

static void on_live(void *context, struct crowd_client *client, const Doublecrew__V1__Welcome *welcome)
{
    struct fill *fill = context;

    fill->wrong = fill->wrong || welcome->durable_seq != fill->writers[crowd_index(client)].seq;
    send_next(fill, client);
}

static void take_ack(struct fill *fill, struct crowd_client *client, const Doublecrew__V1__Ack *ack)
{
    struct writer *writer = &fill->writers[crowd_index(client)];
    const struct load_push *push = &writer->log.pushes[writer->next];

    if (ack->n_held > 0 || ack->durable_seq != push->last_seq) {
        fill->wrong = true;
        return;
    }
    fill->facts += (size_t)(push->last_seq - writer->seq);
    writer->seq = push->last_seq;
    writer->head = push->last_hash;
    writer->next++;
    send_next(fill, client);
}

static void on_message(void *context, struct crowd_client *client, struct span bytes)
{
    struct fill *fill = context;
    Doublecrew__V1__ServerMessage *message = doublecrew__v1__server_message__unpack(NULL, bytes.size, bytes.data);

    if (message == NULL || message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ERROR)
        fill->wrong = true;
    else if (message->message_case == DOUBLECREW__V1__SERVER_MESSAGE__MESSAGE_ACK)
        take_ack(fill, client, message->ack);
    if (message != NULL)
        doublecrew__v1__server_message__free_unpacked(message, NULL);
}

/* Officers' devices alone: nobody asks for pages meanwhile. */
static enum status push_all(struct fill *fill, const struct server_process *server, const struct fill_part *part)
{
    const struct crowd_spec spec = {.fleet = fill->fleet,
                                    .port = server->port,
                                    .hello = true,
                                    .boots = fill->boots,
                                    .under_way_max = 64,
                                    .calls = {.live = on_live, .message = on_message},
                                    .context = fill};
    double until_s = machine_now_s() + PATIENCE_S;
    struct crowd *crowd = NULL;
    enum status status = crowd_new(&spec, &crowd);

    fill->done = 0;
    if (status == STATUS_OK)
        status = crowd_set_out(crowd, part->from, part->count);
    while (status == STATUS_OK && fill->done < part->count) {
        crowd_run(crowd, 100);
        if (fill->wrong || crowd_figures(crowd)->failed > 0) {
            fprintf(stderr, "bench: a fact was not plainly acknowledged: no figures\n");
            status = STATUS_STORE;
        } else if (machine_now_s() > until_s) {
            fprintf(stderr, "bench: filling the store took more than %d s: no figures\n", PATIENCE_S);
            status = STATUS_TIMEOUT;
        }
    }
    crowd_free(crowd);
    return status;
}

enum status fill_add(struct fill *fill, const struct server_process *server, const struct fill_part *part,
                     struct fill_figures *ret_figures)
{
    size_t before = fill->facts;
    enum status status = STATUS_OK;

    for (size_t i = part->from; i < part->from + part->count && status == STATUS_OK; i++) {
        put_u64(fill->boots[i].bytes, load_random(&fill->random));
        put_u64(fill->boots[i].bytes + 8, load_random(&fill->random));
        status = make_log(fill, i, part);
    }
    double begun_s = machine_now_s();
    double cpu_s = machine_cpu_s(server->pid);
    if (status == STATUS_OK)
        status = push_all(fill, server, part);
    for (size_t i = part->from; i < part->from + part->count; i++)
        load_log_done(&fill->writers[i].log);
    ret_figures->facts = fill->facts - before;
    ret_figures->took_s = machine_now_s() - begun_s;
    ret_figures->cpu_s = machine_cpu_s(server->pid) - cpu_s;
    return status;
}

size_t fill_facts(const struct fill *fill)
{
    return fill->facts;
}
