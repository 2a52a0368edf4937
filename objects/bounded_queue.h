/*
 * bounded_queue.h -- a FIFO queue with a hard bound, that knows which of its items are dealt with (Python's queue.Queue).
 *
 * One lock around a ring of items; three conditions to wait for, detached (wait.h): an item, room, and all tasks done.
 *
 *     open --shutdown--> shut: nothing goes in; what is in it can be got, unless immediate: then it is dropped
 *
 * Invariant, under the lock: 0 <= length <= maxsize (if that is > 0); unfinished >= length: those that were put and whose
 * task_done has not come. Every operation takes effect in the one moment in which it holds the lock last; a put that has to
 * wait has not entered, a get that is late has taken nothing. The ring grows as far as maxsize and never shrinks: who has
 * waited for room needs no memory, so no wake is lost to the want of it. A lock, and not liburcu's queue: a hard bound and the
 * count of tasks change together with the items, at both ends.
 * Errors: ERR_TYPE, ERR_MEMORY, and those named at the function. Timeouts: nanoseconds; < 0: for ever; 0: not at all (the
 * *_nowait of the original). Whatever waits is a safepoint.
 */
#ifndef OBJECTS_BOUNDED_QUEUE_H
#define OBJECTS_BOUNDED_QUEUE_H

#include "wait.h"

struct bounded_ring {
    struct obj **item;           /* owned: item[(head + i) % places], i < length */
    size_t head, length, places;
};

struct bounded_queue {
    struct container base;
    struct lock lock;
    struct wait filled, room, done;
    int64_t maxsize;             /* <= 0: no bound */
    int64_t unfinished;
    struct bounded_ring ring;
    bool shut;
};

static const struct type bounded_queue_type;

API struct obj *bounded_queue_new(int64_t maxsize);
/* Takes a reference of its own. ERR_FULL: there was no room in time. ERR_SHUTDOWN. */
API int bounded_queue_put(struct obj *queue, struct obj *item, int64_t timeout_ns);
/* The oldest item; the queue's reference passes to the caller. NULL: ERR_EMPTY: none came in time. ERR_SHUTDOWN: shut, and none is left. */
API struct obj *bounded_queue_get(struct obj *queue, int64_t timeout_ns);
API int64_t bounded_queue_size(struct obj *queue);
API int bounded_queue_full(struct obj *queue);      /* 1, 0, -1. Without a bound never */
API int64_t bounded_queue_unfinished(struct obj *queue); /* tasks */
/* Who got an item has dealt with it. ERR_VALUE: more often than items were got. */
API int bounded_queue_task_done(struct obj *queue);
/* 1: there was a moment after the call's beginning in which every item that had been put was dealt with; 0: not in time; -1. */
API int bounded_queue_join(struct obj *queue, int64_t timeout_ns);
/* Wakes all who wait to put or get. Items that are dropped, if `immediate`, need no task_done: a join may end with it. */
API int bounded_queue_shutdown(struct obj *queue, bool immediate);

#endif
