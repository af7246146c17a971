/*
 * The device library against the real server through a bad network: connections that die after any number of bytes, single
 * bytes, links that are dead without saying so, slow ones; and phones that are cloned, restarted, or whose clocks are wrong.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client-sim/chaos_proxy.h"
#include "server/edge/store_sqlite.h"
#include "tests/lib/phone.h"

#define SEED 20261123
#define COLLEAGUES 4
#define PHONES (COLLEAGUES + 2)
#define CUTS 1000
#define ROUND_MS 10
#define WAIT_MS 20000 /* a limit, not a wait */
#define MINUTE_MS INT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)
#define NINE_MS (INT64_C(1800000000) * 1000) /* where the fixture's training clock stands */

#define LIMITS "[limits]\nkeep_alive_s = 1\nslow_reader_s = 2\noutput_kib = 1024\n"

struct stage {
    struct server_fixture server;
    struct chaos_proxy *proxy;
    struct dc_loop *loop;
    int64_t truth_ms;            /* of phones with clocks of the test's */
    struct phone phones[PHONES]; /* officer, supervisor, colleagues */
    struct phone operator_phone;
    unsigned open_count;
};

static const struct chaos_options calm;

static const struct server_device *person(const struct stage *stage, unsigned number)
{
    if (number == 0)
        return &stage->server.officer;
    return number == 1 ? &stage->server.supervisor : &stage->server.colleagues[number - 2];
}

static int start(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    assert_non_null(stage);
    server_fixture_make_with(&stage->server, COLLEAGUES);
    (void)snprintf(stage->server.extra_config, sizeof(stage->server.extra_config), LIMITS);
    server_fixture_write_config(&stage->server, NULL, NULL);
    server_fixture_start(&stage->server);
    stage->proxy = chaos_proxy_new("127.0.0.1", 0, "127.0.0.1", stage->server.port, &calm);
    assert_non_null(stage->proxy);
    assert_int_equal(dc_loop_new(NULL, &stage->loop), DC_OK);
    stage->truth_ms = NINE_MS;
    for (unsigned i = 0; i < PHONES; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "phone%u", i);
        phone_init(&stage->phones[i], stage->loop, &stage->server, person(stage, i), name,
                   chaos_proxy_port(stage->proxy));
    }
    phone_init(&stage->operator_phone, stage->loop, &stage->server, &stage->server.operator_device, "operator",
               chaos_proxy_port(stage->proxy));
    *state = stage;
    return 0;
}

static int stop(void **state)
{
    struct stage *stage = *state;

    for (unsigned i = 0; i < PHONES; i++)
        phone_close(&stage->phones[i]);
    phone_close(&stage->operator_phone);
    dc_loop_free(stage->loop);
    chaos_proxy_free(stage->proxy);
    if (stage->server.pid != 0)
        assert_int_equal(server_fixture_stop(&stage->server, SIGTERM), 0);
    server_fixture_remove(&stage->server);
    free(stage);
    return 0;
}

static void run_ms(struct stage *stage, unsigned ms)
{
    for (unsigned done = 0; done < ms; done += ROUND_MS)
        assert_int_equal(dc_loop_run(stage->loop, ROUND_MS), DC_OK);
}

static void open_and_start(struct phone *phone)
{
    phone_open(phone);
    assert_int_equal(dc_sync_start(phone->device), DC_OK);
}

static void wait_level(struct stage *stage, struct phone *phone)
{
    for (unsigned done = 0; done < WAIT_MS && !phone_is_level(phone); done += ROUND_MS)
        assert_int_equal(dc_loop_run(stage->loop, ROUND_MS), DC_OK);
    struct dc_sync_status status = phone_status(phone);
    if (!phone_is_level(phone))
        fail_msg("not level: state %d, reason %s, pending %llu, feed %s", (int)status.state,
                 dc_status_name(status.reason), (unsigned long long)status.pending_entries,
                 status.feed_complete ? "complete" : "under way");
}

/* ---- What must hold at the end, read from the server's store once it has stopped ---- */

