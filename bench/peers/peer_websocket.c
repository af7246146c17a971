/* The Node peer (node_server.js): JSON over WebSocket. {"push":[…]} is answered {"ack":N} after the commit. */
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "bench/load_link.h"
#include "bench/peers/peer_protocol.h"

enum status peer_complain(const char *peer, struct span answer)
{
    fprintf(stderr, "bench: %s answered: %.*s\n", peer, answer.size > 400 ? 400 : (int)answer.size,
            (const char *)answer.data);
    return STATUS_STORE;
}

static enum status send_text(struct peer_link *link, const char *text)
{
    uint64_t random = 1;
    size_t size = 0;
    uint8_t *frame = load_frame(span_of(text, strlen(text)), &random, &size);

    if (frame == NULL)
        return STATUS_NO_MEMORY;
    enum status status = peer_link_send(link, span_of(frame, size));
    free(frame);
    return status;
}

#define REQUEST                                                                                                        \
    "GET /sync HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"                                                  \
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                                           \
    "Sec-WebSocket-Version: 13\r\n"
/* No takeover of what was deflated before: frames are made ahead, and short answers stay as they are. */
#define EXTENSION "permessage-deflate; client_no_context_takeover; server_no_context_takeover"

static enum status upgrade(struct peer_link *link, const char *request, const char *expected)
{
    const uint8_t *end = NULL;
    enum status status = peer_link_send(link, span_of(request, strlen(request)));

    while (status == STATUS_OK && end == NULL) {
        status = peer_link_receive(link);
        end = memmem(link->in.data, link->in.size, "\r\n\r\n", 4);
    }
    if (status != STATUS_OK)
        return status;
    if (memcmp(link->in.data, "HTTP/1.1 101", 12) != 0 ||
        memmem(link->in.data, (size_t)(end - link->in.data), expected, strlen(expected)) == NULL)
        return peer_complain("the Node peer", span_of(link->in.data, link->in.size));
    peer_link_drop(link, (size_t)(end - link->in.data) + 4);
    return STATUS_OK;
}

static enum status begin(struct peer_link *link, size_t device)
{
    (void)device;
    return upgrade(link, REQUEST "\r\n", "");
}

/* Who reads everything back does so without it: only what devices send is compared. */
static enum status begin_deflate(struct peer_link *link, size_t device)
{
    if (device >= PEER_DEVICES_MAX)
        return begin(link, device);
    return upgrade(link, REQUEST "Sec-WebSocket-Extensions: " EXTENSION "\r\n\r\n", "permessage-deflate");
}

static enum status write_push(const struct span *facts, size_t count, struct peer_bytes *text)
{
    enum status status = peer_bytes_add(text, "{\"push\":[", 9);

    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (i > 0)
            status = peer_bytes_add(text, ",", 1);
        if (status == STATUS_OK)
            status = peer_bytes_add(text, facts[i].data, facts[i].size);
    }
    return status == STATUS_OK ? peer_bytes_add(text, "]}", 2) : status;
}

static enum status frame_push(struct span message, size_t count, uint64_t *random, struct peer_push *ret_push)
{
    struct peer_push push = {.facts = count, .answers = count};

    push.bytes = load_frame(message, random, &push.size);
    if (push.bytes == NULL)
        return STATUS_NO_MEMORY;
    *ret_push = push;
    return STATUS_OK;
}

static enum status make_push(const struct span *facts, size_t count, size_t first, uint64_t *random,
                             struct peer_push *ret_push)
{
    struct peer_bytes text = {.data = NULL};
    enum status status = write_push(facts, count, &text);

    (void)first;
    if (status == STATUS_OK)
        status = frame_push(span_of(text.data, text.size), count, random, ret_push);
    free(text.data);
    return status;
}

