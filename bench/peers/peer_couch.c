/* PouchDB Server: CouchDB's HTTP. A push is one _bulk_docs; the other client reads _changes. */
#include <stdlib.h>
#include <string.h>

#include "bench/peers/peer_protocol.h"

#define HEAD "HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"

static const char length_name[] = "Content-Length: ";

static enum status begin(struct peer_link *link, size_t device)
{
    (void)link;
    (void)device;
    return STATUS_OK;
}

static enum status make_push(const struct span *facts, size_t count, size_t first, uint64_t *random,
                             struct peer_push *ret_push)
{
    struct peer_bytes docs = {.data = NULL};
    struct peer_bytes bytes = {.data = NULL};
    char head[256];
    enum status status = peer_bytes_add(&docs, "{\"docs\":[", 9);

    (void)first;
    (void)random;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (i > 0)
            status = peer_bytes_add(&docs, ",", 1);
        if (status == STATUS_OK)
            status = peer_bytes_add(&docs, facts[i].data, facts[i].size);
    }
    if (status == STATUS_OK)
        status = peer_bytes_add(&docs, "]}", 2);
    (void)snprintf(head, sizeof(head),
                   "POST /bench/_bulk_docs " HEAD "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                   docs.size);
    if (status == STATUS_OK)
        status = peer_bytes_add(&bytes, head, strlen(head));
    if (status == STATUS_OK)
        status = peer_bytes_add(&bytes, docs.data, docs.size);
    free(docs.data);
    if (status == STATUS_OK)
        *ret_push = (struct peer_push){.bytes = bytes.data, .size = bytes.size, .facts = count, .answers = count};
    else
        free(bytes.data);
    return status;
}

/* The headers of an answer; NULL: not all of them are there yet. */
static const uint8_t *end_of_head(const uint8_t *data, size_t size)
{
    const uint8_t *end = size == 0 ? NULL : memmem(data, size, "\r\n\r\n", 4);

    return end == NULL ? NULL : end + 4;
}

static size_t count_of(struct span text, const char *word)
{
    const uint8_t *at = text.data;
    const uint8_t *end = text.data + text.size;
    size_t count = 0;

    while ((at = memmem(at, (size_t)(end - at), word, strlen(word))) != NULL) {
        at += strlen(word);
        count++;
    }
    return count;
}

/* One whole answer of known length from *at on. */
static bool next_answer(const struct peer_link *link, size_t *at, struct span *ret_body)
{
    const uint8_t *begin = link->in.data + *at;
    const uint8_t *body = end_of_head(begin, link->in.size - *at);

    if (body == NULL)
        return false;
    const uint8_t *length = memmem(begin, (size_t)(body - begin), length_name, sizeof(length_name) - 1);
    size_t size = length == NULL ? 0 : strtoul((const char *)length + sizeof(length_name) - 1, NULL, 10);
    if ((size_t)(link->in.data + link->in.size - body) < size)
        return false;
    *ret_body = span_of(body, size);
    *at = (size_t)(body - link->in.data) + size;
    return true;
}

/* Each document has its "ok". */
static enum status take_answers(struct peer_link *link, size_t *ret_answers)
{
    enum status status = STATUS_OK;
    struct span body;
    size_t at = 0;

    *ret_answers = 0;
    while (status == STATUS_OK && next_answer(link, &at, &body)) {
        size_t good = count_of(body, "\"ok\":true");

        if (good == 0 || count_of(body, "\"error\"") > 0)
            status = peer_complain("PouchDB Server", body);
        *ret_answers += good;
    }
    peer_link_drop(link, at);
    return status;
}

static enum status read_changes(struct peer_link *link, bool from_start)
{
    static const char all[] = "GET /bench/_changes?since=0&include_docs=true " HEAD "\r\n";
    static const char live[] =
        "GET /bench/_changes?feed=continuous&since=now&include_docs=true&heartbeat=500 " HEAD "\r\n";

    if (from_start)
        return peer_link_send(link, span_of(all, sizeof(all) - 1));
    enum status status = peer_link_send(link, span_of(live, sizeof(live) - 1));
    while (status == STATUS_OK && end_of_head(link->in.data, link->in.size) == NULL)
        status = peer_link_receive(link); /* it listens from its first heartbeat on */
    return status;
}

/* Takes a chunk's size line away; false: it isn't all there. link->from: what is left of the chunk, with its line's end. */
static bool begin_chunk(struct peer_link *link)
{
    const uint8_t *end = memmem(link->in.data, link->in.size, "\r\n", 2);

    if (end == NULL)
        return false;
    link->from = strtoull((const char *)link->in.data, NULL, 16) + 2;
    peer_link_drop(link, (size_t)(end - link->in.data) + 2);
    return true;
}

/* Chunks put together in link->body. */
static enum status take_chunks(struct peer_link *link)
{
    enum status status = STATUS_OK;

    while (status == STATUS_OK && link->in.size > 0 && (link->from > 0 || begin_chunk(link))) {
        size_t part = link->from < link->in.size ? (size_t)link->from : link->in.size;
        size_t left = link->from <= 2 ? 0 : (size_t)link->from - 2; /* the line's end isn't text */
        size_t text = part < left ? part : left;

        status = peer_bytes_add(&link->body, link->in.data, text);
        link->from -= part;
        peer_link_drop(link, part);
    }
    return status;
}

/* What comes in one piece is one chunk. */
static enum status begin_body(struct peer_link *link)
{
    const uint8_t *body = end_of_head(link->in.data, link->in.size);

    if (body == NULL)
        return STATUS_OK;
    size_t size = (size_t)(body - link->in.data);
    const uint8_t *length = memmem(link->in.data, size, length_name, sizeof(length_name) - 1);
    if (memcmp(link->in.data, "HTTP/1.1 200", 12) != 0)
        return peer_complain("PouchDB Server", span_of(link->in.data, link->in.size));
    link->busy = true;
    if (length != NULL)
        link->from = strtoull((const char *)length + sizeof(length_name) - 1, NULL, 10) + 2;
    peer_link_drop(link, size);
    return STATUS_OK;
}

static enum status take_changes(struct peer_link *link, struct peer_seen *seen, peer_seen_fn *fn, void *context)
{
    enum status status = link->busy ? STATUS_OK : begin_body(link);

    if (status == STATUS_OK && link->busy)
        status = take_chunks(link);
    if (status != STATUS_OK || link->body.size == 0)
        return status;
    size_t done = peer_seen_read(seen, span_of(link->body.data, link->body.size), fn, context);
    memmove(link->body.data, link->body.data + done, link->body.size - done);
    link->body.size -= done;
    return STATUS_OK;
}

const struct peer_protocol peer_couch = {
    .name = "pouchdb",
    .title = "PouchDB Server",
    .id_key = "_id",
    .begin = begin,
    .make_push = make_push,
    .take_answers = take_answers,
    .read = read_changes,
    .take_changes = take_changes,
};
