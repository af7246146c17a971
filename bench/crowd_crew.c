#include "bench/crowd_crew.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/machine.h"

#define FILES_SPARE 64u
#define LOOK_EVERY_MS 20
#define SHARE_MAX 15000u /* of one process */

struct told {
    size_t live;
    size_t failed;
};

static void take_message(void *context, struct crowd_client *client, struct span message)
{
    struct crowd_page page;

    (void)context;
    (void)crowd_take_page(client, message, &page);
}

/* In the child. */
static void stay(const struct crowd_spec *asked, size_t from, size_t count, int home, int tells)
{
    struct crowd_spec spec = *asked;
    struct crowd *crowd = NULL;
    struct pollfd gone = {.fd = home, .events = POLLIN};
    bool told = false;

    spec.calls = (struct crowd_calls){.message = take_message};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (crowd_new(&spec, &crowd) != STATUS_OK || crowd_set_out(crowd, from, count) != STATUS_OK)
        _exit(1);
    while (poll(&gone, 1, 0) == 0) {
        const struct crowd_figures *figures = crowd_figures(crowd);
        const struct told all = {.live = figures->live, .failed = figures->failed};

        crowd_run(crowd, 20);
        if (!told && figures->live + figures->failed == count)
            told = write(tells, &all, sizeof(all)) == sizeof(all);
    }
    _exit(0);
}

static enum status start_one(const struct crowd_spec *spec, size_t from, size_t count, struct crowd_crew *crew)
{
    int home[2];
    int tells[2];
    pid_t pid;

    if (pipe(home) != 0)
        return STATUS_IO;
    if (pipe(tells) != 0) {
        (void)close(home[0]);
        (void)close(home[1]);
        return STATUS_IO;
    }
    pid = fork();
    if (pid == 0) {
        for (size_t i = 0; i < crew->count; i++)
            (void)close(crew->members[i].home);
        (void)close(home[1]);
        (void)close(tells[0]);
        stay(spec, from, count, home[0], tells[1]);
    }
    (void)close(home[0]);
    (void)close(tells[1]);
    crew->members[crew->count].pid = pid;
    crew->members[crew->count].home = home[1];
    crew->members[crew->count].tells = tells[0];
    crew->count++;
    return pid < 0 ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status wait_for(int tells, double until_s, struct crowd *meanwhile)
{
    struct pollfd said = {.fd = tells, .events = POLLIN};
    struct told told;

    while (poll(&said, 1, LOOK_EVERY_MS) == 0 && machine_now_s() < until_s) {
        if (meanwhile != NULL)
            crowd_run(meanwhile, 0);
    }
    if (said.revents == 0) {
        fprintf(stderr, "bench: not everybody got in in time: no figures\n");
        return STATUS_TIMEOUT;
    }
    if (read(tells, &told, sizeof(told)) != sizeof(told) || told.failed > 0) {
        fprintf(stderr, "bench: somebody was refused for good: no figures\n");
        return STATUS_NETWORK;
    }
    return STATUS_OK;
}

enum status crowd_crew_start(const struct crowd_spec *spec, size_t from, size_t count, int wait_s,
                             struct crowd *meanwhile, struct crowd_crew *ret_crew)
{
    struct crowd_crew crew = {.count = 0};
    double until_s = machine_now_s() + wait_s;
    enum status status = STATUS_OK;

    if (machine_raise_files(SHARE_MAX + FILES_SPARE) < SHARE_MAX + FILES_SPARE || count > SHARE_MAX * CROWD_CREW_MAX) {
        fprintf(stderr, "bench: the load needs %u open files: raise the limit (ulimit -n)\n", SHARE_MAX + FILES_SPARE);
        return STATUS_CONFIG;
    }
    for (size_t done = 0; done < count && status == STATUS_OK; done += SHARE_MAX)
        status = start_one(spec, from + done, count - done < SHARE_MAX ? count - done : SHARE_MAX, &crew);
    for (size_t i = 0; i < crew.count && status == STATUS_OK; i++)
        status = wait_for(crew.members[i].tells, until_s, meanwhile);
    if (status == STATUS_OK)
        *ret_crew = crew;
    else
        crowd_crew_end(&crew);
    return status;
}

void crowd_crew_end(struct crowd_crew *crew)
{
    for (size_t i = 0; i < crew->count; i++)
        (void)close(crew->members[i].home);
    for (size_t i = 0; i < crew->count; i++) {
        (void)close(crew->members[i].tells);
        if (crew->members[i].pid > 0)
            (void)waitpid(crew->members[i].pid, NULL, 0);
    }
    crew->count = 0;
}
