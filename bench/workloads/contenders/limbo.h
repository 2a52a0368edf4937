/*
 * limbo.h -- what has been taken out of a structure that others read without a lock: freed after a grace period, many at a time.
 *
 * liburcu and Concurrency Kit leave the memory of what was removed to the program. Here all of their structures are used alike: who
 * looks is inside an RCU read section, and counts the value it found there; who removes puts the node, and the structure's
 * reference to the value, into its thread's limbo. So a value found is alive: the structure's reference is dropped after all
 * read sections that could have found it. (A value that was a plain word would save all of this; ft_utils' types hold objects.)
 * A thread's limbo is its own. It is emptied when full, detached, holding no lock and outside any read section.
 */
#ifndef CONTENDERS_LIMBO_H
#define CONTENDERS_LIMBO_H

#include "../../workload.h"

#ifdef RC_HOSTILE
enum { LIMBO_FULL = 4 };
#else
enum { LIMBO_FULL = 4096 }; /* a grace period lasts some µs to ms: a few ns for each */
#endif

struct limbo_item {
    void *memory;      /* NULL: none */
    struct obj *value; /* NULL: none */
};

struct limbo {
    struct limbo_item *item;
    size_t count;
    int64_t graces; /* grace periods waited for */
};

/* 0, or -1: ERR_MEMORY. */
API int limbo_start(struct limbo *l)
{
    *l = (struct limbo){.item = os_alloc(LIMBO_FULL * sizeof *l->item)};
    if (!l->item)
        err_memory();
    return l->item ? 0 : -1;
}

/* Waits for a grace period, detached. */
SLOW void limbo_empty(struct limbo *l)
{
    if (l->count > 0) {
        thread_detach();
        os_rcu_synchronize();
        thread_attach();
        l->graces++;
    }
    while (l->count > 0) {
        struct limbo_item gone = l->item[--l->count];
        os_free(gone.memory);
        obj_xdecref(gone.value);
    }
}

INLINE void limbo_put(struct limbo *l, void *memory, struct obj *value)
{
    l->item[l->count++] = (struct limbo_item){memory, value};
    if (unlikely(l->count == LIMBO_FULL))
        limbo_empty(l);
}

/* By any thread, when nobody uses the structure. */
API void limbo_stop(struct limbo *l)
{
    if (l->item)
        limbo_empty(l);
    os_free(l->item);
    l->item = NULL;
}

#endif
