/*
 * object.h -- what every object has: a reference-count head and a type; and how it is allocated, shared and freed.
 *
 * References. "New" means the caller owns the returned reference and must drop it with obj_decref; "borrowed" means the
 * caller owns nothing and the object is good only as long as something else keeps it: a tuple that the caller holds, or, for what
 * is found in a container that can change, the policy of the run and until the caller's next safepoint at the latest (borrowed.h). Arguments are borrowed from the caller, who keeps them alive for
 * the length of the call; a function that keeps an argument takes its own reference. "Steals" is said where it is so.
 *
 * Threads. Nothing that can run a destructor or user code runs under an object's lock: collect, unlock, then decref.
 * Taking a contended lock detaches the thread and is therefore a safepoint (but not for deferred borrowed references).
 *
 * Deallocation is iterative: a container that dies while its thread is already deallocating is queued through its own
 * `dead_next` and freed by the outermost call, so a chain of a million lists needs no C stack (FIELD.md 3.29). It never
 * allocates.
 */
#ifndef OBJECTS_OBJECT_H
#define OBJECTS_OBJECT_H

#include "../rc/rc.h"
#include "err.h"
#include "heap_map.h"
#include "lock_statistics.h"
#include "parking.h"
#include "retire.h"

struct type;

struct obj {
    struct rc_head rc;
    const struct type *type;
};

/* An object that holds references to others. */
struct container {
    struct obj base;
    union {
        _Atomic(uintptr_t) track;    /* track.h: the slot in which the collector finds it (0: it does not), and flags */
        struct container *dead_next; /* only while dead and waiting for its deallocation; bit 0: it is finalised already */
    };
};

/* Flags of a type. */
enum {
    TYPE_CONTAINER = 1 << 0, /* begins with struct container */
    TYPE_EXACT = 1 << 1,     /* hash and equal run no user code and take no lock: may be called under one */
    TYPE_DEFERS = 1 << 2,    /* begins with struct deferred (defer.h): its counts may be deferred, or kept by thread */
    TYPE_LIKE_NUMBER = 1 << 3, /* its equal knows numbers: a number that is compared with it asks it */
};

struct strbuf; /* str.h */

/* An object's bytes as data, so that only the statistics have code for it: the larger of `least` and fixed + each * |n|,
 * where n is the int64_t at `count_at`; each == 0: there is no n. All zero: not told. obj_free checks it. */
struct type_size {
    uint16_t least, fixed, each, count_at;
};

/* Slots may be NULL: no hash means unhashable, no equal means identity, no less means unordered, no repr a default. */
struct type {
    const char *name;
    unsigned flags;
    /* Runs when the last reference is gone: drops the object's own references with obj_decref_field, then gives its
     * memory back with obj_free. Holds no lock. User code that looks at the fields belongs into finalize, which comes first. */
    void (*dealloc)(struct obj *);
    /* Calls visit(child, arg) for each reference that the object holds; stops at and returns the first non-zero. */
    int (*traverse)(struct obj *, int (*visit)(struct obj *, void *), void *arg);
    void (*clear)(struct obj *);                    /* drops its references, stays valid (breaks cycles) */
    /* User code before dealloc; may not take references to the object. It may block, but not for what another thread gives up only after
     * a safepoint of its own (an RWLock, an IntervalLock, a place in a queue): it may run on a commit thread, and that thread's log may be
     * over its bound, or a collection due, so that it waits for this very finaliser first. */
    void (*finalize)(struct obj *);
    int (*hash)(struct obj *, int64_t *hash);       /* 0, or -1 and an error; equal objects have equal hashes */
    int (*equal)(struct obj *, struct obj *);       /* 1, 0, or -1 and an error; the second may have another type */
    int (*less)(struct obj *, struct obj *);        /* 1, 0, or -1 and an error (ERR_TYPE: cannot be ordered) */
    int (*repr)(struct obj *, struct strbuf *, int depth); /* appends; 0, or -1 and an error */
    void (*lock)(struct obj *);                     /* the object's own lock; NULL: it has none */
    void (*unlock)(struct obj *);
    struct type_size size;
};

/* --- per-thread state of this layer --- */

/* Freelists: one per size class of 16 bytes (class 0 is not used); larger blocks go to malloc. */
enum { HEAP_GRAIN = 16, HEAP_CLASSES = 33, HEAP_MAX = HEAP_GRAIN * (HEAP_CLASSES - 1) };

/* A free block. The link comes after the head, so that a late try-incref still reads a dead count there (FIELD.md 3.19). */
struct heap_block {
    struct rc_head dead;
    struct heap_block *next;
};

