/* Who stands in for whom (A1). What this device can know to be refused by the server is refused here, before it is recorded. */
#include <string.h>

#include "device/device.h"
#include "device/messages.h"
#include "device/row_read.h"
#include "device/view_rows.h"

static bool is_zero(const struct dc_id *id)
{
    static const struct dc_id zero;

    return memcmp(id->bytes, zero.bytes, sizeof zero.bytes) == 0;
}

struct known_officer {
    enum dc_role role;
    bool duty;
};

static bool read_known(void *context, const Doublecrew__V1__Row *row)
{
    struct known_officer *known = context;

    if (row->officer->officer) {
        known->role = (enum dc_role)row->officer->officer->role;
        known->duty = row->officer->officer->duty;
    }
    return false;
}

/* By the roster that is cached here; DC_ROLE_UNKNOWN: who isn't on it, the server judges. */
static enum dc_status look_up(struct dc_device *device, const struct dc_id *officer, struct known_officer *ret_known)
{
    struct view_key key = view_key_id('o', officer);

    *ret_known = (struct known_officer){.role = DC_ROLE_UNKNOWN};
    return public_status(view_each(device, &key, DOUBLECREW__V1__ROW__ROW_OFFICER, read_known, ret_known, NULL));
}

static bool may_stand_in(const struct known_officer *known)
{
    return known->role == DC_ROLE_SUPERVISOR || known->role == DC_ROLE_LEADER || known->role == DC_ROLE_UNKNOWN;
}

static enum dc_status check_recorder(struct dc_device *device, const struct dc_id *away)
{
    struct known_officer known;
    struct dc_id me;
    enum dc_status status;

    memcpy(me.bytes, device->officer.bytes, sizeof me.bytes);
    if (memcmp(me.bytes, away->bytes, sizeof me.bytes) == 0) {
        return DC_OK;
    }
    status = look_up(device, &me, &known);
    if (status != DC_OK) {
        return status;
    }
    return known.role == DC_ROLE_OPERATOR || known.role == DC_ROLE_UNKNOWN ? DC_OK : DC_NOT_PERMITTED;
}

static enum dc_status check_people(struct dc_device *device, const struct dc_cover *cover)
{
    struct known_officer away, by;
    enum dc_status status = check_recorder(device, &cover->officer);

    if (status == DC_OK) {
        status = look_up(device, &cover->officer, &away);
    }
    if (status == DC_OK && !may_stand_in(&away) && !away.duty) {
        status = DC_NOT_IN_CHARGE;
    }
    if (status != DC_OK || is_zero(&cover->by)) {
        return status;
    }
    if (memcmp(cover->officer.bytes, cover->by.bytes, sizeof cover->by.bytes) == 0) {
        return DC_OWN_COVER;
    }
    status = look_up(device, &cover->by, &by);
    return status == DC_OK && !may_stand_in(&by) ? DC_NOT_IN_CHARGE : status;
}

enum dc_status dc_cover(struct dc_device *device, const struct dc_cover *given, struct dc_hash *ret_entry)
{
    Doublecrew__V1__Cover message = DOUBLECREW__V1__COVER__INIT;
    struct dc_cover cover = *given;
    enum dc_status status;

    if (is_zero(&cover.officer)) {
        memcpy(cover.officer.bytes, device->officer.bytes, sizeof cover.officer.bytes);
    }
    if (cover.to_ms != 0 && cover.to_ms <= cover.from_ms) {
        return DC_INPUT;
    }
    status = check_people(device, &cover);
    if (status != DC_OK) {
        return status;
    }
    message.officer_id = message_id(&cover.officer);
    message.by_officer_id = message_id(&cover.by);
    message.from_ms = cover.from_ms;
    message.to_ms = cover.to_ms;
    return message_state(device, DOUBLECREW__V1__ENTRY_KIND__ENTRY_KIND_COVER, &message.base, ret_entry);
}
