/*
 * rwlocks.c -- RWLock against what it replaces: an array that is read under a lock, and now and then written.
 *
 *     rwlock   RWLock, the object: knows who holds it, writers first, waiters are handed the lock
 *     pthread  POSIX's read-write lock, as glibc has it: readers first
 *     mutex    POSIX's mutex, for readers and writers alike
 *     ck       Concurrency Kit's ck_rwlock: who waits spins
 *
 * A reader finds all `words` equal, a writer adds 1 to each; of 1000 operations `writes` write. At the end each word is the number of writes.
 */
#include "../../objects/rwlock.h"
#include "../workload.h"
#include "contenders/locks.h"
#include <inttypes.h>

enum {
    RWLOCKS_REP = 1024, /* operations of a repetition */
    RWLOCKS_BATCH = 16, /* from safepoint to safepoint */
};

struct rwlocks_thread {
    _Alignas(CACHE_LINE) uint64_t random;
    uint64_t writes, torn;
};

struct rwlocks {
    const struct rwlocks_ops *ops;
    int64_t words, writes;
    struct rwlocks_thread *thread;
    uint64_t *word; /* under the lock */
    struct obj *object;
    _Alignas(CACHE_LINE) struct os_mutex mutex;
    struct native_rwlock native;
#ifdef HAVE_CK
    _Alignas(CACHE_LINE) struct ckrw ck;
#endif
};

struct rwlocks_ops {
    const char *name;
    int (*enter)(struct rwlocks *s, bool write);
    int (*leave)(struct rwlocks *s, bool write);
};

static int rwlocks_object_enter(struct rwlocks *s, bool write) { return write ? rwlock_write_lock(s->object) : rwlock_read_lock(s->object); }
static int rwlocks_object_leave(struct rwlocks *s, bool write) { return write ? rwlock_write_unlock(s->object) : rwlock_read_unlock(s->object); }

static int rwlocks_pthread_enter(struct rwlocks *s, bool write)
{
    (write ? native_rwlock_write : native_rwlock_read)(&s->native);
    return 0;
}
static int rwlocks_pthread_leave(struct rwlocks *s, bool write)
{
    (void)write;
    native_rwlock_unlock(&s->native);
    return 0;
}

static int rwlocks_mutex_enter(struct rwlocks *s, bool write)
{
    (void)write;
    native_lock(&s->mutex);
    return 0;
}
static int rwlocks_mutex_leave(struct rwlocks *s, bool write)
{
    (void)write;
    os_unlock(&s->mutex);
    return 0;
}

#ifdef HAVE_CK
static int rwlocks_ck_enter(struct rwlocks *s, bool write)
{
    (write ? ckrw_write : ckrw_read)(&s->ck);
    return 0;
}
static int rwlocks_ck_leave(struct rwlocks *s, bool write)
{
    (write ? ckrw_write_unlock : ckrw_read_unlock)(&s->ck);
    return 0;
}
#endif

static const struct rwlocks_ops rwlocks_contender[] = {
    {"rwlock", rwlocks_object_enter, rwlocks_object_leave},
    {"pthread", rwlocks_pthread_enter, rwlocks_pthread_leave},
    {"mutex", rwlocks_mutex_enter, rwlocks_mutex_leave},
#ifdef HAVE_CK
    {"ck", rwlocks_ck_enter, rwlocks_ck_leave},
#endif
};

/* --- set-up --- */

static void rwlocks_teardown(struct work *w)
{
    struct rwlocks *s = w->state;
    os_mutex_drop(&s->mutex);
    native_rwlock_drop(&s->native);
    obj_xdecref(s->object);
    os_free(s->word);
    os_free(s->thread);
    os_free(s);
}

static int rwlocks_setup(struct work *w)
{
    struct rwlocks *s = os_alloc_aligned(CACHE_LINE, sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    memset(s, 0, sizeof *s);
    w->state = s;
    s->words = work_int(w, "words");
    s->writes = work_int(w, "writes");
    for (size_t i = 0; i < sizeof rwlocks_contender / sizeof *rwlocks_contender; i++)
        if (work_is(w, "of", rwlocks_contender[i].name))
            s->ops = &rwlocks_contender[i];
    os_mutex_init(&s->mutex);
    native_rwlock_init(&s->native);
#ifdef HAVE_CK
    ckrw_init(&s->ck);
#endif
    s->object = rwlock_new();
    s->thread = s->object ? work_per_thread(w, sizeof *s->thread) : NULL;
    s->word = s->thread ? os_alloc_zeroed((size_t)s->words, sizeof *s->word) : NULL;
    if (!s->word) {
        err_memory();
        rwlocks_teardown(w);
        return -1;
    }
    for (int i = 0; i < w->threads; i++)
        s->thread[i].random = work_stream(w, i);
    return 0;
}

/* --- under the lock --- */

static bool rwlocks_torn(const struct rwlocks *s)
{
    uint64_t differ = 0;
    for (int64_t i = 1; i < s->words; i++)
        differ |= s->word[i] ^ s->word[0];
    return differ != 0;
}

static int rwlocks_step(struct rwlocks *s, struct rwlocks_thread *t)
{
    bool write = (int64_t)work_below(&t->random, 1000) < s->writes;
    if (unlikely(s->ops->enter(s, write) != 0))
        return -1;
    t->torn += rwlocks_torn(s);
    for (int64_t i = 0; write && i < s->words; i++)
        s->word[i]++;
    t->writes += write;
    return s->ops->leave(s, write);
}

static int64_t rwlocks_run(struct work *w, int thread, uint64_t reps)
{
    struct rwlocks *s = w->state;
    for (uint64_t batch = reps * (RWLOCKS_REP / RWLOCKS_BATCH); batch > 0; batch--) {
        for (int i = 0; i < RWLOCKS_BATCH; i++)
            if (unlikely(rwlocks_step(s, &s->thread[thread]) != 0))
                return -1;
        rt_safepoint();
    }
    return (int64_t)(reps * RWLOCKS_REP);
}

static bool rwlocks_check(struct work *w)
{
    struct rwlocks *s = w->state;
    uint64_t writes = 0, torn = rwlocks_torn(s);
    for (int i = 0; i < w->threads; i++) {
        writes += s->thread[i].writes;
        torn += s->thread[i].torn;
    }
    work_fact(w, "writes", (int64_t)writes);
    if (torn)
        return work_wrong(w, "the words differed %" PRIu64 " times", torn);
    return s->word[0] == writes || work_wrong(w, "%" PRIu64 " writes, the words say %" PRIu64, writes, s->word[0]);
}

static const struct param rwlocks_params[] = {
    {"of", PARAM_CHOICE, "rwlock|pthread|mutex|" CONTENDERS_CK("ck"), 0, 0, "rwlock", "the lock: RWLock, POSIX's read-write lock, POSIX's mutex, ck's read-write lock"},
    {"writes", PARAM_INT, NULL, 0, 1000, "50", "of 1000 operations"},
    {"words", PARAM_INT, NULL, 2, 1 << 16, "2", "that are read or written under the lock"},
    {0},
};

static const struct workload workload_rwlocks = {
    .info = {.name = "rwlocks", .unit = "ops", .summary = "RWLock against pthread's and ck's read-write locks and a mutex",
             .params = rwlocks_params},
    .setup = rwlocks_setup,
    .run = rwlocks_run,
    .check = rwlocks_check,
    .teardown = rwlocks_teardown,
};