struct heap_list {
    struct heap_block *head;
    uint32_t count, limit; /* limit 0 (policies malloc and locked): every free takes the slow path */
};

/* The containers that a thread has made and that are tracked (track.h). */
struct track_table {
    struct track_chunk *chunks;
    _Atomic(uintptr_t) *free; /* slots to use again */
    _Atomic(uintptr_t) *swept; /* as well, but free since the last sweep (track_reuse) */
    int64_t fresh;            /* of these and of slots never used, how many were taken and not told yet */
    bool stopped;
};

/* Borrowed references that the thread keeps alive (borrowed.h). Its own. */
struct borrowed_notes {
    struct borrowed_segment *top; /* NULL: none yet */
    size_t count, floor;          /* those below the floor belong to who waits for a finaliser to return */
};

/* A thread's counts of objects that are counted by thread, by id - 1 (defer.h). The thread's own; others with the world stopped. */
struct defer_counts {
    int64_t *count;
    uint32_t room;
    bool stopped; /* the thread is ending: its counts go to the registry at once */
};

/* A thread's evaluation stack (stack.h). The thread's own; others read it with the world stopped. */
struct stack {
    uintptr_t *base, *top, *end; /* base <= top <= end; NULL: nothing was ever pushed */
};

/* A thread that waits for its turn (turn.h): in one queue at a time, since it is detached meanwhile. */
struct turn {
    struct turn *next;     /* under the queue's guard; after turn_take the taker's */
    uint32_t key;          /* its thread.key */
    _Atomic uint32_t told; /* 0 or 1; it sleeps on it */
};

/* A thread's values, one for each key that it has set (thread_local.h). The thread's own. */
struct thread_locals {
    struct thread_local_value *first, **slot; /* in the keys' order of registration; and by the keys' slots */
    uint32_t room;                            /* of slot */
    int round;                                /* of destructors, while the thread ends; else 0 */
    bool ended;                               /* it has no values any more */
};

struct heap_thread {
    struct rc_thread rc;                  /* first: rt_self points at its first member */
    int64_t live;                         /* objects allocated minus objects freed by this thread; may be negative */
    struct container *dead_head, *dead_tail; /* containers waiting for their deallocation, oldest first */
    _Atomic uint32_t revoked;             /* locks of this thread that others took the bias from (lock.h) */
    struct parking_waiter waiter;         /* this thread's, while it waits for a lock under the policy parking */
    struct section *aside;                /* sections that come back when these plain locks are released (section.h) */
    struct lock *aside_until[2];
    bool deallocating;
    int depth;                            /* levels of obj_enter */
    struct err_state err;
    struct track_table track;
    struct borrowed_notes borrowed;
    struct heap_list free[HEAP_CLASSES];
    struct heap_list spare[HEAP_CLASSES]; /* policy thread: a second, full list, so that a list that runs over or dry moves
                                             between threads in one piece, and not at every turn */
    struct retire_list retired;           /* memory that waits for a grace period (retire.h) */
    struct turn turn;                     /* this thread's, while it waits for a lock that is an object */
    struct thread_locals locals;          /* this thread's values (thread_local.h) */
    struct module_lock *module;           /* the one module lock that this thread holds (module.h); NULL: none */
    char err_text[ERR_TEXT];              /* of the last error, when what it names may go before it is read */
    struct defer_counts counts;
    struct stack stack;
#if RC_STATISTICS
    struct lock_counts locks[LOCK_TYPES];
    struct heap_map map;
#endif
};

HOT struct heap_thread *heap_self(void) { return (struct heap_thread *)rt_self; }

/* --- errors --- */

SLOW void err_set(enum err code, const char *format, int64_t a, int64_t b);
SLOW void err_set_name(enum err code, const char *format, const char *name, const char *other);
/* Sets ERR_MEMORY; returns NULL so that a constructor can `return err_memory();`. */
SLOW void *err_memory(void);
/* The code of the last error, which is cleared. */
API enum err err_take(void);
API enum err err_code(void);
/* Around what may fail and is not to be told of: the last error as it is now, and as it was then. */
API void err_keep(struct err_kept *k);
API void err_restore(const struct err_kept *k);
/* "IndexError: list index 9 out of range (length 3)" into buf; returns buf. Does not clear. */
API const char *err_format(char *buf, size_t size);
API const char *err_name(enum err code);

/* --- heap: memory of objects --- */

