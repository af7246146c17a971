/*
 * The hub: all connections and their sessions, on the loop's thread. Carries out what sessions decide, and brings them
 * what the other threads answer. Knows no libwebsockets: a transport stands behind struct hub_transport.
 */
#ifndef DOUBLECREW_SERVER_EDGE_HUB_H
#define DOUBLECREW_SERVER_EDGE_HUB_H

#include "core/limits.h"
#include "server/edge/admission.h"
#include "server/edge/audience.h"
#include "server/edge/clock.h"
#include "server/edge/log.h"
#include "server/edge/outbox.h"
#include "server/edge/pipeline.h"

/* How many sessions one device may have: the half-open ones that a phone leaves when it changes networks. */
#define HUB_CONNECTIONS_PER_DEVICE_MAX 4
#define HUB_TICK_PARTS 10u
/* An unanswered ping ends the connection this long after it. */
#define HUB_PONG_WAIT_US ((int64_t)10 * 1000 * 1000)
/* A server's told_all_max: so few cost nothing, and their cursors keep up with the head. */
#define HUB_TOLD_ALL 64u
/* With more, those whom no commit concerned are told where the head is in turn, so many with each part of a tick: 320 a second. */
#define HUB_LAGGARDS_PER_PART 8u
/* And those with news: 1,280 a second. A page costs the reader and the loop 0.2 ms; flags don't wait here (A1). */
#define HUB_NEWS_PER_PART 32u
/* Pushes under way, of all connections: beyond it reading pauses (P6), below half of it it goes on. */
#define HUB_PUSHES_MAX 256u
#define HUB_PUSH_BYTES_MAX ((size_t)32 * 1024 * 1024)
#define HUB_VERIFIERS 2u
/* What a push under way costs besides its bytes, which are kept and unpacked once: the first block of its arena. */
#define HUB_PUSH_COST ((size_t)64 * 1024)
/* Room that a connection must have left to be read from: one whole message more, and the push that it may be. */
#define HUB_MESSAGE_ROOM ((size_t)3 * MESSAGE_SIZE_MAX + HUB_PUSH_COST)
/* Sessions that wait for their Welcome at once; beyond it new ones wait in line, and those that are in go first (P6). */
#define HUB_GREETINGS_MAX 256u
/* A server's line_us: a device waits for its Welcome for 30 s (PROTOCOL.md, section 8). */
#define HUB_LINE_WAIT_US ((int64_t)20 * 1000 * 1000)
/* Let in while others wait at the door: so many a second, which take a fiftieth of a core from the handshakes. */
#define HUB_LINE_MEANWHILE_PER_S 16u
#define HUB_TICKS_PER_S 40u /* calls of hub_tick_part */

/* Why a connection isn't read from; a sum. */
enum hub_pause { HUB_PAUSE_WRITER = 1, HUB_PAUSE_MEMORY = 2, HUB_PAUSE_STOP = 4, HUB_PAUSE_LINE = 8 };

/* One connection; belongs to the loop's thread. The transport makes and frees it with the hub's calls below. */
struct connection {
    uint64_t id;
    void *peer; /* the transport's handle */
    struct session *session;
    struct audience_member member;
    uint32_t hearing;  /* the session's, when it joined */
    uint64_t gathered; /* the hub's gathering in which it was last */
    bool has_news;     /* of which it is told with its tick */
    bool told_news;    /* since its last tick */
    struct hash certificate_key_hash;
    bool in_line; /* not let in yet, and not read from */
    int64_t line_since_us;
    struct connection *line_before;
    struct connection *line_behind;
    struct outbox outbox;
    uint8_t *received; /* of the message being put together */
    size_t received_size;
    size_t received_capacity;
    unsigned paused;         /* reading; enum hub_pause */
    int64_t paused_since_us; /* real */
    size_t push_bytes;       /* cost of its pushes under way */
    size_t memory_peak;
    int64_t heard_us;          /* real; of the last sign of life */
    bool pinged;               /* since then */
    bool greeting;             /* waits for its Welcome */
    bool closing;              /* close once the urgent lane is empty */
    bool said_goodbye;         /* the transport's closing handshake has begun */
    bool told_live;            /* logged */
    int64_t contact_us;        /* real; when the writer was last told of the device's contact; 0: never */
    int64_t contact_server_us; /* the same on the server's axis, which may be stepped */
    uint16_t close_code;
    int64_t close_by_us;    /* real; when closing */
    int64_t stuck_since_us; /* real; since when nothing has been written though something waits; 0: nothing waits */
};

