#include "server/edge/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/edge/clock.h"

#define EVENTS_MAX 64
/* The longest name and text with their quotes; the last fields (suppressed, level, time) always keep their room. */
#define FIELD_SIZE_MAX 560

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

/* How often one event was written in its current window. Event names are literals: compared by their text. */
struct burst {
    const char *event;
    int64_t since_us;
    unsigned written;
    unsigned suppressed;
};

struct log {
    pthread_mutex_t lock;
    enum log_level level;
    int fd;
    bool owns_fd;
    struct burst bursts[EVENTS_MAX];
};

struct line {
    char text[LOG_LINE_MAX];
    size_t size;
};

enum status log_new(enum log_level level, const char *file, struct log **ret_log)
{
    struct log *log = calloc(1, sizeof(*log));

    if (log == NULL)
        return STATUS_NO_MEMORY;
    log->level = level;
    log->fd = file == NULL ? STDERR_FILENO : open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    log->owns_fd = file != NULL;
    if (log->fd < 0) {
        free(log);
        return STATUS_IO;
    }
    pthread_mutex_init(&log->lock, NULL);
    *ret_log = log;
    return STATUS_OK;
}

void log_free(struct log *log)
{
    if (log == NULL)
        return;
    if (log->owns_fd)
        close(log->fd);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

struct log_field log_number(const char *name, int64_t number)
{
    return (struct log_field){.name = name, .number = number};
}

struct log_field log_text(const char *name, const char *text)
{
    return (struct log_field){.name = name, .text = text};
}

struct log_field log_status(const char *name, enum status status)
{
    return log_text(name, status_name(status));
}

struct log_field log_id(const char *name, const struct id *id)
{
    struct log_field field = {.name = name, .text = ""};

    hex_encode(span_of(id->bytes, ID_SIZE), field.hex);
    return field;
}

struct log_field log_hash(const char *name, const struct hash *hash)
{
    struct log_field field = {.name = name, .text = ""};

    hex_encode(span_of(hash->bytes, HASH_SIZE), field.hex);
    return field;
}

static void put(struct line *line, const char *text)
{
    size_t size = strlen(text);

    memcpy(line->text + line->size, text, size);
    line->size += size;
}

static bool has_room(const struct line *line)
{
    return line->size + FIELD_SIZE_MAX < sizeof(line->text) - (size_t)3 * FIELD_SIZE_MAX;
}

/* Everything but plain ASCII is shown as "?": names of things in logs are ours, and ASCII. */
static void put_quoted(struct line *line, const char *text)
{
    char out[260];
    size_t size = 0;

    out[size++] = '"';
    for (; *text != '\0' && size < sizeof(out) - 4; text++) {
        if (*text == '"' || *text == '\\')
            out[size++] = '\\';
        out[size++] = *text < ' ' || *text > '~' ? '?' : *text;
    }
    out[size++] = '"';
    out[size] = '\0';
    put(line, out);
}

static void put_field(struct line *line, const struct log_field *field)
{
    char number[32];

    put(line, ",");
    put_quoted(line, field->name);
    put(line, ":");
    if (field->text != NULL) {
        put_quoted(line, field->text[0] == '\0' ? field->hex : field->text);
        return;
    }
    snprintf(number, sizeof(number), "%lld", (long long)field->number);
    put(line, number);
}

static void put_time(struct line *line, int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm utc;
    char date[32];
    char text[48];

    gmtime_r(&seconds, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, sizeof(text), "%s.%06lldZ", date, (long long)(wall_us % 1000000));
    put_field(line, &(struct log_field){.name = "time", .text = text});
}

static struct burst *burst_of(struct log *log, const char *event)
{
    for (size_t i = 0; i < EVENTS_MAX; i++) {
        if (log->bursts[i].event == NULL)
            log->bursts[i].event = event;
        if (strcmp(log->bursts[i].event, event) == 0)
            return &log->bursts[i];
    }
    return NULL;
}

/* Under the lock. Says how many lines were left out before this one. */
static bool may_write(struct log *log, const char *event, int64_t now_us, unsigned *ret_suppressed)
{
    struct burst *burst = burst_of(log, event);

    *ret_suppressed = 0;
    if (burst == NULL)
        return true;
    if (now_us - burst->since_us >= LOG_BURST_WINDOW_US || burst->since_us == 0) {
        *ret_suppressed = burst->suppressed;
        burst->since_us = now_us;
        burst->written = 0;
        burst->suppressed = 0;
    }
    if (burst->written >= LOG_BURST) {
        burst->suppressed++;
        return false;
    }
    burst->written++;
    return true;
}

static void write_line(struct log *log, struct line *line)
{
    ssize_t written;

    line->text[line->size++] = '}';
    line->text[line->size++] = '\n';
    written = write(log->fd, line->text, line->size);
    (void)written; /* a log that can't be written must not stop the server */
}

void log_fields(struct log *log, enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
    struct line line = {.size = 0};
    unsigned suppressed = 0;

    if (level > log->level)
        return;
    put(&line, "{\"event\":");
    put_quoted(&line, event);
    for (size_t i = 0; i < count && has_room(&line); i++)
        put_field(&line, &fields[i]);
    pthread_mutex_lock(&log->lock);
    if (level > LOG_WARNING || may_write(log, event, clock_boot_us(), &suppressed)) {
        if (suppressed > 0)
            put_field(&line, &(struct log_field){.name = "suppressed", .number = (int64_t)suppressed});
        put_field(&line, &(struct log_field){.name = "level", .text = level_names[level]});
        put_time(&line, clock_wall_us());
        write_line(log, &line);
    }
    pthread_mutex_unlock(&log->lock);
}

bool log_level_from_name(const char *name, enum log_level *ret_level)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(level_names[i], name) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}
