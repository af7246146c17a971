/*
 * Cover during leave (A1; decisions/0025): who stands in for whom at an instant. Inside a batch; pure.
 *
 * A person's place is what the roster gives them: their level in the chains of flags, their teams to decide for, their scopes.
 * While they are away whoever they (or an operator) named has it, beside their own; and whoever that one named, if they are
 * away, too. Links that go in a circle, or on for too long, end with nobody: the place is empty, as if it weren't there.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_COVER_H
#define DOUBLECREW_SERVER_LOGIC_COVER_H

#include "server/logic/batch_internal.h"

#define COVER_LINKS_MAX 8 /* from who is away to who stands in */

/* Who is away and whom was named for them, by the id of who is away. */
struct cover_links {
    struct cover_link {
        struct id officer, by;
    } * items;
    size_t count, capacity;
};

/* As of at_us, by what had been recorded until known_us. The caller frees it with cover_links_done, also after an error. */
MUST_USE enum status cover_links_read(struct batch *batch, int64_t at_us, int64_t known_us,
                                      struct cover_links *ret_links);
/* When something was recorded next, after after_us, of a window that holds at_us; RULE_FOREVER: nothing was. */
MUST_USE enum status cover_next_known(struct batch *batch, int64_t at_us, int64_t after_us, int64_t *ret_known_us);
void cover_links_done(struct cover_links *links);

/* From somebody to who stands in for them: officers[0] is themself, the last one has their place. */
struct cover_path {
    struct id officers[COVER_LINKS_MAX + 1];
    size_t count; /* 1: they are there */
};
/* False: nobody has it; the path is as far as the limit then. */
bool cover_path_of(const struct cover_links *links, const struct id *officer, struct cover_path *ret_path);
static inline const struct id *cover_path_end(const struct cover_path *path)
{
    return &path->officers[path->count - 1];
}

/* Supervisors and leaders may stand in; whoever flags can come to can be stood in for. */
bool cover_may_stand_in(const struct officer_row *officer);
bool cover_is_in_charge(const struct officer_row *officer);

/* cover_words.c */
/* A word that isn't permitted, until who stands in for whom is said anew; nothing, if its author could stand in for nobody. */
MUST_USE enum status cover_word_waits(struct batch *batch, const struct applying *applying);
/* One that counts only because its author stands in. */
MUST_USE enum status cover_word_counts(struct batch *batch, const struct applying *applying);
/* `by` was named. */
MUST_USE enum status cover_words_again(struct batch *batch, const struct id *by, uint64_t pos);
/* Naming `by` was taken back by a fork. */
MUST_USE enum status cover_words_review(struct batch *batch, const struct id *by, uint64_t pos);

/* apply_cover.c */
/* Who stands in for this officer may have changed: settled at the end of the phase. */
MUST_USE enum status cover_touch(struct batch *batch, const struct id *officer);
/* Every officer that anybody ever stood in for: after a change of engine. */
MUST_USE enum status cover_touch_all(struct batch *batch);
/* A timer's id, if it is a cover's. */
bool cover_of_timer(const struct hash *timer, struct id *ret_officer);
/* The phase's: who stands in now is told, scopes follow, the next change has its timer. */
MUST_USE enum status covers_settle(struct batch *batch);
/* As it was told (J4). */
MUST_USE enum status cover_show_told(struct batch *batch, Doublecrew__V1__CoverRow *message, uint64_t pos);
/* The roster changed about this officer: the devices of whoever stands in for them see what they do. */
MUST_USE enum status cover_members_of(struct batch *batch, const struct id *officer, uint64_t pos);

#endif
