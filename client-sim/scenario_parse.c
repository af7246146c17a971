/* Reading a scenario file: head, people, days, and one timeline statement a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client-sim/scenario_reader.h"

#define LINE_MAX_BYTES 1024

static void read_team(struct reader *reader)
{
    struct scenario *scenario = reader->scenario;

    if (scenario->team_count == SCENARIO_TEAMS_MAX) {
        reader_fail(reader, "more than %d teams", SCENARIO_TEAMS_MAX);
        return;
    }
    reader_name(reader, scenario->teams[scenario->team_count]);
    if (!reader->failed)
        scenario->team_count++;
}

static void read_officer(struct reader *reader, enum scenario_role role)
{
    static const char *const kinds[] = {"accredited", "constable", "staff"};
    struct scenario *scenario = reader->scenario;
    struct scenario_person *person = &scenario->people[scenario->person_count];

    if (scenario->person_count == SCENARIO_PEOPLE_MAX) {
        reader_fail(reader, "more than %d people", SCENARIO_PEOPLE_MAX);
        return;
    }
    reader_name(reader, person->name);
    reader_need(reader, ",");
    reader_need(reader, "team");
    person->team = reader_need_team(reader);
    person->role = role;
    if (role == SCENARIO_MANAGER && reader_phrase(reader, ","))
        person->role = (enum scenario_role)reader_choice(reader, "what the officer is", kinds, 3);
    for (size_t i = 0; i < scenario->person_count; i++) {
        if (strcmp(scenario->people[i].name, person->name) == 0)
            reader_fail(reader, "'%s' is declared twice", person->name);
    }
    if (!reader->failed)
        scenario->person_count++;
}

static void read_offender(struct reader *reader)
{
    static const char *const risks[] = {"very high", "high", "medium", "low"};
    static const char *const cells[] = {"very_high", "high", "medium", "low"};
    struct scenario *scenario = reader->scenario;
    struct scenario_offender *offender = &scenario->offenders[scenario->offender_count];

    if (scenario->offender_count == SCENARIO_OFFENDERS_MAX) {
        reader_fail(reader, "more than %d offenders", SCENARIO_OFFENDERS_MAX);
        return;
    }
    reader_name(reader, offender->name);
    reader_need(reader, ",");
    snprintf(offender->risk, sizeof(offender->risk), "%s", cells[reader_choice(reader, "a risk level", risks, 4)]);
    reader_need(reader, "risk");
    reader_need(reader, ",");
    reader_need(reader, "team");
    offender->team = reader_need_team(reader);
    reader_need(reader, ",");
    reader_need(reader, "manager");
    offender->manager = reader_need_person(reader);
    if (!reader->failed && scenario->people[offender->manager].role != SCENARIO_MANAGER)
        reader_fail(reader, "the manager must be an accredited officer");
    if (reader_phrase(reader, ",")) {
        reader_need(reader, "at");
        reader_degrees(reader, &offender->latitude_e7, &offender->longitude_e7);
        offender->has_place = true;
    }
    if (!reader->failed)
        scenario->offender_count++;
}

static void read_device(struct reader *reader)
{
    static const char *const ways[] = {"fast", "slow"};

    reader_need(reader, "of");

    struct scenario_person *person = &reader->scenario->people[reader_need_person(reader)];

    while (reader_phrase(reader, ",")) {
        if (reader_phrase(reader, "unanchored")) {
            person->unanchored = true;
            continue;
        }
        reader_need(reader, "clock");
        person->clock_offset_ms = reader_length_ms(reader);
        if (reader_choice(reader, "which way the clock is wrong", ways, 2) == 1)
            person->clock_offset_ms = -person->clock_offset_ms;
    }
}

static void read_policy(struct reader *reader)
{
    struct scenario *scenario = reader->scenario;
    char name[64] = "";
    int used = 0;

    if (scenario->policy_count == SCENARIO_POLICIES_MAX) {
        reader_fail(reader, "more than %d policy lines", SCENARIO_POLICIES_MAX);
        return;
    }
    if (sscanf(reader->at, " %63[a-z_] %n", name, &used) != 1 || reader->at[used] == '\0') {
        reader_fail(reader, "a policy parameter and its value are expected, such as 'max_alone 10 min'");
        return;
    }
    snprintf(scenario->policies[scenario->policy_count++], sizeof(scenario->policies[0]), "%s = %s", name,
             reader->at + used);
    reader->at += strlen(reader->at);
}

static void read_day(struct reader *reader)
{
    int64_t before_ms = reader->day_ms;

    if (!reader_date(reader, &reader->day_ms))
        reader_fail(reader, "a date such as 2026-03-02 is expected at '%.40s'", reader->at);
    else if (reader->day_ms <= before_ms)
        reader_fail(reader, "the date isn't after the day before it");
}

/* The rest of the line, without quotation marks' meaning. */
static void read_text(struct reader *reader, char *ret_text)
{
    while (*reader->at == ' ')
        reader->at++;
    if (*reader->at == '\0')
        reader_fail(reader, "text is expected after the colon");
    snprintf(ret_text, SCENARIO_TEXT_MAX, "%.*s", SCENARIO_TEXT_MAX - 1, reader->at);
    reader->at += strlen(reader->at);
}

