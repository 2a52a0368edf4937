/*
 * list.c -- lists. The protocol is in list.h; this is how it is kept.
 *
 * An operation reads and writes length, room and item between one lock_acquire and one lock_release, on the list that it
 * was given (never through a pointer that it reads again). What it displaces is dropped after the release.
 *
 * The lock's version changes when an item moves, goes or is replaced. An append changes none of these, so whoever compares
 * without the lock need not start again because others append. A sort finds appends by the memory they had to get.
 */
#include "borrowed.h"
#include "list.h"
#include "local_wrapper.h"
#include "number.h"
#include "str.h"
#include "track.h"
#include "tuple.h"
#include <inttypes.h>

#define LIST_MAX ((size_t)PTRDIFF_MAX / sizeof(struct obj *))

enum { LIST_MISSING = -1, LIST_ERROR = -2 }; /* what list_search finds instead of a position */

INLINE struct list *list_expect(struct obj *o) { return obj_as(o, &list_type); }

/* --- memory --- */

/* Room for `length` items and an eighth more, so that n appends cost O(n). */
INLINE size_t list_growth(size_t length)
{
#ifdef RC_HOSTILE
    return length;
#else
    return (length + length / 8 + 6) & ~(size_t)3;
#endif
}

INLINE size_t list_bytes(size_t room) { return sizeof(struct list_items) + room * sizeof(struct obj *); }
/* What an array lies in; NULL: there is none. */
INLINE struct list_items *list_block(const _Atomic(struct obj *) *item)
{
    return item ? (struct list_items *)((char *)item - offsetof(struct list_items, item)) : NULL;
}

/* Room for that many, in `old` (NULL: in new memory); NULL: no memory, `old` is as it was. */
static _Atomic(struct obj *) *list_alloc(struct list_items *old, size_t room)
{
    struct list_items *a = os_realloc(old, list_bytes(room));
    if (unlikely(!a))
        return NULL;
    a->room = room;
    return a->item;
}

/* Frees an array that has left its list; `published`: readers may still be in it. */
static void list_free(_Atomic(struct obj *) *item, size_t room, bool published)
{
    if (unlikely(published))
        retire(list_block(item), list_bytes(room));
    else
        os_free(list_block(item));
}

/* relaxed: under the lock */
INLINE struct list_items *list_published(const struct list *l) { return atomic_load_explicit(&l->published, memory_order_relaxed); }

/* What is there for the lock's holder alone: as plain memory, which readers only read. */
INLINE struct obj **list_plain(_Atomic(struct obj *) *item) { return (struct obj **)item; }

/* The array, complete, is for readers from now on. */
static void list_show_new(struct list *l)
{
    size_t length = list_count(l);
    for (size_t i = length; i < l->room; i++)
        atomic_init(&l->item[i], NULL); /* what is not filled yet is NULL before anybody sees it (FIELD.md 3.15) */
    /* (V1) release: the items, and what they are */
    atomic_store_explicit(&l->published, list_block(l->item), memory_order_release);
}

API void list_publish(struct list *l, struct obj *item)
{
    if (l->item && !list_published(l))
        list_show_new(l);
    if (item)
        reads_allow(item);
}

/* list_set_room where readers may be in the array: they keep it, as it is now, until they leave (FIELD.md 3.16). */
SLOW bool list_move(struct list *l, size_t room)
{
    _Atomic(struct obj *) *item = list_alloc(NULL, room), *old = l->item;
    size_t old_room = l->room;
    if (!item)
        return false;
    memcpy(list_plain(item), list_plain(old), list_count(l) * sizeof *item);
    l->item = item;
    l->room = room;
    list_show_new(l);
    list_free(old, old_room, true);
    return true;
}

static bool list_set_room(struct list *l, size_t room)
{
    if (unlikely(list_published(l) != NULL))
        return list_move(l, room);
    _Atomic(struct obj *) *item = list_alloc(list_block(l->item), room);
    if (unlikely(!item))
        return false;
    l->item = item;
    l->room = room;
    return true;
}

/* Around a change of more than one slot: readers take the lock meanwhile. */
INLINE struct list_items *list_hide(struct list *l)
{
    struct list_items *shown = list_published(l);
    atomic_store_explicit(&l->published, NULL, memory_order_relaxed); /* (V1) relaxed: before the version's release */
    lock_changes(&l->lock);
    return shown;
}
INLINE void list_show(struct list *l, struct list_items *shown)
{
    atomic_store_explicit(&l->published, shown, memory_order_release); /* (V1) release: all slots as they are now */
}

