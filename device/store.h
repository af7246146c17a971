/*
 * The device's own store: one SQLite file, bodies sealed (seal.h) under the place where they stand. In the clear are only
 * places: seq, hashes, random ids, names of fields, positions.
 *
 * One connection, one thread, one process (exclusive lock: two writers would fork the log, F2). synchronous=FULL: what a
 * transaction committed survives a power cut. Entries that aren't acknowledged are never deleted.
 * Functions that write need a transaction (store_begin). Errors everywhere: NO_MEMORY, DISK_FULL, IO, STORE, STORE_BUSY,
 * STORAGE_KEY (a body that doesn't open).
 */
#ifndef DOUBLECREW_DEVICE_STORE_H
#define DOUBLECREW_DEVICE_STORE_H

#include "core/checkpoint.h"
#include "core/entry.h"
#include "device/seal.h"

struct store;

struct store_identity {
    struct id force;
    struct id device;
    struct id log;
};

/* Opens or makes it. STORAGE_KEY, STORE (the file is another log's, or not ours), STORE_VERSION. */
MUST_USE enum status store_open(const char *path, struct seal *seal, const struct store_identity *identity,
                                struct store **ret_store);
void store_close(struct store *store);

MUST_USE enum status store_begin(struct store *store);
MUST_USE enum status store_commit(struct store *store);
/* Undoes everything since store_begin; harmless without one. */
void store_rollback(struct store *store);

/* ---- State: small values by name ---- */

#define STORE_STATE_SIZE_MAX 1024

/* NOT_FOUND. ret_value holds STORE_STATE_SIZE_MAX bytes. */
MUST_USE enum status store_state_get(struct store *store, const char *name, uint8_t *ret_value, size_t *ret_size);
MUST_USE enum status store_state_put(struct store *store, const char *name, struct span value);

/* ---- The log ---- */

struct store_entry {
    struct entry entry; /* payload lies in bytes */
    uint8_t *bytes;
};

void store_entry_done(struct store_entry *entry);

/* The newest entry's header and hash. NOT_FOUND: the log is empty. */
MUST_USE enum status store_head(struct store *store, uint64_t *ret_seq, struct hash *ret_hash);
/* The entry must follow the head. */
MUST_USE enum status store_append(struct store *store, const struct entry *entry);
/* NOT_FOUND: never there, or its body is no longer kept. */
MUST_USE enum status store_read_entry(struct store *store, uint64_t seq, struct store_entry *ret_entry);
/* The first entry from from_seq on whose body is kept. NOT_FOUND: none. */
MUST_USE enum status store_first_kept(struct store *store, uint64_t from_seq, uint64_t *ret_seq);
/* Kept for ever, also when the body is gone. NOT_FOUND. */
MUST_USE enum status store_entry_hash(struct store *store, uint64_t seq, struct hash *ret_hash);
MUST_USE enum status store_find_entry(struct store *store, const struct hash *hash, uint64_t *ret_seq);

/* Returns false to stop. */
typedef bool (*store_on_entry)(void *context, const struct entry *entry);
/* Entries whose bodies are kept, by rising seq. */
MUST_USE enum status store_each_entry(struct store *store, uint64_t from_seq, store_on_entry on_entry, void *context);
/*
 * Marks entries up to seq as acknowledged at now_ms (0: when isn't known), and the anchors that they name as known to the
 * server.
 */
MUST_USE enum status store_acknowledge(struct store *store, uint64_t from_seq, uint64_t to_seq, int64_t now_ms);
/* The server holds no more than up to seq: what came later waits again, and no anchor counts as known to the server (E2). */
MUST_USE enum status store_unacknowledge(struct store *store, uint64_t to_seq);
/* Entries acknowledged at an unknown time: now_ms isn't before it. */
MUST_USE enum status store_date_acknowledged(struct store *store, int64_t now_ms);
/* Drops the bodies of entries acknowledged before, with what is known of their being held. */
MUST_USE enum status store_forget(struct store *store, int64_t before_ms);
/* The earliest acknowledgement of a body that is kept. NOT_FOUND: none at a known time. */
MUST_USE enum status store_oldest_acknowledged(struct store *store, int64_t *ret_ms);

/* The server keeps the entry, but it counts for nothing until somebody decides. */
MUST_USE enum status store_hold(struct store *store, uint64_t seq, const char *reason);
typedef bool (*store_on_held)(void *context, uint64_t seq, const char *reason);
MUST_USE enum status store_each_held(struct store *store, store_on_held on_held, void *context);

/* ---- Anchors ---- */

struct store_anchor {
    struct hash hash;
    char text[CHECKPOINT_TEXT_MAX];
    size_t size;
    uint64_t received_ms; /* m_r */
    bool acknowledged;    /* an acknowledged entry names it: the server knows the text */
};

MUST_USE enum status store_put_anchor(struct store *store, const struct store_anchor *anchor);
MUST_USE enum status store_get_anchor(struct store *store, const struct hash *hash, struct store_anchor *ret_anchor);

/*
 * Drops anchors that nobody needs any more. Kept are those that an entry with a body names, for each such entry the first
 * that came after it (it bounds the entry from above, T1), and the newest.
 */
#define STORE_ANCHORS_NEWEST 8
MUST_USE enum status store_prune_anchors(struct store *store);

typedef bool (*store_on_anchor)(void *context, const struct store_anchor *anchor);
MUST_USE enum status store_each_anchor(struct store *store, store_on_anchor on_anchor, void *context);

/* ---- Rows of the server ---- */

#define STORE_KEY_SIZE_MAX 160

struct store_row {
    struct span key;
    uint64_t pos;
    uint64_t generation; /* of the resync that brought it */
    struct span bytes;   /* a packed Row */
};

MUST_USE enum status store_put_row(struct store *store, const struct store_row *row);
/* pos and generation only. NOT_FOUND. */
MUST_USE enum status store_row_place(struct store *store, struct span key, uint64_t *ret_pos, uint64_t *ret_generation);
/* OK also when it wasn't there. */
MUST_USE enum status store_delete_row(struct store *store, struct span key);
/* Deletes rows of earlier generations. */
MUST_USE enum status store_sweep_rows(struct store *store, uint64_t generation, uint64_t *ret_count);

typedef bool (*store_on_row)(void *context, const struct store_row *row);
/* Rows whose key begins with prefix, in order of keys. */
MUST_USE enum status store_each_row(struct store *store, struct span prefix, store_on_row on_row, void *context);

/* All rows; one that doesn't open is left out, with what else was wrong with the file (P2 finds what is missing). */
MUST_USE enum status store_each_readable_row(struct store *store, store_on_row on_row, void *context);
/* The packed Row, which the caller frees. NOT_FOUND. */
MUST_USE enum status store_read_row(struct store *store, struct span key, uint8_t **ret_bytes, size_t *ret_size);

#endif
