/*
 * batch_executor.h -- a source of values that is asked for many at a time, for threads that want them one at a time.
 *
 * load hands out what is in the buffer, oldest first, under the object's lock. When it is empty, the caller begins a critical
 * section (section.h) on the object, looks again, and asks the source `size` times. The source is user code: it may block, and
 * then the section is interrupted and others come in, who may take what is in the buffer, or fill it themselves. So the buffer
 * is looked at anew after every call: a value that finds it full goes to the caller at once, and who finds it empty after a
 * whole refill begins another.
 *
 * Each value of the source is handed out once: a reference is in the buffer or with one caller. An error of the source ends the
 * refill and reaches the caller that asked; what had come before it stays in the buffer for the next ones. The order in which
 * the source made them is kept unless it was interrupted. Under gil and plain the section is nothing, and the same holds.
 * Errors: ERR_TYPE, ERR_MEMORY, and those named at the function.
 */
#ifndef OBJECTS_BATCH_EXECUTOR_H
#define OBJECTS_BATCH_EXECUTOR_H

#include "section.h"

/* New reference; NULL and an error. Any thread's that loads; usually one at a time, but not while it blocks. */
typedef struct obj *batch_source(struct obj *arg);

struct batch_executor {
    struct container base;
    struct lock lock;
    batch_source *source;
    struct obj *arg;     /* owned */
    size_t size;         /* > 0 */
    size_t head, length; /* value[(head + i) % size], i < length <= size */
    struct obj **value;  /* owned */
};

static const struct type batch_executor_type;

/* New; arg (None, if the source needs none) is kept. ERR_VALUE: size < 1. */
API struct obj *batch_executor_new(batch_source *source, struct obj *arg, int64_t size);
/* New reference to the next value. NULL: the source's error; ERR_RECURSION: the source loads from its own executor, and so on. May run
 * user code; sections of the caller may be interrupted. */
API struct obj *batch_executor_load(struct obj *executor);

#endif
