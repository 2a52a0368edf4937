/*
 * thread_local.h -- values of which each thread has its own, with destructors (ft_utils' weave; POSIX's thread-specific data).
 *
 * A key is an object. A thread sets and gets its value of that key without a lock. When a thread ends (thread_end, also of one that
 * is detached; objects_stop for the thread that calls it), its values are destroyed in the order in which their keys were
 * registered: each is taken out, its key's destructor is called with it, its reference is dropped. A destructor may do anything, also set
 * values: those are destroyed in another round, of which there are THREAD_LOCAL_ROUNDS (POSIX's
 * PTHREAD_DESTRUCTOR_ITERATIONS); what is set in the last one is dropped without its destructor, and then the thread can
 * set no more (ERR_VALUE). What destructors of others do meanwhile, such as look at a value that comes later, they may.
 *
 * The key owns the values: whoever holds a key keeps them, the collector finds them through it, and when the last reference to a
 * key is gone they are dropped, without destructors (as POSIX does for a key that is deleted). So hold a key as long as its destructor is to run.
 *
 *     entry   key's --the thread ends, or sets NULL--> nobody's, freed by the thread
 *             key's --the key dies or is cleared--> without key and value, the thread's: used again for the next key of that
 *             slot, or freed at its end
 *
 * Invariant, under the mutex: an entry is in its key's list as long as it has a key. A key's slot is another's only after all its
 * entries have lost it. Entries are allocated, linked to the thread and freed by their thread alone.
 * Memory ordering: an entry's key is written under the mutex; the thread reads it without, to compare it with a key that
 * it holds: only that thread links it to one, and one that died did so before its address was used again. An
 * entry's value is the thread's; with the world stopped the collector reads it (T1); whoever clears a key got there by R1 or T1.
 * Lock order: the mutex is a leaf.
 * Errors of all: ERR_TYPE (not a key), and those named at the function.
 */
#ifndef OBJECTS_THREAD_LOCAL_H
#define OBJECTS_THREAD_LOCAL_H

#include "object.h"

enum { THREAD_LOCAL_ROUNDS = 4 };

/* Borrowed, both. On the thread that ends, attached, no lock held. */
typedef void thread_local_destructor(struct obj *key, struct obj *value);

struct thread_local_key {
    struct container base;
    uint32_t slot;                     /* of its values in each thread's table */
    uint64_t order;                    /* of registration */
    thread_local_destructor *destroy;  /* under the mutex; NULL: none, or unregistered */
    struct thread_local_value *values; /* under the mutex: of all threads */
};

struct thread_local_value {
    struct thread_local_value *next;         /* in its thread's list */
    struct thread_local_value *after, **at;  /* in its key's, under the mutex; at: what points at this one */
    _Atomic(struct thread_local_key *) key;  /* NULL: it is gone */
    struct obj *value;                       /* owned; NULL: as above */
    uint64_t order;                          /* its key's, as is slot */
    uint32_t slot;
    int round;                               /* in which it was set; 0 while the thread lives */
};

static const struct type thread_local_type;

/* Registers a key; destroy may be NULL. New; NULL: ERR_MEMORY. */
API struct obj *thread_local_new(thread_local_destructor *destroy);
/* The calling thread's value; NULL: none any more. The old one is dropped, without destructor. 0, or -1: ERR_MEMORY, ERR_VALUE (the
 * thread has destroyed its values). */
API int thread_local_set(struct obj *key, struct obj *value);
/* 1 and a new reference; 0: the calling thread has none (*value = NULL); -1. */
API int thread_local_get(struct obj *key, struct obj **value);
/* From now on no thread begins its destructor; values are dropped all the same. 1: it had one; 0; -1. */
API int thread_local_unregister(struct obj *key);

/* The calling thread's end: destroys its values. For thread_end and objects_stop; idempotent. */
API void thread_local_end(void);
/* Gives the table of slots back. No thread runs. */
API void thread_local_stop(void);

#endif
