/*
 * Inside a session; for the files session*.c only.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_SESSION_INTERNAL_H
#define DOUBLECREW_SERVER_LOGIC_SESSION_INTERNAL_H

#include "doublecrew/v1/sync.pb-c.h"
#include "server/logic/session.h"

/* The client's messages by their field number in ClientMessage. */
enum session_message {
    SESSION_MESSAGE_HELLO = 1,
    SESSION_MESSAGE_PUSH = 2,
    SESSION_MESSAGE_APPLIED = 3,
    SESSION_MESSAGE_FLAG_RECEIVED = 4,
    SESSION_MESSAGE_PURGE_RECEIPT = 5,
    SESSION_MESSAGE_TRAINING_STEP = 6,
    SESSION_MESSAGE_DEFLATED_PUSH = 7,
    SESSION_MESSAGE_COUNT
};

/* What a session waits for from this server's other threads. */
enum session_wait {
    SESSION_WAIT_GREETING,
    SESSION_WAIT_PUSH,
    SESSION_WAIT_PAGE,
    SESSION_WAIT_LOOK,
    SESSION_WAIT_SEAL,
    SESSION_WAIT_STEP,
    SESSION_WAIT_COUNT
};

/* A flag that waits until the session's scopes are known again. */
struct session_held_flag {
    struct scope scopes[BATCH_FLAG_SCOPES_MAX];
    size_t scope_count;
    struct hash flag;
    uint64_t pos;
    int64_t committed_real_us;
    uint8_t *bytes; /* the packed ServerMessage */
    size_t size;
};

struct session_timed_flag {
    struct hash flag;
    int64_t committed_real_us;
};

/* What the session keeps of a look: the scopes' list is as long as it is. */
struct session_kept_look {
    struct device_row device;
    bool is_operator;
    struct purge_due purge;
    struct scope_member *members;
    size_t member_count;
};

/* Thousands of them have nothing to say: what isn't always needed is allocated when it is, and given back. */
struct session {
    const struct session_setup *setup;
    enum session_state state;
    struct hash certificate_key_hash;
    uint64_t jitter;
    int64_t hello_by_us; /* real */
    unsigned strikes;
    bool certificate_expired;
    int64_t wait_since_us[SESSION_WAIT_COUNT]; /* real; 0: not under way at the last tick */
    const char *waited_for;
    uint32_t retry_after_ms;     /* the owner's choice for the error under way; 0: none */
    int64_t now_us;              /* the server's time of the step under way */
    struct contact_note contact; /* since it was last taken */
    bool contact_changed;

    struct session_hello hello;
    bool looked;
    struct session_kept_look look;
    uint32_t hearing;  /* raised whenever session_hears may give another answer */
    bool roster_moved; /* while it waits for its Welcome */

    /* pushes */
    uint64_t durable_seq;
    struct hash durable_hash;
    uint32_t in_flight_entries;
    uint32_t in_flight_pushes;

    /* the feed */
    struct feed_cursor cursor; /* up to here pages were sent */
    uint64_t head_pos;
    uint32_t page_credit; /* pages that may still be sent; with sent_count at most SESSION_PAGES_MAX */
    struct feed_cursor
        *sent; /* pages sent beyond the client's Applied, oldest first; SESSION_PAGES_MAX, or NULL: none */
    size_t sent_count;
    bool told_current; /* a last page was sent for cursor */
    bool reading_page;
    bool backlog;

    /* the roster changed: scopes are read again */
    bool looking;
    bool look_again;

    /* purge */
    bool purge_asked;               /* the reader is at it */
    struct feed_cursor purge_after; /* up to here keys were sent, of those up to purge_pos */
    uint64_t purge_pos;             /* 0: no purge is under way */
    uint64_t purge_sent_pos;        /* the last that was sent whole in this session; its receipt is an entry */

    /* seals */
    uint64_t device_seq;   /* Hello's: what the device had written when it came */
    bool seal_wanted;      /* ask the reader whether a visit waits for this log */
    bool seal_asked;       /* the reader is at it */
    int64_t seal_asked_us; /* server time of the last question; the anchor's */
    int64_t seal_look_us;  /* ask again then; server time */
    int64_t seal_sent_us;  /* time of the newest anchor sent with a SealRequest; INT64_MIN: none */

    bool stepping;      /* training: a step is under way */
    int64_t stepped_us; /* the step that the reader's fence holds */
    uint64_t stepped_pos;

    struct session_held_flag *held; /* SESSION_FLAGS_HELD_MAX, or NULL: none */
    size_t held_count;
    struct session_timed_flag *timed; /* a ring of SESSION_FLAGS_TIMED_MAX; NULL: none so far */
    size_t timed_next;
};

/* session.c */
void session_move(struct session *session, enum session_state to);
struct session_action *session_act(struct session_update *update, enum session_action_kind kind);
/* Takes bytes over. */
void session_send(struct session_update *update, enum session_lane lane, uint8_t *bytes, size_t size);
/* Packs and sends; a failure closes the session. */
void session_send_message(struct session *session, struct session_update *update,
                          const Doublecrew__V1__ServerMessage *message);

