/*
 * gathering_iterator.h -- values that come in any order of their keys and go out in order: 0, 1, 2 … (ft_utils' GatheringIterator).
 *
 * Threads insert (key, value); whoever asks for the next one waits, detached (wait.h), while its key is missing. The place
 * where it is, `next`, is the object's: threads that ask at the same time share the values among them, each key comes out once.
 *
 *     key < next: has come out | in the table: waits for its turn | neither: can be inserted
 *
 * Invariant, under the lock: every key in the table is >= next. A key can be inserted once, ever. An insertion takes effect
 * under the lock, and so does a step. Cancelled is for good: nothing goes in or comes out, what was there is dropped, and all
 * who wait are told.
 * Errors: ERR_TYPE, ERR_MEMORY, and those named at the function. Timeouts: nanoseconds; < 0: for ever; 0: not at all.
 */
#ifndef OBJECTS_GATHERING_ITERATOR_H
#define OBJECTS_GATHERING_ITERATOR_H

#include "wait.h"

struct gathering_slot {
    int64_t key;
    struct obj *value; /* owned; NULL: the slot is free */
};

/* Open addressing, linear probing; at least half of the slots are free. */
struct gathering_table {
    struct gathering_slot *slot; /* owned */
    size_t slots, used;          /* slots: 0 or a power of two */
};

struct gathering_iterator {
    struct container base;
    struct lock lock;
    struct wait moved; /* next, or what is at next, has changed */
    uint64_t next;
    struct gathering_table table;
    bool cancelled;
};

static const struct type gathering_iterator_type;

API struct obj *gathering_iterator_new(void);
/* Takes a reference of its own. ERR_VALUE: a negative key. ERR_KEY: it has been inserted before. ERR_CANCELLED. */
API int gathering_iterator_insert(struct obj *gathering, int64_t key, struct obj *value);
/* The value of the next key, if that is at most max_key: 1 and a new reference in *value. 0: all up to max_key have come out (a later call
 * with a larger max_key goes on). -1: ERR_EMPTY (it did not come in time), ERR_CANCELLED. *value is NULL unless 1. */
API int gathering_iterator_next(struct obj *gathering, int64_t max_key, int64_t timeout_ns, struct obj **value);
API int gathering_iterator_cancel(struct obj *gathering);
/* Values that wait for their turn. */
API int64_t gathering_iterator_length(struct obj *gathering);

#endif
