/* What a scenario expects, checked on real devices' rows. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "client-sim/play.h"

static bool fault(struct play *play, const char *text)
{
    snprintf(play->fault, sizeof(play->fault), "%s", text);
    return false;
}

/* A presence row, copied out of the callback. */
struct seen_presence {
    bool found;
    char company[24];
    char confirmed_by[16];
    char grade[4];
    char authority[24];
    char why[256];
    uint32_t alone_min_s;
    uint32_t alone_max_s;
    bool due_met;
    enum dc_outcome_code outcome;
};

static bool on_presence(void *context, const struct dc_presence *row)
{
    struct seen_presence *seen = context;

    if (row->verdict.preview)
        return true;
    seen->found = true;
    snprintf(seen->company, sizeof(seen->company), "%s", row->verdict.company);
    snprintf(seen->confirmed_by, sizeof(seen->confirmed_by), "%s", row->verdict.confirmed_by);
    snprintf(seen->grade, sizeof(seen->grade), "%s", row->verdict.grade);
    snprintf(seen->authority, sizeof(seen->authority), "%s", row->verdict.authority);
    snprintf(seen->why, sizeof(seen->why), "%s", row->verdict.why);
    seen->alone_min_s = row->verdict.alone_min_s;
    seen->alone_max_s = row->verdict.alone_max_s;
    seen->due_met = row->verdict.due_met;
    seen->outcome = row->outcome;
    return true;
}

static const char *outcome_name(enum dc_outcome_code outcome)
{
    static const char *const names[] = {"none", "seen", "not_in", "refused", "moved", "custody", "aborted"};

    return (size_t)outcome < sizeof(names) / sizeof(names[0]) ? names[outcome] : "unknown";
}

static bool alone_fits(const struct scenario_alone *alone, const struct seen_presence *seen)
{
    if (alone->holds_s >= 0 && (alone->holds_s < seen->alone_min_s || alone->holds_s > seen->alone_max_s))
        return false;
    if (alone->at_most_s >= 0 && seen->alone_max_s > alone->at_most_s)
        return false;
    return alone->at_least_s < 0 || seen->alone_min_s >= alone->at_least_s;
}

static bool text_fits(const char *wanted, const char *found)
{
    return wanted[0] == '\0' || strcmp(wanted, found) == 0;
}

static bool verdict_fits(const struct scenario_step *step, const struct seen_presence *seen)
{
    return strcmp(step->word, seen->company) == 0 && text_fits(step->confirmed_by, seen->confirmed_by) &&
           text_fits(step->grade, seen->grade) && text_fits(step->authority, seen->authority) &&
           text_fits(step->outcome, outcome_name(seen->outcome)) && alone_fits(&step->alone, seen) &&
           (!step->has_due || step->yes == seen->due_met);
}

static bool expect_verdict(struct play *play, const struct scenario_step *step)
{
    struct person *observer = play_observer(play, step->offender);
    struct person_presence *presence =
        person_presence_at(&play->people[step->actor], &play->offender_ids[step->offender], step->number == 1);
    struct seen_presence seen = {.found = false};

    if (presence == NULL)
        return fault(play, "nobody checked in there");
    if (dc_each_presence(observer->device, &presence->id, on_presence, &seen) != DC_OK || !seen.found)
        return fault(play, "found: the supervisor's device has no verdict on it");
    if (verdict_fits(step, &seen))
        return true;
    snprintf(play->fault, sizeof(play->fault),
             "found: %s%s%s, grade %s, alone %u to %u s, authority %s, outcome %s, due %s: \"%.180s\"", seen.company,
             seen.confirmed_by[0] != '\0' ? " by " : "", seen.confirmed_by, seen.grade[0] != '\0' ? seen.grade : "none",
             seen.alone_min_s, seen.alone_max_s, seen.authority, outcome_name(seen.outcome),
             seen.due_met ? "met" : "not met", seen.why);
    return false;
}

/* said: the server's verdict, asked for when the step names none. */
static bool preview_fits(const struct scenario_step *step, const struct dc_verdict *verdict,
                         const struct seen_presence *said)
{
    struct seen_presence seen = {.alone_min_s = verdict->alone_min_s, .alone_max_s = verdict->alone_max_s};

    if (!verdict->preview)
        return false;
    if (step->word[0] == '\0')
        return said->found && strncmp(said->why, verdict->why, sizeof(said->why) - 1) == 0 &&
               strcmp(said->company, verdict->company) == 0 && strcmp(said->grade, verdict->grade) == 0;
    snprintf(seen.company, sizeof(seen.company), "%s", verdict->company);
    snprintf(seen.confirmed_by, sizeof(seen.confirmed_by), "%s", verdict->confirmed_by);
    snprintf(seen.grade, sizeof(seen.grade), "%s", verdict->grade);
    return verdict_fits(step, &seen);
}

