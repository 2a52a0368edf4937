/*
 * atomic_flag.h -- AtomicFlag: one bool that threads set and test (ft_utils' AtomicFlag). seq_cst, no lock, as atomic_int.h.
 * Errors: ERR_TYPE (not an AtomicFlag).
 */
#ifndef OBJECTS_ATOMIC_FLAG_H
#define OBJECTS_ATOMIC_FLAG_H

#include "object.h"

/* (`struct atomic_flag` is C's own in some implementations of stdatomic.h.) */
struct atomic_flag_object {
    struct obj base;
    _Atomic bool value;
};

static const struct type atomic_flag_type;

API struct obj *atomic_flag_new(bool value); /* new; NULL: ERR_MEMORY */
API int atomic_flag_set(struct obj *o, bool value); /* 0, -1 */
API int atomic_flag_exchange(struct obj *o, bool value); /* what it was: 1, 0; -1. Of several that set it, one sees the 0 */
API int atomic_flag_test(struct obj *o);            /* 1, 0, -1 */

#endif
