/*
 * The log: one JSON object a line whatever is put into it, and no flood.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "server/edge/clock.h"
#include "server/edge/log.h"

static char path[64];
static FILE *reading;

static struct log *open_log(enum log_level level)
{
    struct log *log;
    int fd;

    strcpy(path, "/tmp/doublecrew-log-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(log_new(level, path, &log), STATUS_OK);
    reading = fopen(path, "r");
    assert_non_null(reading);
    return log;
}

static void close_log(struct log *log)
{
    log_free(log);
    fclose(reading);
    unlink(path);
}

/* The next line; NULL at the end. */
static json_t *next(void)
{
    char line[LOG_LINE_MAX + 2];
    json_t *object;

    if (fgets(line, sizeof(line), reading) == NULL)
        return NULL;
    object = json_loads(line, 0, NULL);
    assert_non_null(object);
    return object;
}

static void line__holds_event_fields_level_and_time(void **state)
{
    struct log *log = open_log(LOG_INFO);
    struct id id = {{0xab}};
    json_t *line;

    (void)state;
    LOG(log, LOG_INFO, "session_open", log_number("connection", -3), log_id("device", &id),
        log_status("error", STATUS_LOG_GAP));
    line = next();
    assert_string_equal(json_string_value(json_object_get(line, "event")), "session_open");
    assert_int_equal(json_integer_value(json_object_get(line, "connection")), -3);
    assert_string_equal(json_string_value(json_object_get(line, "device")), "ab000000000000000000000000000000");
    assert_string_equal(json_string_value(json_object_get(line, "error")), "log_gap");
    assert_string_equal(json_string_value(json_object_get(line, "level")), "info");
    assert_int_equal(strlen(json_string_value(json_object_get(line, "time"))), strlen("2026-01-01T00:00:00.000000Z"));
    json_decref(line);
    close_log(log);
}

static void text__that_would_break_the_line_is_made_harmless(void **state)
{
    struct log *log = open_log(LOG_INFO);
    static char text[3000];
    json_t *line;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    LOG(log, LOG_INFO, "a", log_text("b", "q\"u\\o\n\x01\xff}"), log_text("c", text), log_text("d", text),
        log_text("e", text), log_text("f", text), log_text("g", text), log_text("h", text), log_text("i", text),
        log_text("j", text), log_text("k", text), log_text("l", text));
    line = next();
    assert_string_equal(json_string_value(json_object_get(line, "b")), "q\"u\\o???}");
    assert_string_equal(json_string_value(json_object_get(line, "level")), "info");
    json_decref(line);
    assert_null(next());
    close_log(log);
}

static void level__below_the_configured_one_is_left_out(void **state)
{
    struct log *log = open_log(LOG_WARNING);
    json_t *line;

    (void)state;
    LOG_EVENT(log, LOG_INFO, "quiet");
    LOG_EVENT(log, LOG_ERROR, "loud");
    line = next();
    assert_string_equal(json_string_value(json_object_get(line, "event")), "loud");
    json_decref(line);
    close_log(log);
}

static void warnings__of_one_event_are_limited_and_others_are_not(void **state)
{
    struct log *log = open_log(LOG_INFO);
    unsigned lines = 0;
    json_t *line;

    (void)state;
    for (unsigned i = 0; i < LOG_BURST + 50; i++)
        LOG_EVENT(log, LOG_WARNING, "flood");
    LOG_EVENT(log, LOG_WARNING, "other");
    while ((line = next()) != NULL) {
        lines++;
        json_decref(line);
    }
    assert_int_equal(lines, LOG_BURST + 1);
    close_log(log);
}

static void training_clock__moves_only_by_steps_and_never_back(void **state)
{
    struct clock *clock;

    (void)state;
    assert_int_equal(clock_new(&(struct clock_setup){.training = true, .journal_us = 77}, &clock), STATUS_OK);
    assert_true(clock_read(clock).server_us == 77);
    clock_step(clock, 99);
    clock_step(clock, 98);
    assert_true(clock_read(clock).server_us == 99);
    assert_false(clock_read(clock).clock_trouble);
    clock_free(clock);
}

static void training_clock__runs_at_its_rate(void **state)
{
    const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
    struct clock *clock;
    int64_t first_us;

    (void)state;
    assert_int_equal(
        clock_new(&(struct clock_setup){.training = true, .training_rate = 3600, .journal_us = 1000000}, &clock),
        STATUS_OK);
    first_us = clock_read(clock).server_us;
    nanosleep(&nap, NULL);
    assert_true(clock_read(clock).server_us - first_us >= INT64_C(3600) * 20 * 1000);
    clock_step(clock, first_us); /* it is beyond that: nothing happens */
    assert_true(clock_read(clock).server_us > first_us);
    assert_in_range(clock_real_until_us(clock, clock_read(clock).server_us + INT64_C(3600) * 1000000), 900000, 1000000);
    assert_int_equal(clock_real_until_us(clock, 0), 0);
    clock_free(clock);
    assert_int_equal(clock_new(&(struct clock_setup){.training = true, .journal_us = 77}, &clock), STATUS_OK);
    assert_int_equal(clock_real_until_us(clock, 78), -1);
    clock_free(clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line__holds_event_fields_level_and_time),
        cmocka_unit_test(text__that_would_break_the_line_is_made_harmless),
        cmocka_unit_test(level__below_the_configured_one_is_left_out),
        cmocka_unit_test(warnings__of_one_event_are_limited_and_others_are_not),
        cmocka_unit_test(training_clock__moves_only_by_steps_and_never_back),
        cmocka_unit_test(training_clock__runs_at_its_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
