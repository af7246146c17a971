/*
 * The device's sync as a step: an event and the clocks in, actions out (DESIGN.md section 8). Pure: no socket, no file, no
 * clock, no chance. sync.c carries the actions out, and reports what came of them as further events.
 *
 *   closed -> connecting -> hello sent -> online
 *     ^            |            |            |
 *     |            +------------+------------+--> backing off -> connecting
 *     +-- stop, or an error whose remedy is a person's
 *
 * Every wait has a limit (P7), and a name that people are told: enum sync_wait.
 */
#ifndef DOUBLECREW_DEVICE_SYNC_STEP_H
#define DOUBLECREW_DEVICE_SYNC_STEP_H

#include "core/limits.h"
#include "device/anchor_step.h"
#include "doublecrew/v1/sync.pb-c.h"

#define SYNC_PROTOCOL 1
#define SYNC_KEY_SIZE_MAX 160
/* Partners' checkpoints that wait to be shown to the server (K1). */
#define SYNC_WITNESSES_MAX 4
/* Pushes again from durable_seq that one session tries without an Ack between them, before it backs off. */
#define SYNC_RESENDS_MAX 3
/* Pushes sent and unanswered: credit counts entries, and so many whole messages must fit the link's queue. */
#define SYNC_PUSHES_MAX 6
/* A repair that didn't help is tried again after this, doubled each time up to the longest: the fault isn't ours. */
#define SYNC_REPAIR_FIRST_MS (UINT64_C(3600) * 1000)
#define SYNC_REPAIR_LONGEST_MS (24 * SYNC_REPAIR_FIRST_MS)
#define SYNC_NEVER UINT64_MAX
#define SYNC_ACTIONS_MAX 8
/* A server's word to wait longer than this is not followed further: nobody should need to restart the app (P7). */
#define SYNC_TOLD_WAIT_MAX_MS (3600u * 1000)

enum sync_phase { SYNC_CLOSED, SYNC_CONNECTING, SYNC_HELLO_SENT, SYNC_ONLINE, SYNC_BACKING_OFF };

/* What is waited for (P7). Each has a limit; when it runs out the session ends and the next try is set. */
enum sync_wait {
    SYNC_WAIT_NOTHING,
    SYNC_WAIT_CONNECTION, /* connect_limit_ms */
    SYNC_WAIT_WELCOME,    /* answer_limit_ms, as all that follow but RETRY */
    SYNC_WAIT_SIGNATURE,  /* the key store's, over a push */
    SYNC_WAIT_ACK,        /* of the oldest push */
    SYNC_WAIT_CREDIT,     /* the server allows nothing, and nothing is under way that could change it */
    SYNC_WAIT_PAGE,       /* the next page until the feed is complete */
    SYNC_WAIT_RETRY       /* the back-off, or what the server said */
};

/* What only a person can mend: nothing is pushed until then. */
enum sync_stop { SYNC_STOP_NONE, SYNC_STOP_FORK, SYNC_STOP_ENROL, SYNC_STOP_UPDATE, SYNC_STOP_REFUSED, SYNC_STOP_LOST };

struct sync_config {
    struct id log;
    uint32_t page_credit;
    uint32_t connect_limit_ms;
    uint32_t answer_limit_ms;
    uint32_t retry_first_ms;
    uint32_t retry_longest_ms;
    uint32_t seal_delay_ms;
    bool seal_never;
};

/* Where the copy of the server's rows stands; durable. */
struct sync_feed {
    struct id epoch;
    uint64_t cursor;
    uint8_t key[SYNC_KEY_SIZE_MAX];
    size_t key_size;
    uint64_t generation; /* rows of an earlier one are swept when a resync is complete */
    bool resync;         /* a resync is under way */
    uint32_t repairs;    /* resyncs since the digest differed; ever */
    uint8_t unproved;    /* those since the digest last agreed */
};

struct sync {
    struct sync_config config;
    const struct anchor_verifier *verifier; /* owned by the caller */

    enum sync_phase phase;
    enum status reason; /* why it isn't online, or why nothing moves; OK: nothing is wrong */
    bool wanted;
    uint32_t failures;                      /* in a row */
    bool push_refused;                      /* the server's last word to a push was to come back later: until an Ack */
    Doublecrew__V1__ErrorCode failing_code; /* the server's word at the last of them; unspecified: none came */

    uint64_t head_seq; /* of the own log */
    uint64_t durable_seq;
    struct hash durable_hash;
    uint64_t sent_seq;    /* pushed in this session up to here */
    bool building;        /* a push waits for its signature */
    uint32_t outstanding; /* pushes sent and not answered: the server answers each in turn */
    bool resend;          /* once all are answered, push again from durable_seq */
    uint32_t credit;      /* entries that may be unacknowledged */
    uint32_t resends;
    bool push_deflate;      /* this session's server takes pushes deflated */
    bool full_anchors;      /* the server asked for texts */
    bool push_stopped;      /* a fork, or the server's word: nothing is pushed in this session */
    enum sync_stop stop;    /* which; known until the next Welcome */
    enum sync_wait ran_out; /* with reason TIMEOUT: whose limit it was */

