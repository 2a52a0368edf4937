/*
 * plain_count.h -- the body that the strategies plain and gil share: an ordinary 64-bit counter.
 *
 *     | sign: immortal | 63 bits: number of references |
 *
 * Invariant: count == references, or count < 0: immortal and never written again.
 * Order: none here; whoever includes this says what makes one thread run at a time.
 */
#ifndef RC_PLAIN_COUNT_H
#define RC_PLAIN_COUNT_H

#include "thread.h"

struct rc_head {
    int64_t count;
};
#define RC_HEAD_FIELDS(X) X(count)
#define RC_HEAD_WORDS(F) F(count, words_count)

HOT void rc_init(struct rc_head *h) { h->count = 1; }
HOT bool rc_is_immortal(const struct rc_head *h) { return h->count < 0; }
INLINE void rc_immortalize(struct rc_head *h) { h->count = INT64_MIN; }

HOT void rc_incref(struct rc_head *h)
{
    if (likely(h->count >= 0)) {
        h->count++;
        rc_stat(incref);
    } else {
        rc_stat(incref_immortal);
    }
}

HOT bool rc_decref(struct rc_head *h)
{
    if (unlikely(h->count < 0)) {
        rc_stat(decref_immortal);
        return false;
    }
    rc_stat(decref);
    return --h->count == 0;
}

INLINE bool rc_try_incref(struct rc_head *h)
{
    if (h->count == 0)
        return false;
    rc_incref(h);
    return true;
}

INLINE bool rc_is_unique(const struct rc_head *h) { return h->count == 1; }
INLINE int64_t rc_count_stw(const struct rc_head *h) { return h->count; }
INLINE void rc_adjust_stw(struct rc_head *h, int64_t n) { h->count += n; }
#define rc_adjust_stw rc_adjust_stw

#endif
