/*
 * A doublecrewd of its own for a test: a folder with certificates from certs/, a training store with one force, one team,
 * an offender manager, a supervisor and an operator; started, stopped, killed, and its log read.
 */
#ifndef DOUBLECREW_TESTS_LIB_SERVER_FIXTURE_H
#define DOUBLECREW_TESTS_LIB_SERVER_FIXTURE_H

#include <sys/types.h>

#include "tests/lib/server_device.h"

#define SERVER_FIXTURE_COLLEAGUES_MAX 8

struct server_fixture {
    char folder[64];
    char ca[96]; /* the server's and the devices' issuer, as certs/ leaves it */
    char config[96];
    char log[96];
    char extra_config[256]; /* appended to the configuration: more sections; set before server_fixture_start */
    struct sign_key *checkpoint_key;
    struct server_device operator_device;
    struct server_device officer;
    struct server_device supervisor;
    struct server_device stranger;                                  /* has a certificate, isn't enrolled */
    struct server_device colleagues[SERVER_FIXTURE_COLLEAGUES_MAX]; /* more offender managers of the team */
    unsigned colleague_count;
    pid_t pid; /* 0: not running */
    uint16_t port;
};

/* DOUBLECREWD, DOUBLECREW_CERTS: as the build sets them. Makes the folder and the store; nothing runs yet. */
void server_fixture_make(struct server_fixture *fixture);
void server_fixture_make_with(struct server_fixture *fixture, unsigned colleagues);
void server_fixture_remove(struct server_fixture *fixture);
/* Writes the configuration and starts the server; fails the test unless it says that it is ready. */
void server_fixture_start(struct server_fixture *fixture);
/* Starts a server that is expected not to: returns its exit code, and what it said on standard error. */
int server_fixture_start_fails(struct server_fixture *fixture, char *ret_said, size_t size);
/* The configuration with one text replaced. */
void server_fixture_write_config(struct server_fixture *fixture, const char *from, const char *to);
/* Sends the signal (0: none), waits; returns the exit code, or minus the signal. */
int server_fixture_stop(struct server_fixture *fixture, int signal_number);

/* While it runs: the operator enrols this device for an officer, as after a loss (its id, log and keys are its own). */
void server_fixture_enrol(struct server_fixture *fixture, struct server_device *device, const struct id *officer);

/* Of the device's certificate, as its enrolment names it. */
struct hash server_fixture_key_hash(const struct server_device *device);

/* Connects with a device's certificate. */
struct ws_client *server_fixture_connect(struct server_fixture *fixture, const struct server_device *device);
/* Connects with these certificate files (NULL: none): true when the upgrade succeeded. */
bool server_fixture_try(struct server_fixture *fixture, const char *certificate, const char *key);
/* Waits up to 5 s for the count-th log line that holds both texts. */
void server_fixture_expect_log(struct server_fixture *fixture, const char *event, const char *detail, unsigned count);

#endif
