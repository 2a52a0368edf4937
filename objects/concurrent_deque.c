/*
 * concurrent_deque.c -- the deque. Its two parts and the order of its operations are in concurrent_deque.h.
 *
 * The lock's version changes when a cell goes, or when those to its right count differently: not when one comes at the right end.
 */
#include "concurrent_deque.h"
#include "iter.h"
#include "list.h"
#include "local_wrapper.h"
#include "number.h"
#include "track.h"
#include "tuple.h"
#include <inttypes.h>

enum { DEQUE_MISSING = -1, DEQUE_ERROR = -2 }; /* what deque_search finds instead of a position */

INLINE struct concurrent_deque *deque_expect(struct obj *o)
{
    return obj_as(o, &concurrent_deque_type);
}

API struct obj *concurrent_deque_new(void)
{
    struct concurrent_deque *d = obj_alloc(&concurrent_deque_type, sizeof *d);
    if (unlikely(!d))
        return NULL;
    d->leftmost = d->rightmost = NULL;
    d->length = 0;
    d->gate = os_alloc_aligned(CACHE_LINE, sizeof *d->gate);
    bool locked = lock_init(&d->lock, &d->base);
    if (d->gate)
        os_queue_init(d->gate);
    if (unlikely(!d->gate || !locked)) {
        obj_decref(&d->base.base);
        return err_memory();
    }
    obj_track(&d->base);
    return &d->base.base;
}

/* --- cells --- */

/* With a reference of its own to the item; NULL: no memory (no error is set). */
static struct deque_cell *deque_cell_new(struct obj *item, bool at_left)
{
    struct deque_cell *c = os_alloc(sizeof *c);
    if (likely(c != NULL)) {
        c->left = c->right = NULL;
        c->item = obj_incref(item);
        c->at_left = at_left;
    }
    return c;
}

/* Cells that hang together, from the left. */
struct deque_chain {
    struct deque_cell *leftmost, *rightmost;
    int64_t length;
};

/* Without a lock: user code may run. */
static void deque_chain_drop(struct deque_cell *leftmost)
{
    for (struct deque_cell *next; leftmost; leftmost = next) {
        next = leftmost->right;
        obj_decref(leftmost->item);
        os_free(leftmost);
    }
}

/* Cells for the items of what deque_source returned, in reverse if they go to the left. False: no memory, nothing is left. */
static bool deque_chain_make(struct deque_chain *chain, struct obj *source, bool at_left)
{
    const struct tuple *t = obj_is(source, &tuple_type) ? (const struct tuple *)source : NULL;
    const struct list *l = (const struct list *)source;
    size_t length = t ? t->length : list_count(l);
    *chain = (struct deque_chain){0};
    for (size_t i = 0; i < length; i++) {
        size_t at = at_left ? length - 1 - i : i;
        struct deque_cell *c = deque_cell_new(t ? t->item[at] : list_at(l, at), at_left);
        if (unlikely(!c)) {
            deque_chain_drop(chain->leftmost);
            return false;
        }
        c->left = chain->rightmost;
        *(chain->rightmost ? &chain->rightmost->right : &chain->leftmost) = c;
        chain->rightmost = c;
    }
    chain->length = (int64_t)length;
    return true;
}

/* --- the chain, under the lock --- */

/* Puts a chain of at least one cell at one end. */
static void deque_join(struct concurrent_deque *d, const struct deque_chain *chain, bool at_left)
{
    struct deque_cell *left = at_left ? chain->rightmost : d->rightmost, *right = at_left ? d->leftmost : chain->leftmost;
    if (d->length == 0) {
        d->leftmost = chain->leftmost;
        d->rightmost = chain->rightmost;
    } else {
        left->right = right;
        right->left = left;
        *(at_left ? &d->leftmost : &d->rightmost) = at_left ? chain->leftmost : chain->rightmost;
    }
    d->length += chain->length;
    d->lock.version += at_left;
}

