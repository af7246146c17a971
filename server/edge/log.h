/*
 * The program's log: one JSON object a line, {"event": ..., fields, "level": ..., "time": ...}. Ids and codes only: never
 * secrets, names, notes or places. Any thread may write; a line is one write(2).
 *
 * Warnings and errors of one event are limited to LOG_BURST in LOG_BURST_WINDOW_US; the next line then says how many were
 * left out ("suppressed").
 */
#ifndef DOUBLECREW_SERVER_EDGE_LOG_H
#define DOUBLECREW_SERVER_EDGE_LOG_H

#include "core/bytes.h"

#define LOG_LINE_MAX 4096
#define LOG_BURST 20u
#define LOG_BURST_WINDOW_US ((int64_t)10 * 1000 * 1000)

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

struct log_field {
    const char *name;
    const char *text; /* NULL: a number */
    int64_t number;
    char hex[2 * HASH_SIZE + 1]; /* used when text is empty and this isn't */
};

struct log;

/* file NULL: standard error. IO when it can't be opened for appending. */
MUST_USE enum status log_new(enum log_level level, const char *file, struct log **ret_log);
void log_free(struct log *log);

struct log_field log_number(const char *name, int64_t number);
/* text is borrowed until the line is written; control characters and invalid UTF-8 are replaced. */
struct log_field log_text(const char *name, const char *text);
struct log_field log_status(const char *name, enum status status);
struct log_field log_id(const char *name, const struct id *id);
struct log_field log_hash(const char *name, const struct hash *hash);

void log_fields(struct log *log, enum log_level level, const char *event, const struct log_field *fields, size_t count);

#define LOG_EVENT(log, level, event) log_fields(log, level, event, NULL, 0)
#define LOG(log, level, event, ...)                                                                                    \
    log_fields(log, level, event, (const struct log_field[]){__VA_ARGS__},                                             \
               sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* False for any other name than "error", "warning", "info", "debug". */
bool log_level_from_name(const char *name, enum log_level *ret_level);

#endif
