#include "bench/lws_echo.h"

#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/edge/tls.h"

#define MESSAGE_MAX 1024 /* also libwebsockets' buffer for what is received, which every connection has */

struct echo {
    struct config config;
    struct log *log;
};

/* libwebsockets' memory for one connection. */
struct peer {
    uint8_t *message; /* with its headroom; only while one waits to be written */
    size_t size;
};

static int receive(struct lws *wsi, struct peer *peer, const void *in, size_t size)
{
    peer->message = malloc(LWS_PRE + size);
    if (peer->message == NULL)
        return -1;
    memcpy(peer->message + LWS_PRE, in, size);
    peer->size = size;
    lws_callback_on_writable(wsi);
    return 0;
}

static int write_back(struct lws *wsi, struct peer *peer)
{
    int written;

    if (peer->message == NULL)
        return 0;
    written = lws_write(wsi, peer->message + LWS_PRE, peer->size, LWS_WRITE_BINARY);
    free(peer->message);
    peer->message = NULL;
    return written < 0 ? -1 : 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    struct echo *echo = lws_context_user(lws_get_context(wsi));
    int on = 1;

    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return tls_sharpen(user, &echo->config, echo->log) == STATUS_OK ? 0 : 1;
    case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
        return size == 0;
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        (void)setsockopt((int)(intptr_t)in, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return receive(wsi, user, in, size);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return write_back(wsi, user);
    default:
        return 0;
    }
}

/* In the child. */
static void serve(struct echo *echo, int ready)
{
    const struct lws_protocols protocols[] = {{.name = "echo",
                                               .callback = on_event,
                                               .per_session_data_size = sizeof(struct peer),
                                               .rx_buffer_size = MESSAGE_MAX},
                                              {.name = NULL}};
    const struct lws_context_creation_info info = {
        .iface = "127.0.0.1",
        .protocols = protocols,
        .ssl_cert_filepath = echo->config.certificate,
        .ssl_private_key_filepath = echo->config.key,
        .ssl_ca_filepath = echo->config.client_ca,
        .alpn = "http/1.1",
        .user = echo,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT |
                   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS | LWS_SERVER_OPTION_DISABLE_IPV6 |
                   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
    };
    uint16_t port;

    lws_set_log_level(0, NULL);
    struct lws_context *context = lws_create_context(&info);
    if (context == NULL)
        _exit(1);
    port = (uint16_t)lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default"));
    if (write(ready, &port, sizeof(port)) != sizeof(port))
        _exit(1);
    while (lws_service(context, 0) >= 0)
        ;
    _exit(0);
}

static enum status start(struct echo *echo, pid_t *ret_pid, uint16_t *ret_port)
{
    int ready[2];
    uint16_t port = 0;
    pid_t pid;

    if (pipe(ready) != 0)
        return STATUS_IO;
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(ready[0]);
        serve(echo, ready[1]);
    }
    (void)close(ready[1]);
    bool good = pid > 0 && read(ready[0], &port, sizeof(port)) == sizeof(port);
    (void)close(ready[0]);
    if (!good) {
        lws_echo_stop(pid);
        fprintf(stderr, "bench: the echo server on libwebsockets didn't start: no figures\n");
        return STATUS_NETWORK;
    }
    *ret_pid = pid;
    *ret_port = port;
    return STATUS_OK;
}

enum status lws_echo_start(const char *config, pid_t *ret_pid, uint16_t *ret_port)
{
    struct echo echo = {.log = NULL};
    struct config_error error;
    enum status status = config_load(config, &echo.config, &error);

    if (status != STATUS_OK)
        fprintf(stderr, "bench: %s\n", error.text);
    if (status == STATUS_OK)
        status = log_new(LOG_ERROR, NULL, &echo.log);
    if (status == STATUS_OK)
        status = start(&echo, ret_pid, ret_port);
    log_free(echo.log);
    return status;
}

void lws_echo_stop(pid_t pid)
{
    if (pid <= 0)
        return;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}
