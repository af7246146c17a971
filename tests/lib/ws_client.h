/*
 * A WebSocket client of the tests' own, on plain OpenSSL: blocking, and free to misbehave: unmasked frames, fragments,
 * bad opcodes, one byte at a time, hanging up in the middle. It shares no code with the server.
 */
#ifndef DOUBLECREW_TESTS_LIB_WS_CLIENT_H
#define DOUBLECREW_TESTS_LIB_WS_CLIENT_H

#include "core/bytes.h"

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

struct ws_options {
    uint16_t port;
    const char *ca;          /* PEM of who issued the server's certificate */
    const char *certificate; /* NULL: none */
    const char *key;
    const char *path;        /* NULL: /sync */
    const char *subprotocol; /* NULL: doublecrew.v1; "": none */
    const char *upgrade;     /* NULL: websocket */
    int tls_version_max;     /* 0: newest; else as SSL_CTX_set_max_proto_version takes it */
    int receive_buffer;      /* 0: the system's; else SO_RCVBUF */
};

struct ws_client;

/* TCP, TLS, upgrade. NETWORK: refused at any of them; ret_http_status is 0 unless an HTTP answer came. */
MUST_USE enum status ws_client_open(const struct ws_options *options, struct ws_client **ret_client,
                                    int *ret_http_status);
/* Hangs up without a word. */
void ws_client_free(struct ws_client *client);

struct ws_frame {
    enum ws_opcode opcode;
    bool unmasked;
    bool not_final;
    uint8_t reserved_bits; /* 0..7 */
    size_t chunk;          /* bytes a TLS record; 0: all in one */
};

MUST_USE enum status ws_client_send_frame(struct ws_client *client, const struct ws_frame *frame, struct span payload);
/* One masked, final, binary frame. */
MUST_USE enum status ws_client_send(struct ws_client *client, struct span payload);
/* Bytes as they are. */
MUST_USE enum status ws_client_send_raw(struct ws_client *client, struct span bytes);

struct ws_message {
    enum ws_opcode opcode; /* binary, or close */
    uint8_t *bytes;        /* the caller frees */
    size_t size;
    uint16_t close_code;
};

/* The next whole message; answers pings by itself. TIMEOUT; NETWORK: the connection has ended. */
MUST_USE enum status ws_client_receive(struct ws_client *client, int timeout_ms, struct ws_message *ret_message);
/* The most that came in one TLS record so far. */
size_t ws_client_largest_record(const struct ws_client *client);

#endif
