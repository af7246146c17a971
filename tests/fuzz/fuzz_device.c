/*
 * What strangers may hand a device: a server's message (first byte even, online; 1 mod 4, before Welcome) or a
 * co-signing code (3 mod 4).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dc_device *device;

static enum status do_nothing(void *context)
{
    (void)context;
    return STATUS_OK;
}

static void ignore(void *context)
{
    (void)context;
}

static enum status send_nowhere(void *context, struct span message)
{
    (void)context;
    (void)message;
    return STATUS_OK;
}

static void ignore_timer(void *context, uint64_t delay_ms)
{
    (void)context;
    (void)delay_ms;
}

static void ignore_code(void *context, enum dc_status status, const uint8_t *code, size_t size)
{
    (void)context;
    (void)status;
    (void)code;
    (void)size;
}

static void open_device(void)
{
    static const struct link_ops ops = {
        .connect = do_nothing, .disconnect = ignore, .send = send_nowhere, .set_timer = ignore_timer, .free = ignore};
    static const uint8_t seed[32] = {1};
    struct sign_key *key = NULL;
    struct dc_config config;
    char path[] = "/tmp/doublecrew-fuzz-device-XXXXXX";
    char pem[512];

    dc_config_init(&config);
    if (mkstemp(path) < 0 || sign_key_from_seed(seed, &key) != STATUS_OK ||
        sign_key_to_pem(key, pem, sizeof pem) != STATUS_OK) {
        abort();
    }
    sign_key_free(key);
    config.store_path = path;
    config.signing_key_pem = pem;
    memset(&config.force, 1, sizeof config.force);
    memset(&config.device, 2, sizeof config.device);
    memset(&config.log, 3, sizeof config.log);
    memset(&config.officer, 4, sizeof config.officer);
    memset(config.server_key, 6, sizeof config.server_key);
    if (dc_device_open(NULL, &config, &device) != DC_OK) {
        abort();
    }
    unlink(path); /* the store lives on until the process ends */
    device_attach(device, &ops, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dc_check_in check_in = {.with = DC_WITH_UNRECORDED};

    if (!device) {
        open_device();
    }
    if (size < 2) {
        return 0;
    }
    if (data[0] % 4 == 3) {
        (void)!dc_cosign_read(device, data + 1, size - 1, &check_in, NULL, ignore_code, NULL);
        (void)!dc_cosign_confirm(device, data + 1, size - 1, NULL);
        return 0;
    }
    dc_sync_stop(device);
    (void)!dc_sync_now(device);
    device_connected(device);
    if (data[0] % 2 == 0) {
        device->sync.phase = SYNC_ONLINE; /* as a checked Welcome would */
        device->sync.phase_until_ms = SYNC_NEVER;
    }
    device_received(device, span_of(data + 1, size - 1));
    return 0;
}
