#include "device/preview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rule_explain.h"
#include "device/preview_case.h"
#include "device/preview_words.h"
#include "device/row_read.h"
#include "device/view_rows.h"

#define US_PER_MS 1000
#define US_PER_S 1000000

/* Who is meant, by the roster that is cached here; the server's sentence names people by their code as well. */
struct names {
    char codes[PREVIEW_OFFICERS_MAX][PREVIEW_CODE_SIZE];
};

static bool read_code(void *context, const Doublecrew__V1__Row *row)
{
    struct row_officer officer;

    row_read_officer(row->officer, &officer);
    (void)snprintf(context, PREVIEW_CODE_SIZE, "%s", officer.officer.code);
    return false;
}

static enum status read_names(struct dc_device *device, const struct preview_case *preview, struct names *ret_names)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < preview->officer_count && status == STATUS_OK; i++) {
        struct dc_id officer;
        struct view_key key;

        memcpy(officer.bytes, preview->officers[i].id.bytes, ID_SIZE);
        key = view_key_id('o', &officer);
        ret_names->codes[i][0] = '\0';
        status = view_each(device, &key, DOUBLECREW__V1__ROW__ROW_OFFICER, read_code, ret_names->codes[i], NULL);
    }
    return status;
}

static const char *name_of(const void *context, size_t officer)
{
    const struct names *names = context;

    return names->codes[officer][0] != '\0' ? names->codes[officer] : NULL;
}

/* Rounded outwards, as in the server's rows. */
static uint32_t seconds(int64_t us, bool up)
{
    int64_t whole = us / US_PER_S + (up && us % US_PER_S > 0);

    return us < 0 ? 0 : whole > UINT32_MAX ? UINT32_MAX : (uint32_t)whole;
}

static int64_t ms_of(int64_t us)
{
    return us == INT64_MIN || us == RULE_FOREVER ? 0 : us / US_PER_MS;
}

static void fill(struct dc_device *device, const struct preview_case *preview, size_t index,
                 const struct rule_verdict *verdict, struct dc_presence *ret_presence)
{
    const struct rule_presence *presence = &preview->presences[index];

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
                    .alone_min_s = seconds(verdict->alone_min_us, false),
                    .alone_max_s = seconds(verdict->alone_max_us, true),
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
    struct rule_case rule_case;
    struct names names;
    size_t index = 0;
    enum status status = preview_case_build(device, presence, &preview, &index);

    if (status != STATUS_OK) {
        return status;
    }
    if (preview->told && !preview->complete && !preview->news) {
        free(preview);
        return preview_told(device, presence, ret_presence); /* it saw what this phone may not, and nothing is new */
    }
    preview_case_view(preview, &rule_case);
    status = rule_judge(&rule_case, verdicts);
    if (status == STATUS_OK) {
        status = read_names(device, preview, &names);
    }
    if (status == STATUS_OK) {
        (void)rule_explain(&rule_case, verdicts, index, name_of, &names, device->texts.why, sizeof device->texts.why);
        preview_write_awaits(device, preview, index, &verdicts[index], names.codes);
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
