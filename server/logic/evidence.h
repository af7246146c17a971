/*
 * What a verdict rests on, as its row carries it: the rule's own inputs, so that a phone's preview begins where the server
 * stands (PROTOCOL.md, "Previews"). Only of the presence itself and of the phones that it waits for; nobody's words but who
 * said them, and of people outside the visit not even that.
 */
#ifndef DOUBLECREW_SERVER_LOGIC_EVIDENCE_H
#define DOUBLECREW_SERVER_LOGIC_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"
#include "core/limits.h"
#include "doublecrew/v1/sync.pb-c.h"

/* The newest of each; a preview may differ where there are more. A row must fit a page. */
#define EVIDENCE_STANDINGS_MAX 8
#define EVIDENCE_RISKS_MAX 8
#define EVIDENCE_HOLDERS_MAX 8 /* of one phone */
#define EVIDENCE_PHONES_MAX 24
#define EVIDENCE_WORDS_MAX 16
#define EVIDENCE_NAMED_MAX 8

struct evidence_phone {
    Doublecrew__V1__EvidencePhone message;
    Doublecrew__V1__EvidenceHolder holders[EVIDENCE_HOLDERS_MAX];
    Doublecrew__V1__EvidenceHolder *holder_list[EVIDENCE_HOLDERS_MAX];
};

/* A message and all that it points at but ids and hashes, which it borrows from the neighbourhood. Not to be copied. */
struct evidence {
    Doublecrew__V1__Evidence message;
    ProtobufCBinaryData named[EVIDENCE_NAMED_MAX];
    Doublecrew__V1__Place in_place, out_place;
    Doublecrew__V1__EvidenceCosign cosign;
    Doublecrew__V1__EvidenceStanding standings[EVIDENCE_STANDINGS_MAX];
    Doublecrew__V1__EvidenceStanding *standing_list[EVIDENCE_STANDINGS_MAX];
    Doublecrew__V1__EvidenceRisk risks[EVIDENCE_RISKS_MAX];
    Doublecrew__V1__EvidenceRisk *risk_list[EVIDENCE_RISKS_MAX];
    struct evidence_phone phone;
    struct evidence_phone candidates[EVIDENCE_PHONES_MAX];
    Doublecrew__V1__EvidencePhone *candidate_list[EVIDENCE_PHONES_MAX];
    Doublecrew__V1__EvidenceWord words[EVIDENCE_WORDS_MAX];
    Doublecrew__V1__EvidenceWord *word_list[EVIDENCE_WORDS_MAX];
    struct id strangers[EVIDENCE_WORDS_MAX];
    uint8_t stranger_numbers[EVIDENCE_WORDS_MAX];
    size_t stranger_count;
    ProtobufCBinaryData beside[RULE_PRESENCES_MAX];
};

struct neighbourhood;

/* Of an own presence, judged. The answer lies in hood->evidence, until the next call. */
Doublecrew__V1__Evidence *evidence_of(struct neighbourhood *hood, size_t index);

#endif
