#include "device/row_read.h"

#include <string.h>

#include "core/rule.h"

void row_read_id(ProtobufCBinaryData bytes, struct dc_id *ret_id)
{
    memset(ret_id, 0, sizeof *ret_id);
    if (bytes.len == sizeof ret_id->bytes) {
        memcpy(ret_id->bytes, bytes.data, bytes.len);
    }
}

void row_read_hash(ProtobufCBinaryData bytes, struct dc_hash *ret_hash)
{
    memset(ret_hash, 0, sizeof *ret_hash);
    if (bytes.len == sizeof ret_hash->bytes) {
        memcpy(ret_hash->bytes, bytes.data, bytes.len);
    }
}

void row_read_subject(ProtobufCBinaryData bytes, struct dc_subject *ret_subject)
{
    ret_subject->is_presence = bytes.len == sizeof ret_subject->presence.bytes;
    row_read_hash(bytes, &ret_subject->presence);
    row_read_id(bytes, &ret_subject->offender);
}

void row_read_place(const Doublecrew__V1__Place *place, struct dc_place *ret_place)
{
    *ret_place = (struct dc_place){0};
    if (place) {
        *ret_place = (struct dc_place){.known = true,
                                       .latitude_e7 = place->latitude_e7,
                                       .longitude_e7 = place->longitude_e7,
                                       .accuracy_m = place->accuracy_m};
    }
}

void row_read_offender(const Doublecrew__V1__OffenderRow *row, struct dc_offender *ret_offender)
{
    static const Doublecrew__V1__Offender nobody = DOUBLECREW__V1__OFFENDER__INIT;
    const Doublecrew__V1__Offender *offender = row->offender ? row->offender : &nobody;

    *ret_offender = (struct dc_offender){.reference = offender->reference,
                                         .register_reference = offender->register_reference,
                                         .risk = (enum dc_risk)offender->risk,
                                         .next_due_ms = offender->next_due_ms,
                                         .arms_priority = offender->arms_priority,
                                         .last_seen_ms = row->last_seen_ms,
                                         .last_compliant_ms = row->last_compliant_ms};
    row_read_id(offender->offender_id, &ret_offender->offender);
    row_read_id(offender->manager_id, &ret_offender->manager);
    row_read_id(offender->team_id, &ret_offender->team);
    row_read_place(offender->place, &ret_offender->place);
}

void row_read_officer(const Doublecrew__V1__OfficerRow *row, struct row_officer *ret_officer)
{
    static const Doublecrew__V1__Officer nobody = DOUBLECREW__V1__OFFICER__INIT;
    const Doublecrew__V1__Officer *officer = row->officer ? row->officer : &nobody;
    size_t count = officer->n_team_ids < ROW_LIST_MAX ? officer->n_team_ids : ROW_LIST_MAX;

    for (size_t i = 0; i < count; i++) {
        row_read_id(officer->team_ids[i], &ret_officer->teams[i]);
    }
    ret_officer->officer = (struct dc_officer){.code = officer->code,
                                               .name = officer->name,
                                               .role = (enum dc_role)officer->role,
                                               .accredited = officer->accredited,
                                               .teams = ret_officer->teams,
                                               .team_count = count,
                                               .entitled_from_ms = officer->entitled_from_ms,
                                               .entitled_to_ms = officer->entitled_to_ms};
    row_read_id(officer->officer_id, &ret_officer->officer.officer);
}

void row_read_plan(const Doublecrew__V1__PlanRow *row, struct dc_plan *ret_plan)
{
    static const Doublecrew__V1__Plan none = DOUBLECREW__V1__PLAN__INIT;
    const Doublecrew__V1__Plan *plan = row->plan ? row->plan : &none;
    size_t count = plan->n_officer_ids < DC_NAMED_MAX ? plan->n_officer_ids : DC_NAMED_MAX;

    *ret_plan = (struct dc_plan){
        .officer_count = count, .from_ms = plan->from_ms, .to_ms = plan->to_ms, .cancelled = plan->cancelled};
    for (size_t i = 0; i < count; i++) {
        row_read_id(plan->officer_ids[i], &ret_plan->officers[i]);
    }
    row_read_id(plan->plan_id, &ret_plan->plan);
    row_read_id(plan->offender_id, &ret_plan->offender);
    row_read_id(row->by_officer_id, &ret_plan->by_officer);
}

static enum dc_outcome_code outcome_of(const char *name)
{
    for (int i = RULE_OUTCOME_SEEN; i <= RULE_OUTCOME_ABORTED; i++) {
        if (strcmp(name, rule_outcome_name((enum rule_outcome)i)) == 0) {
            return (enum dc_outcome_code)i;
        }
    }
    return DC_OUTCOME_NONE;
}