/* Moves what is at the gate to the chain: the moment in which the operation takes effect. */
static void deque_settle(struct concurrent_deque *d)
{
    struct os_queue batch;
    struct os_node *n;
    if (likely(os_queue_empty(d->gate)))
        return;
    os_queue_init(&batch);
    os_queue_splice(&batch, d->gate);
    while ((n = os_dequeue_wait(&batch)) != NULL) {
        struct deque_cell *c = (struct deque_cell *)n; /* its first member */
        deque_join(d, &(struct deque_chain){c, c, 1}, c->at_left);
    }
}
_Static_assert(offsetof(struct deque_cell, node) == 0, "a node at the gate is its cell");

/* Takes the cell out; it passes to the caller. */
static void deque_unlink(struct concurrent_deque *d, struct deque_cell *c)
{
    *(c->left ? &c->left->right : &d->leftmost) = c->right;
    *(c->right ? &c->right->left : &d->rightmost) = c->left;
    d->length--;
    d->lock.version++;
}

/* Takes all out; the leftmost of them. */
static struct deque_cell *deque_steal(struct concurrent_deque *d)
{
    struct deque_cell *all = d->leftmost;
    d->leftmost = d->rightmost = NULL;
    d->length = 0;
    d->lock.version++;
    return all;
}

/* --- the ends --- */

INLINE int deque_append(struct obj *o, struct obj *item, bool at_left)
{
    struct concurrent_deque *d = deque_expect(o);
    struct deque_cell *c = d ? deque_cell_new(item, at_left) : NULL;
    if (unlikely(!c)) {
        if (d)
            err_memory();
        return -1;
    }
    os_enqueue(d->gate, &c->node);
    return 0;
}
API int concurrent_deque_append(struct obj *o, struct obj *item) { return deque_append(o, item, false); }
API int concurrent_deque_appendleft(struct obj *o, struct obj *item) { return deque_append(o, item, true); }

INLINE struct obj *deque_pop(struct obj *o, bool at_left)
{
    struct concurrent_deque *d = deque_expect(o);
    if (unlikely(!d))
        return NULL;
    lock_acquire(&d->lock);
    deque_settle(d);
    struct deque_cell *c = at_left ? d->leftmost : d->rightmost;
    if (likely(c != NULL))
        deque_unlink(d, c);
    lock_release(&d->lock);
    if (unlikely(!c)) {
        err_set(ERR_INDEX, "pop from an empty deque", 0, 0);
        return NULL;
    }
    struct obj *item = c->item;
    os_free(c);
    return item;
}
API struct obj *concurrent_deque_pop(struct obj *o) { return deque_pop(o, false); }
API struct obj *concurrent_deque_popleft(struct obj *o) { return deque_pop(o, true); }

/* --- many at once --- */

/* What holds the items of the sequence and does not change: itself, borrowed, if it is a tuple, else a new list that nobody else knows. */
static struct obj *deque_source(struct obj *sequence)
{
    sequence = local_wrapper_peel(sequence);
    if (obj_is(sequence, &concurrent_deque_type))
        return concurrent_deque_items(sequence);
    if (obj_is(sequence, &list_type))
        return list_slice(sequence, 0, INT64_MAX);
    if (obj_is(sequence, &tuple_type))
        return obj_incref(sequence);
    err_set_name(ERR_TYPE, "expected deque, list or tuple, not %s", sequence->type->name, "");
    return NULL;
}

static int deque_extend(struct obj *o, struct obj *sequence, bool at_left)
{
    struct concurrent_deque *d = deque_expect(o);
    struct obj *source = d ? deque_source(sequence) : NULL;
    if (!source)
        return -1;
    struct deque_chain chain;
    bool made = deque_chain_make(&chain, source, at_left);
    obj_decref(source);
    if (!made) {
        err_memory();
        return -1;
    }
    lock_acquire(&d->lock);
    deque_settle(d);
    if (chain.length > 0)
        deque_join(d, &chain, at_left);
    lock_release(&d->lock);
    return 0;
}
API int concurrent_deque_extend(struct obj *o, struct obj *sequence) { return deque_extend(o, sequence, false); }
API int concurrent_deque_extendleft(struct obj *o, struct obj *sequence) { return deque_extend(o, sequence, true); }

