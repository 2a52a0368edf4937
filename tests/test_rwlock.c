/*
 * test_rwlock.c -- the read-write lock: who may come in beside whom, and in which order. Every interleaving of a few
 * threads: tests/scenarios/turns.c.
 */
#include "build.h"
#include "threads.h"

#include "../objects/rwlock.h"

/* --- one thread --- */

TEST(rwlock_reads_and_writes_in_turn)
{
    struct obj *l = own(rwlock_new());
    for (int i = 0; i < 100; i++) {
        cr_assert(rwlock_read_lock(l) == 0 && rwlock_readers(l) == 1 && rwlock_writer_locked(l) == 0);
        cr_assert(rwlock_read_unlock(l) == 0 && rwlock_readers(l) == 0);
        cr_assert(rwlock_write_lock(l) == 0 && rwlock_writer_locked(l) == 1 && rwlock_readers(l) == 0);
        cr_assert(rwlock_write_unlock(l) == 0 && rwlock_writer_locked(l) == 0 && rwlock_writers_waiting(l) == 0);
    }
    drop_owned();
}

TEST(rwlock_lets_a_reader_read_again)
{
    struct obj *l = own(rwlock_new());
    cr_assert(rwlock_read_lock(l) == 0 && rwlock_read_lock(l) == 0);
    cr_assert_eq(rwlock_readers(l), 1, "threads are counted");
    cr_assert(rwlock_read_unlock(l) == 0 && rwlock_readers(l) == 1 && rwlock_read_unlock(l) == 0 && rwlock_readers(l) == 0);
    drop_owned();
}

TEST(rwlock_unlocks_must_match)
{
    struct obj *l = own(rwlock_new());
    cr_assert(rwlock_read_unlock(l) == -1 && raised(ERR_OWNER, "read unlock"));
    cr_assert(rwlock_write_unlock(l) == -1 && raised(ERR_OWNER, "write unlock"));
    cr_assert_eq(rwlock_read_lock(l), 0);
    cr_assert(rwlock_write_unlock(l) == -1 && raised(ERR_OWNER, "write unlock"));
    cr_assert_eq(rwlock_read_unlock(l), 0);
    cr_assert(rwlock_read_unlock(l) == -1 && raised(ERR_OWNER, "read unlock"));
    cr_assert_eq(rwlock_write_lock(l), 0);
    cr_assert(rwlock_read_unlock(l) == -1 && raised(ERR_OWNER, "read unlock"));
    cr_assert_eq(rwlock_write_unlock(l), 0);
    cr_assert(rwlock_write_unlock(l) == -1 && raised(ERR_OWNER, "write unlock"));
    drop_owned();
}

TEST(rwlock_refuses_what_would_wait_for_itself)
{
    struct obj *l = own(rwlock_new());
    cr_assert_eq(rwlock_read_lock(l), 0);
    cr_assert(rwlock_write_lock(l) == -1 && raised(ERR_OWNER, "already"));
    cr_assert_eq(rwlock_read_unlock(l), 0);
    cr_assert_eq(rwlock_write_lock(l), 0);
    cr_assert(rwlock_write_lock(l) == -1 && raised(ERR_OWNER, "already"));
    cr_assert(rwlock_read_lock(l) == -1 && raised(ERR_OWNER, "write"));
    cr_assert(rwlock_write_unlock(l) == 0 && rwlock_writer_locked(l) == 0);
    drop_owned();
}

TEST(rwlock_contexts_lock_and_unlock)
{
    struct obj *l = rwlock_new();
    struct rwlock_context read, write;
    cr_assert(rwlock_enter_read(&read, l) == 0 && rwlock_readers(l) == 1);
    cr_assert(rwlock_enter_write(&write, l) == -1 && raised(ERR_OWNER, "already"));
    cr_assert(rwlock_exit(&write) == -1 && raised(ERR_OWNER, "not inside"), "it was not entered");
    cr_assert(rwlock_exit(&read) == 0 && rwlock_readers(l) == 0);
    cr_assert(rwlock_exit(&read) == -1 && raised(ERR_OWNER, "not inside"), "once");
    cr_assert(rwlock_enter_write(&write, l) == 0 && rwlock_writer_locked(l) == 1);
    obj_decref(l); /* the context keeps it */
    cr_assert_eq(rwlock_exit(&write), 0);
}

TEST(rwlock_context_whose_lock_was_given_up_says_so)
{
    struct obj *l = own(rwlock_new());
    struct rwlock_context c;
    cr_assert(rwlock_enter_read(&c, l) == 0 && rwlock_read_unlock(l) == 0);
    cr_assert(rwlock_exit(&c) == -1 && raised(ERR_OWNER, "read unlock"));
    cr_assert_eq(count_of(l), 1, "and keeps nothing");
    drop_owned();
}

