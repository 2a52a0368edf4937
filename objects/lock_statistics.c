/*
 * lock_statistics.c -- the totals of all ended threads.
 */
#include "lock.h"

#if RC_STATISTICS

static struct {
    struct os_mutex lock;
    struct lock_counts line[LOCK_TYPES];
} lock_totals = {.lock = OS_MUTEX_INIT};

API void lock_statistics_publish(struct heap_thread *t)
{
    os_lock(&lock_totals.lock);
    for (int i = 0; i < LOCK_TYPES; i++) {
        const struct lock_counts *from = &t->locks[i];
        struct lock_counts *to = from->type ? lock_counts_of(lock_totals.line, from->type) : &lock_totals.line[LOCK_TYPES - 1];
        for (int c = 0; c < LOCK_STAT_COUNT; c++)
            to->value[c] += from->value[c];
        to->wait_longest_ns = from->wait_longest_ns > to->wait_longest_ns ? from->wait_longest_ns : to->wait_longest_ns;
    }
    os_unlock(&lock_totals.lock);
    memset(t->locks, 0, sizeof t->locks);
}

API const struct lock_counts *lock_statistics_total(int i)
{
    const struct lock_counts *line = &lock_totals.line[i];
    return line->type || line->value[LOCK_STAT_acquired] ? line : NULL;
}

#else

API void lock_statistics_publish(struct heap_thread *t) { (void)t; }
API const struct lock_counts *lock_statistics_total(int i) { return (void)i, NULL; }

#endif
