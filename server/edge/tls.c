#include "server/edge/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/edge/tls_trust.h"

struct refusal {
    int error;
    const char *name;
};

static const struct refusal refusals[] = {
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "self_signed"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "unknown_ca"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "unknown_ca"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "unknown_ca"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "unknown_ca"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "bad_signature"},
    {X509_V_ERR_CERT_HAS_EXPIRED, "expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "not_yet_valid"},
    {X509_V_ERR_CERT_REVOKED, "revoked"},
    {X509_V_ERR_UNABLE_TO_GET_CRL, "no_revocation_list"},
    {X509_V_ERR_CRL_HAS_EXPIRED, "revocation_list_expired"},
    {X509_V_ERR_CRL_NOT_YET_VALID, "revocation_list_not_yet_valid"},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, "revocation_list_bad_signature"},
    {X509_V_ERR_INVALID_PURPOSE, "wrong_purpose"},
    {X509_V_ERR_INVALID_CA, "wrong_purpose"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, "chain_too_long"},
};

struct alert {
    int description;
    const char *name;
};

/* RFC 8446, section 6. */
static const struct alert alerts[] = {
    {SSL_AD_UNEXPECTED_MESSAGE, "unexpected_message"},
    {SSL_AD_HANDSHAKE_FAILURE, "no_common_cipher"},
    {SSL_AD_PROTOCOL_VERSION, "tls_version"},
    {SSL_AD_DECODE_ERROR, "malformed"},
    {SSL_AD_ILLEGAL_PARAMETER, "malformed"},
    {SSL_AD_DECRYPT_ERROR, "bad_signature"},
    {116, "no_certificate"}, /* certificate_required */
    {SSL_AD_NO_APPLICATION_PROTOCOL, "no_common_protocol"},
};

const char *tls_refusal_name(int verify_error)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].error == verify_error)
            return refusals[i].name;
    }
    return "bad_certificate";
}

static const char *alert_name(int description)
{
    for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
        if (alerts[i].description == description)
            return alerts[i].name;
    }
    return "other";
}

/* Every refused handshake ends in one fatal alert, ours or theirs: so this is where each is named once. */
static void on_info(const SSL *ssl, int where, int value)
{
    struct log *log = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    long error = SSL_get_verify_result(ssl);
    bool ours = (where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT;
    bool theirs = (where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT;

    if ((!ours && !theirs) || value >> 8 != SSL3_AL_FATAL)
        return;
    if (theirs)
        LOG(log, LOG_WARNING, "handshake_refused_by_client", log_text("reason", SSL_alert_desc_string_long(value)));
    else
        LOG(log, LOG_WARNING, "handshake_refused",
            log_text("reason", error != X509_V_OK ? tls_refusal_name((int)error) : alert_name(value & 0xff)),
            log_number("alert", value & 0xff));
}

static enum status add_crl(SSL_CTX *context, const char *file)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

    if (lookup == NULL || X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) < 1)
        return STATUS_TLS;
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    return STATUS_OK;
}

enum status tls_sharpen(SSL_CTX *context, const struct config *config, struct log *log)
{
    if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1)
        return STATUS_TLS;
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_num_tickets(context, 0) != 1)
        return STATUS_TLS;
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify_depth(context, 3);
    SSL_CTX_set_app_data(context, log);
    SSL_CTX_set_info_callback(context, on_info);
    if (config->crl[0] != '\0' && add_crl(context, config->crl) != STATUS_OK)
        return STATUS_TLS;
    (void)tls_trust_directly(SSL_CTX_get_cert_store(context), time(NULL)); /* or else, by the whole chain */
    return STATUS_OK;
}

static enum status refuse(struct config_error *error, const char *key, const char *file)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());

    snprintf(error->text, sizeof(error->text), "%s: %.400s cannot be used: %s", key, file,
             why == NULL ? "not a PEM file of that kind" : why);
    ERR_clear_error();
    return STATUS_TLS;
}

static enum status try_files(SSL_CTX *context, const struct config *config, struct config_error *ret_error)
{
    if (SSL_CTX_use_certificate_chain_file(context, config->certificate) != 1)
        return refuse(ret_error, "tls.certificate", config->certificate);
    if (SSL_CTX_use_PrivateKey_file(context, config->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return refuse(ret_error, "tls.key", config->key);
    if (SSL_CTX_load_verify_locations(context, config->client_ca, NULL) != 1)
        return refuse(ret_error, "tls.client_ca", config->client_ca);
    if (config->crl[0] != '\0' && add_crl(context, config->crl) != STATUS_OK)
        return refuse(ret_error, "tls.crl", config->crl);
    return STATUS_OK;
}

enum status tls_try(const struct config *config, SSL_CTX **ret_context, struct config_error *ret_error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    enum status status;

    if (context == NULL)
        return refuse(ret_error, "tls", "OpenSSL");
    status = try_files(context, config, ret_error);
    if (status == STATUS_OK)
        *ret_context = context;
    else
        SSL_CTX_free(context);
    return status;
}

enum status tls_check(const struct config *config, struct config_error *ret_error)
{
    SSL_CTX *context = NULL;
    enum status status = tls_try(config, &context, ret_error);

    SSL_CTX_free(context);
    return status;
}

bool tls_verify(X509_STORE_CTX *verify, bool found_good, unsigned grace_days)
{
    time_t oldest = time(NULL) - (time_t)grace_days * 24 * 60 * 60;

    if (found_good)
        return true;
    if (grace_days == 0 || X509_STORE_CTX_get_error(verify) != X509_V_ERR_CERT_HAS_EXPIRED ||
        X509_STORE_CTX_get_error_depth(verify) != 0)
        return false;
    if (X509_cmp_time(X509_get0_notAfter(X509_STORE_CTX_get_current_cert(verify)), &oldest) != 1)
        return false;
    X509_STORE_CTX_set_error(verify, X509_V_OK); /* a later fault still sets its own */
    return true;
}

bool tls_peer_is_expired(SSL *ssl)
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    bool expired = certificate != NULL && X509_cmp_current_time(X509_get0_notAfter(certificate)) != 1;

    X509_free(certificate);
    return expired;
}

enum status tls_peer_key_hash(SSL *ssl, struct sha256 *sha, struct hash *ret_hash)
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    uint8_t *bytes = NULL;
    enum status status = STATUS_TLS;
    int size;

    if (certificate == NULL)
        return STATUS_TLS;
    size = SSL_get_verify_result(ssl) == X509_V_OK ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes) : -1;
    if (size > 0)
        status = sha256_bytes(sha, span_of(bytes, (size_t)size), ret_hash);
    OPENSSL_free(bytes);
    X509_free(certificate);
    return status;
}

/* The stack is the session's own, and lives and ends with it: it may be emptied, not freed. */
void tls_peer_forget_chain(SSL *ssl)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);

    while (chain != NULL && sk_X509_num(chain) > 0)
        X509_free(sk_X509_pop(chain));
}
