#include "bench/tls_bare.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/edge/tls.h"

#define EVENTS_MAX 256
#define BACKLOG 4096

static int listen_anywhere(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return -1;
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void watch(int epoll, int fd, SSL *ssl)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = ssl};

    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void take_in(SSL_CTX *context, int epoll, int listener)
{
    int on = 1;
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        SSL *ssl = SSL_new(context);

        if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
            _exit(1);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        SSL_set_accept_state(ssl);
        watch(epoll, fd, ssl);
    }
}

/* Once shaken, one byte says so (in TLS 1.3 the client can't know otherwise); then whatever comes is the end of it. */
static void go_on(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);
    char byte = 1;

    if (!SSL_is_init_finished(ssl)) {
        int result = SSL_accept(ssl);

        if (result == 1 ? SSL_write(ssl, &byte, 1) == 1 : SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ)
            return;
    } else if (SSL_read(ssl, &byte, 1) > 0) {
        return;
    }
    ERR_clear_error();
    SSL_free(ssl);
    (void)close(fd);
}

/* In the child. */
static void serve(SSL_CTX *context, int listener)
{
    struct epoll_event events[EVENTS_MAX];
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    watch(epoll, listener, NULL);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_MAX, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                take_in(context, epoll, listener);
            else
                go_on(events[i].data.ptr);
        }
    }
}

static enum status start(SSL_CTX *context, pid_t *ret_pid, uint16_t *ret_port)
{
    uint16_t port = 0;
    int listener = listen_anywhere(&port);
    pid_t pid;

    if (listener < 0)
        return STATUS_NETWORK;
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(context, listener);
    }
    (void)close(listener);
    if (pid < 0)
        return STATUS_NO_MEMORY;
    *ret_pid = pid;
    *ret_port = port;
    return STATUS_OK;
}

enum status tls_bare_start(const char *config_file, pid_t *ret_pid, uint16_t *ret_port)
{
    struct config config;
    struct config_error error = {.text = "OpenSSL"};
    SSL_CTX *context = NULL;
    struct log *log = NULL;
    enum status status = config_load(config_file, &config, &error);

    if (status == STATUS_OK)
        status = tls_try(&config, &context, &error);
    if (status == STATUS_OK)
        status = log_new(LOG_ERROR, NULL, &log);
    if (status == STATUS_OK)
        status = tls_sharpen(context, &config, log);
    if (status == STATUS_OK) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        status = start(context, ret_pid, ret_port);
    }
    if (status != STATUS_OK)
        fprintf(stderr, "bench: the bare TLS server didn't start: %s: no figures\n", error.text);
    SSL_CTX_free(context);
    log_free(log);
    return status;
}

void tls_bare_stop(pid_t pid)
{
    if (pid <= 0)
        return;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}
