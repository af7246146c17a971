/* doublecrewctl cover: who stands in for whom, and saying so for somebody who can't (A1). */
#include <stdio.h>
#include <time.h>

#include "admin/command.h"
#include "admin/operator_online.h"
#include "admin/roster_entries.h"
#include "admin/time_text.h"
#include "doublecrew/v1/entry.pb-c.h"
#include "server/edge/store_sqlite.h"

struct cover_words {
    const char *officer, *by; /* codes; by NULL: back */
    const char *from, *to;    /* NULL: now, until further notice */
    struct roster_officer *away;
    struct roster_officer *stand_in;
    int64_t from_ms, to_ms;
};

/* A training force's clock is its journal's. */
static enum status read_now(struct store *store, int64_t *ret_now_ms)
{
    struct store_head head;
    enum status status = store->ops->head(store, &head);

    if (status == STATUS_OK)
        *ret_now_ms = head.training ? head.time_us / 1000 : (int64_t)time(NULL) * 1000;
    return status;
}

/* ---- Listing ---- */

static const char *code_of(struct roster *roster, const struct id *officer)
{
    const struct roster_officer *row = roster_officer_by_id(roster, officer);

    return row != NULL ? row->code : "?";
}

static enum status print_cover(void *context, const struct cover_row *row)
{
    struct roster *roster = context;
    static const struct id nobody = {{0}};
    char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE] = "further notice";

    time_to_text(row->from_us / 1000, from);
    if (row->to_us != INT64_MAX)
        time_to_text(row->to_us / 1000, to);
    printf("%s\t%s\t%s\t%s\n", code_of(roster, &row->officer),
           id_equal(&row->by, &nobody) ? "(back)" : code_of(roster, &row->by), from, to);
    return STATUS_OK;
}

static enum status list_covers(const struct force_folder *folder, struct roster *roster)
{
    struct store *store = NULL;
    int64_t now_ms = 0;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_READER, &store);

    if (status == STATUS_OK)
        status = read_now(store, &now_ms);
    if (status == STATUS_OK) {
        puts("away\tstands in\tfrom\tto");
        status = store->ops->covers_after(store, now_ms * 1000, print_cover, roster);
    }
    if (store != NULL)
        store->ops->close(store);
    if (status != STATUS_OK)
        complain_status(status, "the store could not be read");
    return status;
}

/* ---- Recording ---- */

static bool may_stand_in(const struct roster_officer *officer)
{
    return officer->role == DOUBLECREW__V1__ROLE__ROLE_SUPERVISOR || officer->role == DOUBLECREW__V1__ROLE__ROLE_LEADER;
}

static struct roster_officer *find(struct roster *roster, const char *code)
{
    struct roster_officer *officer = roster_officer_by_code(roster, code);

    if (officer == NULL)
        complain("no officer '%s' is on the roster; 'doublecrewctl list officers' shows their codes", code);
    return officer;
}

static bool are_people_right(struct roster *roster, struct cover_words *words)
{
    words->away = find(roster, words->officer);
    if (words->away == NULL)
        return false;
    if (!may_stand_in(words->away) && !words->away->duty) {
        complain("'%s' is no supervisor, no leader and has no duty role: nothing comes to them that needs cover",
                 words->officer);
        return false;
    }
    if (words->by == NULL)
        return true;
    words->stand_in = find(roster, words->by);
    if (words->stand_in == NULL)
        return false;
    if (words->stand_in == words->away) {
        complain("nobody stands in for themselves: name another supervisor or leader with --by");
        return false;
    }
    if (may_stand_in(words->stand_in))
        return true;
    complain("'%s' is neither a supervisor nor a leader, so they can't stand in", words->by);
    return false;
}

static bool is_window_right(const struct force_folder *folder, struct cover_words *words)
{
    struct store *store = NULL;
    enum status status = store_sqlite_open(folder->store, STORE_SQLITE_READER, &store);

    if (status == STATUS_OK)
        status = read_now(store, &words->from_ms);
    if (store != NULL)
        store->ops->close(store);
    if (status != STATUS_OK) {
        complain_status(status, "the store could not be read");
        return false;
    }
    if (words->from != NULL && time_from_text(words->from, &words->from_ms) != STATUS_OK) {
        complain("--from '%s' is not a time: write it as 2026-03-02T09:00Z", words->from);
        return false;
    }
    if (words->to != NULL && time_from_text(words->to, &words->to_ms) != STATUS_OK) {
        complain("--to '%s' is not a time: write it as 2026-03-02T09:00Z", words->to);
        return false;
    }
    if (words->to != NULL && words->to_ms <= words->from_ms) {
        complain("the cover ends before it begins: --to must be later than --from (now, unless given)");
        return false;
    }
    return true;
}

static enum status write_cover(const struct force_folder *folder, const struct force_facts *facts,
                               struct cover_words *words)
{
    struct operator_entries entries = {.count = 0};
    Doublecrew__V1__Cover message = DOUBLECREW__V1__COVER__INIT;
    enum status status;

    message.officer_id = (ProtobufCBinaryData){ID_SIZE, words->away->id.bytes};
    if (words->stand_in != NULL)
        message.by_officer_id = (ProtobufCBinaryData){ID_SIZE, words->stand_in->id.bytes};
    message.from_ms = words->from_ms;
    message.to_ms = words->to_ms;
    status = operator_entries_add(&entries, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_COVER, &message.base);
    if (status == STATUS_OK)
        status = operator_entries_write(folder, facts, &entries);
    operator_entries_done(&entries);
    return status;
}

static void say_done(const struct cover_words *words)
{
    char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE] = "further notice";

    time_to_text(words->from_ms, from);
    if (words->to_ms != 0)
        time_to_text(words->to_ms, to);
    if (words->stand_in != NULL)
        printf("%s stands in for %s from %s until %s.\n", words->by, words->officer, from, to);
    else
        printf("%s is back from %s until %s.\n", words->officer, from, to);
}

static enum status record(const struct force_folder *folder, const struct force_facts *facts, struct roster *roster,
                          struct cover_words *words)
{
    enum status status;

    if (!are_people_right(roster, words) || !is_window_right(folder, words))
        return STATUS_INPUT;
    status = write_cover(folder, facts, words);
    if (status == STATUS_OK)
        say_done(words);
    return status;
}

int command_cover(const struct command *command, int argc, char **argv)
{
    const char *dir = ".";
    bool back = false;
    size_t plain_count = 0;
    struct cover_words words = {.to_ms = 0};
    const struct option_spec specs[] = {
        {"dir", &dir, NULL},         {"officer", &words.officer, NULL}, {"by", &words.by, NULL},
        {"from", &words.from, NULL}, {"to", &words.to, NULL},           {"back", NULL, &back},
    };
    struct force_folder folder;
    struct force_facts facts;
    struct roster roster;
    enum status status;

    if (!options_read(command, argc, argv, specs, sizeof(specs) / sizeof(specs[0]), NULL, 0, &plain_count))
        return EXIT_USAGE;
    if (words.officer == NULL ? words.by != NULL || back || words.from != NULL || words.to != NULL
                              : (words.by == NULL) != back)
        return complain_usage(command);
    if (!force_open(dir, &folder, &facts) || operator_online_settle(&folder, &facts) != STATUS_OK ||
        roster_read(&folder, &roster) != STATUS_OK)
        return EXIT_FAILED;
    status = words.officer == NULL ? list_covers(&folder, &roster) : record(&folder, &facts, &roster, &words);
    roster_done(&roster);
    return status == STATUS_OK ? EXIT_DONE : EXIT_FAILED;
}
