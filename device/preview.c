#include "device/preview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/preview_case.h"

#define US_PER_MS 1000
#define US_PER_S 1000000

static const char *why_of(enum rule_company company)
{
    static const char *const sentences[] = {
        [RULE_COMPANY_HELD] = "This evidence is held until a supervisor decides.",
        [RULE_COMPANY_UNDER_WAY] = "The visit is under way; no second officer is known on this phone yet.",
        [RULE_COMPANY_JOINT_SO_FAR] = "A second officer is present so far.",
        [RULE_COMPANY_JOINT] = "A second officer's own presence covers this one.",
        [RULE_COMPANY_TIME_UNPROVEN] = "This phone can't prove the times; the next sync may.",
        [RULE_COMPANY_AWAITING_SECOND] = "The second officer's own check-in isn't known on this phone yet.",
        [RULE_COMPANY_ACCOMPANIED] = "A second person was there who doesn't make it joint.",
        [RULE_COMPANY_PART_JOINT] = "A second officer was there for a part of the time only.",
        [RULE_COMPANY_LONE_PROVISIONAL] = "No second officer is named or known on this phone.",
        [RULE_COMPANY_LONE_CONFIRMED] = "The officer stated that they were alone.",
    };

    return (size_t)company < sizeof sentences / sizeof *sentences ? sentences[company] : "";
}

static void write_awaits(const struct dc_device *device, const struct preview_case *preview,
                         const struct rule_presence *presence, const struct rule_verdict *verdict,
                         char ret_text[DEVICE_TEXT_MAX])
{
    bool own = presence->in_seq > device->sync.durable_seq || device->head.seq > device->sync.durable_seq;
    bool partner = (verdict->reasons & RULE_REASON_AWAITS_CANDIDATE) != 0 ||
                   verdict->company == RULE_COMPANY_AWAITING_SECOND ||
                   verdict->company == RULE_COMPANY_LONE_PROVISIONAL;

    snprintf(ret_text, DEVICE_TEXT_MAX, "%s%s%s%s", own ? "This phone's next sync. " : "",
             partner ? "The second officer's phone's sync. " : "",
             preview->roster_known ? "" : "The roster, which this phone doesn't hold yet. ",
             verdict->reasons & RULE_REASON_OPEN ? "The check-out. " : "");
    if (ret_text[0]) {
        ret_text[strlen(ret_text) - 1] = '\0';
    }
}

static uint32_t seconds(int64_t us)
{
    return us < 0 ? 0 : us / US_PER_S > UINT32_MAX ? UINT32_MAX : (uint32_t)(us / US_PER_S);
}

static int64_t ms_of(int64_t us)
{
    return us == INT64_MIN || us == RULE_FOREVER ? 0 : us / US_PER_MS;
}

static void fill(struct dc_device *device, const struct preview_case *preview, size_t index,
                 const struct rule_verdict *verdict, struct dc_presence *ret_presence)
{
    const struct rule_presence *presence = &preview->presences[index];

    snprintf(device->texts.why, sizeof device->texts.why, "%s", why_of(verdict->company));
    write_awaits(device, preview, presence, verdict, device->texts.awaits);
    *ret_presence = (struct dc_presence){
        .in_from_ms = ms_of(presence->in.lo_us),
        .in_to_ms = ms_of(presence->in.hi_us),
        .out_from_ms = presence->has_out ? ms_of(presence->out.lo_us) : 0,
        .out_to_ms = presence->has_out ? ms_of(presence->out.hi_us) : 0,
        .outcome = (enum dc_outcome_code)presence->outcome,
        .own = true,
        .verdict = {.company = rule_company_name(verdict->company),
                    .confirmed_by = rule_confirmed_name(verdict->confirmed_by),
                    .grade = rule_grade_name(verdict->grade),
                    .authority = "", /* words on authority don't reach phones: the server knows them */
                    .alone_min_s = seconds(verdict->alone_min_us),
                    .alone_max_s = seconds(verdict->alone_max_us),
                    .reasons = verdict->reasons,
                    .why = device->texts.why,
                    .awaits = device->texts.awaits,
                    .due_met = false,
                    .as_of_ms = preview->now_us / US_PER_MS,
                    .preview = true}};
    memcpy(ret_presence->presence.bytes, presence->id.bytes, HASH_SIZE);
    memcpy(ret_presence->offender.bytes, preview->offenders[presence->offender].id.bytes, ID_SIZE);
    memcpy(ret_presence->officer.bytes, preview->officers[presence->officer].id.bytes, ID_SIZE);
    memcpy(ret_presence->device.bytes, device->identity.device.bytes, ID_SIZE);
    memcpy(ret_presence->attendance.bytes, preview->presences[verdict->attendance].id.bytes, HASH_SIZE);
}

enum status preview_presence(struct dc_device *device, const struct hash *presence, struct dc_presence *ret_presence)
{
    struct rule_verdict verdicts[RULE_PRESENCES_MAX];
    struct preview_case *preview = NULL;
    size_t index = 0;
    enum status status = preview_case_build(device, presence, &preview, &index);

    if (status != STATUS_OK) {
        return status;
    }
    struct rule_case rule_case = {.policies = preview->policies,
                                  .policy_count = preview->policy_count,
                                  .offenders = preview->offenders,
                                  .offender_count = preview->offender_count,
                                  .officers = preview->officers,
                                  .officer_count = preview->officer_count,
                                  .devices = preview->devices,
                                  .device_count = preview->device_count,
                                  .presences = preview->presences,
                                  .presence_count = preview->presence_count,
                                  .plans = preview->plans,
                                  .plan_count = preview->plan_count,
                                  .now_us = preview->now_us,
                                  .mono_step_us = RULE_WIRE_STEP_US};

    status = rule_judge(&rule_case, verdicts);
    if (status == STATUS_OK) {
        fill(device, preview, index, &verdicts[index], ret_presence);
    }
    free(preview);
    return status;
}

enum dc_status dc_preview(struct dc_device *device, const struct dc_hash *presence, struct dc_verdict *ret_verdict)
{
    struct dc_presence judged;
    struct hash id;
    enum status status;

    memcpy(id.bytes, presence->bytes, HASH_SIZE);
    status = preview_presence(device, &id, &judged);
    if (status == STATUS_OK) {
        *ret_verdict = judged.verdict;
    }
    return public_status(status);
}
