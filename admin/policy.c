/* doublecrewctl policy show|check|apply|history|what-if */
#include <stdio.h>
#include <string.h>

#include "admin/command.h"
#include "admin/operator_online.h"
#include "admin/policy_versions.h"
#include "admin/policy_what_if.h"
#include "admin/time_text.h"

/* What one word of the command works on. */
struct policy_call {
    const struct force_folder *folder;
    const struct force_facts *facts;
    const char *path; /* the file; NULL for words that take none */
    uint64_t days;
};

/* The next version: the newest with what the file changes. Complains itself. */
static enum status read_next(const struct policy_call *call, struct policy_versions *versions,
                             struct policy_values *ret_values)
{
    enum status status = policy_versions_of(call->folder, versions);

    if (status != STATUS_OK) {
        complain_status(status, "the policy could not be read");
        return status;
    }
    *ret_values = *policy_versions_newest(versions);
    ret_values->message.lone_forbidden = ret_values->lone;
    ret_values->message.version++;
    ret_values->message.effective_from_ms = 0; /* from when it is recorded: never back-dated (L1) */
    status = policy_values_read(call->path, ret_values);
    return status == STATUS_OK ? policy_versions_admit(versions, call->path, ret_values) : status;
}

static void print_effect(const struct policy_values *values)
{
    char text[TIME_TEXT_SIZE];

    time_to_text(values->message.effective_from_ms, text);
    printf("effective from: %s\n", values->message.effective_from_ms == 0 ? "when it is applied" : text);
}

static int run_show(const struct policy_call *call)
{
    struct policy_versions versions;
    enum status status = policy_versions_of(call->folder, &versions);

    if (status != STATUS_OK)
        return complain_status(status, "the policy could not be read");
    policy_values_print(policy_versions_in_force(&versions));
    return EXIT_DONE;
}

static int run_history(const struct policy_call *call)
{
    struct policy_versions versions;
    enum status status = policy_versions_of(call->folder, &versions);

    if (status != STATUS_OK)
        return complain_status(status, "the policy could not be read");
    policy_versions_print(&versions);
    return EXIT_DONE;
}

static int run_check(const struct policy_call *call)
{
    struct policy_versions versions;
    struct policy_values values;

    if (read_next(call, &versions, &values) != STATUS_OK)
        return EXIT_FAILED;
    printf("would be version %u; ", values.message.version);
    print_effect(&values);
    printf("changes: %zu\n", policy_difference_print(policy_versions_newest(&versions), &values, "    "));
    return EXIT_DONE;
}

static int run_apply(const struct policy_call *call)
{
    struct operator_entries entries = {.count = 0};
    struct policy_versions versions;
    struct policy_values values;

    if (operator_online_settle(call->folder, call->facts) != STATUS_OK ||
        read_next(call, &versions, &values) != STATUS_OK)
        return EXIT_FAILED;

    enum status status = policy_add(&entries, &values);

    if (status == STATUS_OK)
        status = operator_entries_write(call->folder, call->facts, &entries);
    operator_entries_done(&entries);
    if (status != STATUS_OK)
        return EXIT_FAILED;
    if (values.message.effective_from_ms == 0) {
        printf("Policy version %u is in force.\n", values.message.version);
    } else {
        printf("Policy version %u is recorded; ", values.message.version);
        print_effect(&values);
    }
    return EXIT_DONE;
}

static int run_what_if(const struct policy_call *call)
{
    struct policy_versions versions;
    struct policy_values values;

    if (read_next(call, &versions, &values) != STATUS_OK)
        return EXIT_FAILED;
    printf("changes: %zu\n", policy_difference_print(policy_versions_newest(&versions), &values, "    "));
    return policy_what_if(call->folder, &values, call->days) == STATUS_OK ? EXIT_DONE : EXIT_FAILED;
}

static const struct {
    const char *word;
    bool takes_file;
    int (*run)(const struct policy_call *call);
} words[] = {
    {"show", false, run_show},  {"history", false, run_history}, {"check", true, run_check},
    {"apply", true, run_apply}, {"what-if", true, run_what_if},
};

int command_policy(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *days = "90";
    const char *plain[2];
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL}, {"days", &days, NULL}};
    struct force_folder folder;
    struct force_facts facts;
    struct policy_call call = {&folder, &facts, NULL, 0};
    size_t which = 0;

    if (!options_read(command, argc, argv, specs, 2, plain, 2, &plain_count))
        return EXIT_USAGE;
    while (plain_count > 0 && which < sizeof(words) / sizeof(words[0]) && strcmp(words[which].word, plain[0]) != 0)
        which++;
    if (plain_count == 0 || which == sizeof(words) / sizeof(words[0]) ||
        plain_count != (words[which].takes_file ? 2 : 1) || !number_read(days, POLICY_WHAT_IF_DAYS_MAX, &call.days))
        return complain_usage(command);
    call.path = words[which].takes_file ? plain[1] : NULL;
    if (!force_open(dir, &folder, &facts))
        return EXIT_FAILED;
    return words[which].run(&call);
}
