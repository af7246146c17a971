/*
 * The server's clock (J2, T5): the wall clock, watched by the boot clock; in training mode the simulator's steps instead.
 * Readable by any thread.
 */
#ifndef DOUBLECREW_SERVER_EDGE_CLOCK_H
#define DOUBLECREW_SERVER_EDGE_CLOCK_H

#include "core/bytes.h"

/* T5: beyond this the two clocks contradict each other. */
#define CLOCK_DISAGREEMENT_MAX_US ((int64_t)5 * 1000 * 1000)

struct clock_reading {
    int64_t server_us;  /* since 1970 UTC; in training mode the simulator's time */
    int64_t real_us;    /* monotonic, counts sleep */
    bool clock_trouble; /* never in training mode */
};

struct clock;

/*
 * training_start_us: where a training clock stands at first. training_rate: how many of its seconds pass in a real one; 0:
 * it moves by steps alone. Both are ignored outside training.
 */
MUST_USE enum status clock_new(bool training, int64_t training_start_us, unsigned training_rate,
                               struct clock **ret_clock);
void clock_free(struct clock *clock);
struct clock_reading clock_read(struct clock *clock);
/* Training only. Earlier than it stands: nothing happens, it never goes back. */
void clock_step(struct clock *clock, int64_t now_us);

/* Real microseconds until the clock will show due_us by itself; 0: it does; -1: never, it moves by steps alone. */
int64_t clock_real_until_us(struct clock *clock, int64_t due_us);

int64_t clock_wall_us(void);
int64_t clock_boot_us(void);
/* Pure: whether wall and boot time have drifted apart since they were first read together. */
bool clock_disagrees(int64_t wall_0_us, int64_t boot_0_us, int64_t wall_us, int64_t boot_us);

#endif
