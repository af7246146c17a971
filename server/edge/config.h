/*
 * The configuration file: INI, every key known, nothing guessed. Wrong or missing keys are an error that names the file,
 * the line, the key and what is allowed. Paths that aren't absolute are relative to the file's folder.
 * doublecrewd.conf.example lists every key.
 */
#ifndef DOUBLECREW_SERVER_EDGE_CONFIG_H
#define DOUBLECREW_SERVER_EDGE_CONFIG_H

#include "core/bytes.h"
#include "server/edge/log.h"

#define CONFIG_PATH_MAX 1024
#define CONFIG_ADDRESS_MAX 64

struct config {
    char listen[CONFIG_ADDRESS_MAX];
    uint16_t port; /* 0: any free one */
    unsigned max_connections;
    char certificate[CONFIG_PATH_MAX];
    char key[CONFIG_PATH_MAX];
    char client_ca[CONFIG_PATH_MAX];
    char crl[CONFIG_PATH_MAX]; /* empty: none */
    unsigned
        expired_grace_days; /* a device's certificate may be past its date for so long, to push only (D1); 0: never */
    char store[CONFIG_PATH_MAX];
    char journal_copy[CONFIG_PATH_MAX]; /* a folder, best on another disk; empty: none (E2) */
    char checkpoint_key[CONFIG_PATH_MAX];
    bool training;
    unsigned training_rate; /* training seconds in a real one; 0: the clock moves by steps alone */
    enum log_level log_level;
    char log_file[CONFIG_PATH_MAX]; /* empty: standard error */
    unsigned credit_entries;
    bool push_deflate; /* pushes may come deflated, and Welcome says so */
    unsigned keep_alive_s;
    unsigned hello_timeout_s;
    unsigned slow_reader_s;
    unsigned output_kib; /* that may wait for one reader */
    unsigned stop_grace_s;
    unsigned connection_kib; /* of memory for one connection, all in all */
    unsigned admit_per_s;    /* sessions let in, at a steady rate and at once */
    unsigned admit_burst;
    unsigned answer_s;              /* for each wait on the server's own threads */
    unsigned clock_disagreement_ms; /* T5 */
};

struct config_error {
    char text[CONFIG_PATH_MAX + 512]; /* one sentence for a person */
};

/* CONFIG, or NOT_FOUND when the file can't be read; ret_error says why. */
MUST_USE enum status config_load(const char *file, struct config *ret_config, struct config_error *ret_error);

#endif