struct hub_transport {
    void (*want_write)(void *peer);
    void (*pause)(void *peer, bool paused);
    void (*kill)(void *peer); /* soon, without flushing */
    void (*ping)(void *peer); /* asks whether it is still there; the answer comes as hub_heard */
};

struct hub_limits {
    unsigned max_connections;
    unsigned told_all_max; /* sessions; up to so many everybody is told of every commit */
    size_t headroom;
    size_t output_max; /* bytes that may wait for one reader */
    size_t
        memory_max; /* of one connection: what is received, under way and waits; at least output_max and twice HUB_MESSAGE_ROOM */
    unsigned admit_per_s;
    unsigned admit_burst;
    int64_t line_us;       /* how long one may wait in line to be let in */
    int64_t answer_us;     /* how long reading may be paused */
    int64_t keep_alive_us; /* silence before a ping; 0: never */
    int64_t slow_reader_us;
    int64_t close_grace_us;
};

struct hub_queues {
    struct queue *verifiers[HUB_VERIFIERS];
    struct queue *writer;
    struct queue *reader;
    struct queue *notes;
    struct queue *contacts;
};

struct hub;

/* Everything given is borrowed and outlives the hub. */
MUST_USE enum status hub_new(const struct session_setup *setup, const struct hub_limits *limits,
                             const struct hub_queues *queues, const struct hub_transport *transport,
                             struct clock *clock, struct log *log, struct hub **ret_hub);
void hub_free(struct hub *hub);

bool hub_is_full(const struct hub *hub);
unsigned hub_count(const struct hub *hub);
/* A connection's memory, as limits.memory_max counts it. */
size_t hub_memory(const struct connection *connection);
/*
 * BUSY when it is full, NO_MEMORY. A connection beyond the admitted rate is made too, and waits in line, or is told at once
 * when to come back.
 */
MUST_USE enum status hub_connect(struct hub *hub, void *peer, const struct hash *certificate_key_hash,
                                 bool certificate_expired, struct connection **ret_connection);
void hub_disconnect(struct hub *hub, struct connection *connection);
/* A part of a message; a message above MESSAGE_SIZE_MAX, or one that isn't binary, ends the session with a named error. */
void hub_receive(struct hub *hub, struct connection *connection, struct span part, bool first, bool last, bool binary);
/* A sign of life that is no message. */
void hub_heard(struct hub *hub, struct connection *connection);
/* The next message to write, or NULL; the caller frees it and calls hub_written. */
struct outbox_message *hub_next(struct hub *hub, struct connection *connection);
void hub_written(struct hub *hub, struct connection *connection, enum session_lane lane);
/* Whether the connection may be closed now: everything urgent has left. */
bool hub_may_close(const struct connection *connection);

/* Ends every session whose peer is_unwelcome, with this status. */
void hub_dismiss(struct hub *hub, bool (*is_unwelcome)(void *context, void *peer), void *context, enum status status);

/* Whether others wait for their handshakes. */
void hub_crowd(struct hub *hub, bool crowded);

/* Takes in what the other threads sent. What was asked for besides, as a sum. */
enum hub_asked { HUB_ASKED_STOP = 1, HUB_ASKED_RELOAD = 2 };
unsigned hub_take_notes(struct hub *hub);
/* Every connection's clock. */
void hub_tick(struct hub *hub);
/* The same of the next of HUB_TICK_PARTS parts of the places: all at once would keep the loop for as long as it takes. */
void hub_tick_part(struct hub *hub);
/* Graceful stop: nothing more is read; once the pushes under way are answered, everybody is told and let go. */
void hub_stop(struct hub *hub);
/* After hub_stop: everybody is gone. */
bool hub_is_stopped(const struct hub *hub);

#endif
