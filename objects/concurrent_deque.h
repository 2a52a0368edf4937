/*
 * concurrent_deque.h -- a double-ended queue for many threads (ft_utils' ConcurrentDeque).
 *
 * Two parts: a doubly linked chain of cells, under the object's lock, and in front of it a gate: one of liburcu's wait-free
 * queues (os_queue), into which appends at either end put their cell, marked with its side. Every other operation takes the
 * lock, moves at one moment everything from the gate to the chain (a splice: one exchange), and then does its work on the
 * chain.
 *
 * Order of all operations, in which no result is out of place: an append takes effect at its exchange of the gate's tail; any
 * other operation at its splice, the last one before it looked: the chain is then what the deque was at that moment, and stays
 * it but for appends that come later in that order. So everything is linearizable: the ends, and length, contains, iteration
 * too.
 *
 * Non-blocking, and not. append and appendleft are wait-free but for the allocation of the cell: no lock, one exchange. pop and
 * popleft take a short lock: some loads and stores, no allocation, no user code, no wait for another lock; a thread that is
 * stopped inside holds up those that pop, not those that append. A deque without any lock needs a grace period (or hazard
 * pointers) between a cell's leaving and its item's decref, since another thread may be about to incref it. Then a popped item
 * would die late, at some safepoint of some thread, and who pops would have to wait for readers now and then: what is gained at
 * the front is lost behind. Here a cell is freed by who took it out under the lock, and an item is increfed under it: nobody
 * ever holds an address of a cell that may be gone.
 * What else may hold up an operation under the lock: an appender between its exchange and the link that follows (two
 * instructions).
 *
 * Comparisons that run user code release the lock, on a new reference, and start again when a cell has moved or gone (as
 * list.c).
 * Errors: ERR_TYPE (not a deque), ERR_MEMORY, and those named at the function. A failed operation has changed nothing.
 */
#ifndef OBJECTS_CONCURRENT_DEQUE_H
#define OBJECTS_CONCURRENT_DEQUE_H

#include "lock.h"

struct deque_cell {
    struct os_node node; /* while at the gate */
    struct deque_cell *left, *right;
    struct obj *item;    /* owned */
    bool at_left;        /* where it goes */
};

struct concurrent_deque {
    struct container base;
    struct lock lock;       /* of the chain, and of the gate's dequeuing end */
    struct deque_cell *leftmost, *rightmost;
    int64_t length;         /* of the chain */
    struct os_queue *gate;  /* owned; apart, since an object's memory is not aligned to cache lines */
};

static const struct type concurrent_deque_type;

API struct obj *concurrent_deque_new(void);
API int concurrent_deque_append(struct obj *deque, struct obj *item);     /* at the right end */
API int concurrent_deque_appendleft(struct obj *deque, struct obj *item);
API struct obj *concurrent_deque_pop(struct obj *deque);     /* the deque's reference passes to the caller; NULL: ERR_INDEX, it is empty */
API struct obj *concurrent_deque_popleft(struct obj *deque); /* likewise */
/* The items of a list or tuple, in one moment: as if each were appended (appended left: they end up in reverse order). */
API int concurrent_deque_extend(struct obj *deque, struct obj *sequence);
API int concurrent_deque_extendleft(struct obj *deque, struct obj *sequence);
API int64_t concurrent_deque_length(struct obj *deque);
API int concurrent_deque_clear(struct obj *deque);
/* The last `by` items come to the front; < 0: the first ones to the end. */
API int concurrent_deque_rotate(struct obj *deque, int64_t by);
API int concurrent_deque_remove(struct obj *deque, struct obj *item);    /* the leftmost equal one; ERR_KEY: none is */
API int64_t concurrent_deque_index(struct obj *deque, struct obj *item); /* of the leftmost equal one; -1: ERR_KEY */
API int concurrent_deque_contains(struct obj *deque, struct obj *item);  /* 1, 0, -1 */
/* New list: the items at one moment, from the left. */
API struct obj *concurrent_deque_items(struct obj *deque);
/* New iterator (iter.h) over the items of one moment: what threads do to the deque meanwhile does not touch it. */
API struct obj *concurrent_deque_iterate(struct obj *deque);

#endif
