#include "client-sim/timeline.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void format_time(int64_t time_ms, const char *format, char *ret_text, size_t size)
{
    time_t time_s = (time_t)(time_ms / 1000);
    struct tm tm;

    if (localtime_r(&time_s, &tm) == NULL || strftime(ret_text, size, format, &tm) == 0)
        snprintf(ret_text, size, "?");
}

void timeline_clock_text(int64_t time_ms, char *ret_text, size_t size)
{
    format_time(time_ms, "%H:%M:%S", ret_text, size);
}

void timeline_day_text(int64_t time_ms, char *ret_text, size_t size)
{
    char zone[8];

    format_time(time_ms, "%z", zone, sizeof(zone)); /* "+0100" */
    format_time(time_ms, "%A %-d %B %Y, local time (UTC", ret_text, size);

    size_t used = strlen(ret_text);

    if (strlen(zone) == 5)
        snprintf(ret_text + used, size - used, "%.3s:%.2s)", zone, zone + 3);
}

void timeline_title(const struct play *play, size_t order)
{
    const struct scenario *scenario = play->scenario;
    size_t orders = scenario_orders(scenario);

    printf("\n%s", scenario->title);
    if (orders > 1)
        printf(" (order %zu of %zu)", order + 1, orders);
    printf("\n");
    for (size_t i = 0; i < scenario->about_count && order == 0; i++)
        printf("  %s\n", scenario->about[i]);
}

static void show_day(struct play *play, int64_t time_ms)
{
    char before[64] = "";
    char day[64];

    if (play->shown_ms != 0)
        timeline_day_text(play->shown_ms, before, sizeof(before));
    timeline_day_text(time_ms, day, sizeof(day));
    play->shown_ms = time_ms;
    if (strcmp(before, day) != 0)
        printf("  %s\n", day);
}

void timeline_step(struct play *play, const struct scenario_step *step)
{
    char text[32];

    show_day(play, step->time_ms);
    if (step->act >= EXPECT_VERDICT)
        return;
    timeline_clock_text(step->time_ms, text, sizeof(text));
    printf("  %s  %s\n", text, step->source);
}

void timeline_result(struct play *play, const struct scenario_step *step, bool good)
{
    char text[32];

    if (step->act < EXPECT_VERDICT && good)
        return;
    timeline_clock_text(step->time_ms, text, sizeof(text));
    printf("  %s  %s %s\n", text, good ? "\xe2\x9c\x93" : "\xe2\x9c\x97", step->source);
    if (!good)
        printf("            %s\n", play->fault);
    fflush(stdout);
}

static const char *name_of(const struct play *play, const struct dc_id *officer)
{
    for (size_t i = 0; i < play->scenario->person_count; i++) {
        if (ids_equal(&play->people[i].package.officer, officer))
            return play->scenario->people[i].name;
    }
    return "somebody";
}

static const char *place_of(const struct play *play, const struct dc_id *offender)
{
    for (size_t i = 0; i < play->scenario->offender_count; i++) {
        if (ids_equal(&play->offender_ids[i], offender))
            return play->scenario->offenders[i].name;
    }
    return "an offender's";
}

/* Flags' names as people write them. */
static void name_words(const char *kind, char ret_words[48])
{
    snprintf(ret_words, 48, "%s", kind);
    for (char *at = ret_words; *at != '\0'; at++)
        *at = *at == '_' ? ' ' : *at;
    if (strncmp(ret_words, "check out", 9) == 0)
        ret_words[5] = '-';
}

struct shown {
    struct play *play;
    char text[32];
    const char *watcher;
};

/* Rows change for other reasons than their verdict, too; only the verdict is news here. */
bool timeline_is_news(struct play *play, const struct dc_presence *row)
{
    size_t index = 0;

    while (index < play->told_count && !hashes_equal(&play->told[index].presence, &row->presence))
        index++;
    if (index == PLAY_TOLD_MAX)
        return true;
    if (index == play->told_count)
        play->told[play->told_count++].presence = row->presence;
    else if (strcmp(play->told[index].why, row->verdict.why) == 0)
        return false;
    snprintf(play->told[index].why, sizeof(play->told[index].why), "%s", row->verdict.why);
    return true;
}

static bool show_presence(void *context, const struct dc_presence *row)
{
    const struct shown *shown = context;

    if (row->verdict.preview || row->verdict.company == NULL || !timeline_is_news(shown->play, row))
        return true;
    printf("  %s    %s sees %s at %s: %s\n", shown->text, shown->watcher, name_of(shown->play, &row->officer),
           place_of(shown->play, &row->offender), row->verdict.why);
    return true;
}

void timeline_event(struct play *play, struct person *person, const struct dc_event *event)
{
    struct shown shown = {.play = play, .watcher = person->package.officer_code};

    timeline_clock_text(play->stage.clock.now_ms, shown.text, sizeof(shown.text));
    if (event->type == DC_EVENT_VERDICT &&
        dc_each_presence(person->device, &event->presence, show_presence, &shown) != DC_OK)
        return;
    if (event->type != DC_EVENT_FLAG || event->row == NULL || event->row->state != DC_FLAG_RAISED)
        return;

    char words[48];

    name_words(event->row->kind, words);
    printf("  %s    FLAG to %s: %s, %s at %s. %s\n", shown.text, shown.watcher, words,
           name_of(play, &event->row->officer), place_of(play, &event->row->offender), event->row->why);
}
