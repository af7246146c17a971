#include "tests/lib/rule_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

int64_t story_us(int64_t minute)
{
    return STORY_EPOCH_US + minute * MIN_US;
}

void story_begin(struct story *story)
{
    struct rule_case *c = &story->rule_case;

    memset(story, 0, sizeof *story);
    rule_policy_default(&story->policies[0]);
    story->policies[1] = story->policies[0];
    for (size_t i = 0; i < 2; i++) {
        story->risks[i] = (struct rule_risk_span){INT64_MIN, RULE_RISK_LOW};
        story->offenders[i] =
            (struct rule_offender){.id = {{'X', (uint8_t)i}}, .risks = &story->risks[0], .risk_count = 1};
    }
    for (size_t i = 0; i < STORY_OFFICERS; i++) {
        story->officers[i] = (struct rule_officer){.id = {{'A', (uint8_t)i}},
                                                   .accredited = true,
                                                   .entitled_from_us = INT64_MIN,
                                                   .entitled_to_us = RULE_FOREVER};
        story->devices[i] = (struct rule_device){.id = {{'d', (uint8_t)i}},
                                                 .officer = i,
                                                 .revoked_as_of_us = RULE_FOREVER,
                                                 .revocation_recorded_us = RULE_FOREVER};
    }
    *c = (struct rule_case){
        .policies = story->policies,
        .policy_count = 1,
        .offenders = story->offenders,
        .offender_count = 2,
        .officers = story->officers,
        .officer_count = STORY_OFFICERS,
        .devices = story->devices,
        .device_count = STORY_OFFICERS,
        .presences = story->presences,
        .plans = story->plans,
        .authorities = story->authorities,
        .decisions = story->decisions,
        .now_us = story_us(1000),
    };
}

struct rule_presence *story_presence(struct story *story, size_t officer, int64_t in_minute, int64_t out_minute)
{
    size_t index = story->rule_case.presence_count++;
    struct rule_presence *presence = &story->presences[index];

    presence->id.bytes[0] = (uint8_t)(index + 1);
    presence->officer = officer;
    presence->device = officer;
    presence->in = story_bounds(in_minute, in_minute);
    presence->has_out = out_minute != STORY_OPEN;
    if (presence->has_out) {
        presence->out = story_bounds(out_minute, out_minute);
    }
    presence->in_boot = 2 * index + 1;
    presence->out_boot = 2 * index + 2;
    presence->received_us = story_us(in_minute);
    presence->cosign.presence = RULE_NONE;
    presence->outcome = RULE_OUTCOME_SEEN;
    return presence;
}

void story_names(struct rule_presence *presence, size_t officer)
{
    presence->with = RULE_WITH_NAMED;
    presence->named[presence->named_count++] = officer;
}

struct rule_instant story_bounds(int64_t lo_minute, int64_t hi_minute)
{
    return (struct rule_instant){story_us(lo_minute), story_us(hi_minute)};
}

struct rule_place story_place(double x_m, double accuracy_m)
{
    return (struct rule_place){.known = true, .x_m = x_m, .accuracy_m = accuracy_m};
}

void story_watermark(struct story *story, size_t device, int64_t minute)
{
    story->devices[device].watermark_known = true;
    story->devices[device].watermark_us = story_us(minute);
}

void story_plan(struct story *story, size_t a, size_t b, int64_t from_minute, int64_t to_minute)
{
    story->plans[story->rule_case.plan_count++] = (struct rule_plan){
        .officers = {a, b}, .officer_count = 2, .from_us = story_us(from_minute), .to_us = story_us(to_minute)};
}

void story_word(struct story *story, char by, bool granted, int64_t recorded_minute)
{
    story->authorities[story->rule_case.authority_count++] = (struct rule_authority_word){
        .granted = granted,
        .by = {{'S', (uint8_t)by}},
        .recorded_us = story_us(recorded_minute),
        .valid_from_us = story_us(-1000),
        .valid_to_us = story_us(2000),
    };
}

void story_decision(struct story *story, size_t presence, char by, bool counts, int64_t recorded_minute)
{
    story->decisions[story->rule_case.decision_count++] = (struct rule_decision){
        .presence = presence, .by = {{'S', (uint8_t)by}}, .counts = counts, .recorded_us = story_us(recorded_minute)};
}

const struct rule_verdict *story_judge(struct story *story)
{
    assert_int_equal(rule_judge(&story->rule_case, story->verdicts), STATUS_OK);
    return story->verdicts;
}
