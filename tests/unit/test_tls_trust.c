/*
 * Authorities trusted directly: what is let in and what is refused is the same as when each chain is followed to its root,
 * and anything that isn't plain is left to OpenSSL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "server/edge/tls_trust.h"

#define HOUR 3600
#define AUTHORITY "critical,CA:TRUE"

struct made {
    X509 *certificate;
    EVP_PKEY *key;
};

struct spec {
    const char *name;
    const struct made *issuer; /* NULL: itself */
    const char *constraints;   /* basic */
    const char *names;         /* name constraints; NULL: none */
    long from_s, to_s;         /* from now */
    long serial;
};

struct place {
    X509_STORE *store;
    struct made root, other_root, issuing, device;
};

static void extend(const struct made *issuer, X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer->certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static struct made make(const struct spec *spec)
{
    struct made made = {.certificate = X509_new(), .key = EVP_EC_gen("P-256")};
    const struct made *issuer = spec->issuer == NULL ? &made : spec->issuer;
    X509_NAME *subject = X509_get_subject_name(made.certificate);

    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), spec->serial);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), spec->from_s);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), spec->to_s);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)spec->name, -1, -1, 0);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(issuer->certificate));
    X509_set_pubkey(made.certificate, made.key);
    extend(issuer, made.certificate, NID_basic_constraints, spec->constraints);
    if (spec->names != NULL)
        extend(issuer, made.certificate, NID_name_constraints, spec->names);
    assert_true(X509_sign(made.certificate, issuer->key, EVP_sha256()) > 0);
    return made;
}

static void made_done(struct made *made)
{
    X509_free(made->certificate);
    EVP_PKEY_free(made->key);
}

static struct made make_root(const char *name)
{
    return make(&(struct spec){name, NULL, AUTHORITY, NULL, -HOUR, 9 * HOUR, 1});
}

static struct made make_issuing(const struct made *root)
{
    return make(&(struct spec){"issuing", root, AUTHORITY ",pathlen:0", NULL, -HOUR, 8 * HOUR, 2});
}

static struct made make_device(const struct made *issuer, long to_s)
{
    return make(&(struct spec){"device", issuer, "critical,CA:FALSE", NULL, -2 * HOUR, to_s, 3});
}

static int setup(void **state)
{
    static struct place place;

    place = (struct place){.store = X509_STORE_new(), .root = make_root("root"), .other_root = make_root("root")};
    place.issuing = make_issuing(&place.root);
    place.device = make_device(&place.issuing, HOUR);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;

    X509_STORE_free(place->store);
    made_done(&place->root);
    made_done(&place->other_root);
    made_done(&place->issuing);
    made_done(&place->device);
    return 0;
}

static void replace(struct made *made, struct made by)
{
    made_done(made);
    *made = by;
}

static void trust(struct place *place, const struct made *authority)
{
    assert_int_equal(X509_STORE_add_cert(place->store, authority->certificate), 1);
}

static void revoke(struct place *place, const struct made *issuer, const struct made *what)
{
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *at = X509_gmtime_adj(NULL, -60);
    ASN1_TIME *next = X509_gmtime_adj(NULL, HOUR);

    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate));
    X509_CRL_set1_lastUpdate(crl, at);
    X509_CRL_set1_nextUpdate(crl, next);
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(what->certificate));
    X509_REVOKED_set_revocationDate(entry, at);
    assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
    assert_true(X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
    assert_int_equal(X509_STORE_add_crl(place->store, crl), 1);
    X509_CRL_free(crl);
    ASN1_TIME_free(at);
    ASN1_TIME_free(next);
}

/* As in a handshake; the authorities that were looked at, if it is good. */
static int verify(struct place *place, int *ret_chain)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *sent = sk_X509_new_null();
    int error = X509_V_OK;

    sk_X509_push(sent, place->device.certificate);
    sk_X509_push(sent, place->issuing.certificate);
    assert_int_equal(X509_STORE_CTX_init(context, place->store, place->device.certificate, sent), 1);
    X509_STORE_CTX_set_default(context, "ssl_client");
    if (X509_verify_cert(context) != 1)
        error = X509_STORE_CTX_get_error(context);
    *ret_chain = sk_X509_num(X509_STORE_CTX_get0_chain(context));
    X509_STORE_CTX_free(context);
    sk_X509_free(sent);
    return error;
}

static void expect(struct place *place, int wanted_error, int wanted_chain)
{
    int chain = 0;

    assert_int_equal(verify(place, &chain), wanted_error);
    if (wanted_error == X509_V_OK)
        assert_int_equal(chain, wanted_chain);
}

static void authority__that_leads_to_a_root_is_trusted_directly(void **state)
{
    struct place *place = *state;

    trust(place, &place->root);
    trust(place, &place->issuing);
    expect(place, X509_V_OK, 3);
    assert_true(tls_trust_directly(place->store, time(NULL)));
    expect(place, X509_V_OK, 2);
}