/* `length` items move to another place, one by one where readers see them. Hidden (`shown` is what was). */
static void list_shift(struct list *l, const struct list_items *shown, size_t to, size_t from, size_t length)
{
    if (likely(!shown))
        memmove(list_plain(l->item) + to, list_plain(l->item) + from, length * sizeof *l->item);
    else if (to < from)
        for (size_t i = 0; i < length; i++)
            list_put(l, to + i, list_at(l, from + i));
    else
        for (size_t i = length; i-- > 0;)
            list_put(l, to + i, list_at(l, from + i));
}

/* Under the lock: room for `more` items behind the last; false: no memory, nothing has changed. */
SLOW bool list_grow_slow(struct list *l, size_t more)
{
    size_t length = list_count(l);
    return more <= LIST_MAX / 2 && length + more <= LIST_MAX / 2 && list_set_room(l, list_growth(length + more));
}
INLINE bool list_reserve(struct list *l, size_t more)
{
    return likely(l->room - list_count(l) >= more) || list_grow_slow(l, more);
}

/* Under the lock. Keeps the room where there is no memory for less of it. */
SLOW void list_shrink_slow(struct list *l)
{
    size_t length = list_count(l), room = list_growth(length);
    if (length > 0 && room < l->room)
        list_set_room(l, room);
}

/* The list's items on their own: what a caller takes out under the lock and drops after it. */
struct list_array {
    _Atomic(struct obj *) *item;
    size_t length, room;
    bool published; /* readers may be in it: nobody writes to it any more */
};

/* Under the lock: the array leaves for another one, which the caller puts there at once: readers of the length see no other. */
static struct list_array list_exchange(struct list *l)
{
    return (struct list_array){l->item, list_count(l), l->room, list_hide(l) != NULL};
}
/* Under the lock: takes all items out. */
static struct list_array list_steal(struct list *l)
{
    struct list_array all = list_exchange(l);
    l->item = NULL;
    l->room = 0;
    list_set_count(l, 0);
    return all;
}

/* Without a lock: user code may run. */
static void list_drop_array(struct list_array *a)
{
    for (size_t i = 0; i < a->length; i++)
        obj_decref(list_plain(a->item)[i]);
    list_free(a->item, a->room, a->published);
}

/* Into places that readers may see. */
static void list_push_new(struct list *l, struct obj *const *from, size_t length)
{
    size_t at = list_count(l);
    for (size_t i = 0; i < length; i++)
        list_put(l, at + i, obj_incref(from[i]));
    list_set_count(l, at + length);
}
/* A new array for a list without one. It is private again: the next reader publishes it. */
static void list_install(struct list *l, _Atomic(struct obj *) *item, size_t length, size_t room)
{
    l->item = item;
    l->room = room;
    list_set_count(l, length);
}
static void list_copy_new(struct obj **to, struct obj *const *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = obj_incref(from[i]);
}

/* --- making --- */

API struct obj *list_new(size_t room)
{
    _Atomic(struct obj *) *item = NULL;
    if (room > LIST_MAX || (room > 0 && !(item = list_alloc(NULL, room))))
        return err_memory();
    struct list *l = obj_alloc(&list_type, sizeof *l);
    if (unlikely(!l)) {
        os_free(list_block(item));
        return NULL;
    }
    l->item = item;
    l->room = room;
    atomic_init(&l->length, 0);
    atomic_init(&l->published, NULL);
    if (unlikely(!lock_init(&l->lock, &l->base))) {
        obj_decref(&l->base.base);
        return err_memory();
    }
    obj_track(&l->base);
    return &l->base.base;
}

API struct obj *list_from(struct obj *const *items, size_t length)
{
    struct list *l = (struct list *)list_new(length);
    if (!l)
        return NULL;
    list_push_new(l, items, length);
    return &l->base.base;
}

/* Python's slice bounds: negative ones count from the end, all are clipped, and from <= to. */
static void list_clip(size_t length, int64_t *from, int64_t *to)
{
    int64_t n = (int64_t)length;
    *from = *from < -n ? 0 : *from < 0 ? *from + n : *from > n ? n : *from;
    *to = *to < -n ? 0 : *to < 0 ? *to + n : *to > n ? n : *to;
    if (*to < *from)
        *to = *from;
}

