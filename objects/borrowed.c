/*
 * borrowed.c -- the notes of deferred borrowed references: a stack in segments, the thread's own. The policy is in borrowed.h.
 *
 * Dropping takes one note after the other off the stack, so that a destructor that borrows, or reaches a safepoint, finds it
 * whole: what it notes lies on top of what is still to be dropped. Nothing is allocated and nothing is moved for that.
 * Invariant: only the lowest segment may be empty.
 */
#include "borrowed.h"

SLOW bool borrowed_chain(struct borrowed_notes *n)
{
    struct borrowed_segment *s = os_alloc(sizeof *s);
    if (!s) {
        err_memory();
        return false;
    }
    s->below = n->top;
    s->used = 0;
    n->top = s;
    return true;
}

/* The newest note's reference is the caller's. */
static struct obj *borrowed_take(struct borrowed_notes *n)
{
    struct borrowed_segment *s = n->top;
    struct obj *o = s->item[--s->used];
    n->count--;
    if (s->used == 0 && s->below) {
        n->top = s->below;
        os_free(s);
    }
    return o;
}

API void borrowed_drop(void)
{
    struct borrowed_notes *n = &heap_self()->borrowed;
    while (n->count > n->floor)
        obj_decref(borrowed_take(n));
}

API void borrowed_start(enum borrowed_policy policy)
{
    borrowed_counts = policy == BORROWED_AUTO ? !RC_KEEPS_BORROWED : policy == BORROWED_DEFERRED;
    thread_configure_borrowed(borrowed_drop);
}

API void borrowed_thread_stop(struct heap_thread *t)
{
    assert(t->borrowed.count == 0);
    os_free(t->borrowed.top);
    t->borrowed.top = NULL;
}
