/* Which presences must be judged together: whatever may touch in time at an offender or by an officer, or is co-signed. */
#include "tests/oracle/journal_oracle_case.h"

static int64_t longest_visit(const struct jo *jo)
{
    int64_t longest_us = 0;

    for (size_t i = 0; i < jo->policies.count; i++) {
        if (jo->policies.items[i].rule.longest_visit_us > longest_us)
            longest_us = jo->policies.items[i].rule.longest_visit_us;
    }
    return longest_us;
}

/* All instants at which the presence may have been under way (V4). */
static struct jo_bounds reach(const struct jo *jo, const struct jo_presence *p, int64_t longest_us)
{
    struct jo_bounds in = jo->entries.items[p->entry].at, at = in;
    int64_t received_us = jo->entries.items[p->entry].received_us;

    if (in.lo_us > in.hi_us)
        at = (struct jo_bounds){INT64_MIN, received_us};
    if (p->out != JO_NONE) {
        const struct jo_entry *out = &jo->entries.items[p->out];

        at.hi_us = out->at.lo_us > out->at.hi_us ? out->received_us : out->at.hi_us;
    } else {
        at.hi_us += longest_us;
    }
    return at;
}

static bool never_met_the_server(const struct jo *jo, const struct jo_entry *entry)
{
    for (size_t i = 0; i < jo->observations.count; i++) {
        if (id_equal(&jo->observations.items[i].log, &entry->header.log) &&
            id_equal(&jo->observations.items[i].boot, &entry->header.boot))
            return false;
    }
    return true;
}

static bool names(const struct jo *jo, const struct jo_presence *p, const struct jo_presence *other)
{
    struct hash named = jo_hash(p->message->cosigned_check_in);

    if (hash_equal(&named, &jo->entries.items[other->entry].hash))
        return true;
    if (p->confirm == JO_NONE)
        return false;
    named = jo_hash(((const Doublecrew__V1__CosignConfirm *)jo->entries.items[p->confirm].message)->partner_check_in);
    return hash_equal(&named, &jo->entries.items[other->entry].hash);
}

static bool share_a_loose_boot(const struct jo *jo, const struct jo_presence *p, const struct jo_presence *q)
{
    size_t of_p[] = {p->entry, p->out}, of_q[] = {q->entry, q->out};

    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 2; k++) {
            const struct jo_entry *a, *b;

            if (of_p[i] == JO_NONE || of_q[k] == JO_NONE)
                continue;
            a = &jo->entries.items[of_p[i]];
            b = &jo->entries.items[of_q[k]];
            if (id_equal(&a->header.log, &b->header.log) && id_equal(&a->header.boot, &b->header.boot) &&
                never_met_the_server(jo, a))
                return true;
        }
    }
    return false;
}

static bool linked(const struct jo *jo, size_t i, size_t j, int64_t longest_us)
{
    const struct jo_presence *p = &jo->presences.items[i], *q = &jo->presences.items[j];
    struct jo_bounds a = reach(jo, p, longest_us), b = reach(jo, q, longest_us);
    bool same = id_equal(&p->offender, &q->offender) || id_equal(&p->officer, &q->officer);

    return (same && a.lo_us <= b.hi_us && b.lo_us <= a.hi_us) || names(jo, p, q) || names(jo, q, p) ||
           share_a_loose_boot(jo, p, q);
}

void jo_group(const struct jo *jo, size_t *ret_group)
{
    int64_t longest_us = longest_visit(jo);
    size_t count = jo->presences.count;

    for (size_t i = 0; i < count; i++)
        ret_group[i] = i;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            size_t a = ret_group[i], b = ret_group[j];

            if (a == b || !linked(jo, i, j, longest_us))
                continue;
            for (size_t k = 0; k < count; k++) {
                if (ret_group[k] == (a > b ? a : b))
                    ret_group[k] = a > b ? b : a;
            }
        }
    }
}
