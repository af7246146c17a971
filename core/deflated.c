#include "core/deflated.h"

#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "core/wire.h"
#include "core/wire_read.h"
#include "doublecrew/v1/sync.pb-c.h"

/* A day's push is within 1 % of what the largest window and tables give, which take 260 KiB. */
#define SEND_LEVEL 6
#define SEND_WINDOW_BITS 13
#define SEND_MEMORY_LEVEL 7
/* Negative: neither header nor checksum, which the hash chain and TLS make needless. Any sender's window is taken. */
#define RECEIVE_WINDOW_BITS 15

struct inflater {
    z_stream stream;
};

static bool ratio_allowed(size_t size, size_t deflated_size)
{
    return size <= DEFLATE_RATIO_MAX * deflated_size;
}

/* Receiving --------------------------------------------------------------------------------------------------------- */

enum { FIELD_SIZE = 1, FIELD_ENTRY_COUNT = 2, FIELD_DEFLATED = 3 };

static enum status read_fields(struct span message, struct deflated_push *ret_push)
{
    /* The scan has seen to types, widths and second values. */
    enum status status = wire_scan(&doublecrew__v1__deflated_push__descriptor, message);

    while (status == STATUS_OK && message.size > 0) {
        struct wire_field field;

        status = wire_read_field(&message, &field);
        if (status != STATUS_OK)
            break;
        if (field.number == FIELD_SIZE)
            ret_push->size = (uint32_t)field.value;
        else if (field.number == FIELD_ENTRY_COUNT)
            ret_push->entry_count = (uint32_t)field.value;
        else if (field.number == FIELD_DEFLATED)
            ret_push->bytes = field.data;
    }
    return status;
}

enum status deflated_push_open(struct span message, struct deflated_push *ret_push)
{
    struct deflated_push push = {.size = 0};
    enum status status = read_fields(message, &push);

    if (status != STATUS_OK)
        return status;
    if (push.size == 0 || push.entry_count == 0 || push.bytes.size == 0)
        return STATUS_MISSING_FIELD;
    if (push.size > PUSH_SIZE_MAX || push.entry_count > PUSH_ENTRIES_MAX || !ratio_allowed(push.size, push.bytes.size))
        return STATUS_OVER_LIMIT;
    *ret_push = push;
    return STATUS_OK;
}

enum status inflater_new(struct inflater **ret_inflater)
{
    struct inflater *inflater = calloc(1, sizeof(*inflater));

    if (inflater == NULL)
        return STATUS_NO_MEMORY;
    if (inflateInit2(&inflater->stream, -RECEIVE_WINDOW_BITS) != Z_OK) {
        free(inflater);
        return STATUS_NO_MEMORY;
    }
    *ret_inflater = inflater;
    return STATUS_OK;
}

void inflater_free(struct inflater *inflater)
{
    if (inflater == NULL)
        return;
    (void)inflateEnd(&inflater->stream);
    free(inflater);
}

/* The room is full and the stream hasn't ended: does it hold more, or is its end missing? */
static enum status look_beyond(z_stream *stream)
{
    uint8_t beyond;

    stream->next_out = &beyond;
    stream->avail_out = 1;
    (void)inflate(stream, Z_FINISH);
    return stream->avail_out == 0 ? STATUS_BAD_LENGTH : STATUS_MALFORMED;
}

enum status inflater_run(struct inflater *inflater, struct span deflated, uint8_t *to, size_t size)
{
    z_stream *stream = &inflater->stream;
    int result;

    if (deflated.size > MESSAGE_SIZE_MAX || size > MESSAGE_SIZE_MAX)
        return STATUS_OVER_LIMIT;
    if (inflateReset(stream) != Z_OK)
        return STATUS_INTERNAL;
    stream->next_in = deflated.data;
    stream->avail_in = (uInt)deflated.size;
    stream->next_out = to;
    stream->avail_out = (uInt)size;
    result = inflate(stream, Z_FINISH);
    if (result == Z_MEM_ERROR)
        return STATUS_NO_MEMORY;
    if (result == Z_BUF_ERROR && stream->avail_out == 0)
        return look_beyond(stream);
    if (result != Z_STREAM_END || stream->avail_in > 0)
        return STATUS_MALFORMED;
    return stream->avail_out == 0 ? STATUS_OK : STATUS_BAD_LENGTH;
}

/* Sending ----------------------------------------------------------------------------------------------------------- */

/* At most `size` bytes at `to`; 0: it doesn't get that small. */
static enum status deflate_to(struct span bytes, uint8_t *to, size_t size, size_t *ret_size)
{
    z_stream stream = {.next_in = bytes.data};
    int result =
        deflateInit2(&stream, SEND_LEVEL, Z_DEFLATED, -SEND_WINDOW_BITS, SEND_MEMORY_LEVEL, Z_DEFAULT_STRATEGY);

    if (result != Z_OK)
        return STATUS_NO_MEMORY;
    stream.avail_in = (uInt)bytes.size;
    stream.next_out = to;
    stream.avail_out = (uInt)size;
    result = deflate(&stream, Z_FINISH);
    *ret_size = result == Z_STREAM_END ? size - stream.avail_out : 0;
    (void)deflateEnd(&stream); /* complains of what it didn't finish, which is meant */
    return STATUS_OK;
}

static enum status pack(const struct deflated_push *push, uint8_t **ret_bytes, size_t *ret_size)
{
    Doublecrew__V1__ClientMessage message = DOUBLECREW__V1__CLIENT_MESSAGE__INIT;
    Doublecrew__V1__DeflatedPush deflated = DOUBLECREW__V1__DEFLATED_PUSH__INIT;

    deflated.size = push->size;
    deflated.entry_count = push->entry_count;
    deflated.deflated = (ProtobufCBinaryData){push->bytes.size, (uint8_t *)(uintptr_t)push->bytes.data};
    message.message_case = DOUBLECREW__V1__CLIENT_MESSAGE__MESSAGE_DEFLATED_PUSH;
    message.deflated_push = &deflated;
    return wire_pack(&message.base, ret_bytes, ret_size);
}

/* What the three fields of a DeflatedPush take more than a Push does in its ClientMessage. */
#define WRAPPING_MAX 16

enum status deflated_push_build(struct span push, size_t entry_count, uint8_t **ret_bytes, size_t *ret_size)
{
    struct deflated_push deflated = {.size = (uint32_t)push.size, .entry_count = (uint32_t)entry_count};
    uint8_t *to;
    size_t size;
    enum status status;

    if (push.size > PUSH_SIZE_MAX || entry_count > PUSH_ENTRIES_MAX)
        return STATUS_OVER_LIMIT;
    *ret_bytes = NULL;
    *ret_size = 0;
    if (push.size <= WRAPPING_MAX)
        return STATUS_OK;
    to = malloc(push.size - WRAPPING_MAX);
    if (to == NULL)
        return STATUS_NO_MEMORY;
    status = deflate_to(push, to, push.size - WRAPPING_MAX, &size);
    if (status == STATUS_OK && size > 0 && ratio_allowed(push.size, size)) {
        deflated.bytes = span_of(to, size);
        status = pack(&deflated, ret_bytes, ret_size);
    }
    free(to);
    return status;
}
