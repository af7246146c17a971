#include "server/edge/copy_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"
#include "doublecrew/v1/journal.pb-c.h"

#define PREFIX "journal-"
#define SUFFIX ".copy"
#define NAME_SIZE (sizeof(PREFIX) - 1 + 2 * ID_SIZE + 1 + 20 + sizeof(SUFFIX))
#define FRAME_SIZE 5 /* size, kind */
#define ROW_HEADER_SIZE 52
#define FILES_MAX 65536
/* A row holds one push, or what one batch told; an engine's take-over may tell much. */
#define BODY_MAX ((size_t)1024 * 1024 * 1024)

static enum status failed(void)
{
    switch (errno) {
    case ENOSPC:
    case EDQUOT:
        return STATUS_DISK_FULL;
    case ENOMEM:
        return STATUS_NO_MEMORY;
    case EACCES:
    case EPERM:
    case EROFS:
        return STATUS_NOT_PERMITTED;
    default:
        return STATUS_IO;
    }
}

/* Names ------------------------------------------------------------------------------------------------------------- */

static void name_of(const struct id *epoch, uint64_t first_pos, char ret_name[NAME_SIZE])
{
    char hex[2 * ID_SIZE + 1];

    hex_encode(span_of(epoch->bytes, ID_SIZE), hex);
    (void)snprintf(ret_name, NAME_SIZE, PREFIX "%s-%020" PRIu64 SUFFIX, hex, first_pos);
}

static bool is_name(const char *name, const struct id *epoch)
{
    char hex[2 * ID_SIZE + 1];

    if (strlen(name) != NAME_SIZE - 1 || strncmp(name, PREFIX, sizeof(PREFIX) - 1) != 0 ||
        strcmp(name + NAME_SIZE - sizeof(SUFFIX), SUFFIX) != 0)
        return false;
    if (epoch == NULL)
        return true;
    hex_encode(span_of(epoch->bytes, ID_SIZE), hex);
    return strncmp(name + sizeof(PREFIX) - 1, hex, 2 * ID_SIZE) == 0;
}

/* Names of a folder's files, in order: by epoch, then by their first pos. */
struct names {
    char (*at)[NAME_SIZE];
    size_t count;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum status list(const char *folder, const struct id *epoch, struct names *ret_names)
{
    struct names names = {NULL, 0};
    DIR *directory = opendir(folder);
    enum status status = STATUS_OK;

    if (directory == NULL)
        return errno == ENOENT ? STATUS_NOT_FOUND : failed();
    for (struct dirent *entry = readdir(directory); entry != NULL && status == STATUS_OK; entry = readdir(directory)) {
        char(*larger)[NAME_SIZE];

        if (!is_name(entry->d_name, epoch))
            continue;
        larger = names.count < FILES_MAX ? reallocarray(names.at, names.count + 1, sizeof(*larger)) : NULL;
        if (larger == NULL) {
            status = STATUS_NO_MEMORY;
            break;
        }
        names.at = larger;
        memcpy(names.at[names.count++], entry->d_name, NAME_SIZE);
    }
    closedir(directory);
    if (status != STATUS_OK) {
        free(names.at);
        return status;
    }
    if (names.count > 0)
        qsort(names.at, names.count, sizeof(*names.at), compare_names);
    *ret_names = names;
    return STATUS_OK;
}

static enum status join(const char *folder, const char *name, char ret_path[COPY_PATH_MAX])
{
    int size = snprintf(ret_path, COPY_PATH_MAX, "%s/%s", folder, name);

