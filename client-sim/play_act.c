/* What people do in a scenario, by the device library's public functions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-sim/play.h"

#define PHONE_ACCURACY_M 20
#define METRES_PER_DEGREE 111320.0

static bool done(struct play *play, enum dc_status status)
{
    if (status == DC_OK)
        return true;
    play->refused = status;
    snprintf(play->fault, sizeof(play->fault), "the device says: %s. %s.", dc_status_what(status),
             dc_status_advice(status));
    return false;
}

static bool fault(struct play *play, const char *text)
{
    snprintf(play->fault, sizeof(play->fault), "%s", text);
    return false;
}

/* Where the phone stands: at the offender's address unless the statement says otherwise. */
static struct dc_place place_of(const struct play *play, const struct scenario_step *step, size_t offender)
{
    struct dc_place place = {.known = false, .accuracy_m = PHONE_ACCURACY_M};
    const struct dc_place *home = &play->offender_places[offender];

    if (step->place.where == WHERE_NONE)
        return place;
    if (step->place.where == WHERE_AT) {
        place.known = true;
        place.latitude_e7 = step->place.latitude_e7;
        place.longitude_e7 = step->place.longitude_e7;
        return place;
    }
    place.known = home->known;
    place.latitude_e7 = home->latitude_e7;
    place.longitude_e7 = home->longitude_e7;
    if (step->place.where == WHERE_AWAY)
        place.latitude_e7 += (int32_t)lround(step->place.away_m / METRES_PER_DEGREE * 1e7);
    return place;
}

static struct dc_check_in check_in_of(const struct play *play, const struct scenario_step *step)
{
    struct dc_check_in check_in = {.offender = play->offender_ids[step->offender],
                                   .with = (enum dc_with)step->with,
                                   .agency = step->agency[0] != '\0' ? step->agency : NULL,
                                   .place = place_of(play, step, step->offender)};

    if (step->with == SCENARIO_WITH_NAMED) {
        for (size_t i = 0; i < step->other_count; i++)
            check_in.named[check_in.named_count++] = play->people[step->others[i]].package.officer;
    }
    return check_in;
}

static bool keep_presence(struct play *play, struct person *person, const struct dc_hash *id, size_t offender)
{
    if (person->presence_count == PERSON_PRESENCES_MAX)
        return fault(play, "too many visits of one person");
    person->presences[person->presence_count++] =
        (struct person_presence){.id = *id, .offender = play->offender_ids[offender]};
    return true;
}

static bool act_check_in(struct play *play, const struct scenario_step *step)
{
    struct person *person = &play->people[step->actor];
    struct dc_check_in check_in = check_in_of(play, step);
    struct dc_hash id;

    return done(play, dc_check_in(person->device, &check_in, &id)) && keep_presence(play, person, &id, step->offender);
}

static bool act_check_out(struct play *play, const struct scenario_step *step)
{
    struct person *person = &play->people[step->actor];
    const struct dc_id *at = step->offender != SCENARIO_NONE ? &play->offender_ids[step->offender] : NULL;
    struct person_presence *presence = person_open_presence(person, at);
    size_t offender = 0;

    if (presence == NULL)
        return fault(play, "there is no open visit to check out of");
    while (!ids_equal(&play->offender_ids[offender], &presence->offender))
        offender++;

    struct dc_place place = place_of(play, step, offender);

    if (!done(play, dc_check_out(person->device, &presence->id, &place, NULL)))
        return false;
    presence->checked_out = true;
    return true;
}

/* Both phones at the door: A checks in and shows a code, B reads it and shows its own, A confirms. */
struct cosigning {
    enum dc_status status;
    uint8_t code[DC_CODE_SIZE_MAX];
    size_t size;
};

static void on_code(void *context, enum dc_status status, const uint8_t *code, size_t size)
{
    struct cosigning *cosigning = context;

    cosigning->status = status;
    cosigning->size = 0;
    if (status == DC_OK && size <= sizeof(cosigning->code)) {
        memcpy(cosigning->code, code, size);
        cosigning->size = size;
    }
}

