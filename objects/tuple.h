/*
 * tuple.h -- a fixed sequence of objects. Immutable once built: no lock; publication is the publisher's business.
 */
#ifndef OBJECTS_TUPLE_H
#define OBJECTS_TUPLE_H

#include "object.h"

struct tuple {
    struct container base;
    size_t length;
    struct obj *item[];
};

static const struct type tuple_type;

/* New tuple that takes its own references to the items; NULL: ERR_MEMORY. */
API struct obj *tuple_new(struct obj *const *items, size_t length);
API struct obj *tuple_pair(struct obj *a, struct obj *b);
API int64_t tuple_length(const struct obj *t); /* -1: ERR_TYPE */
/* Item i (negative: from the end). New, or NULL: ERR_INDEX, ERR_TYPE. */
API struct obj *tuple_get(struct obj *t, int64_t i);
/* Borrowed: good as long as the tuple, since it never changes. */
API struct obj *tuple_get_borrowed(struct obj *t, int64_t i);

#endif
