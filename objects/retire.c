/*
 * retire.c -- the list of blocks that wait for a grace period. Protocol, bounds and orders are in retire.h.
 */
#include "object.h"

API void retire_flush(void)
{
    struct retire_list *r = &heap_self()->retired;
    if (r->count == 0)
        return;
    rc_stat(grace_periods);
    rc_stat_peak(retired_most_bytes, (int64_t)r->bytes);
    os_rcu_synchronize(); /* (G1) */
    while (r->count > 0)
        os_free(r->block[--r->count]);
    r->bytes = 0;
}

API void retire(void *block, size_t bytes)
{
    struct retire_list *r = &heap_self()->retired;
    if (!block)
        return;
    rc_stat(retired);
    rc_stat_add(retired_bytes, bytes);
    r->block[r->count++] = block;
    r->bytes += bytes;
    if (r->count == retire_full || r->bytes > RETIRE_BYTES)
        retire_flush();
    else if (bytes >= RETIRE_LARGE)
        thread_break(rt_self, BREAK_RETIRE);
}

API void retire_start(void) { thread_configure_retire(retire_flush); }
