#include "client-sim/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_WAIT_MS 20000
#define STOP_WAIT_MS 10000
#define POLL_MS 10
#define ARGUMENTS_MAX 24

static void sleep_ms(long duration_ms)
{
    struct timespec duration = {.tv_sec = duration_ms / 1000, .tv_nsec = duration_ms % 1000 * 1000000};

    nanosleep(&duration, NULL);
}

static bool find_program(const char *variable, const char *name, char ret_path[PROCESS_PATH_MAX])
{
    const char *chosen = getenv(variable);
    char self[PROCESS_PATH_MAX - 64];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (chosen != NULL) {
        snprintf(ret_path, PROCESS_PATH_MAX, "%s", chosen);
    } else if (size > 0) {
        self[size] = '\0';
        char *slash = strrchr(self, '/');
        if (slash != NULL)
            *slash = '\0';
        snprintf(ret_path, PROCESS_PATH_MAX, "%s/%s", self, name);
    } else
        return false;
    if (access(ret_path, X_OK) == 0)
        return true;
    fprintf(stderr, "doublecrew-sim: %s is not there: build it first (./run build), or set %s\n", ret_path, variable);
    return false;
}

/* In the child: output to a file, arguments copied since execv wants them writable. */
static void become(const char *program, const char *const *arguments, const char *output)
{
    char *argv[ARGUMENTS_MAX + 2];
    size_t count = 0;
    int fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);

    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing is left running, however the simulator ends */
    argv[count++] = strdup(program);
    while (*arguments != NULL && count < ARGUMENTS_MAX + 1)
        argv[count++] = strdup(*arguments++);
    argv[count] = NULL;
    execv(program, argv);
    _exit(127);
}

static void show_file(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file) != NULL)
        fprintf(stderr, "  %s", line);
    fclose(file);
}

static bool ended_well(pid_t pid)
{
    int result = 0;

    while (waitpid(pid, &result, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    return WIFEXITED(result) && WEXITSTATUS(result) == 0;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;

    if (file == NULL)
        return NULL;
    if (getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = strdup("");
    }
    fclose(file);
    return text;
}

/* ret_output may be NULL. */
static bool run_ctl(const char *const *arguments, char **ret_output)
{
    char program[PROCESS_PATH_MAX];
    char output[] = "/tmp/doublecrew-sim-XXXXXX";
    int fd = mkstemp(output);

    if (fd < 0 || !find_program("DOUBLECREWCTL", "doublecrewctl", program))
        return false;
    close(fd);

    pid_t pid = fork();

    if (pid == 0)
        become(program, arguments, output);

    bool good = pid > 0 && ended_well(pid);

    if (!good) {
        fprintf(stderr, "doublecrew-sim: doublecrewctl %s failed:\n", arguments[0]);
        show_file(output);
    }
    if (good && ret_output != NULL)
        *ret_output = read_file(output);
    unlink(output);
    return good;
}

bool process_run_ctl(const char *const *arguments)
{
    return run_ctl(arguments, NULL);
}

char *process_read_ctl(const char *const *arguments)
{
    char *output = NULL;

    return run_ctl(arguments, &output) ? output : NULL;
}

static bool read_port(const char *path, uint16_t *ret_port)
{
    char text[512] = "";
    FILE *file = fopen(path, "re");
    long port = 0;

    if (file == NULL)
        return false;
    if (fgets(text, sizeof(text), file) == NULL)
        text[0] = '\0';
    fclose(file);

    const char *at = strstr(text, "\"port\":");

    port = strtol(at != NULL ? at + 7 : text, NULL, 10);
    *ret_port = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

static bool wait_until_ready(struct server_process *server)
{
    for (int waited_ms = 0; waited_ms < READY_WAIT_MS; waited_ms += POLL_MS) {
        if (read_port(server->ready, &server->port))
            return true;
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            server->pid = 0;
            break;
        }
        sleep_ms(POLL_MS);
    }
    fprintf(stderr, "doublecrew-sim: the server did not get ready; its log (%s):\n", server->log);
    show_file(server->log);
    server_kill(server);
    return false;
}

bool server_start(struct server_process *server, const char *folder)
{
    char program[PROCESS_PATH_MAX];

    if (strlen(folder) > PROCESS_PATH_MAX - 64 || !find_program("DOUBLECREWD", "doublecrewd", program))
        return false;
    snprintf(server->config, sizeof(server->config), "%s/doublecrewd.conf", folder);
    snprintf(server->ready, sizeof(server->ready), "%s/server.ready", folder);
    snprintf(server->log, sizeof(server->log), "%s/doublecrewd.log", folder);
    unlink(server->ready);

    const char *const arguments[] = {"--config", server->config, "--ready-file", server->ready, NULL};

    server->pid = fork();
    if (server->pid == 0)
        become(program, arguments, server->log);
    if (server->pid < 0) {
        server->pid = 0;
        return false;
    }
    return wait_until_ready(server);
}

void server_kill(struct server_process *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

bool server_stop(struct server_process *server)
{
    int result = 0;

    if (server->pid <= 0)
        return true;
    kill(server->pid, SIGTERM);
    for (int waited_ms = 0; waited_ms < STOP_WAIT_MS; waited_ms += POLL_MS) {
        if (waitpid(server->pid, &result, WNOHANG) == server->pid) {
            server->pid = 0;
            if (WIFEXITED(result) && WEXITSTATUS(result) == 0)
                return true;
            fprintf(stderr, "doublecrew-sim: the server ended badly; its log (%s):\n", server->log);
            show_file(server->log);
            return false;
        }
        sleep_ms(POLL_MS);
    }
    fprintf(stderr, "doublecrew-sim: the server did not stop within %d s\n", STOP_WAIT_MS / 1000);
    server_kill(server);
    return false;
}

uint16_t process_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint16_t port = 0;

    if (fd < 0)
        return 0;
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        port = ntohs(address.sin_port);
    close(fd);
    return port;
}

bool process_scratch(char ret_path[PROCESS_PATH_MAX], const char *purpose)
{
    const char *base = getenv("TMPDIR");

    snprintf(ret_path, PROCESS_PATH_MAX, "%s/doublecrew-%s-XXXXXX", base != NULL ? base : "/tmp", purpose);
    if (mkdtemp(ret_path) != NULL)
        return true;
    fprintf(stderr, "doublecrew-sim: no folder could be made at %s: %s\n", ret_path, strerror(errno));
    return false;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

void process_remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
