/*
 * list.h -- a growing sequence with one lock.
 *
 * Invariant: 0 <= length <= room; item[0 … length) are owned references. All fields are read and written under the lock
 * (plain and gil: under their single runner), but for what reads.h lets be read without it: get, contains, length, iteration. Items that an operation displaces are decref'ed after the unlock.
 * Comparisons with objects of a type that is not TYPE_EXACT run without the lock, on a new reference, and restart when
 * the version has changed meanwhile. Sorting detaches the array; a list changed during its own sort reports ERR_CHANGED.
 * Indices may be negative: from the end. Errors: ERR_TYPE (not a list), ERR_MEMORY, and those named at the function.
 */
#ifndef OBJECTS_LIST_H
#define OBJECTS_LIST_H

#include "reads.h"

/* A list's array in memory. */
struct list_items {
    size_t room;
    _Atomic(struct obj *) item[]; /* owned; published: those behind the last are NULL */
};

struct list {
    struct container base;
    struct lock lock;
    _Atomic(struct list_items *) published; /* reads.h; NULL, or what `item` lies in */
    _Atomic size_t length;                  /* as room and item: written under the lock */
    size_t room;
    _Atomic(struct obj *) *item;
};

/* --- under the lock, or of a list that nobody else knows --- */

/* relaxed, both: under the lock */
HOT size_t list_count(const struct list *l) { return atomic_load_explicit(&l->length, memory_order_relaxed); }
HOT struct obj *list_at(const struct list *l, size_t i) { return atomic_load_explicit(&l->item[i], memory_order_relaxed); }
/* (V1) release, both: for optimistic readers (reads.h) */
HOT void list_set_count(struct list *l, size_t n) { atomic_store_explicit(&l->length, n, memory_order_release); }
HOT void list_put(struct list *l, size_t i, struct obj *o) { atomic_store_explicit(&l->item[i], o, memory_order_release); }
/* Behind the last, with room for it; the reference is the list's now. */
HOT void list_push(struct list *l, struct obj *o)
{
    size_t n = list_count(l);
    list_put(l, n, o);
    list_set_count(l, n + 1);
}

/* Item i without the lock (reads=optimistic): true: *taken is a new reference to it. False: take the lock; *taken (NULL or a reference)
 * is to be dropped, when no lock is held. */
API bool list_try_get(struct list *l, size_t i, struct obj **taken);
/* Under the lock, which is not held through a bias, after a reader of *taken could not do without: the next one can. */
API void list_publish(struct list *l, struct obj *item);

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
