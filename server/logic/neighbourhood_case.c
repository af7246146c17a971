/* From the rows of a neighbourhood to the rule's case. */
#include "server/logic/neighbourhood.h"

#include <string.h>

/* Somebody whom the roster doesn't know is entitled to nothing. */
static enum status officer_index(struct batch *batch, struct neighbourhood *hood, const struct id *officer,
                                 size_t *ret_index)
{
    struct rule_officer *added;
    struct rule_officer_span *spans;
    struct officer_row row;
    size_t span_count, count = hood->rule_case.officer_count;
    enum status status;

    for (size_t i = 0; i < count; i++) {
        if (id_equal(&hood->officers[i].id, officer)) {
            *ret_index = i;
            return STATUS_OK;
        }
    }
    if (count == NEIGHBOURHOOD_OFFICERS_MAX)
        return STATUS_OVER_LIMIT;
    added = &hood->officers[count];
    spans = hood->standings[count];
    hood->codes[count][0] = '\0';
    status = batch->store->ops->officer_get(batch->store, officer, &row);
    if (status == STATUS_OK)
        memcpy(hood->codes[count], row.code, sizeof(row.code));
    else if (status != STATUS_NOT_FOUND)
        return status;
    RETURN_IF_BAD(officer_standing(batch, officer, spans, &span_count));
    *added = (struct rule_officer){.id = *officer,
                                   .accredited = spans[0].accredited,
                                   .entitled_from_us = spans[0].entitled ? INT64_MIN : RULE_FOREVER,
                                   .entitled_to_us = RULE_FOREVER,
                                   .changes = spans + 1,
                                   .change_count = span_count - 1};
    hood->rule_case.officer_count++;
    *ret_index = count;
    return STATUS_OK;
}

static enum status device_add(struct batch *batch, struct neighbourhood *hood, const struct device_row *row,
                              size_t *ret_index)
{
    size_t count = hood->rule_case.device_count;
    struct rule_device *added = &hood->devices[count];

    for (size_t i = 0; i < count; i++) {
        if (id_equal(&hood->devices[i].id, &row->device)) {
            *ret_index = i;
            return STATUS_OK;
        }
    }
    if (count == NEIGHBOURHOOD_DEVICES_MAX)
        return STATUS_OVER_LIMIT;
    *added = (struct rule_device){.id = row->device,
                                  .revoked_as_of_us = row->revoked_as_of_us,
                                  .revocation_recorded_us = row->revocation_recorded_us,
                                  .lost = row->standing == DEVICE_LOST,
                                  .watermark_known = row->watermark_us != INT64_MIN,
                                  .watermark_us = row->watermark_us};
    RETURN_IF_BAD(officer_index(batch, hood, &row->officer, &added->officer));
    hood->rule_case.device_count++;
    *ret_index = count;
    return STATUS_OK;
}

/* Every device that a candidate held then can hold the second presence (W2). */
static enum status add_candidate(struct batch *batch, struct neighbourhood *hood, const struct id *officer,
                                 size_t *ret_index)
{
    struct holder_row holdings[LOGIC_DEVICES_MAX];
    struct device_row device;
    size_t count, ignored;

    RETURN_IF_BAD(officer_index(batch, hood, officer, ret_index));
    RETURN_IF_BAD(batch->store->ops->holdings_of_officer(batch->store, officer, hood->from_us, hood->to_us, holdings,
                                                         LOGIC_DEVICES_MAX, &count));
    for (size_t i = 0; i < count; i++) {
        RETURN_IF_BAD(batch->store->ops->device_by_id(batch->store, &holdings[i].device, &device));
        RETURN_IF_BAD(device_add(batch, hood, &device, &ignored));
    }
    return STATUS_OK;
}

/* F4: who held each device while the neighbourhood lasted. */
static enum status build_holders(struct batch *batch, struct neighbourhood *hood)
{
    for (size_t i = 0; i < hood->rule_case.device_count; i++) {
        struct holder_row rows[NEIGHBOURHOOD_HOLDERS_MAX];
        struct rule_device *device = &hood->devices[i];

        device->holders = hood->holders[i];
        RETURN_IF_BAD(batch->store->ops->holders_of_device(batch->store, &device->id, hood->from_us, hood->to_us, rows,
                                                           NEIGHBOURHOOD_HOLDERS_MAX, &device->holder_count));
        if (device->holder_count == 0) /* all of it was before the device was enrolled: the first one held it */
            RETURN_IF_BAD(batch->store->ops->holders_of_device(batch->store, &device->id, INT64_MIN, RULE_FOREVER, rows,
                                                               NEIGHBOURHOOD_HOLDERS_MAX, &device->holder_count));
        for (size_t k = 0; k < device->holder_count; k++) {
            hood->holders[i][k] = (struct rule_holder_span){rows[k].from_us, RULE_NONE};
            if (!id_is_zero(&rows[k].officer))
                RETURN_IF_BAD(officer_index(batch, hood, &rows[k].officer, &hood->holders[i][k].officer));
        }
    }
    return STATUS_OK;
}

