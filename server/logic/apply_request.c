/*
 * Requests to visit alone, and what supervisors said to them (L1). A request asks and nothing more, so a partner's log may
 * carry it; no verdict rests on it. Its view row is the only place where it is kept: the words that answer it stand there, and
 * its state follows from them.
 */
#include "server/logic/batch_internal.h"

#include <string.h>

#define ANSWERS_MAX 8 /* of up to 56 KiB each: a row must fit one page */

typedef Doublecrew__V1__AuthorityRequestRow request_row;
typedef Doublecrew__V1__AuthorityAnswer answer_row;

/* An empty state marks a request that a fork undid: nobody sees it. */
static enum status publish(struct batch *batch, request_row *request, uint64_t pos)
{
    Doublecrew__V1__Row row = DOUBLECREW__V1__ROW__INIT;
    struct hash entry = pb_hash(request->request);
    struct id offender = pb_id(request->asked->offender_id), officer = pb_id(request->asked->officer_id);
    struct view_key key = view_key_of_hash('a', &entry);
    struct scope_list scopes = {.count = 0};

    if (request->state != DOUBLECREW__V1__AUTHORITY_REQUEST_STATE__AUTHORITY_REQUEST_STATE_UNSPECIFIED)
        RETURN_IF_BAD(scopes_of_request(batch, &offender, &officer, &scopes));
    row.row_case = DOUBLECREW__V1__ROW__ROW_AUTHORITY_REQUEST;
    row.authority_request = request;
    return feed_publish(batch, &key, pos, &row, &scopes);
}

/* STATUS_NOT_FOUND also for one that a fork undid. */
static enum status open_request(struct batch *batch, const struct hash *entry, request_row **ret_request)
{
    struct view_key key = view_key_of_hash('a', entry);
    Doublecrew__V1__Row *row;

    RETURN_IF_BAD(view_open(batch, &key, &row));
    if (row->authority_request->state == DOUBLECREW__V1__AUTHORITY_REQUEST_STATE__AUTHORITY_REQUEST_STATE_UNSPECIFIED)
        return STATUS_NOT_FOUND;
    *ret_request = row->authority_request;
    return STATUS_OK;
}

static bool same_bytes(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool is_last_of_author(const request_row *request, size_t index)
{
    for (size_t i = index + 1; i < request->n_answers; i++) {
        if (same_bytes(request->answers[i]->by_officer_id, request->answers[index]->by_officer_id))
            return false;
    }
    return true;
}

static bool had_granted(const request_row *request, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (request->answers[i]->word->granted &&
            same_bytes(request->answers[i]->by_officer_id, request->answers[index]->by_officer_id))
            return true;
    }
    return false;
}

/* A person's last word speaks, and a refusal outweighs another's grant (L1). */
static Doublecrew__V1__AuthorityRequestState state_of(const request_row *request)
{
    Doublecrew__V1__AuthorityRequestState state = DOUBLECREW__V1__AUTHORITY_REQUEST_STATE__AUTHORITY_REQUEST_STATE_OPEN;

    for (size_t i = 0; i < request->n_answers; i++) {
        if (!is_last_of_author(request, i))
            continue;
        if (request->answers[i]->word->granted)
            state = DOUBLECREW__V1__AUTHORITY_REQUEST_STATE__AUTHORITY_REQUEST_STATE_GRANTED;
        else
            return had_granted(request, i) ? DOUBLECREW__V1__AUTHORITY_REQUEST_STATE__AUTHORITY_REQUEST_STATE_WITHDRAWN
                                           : DOUBLECREW__V1__AUTHORITY_REQUEST_STATE__AUTHORITY_REQUEST_STATE_REFUSED;
    }
    return state;
}

enum status apply_authority_request(struct batch *batch, struct applying *applying, const ProtobufCMessage *base)
{
    const Doublecrew__V1__AuthorityRequest *message = (const Doublecrew__V1__AuthorityRequest *)base;
    struct view_key key = view_key_of_hash('a', &applying->entry->hash);
    Doublecrew__V1__AuthorityRequest asked = *message;
    request_row request = DOUBLECREW__V1__AUTHORITY_REQUEST_ROW__INIT;
    struct id officer = pb_id(message->officer_id), offender = pb_id(message->offender_id);
    struct offender_row row;
    struct view_row view;
    enum status status = batch->store->ops->view_get(batch->store, span_of(key.bytes, key.size), &view);

