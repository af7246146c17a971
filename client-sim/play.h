/* Playing a scenario over real sockets, in one order of its statements. */
#ifndef DOUBLECREW_CLIENT_SIM_PLAY_H
#define DOUBLECREW_CLIENT_SIM_PLAY_H

#include "client-sim/relay.h"
#include "client-sim/scenario.h"
#include "client-sim/stage.h"

#define PLAY_TOLD_MAX 256 /* presences whose last shown verdict is remembered */

struct play {
    const struct scenario *scenario;
    struct stage stage;
    struct person people[SCENARIO_PEOPLE_MAX];
    struct relay *relays[SCENARIO_PEOPLE_MAX]; /* NULL: straight to the server */
    struct dc_id offender_ids[SCENARIO_OFFENDERS_MAX];
    struct dc_place offender_places[SCENARIO_OFFENDERS_MAX]; /* the addresses on record */
    bool show;
    size_t expected; /* expectations checked */
    size_t failed;
    enum dc_status refused; /* what a device said last to an act that it refused */
    char fault[512];        /* what the last failed one found instead */
    int64_t shown_ms;
    struct {
        struct dc_hash presence;
        char why[512];
    } told[PLAY_TOLD_MAX]; /* what the timeline said last of each */
    size_t told_count;
    uint64_t
        acknowledged_facts; /* at the last SIGKILL: acknowledged to the devices, and found in the store afterwards */
    uint64_t found_facts;
};

/* True when every expectation holds. show: print the timeline. Adds to ret_expected and ret_failed. */
bool play_scenario(const struct scenario *scenario, size_t order, bool show, size_t *ret_expected, size_t *ret_failed);

/*
 * The same in a force that is there already: people and offenders declared in the scenario must be on its roster. The play
 * is left open for a report; play_end() stops the server gracefully, closes and frees it. NULL when there is no memory.
 */
struct play *play_in_force(const struct scenario *scenario, const char *folder, bool *ret_good);
bool play_end(struct play *play);

/* One act; false with a sentence in play->fault when it can't be done. */
bool play_act(struct play *play, const struct scenario_step *step);
/* One expectation; false with a sentence in play->fault. */
bool play_expect(struct play *play, const struct scenario_step *step);

/* The supervisor's device that watches an offender: the first supervisor of its team. */
struct person *play_observer(struct play *play, size_t offender);

#endif