static struct rule_place place_at(const struct neighbourhood *hood, bool known, int32_t latitude_e7,
                                  int32_t longitude_e7, double accuracy_m)
{
    struct rule_place place = {.known = known && hood->has_reference, .accuracy_m = accuracy_m};
    struct geo_point point = {latitude_e7, longitude_e7};

    if (place.known)
        geo_project(&hood->reference, &point, &place.x_m, &place.y_m);
    return place;
}

/* One plane for the case: around the offender's address, else around the first place known. */
static void choose_reference(struct neighbourhood *hood)
{
    hood->has_reference = hood->offender.has_place;
    hood->reference = (struct geo_point){hood->offender.latitude_e7, hood->offender.longitude_e7};
    for (size_t i = 0; i < hood->count && !hood->has_reference; i++) {
        const struct fact_stamp *in = &hood->rows[i].in;

        hood->has_reference = in->has_place;
        hood->reference = (struct geo_point){in->latitude_e7, in->longitude_e7};
    }
}

static enum status offender_index(struct batch *batch, struct neighbourhood *hood, const struct id *offender,
                                  size_t *ret_index)
{
    size_t count = hood->rule_case.offender_count;
    struct rule_offender *added = &hood->offenders[count];
    struct offender_row row;
    enum status status;

    for (size_t i = 0; i < count; i++) {
        if (id_equal(&hood->offenders[i].id, offender)) {
            *ret_index = i;
            return STATUS_OK;
        }
    }
    *added = (struct rule_offender){.id = *offender, .risks = hood->risks[count], .risk_count = 1};
    hood->risks[count][0] = (struct rule_risk_span){INT64_MIN, RULE_RISK_VERY_HIGH};
    status = batch->store->ops->offender_get(batch->store, offender, &row);
    if (status == STATUS_OK) {
        added->at = place_at(hood, row.has_place, row.latitude_e7, row.longitude_e7, 0);
        RETURN_IF_BAD(batch->store->ops->risks_of_offender(batch->store, offender, hood->risks[count],
                                                           NEIGHBOURHOOD_RISKS_MAX, &added->risk_count));
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    hood->rule_case.offender_count++;
    *ret_index = count;
    return STATUS_OK;
}

static uint64_t boot_number(struct neighbourhood *hood, const struct id *log, const struct id *boot)
{
    size_t at = 0;

    while (at < hood->boot_count && !(id_equal(&hood->boots[at].log, log) && id_equal(&hood->boots[at].boot, boot)))
        at++;
    if (at == hood->boot_count) {
        hood->boots[at].log = *log;
        hood->boots[at].boot = *boot;
        hood->boot_count++;
    }
    return at + 1;
}

static size_t row_index(const struct neighbourhood *hood, const struct hash *presence)
{
    for (size_t i = 0; i < hood->count; i++) {
        if (hash_equal(&hood->rows[i].presence, presence))
            return i;
    }
    return RULE_NONE;
}

/* F2: from the fork on, both branches are contested. A contested check-out of a sound check-in counts as none. */
static void mark_contested(const struct device_row *device, const struct presence_row *row,
                           struct rule_presence *presence)
{
    bool branch = !id_equal(&device->log, &row->log);
    bool forked = device->fork_seq != 0;

    presence->contested = branch || (forked && row->in.seq >= device->fork_seq);
    presence->has_out = row->has_out && (presence->contested || !forked || row->out.seq < device->fork_seq);
    presence->in_seq = row->in.seq; /* of two branches the rule compares none; what is before the fork precedes both */
    presence->out_seq = presence->has_out ? row->out.seq : 0;
}

/* Boots are the phone's: one that began before a fork goes on in a branch, whichever branch came first (J3). */
static enum status build_times(struct batch *batch, struct neighbourhood *hood, size_t index, const struct id *log)
{
    struct presence_row *row = &hood->rows[index];
    struct rule_presence *presence = &hood->presences[index];

    RETURN_IF_BAD(presence_bounds(batch, row, &presence->in, &presence->out, &presence->clock_trouble));
    presence->in_boot = boot_number(hood, log, &row->in.boot);
    presence->in_mono_us = row->in.mono_us;
    if (row->has_out) {
        presence->out_boot = boot_number(hood, log, &row->out.boot);
        presence->out_mono_us = row->out.mono_us;
    }
    return STATUS_OK;
}

static enum status build_company(struct batch *batch, struct neighbourhood *hood, size_t index)
{
    const struct presence_row *row = &hood->rows[index];
    struct rule_presence *presence = &hood->presences[index];

    presence->with = row->with;
    presence->agency = row->agency;
    for (size_t i = 0; i < row->named_count; i++) {
        RETURN_IF_BAD(add_candidate(batch, hood, &row->named[i], &presence->named[i]));
        presence->named_count++;
    }
    presence->cosign.presence = row->has_cosign ? row_index(hood, &row->cosign_other) : RULE_NONE;
    presence->cosign.first = row->cosign_first;
    presence->cosign.confirm_known = row->cosign_confirmed;
    presence->cosign.confirm_mono_us = row->cosign_confirm_mono_us;
    presence->cosign.round_trip_us = row->cosign_round_trip_us;
    return STATUS_OK;
}

static enum status build_presence(struct batch *batch, struct neighbourhood *hood, size_t index)
{
    const struct presence_row *row = &hood->rows[index];
    struct rule_presence *presence = &hood->presences[index];
    struct device_row device;

    *presence =
        (struct rule_presence){.id = row->presence, .received_us = row->in.received_us, .outcome = row->outcome};
    RETURN_IF_BAD(batch->store->ops->device_by_id(batch->store, &row->device, &device));
    RETURN_IF_BAD(officer_index(batch, hood, &row->officer, &presence->officer));
    RETURN_IF_BAD(device_add(batch, hood, &device, &presence->device));
    RETURN_IF_BAD(offender_index(batch, hood, &row->offender, &presence->offender));
    mark_contested(&device, row, presence);
    RETURN_IF_BAD(build_times(batch, hood, index, &device.log));
    presence->in_at = place_at(hood, row->in.has_place, row->in.latitude_e7, row->in.longitude_e7, row->in.accuracy_m);
    presence->out_at = place_at(hood, presence->has_out && row->out.has_place, row->out.latitude_e7,
                                row->out.longitude_e7, row->out.accuracy_m);
    hood->from_us = row->from_us < hood->from_us ? row->from_us : hood->from_us;
    hood->to_us = row->to_us > hood->to_us ? row->to_us : hood->to_us;
    return STATUS_OK;
}

static void own_span(const struct neighbourhood *hood, int64_t *ret_from_us, int64_t *ret_to_us)
{
    *ret_from_us = hood->rows[0].from_us;
    *ret_to_us = hood->rows[0].to_us;
    for (size_t i = 1; i < hood->own_count; i++) {
        *ret_from_us = hood->rows[i].from_us < *ret_from_us ? hood->rows[i].from_us : *ret_from_us;
        *ret_to_us = hood->rows[i].to_us > *ret_to_us ? hood->rows[i].to_us : *ret_to_us;
    }
}

static enum status build_plans(struct batch *batch, struct neighbourhood *hood)
{
    struct plan_row rows[NEIGHBOURHOOD_PLANS_MAX];
    int64_t from_us, to_us;
    size_t count, offender;

    own_span(hood, &from_us, &to_us);
    RETURN_IF_BAD(offender_index(batch, hood, &hood->offender.offender, &offender));
    RETURN_IF_BAD(batch->store->ops->plans_at(batch->store, &hood->offender.offender, from_us, to_us, rows,
                                              NEIGHBOURHOOD_PLANS_MAX, &count));
    for (size_t i = 0; i < count; i++) {
        struct rule_plan *plan = &hood->plans[hood->rule_case.plan_count];

        if (rows[i].cancelled)
            continue;
        *plan = (struct rule_plan){.offender = offender, .from_us = rows[i].from_us, .to_us = rows[i].to_us};
        for (; plan->officer_count < rows[i].officer_count; plan->officer_count++)
            RETURN_IF_BAD(add_candidate(batch, hood, &rows[i].officers[plan->officer_count],
                                        &plan->officers[plan->officer_count]));
        hood->rule_case.plan_count++;
    }
    return STATUS_OK;
}

static bool seen_before(const struct neighbourhood *hood, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (hood->presences[i].officer == hood->presences[index].officer)
            return true;
    }
    return false;
}

