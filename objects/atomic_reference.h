/*
 * atomic_reference.h -- AtomicReference: one reference that threads read and replace (ft_utils' AtomicReference).
 *
 * get must turn what it reads into a reference of its own while another thread replaces it and drops the last one. Two ways:
 *
 *     under the object lock (default): the reference that is held counts until it is taken out, which happens under the lock; an
 *         incref under it therefore has something that keeps the object. The lock has no bias: it is there to be shared.
 *     without (strategies that defer frees past the reader's next safepoint: buffered): an incref right after the load, with no
 *         safepoint between, is counted before the decref of whoever replaced it (rule INC <= e before DEC <= e-1, FIELD.md 1).
 *
 * What is displaced is dropped after the exchange, with no lock held: its destructor may use this very reference.
 * Linearizable: get, set, exchange and compare_exchange take place at one point between call and return (under the lock; or
 * at one seq_cst access of `object`). compare_exchange is by identity, and without ABA: the caller holds `expected`, so its
 * address names no other object.
 * Invariant: `object` is owned and never NULL until clear or dealloc; then None stands for it.
 * Errors of all: ERR_TYPE (not an AtomicReference).
 */
#ifndef OBJECTS_ATOMIC_REFERENCE_H
#define OBJECTS_ATOMIC_REFERENCE_H

#include "lock.h"

#define REFERENCE_UNLOCKED RC_DEFERS_FREE

struct atomic_reference {
    struct container base;
    struct lock lock;
    _Atomic(struct obj *) object;
};

static const struct type atomic_reference_type;

API struct obj *atomic_reference_new(struct obj *object); /* new; takes its own reference. NULL: ERR_MEMORY */
API struct obj *atomic_reference_get(struct obj *o);      /* new reference; NULL: ERR_TYPE */
API int atomic_reference_set(struct obj *o, struct obj *object);
API struct obj *atomic_reference_exchange(struct obj *o, struct obj *object); /* the reference that it held; NULL: ERR_TYPE */
/* 1: it was `expected`, and is `object` now. 0: it was another. -1. */
API int atomic_reference_compare_exchange(struct obj *o, struct obj *expected, struct obj *object);

#endif