/* As `ws` and browsers do it: raw DEFLATE at the usual level, without the empty block at its end (RFC 7692, 7.2.1). */
static enum status deflate_text(struct span text, struct peer_bytes *ret_deflated)
{
    z_stream stream = {.next_in = text.data, .avail_in = (uInt)text.size};

    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return STATUS_NO_MEMORY;
    size_t room = deflateBound(&stream, text.size) + 16;
    ret_deflated->data = malloc(room);
    stream.next_out = ret_deflated->data;
    stream.avail_out = (uInt)room;
    bool whole = ret_deflated->data != NULL && deflate(&stream, Z_SYNC_FLUSH) == Z_OK && stream.avail_in == 0;
    ret_deflated->size = room - stream.avail_out - 4;
    (void)deflateEnd(&stream);
    return whole ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status make_push_deflated(const struct span *facts, size_t count, size_t first, uint64_t *random,
                                      struct peer_push *ret_push)
{
    struct peer_bytes deflated = {.data = NULL};
    struct peer_bytes text = {.data = NULL};
    enum status status = write_push(facts, count, &text);

    (void)first;
    if (status == STATUS_OK)
        status = deflate_text(span_of(text.data, text.size), &deflated);
    if (status == STATUS_OK)
        status = frame_push(span_of(deflated.data, deflated.size), count, random, ret_push);
    if (status == STATUS_OK)
        ret_push->bytes[0] |= 0x40; /* RSV1: deflated */
    free(deflated.data);
    free(text.data);
    return status;
}

/* The next whole message from *at on, and *at moved beyond it. */
static bool next_message(const struct peer_link *link, size_t *at, struct span *ret_message)
{
    const uint8_t *frame = link->in.data + *at;
    size_t left = link->in.size - *at;
    size_t header = 2;

    if (left < header)
        return false;
    size_t size = frame[1] & 0x7f;
    if (size == 126)
        header = 4;
    else if (size == 127)
        header = 10;
    if (left < header)
        return false;
    if (header == 4)
        size = get_u16(frame + 2);
    else if (header == 10)
        size = get_u64(frame + 2);
    if (left - header < size)
        return false;
    *at += header + size;
    *ret_message = span_of(frame + header, size);
    return true;
}

static enum status take_answers(struct peer_link *link, size_t *ret_answers)
{
    enum status status = STATUS_OK;
    struct span message;
    size_t answers = 0;
    size_t at = 0;

    while (status == STATUS_OK && next_message(link, &at, &message)) {
        if (message.size > 7 && memcmp(message.data, "{\"ack\":", 7) == 0)
            answers += strtoul((const char *)message.data + 7, NULL, 10);
        else
            status = peer_complain("the Node peer", message);
    }
    peer_link_drop(link, at);
    *ret_answers = answers;
    return status;
}

static enum status read_changes(struct peer_link *link, bool from_start)
{
    enum status status = send_text(link, from_start ? "{\"since\":0}" : "{\"since\":-1}");
    struct span live;
    size_t at = 0;

    while (status == STATUS_OK && !from_start && !next_message(link, &at, &live))
        status = peer_link_receive(link); /* {"live":N} */
    return status;
}

static enum status take_changes(struct peer_link *link, struct peer_seen *seen, peer_seen_fn *fn, void *context)
{
    struct span message;
    size_t at = 0;

    while (next_message(link, &at, &message))
        (void)peer_seen_read(seen, message, fn, context);
    peer_link_drop(link, at);
    return STATUS_OK;
}

const struct peer_protocol peer_websocket = {
    .name = "node",
    .title = "Node ws + better-sqlite3",
    .id_key = "id",
    .tls = true,
    .begin = begin,
    .make_push = make_push,
    .take_answers = take_answers,
    .read = read_changes,
    .take_changes = take_changes,
};

const struct peer_protocol peer_websocket_deflate = {
    .name = "node_deflate",
    .title = "Node ws with permessage-deflate",
    .id_key = "id",
    .tls = true,
    .begin = begin_deflate,
    .make_push = make_push_deflated,
    .take_answers = take_answers,
    .read = read_changes,
    .take_changes = take_changes,
};
