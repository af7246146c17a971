/* A phone's life: opening and closing the app, clocks, signal, power, and the record of what the server acknowledged. */
#include "tests/sim/sim_device.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/device.h"
#include "tests/sim/sim_files.h"
#include "tests/sim/sim_people.h"

#define PEM_SIZE 512
#define OPEN_AGAIN_US (10 * SIM_MINUTE)

struct sim_device {
    struct sim *sim;
    unsigned place; /* among the world's devices */
    unsigned officer;
    char name[48];
    enum sim_device_fate fate;
    struct dc_config config;
    struct hash certificate;
    struct public_key public_key;
    char pem[PEM_SIZE];
    char path[SIM_PATH_MAX];
    struct sim_machine *machine;
    struct sim_machine *backup; /* NULL: none was made */
    uint64_t random;
    struct dc_device *dc;
    struct sim_net_end *end;
    /* clocks */
    struct id boot;
    unsigned boots;
    int64_t booted_us;
    int64_t drift_ppm;
    int64_t wall_offset_us;
    /* signal */
    bool signal;
    int64_t online_until_us;
    int64_t offline_until_us;
    /* record */
    struct hash *hashes;
    size_t count;
    size_t capacity;
    size_t acknowledged;
    struct hash *left_behind;
    size_t left_behind_count;
    struct hash *inherited;
    size_t inherited_count;
    /* rows of flags as they were last told: they don't go back to what they were before */
    struct told_flag *told;
    size_t told_count;
    sim_on_event *listen; /* NULL: nobody */
    void *listen_context;
    bool knows_fork;
    bool succeeded;
    char state[200];
};

struct told_flag {
    struct hash flag;
    uint64_t pos;
    uint64_t generation; /* of the feed; another one begins anew */
};

/* ---- The phone's world, as the library sees it ---- */

static void read_boot(void *context, struct dc_id *ret_boot)
{
    memcpy(ret_boot->bytes, ((struct sim_device *)context)->boot.bytes, ID_SIZE);
}

static uint64_t read_monotonic(void *context)
{
    struct sim_device *device = context;
    int64_t passed_us = sim_clock_us(device->sim) - device->booted_us;

    return (uint64_t)((passed_us + passed_us / 1000000 * device->drift_ppm) / 1000);
}

static int64_t read_wall(void *context)
{
    struct sim_device *device = context;

    return (sim_clock_us(device->sim) + device->wall_offset_us) / 1000;
}

static uint64_t read_timer(void *context)
{
    return (uint64_t)(((struct sim_device *)context)->sim->now_us / 1000);
}

static bool draw(void *context, uint8_t *ret_bytes, size_t size)
{
    struct sim_device *device = context;

    for (size_t i = 0; i < size; i++) {
        device->random ^= device->random << 13;
        device->random ^= device->random >> 7;
        device->random ^= device->random << 17;
        ret_bytes[i] = (uint8_t)(device->random >> 24);
    }
    return true;
}

/* ---- What was told of flags ---- */

static void keep_flag(struct sim_device *device, const struct dc_event *event)
{
    struct told_flag told = {.pos = event->pos, .generation = device->dc->sync.feed.generation};
    size_t i = 0;

    if (event->row == NULL) /* the library gives it with each flag */
        return;
    memcpy(told.flag.bytes, event->row->flag.bytes, HASH_SIZE);
    while (i < device->told_count && !hash_equal(&device->told[i].flag, &told.flag))
        i++;
    if (i == device->told_count) {
        device->told = realloc(device->told, (++device->told_count) * sizeof(*device->told));
        if (device->told == NULL)
            abort();
    } else if (device->told[i].generation == told.generation && device->told[i].pos > told.pos) {
        return; /* told late, and of no weight any more */
    }
    device->told[i] = told;
}

