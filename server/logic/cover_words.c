/*
 * Words of people who have no place of their own (L1, L2; decisions/0025): a decision or an authority that may come before the
 * cover by which it counts, or after a fork has taken that cover back. Which came first must not matter (J3): those that don't
 * count wait, those that count are remembered, and both are looked at again when who stands in for whom is said anew.
 */
#include "server/logic/cover.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 4096 /* of one person, looked at at once: beyond that they wait for the next time */

static const uint8_t waits_mark[ID_SIZE] = "waits for cover";
static const uint8_t counts_mark[ID_SIZE] = "counts by cover";

static struct hash key_of(const struct id *author, const uint8_t mark[ID_SIZE])
{
    struct hash key;

    memcpy(key.bytes, author->bytes, ID_SIZE);
    memcpy(key.bytes + ID_SIZE, mark, ID_SIZE);
    return key;
}

enum status cover_word_waits(struct batch *batch, const struct applying *applying)
{
    struct hash key = key_of(&applying->author.officer, waits_mark);

    return cover_may_stand_in(&applying->author) ? wait_for(batch, applying, &key) : STATUS_OK;
}

enum status cover_word_counts(struct batch *batch, const struct applying *applying)
{
    struct hash key = key_of(&applying->author.officer, counts_mark);

    return wait_for(batch, applying, &key);
}

struct authors {
    struct id *ids;
    size_t count, capacity;
};

static enum status note_author(void *context, const struct cover_row *row)
{
    struct authors *authors = context;

    for (size_t i = 0; i < authors->count; i++) {
        if (id_equal(&authors->ids[i], &row->by))
            return STATUS_OK;
    }
    RETURN_IF_BAD(batch_list_room((void **)&authors->ids, &authors->capacity, authors->count, sizeof(authors->ids[0])));
    authors->ids[authors->count++] = row->by;
    return STATUS_OK;
}

/* Whoever was ever named, and isn't taken back, may be at the end of a way that the news makes or breaks. */
static enum status authors_named(struct batch *batch, const struct id *also, struct authors *ret_authors)
{
    struct cover_row row = {.by = *also};

    RETURN_IF_BAD(note_author(ret_authors, &row));
    return batch->store->ops->covers_after(batch->store, INT64_MIN, note_author, ret_authors);
}

/* Everybody's words with this mark. */
static enum status words_again(struct batch *batch, const struct id *by, uint64_t pos, const uint8_t mark[ID_SIZE],
                               waiting_after after)
{
    struct authors authors = {.count = 0};
    enum status status = authors_named(batch, by, &authors);

    for (size_t i = 0; i < authors.count && status == STATUS_OK; i++) {
        struct hash key = key_of(&authors.ids[i], mark);

        status = apply_waiting_again(batch, &key, WORDS_MAX, pos, after);
    }
    free(authors.ids);
    return status;
}

enum status cover_words_again(struct batch *batch, const struct id *by, uint64_t pos)
{
    return words_again(batch, by, pos, waits_mark, NULL);
}

/* Applied again, so that it is held for what it is now; what it did before is undone as a fork's own acts are. */
static enum status take_back(struct batch *batch, const struct applying *applying)
{
    if (applying->held == NULL || strcmp(applying->held, "not_permitted") != 0)
        return STATUS_OK;
    RETURN_IF_BAD(batch->store->ops->contested_put(batch->store, &applying->entry->hash));
    return fork_undo_act(batch, applying->entry);
}

enum status cover_words_review(struct batch *batch, const struct id *by, uint64_t pos)
{
    return words_again(batch, by, pos, counts_mark, take_back);
}