static bool expect_preview(struct play *play, const struct scenario_step *step)
{
    struct person *person = &play->people[step->actor];
    struct person_presence *presence = person_presence_at(person, &play->offender_ids[step->offender], false);
    struct seen_presence seen = {.found = false};
    struct dc_verdict verdict;

    if (presence == NULL || person->device == NULL)
        return fault(play, "nobody checked in there");
    if (step->word[0] == '\0' &&
        dc_each_presence(play_observer(play, step->offender)->device, &presence->id, on_presence, &seen) != DC_OK)
        return fault(play, "found: the supervisor's device has no verdict on it");
    if (dc_preview(person->device, &presence->id, &verdict) != DC_OK)
        return fault(play, "found: the phone gives no preview");
    if (preview_fits(step, &verdict, &seen))
        return true;
    snprintf(play->fault, sizeof(play->fault), "found: the phone previews %s, grade %s, alone %u to %u s: \"%.220s\"",
             verdict.company, verdict.grade[0] != '\0' ? verdict.grade : "none", verdict.alone_min_s,
             verdict.alone_max_s, verdict.why);
    return false;
}

/* Flags on a supervisor's device that fit what a statement asks for. */
struct flag_search {
    const struct play *play;
    const struct scenario_step *step; /* NULL: any open flag */
    bool any_open;
    const struct dc_id *owner; /* NULL: whoever is asked */
    struct dc_hash flag;
    bool found;
    char list[300]; /* what was there */
};

