#include "client-sim/chaos_proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE 16384
#define PIECES_MAX 32
#define IDLE_POLL_MS 50
#define SPLIT_BURST 64 /* single bytes sent before the other connections have their turn */

/* What arrived together may leave together, not before its time. */
struct piece {
    int64_t release_ms;
    size_t size;
};

/* One way: what was read and not passed on yet. */
struct way {
    int from;
    int to;
    bool to_client;
    bool ended; /* nothing more comes */
    uint8_t bytes[BUFFER_SIZE];
    size_t size;
    struct piece pieces[PIECES_MAX];
    size_t piece_count;
    double allowance; /* bytes that the throttle lets through */
    int64_t filled_ms;
};

enum end { END_RESET, END_CLOSE, END_HALF_OPEN };

struct pair {
    int client;
    int server;
    struct chaos_options options;
    uint64_t random;
    int64_t bytes_left; /* to its end; negative: none is planned */
    enum end end;
    bool half_open;
    struct way up;
    struct way down;
};

struct chaos_proxy {
    pthread_t thread;
    int listener;
    int wake[2];
    uint16_t port;
    struct sockaddr_in to;
    pthread_mutex_t mutex; /* guards all below */
    struct chaos_options options;
    struct chaos_counts counts;
    struct pair *pairs[CHAOS_CONNECTIONS_MAX];
    size_t pair_count;
    bool stop;
};

static uint64_t mix(uint64_t seed)
{
    uint64_t z = seed + UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z ? z : 1;
}

static uint64_t draw(struct pair *pair)
{
    pair->random ^= pair->random << 13;
    pair->random ^= pair->random >> 7;
    pair->random ^= pair->random << 17;
    return pair->random >> 11;
}

