/*
 * What sessions ask of the store: greet, look, page. Pure functions of a read snapshot, run on the reader's thread; the
 * answers go back to the session as plain data. Need-to-know is enforced here, in the same snapshot as the read (P4, D1).
 */
#ifndef DOUBLECREW_SERVER_LOGIC_SESSION_READ_H
#define DOUBLECREW_SERVER_LOGIC_SESSION_READ_H

#include "core/checkpoint_memory.h"
#include "core/limits.h"
#include "core/merkle.h"
#include "server/logic/epochs.h"
#include "server/logic/purge.h"
#include "server/logic/store.h"

/* all that the store gives: those that the device left come too */
#define SESSION_SCOPES_MAX STORE_SCOPES_MAX
/* A page ends before it exceeds this many bytes of rows; a single larger row still makes a page. */
#define SESSION_PAGE_SIZE_MAX (128u * 1024u)

/* Flags told at Hello ahead of any page; the rest of them come with the pages. */
#define SESSION_PENDING_FLAGS_MAX 16

enum session_request_kind {
    SESSION_GREET, /* who is it, how far is its log, and a signed anchor for it */
    SESSION_LOOK,  /* standing and scopes again, since the roster changed */
    SESSION_PAGE,  /* rows after the cursor */
    SESSION_PURGE, /* what left the device's scopes, from a cursor to a pos */
    SESSION_SEAL,  /* does a visit wait for this device's log (W1)? */
    SESSION_FENCE  /* nothing: answered when all that was asked before it is */
};

/* The parts of Hello that the answer depends on. */
struct session_hello {
    struct id log;
    struct id boot;
    uint64_t monotonic_ms;
    struct id epoch; /* zero: none yet */
    int64_t time_us; /* the server's clock at this Hello; meaningless with clock trouble */
    bool clock_trouble;
};

/* Checkpoints that partners held, shown with Hello (K1). */
#define SESSION_WITNESSES_MAX 4
struct session_witness {
    uint8_t text[CHECKPOINT_TEXT_MAX];
    size_t size;
};

struct session_request {
    enum session_request_kind kind;
    struct hash certificate_key_hash;
    struct feed_cursor after;                                /* GREET: Hello's; PAGE; PURGE */
    bool more;                                               /* PAGE: one may follow it at once */
    uint64_t purge_pos;                                      /* PURGE: up to there */
    struct session_hello hello;                              /* GREET; SEAL, with the time of asking */
    uint8_t checkpoint[CHECKPOINT_TEXT_MAX];                 /* GREET: the last that the device saw */
    size_t checkpoint_size;                                  /* 0: it holds none */
    struct session_witness witnesses[SESSION_WITNESSES_MAX]; /* GREET */
    size_t witness_count;
};

struct session_look {
    struct device_row device;
    bool is_operator;
    struct scope_member members[SESSION_SCOPES_MAX];
    size_t member_count;
    struct purge_due purge; /* in the answers to GREET and LOOK */
};

/* A flag that is raised and not acknowledged: told again in every session until it is (A1). */
struct session_pending_flag {
    struct hash flag;
    uint8_t *bytes; /* a packed ServerMessage with one Flag */
    size_t size;
};

struct session_greeting {
    struct session_look look;
    struct store_head head;
    uint32_t policy_version;
    struct feed_cursor after; /* Hello's, or the beginning for another epoch */
    char anchor[CHECKPOINT_TEXT_MAX];
    size_t anchor_size; /* 0: clock trouble */
    struct hash proof[MERKLE_PROOF_MAX];
    size_t proof_count;
    struct epoch_look epochs;
    struct {
        struct hash proof[MERKLE_PROOF_MAX];
        size_t proof_count;
    } witnesses[SESSION_WITNESSES_MAX];
    size_t witness_count; /* proved; the next one, if there is one, is why the answer is STORE_BEHIND */
    bool witness_behind;
    bool
        witness_differs; /* a checkpoint that this server signed doesn't lead to this journal: two histories were shown */
    struct session_pending_flag
        flags[SESSION_PENDING_FLAGS_MAX]; /* the session takes bytes over by setting it to NULL */
    size_t flag_count;
};

/* A packed ServerMessage with one Delta. */
struct session_page {
    uint8_t *bytes;
    size_t size;
    size_t row_count;
    struct feed_cursor to;
    bool last;
};

/* A packed ServerMessage with one Purge. */
struct session_purge {
    uint8_t *bytes; /* NULL: this stretch of the feed has no key, and there is more */
    size_t size;
    struct feed_cursor to;
    bool more;
};

/* What a seal is wanted for; times on the server's axis. */
struct session_seal {
    char anchor[CHECKPOINT_TEXT_MAX]; /* time of asking, bound to the session's Hello */
    size_t anchor_size;               /* 0: no visit waits for this log */
    int64_t to_us;                    /* the latest instant of the visits that wait, when one does */
    int64_t next_us;                  /* when a visit that waits will be over; RULE_FOREVER: none is known */
    int64_t silence_us;               /* policy: how long an online phone may be silent before it is asked again */
};

struct session_reply {
    enum session_request_kind kind;
    enum status status;                 /* not OK: the union is empty */
    uint8_t shown[CHECKPOINT_TEXT_MAX]; /* STORE_BEHIND: the signed checkpoint that says so, for batch_show */
    size_t shown_size;
    union {
        struct session_greeting greeting;
        struct session_look look;
        struct session_seal seal;
        struct session_purge purge; /* likewise */
        struct session_page page;   /* the session takes bytes over by setting it to NULL */
    };
};

/* The reader's tools; one thread's. */
/* The page that will be asked for next, read while the one before it was sent; one for all sessions. */
struct session_ahead {
    bool due;   /* it may be read: the last answer was a page, and more may follow it */
    bool ready; /* it was read, as the store was at head */
    struct hash certificate_key_hash;
    struct feed_cursor after;
    struct store_head head;
    struct session_page page; /* ready: ours until it is handed over */
};

/* Zeroed but for what it borrows; session_reader_done() when nobody reads any more. */
struct session_reader {
    struct session_ahead ahead;
    struct store *store;
    struct sha256 *sha;
    struct arena *arena;
    const struct sign_key *checkpoint_key;
    struct public_key checkpoint_public;
    struct verify_key *checkpoint_verify;
    struct checkpoint_memory *memory; /* of that key's; NULL: every text is verified each time */
};

/*
 * Answers one request in one snapshot. reply.status: UNKNOWN_DEVICE, DEVICE_REVOKED, UNKNOWN_LOG, DEVICE_SUSPENDED (a
 * page for a device that may only push), STORE_BEHIND (the peer shows a checkpoint of ours beyond our head: the writer must
 * stop, E2), STORE (a cursor beyond it, which nobody signed: this session alone), BAD_SIGNATURE (its checkpoint isn't ours),
 * and the store's own.
 */
void session_read(struct session_reader *reader, const struct session_request *request,
                  struct session_reply *ret_reply);
/*
 * After an answer, with nothing else to do: reads the page that will most likely be asked for next. It is handed over only as
 * long as no commit has come since, so whoever gets it sees nothing but what a fresh look would show (P4).
 */
void session_read_ahead(struct session_reader *reader);
void session_reader_done(struct session_reader *reader);
/* Frees what a reply still owns. */
void session_reply_done(struct session_reply *reply);

#endif
