/*
 * doublecrewctl's commands: each is a row of a table, a function of its arguments that prints and returns an exit code.
 *
 * Exit codes: 0 done, 1 it could not be done (nothing is half done), 2 the command line was wrong.
 */
#ifndef DOUBLECREW_ADMIN_COMMAND_H
#define DOUBLECREW_ADMIN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
    const char *name;
    const char *arguments; /* after the name, as in the usage line */
    const char *summary;   /* one line */
    const char *help;      /* what else there is to know; may be "" */
    int (*run)(const struct command *command, int argc, char **argv);
};

/* One command's options. Every option takes a value unless it is a switch. */
struct option_spec {
    const char *name;   /* without the two hyphens */
    const char **value; /* one of value and present is set */
    bool *present;
};

/*
 * Sorts argv into options and plain arguments (argv[0] is the command's name). Plain ones are written to ret_plain, at most
 * plain_max. Complains and returns false on an unknown option, a missing value or too many arguments.
 */
bool options_read(const struct command *command, int argc, char **argv, const struct option_spec *specs,
                  size_t spec_count, const char **ret_plain, size_t plain_max, size_t *ret_plain_count);

/* Prints "doublecrewctl: " and the text, then a newline, to stderr. Returns EXIT_FAILED. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for a status: what, why and what to do. */
int complain_status(enum status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints the usage line of a command; returns EXIT_USAGE. */
int complain_usage(const struct command *command);

/* A whole decimal number, digits only, at most `most`; false: it is none. */
bool number_read(const char *text, uint64_t most, uint64_t *ret_number);
/* One line of UTF-8 without control characters, shorter than `size` bytes (its terminator counts): fit for files and entries. */
bool line_fits(const char *text, size_t size);

int command_init(const struct command *command, int argc, char **argv);
int command_import(const struct command *command, int argc, char **argv);
int command_enrol(const struct command *command, int argc, char **argv);
int command_revoke(const struct command *command, int argc, char **argv);
int command_cover(const struct command *command, int argc, char **argv);
int command_seed(const struct command *command, int argc, char **argv);
int command_list(const struct command *command, int argc, char **argv);
int command_quiet(const struct command *command, int argc, char **argv);
int command_rescue(const struct command *command, int argc, char **argv);
int command_status(const struct command *command, int argc, char **argv);
int command_policy(const struct command *command, int argc, char **argv);
int command_rebuild(const struct command *command, int argc, char **argv);
int command_verify(const struct command *command, int argc, char **argv);
int command_restore(const struct command *command, int argc, char **argv);
int command_epoch(const struct command *command, int argc, char **argv);
int command_backup(const struct command *command, int argc, char **argv);
int command_anchor(const struct command *command, int argc, char **argv);
int command_clock(const struct command *command, int argc, char **argv);
int command_explain(const struct command *command, int argc, char **argv);
int command_judge(const struct command *command, int argc, char **argv);

/* admin/clock.c: whether the server's clocks agree (T5), as lines of `status` and `clock`. */
void clock_print(const char *store_path, bool timers_held);

#endif
