/*
 * stop.c -- stop the world: one thread goes on alone. Included by thread.c.
 *
 * The requester announces itself in stop.wanted, then suspends every thread that is detached, asks the attached ones to come to a
 * safepoint (BREAK_STOP), sleeps until one of them has detached or left, and looks again, until all are suspended. A thread that attaches
 * finds stop.wanted set and steps back; so nobody becomes attached who was not asked.
 *
 *     running --stop_world: wanted = 1--> stopping --all others suspended--> stopped --start_world: wanted = 0--> running
 *
 * While it waits the requester lets go of what its strategy holds (rc_stand_still): others must be able to take the GIL, and the commit
 * thread to close an epoch, on their way to a safepoint. It stays attached: nobody may act in its place, and
 * it is not stopped by another requester, since that one waits for stop.lock, detached.
 * Its critical sections, let go of when it detaches for stop.lock, are held again only after the start: who has their locks may stand
 * still, and a destructor that runs while it waits for them may ask for a stop itself.
 *
 * Invariant: wanted == 1 implies that one thread, the requester, holds stop.lock. A thread with `stopped` set is suspended.
 * Memory ordering: (S1) a thread changes its state, then looks at wanted; the requester sets wanted, then looks at the states; all
 * four seq_cst: either it sees the state, or the thread sees the request. What the stopped threads did before happens before
 * what the requester does (T1), and what it does before they go on (T2), both by their state words (thread.h).
 * Lock order: stop.lock before the registry's.
 * Sources: CPython's stop-the-world (PEP 703); FIELD.md 3.21 lists its deadlocks.
 */
static struct {
    struct os_mutex lock;      /* held from stop to start */
    _Atomic uint32_t wanted;   /* 0 or 1; threads that would attach sleep on it */
    _Atomic(struct thread *) requester; /* NULL: nobody */
    _Atomic uint32_t progress; /* counts what the requester waits for: it sleeps on it */
    int64_t ns;                /* the requester's */
} stop = {.lock = OS_MUTEX_INIT};

/* relaxed: a thread finds itself there only if it wrote it */
INLINE bool stop_is_mine(void) { return atomic_load_explicit(&stop.requester, memory_order_relaxed) == rt_self; }

/* Somebody else wants the calling thread to stand still. The requester may detach and attach as it likes. */
INLINE bool stop_is_wanted(void)
{
    /* (S1) seq_cst: after the caller's change of state */
    return unlikely(atomic_load_explicit(&stop.wanted, memory_order_seq_cst) != 0) && !stop_is_mine();
}

/* The caller has detached, left, or resumed somebody: the requester looks again. */
static void stop_notify(void)
{
    if (likely(!stop_is_wanted()))
        return;
    atomic_fetch_add_explicit(&stop.progress, 1, memory_order_release); /* release: with the state that it tells of */
    os_unpark(&stop.progress, 1);
}

/* What the thread let go of when it detached; not while it holds stop.lock. May detach and attach, with its sections out of sight. */
static void thread_resume_sections(struct thread *t)
{
    struct section *sections = t->section;
    if (likely(!sections) || stop_is_mine())
        return;
    t->section = NULL;
    thread_registry.sections_bring_back(sections);
}

static void stop_wait_for_start(void) { os_park(&stop.wanted, 1, -1); }

/* Suspends who is detached, asks the others. How many do not stand still yet. */
static int stop_look(void)
{
    struct thread *t;
    int running = 0;
    thread_registry_lock();
    thread_registry_for_each(t) {
        if (t == rt_self || t->stopped)
            continue;
        t->stopped = thread_suspend(t);
        if (!t->stopped) {
            thread_break(t, BREAK_STOP);
            running++;
        }
    }
    thread_registry_unlock();
    return running;
}

API void thread_stop_world(void)
{
    thread_detach(); /* another requester may hold the lock, and wants us to stand still */
    os_lock(&stop.lock);
    atomic_store_explicit(&stop.requester, rt_self, memory_order_relaxed); /* relaxed: for this thread's own eyes */
    thread_attach();
    int64_t start = os_now();
    /* (S1) seq_cst: before the look at the states */
    atomic_store_explicit(&stop.wanted, 1, memory_order_seq_cst);
    rc_stand_still(rt_self);
    for (;;) {
        /* acquire: whoever counted on did so after its change of state, which stop_look then finds */
        uint32_t seen = atomic_load_explicit(&stop.progress, memory_order_acquire);
        if (stop_look() == 0)
            break;
        os_park(&stop.progress, seen, -1);
    }
    rc_attach(rt_self);
    stop.ns = os_now() - start;
}

API void thread_start_world(void)
{
    struct thread *t;
    bool sent = false;
    atomic_store_explicit(&stop.wanted, 0, memory_order_seq_cst); /* seq_cst: before the resumes, so that nobody steps back */
    thread_registry_lock();
    thread_registry_for_each(t) {
        if (t->stopped) {
            t->stopped = false;
            thread_resume(t);
            sent |= rc_has_deferred(t);
        }
    }
    thread_registry_unlock();
    os_unpark(&stop.wanted, INT_MAX);
    atomic_store_explicit(&stop.requester, NULL, memory_order_relaxed); /* relaxed: as in thread_stop_world */
    os_unlock(&stop.lock);
    if (unlikely(sent)) /* who went on sooner sent it, found the thread suspended, and went away: it may be blocked for good */
        rc_drain();
    thread_resume_sections(rt_self);
}

API bool thread_substitute(struct thread *t) { return (t->stopped && stop_is_mine()) || thread_suspend(t); }
API void thread_substitute_end(struct thread *t)
{
    if (!t->stopped)
        thread_resume(t);
}

API int64_t thread_stop_ns(void) { return stop.ns; }
