/* What a user of the installed library writes first: a fact, durable and signed for, without a server. */
#include <doublecrew.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct dc_check_in check_in = {.offender = {{7}}, .with = DC_WITH_ALONE};
    struct dc_config config;
    struct dc_device *device;
    struct dc_hash presence;
    struct dc_verdict verdict;
    static char key[512];
    FILE *file = argc == 3 ? fopen(argv[2], "r") : NULL;

    if (!file || fread(key, 1, sizeof key - 1, file) == 0 || fclose(file) != 0) {
        return fprintf(stderr, "usage: example STORE KEY.pem\n"), 2;
    }
    dc_config_init(&config);
    config.store_path = argv[1];
    config.signing_key_pem = key;
    memset(config.storage_key, 1, sizeof config.storage_key); /* an app keeps its own in the platform's key store */
    memset(&config.force, 2, sizeof config.force);
    memset(&config.device, 3, sizeof config.device);
    memset(&config.log, 4, sizeof config.log);
    memset(&config.officer, 5, sizeof config.officer);
    memset(config.server_key, 6, sizeof config.server_key);
    enum dc_status status = dc_device_open(NULL, &config, &device);
    if (status != DC_OK) {
        return fprintf(stderr, "%s: %s\n", dc_status_name(status), dc_status_advice(status)), 1;
    }
    status = dc_check_in(device, &check_in, &presence);
    if (status == DC_OK) {
        status = dc_preview(device, &presence, &verdict);
    }
    printf("%s %s\n", dc_status_name(status), status == DC_OK ? verdict.company : "");
    dc_device_close(device);
    return status != DC_OK;
}
