/*
 * Running Doublecrew's other programs: doublecrewctl to its end, doublecrewd as a child that can be stopped or killed.
 * Programs are found by DOUBLECREWCTL and DOUBLECREWD in the environment, else beside this one.
 */
#ifndef DOUBLECREW_CLIENT_SIM_PROCESS_H
#define DOUBLECREW_CLIENT_SIM_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_PATH_MAX 1024

/* Runs doublecrewctl with the arguments (NULL-terminated, without argv[0]). Its output is shown only when it fails. */
bool process_run_ctl(const char *const *arguments);

/* The same, and what it printed; the caller frees. NULL when it failed. */
char *process_read_ctl(const char *const *arguments);

struct server_process {
    pid_t pid; /* 0: not running */
    char config[PROCESS_PATH_MAX];
    char ready[PROCESS_PATH_MAX];
    char log[PROCESS_PATH_MAX];
    uint16_t port;
};

/* folder: a force's folder with doublecrewd.conf. Waits until it is ready (at most 20 s); complains itself. */
bool server_start(struct server_process *server, const char *folder);
/* SIGKILL, as a power cut to the process would be. */
void server_kill(struct server_process *server);
/* SIGTERM; waits for a graceful end (at most 10 s, then SIGKILL). True when it ended well. */
bool server_stop(struct server_process *server);

/* A port of 127.0.0.1 that was free a moment ago; 0 when there is none. */
uint16_t process_free_port(void);
/* A new folder under TMPDIR (else /tmp), mode 0700. */
bool process_scratch(char ret_path[PROCESS_PATH_MAX], const char *purpose);
/* Removes a folder and all in it. */
void process_remove_tree(const char *path);

#endif
