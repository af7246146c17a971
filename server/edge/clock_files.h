/*
 * What operators and a running server tell each other about clock trouble (T5): two small files beside the store's.
 * "<store>.clock" is there while the server is in trouble, for `doublecrewctl status`; "<store>.clock-accepted" is made by
 * `doublecrewctl clock accept` and taken by the server, which then believes its wall clock.
 */
#ifndef DOUBLECREW_SERVER_EDGE_CLOCK_FILES_H
#define DOUBLECREW_SERVER_EDGE_CLOCK_FILES_H

#include "core/bytes.h"

/* As the server saw its clocks when the trouble began, microseconds since 1970 UTC. */
struct clock_note {
    int64_t wall_us;
    int64_t server_us;
};

/* Writes or removes the note. False: it couldn't. */
bool clock_files_note(const char *store_path, bool trouble, int64_t wall_us, int64_t server_us);
/* False: there is no note, so no trouble that a server knows of. */
bool clock_files_read(const char *store_path, struct clock_note *ret_note);
/* False: it couldn't be written. */
bool clock_files_accept(const char *store_path);
/* True once for each acceptance; one from before the trouble counts for nothing (clock_files_note removes it). */
bool clock_files_take_acceptance(const char *store_path);

#endif
