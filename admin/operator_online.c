#include "admin/operator_online.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "admin/command.h"
#include "core/sha256.h"
#include "device/doublecrew.h"

/* Without an acknowledgement for so long it is given up: the server takes a push within seconds. */
#define ONLINE_WAIT_S 60

struct online {
    enum dc_status last_error;
    char last_text[256];
    char held[128];
};

static void on_event(void *context, struct dc_device *device, const struct dc_event *event)
{
    struct online *online = context;

    (void)device;
    if (event->type == DC_EVENT_ERROR) {
        online->last_error = event->status;
        snprintf(online->last_text, sizeof(online->last_text), "%s. %s", event->text, event->advice);
    }
    if (event->type == DC_EVENT_HELD)
        snprintf(online->held, sizeof(online->held), "entry %llu is held: %s", (unsigned long long)event->seq,
                 event->text);
}

/* The local store's key is derived from nothing secret but the package: it protects no more than the package itself. */
static enum status storage_key(const struct force_folder *folder, uint8_t ret_key[DC_STORAGE_KEY_SIZE])
{
    char path[PATH_SIZE];
    char *pem = NULL;
    size_t size = 0;
    struct sha256 *sha = NULL;
    struct hash hash;
    enum status status = path_join(path, folder->online, "signing.pem");

    if (status == STATUS_OK)
        status = file_read(path, &pem, &size);
    if (status == STATUS_OK)
        status = sha256_new(&sha);
    if (status == STATUS_OK) {
        const struct span parts[] = {span_of("doublecrewctl storage key", 26), span_of(pem, size)};
        status = sha256_parts(sha, parts, 2, &hash);
    }
    if (status == STATUS_OK)
        memcpy(ret_key, hash.bytes, DC_STORAGE_KEY_SIZE);
    sha256_free(sha);
    if (pem != NULL)
        explicit_bzero(pem, size);
    free(pem);
    return status;
}

struct online_paths {
    char store[PATH_SIZE];
    char ca[PATH_SIZE];
    char certificate[PATH_SIZE];
    char key[PATH_SIZE];
};

static enum status online_paths(const struct force_folder *folder, struct online_paths *ret_paths)
{
    enum status status = path_join(ret_paths->store, folder->online, "device.db");

    if (status == STATUS_OK)
        status = path_join(ret_paths->ca, folder->online, "ca.pem");
    if (status == STATUS_OK)
        status = path_join(ret_paths->certificate, folder->online, "certificate.pem");
    if (status == STATUS_OK)
        status = path_join(ret_paths->key, folder->online, "key.pem");
    return status;
}