static enum status build_authorities(struct batch *batch, struct neighbourhood *hood, size_t index)
{
    struct authority_row rows[NEIGHBOURHOOD_WORDS_MAX];
    size_t room = NEIGHBOURHOOD_WORDS_MAX - hood->rule_case.authority_count;
    size_t count;

    if (seen_before(hood, index))
        return STATUS_OK;
    RETURN_IF_BAD(batch->store->ops->authorities_for(batch->store, &hood->rows[index].officer, &hood->offender.offender,
                                                     rows, room, &count));
    for (size_t i = 0; i < count; i++) {
        hood->authorities[hood->rule_case.authority_count++] =
            (struct rule_authority_word){.officer = hood->presences[index].officer,
                                         .offender = hood->presences[index].offender,
                                         .granted = rows[i].granted,
                                         .by = rows[i].by,
                                         .recorded_us = rows[i].recorded_us,
                                         .valid_from_us = rows[i].from_us,
                                         .valid_to_us = rows[i].to_us};
    }
    return STATUS_OK;
}

static enum status build_decisions(struct batch *batch, struct neighbourhood *hood, size_t index)
{
    struct decision_row rows[LOGIC_DECISIONS_MAX];
    size_t count;

    RETURN_IF_BAD(
        batch->store->ops->decisions_on(batch->store, &hood->rows[index].presence, rows, LOGIC_DECISIONS_MAX, &count));
    for (size_t i = 0; i < count; i++) {
        if (hood->rule_case.decision_count == NEIGHBOURHOOD_WORDS_MAX)
            return STATUS_OVER_LIMIT;
        hood->decisions[hood->rule_case.decision_count++] =
            (struct rule_decision){index, rows[i].by, rows[i].counts, rows[i].recorded_us};
    }
    return STATUS_OK;
}

