/* Properties of the two-officer rule over seeded random cases; a failure prints the seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/rule.h"
#include "core/rule_explain.h"
#include "tests/lib/rule_gen.h"

#define ROUNDS_DEFAULT 1000 /* RULE_ROUNDS=100000 for a long run */

static uint64_t rounds(void)
{
    const char *text = getenv("RULE_ROUNDS");

    return text == NULL ? ROUNDS_DEFAULT : strtoull(text, NULL, 10);
}

static void judge(const struct rule_gen *gen, struct rule_verdict *verdicts)
{
    assert_int_equal(rule_judge(&gen->rule_case, verdicts), STATUS_OK);
}

static void print_verdict(const char *title, const struct rule_verdict *v)
{
    print_error("%s: %s %s grade %s authority %s alone [%lld, %lld] due %d reasons %x next %lld\n", title,
                rule_company_name(v->company), rule_confirmed_name(v->confirmed_by), rule_grade_name(v->grade),
                rule_authority_name(v->authority), (long long)v->alone_min_us, (long long)v->alone_max_us, v->due_met,
                v->reasons, (long long)v->next_change_us);
}

static void check(bool holds, uint64_t seed, size_t index, const struct rule_verdict *before,
                  const struct rule_verdict *after)
{
    if (!holds) {
        print_error("seed %llu presence %zu\n", (unsigned long long)seed, index);
        print_verdict("before", before);
        print_verdict("after", after);
        fail();
    }
}

static size_t moved(size_t index, const size_t *at)
{
    return index == RULE_NONE ? RULE_NONE : at[index];
}

static bool same(const struct rule_verdict *a, const struct rule_verdict *b, const size_t *at)
{
    return a->company == b->company && a->confirmed_by == b->confirmed_by && a->alone_min_us == b->alone_min_us &&
           a->alone_max_us == b->alone_max_us && a->grade == b->grade && a->authority == b->authority &&
           a->due_met == b->due_met && a->reasons == b->reasons && moved(a->attendance, at) == b->attendance &&
           moved(a->best_partner, at) == b->best_partner && a->out.lo_us == b->out.lo_us &&
           a->out.hi_us == b->out.hi_us && a->next_change_us == b->next_change_us;
}

/* By who it is, not by where in the case: "A3", "N". */
static const char *code_of(const void *context, size_t officer)
{
    static char codes[4][8];
    static size_t next;
    const struct rule_gen *gen = context;
    char *code = codes[next++ % 4];

    (void)snprintf(code, sizeof codes[0], "%c%u", gen->officers[officer].id.bytes[0],
                   (unsigned)gen->officers[officer].id.bytes[1]);
    return code;
}

static void check_sentence(const struct rule_gen *gen, const struct rule_verdict *verdicts, size_t index,
                           const struct rule_gen *other, const struct rule_verdict *others, size_t at, uint64_t seed)
{
    char before[RULE_EXPLAIN_SIZE], after[RULE_EXPLAIN_SIZE];

    (void)rule_explain(&gen->rule_case, verdicts, index, code_of, gen, before, sizeof before);
    (void)rule_explain(&other->rule_case, others, at, code_of, other, after, sizeof after);
    if (strcmp(before, after) != 0) {
        fail_msg("seed %llu presence %zu\n  %s\n  %s", (unsigned long long)seed, index, before, after);
    }
}

static void verdicts__random_shuffle_of_every_array__are_identical(void **state)
{
    struct rule_gen_options options = rule_gen_options_all();
    static struct rule_gen gen, shuffled;
    struct rule_verdict before[RULE_PRESENCES_MAX], after[RULE_PRESENCES_MAX];
    size_t at[RULE_GEN_PRESENCES_MAX];

    (void)state;
    for (uint64_t seed = 1; seed <= rounds(); seed++) {
        rule_gen_make(seed, &options, &gen);
        rule_gen_shuffle(&gen, seed * 77, &shuffled, at);
        judge(&gen, before);
        judge(&shuffled, after);
        for (size_t i = 0; i < gen.rule_case.presence_count; i++) {
            check(same(&before[i], &after[at[i]], at), seed, i, &before[i], &after[at[i]]);
            check_sentence(&gen, before, i, &shuffled, after, at[i], seed);
        }
    }
}

