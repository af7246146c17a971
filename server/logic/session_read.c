#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/wire.h"
#include "doublecrew/v1/entry.pb-c.h"
#include "server/logic/batch.h"
#include "server/logic/session_page.h"
#include "server/logic/session_read.h"
#include "server/logic/session_seal_read.h"

/* Versions of the policy that one read looks at. */
#define POLICIES_MAX 64

static enum status look_at(struct store *store, const struct hash *certificate_key_hash, struct session_look *ret_look)
{
    struct officer_row officer;
    enum status status = store->ops->device_by_certificate(store, certificate_key_hash, &ret_look->device);

    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_UNKNOWN_DEVICE : status;
    if (ret_look->device.standing == DEVICE_LOST)
        return STATUS_DEVICE_REVOKED;
    status = store->ops->officer_get(store, &ret_look->device.officer, &officer);
    if (status != STATUS_OK &&
        status != STATUS_NOT_FOUND) /* an unassigned pool device may push; its entries are held */
        return status;
    ret_look->is_operator = status == STATUS_OK && officer.is_operator;
    return store->ops->scopes_of_device(store, &ret_look->device.device, ret_look->members, SESSION_SCOPES_MAX,
                                        &ret_look->member_count);
}

/* With what it has yet to give back. */
static enum status look_for_all(struct store *store, const struct hash *certificate_key_hash,
                                struct session_look *ret_look)
{
    enum status status = look_at(store, certificate_key_hash, ret_look);

    if (status == STATUS_OK)
        status = purge_due(store, &ret_look->device, ret_look->members, ret_look->member_count, &ret_look->purge);
    return status;
}

/* Policies come oldest first; the newest recorded is what the device must hold. */
static enum status newest_policy(struct session_reader *reader, uint32_t *ret_version)
{
    struct span bodies[POLICIES_MAX];
    ProtobufCMessage *unpacked = NULL;
    size_t count;
    enum status status = reader->store->ops->policies(reader->store, bodies, POLICIES_MAX, &count);

    if (status != STATUS_OK || count == 0)
        return status;
    arena_reset(reader->arena, ARENA_FACTOR * bodies[count - 1].size + ARENA_FLOOR);
    status = wire_unpack(reader->arena, &doublecrew__v1__policy__descriptor, bodies[count - 1], &unpacked);
    if (status == STATUS_OK)
        *ret_version = ((const Doublecrew__V1__Policy *)unpacked)->version;
    return status;
}

/* From the checkpoint that the device holds to our head (K1): as far as that epoch's records are still here (E2). */
static enum status prove(struct session_reader *reader, const struct session_request *request,
                         struct session_greeting *greeting)
{
    struct checkpoint held;
    enum status status;

    if (request->checkpoint_size == 0)
        return STATUS_OK;
    status = checkpoint_memory_open(reader->memory, reader->sha, span_of(request->checkpoint, request->checkpoint_size),
                                    &reader->checkpoint_public, reader->checkpoint_verify, &held);
    if (status != STATUS_OK)
        return status;
    if (!id_equal(&held.force, &greeting->head.force))
        return STATUS_OK;
    arena_reset(reader->arena, ARENA_FLOOR);
    status = epochs_look(reader->store, reader->sha, reader->arena, &greeting->head, &held, &greeting->epochs);
    if (status != STATUS_OK)
        return status;
    if (greeting->epochs.place == EPOCH_BEYOND)
        return STATUS_STORE_BEHIND;
    if (held.size == 0 || held.size > greeting->epochs.kept_size)
        return STATUS_OK; /* what was lost can't be proved: the statements say from where on */
    return journal_prove_consistency(reader->store, held.size, greeting->head.pos, greeting->proof,
                                     &greeting->proof_count);
}

/* From a partner's checkpoint to our head. Another epoch's proves nothing here, and isn't wrong. */
static enum status prove_from(struct session_reader *reader, const struct session_witness *witness,
                              const struct store_head *head, struct checkpoint *ret_held,
                              struct hash ret_proof[MERKLE_PROOF_MAX], size_t *ret_count)
{
    enum status status = checkpoint_memory_open(reader->memory, reader->sha, span_of(witness->text, witness->size),
                                                &reader->checkpoint_public, reader->checkpoint_verify, ret_held);

    *ret_count = 0;
    if (status != STATUS_OK)
        return status;
    if (!id_equal(&ret_held->force, &head->force) || !id_equal(&ret_held->epoch, &head->epoch))
        return STATUS_OK;
    if (ret_held->size > head->pos)
        return STATUS_STORE_BEHIND; /* we signed more than this store holds: it was set back (E2) */
    if (ret_held->size == 0)
        return STATUS_OK;
    return journal_prove_consistency(reader->store, ret_held->size, head->pos, ret_proof, ret_count);
}

static bool leads_here(struct session_reader *reader, const struct checkpoint *held, const struct store_head *head,
                       const struct hash *proof, size_t count)
{
    if (!id_equal(&held->force, &head->force) || !id_equal(&held->epoch, &head->epoch) || held->size == 0)
        return true;
    if (held->size == head->pos)
        return hash_equal(&held->root, &head->root);
    return merkle_verify_consistency(reader->sha, held->size, &held->root, head->pos, &head->root, proof, count) ==
           STATUS_OK;
}