/* A page that was made before a flag, and comes after it, doesn't take back what the flag said (A1, P1). */
static void check_told(struct sim_device *device)
{
    for (size_t i = 0; i < device->told_count && !sim_failed(device->sim); i++) {
        const struct told_flag *told = &device->told[i];
        uint8_t key[1 + HASH_SIZE] = {'f'};
        uint64_t pos, generation;

        memcpy(key + 1, told->flag.bytes, HASH_SIZE);
        if (store_row_place(device->dc->store, span_of(key, sizeof(key)), &pos, &generation) == STATUS_OK &&
            generation == told->generation && pos < told->pos)
            sim_fail(device->sim, "%s: a page took a flag back to what it was at %llu: it had been told as of %llu",
                     device->name, (unsigned long long)pos, (unsigned long long)told->pos);
    }
}

static void on_event(void *context, struct dc_device *dc, const struct dc_event *event)
{
    struct sim_device *device = context;
    struct sim *sim = device->sim;

    (void)dc;
    if (device->listen != NULL)
        device->listen(device->listen_context, event);
    switch (event->type) {
    case DC_EVENT_ACK:
        if (event->seq > device->acknowledged) {
            sim_count(sim, SIM_COUNT_ACKNOWLEDGED, event->seq - device->acknowledged);
            device->acknowledged = event->seq;
        }
        sim_trace(sim, "%s: acknowledged up to %llu (pos %llu)", device->name, (unsigned long long)event->seq,
                  (unsigned long long)event->pos);
        break;
    case DC_EVENT_FLAG:
        sim_count(sim, SIM_COUNT_FLAGS, 1);
        sim_trace(sim, "%s: flag %s", device->name, event->row != NULL ? event->row->kind : "?");
        keep_flag(device, event);
        sim_people_flag(sim, device);
        break;
    case DC_EVENT_PROMPT:
        sim_count(sim, SIM_COUNT_SEALS, 1);
        sim_trace(sim, "%s: asked for a seal", device->name);
        break;
    case DC_EVENT_ERROR:
        sim_trace(sim, "%s: error %s: %s", device->name, dc_status_name(event->status), event->text);
        if (event->status == DC_BUSY)
            sim->result->faults[SIM_FAULT_BUSY]++; /* not drawn: it comes of a storm */
        device->knows_fork = device->knows_fork || event->status == DC_LOG_FORK;
        if (event->status == DC_LOG_FORK)
            sim_count(sim, SIM_COUNT_FORKED, 1);
        break;
    case DC_EVENT_SYNC_STATE:
        sim_trace(sim, "%s: sync state %d (%s)", device->name, (int)event->state, dc_status_name(event->status));
        break;
    case DC_EVENT_HELD:
        sim_trace(sim, "%s: entry %llu held: %s", device->name, (unsigned long long)event->seq, event->text);
        break;
    case DC_EVENT_PAGE:
        sim_trace(sim, "%s: page of %u rows up to %llu%s", device->name, event->count,
                  (unsigned long long)event->cursor, event->complete ? ", complete" : "");
        check_told(device);
        break;
    default:
        break;
    }
}

/* ---- Making one ---- */

static void make_key(struct sim_device *device, const struct id *seed_id)
{
    uint8_t seed[32];
    struct sign_key *key;

    memcpy(seed, seed_id->bytes, ID_SIZE);
    memcpy(seed + ID_SIZE, seed_id->bytes, ID_SIZE);
    if (sign_key_from_seed(seed, &key) != STATUS_OK || sign_key_to_pem(key, device->pem, sizeof(device->pem)) != 0)
        abort();
    sign_key_public(key, &device->public_key);
    sign_key_free(key);
}

static void new_boot(struct sim_device *device)
{
    device->boots++;
    device->boot = sim_id(device->sim, "boot", 1000 * (uint64_t)device->place + device->boots);
    device->booted_us = sim_clock_us(device->sim) - sim_between(device->sim, SIM_CLOCKS, 5, 90) * SIM_SECOND;
}