static bool act_cosign(struct play *play, const struct scenario_step *step)
{
    struct person *first = &play->people[step->actor];
    struct person *second = &play->people[step->others[0]];
    struct dc_check_in check_in = check_in_of(play, step);
    struct cosigning shown = {.status = DC_OK};
    struct cosigning reply = {.status = DC_OK};
    struct dc_hash first_id;
    struct dc_hash second_id;

    check_in.with = DC_WITH_NAMED;
    check_in.named[0] = second->package.officer;
    check_in.named_count = 1;
    if (!done(play, dc_check_in(first->device, &check_in, &first_id)) ||
        !keep_presence(play, first, &first_id, step->offender) ||
        !done(play, dc_cosign_show(first->device, &first_id, on_code, &shown)) || !done(play, shown.status))
        return false;
    play->stage.clock.now_ms += step->number * 500; /* half the round trip */
    if (!done(play, dc_cosign_read(second->device, shown.code, shown.size, &check_in, &second_id, on_code, &reply)) ||
        !keep_presence(play, second, &second_id, step->offender) || !done(play, reply.status))
        return false;
    play->stage.clock.now_ms += step->number * 500;
    return done(play, dc_cosign_confirm(first->device, reply.code, reply.size, NULL));
}

static enum dc_outcome_code outcome_of(const char *word)
{
    static const char *const words[] = {"", "seen", "not_in", "refused", "moved", "custody", "aborted"};

    for (size_t i = 1; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i], word) == 0)
            return (enum dc_outcome_code)i;
    }
    return DC_OUTCOME_NONE;
}

static bool act_outcome(struct play *play, const struct scenario_step *step)
{
    struct person *person = &play->people[step->actor];
    const struct dc_id *at = step->offender != SCENARIO_NONE ? &play->offender_ids[step->offender] : NULL;
    struct person_presence *presence = person_presence_at(person, at, false);

    if (presence == NULL)
        return fault(play, "there is no visit to record an outcome of");
    return done(play, dc_outcome(person->device, &presence->id, outcome_of(step->word), NULL));
}

static bool act_note(struct play *play, const struct scenario_step *step)
{
    struct person *person = &play->people[step->actor];
    struct person_presence *presence = person_presence_at(person, NULL, false);
    struct dc_subject subject = {.is_presence = step->offender == SCENARIO_NONE};

    if (step->offender != SCENARIO_NONE)
        subject.offender = play->offender_ids[step->offender];
    else if (presence != NULL)
        subject.presence = presence->id;
    else {
        /* An account of no visit is about the first offender of the caseload, as a day's note would be. */
        subject.is_presence = false;
        subject.offender = play->offender_ids[0];
    }
    return done(play, dc_note(person->device, &subject, step->text, NULL, NULL));
}

static bool act_edit(struct play *play, const struct scenario_step *step)
{
    struct dc_subject subject = {.offender = play->offender_ids[step->offender]};
    struct dc_field_change change = {.field = step->word,
                                     .change = step->act == ACT_SET_ADD      ? DC_CHANGE_SET_ADD
                                               : step->act == ACT_SET_REMOVE ? DC_CHANGE_SET_REMOVE
                                                                             : DC_CHANGE_TEXT,
                                     .value = step->text};

    return done(play, dc_edit(play->people[step->actor].device, &subject, &change, 1, NULL));
}

static bool act_plan(struct play *play, const struct scenario_step *step)
{
    struct person *person = &play->people[step->actor];
    struct dc_plan plan = {.offender = play->offender_ids[step->offender],
                           .officers = {person->package.officer},
                           .officer_count = 1,
                           .from_ms = step->from_ms,
                           .to_ms = step->to_ms};
    struct dc_id plan_id;

    for (size_t i = 0; i < step->other_count && plan.officer_count < DC_NAMED_MAX; i++)
        plan.officers[plan.officer_count++] = play->people[step->others[i]].package.officer;
    return done(play, dc_plan_visit(person->device, &plan, &plan_id, NULL));
}

