#include "core/kinds.h"

#include <stddef.h>

#include "doublecrew/v1/entry.pb-c.h"

#define KIND(symbol) DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_##symbol

struct kind_name {
    uint16_t kind;
    const char *name;
};

static const struct kind_name names[] = {
    {KIND(CHECK_IN), "check_in"},
    {KIND(CHECK_OUT), "check_out"},
    {KIND(OUTCOME), "outcome"},
    {KIND(NOTE), "note"},
    {KIND(EDIT), "edit"},
    {KIND(COSIGN_CONFIRM), "cosign_confirm"},
    {KIND(PLAN), "plan"},
    {KIND(AUTHORITY_REQUEST), "authority_request"},
    {KIND(AUTHORITY_WORD), "authority_word"},
    {KIND(DECISION), "decision"},
    {KIND(FLAG_ACKNOWLEDGEMENT), "flag_acknowledgement"},
    {KIND(FLAG_ANSWER), "flag_answer"},
    {KIND(SEAL), "seal"},
    {KIND(CARRIED), "carried"},
    {KIND(LOG_LOST), "log_lost"},
    {KIND(PURGED), "purged"},
    {KIND(PROPOSAL_ANSWER), "proposal_answer"},
    {KIND(COVER), "cover"},
    {KIND(FORCE), "force"},
    {KIND(TEAM), "team"},
    {KIND(OFFICER), "officer"},
    {KIND(OFFENDER), "offender"},
    {KIND(DEVICE), "device"},
    {KIND(DEVICE_STATE), "device_state"},
    {KIND(POLICY), "policy"},
    {KIND(ANCHOR_VOID), "anchor_void"},
};

const char *entry_kind_name(uint16_t kind)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].kind == kind)
            return names[i].name;
    }
    return "unknown";
}
