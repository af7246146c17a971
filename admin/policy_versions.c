#include "admin/policy_versions.h"

#include <stdio.h>

#include "admin/command.h"
#include "admin/time_text.h"
#include "core/limits.h"
#include "core/wire.h"
#include "server/edge/store_sqlite.h"

static enum status unpack(struct arena *arena, struct span body, struct policy_values *values)
{
    ProtobufCMessage *message = NULL;
    enum status status;

    arena_reset(arena, ARENA_FACTOR * body.size + ARENA_FLOOR);
    status = wire_unpack(arena, &doublecrew__v1__policy__descriptor, body, &message);
    if (status != STATUS_OK)
        return status;
    values->message = *(const Doublecrew__V1__Policy *)message;
    policy_values_complete(values);
    if (values->message.n_lone_forbidden > POLICY_LONE_MAX)
        values->message.n_lone_forbidden = POLICY_LONE_MAX; /* there are no more risk levels: the rest repeats */
    for (size_t i = 0; i < values->message.n_lone_forbidden; i++)
        values->lone[i] = values->message.lone_forbidden[i];
    values->message.lone_forbidden = values->lone;
    values->message.base.n_unknown_fields = 0;
    values->message.base.unknown_fields = NULL;
    return STATUS_OK;
}

enum status policy_versions_read(struct store *store, struct policy_versions *ret_versions)
{
    struct span bodies[POLICY_VERSIONS_MAX];
    struct store_head head;
    struct arena *arena = NULL;
    size_t count = 0;
    enum status status = store->ops->head(store, &head);

    if (status == STATUS_OK)
        status = store->ops->policies(store, bodies, POLICY_VERSIONS_MAX, &count);
    if (status == STATUS_OK)
        status = arena_new(&arena);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = unpack(arena, bodies[i], &ret_versions->versions[i]);
    arena_free(arena);
    if (status != STATUS_OK)
        return status;
    if (count == 0)
        policy_values_default(&ret_versions->versions[count++]);
    ret_versions->count = count;
    ret_versions->head_ms = head.time_us / 1000;
    return STATUS_OK;
}

enum status policy_versions_of(const struct force_folder *folder, struct policy_versions *ret_versions)
{
    struct store *store = NULL;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_READER, &store);

    if (status == STATUS_OK)
        status = policy_versions_read(store, ret_versions);
    if (store != NULL)
        store->ops->close(store);
    return status;
}

const struct policy_values *policy_versions_newest(const struct policy_versions *versions)
{
    return &versions->versions[versions->count - 1];
}

const struct policy_values *policy_versions_in_force(const struct policy_versions *versions)
{
    size_t at = 0;

    while (at + 1 < versions->count && versions->versions[at + 1].message.effective_from_ms <= versions->head_ms)
        at++;
    return &versions->versions[at];
}

enum status policy_versions_admit(const struct policy_versions *versions, const char *path,
                                  const struct policy_values *values)
{
    const struct policy_values *newest = policy_versions_newest(versions);
    int64_t from_ms = values->message.effective_from_ms;
    char now_text[TIME_TEXT_SIZE];
    char text[TIME_TEXT_SIZE];

    time_to_text(versions->head_ms, now_text);
    if (from_ms != 0 && from_ms < versions->head_ms) {
        complain("%s: effective_from lies before the journal's last record (%s): a policy is never back-dated; leave "
                 "it out, or give a later time",
                 path, now_text);
        return STATUS_INPUT;
    }
    if ((from_ms != 0 ? from_ms : versions->head_ms) < newest->message.effective_from_ms) {
        time_to_text(newest->message.effective_from_ms, text);
        complain("%s: version %u is set to take effect at %s: a new version begins then or later, so give "
                 "effective_from",
                 path, newest->message.version, text);
        return STATUS_INPUT;
    }
    if (versions->count == POLICY_VERSIONS_MAX) {
        complain("%s: there are %d versions of the policy already, which is the most that a force may have", path,
                 POLICY_VERSIONS_MAX);
        return STATUS_OVER_LIMIT;
    }
    return STATUS_OK;
}

void policy_versions_print(const struct policy_versions *versions)
{
    const struct policy_values *in_force = policy_versions_in_force(versions);

    for (size_t i = 0; i < versions->count; i++) {
        const struct policy_values *values = &versions->versions[i];
        char text[TIME_TEXT_SIZE];

        time_to_text(values->message.effective_from_ms, text);
        printf("version %u, %s %s%s\n", values->message.version,
               values->message.effective_from_ms > versions->head_ms ? "takes effect" : "in effect from", text,
               values == in_force ? ": in force" : "");
        if (i > 0 && policy_difference_print(&versions->versions[i - 1], values, "    ") == 0)
            printf("    changes nothing\n");
    }
    printf("versions: %zu\n", versions->count);
}