static bool act_authority(struct play *play, const struct scenario_step *step)
{
    struct dc_authority_word word = {.officer = play->people[step->others[0]].package.officer,
                                     .offender = play->offender_ids[step->offender],
                                     .granted = step->yes,
                                     .from_ms = step->from_ms,
                                     .to_ms = step->to_ms,
                                     .words = step->text};

    return done(play, dc_authority_word(play->people[step->actor].device, &word, NULL));
}

static bool act_request(struct play *play, const struct scenario_step *step)
{
    struct dc_authority_request request = {.offender = play->offender_ids[step->offender],
                                           .from_ms = step->from_ms,
                                           .to_ms = step->to_ms,
                                           .risk_assessment = step->text};

    return done(play, dc_authority_request(play->people[step->actor].device, &request, NULL));
}

struct request_search {
    struct dc_id officer;
    struct dc_id offender;
    struct dc_hash request;
    bool found;
};

static bool on_request(void *context, const struct dc_authority_request_read *request)
{
    struct request_search *search = context;

    if (ids_equal(&request->asked.officer, &search->officer) &&
        ids_equal(&request->asked.offender, &search->offender)) {
        search->request = request->request;
        search->found = true;
    }
    return true;
}

/* By what stands on the supervisor's own device. */
static bool act_answer_request(struct play *play, const struct scenario_step *step)
{
    struct person *supervisor = &play->people[step->actor];
    struct request_search search = {.officer = play->people[step->others[0]].package.officer,
                                    .offender = play->offender_ids[step->offender]};
    struct dc_authority_word word = {.granted = step->yes, .words = step->text};

    if (!done(play, dc_each_authority_request(supervisor->device, NULL, on_request, &search)))
        return false;
    if (!search.found)
        return fault(play, "there is no such request on the supervisor's device");
    word.request = search.request;
    return done(play, dc_authority_word(supervisor->device, &word, NULL));
}

/* One phone hands its unsent records to another, which takes them along in its own log. */
struct handing_over {
    struct dc_device *to;
    enum dc_status status;
    unsigned count;
};

static bool on_export(void *context, enum dc_status status, const uint8_t *push, size_t size)
{
    struct handing_over *handing = context;

    if (status == DC_OK && push != NULL) {
        status = dc_carry(handing->to, push, size, NULL);
        handing->count++;
    }
    handing->status = status == DC_OK ? handing->status : status;
    return status == DC_OK;
}

static bool act_carry(struct play *play, const struct scenario_step *step)
{
    struct handing_over handing = {.to = play->people[step->actor].device, .status = DC_OK};
    struct person *from = &play->people[step->others[0]];

    if (from->device == NULL)
        return fault(play, "that phone is dead");
    if (!done(play, dc_export_pending(from->device, on_export, &handing)) || !done(play, handing.status))
        return false;
    return handing.count > 0 || fault(play, "that phone has nothing unsent");
}

struct flag_search {
    const char *kind;
    struct dc_id officer;
    struct dc_id offender;
    struct dc_hash flag;
    bool found;
};

static bool on_flag(void *context, const struct dc_flag *flag)
{
    struct flag_search *search = context;

    if (strcmp(flag->kind, search->kind) == 0 && ids_equal(&flag->officer, &search->officer) &&
        ids_equal(&flag->offender, &search->offender)) {
        search->flag = flag->flag;
        search->found = true;
    }
    return true;
}

static bool act_acknowledge(struct play *play, const struct scenario_step *step)
{
    struct person *supervisor = &play->people[step->actor];
    struct flag_search search = {.kind = step->word,
                                 .officer = play->people[step->others[0]].package.officer,
                                 .offender = play->offender_ids[step->offender]};

    if (!done(play, dc_each_flag(supervisor->device, NULL, on_flag, &search)))
        return false;
    if (!search.found)
        return fault(play, "there is no such flag on the supervisor's device");
    return done(play, dc_acknowledge_flag(supervisor->device, &search.flag, NULL));
}