    return size > 0 && size < COPY_PATH_MAX ? STATUS_OK : STATUS_OVER_LIMIT;
}

/* Reading a file ---------------------------------------------------------------------------------------------------- */

struct reading {
    FILE *stream;
    struct sha256 *sha;
    struct arena *arena;
    struct hash chain;
    uint8_t *body;
    size_t body_capacity;
    size_t body_size;
    uint8_t kind;
    /* so far */
    struct id force, epoch;
    uint64_t first_pos;
    uint64_t next_pos;
    bool marked;
    struct store_head mark;
    struct hash chain_at_mark;
    int64_t offset, offset_at_mark;
};

static void reading_done(struct reading *reading)
{
    if (reading->stream != NULL)
        fclose(reading->stream);
    free(reading->body);
    arena_free(reading->arena);
    sha256_free(reading->sha);
}

static enum status reading_open(const char *path, struct reading *reading)
{
    *reading = (struct reading){.stream = fopen(path, "re")};
    if (reading->stream == NULL)
        return errno == ENOENT ? STATUS_NOT_FOUND : failed();
    enum status status = sha256_new(&reading->sha);
    return status == STATUS_OK ? arena_new(&reading->arena) : status;
}

/* The body may come in up to three parts. */
static enum status chain_on(struct sha256 *sha, struct hash *chain, uint8_t kind, const struct span *body, size_t count)
{
    struct span parts[5] = {span_of(chain->bytes, HASH_SIZE), span_of(&kind, 1)};

    for (size_t i = 0; i < count; i++)
        parts[2 + i] = body[i];
    return sha256_parts(sha, parts, 2 + count, chain);
}

/* NOT_FOUND: nothing whole follows. STORE: what is whole isn't what was written. */
static enum status next_record(struct reading *reading)
{
    uint8_t frame[FRAME_SIZE];
    uint8_t chain[HASH_SIZE];
    size_t size;

    if (fread(frame, 1, sizeof(frame), reading->stream) != sizeof(frame))
        return ferror(reading->stream) ? STATUS_IO : STATUS_NOT_FOUND;
    size = get_u32(frame);
    if (size > BODY_MAX)
        return STATUS_NOT_FOUND;
    if (size > reading->body_capacity) {
        uint8_t *larger = realloc(reading->body, size);

        if (larger == NULL)
            return STATUS_NO_MEMORY;
        reading->body = larger;
        reading->body_capacity = size;
    }
    if (fread(reading->body, 1, size, reading->stream) != size ||
        fread(chain, 1, sizeof(chain), reading->stream) != sizeof(chain))
        return ferror(reading->stream) ? STATUS_IO : STATUS_NOT_FOUND;
    reading->kind = frame[4];
    reading->body_size = size;
    struct span whole = span_of(reading->body, size);
    enum status status = chain_on(reading->sha, &reading->chain, frame[4], &whole, 1);
    if (status != STATUS_OK)
        return status;
    reading->offset += (int64_t)(sizeof(frame) + size + sizeof(chain));
    return memcmp(chain, reading->chain.bytes, HASH_SIZE) == 0 ? STATUS_OK : STATUS_STORE;
}

static enum status unpack(struct reading *reading, const ProtobufCMessageDescriptor *descriptor,
                          ProtobufCMessage **ret_message)
{
    arena_reset(reading->arena, ARENA_FACTOR * reading->body_size + ARENA_FLOOR);
    return wire_unpack(reading->arena, descriptor, span_of(reading->body, reading->body_size), ret_message);
}

static struct span of(ProtobufCBinaryData data)
{
    return span_of(data.data, data.len);
}

static enum status take_begin(struct reading *reading)
{
    ProtobufCMessage *message;
    enum status status = unpack(reading, &doublecrew__v1__copy_begin__descriptor, &message);

    if (status != STATUS_OK)
        return STATUS_STORE;
    const Doublecrew__V1__CopyBegin *begin = (const Doublecrew__V1__CopyBegin *)message;
    if (id_from_span(of(begin->force_id), &reading->force) != STATUS_OK ||
        id_from_span(of(begin->epoch), &reading->epoch) != STATUS_OK)
        return STATUS_STORE;
    reading->first_pos = begin->first_pos;
    reading->next_pos = begin->first_pos;
    return STATUS_OK;
}

static enum status take_mark(struct reading *reading)
{
    ProtobufCMessage *message;
    struct store_head head = {.force = reading->force};
    enum status status = unpack(reading, &doublecrew__v1__copy_mark__descriptor, &message);