    struct id hello_boot;
    uint64_t hello_monotonic_ms;  /* m_h */
    uint64_t welcome_received_ms; /* m_r */
    uint64_t head_pos;
    uint32_t policy_version;
    bool training;

    struct sync_feed feed;
    bool feed_complete;

    /* This session, for people who watch it. */
    uint64_t session_from_seq; /* durable when it began */
    uint32_t session_pages;
    uint64_t session_rows;

    bool has_checkpoint; /* the last one that was verified, with its proof */
    struct checkpoint checkpoint;
    struct checkpoint shown[SYNC_WITNESSES_MAX]; /* in this session's Hello, in its order */
    size_t shown_count;

    uint64_t phase_until_ms; /* timer clock; SYNC_NEVER */
    uint64_t ack_until_ms;
    uint64_t page_until_ms;
    uint64_t seal_at_ms;
    uint64_t repair_at_ms; /* no repair before; 0: not set since opening */
};

/* The clocks at an event. */
struct sync_now {
    uint64_t timer_ms;     /* for waits */
    uint64_t monotonic_ms; /* for anchors */
    struct id boot;
    uint32_t random; /* for jitter */
};

enum sync_event_type {
    SYNC_EVENT_START,
    SYNC_EVENT_STOP,
    SYNC_EVENT_RETRY_NOW,
    SYNC_EVENT_CONNECTED,
    SYNC_EVENT_DISCONNECTED, /* status */
    SYNC_EVENT_MESSAGE,      /* message, own_hash */
    SYNC_EVENT_APPENDED,     /* seq: the own log's head */
    SYNC_EVENT_PUSHED,       /* seq: the last one sent */
    SYNC_EVENT_ROWS_CHECKED, /* same: the digest over the rows here against the server's */
    SYNC_EVENT_FAILED,       /* status: an action could not be carried out */
    SYNC_EVENT_TICK
};

struct sync_event {
    enum sync_event_type type;
    struct sync_now now;
    enum status status;
    uint64_t seq;
    const Doublecrew__V1__ServerMessage *message;
    struct span raw; /* the message's bytes */
    bool same;
    bool own_hash_known; /* the own log's hash at the durable_seq that message states */
    struct hash own_hash;
};

enum sync_action_type {
    SYNC_ACTION_CONNECT,
    SYNC_ACTION_DISCONNECT,
    SYNC_ACTION_SEND_HELLO,
    SYNC_ACTION_STORE_ANCHOR, /* text; proved: it is the last checkpoint from now on */
    SYNC_ACTION_PUSH,         /* from_seq, count; answered by PUSHED or FAILED */
    SYNC_ACTION_ACKNOWLEDGED, /* from_seq to to_seq, pos, held */
    SYNC_ACTION_BEHIND,       /* to_seq: the server holds less than it acknowledged (E2) */
    SYNC_ACTION_APPLY_PAGE,   /* delta: with the feed's new place, in one transaction; then send Applied */
    SYNC_ACTION_SAVE_FEED,    /* the feed's place, without a page */
    SYNC_ACTION_STORE_FLAG,   /* flag: then send FlagReceived */
    SYNC_ACTION_PURGE,        /* purge: its receipt is an entry */
    SYNC_ACTION_PROMPT,       /* tell the app that a seal was asked for */
    SYNC_ACTION_SEAL,         /* append a seal entry */
    SYNC_ACTION_STEPPED,      /* stepped */
    SYNC_ACTION_REPORT_STATE, /* phase or reason changed */
    SYNC_ACTION_REPORT_ERROR  /* status, error (may be NULL) */
};

struct sync_action {
    enum sync_action_type type;
    enum status status;
    struct span text;
    struct span raw; /* with a page: the ServerMessage's bytes, for rows are kept as they came */
    bool proved;
    bool sweep; /* with the page: a resync is complete, rows of earlier generations go */
    uint64_t from_seq;
    uint64_t to_seq;
    uint64_t pos;
    size_t count;
    const Doublecrew__V1__Ack *ack;
    const Doublecrew__V1__Delta *delta;
    const Doublecrew__V1__Flag *flag;
    const Doublecrew__V1__Purge *purge;
    const Doublecrew__V1__TrainingStepped *stepped;
    const Doublecrew__V1__Error *error;
};

struct sync_actions {
    struct sync_action items[SYNC_ACTIONS_MAX];
    size_t count;
};

/* head_seq, durable, feed and checkpoint may be set afterwards from what was stored. */
void sync_init(struct sync *sync, const struct sync_config *config, const struct anchor_verifier *verifier);
/* ret_actions is overwritten; spans and messages in it are borrowed from the event. */
void sync_step(struct sync *sync, const struct sync_event *event, struct sync_actions *ret_actions);
/* When the next TICK is due, on the timer clock. */
uint64_t sync_next_tick_ms(const struct sync *sync);
/* What the own log's next entry waits for now; NOTHING: nothing is pending, or only a person can help. */
enum sync_wait sync_push_waits_for(const struct sync *sync);

#endif
