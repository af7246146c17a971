#include "server/edge/tls_trust.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

static bool is_in_time(const X509 *certificate, time_t now)
{
    return X509_cmp_time(X509_get0_notBefore(certificate), &now) == -1 &&
           X509_cmp_time(X509_get0_notAfter(certificate), &now) == 1;
}

static bool is_revoked(STACK_OF(X509_OBJECT) * objects, X509 *certificate)
{
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        X509_REVOKED *entry = NULL;

        if (crl != NULL && X509_CRL_get0_by_cert(crl, &entry, certificate) == 1)
            return true;
    }
    return false;
}

/*
 * In a device's chain all of these stand one place higher than here, above this authority; what they say about what is below
 * them must hold there, too: how many authorities may follow, and for which names.
 */
static bool may_issue(STACK_OF(X509) * chain)
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 *above = sk_X509_value(chain, i);
        long authorities_max = X509_get_pathlen(above);

        if ((authorities_max >= 0 && i > authorities_max) || X509_get_ext_by_NID(above, NID_name_constraints, -1) >= 0)
            return false;
    }
    return true;
}

/* To a root of this store, as OpenSSL itself follows a chain. */
static bool leads_to_root(X509_STORE *store, X509 *authority, time_t now)
{
    X509_STORE_CTX *verify = X509_STORE_CTX_new();
    bool leads = false;

    if (verify != NULL && X509_STORE_CTX_init(verify, store, authority, NULL) == 1) {
        /* as in a handshake: only the device's certificate is looked up in revocation lists */
        (void)X509_VERIFY_PARAM_clear_flags(X509_STORE_CTX_get0_param(verify),
                                            X509_V_FLAG_CRL_CHECK | X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(verify), now);
        leads = X509_verify_cert(verify) == 1 && may_issue(X509_STORE_CTX_get0_chain(verify));
    }
    X509_STORE_CTX_free(verify);
    ERR_clear_error();
    return leads;
}

static bool is_plain(X509_STORE *store, X509 *authority, time_t now)
{
    return is_in_time(authority, now) && X509_check_purpose(authority, X509_PURPOSE_SSL_CLIENT, 1) == 1 &&
           !is_revoked(X509_STORE_get0_objects(store), authority) && leads_to_root(store, authority, now);
}

bool tls_trust_directly(X509_STORE *store, time_t now)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
    unsigned authorities = 0;

    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

        if (authority != NULL && !is_plain(store, authority, now))
            return false;
        authorities += authority != NULL;
    }
    return authorities > 0 && X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

void tls_trust_check(X509_STORE *store, time_t now)
{
    X509_VERIFY_PARAM *parameters = X509_STORE_get0_param(store);
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);

    if ((X509_VERIFY_PARAM_get_flags(parameters) & X509_V_FLAG_PARTIAL_CHAIN) == 0)
        return;
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        const X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

        if (authority != NULL && !is_in_time(authority, now))
            (void)X509_VERIFY_PARAM_clear_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
    }
}