static void configure(struct sim_device *device, const char *what, unsigned number)
{
    struct sim *sim = device->sim;
    struct dc_config *config = &device->config;
    struct id id = sim_id(sim, what, 10 * (uint64_t)number);
    struct public_key server;

    dc_config_init(config);
    memcpy(config->device.bytes, id.bytes, ID_SIZE);
    memcpy(config->force.bytes, sim->force.bytes, ID_SIZE);
    id = sim_id(sim, what, 10 * (uint64_t)number + 1);
    memcpy(config->log.bytes, id.bytes, ID_SIZE);
    memcpy(config->officer.bytes, sim->officers[device->officer].officer.bytes, ID_SIZE);
    id = sim_id(sim, what, 10 * (uint64_t)number + 2);
    make_key(device, &id);
    memcpy(config->storage_key, id.bytes, ID_SIZE);
    id = sim_id(sim, what, 10 * (uint64_t)number + 3);
    memcpy(device->certificate.bytes, id.bytes, ID_SIZE);
    sign_key_public(sim->server_key, &server);
    memcpy(config->server_key, server.bytes, sizeof(config->server_key));
    config->signing_key_pem = device->pem;
    server =
        sim->device_count > 0 ? sim->devices[0]->public_key : device->public_key; /* the operator's own is its first */
    config->operator_algorithm = (enum dc_algorithm)server.algorithm;
    memcpy(config->operator_key, server.bytes, server.size);
    config->operator_key_size = server.size;
}

static void take_world(struct sim_device *device)
{
    struct dc_config *config = &device->config;

    config->store_path = device->path;
    config->signing_key_pem = device->pem;
    config->clock = (struct dc_clock){.context = device,
                                      .boot_id = read_boot,
                                      .monotonic_ms = read_monotonic,
                                      .wall_ms = read_wall,
                                      .timer_ms = read_timer};
    config->random = draw;
    config->random_context = device;
    config->on_event = on_event;
    config->event_context = device;
    config->guard_never = true; /* a restored phone is to be found at its next sync (F2), not at opening (F3) */
}

static struct sim_device *add(struct sim *sim, struct sim_device *device)
{
    unsigned place = sim->device_count++;

    char name[32];

    device->place = place;
    sim->devices = realloc(sim->devices, sim->device_count * sizeof(struct sim_device *));
    if (sim->devices == NULL)
        abort();
    sim->devices[place] = device;
    (void)snprintf(name, sizeof(name), "phone-%u", place);
    device->machine = sim_files_add(sim, name, false, device->path);
    device->sim = sim;
    device->random = sim_draw(sim, SIM_SETUP) | 1;
    device->drift_ppm = sim_between(sim, SIM_CLOCKS, -190, 190);
    device->signal = true;
    device->end = sim_net_end_new(sim, device);
    device->boots = 0;
    new_boot(device);
    take_world(device);
    return device;
}

struct sim_device *sim_device_new(struct sim *sim, unsigned officer, const char *what, unsigned number)
{
    struct sim_device *device = calloc(1, sizeof(*device));

    if (device == NULL)
        abort();
    device->sim = sim;
    device->officer = officer;
    (void)snprintf(device->name, sizeof(device->name), "%s %u", what, number);
    configure(device, what, number);
    return add(sim, device);
}

static void copy_record(struct sim_device *to, const struct sim_device *from)
{
    to->hashes = malloc((from->capacity + 1) * sizeof(*to->hashes));
    if (to->hashes == NULL)
        abort();
    if (from->count > 0)
        memcpy(to->hashes, from->hashes, from->count * sizeof(*to->hashes));
    to->left_behind = NULL;
    to->left_behind_count = 0;
    to->inherited = NULL;
    to->inherited_count = 0;
    to->told = NULL;
    to->told_count = 0;
}

struct sim_device *sim_device_clone(struct sim *sim, struct sim_device *of)
{
    struct sim_device *device = malloc(sizeof(*device));
    bool running = of->dc != NULL;

