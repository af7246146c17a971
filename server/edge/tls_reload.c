/*
 * Certificates and revocation lists without a restart: everything is tried in a context of its own first, and only then put
 * into the one in use (LIBRARIES.md: libwebsockets' own way says that it succeeded when it didn't).
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

#include "server/edge/tls.h"
#include "server/edge/tls_trust.h"

__attribute__((format(printf, 2, 3))) static enum status refuse(struct config_error *error, const char *format, ...);

static enum status refuse(struct config_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    ERR_clear_error();
    return STATUS_TLS;
}

static enum status check_certificate(SSL_CTX *context, const struct config *config, struct config_error *error)
{
    X509 *certificate = SSL_CTX_get0_certificate(context);

    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) != -1)
        return refuse(error, "tls.certificate: %.600s is not valid yet", config->certificate);
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) != 1)
        return refuse(error, "tls.certificate: %.600s is past its date", config->certificate);
    return STATUS_OK;
}

/* Signed by an authority that is trusted, by its name and its key. */
static bool is_signed(STACK_OF(X509_OBJECT) * objects, X509_CRL *crl)
{
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

        if (authority != NULL && X509_NAME_cmp(X509_get_subject_name(authority), X509_CRL_get_issuer(crl)) == 0 &&
            X509_CRL_verify(crl, X509_get0_pubkey(authority)) == 1)
            return true;
    }
    return false;
}

/* One list that isn't current, or isn't an authority's, would keep every device out. */
static enum status check_lists(SSL_CTX *context, const struct config *config, struct config_error *error)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));

    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        const ASN1_TIME *next = crl == NULL ? NULL : X509_CRL_get0_nextUpdate(crl);

        if (crl != NULL && !is_signed(objects, crl))
            return refuse(error, "tls.crl: %.600s is not signed by an authority of tls.client_ca", config->crl);
        if (next != NULL && X509_cmp_current_time(next) != 1)
            return refuse(error, "tls.crl: %.600s is out of date: make a new one", config->crl);
    }
    return STATUS_OK;
}

static enum status swap(SSL_CTX *context, SSL_CTX *fresh, const struct config *config, struct config_error *error)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(config->client_ca);
    STACK_OF(X509) *chain = NULL;

    if (names == NULL)
        return refuse(error, "tls.client_ca: %.600s cannot be used", config->client_ca);
    if (SSL_CTX_get0_chain_certs(fresh, &chain) != 1 ||
        SSL_CTX_use_cert_and_key(context, SSL_CTX_get0_certificate(fresh), SSL_CTX_get0_privatekey(fresh), chain, 1) !=
            1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return refuse(error, "tls.certificate: %.600s cannot take the place of the one in use", config->certificate);
    }
    (void)tls_trust_directly(SSL_CTX_get_cert_store(fresh), time(NULL));
    SSL_CTX_set1_cert_store(context, SSL_CTX_get_cert_store(fresh));
    SSL_CTX_set_client_CA_list(context, names);
    return STATUS_OK;
}

enum status tls_reload(SSL_CTX *context, const struct config *config, struct config_error *ret_error)
{
    SSL_CTX *fresh = NULL;
    enum status status = tls_try(config, &fresh, ret_error);

    if (status == STATUS_OK)
        status = check_certificate(fresh, config, ret_error);
    if (status == STATUS_OK)
        status = check_lists(fresh, config, ret_error);
    if (status == STATUS_OK)
        status = swap(context, fresh, config, ret_error);
    SSL_CTX_free(fresh);
    return status;
}

bool tls_peer_is_revoked(const SSL_CTX *context, SSL *ssl)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    bool revoked = false;

    for (int i = 0; certificate != NULL && i < sk_X509_OBJECT_num(objects); i++) {
        X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        X509_REVOKED *entry = NULL;

        /* 2: named, and taken off again */
        revoked = revoked || (crl != NULL && X509_CRL_get0_by_cert(crl, &entry, certificate) == 1);
    }
    X509_free(certificate);
    return revoked;
}
