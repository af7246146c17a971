/* doublecrewctl import: the roster from CSV files. Every bad row is reported, and then nothing is imported. */
#include "admin/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/command.h"
#include "admin/operator_online.h"

static enum status read_rows(struct import *import, const struct import_kind *kind)
{
    enum status status = STATUS_OK;
    size_t rows = csv_table_rows(import->table);

    import->enrolments = calloc(rows + 1, sizeof(*import->enrolments));
    if (import->enrolments == NULL)
        return STATUS_NO_MEMORY;
    for (import->row = 0; import->row < rows && status == STATUS_OK; import->row++)
        status = kind->row(import);
    return status == STATUS_OK && import->faults > 0 ? STATUS_INPUT : status;
}

static enum status read_file(struct import *import, const struct import_kind *kind, const struct force_folder *folder)
{
    struct package package;
    enum status status = package_read(folder->local, &package);

    if (status != STATUS_OK)
        return status;
    import->operator_id = package.officer;
    status = csv_table_read(import->path, kind->columns, kind->column_count, kind->required_count, &import->table);
    return status == STATUS_OK ? read_rows(import, kind) : status;
}

static enum status write_all(struct import *import, const struct force_folder *folder, const struct force_facts *facts)
{
    if (import->enrolment_count > 0)
        return enrolments_make(folder, facts, &import->ids, import->enrolments, import->enrolment_count,
                               &import->entries);
    if (import->entries.count == 0)
        return STATUS_OK;
    return operator_entries_write(folder, facts, &import->entries);
}

static int import_file(struct import *import, const struct import_kind *kind, const struct force_folder *folder,
                       const struct force_facts *facts)
{
    enum status status = operator_online_settle(folder, facts);

    if (status == STATUS_OK)
        status = roster_read(folder, &import->roster);
    if (status != STATUS_OK)
        return EXIT_FAILED;
    status = read_file(import, kind, folder);
    if (status == STATUS_INPUT)
        return complain("%s: nothing was imported; correct the lines above and run the same command again",
                        import->path);
    if (status != STATUS_OK)
        return complain_status(status, "%s: nothing was imported", import->path);
    if (write_all(import, folder, facts) != STATUS_OK)
        return EXIT_FAILED;
    printf("%s imported: %zu", kind->name, csv_table_rows(import->table) - import->unchanged);
    if (import->unchanged > 0)
        printf(", unchanged: %zu", import->unchanged);
    putchar('\n');
    return EXIT_DONE;
}

static void import_done(struct import *import)
{
    operator_entries_done(&import->entries);
    roster_done(&import->roster);
    name_index_done(&import->names);
    csv_table_free(import->table);
    free(import->enrolments);
}

int command_import(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    const char *out = NULL;
    const char *plain[2];
    size_t plain_count = 0;
    const struct option_spec specs[] = {{"dir", &dir, NULL}, {"out", &out, NULL}};
    struct force_folder folder;
    struct force_facts facts;

    if (!options_read(command, argc, argv, specs, 2, plain, 2, &plain_count))
        return EXIT_USAGE;

    const struct import_kind *kind = plain_count == 2 ? import_kind_of(plain[0]) : NULL;

    if (kind == NULL)
        return complain_usage(command);
    if ((strcmp(kind->name, "devices") == 0) != (out != NULL)) {
        complain(out == NULL ? "devices need --out FOLDER: each row's device package is written there"
                             : "--out goes with devices only");
        return complain_usage(command);
    }
    if (!force_open(dir, &folder, &facts))
        return EXIT_FAILED;

    struct import import = {.path = plain[1], .out = out};
    int result = import_file(&import, kind, &folder, &facts);

    import_done(&import);
    return result;
}