    if (device == NULL)
        abort();
    sim_device_close(of);
    *device = *of;
    copy_record(device, of);
    device->dc = NULL;
    device->backup = NULL;
    device->online_until_us = 0;
    (void)snprintf(device->name, sizeof(device->name), "copy of %.38s", of->name);
    add(sim, device);
    sim_files_copy(sim, of->machine, device->machine);
    of->fate = device->fate = SIM_DEVICE_COPY;
    if (running) {
        sim_device_open(of);
        sim_device_open(device);
    }
    return device;
}

void sim_device_free(struct sim_device *device)
{
    sim_device_close(device);
    free(device->end);
    free(device->hashes);
    free(device->left_behind);
    free(device->inherited);
    free(device->told);
    free(device);
}

/* ---- What it is ---- */

const char *sim_device_name(const struct sim_device *device)
{
    return device->name;
}

unsigned sim_device_officer(const struct sim_device *device)
{
    return device->officer;
}

void sim_device_assign(struct sim_device *device, unsigned officer)
{
    bool running = device->dc != NULL;

    sim_device_close(device);
    device->officer = officer;
    memcpy(device->config.officer.bytes, device->sim->officers[officer].officer.bytes, ID_SIZE);
    if (running)
        sim_device_open(device);
}

enum sim_device_fate sim_device_fate(const struct sim_device *device)
{
    return device->fate;
}

void sim_device_set_fate(struct sim_device *device, enum sim_device_fate fate)
{
    device->fate = fate;
}

const struct hash *sim_device_certificate(const struct sim_device *device)
{
    return &device->certificate;
}

const struct id *sim_device_id(const struct sim_device *device)
{
    return (const struct id *)(const void *)device->config.device.bytes;
}

const struct id *sim_device_log(const struct sim_device *device)
{
    return (const struct id *)(const void *)device->config.log.bytes;
}

void sim_device_public_key(const struct sim_device *device, struct public_key *ret_key)
{
    *ret_key = device->public_key;
}

struct sign_key *sim_device_sign_key(const struct sim_device *device)
{
    struct sign_key *key;

    if (sign_key_from_pem(span_of(device->pem, strlen(device->pem)), &key) != STATUS_OK)
        abort();
    return key;
}

struct sim_machine *sim_device_machine(const struct sim_device *device)
{
    return device->machine;
}

/* ---- The record ---- */

void sim_device_on_stage(struct sim_device *device, sim_on_event *listen, void *context)
{
    bool running = device->dc != NULL;

    sim_device_close(device);
    device->listen = listen;
    device->listen_context = context;
    device->drift_ppm = 0;
    device->config.seal_delay_ms = 0; /* as client-sim/person.c has it */
    if (running)
        sim_device_open(device);
}

void sim_device_lose_next_answer(struct sim_device *device)
{
    sim_net_lose_next_answer(device->end);
}

struct dc_device *sim_device_use(struct sim_device *device)
{
    return device->dc;
}

static void keep_hash(struct sim_device *device, uint64_t seq)
{
    struct hash hash;

    if (device->count + 1 > device->capacity) {
        device->capacity = device->capacity == 0 ? 64 : 2 * device->capacity;
        device->hashes = realloc(device->hashes, device->capacity * sizeof(*device->hashes));
        if (device->hashes == NULL)
            abort();
    }
    if (store_entry_hash(device->dc->store, seq, &hash) != STATUS_OK) {
        sim_fail(device->sim, "%s: its entry %llu can't be read back", device->name, (unsigned long long)seq);
        return;
    }
    device->hashes[device->count++] = hash;
    sim_count(device->sim, SIM_COUNT_FACTS, 1);
}

void sim_device_note(struct sim_device *device)
{
    if (device->dc == NULL)
        return;
    while (device->count < device->dc->head.seq && !sim_failed(device->sim))
        keep_hash(device, device->count + 1);
    if (device->acknowledged > device->count)
        sim_fail(device->sim, "%s: the server acknowledged entry %zu, but the log ends at %zu", device->name,
                 device->acknowledged, device->count);
}