API struct obj *list_slice(struct obj *o, int64_t from, int64_t to)
{
    struct list *l = list_expect(o);
    struct list *slice = l ? (struct list *)list_new(0) : NULL;
    if (!slice)
        return NULL;
    lock_acquire(&l->lock);
    list_clip(list_count(l), &from, &to);
    bool made = from == to || list_set_room(slice, (size_t)(to - from));
    if (made && from < to)
        list_push_new(slice, list_plain(l->item) + from, (size_t)(to - from));
    lock_release(&l->lock);
    if (likely(made))
        return &slice->base.base;
    obj_decref(&slice->base.base);
    return err_memory();
}

/* --- single items --- */

SLOW void *list_no_index(int64_t i, size_t length)
{
    err_set(ERR_INDEX, "list index %" PRId64 " out of range (length %" PRId64 ")", i, (int64_t)length);
    return NULL;
}

/* Under the lock: the position that `i` means; not less than the length when there is none. */
INLINE uint64_t list_position(const struct list *l, int64_t i) { return (uint64_t)i + (i < 0 ? list_count(l) : 0); }

API int64_t list_length(struct obj *o)
{
    struct list *l = list_expect(o);
    if (!l)
        return -1;
    if (unlikely(!lock_try_own(&l->lock))) {
        if (reads_optimistic()) {
            rc_stat(read_optimistic);
            return (int64_t)atomic_load_explicit(&l->length, memory_order_acquire); /* (V2) acquire: the items that it counts */
        }
        lock_acquire_other(&l->lock);
    }
    int64_t length = (int64_t)list_count(l);
    lock_release(&l->lock);
    return length;
}

API bool list_try_get(struct list *l, size_t i, struct obj **taken)
{
    bool there = false;
    *taken = NULL;
    reads_enter();
    struct list_items *a = atomic_load_explicit(&l->published, memory_order_acquire); /* (V2) acquire: the array as it was published */
    if (likely(a && i < a->room)) {
        struct obj *item = atomic_load_explicit(&a->item[i], memory_order_acquire); /* (V2) acquire: the item as it was put there */
        if (likely(item && reads_take(item))) {
            *taken = item;
            /* (V2) acquire, acquire, relaxed: all come after the take, which acquires (R3), each after the one before. The length after the
             * slot: who sees an item that was appended where another had been popped sees that pop's length, or a later one */
            there = atomic_load_explicit(&a->item[i], memory_order_acquire) == item &&
                    i < atomic_load_explicit(&l->length, memory_order_acquire) &&
                    atomic_load_explicit(&l->published, memory_order_relaxed) == a;
        }
    }
    reads_leave();
    rc_stat_add(read_optimistic, there);
    rc_stat_add(read_locked, !there);
    return likely(there);
}

/* list_get by a stranger, or where nobody is one. Indexes from the end need length and slot at one moment: the lock. */
static __attribute__((noinline)) struct obj *list_get_other(struct list *l, int64_t i)
{
    struct obj *taken = NULL;
    if (likely(i >= 0) && likely(list_try_get(l, (size_t)i, &taken)))
        return taken;
    obj_xdecref(taken);
    lock_acquire_other(&l->lock);
    size_t length = list_count(l);
    uint64_t at = list_position(l, i);
    struct obj *item = likely(at < length) ? obj_incref(list_at(l, at)) : NULL;
    list_publish(l, item);
    lock_release(&l->lock);
    return likely(item != NULL) ? item : list_no_index(i, length);
}

API struct obj *list_get(struct obj *o, int64_t i)
{
    struct list *l = list_expect(o);
    if (unlikely(!l))
        return NULL;
    if (unlikely(!lock_try_own(&l->lock))) {
        if (reads_optimistic())
            return list_get_other(l, i);
        lock_acquire_other(&l->lock);
    }
    size_t length = list_count(l);
    uint64_t at = list_position(l, i);
    struct obj *item = likely(at < length) ? obj_incref(list_at(l, at)) : NULL;
    lock_release(&l->lock);
    return likely(item != NULL) ? item : list_no_index(i, length);
}

API struct obj *list_get_borrowed(struct obj *o, int64_t i)
{
    struct list *l = list_expect(o);
    if (unlikely(!l))
        return NULL;
    lock_acquire(&l->lock);
    size_t length = list_count(l);
    uint64_t at = list_position(l, i);
    struct obj *item = likely(at < length) ? list_at(l, at) : NULL;
    bool kept = likely(item != NULL) && borrowed_keep(item);
    lock_release(&l->lock);
    return likely(kept) ? item : item ? NULL : list_no_index(i, length);
}

