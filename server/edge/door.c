#include "server/edge/door.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel holds it to net.core.somaxconn; it only has to last for a turn of the loop. */
#define BACKLOG 4096
/* Taken from the kernel at once. */
#define TAKEN_MAX 256u
/* What is let go unheard is said at most once in this time. */
#define SAID_EVERY_MS 1000u

struct waiting {
    int socket;
    uint64_t since_ms; /* the loop's */
};

struct door {
    struct door_spec spec;
    int listener;
    uv_poll_t poll;
    uv_idle_t turn;         /* runs while somebody may enter */
    struct waiting *places; /* a ring of spec.capacity */
    unsigned first;
    unsigned count;
    bool rests; /* no descriptor was left: until the next tick */
    bool shut;
    unsigned late; /* let go and not yet said */
    unsigned turned_away;
    uint64_t said_ms;
};

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static int take_first(struct door *door)
{
    int socket = door->places[door->first].socket;

    door->first = (door->first + 1) % door->spec.capacity;
    door->count--;
    return socket;
}

/* One turn: some enter, and then the loop serves all others. */
static void on_turn(uv_idle_t *turn)
{
    struct door *door = turn->data;
    const struct door_calls *calls = &door->spec.calls;
    unsigned entered = 0;

    while (entered < DOOR_TURN_MAX && door->count > 0 && calls->may_enter(door->spec.context)) {
        calls->enter(door->spec.context, take_first(door));
        entered++;
    }
    if (entered < DOOR_TURN_MAX)
        uv_idle_stop(turn);
}

static void take_in(struct door *door, int socket)
{
    unsigned at = (door->first + door->count) % door->spec.capacity;
    int on = 1;

    if (door->count >= door->spec.capacity || door->count >= door->spec.calls.places(door->spec.context)) {
        door->turned_away++;
        close(socket);
        return;
    }
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    door->places[at] = (struct waiting){.socket = socket, .since_ms = uv_now(door->spec.loop)};
    door->count++;
}

static void on_knock(uv_poll_t *poll, int status, int events)
{
    struct door *door = poll->data;
    unsigned taken = 0;
    int socket = 0;

    (void)status;
    (void)events;
    while (taken < TAKEN_MAX && (socket = accept4(door->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        take_in(door, socket);
        taken++;
    }
    if (socket < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        door->rests = true; /* the kernel keeps them; asking again at once would only keep the loop busy */
        uv_poll_stop(&door->poll);
    }
    door_go_on(door);
}

static int listen_on(const struct door_spec *spec)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    const int yes = 1;
    struct addrinfo *address = NULL;
    char port[8];
    int fd;

    (void)snprintf(port, sizeof(port), "%u", spec->port);
    if (getaddrinfo(spec->address, port, &hints, &address) != 0)
        return -1;
    fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
                    bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(address);
    return fd;
}

static enum status start(struct door *door)
{
    door->listener = listen_on(&door->spec);
    if (door->listener < 0)
        return STATUS_NETWORK;
    if (uv_poll_init(door->spec.loop, &door->poll, door->listener) != 0) {
        close(door->listener);
        return STATUS_NO_MEMORY;
    }
    (void)uv_idle_init(door->spec.loop, &door->turn); /* these two can't fail */
    door->poll.data = door;
    door->turn.data = door;
    (void)uv_poll_start(&door->poll, UV_READABLE, on_knock);
    return STATUS_OK;
}

enum status door_open(const struct door_spec *spec, struct door **ret_door)
{
    struct door *door = calloc(1, sizeof(*door));
    enum status status = STATUS_NO_MEMORY;

    if (door == NULL)
        return STATUS_NO_MEMORY;
    door->spec = *spec;
    door->places = calloc(spec->capacity, sizeof(*door->places));
    if (door->places != NULL)
        status = start(door);
    if (status != STATUS_OK) {
        free(door->places);
        free(door);
        return status;
    }
    *ret_door = door;
    return STATUS_OK;
}

/* The port stands at the same place in both kinds of address. */
_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port), "one place");

uint16_t door_port(const struct door *door)
{
    struct sockaddr_in6 address = {.sin6_port = 0};
    socklen_t size = sizeof(address);

    return getsockname(door->listener, (struct sockaddr *)&address, &size) == 0 ? ntohs(address.sin6_port) : 0;
}

unsigned door_count(const struct door *door)
{
    return door->count;
}

void door_go_on(struct door *door)
{
    if (!door->shut && door->count > 0 && !uv_is_active((uv_handle_t *)&door->turn))
        (void)uv_idle_start(&door->turn, on_turn);
}

static void say(struct door *door, uint64_t now_ms)
{
    if ((door->late == 0 && door->turned_away == 0) || now_ms - door->said_ms < SAID_EVERY_MS)
        return;
    door->said_ms = now_ms;
    if (door->turned_away > 0)
        LOG(door->spec.log, LOG_WARNING, "connection_limit", log_number("max_connections", door->spec.capacity),
            log_number("turned_away", door->turned_away));
    if (door->late > 0)
        LOG(door->spec.log, LOG_WARNING, "handshake_limit", log_number("turned_away", door->late));
    door->turned_away = 0;
    door->late = 0;
}

void door_tick(struct door *door, uint64_t now_ms)
{
    if (door->shut)
        return;
    while (door->count > 0 && now_ms - door->places[door->first].since_ms >= DOOR_WAIT_MAX_MS) {
        close(take_first(door));
        door->late++;
    }
    if (door->rests) {
        door->rests = false;
        (void)uv_poll_start(&door->poll, UV_READABLE, on_knock);
    }
    say(door, now_ms);
    door_go_on(door);
}

void door_shut(struct door *door)
{
    if (door->shut)
        return;
    door->shut = true;
    while (door->count > 0)
        close(take_first(door));
    close_handle((uv_handle_t *)&door->poll);
    close_handle((uv_handle_t *)&door->turn);
    close(door->listener);
}

void door_free(struct door *door)
{
    if (door == NULL)
        return;
    free(door->places);
    free(door);
}