size_t sim_device_entries(const struct sim_device *device, const struct hash **ret_hashes, size_t *ret_acknowledged)
{
    *ret_hashes = device->hashes;
    *ret_acknowledged = device->acknowledged;
    return device->count;
}

size_t sim_device_left_behind(const struct sim_device *device, const struct hash **ret_hashes)
{
    *ret_hashes = device->left_behind;
    return device->left_behind_count;
}

/* ---- App and phone ---- */

/* What was confirmed to the app is still there, and is the same. */
static void check_store(struct sim_device *device)
{
    struct hash hash;

    if (device->dc->head.seq < device->count)
        sim_fail(device->sim, "%s: opened again, its log ends at %llu, but entry %zu had been confirmed", device->name,
                 (unsigned long long)device->dc->head.seq, device->count);
    else if (device->count > 0 && (store_entry_hash(device->dc->store, device->count, &hash) != STATUS_OK ||
                                   !hash_equal(&hash, &device->hashes[device->count - 1])))
        sim_fail(device->sim, "%s: opened again, its entry %zu is another", device->name, device->count);
}

static void open_again(struct sim *sim, void *context, uint64_t number)
{
    struct sim_device *device = context;

    (void)number;
    if (device->dc != NULL || device->fate == SIM_DEVICE_LOST || device->fate == SIM_DEVICE_RETIRED)
        return;
    sim_device_open(device);
    if (!sim_failed(sim) && device->dc != NULL && sim_device_wants_online(device))
        sim_device_go_online(device, sim->now_us + SIM_MINUTE);
}

void sim_device_open_at(struct sim_device *device, int64_t at_us)
{
    sim_at(device->sim, at_us, open_again, device, 0);
}

void sim_device_open(struct sim_device *device)
{
    bool failed_before = sim_machine_fired(device->machine);
    enum dc_status status;

    if (device->dc != NULL)
        return;
    status = dc_device_open(NULL, &device->config, &device->dc);
    if (status != DC_OK)
        device->dc = NULL;
    /* The disk failed while the app opened, or is full: the officer tries again, and then it must open (E1). */
    if ((status == DC_IO && !failed_before && sim_machine_fired(device->machine)) ||
        (status == DC_DISK_FULL && sim_machine_fired(device->machine))) {
        sim_trace(device->sim, "%s: its store doesn't open for now: %s", device->name, dc_status_name(status));
        sim_device_open_at(device, device->sim->now_us + OPEN_AGAIN_US);
        return;
    }
    if (status != DC_OK) {
        sim_fail(device->sim, "%s: its store doesn't open: %s", device->name, dc_status_name(status));
        return;
    }
    device_attach(device->dc, sim_net_ops(), device->end);
    check_store(device);
    sim_device_note(device);
}

void sim_device_close(struct sim_device *device)
{
    dc_device_close(device->dc);
    device->dc = NULL;
}

void sim_device_crash(struct sim_device *device, enum sim_fault fault)
{
    if (device->dc == NULL)
        return;
    sim_net_drop(device->sim, device->end);
    sim_machine_cut(device->machine);
    sim_device_close(device);
    sim_files_power_on(device->sim, device->machine, fault == SIM_FAULT_POWER_LOSS || fault == SIM_FAULT_LOST, fault);
}

void sim_device_reboot(struct sim_device *device)
{
    new_boot(device);
}

void sim_device_jump_wall(struct sim_device *device, int64_t by_us)
{
    device->wall_offset_us += by_us;
}

void sim_device_skew_wall(struct sim_device *device, int64_t offset_us)
{
    device->wall_offset_us = offset_us;
}

void sim_device_back_up(struct sim_device *device)
{
    bool running = device->dc != NULL;
    char name[32];
    char path[SIM_PATH_MAX];

    sim_device_close(device);
    (void)snprintf(name, sizeof(name), "backup-%u", device->place);
    if (device->backup == NULL)
        device->backup = sim_files_add(device->sim, name, false, path);
    sim_files_copy(device->sim, device->machine, device->backup);
    if (running)
        sim_device_open(device);
}

