/*
 * PostgreSQL: its own protocol, version 3. A push is one execution of a prepared statement that takes the facts as one JSON
 * array (schema.sql is beside this), and so one transaction; NOTIFY names the rows, and a listener fetches them.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/peers/peer_protocol.h"

#define HEADER 5 /* type and length */

static const char put_statement[] =
    "WITH f AS MATERIALIZED (SELECT n, body, body->>'id' AS id, body->>'visit' AS visit, body->>'at' AS at,"
    " CASE body->>'kind' WHEN 'edit' THEN body->>'field' WHEN 'note' THEN body->>'id' ELSE body->>'kind' END AS field"
    " FROM json_array_elements($1::json) WITH ORDINALITY AS e(body, n)),"
    " o AS (INSERT INTO operation (id, body) SELECT id::uuid, body FROM f ORDER BY n ON CONFLICT (id) DO NOTHING"
    " RETURNING pos),"
    " c AS (INSERT INTO current AS had (visit, field, at, value)"
    " SELECT DISTINCT ON (visit, field) visit::uuid, field, at::timestamptz, body FROM f ORDER BY visit, field, n DESC"
    " ON CONFLICT (visit, field) DO UPDATE SET at = excluded.at, value = excluded.value WHERE excluded.at >= had.at)"
    " SELECT pg_notify('operation', min(pos) || '-' || max(pos)) FROM o";

static enum status add_message(struct peer_bytes *bytes, char type, const void *body, size_t size)
{
    uint8_t header[HEADER] = {(uint8_t)type};

    put_u32(header + 1, (uint32_t)(4 + size));
    enum status status = peer_bytes_add(bytes, header, sizeof(header));
    return status == STATUS_OK ? peer_bytes_add(bytes, body, size) : status;
}

static enum status send_query(struct peer_link *link, const char *query)
{
    struct peer_bytes bytes = {.data = NULL};
    enum status status = add_message(&bytes, 'Q', query, strlen(query) + 1);

    if (status == STATUS_OK)
        status = peer_link_send(link, span_of(bytes.data, bytes.size));
    free(bytes.data);
    return status;
}

/* The next whole message from *at on, and *at moved beyond it. */
static bool next_message(const struct peer_link *link, size_t *at, char *ret_type, struct span *ret_body)
{
    const uint8_t *message = link->in.data + *at;
    size_t left = link->in.size - *at;

    if (left < HEADER || left < 1 + (size_t)get_u32(message + 1))
        return false;
    *ret_type = (char)message[0];
    *ret_body = span_of(message + HEADER, get_u32(message + 1) - 4);
    *at += 1 + (size_t)get_u32(message + 1);
    return true;
}

/* Waits until the server is ready for the next query. */
static enum status hear_ready(struct peer_link *link)
{
    enum status status = STATUS_OK;
    struct span body;
    char type = 0;
    size_t at = 0;

    while (status == STATUS_OK && type != 'Z') {
        if (!next_message(link, &at, &type, &body))
            status = peer_link_receive(link);
        else if (type == 'E')
            status = peer_complain("PostgreSQL", body);
    }
    peer_link_drop(link, at);
    return status;
}

static enum status prepare_put(struct peer_link *link)
{
    struct peer_bytes body = {.data = NULL};
    struct peer_bytes bytes = {.data = NULL};
    uint8_t no_types[2] = {0, 0};
    enum status status = peer_bytes_add(&body, "put", 4);

    if (status == STATUS_OK)
        status = peer_bytes_add(&body, put_statement, sizeof(put_statement));
    if (status == STATUS_OK)
        status = peer_bytes_add(&body, no_types, sizeof(no_types));
    if (status == STATUS_OK)
        status = add_message(&bytes, 'P', body.data, body.size);
    if (status == STATUS_OK)
        status = add_message(&bytes, 'S', NULL, 0);
    if (status == STATUS_OK)
        status = peer_link_send(link, span_of(bytes.data, bytes.size));
    free(body.data);
    free(bytes.data);
    return status == STATUS_OK ? hear_ready(link) : status;
}

static enum status begin(struct peer_link *link, size_t device)
{
    static const char names[] = "user\0postgres\0database\0postgres\0";
    uint8_t startup[8 + sizeof(names)];

    put_u32(startup, sizeof(startup));
    put_u32(startup + 4, 3 << 16);
    memcpy(startup + 8, names, sizeof(names));
    enum status status = peer_link_send(link, span_of(startup, sizeof(startup)));
    if (status == STATUS_OK)
        status = hear_ready(link);
    return status == STATUS_OK && device < PEER_DEVICES_MAX ? prepare_put(link) : status;
}

