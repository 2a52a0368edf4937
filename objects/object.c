/*
 * object.c -- errors, iterative deallocation, dispatch to the slots of a type, start and stop of the runtime.
 *
 * Deallocation. A leaf (no TYPE_CONTAINER) holds no references and is freed at once, at most one C frame deep. A
 * container is put on its thread's queue of dead containers, and the outermost obj_dealloc of the thread empties it:
 * a destructor that drops others, allocates, or starts a chain of a million only makes the queue longer.
 * Invariant: outside obj_dealloc the queue is empty and `deallocating` is false. The queue is the thread's own: no lock.
 */
#include "borrowed.h"
#include "defer.h"
#include "lock.h"
#include "module.h"
#include "number.h"
#include "reads.h"
#include "section.h"
#include "stack.h"
#include "str.h"
#include "thread_local.h"
#include "track.h"
#include "weak.h"
#include <inttypes.h>

/* --- errors --- */

SLOW void err_set(enum err code, const char *format, int64_t a, int64_t b)
{
    heap_self()->err = (struct err_state){.code = code, .format = format, .a = a, .b = b};
}

SLOW void err_set_name(enum err code, const char *format, const char *name, const char *other)
{
    heap_self()->err = (struct err_state){.code = code, .format = format, .name = name, .other = other};
}

SLOW void *err_memory(void)
{
    err_set(ERR_MEMORY, "out of memory", 0, 0);
    return NULL;
}

SLOW bool err_wrong_type(const struct obj *o, const struct type *wanted)
{
    err_set_name(ERR_TYPE, "expected %s, not %s", wanted->name, o->type->name);
    return false;
}

SLOW int err_unordered(const struct obj *a, const struct obj *b)
{
    err_set_name(ERR_TYPE, "no order between %s and %s", a->type->name, b->type->name);
    return -1;
}

API enum err err_code(void) { return heap_self()->err.code; }

API enum err err_take(void)
{
    enum err code = heap_self()->err.code;
    heap_self()->err.code = ERR_NONE;
    return code;
}

API void err_keep(struct err_kept *k)
{
    const struct heap_thread *t = heap_self();
    k->state = t->err;
    if (t->err.name == t->err_text)
        memcpy(k->text, t->err_text, sizeof k->text);
}

API void err_restore(const struct err_kept *k)
{
    struct heap_thread *t = heap_self();
    t->err = k->state;
    if (t->err.name == t->err_text)
        memcpy(t->err_text, k->text, sizeof k->text);
}

API const char *err_name(enum err code)
{
    static const char *const name[] = {
        [ERR_NONE] = "no error",          [ERR_MEMORY] = "MemoryError",
        [ERR_INDEX] = "IndexError",       [ERR_KEY] = "KeyError",
        [ERR_TYPE] = "TypeError",         [ERR_OVERFLOW] = "OverflowError",
        [ERR_VALUE] = "ValueError",       [ERR_ZERO_DIVISION] = "ZeroDivisionError",
        [ERR_CHANGED] = "RuntimeError",   [ERR_RECURSION] = "RecursionError",
        [ERR_EMPTY] = "Empty",            [ERR_FULL] = "Full",
        [ERR_SHUTDOWN] = "ShutDown",      [ERR_CANCELLED] = "CancelledError",
        [ERR_OWNER] = "OwnerError",
    };
    return (unsigned)code < sizeof name / sizeof *name ? name[code] : "unknown error";
}

API const char *err_format(char *buf, size_t size)
{
    const struct err_state *e = &heap_self()->err;
    int used = snprintf(buf, size, "%s", err_name(e->code));
    if (e->code == ERR_NONE || used < 0 || (size_t)used + 2 >= size)
        return buf;
    memcpy(buf + used, ": ", 3);
    buf += used + 2;
    size -= (size_t)used + 2;
    if (e->name)
        snprintf(buf, size, e->format, e->name, e->other);
    else
        snprintf(buf, size, e->format, e->a, e->b);
    return buf - used - 2;
}

/* --- deallocation --- */

static void obj_run_finalizer(struct obj *o)
{
    size_t floor = borrowed_enter();
    o->type->finalize(o);
    borrowed_leave(floor);
}

/* relaxed, both: whoever finalises is the only one who knows the object, or the collector, who is one at a time */
API bool obj_finalize_once(struct container *c)
{
    if (atomic_load_explicit(&c->track, memory_order_relaxed) & TRACK_FINALIZED)
        return false;
    atomic_fetch_or_explicit(&c->track, TRACK_FINALIZED, memory_order_relaxed); /* relaxed: as above */
    obj_run_finalizer(&c->base);
    return true;
}

SLOW void obj_destroy_finalized(struct obj *o, bool already)
{
    if (!already)
        obj_run_finalizer(o);
    bool escaped = rc_fields_escape(true); /* the finaliser may have passed its fields on */
    o->type->dealloc(o);
    rc_fields_escape(escaped);
}