void row_read_presence(const Doublecrew__V1__PresenceRow *row, struct dc_presence *ret_presence)
{
    *ret_presence = (struct dc_presence){.in_from_ms = row->in_from_ms,
                                         .in_to_ms = row->in_to_ms,
                                         .out_from_ms = row->out_from_ms,
                                         .out_to_ms = row->out_to_ms,
                                         .received_ms = row->received_ms,
                                         .outcome = outcome_of(row->outcome),
                                         .verdict = {.company = row->company,
                                                     .confirmed_by = row->confirmed_by,
                                                     .grade = row->grade,
                                                     .authority = row->authority,
                                                     .alone_min_s = row->alone_min_s,
                                                     .alone_max_s = row->alone_max_s,
                                                     .reasons = row->reasons,
                                                     .why = row->why,
                                                     .awaits = "",
                                                     .due_met = row->due_met,
                                                     .as_of_ms = row->as_of_ms}};
    row_read_hash(row->presence, &ret_presence->presence);
    row_read_id(row->offender_id, &ret_presence->offender);
    row_read_id(row->officer_id, &ret_presence->officer);
    row_read_id(row->device_id, &ret_presence->device);
    row_read_hash(row->attendance, &ret_presence->attendance);
}

void row_read_flag(const Doublecrew__V1__FlagRow *row, struct row_flag *ret_flag)
{
    struct dc_flag *flag = &ret_flag->flag;
    size_t count = row->n_presence_ids < ROW_LIST_MAX ? row->n_presence_ids : ROW_LIST_MAX;
    size_t owners = row->n_owner_ids < ROW_LIST_MAX ? row->n_owner_ids : ROW_LIST_MAX;

    for (size_t i = 0; i < count; i++) {
        row_read_hash(row->presence_ids[i], &ret_flag->presences[i]);
    }
    for (size_t i = 0; i < owners; i++) {
        row_read_id(row->owner_ids[i], &ret_flag->owners[i]);
    }
    *flag = (struct dc_flag){.kind = row->kind,
                             .state = (enum dc_flag_state)row->state,
                             .lane = (enum dc_flag_lane)row->lane,
                             .severity = row->severity,
                             .raised_ms = row->raised_ms,
                             .committed_ms = row->committed_ms,
                             .acknowledged_ms = row->acknowledged_ms,
                             .ended_ms = row->ended_ms,
                             .appropriate = row->appropriate,
                             .reason_code = row->reason_code,
                             .words = row->words,
                             .why = row->why,
                             .answer = row->answer,
                             .times_raised = row->times_raised,
                             .presences = ret_flag->presences,
                             .presence_count = count,
                             .level = (uint32_t)row->level,
                             .owners = ret_flag->owners,
                             .owner_count = owners,
                             .acknowledge_by_ms = row->acknowledge_by_ms,
                             .answer_by_ms = row->answer_by_ms,
                             .alarm_ms = row->alarm_ms,
                             .quiet = row->quiet,
                             .second_needed = row->second_needed};
    row_read_hash(row->flag_id, &flag->flag);
    row_read_subject(row->subject, &flag->subject);
    row_read_id(row->offender_id, &flag->offender);
    row_read_id(row->officer_id, &flag->officer);
    row_read_id(row->acknowledged_by, &flag->acknowledged_by);
    row_read_id(row->ended_by, &flag->ended_by);
}

void row_read_field(const Doublecrew__V1__FieldRow *row, struct row_field *ret_field)
{
    size_t count = row->n_heads < ROW_LIST_MAX ? row->n_heads : ROW_LIST_MAX;
    size_t members = row->n_set_members < ROW_LIST_MAX ? row->n_set_members : ROW_LIST_MAX;

    for (size_t i = 0; i < members; i++) {
        ret_field->members[i] = row->set_members[i];
    }
    for (size_t i = 0; i < count; i++) {
        const Doublecrew__V1__FieldHead *head = row->heads[i];

        ret_field->heads[i] =
            (struct dc_field_head){.text = head->text, .from_ms = head->from_ms, .to_ms = head->to_ms};
        row_read_hash(head->edit, &ret_field->heads[i].edit);
        row_read_id(head->officer_id, &ret_field->heads[i].officer);
    }
    ret_field->field = (struct dc_field){.field = row->field,
                                         .heads = ret_field->heads,
                                         .head_count = count,
                                         .members = ret_field->members,
                                         .member_count = members};
    row_read_subject(row->subject, &ret_field->field.subject);
}

void row_read_note(const Doublecrew__V1__NoteRow *row, struct dc_note_read *ret_note)
{
    *ret_note = (struct dc_note_read){
        .text = row->text, .has_correction_of = row->corrects.len > 0, .from_ms = row->from_ms, .to_ms = row->to_ms};
    row_read_hash(row->note, &ret_note->note);
    row_read_subject(row->subject, &ret_note->subject);
    row_read_id(row->officer_id, &ret_note->officer);
    row_read_hash(row->corrects, &ret_note->corrects);
}

