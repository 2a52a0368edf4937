/*
 * samples.h -- the file of raw samples: JSON lines, each written by one write(2), so that a crash leaves a valid file with
 * at most its last line cut off.
 */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#define SAMPLES_SCHEMA "rclab/1"

struct samples_writer {
    int fd;
    char *path;
};

/* `path` NULL: a new file rclab-DATE-TIME.jsonl in $XDG_STATE_HOME/rclab or ~/.local/state/rclab. Exits 2 if it cannot be
 * written, or exists and `force` is false. */
void samples_create(struct samples_writer *writer, const char *path, bool force);
void samples_write(struct samples_writer *writer, const json_t *record); /* dies if the file cannot take it */
void samples_close(struct samples_writer *writer);

/* A file that is there, to go on with at its end. Exits 2 if it is not a file, cannot be written or is being written. */
void samples_reopen(struct samples_writer *writer, const char *path);

/* One line and one write; false if not all of it was taken. */
bool samples_put(int fd, const json_t *record);

/* A JSON string of any bytes: what is not printable ASCII becomes '?' when it is not valid UTF-8. New reference. */
json_t *samples_text(const char *text, size_t length);

struct samples_reader {
    FILE *file;
    const char *path;
    size_t line; /* number of the line read last */
    char *text;
    size_t size;
    long whole;   /* bytes up to the end of the last whole record */
    bool failed;
    bool cut;     /* the file ends in a piece of a line */
    bool unended; /* the last record is whole but for its newline */
};

/* False, with a message, if the file cannot be opened. */
bool samples_open(struct samples_reader *reader, const char *path);

/* `path` is for messages; samples_finish closes the stream. */
void samples_open_stream(struct samples_reader *reader, FILE *stream, const char *path);

/* The next record, new reference; NULL at the end or, with a message and `failed` set, at a line that is no JSON object.
 * A last line without its end that is no JSON is a warning and ends the file. */
json_t *samples_next(struct samples_reader *reader);
void samples_finish(struct samples_reader *reader);

#endif
