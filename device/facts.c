/* Facts that an officer, a supervisor or an operator states: public structs to messages of entry.proto. */
#include <string.h>

#include "core/limits.h"
#include "device/device.h"
#include "device/messages.h"

ProtobufCBinaryData message_bytes(const void *data, size_t size)
{
    union {
        const void *from;
        uint8_t *to;
    } pointer = {.from = data}; /* protobuf-c's bytes aren't const; packing only reads */

    return (ProtobufCBinaryData){.data = pointer.to, .len = size};
}

char *message_text(const char *text)
{
    union {
        const char *from;
        char *to;
    } pointer = {.from = text ? text : ""};

    return pointer.to;
}

ProtobufCBinaryData message_id(const struct dc_id *id)
{
    static const struct dc_id zero;
    bool given = id && memcmp(id, &zero, sizeof zero) != 0;

    return message_bytes(given ? id->bytes : NULL, given ? sizeof id->bytes : 0);
}

ProtobufCBinaryData message_hash(const struct dc_hash *hash)
{
    static const struct dc_hash zero;
    bool given = hash && memcmp(hash, &zero, sizeof zero) != 0;

    return message_bytes(given ? hash->bytes : NULL, given ? sizeof hash->bytes : 0);
}

ProtobufCBinaryData message_subject(const struct dc_subject *subject)
{
    return subject->is_presence ? message_hash(&subject->presence) : message_id(&subject->offender);
}

Doublecrew__V1__Place *message_place(const struct dc_place *place, Doublecrew__V1__Place *ret_place)
{
    if (!place || !place->known) {
        return NULL;
    }
    doublecrew__v1__place__init(ret_place);
    ret_place->latitude_e7 = place->latitude_e7;
    ret_place->longitude_e7 = place->longitude_e7;
    ret_place->accuracy_m = place->accuracy_m;
    return ret_place;
}

enum dc_status message_state(struct dc_device *device, uint16_t kind, const ProtobufCMessage *message,
                             struct dc_hash *ret_entry)
{
    struct hash entry;
    enum status status = device_append_message(device, kind, message, &entry);

    if (status == STATUS_OK && ret_entry) {
        memcpy(ret_entry->bytes, entry.bytes, HASH_SIZE);
    }
    return public_status(status);
}

bool message_check_in(const struct dc_device *device, const struct dc_check_in *check_in,
                      struct message_check_in *ret_message)
{
    Doublecrew__V1__CheckIn *message = &ret_message->message;

    if (check_in->named_count > DC_NAMED_MAX) {
        return false;
    }
    doublecrew__v1__check_in__init(message);
    message->offender_id = message_id(&check_in->offender);
    message->officer_id = message_bytes(device->officer.bytes, ID_SIZE);
    message->company = (Doublecrew__V1__Company)check_in->with;
    for (size_t i = 0; i < check_in->named_count; i++) {
        ret_message->named[i] = message_bytes(check_in->named[i].bytes, ID_SIZE);
    }
    message->n_named_officer_ids = check_in->named_count;
    message->named_officer_ids = ret_message->named;
    message->agency = message_text(check_in->agency);
    message->place = message_place(&check_in->place, &ret_message->place);
    message->plan_id = message_id(&check_in->plan);
    return true;
}

enum dc_status dc_check_in(struct dc_device *device, const struct dc_check_in *check_in, struct dc_hash *ret_presence)
{
    struct message_check_in message;

    if (!message_check_in(device, check_in, &message)) {
        return DC_INPUT;
    }
    return message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_IN, &message.message.base, ret_presence);
}

enum dc_status dc_check_out(struct dc_device *device, const struct dc_hash *presence, const struct dc_place *place,
                            struct dc_hash *ret_entry)
{
    Doublecrew__V1__CheckOut message = DOUBLECREW__V1__CHECK_OUT__INIT;
    Doublecrew__V1__Place at;

    message.presence = message_hash(presence);
    message.place = message_place(place, &at);
    return message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_CHECK_OUT, &message.base, ret_entry);
}

enum dc_status dc_outcome(struct dc_device *device, const struct dc_hash *presence, enum dc_outcome_code outcome,
                          struct dc_hash *ret_entry)
{
    Doublecrew__V1__Outcome message = DOUBLECREW__V1__OUTCOME__INIT;

