/*
 * The operator's device as the public library wants it (operator/online), and the server that it would talk to.
 */
#ifndef DOUBLECREW_ADMIN_OPERATOR_DEVICE_H
#define DOUBLECREW_ADMIN_OPERATOR_DEVICE_H

#include "admin/force_folder.h"
#include "device/doublecrew.h"

struct operator_device {
    struct dc_config config; /* refers to what follows: don't copy */
    char store[PATH_SIZE];
    char ca[PATH_SIZE];
    char certificate[PATH_SIZE];
    char key[PATH_SIZE];
    char *signing_pem;
    size_t signing_size;
};

/* Without port. Complains itself. On failure too operator_device_done is due. */
MUST_USE enum status operator_device_prepare(const struct force_folder *folder, const struct force_facts *facts,
                                             struct operator_device *device);
void operator_device_done(struct operator_device *device);

/* Sets the port, and sees that a server answers there. Complains itself. NETWORK. */
MUST_USE enum status operator_device_find_server(const struct force_folder *folder, const struct force_facts *facts,
                                                 struct operator_device *device);

#endif
