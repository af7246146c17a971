#include "bench/load_log.h"

#include <stdlib.h>
#include <string.h>

#include "bench/load_link.h"
#include "core/wire.h"
#include "doublecrew/v1/sync.pb-c.h"

#define FIELDS 9
#define EDITS 12
#define SECOND_LATER_SHARE 30 /* of a visit's length: the second officer comes and goes within 1/30 of it */

static const char whole_attempt[ATTEMPT_FACTS + 1] = "IEEENEEENEEENEEENOXN";

static const char *const field_names[FIELDS] = {"accommodation", "household", "relationships",
                                                "phones_seen",   "vehicle",   "contacts",
                                                "safeguarding",  "next_step", "employment"};

static const char note_text[] =
    "Invented for a measurement: spoke at the door and in the kitchen, nobody else at home, phone and tablet shown "
    "when "
    "asked, next visit discussed, no concern that would not wait until then. Both officers present throughout.";

struct maker {
    const struct load_log_spec *spec;
    struct sha256 *sha;
    uint64_t *random;
    struct load_log log;
    const char *attempt;
    size_t attempt_facts;
    struct entry entries[PUSH_ENTRIES_MAX]; /* of the push under way; payloads owned */
    size_t entry_count;
    uint64_t seq;
    struct hash head;
    size_t total;
    struct hash anchor_hash;
    /* the attempt under way */
    struct hash presence;
    struct hash edits[EDITS];
    size_t edit;
};

static ProtobufCBinaryData bytes_of(const void *data, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data}; /* packing only reads */
}

static ProtobufCBinaryData id_bytes(const struct id *id)
{
    return bytes_of(id->bytes, ID_SIZE);
}

static bool is_last(const struct maker *maker)
{
    return maker->spec->anchor.size > 0 && maker->seq + 1 == maker->spec->after_seq + maker->total;
}

static enum status add_entry(struct maker *maker, uint64_t at_ms, uint16_t kind, const ProtobufCMessage *message)
{
    const struct load_log_spec *spec = maker->spec;
    struct entry *entry = &maker->entries[maker->entry_count];
    size_t size = PAYLOAD_SALT_SIZE + protobuf_c_message_get_packed_size(message);
    uint8_t *payload = malloc(size);

    if (payload == NULL)
        return STATUS_NO_MEMORY;
    put_u64(payload, load_random(maker->random));
    put_u64(payload + 8, load_random(maker->random));
    protobuf_c_message_pack(message, payload + PAYLOAD_SALT_SIZE);
    memset(entry, 0, sizeof(*entry));
    if (is_last(maker)) {
        at_ms = LOAD_WELCOME_MS + 1;
        entry->header.checkpoint = maker->anchor_hash;
        entry->header.checkpoint_received_ms = LOAD_WELCOME_MS;
    }
    entry->header.log = spec->log;
    entry->header.seq = maker->seq + 1;
    entry->header.previous = maker->head;
    entry->header.boot = spec->boot;
    entry->header.monotonic_ms = at_ms;
    entry->header.wall_ms = spec->wall_ms + (int64_t)at_ms - (int64_t)LOAD_HELLO_MS;
    entry->header.kind = kind;
    entry->payload = span_of(payload, size);
    maker->entry_count++;
    enum status status = entry_seal(maker->sha, entry);
    if (status != STATUS_OK)
        return status;
    maker->seq++;
    maker->head = entry->hash;
    return STATUS_OK;
}

/* Facts ------------------------------------------------------------------------------------------------------------- */

static Doublecrew__V1__Place place_of(const struct maker *maker)
{
    Doublecrew__V1__Place place = DOUBLECREW__V1__PLACE__INIT;

    place.latitude_e7 = maker->spec->person.latitude_e7;
    place.longitude_e7 = maker->spec->person.longitude_e7;
    place.accuracy_m = 12;
    return place;
}

static enum status check_in(struct maker *maker, uint64_t at_ms, const struct id *offender)
{
    const struct load_person *person = &maker->spec->person;
    Doublecrew__V1__CheckIn message = DOUBLECREW__V1__CHECK_IN__INIT;
    Doublecrew__V1__Place place = place_of(maker);
    ProtobufCBinaryData named[1] = {id_bytes(&person->partner)};

