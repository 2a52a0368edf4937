/*
 * gc.h -- the heap looked at as a whole, through the types' traverse slots.
 */
#ifndef GC_GC_H
#define GC_GC_H

#include "../objects/object.h"

/* What a walk found. */
struct gc_census {
    int64_t objects;    /* reachable ones, the immortal ones not included */
    int64_t internal;   /* references among them, those that the walk followed */
    int64_t external;   /* the rest: sum over the objects of count minus internal references */
    int64_t overdrawn;  /* objects with fewer references counted than found: each would be freed while still in use */
};

/*
 * Walks all that is reachable from `roots`. The caller has called rc_drain, and no other thread is attached. What threads count
 * themselves (objects/defer.h) it does not see.
 * 0; or -1 with ERR_MEMORY. Iterative; needs memory in proportion to the objects found.
 */
API int gc_census_stw(struct obj *const *roots, size_t count, struct gc_census *census);

#endif
