/*
 * ./run torture: no flag is lost or doubled, however often the server and the supervisor's client are killed (A1, E1).
 *
 * A real server with a real clock; four officers' phones and the supervisor's client with the real device library, the
 * client in a process of its own. Officers record lone visits all the while; every few moments the server or the client
 * gets SIGKILL and is started again. Afterwards, from outside: every visit that a phone made has exactly one "lone
 * confirmed" at the supervisor's client, told once in the journal, and the store is what its journal says.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client-sim/person.h"
#include "client-sim/process.h"
#include "core/wire.h"
#include "doublecrew/v1/journal.pb-c.h"
#include "server/edge/store_sqlite.h"

#define OFFICERS 4
#define OFFENDERS_EACH 5
#define VISITS_MAX 40000
#define TURN_MS 15
#define SETTLE_LIMIT_S 60
#define LONE "lone_confirmed"

/* A visit that a phone recorded, and what is known of its flag. */
struct visit {
    struct dc_hash presence;
    unsigned at_client; /* rows of the kind at the supervisor's client */
    unsigned told;      /* raised in the journal */
    uint32_t times_raised;
};

struct torture {
    char folder[PROCESS_PATH_MAX];
    char force[PROCESS_PATH_MAX + 16];
    struct server_process server;
    pid_t client; /* the supervisor's */
    struct sim_clock clock;
    struct dc_loop *loop;
    struct person officers[OFFICERS];
    struct person supervisor; /* opened here only when the client is down for good */
    struct dc_id offenders[OFFICERS * OFFENDERS_EACH];
    size_t offender_count;
    struct visit *visits;
    size_t visit_count;
    uint64_t chance;
    unsigned server_kills, client_kills;
    unsigned strangers; /* flags of no visit */
};