    if (status != STATUS_NOT_FOUND)
        return status; /* delivered before, by whichever log (F1) */
    if (!id_equal(&officer, &applying->author.officer)) {
        applying->held = "unassigned_officer";
        return STATUS_OK;
    }
    status = batch->store->ops->offender_get(batch->store, &offender, &row);
    if (status == STATUS_NOT_FOUND) {
        applying->held = "unknown_offender";
        return STATUS_OK;
    }
    RETURN_IF_BAD(status);
    request.request = pb_from_hash(&applying->entry->hash);
    request.asked = &asked;
    request.received_ms = applying->received_us / 1000;
    request.state = state_of(&request);
    RETURN_IF_BAD(publish(batch, &request, applying->pos));
    return apply_waiting(batch, &applying->entry->hash, applying->pos); /* words that came first */
}

static bool is_about(const request_row *request, const Doublecrew__V1__AuthorityWord *word)
{
    return same_bytes(request->asked->officer_id, word->officer_id) &&
           same_bytes(request->asked->offender_id, word->offender_id);
}

static bool has_answer(const request_row *request, const struct hash *entry)
{
    for (size_t i = 0; i < request->n_answers; i++) {
        struct hash known = pb_hash(request->answers[i]->entry);

        if (hash_equal(&known, entry))
            return true;
    }
    return false;
}

/* By receipt, so that a word that had to wait stands where it would have; the oldest goes when there are too many. */
static enum status insert(struct batch *batch, request_row *request, answer_row *answer)
{
    answer_row **answers = arena_alloc(batch->arena, (request->n_answers + 1) * sizeof(answer_row *));
    size_t count = 0, at = request->n_answers;

    if (answers == NULL)
        return STATUS_NO_MEMORY;
    while (at > 0 && request->answers[at - 1]->recorded_ms > answer->recorded_ms)
        at--;
    for (size_t i = 0; i <= request->n_answers; i++) {
        if (i == at)
            answers[count++] = answer;
        if (i < request->n_answers)
            answers[count++] = request->answers[i];
    }
    request->answers = count > ANSWERS_MAX ? answers + 1 : answers;
    request->n_answers = count > ANSWERS_MAX ? ANSWERS_MAX : count;
    return STATUS_OK;
}

enum status request_answered(struct batch *batch, const struct applying *applying,
                             const Doublecrew__V1__AuthorityWord *message)
{
    struct hash entry = pb_hash(message->request);
    Doublecrew__V1__AuthorityWord word = *message;
    answer_row answer = DOUBLECREW__V1__AUTHORITY_ANSWER__INIT;
    request_row *request;
    enum status status;

    if (message->request.len == 0)
        return STATUS_OK;
    status = open_request(batch, &entry, &request);
    if (status == STATUS_NOT_FOUND)
        return wait_for(batch, applying, &entry);
    RETURN_IF_BAD(status);
    if (!is_about(request, message) || has_answer(request, &applying->entry->hash))
        return STATUS_OK;
    answer.entry = pb_from_hash(&applying->entry->hash);
    answer.by_officer_id = pb_from_id(&applying->author.officer);
    answer.recorded_ms = applying->received_us / 1000;
    answer.word = &word;
    RETURN_IF_BAD(insert(batch, request, &answer));
    request->state = state_of(request);
    return publish(batch, request, applying->pos);
}

enum status request_undo(struct batch *batch, const struct hash *entry)
{
    request_row *request;
    enum status status = open_request(batch, entry, &request);

    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    request->state = DOUBLECREW__V1__AUTHORITY_REQUEST_STATE__AUTHORITY_REQUEST_STATE_UNSPECIFIED;
    return publish(batch, request, batch->next.pos);
}

enum status request_answer_undo(struct batch *batch, const struct hash *entry,
                                const Doublecrew__V1__AuthorityWord *message)
{
    struct hash of = pb_hash(message->request);
    request_row *request;
    size_t kept = 0;
    enum status status = message->request.len == 0 ? STATUS_NOT_FOUND : open_request(batch, &of, &request);

    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    for (size_t i = 0; i < request->n_answers; i++) {
        struct hash known = pb_hash(request->answers[i]->entry);

        if (!hash_equal(&known, entry))
            request->answers[kept++] = request->answers[i];
    }
    if (kept == request->n_answers)
        return STATUS_OK;
    request->n_answers = kept;
    request->state = state_of(request);
    return publish(batch, request, batch->next.pos);
}
