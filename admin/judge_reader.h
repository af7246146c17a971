/* Private to judge_json*.c: single values of a JSON case. The first that doesn't fit is kept as the error, with its place. */
#ifndef DOUBLECREW_ADMIN_JUDGE_READER_H
#define DOUBLECREW_ADMIN_JUDGE_READER_H

#include <jansson.h>

#include "admin/judge_json.h"

struct judge_reader {
    struct judge_error *error;
    bool failed;
    char at[JUDGE_ERROR_SIZE]; /* the thing being read: "presences[2]" */
    const json_t *officers;
    const json_t *devices;
    const json_t *offenders;
    const json_t *presences;
    const json_t *watermarks;
};

/* After a failure every reader returns some harmless value; the caller looks at failed once, at the end. */
void judge_blame(struct judge_reader *reader, const char *key, const char *what);
__attribute__((format(printf, 2, 3))) void judge_stand_at(struct judge_reader *reader, const char *format, ...);
bool judge_absent(const json_t *value);
int64_t judge_seconds(struct judge_reader *reader, const json_t *value, const char *key);
int64_t judge_seconds_of(struct judge_reader *reader, const json_t *object, const char *key);
int64_t judge_seconds_or(struct judge_reader *reader, const json_t *object, const char *key, int64_t otherwise_us);
int64_t judge_length_or(struct judge_reader *reader, const json_t *object, const char *key, int64_t otherwise_us);
uint64_t judge_number_of(struct judge_reader *reader, const json_t *object, const char *key); /* 0: absent */
void judge_check_object(struct judge_reader *reader, const json_t *value);
bool judge_flag_of(struct judge_reader *reader, const json_t *object, const char *key, bool otherwise);
double judge_metres(struct judge_reader *reader, const json_t *value, const char *key);
double judge_metres_or(struct judge_reader *reader, const json_t *object, const char *key, double otherwise_m);
const char *judge_text_of(struct judge_reader *reader, const json_t *object, const char *key);
void judge_name_bytes(const char *name, uint8_t *ret_bytes, size_t size);
struct id judge_id_of(const char *name);
size_t judge_place_of(struct judge_reader *reader, const json_t *table, const char *name, const char *key,
                      const char *what);
size_t judge_officer_place(struct judge_reader *reader, const char *name, const char *key);
size_t judge_offender_place(struct judge_reader *reader, const json_t *object);
size_t judge_presence_place(struct judge_reader *reader, const char *name, const char *key);
enum rule_risk judge_risk_of(struct judge_reader *reader, const json_t *value, const char *key);

#endif
