#include "server/edge/store_sqlite_answers.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 4096           /* answers kept: a question whose slot another takes is asked again */
#define ANSWER_SIZE_MAX 2048 /* bytes of rows */
#define KEYS 256             /* of each table, told apart by a hash of them */

static const struct sq_table *const tables[] = {
    &sq_holders,        &sq_standings,    &sq_risks,     &sq_plans,        &sq_contested,
    &sq_authorities,    &sq_carried,      &sq_decisions, &sq_covers,       &sq_officer_versions,
    &sq_offender_teams, &sq_members,      &sq_boots,     &sq_boot_anchors, &sq_clock_points,
    &sq_carried_times,  &sq_anchor_voids, &sq_waiting,
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

/* How often a table changed, in all and by key. They only grow, so sums of them are equal only when nothing changed. */
struct changes {
    uint64_t any;
    uint64_t unkeyed; /* by statements that don't say which key */
    uint64_t by_key[KEYS];
};

struct sq_answer {
    enum sq_statement_id id;
    uint64_t version;
    size_t users; /* queries that are telling it */
    size_t question_size;
    uint8_t *question; /* and the rows behind it; NULL: none */
    size_t row_size, row_count;
};

struct sq_answers {
    struct sq_answer slots[SLOTS];
    struct changes changes[TABLES];
    uint64_t drops;
};

enum status sq_answers_new(struct sq_answers **ret_answers)
{
    *ret_answers = calloc(1, sizeof(**ret_answers));
    return *ret_answers != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

void sq_answers_free(struct sq_answers *answers)
{
    if (answers == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        free(answers->slots[i].question);
    free(answers);
}

void sq_answers_drop(struct store_sqlite *self)
{
    if (self->answers != NULL)
        self->answers->drops++;
}

static bool has_spans(const struct sq_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->columns[i].kind == SQ_SPAN)
            return true;
    }
    return false;
}

/* "WHERE <first column> = ?1", or all of a row, whose first column is bound first. */
static bool is_keyed(const struct sq_statement_spec *spec, const struct sq_table *table, const char *sql)
{
    const char *at = strstr(sql, "WHERE ");
    size_t length = strlen(table->columns[0].name);

    if (spec->verb == SQ_INSERT || spec->verb == SQ_UPSERT)
        return true;
    return at != NULL && strncmp(at + 6, table->columns[0].name, length) == 0 &&
           strncmp(at + 6 + length, " = ?1", 5) == 0;
}

static bool is_ours(const char *name, size_t length)
{
    for (size_t i = 0; i < TABLES; i++) {
        if (strlen(tables[i]->name) == length && strncmp(tables[i]->name, name, length) == 0)
            return true;
    }
    return false;
}

/* A statement that looks into any other table would not be seen to change. */
static bool names_only_ours(const char *sql)
{
    for (const char *at = strstr(sql, "FROM "); at != NULL; at = strstr(at, "FROM ")) {
        at += strlen("FROM ");
        if (!is_ours(at, strcspn(at, " )")))
            return false;
    }
    return true;
}

void sq_answers_prepare(const struct sq_statement_spec *spec, const char *sql, struct sq_statement *statement)
{
    for (size_t i = 0; i < TABLES; i++) {
        bool is_own = spec->table == tables[i] || (spec->verb == SQ_PLAIN && statement->answered_tables == 0);

        if (strstr(sql, tables[i]->name) == NULL)
            continue;
        statement->answered_tables |= UINT32_C(1) << i;
        if (is_own) {
            statement->answered_table = (uint8_t)i;
            statement->is_keyed = is_keyed(spec, tables[i], sql);
        }
        if (spec->verb == SQ_SELECT && spec->table == tables[i])
            statement->is_answered = !has_spans(tables[i]) && names_only_ours(sql);
    }
}

/* What is bound first, as the question has it: its kind, its size, its bytes. */
static size_t key_of(const struct sq_query *query)
{
    const struct sq_question *question = &query->question;

    return sq_hash(0, span_of(question->bytes, question->size < 2 ? 0 : 2 + (size_t)question->bytes[1])) % KEYS;
}

static uint64_t version_now(const struct sq_query *query)
{
    const struct sq_answers *answers = query->self->answers;
    const struct sq_statement *statement = query->statement;
    uint64_t version = answers->drops;

    for (size_t i = 0; i < TABLES; i++) {
        const struct changes *changes = &answers->changes[i];

        if ((statement->answered_tables & UINT32_C(1) << i) == 0)
            continue;
        if (statement->is_keyed && i == statement->answered_table)
            version += changes->unkeyed + changes->by_key[key_of(query)];
        else
            version += changes->any;
    }
    return version;
}

static struct sq_answer *slot_of(const struct sq_query *query)
{
    uint64_t hash = sq_hash(query->id, span_of(query->question.bytes, query->question.size));

    return &query->self->answers->slots[hash % SLOTS];
}

bool sq_answers_find(struct sq_query *query)
{
    struct sq_answer *answer = slot_of(query);

    query->version = version_now(query);
    if (answer->question == NULL || answer->id != query->id || answer->version != query->version ||
        !span_equal(span_of(answer->question, answer->question_size),
                    span_of(query->question.bytes, query->question.size)))
        return false;
    answer->users++;
    query->answer = answer;
    return true;
}

bool sq_answers_next(struct sq_query *query, void *row)
{
    const struct sq_answer *answer = query->answer;

    if (query->told == answer->row_count)
        return false;
    memcpy(row, answer->question + answer->question_size + query->told * answer->row_size, answer->row_size);
    query->told++;
    return true;
}

/* Without memory for it, it isn't kept. */
void sq_answers_add(struct sq_query *query, const struct sq_table *table, const void *row)
{
    size_t question_size = query->question.size;

    query->made_too_large = query->made_too_large || (query->made_rows + 1) * table->row_size > ANSWER_SIZE_MAX;
    if (query->made_too_large)
        return;
    if (query->made == NULL)
        query->made = malloc(question_size + ANSWER_SIZE_MAX);
    if (query->made == NULL) {
        query->made_too_large = true;
        return;
    }
    memcpy(query->made + question_size + query->made_rows++ * table->row_size, row, table->row_size);
    query->made_row_size = table->row_size;
}

/* Nothing may have changed what it says while it was told. */
void sq_answers_keep(struct sq_query *query)
{
    struct sq_answer *answer = slot_of(query);
    size_t question_size = query->question.size;
    uint8_t *bytes;

    if (query->made_too_large || answer->users > 0 || version_now(query) != query->version)
        return;
    bytes = realloc(query->made, question_size + query->made_rows * query->made_row_size);
    if (bytes == NULL)
        return;
    query->made = NULL;
    memcpy(bytes, query->question.bytes, question_size);
    free(answer->question);
    *answer = (struct sq_answer){.id = query->id,
                                 .version = query->version,
                                 .question_size = question_size,
                                 .question = bytes,
                                 .row_size = query->made_row_size,
                                 .row_count = query->made_rows};
}

void sq_answers_end(struct sq_query *query)
{
    if (query->answer != NULL)
        query->answer->users--;
    query->answer = NULL;
    free(query->made);
    query->made = NULL;
}

void sq_answers_changed(struct sq_query *query)
{
    struct sq_answers *answers = query->self->answers;
    const struct sq_statement *statement = query->statement;

    for (size_t i = 0; i < TABLES; i++) {
        struct changes *changes = &answers->changes[i];

        if ((statement->answered_tables & UINT32_C(1) << i) == 0)
            continue;
        changes->any++;
        if (statement->is_keyed && i == statement->answered_table)
            changes->by_key[key_of(query)]++;
        else
            changes->unkeyed++;
    }
}
