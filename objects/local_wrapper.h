/*
 * local_wrapper.h -- a stand-in for an object that many threads use: each thread wraps it once and uses the wrapper, so that the count
 * that they all would write stays alone (ft_utils' LocalWrapper).
 *
 * Every operation takes a wrapper wherever it takes what is wrapped: list_append(w, x), dict_get(w, …), int_add(w, w), obj_equal(o, w).
 * One place does that: obj_as (object.h), through which each operation looks at its argument's type; only where that is
 * another one than expected it looks for a wrapper. Arguments are borrowed (object.h), so nothing that goes through a wrapper counts the
 * target; the original counted it at each attribute and method. Three things count it, and must: an operation whose result is
 * the target itself (str_slice of all of it, local_wrapper_get); a caller that stores what it got from there; and user
 * code that compares keys, for the length of the comparison. A wrapper that is stored (list_append(x, w)) is stored as it is.
 * An iterator over a wrapper keeps the wrapper.
 *
 * Invariant: target is set once and owned, and is no wrapper: wrapping a wrapper wraps its target. So a wrapper needs no lock, may be
 * shared, and cannot close a cycle alone (a tuple cannot either): it has no clear.
 * One count when it is made, one when it is freed.
 */
#ifndef OBJECTS_LOCAL_WRAPPER_H
#define OBJECTS_LOCAL_WRAPPER_H

#include "object.h"

struct local_wrapper {
    struct container base;
    struct obj *target; /* owned */
};

static const struct type local_wrapper_type;

/* New; NULL: ERR_MEMORY. */
API struct obj *local_wrapper_new(struct obj *target);
/* What it wraps, new reference; of an object that is no wrapper, itself. */
API struct obj *local_wrapper_get(struct obj *o);
/* The same, borrowed: good as long as the wrapper. For who uses it so often that obj_as's second look would be felt. */
INLINE struct obj *local_wrapper_peel(struct obj *o)
{
    return unlikely(obj_is(o, &local_wrapper_type)) ? ((struct local_wrapper *)o)->target : o;
}

#endif
