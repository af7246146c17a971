/* Enrolling devices: keys and certificate into a package, the public halves into the journal. */
#ifndef DOUBLECREW_ADMIN_ENROL_H
#define DOUBLECREW_ADMIN_ENROL_H

#include "admin/ids.h"
#include "admin/roster_entries.h"

struct enrolment {
    struct roster_officer officer;
    char label[96];
    char folder[PATH_SIZE]; /* of the package */
};

/* FOLDER/<officer code, blanks as hyphens>-<number> */
void enrolment_name_folder(struct enrolment *enrolment, const char *out, size_t number);

/*
 * Makes all packages and writes all enrolment entries; on failure removes the packages that it made. Complains itself.
 * Over 10 devices it says how far it is.
 */
MUST_USE enum status enrolments_make(const struct force_folder *folder, const struct force_facts *facts,
                                     struct id_source *ids, const struct enrolment *enrolments, size_t count);

#endif
