#include "client-sim/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-sim/setup.h"
#include "client-sim/timeline.h"

/* Everybody meets the server this long before the first line. */
#define BEFORE_FIRST_MS (5 * 60 * INT64_C(1000))
#define SETUP_BEFORE_MS (24 * 3600 * INT64_C(1000))

struct person *play_observer(struct play *play, size_t offender)
{
    const struct scenario *scenario = play->scenario;
    struct person *any = NULL;

    for (size_t i = 0; i < scenario->person_count; i++) {
        if (scenario->people[i].role != SCENARIO_SUPERVISOR)
            continue;
        if (offender == SCENARIO_NONE || scenario->people[i].team == scenario->offenders[offender].team)
            return &play->people[i];
        any = &play->people[i];
    }
    return any;
}

static bool needs_relay(const struct scenario *scenario, size_t person)
{
    for (size_t i = 0; i < scenario->step_count; i++) {
        const struct scenario_step *step = &scenario->steps[i];
        if (step->act == ACT_LOSE_ACK && step->actor == person)
            return true;
        for (size_t j = 0; j < step->order_count; j++) {
            if (step->order[j].act == ACT_LOSE_ACK && step->order[j].actor == person)
                return true;
        }
    }
    return false;
}

/* What a supervisor's screen would show: verdicts and flags as they arrive. */
static void on_event(void *context, struct person *person, const struct dc_event *event)
{
    struct play *play = context;

    if (play->show && strcmp(person->package.role, "supervisor") == 0)
        timeline_event(play, person, event);
}

static bool open_people(struct play *play, const char *folder)
{
    const struct scenario *scenario = play->scenario;

    for (size_t i = 0; i < scenario->person_count; i++) {
        char package[PROCESS_PATH_MAX];
        struct person *person = &play->people[i];
        uint16_t port = play->stage.server.port;
        setup_package(scenario, i, folder, package);
        if (needs_relay(scenario, i)) {
            play->relays[i] = relay_new(port);
            if (play->relays[i] == NULL)
                return false;
            port = relay_port(play->relays[i]);
        }
        person->wall_offset_ms = scenario->people[i].clock_offset_ms;
        person->on_event = on_event;
        person->context = play;
        if (!person_open(person, play->stage.loop, &play->stage.clock, package, port))
            return false;
    }
    return true;
}

static bool keep_offender(void *context, const struct dc_offender *offender)
{
    struct play *play = context;

    for (size_t i = 0; i < play->scenario->offender_count; i++) {
        if (strcmp(play->scenario->offenders[i].name, offender->reference) == 0) {
            play->offender_ids[i] = offender->offender;
            play->offender_places[i] = offender->place;
        }
    }
    return true;
}

/* Everybody's first meeting with the server; a phone declared unanchored stays off, and knows its caseload from paper. */
static bool meet_server(struct play *play, int64_t now_ms)
{
    const struct scenario *scenario = play->scenario;

    for (size_t i = 0; i < scenario->person_count; i++) {
        if (!scenario->people[i].unanchored && !stage_online(&play->people[i], true))
            return false;
    }
    if (!stage_settle(&play->stage, now_ms))
        return false;
    for (size_t i = 0; i < scenario->person_count; i++) {
        if (dc_each_offender(play->people[i].device, NULL, keep_offender, play) != DC_OK)
            return false;
    }
    for (size_t i = 0; i < scenario->offender_count; i++) {
        static const struct dc_id nobody;
        if (ids_equal(&play->offender_ids[i], &nobody)) {
            fprintf(stderr, "doublecrew-sim: nobody's caseload holds offender '%s'\n", scenario->offenders[i].name);
            return false;
        }
    }
    return true;
}

static bool play_step(struct play *play, const struct scenario_step *step)
{
    bool expectation = step->act >= EXPECT_VERDICT;
    bool good = true;

    if (!stage_settle(&play->stage, step->time_ms)) {
        snprintf(play->fault, sizeof(play->fault), "the devices did not settle");
        play->failed++;
        return false;
    }
    if (play->show)
        timeline_step(play, step);
    play->fault[0] = '\0';
    good = expectation ? play_expect(play, step) : play_act(play, step);
    play->expected += expectation ? 1 : 0;
    if (good && !expectation && !stage_settle(&play->stage, step->time_ms)) {
        snprintf(play->fault, sizeof(play->fault), "the devices did not settle afterwards");
        good = false;
    }
    if (play->show)
        timeline_result(play, step, good);
    if (good)
        return true;
    play->failed++;
    fprintf(stderr, "%s:%zu: %s\n    %s\n", play->scenario->path, step->line, step->source, play->fault);
    return expectation; /* a failed expectation doesn't end the play; an act that can't be done does */
}

static bool play_all(struct play *play, const struct scenario_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!play_step(play, &steps[i]))
            return false;
    }
    return true;
}

/* The stage is set: the server runs, everybody has met it. */
static bool set_stage(struct play *play, const char *folder, int64_t first_ms)
{
    if (stage_open(&play->stage, folder, first_ms - BEFORE_FIRST_MS, play->people, play->scenario->person_count) &&
        open_people(play, folder) && meet_server(play, first_ms - BEFORE_FIRST_MS))
        return true;
    snprintf(play->fault, sizeof(play->fault), "the stage could not be set");
    play->failed++;
    return false;
}

static bool play_on_stage(struct play *play, const char *folder, const struct scenario_step *steps, size_t count)
{
    int64_t first_ms = steps[0].time_ms;

    if (!setup_force(play->scenario, folder, first_ms - SETUP_BEFORE_MS, process_free_port())) {
        play->failed++;
        return false;
    }
    return set_stage(play, folder, first_ms) && play_all(play, steps, count);
}

static void play_done(struct play *play)
{
    stage_close(&play->stage);
    for (size_t i = 0; i < SCENARIO_PEOPLE_MAX; i++)
        relay_free(play->relays[i]);
}

bool play_scenario(const struct scenario *scenario, size_t order, bool show, size_t *ret_expected, size_t *ret_failed)
{
    size_t count = 0;
    struct scenario_step *steps = scenario_in_order(scenario, order, &count);
    struct play *play = calloc(1, sizeof(*play));
    char folder[PROCESS_PATH_MAX];
    bool good = false;

    if (steps != NULL && play != NULL && process_scratch(folder, "scenario")) {
        play->scenario = scenario;
        play->show = show;
        if (show)
            timeline_title(play, order);
        good = play_on_stage(play, folder, steps, count) && play->failed == 0;
        play_done(play);
        *ret_expected += play->expected;
        *ret_failed += play->failed;
        if (good || getenv("DOUBLECREW_KEEP") == NULL)
            process_remove_tree(folder);
        else
            fprintf(stderr, "kept: %s\n", folder);
    }
    free(steps);
    free(play);
    return good;
}

struct play *play_in_force(const struct scenario *scenario, const char *folder, bool *ret_good)
{
    size_t count = 0;
    struct scenario_step *steps = scenario_in_order(scenario, 0, &count);
    struct play *play = calloc(1, sizeof(*play));

    if (steps == NULL || play == NULL) {
        free(steps);
        free(play);
        return NULL;
    }
    play->scenario = scenario;
    play->show = true;
    timeline_title(play, 0);
    *ret_good = set_stage(play, folder, steps[0].time_ms) && play_all(play, steps, count) && play->failed == 0;
    free(steps);
    return play;
}

bool play_end(struct play *play)
{
    bool good = server_stop(&play->stage.server);

    play_done(play);
    free(play);
    return good;
}
