/* The statements about what people do. */
#include <stdio.h>
#include <string.h>

#include "client-sim/scenario_reader.h"

static const char *const outcomes[] = {"seen", "not in", "refused", "moved", "in custody", "aborted"};
static const char *const outcome_names[] = {"seen", "not_in", "refused", "moved", "custody", "aborted"};

static void read_place(struct reader *reader, struct scenario_step *step)
{
    if (reader_phrase(reader, "without location")) {
        step->place.where = WHERE_NONE;
        return;
    }
    if (reader_phrase(reader, "at")) {
        step->place.where = WHERE_AT;
        reader_degrees(reader, &step->place.latitude_e7, &step->place.longitude_e7);
        return;
    }
    if (reader_at_end(reader) || *reader->at == ';')
        return;
    step->place.away_m = (double)reader_number(reader);
    step->place.where = WHERE_AWAY;
    if (reader_phrase(reader, "km"))
        step->place.away_m *= 1000;
    else
        reader_need(reader, "m");
    reader_need(reader, "away");
}

static void read_partners(struct reader *reader, struct scenario_step *step)
{
    do {
        if (step->other_count == 8) {
            reader_fail(reader, "more than 8 officers named");
            return;
        }
        step->others[step->other_count++] = reader_need_person(reader);
    } while (reader_phrase(reader, "and"));
}

static void read_check_in(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_CHECK_IN;
    step->offender = reader_need_offender(reader);
    if (reader_phrase(reader, "with ")) {
        step->with = SCENARIO_WITH_NAMED;
        read_partners(reader, step);
    } else if (reader_phrase(reader, "alone"))
        step->with = SCENARIO_WITH_ALONE;
    if (reader_phrase(reader, "accompanied by"))
        reader_quoted(reader, step->agency, sizeof(step->agency));
    read_place(reader, step);
}

static void read_check_out(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_CHECK_OUT;
    if (reader_phrase(reader, "from"))
        step->offender = reader_need_offender(reader);
    read_place(reader, step);
}

static void read_outcome(struct reader *reader, struct scenario_step *step)
{
    size_t choice = reader_choice(reader, "an outcome", outcomes, 6);

    step->act = ACT_OUTCOME;
    snprintf(step->word, sizeof(step->word), "%s", outcome_names[choice]);
    if (reader_phrase(reader, "at"))
        step->offender = reader_need_offender(reader);
}

static void read_edit(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_EDIT;
    reader_words_until(reader, "of", step->word, sizeof(step->word));
    step->offender = reader_need_offender(reader);
    reader_need(reader, "to");
    reader_quoted(reader, step->text, sizeof(step->text));
}

static void read_set_change(struct reader *reader, struct scenario_step *step, enum scenario_act act)
{
    step->act = act;
    reader_quoted(reader, step->text, sizeof(step->text));
    reader_need(reader, act == ACT_SET_ADD ? "to" : "from");
    reader_words_until(reader, "of", step->word, sizeof(step->word));
    step->offender = reader_need_offender(reader);
}

/* A time of the current day, or of another: "2026-03-16 09:00". */
static int64_t read_moment(struct reader *reader)
{
    int64_t day_ms = reader->day_ms;
    int64_t moment_ms;

    reader_date(reader, &reader->day_ms);
    moment_ms = reader_clock(reader);
    reader->day_ms = day_ms;
    return moment_ms;
}

static void read_window(struct reader *reader, struct scenario_step *step)
{
    reader_need(reader, "from");
    step->from_ms = read_moment(reader);
    reader_need(reader, "to");
    step->to_ms = read_moment(reader);
    if (!reader->failed && step->to_ms <= step->from_ms)
        reader_fail(reader, "the window ends before it begins");
}

static void read_plan(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_PLAN;
    step->offender = reader_need_offender(reader);
    reader_need(reader, "with ");
    read_partners(reader, step);
    read_window(reader, step);
}

static void read_authority(struct reader *reader, struct scenario_step *step, bool granted)
{
    step->act = ACT_AUTHORITY;
    step->yes = granted;
    step->others[0] = reader_need_person(reader);
    step->other_count = 1;
    reader_need(reader, "alone at");
    step->offender = reader_need_offender(reader);
    read_window(reader, step);
    reader_need(reader, ",");
    reader_quoted(reader, step->text, sizeof(step->text));
}

/* "asks to see X alone from HH:MM to HH:MM, "RISK ASSESSMENT"" */
static void read_request(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_REQUEST;
    step->offender = reader_need_offender(reader);
    reader_need(reader, "alone");
    read_window(reader, step);
    reader_need(reader, ",");
    reader_quoted(reader, step->text, sizeof(step->text));
}

/* "grants A's request at X, "WORDS"" */
static void read_answer(struct reader *reader, struct scenario_step *step, bool granted)
{
    step->act = ACT_ANSWER_REQUEST;
    step->yes = granted;
    step->others[0] = reader_need_person(reader);
    step->other_count = 1;
    reader_need(reader, "'s request at");
    step->offender = reader_need_offender(reader);
    reader_need(reader, ",");
    reader_quoted(reader, step->text, sizeof(step->text));
}

static void read_carry(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_CARRY;
    step->others[0] = reader_need_person(reader);
    step->other_count = 1;
    reader_need(reader, "'s records");
}

