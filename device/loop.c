#include "device/loop.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "device/public_status.h"

#define RX_BUFFER_SIZE 16384
#define RUN_LONGEST_MS 60000u
#define CLOSING_ROUNDS_MAX 100000

struct dc_loop {
    struct lws_context *context;
    lws_sorted_usec_list_t limit; /* of one dc_loop_run() under poll() */
    bool libuv;
    uv_loop_t uv;
    uv_timer_t uv_limit;
    bool passed; /* the limit is over, or something happened */
};

static const struct lws_protocols protocols[] = {
    {.name = "doublecrew.v1", .callback = link_lws_callback, .rx_buffer_size = RX_BUFFER_SIZE},
    {.name = NULL},
};

const struct lws_protocols *loop_protocols(void)
{
    return protocols;
}

struct lws_context *loop_context(struct dc_loop *loop)
{
    return loop->context;
}

void loop_note(struct dc_loop *loop)
{
    loop->passed = true;
}

/* libwebsockets calls timers before it waits, and then waits for the next one: so it is woken. */
void loop_note_in_timer(struct dc_loop *loop)
{
    loop->passed = true;
    if (!loop->libuv) {
        lws_cancel_service(loop->context);
    }
}

static void on_uv_limit(uv_timer_t *timer)
{
    loop_note(timer->data);
}

static enum status start_uv(struct dc_loop *loop)
{
    if (uv_loop_init(&loop->uv) != 0) {
        return STATUS_NO_MEMORY;
    }
    if (uv_timer_init(&loop->uv, &loop->uv_limit) != 0) {
        uv_loop_close(&loop->uv);
        return STATUS_NO_MEMORY;
    }
    loop->uv_limit.data = loop;
    return STATUS_OK;
}

static void stop_uv(struct dc_loop *loop)
{
    uv_close((uv_handle_t *)&loop->uv_limit, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT); /* handles close in the loop's own time */
    uv_loop_close(&loop->uv);
}

static enum status start(struct dc_loop *loop)
{
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
                                             .protocols = protocols,
                                             .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                                                        LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                                                        LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
                                             .pcontext = &loop->context,
                                             .user = loop,
                                             .gid = -1,
                                             .uid = -1};
    void *foreign[] = {&loop->uv};

    if (loop->libuv) {
        info.options |= LWS_SERVER_OPTION_LIBUV;
        info.foreign_loops = foreign;
    }
    loop->context = lws_create_context(&info);
    if (!loop->context) {
        return STATUS_NETWORK;
    }
    info.pcontext = NULL;
    info.vhost_name = "wake"; /* wake-ups are told to virtual hosts: one is always there */
    return lws_create_vhost(loop->context, &info) ? STATUS_OK : STATUS_NETWORK;
}

enum dc_status dc_loop_new(const struct dc_loop_options *options, struct dc_loop **ret_loop)
{
    struct dc_loop *loop = calloc(1, sizeof *loop);
    enum status status = STATUS_OK;

    if (!loop) {
        return DC_NO_MEMORY;
    }
    lws_set_log_level(0, NULL); /* libraries return, programs log */
    if (options && options->libuv) {
        status = start_uv(loop);
        loop->libuv = status == STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = start(loop);
    }
    if (status != STATUS_OK) {
        dc_loop_free(loop);
        return public_status(status);
    }
    *ret_loop = loop;
    return DC_OK;
}

void dc_loop_free(struct dc_loop *loop)
{
    if (!loop) {
        return;
    }
    if (loop->context) {
        lws_context_destroy(loop->context);
    }
    /* Under libuv what is closed goes in the loop's own time; the rest is freed by a second call when all is gone. */
    for (int i = 0; i < CLOSING_ROUNDS_MAX && loop->libuv && loop->context; i++) {
        if (uv_run(&loop->uv, UV_RUN_NOWAIT) == 0) {
            break;
        }
    }
    if (loop->context) {
        lws_context_destroy(loop->context);
    }
    if (loop->libuv) {
        stop_uv(loop);
    }
    free(loop);
}

static void on_limit(lws_sorted_usec_list_t *timer)
{
    loop_note_in_timer(lws_container_of(timer, struct dc_loop, limit));
}

static enum status run_poll(struct dc_loop *loop, unsigned timeout_ms)
{
    int result = 0;

    if (timeout_ms == 0) {
        return lws_service(loop->context, -1) < 0 ? STATUS_NETWORK : STATUS_OK;
    }
    lws_sul_schedule(loop->context, 0, &loop->limit, on_limit, (lws_usec_t)timeout_ms * 1000);
    while (!loop->passed && result >= 0) {
        result = lws_service(loop->context, 0);
    }
    lws_sul_cancel(&loop->limit);
    return result < 0 ? STATUS_NETWORK : STATUS_OK;
}

static enum status run_uv(struct dc_loop *loop, unsigned timeout_ms)
{
    if (timeout_ms == 0) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        return STATUS_OK;
    }
    uv_timer_start(&loop->uv_limit, on_uv_limit, timeout_ms, 0);
    while (!loop->passed) {
        uv_run(&loop->uv, UV_RUN_ONCE);
    }
    uv_timer_stop(&loop->uv_limit);
    return STATUS_OK;
}

enum dc_status dc_loop_run(struct dc_loop *loop, unsigned timeout_ms)
{
    unsigned limit_ms = timeout_ms < RUN_LONGEST_MS ? timeout_ms : RUN_LONGEST_MS;

    loop->passed = false;
    return public_status(loop->libuv ? run_uv(loop, limit_ms) : run_poll(loop, limit_ms));
}

void dc_loop_wake(struct dc_loop *loop)
{
    lws_cancel_service(loop->context);
}