struct kept_row {
    struct span key;
    struct span bytes;
};

struct rows {
    struct kept_row *rows;
    size_t count;
};

static struct span copy_of(struct span span)
{
    uint8_t *bytes = malloc(span.size + 1);

    assert_non_null(bytes);
    memcpy(bytes, span.data, span.size);
    /* free_rows() frees it. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    return span_of(bytes, span.size);
}

static void keep_row(void *context, struct span key, struct span bytes)
{
    struct rows *rows = context;

    rows->rows = realloc(rows->rows, (rows->count + 1) * sizeof(*rows->rows));
    assert_non_null(rows->rows);
    rows->rows[rows->count++] = (struct kept_row){copy_of(key), copy_of(bytes)};
}

static void free_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        free((void *)(uintptr_t)rows->rows[i].key.data);
        free((void *)(uintptr_t)rows->rows[i].bytes.data);
    }
    free(rows->rows);
}

static enum status keep_live(void *context, uint64_t effective_pos, const struct feed_row *row)
{
    (void)effective_pos;
    if (!row->gone)
        keep_row(context, row->key, row->row);
    return STATUS_OK;
}

static int by_key(const void *a, const void *b)
{
    struct span x = ((const struct kept_row *)a)->key;
    struct span y = ((const struct kept_row *)b)->key;
    size_t size = x.size < y.size ? x.size : y.size;
    int order = memcmp(x.data, y.data, size);

    return order != 0 ? order : (x.size > y.size) - (x.size < y.size);
}

/* The phone holds its scope's rows, byte for byte, and nothing else. Returns how many. */
static size_t expect_scope(struct store *store, struct phone *phone, const struct server_device *of)
{
    struct scope_member members[STORE_SCOPES_MAX];
    struct feed_cursor from = {0};
    struct rows theirs = {0};
    struct rows ours = {0};
    size_t member_count;

    assert_int_equal(store->ops->scopes_of_device(store, &of->device, members, STORE_SCOPES_MAX, &member_count),
                     STATUS_OK);
    assert_int_equal(store->ops->feed_page(store, members, member_count, &from, SIZE_MAX >> 2, keep_live, &theirs),
                     STATUS_OK);
    qsort(theirs.rows, theirs.count, sizeof(*theirs.rows), by_key);
    phone_each_row(phone, keep_row, &ours);
    size_t count = ours.count;
    assert_int_equal(ours.count, theirs.count);
    for (size_t i = 0; i < count; i++) {
        assert_true(span_equal(ours.rows[i].key, theirs.rows[i].key));
        assert_true(span_equal(ours.rows[i].bytes, theirs.rows[i].bytes));
    }
    free_rows(&ours);
    free_rows(&theirs);
    return count;
}

struct log_count {
    const struct id *log;
    uint64_t next_seq;
};

static enum status count_log(void *context, const struct journal_row *row)
{
    struct log_count *count = context;

    if (row->kind != JOURNAL_PUSH || !id_equal(&row->log, count->log))
        return STATUS_OK;
    assert_int_equal(row->first_seq, count->next_seq); /* no gap, nothing twice */
    count->next_seq += row->count;
    return STATUS_OK;
}

/* Every entry of the phone's log stands in the journal, once. */
static void expect_log(struct store *store, struct phone *phone, const struct server_device *of)
{
    struct dc_sync_status status = phone_status(phone);
    struct log_count count = {&of->log, 1};

    assert_int_equal(store->ops->journal_from(store, 1, count_log, &count), STATUS_OK);
    assert_int_equal(count.next_seq, status.head_seq + 1);
    assert_int_equal(status.durable_seq, status.head_seq);
    assert_int_equal(status.pending_entries, 0);
    assert_int_equal(phone->acked_entries, status.head_seq); /* told of each once */
}

static size_t expect_all_equal(struct stage *stage)
{
    char path[128];
    struct store *store = NULL;
    size_t rows = 0;

    assert_int_equal(server_fixture_stop(&stage->server, SIGTERM), 0);
    (void)snprintf(path, sizeof(path), "%s/store.sqlite", stage->server.folder);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_READER, &store), STATUS_OK);
    for (unsigned i = 0; i < PHONES; i++) {
        expect_log(store, &stage->phones[i], person(stage, i));
        rows += expect_scope(store, &stage->phones[i], person(stage, i));
        assert_int_equal(phone_repairs(&stage->phones[i]), 0);
    }
    store->ops->close(store);
    return rows;
}

