/*
 * doublecrew-sim device --dir FORCE --as "PC 1001": one simulated phone, by hand. What the person does is written as in a
 * scenario (docs/SCENARIOS.md), without the name: "checks in at TRAIN 0001 with PC 2001".
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client-sim/command.h"
#include "client-sim/play.h"
#include "client-sim/scenario_reader.h"
#include "client-sim/setup.h"
#include "client-sim/timeline.h"
#include "core/rescue_file.h"

#define SERVE_MS 50
#define FIRST_SYNC_MS 15000

struct hand {
    struct scenario *scenario;
    struct play *play;
    struct person *self;
    size_t self_index;
    int64_t ahead_ms; /* the server's clock against this machine's */
};

static int64_t real_ms(void)
{
    return real_us() / 1000;
}

/* The phone's clock runs as real time does, from where the server's stands: a training server's has rate 1 for this. */
static bool serve(struct hand *hand, unsigned timeout_ms)
{
    hand->play->stage.clock.now_ms = real_ms() + hand->ahead_ms;
    return stage_serve(&hand->play->stage, timeout_ms);
}

static bool keep_officer(void *context, const struct dc_officer *officer)
{
    struct hand *hand = context;
    struct scenario *scenario = hand->scenario;

    if (ids_equal(&officer->officer, &hand->self->package.officer) || scenario->person_count == SCENARIO_PEOPLE_MAX)
        return true;

    size_t index = scenario->person_count++;

    snprintf(scenario->people[index].name, SCENARIO_NAME_MAX, "%s", officer->code);
    hand->play->people[index].package.officer = officer->officer;
    return true;
}

static bool keep_offender(void *context, const struct dc_offender *offender)
{
    struct hand *hand = context;
    struct scenario *scenario = hand->scenario;

    if (scenario->offender_count == SCENARIO_OFFENDERS_MAX)
        return true;

    size_t index = scenario->offender_count++;

    snprintf(scenario->offenders[index].name, SCENARIO_NAME_MAX, "%s", offender->reference);
    hand->play->offender_ids[index] = offender->offender;
    hand->play->offender_places[index] = offender->place;
    return true;
}

static bool learn_names(struct hand *hand)
{
    hand->scenario->person_count = 1;
    hand->scenario->offender_count = 0;
    snprintf(hand->scenario->people[0].name, SCENARIO_NAME_MAX, "%.*s", SCENARIO_NAME_MAX - 1,
             hand->self->package.officer_code);
    return dc_each_officer(hand->self->device, NULL, keep_officer, hand) == DC_OK &&
           dc_each_offender(hand->self->device, NULL, keep_offender, hand) == DC_OK;
}

static const char *offender_name(const struct hand *hand, const struct dc_id *offender)
{
    for (size_t i = 0; i < hand->scenario->offender_count; i++) {
        if (ids_equal(&hand->play->offender_ids[i], offender))
            return hand->scenario->offenders[i].name;
    }
    return "an offender that isn't on this phone";
}

static const char *officer_name(const struct hand *hand, const struct dc_id *officer)
{
    for (size_t i = 0; i < hand->scenario->person_count; i++) {
        if (ids_equal(&hand->play->people[i].package.officer, officer))
            return hand->scenario->people[i].name;
    }
    return "somebody";
}

static bool show_presence(void *context, const struct dc_presence *row)
{
    const struct hand *hand = context;
    struct dc_verdict preview;
    const struct dc_verdict *verdict = &row->verdict;

    printf("  %s at %s%s: %s%s\n", officer_name(hand, &row->officer), offender_name(hand, &row->offender),
           row->pending ? " (not synced)" : "", verdict->preview ? "preview: " : "", verdict->why);
    if (row->own && row->pending && dc_preview(hand->self->device, &row->presence, &preview) == DC_OK &&
        preview.awaits[0] != '\0')
        printf("    awaits: %s\n", preview.awaits);
    return true;
}

static bool show_flag(void *context, const struct dc_flag *flag)
{
    const struct hand *hand = context;
    static const char *const states[] = {"", "raised", "acknowledged", "cleared by evidence", "decided"};

    printf("  %s (%s): %s at %s: %s\n", flag->kind, (size_t)flag->state < 5 ? states[flag->state] : "unknown",
           officer_name(hand, &flag->officer), offender_name(hand, &flag->offender), flag->why);
    return true;
}