static void read_acknowledge(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_ACKNOWLEDGE;
    reader_phrase(reader, "the flag");
    reader_words_until(reader, "on", step->word, sizeof(step->word));
    step->others[0] = reader_need_person(reader);
    step->other_count = 1;
    reader_need(reader, "at");
    step->offender = reader_need_offender(reader);
}

static void read_flag_answer(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_ANSWER;
    reader_phrase(reader, "the flag");
    reader_words_until(reader, "at", step->word, sizeof(step->word));
    step->others[0] = step->actor;
    step->other_count = 1;
    step->offender = reader_need_offender(reader);
    reader_need(reader, ",");
    reader_quoted(reader, step->text, sizeof(step->text));
}

static void read_decide(struct reader *reader, struct scenario_step *step)
{
    static const char *const decisions[] = {"appropriate", "not appropriate"};

    step->act = ACT_DECIDE;
    step->others[0] = reader_need_person(reader);
    step->other_count = 1;
    reader_need(reader, "at");
    step->offender = reader_need_offender(reader);
    reader_need(reader, ":");
    step->yes = reader_choice(reader, "the decision", decisions, 2) == 0;
    reader_need(reader, ",");
    reader_name(reader, step->word);
    reader_need(reader, ",");
    reader_quoted(reader, step->text, sizeof(step->text));
}

/* "names B to stand in [from HH:MM to HH:MM]" */
static void read_cover(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_COVER;
    step->others[0] = reader_need_person(reader);
    step->other_count = 1;
    reader_need(reader, "to stand in");
    if (!reader_at_end(reader) && *reader->at != ';')
        read_window(reader, step);
}

static void read_cosign(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_COSIGN;
    step->others[0] = reader_need_person(reader);
    step->other_count = 1;
    reader_need(reader, "co-sign at");
    step->offender = reader_need_offender(reader);
    step->number = 20;
    if (reader_phrase(reader, "within"))
        step->number = reader_length_ms(reader) / 1000;
}

static void read_phone(struct reader *reader, struct scenario_step *step)
{
    static const char *const fates[] = {"reboots", "loses the next acknowledgement", "dies"};
    static const enum scenario_act acts[] = {ACT_REBOOT, ACT_LOSE_ACK, ACT_DIE};

    step->act = acts[reader_choice(reader, "what happens to the phone", fates, 3)];
}

static void read_note(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_NOTE;
    reader_quoted(reader, step->text, sizeof(step->text));
    if (reader_phrase(reader, "on"))
        step->offender = reader_need_offender(reader);
}

static void read_of_person(struct reader *reader, struct scenario_step *step)
{
    if (reader_phrase(reader, "goes offline"))
        step->act = ACT_OFFLINE;
    else if (reader_phrase(reader, "goes online"))
        step->act = ACT_ONLINE;
    else if (reader_phrase(reader, "syncs") || reader_phrase(reader, "sync"))
        step->act = ACT_SYNC;
    else if (reader_phrase(reader, "checks in at"))
        read_check_in(reader, step);
    else if (reader_phrase(reader, "checks out"))
        read_check_out(reader, step);
    else if (reader_phrase(reader, "records"))
        read_outcome(reader, step);
    else if (reader_phrase(reader, "notes"))
        read_note(reader, step);
    else if (reader_phrase(reader, "edits"))
        read_edit(reader, step);
    else if (reader_phrase(reader, "adds"))
        read_set_change(reader, step, ACT_SET_ADD);
    else if (reader_phrase(reader, "removes"))
        read_set_change(reader, step, ACT_SET_REMOVE);
    else if (reader_phrase(reader, "plans"))
        read_plan(reader, step);
    else if (reader_phrase(reader, "allows"))
        read_authority(reader, step, true);
    else if (reader_phrase(reader, "asks to see"))
        read_request(reader, step);
    else if (reader_phrase(reader, "grants"))
        read_answer(reader, step, true);
    else if (reader_phrase(reader, "turns down"))
        read_answer(reader, step, false);
    else if (reader_phrase(reader, "carries"))
        read_carry(reader, step);
    else if (reader_phrase(reader, "refuses"))
        read_authority(reader, step, false);
    else if (reader_phrase(reader, "acknowledges"))
        read_acknowledge(reader, step);
    else if (reader_phrase(reader, "answers"))
        read_flag_answer(reader, step);
    else if (reader_phrase(reader, "decides"))
        read_decide(reader, step);
    else if (reader_phrase(reader, "names"))
        read_cover(reader, step);
    else if (reader_phrase(reader, "is back"))
        step->act = ACT_COVER;
    else if (reader_phrase(reader, "and "))
        read_cosign(reader, step);
    else if (reader_phrase(reader, "'s phone"))
        read_phone(reader, step);
    else
        reader_fail(reader,
                    "what the person does is not understood at '%.40s'; docs/SCENARIOS.md lists what people can do",
                    reader->at);
}

static void read_kill(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_SERVER_KILL;
    if (!reader_phrase(reader, "while"))
        return;
    read_partners(reader, step);
    reader_need(reader, "sync");
}

bool reader_act(struct reader *reader, struct scenario_step *step)
{
    if (reader_phrase(reader, "the server is killed"))
        read_kill(reader, step);
    else if (reader_phrase(reader, "the server restarts"))
        step->act = ACT_SERVER_START;
    else {
        if (reader_phrase(reader, "refused")) {
            reader_name(reader, step->refused);
            reader_need(reader, ":");
        }
        step->actor = reader_need_person(reader);
        read_of_person(reader, step);
    }
    return !reader->failed;
}
