#include "admin/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_SIZE_MAX (16u * 1024u * 1024u)
#define SCRIPT_ARGUMENTS_MAX 16

static enum status status_of_errno(void)
{
    switch (errno) {
    case ENOENT:
        return STATUS_NOT_FOUND;
    case EEXIST:
        return STATUS_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return STATUS_DISK_FULL;
    default:
        return STATUS_IO;
    }
}

enum status path_join(char *ret_path, const char *folder, const char *name)
{
    char path[PATH_SIZE];
    int size = snprintf(path, sizeof(path), "%s/%s", folder, name);

    if (size < 0 || (size_t)size >= sizeof(path))
        return STATUS_INPUT;
    memcpy(ret_path, path, (size_t)size + 1);
    return STATUS_OK;
}

/* To its end, whatever kind of file it is: a pipe tells no size beforehand. */
static enum status read_all(int fd, char **ret_text, size_t *ret_size)
{
    size_t room = 0;
    size_t size = 0;
    char *text = NULL;
    ssize_t got = 1;

    while (got != 0 && size <= FILE_SIZE_MAX) {
        if (size == room) {
            room = room == 0 ? 4096 : 2 * room;
            char *larger = realloc(text, room + 1);
            if (larger == NULL)
                break;
            text = larger;
        }
        got = read(fd, text + size, room - size);
        if (got < 0 && errno != EINTR)
            break;
        size += got > 0 ? (size_t)got : 0;
    }
    if (got == 0 && size <= FILE_SIZE_MAX) {
        text[size] = '\0';
        *ret_text = text;
        *ret_size = size;
        return STATUS_OK;
    }
    free(text);
    if (size > FILE_SIZE_MAX)
        return STATUS_OVER_LIMIT;
    return got < 0 ? STATUS_IO : STATUS_NO_MEMORY;
}

enum status file_read(const char *path, char **ret_text, size_t *ret_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return status_of_errno();

    enum status status = read_all(fd, ret_text, ret_size);

    close(fd);
    return status;
}

static enum status write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, text, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return status_of_errno();
        text += done;
        size -= (size_t)done;
    }
    return fsync(fd) == 0 ? STATUS_OK : status_of_errno();
}

enum status file_write_new(const char *path, const char *text, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return status_of_errno();

    enum status status = write_all(fd, text, size);

    if (close(fd) != 0 && status == STATUS_OK)
        status = STATUS_IO;
    if (status != STATUS_OK)
        unlink(path);
    return status;
}

enum status file_copy(const char *from, const char *to)
{
    char *text = NULL;
    size_t size = 0;
    enum status status = file_read(from, &text, &size);

    if (status != STATUS_OK)
        return status;
    status = file_write_new(to, text, size);
    explicit_bzero(text, size); /* it may be a private key */
    free(text);
    return status;
}

static bool folder_is_empty(const char *path)
{
    DIR *folder = opendir(path);
    size_t entries = 0;

    if (folder == NULL)
        return false;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            entries++;
    }
    closedir(folder);
    return entries == 0;
}

enum status folder_make(const char *path, bool may_be_empty)
{
    if (mkdir(path, 0700) == 0)
        return STATUS_OK;
    if (errno == EEXIST && may_be_empty && folder_is_empty(path))
        return chmod(path, 0700) == 0 ? STATUS_OK : STATUS_IO;
    return status_of_errno();
}

enum status folder_make_all(const char *path)
{
    char part[PATH_SIZE];
    size_t length = strlen(path);

    if (length == 0 || length >= sizeof(part))
        return STATUS_INPUT;
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return status_of_errno();
        part[i] = path[i];
    }
    return STATUS_OK;
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about;
    (void)type;
    (void)where;
    (void)remove(path);
    return 0;
}

void folder_remove_all(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void exec_script(const char *path, const char *const *arguments, const char *output)
{
    char *argv[SCRIPT_ARGUMENTS_MAX + 3];
    size_t count = 0;
    int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    argv[count++] = strdup("bash");
    argv[count++] = strdup(path);
    while (*arguments != NULL && count < SCRIPT_ARGUMENTS_MAX + 2)
        argv[count++] = strdup(*arguments++);
    argv[count] = NULL;
    execvp("bash", argv);
    _exit(127);
}

static enum status wait_for_script(pid_t child, const char *script, const char *output)
{
    int result = 0;
    char *text = NULL;
    size_t size = 0;

    while (waitpid(child, &result, 0) < 0) {
        if (errno != EINTR)
            return STATUS_IO;
    }
    if (WIFEXITED(result) && WEXITSTATUS(result) == 0)
        return STATUS_OK;
    if (file_read(output, &text, &size) == STATUS_OK)
        fprintf(stderr, "certs/%s said: %s", script, text);
    free(text);
    return STATUS_TLS;
}

enum status certs_run(const char *script, const char *const *arguments)
{
    const char *folder = getenv("DOUBLECREW_CERTS");
    char path[PATH_SIZE];
    char output[] = "/tmp/doublecrewctl-XXXXXX";
    enum status status = path_join(path, folder != NULL ? folder : DC_CERTS_DIR, script);

    if (status != STATUS_OK)
        return status;
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "doublecrewctl: %s is not there; set DOUBLECREW_CERTS to the folder of the certs scripts\n",
                path);
        return STATUS_NOT_FOUND;
    }

    int fd = mkstemp(output);

    if (fd < 0)
        return STATUS_IO;
    close(fd);

    pid_t child = fork();

    if (child == 0)
        exec_script(path, arguments, output);
    status = child < 0 ? STATUS_IO : wait_for_script(child, script, output);
    unlink(output);
    return status;
}

static enum status key_hash_of(X509 *certificate, struct hash *ret_hash)
{
    unsigned char *der = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    unsigned int hash_size = 0;
    int done = size > 0 && EVP_Digest(der, (size_t)size, ret_hash->bytes, &hash_size, EVP_sha256(), NULL) == 1;

    OPENSSL_free(der);
    return done ? STATUS_OK : STATUS_TLS;
}

enum status certificate_key_hash(const char *path, struct hash *ret_hash)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return status_of_errno();

    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);

    fclose(file);
    if (certificate == NULL)
        return STATUS_TLS;

    enum status status = key_hash_of(certificate, ret_hash);

    X509_free(certificate);
    return status;
}