/* Keeps the look, with the standing that the certificate allows. NO_MEMORY. */
MUST_USE enum status session_keep_look(struct session *session, const struct session_look *look);

/* session_error.c: tells the peer, and closes when the table or the caller says so. */
void session_fail(struct session *session, struct session_update *update, enum status status, bool closes);
void session_close(struct session *session, struct session_update *update, enum status status);
void session_flags_drop(struct session *session);

/* session_contact.c */
void session_contact_hello(struct session *session, const Doublecrew__V1__Hello *hello);
void session_contact_pushed(struct session *session);
void session_contact_recovered(struct session *session);
void session_contact_failed(struct session *session, enum status status);

/* session_wait.c */
void session_wait_answered(struct session *session, enum session_wait wait);
void session_wait_tick(struct session *session, const struct session_now *now, struct session_update *update);

/* session_frame.c */
/* The one message in a ClientMessage. MALFORMED, MISSING_FIELD (none), UNKNOWN_KIND (a newer one), OVER_LIMIT. */
MUST_USE enum status session_frame_split(struct span bytes, enum session_message *ret_kind, struct span *ret_body);
/* How often a field occurs at the top of a message. MALFORMED. */
MUST_USE enum status session_frame_count(struct span message, uint32_t field, uint32_t *ret_count);
/* A ServerMessage with one sub-message of raw bytes parts[0] parts[1]; NULL when memory ran out or it is too large. */
uint8_t *session_frame_wrap(uint32_t number, struct span first, struct span second, size_t *ret_size);
/* A ServerMessage with one Flag: its row as it lies in the store. */
uint8_t *session_frame_flag(uint64_t pos, struct span row, size_t *ret_size);
size_t session_frame_put_varint(uint8_t *at, uint64_t value);
size_t session_frame_varint_size(uint64_t value);

/* One client message each; body is the message without its envelope. */
void session_hello_receive(struct session *session, const struct session_now *now, struct span body,
                           struct session_update *update);
void session_push_receive(struct session *session, const struct session_now *now, struct span body,
                          struct session_update *update);
void session_push_receive_deflated(struct session *session, const struct session_now *now, struct span body,
                                   struct session_update *update);
void session_applied_receive(struct session *session, const struct session_now *now, struct span body,
                             struct session_update *update);
void session_flag_received_receive(struct session *session, const struct session_now *now, struct span body,
                                   struct session_update *update);
void session_training_step_receive(struct session *session, const struct session_now *now, struct span body,
                                   struct session_update *update);

/* The rest of the events. */
void session_hello_greeted(struct session *session, const struct session_reply *reply, struct session_update *update);
void session_push_result(struct session *session, uint32_t entry_count, const struct batch_result *result,
                         struct session_update *update);
void session_page_ready(struct session *session, const struct session_reply *reply, struct session_update *update);
/* Asks for a page if the client has room for it and there may be something to tell. */
void session_page_want(struct session *session, struct session_update *update);
void session_roster_changed(struct session *session, struct session_update *update);
void session_roster_looked(struct session *session, const struct session_reply *reply, struct session_update *update);
void session_flag_raised(struct session *session, const struct batch_flag *flag, int64_t committed_real_us,
                         struct session_update *update);
/* What waited since before this session. */
void session_flags_pending(const struct session_greeting *greeting, struct session_update *update);
void session_flags_release(struct session *session, struct session_update *update);
void session_training_stepped(struct session *session, enum status status, int64_t now_us, uint64_t head_pos,
                              struct session_update *update);

/* After the reader's fence: every answer to what fell due by the step has been taken. */
void session_training_settled(struct session *session, struct session_update *update);
/* Once the log is here up to what the device had when it came: what has left its scopes goes (P1). */
void session_purge_ask(struct session *session, struct session_update *update);
void session_purge_ready(struct session *session, const struct session_reply *reply, struct session_update *update);
/* What the device had written when it came is durable, and nothing of its log is on its way. */
bool session_log_is_here(const struct session *session);
/* The update asks the reader something already: one question an update. */
bool session_asks(const struct session_update *update);
/* A commit's verdicts look at these officers' logs. */
void session_seal_named(struct session *session, const struct batch_named *named);
void session_seal_tick(struct session *session, const struct session_now *now);
/* After every event: asks the reader when it should, and no other question is asked in this update. */
void session_seal_ask(struct session *session, const struct session_now *now, struct session_update *update);
void session_seal_ready(struct session *session, const struct session_now *now, const struct session_reply *reply,
                        struct session_update *update);

/* The bytes of one unpacked sub-message, in the loop's arena. */
MUST_USE enum status session_unpack(struct session *session, const ProtobufCMessageDescriptor *descriptor,
                                    struct span body, ProtobufCMessage **ret_message);

#endif