static void read_order(struct reader *reader, struct scenario_step *step);

static void read_statement(struct reader *reader, struct scenario_step *step)
{
    step->line = reader->line;
    step->actor = SCENARIO_NONE;
    step->offender = SCENARIO_NONE;
    step->alone = (struct scenario_alone){-1, -1, -1};
    while (*reader->at == ' ' || *reader->at == '\t')
        reader->at++;
    snprintf(step->source, sizeof(step->source), "%.*s", SCENARIO_TEXT_MAX - 1, reader->at);
    if (reader_phrase(reader, "in any order"))
        read_order(reader, step);
    else if (reader_phrase(reader, "expect"))
        reader_expect(reader, step);
    else
        reader_act(reader, step);
}

static void read_order(struct reader *reader, struct scenario_step *step)
{
    step->act = ACT_ORDER;
    if (reader_phrase(reader, ",")) {
        step->apart_ms = reader_length_ms(reader);
        reader_need(reader, "apart");
    }
    reader_need(reader, ":");
    step->order = calloc(SCENARIO_ORDER_MAX, sizeof(*step->order));
    if (step->order == NULL) {
        reader_fail(reader, "memory ran out");
        return;
    }
    do {
        if (step->order_count == SCENARIO_ORDER_MAX) {
            reader_fail(reader, "at most %d statements can stand in any order", SCENARIO_ORDER_MAX);
            return;
        }
        struct scenario_step *part = &step->order[step->order_count++];
        read_statement(reader, part);
        part->source[strcspn(part->source, ";")] = '\0';
        if (part->act >= ACT_ORDER)
            reader_fail(reader, "only what people do can stand in any order");
    } while (reader_phrase(reader, ";"));
    if (step->order_count < 2)
        reader_fail(reader, "an order needs two statements, with a semicolon between them");
}

static void read_timeline(struct reader *reader)
{
    struct scenario *scenario = reader->scenario;
    struct scenario_step step = {.time_ms = reader_clock(reader)};
    bool back = scenario->step_count > 0 && step.time_ms < scenario->steps[scenario->step_count - 1].time_ms;

    read_statement(reader, &step);
    if (!reader->failed && back)
        reader_fail(reader, "the time goes back; a later day needs a 'day' line");
    if (!reader->failed && scenario->step_count == SCENARIO_STEPS_MAX)
        reader_fail(reader, "more than %d lines in the timeline", SCENARIO_STEPS_MAX);
    if (reader->failed) {
        free(step.order);
        return;
    }
    scenario->steps[scenario->step_count++] = step;
}

