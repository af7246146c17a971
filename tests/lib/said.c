#include "tests/lib/said.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/files.h"

struct said {
    char folder[64];
    char path[128];
    char text[8192];
    int kept; /* the real standard error */
};

int said_begin(void **state)
{
    struct said *said = calloc(1, sizeof(*said));

    if (said == NULL)
        return -1;
    snprintf(said->folder, sizeof(said->folder), "/tmp/doublecrew-said-XXXXXX");
    if (mkdtemp(said->folder) == NULL) {
        free(said);
        return -1;
    }
    *state = said;
    return 0;
}

int said_end(void **state)
{
    struct said *said = *state;

    folder_remove_all(said->folder);
    free(said);
    return 0;
}

const char *said_file(struct said *said, const char *name, const char *text, size_t size)
{
    FILE *file;

    snprintf(said->path, sizeof(said->path), "%s/%s", said->folder, name);
    file = fopen(said->path, "we");
    assert(file != NULL && fwrite(text, 1, size, file) == size);
    fclose(file);
    return said->path;
}

void said_listen(struct said *said)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/stderr", said->folder);
    fflush(stderr);
    said->kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert(said->kept >= 0 && fd >= 0);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

const char *said_heard(struct said *said)
{
    fflush(stderr);

    ssize_t size = pread(STDERR_FILENO, said->text, sizeof(said->text) - 1, 0);

    said->text[size > 0 ? size : 0] = '\0';
    dup2(said->kept, STDERR_FILENO);
    close(said->kept);
    return said->text;
}
