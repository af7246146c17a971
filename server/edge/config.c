#include "server/edge/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum key_kind { KEY_PATH, KEY_NUMBER, KEY_PORT, KEY_SWITCH, KEY_ADDRESS, KEY_LEVEL };

struct key {
    const char *section;
    const char *name;
    enum key_kind kind;
    size_t offset; /* in struct config */
    bool required;
    unsigned lowest; /* KEY_NUMBER: range and default */
    unsigned highest;
    unsigned otherwise; /* of a number; of a switch 1: yes */
};

#define PATH_KEY(section, name, member, required)                                                                      \
    {                                                                                                                  \
        section, name, KEY_PATH, offsetof(struct config, member), required, 0, 0, 0                                    \
    }
#define NUMBER_KEY(section, name, member, lowest, highest, otherwise)                                                  \
    {                                                                                                                  \
        section, name, KEY_NUMBER, offsetof(struct config, member), false, lowest, highest, otherwise                  \
    }

static const struct key keys[] = {
    {"server", "listen", KEY_ADDRESS, offsetof(struct config, listen), false, 0, 0, 0},
    {"server", "port", KEY_PORT, offsetof(struct config, port), true, 0, 65535, 0},
    NUMBER_KEY("server", "max_connections", max_connections, 1, 100000, 4096),
    PATH_KEY("tls", "certificate", certificate, true),
    PATH_KEY("tls", "key", key, true),
    PATH_KEY("tls", "client_ca", client_ca, true),
    PATH_KEY("tls", "crl", crl, false),
    NUMBER_KEY("tls", "expired_grace_days", expired_grace_days, 0, 365, 90),
    PATH_KEY("store", "path", store, true),
    PATH_KEY("store", "journal_copy", journal_copy, false),
    PATH_KEY("trust", "checkpoint_key", checkpoint_key, true),
    {"mode", "training", KEY_SWITCH, offsetof(struct config, training), false, 0, 0, 0},
    NUMBER_KEY("mode", "training_rate", training_rate, 0, 86400, 0),
    {"log", "level", KEY_LEVEL, offsetof(struct config, log_level), false, 0, 0, 0},
    PATH_KEY("log", "file", log_file, false),
    NUMBER_KEY("limits", "credit_entries", credit_entries, 256, 65536, 1024),
    {"limits", "push_deflate", KEY_SWITCH, offsetof(struct config, push_deflate), false, 0, 0, 1},
    NUMBER_KEY("limits", "keep_alive_s", keep_alive_s, 1, 3600, 25),
    NUMBER_KEY("limits", "hello_timeout_s", hello_timeout_s, 1, 300, 10),
    NUMBER_KEY("limits", "slow_reader_s", slow_reader_s, 1, 600, 30),
    NUMBER_KEY("limits", "output_kib", output_kib, 1024, 65536, 2048),
    NUMBER_KEY("limits", "stop_grace_s", stop_grace_s, 1, 60, 5),
    NUMBER_KEY("limits", "connection_kib", connection_kib, 4096, 262144, 8192),
    NUMBER_KEY("limits", "admit_per_s", admit_per_s, 1, 10000, 200),
    NUMBER_KEY("limits", "admit_burst", admit_burst, 1, 10000, 400),
    NUMBER_KEY("limits", "answer_s", answer_s, 1, 600, 60),
    NUMBER_KEY("limits", "clock_disagreement_ms", clock_disagreement_ms, 100, 60000, 5000),
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

/* inih hands a line of at most 199 characters on and cuts longer ones: so lines are read here, and long ones refused. */
#define LINE_MAX_SIZE 199

struct loading {
    FILE *stream;
    const char *file;
    size_t folder_size; /* of file, with the slash; 0: none */
    int line;
    int failed_line; /* 0: none */
    bool seen[KEY_COUNT];
    struct config config;
    struct config_error *error;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct loading *loading, const char *format, ...);

static int refuse(struct loading *loading, const char *format, ...)
{
    va_list arguments;
    int size;

    if (loading->failed_line != 0)
        return 0;
    loading->failed_line = loading->line;
    size = snprintf(loading->error->text, sizeof(loading->error->text), "%s:%d: ", loading->file, loading->line);
    va_start(arguments, format);
    vsnprintf(loading->error->text + size, sizeof(loading->error->text) - (size_t)size, format, arguments);
    va_end(arguments);
    return 0;
}

static int set_path(struct loading *loading, const struct key *key, const char *value, char *at)
{
    size_t folder = value[0] == '/' ? 0 : loading->folder_size;

    if (value[0] == '\0' && !key->required)
        return 1;
    if (value[0] == '\0')
        return refuse(loading, "%s.%s is empty: give the path of a file", key->section, key->name);
    if (folder + strlen(value) + 1 > CONFIG_PATH_MAX)
        return refuse(loading, "%s.%s is too long: at most %d characters with the folder", key->section, key->name,
                      CONFIG_PATH_MAX - 1);
    memcpy(at, loading->file, folder);
    memcpy(at + folder, value, strlen(value) + 1);
    return 1;
}

static bool read_number(const char *value, unsigned lowest, unsigned highest, unsigned *ret_number)
{
    char *end;
    unsigned long number;

    if (value[0] < '0' || value[0] > '9')
        return false;
    errno = 0;
    number = strtoul(value, &end, 10);
    if (errno != 0 || *end != '\0' || number < lowest || number > highest)
        return false;
    *ret_number = (unsigned)number;
    return true;
}

static int set_number(struct loading *loading, const struct key *key, const char *value, void *at)
{
    unsigned number;
    uint16_t port;

    if (!read_number(value, key->lowest, key->highest, &number))
        return refuse(loading, "%s.%s is '%.40s': a whole number from %u to %u is allowed", key->section, key->name,
                      value, key->lowest, key->highest);
    if (key->kind == KEY_PORT) {
        port = (uint16_t)number;
        memcpy(at, &port, sizeof(port));
    } else {
        memcpy(at, &number, sizeof(number));
    }
    return 1;
}

static int set_switch(struct loading *loading, const struct key *key, const char *value, bool *at)
{
    bool yes = strcmp(value, "yes") == 0;

    if (!yes && strcmp(value, "no") != 0)
        return refuse(loading, "%s.%s is '%.40s': yes or no is allowed", key->section, key->name, value);
    *at = yes;
    return 1;
}

static int set_address(struct loading *loading, const struct key *key, const char *value, char *at)
{
    struct in6_addr parsed;

    if (strlen(value) >= CONFIG_ADDRESS_MAX ||
        (inet_pton(AF_INET, value, &parsed) != 1 && inet_pton(AF_INET6, value, &parsed) != 1))
        return refuse(loading, "%s.%s is '%.40s': an address such as 127.0.0.1, 0.0.0.0 or ::1 is allowed",
                      key->section, key->name, value);
    memcpy(at, value, strlen(value) + 1);
    return 1;
}

static int set_level(struct loading *loading, const struct key *key, const char *value, enum log_level *at)
{
    if (!log_level_from_name(value, at))
        return refuse(loading, "%s.%s is '%.40s': error, warning, info or debug is allowed", key->section, key->name,
                      value);
    return 1;
}

static int set(struct loading *loading, const struct key *key, const char *value)
{
    char *at = (char *)&loading->config + key->offset;

    switch (key->kind) {
    case KEY_PATH:
        return set_path(loading, key, value, at);
    case KEY_NUMBER:
    case KEY_PORT:
        return set_number(loading, key, value, at);
    case KEY_SWITCH:
        return set_switch(loading, key, value, (bool *)(void *)at);
    case KEY_ADDRESS:
        return set_address(loading, key, value, at);
    case KEY_LEVEL:
        return set_level(loading, key, value, (enum log_level *)(void *)at);
    }
    return 0;
}

/* inih's handler: 0 is an error. */
static int on_key(void *context, const char *section, const char *name, const char *value)
{
    struct loading *loading = context;

    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].name, name) != 0)
            continue;
        if (loading->seen[i])
            return refuse(loading, "%s.%s is given twice, or its value runs over two lines", section, name);
        loading->seen[i] = true;
        return set(loading, &keys[i], value == NULL ? "" : value);
    }
    return refuse(loading, "%.60s.%.60s is not a known key: doublecrewd.conf.example lists them", section, name);
}

