/*
 * stack.c -- the evaluation stack's rare paths.
 */
#include "stack.h"

#ifdef RC_HOSTILE
enum { STACK_FIRST = 2 };
#else
enum { STACK_FIRST = 1024 }; /* 8 KiB: some 100 calls deep */
#endif

SLOW bool stack_grow(size_t entries)
{
    struct stack *s = stack_self();
    size_t depth = stack_depth(), room = (size_t)(s->end - s->base) * 2 + STACK_FIRST;
    if (room < depth + entries)
        room = depth + entries;
    uintptr_t *base = os_realloc(s->base, room * sizeof *base);
    if (!base)
        return err_memory();
    *s = (struct stack){.base = base, .top = base + depth, .end = base + room};
    return true;
}

API void stack_store_local(size_t frame, size_t i, struct obj *o)
{
    struct stack *s = stack_self();
    uintptr_t *slot = &s->base[frame + i], old = *slot;
    *slot = (uintptr_t)o;
    if (old & STACK_UNCOUNTED)
        return; /* it kept nothing */
    for (uintptr_t *above = slot + 1; above < s->top; above++)
        if (*above == (old | STACK_UNCOUNTED))
            *above = (uintptr_t)obj_incref(stack_object(old));
    obj_decref(stack_object(old));
}

API void stack_unwind(size_t depth)
{
    while (stack_depth() > depth)
        stack_pop();
}

API void stack_for_each_uncounted_stw(void (*visit)(struct obj *))
{
    struct thread *t;
    thread_registry_lock();
    thread_registry_for_each(t) {
        const struct stack *s = &((struct heap_thread *)t)->stack;
        for (const uintptr_t *entry = s->base; entry < s->top; entry++)
            if (*entry & STACK_UNCOUNTED)
                visit(stack_object(*entry));
    }
    thread_registry_unlock();
}

API void stack_thread_stop(struct heap_thread *t)
{
    assert(t->stack.top == t->stack.base);
    os_free(t->stack.base);
    t->stack = (struct stack){0};
}
