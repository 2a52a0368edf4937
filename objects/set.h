/*
 * set.h -- a set with one lock, on the same table as dict; order of insertion.
 *
 * Operations on two sets take no two locks at once while comparing: they snapshot one side under its lock and work on
 * the other (a snapshot is what a caller without a common lock can ask for). Errors as in dict.h.
 */
#ifndef OBJECTS_SET_H
#define OBJECTS_SET_H

#include "table.h"

struct set {
    struct container base;
    struct lock lock;
    struct table table; /* every value NULL */
};

static const struct type set_type;

API struct obj *set_new(size_t room);
API int64_t set_length(struct obj *set);
API int set_add(struct obj *set, struct obj *item);      /* 1 added, 0 was there, -1 */
API int set_discard(struct obj *set, struct obj *item);  /* 1 removed, 0 was not there, -1 */
API int set_remove(struct obj *set, struct obj *item);   /* 0, or -1 with ERR_KEY */
API int set_contains(struct obj *set, struct obj *item); /* 1, 0, -1 */
API struct obj *set_pop(struct obj *set);                /* the newest; new reference; NULL with ERR_KEY: empty */
API int set_clear(struct obj *set);
API struct obj *set_copy(struct obj *set);
API int set_update(struct obj *set, struct obj *other);  /* adds every item; on error some may be in (each is whole) */
/* New sets. */
API struct obj *set_union(struct obj *a, struct obj *b);
API struct obj *set_intersection(struct obj *a, struct obj *b);
API struct obj *set_difference(struct obj *a, struct obj *b);
API struct obj *set_symmetric_difference(struct obj *a, struct obj *b);
API int set_is_subset(struct obj *a, struct obj *b); /* every item of a in b: 1, 0, -1 */
API struct obj *set_items(struct obj *set);          /* new list: a snapshot taken under the lock */

#endif
