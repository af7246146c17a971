/* Enrolling devices: keys and certificate into a package, the public halves into the journal. */
#ifndef DOUBLECREW_ADMIN_ENROL_H
#define DOUBLECREW_ADMIN_ENROL_H

#include "admin/ids.h"
#include "admin/roster_entries.h"

struct enrolment {
    struct roster_officer officer;
    struct id device;      /* set by enrolments_make, unless the device makes its own keys */
    const char *request;   /* its certificate request; NULL: keys are made here */
    struct public_key key; /* of its log, with a request */
    char label[96];
    char folder[PATH_SIZE]; /* of the package */
};

/* FOLDER/<officer code, blanks as hyphens>-<number>; false: too long a path. */
bool enrolment_name_folder(struct enrolment *enrolment, const char *out, size_t number);

/*
 * Makes all packages, adds their entries to `entries`, and writes those, all at once. On failure it removes the packages
 * that it made, but for TIMEOUT: then the entries are on their way, and the packages will be good. Complains itself.
 * Over 10 devices it says how far it is.
 */
MUST_USE enum status enrolments_make(const struct force_folder *folder, const struct force_facts *facts,
                                     struct id_source *ids, struct enrolment *enrolments, size_t count,
                                     struct operator_entries *entries);

#endif
