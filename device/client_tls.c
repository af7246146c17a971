#include "device/client_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static BIO *open_text(const char *path, const char *pem)
{
    if ((path != NULL) == (pem != NULL)) {
        return NULL;
    }
    return path ? BIO_new_file(path, "r") : BIO_new_mem_buf(pem, -1);
}

/* Every certificate of the text is trusted as an authority. */
static bool add_authorities(SSL_CTX *context, BIO *text)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    X509 *certificate;
    unsigned count = 0;

    while ((certificate = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
        int added = X509_STORE_add_cert(store, certificate);

        X509_free(certificate);
        if (added != 1) {
            return false;
        }
        count++;
    }
    return count > 0;
}

/* The first is the device's own, the others its chain. */
static bool add_certificates(SSL_CTX *context, BIO *text)
{
    X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
    bool used = certificate && SSL_CTX_use_certificate(context, certificate) == 1;

    X509_free(certificate);
    while (used && (certificate = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
        used = SSL_CTX_add0_chain_cert(context, certificate) == 1;
        if (!used) {
            X509_free(certificate);
        }
    }
    return used;
}

static bool add_key(SSL_CTX *context, BIO *text)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, NULL, NULL);
    bool used = key && SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;

    EVP_PKEY_free(key);
    return used;
}

static bool use(SSL_CTX *context, const char *path, const char *pem, bool (*add)(SSL_CTX *, BIO *))
{
    BIO *text = open_text(path, pem);
    bool used = text && add(context, text);

    BIO_free(text);
    return used;
}

static bool set_name(SSL_CTX *context, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);

    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1 || X509_VERIFY_PARAM_set1_host(param, name, 0) == 1;
}

enum status client_tls_new(const struct dc_config *config, SSL_CTX **ret_context)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    bool ready;

    if (!context) {
        return STATUS_NO_MEMORY;
    }
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    ready = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
            set_name(context, config->server_name ? config->server_name : config->host) &&
            use(context, config->ca_path, config->ca_pem, add_authorities) &&
            use(context, config->certificate_path, config->certificate_pem, add_certificates) &&
            use(context, config->key_path, config->key_pem, add_key);
    ERR_clear_error();
    if (!ready) {
        SSL_CTX_free(context);
        return STATUS_TLS;
    }
    *ret_context = context;
    return STATUS_OK;
}