static void read_line(struct reader *reader)
{
    struct scenario *scenario = reader->scenario;

    if (reader_phrase(reader, "title:"))
        read_text(reader, scenario->title);
    else if (scenario->title[0] == '\0')
        reader_fail(reader, "'title: TEXT' must stand first");
    else if (reader_phrase(reader, "about:")) {
        if (scenario->about_count == SCENARIO_ABOUT_MAX)
            reader_fail(reader, "more than %d 'about' lines", SCENARIO_ABOUT_MAX);
        else
            read_text(reader, scenario->about[scenario->about_count++]);
    } else if (reader_phrase(reader, "team"))
        read_team(reader);
    else if (reader_phrase(reader, "officer"))
        read_officer(reader, SCENARIO_MANAGER);
    else if (reader_phrase(reader, "supervisor"))
        read_officer(reader, SCENARIO_SUPERVISOR);
    else if (reader_phrase(reader, "leader"))
        read_officer(reader, SCENARIO_LEADER);
    else if (reader_phrase(reader, "duty"))
        read_officer(reader, SCENARIO_DUTY);
    else if (reader_phrase(reader, "offender"))
        read_offender(reader);
    else if (reader_phrase(reader, "device"))
        read_device(reader);
    else if (reader_phrase(reader, "policy"))
        read_policy(reader);
    else if (reader_phrase(reader, "day"))
        read_day(reader);
    else if (*reader->at >= '0' && *reader->at <= '9')
        read_timeline(reader);
    else
        reader_fail(reader,
                    "not understood; a line begins with a time, or with title:, about:, team, officer, supervisor, "
                    "offender, device, policy or day");
    if (!reader_at_end(reader))
        reader_fail(reader, "'%.60s' is not understood here", reader->at);
}

/* A number sign outside quotation marks begins a comment. */
static void cut_comment(char *line)
{
    bool quoted = false;
    size_t size = 0;

    for (size = 0; line[size] != '\0' && (quoted || line[size] != '#') && line[size] != '\n' && line[size] != '\r';
         size++) {
        if (line[size] == '"')
            quoted = !quoted;
    }
    while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\t'))
        size--;
    line[size] = '\0';
}

static bool read_lines(FILE *file, struct reader *reader)
{
    char line[LINE_MAX_BYTES];

    while (fgets(line, sizeof(line), file) != NULL) {
        reader->line++;
        if (strchr(line, '\n') == NULL && !feof(file))
            reader_fail(reader, "the line is longer than %d bytes", LINE_MAX_BYTES - 2);
        cut_comment(line);
        reader->at = line;
        if (!reader_at_end(reader))
            read_line(reader);
        if (reader->failed) {
            fprintf(stderr, "%s:%zu: %s\n", reader->scenario->path, reader->line, reader->fault);
            return false;
        }
    }
    return true;
}

static bool is_whole(const struct scenario *scenario)
{
    const char *missing = scenario->title[0] == '\0'      ? "a title"
                          : scenario->person_count == 0   ? "an officer"
                          : scenario->offender_count == 0 ? "an offender"
                          : scenario->step_count == 0     ? "a timeline"
                                                          : NULL;
    bool supervised = false;

    for (size_t i = 0; i < scenario->person_count; i++)
        supervised = supervised || scenario->people[i].role == SCENARIO_SUPERVISOR;
    if (missing == NULL && !supervised)
        missing = "a supervisor: verdicts are what a supervisor's device sees";
    if (missing != NULL)
        fprintf(stderr, "%s: the scenario lacks %s\n", scenario->path, missing);
    if (missing == NULL && scenario_orders(scenario) > SCENARIO_ORDERS_ALL_MAX) {
        fprintf(stderr, "%s: more than %d orders in all: use fewer 'in any order' lines\n", scenario->path,
                SCENARIO_ORDERS_ALL_MAX);
        return false;
    }
    return missing == NULL;
}

struct scenario *scenario_read(const char *path)
{
    struct scenario *scenario = calloc(1, sizeof(*scenario));
    FILE *file = fopen(path, "re");
    bool good = false;

    if (scenario != NULL)
        scenario->steps = calloc(SCENARIO_STEPS_MAX, sizeof(*scenario->steps));
    if (file == NULL)
        fprintf(stderr, "%s: can't be opened: check the path\n", path);
    else if (scenario != NULL && scenario->steps != NULL) {
        struct reader reader = {.scenario = scenario};
        snprintf(scenario->path, sizeof(scenario->path), "%s", path);
        good = read_lines(file, &reader) && is_whole(scenario);
    }
    if (file != NULL)
        fclose(file);
    if (good)
        return scenario;
    scenario_free(scenario);
    return NULL;
}

void scenario_free(struct scenario *scenario)
{
    if (scenario == NULL)
        return;
    for (size_t i = 0; i < scenario->step_count; i++)
        free(scenario->steps[i].order);
    free(scenario->steps);
    free(scenario);
}