static char *read_line(char *text, int size, void *context)
{
    struct loading *loading = context;
    char *line = fgets(text, size, loading->stream);

    if (line == NULL)
        return NULL;
    loading->line++;
    if (strchr(line, '\n') == NULL && !feof(loading->stream))
        refuse(loading, "the line is too long: at most %d characters are allowed", LINE_MAX_SIZE - 1);
    return line;
}

static enum status check_required(struct loading *loading)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (keys[i].required && !loading->seen[i]) {
            snprintf(loading->error->text, sizeof(loading->error->text),
                     "%s: %s.%s is missing: add it below [%s]; doublecrewd.conf.example shows how", loading->file,
                     keys[i].section, keys[i].name, keys[i].section);
            return STATUS_CONFIG;
        }
    }
    return STATUS_OK;
}

static void set_defaults(struct config *config)
{
    memset(config, 0, sizeof(*config));
    snprintf(config->listen, sizeof(config->listen), "127.0.0.1");
    config->log_level = LOG_INFO;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (keys[i].kind == KEY_NUMBER)
            memcpy((char *)config + keys[i].offset, &keys[i].otherwise, sizeof(keys[i].otherwise));
        if (keys[i].kind == KEY_SWITCH)
            *(bool *)(void *)((char *)config + keys[i].offset) = keys[i].otherwise != 0;
    }
}

static enum status parse(struct loading *loading)
{
    int wrong_line = ini_parse_stream(read_line, loading, on_key, loading);

    if (wrong_line > 0 && (loading->failed_line == 0 || wrong_line < loading->failed_line)) {
        loading->failed_line = 0;
        loading->line = wrong_line;
        refuse(loading, "neither a [section], a key = value, nor a # comment");
    }
    if (loading->failed_line != 0)
        return STATUS_CONFIG;
    return check_required(loading);
}

enum status config_load(const char *file, struct config *ret_config, struct config_error *ret_error)
{
    struct loading loading = {.file = file, .error = ret_error};
    const char *slash = strrchr(file, '/');
    enum status status;

    loading.folder_size = slash == NULL ? 0 : (size_t)(slash - file) + 1;
    set_defaults(&loading.config);
    loading.stream = fopen(file, "re");
    if (loading.stream == NULL) {
        snprintf(ret_error->text, sizeof(ret_error->text), "%s: cannot be read: %s", file, strerror(errno));
        return STATUS_NOT_FOUND;
    }
    status = parse(&loading);
    fclose(loading.stream);
    if (status == STATUS_OK)
        *ret_config = loading.config;
    return status;
}