/* The server asks about one offender's presences; what stands around them is judged only as far as these need it. */
static void verdicts__some_asked_about__are_as_when_all_are(void **state)
{
    struct rule_gen_options options = rule_gen_options_all();
    static struct rule_gen gen, shuffled;
    struct rule_verdict all[RULE_PRESENCES_MAX], some[RULE_PRESENCES_MAX];
    size_t at[RULE_GEN_PRESENCES_MAX], same_place[RULE_GEN_PRESENCES_MAX];

    (void)state;
    for (size_t i = 0; i < RULE_GEN_PRESENCES_MAX; i++) {
        same_place[i] = i;
    }
    for (uint64_t seed = 1; seed <= rounds(); seed++) {
        rule_gen_make(seed, &options, &gen);
        rule_gen_shuffle(&gen, seed * 31, &shuffled, at); /* whichever come first */
        judge(&shuffled, all);
        for (size_t asked = 1; asked < shuffled.rule_case.presence_count; asked++) {
            shuffled.rule_case.asked_count = asked;
            judge(&shuffled, some);
            for (size_t i = 0; i < asked; i++) {
                check(same(&all[i], &some[i], same_place), seed, i, &all[i], &some[i]);
                check_sentence(&shuffled, all, i, &shuffled, some, i, seed);
            }
        }
    }
}

/* Calls judge for each order of `count` presences: Heap's algorithm, recursive. */
static size_t try_orders(const struct rule_gen *gen, uint64_t seed, const struct rule_verdict *before, size_t *order,
                         size_t k)
{
    static struct rule_gen reordered;
    struct rule_verdict after[RULE_PRESENCES_MAX];
    size_t at[RULE_GEN_PRESENCES_MAX];
    size_t count = gen->rule_case.presence_count;
    size_t tried = 0;

    if (k > 1) {
        for (size_t i = 0; i < k; i++) {
            size_t other = k % 2 == 0 ? i : 0;
            size_t swap;

            tried += try_orders(gen, seed, before, order, k - 1);
            swap = order[other];
            order[other] = order[k - 1];
            order[k - 1] = swap;
        }
        return tried;
    }
    rule_gen_reorder(gen, order, &reordered);
    judge(&reordered, after);
    for (size_t i = 0; i < count; i++) {
        at[order[i]] = i;
    }
    for (size_t i = 0; i < count; i++) {
        check(same(&before[i], &after[at[i]], at), seed, i, &before[i], &after[at[i]]);
    }
    return 1;
}

static void verdicts__every_order_of_up_to_seven_presences__are_identical(void **state)
{
    static const size_t factorials[] = {1, 1, 2, 6, 24, 120, 720, 5040};
    struct rule_gen_options options = rule_gen_options_all();
    static struct rule_gen gen;
    struct rule_verdict before[RULE_PRESENCES_MAX];
    size_t seen[8] = {0};
    size_t order[RULE_GEN_PRESENCES_MAX];

    (void)state;
    options.presences_max = 7;
    for (uint64_t seed = 1; seen[7] < 1 || seen[6] < 2 || seen[5] < 3; seed++) {
        size_t count;

        rule_gen_make(seed, &options, &gen);
        count = gen.rule_case.presence_count;
        if (seen[count] >= (count == 7 ? 1 : count == 6 ? 2 : 3)) {
            continue;
        }
        seen[count]++;
        judge(&gen, before);
        for (size_t i = 0; i < count; i++) {
            order[i] = i;
        }
        assert_int_equal(try_orders(&gen, seed, before, order, count), factorials[count]);
    }
}

/* What narrowing may not change. Absence has degrees: "awaiting" may become any that it was waiting to become (W3). */
enum kind {
    KIND_HELD,
    KIND_UNDER_WAY,
    KIND_JOINT,
    KIND_UNPROVEN,
    KIND_AWAITING,
    KIND_ACCOMPANIED,
    KIND_PART,
    KIND_LONE
};

static enum kind kind_of(enum rule_company company)
{
    static const enum kind kinds[] = {
        [RULE_COMPANY_HELD] = KIND_HELD,
        [RULE_COMPANY_UNDER_WAY] = KIND_UNDER_WAY,
        [RULE_COMPANY_JOINT_SO_FAR] = KIND_JOINT,
        [RULE_COMPANY_JOINT] = KIND_JOINT,
        [RULE_COMPANY_TIME_UNPROVEN] = KIND_UNPROVEN,
        [RULE_COMPANY_AWAITING_SECOND] = KIND_AWAITING,
        [RULE_COMPANY_ACCOMPANIED] = KIND_ACCOMPANIED,
        [RULE_COMPANY_PART_JOINT] = KIND_PART,
        [RULE_COMPANY_LONE_PROVISIONAL] = KIND_LONE,
        [RULE_COMPANY_LONE_CONFIRMED] = KIND_LONE,
    };

