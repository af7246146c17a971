/*
 * What the server remembers of a device's contact (P7): gathered as the session goes, taken by its owner now and then.
 */
#include <string.h>

#include "server/logic/session_internal.h"

/* Shown in a list: what isn't plain text is left out. */
static void copy_version(const char *from, char ret_version[40])
{
    size_t size = 0;

    for (; *from != '\0' && size < 39; from++) {
        if (*from >= ' ' && *from <= '~')
            ret_version[size++] = *from;
    }
    ret_version[size] = '\0';
}

void session_contact_hello(struct session *session, const Doublecrew__V1__Hello *hello)
{
    struct contact_note *note = &session->contact;

    note->hello = true;
    note->failures = hello->failures;
    note->failing_code = (uint32_t)hello->failing_code;
    note->pending_reason = (uint32_t)hello->pending_reason;
    note->pending_since_ms = hello->pending_since_wall_ms;
    note->pending_known = true;
    note->pending_entries = hello->pending_entries;
    copy_version(hello->app_version, note->app_version);
    session->contact_changed = true;
}

void session_contact_recovered(struct session *session)
{
    session->contact.recovered = true;
    session->contact.errors = 0;
    session->contact_changed = true;
}

/* What Hello called pending and is durable now isn't pending any more. */
void session_contact_pushed(struct session *session)
{
    uint64_t left = session->device_seq > session->durable_seq ? session->device_seq - session->durable_seq : 0;

    session->contact.push_us = session->now_us;
    if (session->contact.pending_entries > left) {
        session->contact.pending_known = true;
        session->contact.pending_entries = (uint32_t)left;
    }
    session_contact_recovered(session);
}

/* A server that stops, or sends it to the end of a line, says nothing about the device. */
void session_contact_failed(struct session *session, enum status status)
{
    if (status == STATUS_STOPPING || (status == STATUS_BUSY && session->state == SESSION_NEW))
        return;
    session->contact.errors++;
    session->contact.error = status;
    session->contact.error_us = session->now_us;
    session->contact_changed = true;
}

bool session_contact_changed(const struct session *session)
{
    return session->contact_changed;
}

void session_contact_take(struct session *session, int64_t at_us, struct contact_note *ret_note)
{
    uint32_t pending = session->contact.pending_entries;

    session->contact.certificate_key_hash = session->certificate_key_hash;
    session->contact.at_us = at_us;
    *ret_note = session->contact;
    session->contact = (struct contact_note){.pending_entries = pending};
    session->contact_changed = false;
}
