/*
 * verify.c -- do the counts agree with the references? See gc.h.
 *
 * Objects found so far stand in an open-addressed table by address, with the number of references met; the same
 * entries, in the order they were found, are the work list. Order: none needed, the world stands still.
 */
#include "gc.h"

struct gc_seen {
    struct obj *object;
    int64_t references;
};

struct gc_walk {
    struct gc_seen *found; /* in order of discovery */
    size_t count, room;
    size_t *slot;          /* hash table: number in `found` plus one, 0: free; 2 * room of them */
};

static size_t gc_slot(const struct gc_walk *w, const struct obj *o)
{
    size_t mask = 2 * w->room - 1, i = ((uintptr_t)o >> 4) * 0x9e3779b97f4a7c15u >> 20 & mask;
    while (w->slot[i] && w->found[w->slot[i] - 1].object != o)
        i = (i + 1) & mask;
    return i;
}

/* Doubles the room. 0, or -1: no memory, nothing changed. */
static int gc_grow(struct gc_walk *w)
{
    size_t room = w->room ? 2 * w->room : 64;
    struct gc_seen *found = os_realloc(w->found, room * sizeof *found);
    if (!found)
        return -1;
    w->found = found;
    size_t *slot = os_alloc_zeroed(2 * room, sizeof *slot);
    if (!slot)
        return -1;
    os_free(w->slot);
    w->slot = slot;
    w->room = room;
    for (size_t i = 0; i < w->count; i++)
        slot[gc_slot(w, found[i].object)] = i + 1;
    return 0;
}

/* Meets one reference to `o`. Immortal objects are left out: their counts say nothing. 0, or -1. */
static int gc_visit(struct obj *o, void *walk)
{
    struct gc_walk *w = walk;
    if (rc_is_immortal(&o->rc))
        return 0;
    if (w->count == w->room && gc_grow(w) != 0)
        return -1;
    size_t i = gc_slot(w, o);
    if (!w->slot[i]) {
        w->found[w->count] = (struct gc_seen){.object = o};
        w->slot[i] = ++w->count;
    }
    w->found[w->slot[i] - 1].references++;
    return 0;
}

static int gc_walk(struct gc_walk *w, struct obj *const *roots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (gc_visit(roots[i], w) != 0)
            return -1;
    for (size_t i = 0; i < w->count; i++) {
        struct obj *o = w->found[i].object;
        if (o->type->traverse && o->type->traverse(o, gc_visit, w) != 0)
            return -1;
    }
    for (size_t i = 0; i < count; i++) /* what the roots were met by is the caller's, not a reference inside */
        if (!rc_is_immortal(&roots[i]->rc))
            w->found[w->slot[gc_slot(w, roots[i])] - 1].references--;
    return 0;
}

API int gc_census_stw(struct obj *const *roots, size_t count, struct gc_census *census)
{
    struct gc_walk w = {0};
    int result = gc_walk(&w, roots, count);
    *census = (struct gc_census){.objects = (int64_t)w.count};
    for (size_t i = 0; i < w.count; i++) {
        int64_t counted = rc_count_stw(&w.found[i].object->rc), met = w.found[i].references;
        census->internal += met;
        census->external += counted - met;
        census->overdrawn += counted < met;
    }
    os_free(w.found);
    os_free(w.slot);
    if (result != 0)
        err_memory();
    return result;
}
