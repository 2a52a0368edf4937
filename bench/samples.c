/*
 * samples.c -- the file of raw samples.
 */
#define _GNU_SOURCE 1
#include "samples.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "die.h"
#include "memory.h"

enum { SAMPLES_MOST_TWINS = 1000 }; /* runs that began in the same second */
enum { SAMPLES_DIGITS = 12 };      /* of a number that is no integer: 69.1, not 69.099999999999994 */

static void samples_make_folders(const char *path)
{
    char *copy = memory_text("%s", path);

    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0777) && errno != EEXIST)
            die(copy, errno);
        *slash = '/';
    }
    free(copy);
}

/* With a slash at its end. The specification of XDG ignores a relative path. */
static char *samples_folder(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (state && *state == '/')
        return memory_text("%s/rclab/", state);
    if (!home || !*home)
        die_usage("neither XDG_STATE_HOME nor HOME is set: name the file of samples with -o FILE");
    return memory_text("%s/.local/state/rclab/", home);
}

static void samples_create_default(struct samples_writer *writer)
{
    char *folder = samples_folder(), date[32];
    time_t now = time(NULL);

    samples_make_folders(folder);
    strftime(date, sizeof date, "%Y%m%d-%H%M%S", localtime(&now));
    for (int twin = 1; twin < SAMPLES_MOST_TWINS; twin++) {
        writer->path = twin == 1 ? memory_text("%srclab-%s.jsonl", folder, date)
                                 : memory_text("%srclab-%s-%d.jsonl", folder, date, twin);
        writer->fd = open(writer->path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (writer->fd >= 0 || errno != EEXIST)
            break;
        free(writer->path);
    }
    free(folder);
}

/* One writer for each file. A device or a file system without locks is none of our business. */
static void samples_lock(const struct samples_writer *writer)
{
    if (flock(writer->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
        die_usage("%s: another rclab is writing it", writer->path);
}

static void samples_create_named(struct samples_writer *writer, const char *path, bool force)
{
    struct stat status;
    bool exists = stat(path, &status) == 0;

    if (exists && S_ISREG(status.st_mode) && !force)
        die_usage("-o %s: the file exists; --force overwrites it", path);
    writer->path = memory_text("%s", path);
    writer->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | (exists ? 0 : O_EXCL), 0666);
}

void samples_create(struct samples_writer *writer, const char *path, bool force)
{
    if (path)
        samples_create_named(writer, path, force);
    else
        samples_create_default(writer);
    if (writer->fd < 0)
        die(writer->path, errno);
    samples_lock(writer); /* before anything is overwritten */
    if (path && force && ftruncate(writer->fd, 0) && errno != EINVAL) /* EINVAL: a device */
        die(writer->path, errno);
}

void samples_reopen(struct samples_writer *writer, const char *path)
{
    struct stat status;

    *writer = (struct samples_writer){.path = memory_text("%s", path), .fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)};
    if (writer->fd < 0)
        die(path, errno);
    if (fstat(writer->fd, &status) || !S_ISREG(status.st_mode))
        die_usage("%s: not a file that can be gone on with", path);
    samples_lock(writer);
}

bool samples_put(int fd, const json_t *record)
{
    char *text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(SAMPLES_DIGITS)), *line;
    size_t length;
    bool whole;

    if (!text)
        die("JSON", ENOMEM);
    line = memory_text("%s\n", text);
    length = strlen(line);
    whole = write(fd, line, length) == (ssize_t)length;
    free(line);
    free(text);
    return whole;
}

void samples_write(struct samples_writer *writer, const json_t *record)
{
    errno = ENOSPC; /* a short write sets none */
    if (!samples_put(writer->fd, record))
        die(writer->path, errno);
}

void samples_close(struct samples_writer *writer)
{
    if (close(writer->fd))
        die(writer->path, errno);
    free(writer->path);
}

json_t *samples_text(const char *text, size_t length)
{
    json_t *string = json_stringn(text, length);
    char *plain;

    if (string)
        return string;
    plain = memory_alloc(length + 1, 1);
    for (size_t i = 0; i < length; i++)
        plain[i] = (text[i] >= ' ' && text[i] <= '~') || text[i] == '\n' ? text[i] : '?';
    string = json_stringn(plain, length);
    free(plain);
    return string;
}

bool samples_open(struct samples_reader *reader, const char *path)
{
    *reader = (struct samples_reader){.path = path, .file = fopen(path, "re")};
    if (!reader->file)
        fprintf(stderr, "rclab: %s: %s\n", path, strerror(errno));
    return reader->file != NULL;
}

void samples_open_stream(struct samples_reader *reader, FILE *stream, const char *path)
{
    *reader = (struct samples_reader){.path = path, .file = stream};
}

json_t *samples_next(struct samples_reader *reader)
{
    ssize_t length;
    json_error_t error;
    json_t *record;

    errno = 0;
    length = getline(&reader->text, &reader->size, reader->file);
    if (length < 0) {
        reader->failed = ferror(reader->file);
        if (reader->failed)
            fprintf(stderr, "rclab: %s: %s\n", reader->path, strerror(errno));
        return NULL;
    }
    reader->line++;
    record = json_loadb(reader->text, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(record)) {
        reader->whole += length;
        reader->unended = reader->text[length - 1] != '\n';
        return record;
    }
    if (record)
        snprintf(error.text, sizeof error.text, "another JSON value");
    json_decref(record);
    if (reader->line > 1 && reader->text[length - 1] != '\n') {
        fprintf(stderr, "rclab: %s:%zu: warning: the last line is cut off and left out\n", reader->path, reader->line);
        reader->cut = true;
        return NULL;
    }
    fprintf(stderr, "rclab: %s:%zu: not a JSON object: %s\n", reader->path, reader->line, error.text);
    reader->failed = true;
    return NULL;
}

void samples_finish(struct samples_reader *reader)
{
    free(reader->text);
    fclose(reader->file);
}