    if (status != STATUS_OK)
        return STATUS_STORE;
    const Doublecrew__V1__CopyMark *mark = (const Doublecrew__V1__CopyMark *)message;
    if (id_from_span(of(mark->epoch), &head.epoch) != STATUS_OK ||
        hash_from_span(of(mark->root), &head.root) != STATUS_OK || mark->pos + 1 != reading->next_pos ||
        strlen(mark->engine) >= sizeof(head.engine))
        return STATUS_STORE;
    head.pos = mark->pos;
    head.time_us = mark->time_us;
    head.timers_held = mark->timers_held;
    head.training = mark->training;
    (void)snprintf(head.engine, sizeof(head.engine), "%s", mark->engine);
    reading->mark = head;
    reading->marked = true;
    reading->chain_at_mark = reading->chain;
    reading->offset_at_mark = reading->offset;
    return STATUS_OK;
}

static enum status take_row(struct reading *reading, struct journal_row *ret_row)
{
    const uint8_t *at = reading->body;
    struct journal_row row;
    size_t delivery_size;

    if (reading->body_size < ROW_HEADER_SIZE)
        return STATUS_STORE;
    row.first_pos = get_u64(at);
    row.count = get_u32(at + 8);
    row.kind = (enum journal_kind)get_u32(at + 12);
    row.time_us = (int64_t)get_u64(at + 16);
    memcpy(row.log.bytes, at + 24, ID_SIZE);
    row.first_seq = get_u64(at + 40);
    delivery_size = get_u32(at + 48);
    if (delivery_size > reading->body_size - ROW_HEADER_SIZE || row.first_pos != reading->next_pos || row.count == 0)
        return STATUS_STORE;
    row.delivery = span_of(at + ROW_HEADER_SIZE, delivery_size);
    row.body = span_of(at + ROW_HEADER_SIZE + delivery_size, reading->body_size - ROW_HEADER_SIZE - delivery_size);
    reading->next_pos = row.first_pos + row.count;
    *ret_row = row;
    return STATUS_OK;
}

/* To the file's end, or to a torn record. each may be NULL. Rows beyond to_pos aren't handed on. */
static enum status read_through(struct reading *reading, uint64_t from_pos, uint64_t to_pos, store_journal_each each,
                                void *context)
{
    struct journal_row row;
    enum status status = next_record(reading);

    if (status == STATUS_OK)
        status = reading->kind == 'B' ? take_begin(reading) : STATUS_STORE;
    while (status == STATUS_OK && (status = next_record(reading)) == STATUS_OK) {
        if (reading->kind == 'M') {
            status = take_mark(reading);
            continue;
        }
        status = reading->kind == 'R' ? take_row(reading, &row) : STATUS_STORE;
        if (status == STATUS_OK && each != NULL && row.first_pos >= from_pos && row.first_pos <= to_pos)
            status = each(context, &row);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Writing ----------------------------------------------------------------------------------------------------------- */

struct copy_writer {
    char folder[COPY_PATH_MAX];
    FILE *stream; /* NULL: the next row begins a file */
    struct sha256 *sha;
    struct hash chain;
    struct id force, epoch;
    int64_t size;
};

static bool put(struct copy_writer *writer, struct span bytes)
{
    return bytes.size == 0 || fwrite(bytes.data, 1, bytes.size, writer->stream) == bytes.size;
}

static enum status write_record(struct copy_writer *writer, uint8_t kind, const struct span *parts, size_t count)
{
    uint8_t frame[FRAME_SIZE];
    size_t size = 0;
    enum status status;

    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    if (size > BODY_MAX)
        return STATUS_OVER_LIMIT;
    put_u32(frame, (uint32_t)size);
    frame[4] = kind;
    status = chain_on(writer->sha, &writer->chain, kind, parts, count);
    if (status != STATUS_OK)
        return status;
    bool written = put(writer, span_of(frame, sizeof(frame)));
    for (size_t i = 0; i < count; i++)
        written = written && put(writer, parts[i]);
    if (!written || !put(writer, span_of(writer->chain.bytes, HASH_SIZE)))
        return failed();
    writer->size += (int64_t)(sizeof(frame) + size + HASH_SIZE);
    return STATUS_OK;
}

static enum status write_message(struct copy_writer *writer, uint8_t kind, const ProtobufCMessage *message)
{
    uint8_t *bytes;
    size_t size;
    enum status status = wire_pack(message, &bytes, &size);

    if (status != STATUS_OK)
        return status;
    struct span body = span_of(bytes, size);
    status = write_record(writer, kind, &body, 1);
    free(bytes);
    return status;
}

static ProtobufCBinaryData bytes_of(const void *bytes, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)bytes}; /* packing only reads */
}

static enum status sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return failed();
    int broke = fsync(fd);
    return close(fd) != 0 || broke ? STATUS_IO : STATUS_OK;
}

