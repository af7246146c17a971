/* doublecrew-sim chaos: a bad network on the command line, between real phones and a real server, until interrupted. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-sim/chaos_proxy.h"
#include "client-sim/command.h"

struct place {
    char address[64];
    uint16_t port;
};

struct wanted {
    struct place listen;
    struct place to;
    struct chaos_options options;
};

static const char usage[] = "Usage: doublecrew-sim chaos --listen ADDRESS:PORT --to ADDRESS:PORT [OPTION...]\n"
                            "  --seed N           what befalls which connection (1)\n"
                            "  --delay MIN-MAX    milliseconds for each piece that passes\n"
                            "  --rate N           bytes a second, each way\n"
                            "  --split            one byte at a time\n"
                            "  --cut MIN-MAX      end each connection after so many bytes\n"
                            "  --how R,C,H        how connections end, by weight: reset, close, half-open (1,0,0)\n"
                            "Addresses are IPv4, as 127.0.0.1:8443. Ctrl-C ends it and prints what happened.\n";

static bool read_place(const char *text, struct place *ret_place)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(ret_place->address))
        return false;
    errno = 0;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (errno != 0 || *end != '\0' || end == colon + 1 || port > UINT16_MAX)
        return false;
    memcpy(ret_place->address, text, (size_t)(colon - text));
    ret_place->address[colon - text] = '\0';
    ret_place->port = (uint16_t)port;
    return true;
}

/* Numbers between the separator, count of them, and nothing else. */
static bool read_numbers(const char *text, char separator, size_t count, uint32_t *ret_numbers)
{
    for (size_t i = 0; i < count; i++) {
        char *end = NULL;
        if (*text < '0' || *text > '9')
            return false;
        errno = 0;
        unsigned long number = strtoul(text, &end, 10);
        if (errno != 0 || number > UINT32_MAX || *end != (i + 1 < count ? separator : '\0'))
            return false;
        ret_numbers[i] = (uint32_t)number;
        text = end + 1;
    }
    return true;
}

static bool read_value(struct wanted *wanted, const char *name, const char *value)
{
    struct chaos_options *options = &wanted->options;
    uint32_t numbers[3] = {0};
    bool good = false;

    if (strcmp(name, "--listen") == 0)
        return read_place(value, &wanted->listen);
    if (strcmp(name, "--to") == 0)
        return read_place(value, &wanted->to);
    if (strcmp(name, "--seed") == 0 && (good = read_numbers(value, '\0', 1, numbers)))
        options->seed = numbers[0];
    if (strcmp(name, "--rate") == 0 && (good = read_numbers(value, '\0', 1, numbers)))
        options->bytes_per_s = numbers[0];
    if (strcmp(name, "--delay") == 0 && (good = read_numbers(value, '-', 2, numbers))) {
        options->delay_least_ms = numbers[0];
        options->delay_most_ms = numbers[1];
    }
    if (strcmp(name, "--cut") == 0 && (good = read_numbers(value, '-', 2, numbers))) {
        options->end_least_bytes = numbers[0];
        options->end_most_bytes = numbers[1];
    }
    if (strcmp(name, "--how") == 0 && (good = read_numbers(value, ',', 3, numbers))) {
        options->reset_weight = numbers[0];
        options->close_weight = numbers[1];
        options->half_open_weight = numbers[2];
    }
    return good;
}

static bool read_arguments(int argc, char **argv, struct wanted *ret_wanted)
{
    *ret_wanted = (struct wanted){.options = {.seed = 1}};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--split") == 0) {
            ret_wanted->options.split = true;
            continue;
        }
        if (i + 1 >= argc || !read_value(ret_wanted, argv[i], argv[i + 1])) {
            fprintf(stderr, "doublecrew-sim chaos: '%s' isn't understood\n", argv[i]);
            return false;
        }
        i++;
    }
    return ret_wanted->listen.address[0] != '\0' && ret_wanted->to.address[0] != '\0';
}

static void print_counts(const struct chaos_counts *counts)
{
    printf("connections %" PRIu64 ", refused %" PRIu64 ", reset %" PRIu64 ", closed %" PRIu64 ", half-open %" PRIu64
           ", ended by their ends %" PRIu64 "; bytes up %" PRIu64 ", down %" PRIu64 "\n",
           counts->connections, counts->refused, counts->resets, counts->closes, counts->half_opens, counts->ended,
           counts->client_bytes, counts->server_bytes);
}

int command_chaos(int argc, char **argv)
{
    struct wanted wanted;
    sigset_t ends;
    int signal_number;

    if (!read_arguments(argc, argv, &wanted)) {
        fputs(usage, stderr);
        return 2;
    }
    /* Before the proxy's thread, which inherits it: the signal is waited for here. */
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &ends, NULL);
    struct chaos_proxy *proxy =
        chaos_proxy_new(wanted.listen.address, wanted.listen.port, wanted.to.address, wanted.to.port, &wanted.options);
    if (proxy == NULL) {
        fprintf(stderr, "doublecrew-sim chaos: can't listen on %s:%u: %s\n", wanted.listen.address, wanted.listen.port,
                strerror(errno));
        return 1;
    }
    printf("%s:%u goes to %s:%u, seed %" PRIu64 "\n", wanted.listen.address, chaos_proxy_port(proxy), wanted.to.address,
           wanted.to.port, wanted.options.seed);
    (void)fflush(stdout);
    (void)sigwait(&ends, &signal_number);
    struct chaos_counts counts = chaos_proxy_counts(proxy);
    chaos_proxy_free(proxy);
    print_counts(&counts);
    return 0;
}