enum status neighbourhood_case(struct batch *batch, struct neighbourhood *hood, int64_t now_us)
{
    hood->rule_case = (struct rule_case){.offenders = hood->offenders,
                                         .officers = hood->officers,
                                         .devices = hood->devices,
                                         .presences = hood->presences,
                                         .presence_count = hood->count,
                                         .plans = hood->plans,
                                         .authorities = hood->authorities,
                                         .decisions = hood->decisions,
                                         .now_us = now_us,
                                         .mono_step_us = RULE_WIRE_STEP_US};
    hood->boot_count = 0;
    hood->from_us = INT64_MAX;
    hood->to_us = INT64_MIN;
    choose_reference(hood);
    for (size_t i = 0; i < hood->count; i++)
        RETURN_IF_BAD(build_presence(batch, hood, i));
    for (size_t i = 0; i < hood->count; i++)
        RETURN_IF_BAD(build_company(batch, hood, i));
    RETURN_IF_BAD(build_plans(batch, hood));
    RETURN_IF_BAD(build_holders(batch, hood));
    for (size_t i = 0; i < hood->own_count; i++)
        RETURN_IF_BAD(build_authorities(batch, hood, i));
    for (size_t i = 0; i < hood->count; i++)
        RETURN_IF_BAD(build_decisions(batch, hood, i));
    return batch_policies(batch, &hood->rule_case.policies, &hood->rule_case.policy_count);
}

static size_t add_id(struct id *officers, size_t count, size_t max, const struct id *officer)
{
    for (size_t i = 0; i < count; i++) {
        if (id_equal(&officers[i], officer))
            return count;
    }
    if (count < max)
        officers[count++] = *officer;
    return count;
}

size_t neighbourhood_candidates(const struct neighbourhood *hood, size_t index, struct id *ret_officers, size_t max)
{
    const struct presence_row *row = &hood->rows[index];
    size_t count = 0;

    for (size_t i = 0; i < row->named_count; i++)
        count = add_id(ret_officers, count, max, &row->named[i]);
    for (size_t i = 0; i < hood->rule_case.plan_count; i++) {
        const struct rule_plan *plan = &hood->plans[i];

        if (plan->from_us > row->to_us || plan->to_us < row->from_us)
            continue;
        for (size_t j = 0; j < plan->officer_count; j++) {
            if (!id_equal(&hood->officers[plan->officers[j]].id, &row->officer))
                count = add_id(ret_officers, count, max, &hood->officers[plan->officers[j]].id);
        }
    }
    return count;
}
