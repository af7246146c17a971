/*
 * A bad network between real sockets: a TCP proxy that delays, splits, throttles and breaks what passes, by seed. TLS passes
 * through. What befalls the n-th connection follows from the seed and n alone; when it does, also from the two ends.
 *
 * A thread of its own; the functions may be called from any thread.
 */
#ifndef DOUBLECREW_CLIENT_SIM_CHAOS_PROXY_H
#define DOUBLECREW_CLIENT_SIM_CHAOS_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#define CHAOS_CONNECTIONS_MAX 256

/* All zero: everything passes as it is. */
struct chaos_options {
    uint64_t seed;
    uint32_t delay_least_ms; /* of each piece that arrives, in order */
    uint32_t delay_most_ms;
    uint32_t bytes_per_s;        /* each way; 0: no limit */
    uint32_t client_reads_per_s; /* the way to the client alone; 0: as bytes_per_s */
    bool split;                  /* one byte at a time, both ways */
    /* A connection's end comes after so many bytes, both ways together, drawn between the two; most 0: never. */
    uint32_t end_least_bytes;
    uint32_t end_most_bytes;
    /* How it ends, by weight; all 0: reset. */
    uint32_t reset_weight;     /* RST to both */
    uint32_t close_weight;     /* FIN to both, in the middle of a message as likely as not */
    uint32_t half_open_weight; /* nothing passes any more; both sockets stay */
};

struct chaos_counts {
    uint64_t connections;
    uint64_t refused; /* the server wasn't there */
    uint64_t resets;
    uint64_t closes;
    uint64_t half_opens;
    uint64_t ended;        /* by one of its ends, not by the proxy */
    uint64_t client_bytes; /* passed on, from the client and to it */
    uint64_t server_bytes;
};

struct chaos_proxy;

/* Listens on address:port (0: a free one); connects each client to to_address:to_port. IPv4. NULL: it can't; see errno. */
struct chaos_proxy *chaos_proxy_new(const char *address, uint16_t port, const char *to_address, uint16_t to_port,
                                    const struct chaos_options *options);
/* Resets what is open. NULL is fine. */
void chaos_proxy_free(struct chaos_proxy *proxy);
uint16_t chaos_proxy_port(const struct chaos_proxy *proxy);
/* For connections from now on; with `all`, for present ones too, but for their end. */
void chaos_proxy_set(struct chaos_proxy *proxy, const struct chaos_options *options, bool all);
/* The server has started again elsewhere. */
void chaos_proxy_move(struct chaos_proxy *proxy, uint16_t to_port);
/* Every present connection, now. */
void chaos_proxy_half_open(struct chaos_proxy *proxy);
void chaos_proxy_reset(struct chaos_proxy *proxy);
struct chaos_counts chaos_proxy_counts(struct chaos_proxy *proxy);

#endif
