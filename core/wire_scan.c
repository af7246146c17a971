#include <limits.h>
#include <string.h>

#include "core/utf8.h"
#include "core/wire.h"
#include "core/wire_read.h"

/* One message that is being scanned: what is left of it, and which of its singular fields have been seen. */
struct frame {
    const ProtobufCMessageDescriptor *descriptor;
    struct span rest;
    uint64_t seen; /* bit n: descriptor->fields[n]; no message has more than 64 fields */
};

/* The nesting is kept here and not on the C stack, so that no input can exhaust it. */
struct scan {
    struct frame frames[WIRE_DEPTH_MAX];
    size_t depth;
    size_t fields;
};

enum status wire_read_varint(struct span *rest, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (size_t i = 0; i < 10 && i < rest->size; i++) {
        uint8_t byte = rest->data[i];

        if (i == 9 && byte > 1)
            return STATUS_MALFORMED; /* beyond 64 bits */
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            if (byte == 0 && i > 0)
                return STATUS_MALFORMED; /* not minimal */
            *rest = span_of(rest->data + i + 1, rest->size - i - 1);
            *ret_value = value;
            return STATUS_OK;
        }
    }
    return STATUS_MALFORMED;
}

static enum status take(struct span *rest, uint64_t size, struct span *ret_data)
{
    if (size > rest->size)
        return STATUS_MALFORMED;
    *ret_data = span_of(rest->data, (size_t)size);
    *rest = span_of(rest->data + size, rest->size - (size_t)size);
    return STATUS_OK;
}

enum status wire_read_field(struct span *rest, struct wire_field *ret_field)
{
    struct wire_field field = {0};
    uint64_t tag;
    uint64_t size;
    enum status status = wire_read_varint(rest, &tag);

    if (status != STATUS_OK)
        return status;
    if (tag > UINT32_MAX || tag >> 3 == 0)
        return STATUS_MALFORMED;
    field.number = (uint32_t)(tag >> 3);
    switch (tag & 7) {
    case 0:
        field.type = PROTOBUF_C_WIRE_TYPE_VARINT;
        status = wire_read_varint(rest, &field.value);
        break;
    case 1:
        field.type = PROTOBUF_C_WIRE_TYPE_64BIT;
        status = take(rest, 8, &field.data);
        break;
    case 2:
        field.type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
        status = wire_read_varint(rest, &size);
        if (status == STATUS_OK)
            status = take(rest, size, &field.data);
        break;
    case 5:
        field.type = PROTOBUF_C_WIRE_TYPE_32BIT;
        status = take(rest, 4, &field.data);
        break;
    default:
        status = STATUS_MALFORMED; /* groups, and what was never defined */
    }
    if (status == STATUS_OK)
        *ret_field = field;
    return status;
}

static const ProtobufCFieldDescriptor *find_known(const ProtobufCMessageDescriptor *descriptor, uint32_t number)
{
    /* Our messages number their fields densely from 1. */
    if (number <= descriptor->n_fields && descriptor->fields[number - 1].id == number)
        return &descriptor->fields[number - 1];
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        if (descriptor->fields[i].id == number)
            return &descriptor->fields[i];
    }
    return NULL;
}

static ProtobufCWireType wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

/* protobuf-c would drop the upper bits: two texts of one number, and a check could see the other one. */
static bool varint_fits(ProtobufCType type, uint64_t value)
{
    switch (type) {
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_SINT32:
        return value <= UINT32_MAX;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        return value <= INT32_MAX || value >= 0xffffffff80000000u;
    case PROTOBUF_C_TYPE_BOOL:
        return value <= 1;
    default:
        return true;
    }
}

static enum status count_field(struct scan *scan)
{
    scan->fields++;
    return scan->fields > WIRE_FIELDS_MAX ? STATUS_OVER_LIMIT : STATUS_OK;
}

