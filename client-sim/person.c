#include "client-sim/person.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A phone had been running for a day when the scenario begins. */
#define BOOTED_BEFORE_MS (24 * 3600 * INT64_C(1000))
/* Real time: short, since a scenario's retries should not keep anybody waiting. */
#define RETRY_FIRST_MS 20
#define RETRY_LONGEST_MS 200

int64_t real_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool read_hex(const char *text, uint8_t *ret_bytes, size_t size)
{
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};
        char *end = NULL;
        ret_bytes[i] = (uint8_t)strtoul(digits, &end, 16);
        if (end != digits + 2)
            return false;
    }
    return true;
}

static int on_setting(void *context, const char *section, const char *name, const char *value)
{
    struct package *package = context;
    const struct {
        const char *section;
        const char *name;
        uint8_t *bytes;
        size_t size;
    } keys[] = {
        {"device", "device_id", package->device.bytes, 16},   {"device", "log_id", package->log.bytes, 16},
        {"device", "officer_id", package->officer.bytes, 16}, {"trust", "force_id", package->force.bytes, 16},
        {"trust", "server_key", package->server_key, 32},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
            return read_hex(value, keys[i].bytes, keys[i].size);
    }
    if (strcmp(section, "trust") == 0 && strcmp(name, "operator_key") == 0) {
        package->operator_key_size = strlen(value) / 2;
        return package->operator_key_size > 1 && package->operator_key_size <= sizeof(package->operator_key) &&
               read_hex(value, package->operator_key, package->operator_key_size);
    }
    if (strcmp(section, "device") == 0 && strcmp(name, "officer_code") == 0)
        snprintf(package->officer_code, sizeof(package->officer_code), "%s", value);
    if (strcmp(section, "device") == 0 && strcmp(name, "role") == 0)
        snprintf(package->role, sizeof(package->role), "%s", value);
    if (strcmp(section, "server") == 0 && strcmp(name, "host") == 0)
        snprintf(package->host, sizeof(package->host), "%s", value);
    if (strcmp(section, "server") == 0 && strcmp(name, "name") == 0)
        snprintf(package->name, sizeof(package->name), "%s", value);
    if (strcmp(section, "server") == 0 && strcmp(name, "port") == 0)
        package->port = (uint16_t)strtol(value, NULL, 10);
    return 1;
}

bool phone_package_read(const char *folder, struct package *ret_package)
{
    char path[PERSON_PATH_MAX];
    struct package package = {.port = 0};

    snprintf(package.folder, sizeof(package.folder), "%s", folder);
    snprintf(path, sizeof(path), "%.900s/device.conf", folder);

    int line = ini_parse(path, on_setting, &package);

    if (line == 0 && package.host[0] != '\0') {
        *ret_package = package;
        return true;
    }
    if (line < 0)
        fprintf(stderr, "doublecrew-sim: %s can't be opened: give a device package made by 'doublecrewctl enrol'\n",
                path);
    else
        fprintf(stderr, "doublecrew-sim: %s:%d: not a whole device package: make it again with 'doublecrewctl enrol'\n",
                path, line);
    return false;
}

static int64_t now_of(const struct sim_clock *clock)
{
    return clock->runs ? real_us() / 1000 + clock->ahead_ms : clock->now_ms;
}

static void clock_boot(void *context, struct dc_id *ret_boot)
{
    const struct person *person = context;

    *ret_boot = person->boot;
}

static uint64_t clock_monotonic(void *context)
{
    const struct person *person = context;

    return (uint64_t)(now_of(person->clock) - person->boot_started_ms);
}

static int64_t clock_wall(void *context)
{
    const struct person *person = context;

    return now_of(person->clock) + person->wall_offset_ms;
}

static uint64_t clock_timer(void *context)
{
    (void)context;
    return (uint64_t)(real_us() / 1000);
}

static void on_event(void *context, struct dc_device *device, const struct dc_event *event)
{
    (void)device;
    person_sees(context, event);
}

static char *read_text(const char *path)
{
    char *text = calloc(1, 4096);
    FILE *file = fopen(path, "re");

    if (file != NULL && text != NULL && fread(text, 1, 4095, file) > 0) {
        fclose(file);
        return text;
    }
    if (file != NULL)
        fclose(file);
    free(text);
    fprintf(stderr, "doublecrew-sim: %s can't be read\n", path);
    return NULL;
}

