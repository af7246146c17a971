/*
 * doublecrewd --config FILE [--ready-file FILE]: the server. Wiring only.
 * Exit codes: 0 stopped gracefully; 1 other; 2 usage or configuration; 3 store and mode don't go together; 4 store.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/edge/server.h"
#include "server/edge/signals.h"
#include "server/edge/store_sqlite.h"

#define USAGE                                                                                                          \
    "Usage: doublecrewd --config FILE [--ready-file FILE]\n"                                                           \
    "  --config FILE      the configuration; doublecrewd.conf.example explains every key\n"                            \
    "  --ready-file FILE  is written once the server accepts connections\n"                                            \
    "  --version, --help\n"

struct arguments {
    const char *config;
    const char *ready_file;
};

/* -1: go on; otherwise the exit code. */
static int read_arguments(int count, char **values, struct arguments *ret_arguments)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"ready-file", required_argument, NULL, 'r'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(count, values, "", options, NULL)) != -1) {
        if (option == 'c') {
            ret_arguments->config = optarg;
        } else if (option == 'r') {
            ret_arguments->ready_file = optarg;
        } else if (option == 'v') {
            puts("doublecrewd " DOUBLECREW_VERSION);
            return 0;
        } else {
            fputs(USAGE, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (ret_arguments->config != NULL && optind == count)
        return -1;
    fputs(USAGE, stderr);
    return 2;
}

static int exit_code(enum status status)
{
    switch (status) {
    case STATUS_CONFIG:
    case STATUS_TLS:
        return 2;
    case STATUS_STORE_MODE:
        return 3;
    case STATUS_STORE:
    case STATUS_STORE_BUSY:
    case STATUS_STORE_VERSION:
    case STATUS_IO:
    case STATUS_DISK_FULL:
        return 4;
    default:
        return 1;
    }
}

/* Written beside and renamed: whoever waits for the file never reads half of it. */
static enum status write_ready_file(const char *file, const char *line)
{
    char beside[CONFIG_PATH_MAX];
    FILE *stream;
    bool written;

    if (snprintf(beside, sizeof(beside), "%s.new", file) >= (int)sizeof(beside))
        return STATUS_OVER_LIMIT;
    stream = fopen(beside, "we");
    if (stream == NULL)
        return STATUS_IO;
    written = fputs(line, stream) >= 0;
    written = fclose(stream) == 0 && written;
    return written && rename(beside, file) == 0 ? STATUS_OK : STATUS_IO;
}

static enum status say_ready(const struct server *server, struct log *log, const char *ready_file)
{
    char line[64];

    snprintf(line, sizeof(line), "{\"event\":\"ready\",\"port\":%u}\n", server_port(server));
    fputs(line, stdout);
    fflush(stdout);
    LOG(log, LOG_INFO, "ready", log_number("port", server_port(server)), log_number("pid", getpid()));
    return ready_file == NULL ? STATUS_OK : write_ready_file(ready_file, line);
}

static int serve(const struct config *config, struct log *log, const char *ready_file)
{
    struct server *server = NULL;
    struct config_error error;
    enum status status = server_open(config, log, &server, &error);

    if (status == STATUS_OK) {
        status = say_ready(server, log, ready_file);
        if (status != STATUS_OK)
            snprintf(error.text, sizeof(error.text), "--ready-file %.600s cannot be written", ready_file);
    }
    if (status == STATUS_OK) {
        server_run(server);
    } else {
        fprintf(stderr, "doublecrewd: %s\n", error.text);
        LOG(log, LOG_ERROR, "start_failed", log_status("error", status));
    }
    server_close(server);
    if (status == STATUS_OK)
        LOG_EVENT(log, LOG_INFO, "stopped");
    return status == STATUS_OK ? 0 : exit_code(status);
}

int main(int count, char **values)
{
    struct arguments arguments = {0};
    struct config config;
    struct config_error error;
    struct log *log;
    int code = read_arguments(count, values, &arguments);

    if (code >= 0)
        return code;
    signals_block();
    store_sqlite_start();
    if (config_load(arguments.config, &config, &error) != STATUS_OK) {
        fprintf(stderr, "doublecrewd: %s\n", error.text);
        return 2;
    }
    if (log_new(config.log_level, config.log_file[0] == '\0' ? NULL : config.log_file, &log) != STATUS_OK) {
        fprintf(stderr, "doublecrewd: log.file: %s cannot be opened for writing\n", config.log_file);
        return 2;
    }
    code = serve(&config, log, arguments.ready_file);
    log_free(log);
    return code;
}