    message.presence = message_hash(presence);
    message.outcome = (Doublecrew__V1__VisitOutcome)outcome;
    return message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_OUTCOME, &message.base, ret_entry);
}

enum dc_status dc_note(struct dc_device *device, const struct dc_subject *subject, const char *text,
                       const struct dc_hash *corrects, struct dc_hash *ret_entry)
{
    Doublecrew__V1__Note message = DOUBLECREW__V1__NOTE__INIT;

    message.subject = message_subject(subject);
    message.text = message_text(text);
    message.corrects = message_hash(corrects);
    return message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_NOTE, &message.base, ret_entry);
}

enum dc_status dc_plan_visit(struct dc_device *device, const struct dc_plan *plan, struct dc_id *ret_plan,
                             struct dc_hash *ret_entry)
{
    Doublecrew__V1__Plan message = DOUBLECREW__V1__PLAN__INIT;
    ProtobufCBinaryData officers[DC_NAMED_MAX];
    struct dc_id id = plan->plan;
    enum dc_status status;

    if (plan->officer_count > DC_NAMED_MAX) {
        return DC_INPUT;
    }
    if (message_id(&id).len == 0 && !device_random(device, id.bytes, sizeof id.bytes)) {
        return DC_INTERNAL;
    }
    message.plan_id = message_id(&id);
    message.offender_id = message_id(&plan->offender);
    for (size_t i = 0; i < plan->officer_count; i++) {
        officers[i] = message_bytes(plan->officers[i].bytes, ID_SIZE);
    }
    message.n_officer_ids = plan->officer_count;
    message.officer_ids = officers;
    message.from_ms = plan->from_ms;
    message.to_ms = plan->to_ms;
    message.cancelled = plan->cancelled;
    status = message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_PLAN, &message.base, ret_entry);
    if (status == DC_OK && ret_plan) {
        *ret_plan = id;
    }
    return status;
}

enum dc_status dc_acknowledge_flag(struct dc_device *device, const struct dc_hash *flag, struct dc_hash *ret_entry)
{
    Doublecrew__V1__FlagAcknowledgement message = DOUBLECREW__V1__FLAG_ACKNOWLEDGEMENT__INIT;

    message.flag_id = message_hash(flag);
    return message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_FLAG_ACKNOWLEDGEMENT, &message.base, ret_entry);
}

enum dc_status dc_answer_flag(struct dc_device *device, const struct dc_hash *flag, const char *words,
                              struct dc_hash *ret_entry)
{
    Doublecrew__V1__FlagAnswer message = DOUBLECREW__V1__FLAG_ANSWER__INIT;

    message.flag_id = message_hash(flag);
    message.words = message_text(words);
    return message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_FLAG_ANSWER, &message.base, ret_entry);
}

enum dc_status dc_answer_proposal(struct dc_device *device, const struct dc_hash *proposal, bool accepted,
                                  const char *words, struct dc_hash *ret_entry)
{
    Doublecrew__V1__ProposalAnswer message = DOUBLECREW__V1__PROPOSAL_ANSWER__INIT;

    message.proposal = message_hash(proposal);
    message.accepted = accepted;
    message.words = message_text(words);
    return message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_PROPOSAL_ANSWER, &message.base, ret_entry);
}

enum dc_status dc_seal(struct dc_device *device, struct dc_hash *ret_entry)
{
    Doublecrew__V1__Seal message = DOUBLECREW__V1__SEAL__INIT;

    return message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_SEAL, &message.base, ret_entry);
}

enum dc_status dc_append(struct dc_device *device, uint16_t kind, const uint8_t *message, size_t size,
                         struct dc_hash *ret_entry)
{
    struct device_head before;
    struct hash entry;
    enum status status = kind == 0 ? STATUS_INPUT : device_begin(device, &before);

    if (status == STATUS_OK) {
        status = device_append(device, kind, span_of(message, size), &entry);
        status = device_end(device, &before, status);
    }
    if (status == STATUS_OK && ret_entry) {
        memcpy(ret_entry->bytes, entry.bytes, HASH_SIZE);
    }
    return public_status(status);
}
