/*
 * Phones of the library against a real server: a server of its own for each test, its officer's and supervisor's phones, and
 * the loop that both run in.
 */
#ifndef DOUBLECREW_TESTS_LIB_PHONE_STAGE_H
#define DOUBLECREW_TESTS_LIB_PHONE_STAGE_H

#include "device/doublecrew.h"
#include "tests/lib/server_fixture.h"

#define ROUNDS_MAX 300 /* of 50 ms: a limit, not a wait */

/* A phone of the library, as one of the fixture's people. */
struct phone {
    struct dc_device *device;
    struct dc_config config;
    char store[128];
    char pem[512];
    uint64_t acked;
    unsigned flags;
    char flag_kind[64];
    bool complete;
    char company[32];
    enum dc_status error;
    unsigned prompts;
};

struct stage {
    struct server_fixture server;
    struct dc_loop *loop;
    struct phone officer;
    struct phone supervisor;
};

/* Opens a phone of the library as one of the fixture's people; name: of its store in the server's folder. */
void open_phone(struct stage *stage, struct phone *phone, const struct server_device *of, const char *name);
/* A cmocka set-up: mode stands in the configuration in place of "training = yes". Phones are open, not yet syncing. */
int stage_start_at(void **state, const char *mode);
int stage_start(void **state);
int stage_stop(void **state);

struct dc_sync_status status_of(const struct phone *phone);
/* Runs the loop until the phone has nothing pending and its feed is complete. */
void run_until_synced(struct stage *stage, struct phone *phone);
struct dc_id stage_offender(void);
/* Check-in, check-out, outcome: three entries. */
struct dc_hash visit_alone(struct phone *phone);

#endif
