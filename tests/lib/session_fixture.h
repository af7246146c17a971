/*
 * One session with everything around it played by the test: what it is told, and what it answers, decoded.
 */
#ifndef DOUBLECREW_TESTS_LIB_SESSION_FIXTURE_H
#define DOUBLECREW_TESTS_LIB_SESSION_FIXTURE_H

#include "doublecrew/v1/sync.pb-c.h"
#include "server/logic/session.h"

struct session_fixture {
    struct session_setup setup;
    struct session_now now;
    struct session *session;
    struct session_update update; /* of the last step */
    struct arena *arena;          /* what sent() decoded, until the next step */
    struct session_greeting greeting;
    bool asks_for_seals; /* questions about seals stay in the update; otherwise answered at once: none is wanted */
    unsigned seal_questions;
};

/* A session in NEW; the greeting is an active device of a supervisor of team 7. */
void session_fixture_open(struct session_fixture *fixture);
void session_fixture_close(struct session_fixture *fixture);
/* Says Hello with this page credit, and greets: LIVE, Welcome and what followed are gone. */
void session_fixture_greet(struct session_fixture *fixture, uint32_t page_credit);

void session_fixture_step(struct session_fixture *fixture, const struct session_event *event);
void session_fixture_bytes(struct session_fixture *fixture, struct span bytes);
void session_fixture_say(struct session_fixture *fixture, Doublecrew__V1__ClientMessage *message);
void session_fixture_hello(struct session_fixture *fixture, const Doublecrew__V1__Hello *hello);
Doublecrew__V1__Hello session_fixture_good_hello(void);
void session_fixture_push(struct session_fixture *fixture, size_t entry_count);
void session_fixture_result(struct session_fixture *fixture, uint32_t entry_count, const struct batch_result *result);
void session_fixture_applied(struct session_fixture *fixture, uint64_t cursor, uint32_t page_credit);
void session_fixture_commit(struct session_fixture *fixture, uint64_t head_pos, bool roster_changed);
/* The reader's answer to a question about seals. */
void session_fixture_seal(struct session_fixture *fixture, enum status status, const struct session_seal *seal);
/* An empty page up to a cursor. */
void session_fixture_page(struct session_fixture *fixture, uint64_t to, bool last);

/* The index-th action of a kind in the last update; NULL. */
const struct session_action *session_fixture_action(const struct session_fixture *fixture,
                                                    enum session_action_kind kind, size_t index);
/* The index-th message sent in the last update, decoded; NULL. */
const Doublecrew__V1__ServerMessage *session_fixture_sent(struct session_fixture *fixture, size_t index);
/* The last update says this error and closes, or not. */
void session_fixture_assert_error(struct session_fixture *fixture, Doublecrew__V1__ErrorCode code, bool closes);

#endif
