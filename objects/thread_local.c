/*
 * thread_local.c -- thread-local values. Protocol, states and invariant are in thread_local.h.
 */
#include "thread_local.h"
#include "track.h"

#ifdef RC_HOSTILE
enum { THREAD_LOCAL_ROOM = 1 };
#else
enum { THREAD_LOCAL_ROOM = 8 };
#endif

static struct {
    struct os_mutex lock; /* a leaf: of everything here, and of the links between entries and keys */
    uint64_t order;       /* of the last key */
    uint32_t slots;       /* ever given out */
    uint32_t unused, room;
    uint32_t *free;       /* `unused` slots to use again; room >= slots, so that giving one back needs no memory */
} thread_locals = {.lock = OS_MUTEX_INIT};

/* --- keys --- */

/* Under the mutex; false: no memory. */
static bool thread_local_take_slot(struct thread_local_key *k)
{
    if (thread_locals.unused == 0 && thread_locals.slots == thread_locals.room) {
        uint32_t room = 2 * thread_locals.room + THREAD_LOCAL_ROOM;
        uint32_t *more = os_realloc(thread_locals.free, room * sizeof *more);
        if (!more)
            return false;
        thread_locals.free = more;
        thread_locals.room = room;
    }
    k->slot = thread_locals.unused ? thread_locals.free[--thread_locals.unused] : thread_locals.slots++;
    k->order = ++thread_locals.order;
    return true;
}

API struct obj *thread_local_new(thread_local_destructor *destroy)
{
    struct thread_local_key *k = obj_alloc(&thread_local_type, sizeof *k);
    if (unlikely(!k))
        return NULL;
    rc_allow_weak(&k->base.base.rc); /* for thread_local_take */
    k->destroy = destroy;
    k->values = NULL;
    k->slot = UINT32_MAX;
    os_lock(&thread_locals.lock);
    bool room = thread_local_take_slot(k);
    os_unlock(&thread_locals.lock);
    if (!room) {
        obj_decref(&k->base.base);
        return err_memory();
    }
    obj_track(&k->base);
    return &k->base.base;
}

API int thread_local_unregister(struct obj *o)
{
    struct thread_local_key *k = obj_as(o, &thread_local_type);
    if (!k)
        return -1;
    os_lock(&thread_locals.lock);
    bool had = k->destroy != NULL;
    k->destroy = NULL;
    os_unlock(&thread_locals.lock);
    return had;
}

/* --- entries and their keys; under the mutex --- */

static void thread_local_link_locked(struct thread_local_value *v, struct thread_local_key *k)
{
    v->after = k->values;
    v->at = &k->values;
    if (v->after)
        v->after->at = &v->after;
    k->values = v;
    atomic_store_explicit(&v->key, k, memory_order_relaxed); /* relaxed: see thread_local.h */
}

/* Its value, which is the caller's now. */
static struct obj *thread_local_unlink_locked(struct thread_local_value *v)
{
    struct obj *value = v->value;
    *v->at = v->after;
    if (v->after)
        v->after->at = v->at;
    v->value = NULL;
    atomic_store_explicit(&v->key, NULL, memory_order_relaxed); /* relaxed: see thread_local.h */
    return value;
}

/* --- a thread's table --- */

static struct thread_locals *thread_local_own(void) { return &heap_self()->locals; }

static struct thread_local_value *thread_local_find(const struct thread_locals *t, const struct thread_local_key *k)
{
    struct thread_local_value *v = k->slot < t->room ? t->slot[k->slot] : NULL;
    /* relaxed: see thread_local.h */
    return v && atomic_load_explicit(&v->key, memory_order_relaxed) == k ? v : NULL;
}

/* A place for the key's value; false: no memory. */
static bool thread_local_reserve(struct thread_locals *t, const struct thread_local_key *k)
{
    if (likely(k->slot < t->room))
        return true;
    uint32_t room = k->slot + THREAD_LOCAL_ROOM;
    struct thread_local_value **slot = os_realloc(t->slot, room * sizeof *slot);
    if (!slot)
        return false;
    memset(slot + t->room, 0, (room - t->room) * sizeof *slot);
    t->slot = slot;
    t->room = room;
    return true;
}

static void thread_local_list_add(struct thread_locals *t, struct thread_local_value *v)
{
    struct thread_local_value **at = &t->first;
    while (*at && (*at)->order < v->order)
        at = &(*at)->next;
    v->next = *at;
    *at = v;
}

static void thread_local_list_remove(struct thread_locals *t, struct thread_local_value *v)
{
    struct thread_local_value **at = &t->first;
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
}

/* The entry is its thread's alone afterwards: out of the table, with neither key nor value. The value, and a new reference to its
 * key if that has a destructor and lives (else NULL). */
static struct obj *thread_local_take(struct thread_locals *t, struct thread_local_value *v, struct thread_local_key **key,
                                     thread_local_destructor **destroy)
{
    struct obj *value = NULL;
    os_lock(&thread_locals.lock);
    struct thread_local_key *k = atomic_load_explicit(&v->key, memory_order_relaxed); /* relaxed: under the mutex */
    if (k) {
        *destroy = k->destroy;
        /* its death takes the mutex first, so that its head may be read here; false: it is dying, or has no need */
        *key = k->destroy && rc_try_incref(&k->base.base.rc) ? k : NULL;
        value = thread_local_unlink_locked(v);
    } else {
        *key = NULL;
    }
    os_unlock(&thread_locals.lock);
    t->slot[v->slot] = NULL;
    thread_local_list_remove(t, v);
    return value;
}

