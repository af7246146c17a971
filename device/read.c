/* Reads of the server's rows: one function for each kind, all alike. */
#include "device/row_read.h"
#include "device/upkeep.h"
#include "device/view_rows.h"

/* The app's callback, whichever it is, and its context. */
struct reader {
    void *context;
    dc_on_offender on_offender;
    dc_on_officer on_officer;
    dc_on_plan on_plan;
    dc_on_flag on_flag;
    dc_on_proposal on_proposal;
    dc_on_cover on_cover;
};

static enum dc_status each(struct dc_device *device, struct view_key key, bool one, Doublecrew__V1__Row__RowCase kind,
                           view_on_row on_row, struct reader *reader)
{
    size_t count = 0;
    enum status status = upkeep_check_readable(device);

    if (status != STATUS_OK) {
        return public_status(status);
    }
    status = view_each(device, &key, kind, on_row, reader, &count);

    if (status == STATUS_OK && one && count == 0) {
        status = STATUS_NOT_FOUND;
    }
    return public_status(status);
}

static struct view_key key_of(char letter, const struct dc_id *id)
{
    return id ? view_key_id(letter, id) : view_key_all(letter);
}

static bool read_offender(void *context, const Doublecrew__V1__Row *row)
{
    struct reader *reader = context;
    struct dc_offender offender;

    row_read_offender(row->offender, &offender);
    return reader->on_offender(reader->context, &offender);
}

enum dc_status dc_each_offender(struct dc_device *device, const struct dc_id *id, dc_on_offender on_row, void *context)
{
    struct reader reader = {.context = context, .on_offender = on_row};

    return each(device, key_of('x', id), id != NULL, DOUBLECREW__V1__ROW__ROW_OFFENDER, read_offender, &reader);
}

static bool read_officer(void *context, const Doublecrew__V1__Row *row)
{
    struct reader *reader = context;
    struct row_officer officer;

    row_read_officer(row->officer, &officer);
    return reader->on_officer(reader->context, &officer.officer);
}

enum dc_status dc_each_officer(struct dc_device *device, const struct dc_id *id, dc_on_officer on_row, void *context)
{
    struct reader reader = {.context = context, .on_officer = on_row};

    return each(device, key_of('o', id), id != NULL, DOUBLECREW__V1__ROW__ROW_OFFICER, read_officer, &reader);
}

static bool read_plan(void *context, const Doublecrew__V1__Row *row)
{
    struct reader *reader = context;
    struct dc_plan plan;

    row_read_plan(row->plan, &plan);
    return reader->on_plan(reader->context, &plan);
}

enum dc_status dc_each_plan(struct dc_device *device, const struct dc_id *id, dc_on_plan on_row, void *context)
{
    struct reader reader = {.context = context, .on_plan = on_row};

    return each(device, key_of('l', id), id != NULL, DOUBLECREW__V1__ROW__ROW_PLAN, read_plan, &reader);
}

static bool read_cover(void *context, const Doublecrew__V1__Row *row)
{
    struct reader *reader = context;
    struct row_cover cover;

    row_read_cover(row->cover, &cover);
    return reader->on_cover(reader->context, &cover.cover);
}

enum dc_status dc_each_cover(struct dc_device *device, const struct dc_id *id, dc_on_cover on_row, void *context)
{
    struct reader reader = {.context = context, .on_cover = on_row};

    return each(device, key_of('c', id), id != NULL, DOUBLECREW__V1__ROW__ROW_COVER, read_cover, &reader);
}

static bool read_flag(void *context, const Doublecrew__V1__Row *row)
{
    struct reader *reader = context;
    struct row_flag flag;

    row_read_flag(row->flag, &flag);
    return reader->on_flag(reader->context, &flag.flag);
}

enum dc_status dc_each_flag(struct dc_device *device, const struct dc_hash *flag, dc_on_flag on_row, void *context)
{
    struct reader reader = {.context = context, .on_flag = on_row};
    struct view_key key = flag ? view_key_hash('f', flag) : view_key_all('f');

    return each(device, key, flag != NULL, DOUBLECREW__V1__ROW__ROW_FLAG, read_flag, &reader);
}

static bool read_proposal(void *context, const Doublecrew__V1__Row *row)
{
    struct reader *reader = context;
    struct row_proposal proposal;

    row_read_proposal(row->proposal, &proposal);
    return reader->on_proposal(reader->context, &proposal.proposal);
}

enum dc_status dc_each_proposal(struct dc_device *device, const struct dc_hash *proposal, dc_on_proposal on_row,
                                void *context)
{
    struct reader reader = {.context = context, .on_proposal = on_row};
    struct view_key key = proposal ? view_key_hash('q', proposal) : view_key_all('q');

    return each(device, key, proposal != NULL, DOUBLECREW__V1__ROW__ROW_PROPOSAL, read_proposal, &reader);
}
