/* The timeline of a play, as a supervisor would want to read it. */
#ifndef DOUBLECREW_CLIENT_SIM_TIMELINE_H
#define DOUBLECREW_CLIENT_SIM_TIMELINE_H

#include "client-sim/play.h"

void timeline_title(const struct play *play, size_t order);
/* An act or expectation, before it is carried out. */
void timeline_step(struct play *play, const struct scenario_step *step);
void timeline_result(struct play *play, const struct scenario_step *step, bool good);
/* What arrives on a supervisor's device. */
void timeline_event(struct play *play, struct person *person, const struct dc_event *event);
/* Whether a row's verdict says something else than it did when this was last asked. */
bool timeline_is_news(struct play *play, const struct dc_presence *row);
/* "09:00:30 +00:00" of a time; "2026-03-02, times in UTC+00:00" of its day. */
void timeline_clock_text(int64_t time_ms, char *ret_text, size_t size);
void timeline_day_text(int64_t time_ms, char *ret_text, size_t size);

#endif