static int64_t wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t below(struct torture *torture, uint64_t bound)
{
    uint64_t z = (torture->chance += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % bound;
}

static bool fail(const char *what)
{
    fprintf(stderr, "torture: %s\n", what);
    return false;
}

/* The force --------------------------------------------------------------------------------------------------------- */

static bool import(const struct torture *torture, const char *kind, const char *text)
{
    char path[PROCESS_PATH_MAX + 32];
    char out[PROCESS_PATH_MAX + 32];
    const char *plain[] = {"import", kind, path, "--dir", torture->force, NULL};
    const char *with_out[] = {"import", kind, path, "--dir", torture->force, "--out", out, NULL};
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s.csv", torture->folder, kind);
    (void)snprintf(out, sizeof(out), "%s/devices", torture->folder);
    file = fopen(path, "we");
    if (file == NULL || fputs(text, file) == EOF || fclose(file) != 0)
        return false;
    return process_run_ctl(strcmp(kind, "devices") == 0 ? with_out : plain);
}

static bool set_up(struct torture *torture)
{
    char port[16];
    char text[4096] = "reference,register_reference,risk,team,manager\n";
    const char *const init[] = {"init", "--dir", torture->force, "--force", "Tortured force", "--port", port, NULL};

    (void)snprintf(torture->force, sizeof(torture->force), "%s/force", torture->folder);
    (void)snprintf(port, sizeof(port), "%u", process_free_port());
    for (unsigned i = 0; i < OFFICERS * OFFENDERS_EACH; i++) {
        size_t at = strlen(text);

        (void)snprintf(text + at, sizeof(text) - at, "BN/%03u,INVENTED-%u,medium,T1,PC %u\n", i, i,
                       i / OFFENDERS_EACH + 1);
    }
    return process_run_ctl(init) && import(torture, "teams", "code,name\nT1,Invented team\n") &&
           import(torture, "officers",
                  "code,name,role,teams\nDS 1,Invented sergeant,supervisor,T1\n"
                  "PC 1,Invented one,offender_manager,T1\nPC 2,Invented two,offender_manager,T1\n"
                  "PC 3,Invented three,offender_manager,T1\nPC 4,Invented four,offender_manager,T1\n") &&
           import(torture, "offenders", text) &&
           import(torture, "devices", "officer,label\nDS 1,console\nPC 1,phone\nPC 2,phone\nPC 3,phone\nPC 4,phone\n");
}

static void package_of(const struct torture *torture, const char *name, char ret_path[PROCESS_PATH_MAX])
{
    (void)snprintf(ret_path, PROCESS_PATH_MAX, "%.900s/devices/%s-1", torture->folder, name);
}

/* Phones that look at a clock which stands while they work would contradict the server's anchors (T1). */
static struct sim_clock running_clock(void)
{
    int64_t now_ms = wall_ms();

    return (struct sim_clock){.now_ms = now_ms, .runs = true, .ahead_ms = now_ms - real_us() / 1000};
}

/* The supervisor's client ------------------------------------------------------------------------------------------- */

/* What the child does until it is killed: everything is for the library to do. */
static int be_client(const char *package)
{
    struct sim_clock clock = running_clock();
    struct person person = {.dead = false};
    struct dc_loop *loop = NULL;

    if (dc_loop_new(NULL, &loop) != DC_OK || !person_open(&person, loop, &clock, package, 0) ||
        dc_sync_start(person.device) != DC_OK)
        return 1;
    for (;;) {
        if (dc_loop_run(loop, TURN_MS) != DC_OK)
            return 1;
    }
}

static bool start_client(struct torture *torture)
{
    char package[PROCESS_PATH_MAX];

    package_of(torture, "DS-1", package);
    torture->client = fork();
    if (torture->client == 0) {
        (void)execl("/proc/self/exe", "torture_flags", "--client", package, (char *)NULL);
        _exit(1);
    }
    return torture->client > 0;
}

static void kill_client(struct torture *torture)
{
    if (torture->client <= 0)
        return;
    (void)kill(torture->client, SIGKILL);
    (void)waitpid(torture->client, NULL, 0);
    torture->client = 0;
}

/* The officers ------------------------------------------------------------------------------------------------------ */

static bool keep_offender(void *context, const struct dc_offender *offender)
{
    struct torture *torture = context;

    if (torture->offender_count < OFFICERS * OFFENDERS_EACH)
        torture->offenders[torture->offender_count++] = offender->offender;
    return true;
}

static bool serve(struct torture *torture, unsigned for_ms)
{
    int64_t until_ms = wall_ms() + for_ms;

    do {
        if (dc_loop_run(torture->loop, TURN_MS) != DC_OK)
            return fail("the officers' loop failed");
    } while (wall_ms() < until_ms);
    return true;
}

/* Level: all acknowledged, all rows there. */
static bool is_level(const struct person *person)
{
    struct dc_sync_status status;

    dc_sync_status(person->device, &status);
    return status.state == DC_SYNC_ONLINE && status.pending_entries == 0 && status.feed_complete;
}

static bool wait_level(struct torture *torture, const struct person *people, size_t count)
{
    int64_t until_ms = wall_ms() + SETTLE_LIMIT_S * 1000;
    size_t level = 0;

    while (level < count && wall_ms() < until_ms) {
        if (!serve(torture, TURN_MS))
            return false;
        for (level = 0; level < count && is_level(&people[level]);)
            level++;
    }
    return level == count || fail("a device didn't settle");
}

static bool open_officers(struct torture *torture)
{
    torture->clock = running_clock();
    if (dc_loop_new(NULL, &torture->loop) != DC_OK)
        return false;
    for (unsigned i = 0; i < OFFICERS; i++) {
        char package[PROCESS_PATH_MAX];
        char name[16];

        (void)snprintf(name, sizeof(name), "PC-%u", i + 1);
        package_of(torture, name, package);
        if (!person_open(&torture->officers[i], torture->loop, &torture->clock, package, 0) ||
            dc_sync_start(torture->officers[i].device) != DC_OK)
            return fail("a phone can't be opened");
    }
    if (!wait_level(torture, torture->officers, OFFICERS))
        return false;
    return dc_each_offender(torture->officers[0].device, NULL, keep_offender, torture) == DC_OK &&
           torture->offender_count == OFFICERS * OFFENDERS_EACH;
}

static bool visit_alone(struct torture *torture)
{
    size_t who = below(torture, OFFICERS);
    struct dc_check_in visit = {.with = DC_WITH_ALONE};
    struct visit *made = &torture->visits[torture->visit_count];

    if (torture->visit_count == VISITS_MAX)
        return true;
    visit.offender = torture->offenders[who * OFFENDERS_EACH + below(torture, OFFENDERS_EACH)];
    if (dc_check_in(torture->officers[who].device, &visit, &made->presence) != DC_OK ||
        dc_check_out(torture->officers[who].device, &made->presence, NULL, NULL) != DC_OK)
        return fail("a visit could not be recorded");
    torture->visit_count++;
    return true;
}

static bool kill_one(struct torture *torture)
{
    if (below(torture, 2) == 0) {
        server_kill(&torture->server);
        torture->server_kills++;
        return server_start(&torture->server, torture->force);
    }
    kill_client(torture);
    torture->client_kills++;
    return start_client(torture);
}

static bool run(struct torture *torture, unsigned kills)
{
    for (unsigned done = 0; done < kills; done++) {
        for (uint64_t i = 1 + below(torture, 3); i > 0; i--) {
            if (!visit_alone(torture) || !serve(torture, (unsigned)below(torture, 40)))
                return false;
        }
        if (!kill_one(torture))
            return false;
        if (done % 50 == 49)
            fprintf(stderr, "%u kills, %zu lone visits\n", done + 1, torture->visit_count);
    }
    return true;
}

/* Afterwards -------------------------------------------------------------------------------------------------------- */

static struct visit *visit_of(struct torture *torture, const uint8_t *presence)
{
    for (size_t i = 0; i < torture->visit_count; i++) {
        if (memcmp(torture->visits[i].presence.bytes, presence, HASH_SIZE) == 0)
            return &torture->visits[i];
    }
    torture->strangers++;
    return NULL;
}

static bool count_row(void *context, const struct dc_flag *flag)
{
    struct torture *torture = context;
    struct visit *visit = NULL;

    if (strcmp(flag->kind, LONE) == 0)
        visit = visit_of(torture, flag->subject.presence.bytes);
    if (visit != NULL) {
        visit->at_client++;
        visit->times_raised = flag->times_raised;
    }
    return true;
}

/* What the supervisor's client has, once it has caught up with everything. */
static bool count_at_client(struct torture *torture)
{
    char package[PROCESS_PATH_MAX];

    kill_client(torture);
    package_of(torture, "DS-1", package);
    return person_open(&torture->supervisor, torture->loop, &torture->clock, package, 0) &&
           dc_sync_start(torture->supervisor.device) == DC_OK && wait_level(torture, &torture->supervisor, 1) &&
           dc_each_flag(torture->supervisor.device, NULL, count_row, torture) == DC_OK;
}

static enum status count_issued(void *context, const struct journal_row *row)
{
    struct torture *torture = context;
    Doublecrew__V1__Issued *issued;

    if (row->kind != JOURNAL_ISSUED)
        return STATUS_OK;
    issued = doublecrew__v1__issued__unpack(NULL, row->body.size, row->body.data);
    if (issued == NULL)
        return STATUS_MALFORMED;
    for (size_t i = 0; i < issued->n_items; i++) {
        const Doublecrew__V1__IssuedItem *item = issued->items[i];
        struct visit *visit = NULL;

        if (item->item_case == DOUBLECREW__V1__ISSUED_ITEM__ITEM_FLAG && strcmp(item->flag->kind, LONE) == 0 &&
            item->flag->state == DOUBLECREW__V1__FLAG_STATE__FLAG_STATE_RAISED)
            visit = visit_of(torture, item->flag->subject.data);
        if (visit != NULL)
            visit->told++;
    }
    doublecrew__v1__issued__free_unpacked(issued, NULL);
    return STATUS_OK;
}

static bool count_in_journal(struct torture *torture)
{
    char path[PROCESS_PATH_MAX + 32];
    struct store *store = NULL;
    enum status status;

    (void)snprintf(path, sizeof(path), "%s/store.db", torture->force);
    status = store_sqlite_open(path, STORE_SQLITE_READER, &store);
    if (status == STATUS_OK)
        status = store->ops->journal_from(store, 1, count_issued, torture);
    if (store != NULL)
        store->ops->close(store);
    return status == STATUS_OK || fail(status_what(status));
}

static bool is_rebuilt_the_same(const struct torture *torture)
{
    const char *const rebuild[] = {"rebuild", "--check", "--dir", torture->force, NULL};
    char *said = process_read_ctl(rebuild);
    bool same = said != NULL && strstr(said, "byte-identical") != NULL;

    free(said);
    return same || fail("the store isn't what its journal says");
}

static bool report(const struct torture *torture)
{
    unsigned lost = 0, doubled = 0;

    for (size_t i = 0; i < torture->visit_count; i++) {
        const struct visit *visit = &torture->visits[i];

        lost += visit->at_client == 0 || visit->told == 0;
        doubled += visit->at_client > 1 || visit->told > 1 || visit->times_raised > 1;
    }
    printf("killed with SIGKILL: server %u times, supervisor's client %u times\n", torture->server_kills,
           torture->client_kills);
    printf("lone visits: %zu, flags lost: %u, doubled: %u, of no visit: %u\n", torture->visit_count, lost, doubled,
           torture->strangers);
    return torture->visit_count > 0 && lost == 0 && doubled == 0 && torture->strangers == 0;
}

static bool torment(struct torture *torture, unsigned kills)
{
    if (!set_up(torture) || !server_start(&torture->server, torture->force) || !open_officers(torture) ||
        !start_client(torture))
        return fail("the force could not be set up");
    return run(torture, kills) && wait_level(torture, torture->officers, OFFICERS) && count_at_client(torture) &&
           count_in_journal(torture) && is_rebuilt_the_same(torture) && report(torture);
}

static bool read_number(const char *text, unsigned long *ret_number)
{
    char *end = NULL;

    *ret_number = strtoul(text, &end, 10);
    return end != text && *end == '\0' && *ret_number > 0;
}

int main(int argc, char **argv)
{
    static struct torture torture;
    unsigned long kills = 100, seed = 1;
    bool good = false;

    if (argc == 3 && strcmp(argv[1], "--client") == 0)
        return be_client(argv[2]);
    for (int i = 1; i < argc; i += 2) {
        bool is_kills = strcmp(argv[i], "--kills") == 0;

        if ((!is_kills && strcmp(argv[i], "--seed") != 0) || i + 1 == argc ||
            !read_number(argv[i + 1], is_kills ? &kills : &seed)) {
            fprintf(stderr, "Usage: torture [--kills N (100)] [--seed N (1)]\n");
            return 2;
        }
    }
    torture.chance = seed;
    torture.visits = calloc(VISITS_MAX + 1, sizeof(*torture.visits));
    if (torture.visits != NULL && process_scratch(torture.folder, "torture")) {
        good = torment(&torture, (unsigned)kills);
        kill_client(&torture);
        for (size_t i = 0; i < OFFICERS; i++)
            person_close(&torture.officers[i]);
        person_close(&torture.supervisor);
        dc_loop_free(torture.loop);
        server_kill(&torture.server);
        if (good)
            process_remove_tree(torture.folder);
        else
            fprintf(stderr, "torture: seed %lu; kept: %s\n", seed, torture.folder);
    }
    free(torture.visits);
    return good ? 0 : 1;
}
