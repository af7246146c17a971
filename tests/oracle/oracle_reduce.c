/* Shrinks a case: one small change after the other, each kept when the difference remains, until none helps. */
#include <stdlib.h>
#include <string.h>

#include "tests/oracle/oracle_parts.h"

/* The arrays of a copy, writable. */
struct owned {
    struct rule_case rule_case; /* first: a copy is freed through it */
    struct rule_policy *policies;
    struct rule_offender *offenders;
    struct rule_officer *officers;
    struct rule_device *devices;
    struct rule_presence *presences;
    struct rule_plan *plans;
    struct rule_authority_word *authorities;
    struct rule_decision *decisions;
};

static void *copy_array(const void *from, size_t count, size_t size, bool *ok)
{
    void *to = calloc(count ? count : 1, size);

    if (!to) {
        *ok = false;
    } else if (count) {
        memcpy(to, from, count * size);
    }
    return to;
}

#define COPY(array, counted)                                                                                           \
    o->array = copy_array(c->array, c->counted, sizeof(*c->array), &ok), o->rule_case.array = o->array

struct rule_case *oracle_case_copy(const struct rule_case *c)
{
    struct owned *o = calloc(1, sizeof(*o));
    bool ok = true;

    if (!o) {
        return NULL;
    }
    o->rule_case = *c;
    COPY(policies, policy_count);
    COPY(offenders, offender_count);
    COPY(officers, officer_count);
    COPY(devices, device_count);
    COPY(presences, presence_count);
    COPY(plans, plan_count);
    COPY(authorities, authority_count);
    COPY(decisions, decision_count);
    if (!ok) {
        oracle_case_free(&o->rule_case);
        return NULL;
    }
    return &o->rule_case;
}

void oracle_case_free(struct rule_case *rule_case)
{
    struct owned *o = (struct owned *)rule_case;

    if (o) {
        free(o->policies);
        free(o->offenders);
        free(o->officers);
        free(o->devices);
        free(o->presences);
        free(o->plans);
        free(o->authorities);
        free(o->decisions);
        free(o);
    }
}

/* Removes element `at` of an array of *count elements. */
static void remove_at(void *array, size_t *count, size_t size, size_t at)
{
    char *bytes = array;

    memmove(bytes + at * size, bytes + (at + 1) * size, (*count - at - 1) * size);
    (*count)--;
}

static void drop_presence(struct owned *o, size_t at)
{
    struct rule_case *c = &o->rule_case;

    for (size_t i = c->decision_count; i > 0; i--) {
        if (o->decisions[i - 1].presence == at) {
            remove_at(o->decisions, &c->decision_count, sizeof(*o->decisions), i - 1);
        } else if (o->decisions[i - 1].presence > at) {
            o->decisions[i - 1].presence--;
        }
    }
    for (size_t i = 0; i < c->presence_count; i++) {
        size_t *other = &o->presences[i].cosign.presence;

        if (*other == at) {
            *other = RULE_NONE;
        } else if (*other != RULE_NONE && *other > at) {
            (*other)--;
        }
    }
    remove_at(o->presences, &c->presence_count, sizeof(*o->presences), at);
}

enum forget {
    FORGET_COSIGN,
    FORGET_WITH,
    FORGET_PLACE,
    FORGET_OUT_PLACE,
    FORGET_AGENCY,
    FORGET_CONTESTED,
    FORGET_UNASSIGNED,
    FORGET_TROUBLE,
    FORGET_BOOT,
    FORGET_SEQ,
    FORGET_OUT,
    TAKE_IN_LO,
    TAKE_IN_HI,
    TAKE_OUT_LO,
    TAKE_OUT_HI,
    FORGETS
};

static void take_end(struct rule_instant *instant, bool low)
{
    if (low && instant->lo_us != INT64_MIN) {
        instant->hi_us = instant->lo_us;
    } else if (!low && instant->hi_us != RULE_FOREVER) {
        instant->lo_us = instant->hi_us;
    }
}

