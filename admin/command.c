#include "admin/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/utf8.h"

int complain(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("doublecrewctl: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return EXIT_FAILED;
}

int complain_status(enum status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("doublecrewctl: ", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, ": %s (%s). %s.\n", status_what(status), status_name(status), status_advice(status));
    return EXIT_FAILED;
}

int complain_usage(const struct command *command)
{
    fprintf(stderr, "Usage: doublecrewctl %s %s\n", command->name, command->arguments);
    return EXIT_USAGE;
}

bool number_read(const char *text, uint64_t most, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        unsigned digit = (unsigned)(unsigned char)*text - '0';
        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return false;
        number = 10 * number + digit;
    }
    if (number > most)
        return false;
    *ret_number = number;
    return true;
}

bool line_fits(const char *text, size_t size)
{
    size_t length = strlen(text);

    if (length >= size || !utf8_valid_text(span_of(text, length)))
        return false;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == '\x7f')
            return false;
    }
    return true;
}

static const struct option_spec *find_option(const struct option_spec *specs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(specs[i].name, name) == 0)
            return &specs[i];
    }
    return NULL;
}

bool options_read(const struct command *command, int argc, char **argv, const struct option_spec *specs,
                  size_t spec_count, const char **ret_plain, size_t plain_max, size_t *ret_plain_count)
{
    size_t plain_count = 0;

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            if (plain_count == plain_max) {
                complain("'%s' is one argument too many", argv[i]);
                complain_usage(command);
                return false;
            }
            ret_plain[plain_count++] = argv[i];
            continue;
        }
        const struct option_spec *spec = find_option(specs, spec_count, argv[i] + 2);
        if (spec == NULL || (spec->present == NULL && i + 1 == argc)) {
            complain(spec == NULL ? "there is no option '%s' here" : "'%s' needs a value after it", argv[i]);
            complain_usage(command);
            return false;
        }
        if (spec->present != NULL)
            *spec->present = true;
        else
            *spec->value = argv[++i];
    }
    *ret_plain_count = plain_count;
    return true;
}