/* ---- Cuts ---- */

struct chance {
    uint64_t state;
};

static unsigned below(struct chance *chance, unsigned limit)
{
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 7;
    chance->state ^= chance->state << 17;
    return (unsigned)((chance->state >> 20) % limit);
}

/* A visit, or only words, now and then: so that every phone pushes, and pages come to everybody. */
static void act(struct stage *stage, struct chance *chance)
{
    struct phone *phone = &stage->phones[below(chance, PHONES)];
    struct dc_check_in check_in = {.offender = phone_offender(), .with = DC_WITH_NAMED, .named_count = 1};
    struct dc_hash presence;

    if (below(chance, 4) != 0) {
        phone_note(phone, "Invented words, to see them arrive once.");
        return;
    }
    const struct server_device *partner = person(stage, below(chance, PHONES));
    memcpy(check_in.named[0].bytes, partner->officer.bytes, ID_SIZE);
    if (memcmp(check_in.named[0].bytes, phone->config.officer.bytes, ID_SIZE) == 0)
        check_in = (struct dc_check_in){.offender = phone_offender(), .with = DC_WITH_ALONE};
    assert_int_equal(dc_check_in(phone->device, &check_in, &presence), DC_OK);
    assert_int_equal(dc_check_out(phone->device, &presence, NULL, NULL), DC_OK);
}

static uint64_t cuts_of(const struct chaos_counts *counts)
{
    return counts->resets + counts->closes + counts->half_opens;
}

static void thousand_cuts__nothing_lost_nothing_doubled(void **state)
{
    struct stage *stage = *state;
    struct chaos_options cutting = {.seed = SEED,
                                    .delay_most_ms = 2,
                                    .end_least_bytes = 1,
                                    .end_most_bytes = 9000,
                                    .reset_weight = 60,
                                    .close_weight = 38,
                                    .half_open_weight = 2};
    struct chance chance = {SEED};
    struct chaos_counts counts = {0};
    unsigned rounds = 0;
    uint64_t online = 0;

    chaos_proxy_set(stage->proxy, &cutting, false); /* first: what is connected by then would never be cut */
    for (unsigned i = 0; i < PHONES; i++) {
        stage->phones[i].config.connect_limit_ms = 1000;
        stage->phones[i].config.answer_limit_ms = 1000;
        open_and_start(&stage->phones[i]);
    }
    while (cuts_of(&counts) < CUTS) {
        assert_true(++rounds < 60000);
        if (rounds % 8 == 0)
            act(stage, &chance);
        assert_int_equal(dc_loop_run(stage->loop, ROUND_MS), DC_OK);
        counts = chaos_proxy_counts(stage->proxy);
    }
    chaos_proxy_set(stage->proxy, &calm, false);
    chaos_proxy_reset(stage->proxy);
    for (int again = 0; again < 2; again++) { /* the last verdicts may come after the first is level */
        for (unsigned i = 0; i < PHONES; i++)
            wait_level(stage, &stage->phones[i]);
        run_ms(stage, 500);
    }
    uint64_t facts = 0;
    for (unsigned i = 0; i < PHONES; i++) {
        facts += phone_status(&stage->phones[i]).head_seq;
        online += stage->phones[i].went_online;
        enum dc_status error = stage->phones[i].error; /* what a bad line explains, and nothing else */
        if (error != DC_OK && error != DC_TIMEOUT && error != DC_BUSY && error != DC_NETWORK)
            fail_msg("phone %u: %s", i, dc_status_name(error));
    }
    size_t rows = expect_all_equal(stage);
    print_message("%llu connections, %llu cuts (%llu reset, %llu closed, %llu half-open), %llu times online; "
                  "%llu facts, %zu rows compared\n",
                  (unsigned long long)counts.connections, (unsigned long long)cuts_of(&counts),
                  (unsigned long long)counts.resets, (unsigned long long)counts.closes,
                  (unsigned long long)counts.half_opens, (unsigned long long)online, (unsigned long long)facts, rows);
    assert_true(online > CUTS / 10); /* many died after Welcome, in the middle of pushes and pages */
}