static bool act_answer(struct play *play, const struct scenario_step *step)
{
    struct person *officer = &play->people[step->actor];
    struct flag_search search = {
        .kind = step->word, .officer = officer->package.officer, .offender = play->offender_ids[step->offender]};

    if (!done(play, dc_each_flag(officer->device, NULL, on_flag, &search)))
        return false;
    if (!search.found)
        return fault(play, "there is no such flag on the officer's device");
    return done(play, dc_answer_flag(officer->device, &search.flag, step->text, NULL));
}

static bool act_decide(struct play *play, const struct scenario_step *step)
{
    struct person *officer = &play->people[step->others[0]];
    struct person_presence *presence = person_presence_at(officer, &play->offender_ids[step->offender], false);
    struct dc_decision decision = {.appropriate = step->yes, .reason_code = step->word, .words = step->text};

    if (presence == NULL)
        return fault(play, "there is no visit to decide on");
    decision.presence = presence->id;
    return done(play, dc_decide(play->people[step->actor].device, &decision, NULL));
}

static bool on_cover(void *context, const struct dc_cover_read *cover)
{
    *(struct dc_cover *)context = cover->now;
    return false;
}

/* Who is back says so of the window that holds now: what they recorded of later ones stands. */
static bool act_cover(struct play *play, const struct scenario_step *step)
{
    struct person *away = &play->people[step->actor];
    struct dc_cover cover = {.officer = away->package.officer, .from_ms = step->from_ms, .to_ms = step->to_ms};
    struct dc_cover now = {.to_ms = 0};

    if (step->other_count > 0)
        cover.by = play->people[step->others[0]].package.officer;
    else if (dc_each_cover(away->device, &cover.officer, on_cover, &now) != DC_OK)
        return fault(play, "nobody stands in for them");
    else
        cover.to_ms = now.to_ms;
    if (cover.from_ms == 0)
        cover.from_ms = step->time_ms;
    return done(play, dc_cover(away->device, &cover, NULL));
}

/* Online until everything is delivered and received, then as before. */
static bool act_sync(struct play *play, const struct scenario_step *step)
{
    struct person *person = &play->people[step->actor];
    bool before = person->wants_online;

    if (!stage_online(person, true) || !stage_settle(&play->stage, step->time_ms))
        return fault(play, "the device could not sync");
    return before || stage_online(person, false);
}

static uint64_t acknowledged_so_far(const struct play *play)
{
    uint64_t entries = 0;

    for (size_t i = 0; i < play->scenario->person_count; i++)
        entries += play->people[i].durable_seq;
    return entries;
}

/* With people named: in the middle of their sync, right after the first of them has an acknowledgement. */
static bool act_server_kill(struct play *play, const struct scenario_step *step)
{
    uint64_t before = acknowledged_so_far(play);
    int64_t until_us = real_us() + STAGE_SETTLE_LIMIT_MS * INT64_C(1000);

    for (size_t i = 0; i < step->other_count; i++) {
        if (!stage_online(&play->people[step->others[i]], true))
            return fault(play, "the device could not go online");
    }
    while (step->other_count > 0 && acknowledged_so_far(play) == before) {
        if (real_us() > until_us || !stage_serve(&play->stage, 5))
            return fault(play, "nothing was acknowledged");
    }
    stage_kill_server(&play->stage);
    play->acknowledged_facts = acknowledged_so_far(play);
    return true;
}

