/*
 * weakdict.h -- a dict that does not keep its values: an entry is there as long as somebody else holds its value.
 *
 * A dict's table whose values are weak references (weak.h), one lock. A key whose value is gone is missing to everybody; its entry
 * goes when somebody meets it: a get, a set, and each insertion that looks at a few entries more. So at most about a third of a
 * dict that is inserted into is dead entries, and what dies runs nothing here.
 * Values must be containers (ERR_TYPE). Duties, errors and the treatment of keys are dict.h's.
 */
#ifndef OBJECTS_WEAKDICT_H
#define OBJECTS_WEAKDICT_H

#include "table.h"

struct weakdict {
    struct container base;
    struct lock lock;
    struct table table; /* every value a struct weak */
    size_t sweep;       /* the next entry that an insertion looks at */
};

static const struct type weakdict_type;

API struct obj *weakdict_new(void);
/* Entries whose values have not been found dead yet: walks them all. -1: ERR_TYPE. */
API int64_t weakdict_length(struct obj *dict);
/* 1 and a new reference in *value; 0: missing (*value = NULL); -1 (*value = NULL). */
API int weakdict_get(struct obj *dict, struct obj *key, struct obj **value);
/* The caller holds the value; the dict does not. */
API int weakdict_set(struct obj *dict, struct obj *key, struct obj *value);
/* The value that is there, or `value` after inserting it: new reference in *found; 1 it was there, 0 inserted, -1. Atomic. */
API int weakdict_setdefault(struct obj *dict, struct obj *key, struct obj *value, struct obj **found);
API int weakdict_del(struct obj *dict, struct obj *key); /* -1 with ERR_KEY: missing */

#endif