static void single_bytes__are_put_together_at_both_ends(void **state)
{
    struct stage *stage = *state;
    struct chaos_options split = {.seed = SEED, .split = true};

    chaos_proxy_set(stage->proxy, &split, false);
    for (unsigned i = 0; i < PHONES; i++) {
        phone_open(&stage->phones[i]);
        for (unsigned j = 0; j < 20; j++)
            phone_note(&stage->phones[i], "Byte by byte.");
        assert_int_equal(dc_sync_start(stage->phones[i].device), DC_OK);
    }
    for (int again = 0; again < 2; again++) {
        for (unsigned i = 0; i < PHONES; i++)
            wait_level(stage, &stage->phones[i]);
        run_ms(stage, 300);
    }
    assert_true(expect_all_equal(stage) > 0);
}

/* The phone's link is dead and nobody says so: its own limit finds it, a new connection brings everything through. */
static void half_open__is_noticed_within_the_limits(void **state)
{
    struct stage *stage = *state;
    struct phone *phone = &stage->phones[0];
    unsigned waited_ms = 0;

    phone->config.answer_limit_ms = 1500;
    open_and_start(phone);
    wait_level(stage, phone);
    chaos_proxy_half_open(stage->proxy);
    phone_note(phone, "Said into a dead line.");
    while (phone->reason != DC_TIMEOUT && waited_ms < WAIT_MS) {
        run_ms(stage, ROUND_MS);
        waited_ms += ROUND_MS;
    }
    assert_int_equal(phone->reason, DC_TIMEOUT);
    assert_in_range(waited_ms, 1000, 6000);
    wait_level(stage, phone);
    assert_int_equal(phone_status(phone).durable_seq, 1);
    /* The server's side of the dead connection ends by its own limit: keep_alive_s and 10 s for the pong. */
    run_ms(stage, 8000);
    server_fixture_expect_log(&stage->server, "session_closed", "", 1);
}

/*
 * A phone that takes 6 KB a second while megabytes of rows wait. Its credit bounds what is under way, and the kernel takes
 * that; so what drops it is the ping that it can't answer in time. On a better line it goes on from where it stood. (What
 * fills the server's own buffers is dropped as slow_reader: test_server_hostile.c.)
 */
static void slow_reader__is_dropped_and_resumes(void **state)
{
    struct stage *stage = *state;
    struct phone *writer = &stage->phones[0];
    struct phone *reader = &stage->phones[1];
    struct chaos_options slow = {.seed = SEED, .client_reads_per_s = 6000};
    static char text[8000];

    memset(text, 'w', sizeof(text) - 1);
    phone_open(writer);
    for (unsigned i = 0; i < 600; i++) /* 4.8 MB: more than the kernel takes in between */
        phone_note(writer, text);
    assert_int_equal(dc_sync_start(writer->device), DC_OK);
    wait_level(stage, writer);
    chaos_proxy_set(stage->proxy, &slow, false);
    reader->config.page_credit = 16;
    open_and_start(reader);
    run_ms(stage, 13000); /* keep_alive_s, 10 s for the pong, and some */
    server_fixture_expect_log(&stage->server, "session_closed", "", 1);
    assert_int_equal(reader->went_online, 1);
    assert_false(phone_is_level(reader));
    chaos_proxy_set(stage->proxy, &calm, true);
    wait_level(stage, reader);
    assert_int_equal(reader->went_online, 2);
    for (unsigned i = 2; i < PHONES; i++)
        open_and_start(&stage->phones[i]);
    for (unsigned i = 2; i < PHONES; i++)
        wait_level(stage, &stage->phones[i]);
    assert_true(expect_all_equal(stage) > 0);
}