    message.offender_id = id_bytes(offender);
    message.officer_id = id_bytes(&person->officer);
    message.company = DOUBLECREW__V1__COMPANY__COMPANY_NAMED;
    message.n_named_officer_ids = 1;
    message.named_officer_ids = named;
    message.place = &place;
    enum status status = add_entry(maker, at_ms, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, &message.base);
    maker->presence = maker->head;
    maker->edit = 0;
    return status;
}

static enum status edit(struct maker *maker, uint64_t at_ms, const struct id *offender)
{
    Doublecrew__V1__Edit message = DOUBLECREW__V1__EDIT__INIT;
    Doublecrew__V1__FieldEdit change = DOUBLECREW__V1__FIELD_EDIT__INIT;
    Doublecrew__V1__FieldEdit *changes[1] = {&change};
    size_t field = maker->edit % FIELDS;
    ProtobufCBinaryData replaces[1];
    char text[] = "Invented: as at the last visit, checked again today";

    /* The first officer of a pair keeps the offender's own field; an edit of it at the next visit is for another one. */
    bool of_offender = field == FIELDS - 1 && !maker->spec->person.second;
    message.subject = of_offender ? id_bytes(offender) : bytes_of(maker->presence.bytes, HASH_SIZE);
    change.field = (char *)(uintptr_t)field_names[field];
    change.change_case = DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT;
    change.text = text;
    if (maker->edit >= FIELDS) {
        replaces[0] = bytes_of(maker->edits[field].bytes, HASH_SIZE);
        change.n_replaces = 1;
        change.replaces = replaces;
    }
    message.n_fields = 1;
    message.fields = changes;
    enum status status = add_entry(maker, at_ms, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_EDIT, &message.base);
    maker->edits[maker->edit++] = maker->head;
    return status;
}

static enum status note(struct maker *maker, uint64_t at_ms)
{
    Doublecrew__V1__Note message = DOUBLECREW__V1__NOTE__INIT;

    message.subject = bytes_of(maker->presence.bytes, HASH_SIZE);
    message.text = (char *)(uintptr_t)note_text;
    return add_entry(maker, at_ms, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_NOTE, &message.base);
}

static enum status outcome(struct maker *maker, uint64_t at_ms)
{
    Doublecrew__V1__Outcome message = DOUBLECREW__V1__OUTCOME__INIT;

    message.presence = bytes_of(maker->presence.bytes, HASH_SIZE);
    message.outcome = DOUBLECREW__V1__VISIT_OUTCOME__VISIT_OUTCOME_SEEN;
    return add_entry(maker, at_ms, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OUTCOME, &message.base);
}

static enum status check_out(struct maker *maker, uint64_t at_ms)
{
    Doublecrew__V1__CheckOut message = DOUBLECREW__V1__CHECK_OUT__INIT;
    Doublecrew__V1__Place place = place_of(maker);

    message.presence = bytes_of(maker->presence.bytes, HASH_SIZE);
    message.place = &place;
    return add_entry(maker, at_ms, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_OUT, &message.base);
}

static uint64_t begin_ms(const struct maker *maker, size_t attempt)
{
    const struct load_times *times = &maker->spec->times;
    size_t last = maker->spec->attempts - 1;
    uint64_t back_ms = times->ago_ms + (last - attempt) * times->every_ms;

    if (times->day_every_ms > 0)
        back_ms = times->ago_ms + (last / DAY_ATTEMPTS - attempt / DAY_ATTEMPTS) * times->day_every_ms +
                  (last % DAY_ATTEMPTS) * times->every_ms - attempt % DAY_ATTEMPTS * times->every_ms;
    return LOAD_HELLO_MS - back_ms;
}

static enum status add_fact(struct maker *maker, size_t number)
{
    const struct load_person *person = &maker->spec->person;
    size_t attempt = number / maker->attempt_facts;
    size_t step = number % maker->attempt_facts;
    size_t last_step = maker->attempt_facts > 2 ? maker->attempt_facts - 2 : 1;
    uint64_t lasts_ms = maker->spec->times.lasts_ms;
    uint64_t later_ms = person->second ? lasts_ms / SECOND_LATER_SHARE : 0;
    uint64_t at_ms = begin_ms(maker, attempt) + later_ms + step * (lasts_ms - 2 * later_ms) / last_step;
    const struct id *offender = &person->offenders[attempt % person->offender_count];

