#include "bench/sqlite_loop.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/machine.h"
#include "server/edge/store_sqlite_internal.h"

#define BLOB_SIZE 200

struct run {
    sqlite3 *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    sqlite3_stmt *operation;
    sqlite3_stmt *upsert;
    int wal_pages;
};

static int after_commit(void *context, sqlite3 *db, const char *name, int pages)
{
    struct run *run = context;

    (void)db;
    (void)name;
    run->wal_pages = pages;
    return SQLITE_OK;
}

static int prepare(struct run *run)
{
    int code =
        sqlite3_exec(run->db,
                     "CREATE TABLE operations (pos INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;"
                     "CREATE TABLE rows (id BLOB PRIMARY KEY NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID;",
                     NULL, NULL, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(run->db, "BEGIN IMMEDIATE", -1, &run->begin, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(run->db, "COMMIT", -1, &run->commit, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(run->db, "INSERT INTO operations (pos, body) VALUES (?1, ?2)", -1, &run->operation,
                                  NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(run->db,
                                  "INSERT INTO rows (id, body) VALUES (?1, ?2)"
                                  " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                                  -1, &run->upsert, NULL);
    (void)sqlite3_wal_hook(run->db, after_commit, run);
    return code;
}

static int step(sqlite3_stmt *stmt)
{
    int code = sqlite3_step(stmt);

    (void)sqlite3_reset(stmt);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Ids as the server's are: without order. Facts 2n and 2n + 1 share one. */
static void id_for(size_t fact, uint8_t ret_id[ID_SIZE])
{
    uint64_t z = (fact / 2 + 1) * UINT64_C(0x9e3779b97f4a7c15); /* splitmix64's mixing */

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    put_u64(ret_id, z ^ (z >> 31));
    put_u64(ret_id + 8, fact / 2);
}

static int put_fact(struct run *run, size_t fact)
{
    uint8_t id[ID_SIZE];
    uint8_t body[BLOB_SIZE];

    id_for(fact, id);
    memset(body, (int)(fact & 0xff), sizeof(body));
    put_u64(body, fact);
    (void)sqlite3_bind_int64(run->operation, 1, (sqlite3_int64)fact + 1);
    (void)sqlite3_bind_blob(run->operation, 2, body, sizeof(body), SQLITE_STATIC);
    (void)sqlite3_bind_blob(run->upsert, 1, id, sizeof(id), SQLITE_STATIC);
    (void)sqlite3_bind_blob(run->upsert, 2, body, sizeof(body), SQLITE_STATIC);
    int code = step(run->operation);
    if (code == SQLITE_OK)
        code = step(run->upsert);
    (void)sqlite3_clear_bindings(run->operation);
    (void)sqlite3_clear_bindings(run->upsert);
    return code;
}

static int put_facts(struct run *run, const struct sqlite_loop *loop)
{
    int code = SQLITE_OK;

    for (size_t fact = 0; fact < loop->facts && code == SQLITE_OK; fact++) {
        if (fact % loop->facts_per_transaction == 0)
            code = step(run->begin);
        if (code == SQLITE_OK)
            code = put_fact(run, fact);
        bool last = (fact + 1) % loop->facts_per_transaction == 0 || fact + 1 == loop->facts;
        if (code == SQLITE_OK && last)
            code = step(run->commit);
        if (code == SQLITE_OK && last && run->wal_pages >= STORE_WAL_SIZE_MAX / SQ_PAGE_SIZE)
            code = sqlite3_wal_checkpoint_v2(run->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    return code;
}

static enum status measure(struct run *run, const char *path, const struct sqlite_loop *loop, double *ret_facts_per_s)
{
    int code = sqlite3_open(path, &run->db);
    enum status status = sq_status(run->db, code);

    if (status == STATUS_OK)
        status = sq_configure(run->db, STORE_SQLITE_WRITER);
    if (status == STATUS_OK)
        status = sq_status(run->db, prepare(run));
    double begin_s = machine_now_s();
    if (status == STATUS_OK)
        status = sq_status(run->db, put_facts(run, loop));
    double took_s = machine_now_s() - begin_s;
    if (status == STATUS_OK)
        *ret_facts_per_s = (double)loop->facts / took_s;
    return status;
}

static void clean_up(struct run *run, const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[PATH_MAX];

    (void)sqlite3_finalize(run->begin);
    (void)sqlite3_finalize(run->commit);
    (void)sqlite3_finalize(run->operation);
    (void)sqlite3_finalize(run->upsert);
    (void)sqlite3_close(run->db);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (snprintf(name, sizeof(name), "%s%s", path, suffixes[i]) < (int)sizeof(name))
            (void)unlink(name);
    }
}

enum status sqlite_loop_run(const struct sqlite_loop *loop, double *ret_facts_per_s)
{
    char path[PATH_MAX - 8];
    struct run run = {0};

    if (loop->facts == 0 || loop->facts_per_transaction == 0 ||
        snprintf(path, sizeof(path), "%s/bare-loop-%ld", loop->folder, (long)getpid()) >= (int)sizeof(path))
        return STATUS_INPUT;
    enum status status = measure(&run, path, loop, ret_facts_per_s);
    clean_up(&run, path);
    return status;
}
