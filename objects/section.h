/*
 * section.h -- critical sections (PEP 703): locks of objects that are held across anything, and let go of whenever the thread blocks.
 *
 *     struct section s;
 *     section_begin(&s, o);  …  section_end(&s);
 *
 * Under a plain lock (lock.h) nothing may run that could block. Inside a section everything may: decref, user code, safepoints, other
 * sections, operations on containers. The price: at each of these the section may have been interrupted, so the caller
 * looks again at what it has read (FIELD.md 3.25).
 *
 *     held --the thread detaches, or has to wait for any lock--> suspended: all of the thread's sections let go of their locks
 *     suspended --it attaches, or ends the section that is further in; it is the innermost--> held again
 *
 * Invariant: of a thread's sections, from the innermost outwards, some first ones are held (often all), the rest is suspended;
 * when its code runs the innermost is held. So a thread that waits for a lock holds none, and sections cannot deadlock,
 * in whatever order they nest. A section does not use a lock's bias, it takes it away: who revokes one waits for the owner, attached.
 *
 * A container's own operation inside a section (it takes a plain lock) that finds its lock taken, for example by the very section:
 * the thread's sections are set aside, all let go of; the release of the plain lock brings them back (heap_thread.aside).
 * An object without a lock needs none: its section is empty. Strategies without object locks compile all of it to nothing.
 */
#ifndef OBJECTS_SECTION_H
#define OBJECTS_SECTION_H

#include "lock.h"

#if !LOCK_NONE
/* As lock_wait and lock_try, of lock.c: for who holds the lock across anything. The caller holds no other one. */
SLOW void lock_wait(struct lock *l);
API bool lock_try_unbiased(struct lock *l);
#endif

/* In the frame of the function that begins and ends it. */
struct section {
    struct section *outer;
    struct lock *low, *high; /* high: NULL, or the second of two, the higher address. low NULL: nothing to hold */
    bool held;               /* else suspended */
    bool entered;            /* on the thread's stack; not when the innermost one has its lock already */
};

/* May block; the thread's other sections are interrupted then. Both end in the reverse order of their beginnings. */
API void section_begin(struct section *s, struct obj *o);
/* Both locks at once, or one for the same object. */
API void section_begin_two(struct section *s, struct obj *a, struct obj *b);
/* May block: the section outside of it has its locks again afterwards. */
API void section_end(struct section *s);

/* For objects_start. */
API void section_start(void);
/* For lock.c: lets go of the locks of all of the thread's sections and hides them, until they are brought back; NULL: there were none. */
API struct section *section_set_aside(void);
/* May block. */
API void section_bring_back(struct section *innermost);

#endif