/* Partners' checkpoints: the device checks each proof itself; that the server sees it as well is for its own log. */
static enum status prove_witnesses(struct session_reader *reader, const struct session_request *request,
                                   struct session_greeting *greeting)
{
    for (size_t i = 0; i < request->witness_count; i++) {
        struct checkpoint held;
        enum status status = prove_from(reader, &request->witnesses[i], &greeting->head, &held,
                                        greeting->witnesses[i].proof, &greeting->witnesses[i].proof_count);

        greeting->witness_behind = status == STATUS_STORE_BEHIND;
        if (status != STATUS_OK)
            return status;
        greeting->witness_count++;
        if (!leads_here(reader, &held, &greeting->head, greeting->witnesses[i].proof,
                        greeting->witnesses[i].proof_count))
            greeting->witness_differs = true;
    }
    return STATUS_OK;
}

static enum status place_cursor(const struct session_request *request, struct session_greeting *greeting)
{
    if (!id_equal(&request->hello.epoch, &greeting->head.epoch)) {
        memset(&greeting->after, 0, sizeof(greeting->after));
        return STATUS_OK;
    }
    greeting->after = request->after;
    return request->after.pos > greeting->head.pos ? STATUS_STORE : STATUS_OK;
}

enum status session_anchor_sign(struct session_reader *reader, const struct store_head *head,
                                const struct session_hello *hello, char ret_text[CHECKPOINT_TEXT_MAX], size_t *ret_size)
{
    struct checkpoint anchor = {
        .force = head->force,
        .epoch = head->epoch,
        .size = head->pos,
        .root = head->root,
        .time_ms = hello->time_us / 1000,
        .is_anchor = true,
        .log = hello->log,
        .boot = hello->boot,
        .monotonic_ms = hello->monotonic_ms,
    };

    if (hello->clock_trouble)
        return STATUS_OK; /* T5: no anchors; what is pushed is stored all the same */
    enum status status = checkpoint_sign(reader->sha, &anchor, reader->checkpoint_key, ret_text, ret_size);

    if (status == STATUS_OK)
        checkpoint_memory_add(reader->memory, reader->sha, span_of(ret_text, *ret_size));
    return status;
}

static enum status greet(struct session_reader *reader, const struct session_request *request,
                         struct session_greeting *ret_greeting)
{
    enum status status = look_for_all(reader->store, &request->certificate_key_hash, &ret_greeting->look);

    if (status == STATUS_OK && !id_equal(&ret_greeting->look.device.log, &request->hello.log))
        status = STATUS_UNKNOWN_LOG;
    if (status == STATUS_OK)
        status = reader->store->ops->head(reader->store, &ret_greeting->head);
    if (status == STATUS_OK)
        status = newest_policy(reader, &ret_greeting->policy_version);
    if (status == STATUS_OK)
        status = prove(reader, request, ret_greeting);
    if (status == STATUS_OK)
        status = place_cursor(request, ret_greeting);
    if (status == STATUS_OK)
        status = prove_witnesses(reader, request, ret_greeting);
    if (status == STATUS_OK)
        status = session_anchor_sign(reader, &ret_greeting->head, &request->hello, ret_greeting->anchor,
                                     &ret_greeting->anchor_size);
    if (status == STATUS_OK && ret_greeting->look.device.standing == DEVICE_ACTIVE)
        status = session_pending_read(reader->store, ret_greeting);
    return status;
}

static enum status read_page(struct session_reader *reader, const struct hash *certificate_key_hash,
                             const struct feed_cursor *after, const struct store_head *head,
                             struct session_page *ret_page)
{
    struct session_look look;
    enum status status = look_at(reader->store, certificate_key_hash, &look);

    if (status == STATUS_OK && look.device.standing != DEVICE_ACTIVE)
        status = STATUS_DEVICE_SUSPENDED;
    if (status == STATUS_OK)
        status = session_page_read(reader->store, &look, after, head->pos, ret_page);
    return status;
}

static bool same_cursor(const struct feed_cursor *a, const struct feed_cursor *b)
{
    return a->pos == b->pos && span_equal(span_of(a->key, a->key_size), span_of(b->key, b->key_size));
}

/* Every commit moves the head: with the same head the store says the same, who may see what among it. */
static bool was_read_ahead(const struct session_ahead *ahead, const struct session_request *request,
                           const struct store_head *head)
{
    return ahead->ready && hash_equal(&ahead->certificate_key_hash, &request->certificate_key_hash) &&
           same_cursor(&ahead->after, &request->after) && ahead->head.pos == head->pos &&
           hash_equal(&ahead->head.root, &head->root) && id_equal(&ahead->head.epoch, &head->epoch);
}

static void forget_ahead(struct session_ahead *ahead)
{
    if (ahead->ready)
        free(ahead->page.bytes);
    ahead->ready = false;
    ahead->due = false;
}

