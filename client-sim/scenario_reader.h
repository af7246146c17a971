/*
 * Reading one statement of a scenario, a phrase at a time. A reader remembers the first thing that went wrong, with what
 * would have been understood; after that every call fails quietly, so callers need not check each step.
 */
#ifndef DOUBLECREW_CLIENT_SIM_SCENARIO_READER_H
#define DOUBLECREW_CLIENT_SIM_SCENARIO_READER_H

#include "client-sim/scenario.h"

struct reader {
    struct scenario *scenario;
    const char *at;
    size_t line;
    int64_t day_ms; /* midnight, local time; 0: no day yet */
    bool failed;
    char fault[256];
};

void reader_fail(struct reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool reader_at_end(struct reader *reader);
/* Takes the phrase when it stands here, as whole words; else leaves everything. */
bool reader_phrase(struct reader *reader, const char *phrase);
/* Fails when the phrase isn't there. */
void reader_need(struct reader *reader, const char *phrase);
/* The longest declared name that stands here; SCENARIO_NONE (and no fault) when there is none. */
size_t reader_person(struct reader *reader);
size_t reader_offender(struct reader *reader);
size_t reader_team(struct reader *reader);
/* The same, and a fault when there is none. */
size_t reader_need_person(struct reader *reader);
size_t reader_need_offender(struct reader *reader);
size_t reader_need_team(struct reader *reader);
/* Text up to the next comma or the end (names, titles). */
void reader_name(struct reader *reader, char ret_name[SCENARIO_NAME_MAX]);
/* "In quotation marks". */
void reader_quoted(struct reader *reader, char *ret_text, size_t size);
/* A whole number. */
int64_t reader_number(struct reader *reader);
/* "90 s", "4 min", "2 h", "1 day": milliseconds. */
int64_t reader_length_ms(struct reader *reader);
/* "52.20531 0.12180" */
void reader_degrees(struct reader *reader, int32_t *ret_latitude_e7, int32_t *ret_longitude_e7);
/* "2026-03-02", when one stands there: false, and nothing read, when not. A date that doesn't exist fails. */
bool reader_date(struct reader *reader, int64_t *ret_day_ms);
/* "09:00" or "09:00:30" of the current day. */
int64_t reader_clock(struct reader *reader);
/* One of the words (several words each); its index. Fails, naming them all. */
size_t reader_choice(struct reader *reader, const char *what, const char *const *words, size_t count);
/* Words up to the phrase, blanks and hyphens turned to underscores; takes the phrase too. Fails when it isn't there. */
void reader_words_until(struct reader *reader, const char *phrase, char *ret_words, size_t size);

/* Exactly `digits` decimal digits at *at, which moves past them. */
bool reader_digits(const char **at, size_t digits, int *ret_value);

/* The statements; each reads the rest of the line into the step. */
bool reader_act(struct reader *reader, struct scenario_step *step);
bool reader_expect(struct reader *reader, struct scenario_step *step);

#endif