API int list_set(struct obj *o, int64_t i, struct obj *item)
{
    struct list *l = list_expect(o);
    if (unlikely(!l))
        return -1;
    struct obj *old = NULL;
    lock_acquire(&l->lock);
    size_t length = list_count(l);
    uint64_t at = list_position(l, i);
    if (likely(at < length)) {
        old = list_at(l, at);
        lock_changes(&l->lock);
        list_put(l, at, obj_incref(item));
    }
    lock_release(&l->lock);
    if (unlikely(!old)) {
        list_no_index(i, length);
        return -1;
    }
    obj_decref(old);
    return 0;
}

API int list_append(struct obj *o, struct obj *item)
{
    struct list *l = list_expect(o);
    if (unlikely(!l))
        return -1;
    lock_acquire(&l->lock);
    bool room = list_reserve(l, 1);
    if (likely(room))
        list_push(l, obj_incref(item));
    lock_release(&l->lock);
    if (likely(room))
        return 0;
    err_memory();
    return -1;
}

API int list_insert(struct obj *o, int64_t before, struct obj *item)
{
    struct list *l = list_expect(o);
    if (!l)
        return -1;
    lock_acquire(&l->lock);
    bool room = list_reserve(l, 1);
    if (likely(room)) {
        int64_t end = INT64_MAX;
        size_t length = list_count(l);
        list_clip(length, &before, &end);
        struct list_items *shown = list_hide(l);
        list_shift(l, shown, (size_t)before + 1, (size_t)before, length - (size_t)before);
        list_put(l, (size_t)before, obj_incref(item));
        list_set_count(l, length + 1);
        list_show(l, shown);
    }
    lock_release(&l->lock);
    if (likely(room))
        return 0;
    err_memory();
    return -1;
}

/* Under the lock: the item at a position that exists leaves; its reference passes to the caller. */
INLINE struct obj *list_take(struct list *l, size_t at)
{
    struct obj *item = list_at(l, at);
    size_t last = list_count(l) - 1;
    struct list_items *shown = list_hide(l);
    if (at < last)
        list_shift(l, shown, at, at + 1, last - at);
    list_put(l, last, NULL);
    list_set_count(l, last);
    list_show(l, shown);
    if (unlikely(last < l->room / 2))
        list_shrink_slow(l);
    return item;
}

API struct obj *list_pop(struct obj *o, int64_t i)
{
    struct list *l = list_expect(o);
    if (unlikely(!l))
        return NULL;
    lock_acquire(&l->lock);
    size_t length = list_count(l);
    uint64_t at = list_position(l, i);
    struct obj *item = likely(at < length) ? list_take(l, at) : NULL;
    lock_release(&l->lock);
    return likely(item != NULL) ? item : list_no_index(i, length);
}

API int list_clear(struct obj *o)
{
    struct list *l = list_expect(o);
    if (!l)
        return -1;
    lock_acquire(&l->lock);
    struct list_array old = list_steal(l);
    lock_release(&l->lock);
    list_drop_array(&old);
    return 0;
}

API int list_reverse(struct obj *o)
{
    struct list *l = list_expect(o);
    if (!l)
        return -1;
    lock_acquire(&l->lock);
    struct list_items *shown = list_hide(l);
    for (size_t i = 0, j = list_count(l); i + 1 < j; i++) {
        struct obj *swap = list_at(l, --j);
        list_put(l, j, list_at(l, i));
        list_put(l, i, swap);
    }
    list_show(l, shown);
    lock_release(&l->lock);
    return 0;
}

/* --- with a second sequence: a tuple, another list, or the list itself --- */

static bool list_source_expect(struct obj *source)
{
    if (obj_is(source, &list_type) || obj_is(source, &tuple_type))
        return true;
    err_set_name(ERR_TYPE, "expected list or tuple, not %s", source->type->name, "");
    return false;
}

/* The lock that guards `source` while it is read: its own, or for a tuple (which needs none) that of `l` once more. Depends
 * on types and addresses alone, so the unlock meets the locks that were taken (FIELD.md 3.2). */
static struct lock *list_source_lock(struct list *l, struct obj *source)
{
    return source && obj_is(source, &list_type) ? &((struct list *)source)->lock : &l->lock;
}