static uint32_t between(struct pair *pair, uint32_t least, uint32_t most)
{
    return most > least ? least + (uint32_t)(draw(pair) % (most - least + 1ULL)) : least;
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Connections ---- */

static void close_hard(int fd)
{
    const struct linger hard = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    (void)close(fd);
}

static void drop(struct chaos_proxy *proxy, size_t index, bool hard)
{
    struct pair *pair = proxy->pairs[index];

    if (hard) {
        close_hard(pair->client);
        close_hard(pair->server);
    } else {
        (void)close(pair->client);
        (void)close(pair->server);
    }
    free(pair);
    proxy->pairs[index] = proxy->pairs[--proxy->pair_count];
}

static enum end draw_end(struct pair *pair)
{
    const struct chaos_options *options = &pair->options;
    uint64_t sum = (uint64_t)options->reset_weight + options->close_weight + options->half_open_weight;
    uint64_t at = sum ? draw(pair) % sum : 0;

    if (sum == 0 || at < options->reset_weight)
        return END_RESET;
    return at < (uint64_t)options->reset_weight + options->close_weight ? END_CLOSE : END_HALF_OPEN;
}

static void plan(struct pair *pair, const struct chaos_options *options, uint64_t number)
{
    pair->options = *options;
    pair->random = mix(options->seed * UINT64_C(1000003) + number);
    pair->bytes_left = -1;
    if (options->end_most_bytes > 0) {
        pair->bytes_left = between(pair, options->end_least_bytes, options->end_most_bytes);
        pair->end = draw_end(pair);
    }
}

static void no_delay(int fd)
{
    int yes = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

/* The server is local or near: waiting for it here is short. A throttled way keeps little in the kernel. */
static int connect_to(const struct chaos_proxy *proxy)
{
    const struct sockaddr_in *to = &proxy->to;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int small = BUFFER_SIZE;

    if (fd >= 0 && (proxy->options.bytes_per_s > 0 || proxy->options.client_reads_per_s > 0))
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    if (fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void take(struct chaos_proxy *proxy)
{
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = client >= 0 && proxy->pair_count < CHAOS_CONNECTIONS_MAX ? connect_to(proxy) : -1;
    struct pair *pair = server >= 0 ? calloc(1, sizeof(*pair)) : NULL;

    if (pair) {
        no_delay(client);
        no_delay(server);
        pair->client = client;
        pair->server = server;
        pair->up = (struct way){.from = client, .to = server, .filled_ms = now_ms()};
        pair->down = (struct way){.from = server, .to = client, .to_client = true, .filled_ms = now_ms()};
        plan(pair, &proxy->options, ++proxy->counts.connections);
        proxy->pairs[proxy->pair_count++] = pair;
        return;
    }
    proxy->counts.refused++;
    if (server >= 0)
        (void)close(server);
    if (client >= 0)
        close_hard(client);
}

/* ---- One way ---- */

static bool may_read(const struct pair *pair, const struct way *way)
{
    return !pair->half_open && !way->ended && way->size < BUFFER_SIZE && way->piece_count < PIECES_MAX;
}

/* False: an error, the connection is over. */
static bool read_piece(struct pair *pair, struct way *way)
{
    ssize_t size = recv(way->from, way->bytes + way->size, BUFFER_SIZE - way->size, MSG_DONTWAIT);

    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    if (size == 0) {
        way->ended = true;
        return true;
    }
    uint32_t delay_ms = between(pair, pair->options.delay_least_ms, pair->options.delay_most_ms);
    int64_t release_ms = now_ms() + delay_ms;
    if (way->piece_count > 0 && way->pieces[way->piece_count - 1].release_ms > release_ms)
        release_ms = way->pieces[way->piece_count - 1].release_ms;
    way->pieces[way->piece_count++] = (struct piece){release_ms, (size_t)size};
    way->size += (size_t)size;
    return true;
}

static uint32_t rate_of(const struct pair *pair, const struct way *way)
{
    if (way->to_client && pair->options.client_reads_per_s > 0)
        return pair->options.client_reads_per_s;
    return pair->options.bytes_per_s;
}

/* How much of the oldest piece may go now. */
static size_t sendable(struct pair *pair, struct way *way, int64_t now)
{
    uint32_t rate = rate_of(pair, way);

    if (rate > 0) {
        way->allowance += (double)rate * (double)(now - way->filled_ms) / 1000.0;
        if (way->allowance > (double)rate / 10.0 + 1.0)
            way->allowance = (double)rate / 10.0 + 1.0;
    }
    way->filled_ms = now;
    if (pair->half_open || way->piece_count == 0 || way->pieces[0].release_ms > now)
        return 0;
    size_t size = way->pieces[0].size;
    if (rate > 0 && (double)size > way->allowance)
        size = (size_t)way->allowance;
    if (pair->bytes_left >= 0 && size > (size_t)pair->bytes_left)
        size = (size_t)pair->bytes_left;
    return pair->options.split && size > 1 ? 1 : size;
}

static void passed(struct chaos_proxy *proxy, struct pair *pair, struct way *way, size_t size)
{
    memmove(way->bytes, way->bytes + size, way->size - size);
    way->size -= size;
    way->pieces[0].size -= size;
    if (way->pieces[0].size == 0)
        memmove(way->pieces, way->pieces + 1, --way->piece_count * sizeof(way->pieces[0]));
    if (rate_of(pair, way) > 0)
        way->allowance -= (double)size;
    if (pair->bytes_left >= 0)
        pair->bytes_left -= (int64_t)size;
    if (way->to_client)
        proxy->counts.server_bytes += size;
    else
        proxy->counts.client_bytes += size;
}

/* False: the other end doesn't take it any more. */
static bool send_due(struct chaos_proxy *proxy, struct pair *pair, struct way *way)
{
    int64_t now = now_ms();

    for (int burst = 0; burst < SPLIT_BURST; burst++) {
        size_t size = sendable(pair, way, now);
        ssize_t done = size > 0 ? send(way->to, way->bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
        if (done < 0)
            return errno == EAGAIN || errno == EINTR;
        if (done == 0)
            return true;
        passed(proxy, pair, way, (size_t)done);
    }
    return true;
}

/* ---- The loop ---- */

/* True while the pair lives. */
static bool end_if_due(struct chaos_proxy *proxy, size_t index)
{
    struct pair *pair = proxy->pairs[index];

    if (pair->bytes_left != 0 || pair->half_open)
        return true;
    if (pair->end == END_HALF_OPEN) {
        pair->half_open = true;
        proxy->counts.half_opens++;
        return true;
    }
    if (pair->end == END_RESET)
        proxy->counts.resets++;
    else
        proxy->counts.closes++;
    drop(proxy, index, pair->end == END_RESET);
    return false;
}

static bool is_over(const struct pair *pair)
{
    return (pair->up.ended && pair->up.size == 0) || (pair->down.ended && pair->down.size == 0);
}

static void serve(struct chaos_proxy *proxy, size_t index, short client_events, short server_events)
{
    struct pair *pair = proxy->pairs[index];
    bool good = true;

    if (client_events != 0 && may_read(pair, &pair->up))
        good = read_piece(pair, &pair->up);
    if (good && server_events != 0 && may_read(pair, &pair->down))
        good = read_piece(pair, &pair->down);
    good = good && send_due(proxy, pair, &pair->up) && send_due(proxy, pair, &pair->down);
    /* A half-open connection: one side has given up, which the other isn't told; it goes when that one does too. */
    if (pair->half_open && (client_events & (POLLHUP | POLLERR)) && (server_events & (POLLHUP | POLLERR)))
        good = false;
    if (!end_if_due(proxy, index))
        return;
    if (!good || (!pair->half_open && is_over(pair))) {
        proxy->counts.ended++;
        drop(proxy, index, !good);
    }
}

static int64_t wait_of(const struct pair *pair, const struct way *way, int64_t now)
{
    if (pair->half_open || way->piece_count == 0)
        return IDLE_POLL_MS;
    if (way->pieces[0].release_ms > now)
        return way->pieces[0].release_ms - now;
    return pair->options.split ? 0 : 5; /* throttled, or the other end is full */
}

static int fill_polled(struct chaos_proxy *proxy, struct pollfd *polled)
{
    int64_t now = now_ms();
    int64_t wait_ms = IDLE_POLL_MS;

    for (size_t i = 0; i < proxy->pair_count; i++) {
        const struct pair *pair = proxy->pairs[i];
        const struct way *ways[2] = {&pair->up, &pair->down};
        for (size_t j = 0; j < 2; j++) {
            int64_t way_wait_ms = wait_of(pair, ways[j], now);
            polled[2 * i + j] = (struct pollfd){.fd = ways[j]->from, .events = 0};
            if (may_read(pair, ways[j]))
                polled[2 * i + j].events = POLLIN;
            if (ways[j]->ended || pair->half_open)
                polled[2 * i + j].fd = -1 - polled[2 * i + j].fd; /* ignored: it would be ready for ever */
            wait_ms = way_wait_ms < wait_ms ? way_wait_ms : wait_ms;
        }
    }
    polled[2 * proxy->pair_count] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
    polled[2 * proxy->pair_count + 1] = (struct pollfd){.fd = proxy->wake[0], .events = POLLIN};
    return (int)wait_ms;
}

/* Half-open ones aren't polled; whether both ends have gone is looked up. */
static bool has_hung_up(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN | POLLRDHUP};

    return poll(&one, 1, 0) > 0 && (one.revents & (POLLHUP | POLLERR | POLLRDHUP));
}

static void forget_half_opens(struct chaos_proxy *proxy)
{
    for (size_t i = proxy->pair_count; i-- > 0;) {
        if (proxy->pairs[i]->half_open && has_hung_up(proxy->pairs[i]->client) && has_hung_up(proxy->pairs[i]->server))
            drop(proxy, i, false);
    }
}

static void drain(int fd)
{
    char bytes[64];

    while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        continue;
}

static void *run(void *context)
{
    struct chaos_proxy *proxy = context;
    struct pollfd polled[2 * CHAOS_CONNECTIONS_MAX + 2];

    (void)pthread_mutex_lock(&proxy->mutex);
    while (!proxy->stop) {
        size_t count = proxy->pair_count;
        int wait_ms = fill_polled(proxy, polled);
        (void)pthread_mutex_unlock(&proxy->mutex);
        (void)poll(polled, (nfds_t)(2 * count + 2), wait_ms);
        (void)pthread_mutex_lock(&proxy->mutex);
        drain(proxy->wake[0]);
        if (count != proxy->pair_count)
            continue; /* reset from outside meanwhile */
        for (size_t i = count; i-- > 0;)
            serve(proxy, i, polled[2 * i].revents, polled[2 * i + 1].revents);
        forget_half_opens(proxy);
        if (polled[2 * count].revents != 0)
            take(proxy);
    }
    while (proxy->pair_count > 0)
        drop(proxy, 0, true);
    (void)pthread_mutex_unlock(&proxy->mutex);
    return NULL;
}

/* ---- From outside ---- */

static bool fill_address(const char *address, uint16_t port, struct sockaddr_in *ret_address)
{
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &ret_address->sin_addr) == 1)
        return true;
    errno = EINVAL;
    return false;
}

static bool listen_on(struct chaos_proxy *proxy, const char *address, uint16_t port)
{
    struct sockaddr_in at;
    socklen_t size = sizeof(at);
    int yes = 1;

    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (proxy->listener < 0 || !fill_address(address, port, &at))
        return false;
    (void)setsockopt(proxy->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(proxy->listener, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(proxy->listener, CHAOS_CONNECTIONS_MAX) != 0 ||
        getsockname(proxy->listener, (struct sockaddr *)&at, &size) != 0)
        return false;
    proxy->port = ntohs(at.sin_port);
    return true;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

struct chaos_proxy *chaos_proxy_new(const char *address, uint16_t port, const char *to_address, uint16_t to_port,
                                    const struct chaos_options *options)
{
    struct chaos_proxy *proxy = calloc(1, sizeof(*proxy));

    if (!proxy)
        return NULL;
    proxy->listener = proxy->wake[0] = proxy->wake[1] = -1;
    proxy->options = *options;
    (void)pthread_mutex_init(&proxy->mutex, NULL);
    if (fill_address(to_address, to_port, &proxy->to) && listen_on(proxy, address, port) &&
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, proxy->wake) == 0 &&
        pthread_create(&proxy->thread, NULL, run, proxy) == 0)
        return proxy;
    int why = errno;
    close_if_open(proxy->listener);
    close_if_open(proxy->wake[0]);
    close_if_open(proxy->wake[1]);
    (void)pthread_mutex_destroy(&proxy->mutex);
    free(proxy);
    errno = why;
    return NULL;
}

/* With the mutex held. */
static void wake(struct chaos_proxy *proxy)
{
    (void)send(proxy->wake[1], "w", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)pthread_mutex_unlock(&proxy->mutex);
}

void chaos_proxy_free(struct chaos_proxy *proxy)
{
    if (!proxy)
        return;
    (void)pthread_mutex_lock(&proxy->mutex);
    proxy->stop = true;
    wake(proxy);
    (void)pthread_join(proxy->thread, NULL);
    (void)close(proxy->listener);
    (void)close(proxy->wake[0]);
    (void)close(proxy->wake[1]);
    (void)pthread_mutex_destroy(&proxy->mutex);
    free(proxy);
}

uint16_t chaos_proxy_port(const struct chaos_proxy *proxy)
{
    return proxy->port;
}

void chaos_proxy_set(struct chaos_proxy *proxy, const struct chaos_options *options, bool all)
{
    (void)pthread_mutex_lock(&proxy->mutex);
    proxy->options = *options;
    for (size_t i = 0; all && i < proxy->pair_count; i++)
        proxy->pairs[i]->options = *options;
    wake(proxy);
}

void chaos_proxy_move(struct chaos_proxy *proxy, uint16_t to_port)
{
    (void)pthread_mutex_lock(&proxy->mutex);
    proxy->to.sin_port = htons(to_port);
    wake(proxy);
}

void chaos_proxy_half_open(struct chaos_proxy *proxy)
{
    (void)pthread_mutex_lock(&proxy->mutex);
    for (size_t i = 0; i < proxy->pair_count; i++) {
        proxy->counts.half_opens += !proxy->pairs[i]->half_open;
        proxy->pairs[i]->half_open = true;
    }
    wake(proxy);
}

void chaos_proxy_reset(struct chaos_proxy *proxy)
{
    (void)pthread_mutex_lock(&proxy->mutex);
    while (proxy->pair_count > 0) {
        proxy->counts.resets++;
        drop(proxy, 0, true);
    }
    wake(proxy);
}

struct chaos_counts chaos_proxy_counts(struct chaos_proxy *proxy)
{
    (void)pthread_mutex_lock(&proxy->mutex);
    struct chaos_counts counts = proxy->counts;
    (void)pthread_mutex_unlock(&proxy->mutex);
    return counts;
}