enum heap_policy {
    HEAP_MALLOC, /* malloc and free for every object */
    HEAP_LOCKED, /* one locked freelist per size class, shared by all threads (the Gilectomy's first) */
    HEAP_THREAD, /* a freelist per thread and class; surplus moves between threads in batches through a depot (default) */
    HEAP_MIMALLOC, /* mimalloc for every object, and for arrays; only in a build that has it (os_use_mimalloc) */
};

/* Set before heap_thread objects exist (objects_start takes it). */
static enum heap_policy heap_policy __attribute__((unused));

SLOW void *heap_alloc_slow(size_t bytes);
SLOW void heap_free_slow(void *block, size_t bytes);
/* Live objects over all threads. No other thread may run (a commit thread: after rc_drain). */
API int64_t heap_live(void);
/* For objects_start and objects_stop: forgets what an earlier run leaked; gives back what no thread holds. -1: this build lacks
 * that policy. */
API int heap_start(enum heap_policy policy);
API void heap_stop(void);
API void heap_thread_start(struct thread *t);
API void heap_thread_stop(struct thread *t);

#if defined(__SANITIZE_ADDRESS__)
#define HEAP_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEAP_ASAN 1
#endif
#endif
#ifdef HEAP_ASAN
void __asan_poison_memory_region(void const volatile *, size_t);
void __asan_unpoison_memory_region(void const volatile *, size_t);
/* A block on a freelist may be read at its head and link only. */
INLINE void heap_poison(struct heap_block *b, size_t bytes)
{
    if (bytes > sizeof *b)
        __asan_poison_memory_region(b + 1, bytes - sizeof *b);
}
INLINE void heap_unpoison(void *b, size_t bytes) { __asan_unpoison_memory_region(b, bytes); }
#else
INLINE void heap_poison(struct heap_block *b, size_t bytes) { (void)b, (void)bytes; }
INLINE void heap_unpoison(void *b, size_t bytes) { (void)b, (void)bytes; }
#endif

HOT size_t heap_class(size_t bytes) { return (bytes + HEAP_GRAIN - 1) / HEAP_GRAIN; }

/* Uninitialised memory for an object of `bytes` (at least sizeof(struct obj)), or NULL with ERR_MEMORY. */
HOT void *heap_alloc(size_t bytes)
{
    if (likely(bytes <= HEAP_MAX)) {
        struct heap_list *f = &heap_self()->free[heap_class(bytes)];
        struct heap_block *b = f->head;
        if (likely(b != NULL)) {
            f->head = b->next;
            f->count--;
            heap_self()->live++;
            rc_stat(alloc_reused);
            heap_unpoison(b, heap_class(bytes) * HEAP_GRAIN);
            return b;
        }
    }
    return heap_alloc_slow(bytes);
}

/* Gives back what heap_alloc(bytes) returned, on any thread. */
HOT void heap_free(void *block, size_t bytes)
{
    if (likely(bytes <= HEAP_MAX)) {
        struct heap_list *f = &heap_self()->free[heap_class(bytes)];
        if (likely(f->count < f->limit)) {
            struct heap_block *b = block;
            b->next = f->head;
            f->head = b;
            f->count++;
            heap_self()->live--;
            heap_poison(b, heap_class(bytes) * HEAP_GRAIN);
            return;
        }
    }
    heap_free_slow(block, bytes);
}

/* A new object of `bytes`: head and type are set, and a container is not tracked; the rest is not set. NULL with ERR_MEMORY. */
HOT void *obj_alloc(const struct type *type, size_t bytes)
{
    struct obj *o = heap_alloc(bytes);
    if (unlikely(!o))
        return NULL;
    rc_init(&o->rc);
    o->type = type;
    if (type->flags & TYPE_CONTAINER) /* known at compile time */
        atomic_init(&((struct container *)o)->track, 0);
    heap_map_note(o, bytes);
    return o;
}
/* What the type's size says; 0: nothing. */
INLINE size_t obj_bytes(const struct obj *o)
{
    const struct type_size *s = &o->type->size;
    size_t bytes = s->fixed;
    if (s->each) {
        int64_t n = *(const int64_t *)((const char *)o + s->count_at);
        bytes += (size_t)(n < 0 ? -n : n) * s->each;
    }
    return bytes > s->least ? bytes : s->least;
}
HOT void obj_free(struct obj *o, size_t bytes)
{
    assert(obj_bytes(o) == bytes || obj_bytes(o) == 0);
    heap_free(o, bytes);
}

/* --- references --- */

/* Finalizes and deallocates an object whose last reference is gone. Not inline, yet not cold either: boxed numbers die as
 * often as they are made. */
