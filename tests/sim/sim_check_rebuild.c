/* Everything derived follows from the journal: a second store made from it is the same, byte by byte (J1, J7). */
#include <stdlib.h>
#include <string.h>

#include "server/edge/store_sqlite.h"
#include "server/logic/batch.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_files.h"

struct text {
    char *bytes;
    size_t size;
    size_t capacity;
};

static enum status append_line(void *context, const char *table, struct span line)
{
    struct text *text = context;

    (void)table;
    if (text->size + line.size + 1 > text->capacity) {
        text->capacity = 2 * (text->size + line.size + 1);
        text->bytes = realloc(text->bytes, text->capacity);
        if (text->bytes == NULL)
            abort();
    }
    memcpy(text->bytes + text->size, line.data, line.size);
    text->size += line.size;
    text->bytes[text->size] = '\0';
    return STATUS_OK;
}

static void line_at(const char *text, size_t at, char ret_line[400])
{
    size_t from = at;
    size_t size;

    while (from > 0 && text[from - 1] != '\n')
        from--;
    size = strcspn(text + from, "\n");
    (void)snprintf(ret_line, 400, "%.*s", size < 399 ? (int)size : 399, text + from);
}

static void compare(struct sim *sim, const struct text *is, const struct text *was)
{
    size_t at = 0;
    char a[400];
    char b[400];

    if (is->size == was->size && (is->size == 0 || memcmp(is->bytes, was->bytes, is->size) == 0))
        return;
    while (at < is->size && at < was->size && is->bytes[at] == was->bytes[at])
        at++;
    line_at(is->bytes, at, a);
    line_at(was->bytes, at, b);
    sim_fail(sim, "rebuild: the store made from the journal differs.\n  it is:      %s\n  rebuilt it is: %s", a, b);
}

static void rebuild_and_compare(struct sim *sim, struct store *store, struct store *fresh)
{
    struct rebuild_report report = {0};
    struct text is = {0};
    struct text rebuilt = {0};
    enum status status = rebuild_replay(store, fresh, &report);

    if (status == STATUS_OK)
        status = store_dump(store, append_line, &is);
    if (status == STATUS_OK)
        status = store_dump(fresh, append_line, &rebuilt);
    if (status != STATUS_OK)
        sim_fail(sim, "rebuild: %s", status_name(status));
    else if (report.issued_differences > 0)
        sim_fail(sim, "rebuild: %llu things would be told otherwise", (unsigned long long)report.issued_differences);
    else
        compare(sim, &is, &rebuilt);
    free(is.bytes);
    free(rebuilt.bytes);
}

void sim_check_rebuild(struct sim *sim)
{
    struct store *store = sim_server_store(sim);
    struct store *fresh = NULL;
    struct sim_machine *machine;
    char path[SIM_PATH_MAX];
    enum status status;

    if (store == NULL)
        return;
    machine = sim_files_add(sim, "rebuilt", true, path);
    status = store_sqlite_create(path, false);
    if (status == STATUS_OK)
        status = store_sqlite_open(path, STORE_SQLITE_WRITER, &fresh);
    if (status != STATUS_OK) {
        sim_fail(sim, "rebuild: no fresh store: %s", status_name(status));
        return;
    }
    rebuild_and_compare(sim, store, fresh);
    fresh->ops->close(fresh);
    sim_files_clear(sim, machine);
    sim_files_forget_folder(sim, "rebuilt");
    sim_count(sim, SIM_COUNT_REBUILDS, 1);
}
