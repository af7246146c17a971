/*
 * A phone of the integration tests: the device library on real sockets, as one of the server fixture's people, with clocks
 * that the test may set, and what came in. Functions fail the test (cmocka) when something isn't as it must be.
 */
#ifndef DOUBLECREW_TESTS_LIB_PHONE_H
#define DOUBLECREW_TESTS_LIB_PHONE_H

#include "device/doublecrew.h"
#include "tests/lib/server_fixture.h"

struct phone {
    struct dc_device *device; /* NULL: closed */
    struct dc_loop *loop;
    struct dc_config config;
    char store[128];
    char ca[128];
    char pem[512];
    /* The time that clocks show when truth isn't NULL: the phone's boot began at boot_ms; its wall clock is off. */
    const int64_t *truth_ms;
    int64_t boot_ms;
    int64_t wall_offset_ms;
    struct dc_id boot;
    /* What came in. */
    uint64_t acked_seq;
    uint64_t acked_entries;
    uint64_t went_online;
    enum dc_status error;
    enum dc_status reason; /* why it last went offline */
    int64_t stepped_ms;
    char company[32]; /* of the last verdict that came */
    struct dc_hash verdict_of;
};

/* As `of`, by its store file "<fixture's folder>/<name>.phone"; port: the server's, or a proxy's. Not opened. */
void phone_init(struct phone *phone, struct dc_loop *loop, const struct server_fixture *server,
                const struct server_device *of, const char *name, uint16_t port);
void phone_open(struct phone *phone);
void phone_close(struct phone *phone);
/* Off and on again: another boot, whose monotonic clock begins at 0. */
void phone_reboot(struct phone *phone);
struct dc_sync_status phone_status(const struct phone *phone);
/* Online, nothing pending, feed complete (unless it wants none). */
bool phone_is_level(const struct phone *phone);
/* How often its rows differed from the server's digest (P2). */
unsigned phone_repairs(const struct phone *phone);
/* A note about the fixture's offender. */
void phone_note(struct phone *phone, const char *text);
struct dc_id phone_offender(void);
/* The company in the row that this phone holds; "" for none, or only a preview. */
const char *phone_company(struct phone *phone, const struct dc_hash *presence);

/* The server's rows that the phone holds, in order of keys. */
typedef void (*phone_on_row)(void *context, struct span key, struct span bytes);
void phone_each_row(struct phone *phone, phone_on_row on_row, void *context);

#endif