static void show_status(const struct hand *hand)
{
    struct dc_sync_status status;
    static const char *const states[] = {"offline", "connecting", "greeting the server", "online",
                                         "waiting to try again"};
    char clock[32];

    dc_sync_status(hand->self->device, &status);
    timeline_clock_text(hand->play->stage.clock.now_ms, clock, sizeof(clock));
    printf("  %s, %s; unsynced: %llu; entries in all: %llu%s%s\n", clock, states[status.state],
           (unsigned long long)status.pending_entries, (unsigned long long)status.head_seq,
           status.reason != DC_OK ? "; " : "", status.reason != DC_OK ? status.reason_text : "");
    if (status.pending_entries > 0)
        printf("  %s\n", status.pending_text);
    if (status.records == DC_RECORDS_OLD || status.records == DC_RECORDS_SEALED)
        printf("  the server's records here are %llu h old%s\n", (unsigned long long)(status.records_age_ms / 3600000),
               status.records == DC_RECORDS_SEALED ? ", and sealed until the next sync" : "");
}

static void show_help(void)
{
    puts("  checks in at TRAIN 0001 with PC 2001   (or: alone; or nothing)\n"
         "  checks out          records seen          notes \"TEXT\"\n"
         "  goes offline        goes online           syncs\n"
         "  verdicts            flags                 offenders         status        quit\n"
         "  rescue FILE         (writes what isn't synced, for 'doublecrewctl rescue')\n"
         "  docs/SCENARIOS.md lists everything else that people can do.");
}

static bool read_statement(struct hand *hand, const char *line, struct scenario_step *step)
{
    char text[600];
    struct reader reader = {.scenario = hand->scenario, .at = text, .day_ms = 1};

    snprintf(text, sizeof(text), "%s %s", hand->self->package.officer_code, line);
    step->offender = SCENARIO_NONE;
    if (reader_act(&reader, step) && reader_at_end(&reader))
        return true;
    printf("  not understood: %s\n  'help' shows what you can say.\n", reader.failed ? reader.fault : reader.at);
    return false;
}

/* Serves until nothing of this phone's is pending, or a moment has passed. */
static void wait_synced(struct hand *hand)
{
    int64_t until_ms = real_ms() + 3000;
    struct dc_sync_status status;

    do {
        if (!serve(hand, SERVE_MS))
            return;
        dc_sync_status(hand->self->device, &status);
    } while (hand->self->wants_online && real_ms() < until_ms &&
             (status.state != DC_SYNC_ONLINE || status.pending_entries > 0 || !status.feed_complete));
}

static void act(struct hand *hand, const char *line)
{
    struct scenario_step step = {.time_ms = hand->play->stage.clock.now_ms};

    if (!read_statement(hand, line, &step))
        return;
    if (step.act == ACT_SYNC) {
        bool before = hand->self->wants_online;
        if (stage_online(hand->self, true))
            wait_synced(hand);
        if (!before && stage_online(hand->self, false))
            show_status(hand);
        return;
    }
    if (!play_act(hand->play, &step))
        printf("  %s\n", hand->play->fault);
    wait_synced(hand);
    show_status(hand);
}

static void list_offenders(const struct hand *hand)
{
    for (size_t i = 0; i < hand->scenario->offender_count; i++)
        printf("  %s%s", hand->scenario->offenders[i].name, i % 8 == 7 ? "\n" : "");
    puts("");
}

struct rescue {
    FILE *file;
    unsigned pushes;
    bool done;
    bool good;
};

static bool keep_push(void *context, enum dc_status status, const uint8_t *push, size_t size)
{
    struct rescue *rescue = context;
    uint8_t frame[RESCUE_FRAME_SIZE];

    rescue_file_frame((uint32_t)size, frame);
    rescue->done = push == NULL;
    rescue->good = rescue->good && status == DC_OK && fwrite(frame, sizeof(frame), 1, rescue->file) == 1 &&
                   (size == 0 || fwrite(push, size, 1, rescue->file) == 1);
    rescue->pushes += push != NULL;
    return true;
}

/* The phone's radio is broken: its evidence leaves by hand. */
static void write_rescue(struct hand *hand, const char *path)
{
    struct rescue rescue = {.file = fopen(path, "wxe"), .good = true};
    uint8_t head[RESCUE_HEAD_SIZE];

    if (rescue.file == NULL) {
        printf("  %s can't be made, or is there already\n", path);
        return;
    }
    rescue_file_head(head);
    rescue.good = fwrite(head, sizeof(head), 1, rescue.file) == 1 &&
                  dc_export_pending(hand->self->device, keep_push, &rescue) == DC_OK;
    while (rescue.good && !rescue.done && serve(hand, SERVE_MS))
        ;
    rescue.good = fclose(rescue.file) == 0 && rescue.good && rescue.done;
    printf("  %u pushes %s %s\n", rescue.pushes, rescue.good ? "written to" : "only could be written to", path);
}

