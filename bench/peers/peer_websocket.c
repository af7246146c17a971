/* The Node peer (node_server.js): JSON over WebSocket. {"push":[…]} is answered {"ack":N} after the commit. */
#include <stdlib.h>
#include <string.h>

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

static enum status begin(struct peer_link *link, size_t device)
{
    static const char request[] = "GET /sync HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                  "Sec-WebSocket-Version: 13\r\n\r\n";
    const uint8_t *end = NULL;
    enum status status = peer_link_send(link, span_of(request, sizeof(request) - 1));

    (void)device;
    while (status == STATUS_OK && end == NULL) {
        status = peer_link_receive(link);
        end = memmem(link->in.data, link->in.size, "\r\n\r\n", 4);
    }
    if (status != STATUS_OK)
        return status;
    if (memcmp(link->in.data, "HTTP/1.1 101", 12) != 0)
        return peer_complain("the Node peer", span_of(link->in.data, link->in.size));
    peer_link_drop(link, (size_t)(end - link->in.data) + 4);
    return STATUS_OK;
}

static enum status make_push(const struct span *facts, size_t count, size_t first, uint64_t *random,
                             struct peer_push *ret_push)
{
    struct peer_bytes text = {.data = NULL};
    enum status status = peer_bytes_add(&text, "{\"push\":[", 9);

    (void)first;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (i > 0)
            status = peer_bytes_add(&text, ",", 1);
        if (status == STATUS_OK)
            status = peer_bytes_add(&text, facts[i].data, facts[i].size);
    }
    if (status == STATUS_OK)
        status = peer_bytes_add(&text, "]}", 2);
    if (status == STATUS_OK) {
        struct peer_push push = {.facts = count, .answers = count};

        push.bytes = load_frame(span_of(text.data, text.size), random, &push.size);
        if (push.bytes == NULL)
            status = STATUS_NO_MEMORY;
        else
            *ret_push = push;
    }
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