    switch (maker->attempt[step]) {
    case 'I':
        return check_in(maker, at_ms, offender);
    case 'E':
        return edit(maker, at_ms, offender);
    case 'O':
        return outcome(maker, at_ms);
    case 'X':
        return check_out(maker, at_ms);
    default:
        return note(maker, at_ms);
    }
}

/* Pushes ------------------------------------------------------------------------------------------------------------ */

static void drop_entries(struct maker *maker)
{
    for (size_t i = 0; i < maker->entry_count; i++)
        free((void *)(uintptr_t)maker->entries[i].payload.data);
    maker->entry_count = 0;
}

static enum status wrap(struct maker *maker, struct span push, struct load_push *ret_push)
{
    uint8_t *message = NULL;
    size_t size = 0;
    enum status status = wire_wrap(2 /* ClientMessage.push */, push, &message, &size);

    if (status != STATUS_OK)
        return status;
    ret_push->frame = load_frame(span_of(message, size), maker->random, &ret_push->size);
    free(message);
    ret_push->last_seq = maker->seq;
    ret_push->last_hash = maker->head;
    return ret_push->frame == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static bool names_anchor(const struct maker *maker)
{
    return maker->spec->anchor.size > 0 && maker->seq == maker->spec->after_seq + maker->total;
}

static enum status end_push(struct maker *maker)
{
    const struct load_log_spec *spec = maker->spec;
    struct push_anchor anchor = {.hash = maker->anchor_hash, .text = spec->anchor, .received_ms = LOAD_WELCOME_MS};
    uint8_t statement[HEAD_STATEMENT_SIZE];
    struct signature signature;
    uint8_t *bytes = NULL;
    size_t size = 0;

    head_statement_encode(&spec->log, maker->seq, &maker->head, statement);
    enum status status = sign_message(spec->key, span_of(statement, sizeof(statement)), &signature);
    if (status == STATUS_OK)
        status = push_build(maker->entries, maker->entry_count, &anchor, names_anchor(maker) ? 1 : 0, &signature,
                            LOAD_WELCOME_MS, &bytes, &size);
    if (status == STATUS_OK)
        status = wrap(maker, span_of(bytes, size), &maker->log.pushes[maker->log.push_count]);
    free(bytes);
    if (status == STATUS_OK) {
        maker->log.bytes += maker->log.pushes[maker->log.push_count++].size;
        maker->log.facts += maker->entry_count;
    }
    drop_entries(maker);
    return status;
}

static enum status make_all(struct maker *maker)
{
    enum status status = sha256_bytes(maker->sha, maker->spec->anchor, &maker->anchor_hash);

    for (size_t number = 0; number < maker->total && status == STATUS_OK; number++) {
        status = add_fact(maker, number);
        if (status == STATUS_OK && (maker->entry_count == maker->spec->facts_per_push || number + 1 == maker->total))
            status = end_push(maker);
    }
    drop_entries(maker);
    return status;
}

enum status load_log_make(const struct load_log_spec *spec, uint64_t *random, struct load_log *ret_log)
{
    struct maker *maker = calloc(1, sizeof(*maker));
    size_t per_push = spec->facts_per_push;
    enum status status = STATUS_NO_MEMORY;

    if (spec->attempts == 0 || per_push == 0 || per_push > PUSH_ENTRIES_MAX || spec->person.offender_count == 0) {
        free(maker);
        return STATUS_INPUT;
    }
    if (maker == NULL)
        return STATUS_NO_MEMORY;
    maker->spec = spec;
    maker->random = random;
    maker->attempt = spec->attempt != NULL ? spec->attempt : whole_attempt;
    maker->attempt_facts = strlen(maker->attempt);
    maker->total = spec->attempts * maker->attempt_facts;
    maker->seq = spec->after_seq;
    maker->head = spec->after;
    maker->log.pushes = calloc(maker->total / per_push + 1, sizeof(*maker->log.pushes));
    if (maker->log.pushes != NULL)
        status = sha256_new(&maker->sha);
    if (status == STATUS_OK)
        status = make_all(maker);
    sha256_free(maker->sha);
    if (status == STATUS_OK)
        *ret_log = maker->log;
    else
        load_log_done(&maker->log);
    free(maker);
    return status;
}

void load_log_done(struct load_log *log)
{
    for (size_t i = 0; log->pushes != NULL && i < log->push_count; i++)
        free(log->pushes[i].frame);
    free(log->pushes);
    *log = (struct load_log){.pushes = NULL};
}
