/*
 * An independent oracle over a whole journal: what a server's store must say, worked out from the journal's records alone.
 *
 * Written from DESIGN.md sections 3 to 7 and docs/PROTOCOL.md, slowly and obviously: every entry is looked at again and
 * again, nothing is incremental, nothing is kept between calls. docs/decisions/0017 says what it shares with the server
 * (the codec, core/rule.h's data contract, the store's read interface) and what it doesn't.
 *
 * Verdicts: every presence is judged in a case built here, twice: by tests/oracle/oracle.h and by core's rule, which must
 * fit each other by oracle_compare(); and the store's row must say what the rule says of this case. Where times are
 * uncertain, a row that the rule would not yet have looked at again (rule_verdict.next_change_us) may be as old as its
 * as_of; nothing else may be late.
 *
 * Readings where the text leaves two:
 *  - of what a fork contests, check-outs and confirmations don't count for a check-in before the fork (they would count
 *    towards joint), nor do acts (plans, words, decisions, edits) of either branch; nor outcomes of a check-in before
 *    it; what one branch says of another's check-in isn't heard; a boot is the phone's, and its clock one, whichever branch
 *    goes on in it, though a branch's rows may show wider bounds;
 *  - "from the fork point": the least seq at which two hashes are known, also by what a later entry names as its previous;
 *  - an authority for one check-in is a window over all instants at which it may have been; one for a plan has its window;
 *  - a plan's id stays with the offender for whom it was first used; the last entry under it counts;
 *  - the watermark doesn't rest on the unknown (or contested) entry itself, only on those before it;
 *  - what a lost device sends after its loss was recorded doesn't move the watermark to the loss or past it;
 *  - a log that its holder declared lost is held from there on like one that an operator did, until an operator's later
 *    word; what was in it before stays the holder's;
 *  - of a forked log, wider bounds that contain the oracle's are sound, counted (wider_bounds), and the verdict is then asked
 *    for with the row's bounds;
 *  - minutes alone that contain the oracle's are accepted where a partner's uncertain times enter into them (looser): seen
 *    where a partner's times were narrowed after the row was told;
 *  - the drift of a phone's clock is that of the policy in force when this boot of it was first observed (decisions/0023);
 *  - an officer's standing is what was recorded last before the check-in, the first word also before; an end of
 *    entitlement that had passed when it was recorded holds backwards until a later window holds it (decisions/0019);
 *  - acts (decisions, words, plans) need the role, team and standing that their author has when they are recorded; of
 *    presences a revocation's as-of time is asked (V6).
 */
#ifndef DOUBLECREW_TESTS_ORACLE_JOURNAL_ORACLE_H
#define DOUBLECREW_TESTS_ORACLE_JOURNAL_ORACLE_H

#include <stdio.h>

#include "server/logic/store.h"

/* How much was compared, so that a caller can see that something was. */
struct journal_oracle_report {
    size_t records;
    size_t entries;
    size_t carried; /* of them: known only because another log carried them */
    size_t forked_logs;
    size_t troubled_boots;
    size_t presences;         /* with a row to compare */
    size_t presences_skipped; /* in a group larger than the rule's limit */
    size_t groups;
    size_t largest_group;
    size_t uncertain;    /* presences in groups with any uncertain time */
    size_t stale;        /* rows accepted as of an earlier time, see above */
    size_t wider_bounds; /* presences whose row has wider bounds, see above */
    size_t looser;       /* rows accepted as an unproven reading of the same case */
    size_t watermarks;   /* devices whose log state was compared */
    size_t fields;
    size_t notes;
    size_t flags;          /* compared: each kind for each presence */
    size_t flags_standing; /* of them: must stand */
    size_t flags_either;   /* there, where the oracle leaves it open */
    size_t devices;        /* whose feed was compared */
    size_t rows;           /* in all these feeds */
};

struct journal_oracle_settings {
    uint64_t seed;
    size_t worlds; /* sampled where times are uncertain (struct oracle_settings) */
};

/*
 * NULL when all that the store derived is acceptable, else the first difference in words: text (borrowed). The store is
 * only read, outside a transaction of its own or within the caller's. The report is filled either way.
 */
const char *journal_oracle_check(struct store *store, struct journal_oracle_report *ret_report, char *text,
                                 size_t text_size);
const char *journal_oracle_check_with(struct store *store, const struct journal_oracle_settings *settings,
                                      struct journal_oracle_report *ret_report, char *text, size_t text_size);

/*
 * What a device must hold once it has applied everything (P1): each key, once or more, with its row as the store has it now.
 * For the feed and device stores; whether the rows say the right thing is journal_oracle_check's part. NOT_FOUND: a device that
 * isn't enrolled, or a row that must be there and isn't; else as the store.
 */
typedef void journal_oracle_row(void *context, struct span key, struct span row);
MUST_USE enum status journal_oracle_scope(struct store *store, const struct id *device, journal_oracle_row *each,
                                          void *context);

/* Every entry in order of first receipt, one a line: for the person who looks into a difference. */
void journal_oracle_print(struct store *store, FILE *stream);

#endif