/* ---- Phones ---- */

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    char bytes[4096];
    size_t size;

    assert_non_null(in);
    assert_non_null(out);
    while ((size = fread(bytes, 1, sizeof(bytes), in)) > 0)
        assert_int_equal(fwrite(bytes, 1, size, out), size);
    assert_int_equal(fclose(in), 0);
    assert_int_equal(fclose(out), 0);
}

static void wait_closed(struct stage *stage, struct phone *phone)
{
    for (unsigned done = 0; done < WAIT_MS && phone_status(phone).reason != DC_LOG_FORK; done += ROUND_MS)
        run_ms(stage, ROUND_MS);
    assert_int_equal(phone_status(phone).reason, DC_LOG_FORK);
}

static void cloned_phone__is_found_at_its_next_sync(void **state)
{
    struct stage *stage = *state;
    struct chaos_options bad = {.seed = SEED, .delay_most_ms = 20};
    struct phone *first = &stage->phones[0];
    struct phone *clone = &stage->phones[2]; /* stands for the copy of the officer's phone here */

    chaos_proxy_set(stage->proxy, &bad, false);
    open_and_start(first);
    phone_note(first, "Before the phone was copied.");
    wait_level(stage, first);
    phone_close(first);
    phone_init(clone, stage->loop, &stage->server, person(stage, 0), "clone", chaos_proxy_port(stage->proxy));
    copy_file(first->store, clone->store);
    phone_open(first);
    phone_open(clone);
    phone_note(first, "Written on the first.");
    phone_note(clone, "Written on the copy.");
    assert_int_equal(dc_sync_start(first->device), DC_OK);
    wait_level(stage, first);
    assert_int_equal(dc_sync_start(clone->device), DC_OK);
    wait_closed(stage, clone);
    assert_int_equal(phone_status(clone).pending_entries, 1); /* kept, for the rescue */
    assert_int_equal(phone_status(first).durable_seq, 2);
}

static void step_to(struct stage *stage, int64_t now_ms)
{
    stage->truth_ms = now_ms;
    assert_int_equal(dc_training_step(stage->operator_phone.device, now_ms), DC_OK);
    for (unsigned done = 0; done < WAIT_MS && stage->operator_phone.stepped_ms != now_ms; done += ROUND_MS)
        run_ms(stage, ROUND_MS);
    assert_int_equal(stage->operator_phone.stepped_ms, now_ms);
}

/* Two phones whose clocks follow the test's, and the operator's, which moves the server's. */
static void open_pair(struct stage *stage)
{
    struct chaos_options bad = {.seed = SEED, .delay_most_ms = 20};
    struct phone *phones[3] = {&stage->phones[0], &stage->phones[2], &stage->operator_phone};

    chaos_proxy_set(stage->proxy, &bad, false);
    for (unsigned i = 0; i < 3; i++) {
        phones[i]->truth_ms = &stage->truth_ms;
        phones[i]->boot_ms = NINE_MS - 60 * MINUTE_MS;
        phones[i]->config.page_credit = i < 2 ? 4 : 0;
        open_and_start(phones[i]);
    }
    wait_level(stage, &stage->operator_phone);
    step_to(stage, NINE_MS + MINUTE_MS);
    wait_level(stage, phones[0]);
    wait_level(stage, phones[1]);
    dc_sync_stop(phones[0]->device); /* no signal from here on */
    dc_sync_stop(phones[1]->device);
}

static struct dc_hash check_in_with(struct phone *phone, const struct phone *partner)
{
    struct dc_check_in check_in = {
        .offender = phone_offender(), .with = DC_WITH_NAMED, .named = {partner->config.officer}, .named_count = 1};
    struct dc_hash presence;

    assert_int_equal(dc_check_in(phone->device, &check_in, &presence), DC_OK);
    return presence;
}

static void expect_company(struct stage *stage, struct phone *phone, const struct dc_hash *presence,
                           const char *company)
{
    for (unsigned done = 0; done < WAIT_MS && strcmp(phone_company(phone, presence), company) != 0; done += ROUND_MS)
        run_ms(stage, ROUND_MS);
    assert_string_equal(phone_company(phone, presence), company);
}