/* What the store holds of everybody's log, by doublecrewctl: not by what the devices believe. */
static uint64_t found_in_store(struct play *play)
{
    const char *const arguments[] = {"list", "devices", "--dir", play->stage.folder, NULL};
    char *text = process_read_ctl(arguments);
    uint64_t found = 0;

    for (size_t i = 0; text != NULL && i < play->scenario->person_count; i++) {
        const struct person *person = &play->people[i];
        unsigned long long entries = 0;
        char hex[33];
        for (size_t j = 0; j < 16; j++)
            snprintf(hex + 2 * j, 3, "%02x", person->package.device.bytes[j]);
        const char *cell = strstr(text, hex);
        for (size_t j = 0; j < 3 && cell != NULL; j++) /* device, officer, standing, entries */
            cell = strchr(cell, '\t') != NULL ? strchr(cell, '\t') + 1 : NULL;
        if (cell != NULL)
            entries = strtoull(cell, NULL, 10);
        found += entries < person->durable_seq ? entries : person->durable_seq;
    }
    free(text);
    return found;
}

static bool act_server_start(struct play *play)
{
    if (!stage_restart_server(&play->stage))
        return fault(play, "the server did not start again");
    play->found_facts = found_in_store(play);
    if (play->found_facts == play->acknowledged_facts)
        return true;
    snprintf(play->fault, sizeof(play->fault), "acknowledged facts: %llu, found after restart: %llu",
             (unsigned long long)play->acknowledged_facts, (unsigned long long)play->found_facts);
    return false;
}

static bool act_lose_ack(struct play *play, size_t actor)
{
    relay_lose_next_answer(play->relays[actor]);
    return true;
}

static bool act_die(struct play *play, size_t actor)
{
    play->people[actor].dead = true;
    person_close(&play->people[actor]);
    return true;
}

static bool act_of_person(struct play *play, const struct scenario_step *step)
{
    struct person *person = &play->people[step->actor];

    if (person->device == NULL)
        return fault(play, "this phone is dead");
    switch (step->act) {
    case ACT_OFFLINE:
        return stage_online(person, false);
    case ACT_ONLINE:
        return stage_online(person, true);
    case ACT_SYNC:
        return act_sync(play, step);
    case ACT_CHECK_IN:
        return act_check_in(play, step);
    case ACT_CHECK_OUT:
        return act_check_out(play, step);
    case ACT_COSIGN:
        return act_cosign(play, step);
    case ACT_OUTCOME:
        return act_outcome(play, step);
    case ACT_NOTE:
        return act_note(play, step);
    case ACT_EDIT:
    case ACT_SET_ADD:
    case ACT_SET_REMOVE:
        return act_edit(play, step);
    case ACT_PLAN:
        return act_plan(play, step);
    case ACT_AUTHORITY:
        return act_authority(play, step);
    case ACT_REQUEST:
        return act_request(play, step);
    case ACT_ANSWER_REQUEST:
        return act_answer_request(play, step);
    case ACT_CARRY:
        return act_carry(play, step);
    case ACT_ANSWER:
        return act_answer(play, step);
    case ACT_ACKNOWLEDGE:
        return act_acknowledge(play, step);
    case ACT_DECIDE:
        return act_decide(play, step);
    case ACT_COVER:
        return act_cover(play, step);
    case ACT_REBOOT:
        return person_reboot(person, play->stage.loop) || fault(play, "the phone did not start again");
    case ACT_LOSE_ACK:
        return act_lose_ack(play, step->actor);
    case ACT_DIE:
        return act_die(play, step->actor);
    default:
        return fault(play, "this statement can't be played");
    }
}

bool play_act(struct play *play, const struct scenario_step *step)
{
    play->stage.clock.acted_real_us = real_us();
    if (step->act == ACT_SERVER_KILL)
        return act_server_kill(play, step);
    if (step->act == ACT_SERVER_START)
        return act_server_start(play);
    if (step->refused[0] == '\0')
        return act_of_person(play, step);
    play->refused = DC_OK;
    if (act_of_person(play, step))
        return fault(play, "the device took it");
    return strcmp(dc_status_name(play->refused), step->refused) == 0;
}
