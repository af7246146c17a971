/*
 * A few days of a force in memory (fleet.h), told by a seed: joint, lone and part joint visits, company named or not,
 * phones without signal, reboots, clones, carried and co-signed check-ins, check-outs that are forgotten, decisions, words,
 * plans, revocations, policies. The same seed tells the same story on every machine.
 */
#ifndef DOUBLECREW_TESTS_LIB_FLEET_STORY_H
#define DOUBLECREW_TESTS_LIB_FLEET_STORY_H

#include "tests/lib/fleet.h"

struct fleet_story_settings {
    uint64_t seed;
    unsigned visits;
    unsigned days;
    bool forks;       /* phones are cloned or restored from backups */
    bool revocations; /* devices are suspended, lost, taken back */
    bool policies;    /* versions are published on the way */
    bool teams;       /* people and offenders move between two teams */
    bool unseen;      /* decisions may come before what they are about */
};

/* Called after each delivery and tick, when it is not NULL. */
typedef void fleet_story_each(void *context, struct fleet *fleet);

/* Plays the story; the caller frees the fleet. */
struct fleet *fleet_story_play(const struct fleet_story_settings *settings, fleet_story_each *each, void *context);

#endif
