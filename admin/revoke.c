/* doublecrewctl revoke: a device's standing. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/command.h"
#include "admin/operator_online.h"
#include "admin/time_text.h"
#include "core/limits.h"
#include "doublecrew/v1/entry.pb-c.h"
#include "server/edge/store_sqlite.h"

struct revocation {
    const char *device_text;
    const char *as_of_text; /* NULL: now */
    const char *reason;
    struct id device;
    int64_t as_of_ms;
    Doublecrew__V1__DeviceStanding standing;
};

static const char *standing_word(Doublecrew__V1__DeviceStanding standing)
{
    switch (standing) {
    case DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_ACTIVE:
        return "active";
    case DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_EXPIRED:
        return "expired";
    case DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED:
        return "suspended";
    default:
        return "lost";
    }
}

static bool is_readable(struct revocation *revocation)
{
    if (hex_decode(revocation->device_text, ID_SIZE, revocation->device.bytes) != STATUS_OK) {
        complain("--device '%s' is not 32 hex digits; 'doublecrewctl list devices' shows them",
                 revocation->device_text);
        return false;
    }
    if (revocation->as_of_text != NULL && time_from_text(revocation->as_of_text, &revocation->as_of_ms) != STATUS_OK) {
        complain("--as-of '%s' is not a time: write it as 2026-03-02T09:00Z", revocation->as_of_text);
        return false;
    }
    if (!line_fits(revocation->reason, TEXT_SHORT_MAX + 1)) {
        complain("--reason must be one line of at most %d bytes", TEXT_SHORT_MAX);
        return false;
    }
    return true;
}

/* Is there such a device, and what is the time? (A training force's clock is its journal's.) */
static enum status look_up(const struct force_folder *folder, struct revocation *revocation)
{
    struct store *store = NULL;
    struct store_head head;
    struct device_row row;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_READER, &store);

    if (status == STATUS_OK)
        status = store->ops->head(store, &head);
    if (status == STATUS_OK)
        status = store->ops->device_by_id(store, &revocation->device, &row);
    if (status == STATUS_OK && revocation->as_of_text == NULL)
        revocation->as_of_ms = head.training ? head.time_us / 1000 : (int64_t)time(NULL) * 1000;
    if (store != NULL)
        store->ops->close(store);
    if (status == STATUS_NOT_FOUND)
        complain("device %s is not enrolled here; 'doublecrewctl list devices' shows who has which",
                 revocation->device_text);
    else if (status != STATUS_OK)
        complain_status(status, "the store could not be read");
    return status;
}

/* Without its set-up log nobody could change anything here any more. */
static bool is_own(const struct force_folder *folder, const struct revocation *revocation)
{
    struct package package;

    if (package_read(folder->local, &package) != STATUS_OK || !id_equal(&package.device, &revocation->device))
        return false;
    complain("this is the operator's set-up device, by which this command itself works: it is not revoked here");
    return true;
}

static enum status write_state(const struct force_folder *folder, const struct force_facts *facts,
                               struct revocation *revocation)
{
    struct operator_entries entries = {.count = 0};
    Doublecrew__V1__DeviceState message = DOUBLECREW__V1__DEVICE_STATE__INIT;
    union {
        const char *borrowed;
        char *text;
    } reason = {.borrowed = revocation->reason};

    message.device_id.data = revocation->device.bytes;
    message.device_id.len = ID_SIZE;
    message.reason = reason.text;
    message.standing = revocation->standing;
    message.as_of_ms = revocation->as_of_ms;

    enum status status =
        operator_entries_add(&entries, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DEVICE_STATE, &message.base);

    if (status == STATUS_OK)
        status = operator_entries_write(folder, facts, &entries);
    operator_entries_done(&entries);
    return status;
}

int command_revoke(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    bool expired = false;
    bool suspend = false;
    bool lost = false;
    bool active = false;
    size_t plain_count = 0;
    struct revocation revocation = {.reason = ""};
    const struct option_spec specs[] = {
        {"dir", &dir, NULL},
        {"device", &revocation.device_text, NULL},
        {"as-of", &revocation.as_of_text, NULL},
        {"reason", &revocation.reason, NULL},
        {"expired", NULL, &expired},
        {"suspend", NULL, &suspend},
        {"lost", NULL, &lost},
        {"active", NULL, &active},
    };
    struct force_folder folder;
    struct force_facts facts;

    if (!options_read(command, argc, argv, specs, sizeof(specs) / sizeof(specs[0]), NULL, 0, &plain_count))
        return EXIT_USAGE;
    if (revocation.device_text == NULL || (int)expired + (int)suspend + (int)lost + (int)active > 1)
        return complain_usage(command);
    revocation.standing = suspend   ? DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED
                          : expired ? DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_EXPIRED
                          : active  ? DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_ACTIVE
                                    : DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST;
    if (!is_readable(&revocation) || !force_open(dir, &folder, &facts) ||
        operator_online_settle(&folder, &facts) != STATUS_OK || look_up(&folder, &revocation) != STATUS_OK ||
        is_own(&folder, &revocation) || write_state(&folder, &facts, &revocation) != STATUS_OK)
        return EXIT_FAILED;
    printf("Device %s is %s.\n", revocation.device_text, standing_word(revocation.standing));
    return EXIT_DONE;
}