/* Both locks held: its items as they lie now. */
static struct obj **list_source_items(struct obj *source, size_t *length)
{
    *length = 0;
    if (!source)
        return NULL;
    if (obj_is(source, &tuple_type)) {
        *length = ((struct tuple *)source)->length;
        return ((struct tuple *)source)->item;
    }
    *length = list_count((struct list *)source);
    return list_plain(((struct list *)source)->item);
}

API int list_extend(struct obj *o, struct obj *sequence)
{
    struct list *l = list_expect(o);
    sequence = local_wrapper_peel(sequence);
    if (!l || !list_source_expect(sequence))
        return -1;
    struct lock *other = list_source_lock(l, sequence);
    size_t more;
    lock_acquire_two(&l->lock, other);
    list_source_items(sequence, &more);
    bool room = list_reserve(l, more);
    if (likely(room)) {
        /* read again: when it is the list itself, its items may have moved to get room */
        struct obj **from = list_source_items(sequence, &more);
        list_push_new(l, from, more);
    }
    lock_release_two(&l->lock, other);
    if (likely(room))
        return 0;
    err_memory();
    return -1;
}

/* Both locks held: builds the changed list in new memory, since its own items may be the source, and leaves the old memory
 * with the displaced references [from, to) to the caller. False: no memory, nothing has changed. */
static bool list_replace(struct list *l, size_t from, size_t to, struct obj *source, struct list_array *displaced)
{
    size_t more, tail = list_count(l) - to;
    struct obj **items = list_source_items(source, &more);
    if (more > LIST_MAX / 2 || list_count(l) > LIST_MAX / 2)
        return false;
    size_t length = from + more + tail, room = list_growth(length);
    _Atomic(struct obj *) *item = NULL;
    if (length > 0 && !(item = list_alloc(NULL, room)))
        return false;
    if (from > 0)
        memcpy(list_plain(item), list_plain(l->item), from * sizeof *item);
    if (more > 0)
        list_copy_new(list_plain(item) + from, items, more);
    if (tail > 0)
        memcpy(list_plain(item) + from + more, list_plain(l->item) + to, tail * sizeof *item);
    *displaced = list_exchange(l);
    list_install(l, item, length, length > 0 ? room : 0);
    return true;
}

API int list_set_slice(struct obj *o, int64_t from, int64_t to, struct obj *sequence)
{
    struct list *l = list_expect(o);
    sequence = sequence ? local_wrapper_peel(sequence) : NULL;
    if (!l || (sequence && !list_source_expect(sequence)))
        return -1;
    struct lock *other = list_source_lock(l, sequence);
    struct list_array old = {0};
    lock_acquire_two(&l->lock, other);
    list_clip(list_count(l), &from, &to);
    bool done = list_replace(l, (size_t)from, (size_t)to, sequence, &old);
    lock_release_two(&l->lock, other);
    if (unlikely(!done)) {
        err_memory();
        return -1;
    }
    for (int64_t i = from; i < to; i++)
        obj_decref(list_plain(old.item)[i]);
    list_free(old.item, old.room, old.published);
    return 0;
}

/* --- searching --- */

/* The first position of an equal item, LIST_MISSING or LIST_ERROR. The lock is held before and after, whatever comes out,
 * but released while user code compares: then the search starts again if anything moved. */
static int64_t list_search(struct list *l, struct obj *wanted)
{
    size_t i = 0;
    while (i < list_count(l)) {
        struct obj *item = list_at(l, i);
        if (item == wanted)
            return (int64_t)i;
        int equal;
        if (likely(item->type->flags & wanted->type->flags & TYPE_EXACT)) {
            equal = obj_equal(item, wanted);
        } else {
            uint32_t version = lock_version(&l->lock);
            obj_incref(item);
            lock_release(&l->lock);
            equal = obj_equal(item, wanted);
            obj_decref(item); /* here: may be the last reference, and its destructor must not meet the lock */
            lock_acquire(&l->lock);
            if (equal >= 0 && lock_version(&l->lock) != version) {
                i = 0;
                continue;
            }
        }
        if (equal)
            return equal > 0 ? (int64_t)i : LIST_ERROR;
        i++;
    }
    return LIST_MISSING;
}

SLOW int list_no_item(int64_t result, struct obj *item)
{
    const struct integer *n = (const struct integer *)item;
    if (result == LIST_ERROR)
        return -1;
    if (obj_is(item, &int_type) && n->limbs == 0)
        err_set(ERR_KEY, "%" PRId64 " is not in the list", n->small, 0);
    else
        err_set_name(ERR_KEY, "no such item in the list: a %s", item->type->name, "");
    return -1;
}

