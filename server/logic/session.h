/*
 * One device's session as a pure step: an event and the time in, what to do out (DESIGN.md section 8, STYLE.md 1, 4, 5).
 *
 * A session touches no socket, store, clock or chance. Its owner (the loop thread) feeds it events and carries out the
 * actions in order: bytes to send in one of two lanes, a push to verify and submit, one question for the reader, a close.
 * The legal moves between states are a table in session.c; the invariant is checked after every step.
 *
 *   NEW --Hello--> GREETING --greeted--> LIVE        any --error that closes--> CLOSING
 *
 * Each client message has its file: session_hello.c, session_push.c, session_applied.c, session_flag.c, session_training.c.
 * session_seal.c asks the device for a seal when a visit waits for its log (W1).
 */
#ifndef DOUBLECREW_SERVER_LOGIC_SESSION_H
#define DOUBLECREW_SERVER_LOGIC_SESSION_H

#include "core/wire.h"
#include "server/logic/batch.h"
#include "server/logic/contact.h"
#include "server/logic/session_read.h"

#define SESSION_PROTOCOL 1u
/* Pages ahead of Applied, whatever a client asks for: bounds what a session has in flight (P6). */
#define SESSION_PAGES_MAX 16
/* Errors that keep the connection, before one closes it: a peer that is only ever wrong is let go. */
#define SESSION_STRIKES_MAX 16
/* Flags that wait while the session's scopes are read again; beyond this the feed's rows carry them (A1). */
#define SESSION_FLAGS_HELD_MAX 16
/* Flags whose receipt is timed. */
#define SESSION_FLAGS_TIMED_MAX 32
#define SESSION_ACTIONS_MAX (SESSION_FLAGS_HELD_MAX + 4)

/* The same for all sessions of a server; outlives them. */
struct session_setup {
    uint32_t credit_entries;  /* that may be unacknowledged at once */
    uint32_t keep_alive_s;    /* told to clients */
    int64_t hello_timeout_us; /* from connecting to Hello */
    int64_t
        answer_timeout_us; /* for each answer of this server's own threads (P7); 0: no limit, nobody waits in a test */
    bool training;
    bool push_deflate;   /* DeflatedPush is taken, and Welcome says so */
    struct arena *arena; /* of the loop thread, for one message at a time */
};

struct session_now {
    int64_t server_us;  /* the server's time: in training mode the simulator's */
    int64_t real_us;    /* monotonic, for waits and latencies */
    bool clock_trouble; /* T5: no anchors */
};

enum session_event_kind {
    SESSION_ON_MESSAGE,   /* one whole binary message */
    SESSION_ON_BAD_FRAME, /* what came is no message: status says why; closes */
    SESSION_ON_REPLY,     /* the reader's answer to a SESSION_READ */
    SESSION_ON_PUSHED,    /* result of the oldest push under way, after the commit */
    SESSION_ON_COMMIT,    /* the journal grew */
    SESSION_ON_FLAG,
    SESSION_ON_STEPPED, /* training: the writer's clock was set */
    SESSION_ON_BACKLOG, /* the bulk lane filled or emptied */
    SESSION_ON_TICK,
    SESSION_ON_REFUSED /* the owner ends it: BUSY, SLOW_READER, STOPPING; closes */
};

struct session_event {
    enum session_event_kind kind;
    enum status status; /* BAD_FRAME, REFUSED, STEPPED */
    union {
        struct span message; /* borrowed */
        const struct session_reply *reply;
        struct {
            uint32_t entry_count;
            const struct batch_result *result;
        } pushed;
        struct {
            uint64_t head_pos;
            bool roster_changed;
            const struct batch_named *named; /* borrowed; NULL: nobody */
        } commit;
        struct {
            const struct batch_flag *flag;
            int64_t committed_real_us;
        } flag;
        struct {
            int64_t now_us;
            uint64_t head_pos;
        } stepped;
        uint32_t retry_after_ms; /* REFUSED: the owner's choice; 0: the session's */
        bool backlog;            /* bulk bytes wait in the connection */
    };
};

