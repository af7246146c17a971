#include "server/edge/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct signals {
    pthread_t thread;
    struct loop_port port;
};

static void our_set(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGINT);
    sigaddset(ret_set, SIGHUP);
}

void signals_block(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    our_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* One to stop is enough: whoever can't wait for the grace period has SIGKILL. */
static void *run(void *context)
{
    struct signals *signals = context;
    struct note note = {.kind = NOTE_RELOAD};
    sigset_t set;
    int number;

    our_set(&set);
    while (note.kind == NOTE_RELOAD && sigwait(&set, &number) == 0) {
        note.kind = number == SIGHUP ? NOTE_RELOAD : NOTE_STOP;
        loop_port_send(&signals->port, note);
    }
    return NULL;
}

enum status signals_start(const struct loop_port *port, struct signals **ret_signals)
{
    struct signals *signals = calloc(1, sizeof(*signals));

    if (signals == NULL)
        return STATUS_NO_MEMORY;
    signals->port = *port;
    if (pthread_create(&signals->thread, NULL, run, signals) != 0) {
        free(signals);
        return STATUS_NO_MEMORY;
    }
    *ret_signals = signals;
    return STATUS_OK;
}

void signals_join(struct signals *signals)
{
    if (signals == NULL)
        return;
    /* When the loop ended for another reason, nobody has sent one. It ends a wait, not the thread: it is blocked. */
    pthread_kill(signals->thread, SIGTERM); /* NOLINT(bugprone-bad-signal-to-kill-thread,cert-pos44-c) */
    pthread_join(signals->thread, NULL);
    free(signals);
}
