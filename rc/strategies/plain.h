/*
 * plain.h -- an ordinary counter, no synchronisation: the floor that every other strategy is compared with.
 *
 *     | count: 63 bits of references, sign bit: immortal |
 *
 * Invariant: count == references, or count < 0 (immortal, never written again).
 * Order: none. Right with one thread at a time; with more, wrong answers are expected (RC_UNSAFE).
 */
#ifndef RC_STRATEGY_PLAIN_H
#define RC_STRATEGY_PLAIN_H

#include "../thread.h"

#define RC_SUMMARY "plain integer count, no locks: one thread only"
#define RC_UNSAFE 1
#define RC_KEEPS_BORROWED 1 /* there are no others */
#define RC_READS_REFUSED "it has no locks to do without, and is for one thread"

#include "../plain_count.h"

#endif