/* --- set and get --- */

/* The first value of that key on this thread. */
static int thread_local_insert(struct thread_locals *t, struct thread_local_key *k, struct obj *value)
{
    if (t->ended) {
        err_set(ERR_VALUE, "the thread is ending: it has destroyed its thread-local values", 0, 0);
        return -1;
    }
    struct thread_local_value *v = thread_local_reserve(t, k) ? t->slot[k->slot] : NULL;
    if (v)
        thread_local_list_remove(t, v); /* of a key that is gone */
    else if (k->slot >= t->room || !(v = os_alloc(sizeof *v))) {
        err_memory();
        return -1;
    }
    *v = (struct thread_local_value){.value = obj_incref(value), .order = k->order, .slot = k->slot, .round = t->round};
    thread_local_list_add(t, v);
    t->slot[k->slot] = v;
    os_lock(&thread_locals.lock);
    thread_local_link_locked(v, k);
    os_unlock(&thread_locals.lock);
    return 0;
}

static int thread_local_unset(struct thread_locals *t, struct thread_local_value *v)
{
    os_lock(&thread_locals.lock);
    struct obj *old = thread_local_unlink_locked(v);
    os_unlock(&thread_locals.lock);
    t->slot[v->slot] = NULL;
    thread_local_list_remove(t, v);
    os_free(v);
    obj_decref(old);
    return 0;
}

API int thread_local_set(struct obj *o, struct obj *value)
{
    struct thread_local_key *k = obj_as(o, &thread_local_type);
    if (!k)
        return -1;
    struct thread_locals *t = thread_local_own();
    struct thread_local_value *v = thread_local_find(t, k);
    if (!v)
        return value ? thread_local_insert(t, k, value) : 0;
    if (!value)
        return thread_local_unset(t, v);
    struct obj *old = v->value;
    v->value = obj_incref(value);
    obj_decref(old);
    return 0;
}

API int thread_local_get(struct obj *o, struct obj **value)
{
    struct thread_local_key *k = obj_as(o, &thread_local_type);
    *value = NULL;
    if (!k)
        return -1;
    struct thread_local_value *v = thread_local_find(thread_local_own(), k);
    if (!v)
        return 0;
    *value = obj_incref(v->value);
    return 1;
}

/* --- the end of a thread --- */

static void thread_local_destroy(struct thread_locals *t, struct thread_local_value *v, bool call)
{
    thread_local_destructor *destroy = NULL;
    struct thread_local_key *k;
    struct obj *value = thread_local_take(t, v, &k, &destroy);
    os_free(v);
    if (k && call)
        destroy(&k->base.base, value);
    if (k)
        obj_decref(&k->base.base);
    obj_xdecref(value);
}

/* The first one, by registration, that this round is for. */
static struct thread_local_value *thread_local_due(const struct thread_locals *t)
{
    struct thread_local_value *v = t->first;
    while (v && v->round >= t->round)
        v = v->next;
    return v;
}

API void thread_local_end(void)
{
    struct thread_locals *t = thread_local_own();
    struct thread_local_value *v;
    if (t->ended)
        return;
    for (t->round = 1; t->round <= THREAD_LOCAL_ROUNDS; t->round++)
        while ((v = thread_local_due(t)) != NULL)
            thread_local_destroy(t, v, true);
    t->ended = true;
    while (t->first)
        thread_local_destroy(t, t->first, false);
    os_free(t->slot);
    t->slot = NULL;
    t->room = 0;
}

API void thread_local_stop(void)
{
    os_free(thread_locals.free);
    thread_locals.free = NULL;
    thread_locals.slots = thread_locals.unused = thread_locals.room = 0;
}

/* --- slots --- */

/* One of its values, which goes; NULL: there is none. */
static struct obj *thread_local_pop(struct thread_local_key *k)
{
    os_lock(&thread_locals.lock);
    struct obj *value = k->values ? thread_local_unlink_locked(k->values) : NULL;
    os_unlock(&thread_locals.lock);
    return value;
}

static void thread_local_dealloc(struct obj *o)
{
    struct thread_local_key *k = (struct thread_local_key *)o;
    struct obj *value;
    while ((value = thread_local_pop(k)) != NULL)
        obj_decref_field(value);
    if (k->slot != UINT32_MAX) {
        os_lock(&thread_locals.lock);
        thread_locals.free[thread_locals.unused++] = k->slot;
        os_unlock(&thread_locals.lock);
    }
    obj_free(o, sizeof *k);
}

static void thread_local_clear(struct obj *o)
{
    struct obj *value;
    while ((value = thread_local_pop((struct thread_local_key *)o)) != NULL)
        obj_decref(value);
}

/* With the world stopped: no mutex, nobody is inside. */
static int thread_local_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    int stop = 0;
    for (struct thread_local_value *v = ((struct thread_local_key *)o)->values; v && !stop; v = v->after)
        stop = visit(v->value, arg);
    return stop;
}

static const struct type thread_local_type = {
    .name = "ThreadLocal",
    .flags = TYPE_CONTAINER,
    .dealloc = thread_local_dealloc,
    .traverse = thread_local_traverse,
    .clear = thread_local_clear,
    .size = {.least = sizeof(struct thread_local_key)},
};