/* Each number of a packed field counts as a field. */
static enum status scan_packed(struct scan *scan, ProtobufCType type, struct span rest)
{
    size_t width = wire_type_of(type) == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8;
    enum status status = STATUS_OK;
    struct span ignored;
    uint64_t value;

    while (rest.size > 0 && status == STATUS_OK) {
        status = count_field(scan);
        if (status != STATUS_OK)
            break;
        if (wire_type_of(type) != PROTOBUF_C_WIRE_TYPE_VARINT) {
            status = take(&rest, width, &ignored);
            continue;
        }
        status = wire_read_varint(&rest, &value);
        if (status == STATUS_OK && !varint_fits(type, value))
            status = STATUS_MALFORMED;
    }
    return status;
}

/* Marks a singular field, and with it its siblings of one oneof. MALFORMED when it is marked already. */
static enum status mark_seen(struct frame *frame, const ProtobufCFieldDescriptor *field)
{
    const ProtobufCFieldDescriptor *fields = frame->descriptor->fields;
    uint64_t bit = (uint64_t)1 << (field - fields);

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return STATUS_OK;
    if ((frame->seen & bit) != 0)
        return STATUS_MALFORMED;
    frame->seen |= bit;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
        return STATUS_OK;
    for (unsigned i = 0; i < frame->descriptor->n_fields; i++) {
        if ((fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
            fields[i].quantifier_offset == field->quantifier_offset)
            frame->seen |= (uint64_t)1 << i;
    }
    return STATUS_OK;
}

static enum status enter(struct scan *scan, const ProtobufCMessageDescriptor *descriptor, struct span bytes)
{
    struct frame frame = {.descriptor = descriptor, .rest = bytes};

    if (descriptor->n_fields > 64)
        return STATUS_INTERNAL;
    if (scan->depth == WIRE_DEPTH_MAX)
        return STATUS_OVER_LIMIT;
    scan->frames[scan->depth++] = frame;
    return STATUS_OK;
}

static enum status scan_known(struct scan *scan, const ProtobufCFieldDescriptor *known, const struct wire_field *field)
{
    ProtobufCWireType expected = wire_type_of(known->type);

    if (known->label == PROTOBUF_C_LABEL_REPEATED && expected != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
        field->type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        return scan_packed(scan, known->type, field->data);
    if (field->type != expected)
        return STATUS_MALFORMED;
    if (known->type == PROTOBUF_C_TYPE_MESSAGE)
        return enter(scan, known->descriptor, field->data);
    if (known->type == PROTOBUF_C_TYPE_STRING)
        return utf8_valid_text(field->data) ? STATUS_OK : STATUS_MALFORMED;
    if (expected == PROTOBUF_C_WIRE_TYPE_VARINT && !varint_fits(known->type, field->value))
        return STATUS_MALFORMED;
    return STATUS_OK;
}

static enum status scan_field(struct scan *scan, struct frame *frame)
{
    const ProtobufCFieldDescriptor *known;
    struct wire_field field;
    enum status status = count_field(scan);

    if (status == STATUS_OK)
        status = wire_read_field(&frame->rest, &field);
    if (status != STATUS_OK)
        return status;
    known = find_known(frame->descriptor, field.number);
    if (known == NULL)
        return STATUS_OK;
    status = mark_seen(frame, known);
    return status == STATUS_OK ? scan_known(scan, known, &field) : status;
}

enum status wire_scan(const ProtobufCMessageDescriptor *descriptor, struct span bytes)
{
    struct scan scan;
    enum status status;

    scan.depth = 0;
    scan.fields = 0;
    if (bytes.size > MESSAGE_SIZE_MAX)
        return STATUS_OVER_LIMIT;
    status = enter(&scan, descriptor, bytes);
    while (status == STATUS_OK && scan.depth > 0) {
        struct frame *frame = &scan.frames[scan.depth - 1];

        if (frame->rest.size == 0)
            scan.depth--;
        else
            status = scan_field(&scan, frame);
    }
    return status;
}
