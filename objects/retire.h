/*
 * retire.h -- memory that lock-free readers may still look at is freed after a grace period.
 *
 * A reader stands in a read section (reads_enter … reads_leave) from its load of a container's array to its last access to it, and to
 * the head of an object it found there. Who takes the array out of the container (or gives an object's memory back to
 * malloc) retires it: the block goes to the thread's own list and is freed when every section has ended that was open when it was
 * taken out.
 *
 * Which grace periods: liburcu's urcu-memb, not urcu-qsbr. With qsbr a section costs nothing and a safepoint 0.7 to 4 ns, but a grace
 * period lasts until every attached thread has come to its next safepoint: 20 microseconds at 64 reads a safepoint, without bound
 * where a thread computes, and memory waits for it (FIELD.md 3.22); attach, detach and stop-the-world would all have to report. With memb a
 * section costs 2.7 ns inline, and a grace period 0.3 to 10 microseconds, whatever the threads do, since no section contains a
 * safepoint, an object's lock or user code (at most a mutex of the strategy's log, under which nobody waits for a grace period). So whoever has too much simply waits, in the middle of anything but a section: deferred memory is
 * bounded by constants, and running out of memory cannot happen here, since the list is an array in the thread.
 * (Measured on the 2-core machine of results/, beside other work. `scripts/rcu-benchmark` measures sections and grace periods of both on any
 * machine, and of urcu-mb, which needs no system call but has fences in each section.)
 *
 * Invariant: a thread's list holds at most RETIRE_BLOCKS blocks and RETIRE_BYTES bytes (and one block more, while it waits). A block of
 * RETIRE_LARGE bytes or more is freed at the latest at the thread's next safepoint or detach; all are when the thread ends.
 * Memory ordering: (G1) what readers did in their sections happens before the free (os_rcu_synchronize). (G2) the store that takes the
 * block out of the readers' reach precedes the retire in program order; a section that begins after the grace period has begun
 * sees it.
 */
#ifndef OBJECTS_RETIRE_H
#define OBJECTS_RETIRE_H

#include "../rc/rc.h"

#ifdef RC_EXPLORED
enum { RETIRE_BLOCKS = 4 };
static int retire_full __attribute__((unused)) = 1; /* a scenario's: by default blocks are freed as early as the protocol allows */
#elif defined(RC_HOSTILE)
enum { RETIRE_BLOCKS = 2 };
#else
enum { RETIRE_BLOCKS = 256 }; /* a grace period costs each of them a few ns then */
#endif
#ifndef RC_EXPLORED
enum { retire_full = RETIRE_BLOCKS };
#endif
enum { RETIRE_BYTES = 1 << 20, RETIRE_LARGE = 64 << 10 };

/* A thread's own. */
struct retire_list {
    int count;
    size_t bytes;
    void *block[RETIRE_BLOCKS];
};

/* Frees what os_alloc returned, once nobody looks at it any more. May wait for a grace period: not inside a read section; under an
 * object's lock it may, since no section waits for a lock. */
API void retire(void *block, size_t bytes);
/* Frees what the calling thread has retired. Duties as for retire. */
API void retire_flush(void);
API void retire_start(void);

#endif