/* The port in use: the server writes it to server.ready when the configuration leaves the choice to the system. */
static uint16_t server_port(const struct force_folder *folder, const struct force_facts *facts)
{
    char path[PATH_SIZE];
    char *text = NULL;
    size_t size = 0;
    long port = facts->port;

    if (port == 0 && path_join(path, folder->root, "server.ready") == STATUS_OK &&
        file_read(path, &text, &size) == STATUS_OK) {
        const char *at = strstr(text, "\"port\":");
        port = at != NULL ? strtol(at + 7, NULL, 10) : 0;
    }
    free(text);
    return port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

static enum dc_status append_all(struct dc_device *device, const struct operator_entries *entries, size_t *ret_count)
{
    enum dc_status status = DC_OK;
    size_t count = 0;

    while (count < entries->count && status == DC_OK) {
        const struct operator_entry *entry = &entries->items[count];
        status = dc_append(device, entry->kind, entry->message, entry->size, NULL);
        count += status == DC_OK ? 1 : 0;
    }
    *ret_count = count;
    return status;
}

/* Until all is acknowledged, the session is over for good, or nothing has moved for ONLINE_WAIT_S. */
static enum dc_status wait_for_acks(struct dc_loop *loop, struct dc_device *device, struct online *online)
{
    struct dc_sync_status sync;
    enum dc_status status = dc_sync_start(device);
    time_t moved = time(NULL);
    uint64_t durable_seq = 0;

    dc_sync_status(device, &sync);
    while (status == DC_OK && sync.pending_entries > 0 && sync.state != DC_SYNC_CLOSED &&
           online->last_error != DC_NOT_PERMITTED && time(NULL) < moved + ONLINE_WAIT_S) {
        status = dc_loop_run(loop, 200);
        dc_sync_status(device, &sync);
        if (sync.durable_seq != durable_seq)
            moved = time(NULL);
        durable_seq = sync.durable_seq;
    }
    return status;
}

static enum status send_all(struct dc_loop *loop, struct dc_device *device, struct online *online)
{
    struct dc_sync_status sync;
    enum dc_status status = wait_for_acks(loop, device, online);

    dc_sync_status(device, &sync);
    if (online->held[0] != '\0') {
        complain("the server keeps what was sent, but %s", online->held);
        return STATUS_NOT_PERMITTED;
    }
    if (status == DC_OK && sync.pending_entries == 0)
        return STATUS_OK;
    complain("%llu entries are not acknowledged yet: %s. They are kept, and sent with the next command. %s",
             (unsigned long long)sync.pending_entries,
             online->last_error != DC_OK ? online->last_text : sync.reason_text, sync.advice);
    return STATUS_TIMEOUT;
}

/* *ret_status: what came of it, unless nothing was recorded at all. */
static enum dc_status use_device(struct dc_loop *loop, const struct dc_config *config,
                                 const struct operator_entries *entries, struct online *online, enum status *ret_status)
{
    struct dc_device *device = NULL;
    size_t recorded = 0;
    enum dc_status opened = dc_device_open(loop, config, &device);

    if (opened == DC_OK)
        opened = append_all(device, entries, &recorded);
    if (opened == DC_OK)
        *ret_status = send_all(loop, device, online);
    else if (recorded > 0)
        *ret_status = STATUS_TIMEOUT;
    dc_device_close(device);
    return opened;
}

static enum status with_device(const struct dc_config *prepared, const struct operator_entries *entries)
{
    struct dc_loop *loop = NULL;
    struct online online = {.last_error = DC_OK};
    struct dc_config config = *prepared;
    enum status status = STATUS_NETWORK;

    config.event_context = &online;
    config.on_event = on_event;

    enum dc_status opened = dc_loop_new(NULL, &loop);

    if (opened == DC_OK)
        opened = use_device(loop, &config, entries, &online, &status);
    if (opened != DC_OK)
        complain("a server runs on this store, and the operator's device could not be used: %s. %s.",
                 dc_status_what(opened), dc_status_advice(opened));
    dc_loop_free(loop);
    explicit_bzero(config.storage_key, sizeof(config.storage_key));
    return status;
}

/*
 * Asked before anything is recorded: what is recorded is sent one day. The lock may be another doublecrewctl's, or a server's
 * that is only starting.
 */
static bool answers(const char *host, uint16_t port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const struct timeval limit = {.tv_sec = 5};
    struct addrinfo *found = NULL;
    char service[8];
    bool connected = false;

    snprintf(service, sizeof(service), "%u", port);
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return false;
    for (const struct addrinfo *at = found; at != NULL && !connected; at = at->ai_next) {
        int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        connected = connect(fd, at->ai_addr, at->ai_addrlen) == 0;
        close(fd);
    }
    freeaddrinfo(found);
    return connected;
}

static enum status complain_no_server(const struct force_facts *facts, uint16_t port)
{
    complain("another process has the store open, and no server answers at %s port %u: if it is another doublecrewctl "
             "or a server that is starting, try again in a moment; nothing was changed",
             facts->host, port);
    return STATUS_NETWORK;
}

static enum status complain_no_port(const struct force_folder *folder)
{
    complain("a server runs on this store, and its port isn't known here: start doublecrewd with "
             "--ready-file %s/server.ready, or stop it for this command",
             folder->root);
    return STATUS_NETWORK;
}

enum status operator_online_write(const struct force_folder *folder, const struct force_facts *facts,
                                  const struct operator_entries *entries)
{
    struct online_paths paths;
    struct package package;
    struct dc_config config;
    char signing[PATH_SIZE];
    char *pem = NULL;
    size_t size = 0;
    enum status status = online_paths(folder, &paths);

    dc_config_init(&config);
    if (status == STATUS_OK)
        status = package_read(folder->online, &package);
    if (status == STATUS_OK)
        status = path_join(signing, folder->online, "signing.pem");
    if (status == STATUS_OK)
        status = file_read(signing, &pem, &size);
    if (status == STATUS_OK)
        status = storage_key(folder, config.storage_key);
    if (status != STATUS_OK) {
        complain_status(status, "the operator's device in '%s' could not be read", folder->online);
        free(pem);
        return status;
    }
    memcpy(config.force.bytes, facts->force.bytes, ID_SIZE);
    memcpy(config.device.bytes, package.device.bytes, ID_SIZE);
    memcpy(config.log.bytes, package.log.bytes, ID_SIZE);
    memcpy(config.officer.bytes, package.officer.bytes, ID_SIZE);
    memcpy(config.server_key, facts->server_key, sizeof(config.server_key));
    config.store_path = paths.store;
    config.host = facts->host;
    config.ca_path = paths.ca;
    config.certificate_path = paths.certificate;
    config.key_path = paths.key;
    config.signing_key_pem = pem;
    config.app_version = "doublecrewctl";
    config.page_credit = 0;
    config.port = server_port(folder, facts);
    if (config.port == 0)
        status = complain_no_port(folder);
    else if (!answers(config.host, config.port))
        status = complain_no_server(facts, config.port);
    else
        status = with_device(&config, entries);
    explicit_bzero(pem, size);
    explicit_bzero(config.storage_key, sizeof(config.storage_key));
    free(pem);
    return status;
}
