#include "admin/enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admin/command.h"
#include "admin/time_text.h"

#define PROGRESS_FROM 10

void enrolment_name_folder(struct enrolment *enrolment, const char *out, size_t number)
{
    char code[64];

    snprintf(code, sizeof(code), "%s", enrolment->officer.code);
    for (char *at = code; *at != '\0'; at++) {
        if (*at == ' ' || *at == '/')
            *at = '-';
    }
    snprintf(enrolment->folder, sizeof(enrolment->folder), "%s/%s-%zu", out, code, number);
}

static enum status make_one(const struct force_folder *folder, const struct force_facts *facts, struct id_source *ids,
                            const struct enrolment *enrolment, struct operator_entries *entries)
{
    struct package package = {.officer = enrolment->officer.id};
    enum status status = id_fresh(ids, &package.device);

    if (status == STATUS_OK)
        status = id_fresh(ids, &package.log);
    snprintf(package.officer_code, sizeof(package.officer_code), "%s", enrolment->officer.code);
    snprintf(package.role, sizeof(package.role), "%s", role_to_text(enrolment->officer.role));
    snprintf(package.label, sizeof(package.label), "%s", enrolment->label);
    if (status == STATUS_OK)
        status = package_make(folder, facts, enrolment->folder, &package);
    if (status != STATUS_OK) {
        complain_status(status, "package '%s' could not be made", enrolment->folder);
        return status;
    }
    status = entries_add_device(entries, &package);
    if (status != STATUS_OK)
        package_remove(enrolment->folder);
    return status;
}

static void show_progress(size_t done, size_t count)
{
    if (count > PROGRESS_FROM && (done % PROGRESS_FROM == 0 || done == count))
        fprintf(stderr, "devices enrolled: %zu of %zu\n", done, count);
}

enum status enrolments_make(const struct force_folder *folder, const struct force_facts *facts, struct id_source *ids,
                            const struct enrolment *enrolments, size_t count)
{
    struct operator_entries entries = {.count = 0};
    enum status status = STATUS_OK;
    size_t made = 0;

    while (made < count && status == STATUS_OK) {
        status = make_one(folder, facts, ids, &enrolments[made], &entries);
        if (status == STATUS_OK)
            show_progress(++made, count);
    }
    if (status == STATUS_OK)
        status = operator_entries_write(folder, facts, &entries);
    for (size_t i = 0; i < made && status != STATUS_OK; i++)
        package_remove(enrolments[i].folder);
    operator_entries_done(&entries);
    return status;
}

int command_enrol(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *out = NULL;
    const char *code = NULL;
    const char *label = "";
    size_t plain_count = 0;
    const struct option_spec specs[] = {
        {"dir", &dir, NULL}, {"out", &out, NULL}, {"officer", &code, NULL}, {"label", &label, NULL}};
    struct force_folder folder;
    struct force_facts facts;
    struct roster roster;
    struct id_source ids = {.seeded = false};
    struct enrolment enrolment = {.label = ""};

    if (!options_read(command, argc, argv, specs, 4, NULL, 0, &plain_count))
        return EXIT_USAGE;
    if (out == NULL || code == NULL)
        return complain_usage(command);
    if (force_folder_at(dir, &folder) != STATUS_OK || force_facts_read(&folder, &facts) != STATUS_OK ||
        roster_read(&folder, &roster) != STATUS_OK)
        return EXIT_FAILED;

    const struct roster_officer *officer = roster_officer_by_code(&roster, code);
    enum status status = STATUS_UNKNOWN_OFFICER;

    if (officer == NULL)
        complain_status(status, "officer '%s'", code);
    else {
        enrolment.officer = *officer;
        snprintf(enrolment.label, sizeof(enrolment.label), "%s", label);
        snprintf(enrolment.folder, sizeof(enrolment.folder), "%s", out);
        status = enrolments_make(&folder, &facts, &ids, &enrolment, 1);
    }
    roster_done(&roster);
    if (status != STATUS_OK)
        return EXIT_FAILED;
    printf("Enrolled for %s: %s\n", code, out);
    return EXIT_DONE;
}

int command_revoke(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *device = NULL;
    const char *as_of = NULL;
    const char *reason = "";
    bool suspend = false;
    bool lost = false;
    bool active = false;
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL},       {"device", &device, NULL},   {"as-of", &as_of, NULL},
                                        {"reason", &reason, NULL}, {"suspend", NULL, &suspend}, {"lost", NULL, &lost},
                                        {"active", NULL, &active}};
    struct force_folder folder;
    struct force_facts facts;
    struct id id;
    struct operator_entries entries = {.count = 0};
    Doublecrew__V1__DeviceState message = DOUBLECREW__V1__DEVICE_STATE__INIT;
    union {
        const char *borrowed;
        char *text;
    } words = {.borrowed = NULL};

    if (!options_read(command, argc, argv, specs, 7, NULL, 0, &plain_count))
        return EXIT_USAGE;
    if (device == NULL || suspend + lost + active > 1)
        return complain_usage(command);
    if (hex_decode(device, ID_SIZE, id.bytes) != STATUS_OK)
        return complain("--device '%s' is not 32 hex digits; 'doublecrewctl list devices' shows them", device);
    message.as_of_ms = (int64_t)time(NULL) * 1000;
    if (as_of != NULL && time_from_text(as_of, &message.as_of_ms) != STATUS_OK)
        return complain("--as-of '%s' is not a time: write it as 2026-03-02T09:00Z", as_of);
    if (force_folder_at(dir, &folder) != STATUS_OK || force_facts_read(&folder, &facts) != STATUS_OK)
        return EXIT_FAILED;

    words.borrowed = reason;
    message.device_id.data = id.bytes;
    message.device_id.len = ID_SIZE;
    message.reason = words.text;
    message.standing = suspend  ? DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_SUSPENDED
                       : active ? DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_ACTIVE
                                : DOUBLECREW__V1__DEVICE_STANDING__DEVICE_STANDING_LOST;

    enum status status =
        operator_entries_add(&entries, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_DEVICE_STATE, &message.base);

    if (status == STATUS_OK)
        status = operator_entries_write(&folder, &facts, &entries);
    operator_entries_done(&entries);
    if (status != STATUS_OK)
        return EXIT_FAILED;
    printf("Device %s is %s.\n", device, suspend ? "suspended" : active ? "active" : "lost");
    return EXIT_DONE;
}