/* Bind: the unnamed portal, "put", no formats, one value, no formats of results. */
static enum status add_bind(struct peer_bytes *bytes, struct span array)
{
    uint8_t head[1 + 4 + 2 + 2 + 4] = {0, 'p', 'u', 't', 0, 0, 0, 0, 1};
    static const uint8_t tail[2] = {0, 0};
    struct peer_bytes body = {.data = NULL};

    put_u32(head + 9, (uint32_t)array.size);
    enum status status = peer_bytes_add(&body, head, sizeof(head));
    if (status == STATUS_OK)
        status = peer_bytes_add(&body, array.data, array.size);
    if (status == STATUS_OK)
        status = peer_bytes_add(&body, tail, sizeof(tail));
    if (status == STATUS_OK)
        status = add_message(bytes, 'B', body.data, body.size);
    free(body.data);
    return status;
}

static enum status make_push(const struct span *facts, size_t count, size_t first, uint64_t *random,
                             struct peer_push *ret_push)
{
    static const uint8_t execute[5] = {0};
    struct peer_bytes array = {.data = NULL};
    struct peer_bytes bytes = {.data = NULL};
    enum status status = STATUS_OK;

    (void)first;
    (void)random;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = peer_bytes_add(&array, i == 0 ? "[" : ",", 1);
        if (status == STATUS_OK)
            status = peer_bytes_add(&array, facts[i].data, facts[i].size);
    }
    if (status == STATUS_OK)
        status = peer_bytes_add(&array, "]", 1);
    if (status == STATUS_OK)
        status = add_bind(&bytes, span_of(array.data, array.size));
    if (status == STATUS_OK)
        status = add_message(&bytes, 'E', execute, sizeof(execute));
    if (status == STATUS_OK)
        status = add_message(&bytes, 'S', NULL, 0);
    free(array.data);
    if (status == STATUS_OK)
        *ret_push = (struct peer_push){.bytes = bytes.data, .size = bytes.size, .facts = count, .answers = 1};
    else
        free(bytes.data);
    return status;
}

static enum status take_answers(struct peer_link *link, size_t *ret_answers)
{
    enum status status = STATUS_OK;
    struct span body;
    char type = 0;
    size_t at = 0;

    *ret_answers = 0;
    while (status == STATUS_OK && next_message(link, &at, &type, &body)) {
        if (type == 'E')
            status = peer_complain("PostgreSQL", body);
        *ret_answers += type == 'Z';
    }
    peer_link_drop(link, at);
    return status;
}

static enum status read_changes(struct peer_link *link, bool from_start)
{
    enum status status = send_query(link, "LISTEN operation");

    if (status == STATUS_OK)
        status = hear_ready(link);
    if (status != STATUS_OK || !from_start)
        return status;
    link->busy = true;
    return send_query(link, "SELECT body FROM operation ORDER BY pos");
}

/* process, channel, "FROM-TO": rows of several transactions may lie between, and come with their own notification. */
static void take_notification(struct peer_link *link, struct span body)
{
    const char *channel = (const char *)body.data + 4;
    const char *range = channel + strlen(channel) + 1;
    char *end = NULL;
    uint64_t from = strtoull(range, &end, 10);
    uint64_t to = *end == '-' ? strtoull(end + 1, NULL, 10) : from;

    link->from = link->to == 0 || from < link->from ? from : link->from;
    link->to = to > link->to ? to : link->to;
}

static enum status fetch(struct peer_link *link)
{
    char query[160];

    (void)snprintf(query, sizeof(query), "SELECT body FROM operation WHERE pos BETWEEN %llu AND %llu ORDER BY pos",
                   (unsigned long long)link->from, (unsigned long long)link->to);
    link->to = 0;
    link->busy = true;
    return send_query(link, query);
}

static enum status take_changes(struct peer_link *link, struct peer_seen *seen, peer_seen_fn *fn, void *context)
{
    enum status status = STATUS_OK;
    struct span body;
    char type = 0;
    size_t at = 0;

    while (status == STATUS_OK && next_message(link, &at, &type, &body)) {
        if (type == 'D')
            (void)peer_seen_read(seen, body, fn, context);
        else if (type == 'A')
            take_notification(link, body);
        else if (type == 'Z')
            link->busy = false;
        else if (type == 'E')
            status = peer_complain("PostgreSQL", body);
    }
    peer_link_drop(link, at);
    return status == STATUS_OK && !link->busy && link->to > 0 ? fetch(link) : status;
}

const struct peer_protocol peer_postgres = {
    .name = "postgres",
    .title = "PostgreSQL 15 + NOTIFY",
    .id_key = "id",
    .begin = begin,
    .make_push = make_push,
    .take_answers = take_answers,
    .read = read_changes,
    .take_changes = take_changes,
};