static const char *state_name(enum dc_flag_state state)
{
    static const char *const names[] = {"", "raised", "acknowledged", "cleared", "decided"};

    return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static bool is_open(const struct dc_flag *flag)
{
    return flag->state == DC_FLAG_RAISED || flag->state == DC_FLAG_ACKNOWLEDGED;
}

static bool owns(const struct dc_flag *flag, const struct dc_id *officer)
{
    for (size_t i = 0; i < flag->owner_count; i++) {
        if (ids_equal(&flag->owners[i], officer))
            return true;
    }
    return false;
}

static bool flag_fits(const struct flag_search *search, const struct dc_flag *flag)
{
    const struct scenario_step *step = search->step;

    if (strcmp(flag->kind, step->word) != 0 ||
        !ids_equal(&flag->officer, &search->play->people[step->actor].package.officer))
        return false;
    if (step->offender != SCENARIO_NONE && !ids_equal(&flag->offender, &search->play->offender_ids[step->offender]))
        return false;
    if (search->owner != NULL && !owns(flag, search->owner))
        return false;
    if (step->state[0] != '\0')
        return strcmp(step->state, state_name(flag->state)) == 0;
    return step->act == EXPECT_PUSHED || is_open(flag);
}

static bool on_flag(void *context, const struct dc_flag *flag)
{
    struct flag_search *search = context;
    size_t size = strlen(search->list);

    if (search->any_open ? is_open(flag) : flag_fits(search, flag)) {
        search->found = true;
        search->flag = flag->flag;
    }
    snprintf(search->list + size, sizeof(search->list) - size, "%s%s %s", size == 0 ? "" : ", ", flag->kind,
             state_name(flag->state));
    return true;
}

/* Looks on every supervisor's device: a flag that only the wrong team sees is no answer, so the observer comes first. */
static bool search_flags(struct play *play, struct flag_search *search, struct person *on)
{
    assert(play != NULL);
    search->play = play;
    if (on != NULL)
        return dc_each_flag(on->device, NULL, on_flag, search) == DC_OK;
    for (size_t i = 0; i < play->scenario->person_count; i++) {
        if (play->scenario->people[i].role == SCENARIO_SUPERVISOR && play->people[i].device != NULL &&
            dc_each_flag(play->people[i].device, NULL, on_flag, search) != DC_OK)
            return false;
    }
    return true;
}

static bool expect_flag(struct play *play, const struct scenario_step *step, bool wanted)
{
    struct flag_search search = {.step = step};
    struct person *on = wanted ? play_observer(play, step->offender) : NULL;

    if (!search_flags(play, &search, on))
        return fault(play, "the supervisor's flags can't be read");
    if (search.found == wanted)
        return true;
    snprintf(play->fault, sizeof(play->fault), "found these flags: %s", search.list[0] != '\0' ? search.list : "none");
    return false;
}

static bool expect_no_flags(struct play *play)
{
    struct flag_search search = {.any_open = true};

    if (!search_flags(play, &search, NULL))
        return fault(play, "the supervisor's flags can't be read");
    if (!search.found)
        return true;
    snprintf(play->fault, sizeof(play->fault), "found these flags: %s", search.list);
    return false;
}

static bool expect_pushed(struct play *play, const struct scenario_step *step)
{
    struct person *supervisor = &play->people[step->others[0]];

    for (size_t i = 0; i < supervisor->pushed_count; i++) {
        const struct person_pushed *pushed = &supervisor->pushed[i];
        if (strcmp(pushed->kind, step->word) == 0 &&
            ids_equal(&pushed->officer, &play->people[step->actor].package.officer) &&
            (step->offender == SCENARIO_NONE || ids_equal(&pushed->offender, &play->offender_ids[step->offender])))
            return true;
    }
    return fault(play, "found: it did not arrive on the urgent lane");
}

/* On the screen of whoever it is with: they are among those asked now; where it has gone up, it was pushed there. */
static bool expect_escalated(struct play *play, const struct scenario_step *step)
{
    struct flag_search search = {.step = step, .owner = &play->people[step->others[0]].package.officer};

    if (step->act == EXPECT_ESCALATED && !expect_pushed(play, step))
        return false;
    if (!search_flags(play, &search, &play->people[step->others[0]]))
        return fault(play, "their flags can't be read");
    if (search.found)
        return true;
    snprintf(play->fault, sizeof(play->fault), "found: they are not among those asked now; on their device: %s",
             search.list[0] != '\0' ? search.list : "no flags");
    return false;
}

static bool on_cover(void *context, const struct dc_cover_read *cover)
{
    *(struct dc_id *)context = cover->now.by;
    return false;
}

/* By the device of who stands in, or, if nobody should, of who was away. */
static bool expect_cover(struct play *play, const struct scenario_step *step)
{
    struct person *away = &play->people[step->actor];
    struct person *on = step->other_count > 0 ? &play->people[step->others[0]] : away;
    struct dc_id wanted = {{0}}, found = {{0}};
    enum dc_status status;

    if (step->other_count > 0)
        wanted = on->package.officer;
    if (on->device == NULL)
        return fault(play, "this phone is dead");
    status = dc_each_cover(on->device, &away->package.officer, on_cover, &found);
    if (status != DC_OK && status != DC_NOT_FOUND)
        return fault(play, "who stands in can't be read");
    return ids_equal(&wanted, &found) ||
           fault(play, step->other_count == 0 ? "found: somebody does" : "found: somebody else, or nobody");
}

static bool on_offender(void *context, const struct dc_offender *offender)
{
    (void)offender;
    *(bool *)context = true;
    return false;
}

static bool expect_sees(struct play *play, const struct scenario_step *step)
{
    struct person *person = &play->people[step->actor];
    bool sees = false;
    enum dc_status status;

    if (person->device == NULL)
        return fault(play, "this phone is dead");
    status = dc_each_offender(person->device, &play->offender_ids[step->offender], on_offender, &sees);
    if (status != DC_OK && status != DC_NOT_FOUND)
        return fault(play, "the records can't be read");
    return sees == step->yes || fault(play, sees ? "found: the record is on their device" : "found: it is not there");
}

static bool expect_told(struct play *play, const struct scenario_step *step)
{
    const char *name = dc_status_name(play->people[step->actor].last_error);

    if (strcmp(name, step->word) == 0)
        return true;
    snprintf(play->fault, sizeof(play->fault), "found: the phone was last told %s", name);
    return false;
}

static bool expect_unsynced(struct play *play, const struct scenario_step *step)
{
    struct dc_sync_status status;

    if (play->people[step->actor].device == NULL)
        return fault(play, "this phone is dead");
    dc_sync_status(play->people[step->actor].device, &status);
    if (status.pending_entries == (uint64_t)step->number)
        return true;
    snprintf(play->fault, sizeof(play->fault), "found: %llu unsynced", (unsigned long long)status.pending_entries);
    return false;
}

struct presence_count {
    const struct dc_id *offender;
    int64_t count;
};

static bool count_presence(void *context, const struct dc_presence *row)
{
    struct presence_count *count = context;

    if (ids_equal(&row->offender, count->offender))
        count->count++;
    return true;
}

static bool expect_presences(struct play *play, const struct scenario_step *step)
{
    struct presence_count count = {.offender = &play->offender_ids[step->offender]};
    struct person *observer = play_observer(play, step->offender);

    if (dc_each_presence(observer->device, NULL, count_presence, &count) != DC_OK)
        return fault(play, "the supervisor's rows can't be read");
    if (count.count == step->number)
        return true;
    snprintf(play->fault, sizeof(play->fault), "found: %lld presences", (long long)count.count);
    return false;
}

struct field_search {
    const struct scenario_step *step;
    bool fits;
    char list[300];
};

static bool heads_fit(const struct scenario_step *step, const struct dc_field *field)
{
    size_t wanted = step->text2[0] != '\0' ? 2 : 1;

    return field->head_count == wanted && strcmp(field->heads[0].text, step->text) == 0 &&
           (wanted == 1 || strcmp(field->heads[1].text, step->text2) == 0);
}

static bool holds(const struct dc_field *field, const char *text)
{
    for (size_t i = 0; i < field->member_count; i++) {
        if (strcmp(field->members[i], text) == 0)
            return true;
    }
    return text[0] == '\0';
}

static bool on_field(void *context, const struct dc_field *field)
{
    struct field_search *search = context;
    size_t wanted = (size_t)(search->step->text[0] != '\0') + (search->step->text2[0] != '\0');

    if (strcmp(field->field, search->step->word) != 0)
        return true;
    if (search->step->act == EXPECT_SET)
        search->fits =
            field->member_count == wanted && holds(field, search->step->text) && holds(field, search->step->text2);
    else
        search->fits = heads_fit(search->step, field);
    for (size_t i = 0; i < field->head_count + field->member_count; i++) {
        size_t size = strlen(search->list);
        snprintf(search->list + size, sizeof(search->list) - size, "%s\"%s\"", i == 0 ? "" : ", ",
                 i < field->head_count ? field->heads[i].text : field->members[i - field->head_count]);
    }
    return true;
}

static bool expect_field(struct play *play, const struct scenario_step *step)
{
    struct person *on = step->actor != SCENARIO_NONE ? &play->people[step->actor] : play_observer(play, step->offender);
    struct dc_subject subject = {.offender = play->offender_ids[step->offender]};
    struct field_search search = {.step = step, .fits = step->act == EXPECT_SET && step->text[0] == '\0'};

    if (on->device == NULL || dc_each_field(on->device, &subject, on_field, &search) != DC_OK)
        return fault(play, "the fields can't be read");
    if (search.fits)
        return true;
    snprintf(play->fault, sizeof(play->fault), "found: %s", search.list[0] != '\0' ? search.list : "nothing");
    return false;
}

/* The last request of an officer at an offender, as a device shows it. */
struct request_search {
    struct dc_id officer;
    struct dc_id offender;
    enum dc_authority_state state; /* 0: there is none */
};

static bool on_request(void *context, const struct dc_authority_request_read *request)
{
    struct request_search *search = context;

    if (ids_equal(&request->asked.officer, &search->officer) && ids_equal(&request->asked.offender, &search->offender))
        search->state = request->state;
    return true;
}

static bool expect_request(struct play *play, const struct scenario_step *step)
{
    static const char *const names[] = {"not there", "open", "granted", "refused", "withdrawn"};
    struct person *on =
        step->others[0] != SCENARIO_NONE ? &play->people[step->others[0]] : play_observer(play, step->offender);
    struct request_search search = {.officer = play->people[step->actor].package.officer,
                                    .offender = play->offender_ids[step->offender]};

    if (on->device == NULL || dc_each_authority_request(on->device, NULL, on_request, &search) != DC_OK)
        return fault(play, "the requests can't be read");
    if (strcmp(names[search.state], step->state) == 0)
        return true;
    snprintf(play->fault, sizeof(play->fault), "found: %s", names[search.state]);
    return false;
}

bool play_expect(struct play *play, const struct scenario_step *step)
{
    switch (step->act) {
    case EXPECT_VERDICT:
        return expect_verdict(play, step);
    case EXPECT_REQUEST:
        return expect_request(play, step);
    case EXPECT_PREVIEW:
        return expect_preview(play, step);
    case EXPECT_FLAG:
        return expect_flag(play, step, true);
    case EXPECT_NO_FLAG:
        return expect_flag(play, step, false);
    case EXPECT_NO_FLAGS:
        return expect_no_flags(play);
    case EXPECT_COVER:
        return expect_cover(play, step);
    case EXPECT_SEES:
        return expect_sees(play, step);
    case EXPECT_WITH:
    case EXPECT_ESCALATED:
        return expect_escalated(play, step);
    case EXPECT_PUSHED:
        return expect_pushed(play, step);
    case EXPECT_TOLD:
        return expect_told(play, step);
    case EXPECT_UNSYNCED:
        return expect_unsynced(play, step);
    case EXPECT_PRESENCES:
        return expect_presences(play, step);
    case EXPECT_FIELD:
    case EXPECT_SET:
        return expect_field(play, step);
    default:
        return fault(play, "this expectation can't be checked");
    }
}
