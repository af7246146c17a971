/* Signatures take their time: a phone's key store answers when it likes (S2). Each is asked for once and answered once. */
#include <string.h>

#include "device/device.h"

static struct device_signature *find(struct dc_device *device, uint64_t request)
{
    for (size_t i = 0; i < DEVICE_SIGNATURES_MAX; i++) {
        if (device->signatures[i].request == request) {
            return &device->signatures[i];
        }
    }
    return NULL;
}

static void answer(struct dc_device *device, struct device_signature *slot, enum status status,
                   const struct signature *signature)
{
    struct device_signature taken = *slot;

    memset(slot, 0, sizeof *slot); /* free before the answer: it may ask for the next */
    taken.on_signature(device, taken.data, status, signature);
}

static void sign_here(struct dc_device *device, struct device_signature *slot, struct span statement)
{
    struct signature signature;
    enum status status = sign_message(device->signing_key, statement, &signature);

    answer(device, slot, status, status == STATUS_OK ? &signature : NULL);
}

enum status device_sign(struct dc_device *device, struct span statement, device_on_signature on_signature, void *data,
                        uint64_t *ret_request)
{
    struct device_signature *slot = find(device, 0);
    uint64_t request;

    if (!slot) {
        return STATUS_BUSY;
    }
    request = ++device->last_request;
    *slot = (struct device_signature){.request = request, .on_signature = on_signature, .data = data};
    *ret_request = request; /* before the answer, which may come at once and asks whose it is */
    if (device->signing_key) {
        sign_here(device, slot, statement);
    } else {
        device->signer.sign(device->signer.context, device, request, statement.data, statement.size);
    }
    return STATUS_OK;
}

void dc_sign_complete(struct dc_device *device, uint64_t request, enum dc_status status, const uint8_t *signature)
{
    struct signature made = {.algorithm = device->public_key.algorithm};
    struct device_signature *slot = request ? find(device, request) : NULL;

    if (!slot) {
        return; /* answered, or cancelled, before */
    }
    if (status != DC_OK || !signature) {
        answer(device, slot, status == DC_OK ? STATUS_INPUT : status_from_public(status), NULL);
        return;
    }
    memcpy(made.bytes, signature, sizeof made.bytes);
    answer(device, slot, STATUS_OK, &made);
}

void device_cancel_signatures(struct dc_device *device)
{
    for (size_t i = 0; i < DEVICE_SIGNATURES_MAX; i++) {
        if (device->signatures[i].request) {
            answer(device, &device->signatures[i], STATUS_CANCELLED, NULL);
        }
    }
}