static enum status begin_file(struct copy_writer *writer, uint64_t first_pos)
{
    Doublecrew__V1__CopyBegin begin = DOUBLECREW__V1__COPY_BEGIN__INIT;
    char name[NAME_SIZE];
    char path[COPY_PATH_MAX];
    int fd;

    name_of(&writer->epoch, first_pos, name);
    enum status status = join(writer->folder, name, path);
    if (status != STATUS_OK)
        return status;
    /* One without a mark was begun and never finished. */
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return failed();
    writer->stream = fdopen(fd, "we");
    if (writer->stream == NULL) {
        close(fd);
        return STATUS_NO_MEMORY;
    }
    writer->size = 0;
    memset(&writer->chain, 0, sizeof(writer->chain));
    begin.force_id = bytes_of(writer->force.bytes, ID_SIZE);
    begin.epoch = bytes_of(writer->epoch.bytes, ID_SIZE);
    begin.first_pos = first_pos;
    status = write_message(writer, 'B', &begin.base);
    return status == STATUS_OK ? sync_folder(writer->folder) : status;
}

/* Behind the last mark of the file; what comes after it goes. */
static enum status go_on(struct copy_writer *writer, const char *path, const struct reading *reading)
{
    writer->stream = fopen(path, "r+e");
    if (writer->stream == NULL)
        return failed();
    if (ftruncate(fileno(writer->stream), reading->offset_at_mark) != 0 ||
        fseeko(writer->stream, reading->offset_at_mark, SEEK_SET) != 0)
        return failed();
    writer->chain = reading->chain_at_mark;
    writer->size = reading->offset_at_mark;
    return STATUS_OK;
}

static enum status find_end(struct copy_writer *writer, const struct names *names, uint64_t *ret_pos,
                            struct hash *ret_root)
{
    for (size_t i = names->count; i > 0; i--) {
        struct reading reading;
        char path[COPY_PATH_MAX];
        enum status status = join(writer->folder, names->at[i - 1], path);

        if (status != STATUS_OK)
            return status;
        status = reading_open(path, &reading);
        if (status == STATUS_OK)
            status = read_through(&reading, 0, 0, NULL, NULL);
        if (status == STATUS_OK && reading.marked && !id_equal(&reading.force, &writer->force))
            status = STATUS_STORE;
        if (status == STATUS_OK && reading.marked) {
            status = go_on(writer, path, &reading);
            *ret_pos = reading.mark.pos;
            *ret_root = reading.mark.root;
            reading_done(&reading);
            return status;
        }
        reading_done(&reading);
        if (status == STATUS_OK && unlink(path) != 0) /* begun, and never marked: its rows come again elsewhere */
            status = failed();
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status copy_writer_open(const char *folder, const struct store_head *head, struct copy_writer **ret_writer,
                             uint64_t *ret_pos, struct hash *ret_root)
{
    struct copy_writer *writer = calloc(1, sizeof(*writer));
    struct names names = {NULL, 0};
    uint64_t pos = 0;
    struct hash root = {{0}};
    enum status status;

    if (writer == NULL)
        return STATUS_NO_MEMORY;
    writer->force = head->force;
    writer->epoch = head->epoch;
    status = strlen(folder) < COPY_PATH_MAX ? sha256_new(&writer->sha) : STATUS_OVER_LIMIT;
    if (status == STATUS_OK)
        memcpy(writer->folder, folder, strlen(folder) + 1);
    if (status == STATUS_OK && mkdir(folder, 0700) != 0 && errno != EEXIST)
        status = failed();
    if (status == STATUS_OK)
        status = list(folder, &head->epoch, &names);
    if (status == STATUS_OK)
        status = find_end(writer, &names, &pos, &root);
    free(names.at);
    if (status != STATUS_OK) {
        copy_writer_close(writer);
        return status;
    }
    *ret_writer = writer;
    *ret_pos = pos;
    *ret_root = root;
    return STATUS_OK;
}

void copy_writer_close(struct copy_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->stream != NULL)
        fclose(writer->stream);
    sha256_free(writer->sha);
    free(writer);
}

enum status copy_writer_row(struct copy_writer *writer, const struct journal_row *row)
{
    uint8_t header[ROW_HEADER_SIZE] = {0};
    struct span parts[] = {span_of(header, sizeof(header)), row->delivery, row->body};
    enum status status = writer->stream == NULL ? begin_file(writer, row->first_pos) : STATUS_OK;

