#include "tests/lib/tls_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static SSL_CTX *make_context(const struct tls_peer_plan *plan)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (!context || SSL_CTX_use_certificate_chain_file(context, plan->certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, plan->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_load_verify_locations(context, plan->ca, NULL) != 1) {
        _exit(3);
    }
    if (plan->only_tls12) {
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return context;
}

/* The request up to its empty line; the key's value within it. */
static bool read_request(SSL *tls, char ret_key[64])
{
    char request[4096] = "";
    size_t size = 0;
    const char *key;

    while (!strstr(request, "\r\n\r\n")) {
        int got = size + 1 < sizeof request ? SSL_read(tls, request + size, (int)(sizeof request - size - 1)) : 0;

        if (got <= 0) {
            return false;
        }
        size += (size_t)got;
        request[size] = '\0';
    }
    key = strcasestr(request, "Sec-WebSocket-Key: ");
    return key && strncmp(request, "GET /sync ", 10) == 0 && strcasestr(request, "doublecrew.v1") &&
           sscanf(key + 19, "%63[^\r]", ret_key) == 1;
}

static bool upgrade(SSL *tls, const struct tls_peer_plan *plan)
{
    static const char refusal[] = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    char key[128];
    char answer[512];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char accept[64];

    if (!read_request(tls, key)) {
        return false;
    }
    if (plan->refuse_upgrade) {
        SSL_write(tls, refusal, sizeof refusal - 1);
        return false;
    }
    strcat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    EVP_Digest(key, strlen(key), digest, NULL, EVP_sha1(), NULL);
    EVP_EncodeBlock(accept, digest, 20);
    snprintf(answer, sizeof answer,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: doublecrew.v1\r\n\r\n",
             (char *)accept);
    return SSL_write(tls, answer, (int)strlen(answer)) > 0;
}

static void serve(SSL *tls, const struct tls_peer_plan *plan)
{
    char bytes[4096];

    if (SSL_accept(tls) != 1 || !upgrade(tls, plan) || SSL_read(tls, bytes, sizeof bytes) <= 0) {
        return;
    }
    if (plan->frames_size > 0) {
        SSL_write(tls, plan->frames, (int)plan->frames_size);
    }
    while (plan->hold && SSL_read(tls, bytes, sizeof bytes) > 0) {
    }
}

static void run(int listener, const struct tls_peer_plan *plan)
{
    SSL_CTX *context = make_context(plan);

    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        SSL *tls = SSL_new(context);

        if (connection >= 0 && tls) {
            SSL_set_fd(tls, connection);
            serve(tls, plan);
            SSL_shutdown(tls);
        }
        SSL_free(tls);
        close(connection);
    }
}

void tls_peer_start(struct tls_peer *peer, const struct tls_peer_plan *plan)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_not_equal(listener, -1);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    peer->port = ntohs(address.sin_port);
    peer->pid = fork();
    assert_int_not_equal(peer->pid, -1);
    if (peer->pid == 0) {
        run(listener, plan);
    }
    close(listener);
}

void tls_peer_stop(struct tls_peer *peer)
{
    if (peer->pid > 0) {
        kill(peer->pid, SIGKILL);
        waitpid(peer->pid, NULL, 0);
    }
    peer->pid = 0;
}
