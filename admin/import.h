/*
 * doublecrewctl import, within: an import under way, and what makes entries of a row.
 */
#ifndef DOUBLECREW_ADMIN_IMPORT_H
#define DOUBLECREW_ADMIN_IMPORT_H

#include "admin/csv_table.h"
#include "admin/enrol.h"
#include "admin/ids.h"
#include "admin/roster_entries.h"

struct import {
    const char *path;
    struct csv_table *table;
    size_t row;              /* the one being read */
    struct name_index names; /* codes read so far, and their rows */
    size_t faults;
    size_t unchanged;      /* rows that say what the roster says already */
    struct roster roster;  /* as it was before */
    struct id operator_id; /* whose record no file may change */
    struct id_source ids;
    struct operator_entries entries;
    const char *out; /* devices: where packages go */
    struct enrolment *enrolments;
    size_t enrolment_count;
};

/* Reads one row: faults are printed and counted, and the import goes on to find the others. Fails for want of memory only. */
struct import_kind {
    const char *name;
    const char *columns[12];
    size_t column_count;
    size_t required_count; /* the first ones */
    enum status (*row)(struct import *import);
};

/* NULL when there is none of that name. */
const struct import_kind *import_kind_of(const char *name);

#endif