API int64_t concurrent_deque_length(struct obj *o)
{
    struct concurrent_deque *d = deque_expect(o);
    if (!d)
        return -1;
    lock_acquire(&d->lock);
    deque_settle(d);
    int64_t length = d->length;
    lock_release(&d->lock);
    return length;
}

API int concurrent_deque_clear(struct obj *o)
{
    struct concurrent_deque *d = deque_expect(o);
    if (!d)
        return -1;
    lock_acquire(&d->lock);
    deque_settle(d);
    struct deque_cell *all = deque_steal(d);
    lock_release(&d->lock);
    deque_chain_drop(all);
    return 0;
}

/* Under the lock: the cell at a position that exists, from the nearer end. */
static struct deque_cell *deque_cell_at(struct concurrent_deque *d, int64_t at)
{
    struct deque_cell *c = at < d->length / 2 ? d->leftmost : d->rightmost;
    if (at < d->length / 2)
        for (; at > 0; at--)
            c = c->right;
    else
        for (; at < d->length - 1; at++)
            c = c->left;
    return c;
}

API int concurrent_deque_rotate(struct obj *o, int64_t by)
{
    struct concurrent_deque *d = deque_expect(o);
    if (!d)
        return -1;
    lock_acquire(&d->lock);
    deque_settle(d);
    int64_t last = d->length ? by % d->length : 0; /* so many from the right end come first */
    last += last < 0 ? d->length : 0;
    if (last > 0) {
        struct deque_cell *first = deque_cell_at(d, d->length - last);
        d->rightmost->right = d->leftmost;
        d->leftmost->left = d->rightmost;
        d->leftmost = first;
        d->rightmost = first->left;
        d->leftmost->left = d->rightmost->right = NULL;
        d->lock.version++;
    }
    lock_release(&d->lock);
    return 0;
}

/* --- searching --- */

/* The position of the leftmost equal item and its cell, or DEQUE_MISSING, DEQUE_ERROR. The lock is held before and after, but released while
 * user code compares: then the search starts again if a cell has gone or moved. */
static int64_t deque_search(struct concurrent_deque *d, struct obj *wanted, struct deque_cell **found)
{
    int64_t at = 0;
    for (struct deque_cell *c = d->leftmost; c;) {
        struct obj *item = c->item;
        int equal = item == wanted;
        bool same = true;
        if (equal || likely(item->type->flags & wanted->type->flags & TYPE_EXACT)) {
            equal = equal || obj_equal(item, wanted);
        } else {
            uint32_t version = d->lock.version;
            obj_incref(item);
            lock_release(&d->lock);
            equal = obj_equal(item, wanted);
            obj_decref(item); /* here: may be the last reference, and its destructor must not meet the lock */
            lock_acquire(&d->lock);
            same = d->lock.version == version;
        }
        if (equal < 0)
            return DEQUE_ERROR;
        if (same && equal) {
            *found = c;
            return at;
        }
        c = same ? c->right : d->leftmost;
        at = same ? at + 1 : 0;
    }
    return DEQUE_MISSING;
}

/* What deque_search says, as an error. -1. */
SLOW int deque_no_item(int64_t result, struct obj *item)
{
    if (result == DEQUE_MISSING)
        err_set_name(ERR_KEY, "no such item in the deque: a %s", item->type->name, "");
    return -1;
}

API int concurrent_deque_remove(struct obj *o, struct obj *item)
{
    struct concurrent_deque *d = deque_expect(o);
    struct deque_cell *c = NULL;
    if (!d)
        return -1;
    lock_acquire(&d->lock);
    deque_settle(d);
    int64_t at = deque_search(d, item, &c);
    if (at >= 0)
        deque_unlink(d, c);
    lock_release(&d->lock);
    if (at < 0)
        return deque_no_item(at, item);
    obj_decref(c->item);
    os_free(c);
    return 0;
}