    return kinds[company];
}

static bool refines(const struct rule_verdict *wide, const struct rule_verdict *narrow)
{
    enum kind from = kind_of(wide->company);
    enum kind to = kind_of(narrow->company);
    bool absence = to == KIND_ACCOMPANIED || to == KIND_PART || to == KIND_LONE;

    if (wide->company == RULE_COMPANY_JOINT && narrow->company != RULE_COMPANY_JOINT) {
        return false;
    }
    if (narrow->alone_min_us < wide->alone_min_us || narrow->alone_max_us > wide->alone_max_us) {
        return false;
    }
    /* under way ends when it is certainly beyond max_alone (V11), so less doubt may end it sooner. */
    return from == KIND_UNPROVEN || from == to || (from == KIND_AWAITING && (absence || to == KIND_UNPROVEN)) ||
           (from == KIND_UNDER_WAY && (absence || to == KIND_AWAITING || to == KIND_UNPROVEN));
}

static int64_t between(uint64_t *dice, int64_t from_us, int64_t to_us)
{
    return from_us + (int64_t)rule_gen_below(dice, (uint64_t)(to_us - from_us) + 1);
}

static void narrow(uint64_t *dice, struct rule_instant *instant, int64_t true_us)
{
    if (rule_gen_below(dice, 2) == 0) {
        instant->lo_us = instant->lo_us == INT64_MIN ? true_us : between(dice, instant->lo_us, true_us);
    }
    if (rule_gen_below(dice, 2) == 0) {
        instant->hi_us = between(dice, true_us, instant->hi_us);
    }
}

/* Who is "possibly present" may not decide (L2): narrower times may free a hand. Not what these properties are about. */
static void take_decisions_from_officers(struct rule_gen *gen)
{
    for (size_t i = 0; i < gen->rule_case.decision_count; i++) {
        gen->decisions[i].by.bytes[0] = 'S';
    }
}

static void verdicts__narrower_times__only_resolve_unknown(void **state)
{
    struct rule_gen_options options = rule_gen_options_all();
    static struct rule_gen gen;
    struct rule_verdict wide[RULE_PRESENCES_MAX], after[RULE_PRESENCES_MAX];

    (void)state;
    options.features &= ~(unsigned)RULE_GEN_TROUBLE;
    for (uint64_t seed = 1; seed <= rounds(); seed++) {
        uint64_t dice = seed * 31;

        rule_gen_make(seed, &options, &gen);
        take_decisions_from_officers(&gen);
        judge(&gen, wide);
        for (size_t i = 0; i < gen.rule_case.presence_count; i++) {
            narrow(&dice, &gen.presences[i].in, gen.true_in_us[i]);
            if (gen.presences[i].has_out) {
                narrow(&dice, &gen.presences[i].out, gen.true_out_us[i]);
            }
        }
        judge(&gen, after);
        for (size_t i = 0; i < gen.rule_case.presence_count; i++) {
            check(refines(&wide[i], &after[i]), seed, i, &wide[i], &after[i]);
        }
    }
}

static void verdicts__exact_truth__lies_within_what_was_said(void **state)
{
    struct rule_gen_options options = rule_gen_options_all();
    static struct rule_gen gen;
    struct rule_verdict wide[RULE_PRESENCES_MAX], exact[RULE_PRESENCES_MAX];

    (void)state;
    options.features &= ~(unsigned)RULE_GEN_TROUBLE;
    for (uint64_t seed = 1; seed <= rounds(); seed++) {
        rule_gen_make(seed, &options, &gen);
        take_decisions_from_officers(&gen);
        judge(&gen, wide);
        for (size_t i = 0; i < gen.rule_case.presence_count; i++) {
            gen.presences[i].in = (struct rule_instant){gen.true_in_us[i], gen.true_in_us[i]};
            if (gen.presences[i].has_out) {
                gen.presences[i].out = (struct rule_instant){gen.true_out_us[i], gen.true_out_us[i]};
            }
        }
        judge(&gen, exact);
        for (size_t i = 0; i < gen.rule_case.presence_count; i++) {
            check(refines(&wide[i], &exact[i]), seed, i, &wide[i], &exact[i]);
            check(exact[i].company != RULE_COMPANY_TIME_UNPROVEN, seed, i, &wide[i], &exact[i]);
            check(exact[i].alone_min_us == exact[i].alone_max_us, seed, i, &wide[i], &exact[i]);
        }
    }
}

