/*
 * From the wire's rows to the public structs. Texts and lists are borrowed from the message; lists of ids are copied into
 * the struct around the public one. Ids of a wrong length read as zero: a row is shown as far as it can be.
 */
#ifndef DOUBLECREW_DEVICE_ROW_READ_H
#define DOUBLECREW_DEVICE_ROW_READ_H

#include "device/doublecrew.h"
#include "doublecrew/v1/sync.pb-c.h"

#define ROW_LIST_MAX 64

struct row_officer {
    struct dc_officer officer;
    struct dc_id teams[ROW_LIST_MAX];
};

struct row_flag {
    struct dc_flag flag;
    struct dc_hash presences[ROW_LIST_MAX];
    struct dc_id owners[ROW_LIST_MAX];
};

struct row_field {
    struct dc_field field;
    struct dc_field_head heads[ROW_LIST_MAX];
    const char *members[ROW_LIST_MAX];
};

struct row_proposal {
    struct dc_proposal proposal;
    struct dc_field_change changes[ROW_LIST_MAX];
};

struct row_cover {
    struct dc_cover_read cover;
    struct dc_cover windows[ROW_LIST_MAX];
};

void row_read_id(ProtobufCBinaryData bytes, struct dc_id *ret_id);
void row_read_hash(ProtobufCBinaryData bytes, struct dc_hash *ret_hash);
void row_read_subject(ProtobufCBinaryData bytes, struct dc_subject *ret_subject);
void row_read_place(const Doublecrew__V1__Place *place, struct dc_place *ret_place);
void row_read_offender(const Doublecrew__V1__OffenderRow *row, struct dc_offender *ret_offender);
void row_read_officer(const Doublecrew__V1__OfficerRow *row, struct row_officer *ret_officer);
void row_read_plan(const Doublecrew__V1__PlanRow *row, struct dc_plan *ret_plan);
void row_read_presence(const Doublecrew__V1__PresenceRow *row, struct dc_presence *ret_presence);
void row_read_flag(const Doublecrew__V1__FlagRow *row, struct row_flag *ret_flag);
void row_read_field(const Doublecrew__V1__FieldRow *row, struct row_field *ret_field);
void row_read_note(const Doublecrew__V1__NoteRow *row, struct dc_note_read *ret_note);

/* answers: the row's own, at most DC_ANSWERS_MAX. */
void row_read_authority_request(const Doublecrew__V1__AuthorityRequestRow *row,
                                struct dc_authority_request_read *ret_request);
void row_read_asked(const Doublecrew__V1__AuthorityRequest *asked, struct dc_authority_request *ret_asked);
void row_read_cover(const Doublecrew__V1__CoverRow *row, struct row_cover *ret_cover);
void row_read_proposal(const Doublecrew__V1__ProposalRow *row, struct row_proposal *ret_proposal);

#endif