static void sync_both(struct stage *stage, struct phone *a, struct phone *b)
{
    step_to(stage, stage->truth_ms + MINUTE_MS);
    assert_int_equal(dc_sync_start(a->device), DC_OK);
    assert_int_equal(dc_sync_start(b->device), DC_OK);
    wait_level(stage, a);
    wait_level(stage, b);
}

static void clock_a_day_off__changes_no_verdict(void **state)
{
    struct stage *stage = *state;
    struct phone *a = &stage->phones[0];
    struct phone *b = &stage->phones[2];

    a->wall_offset_ms = DAY_MS;
    open_pair(stage);
    step_to(stage, NINE_MS + 10 * MINUTE_MS);
    struct dc_hash of_a = check_in_with(a, b);
    step_to(stage, NINE_MS + 14 * MINUTE_MS);
    struct dc_hash of_b = check_in_with(b, a);
    step_to(stage, NINE_MS + 50 * MINUTE_MS);
    assert_int_equal(dc_check_out(a->device, &of_a, NULL, NULL), DC_OK);
    assert_int_equal(dc_check_out(b->device, &of_b, NULL, NULL), DC_OK);
    sync_both(stage, a, b);
    expect_company(stage, a, &of_a, "joint");
    expect_company(stage, b, &of_b, "joint");
}

/* And the other way: two who were there on the same day, by their clocks at the same time, but not together. */
static void clock_that_agrees__makes_nothing_joint(void **state)
{
    struct stage *stage = *state;
    struct phone *a = &stage->phones[0];
    struct phone *b = &stage->phones[2];

    b->wall_offset_ms = -120 * MINUTE_MS;
    open_pair(stage);
    step_to(stage, NINE_MS + 10 * MINUTE_MS);
    struct dc_hash of_a = check_in_with(a, b);
    step_to(stage, NINE_MS + 40 * MINUTE_MS);
    assert_int_equal(dc_check_out(a->device, &of_a, NULL, NULL), DC_OK);
    step_to(stage, NINE_MS + 130 * MINUTE_MS); /* by B's clock: ten past nine */
    struct dc_hash of_b = check_in_with(b, a);
    step_to(stage, NINE_MS + 160 * MINUTE_MS);
    assert_int_equal(dc_check_out(b->device, &of_b, NULL, NULL), DC_OK);
    sync_both(stage, a, b);
    expect_company(stage, a, &of_a, "lone_confirmed"); /* B's log has passed it and holds no presence there then */
}

static void reboot_in_mid_visit__changes_no_verdict(void **state)
{
    struct stage *stage = *state;
    struct phone *a = &stage->phones[0];
    struct phone *b = &stage->phones[2];

    open_pair(stage);
    step_to(stage, NINE_MS + 10 * MINUTE_MS);
    struct dc_hash of_a = check_in_with(a, b);
    struct dc_hash of_b = check_in_with(b, a);
    step_to(stage, NINE_MS + 30 * MINUTE_MS);
    phone_reboot(a);
    step_to(stage, NINE_MS + 50 * MINUTE_MS);
    assert_int_equal(dc_check_out(a->device, &of_a, NULL, NULL), DC_OK);
    assert_int_equal(dc_check_out(b->device, &of_b, NULL, NULL), DC_OK);
    sync_both(stage, a, b);
    expect_company(stage, a, &of_a, "joint");
    expect_company(stage, b, &of_b, "joint");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(thousand_cuts__nothing_lost_nothing_doubled), CASE(single_bytes__are_put_together_at_both_ends),
        CASE(half_open__is_noticed_within_the_limits),     CASE(slow_reader__is_dropped_and_resumes),
        CASE(cloned_phone__is_found_at_its_next_sync),     CASE(clock_a_day_off__changes_no_verdict),
        CASE(clock_that_agrees__makes_nothing_joint),      CASE(reboot_in_mid_visit__changes_no_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