static void add_change(struct row_proposal *proposal, const char *field, enum dc_change change, const char *value)
{
    size_t *count = &proposal->proposal.change_count;

    if (*count < ROW_LIST_MAX) {
        proposal->changes[(*count)++] = (struct dc_field_change){.field = field, .change = change, .value = value};
    }
}

static void add_changes(struct row_proposal *proposal, const Doublecrew__V1__FieldEdit *edit)
{
    if (edit->change_case == DOUBLECREW__V1__FIELD_EDIT__CHANGE_TEXT) {
        add_change(proposal, edit->field, DC_CHANGE_TEXT, edit->text);
    } else if (edit->change_case == DOUBLECREW__V1__FIELD_EDIT__CHANGE_SET) {
        for (size_t i = 0; i < edit->set->n_add; i++) {
            add_change(proposal, edit->field, DC_CHANGE_SET_ADD, edit->set->add[i]);
        }
        for (size_t i = 0; i < edit->set->n_remove; i++) {
            add_change(proposal, edit->field, DC_CHANGE_SET_REMOVE, edit->set->remove[i]->value);
        }
    }
}

void row_read_proposal(const Doublecrew__V1__ProposalRow *row, struct row_proposal *ret_proposal)
{
    struct dc_proposal *proposal = &ret_proposal->proposal;

    *proposal = (struct dc_proposal){.changes = ret_proposal->changes,
                                     .from_ms = row->from_ms,
                                     .to_ms = row->to_ms,
                                     .state = (enum dc_proposal_state)row->state,
                                     .answered_ms = row->answered_ms,
                                     .words = row->words};
    for (size_t i = 0; i < row->n_fields; i++) {
        add_changes(ret_proposal, row->fields[i]);
    }
    row_read_hash(row->proposal, &proposal->proposal);
    row_read_subject(row->subject, &proposal->subject);
    row_read_id(row->officer_id, &proposal->officer);
    row_read_id(row->answered_by, &proposal->answered_by);
}

void row_read_asked(const Doublecrew__V1__AuthorityRequest *asked, struct dc_authority_request *ret_asked)
{
    *ret_asked = (struct dc_authority_request){
        .from_ms = asked->from_ms, .to_ms = asked->to_ms, .risk_assessment = asked->risk_assessment};
    row_read_id(asked->officer_id, &ret_asked->officer);
    row_read_id(asked->offender_id, &ret_asked->offender);
    row_read_id(asked->plan_id, &ret_asked->plan);
}

static void read_answer(const Doublecrew__V1__AuthorityAnswer *row, struct dc_authority_answer *ret_answer)
{
    *ret_answer = (struct dc_authority_answer){.recorded_ms = row->recorded_ms};
    row_read_hash(row->entry, &ret_answer->entry);
    row_read_id(row->by_officer_id, &ret_answer->by);
    if (row->word != NULL) {
        ret_answer->granted = row->word->granted;
        ret_answer->words = row->word->words;
        ret_answer->from_ms = row->word->from_ms;
        ret_answer->to_ms = row->word->to_ms;
        row_read_id(row->word->plan_id, &ret_answer->plan);
    } else {
        ret_answer->words = "";
    }
}

void row_read_authority_request(const Doublecrew__V1__AuthorityRequestRow *row,
                                struct dc_authority_request_read *ret_request)
{
    size_t count = row->n_answers < DC_ANSWERS_MAX ? row->n_answers : DC_ANSWERS_MAX;

    *ret_request = (struct dc_authority_request_read){
        .state = (enum dc_authority_state)row->state, .received_ms = row->received_ms, .answer_count = count};
    row_read_hash(row->request, &ret_request->request);
    if (row->asked != NULL) {
        row_read_asked(row->asked, &ret_request->asked);
    } else {
        ret_request->asked.risk_assessment = "";
    }
    for (size_t i = 0; i < count; i++) {
        read_answer(row->answers[i], &ret_request->answers[i]);
    }
}

static void read_window(const Doublecrew__V1__Cover *window, struct dc_cover *ret_window)
{
    *ret_window = (struct dc_cover){.from_ms = window->from_ms, .to_ms = window->to_ms};
    row_read_id(window->officer_id, &ret_window->officer);
    row_read_id(window->by_officer_id, &ret_window->by);
}

void row_read_cover(const Doublecrew__V1__CoverRow *row, struct row_cover *ret_cover)
{
    size_t count = row->n_windows < ROW_LIST_MAX ? row->n_windows : ROW_LIST_MAX;

    ret_cover->cover = (struct dc_cover_read){
        .now = {.from_ms = row->from_ms, .to_ms = row->to_ms}, .windows = ret_cover->windows, .window_count = count};
    row_read_id(row->officer_id, &ret_cover->cover.now.officer);
    row_read_id(row->by_officer_id, &ret_cover->cover.now.by);
    for (size_t i = 0; i < count; i++) {
        read_window(row->windows[i], &ret_cover->windows[i]);
    }
}
