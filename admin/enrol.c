#include "admin/enrol.h"

#include <stdio.h>
#include <string.h>

#include "admin/command.h"
#include "admin/operator_online.h"
#include "admin/own_keys.h"

#define PROGRESS_FROM 10

bool enrolment_name_folder(struct enrolment *enrolment, const char *out, size_t number)
{
    char code[64];
    char folder[PATH_SIZE];

    snprintf(code, sizeof(code), "%s", enrolment->officer.code);
    for (char *at = code; *at != '\0'; at++) {
        if (*at == ' ' || *at == '/')
            *at = '-';
    }

    int size = snprintf(folder, sizeof(folder), "%s/%s-%zu", out, code, number);

    if (size < 0 || (size_t)size >= sizeof(folder))
        return false;
    memcpy(enrolment->folder, folder, (size_t)size + 1);
    return true;
}

static enum status make_one(const struct force_folder *folder, const struct force_facts *facts, struct id_source *ids,
                            struct enrolment *enrolment, struct operator_entries *entries)
{
    struct package package = {.officer = enrolment->officer.id, .device = enrolment->device, .key = enrolment->key};
    enum status status = enrolment->request == NULL ? id_fresh(ids, &package.device) : STATUS_OK;

    if (status == STATUS_OK)
        status = id_fresh(ids, &package.log);
    enrolment->device = package.device;
    snprintf(package.officer_code, sizeof(package.officer_code), "%s", enrolment->officer.code);
    snprintf(package.role, sizeof(package.role), "%s", role_to_text(enrolment->officer.role));
    snprintf(package.label, sizeof(package.label), "%s", enrolment->label);
    if (status == STATUS_OK)
        status = package_make(folder, facts, enrolment->folder, enrolment->request, &package);
    if (status != STATUS_OK) {
        complain_status(status, "package '%s' could not be made; nothing was enrolled", enrolment->folder);
        return status;
    }
    status = entries_add_device(entries, &package);
    if (status != STATUS_OK)
        package_remove(folder, enrolment->folder, &package.device);
    return status;
}

static void show_progress(size_t done, size_t count)
{
    if (count > PROGRESS_FROM && (done % PROGRESS_FROM == 0 || done == count))
        fprintf(stderr, "devices: %zu of %zu\n", done, count);
}

enum status enrolments_make(const struct force_folder *folder, const struct force_facts *facts, struct id_source *ids,
                            struct enrolment *enrolments, size_t count, struct operator_entries *entries)
{
    enum status status = STATUS_OK;
    size_t made = 0;

    while (made < count && status == STATUS_OK) {
        status = make_one(folder, facts, ids, &enrolments[made], entries);
        if (status == STATUS_OK)
            show_progress(++made, count);
    }
    if (status == STATUS_OK)
        status = operator_entries_write(folder, facts, entries);
    for (size_t i = 0; i < made && status != STATUS_OK && status != STATUS_TIMEOUT; i++)
        package_remove(folder, enrolments[i].folder, &enrolments[i].device);
    return status;
}

static enum status enrol_for(const struct force_folder *folder, const struct force_facts *facts,
                             struct enrolment *enrolment, const char *code)
{
    struct roster roster;
    struct id_source ids = {.seeded = false};
    struct operator_entries entries = {.count = 0};
    enum status status = operator_online_settle(folder, facts);

    if (status == STATUS_OK)
        status = roster_read(folder, &roster);
    if (status != STATUS_OK)
        return status;

    const struct roster_officer *officer = roster_officer_by_code(&roster, code);

    if (officer == NULL) {
        status = STATUS_UNKNOWN_OFFICER;
        complain_status(status, "officer '%s'", code);
    } else {
        enrolment->officer = *officer;
        status = enrolments_make(folder, facts, &ids, enrolment, 1, &entries);
    }
    operator_entries_done(&entries);
    roster_done(&roster);
    return status;
}

int command_enrol(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *out = NULL;
    const char *code = NULL;
    const char *label = "";
    size_t plain_count = 0;
    const char *public_key = NULL;
    struct enrolment enrolment = {.label = ""};
    const struct option_spec specs[] = {{"dir", &dir, NULL},
                                        {"out", &out, NULL},
                                        {"officer", &code, NULL},
                                        {"label", &label, NULL},
                                        {"csr", &enrolment.request, NULL},
                                        {"public-key", &public_key, NULL}};
    struct force_folder folder;
    struct force_facts facts;

    if (!options_read(command, argc, argv, specs, 6, NULL, 0, &plain_count))
        return EXIT_USAGE;
    if (out == NULL || code == NULL || (enrolment.request == NULL) != (public_key == NULL))
        return complain_usage(command);
    if (strlen(out) >= sizeof(enrolment.folder) || !line_fits(label, sizeof(enrolment.label)))
        return complain("--out is too long, or --label is not one line of at most %zu bytes",
                        sizeof(enrolment.label) - 1);
    snprintf(enrolment.label, sizeof(enrolment.label), "%s", label);
    snprintf(enrolment.folder, sizeof(enrolment.folder), "%s", out);
    if (enrolment.request != NULL && (own_request_read(enrolment.request, &enrolment.device) != STATUS_OK ||
                                      own_public_key_read(public_key, &enrolment.key) != STATUS_OK))
        return EXIT_FAILED;
    if (!force_open(dir, &folder, &facts) || enrol_for(&folder, &facts, &enrolment, code) != STATUS_OK)
        return EXIT_FAILED;
    printf("Enrolled for %s: %s\n", code, out);
    return EXIT_DONE;
}