    if (status != STATUS_OK)
        return status;
    put_u64(header, row->first_pos);
    put_u32(header + 8, row->count);
    put_u32(header + 12, (uint32_t)row->kind);
    put_u64(header + 16, (uint64_t)row->time_us);
    memcpy(header + 24, row->log.bytes, ID_SIZE);
    put_u64(header + 40, row->first_seq);
    put_u32(header + 48, (uint32_t)row->delivery.size);
    return write_record(writer, 'R', parts, 3);
}

enum status copy_writer_mark(struct copy_writer *writer, const struct store_head *head)
{
    Doublecrew__V1__CopyMark mark = DOUBLECREW__V1__COPY_MARK__INIT;
    char engine[sizeof(head->engine)];
    enum status status;

    memcpy(engine, head->engine, sizeof(engine));
    mark.pos = head->pos;
    mark.time_us = head->time_us;
    mark.epoch = bytes_of(head->epoch.bytes, ID_SIZE);
    mark.root = bytes_of(head->root.bytes, HASH_SIZE);
    mark.engine = engine;
    mark.timers_held = head->timers_held;
    mark.training = head->training;
    status = write_message(writer, 'M', &mark.base);
    if (status == STATUS_OK && (fflush(writer->stream) != 0 || fdatasync(fileno(writer->stream)) != 0))
        status = failed();
    if (status == STATUS_OK && writer->size > COPY_FILE_SIZE) {
        if (fclose(writer->stream) != 0)
            status = failed();
        writer->stream = NULL;
    }
    return status;
}

/* Reading a folder -------------------------------------------------------------------------------------------------- */

static enum status read_file(const char *folder, const char *name, uint64_t from_pos, uint64_t to_pos,
                             store_journal_each each, void *context, struct reading *ret_reading)
{
    char path[COPY_PATH_MAX];
    struct reading reading;
    enum status status = join(folder, name, path);

    if (status != STATUS_OK)
        return status;
    status = reading_open(path, &reading);
    if (status == STATUS_OK)
        status = read_through(&reading, from_pos, to_pos, each, context);
    *ret_reading = reading; /* plain members only are looked at from here on */
    reading_done(&reading);
    return status;
}

enum status copy_find(const char *folder, struct copy_end *ret_end)
{
    struct names names;
    struct copy_end end = {.first_pos = 0}, best = {.first_pos = 0};
    bool found = false;
    enum status status = list(folder, NULL, &names);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < names.count && status == STATUS_OK; i++) {
        struct reading reading;

        status = read_file(folder, names.at[i], 0, 0, NULL, NULL, &reading);
        if (status != STATUS_OK || !reading.marked)
            continue;
        if (!id_equal(&end.epoch, &reading.epoch))
            end = (struct copy_end){.force = reading.force, .epoch = reading.epoch, .first_pos = reading.first_pos};
        else if (reading.first_pos != end.head.pos + 1)
            status = STATUS_STORE; /* a file between them is missing */
        end.head = reading.mark;
        if (!found || end.head.time_us >= best.head.time_us)
            best = end;
        found = true;
    }
    free(names.at);
    if (status != STATUS_OK)
        return status;
    if (!found)
        return STATUS_NOT_FOUND;
    *ret_end = best;
    return STATUS_OK;
}

enum status copy_read(const char *folder, const struct copy_end *end, uint64_t from_pos, store_journal_each each,
                      void *context)
{
    struct names names;
    enum status status = list(folder, &end->epoch, &names);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < names.count && status == STATUS_OK; i++) {
        struct reading reading;

        status = read_file(folder, names.at[i], from_pos, end->head.pos, each, context, &reading);
    }
    free(names.at);
    return status;
}
