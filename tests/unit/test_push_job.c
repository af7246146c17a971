/*
 * What a verifier makes of a push (server/edge/pipeline.h): one that came deflated is, once opened, what it would have been as it
 * is; what is wrong with it is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "server/edge/pipeline.h"
#include "tests/lib/core_fixture.h"

#define ENTRIES 60
#define DEFLATED_PUSH_FIELD 7

struct fixture {
    struct sha256 *sha;
    struct inflater *inflater;
    struct sign_key *key;
    uint8_t *push;
    size_t push_size;
    uint8_t *message;
    struct deflated_push deflated; /* in message */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct fixture_log *log;
    struct span body;
    size_t size;

    assert_int_equal(sha256_new(&f->sha), STATUS_OK);
    assert_int_equal(inflater_new(&f->inflater), STATUS_OK);
    f->key = fixture_key("doublecrew test device key");
    log = fixture_log_new(f->sha, 1, ENTRIES, 4);
    f->push = fixture_push(log, f->key, &f->push_size);
    fixture_log_free(log);
    assert_int_equal(deflated_push_build(span_of(f->push, f->push_size), ENTRIES, &f->message, &size), STATUS_OK);
    assert_non_null(f->message);
    assert_int_equal(wire_find(span_of(f->message, size), DEFLATED_PUSH_FIELD, &body), STATUS_OK);
    assert_int_equal(deflated_push_open(body, &f->deflated), STATUS_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    free(f->message);
    free(f->push);
    sign_key_free(f->key);
    inflater_free(f->inflater);
    sha256_free(f->sha);
    free(f);
    return 0;
}

static struct push_job *job_of(const struct fixture *f)
{
    struct push_job *job;

    assert_int_equal(push_job_new(f->deflated.bytes, f->deflated.size, &job), STATUS_OK);
    job->entry_count = f->deflated.entry_count;
    return job;
}

static void deflated__is_once_opened_what_it_was_before(void **state)
{
    struct fixture *f = *state;
    struct push_job *job = job_of(f);
    struct push_job *whole;

    assert_int_equal(push_job_new(span_of(f->push, f->push_size), 0, &whole), STATUS_OK);
    assert_int_equal(push_job_open(whole, f->sha, f->inflater), STATUS_OK);
    assert_int_equal(job->charged_size, f->push_size);
    assert_true(job->raw_size < f->push_size);
    assert_int_equal(push_job_open(job, f->sha, f->inflater), STATUS_OK);
    assert_int_equal(job->charged_size, f->push_size);
    assert_int_equal(whole->charged_size, f->push_size);
    assert_int_equal(job->raw_size, f->push_size);
    assert_memory_equal(job->raw, f->push, f->push_size);
    assert_int_equal(job->push.entry_count, ENTRIES);
    for (size_t i = 0; i < ENTRIES; i++)
        assert_true(hash_equal(&job->push.entries[i].hash, &whole->push.entries[i].hash));
    push_job_free(whole);
    push_job_free(job);
}

/* Else a push of 256 would take the credit of one. */
static void deflated__of_another_number_of_entries_is_named(void **state)
{
    struct fixture *f = *state;

    for (uint32_t said = ENTRIES - 1; said <= ENTRIES + 1; said++) {
        struct push_job *job = job_of(f);

        job->entry_count = said;
        assert_int_equal(push_job_open(job, f->sha, f->inflater), said == ENTRIES ? STATUS_OK : STATUS_MALFORMED);
        push_job_free(job);
    }
}

static void deflated__of_another_size_is_named(void **state)
{
    struct fixture *f = *state;

    for (uint32_t off = 0; off <= 2; off++) {
        struct push_job *job;

        assert_int_equal(push_job_new(f->deflated.bytes, f->push_size - 1 + off, &job), STATUS_OK);
        job->entry_count = ENTRIES;
        assert_int_equal(push_job_open(job, f->sha, f->inflater), off == 1 ? STATUS_OK : STATUS_BAD_LENGTH);
        push_job_free(job);
    }
}

static void deflated__that_is_no_push_inside_is_named_as_a_push_is(void **state)
{
    struct fixture *f = *state;
    struct push_job *job = job_of(f);

    memset(f->message + (f->deflated.bytes.data - f->message), 0xff,
           3); /* a block of no kind; the job has its own copy */
    assert_int_equal(push_job_open(job, f->sha, f->inflater), STATUS_OK);
    push_job_free(job);
    job = job_of(f);
    assert_int_equal(push_job_open(job, f->sha, f->inflater), STATUS_MALFORMED);
    push_job_free(job);
}

static void job__that_was_wrong_before_is_not_looked_at(void **state)
{
    struct fixture *f = *state;
    struct push_job *job;

    assert_int_equal(push_job_new(span_of(NULL, 0), 0, &job), STATUS_OK);
    job->result.status = STATUS_OVER_LIMIT;
    assert_int_equal(push_job_open(job, f->sha, f->inflater), STATUS_OVER_LIMIT);
    push_job_free(job);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(deflated__is_once_opened_what_it_was_before), CASE(deflated__of_another_number_of_entries_is_named),
        CASE(deflated__of_another_size_is_named),          CASE(deflated__that_is_no_push_inside_is_named_as_a_push_is),
        CASE(job__that_was_wrong_before_is_not_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
