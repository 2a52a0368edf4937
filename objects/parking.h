/*
 * parking.h -- the parking lot: threads that wait for a lock whose own state is two bits sleep in one hashed table
 * (WebKit's WTF::ParkingLot; PEP 703). lock.h says which policy uses it.
 *
 *     0 free --acquire--> HELD --somebody comes to sleep--> HELD|WAITERS --release--> 0 or WAITERS, the oldest is woken
 *     WAITERS --acquire by whoever is first--> HELD|WAITERS       HELD|WAITERS --release, the oldest is late--> the same, its own
 *
 * A waiter that came more than PARKING_PATIENCE_NS ago is handed the lock, which stays held: no thread is overtaken for ever.
 * Invariant, under the bucket's lock: whoever is in the bucket found HELD|WAITERS in its word when it went in, so the release
 * of that holder takes the slow way and finds it. WAITERS is set in a free word only while another one is in the bucket.
 * Memory ordering: (L1, L2) a release stores the word with release, an acquire reads it with acquire; a hand-over releases
 * and acquires through `told` (P1). Lock order: a bucket's lock is a leaf.
 */
#ifndef OBJECTS_PARKING_H
#define OBJECTS_PARKING_H

#include "../rc/os.h"

enum { PARKING_HELD = 1, PARKING_WAITERS = 2 };
enum parking_told { PARKING_WAITS, PARKING_WOKEN, PARKING_HANDED };
enum { PARKING_PATIENCE_NS = 1000000 };

/* One a thread, since a thread waits for one lock at a time: it must live until `told` is no longer PARKING_WAITS. */
struct parking_waiter {
    struct parking_waiter *next;    /* under the bucket's lock */
    const _Atomic uint32_t *word;   /* what it waits for */
    int64_t since;                  /* when its thread came to that lock */
    _Atomic uint32_t told;          /* enum parking_told; it sleeps on it */
};

/* Sleeps until woken, if the word is HELD|WAITERS. True: the lock was handed over, the caller holds it. False: look again.
 * The caller is detached and has set since. */
API bool parking_sleep(const _Atomic uint32_t *word, struct parking_waiter *w);
/* Releases a word that is HELD|WAITERS. The lock may be gone when this returns. */
API void parking_release(_Atomic uint32_t *word);

#endif