static bool unchanged(const struct rule_verdict *a, const struct rule_verdict *b)
{
    return a->company == b->company && a->confirmed_by == b->confirmed_by && a->grade == b->grade &&
           a->authority == b->authority && a->due_met == b->due_met && a->reasons == b->reasons;
}

static void next_change__until_then__nothing_changes_by_itself(void **state)
{
    struct rule_gen_options options = rule_gen_options_all();
    static struct rule_gen gen;
    struct rule_verdict before[RULE_PRESENCES_MAX], after[RULE_PRESENCES_MAX];

    (void)state;
    for (uint64_t seed = 1; seed <= rounds(); seed++) {
        uint64_t dice = seed * 13;
        int64_t now_us;

        rule_gen_make(seed, &options, &gen);
        now_us = gen.rule_case.now_us;
        judge(&gen, before);
        for (size_t i = 0; i < gen.rule_case.presence_count; i++) {
            int64_t next_us = before[i].next_change_us;

            assert_true(next_us > now_us);
            next_us = next_us == RULE_FOREVER ? now_us + INT64_C(1000000000000) : next_us;
            gen.rule_case.now_us = rule_gen_below(&dice, 2) == 0 ? next_us - 1 : between(&dice, now_us, next_us - 1);
            judge(&gen, after);
            check(unchanged(&before[i], &after[i]), seed, i, &before[i], &after[i]);
            gen.rule_case.now_us = now_us;
        }
    }
}

static void cut_clocks(struct rule_gen *gen)
{
    for (size_t i = 0; i < gen->rule_case.presence_count; i++) {
        struct rule_presence *presence = &gen->presences[i];

        presence->in_mono_us -= presence->in_mono_us % RULE_WIRE_STEP_US;
        presence->out_mono_us -= presence->out_mono_us % RULE_WIRE_STEP_US;
        presence->cosign.confirm_mono_us -= presence->cosign.confirm_mono_us % RULE_WIRE_STEP_US;
    }
}

/* Entries carry whole milliseconds: what is cut off is never taken for a clock that contradicts itself. */
static void readings__cut_to_milliseconds__change_nothing_when_the_case_says_so(void **state)
{
    struct rule_gen_options options = rule_gen_options_all();
    static struct rule_gen gen;
    struct rule_verdict exact[RULE_PRESENCES_MAX], cut[RULE_PRESENCES_MAX], believed[RULE_PRESENCES_MAX];
    size_t at[RULE_GEN_PRESENCES_MAX], troubled = 0;

    (void)state;
    for (size_t i = 0; i < RULE_GEN_PRESENCES_MAX; i++) {
        at[i] = i;
    }
    options.grid_us = 1;
    options.features &= ~(unsigned)(RULE_GEN_UNCERTAIN | RULE_GEN_TROUBLE);
    for (uint64_t seed = 1; seed <= rounds(); seed++) {
        rule_gen_make(seed, &options, &gen);
        gen.rule_case.mono_step_us = 0;
        judge(&gen, exact);
        cut_clocks(&gen);
        judge(&gen, believed);
        gen.rule_case.mono_step_us = RULE_WIRE_STEP_US;
        judge(&gen, cut);
        for (size_t i = 0; i < gen.rule_case.presence_count; i++) {
            check(same(&exact[i], &cut[i], at), seed, i, &exact[i], &cut[i]);
            troubled += (believed[i].reasons & RULE_REASON_CLOCK_TROUBLE) != 0;
        }
    }
    assert_true(troubled > 0); /* taken for exact, they contradict the times */
}

static bool is_joint(enum rule_company company)
{
    return company == RULE_COMPANY_JOINT || company == RULE_COMPANY_JOINT_SO_FAR;
}

/* A new officer with a new device who was there all along. */
static void add_partner(struct rule_gen *gen, size_t with)
{
    struct rule_case *c = &gen->rule_case;
    size_t at = c->presence_count++;
    size_t officer = c->officer_count++;
    size_t device = c->device_count++;

    gen->officers[officer] = (struct rule_officer){.id = {{'N'}}, .accredited = true, .entitled_to_us = RULE_FOREVER};
    gen->devices[device] = (struct rule_device){.id = {{'n'}}, .officer = officer, .revoked_as_of_us = RULE_FOREVER};
    gen->presences[at] = gen->presences[with];
    gen->presences[at].id.bytes[31] = 0xee;
    gen->presences[at].officer = officer;
    gen->presences[at].device = device;
    gen->presences[at].cosign.presence = RULE_NONE;
    gen->presences[at].contested = false;
    gen->presences[at].unassigned = false;
    gen->presences[at].with = RULE_WITH_UNRECORDED;
    gen->presences[at].named_count = 0;
    gen->presences[at].agency = false;
}

