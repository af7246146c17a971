/* The device's inside, shared by the files of the library; one thread owns it (doublecrew.h). */
#ifndef DOUBLECREW_DEVICE_DEVICE_H
#define DOUBLECREW_DEVICE_DEVICE_H

#include "core/push.h"
#include "device/age.h"
#include "device/doublecrew.h"
#include "device/link.h"
#include "device/public_status.h"
#include "device/rows_digest.h"
#include "device/seal.h"
#include "device/store.h"
#include "device/sync_step.h"
#include "device/texts.h"

#define DEVICE_SIGNATURES_MAX 32 /* waiting for the signer at once */
#define DEVICE_EVENTS_MAX 16     /* one of each type waits while a step is carried out */

struct device_signature;
typedef void (*device_on_signature)(struct dc_device *device, void *data, enum status status,
                                    const struct signature *signature);

/* A statement that waits for the signer. */
struct device_signature {
    uint64_t request; /* 0: free */
    device_on_signature on_signature;
    void *data;
};

/* A co-signing code that this phone showed (C1). */
struct device_shown {
    bool set;
    struct hash presence;
    struct id offender;
    struct id nonce;
    struct id boot;
    uint64_t monotonic_ms;
};

/* A purge whose messages have not all come. */
struct device_purging {
    uint8_t id[8];
    uint32_t keys;
    uint32_t deleted;
};

/* The log's head: what the next entry follows. */
struct device_head {
    uint64_t seq;
    struct hash hash;
    struct id boot;
    uint64_t monotonic_ms;
};

struct dc_device {
    struct dc_loop *loop; /* borrowed; NULL: offline */
    const struct link_ops *link_ops;
    void *link;

    struct store_identity identity;
    struct id officer;
    struct dc_clock clock;
    void *random_context;
    bool (*random)(void *context, uint8_t *ret_bytes, size_t size);
    void *event_context;
    void (*on_event)(void *context, struct dc_device *device, const struct dc_event *event);
    struct dc_signer signer;
    struct sign_key *signing_key; /* the default signer's; NULL otherwise */
    struct public_key public_key; /* of this device's log */
    char app_version[64];
    uint32_t retention_hours;
    uint32_t warn_hours;
    uint32_t seal_hours;

    struct seal *seal;
    struct store *store;
    struct sha256 *sha;
    struct arena *arena;
    struct anchor_verifier verifier;

    struct device_head head;
    bool has_anchor;
    struct hash anchor; /* the newest: the next entry names it */
    uint64_t anchor_received_ms;
    int64_t anchor_time_ms; /* T of it; 0: none */
    int64_t last_online_ms;
    bool was_online;
    struct age age;
    struct dc_guard guard; /* NULL functions: none */
    bool guard_failed;
    bool log_lost; /* the store is behind the guard (F3) */
    uint64_t known_seq;
    int64_t forget_due_ms; /* server's time at which the next body goes; 0: none */
    enum dc_records records_told;
    /* Own entries up to reflected_seq are in the server's rows held here; those up to ack_seq will be at cursor ack_pos. */
    uint64_t reflected_seq;
    uint64_t ack_seq;
    uint64_t ack_pos;

    struct rows_digest rows;
    struct device_purging purging;

    struct sync sync;
    struct sync_event events[DEVICE_EVENTS_MAX];
    size_t event_count;
    bool driving;
    bool closing;

    struct device_signature signatures[DEVICE_SIGNATURES_MAX];
    uint64_t last_request;
    uint64_t push_request; /* the push being signed; others' signatures are stale */
    struct device_shown shown;
    struct device_texts texts;
};

/* This boot and its monotonic time, which never goes back within it (T2). */
uint64_t device_monotonic(struct dc_device *device, struct id *ret_boot);
/* Now, by the device's clocks, with chance for a back-off. */
struct sync_now device_now(struct dc_device *device);
bool device_random(struct dc_device *device, void *ret_bytes, size_t size);
void device_emit(struct dc_device *device, const struct dc_event *event);
struct dc_event device_event(enum dc_event_type type);

/* Carries out a step, and those that follow from it; within one it is queued. */
void device_drive(struct dc_device *device, const struct sync_event *event);

/*
 * Facts: begin, append once or more, end. End commits (status OK) or undoes everything, and tells the sync.
 * append makes header, salt and hash; message is the packed protobuf.
 */
MUST_USE enum status device_begin(struct dc_device *device, struct device_head *ret_before);
MUST_USE enum status device_append(struct dc_device *device, uint16_t kind, struct span message,
                                   struct hash *ret_entry);
MUST_USE enum status device_end(struct dc_device *device, const struct device_head *before, enum status status);
/* One message as one fact. */
MUST_USE enum status device_append_message(struct dc_device *device, uint16_t kind, const ProtobufCMessage *message,
                                           struct hash *ret_entry);

/* Starts a signature over at most 256 bytes; answered once, maybe before it returns. BUSY: too many wait. */
MUST_USE enum status device_sign(struct dc_device *device, struct span statement, device_on_signature on_signature,
                                 void *data, uint64_t *ret_request);
/* Answers all that wait with CANCELLED. */
void device_cancel_signatures(struct dc_device *device);

/* A range of the log, ready to be signed and packed. */
struct device_batch {
    struct store_entry *stored;
    struct entry *entries;
    size_t count;
    struct store_anchor *anchors;
    size_t anchor_count;
    bool full_anchors;
};

/* At most count entries from from_seq on, as many as fit one message. LOG_GAP: a body is no longer kept. */
MUST_USE enum status device_batch_read(struct dc_device *device, uint64_t from_seq, size_t count, bool full_anchors,
                                       struct device_batch *ret_batch);
void device_batch_done(struct device_batch *batch);
/* The last entry's head statement. */
void device_batch_statement(const struct device_batch *batch, uint8_t ret_statement[HEAD_STATEMENT_SIZE]);
/* A Push message that the caller frees. */
MUST_USE enum status device_batch_pack(const struct device_batch *batch, const struct signature *signature,
                                       uint64_t session_received_ms, uint8_t **ret_push, size_t *ret_size);

/* Carries out what the sync step asked for (sync_push.c, sync_page.c). */
void device_start_push(struct dc_device *device, uint64_t from_seq, size_t count);
MUST_USE enum status device_apply_page(struct dc_device *device, const struct sync_action *action);
MUST_USE enum status device_store_flag(struct dc_device *device, const Doublecrew__V1__Flag *flag);
/* A row of the server's goes; in the caller's transaction. */
MUST_USE enum status device_delete_row(struct dc_device *device, struct span key);
MUST_USE enum status device_purge(struct dc_device *device, const Doublecrew__V1__Purge *purge);
/* How far the server and its rows are with this log. */
MUST_USE enum status device_save_durable(struct dc_device *device, uint64_t durable_seq);
MUST_USE enum status device_load_feed(struct dc_device *device);
/* The last checkpoint as it is stored: what the next Hello shows. */
MUST_USE enum status device_load_checkpoint(struct dc_device *device);
/* In a transaction of its own. */
MUST_USE enum status device_save_feed(struct dc_device *device);
MUST_USE enum status device_send(struct dc_device *device, const Doublecrew__V1__ClientMessage *message);

#endif
