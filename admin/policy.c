/* doublecrewctl policy show|apply */
#include <stdio.h>
#include <string.h>

#include "admin/command.h"
#include "admin/operator_online.h"
#include "admin/policy_file.h"
#include "core/limits.h"
#include "core/wire.h"
#include "server/edge/store_sqlite.h"

#define POLICIES_MAX 64

static enum status unpack_newest(struct span body, struct policy_values *values)
{
    struct arena *arena = NULL;
    ProtobufCMessage *message = NULL;
    enum status status = arena_new(&arena);

    if (status == STATUS_OK) {
        arena_reset(arena, ARENA_FACTOR * body.size + ARENA_FLOOR);
        status = wire_unpack(arena, &doublecrew__v1__policy__descriptor, body, &message);
    }
    if (status == STATUS_OK) {
        values->message = *(const Doublecrew__V1__Policy *)message;
        if (values->message.n_lone_forbidden > POLICY_LONE_MAX)
            values->message.n_lone_forbidden = POLICY_LONE_MAX; /* there are no more risk levels: the rest repeats */
        for (size_t i = 0; i < values->message.n_lone_forbidden; i++)
            values->lone[i] = values->message.lone_forbidden[i];
        values->message.lone_forbidden = values->lone;
        values->message.base.n_unknown_fields = 0;
        values->message.base.unknown_fields = NULL;
    }
    arena_free(arena);
    return status;
}

static enum status read_newest(const struct force_folder *folder, struct policy_values *values)
{
    struct store *store = NULL;
    struct span bodies[POLICIES_MAX];
    size_t count = 0;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_READER, &store);

    policy_values_default(values);
    if (status == STATUS_OK)
        status = store->ops->policies(store, bodies, POLICIES_MAX, &count);
    if (status == STATUS_OK && count > 0)
        status = unpack_newest(bodies[count - 1], values);
    if (store != NULL)
        store->ops->close(store);
    return status;
}

int command_policy(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *plain[2];
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL}};
    struct force_folder folder;
    struct force_facts facts;
    struct policy_values values;
    struct operator_entries entries = {.count = 0};

    if (!options_read(command, argc, argv, specs, 1, plain, 2, &plain_count))
        return EXIT_USAGE;

    bool show = plain_count == 1 && strcmp(plain[0], "show") == 0;

    if (!show && (plain_count != 2 || strcmp(plain[0], "apply") != 0))
        return complain_usage(command);
    if (!force_open(dir, &folder, &facts))
        return EXIT_FAILED;

    enum status status = show ? STATUS_OK : operator_online_settle(&folder, &facts);

    if (status != STATUS_OK)
        return EXIT_FAILED;
    status = read_newest(&folder, &values);

    if (status != STATUS_OK)
        return complain_status(status, "the policy could not be read");
    if (show) {
        policy_values_print(&values);
        return EXIT_DONE;
    }
    if (policy_values_read(plain[1], &values) != STATUS_OK)
        return EXIT_FAILED;
    values.message.version++;
    values.message.effective_from_ms = 0; /* from when it is recorded: never back-dated (L1) */
    status = policy_add(&entries, &values);
    if (status == STATUS_OK)
        status = operator_entries_write(&folder, &facts, &entries);
    operator_entries_done(&entries);
    if (status != STATUS_OK)
        return EXIT_FAILED;
    printf("Policy version %u is in force.\n", values.message.version);
    return EXIT_DONE;
}
