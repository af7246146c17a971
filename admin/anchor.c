/* doublecrewctl anchor void: anchors issued while the server's clock was wrong are evidence of nothing (T5). */
#include <stdio.h>
#include <string.h>

#include "admin/command.h"
#include "admin/operator_online.h"
#include "admin/time_text.h"
#include "core/limits.h"
#include "doublecrew/v1/entry.pb-c.h"

static bool read_time(const char *option, const char *text, int64_t *ret_ms)
{
    if (time_from_text(text, ret_ms) == STATUS_OK)
        return true;
    complain("%s '%s' is not a time: write it as 2026-03-02T09:00Z", option, text);
    return false;
}

static bool is_readable(const char *from, const char *to, const char *reason, Doublecrew__V1__AnchorVoid *message)
{
    if (!read_time("--from", from, &message->from_ms) || !read_time("--to", to, &message->to_ms))
        return false;
    if (message->from_ms >= message->to_ms) {
        complain("--from must be earlier than --to: anchors of [from, to) become void");
        return false;
    }
    if (*reason == '\0' || !line_fits(reason, TEXT_SHORT_MAX + 1)) {
        complain("--reason must be one line of at most %d bytes", TEXT_SHORT_MAX);
        return false;
    }
    return true;
}

static enum status declare(const struct force_folder *folder, const struct force_facts *facts,
                           const Doublecrew__V1__AnchorVoid *message)
{
    struct operator_entries entries = {.count = 0};
    enum status status =
        operator_entries_add(&entries, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_ANCHOR_VOID, &message->base);

    if (status == STATUS_OK)
        status = operator_entries_write(folder, facts, &entries);
    operator_entries_done(&entries);
    return status;
}

int command_anchor(const struct command *command, int argc, char **argv)
{
    const char *dir = ".", *verb = NULL, *from = NULL, *to = NULL;
    size_t plain_count = 0;
    union {
        const char *borrowed;
        char *text;
    } reason = {.borrowed = ""};
    const struct option_spec specs[] = {
        {"dir", &dir, NULL}, {"from", &from, NULL}, {"to", &to, NULL}, {"reason", &reason.borrowed, NULL}};
    Doublecrew__V1__AnchorVoid message = DOUBLECREW__V1__ANCHOR_VOID__INIT;
    struct force_folder folder;
    struct force_facts facts;

    if (!options_read(command, argc, argv, specs, sizeof(specs) / sizeof(specs[0]), &verb, 1, &plain_count))
        return EXIT_USAGE;
    if (plain_count != 1 || strcmp(verb, "void") != 0 || from == NULL || to == NULL)
        return complain_usage(command);
    if (!is_readable(from, to, reason.borrowed, &message) || !force_open(dir, &folder, &facts) ||
        operator_online_settle(&folder, &facts) != STATUS_OK)
        return EXIT_FAILED;
    message.reason = reason.text;
    if (declare(&folder, &facts, &message) != STATUS_OK)
        return EXIT_FAILED;
    printf("Anchors issued from %s up to %s, by the server's clock of then, are void.\n", from, to);
    return EXIT_DONE;
}
