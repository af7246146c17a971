/* The statements about what is expected. */
#include <stdio.h>
#include <string.h>

#include "client-sim/scenario_reader.h"

struct name_pair {
    const char *words;
    const char *name;
};

/* Longer phrases first, where one begins like another. */
static const struct name_pair companies[] = {
    {"held", "held"},
    {"under way", "under_way"},
    {"joint so far", "joint_so_far"},
    {"joint", "joint"},
    {"time unproven", "time_unproven"},
    {"awaiting second officer", "awaiting_second"},
    {"accompanied", "accompanied"},
    {"part joint", "part_joint"},
    {"lone provisional", "lone_provisional"},
    {"lone confirmed", "lone_confirmed"},
};

static const struct name_pair confirmations[] = {
    {"by log", "log"}, {"by statement", "statement"}, {"by time limit", "time_limit"}};

static const struct name_pair authorities[] = {
    {"none", "none"},
    {"prior", "prior"},
    {"retrospective", "retrospective"},
    {"order unproven", "order_unproven"},
    {"refused", "refused"},
    {"not permitted", "not_permitted"},
};

static const struct name_pair outcomes[] = {
    {"seen", "seen"},       {"not in", "not_in"},      {"refused", "refused"}, {"moved", "moved"},
    {"custody", "custody"}, {"in custody", "custody"}, {"aborted", "aborted"},
};

static const struct name_pair states[] = {
    {"raised", "raised"}, {"acknowledged", "acknowledged"}, {"cleared", "cleared"}, {"decided", "decided"}};

/* DESIGN.md A3: the kinds of flag; a misspelt one must not pass as "no such flag". */
static const struct name_pair flags[] = {
    {"lone confirmed", "lone_confirmed"},
    {"lone live", "lone_live"},
    {"part joint", "part_joint"},
    {"accompanied", "accompanied"},
    {"claimed only", "claimed_only"},
    {"one device", "one_device"},
    {"places apart", "places_apart"},
    {"two places", "two_places"},
    {"clock trouble", "clock_trouble"},
    {"time unproven", "time_unproven"},
    {"evidence overdue", "evidence_overdue"},
    {"fork", "fork"},
    {"lost device", "lost_device"},
    {"held evidence", "held_evidence"},
    {"check-out missing", "check_out_missing"},
    {"check-out late", "check_out_late"},
    {"late to leave", "late_to_leave"},
    {"outcomes differ", "outcomes_differ"},
    {"repeated lone", "repeated_lone"},
    {"authority missing", "authority_missing"},
    {"authority refused", "authority_refused"},
    {"authority not permitted", "authority_not_permitted"},
    {"authority after the fact", "authority_after_the_fact"},
    {"unacknowledged", "unacknowledged"},
    {"same pair", "same_pair"},
    {"short visit", "short_visit"},
    {"edited after", "edited_after"},
    {"code misused", "code_misused"},
    {"altered evidence", "altered_evidence"},
};

#define PAIRS(table) (table), sizeof(table) / sizeof((table)[0])

static const char *choose(struct reader *reader, const char *what, const struct name_pair *pairs, size_t count)
{
    const char *words[40];

    for (size_t i = 0; i < count; i++)
        words[i] = pairs[i].words;
    return pairs[reader_choice(reader, what, words, count)].name;
}

static void read_alone(struct reader *reader, struct scenario_alone *alone)
{
    if (reader_phrase(reader, "at most")) {
        alone->at_most_s = reader_length_ms(reader) / 1000;
        return;
    }
    if (reader_phrase(reader, "at least")) {
        alone->at_least_s = reader_length_ms(reader) / 1000;
        return;
    }

    int64_t first_s = reader_length_ms(reader) / 1000;

    if (reader_phrase(reader, "to")) {
        alone->at_least_s = first_s;
        alone->at_most_s = reader_length_ms(reader) / 1000;
    } else
        alone->holds_s = first_s;
}

static void read_detail(struct reader *reader, struct scenario_step *step)
{
    if (reader_phrase(reader, "grade")) {
        static const struct name_pair grades[] = {{"A", "A"}, {"B", "B"}, {"C", "C"}, {"D", "D"}};
        snprintf(step->grade, sizeof(step->grade), "%s", choose(reader, "a grade", PAIRS(grades)));
    } else if (reader_phrase(reader, "alone"))
        read_alone(reader, &step->alone);
    else if (reader_phrase(reader, "authority"))
        snprintf(step->authority, sizeof(step->authority), "%s", choose(reader, "an authority", PAIRS(authorities)));
    else if (reader_phrase(reader, "outcome"))
        snprintf(step->outcome, sizeof(step->outcome), "%s", choose(reader, "an outcome", PAIRS(outcomes)));
    else if (reader_phrase(reader, "due met"))
        step->has_due = step->yes = true;
    else if (reader_phrase(reader, "due not met"))
        step->has_due = true;
    else
        snprintf(step->confirmed_by, sizeof(step->confirmed_by), "%s",
                 choose(reader, "how it is confirmed, or grade, alone, authority, outcome, due met, due not met",
                        PAIRS(confirmations)));
}

static const struct name_pair request_states[] = {
    {"open", "open"}, {"granted", "granted"}, {"refused", "refused"}, {"withdrawn", "withdrawn"}};

static void read_request(struct reader *reader, struct scenario_step *step)
{
    step->act = EXPECT_REQUEST;
    step->offender = reader_need_offender(reader);
    reader_need(reader, "is");
    snprintf(step->state, sizeof(step->state), "%s", choose(reader, "the request's state", PAIRS(request_states)));
    step->others[0] = SCENARIO_NONE;
    if (reader_phrase(reader, "for"))
        step->others[0] = reader_need_person(reader);
}

