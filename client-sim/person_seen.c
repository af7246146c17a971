/* What a simulated person has done and seen, whatever their phone is connected to. */
#include "client-sim/person.h"

#include <stdio.h>
#include <string.h>

bool ids_equal(const struct dc_id *a, const struct dc_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool hashes_equal(const struct dc_hash *a, const struct dc_hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Flags repeat on the urgent lane when their state changes: one row each. */
static void keep_pushed(struct person *person, const struct dc_flag *row)
{
    struct person_pushed *pushed = NULL;

    for (size_t i = 0; i < person->pushed_count; i++) {
        if (hashes_equal(&person->pushed[i].flag, &row->flag)) {
            person->pushed[i].state = row->state;
            return;
        }
    }
    if (person->pushed_count == PERSON_PUSHED_MAX)
        return;
    pushed = &person->pushed[person->pushed_count++];
    pushed->flag = row->flag;
    snprintf(pushed->kind, sizeof(pushed->kind), "%s", row->kind);
    pushed->officer = row->officer;
    pushed->offender = row->offender;
    pushed->state = row->state;
    pushed->after_us = real_us() - person->clock->acted_real_us;
}

void person_sees(struct person *person, const struct dc_event *event)
{
    if (event->type == DC_EVENT_FLAG && event->row != NULL)
        keep_pushed(person, event->row);
    if (event->type == DC_EVENT_ERROR)
        person->last_error = event->status;
    if (event->type == DC_EVENT_ACK)
        person->durable_seq = event->seq;
    if (event->type == DC_EVENT_TRAINING_STEPPED) {
        person->stepped_pos = event->pos;
        person->stepped_now_ms = event->now_ms;
    }
    if (person->on_event != NULL)
        person->on_event(person->context, person, event);
}

struct person_presence *person_presence_at(struct person *person, const struct dc_id *offender, bool first)
{
    struct person_presence *found = NULL;

    for (size_t i = 0; i < person->presence_count; i++) {
        struct person_presence *presence = &person->presences[i];
        if (offender != NULL && !ids_equal(&presence->offender, offender))
            continue;
        if (first)
            return presence;
        found = presence;
    }
    return found;
}

struct person_presence *person_open_presence(struct person *person, const struct dc_id *offender)
{
    for (size_t i = person->presence_count; i-- > 0;) {
        struct person_presence *presence = &person->presences[i];
        if (!presence->checked_out && (offender == NULL || ids_equal(&presence->offender, offender)))
            return presence;
    }
    return NULL;
}