API int list_remove(struct obj *o, struct obj *item)
{
    struct list *l = list_expect(o);
    if (!l)
        return -1;
    lock_acquire(&l->lock);
    int64_t at = list_search(l, item);
    struct obj *old = at >= 0 ? list_take(l, (size_t)at) : NULL;
    lock_release(&l->lock);
    if (!old)
        return list_no_item(at, item);
    obj_decref(old);
    return 0;
}

API int64_t list_index(struct obj *o, struct obj *item)
{
    struct list *l = list_expect(o);
    if (!l)
        return -1;
    lock_acquire(&l->lock);
    int64_t at = list_search(l, item);
    lock_release(&l->lock);
    return at >= 0 ? at : list_no_item(at, item);
}

enum { LIST_ODD = -3 }; /* take the lock */

/* What the slots [0, n) of an array hold, compared with `wanted`, whose type is TYPE_EXACT. In a read section. Where objects are not sure to
 * stay alive only identity is asked: a reference to each item in turn would cost more than the lock. */
static int64_t list_try_scan(struct list_items *a, size_t n, struct obj *wanted)
{
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        struct obj *item = atomic_load_explicit(&a->item[i], memory_order_acquire); /* (V2) acquire: as in list_try_get */
        if (item == wanted)
            return (int64_t)i;
        if (RC_READS != RC_READS_BORROW)
            same = false;
        else if (!item || !(item->type->flags & TYPE_EXACT))
            return LIST_ODD;
        else if (obj_equal(item, wanted) > 0)
            return (int64_t)i;
    }
    return same ? LIST_MISSING : LIST_ODD;
}

/* 1, 0, or LIST_ODD. What is missing was so at one moment: nothing has moved, gone or been replaced while it was looked for (what
 * was added meanwhile came after). */
static int list_try_contains(struct list *l, struct obj *wanted)
{
    int64_t at = LIST_ODD;
    reads_enter();
    uint32_t version = atomic_load_explicit(&l->lock.version, memory_order_acquire); /* (V2) acquire: first */
    struct list_items *a = atomic_load_explicit(&l->published, memory_order_acquire); /* (V2) acquire: the array, complete */
    size_t n = atomic_load_explicit(&l->length, memory_order_acquire);                /* (V2) acquire: and its items */
    if (a)
        at = list_try_scan(a, n < a->room ? n : a->room, wanted);
    if (a && n > a->room)
        at = LIST_ODD;
    if (atomic_load_explicit(&l->lock.version, memory_order_relaxed) != version) /* (V2) relaxed: after the slots' acquire */
        at = LIST_ODD;
    reads_leave();
    rc_stat_add(read_optimistic, at != LIST_ODD);
    rc_stat_add(read_locked, at == LIST_ODD);
    return at >= 0 ? 1 : at == LIST_MISSING ? 0 : LIST_ODD;
}

API int list_contains(struct obj *o, struct obj *item)
{
    struct list *l = list_expect(o);
    if (!l)
        return -1;
    if (unlikely(!lock_try_own(&l->lock))) {
        int found = reads_optimistic() && item->type->flags & TYPE_EXACT ? list_try_contains(l, item) : LIST_ODD;
        if (found != LIST_ODD)
            return found;
        lock_acquire_other(&l->lock);
        if (reads_optimistic())
            list_publish(l, NULL);
    }
    int64_t at = list_search(l, item);
    lock_release(&l->lock);
    return at >= 0 ? 1 : at == LIST_MISSING ? 0 : -1;
}

/* --- sorting: bottom-up merge sort of the detached items, stable --- */

enum { SORT_RUN = 16 }; /* sorted by insertion; below this a merge costs more than it saves */

/* `from` holds the items, all of them at any time; `to` is scratch of the same length. */
struct list_sort {
    struct obj **from, **to; /* list_plain of two arrays */
    size_t length, room, room_to;
};

typedef int list_less_slot(struct obj *, struct obj *);

/* One body, compiled for each comparison below (the argument is a constant where it is called). */
#define SORT_INLINE static inline __attribute__((always_inline))

