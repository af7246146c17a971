#include "admin/own_keys.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "admin/command.h"

static enum status device_of(X509_REQ *request, struct id *ret_device)
{
    char name[2 * ID_SIZE + 2] = "";
    struct id device;
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);

    if (key == NULL || X509_REQ_verify(request, key) != 1)
        return STATUS_INPUT;
    if (X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request), NID_commonName, name, sizeof(name)) !=
            2 * ID_SIZE ||
        hex_decode(name, ID_SIZE, device.bytes) != STATUS_OK || id_is_zero(&device))
        return STATUS_INPUT;
    *ret_device = device;
    return STATUS_OK;
}

enum status own_request_read(const char *path, struct id *ret_device)
{
    FILE *file = fopen(path, "re");
    enum status status = STATUS_INPUT;

    if (file == NULL) {
        complain("--csr '%s' can't be opened", path);
        return STATUS_NOT_FOUND;
    }

    X509_REQ *request = PEM_read_X509_REQ(file, NULL, NULL, NULL);

    fclose(file);
    if (request != NULL)
        status = device_of(request, ret_device);
    X509_REQ_free(request);
    if (status != STATUS_OK)
        complain("--csr '%s' is not a request (PEM), signed by its own key, whose common name is a device id of 32 hex "
                 "digits",
                 path);
    return status;
}

static enum status wire_key_of(const EVP_PKEY *key, struct public_key *ret_key)
{
    uint8_t bytes[PUBLIC_KEY_SIZE_MAX];
    size_t size = sizeof(bytes);
    char group[32] = "";

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
        if (EVP_PKEY_get_raw_public_key(key, bytes, &size) != 1)
            return STATUS_INPUT;
        return public_key_from_wire(SIGN_ED25519, span_of(bytes, size), ret_key);
    }
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
        EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) != 1 ||
        strcmp(group, "prime256v1") != 0 ||
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, bytes, sizeof(bytes), &size) != 1)
        return STATUS_INPUT;
    return public_key_from_wire(SIGN_ECDSA_P256, span_of(bytes, size), ret_key);
}

enum status own_public_key_read(const char *path, struct public_key *ret_key)
{
    FILE *file = fopen(path, "re");
    enum status status = STATUS_INPUT;

    if (file == NULL) {
        complain("--public-key '%s' can't be opened", path);
        return STATUS_NOT_FOUND;
    }

    EVP_PKEY *key = PEM_read_PUBKEY(file, NULL, NULL, NULL);

    fclose(file);
    if (key != NULL && wire_key_of(key, ret_key) == STATUS_OK)
        status = STATUS_OK;
    EVP_PKEY_free(key);
    if (status != STATUS_OK)
        complain("--public-key '%s' is not a public key (PEM), Ed25519 or P-256", path);
    return status;
}
