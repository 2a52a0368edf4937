/*
 * lock.h -- one measurement at a time on one machine: two would disturb each other.
 */
#ifndef BENCH_LOCK_H
#define BENCH_LOCK_H

/* Held until this process ends, also when it is killed. Exits 2, naming the holder's process, if another one measures.
 * A lock that cannot be had for another reason is a warning. The file is /tmp/rclab.lock, the same for all users of the
 * machine; $RCLAB_LOCK names another one. */
void lock_take(void);

#endif