static void read_verdict(struct reader *reader, struct scenario_step *step)
{
    step->act = EXPECT_VERDICT;
    if (reader_phrase(reader, "'s first visit"))
        step->number = 1;
    reader_need(reader, "at");
    step->offender = reader_need_offender(reader);
    reader_need(reader, "is");
    snprintf(step->word, sizeof(step->word), "%s", choose(reader, "a verdict", PAIRS(companies)));
    while (reader_phrase(reader, ","))
        read_detail(reader, step);
}

static void read_preview(struct reader *reader, struct scenario_step *step)
{
    step->act = EXPECT_PREVIEW;
    if (!reader_phrase(reader, "the server's words"))
        snprintf(step->word, sizeof(step->word), "%s", choose(reader, "a verdict", PAIRS(companies)));
    reader_need(reader, "at");
    step->offender = reader_need_offender(reader);
    while (step->word[0] != '\0' && reader_phrase(reader, ","))
        read_detail(reader, step);
}

static void read_flag(struct reader *reader, struct scenario_step *step, enum scenario_act act)
{
    step->act = act;
    snprintf(step->word, sizeof(step->word), "%s", choose(reader, "a flag", PAIRS(flags)));
    reader_need(reader, "on");
    step->actor = reader_need_person(reader);
    if (reader_phrase(reader, "at"))
        step->offender = reader_need_offender(reader);
    if (act == EXPECT_NO_FLAG || reader_at_end(reader))
        return;
    bool escalated = reader_phrase(reader, "escalates to");

    bool with = reader_phrase(reader, "is with");

    if (escalated || with || reader_phrase(reader, "was pushed to")) {
        step->act = escalated ? EXPECT_ESCALATED : with ? EXPECT_WITH : EXPECT_PUSHED;
        step->others[0] = reader_need_person(reader);
        step->other_count = 1;
        return;
    }
    snprintf(step->state, sizeof(step->state), "%s", choose(reader, "the flag's state", PAIRS(states)));
}

static void read_cover(struct reader *reader, struct scenario_step *step, size_t by)
{
    step->act = EXPECT_COVER;
    step->others[0] = by;
    step->other_count = by == SCENARIO_NONE ? 0 : 1;
    step->actor = reader_need_person(reader);
}

static void read_sees(struct reader *reader, struct scenario_step *step, bool sees)
{
    step->act = EXPECT_SEES;
    step->yes = sees;
    step->offender = reader_need_offender(reader);
}

static void read_of_person(struct reader *reader, struct scenario_step *step)
{
    if (reader_phrase(reader, "'s request at"))
        read_request(reader, step);
    else if (reader_phrase(reader, "stands in for"))
        read_cover(reader, step, step->actor);
    else if (reader_phrase(reader, "sees"))
        read_sees(reader, step, true);
    else if (reader_phrase(reader, "does not see"))
        read_sees(reader, step, false);
    else if (reader_phrase(reader, "previews"))
        read_preview(reader, step);
    else if (reader_phrase(reader, "is told")) {
        step->act = EXPECT_TOLD;
        reader_name(reader, step->word);
    } else if (reader_phrase(reader, "has")) {
        step->act = EXPECT_UNSYNCED;
        step->number = reader_number(reader);
        reader_need(reader, "unsynced");
    } else
        read_verdict(reader, step);
}

static void read_for(struct reader *reader, struct scenario_step *step)
{
    if (reader_phrase(reader, "for"))
        step->actor = reader_need_person(reader);
}

static void read_field(struct reader *reader, struct scenario_step *step)
{
    reader_words_until(reader, "of", step->word, sizeof(step->word));
    step->offender = reader_need_offender(reader);
    if (reader_phrase(reader, "holds")) {
        step->act = EXPECT_SET;
        if (!reader_phrase(reader, "nothing"))
            reader_quoted(reader, step->text, sizeof(step->text));
        if (step->text[0] != '\0' && reader_phrase(reader, "and"))
            reader_quoted(reader, step->text2, sizeof(step->text2));
    } else {
        step->act = EXPECT_FIELD;
        reader_need(reader, "is");
        reader_quoted(reader, step->text, sizeof(step->text));
        if (reader_phrase(reader, "beside"))
            reader_quoted(reader, step->text2, sizeof(step->text2));
    }
    read_for(reader, step);
}

bool reader_expect(struct reader *reader, struct scenario_step *step)
{
    if (reader_phrase(reader, "no flags"))
        step->act = EXPECT_NO_FLAGS;
    else if (reader_phrase(reader, "no flag"))
        read_flag(reader, step, EXPECT_NO_FLAG);
    else if (reader_phrase(reader, "flag"))
        read_flag(reader, step, EXPECT_FLAG);
    else if (reader_phrase(reader, "nobody stands in for"))
        read_cover(reader, step, SCENARIO_NONE);
    else if ((step->actor = reader_person(reader)) != SCENARIO_NONE)
        read_of_person(reader, step);
    else if (reader_at_end(reader))
        reader_fail(reader, "what is expected is missing");
    else if (*reader->at >= '0' && *reader->at <= '9') {
        step->act = EXPECT_PRESENCES;
        step->number = reader_number(reader);
        if (!reader_phrase(reader, "presences at"))
            reader_need(reader, "presence at");
        step->offender = reader_need_offender(reader);
    } else
        read_field(reader, step);
    return !reader->failed;
}
