/* doublecrewctl judge: the two-officer rule as a plain function of lines. */
#include <stdio.h>
#include <stdlib.h>

#include "admin/command.h"
#include "admin/judge_json.h"

/* A case has at most RULE_PRESENCES_MAX presences: 64 of about 600 bytes, with plenty of room. */
#define LINE_SIZE_MAX (1024u * 1024u)

enum line_read { LINE_READ, LINE_TOO_LONG, LINE_NONE };

/* One line without its end; of one that is too long the rest is passed over. */
static enum line_read read_line(FILE *from, char *ret_line, size_t *ret_length)
{
    size_t length = 0;
    bool too_long = false;
    int byte = getc(from);

    if (byte == EOF)
        return LINE_NONE;
    for (; byte != EOF && byte != '\n'; byte = getc(from)) {
        if (length == LINE_SIZE_MAX)
            too_long = true;
        else
            ret_line[length++] = (char)byte;
    }
    *ret_length = length;
    return too_long ? LINE_TOO_LONG : LINE_READ;
}

static enum status judge_one(enum line_read read, const char *line, size_t length, uint64_t number, char **ret_answer)
{
    char what[64];

    if (read == LINE_READ)
        return judge_json_line(line, length, number, ret_answer);
    (void)snprintf(what, sizeof what, "a case longer than %u bytes", LINE_SIZE_MAX);
    return judge_json_error(what, "", number, ret_answer);
}

static int judge_lines(FILE *from, FILE *to, char *line)
{
    size_t length = 0;
    enum line_read read;

    for (uint64_t number = 1; (read = read_line(from, line, &length)) != LINE_NONE; number++) {
        char *answer = NULL;
        enum status status = judge_one(read, line, length, number, &answer);

        if (status != STATUS_OK)
            return complain_status(status, "a case could not be judged");
        fputs(answer, to);
        free(answer);
        if (putc('\n', to) == EOF || fflush(to) != 0)
            return complain("the results could not be written");
    }
    return ferror(from) ? complain("the cases could not be read") : EXIT_DONE;
}

int command_judge(const struct command *command, int argc, char **argv)
{
    size_t plain_count = 0;
    char *line = NULL;
    int result = EXIT_FAILED;

    if (!options_read(command, argc, argv, NULL, 0, NULL, 0, &plain_count))
        return EXIT_USAGE;
    line = malloc(LINE_SIZE_MAX);
    if (line == NULL)
        return complain_status(STATUS_NO_MEMORY, "no case could be read");
    result = judge_lines(stdin, stdout, line);
    free(line);
    return result;
}
