/*
 * reads.h -- reading lists and dicts without their lock: what both share.
 *
 * Policy of the run, objects_config.reads. `locked` (default): every read takes the container's lock. `optimistic`: a get, contains,
 * length or iterator's step first tries without it, and takes it only where it met anything odd. Refused under strategies that do not
 * say how to count what was found (RC_READS).
 *
 * A container is private until it is published. Its owner reads through the bias of its lock as ever, and its arrays are freed at once.
 * The first read by anybody else takes the lock (which ends the bias for good), and publishes: the field `published` points at the
 * array, slots behind the last item are NULL, and from then on whoever replaces the array publishes the new one and retires
 * the old one (retire.h). Without a bias (other policies of locks) nobody knows who is a stranger, and the first read publishes.
 *
 *     published   NULL: private, or a change of several slots is under way, or there is no array: take the lock
 *                 else the array, which holds its own capacity: a reader never combines an array with another one's length
 *
 * A reader: (V2) the version, then the array, the slot, a reference to what it holds, and a second look. What the second look is depends
 * on the operation: the slot, the length and the array where one slot is the answer, the version where several are. What a reader took
 * by mistake (the object had died, and its memory is another one by now) it drops after its section.
 * A writer, under the lock: one slot is stored with release. Several (an insertion in the middle, a deletion): first published = NULL, then
 * the version, then the slots, each with release, then the length, then published again. So a reader that has read any of these slots
 * in between finds another version, or NULL, or the array published anew with all slots as they are now.
 * Neither writes the container: what readers share stays in the caches of all.
 *
 * Memory ordering:
 *     (V1) slots, versions, lengths and `published` are stored with release, in the order above
 *     (V2) they are loaded with acquire, in that order: so the second look comes after what it is to judge. It may itself be relaxed
 *     (R3) rc_try_incref acquires: if the memory holds another object by now, the second look sees that it has left its place
 *     (G1, G2) retire.h: an array is not freed under its reader, nor is an object's head given back to malloc
 * Each get, contains and length is linearizable; an iterator's steps are so one by one, as they are with locks.
 * Sources: PEP 703 and CPython's list and dict (FIELD.md, "Lock-free reads of containers"; section 3, 15 to 19 and 22).
 */
#ifndef OBJECTS_READS_H
#define OBJECTS_READS_H

#include "lock.h"

/* Set by objects_start. */
static bool reads_optimistic_set __attribute__((unused));
HOT bool reads_optimistic(void) { return RC_READS != RC_READS_NONE && reads_optimistic_set; }
/* A dead object's head may be looked at by late readers. */
HOT bool reads_see_the_dead(void) { return RC_READS == RC_READS_TRY && reads_optimistic_set; }

/* 0, or -1: this strategy cannot (RC_READS_REFUSED says why). */
INLINE int reads_start(enum reads_policy policy)
{
    if (policy == READS_OPTIMISTIC && RC_READS == RC_READS_NONE)
        return -1;
    reads_optimistic_set = policy == READS_OPTIMISTIC;
    retire_start();
    return 0;
}

/* No reader is left, nor a thread that could retire. */
INLINE void reads_stop(void) { reads_optimistic_set = false; }

HOT void reads_enter(void) { os_rcu_read_lock(); }
HOT void reads_leave(void) { os_rcu_read_unlock(); }

/* A reference to what a slot held, still to be confirmed by the second look; false: take the lock. */
INLINE bool reads_take(struct obj *o)
{
    if (RC_READS == RC_READS_TRY)
        return rc_try_incref(&o->rc);
    rc_incref(&o->rc);
    return true;
}

/* Under the lock, which is not held through a bias: the caller has taken a reference to the item it read. From now on a reader's try
 * succeeds while it lives. */
INLINE void reads_allow(struct obj *item)
{
    if (RC_READS == RC_READS_TRY && !rc_is_immortal(&item->rc))
        rc_allow_weak(&item->rc);
}

#endif
