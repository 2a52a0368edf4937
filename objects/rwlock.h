/*
 * rwlock.h -- many readers or one writer, as an object; who writes comes first (ft_utils' RWLock).
 *
 *     free --read--> N readers --the last leaves, a writer waits--> the writer's --unlock--> the next writer's, or all
 *     readers that wait, or free
 *
 * Writer preference: a reader that comes while a writer waits queues, and readers come in only when no writer waits; so writers
 * that keep coming keep readers out. A thread that reads already may read again all the same: it would wait for itself.
 * Unlocks are matched to the thread: the lock knows who holds it how often. What would wait for itself is refused: to write while one
 * reads, to read or write while one writes. Handing over is direct (turn.h); waiters are detached.
 * Invariant, under the guard: writer == 0 || held == 0; somebody waits only while somebody holds it; a reader waits only behind
 * a writer, who holds it or waits; room >= held + readers.length, so that handing over needs no memory.
 * A thread that ends while it holds the lock leaves it so.
 * Errors of all: ERR_TYPE (not a read-write lock), and those named at the function. An error changes nothing.
 */
#ifndef OBJECTS_RWLOCK_H
#define OBJECTS_RWLOCK_H

#include "turn.h"

struct rwlock_holder {
    uint32_t key, count; /* a thread that reads, and how often it locked */
};

struct rwlock {
    struct obj base;
    struct os_mutex guard; /* a leaf: of everything below */
    uint32_t writer;       /* thread.key; 0: nobody writes */
    uint32_t held, room;   /* of `holder`, owned memory */
    struct rwlock_holder *holder;
    struct turn_queue readers, writers; /* that wait */
};

static const struct type rwlock_type;

/* New; NULL: ERR_MEMORY. */
API struct obj *rwlock_new(void);
/* May wait, detached: a safepoint. 0, or -1: ERR_OWNER (the caller writes), ERR_MEMORY. */
API int rwlock_read_lock(struct obj *lock);
/* 0, or -1: ERR_OWNER, the caller does not read. */
API int rwlock_read_unlock(struct obj *lock);
/* May wait, detached: a safepoint. 0, or -1: ERR_OWNER, the caller reads or writes. */
API int rwlock_write_lock(struct obj *lock);
/* 0, or -1: ERR_OWNER, the caller does not write. */
API int rwlock_write_unlock(struct obj *lock);

/* Threads that read now. This and the next two are out of date at once, unless the caller holds the lock. -1: ERR_TYPE. */
API int64_t rwlock_readers(struct obj *lock);
API int64_t rwlock_writers_waiting(struct obj *lock);
API int rwlock_writer_locked(struct obj *lock);

/* A stretch of code under the lock; in the frame of the function that enters and leaves it. Keeps a reference to the lock. */
struct rwlock_context {
    struct obj *lock; /* owned; NULL: not inside */
    bool writes;
};
/* 0, or -1 as rwlock_read_lock or rwlock_write_lock (then it was not entered). */
API int rwlock_enter_read(struct rwlock_context *c, struct obj *lock);
API int rwlock_enter_write(struct rwlock_context *c, struct obj *lock);
/* 0, or -1: ERR_OWNER, not inside, or the lock was given up in between. Outside in any case. */
API int rwlock_exit(struct rwlock_context *c);

#endif
