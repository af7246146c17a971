/*
 * The canonical dump: integers in decimal, everything else in hex (a REAL as its IEEE bits), NULL as "-". Depends on the
 * rows alone: tables in a fixed order, rows in key order, columns as the row's description has them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/edge/store_sqlite_cache.h"
#include "server/edge/store_sqlite_internal.h"

/* All but the journal, from which they follow, and the contacts, which don't follow from it. */
static const struct sq_table *const derived[] = {
    &sq_head,           &sq_tiles,        &sq_devices,       &sq_officers,     &sq_standings,     &sq_officer_versions,
    &sq_offender_teams, &sq_holders,      &sq_offenders,     &sq_risks,        &sq_policies,      &sq_anchors,
    &sq_boot_anchors,   &sq_clock_points, &sq_carried_times, &sq_anchor_voids, &sq_boots,         &sq_presences,
    &sq_outcomes,       &sq_namings,      &sq_plans,         &sq_contested,    &sq_carried,       &sq_authorities,
    &sq_decisions,      &sq_edits,        &sq_visit_texts,   &sq_flags,        &sq_timers,        &sq_views,
    &sq_feeds,          &sq_members,      &sq_held,          &sq_digests,      &sq_digest_scopes, &sq_waiting,
    &sq_proposals,      &sq_covers,
};

struct line {
    char *text;
    size_t size;
    size_t capacity;
};

static enum status reserve(struct line *line, size_t more)
{
    if (line->size + more <= line->capacity)
        return STATUS_OK;
    size_t capacity = 2 * (line->size + more);
    char *text = realloc(line->text, capacity);
    if (!text)
        return STATUS_NO_MEMORY;
    line->text = text;
    line->capacity = capacity;
    return STATUS_OK;
}

static enum status add_text(struct line *line, const char *text)
{
    size_t size = strlen(text);
    enum status status = reserve(line, size + 1);

    if (status != STATUS_OK)
        return status;
    memcpy(line->text + line->size, text, size);
    line->size += size;
    return STATUS_OK;
}

static enum status add_hex(struct line *line, struct span bytes)
{
    enum status status = reserve(line, 2 * bytes.size + 1);

    if (status != STATUS_OK)
        return status;
    hex_encode(bytes, line->text + line->size);
    line->size += 2 * bytes.size;
    return STATUS_OK;
}

static enum status add_real(struct line *line, double value)
{
    uint8_t bytes[8];
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    put_u64(bytes, bits);
    return add_hex(line, span_of(bytes, sizeof(bytes)));
}

static enum status add_value(struct line *line, sqlite3_stmt *stmt, int column)
{
    char number[24];
    const void *data;

    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        (void)snprintf(number, sizeof(number), "%lld", (long long)sqlite3_column_int64(stmt, column));
        return add_text(line, number);
    case SQLITE_FLOAT:
        return add_real(line, sqlite3_column_double(stmt, column));
    case SQLITE_NULL:
        return add_text(line, "-");
    default:
        data = sqlite3_column_blob(stmt, column);
        return add_hex(line, span_of(data, (size_t)sqlite3_column_bytes(stmt, column)));
    }
}

static enum status add_row(struct line *line, const struct sq_table *table, sqlite3_stmt *stmt)
{
    line->size = 0;
    enum status status = add_text(line, table->name);

    for (size_t i = 0; i < table->count && status == STATUS_OK; i++) {
        status = add_text(line, "|");
        if (status == STATUS_OK)
            status = add_value(line, stmt, (int)i);
    }
    return status == STATUS_OK ? add_text(line, "\n") : status;
}

static enum status dump_table(struct store_sqlite *self, const struct sq_table *table, struct line *line,
                              store_dump_sink sink, void *context)
{
    struct sq_statement_spec spec = {.verb = SQ_DUMP, .table = table};
    char sql[SQ_SQL_MAX];
    sqlite3_stmt *stmt = NULL;

    sq_statement_sql(&spec, sql);
    int code = sqlite3_prepare_v2(self->db, sql, -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return sq_failed(self, code);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        status = add_row(line, table, stmt);
        if (status == STATUS_OK)
            status = sink(context, table->name, span_of(line->text, line->size));
    }
    (void)sqlite3_finalize(stmt);
    if (status == STATUS_OK && code != SQLITE_DONE)
        return sq_failed(self, code);
    return status;
}

static enum status dump(struct store *store, store_dump_sink sink, void *context)
{
    struct line line = {0};
    enum status status = sq_cache_write((struct store_sqlite *)store, UINT32_MAX);

    for (size_t i = 0; i < sizeof(derived) / sizeof(derived[0]) && status == STATUS_OK; i++)
        status = dump_table((struct store_sqlite *)store, derived[i], &line, sink, context);
    free(line.text);
    return status;
}

static enum status clear_table(struct store_sqlite *self, const struct sq_table *table)
{
    char sql[SQ_SQL_MAX];

    (void)snprintf(sql, sizeof(sql), "DELETE FROM %s", table->name);
    int code = sqlite3_exec(self->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : sq_failed(self, code);
}

static enum status derived_clear(struct store *store)
{
    struct store_sqlite *self = (struct store_sqlite *)store;
    enum status status = sqlite3_get_autocommit(self->db) ? STATUS_INTERNAL : STATUS_OK;

    if (status == STATUS_OK)
        sq_forget(self);
    for (size_t i = 0; i < sizeof(derived) / sizeof(derived[0]) && status == STATUS_OK; i++) {
        if (derived[i] != &sq_head && derived[i] != &sq_tiles)
            status = clear_table(self, derived[i]);
    }
    return status;
}

void sq_dump_ops(struct store_ops *ops)
{
    ops->derived_clear = derived_clear;
    ops->dump = dump;
}
