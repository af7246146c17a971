/* The door, with real sockets: who waits, who enters, in which order, and who is let go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/edge/door.h"

#define GUESTS 40

struct house {
    uv_loop_t loop;
    struct door *door;
    struct log *log;
    unsigned places;
    bool open;
    int inside[GUESTS];
    unsigned entered;
    int guests[GUESTS];
    unsigned knocked;
};

static unsigned places(void *context)
{
    return ((struct house *)context)->places;
}

static bool may_enter(void *context)
{
    return ((struct house *)context)->open;
}

static void enter(void *context, int socket)
{
    struct house *house = context;

    house->inside[house->entered++] = socket;
}

static enum status open_door(struct house *house, uint16_t port, struct door **ret_door)
{
    const struct door_spec spec = {.loop = &house->loop,
                                   .address = "127.0.0.1",
                                   .port = port,
                                   .capacity = 32,
                                   .calls = {.places = places, .may_enter = may_enter, .enter = enter},
                                   .context = house,
                                   .log = house->log};

    return door_open(&spec, ret_door);
}

static int setup(void **state)
{
    struct house *house = calloc(1, sizeof(*house));

    house->places = 32;
    house->open = true;
    assert_int_equal(uv_loop_init(&house->loop), 0);
    assert_int_equal(log_new(LOG_ERROR, "/dev/null", &house->log), STATUS_OK);
    assert_int_equal(open_door(house, 0, &house->door), STATUS_OK);
    *state = house;
    return 0;
}

static void turn(struct house *house, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++)
        (void)uv_run(&house->loop, UV_RUN_NOWAIT);
}

static int teardown(void **state)
{
    struct house *house = *state;

    door_shut(house->door);
    turn(house, 2);
    door_free(house->door);
    for (unsigned i = 0; i < house->entered; i++)
        close(house->inside[i]);
    for (unsigned i = 0; i < house->knocked; i++)
        close(house->guests[i]);
    log_free(house->log);
    assert_int_equal(uv_loop_close(&house->loop), 0);
    free(house);
    return 0;
}

static void knock(struct house *house, unsigned count)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(door_port(house->door)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (unsigned i = 0; i < count; i++) {
        uint8_t number = (uint8_t)house->knocked;
        int guest = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(connect(guest, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(write(guest, &number, 1), 1);
        house->guests[house->knocked++] = guest;
    }
}

static bool is_let_go(int guest)
{
    struct pollfd poller = {.fd = guest, .events = POLLIN};

    return poll(&poller, 1, 0) == 1;
}

static void door__lets_in_so_many_a_turn_in_the_order_in_which_they_came(void **state)
{
    struct house *house = *state;
    unsigned before = 0;

    knock(house, 20);
    for (unsigned turns = 0; turns < 10; turns++) {
        turn(house, 1);
        assert_true(house->entered - before <= DOOR_TURN_MAX);
        before = house->entered;
    }
    assert_int_equal(house->entered, 20);
    for (unsigned i = 0; i < 20; i++) {
        uint8_t number = 255;

        assert_int_equal(read(house->inside[i], &number, 1), 1);
        assert_int_equal(number, i);
    }
    assert_int_equal(door_count(house->door), 0);
}

static void door__keeps_them_until_there_is_room(void **state)
{
    struct house *house = *state;

    house->open = false;
    knock(house, 5);
    turn(house, 3);
    door_tick(house->door, uv_now(&house->loop));
    turn(house, 3);
    assert_int_equal(house->entered, 0);
    assert_int_equal(door_count(house->door), 5);
    house->open = true;
    door_go_on(house->door);
    turn(house, 2);
    assert_int_equal(house->entered, 5);
}

/* Who waits holds a place: more than there are places for are let go at once. */
static void door__sends_away_those_for_whom_there_is_no_place(void **state)
{
    struct house *house = *state;

    house->open = false;
    house->places = 3;
    knock(house, 5);
    turn(house, 3);
    assert_int_equal(door_count(house->door), 3);
    assert_false(is_let_go(house->guests[2]));
    assert_true(is_let_go(house->guests[3]));
    assert_true(is_let_go(house->guests[4]));
    house->places = 1000;
    knock(house, GUESTS - 5);
    turn(house, 3);
    assert_int_equal(door_count(house->door), 32); /* its capacity */
}

static void door__lets_those_go_who_have_waited_for_too_long(void **state)
{
    struct house *house = *state;
    uint64_t came_ms;

    house->open = false;
    uv_update_time(&house->loop);
    came_ms = uv_now(&house->loop);
    knock(house, 2);
    turn(house, 2);
    door_tick(house->door, came_ms + DOOR_WAIT_MAX_MS - 1);
    assert_int_equal(door_count(house->door), 2);
    door_tick(house->door, uv_now(&house->loop) + DOOR_WAIT_MAX_MS);
    assert_int_equal(door_count(house->door), 0);
    assert_true(is_let_go(house->guests[0]) && is_let_go(house->guests[1]));
    house->open = true;
    knock(house, 1);
    turn(house, 3);
    assert_int_equal(house->entered, 1);
}

static void door__says_when_the_port_is_taken(void **state)
{
    struct house *house = *state;
    struct door *other = NULL;

    assert_int_equal(open_door(house, door_port(house->door), &other), STATUS_NETWORK);
    assert_null(other);
}

static void door__that_is_shut_lets_everybody_go(void **state)
{
    struct house *house = *state;

    house->open = false;
    knock(house, 3);
    turn(house, 2);
    door_shut(house->door);
    turn(house, 2);
    for (unsigned i = 0; i < 3; i++)
        assert_true(is_let_go(house->guests[i]));
    door_tick(house->door, uv_now(&house->loop));
    door_go_on(house->door);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(door__lets_in_so_many_a_turn_in_the_order_in_which_they_came),
        CASE(door__keeps_them_until_there_is_room),
        CASE(door__sends_away_those_for_whom_there_is_no_place),
        CASE(door__lets_those_go_who_have_waited_for_too_long),
        CASE(door__says_when_the_port_is_taken),
        CASE(door__that_is_shut_lets_everybody_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
