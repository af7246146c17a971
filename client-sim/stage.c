#include "client-sim/stage.h"

#include <stdio.h>
#include <string.h>

#define SERVE_MS 20
/* Quiet for two more rounds after everything is level: what the last rows cause is seen too. A request for a seal comes
 * with one round, is taken from its socket by the next, and the seal waits for its acknowledgement then. */
#define LEVEL_ROUNDS 3

const char *stage_name(void)
{
    return "real sockets";
}

bool stage_serve(struct stage *stage, unsigned timeout_ms)
{
    enum dc_status status = dc_loop_run(stage->loop, timeout_ms);

    if (status == DC_OK)
        return true;
    fprintf(stderr, "doublecrew-sim: the network loop failed: %s. %s.\n", dc_status_what(status),
            dc_status_advice(status));
    return false;
}

bool stage_online(struct person *person, bool online)
{
    person->wants_online = online;
    if (person->device == NULL)
        return true;
    if (!online) {
        dc_sync_stop(person->device);
        return true;
    }

    enum dc_status status = dc_sync_now(person->device);

    if (status == DC_OK)
        return true;
    fprintf(stderr, "doublecrew-sim: the device of %s can't go online: %s. %s.\n", person->package.officer_code,
            dc_status_what(status), dc_status_advice(status));
    return false;
}

/* What keeps a person's device from being level with the journal's head; NULL: nothing. */
static const char *what_hangs(const struct person *person, uint64_t head)
{
    struct dc_sync_status status;

    if (person->device == NULL || !person->wants_online || person->dead)
        return NULL;
    dc_sync_status(person->device, &status);
    if (status.state == DC_SYNC_CLOSED && status.reason != DC_OK)
        return NULL; /* stopped for good, such as a fork: what it says is for an expectation to check */
    if (status.state != DC_SYNC_ONLINE)
        return status.reason_text;
    if (status.pending_entries > 0)
        return "entries are not acknowledged";
    if (status.feed_cursor < head || !status.feed_complete)
        return "rows have not arrived";
    return NULL;
}

static bool is_level(const struct stage *stage)
{
    for (size_t i = 0; i < stage->person_count; i++) {
        if (what_hangs(&stage->people[i], stage->clockwork.stepped_pos) != NULL)
            return false;
    }
    return true;
}

static bool wait_level(struct stage *stage, int64_t until_us)
{
    while (!is_level(stage)) {
        if (real_us() > until_us || !stage_serve(stage, SERVE_MS))
            return false;
    }
    return true;
}

/* Asks the server to set its clock, and waits for the answer with the head's pos. */
static bool step_clock(struct stage *stage, int64_t until_us)
{
    struct person *clockwork = &stage->clockwork;

    clockwork->stepped_now_ms = 0;
    while (clockwork->stepped_now_ms == 0) {
        struct dc_sync_status status;
        dc_sync_status(clockwork->device, &status);
        if (status.state == DC_SYNC_ONLINE)
            break;
        if (real_us() > until_us || !stage_serve(stage, SERVE_MS))
            return false;
    }
    if (dc_training_step(clockwork->device, stage->clock.now_ms) != DC_OK)
        return false;
    while (clockwork->stepped_now_ms == 0) {
        if (real_us() > until_us || !stage_serve(stage, SERVE_MS))
            return false;
    }
    return true;
}

static void say_what_hangs(const struct stage *stage)
{
    const char *why = NULL;

    for (size_t i = 0; i < stage->person_count; i++) {
        why = what_hangs(&stage->people[i], stage->clockwork.stepped_pos);
        if (why != NULL)
            fprintf(stderr, "doublecrew-sim: %s's device does not settle: %s\n", stage->people[i].package.officer_code,
                    why);
    }
    if (why == NULL)
        fprintf(stderr, "doublecrew-sim: the server's clock does not answer; its log: %s\n", stage->server.log);
}

bool stage_settle(struct stage *stage, int64_t now_ms)
{
    int64_t until_us = real_us() + STAGE_SETTLE_LIMIT_MS * INT64_C(1000);
    uint64_t head = 0;
    unsigned level = 0;

    stage->clock.now_ms = now_ms;
    if (stage->server.pid == 0)
        return true;
    while (level < LEVEL_ROUNDS) {
        if (!step_clock(stage, until_us) || !wait_level(stage, until_us)) {
            say_what_hangs(stage);
            return false;
        }
        level = stage->clockwork.stepped_pos == head ? level + 1 : 0;
        head = stage->clockwork.stepped_pos;
    }
    return true;
}

bool stage_open(struct stage *stage, const char *folder, int64_t now_ms, struct person *people, size_t person_count)
{
    char clock_package[PROCESS_PATH_MAX + 32];

    snprintf(stage->folder, sizeof(stage->folder), "%s", folder);
    snprintf(clock_package, sizeof(clock_package), "%s/operator/clock", folder);
    stage->clock.now_ms = now_ms;
    stage->people = people;
    stage->person_count = person_count;
    if (dc_loop_new(NULL, &stage->loop) != DC_OK || !server_start(&stage->server, folder))
        return false;
    /* The clock is set before anybody says Hello: an anchor of another day would contradict the phones' clocks. */
    return person_open(&stage->clockwork, stage->loop, &stage->clock, clock_package, stage->server.port) &&
           stage_online(&stage->clockwork, true) &&
           step_clock(stage, real_us() + STAGE_SETTLE_LIMIT_MS * INT64_C(1000));
}

void stage_close(struct stage *stage)
{
    for (size_t i = 0; i < stage->person_count; i++)
        person_close(&stage->people[i]);
    person_close(&stage->clockwork);
    dc_loop_free(stage->loop);
    stage->loop = NULL;
    server_kill(&stage->server);
}

void stage_kill_server(struct stage *stage)
{
    server_kill(&stage->server);
}

/* Phones wait until the server's clock is set again: it begins where its journal ends. */
static void hold_phones(struct stage *stage, bool held)
{
    for (size_t i = 0; i < stage->person_count; i++) {
        const struct person *person = &stage->people[i];
        if (person->device == NULL || !person->wants_online)
            continue;
        if (held)
            dc_sync_stop(person->device);
        else if (dc_sync_start(person->device) != DC_OK)
            fprintf(stderr, "doublecrew-sim: the device of %s can't go online\n", person->package.officer_code);
    }
}

/* On the port it had: the devices know no other. */
bool stage_restart_server(struct stage *stage)
{
    uint16_t port = stage->server.port;
    bool stepped = false;

    hold_phones(stage, true);
    dc_sync_stop(stage->clockwork.device); /* it may not have noticed that its connection is dead */
    if (!server_start(&stage->server, stage->folder))
        return false;
    if (port != stage->server.port) {
        fprintf(stderr, "doublecrew-sim: the server came back on another port; its configuration must name one\n");
        return false;
    }
    if (dc_sync_now(stage->clockwork.device) == DC_OK)
        stepped = step_clock(stage, real_us() + STAGE_SETTLE_LIMIT_MS * INT64_C(1000));
    hold_phones(stage, false);
    return stepped;
}