static enum dc_status open_device(struct person *person, struct dc_loop *loop, const char *signing_pem)
{
    struct dc_config config;
    const struct package *package = &person->package;
    char store[PERSON_PATH_MAX + 32];
    char ca[PERSON_PATH_MAX + 32];
    char certificate[PERSON_PATH_MAX + 32];
    char key[PERSON_PATH_MAX + 32];

    snprintf(store, sizeof(store), "%s/device.db", package->folder);
    snprintf(ca, sizeof(ca), "%s/ca.pem", package->folder);
    snprintf(certificate, sizeof(certificate), "%s/certificate.pem", package->folder);
    snprintf(key, sizeof(key), "%s/key.pem", package->folder);
    dc_config_init(&config);
    config.store_path = store;
    /* A simulated phone has no key store: the sealed store's key is fixed, and seals nothing but invented data. */
    memset(config.storage_key, 0x5a, sizeof(config.storage_key));
    config.force = package->force;
    config.device = package->device;
    config.log = package->log;
    config.officer = package->officer;
    memcpy(config.server_key, package->server_key, sizeof(config.server_key));
    if (package->operator_key_size > 0) {
        config.operator_algorithm = (enum dc_algorithm)package->operator_key[0];
        config.operator_key_size = package->operator_key_size - 1;
        memcpy(config.operator_key, package->operator_key + 1, config.operator_key_size);
    }
    config.host = package->host;
    config.port = person->port;
    config.server_name = package->name;
    config.ca_path = ca;
    config.certificate_path = certificate;
    config.key_path = key;
    config.app_version = "doublecrew-sim";
    config.signing_key_pem = signing_pem;
    config.clock = (struct dc_clock){.context = person,
                                     .boot_id = clock_boot,
                                     .monotonic_ms = clock_monotonic,
                                     .wall_ms = clock_wall,
                                     .timer_ms = clock_timer};
    config.event_context = person;
    config.on_event = on_event;
    config.seal_delay_ms = 0; /* virtual time: the silence has passed by the next step */
    config.retry_first_ms = RETRY_FIRST_MS;
    config.retry_longest_ms = RETRY_LONGEST_MS;
    return dc_device_open(loop, &config, &person->device);
}

static bool open_again(struct person *person, struct dc_loop *loop)
{
    char path[PERSON_PATH_MAX + 32];

    snprintf(path, sizeof(path), "%s/signing.pem", person->package.folder);

    char *pem = read_text(path);

    if (pem == NULL)
        return false;

    enum dc_status status = open_device(person, loop, pem);

    explicit_bzero(pem, strlen(pem));
    free(pem);
    if (status == DC_OK)
        return true;
    fprintf(stderr, "doublecrew-sim: the device of %s can't be opened: %s. %s.\n", person->package.officer_code,
            dc_status_what(status), dc_status_advice(status));
    return false;
}

/* Different for each boot of each device, and the same in each play. */
static void next_boot(struct person *person)
{
    person->boot = person->package.device;
    person->boots++;
    for (size_t i = 0; i < 8; i++)
        person->boot.bytes[8 + i] ^= (uint8_t)(person->boots >> (8 * i));
}

bool person_open(struct person *person, struct dc_loop *loop, struct sim_clock *clock, const char *folder,
                 uint16_t port)
{
    if (!phone_package_read(folder, &person->package))
        return false;
    person->clock = clock;
    person->port = port != 0 ? port : person->package.port;
    person->boot_started_ms = clock->now_ms - BOOTED_BEFORE_MS;
    next_boot(person);
    return open_again(person, loop);
}

void person_close(struct person *person)
{
    dc_device_close(person->device);
    person->device = NULL;
}

bool person_reboot(struct person *person, struct dc_loop *loop)
{
    person_close(person);
    next_boot(person);
    person->boot_started_ms = person->clock->now_ms;
    if (!open_again(person, loop))
        return false;
    return !person->wants_online || dc_sync_start(person->device) == DC_OK;
}
