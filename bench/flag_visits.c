#include "bench/flag_visits.h"

#include <stdlib.h>
#include <string.h>

#include "bench/load_link.h"
#include "bench/load_log.h"
#include "core/push.h"
#include "doublecrew/v1/sync.pb-c.h"

#define VISIT_EVERY_MS 60000u
#define VISIT_LASTS_MS 30000u
#define OFFENDERS_EACH (INGEST_OFFENDERS / 2) /* partners share a pair's offenders by halves */

struct maker {
    const struct ingest_force *force;
    size_t device;
    const struct id *boot;
    int64_t wall_ms;
    uint64_t *random;
    struct sha256 *sha;
    uint64_t seq;
    struct hash head;
};

static ProtobufCBinaryData bytes_of(const void *data, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data}; /* packing only reads */
}

/* payload: room for the salt and the message. */
static enum status seal(struct maker *maker, uint64_t at_ms, uint16_t kind, const ProtobufCMessage *message,
                        uint8_t payload[256], struct entry *ret_entry)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    struct entry entry = {.payload = span_of(payload, PAYLOAD_SALT_SIZE + size)};
    enum status status;

    if (PAYLOAD_SALT_SIZE + size > 256)
        return STATUS_INTERNAL;
    put_u64(payload, load_random(maker->random));
    put_u64(payload + 8, load_random(maker->random));
    protobuf_c_message_pack(message, payload + PAYLOAD_SALT_SIZE);
    entry.header = (struct entry_header){.log = maker->force->devices[maker->device].log,
                                         .seq = maker->seq + 1,
                                         .previous = maker->head,
                                         .boot = *maker->boot,
                                         .monotonic_ms = at_ms,
                                         .wall_ms = maker->wall_ms + (int64_t)at_ms - (int64_t)LOAD_HELLO_MS,
                                         .kind = kind};
    status = entry_seal(maker->sha, &entry);
    if (status == STATUS_OK) {
        maker->seq++;
        maker->head = entry.hash;
        *ret_entry = entry;
    }
    return status;
}

static enum status check_in(struct maker *maker, uint64_t at_ms, size_t number, uint8_t payload[256],
                            struct entry *ret_entry)
{
    const struct ingest_force *force = maker->force;
    Doublecrew__V1__CheckIn message = DOUBLECREW__V1__CHECK_IN__INIT;
    size_t offender =
        maker->device / 2 * INGEST_OFFENDERS + maker->device % 2 * OFFENDERS_EACH + number % OFFENDERS_EACH;

    message.offender_id = bytes_of(force->offenders[offender].bytes, ID_SIZE);
    message.officer_id = bytes_of(force->devices[maker->device].officer.bytes, ID_SIZE);
    message.company = DOUBLECREW__V1__COMPANY__COMPANY_ALONE;
    return seal(maker, at_ms, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, &message.base, payload, ret_entry);
}

static enum status check_out(struct maker *maker, uint64_t at_ms, const struct hash *presence, uint8_t payload[256],
                             struct entry *ret_entry)
{
    Doublecrew__V1__CheckOut message = DOUBLECREW__V1__CHECK_OUT__INIT;

    message.presence = bytes_of(presence->bytes, HASH_SIZE);
    return seal(maker, at_ms, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_OUT, &message.base, payload, ret_entry);
}

static enum status pack(struct maker *maker, const struct entry entries[2], struct flag_visit *visit)
{
    uint8_t statement[HEAD_STATEMENT_SIZE];
    struct signature signature;
    uint8_t *push = NULL;
    uint8_t *message = NULL;
    size_t size = 0;

    head_statement_encode(&entries[1].header.log, entries[1].header.seq, &entries[1].hash, statement);
    enum status status =
        sign_message(maker->force->devices[maker->device].key, span_of(statement, sizeof(statement)), &signature);
    if (status == STATUS_OK)
        status = push_build(entries, 2, NULL, 0, &signature, LOAD_WELCOME_MS, &push, &size);
    if (status == STATUS_OK)
        status = wire_wrap(2 /* ClientMessage.push */, span_of(push, size), &message, &size);
    if (status == STATUS_OK)
        visit->frame = load_frame(span_of(message, size), maker->random, &visit->size);
    free(message);
    free(push);
    visit->presence = entries[0].hash;
    visit->last_seq = maker->seq;
    return status == STATUS_OK && visit->frame == NULL ? STATUS_NO_MEMORY : status;
}

static enum status make_visit(struct maker *maker, size_t number, size_t count, struct flag_visit *visit)
{
    uint64_t at_ms = LOAD_HELLO_MS - (uint64_t)(count - number) * VISIT_EVERY_MS;
    struct entry entries[2];
    uint8_t payloads[2][256];
    enum status status = check_in(maker, at_ms, number, payloads[0], &entries[0]);

    if (status == STATUS_OK)
        status = check_out(maker, at_ms + VISIT_LASTS_MS, &entries[0].hash, payloads[1], &entries[1]);
    return status == STATUS_OK ? pack(maker, entries, visit) : status;
}

enum status flag_visits_make(const struct ingest_force *force, size_t device, const struct id *boot, int64_t wall_ms,
                             size_t count, uint64_t *random, struct flag_visit **ret_visits)
{
    struct maker maker = {.force = force, .device = device, .boot = boot, .wall_ms = wall_ms, .random = random};
    struct flag_visit *visits = calloc(count + 1, sizeof(*visits));
    enum status status = visits == NULL ? STATUS_NO_MEMORY : sha256_new(&maker.sha);

    if (status == STATUS_OK && count > LOAD_HELLO_MS / VISIT_EVERY_MS)
        status = STATUS_INPUT;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = make_visit(&maker, i, count, &visits[i]);
    sha256_free(maker.sha);
    if (status == STATUS_OK)
        *ret_visits = visits;
    else
        flag_visits_done(visits, count);
    return status;
}

void flag_visits_done(struct flag_visit *visits, size_t count)
{
    for (size_t i = 0; visits != NULL && i < count; i++)
        free(visits[i].frame);
    free(visits);
}