static int64_t deque_find(struct concurrent_deque *d, struct obj *item)
{
    struct deque_cell *c;
    lock_acquire(&d->lock);
    deque_settle(d);
    int64_t at = deque_search(d, item, &c);
    lock_release(&d->lock);
    return at;
}

API int64_t concurrent_deque_index(struct obj *o, struct obj *item)
{
    struct concurrent_deque *d = deque_expect(o);
    if (!d)
        return -1;
    int64_t at = deque_find(d, item);
    return at >= 0 ? at : deque_no_item(at, item);
}

API int concurrent_deque_contains(struct obj *o, struct obj *item)
{
    struct concurrent_deque *d = deque_expect(o);
    if (!d)
        return -1;
    int64_t at = deque_find(d, item);
    return at == DEQUE_ERROR ? -1 : at != DEQUE_MISSING;
}

/* --- iterating --- */

/* The list is the caller's alone. False: it has too little room, and is empty. */
static bool deque_copy(struct concurrent_deque *d, struct list *l)
{
    lock_acquire(&d->lock);
    deque_settle(d);
    bool fits = (size_t)d->length <= l->room;
    for (struct deque_cell *c = d->leftmost; fits && c; c = c->right)
        list_push(l, obj_incref(c->item));
    lock_release(&d->lock);
    return fits;
}

API struct obj *concurrent_deque_items(struct obj *o)
{
    struct concurrent_deque *d = deque_expect(o);
    if (!d)
        return NULL;
    for (;;) {
        int64_t length = concurrent_deque_length(o);
        struct obj *items = list_new((size_t)(length + length / 8)); /* some more, for those that come meanwhile */
        if (!items || deque_copy(d, (struct list *)items))
            return items;
        obj_decref(items);
    }
}

API struct obj *concurrent_deque_iterate(struct obj *o)
{
    struct obj *items = concurrent_deque_items(o), *iter = items ? iter_new(items) : NULL;
    obj_xdecref(items);
    return iter;
}

/* --- slots --- */

static void concurrent_deque_dealloc(struct obj *o)
{
    struct concurrent_deque *d = (struct concurrent_deque *)o;
    if (d->gate)
        deque_settle(d);
    for (struct deque_cell *next, *c = d->leftmost; c; c = next) {
        next = c->right;
        obj_decref_field(c->item);
        os_free(c);
    }
    os_free(d->gate);
    lock_drop(&d->lock);
    obj_free(o, sizeof *d);
}

static void concurrent_deque_clear_slot(struct obj *o) { concurrent_deque_clear(o); }

/* With the world stopped: no lock, and no append is half-way. */
static int concurrent_deque_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct concurrent_deque *d = (struct concurrent_deque *)o;
    int stop = 0;
    for (struct deque_cell *c = d->leftmost; c && !stop; c = c->right)
        stop = visit(c->item, arg);
    for (struct os_node *n = os_queue_first(d->gate); n && !stop; n = os_queue_next(d->gate, n))
        stop = visit(((struct deque_cell *)n)->item, arg);
    return stop;
}

static void concurrent_deque_lock(struct obj *o) { lock_acquire(&((struct concurrent_deque *)o)->lock); }
static void concurrent_deque_unlock(struct obj *o) { lock_release(&((struct concurrent_deque *)o)->lock); }

static const struct type concurrent_deque_type = {
    .name = "concurrent deque",
    .flags = TYPE_CONTAINER,
    .dealloc = concurrent_deque_dealloc,
    .traverse = concurrent_deque_traverse,
    .clear = concurrent_deque_clear_slot,
    .lock = concurrent_deque_lock,
    .unlock = concurrent_deque_unlock,
    .size = {.least = sizeof(struct concurrent_deque)},
};
