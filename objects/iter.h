/*
 * iter.h -- one iterator for list, tuple, dict (keys) and set, which several threads may share.
 *
 * The iterator's own lock makes each step atomic, so that every item comes out once however many threads pull; a step
 * holds the container's lock as well (both as in lock_acquire_two). Exhaustion takes the container's reference out under
 * the iterator's lock and drops it after the unlock, so exactly one thread drops it (FIELD.md 3.18). Lists may change
 * while iterated (positions count, as in Python); a dict or set whose number of entries changed reports ERR_CHANGED.
 */
#ifndef OBJECTS_ITER_H
#define OBJECTS_ITER_H

#include "lock.h"

struct iter {
    struct container base;
    struct lock lock;
    struct obj *source; /* owned; the container or a wrapper of it; NULL: exhausted */
    size_t position;
    size_t expected;    /* dict and set: number of live entries when it began */
};

static const struct type iter_type;

/* New iterator over a list, tuple, dict or set; NULL: ERR_TYPE, ERR_MEMORY. */
API struct obj *iter_new(struct obj *source);
/* 1 and a new reference in *item; 0: exhausted (stays so); -1: ERR_TYPE, ERR_CHANGED. *item is NULL unless 1. */
API int iter_next(struct obj *iter, struct obj **item);

#endif