static void expect_next(struct session_ahead *ahead, const struct session_request *request,
                        const struct store_head *head, const struct session_page *page)
{
    ahead->due = request->more && !page->last;
    ahead->certificate_key_hash = request->certificate_key_hash;
    ahead->after = page->to;
    ahead->head = *head;
}

static enum status page(struct session_reader *reader, const struct session_request *request,
                        struct session_page *ret_page)
{
    struct session_ahead *ahead = &reader->ahead;
    struct store_head head;
    enum status status = reader->store->ops->head(reader->store, &head);

    if (status == STATUS_OK && was_read_ahead(ahead, request, &head)) {
        *ret_page = ahead->page;
        ahead->ready = false; /* its bytes have changed hands */
    } else {
        forget_ahead(ahead);
        if (status == STATUS_OK)
            status = read_page(reader, &request->certificate_key_hash, &request->after, &head, ret_page);
    }
    if (status == STATUS_OK)
        expect_next(ahead, request, &head, ret_page);
    return status;
}

/* A failure is of no interest: whoever asks is told. */
void session_read_ahead(struct session_reader *reader)
{
    struct session_ahead *ahead = &reader->ahead;

    if (!ahead->due || reader->store->ops->begin_read(reader->store) != STATUS_OK)
        return;
    ahead->due = false;
    ahead->ready =
        reader->store->ops->head(reader->store, &ahead->head) == STATUS_OK &&
        read_page(reader, &ahead->certificate_key_hash, &ahead->after, &ahead->head, &ahead->page) == STATUS_OK;
    reader->store->ops->end_read(reader->store);
}

void session_reader_done(struct session_reader *reader)
{
    forget_ahead(&reader->ahead);
}

static enum status purge(struct session_reader *reader, const struct session_request *request,
                         struct session_purge *ret_purge)
{
    struct session_look look;
    enum status status = look_at(reader->store, &request->certificate_key_hash, &look);

    if (status == STATUS_OK)
        status = session_purge_read(reader->store, &look, &request->after, request->purge_pos, ret_purge);
    return status;
}

static enum status seal(struct session_reader *reader, const struct session_request *request,
                        struct session_seal *ret_seal)
{
    struct session_look look;
    enum status status = look_at(reader->store, &request->certificate_key_hash, &look);

    if (status == STATUS_OK)
        status = session_seal_read(reader, &look.device, &request->hello, ret_seal);
    return status;
}

static enum status answer(struct session_reader *reader, const struct session_request *request,
                          struct session_reply *reply)
{
    switch (request->kind) {
    case SESSION_GREET:
        return greet(reader, request, &reply->greeting);
    case SESSION_LOOK:
        return look_for_all(reader->store, &request->certificate_key_hash, &reply->look);
    case SESSION_PAGE:
        return page(reader, request, &reply->page);
    case SESSION_PURGE:
        return purge(reader, request, &reply->purge);
    case SESSION_SEAL:
        return seal(reader, request, &reply->seal);
    case SESSION_FENCE:
        return STATUS_OK;
    }
    return STATUS_INTERNAL;
}

static void free_flags(struct session_greeting *greeting)
{
    for (size_t i = 0; i < greeting->flag_count; i++) {
        free(greeting->flags[i].bytes);
        greeting->flags[i].bytes = NULL;
    }
}

/* The signed checkpoint that says that this store was set back: the device's own, or a partner's that it carries. */
static void keep_shown(const struct session_request *request, struct session_reply *reply)
{
    struct span shown = span_of(request->checkpoint, request->checkpoint_size);

    if (request->kind == SESSION_GREET && reply->greeting.witness_behind) {
        const struct session_witness *witness = &request->witnesses[reply->greeting.witness_count];

        shown = span_of(witness->text, witness->size);
    }
    memcpy(reply->shown, shown.data, shown.size);
    reply->shown_size = shown.size;
}

void session_read(struct session_reader *reader, const struct session_request *request, struct session_reply *ret_reply)
{
    memset(ret_reply, 0, sizeof(*ret_reply));
    ret_reply->kind = request->kind;
    ret_reply->status = reader->store->ops->begin_read(reader->store);
    if (ret_reply->status != STATUS_OK)
        return;
    ret_reply->status = answer(reader, request, ret_reply);
    if (ret_reply->status != STATUS_OK && request->kind == SESSION_GREET)
        free_flags(&ret_reply->greeting);
    if (ret_reply->status == STATUS_STORE_BEHIND)
        keep_shown(request, ret_reply);
    reader->store->ops->end_read(reader->store);
}

void session_reply_done(struct session_reply *reply)
{
    if (reply->status != STATUS_OK)
        return;
    if (reply->kind == SESSION_GREET)
        free_flags(&reply->greeting);
    if (reply->kind == SESSION_PURGE) {
        free(reply->purge.bytes);
        reply->purge.bytes = NULL;
    }
    if (reply->kind == SESSION_PAGE) {
        free(reply->page.bytes);
        reply->page.bytes = NULL;
    }
}