/* Acknowledged entries that the old copy doesn't have must still be on the server. */
static void leave_behind(struct sim_device *device, size_t from, size_t acknowledged)
{
    size_t more = acknowledged > from ? acknowledged - from : 0;

    device->left_behind =
        realloc(device->left_behind, (device->left_behind_count + more + 1) * sizeof(*device->left_behind));
    if (device->left_behind == NULL)
        abort();
    if (more > 0)
        memcpy(device->left_behind + device->left_behind_count, device->hashes + from, more * sizeof(*device->hashes));
    device->left_behind_count += more;
}

bool sim_device_restore(struct sim_device *device)
{
    struct sim *sim = device->sim;
    size_t acknowledged = device->acknowledged;

    if (device->backup == NULL)
        return false;
    sim_net_drop(sim, device->end);
    sim_device_close(device);
    sim_files_copy(sim, device->backup, device->machine);
    sim_machine_limit(device->machine, 0); /* onto another phone, whose disk works */
    sim_machine_plan(device->machine, NULL);
    device->count = device->acknowledged = 0; /* the record follows what is there */
    device->told_count = 0;
    sim_device_open(device);
    sim->result->counts[SIM_COUNT_FACTS] -= device->count; /* counted before */
    leave_behind(device, device->count, acknowledged);
    device->acknowledged = acknowledged < device->count ? acknowledged : device->count;
    return true;
}

/* ---- Signal ---- */

bool sim_device_has_signal(const struct sim_device *device)
{
    return device->signal;
}

void sim_device_set_signal(struct sim_device *device, bool signal)
{
    device->signal = signal;
}

bool sim_device_wants_online(const struct sim_device *device)
{
    return device->online_until_us > device->sim->now_us;
}

static void end_session(struct sim *sim, void *context, uint64_t number)
{
    struct sim_device *device = context;

    (void)number;
    if (device->dc == NULL || device->online_until_us > sim->now_us)
        return;
    dc_sync_stop(device->dc);
    sim_device_note(device);
}

static void begin_session(struct sim *sim, void *context, uint64_t number)
{
    struct sim_device *device = context;

    (void)number;
    if (device->dc == NULL || device->online_until_us <= sim->now_us || device->offline_until_us > sim->now_us)
        return;
    if (dc_sync_now(device->dc) != DC_OK)
        sim_fail(sim, "%s: can't start its sync", device->name);
    sim_device_note(device);
}

void sim_device_go_online(struct sim_device *device, int64_t until_us)
{
    struct sim *sim = device->sim;
    int64_t from_us = device->offline_until_us > sim->now_us ? device->offline_until_us : sim->now_us;

    if (until_us < from_us)
        until_us = from_us + (until_us - sim->now_us);
    if (until_us > device->online_until_us) {
        device->online_until_us = until_us;
        sim_at(sim, until_us, end_session, device, 0);
    }
    sim_at(sim, from_us, begin_session, device, 0);
}

void sim_device_stay_offline(struct sim_device *device, int64_t until_us)
{
    if (until_us > device->offline_until_us)
        device->offline_until_us = until_us;
    if (device->dc != NULL && device->offline_until_us > device->sim->now_us) {
        dc_sync_stop(device->dc);
        sim_device_note(device);
    }
}

void sim_device_forget_plans(struct sim_device *device)
{
    device->offline_until_us = 0;
}

bool sim_device_is_settled(struct sim_device *device)
{
    struct dc_sync_status status;

    if (device->dc == NULL)
        return false;
    dc_sync_status(device->dc, &status);
    return status.state == DC_SYNC_ONLINE && status.pending_entries == 0 &&
           (status.feed_complete || device->config.page_credit == 0);
}

bool sim_device_knows_fork(const struct sim_device *device)
{
    return device->knows_fork;
}

