/*
 * parking.c -- the table of waiters. Protocol, invariant and the pair P1 are in parking.h.
 */
#include "parking.h"

#ifdef RC_HOSTILE
enum { PARKING_BUCKETS = 1 }; /* everybody is in everybody's way */
#else
enum { PARKING_BUCKETS = 256 }; /* a power of two */
#endif

struct parking_bucket {
    _Alignas(CACHE_LINE) struct os_mutex lock;
    struct parking_waiter *head, **tail; /* oldest first; tail NULL: never used */
};
static struct parking_bucket parking_table[PARKING_BUCKETS] = {[0 ... PARKING_BUCKETS - 1] = {.lock = OS_MUTEX_INIT}};

/* Fibonacci hashing (Knuth 6.4) of the address. */
static struct parking_bucket *parking_bucket(const _Atomic uint32_t *word)
{
    return &parking_table[((uint64_t)(uintptr_t)word * UINT64_C(0x9e3779b97f4a7c15) >> 32) % PARKING_BUCKETS];
}

API bool parking_sleep(const _Atomic uint32_t *word, struct parking_waiter *w)
{
    struct parking_bucket *b = parking_bucket(word);
    uint32_t told;
    w->next = NULL;
    w->word = word;
    atomic_store_explicit(&w->told, PARKING_WAITS, memory_order_relaxed); /* relaxed: published under the bucket's lock */
    os_lock(&b->lock);
    /* relaxed: releases of a word with WAITERS write it under this lock; any other value only means to look again */
    bool sleeps = atomic_load_explicit(word, memory_order_relaxed) == (PARKING_HELD | PARKING_WAITERS);
    if (sleeps) {
        *(b->head ? b->tail : &b->head) = w;
        b->tail = &w->next;
    }
    os_unlock(&b->lock);
    if (!sleeps)
        return false;
    /* (P1) acquire: with the lock comes what its last holder wrote */
    while ((told = atomic_load_explicit(&w->told, memory_order_acquire)) == PARKING_WAITS)
        os_park(&w->told, PARKING_WAITS, -1);
    return told == PARKING_HANDED;
}

/* Under the bucket's lock: takes the oldest waiter of the word out; NULL: there is none. `more`: there is another. */
static struct parking_waiter *parking_take(struct parking_bucket *b, const _Atomic uint32_t *word, bool *more)
{
    struct parking_waiter **at = &b->head, *found, *other;
    while (*at && (*at)->word != word)
        at = &(*at)->next;
    if ((found = *at) == NULL)
        return NULL;
    *at = found->next;
    if (!found->next)
        b->tail = at;
    for (other = found->next; other && other->word != word; other = other->next)
        continue;
    *more = other != NULL;
    return found;
}

API void parking_release(_Atomic uint32_t *word)
{
    struct parking_bucket *b = parking_bucket(word);
    bool more = false;
    os_lock(&b->lock);
    struct parking_waiter *w = parking_take(b, word, &more);
    bool hand = w && os_is_late(w->since, PARKING_PATIENCE_NS);
    /* (L2) release: hands everything written under the lock to the next acquire (L1). A store will do: it is held, and WAITERS,
     * which others might set, is set */
    atomic_store_explicit(word, (hand ? PARKING_HELD : 0) | (more ? PARKING_WAITERS : 0), memory_order_release);
    os_unlock(&b->lock);
    if (w) {
        /* (P1) release: as L2, for a hand-over. From here on the waiter may be gone: only its address is used */
        atomic_store_explicit(&w->told, hand ? PARKING_HANDED : PARKING_WOKEN, memory_order_release);
        os_unpark(&w->told, 1);
    }
}
