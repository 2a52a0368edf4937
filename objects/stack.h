/*
 * stack.h -- a thread's evaluation stack: what an interpreter loads, works on and pops. References on it need not be counted.
 *
 *     | address of the object | bit 0: uncounted |
 *
 *     counted                 the stack owns a reference; popping drops it
 *     uncounted, deferred     the object is in defer.h's registry: only the collector frees it, and it scans the stacks
 *     uncounted, borrowed     something else keeps it as long as the entry is there: a local of the same frame, the constants of its code
 *
 * A frame is a part of the stack: its locals, then what it has loaded. Each call reserves room for what it pushes at most; what it has pushed it
 * pops. The stack may move then: what lies on it is found by index, never by address.
 * A local that is replaced while it is borrowed is handled: the borrowed entries become counted ones first (stack_store_local). CPython's compiler
 * proves that it does not happen (LOAD_FAST_BORROW); who pushes without a local keeps the promise himself.
 * Memory ordering: the stack is its thread's; the collector reads it with the world stopped (T1).
 * Sources: CPython 3.14, _PyStackRef and LOAD_FAST_BORROW: the idea, not text. The tag costs a test at each pop.
 */
#ifndef OBJECTS_STACK_H
#define OBJECTS_STACK_H

#include "defer.h"

enum { STACK_UNCOUNTED = 1 };

HOT struct stack *stack_self(void) { return &heap_self()->stack; }
HOT struct obj *stack_object(uintptr_t entry) { return (struct obj *)(entry & ~(uintptr_t)STACK_UNCOUNTED); }

SLOW bool stack_grow(size_t entries);
/* Room for so many pushes. False: ERR_MEMORY. */
HOT bool stack_reserve(size_t entries)
{
    struct stack *s = stack_self();
    if (likely((size_t)(s->end - s->top) >= entries))
        return true;
    return stack_grow(entries);
}

/* How many entries there are: where a frame begins that pushes from now on. */
HOT size_t stack_depth(void) { return (size_t)(stack_self()->top - stack_self()->base); }

/* --- push: there is room --- */

HOT void stack_push_entry(uintptr_t entry)
{
    struct stack *s = stack_self();
    assert(s->top < s->end);
    *s->top++ = entry;
}
/* The caller's reference becomes the stack's. */
HOT void stack_push_stolen(struct obj *o) { stack_push_entry((uintptr_t)o); }
/* Uncounted if the object is deferred, counted else. The caller has what keeps it for the moment. */
HOT void stack_push(struct obj *o)
{
    if (defer_is_deferred(o)) {
        rc_stat(uncounted_deferred);
        stack_push_entry((uintptr_t)o | STACK_UNCOUNTED);
    } else {
        stack_push_entry((uintptr_t)obj_incref(o));
    }
}
/* Uncounted. Something keeps the object until the entry is popped. */
HOT void stack_push_borrowed(struct obj *o)
{
    rc_stat(uncounted_borrowed);
    stack_push_entry((uintptr_t)o | STACK_UNCOUNTED);
}

/* --- locals: entry `i` of the frame that begins at `frame` --- */

/* Borrowed, from the stack. */
HOT struct obj *stack_local(size_t frame, size_t i) { return stack_object(stack_self()->base[frame + i]); }
/* Loads it: uncounted. */
HOT void stack_load_local(size_t frame, size_t i) { stack_push_borrowed(stack_local(frame, i)); }
/* Steals `o`. What was there is dropped: a destructor may run. Entries above that were borrowed from it are counted from now on. */
API void stack_store_local(size_t frame, size_t i, struct obj *o);

/* --- pop --- */

HOT void stack_pop(void)
{
    uintptr_t entry = *--stack_self()->top;
    if (!(entry & STACK_UNCOUNTED))
        obj_decref(stack_object(entry));
}
/* Pops; new reference, which may outlive the frame. */
HOT struct obj *stack_take(void)
{
    uintptr_t entry = *--stack_self()->top;
    struct obj *o = stack_object(entry);
    return entry & STACK_UNCOUNTED ? obj_incref(o) : o;
}
/* Pops all from `depth` on. */
API void stack_unwind(size_t depth);

/* --- for the collector --- */

/* Every uncounted entry of every thread. The world is stopped. */
API void stack_for_each_uncounted_stw(void (*visit)(struct obj *));

API void stack_thread_stop(struct heap_thread *t);

#endif
