/*
 * A verifier: inflates a push that came deflated, opens it, hashes its chain, checks the head's signature, off the loop and
 * off the writer (S2). What fails goes on to the writer all the same, which only passes it through: so answers keep the order
 * of the pushes.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "server/edge/pipeline.h"

/* Parsed keys, direct-mapped: a connection stays with its verifier, so its key is here from its second push on. */
#define KEYS_CACHED 256

struct cached_key {
    struct public_key public_key;
    struct verify_key *key;
};

struct verifier {
    pthread_t thread;
    struct queue *in;
    struct queue *writer;
    struct sha256 *sha;
    struct inflater *inflater;
    struct cached_key keys[KEYS_CACHED];
};

static bool same_key(const struct public_key *a, const struct public_key *b)
{
    return a->algorithm == b->algorithm && a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static enum status key_for(struct verifier *verifier, const struct public_key *public_key, struct verify_key **ret_key)
{
    /* Of a P-256 point the first byte is always 4; the ones after it are as good as random. */
    struct cached_key *cached = &verifier->keys[public_key->bytes[1] % KEYS_CACHED];
    struct verify_key *key;
    enum status status;

    if (cached->key == NULL || !same_key(&cached->public_key, public_key)) {
        status = verify_key_new(public_key, &key);
        if (status != STATUS_OK)
            return status;
        verify_key_free(cached->key);
        cached->key = key;
        cached->public_key = *public_key;
    }
    *ret_key = cached->key;
    return STATUS_OK;
}

static enum status verify(struct verifier *verifier, struct push_job *job)
{
    struct verify_key *key;
    enum status status = push_job_open(job, verifier->sha, verifier->inflater);
    if (status == STATUS_OK)
        status = key_for(verifier, &job->key, &key);
    if (status == STATUS_OK)
        status = push_verify(&job->push, key);
    return status;
}

static void *run(void *context)
{
    struct verifier *verifier = context;
    struct push_job *job;

    while (queue_pop(verifier->in, -1, &job) == STATUS_OK) {
        struct writer_item item = {.job = job, .connection = job->connection};

        job->result.status = verify(verifier, job);
        if (queue_push_wait(verifier->writer, &item) != STATUS_OK)
            push_job_free(job);
    }
    return NULL;
}

static void release(struct verifier *verifier)
{
    for (size_t i = 0; i < KEYS_CACHED; i++)
        verify_key_free(verifier->keys[i].key);
    sha256_free(verifier->sha);
    inflater_free(verifier->inflater);
    free(verifier);
}

enum status verifier_start(struct queue *in, struct queue *writer, struct verifier **ret_verifier)
{
    struct verifier *verifier = calloc(1, sizeof(*verifier));
    enum status status;

    if (verifier == NULL)
        return STATUS_NO_MEMORY;
    verifier->in = in;
    verifier->writer = writer;
    status = sha256_new(&verifier->sha);
    if (status == STATUS_OK)
        status = inflater_new(&verifier->inflater);
    if (status == STATUS_OK && pthread_create(&verifier->thread, NULL, run, verifier) != 0)
        status = STATUS_NO_MEMORY;
    if (status != STATUS_OK) {
        release(verifier);
        return status;
    }
    *ret_verifier = verifier;
    return STATUS_OK;
}

void verifier_join(struct verifier *verifier)
{
    if (verifier == NULL)
        return;
    pthread_join(verifier->thread, NULL);
    release(verifier);
}