/* Direct or not, these are refused for what they are. */
static void devices__are_refused_as_before(void **state)
{
    struct place *place = *state;
    struct made imposter;

    trust(place, &place->root);
    trust(place, &place->issuing);
    assert_true(tls_trust_directly(place->store, time(NULL)));
    replace(&place->device, make_device(&place->issuing, -HOUR));
    expect(place, X509_V_ERR_CERT_HAS_EXPIRED, 0);
    imposter = make_issuing(&place->root); /* the same name, another key, and not in the file */
    replace(&place->device, make_device(&imposter, HOUR));
    expect(place, X509_V_ERR_CERT_SIGNATURE_FAILURE, 0);
    made_done(&imposter);
    replace(&place->device, make_device(&place->other_root, HOUR));
    expect(place, X509_V_ERR_CERT_SIGNATURE_FAILURE, 0);
    replace(&place->device, make_root("device"));
    expect(place, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, 0);
    replace(&place->device, make_device(&place->issuing, HOUR));
    revoke(place, &place->issuing, &place->device);
    X509_STORE_set_flags(place->store, X509_V_FLAG_CRL_CHECK);
    expect(place, X509_V_ERR_CERT_REVOKED, 0);
}

static void authority__without_its_root_is_not_trusted(void **state)
{
    struct place *place = *state;

    trust(place, &place->issuing);
    assert_false(tls_trust_directly(place->store, time(NULL)));
    expect(place, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, 0);
    trust(place, &place->other_root); /* has the root's name, and not its key */
    assert_false(tls_trust_directly(place->store, time(NULL)));
    expect(place, X509_V_ERR_CERT_SIGNATURE_FAILURE, 0);
}

static void authority__that_is_revoked_is_left_to_openssl(void **state)
{
    struct place *place = *state;

    trust(place, &place->root);
    trust(place, &place->issuing);
    revoke(place, &place->root, &place->issuing);
    assert_false(tls_trust_directly(place->store, time(NULL)));
}

static void certificate__that_is_no_authority_is_not_trusted(void **state)
{
    struct place *place = *state;

    trust(place, &place->root);
    trust(place, &place->issuing);
    trust(place, &place->device);
    assert_false(tls_trust_directly(place->store, time(NULL)));
}

static void roots__that_set_bounds_are_asked_each_time(void **state)
{
    static const struct spec specs[] = {
        {"root", NULL, AUTHORITY ",pathlen:0", NULL, -HOUR, 9 * HOUR, 1},
        {"root", NULL, AUTHORITY, "permitted;DNS:example.org", -HOUR, 9 * HOUR, 1},
    };
    struct place *place = *state;

    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        X509_STORE_free(place->store);
        place->store = X509_STORE_new();
        replace(&place->root, make(&specs[i]));
        replace(&place->issuing, make_issuing(&place->root));
        trust(place, &place->root);
        trust(place, &place->issuing);
        assert_false(tls_trust_directly(place->store, time(NULL)));
    }
}

/* No chain outlives its root. */
static void trust__ends_with_the_first_date(void **state)
{
    struct place *place = *state;
    X509_VERIFY_PARAM *parameters = X509_STORE_get0_param(place->store);
    time_t now = time(NULL);

    replace(&place->root, make(&(struct spec){"root", NULL, AUTHORITY, NULL, -HOUR, HOUR, 1}));
    replace(&place->issuing, make_issuing(&place->root));
    replace(&place->device, make_device(&place->issuing, 8 * HOUR));
    trust(place, &place->root);
    trust(place, &place->issuing);
    assert_true(tls_trust_directly(place->store, now));
    tls_trust_check(place->store, now + HOUR - 60);
    expect(place, X509_V_OK, 2);
    X509_VERIFY_PARAM_set_time(parameters, now + HOUR + 60);
    expect(place, X509_V_OK, 2); /* a chain of two doesn't see it */
    tls_trust_check(place->store, now + HOUR + 60);
    expect(place, X509_V_ERR_CERT_HAS_EXPIRED, 0);
    assert_false(tls_trust_directly(place->store, now + HOUR + 60));
    assert_false(tls_trust_directly(place->store, now - 2 * HOUR));
}

static void store__that_is_empty_trusts_nobody(void **state)
{
    struct place *place = *state;

    assert_false(tls_trust_directly(place->store, time(NULL)));
    tls_trust_check(place->store, time(NULL));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(authority__that_leads_to_a_root_is_trusted_directly),
        CASE(devices__are_refused_as_before),
        CASE(authority__without_its_root_is_not_trusted),
        CASE(authority__that_is_revoked_is_left_to_openssl),
        CASE(certificate__that_is_no_authority_is_not_trusted),
        CASE(roots__that_set_bounds_are_asked_each_time),
        CASE(trust__ends_with_the_first_date),
        CASE(store__that_is_empty_trusts_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