TEST(rwlock_operations_want_a_rwlock)
{
    struct obj *l = list_of_ints(1);
    struct rwlock_context c;
    cr_assert(rwlock_read_lock(l) == -1 && raised(ERR_TYPE, "RWLock"));
    cr_assert(rwlock_write_lock(l) == -1 && raised(ERR_TYPE, "list"));
    cr_assert(rwlock_read_unlock(l) == -1 && raised(ERR_TYPE, "list"));
    cr_assert(rwlock_write_unlock(l) == -1 && raised(ERR_TYPE, "list"));
    cr_assert(rwlock_readers(l) == -1 && raised(ERR_TYPE, "list"));
    cr_assert(rwlock_writers_waiting(l) == -1 && raised(ERR_TYPE, "list"));
    cr_assert(rwlock_writer_locked(l) == -1 && raised(ERR_TYPE, "list"));
    cr_assert(rwlock_enter_read(&c, l) == -1 && raised(ERR_TYPE, "list"));
    drop_owned();
}

TEST(rwlock_reader_without_memory_is_refused_and_nothing_is_lost)
{
    struct obj *l = own(rwlock_new());
    os_fault_plan(1, true);
    cr_assert(rwlock_read_lock(l) == -1 && raised(ERR_MEMORY, "memory"));
    cr_assert_eq(rwlock_write_lock(l), 0, "a writer needs none");
    os_fault_plan(0, false);
    cr_assert(rwlock_write_unlock(l) == 0 && rwlock_read_lock(l) == 0 && rwlock_read_unlock(l) == 0);
    drop_owned();
}

#if !RC_UNSAFE

enum { RWLOCK_THREADS = 6 };

struct rwlock_share {
    struct obj *lock;
    _Atomic int64_t reading, writing, most, together;
    int64_t value[2]; /* plain: written by writers alone, always the same two */
    int order[RWLOCK_THREADS], come;
    _Atomic int step;
};

static void rwlock_await(struct rwlock_share *s, int step)
{
    thread_detach();
    while (atomic_load_explicit(&s->step, memory_order_relaxed) < step) /* relaxed: what follows is what is tested */
        os_yield();
    thread_attach();
}
static void rwlock_reach(struct rwlock_share *s, int step)
{
    atomic_store_explicit(&s->step, step, memory_order_relaxed); /* relaxed: as above */
}
/* Until so many wait to write, and to read. */
static void rwlock_await_waiters(struct rwlock_share *s, uint32_t writers, uint32_t readers)
{
    struct rwlock *l = (struct rwlock *)s->lock;
    bool there = false;
    thread_detach();
    while (!there) {
        os_lock(&l->guard);
        there = l->writers.length == writers && l->readers.length == readers;
        os_unlock(&l->guard);
        os_yield();
    }
    thread_attach();
}

/* relaxed, all: figures; the lock is what is tested */
static int64_t rwlock_count(_Atomic int64_t *n, int64_t by) { return atomic_fetch_add_explicit(n, by, memory_order_relaxed) + by; }