/* False: the phone is put down. */
static bool obey(struct hand *hand, char *line)
{
    enum dc_status status = DC_OK;

    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0')
        return true;
    if (strcmp(line, "quit") == 0 || strcmp(line, "exit") == 0)
        return false;
    if (strcmp(line, "help") == 0)
        show_help();
    else if (strcmp(line, "status") == 0)
        show_status(hand);
    else if (strcmp(line, "offenders") == 0)
        list_offenders(hand);
    else if (strcmp(line, "verdicts") == 0)
        status = dc_each_presence(hand->self->device, NULL, show_presence, hand);
    else if (strncmp(line, "rescue ", 7) == 0)
        write_rescue(hand, line + 7);
    else if (strcmp(line, "flags") == 0)
        status = dc_each_flag(hand->self->device, NULL, show_flag, hand);
    else
        act(hand, line);
    if (status != DC_OK)
        printf("  %s. %s.\n", dc_status_what(status), dc_status_advice(status));
    return true;
}

static bool show_news(void *context, const struct dc_presence *row)
{
    const struct hand *hand = context;

    return !timeline_is_news(hand->play, row) || show_presence(context, row);
}

static void on_event(void *context, struct person *person, const struct dc_event *event)
{
    struct hand *hand = context;

    if (event->type == DC_EVENT_FLAG && event->row != NULL) {
        puts("");
        show_flag(hand, event->row);
    }
    if (event->type == DC_EVENT_VERDICT && dc_each_presence(person->device, &event->presence, show_news, hand) != DC_OK)
        puts("  a verdict can't be read");
    if (event->type == DC_EVENT_ERROR)
        printf("  %s. %s\n", event->text, event->advice);
}

static bool talk(struct hand *hand)
{
    char line[512];
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    printf("%s> ", hand->self->package.officer_code);
    fflush(stdout);
    for (;;) {
        if (!serve(hand, SERVE_MS))
            return false;
        if (poll(&input, 1, 0) <= 0)
            continue;
        if (fgets(line, sizeof(line), stdin) == NULL || !obey(hand, line))
            return true;
        printf("%s> ", hand->self->package.officer_code);
        fflush(stdout);
    }
}

/*
 * What time the server has, from its answer to this phone's first Hello. The phone is then restarted: what it said of its
 * own clock before it knew better belongs to a boot of its own.
 */
static bool find_clock(struct hand *hand)
{
    struct dc_sync_status status;
    int64_t until_ms = real_ms() + FIRST_SYNC_MS;

    if (!stage_online(hand->self, true))
        return false;
    do {
        if (!serve(hand, SERVE_MS))
            return false;
        dc_sync_status(hand->self->device, &status);
        if (real_ms() > until_ms) {
            fprintf(stderr,
                    "doublecrew-sim: the server does not answer: %s. Is it running? (doublecrewd --config ...)\n",
                    status.reason_text);
            return false;
        }
    } while (status.state != DC_SYNC_ONLINE);
    hand->ahead_ms = status.last_anchor_ms - real_ms();
    hand->play->stage.clock.now_ms = status.last_anchor_ms;
    hand->play->stage.clock.ahead_ms = hand->ahead_ms;
    return person_reboot(hand->self, hand->play->stage.loop);
}

static bool open_hand(struct hand *hand, const char *package)
{
    struct stage *stage = &hand->play->stage;

    hand->play->scenario = hand->scenario;
    hand->self = &hand->play->people[0];
    hand->self->on_event = on_event;
    hand->self->context = hand;
    stage->clock.now_ms = real_ms();
    stage->clock.runs = true;
    return dc_loop_new(NULL, &stage->loop) == DC_OK &&
           person_open(hand->self, stage->loop, &stage->clock, package, 0) && find_clock(hand);
}

int command_device(int argc, char **argv)
{
    const char *folder = NULL;
    const char *code = NULL;
    char package[PROCESS_PATH_MAX];
    struct hand hand = {.scenario = calloc(1, sizeof(*hand.scenario)), .play = calloc(1, sizeof(*hand.play))};
    bool good = hand.scenario != NULL && hand.play != NULL;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--dir") == 0)
            folder = argv[i + 1];
        else if (strcmp(argv[i], "--as") == 0)
            code = argv[i + 1];
    }
    if (folder == NULL || code == NULL || !good) {
        fputs("Usage: doublecrew-sim device --dir FORCE --as \"PC 1001\"\n", stderr);
        free(hand.scenario);
        free(hand.play);
        return 2;
    }
    snprintf(hand.scenario->people[0].name, SCENARIO_NAME_MAX, "%s", code);
    hand.scenario->person_count = 1;
    setup_package(hand.scenario, 0, folder, package);
    good = open_hand(&hand, package);
    if (good) {
        wait_synced(&hand);
        good = learn_names(&hand);
    }
    if (good) {
        printf("This is %s's phone, with %zu offenders on it. 'help' shows what you can say.\n", code,
               hand.scenario->offender_count);
        good = talk(&hand);
    }
    person_close(hand.self);
    stage_close(&hand.play->stage);
    free(hand.scenario);
    free(hand.play);
    return good ? 0 : 1;
}
