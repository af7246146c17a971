/*
 * What an officer writes on a day of three visits, invented: each text another one, since a day of one sentence sixty times over
 * would make compression look better than it is. Both sides of a comparison send the same (bench_wire.c, peers/peer_facts.c).
 */
#ifndef DOUBLECREW_BENCH_OFFICER_WORDS_H
#define DOUBLECREW_BENCH_OFFICER_WORDS_H

#include <stddef.h>

/* 12 edits and 5 notes an attempt, of 51 and 216 letters on average; after the last one the day begins anew. */
#define OFFICER_DAY_EDITS 36
#define OFFICER_DAY_NOTES 15

const char *officer_edit(size_t number);
const char *officer_note(size_t number);

#endif
