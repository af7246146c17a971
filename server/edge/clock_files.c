#include "server/edge/clock_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATH_SIZE 2048

static bool path_of(const char *store_path, const char *suffix, char ret_path[PATH_SIZE])
{
    int size = snprintf(ret_path, PATH_SIZE, "%s%s", store_path, suffix);

    return size > 0 && size < PATH_SIZE;
}

static bool remove_file(const char *path)
{
    return unlink(path) == 0 || errno == ENOENT;
}

static bool write_note(const char *path, const struct clock_note *note)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    bool written;

    if (descriptor < 0)
        return false;
    written = dprintf(descriptor, "%" PRId64 " %" PRId64 "\n", note->wall_us, note->server_us) > 0;
    return close(descriptor) == 0 && written;
}

bool clock_files_note(const char *store_path, bool trouble, int64_t wall_us, int64_t server_us)
{
    const struct clock_note note = {wall_us, server_us};
    char path[PATH_SIZE], accepted[PATH_SIZE];

    if (!path_of(store_path, ".clock", path) || !path_of(store_path, ".clock-accepted", accepted))
        return false;
    if (!remove_file(accepted)) /* said of another trouble than this one */
        return false;
    return trouble ? write_note(path, &note) : remove_file(path);
}

/* "WALL SERVER", both in microseconds. */
static bool read_line(const char *line, struct clock_note *ret_note)
{
    char *wall_end = NULL;
    char *server_end = NULL;

    errno = 0;
    ret_note->wall_us = strtoll(line, &wall_end, 10);
    ret_note->server_us = strtoll(wall_end, &server_end, 10);
    return errno == 0 && wall_end != line && server_end != wall_end;
}

bool clock_files_read(const char *store_path, struct clock_note *ret_note)
{
    struct clock_note note;
    char path[PATH_SIZE];
    char line[64];
    FILE *file;
    bool read;

    if (!path_of(store_path, ".clock", path))
        return false;
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    read = fgets(line, sizeof(line), file) != NULL && read_line(line, &note);
    fclose(file);
    if (read)
        *ret_note = note;
    return read;
}

bool clock_files_accept(const char *store_path)
{
    char path[PATH_SIZE];
    int descriptor;

    if (!path_of(store_path, ".clock-accepted", path))
        return false;
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    return descriptor >= 0 && close(descriptor) == 0;
}

bool clock_files_take_acceptance(const char *store_path)
{
    char path[PATH_SIZE];

    return path_of(store_path, ".clock-accepted", path) && unlink(path) == 0;
}