static void on_succeeded(void *context, enum dc_status status, uint64_t carried_entries)
{
    struct sim_device *device = context;

    sim_trace(device->sim, "%s: has succeeded the old log: %s, %llu entries carried", device->name,
              dc_status_name(status), (unsigned long long)carried_entries);
    device->succeeded = status == DC_OK;
}

/* What the old copy held must be in the journal at the end: in its own log, or carried by this one. */
static void inherit(struct sim_device *device, const struct sim_device *old)
{
    device->inherited = malloc((old->count + 1) * sizeof(*old->hashes));
    if (device->inherited == NULL)
        abort();
    if (old->count > 0)
        memcpy(device->inherited, old->hashes, old->count * sizeof(*old->hashes));
    device->inherited_count = old->count;
}

size_t sim_device_inherited(const struct sim_device *device, const struct hash **ret_hashes)
{
    *ret_hashes = device->inherited;
    return device->inherited_count;
}

bool sim_device_succeed(struct sim_device *device, struct sim_device *old)
{
    enum dc_status status;

    if (device->dc == NULL || old->dc == NULL)
        return false;
    device->succeeded = false;
    status = dc_succeed(device->dc, old->dc, on_succeeded, device);
    sim_device_note(device);
    sim_device_note(old);
    if (status != DC_OK && status != DC_IO && status != DC_DISK_FULL)
        sim_fail(device->sim, "%s: can't succeed %s: %s", device->name, old->name, dc_status_name(status));
    if (!device->succeeded)
        return false;
    sim_device_close(old);
    if (device->inherited == NULL)
        inherit(device, old);
    return true;
}

uint64_t sim_device_cursor(struct sim_device *device)
{
    struct dc_sync_status status;

    if (device->dc == NULL)
        return 0;
    dc_sync_status(device->dc, &status);
    return status.feed_cursor;
}

const char *sim_device_state(struct sim_device *device)
{
    struct dc_sync_status status;

    if (device->dc == NULL)
        return "the app isn't running";
    dc_sync_status(device->dc, &status);
    (void)snprintf(device->state, sizeof(device->state),
                   "state %d, %s: %llu of %llu acknowledged, cursor %llu%s, %u failures", (int)status.state,
                   dc_status_name(status.reason), (unsigned long long)status.durable_seq,
                   (unsigned long long)status.head_seq, (unsigned long long)status.feed_cursor,
                   status.feed_complete ? " complete" : "", status.failures);
    return device->state;
}

/* ---- The network's calls ---- */

void sim_device_connected(struct sim_device *device)
{
    if (device->dc == NULL)
        return;
    device_connected(device->dc);
    sim_device_note(device);
}

void sim_device_disconnected(struct sim_device *device, enum status status)
{
    if (device->dc == NULL)
        return;
    device_disconnected(device->dc, status);
    sim_device_note(device);
}

void sim_device_received(struct sim_device *device, struct span bytes)
{
    if (device->dc == NULL)
        return;
    device_received(device->dc, bytes);
    sim_device_note(device);
}

void sim_device_timer(struct sim_device *device)
{
    if (device->dc == NULL)
        return;
    device_timer(device->dc);
    sim_device_note(device);
}

/* ---- Rows ---- */

struct row_walk {
    sim_on_row on_row;
    void *context;
};

static bool hand_on(void *context, const struct store_row *row)
{
    struct row_walk *walk = context;

    walk->on_row(walk->context, row->key, row->pos, row->bytes);
    return true;
}

unsigned sim_device_repairs(struct sim_device *device)
{
    struct dc_device *app = sim_device_use(device);

    return app == NULL ? 0 : app->sync.feed.repairs;
}

void sim_device_rows(struct sim_device *device, sim_on_row on_row, void *context)
{
    struct row_walk walk = {on_row, context};

    if (device->dc != NULL && store_each_row(device->dc->store, span_of("", 0), hand_on, &walk) != STATUS_OK)
        sim_fail(device->sim, "%s: its rows can't be read", device->name);
}
