/*
 * section.c -- critical sections. Protocol, states and invariant are in section.h.
 *
 * Everything here is the thread's own, its stack of sections too: a thread is suspended by nobody but itself. While it detaches or waits
 * for a lock its stack is out of sight (thread.section is NULL): destructors that run meanwhile begin one of their own.
 */
#include "local_wrapper.h"
#include "section.h"

#if LOCK_NONE

API void section_begin(struct section *s, struct obj *o) { *s = (struct section){0}, (void)o; }
API void section_begin_two(struct section *s, struct obj *a, struct obj *b) { *s = (struct section){0}, (void)a, (void)b; }
API void section_end(struct section *s) { (void)s; }
API void section_start(void) {}
API struct section *section_set_aside(void) { return NULL; }
API void section_bring_back(struct section *innermost) { (void)innermost; }

#else

/* NULL: the object has no lock. A wrapper's is that of its target. */
static struct lock *section_lock(struct obj *o)
{
    o = local_wrapper_peel(o);
    return o->type->lock ? (struct lock *)((struct container *)o + 1) : NULL;
}

static void section_release(struct section *s)
{
    lock_release(s->low);
    if (s->high)
        lock_release(s->high);
    s->held = false;
}

/* All locks of the section without waiting, or none. */
static bool section_try(struct section *s)
{
    if (!lock_try_unbiased(s->low))
        return false;
    s->held = !s->high || lock_try_unbiased(s->high);
    if (!s->held)
        lock_release(s->low);
    return s->held;
}

/* Waits for one lock at a time, holding none. The thread's sections are aside. */
SLOW void section_wait(struct section *s)
{
    struct lock *wanted = s->low, *other = s->high;
    for (;;) {
        lock_wait(wanted);
        s->held = !other || lock_try_unbiased(other);
        if (s->held)
            return;
        lock_release(wanted);
        struct lock *swap = wanted;
        wanted = other;
        other = swap;
    }
}

/* Held sections come first, from the innermost outwards. */
static void section_suspend_all(void)
{
    for (struct section *s = rt_self->section; s && s->held; s = s->outer)
        section_release(s);
}
API struct section *section_set_aside(void)
{
    struct section *innermost = rt_self->section;
    if (unlikely(innermost != NULL)) {
        section_suspend_all();
        rt_self->section = NULL;
    }
    return innermost;
}

API void section_bring_back(struct section *innermost)
{
    assert(!rt_self->section);
    if (innermost && !innermost->held && !section_try(innermost))
        section_wait(innermost);
    rt_self->section = innermost;
}

API void section_start(void) { thread_configure_sections(section_set_aside, section_bring_back); }

/* The section's locks are set. */
static void section_enter(struct section *s)
{
    s->entered = true;
    s->outer = rt_self->section;
    if (unlikely(!section_try(s))) {
        section_set_aside();
        section_wait(s);
    }
    rt_self->section = s;
}

/* Of the innermost, which is held where its thread's code runs. */
static bool section_has(const struct section *s, const struct lock *l)
{
    assert(!s || s->held);
    return s && (s->low == l || s->high == l);
}

API void section_begin(struct section *s, struct obj *o)
{
    *s = (struct section){.low = section_lock(o)};
    if (s->low && !section_has(rt_self->section, s->low))
        section_enter(s);
}

API void section_begin_two(struct section *s, struct obj *a, struct obj *b)
{
    struct lock *x = section_lock(a), *y = section_lock(b);
    if (x == y || !x || !y) {
        section_begin(s, x ? a : b);
        return;
    }
    *s = (struct section){.low = x < y ? x : y, .high = x < y ? y : x};
    if (!section_has(rt_self->section, x) || !section_has(rt_self->section, y))
        section_enter(s);
}

API void section_end(struct section *s)
{
    if (!s->entered)
        return;
    assert(rt_self->section == s && s->held);
    section_release(s);
    rt_self->section = NULL;
    section_bring_back(s->outer);
}

#endif