static void forget_detail(struct rule_presence *p, enum forget what, uint64_t unique)
{
    switch (what) {
    case FORGET_COSIGN:
        p->cosign = (struct rule_cosign){.presence = RULE_NONE};
        break;
    case FORGET_WITH:
        p->with = RULE_WITH_UNRECORDED;
        p->named_count = 0;
        break;
    case FORGET_PLACE:
        p->in_at.known = false;
        break;
    case FORGET_OUT_PLACE:
        p->out_at.known = false;
        break;
    case FORGET_AGENCY:
        p->agency = false;
        break;
    case FORGET_CONTESTED:
        p->contested = false;
        break;
    case FORGET_UNASSIGNED:
        p->unassigned = false;
        break;
    case FORGET_TROUBLE:
        p->clock_trouble = false;
        break;
    case FORGET_BOOT:
        p->in_boot = unique;
        p->out_boot = unique + 1;
        break;
    case FORGET_SEQ:
        p->in_seq = p->out_seq = 0;
        break;
    case FORGET_OUT:
        p->has_out = false;
        break;
    case TAKE_IN_LO:
        take_end(&p->in, true);
        break;
    case TAKE_IN_HI:
        take_end(&p->in, false);
        break;
    case TAKE_OUT_LO:
        take_end(&p->out, true);
        break;
    case TAKE_OUT_HI:
        take_end(&p->out, false);
        break;
    case FORGETS:
        break;
    }
}

static void forget_device(struct rule_device *device, size_t what)
{
    if (what == 3) {
        device->holder_count = 0;
    } else if (what == 0) {
        device->revoked_as_of_us = device->revocation_recorded_us = RULE_FOREVER;
    } else if (what == 1) {
        device->lost = false;
    } else {
        device->watermark_known = false;
    }
}

/* The k-th change; false when there is no such change. */
static bool change(struct owned *o, size_t k)
{
    struct rule_case *c = &o->rule_case;

    if (k < c->presence_count) {
        drop_presence(o, k);
        return true;
    }
    k -= c->presence_count;
    if (k < c->plan_count) {
        remove_at(o->plans, &c->plan_count, sizeof(*o->plans), k);
        return true;
    }
    k -= c->plan_count;
    if (k < c->authority_count) {
        remove_at(o->authorities, &c->authority_count, sizeof(*o->authorities), k);
        return true;
    }
    k -= c->authority_count;
    if (k < c->decision_count) {
        remove_at(o->decisions, &c->decision_count, sizeof(*o->decisions), k);
        return true;
    }
    k -= c->decision_count;
    if (k + 1 < c->policy_count) {
        remove_at(o->policies, &c->policy_count, sizeof(*o->policies), k);
        return true;
    }
    k -= c->policy_count - 1;
    if (k < c->presence_count * FORGETS) {
        forget_detail(&o->presences[k / FORGETS], (enum forget)(k % FORGETS), 1000000 + 2 * (k / FORGETS));
        return true;
    }
    k -= c->presence_count * FORGETS;
    if (k < c->device_count * 4) {
        forget_device(&o->devices[k / 4], k % 4);
        return true;
    }
    k -= c->device_count * 4;
    if (k < c->officer_count) {
        o->officers[k].change_count = 0;
        return true;
    }
    return false;
}

static bool same(const struct owned *a, const struct rule_case *b)
{
    const struct rule_case *c = &a->rule_case;

    return c->presence_count == b->presence_count && c->plan_count == b->plan_count &&
           c->authority_count == b->authority_count && c->decision_count == b->decision_count &&
           c->policy_count == b->policy_count &&
           memcmp(c->presences, b->presences, c->presence_count * sizeof(*c->presences)) == 0 &&
           memcmp(c->devices, b->devices, c->device_count * sizeof(*c->devices)) == 0 &&
           memcmp(c->officers, b->officers, c->officer_count * sizeof(*c->officers)) == 0;
}

struct rule_case *oracle_reduce(const struct rule_case *rule_case, oracle_check *check, struct oracle_settings settings)
{
    struct rule_case *best = oracle_case_copy(rule_case);
    char text[512];

    for (size_t k = 0; best;) {
        struct rule_case *smaller = oracle_case_copy(best);

        if (!smaller || !change((struct owned *)smaller, k)) {
            oracle_case_free(smaller);
            break;
        }
        if (!same((struct owned *)smaller, best) && check(smaller, settings, text, sizeof(text))) {
            oracle_case_free(best);
            best = smaller;
            k = 0;
        } else {
            oracle_case_free(smaller);
            k++;
        }
    }
    return best;
}
