/*
 * list.h -- a growing sequence with one lock.
 *
 * Invariant: 0 <= length <= room; item[0 … length) are owned references. All fields are read and written under the lock
 * (plain and gil: under their single runner). Items that an operation displaces are decref'ed after the unlock.
 * Comparisons with objects of a type that is not TYPE_EXACT run without the lock, on a new reference, and restart when
 * the version has changed meanwhile. Sorting detaches the array; a list changed during its own sort reports ERR_CHANGED.
 * Indices may be negative: from the end. Errors: ERR_TYPE (not a list), ERR_MEMORY, and those named at the function.
 */
#ifndef OBJECTS_LIST_H
#define OBJECTS_LIST_H

#include "lock.h"

struct list {
    struct container base;
    struct lock lock;
    size_t length, room;
    struct obj **item;
};

static const struct type list_type;

API struct obj *list_new(size_t room); /* new, empty, with room for that many */
API struct obj *list_from(struct obj *const *items, size_t length); /* takes its own references */
API int64_t list_length(struct obj *list);
API struct obj *list_get(struct obj *list, int64_t i); /* new; NULL: ERR_INDEX */
/* Borrowed: how long it is good, and against whom, is a policy of the run (borrowed.h; FIELD.md 3.1). NULL: ERR_INDEX; where the
 * policy defers, ERR_MEMORY. */
API struct obj *list_get_borrowed(struct obj *list, int64_t i);
API int list_set(struct obj *list, int64_t i, struct obj *item); /* ERR_INDEX */
API int list_append(struct obj *list, struct obj *item);
API int list_insert(struct obj *list, int64_t before, struct obj *item); /* the position is clipped, as in Python */
API struct obj *list_pop(struct obj *list, int64_t i); /* the list's own reference passes to the caller; ERR_INDEX */
/* Appends the items of a list or tuple (which may be the list itself): all or nothing. */
API int list_extend(struct obj *list, struct obj *sequence);
API struct obj *list_slice(struct obj *list, int64_t from, int64_t to); /* new list; bounds are clipped */
/* list[from:to] = sequence (list or tuple, which may be the list itself; NULL deletes). */
API int list_set_slice(struct obj *list, int64_t from, int64_t to, struct obj *sequence);
API int list_remove(struct obj *list, struct obj *item);    /* the first equal one; ERR_KEY: none is */
API int64_t list_index(struct obj *list, struct obj *item); /* of the first equal one; -1: ERR_KEY */
API int list_contains(struct obj *list, struct obj *item);  /* 1, 0, -1 */
API int list_clear(struct obj *list);
API int list_reverse(struct obj *list);
/* Stable merge sort by the items' less slot. ERR_TYPE: not comparable; ERR_CHANGED. On error the list holds all its items
 * in some order. */
API int list_sort(struct obj *list);

#endif
