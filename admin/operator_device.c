#include "admin/operator_device.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "admin/command.h"
#include "core/sha256.h"

/* The local store's key is derived from nothing secret but the package: it protects no more than the package itself. */
static enum status storage_key(const struct operator_device *device, uint8_t ret_key[DC_STORAGE_KEY_SIZE])
{
    struct sha256 *sha = NULL;
    struct hash hash;
    const struct span parts[] = {span_of("doublecrewctl storage key", 26),
                                 span_of(device->signing_pem, device->signing_size)};
    enum status status = sha256_new(&sha);

    if (status == STATUS_OK)
        status = sha256_parts(sha, parts, 2, &hash);
    if (status == STATUS_OK)
        memcpy(ret_key, hash.bytes, DC_STORAGE_KEY_SIZE);
    sha256_free(sha);
    return status;
}

static enum status read_files(const struct force_folder *folder, struct operator_device *device,
                              struct package *ret_package)
{
    char signing[PATH_SIZE];
    enum status status = path_join(device->store, folder->online, "device.db");

    if (status == STATUS_OK)
        status = path_join(device->ca, folder->online, "ca.pem");
    if (status == STATUS_OK)
        status = path_join(device->certificate, folder->online, "certificate.pem");
    if (status == STATUS_OK)
        status = path_join(device->key, folder->online, "key.pem");
    if (status == STATUS_OK)
        status = path_join(signing, folder->online, "signing.pem");
    if (status == STATUS_OK)
        status = file_read(signing, &device->signing_pem, &device->signing_size);
    if (status == STATUS_OK)
        status = storage_key(device, device->config.storage_key);
    return status == STATUS_OK ? package_read(folder->online, ret_package) : status;
}

enum status operator_device_prepare(const struct force_folder *folder, const struct force_facts *facts,
                                    struct operator_device *device)
{
    struct dc_config *config = &device->config;
    struct package package;

    memset(device, 0, sizeof(*device));
    dc_config_init(config);

    enum status status = read_files(folder, device, &package);

    if (status != STATUS_OK) {
        complain_status(status, "the operator's device in '%s' could not be read", folder->online);
        return status;
    }
    memcpy(config->force.bytes, facts->force.bytes, ID_SIZE);
    memcpy(config->device.bytes, package.device.bytes, ID_SIZE);
    memcpy(config->log.bytes, package.log.bytes, ID_SIZE);
    memcpy(config->officer.bytes, package.officer.bytes, ID_SIZE);
    memcpy(config->server_key, facts->server_key, sizeof(config->server_key));
    config->operator_algorithm = (enum dc_algorithm)facts->operator_key.algorithm;
    memcpy(config->operator_key, facts->operator_key.bytes, facts->operator_key.size);
    config->operator_key_size = facts->operator_key.size;
    config->store_path = device->store;
    config->host = facts->host;
    config->ca_path = device->ca;
    config->certificate_path = device->certificate;
    config->key_path = device->key;
    config->signing_key_pem = device->signing_pem;
    config->app_version = "doublecrewctl";
    config->page_credit = 0;
    return STATUS_OK;
}

void operator_device_done(struct operator_device *device)
{
    if (device->signing_pem != NULL)
        explicit_bzero(device->signing_pem, device->signing_size);
    free(device->signing_pem);
    explicit_bzero(device, sizeof(*device));
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

/*
 * Asked before anything is recorded: what is recorded is sent one day. The store's lock may be another doublecrewctl's, or a
 * server's that is only starting.
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

enum status operator_device_find_server(const struct force_folder *folder, const struct force_facts *facts,
                                        struct operator_device *device)
{
    uint16_t port = server_port(folder, facts);

    if (port == 0) {
        complain("another process has the store open; if it is a server, its port isn't known here: start doublecrewd "
                 "with --ready-file %s/server.ready, or stop it for this command; nothing was changed",
                 folder->root);
        return STATUS_NETWORK;
    }
    if (!answers(facts->host, port)) {
        complain("another process has the store open, and no server answers at %s port %u: if it is another "
                 "doublecrewctl or a server that is starting, try again in a moment; nothing was changed",
                 facts->host, port);
        return STATUS_NETWORK;
    }
    device->config.port = port;
    return STATUS_OK;
}