INLINE void obj_destroy(struct obj *o, bool finalized)
{
    if (likely(!o->type->finalize))
        o->type->dealloc(o);
    else
        obj_destroy_finalized(o, finalized);
}

static void dead_push(struct heap_thread *t, struct container *c)
{
    obj_untrack(c);
    weak_clear(c);
    /* relaxed: the object is this thread's alone; TRACK_FINALIZED stays, as bit 0 of dead_next */
    uintptr_t finalized = atomic_load_explicit(&c->track, memory_order_relaxed) & TRACK_FINALIZED;
    c->dead_next = (struct container *)finalized;
    if (t->dead_head)
        t->dead_tail->dead_next = (struct container *)((uintptr_t)c | ((uintptr_t)t->dead_tail->dead_next & TRACK_FINALIZED));
    else
        t->dead_head = c;
    t->dead_tail = c;
}

/* Apart, so that a leaf's way through obj_dealloc is two jumps. */
static __attribute__((noinline)) void obj_dealloc_container(struct container *c)
{
    struct heap_thread *t = heap_self();
    dead_push(t, c);
    if (t->deallocating)
        return;
    t->deallocating = true;
    while ((c = t->dead_head) != NULL) {
        uintptr_t next = (uintptr_t)c->dead_next;
        t->dead_head = (struct container *)(next & ~(uintptr_t)TRACK_FINALIZED);
        obj_destroy(&c->base, next & TRACK_FINALIZED);
    }
    t->deallocating = false;
}

static void obj_dealloc(struct obj *o)
{
    if (likely(!(o->type->flags & TYPE_CONTAINER)))
        obj_destroy(o, false);
    else
        obj_dealloc_container((struct container *)o);
}

API void rc_dead_pending(struct rc_head *head)
{
    struct obj *o = (struct obj *)head;
    if (o->type->flags & TYPE_CONTAINER)
        obj_untrack((struct container *)o);
}
API void rc_dead(struct rc_head *head) { obj_dealloc((struct obj *)head); }
API size_t rc_bytes(const struct rc_head *head) { return obj_bytes((const struct obj *)head); }

/* --- dispatch --- */

API bool obj_enter(void)
{
    struct heap_thread *t = heap_self();
    if (unlikely(t->depth >= OBJ_DEPTH_MAX)) {
        err_set(ERR_RECURSION, "nested more than %" PRId64 " levels deep", OBJ_DEPTH_MAX, 0);
        return false;
    }
    t->depth++;
    return true;
}

API void obj_leave(void) { heap_self()->depth--; }

API int obj_hash(struct obj *o, int64_t *hash)
{
    if (likely(o->type->hash != NULL))
        return o->type->hash(o, hash);
    err_set_name(ERR_TYPE, "a %s cannot be hashed", o->type->name, "");
    return -1;
}

API int obj_equal(struct obj *a, struct obj *b)
{
    if (a == b)
        return 1;
    if (a->type->equal)
        return a->type->equal(a, b);
    return b->type->equal ? b->type->equal(b, a) : 0;
}

API int obj_less(struct obj *a, struct obj *b)
{
    return a->type->less ? a->type->less(a, b) : err_unordered(a, b);
}

API struct obj *obj_repr(struct obj *o)
{
    struct strbuf b = {0};
    if (strbuf_add_repr(&b, o, 0) == 0)
        return strbuf_finish(&b);
    strbuf_drop(&b);
    return NULL;
}

/* --- the runtime --- */

/* The calling thread leaves, everything that the heap holds for reuse goes back; the number of objects alive. */
static int64_t objects_close(void)
{
    thread_end();
    int64_t live = heap_live();
    thread_local_stop();
    module_stop();
    track_stop();
    weak_stop();
    reads_stop();
    heap_stop();
    return live;
}

API int objects_start(const struct objects_config *config)
{
    if (reads_start(config->reads) != 0 || heap_start(config->heap) != 0)
        return -1;
    track_start(config->track);
    track_threshold = config->collect_threshold;
    lock_start(config->lock);
    section_start();
    borrowed_start(config->borrowed);
    thread_configure_ending(thread_local_end);
    module_start(config->modules);
    thread_configure(sizeof(struct heap_thread), heap_thread_start, heap_thread_stop);
    if (thread_begin() != 0)
        return -1;
    if (rc_runtime_start() != 0) {
        objects_close();
        return -1;
    }
    if (number_start(config->count_shared) != 0) {
        objects_stop();
        return -1;
    }
    return 0;
}

API int64_t objects_stop(void)
{
    thread_local_end(); /* the calling thread's destructors may do anything yet */
    borrowed_drop(); /* the caller's own */
    defer_stop();  /* nothing is deferred any more: what nobody else holds is freed */
    rc_drain();    /* what dies here may still name the cached numbers, whose memory number_stop takes away */
    number_stop();
    rc_drain();    /* the cache's own references, when they are counted */
    rc_runtime_stop();
    return objects_close();
}