static const char *rwlock_crowd(struct threads_arg *a)
{
    struct rwlock_share *s = a->shared;
    for (int i = 0; i < 1500; i++) {
        bool writes = (i + a->index) % 4 == 0;
        struct rwlock_context c;
        if ((writes ? rwlock_enter_write : rwlock_enter_read)(&c, s->lock) != 0)
            return "enter failed";
        if (writes) {
            if (rwlock_count(&s->writing, 1) != 1 || rwlock_count(&s->reading, 0) != 0)
                return "a writer is not alone";
            s->value[0]++;
            s->value[1]++;
            rwlock_count(&s->writing, -1);
        } else {
            rwlock_count(&s->reading, 1);
            if (rwlock_count(&s->writing, 0) != 0 || s->value[0] != s->value[1])
                return "a reader beside a writer";
            rwlock_count(&s->reading, -1);
        }
        if (rwlock_exit(&c) != 0)
            return "exit failed";
        rt_safepoint();
    }
    return NULL;
}
TEST(rwlock_keeps_writers_alone)
{
    struct rwlock_share s = {.lock = own(rwlock_new())};
    const char *verdict = threads_run(RWLOCK_THREADS, rwlock_crowd, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert(s.value[0] == s.value[1] && s.value[0] == 1500 / 4 * RWLOCK_THREADS);
    cr_assert(rwlock_readers(s.lock) == 0 && rwlock_writer_locked(s.lock) == 0 && rwlock_writers_waiting(s.lock) == 0);
    drop_owned();
}

/* All meet inside: nobody leaves before the last has come. */
static const char *rwlock_meeting(struct threads_arg *a)
{
    struct rwlock_share *s = a->shared;
    if (rwlock_read_lock(s->lock) != 0)
        return "read lock failed";
    rwlock_count(&s->reading, 1);
    thread_detach();
    while (rwlock_count(&s->reading, 0) < a->count)
        os_yield();
    thread_attach();
    if (rwlock_readers(s->lock) == a->count)
        rwlock_count(&s->most, 1);
    rwlock_count(&s->together, 1);
    thread_detach();
    while (rwlock_count(&s->together, 0) < a->count)
        os_yield();
    thread_attach();
    return rwlock_read_unlock(s->lock) == 0 ? NULL : "read unlock failed";
}
TEST(rwlock_lets_all_readers_in_together)
{
    struct rwlock_share s = {.lock = own(rwlock_new())};
    const char *verdict = threads_run(RWLOCK_THREADS, rwlock_meeting, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(rwlock_count(&s.most, 0), RWLOCK_THREADS, "each saw the peak");
    drop_owned();
}

/* Thread 0 reads; 1 comes to write, then 2 to read, then 3 to write. The writers go first. */
static const char *rwlock_preference(struct threads_arg *a)
{
    struct rwlock_share *s = a->shared;
    bool writes = a->index % 2;
    if (a->index == 0) {
        if (rwlock_read_lock(s->lock) != 0)
            return "read lock failed";
        rwlock_reach(s, 1);
        rwlock_await_waiters(s, 1, 0);
        if (rwlock_writers_waiting(s->lock) != 1)
            return "a writer waits";
        rwlock_reach(s, 2);
        rwlock_await_waiters(s, 1, 1);
        rwlock_reach(s, 3);
        rwlock_await_waiters(s, 2, 1);
        if (rwlock_read_lock(s->lock) != 0 || rwlock_read_unlock(s->lock) != 0)
            return "who reads may read again though writers wait";
        return rwlock_read_unlock(s->lock) == 0 ? NULL : "read unlock failed";
    }
    rwlock_await(s, a->index);
    if ((writes ? rwlock_write_lock : rwlock_read_lock)(s->lock) != 0)
        return "lock failed";
    s->order[s->come++] = a->index;
    return (writes ? rwlock_write_unlock : rwlock_read_unlock)(s->lock) == 0 ? NULL : "unlock failed";
}
TEST(rwlock_prefers_writers)
{
    struct rwlock_share s = {.lock = own(rwlock_new())};
    const char *verdict = threads_run(4, rwlock_preference, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert(s.order[0] == 1 && s.order[1] == 3 && s.order[2] == 2, "%d %d %d", s.order[0], s.order[1], s.order[2]);
    drop_owned();
}

/* Readers that wait behind a writer come in together when it leaves. */
static const char *rwlock_release(struct threads_arg *a)
{
    struct rwlock_share *s = a->shared;
    if (a->index > 0) {
        rwlock_await(s, 1);
        return rwlock_meeting(&(struct threads_arg){.count = a->count - 1, .shared = s});
    }
    if (rwlock_write_lock(s->lock) != 0)
        return "write lock failed";
    rwlock_reach(s, 1);
    rwlock_await_waiters(s, 0, (uint32_t)a->count - 1);
    return rwlock_write_unlock(s->lock) == 0 ? NULL : "write unlock failed";
}
TEST(rwlock_wakes_all_readers_when_the_writer_leaves)
{
    struct rwlock_share s = {.lock = own(rwlock_new())};
    const char *verdict = threads_run(RWLOCK_THREADS, rwlock_release, &s);
    cr_assert_null(verdict, "%s", verdict);
    drop_owned();
}

static const char *rwlock_stranger(struct threads_arg *a)
{
    struct obj *l = ((struct rwlock_share *)a->shared)->lock;
    if (rwlock_read_unlock(l) != -1 || err_take() != ERR_OWNER)
        return "a read lock of another thread was unlocked";
    if (rwlock_write_unlock(l) != -1 || err_take() != ERR_OWNER)
        return "a write lock of another thread was unlocked";
    return NULL;
}
TEST(rwlock_of_another_thread_cannot_be_unlocked)
{
    struct rwlock_share s = {.lock = own(rwlock_new())};
    cr_assert_eq(rwlock_read_lock(s.lock), 0);
    const char *verdict = threads_run(1, rwlock_stranger, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert(rwlock_read_unlock(s.lock) == 0 && rwlock_write_lock(s.lock) == 0);
    verdict = threads_run(1, rwlock_stranger, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(rwlock_write_unlock(s.lock), 0);
    drop_owned();
}

/* While a reader is kept out for want of memory, those that wait come in: their places are promised. */
static const char *rwlock_promised(struct threads_arg *a)
{
    struct rwlock_share *s = a->shared;
    if (a->index > 0) {
        rwlock_await(s, 1);
        return rwlock_read_lock(s->lock) || rwlock_read_unlock(s->lock) ? "the reader did not come in" : NULL;
    }
    if (rwlock_write_lock(s->lock) != 0)
        return "write lock failed";
    rwlock_reach(s, 1);
    rwlock_await_waiters(s, 0, (uint32_t)a->count - 1);
    os_fault_plan(1, true);
    int failed = rwlock_write_unlock(s->lock);
    os_fault_plan(0, false);
    return failed ? "write unlock failed" : NULL;
}
TEST(rwlock_hands_over_without_memory)
{
    struct rwlock_share s = {.lock = own(rwlock_new())};
    const char *verdict = threads_run(RWLOCK_THREADS, rwlock_promised, &s);
    cr_assert_null(verdict, "%s", verdict);
    drop_owned();
}

/* FIELD.md 3.4 of waiting. Thread 0 waits for the first lock and, on its way to sleep, runs a destructor that waits for the second; thread 1 holds both and
 * gives them up in this order, each when thread 0 can only be waiting for it. */
static struct {
    struct obj *first, *second, *item;
    const char *verdict;
    bool died;
} rwlock_nested;

static void rwlock_nested_finalize(struct obj *o)
{
    struct rwlock *l = (struct rwlock *)rwlock_nested.second;
    (void)o;
    rwlock_nested.died = true;
    if (rwlock_write_lock(rwlock_nested.second) != 0)
        rwlock_nested.verdict = "the destructor did not get the lock";
    else if (l->writer != rt_self->key)
        rwlock_nested.verdict = "the destructor was told of another lock";
    else if (rwlock_write_unlock(rwlock_nested.second) != 0)
        rwlock_nested.verdict = "the destructor could not unlock";
}
static void rwlock_nested_dealloc(struct obj *o) { obj_free(o, sizeof(struct container)); }
static const struct type rwlock_nested_type = {
    .name = "nested", .flags = TYPE_CONTAINER, .dealloc = rwlock_nested_dealloc, .finalize = rwlock_nested_finalize};

static bool rwlock_waits(struct obj *o)
{
    struct rwlock *l = (struct rwlock *)o;
    os_lock(&l->guard);
    bool waits = l->writers.length > 0;
    os_unlock(&l->guard);
    return waits;
}
static void rwlock_nested_give(struct obj *o)
{
    rwlock_write_unlock(o);
    thread_detach();
    os_wait_until(os_now() + 20000000); /* whoever is told in vain goes on by now */
    thread_attach();
}
static const char *rwlock_nested_run(struct threads_arg *a)
{
    struct rwlock_share *s = a->shared;
    if (a->index == 0) {
        struct container *c = obj_alloc(&rwlock_nested_type, sizeof *c);
        struct obj *item = &c->base, *l = list_from(&item, 1);
        obj_decref(item);
        rwlock_await(s, 1);
        list_get_borrowed(l, 0); /* from here to where the thread detaches it is held by the note alone */
        obj_decref(l);
        if (rwlock_write_lock(rwlock_nested.first) != 0 || rwlock_write_unlock(rwlock_nested.first) != 0)
            return "the waiter did not get the lock";
        return rwlock_nested.verdict;
    }
    if (rwlock_write_lock(rwlock_nested.first) != 0 || rwlock_write_lock(rwlock_nested.second) != 0)
        return "write lock failed";
    rwlock_reach(s, 1);
    thread_detach();
    while (!rwlock_waits(rwlock_nested.first) && !rwlock_waits(rwlock_nested.second))
        os_yield();
    thread_attach();
    rwlock_nested_give(rwlock_nested.first);
    rwlock_nested_give(rwlock_nested.second);
    return NULL;
}
TEST(rwlock_waited_for_by_a_destructor_of_a_waiter_is_its_own)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .lock = test_lock(), .borrowed = BORROWED_DEFERRED};
    cr_assert_eq(objects_start(&config), 0);
    memset(&rwlock_nested, 0, sizeof rwlock_nested);
    rwlock_nested.first = rwlock_new();
    rwlock_nested.second = rwlock_new();
    struct rwlock_share s = {0};
    const char *verdict = threads_run(2, rwlock_nested_run, &s);
    cr_assert_null(verdict, "%s", verdict);
    rc_drain();
    cr_assert(rwlock_nested.died);
    cr_assert_null(rwlock_nested.verdict, "%s", rwlock_nested.verdict);
    cr_assert(rwlock_writer_locked(rwlock_nested.first) == 0 && rwlock_writer_locked(rwlock_nested.second) == 0);
    obj_decref(rwlock_nested.first);
    obj_decref(rwlock_nested.second);
}

#endif