/* One more partner may lend an earlier check-out to who forgot theirs (V4), so all must have theirs. */
static bool all_checked_out(const struct rule_case *c)
{
    for (size_t i = 0; i < c->presence_count; i++) {
        if (!c->presences[i].has_out) {
            return false;
        }
    }
    return true;
}

/* Where all times are known it stays joint, and nobody is alone for longer. */
static void verdicts__one_more_eligible_partner__covers_no_less(void **state)
{
    struct rule_gen_options options = rule_gen_options_all();
    static struct rule_gen gen;
    struct rule_verdict before[RULE_PRESENCES_MAX], after[RULE_PRESENCES_MAX];
    size_t joint = 0, less = 0;

    (void)state;
    options.officers_max = 4;
    options.presences_max = 6;
    options.features &= ~(unsigned)(RULE_GEN_MISSING | RULE_GEN_UNCERTAIN | RULE_GEN_TROUBLE);
    for (uint64_t seed = 1; seed <= rounds(); seed++) {
        uint64_t dice = seed * 11;
        size_t count;

        rule_gen_make(seed, &options, &gen);
        count = gen.rule_case.presence_count;
        if (gen.rule_case.device_count == RULE_GEN_DEVICES_MAX || !all_checked_out(&gen.rule_case)) {
            continue;
        }
        judge(&gen, before);
        add_partner(&gen, (size_t)rule_gen_below(&dice, count));
        judge(&gen, after);
        for (size_t i = 0; i < count; i++) {
            check(!is_joint(before[i].company) || is_joint(after[i].company), seed, i, &before[i], &after[i]);
            check(after[i].alone_max_us <= before[i].alone_max_us, seed, i, &before[i], &after[i]);
            joint += is_joint(before[i].company) ? 1 : 0;
            less += after[i].alone_max_us < before[i].alone_max_us ? 1 : 0;
        }
    }
    assert_true(joint > 0 && less > 0);
}

static void verdicts__one_more_eligible_partner__never_makes_joint_lone(void **state)
{
    struct rule_gen_options options = rule_gen_options_all();
    static struct rule_gen gen;
    struct rule_verdict before[RULE_PRESENCES_MAX], after[RULE_PRESENCES_MAX];

    (void)state;
    options.officers_max = 4;
    options.presences_max = 6;
    options.features &= ~(unsigned)RULE_GEN_MISSING;
    for (uint64_t seed = 1; seed <= rounds(); seed++) {
        uint64_t dice = seed * 7;
        size_t count;

        rule_gen_make(seed, &options, &gen);
        count = gen.rule_case.presence_count;
        if (gen.rule_case.device_count == RULE_GEN_DEVICES_MAX || !all_checked_out(&gen.rule_case)) {
            continue;
        }
        judge(&gen, before);
        add_partner(&gen, (size_t)rule_gen_below(&dice, count));
        judge(&gen, after);
        for (size_t i = 0; i < count; i++) {
            bool lone = kind_of(after[i].company) == KIND_LONE || after[i].company == RULE_COMPANY_AWAITING_SECOND;

            check(!is_joint(before[i].company) || !lone, seed, i, &before[i], &after[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings__cut_to_milliseconds__change_nothing_when_the_case_says_so),
        cmocka_unit_test(verdicts__random_shuffle_of_every_array__are_identical),
        cmocka_unit_test(verdicts__some_asked_about__are_as_when_all_are),
        cmocka_unit_test(verdicts__every_order_of_up_to_seven_presences__are_identical),
        cmocka_unit_test(verdicts__narrower_times__only_resolve_unknown),
        cmocka_unit_test(verdicts__exact_truth__lies_within_what_was_said),
        cmocka_unit_test(next_change__until_then__nothing_changes_by_itself),
        cmocka_unit_test(verdicts__one_more_eligible_partner__never_makes_joint_lone),
        cmocka_unit_test(verdicts__one_more_eligible_partner__covers_no_less),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