enum session_lane { SESSION_URGENT, SESSION_BULK };

enum session_action_kind {
    SESSION_SEND,
    SESSION_SUBMIT, /* verify this push, then batch it */
    SESSION_READ,   /* ask the reader: update.request */
    SESSION_STEP,   /* training: set the writer's clock */
    SESSION_CLOSE,  /* after what is in the urgent lane has left; bulk is dropped */
    SESSION_REPORT  /* for the log: an error told to the peer, or a flag received */
};

struct session_action {
    enum session_action_kind kind;
    union {
        struct {
            enum session_lane lane;
            uint8_t *bytes; /* the owner frees them */
            size_t size;
        } send;
        struct {
            struct span raw;        /* the Push message, or it deflated; borrowed from the event's message */
            uint32_t inflated_size; /* 0: as it is */
            enum status status;     /* what is wrong with it already: to be answered in its turn */
            uint32_t entry_count;
            struct public_key key;
            struct batch_delivery delivery;
        } submit;
        int64_t step_us;
        struct {
            enum status status;
            uint16_t code; /* WebSocket close code */
        } close;
        struct {
            enum status status; /* OK: a flag was received */
            struct hash flag;
            uint64_t pos;
            int64_t latency_us; /* real time from the commit; -1: not timed */
        } report;
    };
};

struct session_update {
    struct session_action actions[SESSION_ACTIONS_MAX];
    size_t count;
    struct session_request request; /* of the one SESSION_READ among them */
};

enum session_state { SESSION_NEW, SESSION_GREETING, SESSION_LIVE, SESSION_CLOSING, SESSION_STATE_COUNT };

struct session;

/* jitter_seed spreads the times of retry over the clients (P6). */
MUST_USE enum status session_new(const struct session_setup *setup, const struct hash *certificate_key_hash,
                                 uint64_t jitter_seed, const struct session_now *now, struct session **ret_session);
void session_free(struct session *session);
/* Before Hello: the certificate is past its date, so the device is at most EXPIRED: push only (D1). */
void session_set_certificate_expired(struct session *session);
/* Its first message is read from now on: it hasn't been waited for until now. */
void session_let_in(struct session *session, const struct session_now *now);
/* Never fails: what goes wrong inside (memory) closes the session. ret_update is overwritten. */
void session_step(struct session *session, const struct session_now *now, const struct session_event *event,
                  struct session_update *ret_update);

enum session_state session_state(const struct session *session);
/* Zero before LIVE. */
const struct id *session_device(const struct session *session);
/* Contact (P7): whether there is news since the last take; take gives and forgets them, at_us being the server's time. */
bool session_contact_changed(const struct session *session);
void session_contact_take(struct session *session, int64_t at_us, struct contact_note *ret_note);
/* What it waited for in vain when it ended: "greeting", "push", "page", "look", "seal", "step"; NULL: nothing. */
const char *session_waited_for(const struct session *session);
/* What the device may do here; ACTIVE before LIVE. */
enum device_standing session_standing(const struct session *session);
/*
 * Which commits a session must hear of: rises whenever session_hears may give another answer. ALL: every commit and flag,
 * since its scopes aren't known yet; else those in which one of ret_scopes changed, at most SESSION_SCOPES_MAX + 1.
 */
enum session_hearing { SESSION_HEARS_NOTHING, SESSION_HEARS_SCOPES, SESSION_HEARS_ALL };
uint32_t session_hearing_changes(const struct session *session);
/* It could see rows, and hasn't been told that the journal has grown to head_pos. */
bool session_lags(const struct session *session, uint64_t head_pos);
enum session_hearing session_hears(const struct session *session, struct scope *ret_scopes, size_t *ret_count);
/* Whether the session may be told of a row in any of these scopes (P4). */
bool session_sees(const struct session *session, const struct scope *scopes, size_t count);

#endif
