/*
 * locks.h -- locks of others: POSIX's mutex and read-write lock, Concurrency Kit's read-write lock.
 *
 * Each is tried first; a thread that has to wait does so detached, so that it keeps no GIL and holds up nobody who stops the world. It
 * attaches while it has the lock already: whoever waits for it meanwhile is detached.
 */
#ifndef CONTENDERS_LOCKS_H
#define CONTENDERS_LOCKS_H

#include "../../workload.h"
#include "ck.h"
#ifdef HAVE_CK
#include <ck_rwlock.h>
#endif

INLINE void native_lock(struct os_mutex *m)
{
    if (likely(os_trylock(m)))
        return;
    thread_detach();
    os_lock(m);
    thread_attach();
}

/* glibc's, as it comes: it prefers readers. */
struct native_rwlock {
    pthread_rwlock_t l;
};
INLINE void native_rwlock_init(struct native_rwlock *l) { pthread_rwlock_init(&l->l, NULL); } /* cannot fail without attributes (glibc) */
INLINE void native_rwlock_drop(struct native_rwlock *l) { pthread_rwlock_destroy(&l->l); }
INLINE void native_rwlock_unlock(struct native_rwlock *l) { pthread_rwlock_unlock(&l->l); }
INLINE void native_rwlock_read(struct native_rwlock *l)
{
    if (likely(pthread_rwlock_tryrdlock(&l->l) == 0))
        return;
    thread_detach();
    pthread_rwlock_rdlock(&l->l);
    thread_attach();
}
INLINE void native_rwlock_write(struct native_rwlock *l)
{
    if (likely(pthread_rwlock_trywrlock(&l->l) == 0))
        return;
    thread_detach();
    pthread_rwlock_wrlock(&l->l);
    thread_attach();
}

#ifdef HAVE_CK
/* Who waits spins. Writers go first. */
struct ckrw {
    ck_rwlock_t l;
};
INLINE void ckrw_init(struct ckrw *l) { ck_rwlock_init(&l->l); }
INLINE void ckrw_read_unlock(struct ckrw *l) { ck_rwlock_read_unlock(&l->l); }
INLINE void ckrw_write_unlock(struct ckrw *l) { ck_rwlock_write_unlock(&l->l); }
INLINE void ckrw_read(struct ckrw *l)
{
    if (likely(ck_rwlock_read_trylock(&l->l)))
        return;
    thread_detach();
    ck_rwlock_read_lock(&l->l);
    thread_attach();
}
INLINE void ckrw_write(struct ckrw *l)
{
    if (likely(ck_rwlock_write_trylock(&l->l)))
        return;
    thread_detach();
    ck_rwlock_write_lock(&l->l);
    thread_attach();
}
#endif

#endif
