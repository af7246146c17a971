/*
 * Who may decide on a visit, or authorise one (L1, L2): a supervisor of the offender's or of the officer's team, and whoever
 * stands in for one (decisions/0025). Nobody has more by standing in than who is away would have: no place is handed on where
 * it would be that person's own visit, or one that they are named in. So nobody chooses their own judge.
 */
#include "server/logic/cover.h"

static bool shares_team(const struct officer_row *officer, const struct id *team)
{
    for (size_t i = 0; i < officer->team_count; i++) {
        if (id_equal(&officer->teams[i], team))
            return true;
    }
    return false;
}

static bool is_entitled(const struct officer_row *officer, int64_t at_us)
{
    return officer->entitled_from_us <= at_us && at_us < officer->entitled_to_us;
}

/* Nothing that may still come changes that (L2). */
bool presence_is_about(const struct presence_row *presence, const struct id *officer)
{
    bool about = id_equal(officer, &presence->officer);

    for (size_t i = 0; i < presence->named_count; i++)
        about = about || id_equal(officer, &presence->named[i]);
    return about;
}

/* By the roster's place alone. */
static enum status has_place(struct batch *batch, const struct officer_row *who, const struct supervised *of,
                             bool *ret_has)
{
    struct officer_row other;
    struct id team;
    enum status status;

    *ret_has = false;
    if (who->role != DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR || !is_entitled(who, of->at_us))
        return STATUS_OK;
    status = offender_team_then(batch, of->offender, &team);
    if (status == STATUS_OK)
        *ret_has = shares_team(who, &team);
    else if (status != STATUS_NOT_FOUND)
        return status;
    status = officer_then(batch, of->officer, &other);
    for (size_t i = 0; status == STATUS_OK && i < other.team_count; i++)
        *ret_has = *ret_has || shares_team(who, &other.teams[i]);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* By what can't change any more, so that it doesn't matter which entry came first (J3). */
static bool is_concerned(const struct id *officer, const struct supervised *of)
{
    return id_equal(officer, of->officer) || (of->presence != NULL && presence_is_about(of->presence, officer));
}

/* The place that one person's absence leaves to those on the way: to the one who comes as officers[at]. */
static enum status has_from(struct batch *batch, const struct cover_path *path, size_t at, const struct supervised *of,
                            bool *ret_has)
{
    struct officer_row away;
    enum status status = officer_then(batch, &path->officers[0], &away);

    *ret_has = false;
    if (status == STATUS_OK)
        status = has_place(batch, &away, of, ret_has);
    for (size_t i = 0; i < at; i++)
        *ret_has = *ret_has && !is_concerned(&path->officers[i], of);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/*
 * Who has handed on a place may still speak for it, as who is away may for their own: so it doesn't matter whether it was known
 * yet (J3). Nor does a circle: it has nobody for flags to go to, but everybody in it was named.
 */
static enum status has_by_cover(struct batch *batch, const struct officer_row *author, const struct supervised *of,
                                const struct cover_links *links, bool *ret_has)
{
    *ret_has = false;
    for (size_t i = 0; i < links->count && !*ret_has; i++) {
        struct cover_path path;

        (void)cover_path_of(links, &links->items[i].officer, &path);
        for (size_t at = 1; at < path.count && !*ret_has; at++) {
            if (id_equal(&path.officers[at], &author->officer))
                RETURN_IF_BAD(has_from(batch, &path, at, of, ret_has));
        }
    }
    return STATUS_OK;
}

static enum status has_as_known(struct batch *batch, const struct officer_row *author, const struct supervised *of,
                                int64_t known_us, bool *ret_has)
{
    struct cover_links links;
    enum status status = cover_links_read(batch, of->at_us, known_us, &links);

    if (status == STATUS_OK)
        status = has_by_cover(batch, author, of, &links, ret_has);
    cover_links_done(&links);
    return status;
}

/*
 * As was known when the word came, or at any time since: what the one who is away said came later may have been on its way (J3),
 * and what they said since doesn't take away what was right then.
 */
static enum status has_ever(struct batch *batch, const struct officer_row *author, const struct supervised *of,
                            bool *ret_has)
{
    int64_t known_us = of->at_us;

    *ret_has = false;
    while (known_us != RULE_FOREVER) {
        RETURN_IF_BAD(has_as_known(batch, author, of, known_us, ret_has));
        if (*ret_has)
            return STATUS_OK;
        RETURN_IF_BAD(cover_next_known(batch, of->at_us, known_us, &known_us));
    }
    return STATUS_OK;
}

enum status may_supervise(struct batch *batch, const struct officer_row *author, const struct supervised *of,
                          enum may_supervise *ret_may)
{
    bool has;

    *ret_may = MAY_NOT;
    RETURN_IF_BAD(has_place(batch, author, of, &has));
    if (has)
        *ret_may = MAY_BY_PLACE;
    if (has || !cover_may_stand_in(author) || !is_entitled(author, of->at_us))
        return STATUS_OK;
    RETURN_IF_BAD(has_ever(batch, author, of, &has));
    if (has)
        *ret_may = MAY_BY_COVER;
    return STATUS_OK;
}