SORT_INLINE int sort_insert(struct obj **item, size_t length, list_less_slot *less)
{
    for (size_t i = 1; i < length; i++) {
        struct obj *moving = item[i];
        size_t low = 0, high = i; /* goes behind all that are not greater */
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            int before = less(moving, item[middle]);
            if (before < 0)
                return -1;
            if (before)
                high = middle;
            else
                low = middle + 1;
        }
        memmove(item + low + 1, item + low, (i - low) * sizeof *item);
        item[low] = moving;
    }
    return 0;
}

SORT_INLINE int sort_merge(struct obj **to, struct obj *const *a, size_t na, size_t nb, list_less_slot *less)
{
    struct obj *const *b = a + na, *const *end_a = b, *const *end_b = b + nb;
    int before = nb > 0 ? less(*b, b[-1]) : 0;
    if (before > 0) {
        while (a < end_a && b < end_b) {
            before = less(*b, *a);
            if (unlikely(before < 0))
                return -1;
            *to++ = before ? *b++ : *a++;
        }
    }
    memcpy(to, a, (size_t)(end_a - a) * sizeof *to);
    memcpy(to + (end_a - a), b, (size_t)(end_b - b) * sizeof *to);
    return before < 0 ? -1 : 0;
}

/* On an error `from` holds all items in some order: a merge that fails has not changed its input. */
SORT_INLINE int sort_all(struct list_sort *s, list_less_slot *less)
{
    size_t n = s->length;
    for (size_t i = 0; i < n; i += SORT_RUN)
        if (sort_insert(s->from + i, n - i < SORT_RUN ? n - i : SORT_RUN, less) != 0)
            return -1;
    for (size_t width = SORT_RUN; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t na = n - i < width ? n - i : width, nb = n - i - na < width ? n - i - na : width;
            if (sort_merge(s->to + i, s->from + i, na, nb, less) != 0)
                return -1;
        }
        *s = (struct list_sort){s->to, s->from, n, s->room_to, s->room};
    }
    return 0;
}

INLINE int sort_less_int(struct obj *a, struct obj *b)
{
    return ((struct integer *)a)->small < ((struct integer *)b)->small;
}
INLINE int sort_less_float(struct obj *a, struct obj *b)
{
    return ((struct floating *)a)->value < ((struct floating *)b)->value;
}
INLINE int sort_less_str(struct obj *a, struct obj *b) { return str_type.less(a, b); }

/* The type that all items have, or NULL; NULL also for ints of which one is not small. */
static const struct type *sort_type(const struct list_sort *s)
{
    const struct type *type = s->from[0]->type;
    for (size_t i = 0; i < s->length; i++)
        if (s->from[i]->type != type || (type == &int_type && ((struct integer *)s->from[i])->limbs != 0))
            return NULL;
    return type;
}

static int sort_items(struct list_sort *s)
{
    const struct type *type = sort_type(s);
    if (type == &int_type)
        return sort_all(s, sort_less_int);
    if (type == &float_type)
        return sort_all(s, sort_less_float);
    if (type == &str_type)
        return sort_all(s, sort_less_str);
    return sort_all(s, obj_less);
}

/* Under the lock: the items leave the list for `s`, with memory to sort them in. False: no memory, nothing has changed. */
static bool list_detach(struct list *l, struct list_sort *s)
{
    size_t length = list_count(l);
    bool published = list_published(l) != NULL;
    /* readers may be in the array: it stays as it is, and what is sorted is a copy */
    _Atomic(struct obj *) *scratch = list_alloc(NULL, length), *copy = published ? list_alloc(NULL, length) : NULL;
    if (!scratch || (published && !copy)) {
        os_free(list_block(scratch));
        os_free(list_block(copy));
        return false;
    }
    struct list_array all = list_steal(l);
    if (published) {
        memcpy(list_plain(copy), list_plain(all.item), length * sizeof *copy);
        list_free(all.item, all.room, true);
        all.item = copy;
        all.room = length;
    }
    *s = (struct list_sort){list_plain(all.item), list_plain(scratch), length, all.room, length};
    return true;
}

