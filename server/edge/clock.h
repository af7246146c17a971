/*
 * The server's clock (J2, T5): the wall clock, watched by the boot clock; in training mode the simulator's steps instead.
 * Readable by any thread.
 */
#ifndef DOUBLECREW_SERVER_EDGE_CLOCK_H
#define DOUBLECREW_SERVER_EDGE_CLOCK_H

#include "core/bytes.h"

struct clock_reading {
    int64_t server_us;  /* since 1970 UTC; in trouble by the boot clock; in training mode the simulator's time */
    int64_t real_us;    /* monotonic, counts sleep */
    bool clock_trouble; /* never in training mode */
};

struct clock;

/* Where time comes from; the deterministic simulation has its own. Functions NULL: the system's clocks. */
struct clock_source {
    int64_t (*wall_us)(void *context); /* since 1970 UTC; may jump */
    int64_t (*boot_us)(void *context); /* monotonic, counts sleep */
    void *context;
};

struct clock_setup {
    struct clock_source source;
    bool training;
    unsigned training_rate;  /* training seconds that pass in a real one; 0: it moves by steps alone */
    int64_t journal_us;      /* time of the journal's last record; a training clock stands there at first */
    bool doubted;            /* the last records came in trouble: a restart alone doesn't end it */
    int64_t disagreement_us; /* T5: beyond this the two clocks contradict each other */
};

MUST_USE enum status clock_new(const struct clock_setup *setup, struct clock **ret_clock);
void clock_free(struct clock *clock);
/* An operator says that the wall clock is right as it stands: trouble ends, whatever was said before. */
void clock_accept_wall(struct clock *clock);
struct clock_reading clock_read(struct clock *clock);
/* Training only. Earlier than it stands: nothing happens, it never goes back. */
void clock_step(struct clock *clock, int64_t now_us);

/* Real microseconds until the clock will show due_us by itself; 0: it does; -1: never, it moves by steps alone. */
int64_t clock_real_until_us(struct clock *clock, int64_t due_us);

int64_t clock_wall_us(void);
int64_t clock_boot_us(void);
/*
 * The judgement, pure (T5). Wall and boot clock were believed together once; they contradict each other when the wall has
 * stepped by more than the limit since, or stands before what the journal has recorded. In trouble time goes on by the
 * boot clock from the last good reading, and never back.
 */
struct clock_watch {
    bool believed; /* the wall has agreed with the journal since the start */
    bool doubted;
    int64_t limit_us;
    int64_t base_us;  /* wall - boot when they were believed */
    int64_t good_us;  /* wall - boot at the last good reading; in trouble from the start: by the journal */
    int64_t floor_us; /* the latest time told */
};

struct clock_watch clock_watch_start(const struct clock_setup *setup, int64_t wall_us, int64_t boot_us);
struct clock_reading clock_watch_read(struct clock_watch *watch, int64_t wall_us, int64_t boot_us);
void clock_watch_accept_wall(struct clock_watch *watch, int64_t wall_us, int64_t boot_us);

#endif
