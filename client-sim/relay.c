#include "client-sim/relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS_MAX 8
#define CHUNK 16384
#define POLL_MS 50

enum lose { LOSE_NOTHING, LOSE_ARMED, LOSE_SENT }; /* sent: the phone's bytes are through, the answer is awaited */

struct pair {
    int phone;
    int server;
};

struct relay {
    pthread_t thread;
    int listener;
    uint16_t port;
    uint16_t server_port;
    struct pair pairs[PAIRS_MAX]; /* the thread's own */
    size_t pair_count;
    atomic_bool stop;
    atomic_int lose;
    atomic_uint_fast64_t from_phone;
    atomic_uint_fast64_t from_server;
};

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void drop_pair(struct relay *relay, size_t index)
{
    const struct linger hard = {.l_onoff = 1, .l_linger = 0}; /* a reset, as a lost connection is */

    setsockopt(relay->pairs[index].phone, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(relay->pairs[index].phone);
    close(relay->pairs[index].server);
    relay->pairs[index] = relay->pairs[--relay->pair_count];
}

static void take_phone(struct relay *relay)
{
    int phone = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = phone >= 0 && relay->pair_count < PAIRS_MAX ? connect_to(relay->server_port) : -1;

    if (phone >= 0 && server >= 0) {
        relay->pairs[relay->pair_count++] = (struct pair){.phone = phone, .server = server};
        return;
    }
    if (phone >= 0)
        close(phone);
}

static bool write_whole(int fd, const char *bytes, ssize_t size)
{
    while (size > 0) {
        ssize_t done = send(fd, bytes, (size_t)size, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        bytes += done;
        size -= done;
    }
    return true;
}

/* False when the pair is over. */
static bool pass(struct relay *relay, int from, int to, bool from_phone)
{
    char chunk[CHUNK];
    ssize_t size = recv(from, chunk, sizeof(chunk), 0);
    int armed = LOSE_ARMED;

    if (size <= 0)
        return false;
    atomic_fetch_add(from_phone ? &relay->from_phone : &relay->from_server, (uint_fast64_t)size);
    if (from_phone)
        atomic_compare_exchange_strong(&relay->lose, &armed, LOSE_SENT);
    else if (atomic_load(&relay->lose) == LOSE_SENT) {
        atomic_store(&relay->lose, LOSE_NOTHING);
        return false;
    }
    return write_whole(to, chunk, size);
}

static void serve_pairs(struct relay *relay, const struct pollfd *polled)
{
    for (size_t i = relay->pair_count; i-- > 0;) {
        const struct pair *pair = &relay->pairs[i];
        bool good = true;
        if (polled[2 * i].revents != 0)
            good = pass(relay, pair->phone, pair->server, true);
        if (good && polled[2 * i + 1].revents != 0)
            good = pass(relay, pair->server, pair->phone, false);
        if (!good)
            drop_pair(relay, i);
    }
}

static void *relay_run(void *context)
{
    struct relay *relay = context;

    while (!atomic_load(&relay->stop)) {
        struct pollfd polled[2 * PAIRS_MAX + 1];
        size_t pairs = relay->pair_count;
        for (size_t i = 0; i < pairs; i++) {
            polled[2 * i] = (struct pollfd){.fd = relay->pairs[i].phone, .events = POLLIN};
            polled[2 * i + 1] = (struct pollfd){.fd = relay->pairs[i].server, .events = POLLIN};
        }
        polled[2 * pairs] = (struct pollfd){.fd = relay->listener, .events = POLLIN};
        if (poll(polled, (nfds_t)(2 * pairs + 1), POLL_MS) <= 0)
            continue;
        bool new_phone = polled[2 * pairs].revents != 0;
        serve_pairs(relay, polled);
        if (new_phone)
            take_phone(relay);
    }
    while (relay->pair_count > 0)
        drop_pair(relay, 0);
    return NULL;
}

static bool listen_anywhere(struct relay *relay)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (relay->listener < 0 || bind(relay->listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(relay->listener, PAIRS_MAX) != 0 ||
        getsockname(relay->listener, (struct sockaddr *)&address, &size) != 0)
        return false;
    relay->port = ntohs(address.sin_port);
    return true;
}

struct relay *relay_new(uint16_t server_port)
{
    struct relay *relay = calloc(1, sizeof(*relay));

    if (relay == NULL)
        return NULL;
    relay->server_port = server_port;
    if (listen_anywhere(relay) && pthread_create(&relay->thread, NULL, relay_run, relay) == 0)
        return relay;
    if (relay->listener >= 0)
        close(relay->listener);
    free(relay);
    return NULL;
}

void relay_free(struct relay *relay)
{
    if (relay == NULL)
        return;
    atomic_store(&relay->stop, true);
    pthread_join(relay->thread, NULL);
    close(relay->listener);
    free(relay);
}

uint16_t relay_port(const struct relay *relay)
{
    return relay->port;
}

struct relay_bytes relay_bytes(const struct relay *relay)
{
    return (struct relay_bytes){.from_phone = atomic_load(&relay->from_phone),
                                .from_server = atomic_load(&relay->from_server)};
}

void relay_lose_next_answer(struct relay *relay)
{
    atomic_store(&relay->lose, LOSE_ARMED);
}