static __attribute__((unused, noinline)) void obj_dealloc(struct obj *o);

HOT struct obj *obj_incref(struct obj *o)
{
    rc_incref(&o->rc);
    return o;
}
HOT void obj_decref(struct obj *o)
{
    if (rc_decref(&o->rc))
        obj_dealloc(o);
}
/* NULL is allowed: error paths. */
HOT void obj_xdecref(struct obj *o)
{
    if (o)
        obj_decref(o);
}
/* For a type's dealloc: drops a reference that the dead object held. */
HOT void obj_decref_field(struct obj *o)
{
    if (rc_decref_field(&o->rc))
        obj_dealloc(o);
}

/* Calls the type's finalize, if the object's has not been called yet; false: it had. For the collector: the object lives on, and its
 * deallocation will not call it again. */
API bool obj_finalize_once(struct container *c);

INLINE bool obj_is(const struct obj *o, const struct type *type) { return o->type == type; }
SLOW bool err_wrong_type(const struct obj *o, const struct type *wanted);
SLOW int err_unordered(const struct obj *a, const struct obj *b); /* sets ERR_TYPE; -1 */
/* True, or false with ERR_TYPE that names both types. */
INLINE bool obj_expect(const struct obj *o, const struct type *wanted)
{
    return likely(o->type == wanted) || err_wrong_type(o, wanted);
}

/* `o`, or what it wraps (local_wrapper.h), as an object of that type: every operation's look at its argument. Borrowed, as long as
 * `o`. NULL with ERR_TYPE that names both types. */
SLOW void *obj_as_other(const struct obj *o, const struct type *wanted);
INLINE void *obj_as(const struct obj *o, const struct type *wanted)
{
    return likely(o->type == wanted) ? (void *)(uintptr_t)o : obj_as_other(o, wanted);
}
/* The same; NULL without an error. */
static __attribute__((unused, noinline)) struct obj *obj_unwrap(const struct obj *o, const struct type *wanted);
INLINE void *obj_if(const struct obj *o, const struct type *wanted)
{
    return likely(o->type == wanted) ? (void *)(uintptr_t)o : obj_unwrap(o, wanted);
}

/* --- what every object can do. No lock may be held; user code may run. --- */

enum { OBJ_DEPTH_MAX = 500 }; /* nesting that equal, hash and repr follow before ERR_RECURSION */

/* 0, or -1: ERR_TYPE (unhashable), ERR_RECURSION. */
API int obj_hash(struct obj *o, int64_t *hash);
/* 1 equal, 0 not, -1 error. Identical objects are equal. Numbers compare by value across int, bool and float. */
API int obj_equal(struct obj *a, struct obj *b);
/* 1, 0, or -1: ERR_TYPE (cannot be ordered). */
API int obj_less(struct obj *a, struct obj *b);
/* New str, or NULL. */
API struct obj *obj_repr(struct obj *o);
/* Entering one level of nesting in equal, hash or repr of a container: false with ERR_RECURSION when too deep. */
API bool obj_enter(void);
API void obj_leave(void);

/* --- the runtime --- */

enum track_policy { TRACK_OFF, TRACK_LOCKED, TRACK_THREAD }; /* track.h */
enum module_policy { MODULE_LOCK, MODULE_GIL, MODULE_OFF }; /* module.h */

enum lock_policy { LOCK_BY_BIAS, LOCK_BY_FUTEX, LOCK_BY_PARKING, LOCK_BY_MUTEX }; /* lock.h */

enum borrowed_policy { BORROWED_AUTO, BORROWED_RAW, BORROWED_DEFERRED }; /* borrowed.h */
enum reads_policy { READS_LOCKED, READS_OPTIMISTIC }; /* reads.h */

struct objects_config {
    enum heap_policy heap;
    enum borrowed_policy borrowed;
    enum reads_policy reads;
    enum lock_policy lock;
    enum track_policy track;
    enum module_policy modules;
    int64_t collect_threshold; /* growth in tracked containers after which a collection is due; 0: never */
    bool count_shared; /* count None, True, False and the small ints like any object, instead of making them immortal */
};

/* Starts the runtime with the calling thread attached; 0, or -1 (out of memory, a heap policy that this build lacks, or
 * optimistic reads under a strategy without RC_READS: nothing is left behind). */
API int objects_start(const struct objects_config *config);
/* Everything deferred is applied, helper threads end, the calling thread leaves. No other thread may be attached.
 * Returns the number of objects still alive (0 when nothing leaked). */
API int64_t objects_stop(void);

#endif
