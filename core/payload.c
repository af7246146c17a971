#include "core/payload.h"

#include <string.h>

#include "core/limits.h"
#include "core/payload_schema.h"
#include "core/utf8.h"

static const void *member(const ProtobufCMessage *message, size_t offset)
{
    return (const uint8_t *)message + offset;
}

static enum status check_message(const struct message_rules *rules, const ProtobufCMessage *message);

static enum status check_exact(ProtobufCBinaryData bytes, const struct field_rule *rule)
{
    if (bytes.len == 0)
        return rule->required ? STATUS_MISSING_FIELD : STATUS_OK;
    switch (rule->shape) {
    case SHAPE_ID:
        return bytes.len == ID_SIZE ? STATUS_OK : STATUS_BAD_LENGTH;
    case SHAPE_HASH:
        return bytes.len == HASH_SIZE ? STATUS_OK : STATUS_BAD_LENGTH;
    case SHAPE_SUBJECT:
        return bytes.len == ID_SIZE || bytes.len == HASH_SIZE ? STATUS_OK : STATUS_BAD_LENGTH;
    default:
        return bytes.len <= rule->max ? STATUS_OK : STATUS_OVER_LIMIT;
    }
}

static enum status check_text(const char *text, const struct field_rule *rule)
{
    size_t size = text != NULL ? strlen(text) : 0;

    if (size == 0)
        return rule->required ? STATUS_MISSING_FIELD : STATUS_OK;
    if (size > rule->max)
        return STATUS_OVER_LIMIT;
    return utf8_valid(span_of(text, size)) ? STATUS_OK : STATUS_MALFORMED;
}

static enum status check_enum(int32_t value, const struct field_rule *rule, const ProtobufCEnumDescriptor *descriptor)
{
    if (value == 0)
        return rule->required ? STATUS_MISSING_FIELD : STATUS_OK;
    return protobuf_c_enum_descriptor_get_value(descriptor, value) != NULL ? STATUS_OK : STATUS_UNKNOWN_KIND;
}

static enum status check_time(int64_t time_ms, const struct field_rule *rule)
{
    if (time_ms == 0)
        return rule->required ? STATUS_MISSING_FIELD : STATUS_OK;
    return time_ms > 0 && time_ms <= TIME_MS_MAX ? STATUS_OK : STATUS_MALFORMED;
}

static enum status check_nested(const ProtobufCMessage *message, const struct field_rule *rule,
                                const ProtobufCMessageDescriptor *descriptor)
{
    const struct message_rules *rules = payload_rules_of(descriptor);

    if (message == NULL)
        return rule->required ? STATUS_MISSING_FIELD : STATUS_OK;
    return rules != NULL ? check_message(rules, message) : STATUS_INTERNAL;
}

/* One value, at its place in the message or in its list. */
static enum status check_value(const void *at, const struct field_rule *rule, const ProtobufCFieldDescriptor *field)
{
    switch (rule->shape) {
    case SHAPE_ANY:
        return STATUS_OK;
    case SHAPE_NUMBER:
        return *(const uint32_t *)at == 0 && rule->required ? STATUS_MISSING_FIELD : STATUS_OK;
    case SHAPE_TIME:
        return check_time(*(const int64_t *)at, rule);
    case SHAPE_ENUM:
        return check_enum(*(const int32_t *)at, rule, field->descriptor);
    case SHAPE_ID:
    case SHAPE_HASH:
    case SHAPE_SUBJECT:
    case SHAPE_BYTES:
        return check_exact(*(const ProtobufCBinaryData *)at, rule);
    case SHAPE_TEXT:
        return check_text(*(char *const *)at, rule);
    case SHAPE_MESSAGE:
        return check_nested(*(const ProtobufCMessage *const *)at, rule, field->descriptor);
    }
    return STATUS_INTERNAL;
}

static size_t element_size(enum field_shape shape)
{
    switch (shape) {
    case SHAPE_ENUM:
    case SHAPE_NUMBER:
        return sizeof(int32_t);
    case SHAPE_TEXT:
    case SHAPE_MESSAGE:
        return sizeof(void *);
    default:
        return sizeof(ProtobufCBinaryData);
    }
}

/* Elements must stand for something: an empty one is missing. */
static enum status check_list(const ProtobufCMessage *message, const struct field_rule *rule,
                              const ProtobufCFieldDescriptor *field)
{
    size_t count = *(const size_t *)member(message, field->quantifier_offset);
    const uint8_t *elements = *(const uint8_t *const *)member(message, field->offset);
    struct field_rule element = *rule;
    enum status status = STATUS_OK;

    if (count == 0)
        return rule->required ? STATUS_MISSING_FIELD : STATUS_OK;
    if (count > rule->count_max)
        return STATUS_OVER_LIMIT;
    element.required = true;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = check_value(elements + i * element_size(rule->shape), &element, field);
    return status;
}

static enum status check_field(const ProtobufCMessage *message, const struct field_rule *rule,
                               const ProtobufCFieldDescriptor *field)
{
    if (rule->number != field->id)
        return STATUS_INTERNAL;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return check_list(message, rule, field);
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
        *(const uint32_t *)member(message, field->quantifier_offset) != field->id)
        return STATUS_OK; /* another member of the oneof stands in its place */
    return check_value(member(message, field->offset), rule, field);
}

/* Recursion as deep as the schema nests: messages come from wire_unpack or from our own hands. */
static enum status check_message(const struct message_rules *rules, const ProtobufCMessage *message)
{
    enum status status = STATUS_OK;

    if (rules->field_count != rules->descriptor->n_fields)
        return STATUS_INTERNAL;
    for (size_t i = 0; i < rules->field_count && status == STATUS_OK; i++)
        status = check_field(message, &rules->fields[i], &rules->descriptor->fields[i]);
    if (status == STATUS_OK && rules->check != NULL)
        status = rules->check(message);
    return status;
}

enum status payload_open(struct arena *arena, uint16_t kind, struct span message, ProtobufCMessage **ret_message)
{
    const struct message_rules *rules = payload_rules_of_kind(kind);
    ProtobufCMessage *unpacked;
    enum status status;

    if (rules == NULL)
        return STATUS_UNKNOWN_KIND;
    status = wire_unpack(arena, rules->descriptor, message, &unpacked);
    if (status == STATUS_OK)
        status = check_message(rules, unpacked);
    if (status == STATUS_OK)
        *ret_message = unpacked;
    return status;
}

enum status payload_check(uint16_t kind, const ProtobufCMessage *message)
{
    const struct message_rules *rules = payload_rules_of_kind(kind);

    if (rules == NULL)
        return STATUS_UNKNOWN_KIND;
    return message->descriptor == rules->descriptor ? check_message(rules, message) : STATUS_INPUT;
}

const ProtobufCMessageDescriptor *payload_descriptor(uint16_t kind)
{
    const struct message_rules *rules = payload_rules_of_kind(kind);

    return rules != NULL ? rules->descriptor : NULL;
}
