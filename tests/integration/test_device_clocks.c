/* Phones whose clocks lie, or that restart in the middle of a visit, against the real server: the right times, the right
 * verdict (T1, T2). The server's training clock runs; the phones' clocks are the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/lib/phone_stage.h"

#define DAY_MS INT64_C(86400000)
/* What one session may take here, on a machine that does other work too. */
#define SLACK_MS 10000

/* A phone's clocks over the machine's: a wall clock that is off, and boots that begin anew. */
struct clocks {
    uint8_t boot;
    uint64_t started_ms; /* of this boot, by the machine */
    int64_t wall_off_ms;
};

static int64_t machine_ms(clockid_t clock)
{
    struct timespec now;

    assert_int_equal(clock_gettime(clock, &now), 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void read_boot(void *context, struct dc_id *ret_boot)
{
    const struct clocks *clocks = context;

    memset(ret_boot->bytes, clocks->boot, sizeof ret_boot->bytes);
}

static uint64_t read_monotonic(void *context)
{
    const struct clocks *clocks = context;

    return (uint64_t)machine_ms(CLOCK_BOOTTIME) - clocks->started_ms;
}

static int64_t read_wall(void *context)
{
    const struct clocks *clocks = context;

    return machine_ms(CLOCK_REALTIME) + clocks->wall_off_ms;
}

static void restart(struct clocks *clocks)
{
    clocks->boot++;
    clocks->started_ms = (uint64_t)machine_ms(CLOCK_BOOTTIME) - 500;
}

static int start(void **state)
{
    return stage_start_at(state, "training = yes\ntraining_rate = 1");
}

/* The phone closes and opens with these clocks. */
static void take_clocks(struct stage *stage, struct phone *phone, struct clocks *clocks)
{
    dc_device_close(phone->device);
    phone->config.clock = (struct dc_clock){
        .context = clocks, .boot_id = read_boot, .monotonic_ms = read_monotonic, .wall_ms = read_wall};
    assert_int_equal(dc_device_open(stage->loop, &phone->config, &phone->device), DC_OK);
}

static void sync_phone(struct stage *stage, struct phone *phone)
{
    assert_int_equal(dc_sync_start(phone->device), DC_OK);
    run_until_synced(stage, phone);
}

static bool keep(void *context, const struct dc_presence *presence)
{
    *(struct dc_presence *)context = *presence;
    return true;
}

#define REASON_CLOCK_TROUBLE (1u << 13)

/* The server's row, once it has this company. */
static struct dc_presence judged(struct stage *stage, struct phone *phone, const struct dc_hash *id,
                                 const char *company)
{
    struct dc_presence presence = {.own = false};

    for (int i = 0; i < ROUNDS_MAX; i++) {
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
        assert_int_equal(dc_each_presence(phone->device, id, keep, &presence), DC_OK);
        if (!presence.verdict.preview && strcmp(phone->company, company) == 0)
            return presence;
    }
    fail_msg("not %s but %s", company, phone->company);
    return presence;
}

/* The times are the server's, whatever the phone's wall clock says: narrow, and where its last anchor puts them. */
static void expect_times(const struct phone *phone, const struct dc_presence *presence)
{
    int64_t anchor_ms = status_of(phone).last_anchor_ms;

    assert_false(presence->verdict.reasons & REASON_CLOCK_TROUBLE);
    assert_in_range(presence->in_to_ms - presence->in_from_ms, 0, SLACK_MS);
    assert_in_range(presence->in_from_ms, anchor_ms - SLACK_MS, anchor_ms + SLACK_MS);
    assert_in_range(presence->out_from_ms, presence->in_from_ms - 1, anchor_ms + SLACK_MS);
}

static void wall_clock_a_day_off__changes_nothing(void **state)
{
    static const int64_t offs[] = {DAY_MS, -DAY_MS};
    struct stage *stage = *state;

    for (size_t i = 0; i < 2; i++) {
        struct clocks clocks = {.boot = (uint8_t)(1 + i), .wall_off_ms = offs[i]};
        struct dc_presence presence;
        struct dc_hash id;

        restart(&clocks);
        take_clocks(stage, &stage->officer, &clocks);
        sync_phone(stage, &stage->officer);
        dc_sync_stop(stage->officer.device);
        id = visit_alone(&stage->officer); /* offline, in an anchored boot */
        clocks.wall_off_ms = -offs[i];     /* and the clock is set while it is */
        stage->officer.company[0] = '\0';
        sync_phone(stage, &stage->officer);
        presence = judged(stage, &stage->officer, &id, "lone_confirmed");
        expect_times(&stage->officer, &presence);
        assert_int_equal(stage->officer.error, DC_OK);
    }
}

static void restart_in_the_middle_of_a_visit__keeps_the_times(void **state)
{
    struct stage *stage = *state;
    struct clocks clocks = {.boot = 1};
    struct dc_check_in check_in = {.offender = stage_offender(), .with = DC_WITH_ALONE};
    struct dc_presence presence;
    struct dc_hash id;

    restart(&clocks);
    take_clocks(stage, &stage->officer, &clocks);
    sync_phone(stage, &stage->officer);
    dc_sync_stop(stage->officer.device);
    assert_int_equal(dc_check_in(stage->officer.device, &check_in, &id), DC_OK);
    restart(&clocks); /* the battery */
    take_clocks(stage, &stage->officer, &clocks);
    assert_int_equal(dc_check_out(stage->officer.device, &id, NULL, NULL), DC_OK);
    assert_int_equal(dc_outcome(stage->officer.device, &id, DC_OUTCOME_SEEN, NULL), DC_OK);
    stage->officer.company[0] = '\0';
    sync_phone(stage, &stage->officer);
    presence = judged(stage, &stage->officer, &id, "lone_confirmed");
    expect_times(&stage->officer, &presence);
    assert_int_equal(presence.outcome, DC_OUTCOME_SEEN);
}

/* Two officers, one phone restarts, the other's clock is a day off: they were there together, and that is proved. */
static void two_officers_with_such_phones__are_joint(void **state)
{
    struct stage *stage = *state;
    struct clocks first = {.boot = 1, .wall_off_ms = DAY_MS};
    struct clocks second = {.boot = 101};
    struct dc_check_in check_in = {.offender = stage_offender(), .with = DC_WITH_NAMED, .named_count = 1};
    struct dc_presence presence;
    struct dc_hash here, there;

    restart(&first);
    restart(&second);
    take_clocks(stage, &stage->officer, &first);
    take_clocks(stage, &stage->supervisor, &second);
    sync_phone(stage, &stage->officer);
    sync_phone(stage, &stage->supervisor);
    dc_sync_stop(stage->officer.device);
    dc_sync_stop(stage->supervisor.device);
    memcpy(check_in.named[0].bytes, stage->server.supervisor.officer.bytes, sizeof check_in.named[0].bytes);
    assert_int_equal(dc_check_in(stage->officer.device, &check_in, &here), DC_OK);
    memcpy(check_in.named[0].bytes, stage->server.officer.officer.bytes, sizeof check_in.named[0].bytes);
    assert_int_equal(dc_check_in(stage->supervisor.device, &check_in, &there), DC_OK);
    for (int i = 0; i < 40; i++) /* two seconds at the door */
        assert_int_equal(dc_loop_run(stage->loop, 50), DC_OK);
    restart(&second);
    take_clocks(stage, &stage->supervisor, &second);
    assert_int_equal(dc_check_out(stage->officer.device, &here, NULL, NULL), DC_OK);
    assert_int_equal(dc_check_out(stage->supervisor.device, &there, NULL, NULL), DC_OK);
    stage->officer.company[0] = '\0';
    sync_phone(stage, &stage->supervisor);
    sync_phone(stage, &stage->officer);
    presence = judged(stage, &stage->officer, &here, "joint");
    expect_times(&stage->officer, &presence);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stage_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(wall_clock_a_day_off__changes_nothing),
        CASE(restart_in_the_middle_of_a_visit__keeps_the_times),
        CASE(two_officers_with_such_phones__are_joint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