API int list_sort(struct obj *o)
{
    struct list *l = list_expect(o);
    if (!l)
        return -1;
    struct list_sort s = {0};
    lock_acquire(&l->lock);
    bool trivial = list_count(l) < 2, detached = !trivial && list_detach(l, &s);
    uint32_t version = lock_version(&l->lock);
    lock_release(&l->lock);
    if (!detached) {
        if (!trivial)
            err_memory();
        return trivial ? 0 : -1;
    }

    int failed = sort_items(&s);

    lock_acquire(&l->lock);
    bool changed = lock_version(&l->lock) != version || l->room > 0; /* room: appended to, and it was empty */
    struct list_array meanwhile = list_exchange(l);
    list_install(l, (_Atomic(struct obj *) *)s.from, s.length, s.room);
    lock_release(&l->lock);
    os_free(list_block((_Atomic(struct obj *) *)s.to));
    list_drop_array(&meanwhile);
    if (changed && !failed)
        err_set(ERR_CHANGED, "list changed during its sort", 0, 0);
    return failed || changed ? -1 : 0;
}

/* --- slots --- */

static void list_dealloc(struct obj *o)
{
    struct list *l = (struct list *)o;
    for (size_t i = 0, length = list_count(l); i < length; i++)
        obj_decref_field(list_at(l, i));
    os_free(list_block(l->item)); /* at once: a reader holds a reference to the list */
    lock_drop(&l->lock);
    obj_free(o, sizeof *l);
}

static void list_clear_slot(struct obj *o) { list_clear(o); }

/* With the world stopped: no lock. */
static int list_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct list *l = (struct list *)o;
    int stop = 0;
    for (size_t i = 0; i < list_count(l) && !stop; i++)
        stop = visit(list_at(l, i), arg);
    return stop;
}

/* A new reference to item i, or NULL: there is none. Sets no error. */
static struct obj *list_step(struct list *l, size_t i)
{
    lock_acquire(&l->lock);
    struct obj *item = i < list_count(l) ? obj_incref(list_at(l, i)) : NULL;
    lock_release(&l->lock);
    return item;
}

/* The first pair that differs, as new references (NULL: that list has ended there), one lock at a time (FIELD.md 3.5).
 * 1, or 0 when both end equal (*x = *y = NULL), or -1 and an error (nothing is kept). */
static int list_differ(struct list *a, struct list *b, struct obj **x, struct obj **y)
{
    int equal = 1;
    for (size_t i = 0; equal == 1; i++) {
        *x = list_step(a, i);
        *y = list_step(b, i);
        if (!*x || !*y)
            return *x || *y;
        equal = obj_equal(*x, *y);
        if (equal != 0) {
            obj_decref(*x);
            obj_decref(*y);
        }
    }
    return equal < 0 ? -1 : 1;
}

static int list_equal(struct obj *a, struct obj *b)
{
    if (!(b = obj_if(b, &list_type)) || list_length(a) != list_length(b))
        return 0;
    if (!obj_enter())
        return -1;
    struct obj *x, *y;
    int differ = list_differ((struct list *)a, (struct list *)b, &x, &y);
    obj_leave();
    if (differ <= 0)
        return differ < 0 ? -1 : 1;
    obj_xdecref(x);
    obj_xdecref(y);
    return 0;
}

/* Lexicographic: the first pair that differs decides, then the length. */
static int list_less(struct obj *a, struct obj *b)
{
    if (!(b = obj_as(b, &list_type)) || !obj_enter())
        return -1;
    struct obj *x, *y;
    int less = list_differ((struct list *)a, (struct list *)b, &x, &y);
    if (less > 0) {
        less = x && y ? obj_less(x, y) : y != NULL;
        obj_xdecref(x);
        obj_xdecref(y);
    }
    obj_leave();
    return less;
}

static int list_repr(struct obj *o, struct strbuf *out, int depth)
{
    struct obj *item;
    if (!obj_enter())
        return -1;
    int failed = strbuf_add_text(out, "[");
    for (size_t i = 0; !failed && (item = list_step((struct list *)o, i)); i++) {
        failed = i ? strbuf_add_text(out, ", ") : 0;
        failed = failed ? failed : strbuf_add_repr(out, item, depth + 1);
        obj_decref(item);
    }
    obj_leave();
    return failed ? -1 : strbuf_add_text(out, "]");
}

static void list_lock(struct obj *o) { lock_acquire(&((struct list *)o)->lock); }
static void list_unlock(struct obj *o) { lock_release(&((struct list *)o)->lock); }

static const struct type list_type = {
    .name = "list",
    .flags = TYPE_CONTAINER,
    .dealloc = list_dealloc,
    .traverse = list_traverse,
    .clear = list_clear_slot,
    .equal = list_equal,
    .less = list_less,
    .repr = list_repr,
    .lock = list_lock,
    .unlock = list_unlock,
    .size = {.least = sizeof(struct list)},
};
