/*
 * module.c -- extension modules: the lock, the objects of their types, loading, the table of functions that they call.
 * Protocol, invariant and order are in module.h.
 *
 * Lock order: modules.lock and each module_lock.mutex are leaves; nothing that can run a destructor happens under them.
 */
#include "module.h"
#include "dict.h"
#include "list.h"
#include "number.h"
#include "str.h"
#include "track.h"
#include "tuple.h"
#include <inttypes.h>
#include <stdarg.h>

#define X(name) _Static_assert((int)MODULE_ERROR_##name == (int)ERR_##name, "an extension's error codes are ours");
MODULE_ERRORS(X)
#undef X
_Static_assert((int)MODULE_ERROR_TEXT == (int)ERR_TEXT, "an extension's error text fits the thread's");

struct module_lock {
    struct os_mutex mutex;  /* of owner and dead */
    struct os_cond freed;
    struct thread *owner;   /* NULL: free */
    struct container *dead; /* died while somebody else held the lock; linked by dead_next */
    int users;              /* modules; under modules.lock */
};

struct module_loaded {
    struct module base;
    const struct module_definition *definition;
    void *library;             /* NULL: linked in */
    struct module_lock *lock;  /* NULL: called without one */
    struct obj *names;         /* dict; NULL: closed */
    bool created;              /* create has succeeded: there is something to clear and free */
    bool ready;                /* exec is over: no more types */
    _Atomic int64_t objects;   /* alive, of all its types */
    struct module_type *types;
    struct module_loaded *next; /* under modules.lock */
};

struct module_type {
    struct type type; /* first: what an object of it points at */
    struct module_loaded *module;
    struct module_type_spec spec;
    size_t bytes; /* of an object */
    struct module_type *next;
    char name[];
};

struct module_object {
    struct container base;
    _Alignas(max_align_t) char data[];
};

static struct {
    struct os_mutex lock; /* of the lists and module_lock.users */
    enum module_policy policy;
    struct module_loaded *all;
    struct module_type *retired; /* of modules that have gone. A thread's error may still name them, so they stay until the runtime
                                  * stops, and are used again for types of the same name */
    struct module_lock gil;      /* policy gil: of all locked modules */
} modules = {.lock = OS_MUTEX_INIT, .gil = {.mutex = OS_MUTEX_INIT, .freed = OS_COND_INIT, .users = 1}};

static struct module_loaded *module_of(const struct module *m) { return (struct module_loaded *)m; }

/* --- errors whose text is made at once: what it names may be unmapped before it is read --- */

__attribute__((format(printf, 2, 3))) SLOW void *module_fail(enum err code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(heap_self()->err_text, sizeof heap_self()->err_text, format, args);
    va_end(args);
    err_set_name(code, "%s", heap_self()->err_text, "");
    return NULL;
}

/* --- the lock --- */

static void module_destroy(struct obj *o)
{
    const struct module_type *t = (const struct module_type *)o->type;
    if (t->spec.dealloc)
        t->spec.dealloc(&t->module->base, ((struct module_object *)o)->data);
    obj_free(o, t->bytes);
}

/* The last thing that is done with the module on the object's behalf: it may be unloaded next. */
static void module_forget(struct module_loaded *m)
{
    /* (M1) release: what its destructor did comes before module_unload (M1) */
    atomic_fetch_sub_explicit(&m->objects, 1, memory_order_release);
}

/* Waits, detached, and may become the owner before it is attached again: a holder that stands still is nothing new. The caller holds
 * no module's lock. */
static void module_lock_acquire(struct module_lock *l)
{
    os_lock(&l->mutex);
    bool wait = l->owner != NULL;
    if (wait) {
        os_unlock(&l->mutex);
        thread_detach_inside();
        os_lock(&l->mutex);
        while (l->owner)
            os_wait(&l->freed, &l->mutex, -1);
    }
    l->owner = rt_self;
    os_unlock(&l->mutex);
    if (wait)
        thread_attach();
    heap_self()->module = l;
}

/* What was left to us is destroyed first. */
static void module_lock_release(struct module_lock *l)
{
    struct container *dead;
    os_lock(&l->mutex);
    while ((dead = l->dead) != NULL) {
        struct module_loaded *m = ((const struct module_type *)dead->base.type)->module;
        l->dead = dead->dead_next;
        os_unlock(&l->mutex);
        module_destroy(&dead->base);
        module_forget(m);
        os_lock(&l->mutex);
    }
    heap_self()->module = NULL;
    l->owner = NULL;
    os_signal(&l->freed);
    os_unlock(&l->mutex);
}

/* True: the caller is the owner now. False: the dead object is left to the owner. */
static bool module_lock_or_leave(struct module_lock *l, struct container *dead)
{
    os_lock(&l->mutex);
    bool mine = l->owner == NULL;
    if (mine) {
        l->owner = rt_self;
    } else {
        dead->dead_next = l->dead;
        l->dead = dead;
    }
    os_unlock(&l->mutex);
    return mine;
}

/* Around a call of a module whose lock is `l` (NULL: none). What enter returns goes to leave. */
static struct module_lock *module_enter(struct module_lock *l)
{
    struct module_lock *outer = heap_self()->module;
    if (l && l != outer) {
        if (outer)
            module_lock_release(outer);
        module_lock_acquire(l);
    }
    return outer;
}

static void module_leave(struct module_lock *outer)
{
    struct module_lock *l = heap_self()->module;
    if (l == outer)
        return;
    module_lock_release(l);
    if (outer)
        module_lock_acquire(outer);
}

/* The lock of a module that needs one; under modules.lock. NULL: no memory. */
static struct module_lock *module_lock_of_locked(const struct module_definition *d)
{
    struct module_loaded *m = modules.all;
    if (modules.policy == MODULE_GIL)
        return &modules.gil;
    while (m && (m->definition != d || !m->lock))
        m = m->next;
    if (m)
        return m->lock;
    struct module_lock *l = os_alloc(sizeof *l);
    if (l)
        *l = (struct module_lock){.mutex = OS_MUTEX_INIT, .freed = OS_COND_INIT};
    return l;
}

/* --- objects --- */

static void module_dealloc(struct obj *o)
{
    struct module_loaded *m = ((const struct module_type *)o->type)->module;
    struct module_lock *l = m->lock, *held = heap_self()->module;
    if (!l || l == held) {
        module_destroy(o);
    } else if (module_lock_or_leave(l, (struct container *)o)) {
        heap_self()->module = l;
        module_destroy(o);
        module_lock_release(l);
        heap_self()->module = held;
    } else {
        return;
    }
    module_forget(m);
}

/* With the world stopped: no lock is needed, and its holder would not let go. */
static int module_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    const struct module_type *t = (const struct module_type *)o->type;
    return t->spec.traverse(&t->module->base, ((struct module_object *)o)->data, visit, arg);
}

static void module_clear(struct obj *o)
{
    const struct module_type *t = (const struct module_type *)o->type;
    struct module_lock *outer = module_enter(t->module->lock);
    t->spec.clear(&t->module->base, ((struct module_object *)o)->data);
    module_leave(outer);
}

static struct obj *module_object_new(struct module_type *t)
{
    /* not obj_alloc: the allocation map outlives the type */
    struct module_object *o = heap_alloc(t->bytes);
    if (!o)
        return NULL;
    rc_init(&o->base.base.rc);
    o->base.base.type = &t->type;
    atomic_init(&o->base.track, 0);
    memset(o->data, 0, t->spec.data_bytes);
    atomic_fetch_add_explicit(&t->module->objects, 1, memory_order_relaxed); /* relaxed: the module is loaded, it is being called */
    if (t->type.traverse)
        obj_track(&o->base);
    return &o->base.base;
}

static void *module_object_data(const struct obj *o, const struct module_type *t)
{
    struct module_object *m = obj_as(o, &t->type);
    return m ? m->data : NULL;
}

/* --- types --- */

/* A retired one of that name, or a new one; NULL: no memory. */
static struct module_type *module_type_take(const char *name)
{
    os_lock(&modules.lock);
    struct module_type **at = &modules.retired, *t;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    t = *at;
    if (t)
        *at = t->next;
    os_unlock(&modules.lock);
    if (t)
        return t;
    size_t bytes = strlen(name) + 1;
    t = os_alloc(sizeof *t + bytes);
    if (t)
        memcpy(t->name, name, bytes);
    return t;
}

static struct module_type *module_type_ready(struct module *module, const struct module_type_spec *spec)
{
    struct module_loaded *m = module_of(module);
    if (m->ready)
        return module_fail(ERR_VALUE, "module %s: types are made ready in exec", m->definition->name);
    if (!spec->name)
        return module_fail(ERR_VALUE, "module %s: a type without a name", m->definition->name);
    if (!spec->traverse != !spec->clear)
        return module_fail(ERR_VALUE, "type %s: traverse and clear go together", spec->name);
    if (spec->data_bytes > PTRDIFF_MAX / 2)
        return module_fail(ERR_VALUE, "type %s: %zu bytes are too many", spec->name, spec->data_bytes);
    struct module_type *t = module_type_take(spec->name);
    if (!t)
        return err_memory();
    t->type = (struct type){.name = t->name,
                            .flags = TYPE_CONTAINER, /* also without references: its destructor is code of its own, to be called in
                                                      * turn and not nested */
                            .dealloc = module_dealloc,
                            .traverse = spec->traverse ? module_traverse : NULL,
                            .clear = spec->clear ? module_clear : NULL};
    t->module = m;
    t->spec = *spec;
    t->bytes = sizeof(struct module_object) + spec->data_bytes;
    t->next = m->types;
    m->types = t;
    return t;
}

/* --- what a module calls --- */

static struct obj *module_api_incref(struct obj *o) { return obj_incref(o); }
static void module_api_decref(struct obj *o) { obj_decref(o); }
static void *module_api_error(enum module_error code, const char *text)
{
    bool known = code > MODULE_ERROR_NONE && code <= MODULE_ERROR_ZERO_DIVISION;
    return module_fail(known ? (enum err)code : ERR_VALUE, "%s", text);
}
static int module_api_error_code(void) { return (int)err_code(); }
static void module_api_error_clear(void) { err_take(); }
static struct obj *module_api_none(void) { return obj_incref(none_get()); }
static struct obj *module_api_bool_new(int value) { return obj_incref(bool_get(value != 0)); }
static struct obj *module_api_list_new(void) { return list_new(0); }
static struct obj *module_api_dict_new(void) { return dict_new(0); }
static void *module_api_alloc(size_t bytes)
{
    void *block = os_alloc(bytes ? bytes : 1);
    return block ? block : err_memory();
}
static void module_api_free(void *block) { os_free(block); }
static int module_api_add(struct module *m, const char *name, struct obj *value)
{
    struct obj *key = str_from(name);
    int result = key ? dict_set(module_of(m)->names, key, value) : -1;
    obj_xdecref(key);
    return result;
}
static void *module_api_threads_begin(void)
{
    struct module_lock *l = heap_self()->module;
    if (l)
        module_lock_release(l);
    thread_detach();
    return l;
}
static void module_api_threads_end(void *lock)
{
    thread_attach();
    if (lock)
        module_lock_acquire(lock);
}
static void module_api_safepoint(void) { rt_safepoint(); }

static const struct module_api module_api = {
    .version = MODULE_VERSION,
    .bytes = sizeof(struct module_api),
    .incref = module_api_incref,
    .decref = module_api_decref,
    .error = module_api_error,
    .error_code = module_api_error_code,
    .error_clear = module_api_error_clear,
    .none = module_api_none,
    .bool_new = module_api_bool_new,
    .int_new = int_new,
    .str_new = str_new,
    .int_value = int_value,
    .str_bytes = str_bytes,
    .str_length = str_length,
    .tuple_new = tuple_new,
    .tuple_length = tuple_length,
    .tuple_get = tuple_get,
    .list_new = module_api_list_new,
    .list_length = list_length,
    .list_get = list_get,
    .list_set = list_set,
    .list_append = list_append,
    .dict_new = module_api_dict_new,
    .dict_length = dict_length,
    .dict_get = dict_get,
    .dict_set = dict_set,
    .dict_del = dict_del,
    .equal = obj_equal,
    .alloc = module_api_alloc,
    .free = module_api_free,
    .type_ready = module_type_ready,
    .object_new = module_object_new,
    .object_data = module_object_data,
    .add = module_api_add,
    .threads_begin = module_api_threads_begin,
    .threads_end = module_api_threads_end,
    .safepoint = module_api_safepoint,
};

/* --- loading --- */

/* Whether it says that it is safe; -1 with an error that says what is wrong with the definition. */
static int module_check(const struct module_definition *d)
{
    int unlocked = 0, creates = 0;
    if (d->version != MODULE_VERSION)
        return module_fail(ERR_VALUE, "it was made for version %" PRIu32 " of the interface; this runtime has version %d", d->version,
                           MODULE_VERSION), -1;
    if (d->bytes != sizeof *d || !d->name || !d->functions || !d->slots)
        return module_fail(ERR_VALUE, "its definition has %" PRIu32 " bytes of %zu, or no name, functions or slots", d->bytes,
                           sizeof *d), -1;
    for (const struct module_slot *s = d->slots; s->id != MODULE_SLOT_END; s++) {
        if ((int)s->id < 0 || s->id > MODULE_SLOT_UNLOCKED)
            return module_fail(ERR_VALUE, "module %s: slot %d is unknown to this runtime", d->name, (int)s->id), -1;
        if (s->id != MODULE_SLOT_UNLOCKED && !s->run)
            return module_fail(ERR_VALUE, "module %s: slot %d has nothing to run", d->name, (int)s->id), -1;
        if (s->id == MODULE_SLOT_UNLOCKED)
            unlocked = s->flag != 0;
        creates += s->id == MODULE_SLOT_CREATE;
    }
    if (creates > 1)
        return module_fail(ERR_VALUE, "module %s has %d create slots; one is allowed", d->name, creates), -1;
    return unlocked;
}

/* Takes its lock and its place among the modules; false: no memory. */
static bool module_register(struct module_loaded *m, bool locked)
{
    os_lock(&modules.lock);
    if (locked)
        m->lock = module_lock_of_locked(m->definition);
    bool done = m->lock || !locked;
    if (done) {
        if (m->lock)
            m->lock->users++;
        m->next = modules.all;
        modules.all = m;
    }
    os_unlock(&modules.lock);
    return done;
}

static void module_unregister(struct module_loaded *m)
{
    struct module_lock *unused = NULL;
    os_lock(&modules.lock);
    struct module_loaded **at = &modules.all;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    if (m->lock && --m->lock->users == 0)
        unused = m->lock;
    while (m->types) {
        struct module_type *t = m->types;
        m->types = t->next;
        t->next = modules.retired;
        modules.retired = t;
    }
    os_unlock(&modules.lock);
    os_free(unused);
}

static void module_free(struct module_loaded *m)
{
    obj_xdecref(m->names);
    os_free(m->base.state);
    os_free(m);
}

/* Checked, with its state, not yet run. NULL with an error. */
static struct module_loaded *module_new(const struct module_definition *d, void *library)
{
    int unlocked = module_check(d);
    if (unlocked < 0)
        return NULL;
    struct module_loaded *m = os_alloc_zeroed(1, sizeof *m);
    if (!m)
        return err_memory();
    m->base.api = &module_api;
    m->definition = d;
    m->library = library;
    m->base.state = os_alloc_zeroed(1, d->state_bytes ? d->state_bytes : 1);
    m->names = m->base.state ? dict_new(0) : NULL;
    if (m->names && module_register(m, !unlocked && modules.policy != MODULE_OFF && !RC_NEEDS_GIL && !RC_UNSAFE))
        return m;
    module_free(m);
    return err_memory();
}

/* Each slot of that id, in order; 0 or -1 with an error. */
static int module_run(struct module_loaded *m, enum module_slot_id id)
{
    for (const struct module_slot *s = m->definition->slots; s->id != MODULE_SLOT_END; s++) {
        if (s->id != id)
            continue;
        err_take();
        if (s->run(&m->base) != 0) {
            if (err_code() == ERR_NONE)
                module_fail(ERR_VALUE, "module %s: a slot failed and says no reason", m->definition->name);
            return -1;
        }
    }
    return 0;
}

static int module_run_slots(struct module_loaded *m)
{
    struct module_lock *outer = module_enter(m->lock);
    m->created = module_run(m, MODULE_SLOT_CREATE) == 0;
    bool done = m->created && module_run(m, MODULE_SLOT_EXEC) == 0;
    m->ready = true;
    module_leave(outer);
    return done ? 0 : -1;
}

static struct module *module_start_one(const struct module_definition *d, void *library, char *why, size_t size)
{
    struct module_loaded *m = module_new(d, library);
    if (m && m->lock == &modules.gil)
        thread_gil_on();
    if (m && module_run_slots(m) == 0)
        return &m->base;
    err_format(why, size);
    if (!m) {
        if (library)
            os_library_close(library);
        return NULL;
    }
    struct err_kept err;
    err_keep(&err);
    if (module_unload(&m->base) == 0)
        err_restore(&err);
    else
        err_format(why, size); /* its objects are alive, somewhere: it stays mapped */
    return NULL;
}

API struct module *module_make(const struct module_definition *d, char *why, size_t size)
{
    return module_start_one(d, NULL, why, size);
}

API struct module *module_load(const char *path, char *why, size_t size)
{
    void *library = os_library_open(path, why, size);
    if (!library)
        return module_fail(ERR_VALUE, "%s", why);
    const struct module_definition *d = os_library_symbol(library, MODULE_SYMBOL);
    if (d)
        return module_start_one(d, library, why, size);
    snprintf(why, size, "%s: no extension module: it exports no " MODULE_SYMBOL, path);
    os_library_close(library);
    return module_fail(ERR_VALUE, "%s", why);
}

/* --- use --- */

API bool module_is_locked(const struct module *m) { return module_of(m)->lock != NULL; }
API int64_t module_objects(const struct module *m)
{
    /* (M1) acquire: what their destructors did comes before what the caller does next */
    return atomic_load_explicit(&module_of(m)->objects, memory_order_acquire);
}

static const struct module_function *module_function(const struct module_loaded *m, const char *name)
{
    const struct module_function *f = m->definition->functions;
    if (!m->names)
        return module_fail(ERR_VALUE, "module %s is closed", m->definition->name);
    while (f->name && strcmp(f->name, name) != 0)
        f++;
    return f->name ? f : module_fail(ERR_KEY, "module %s has no function %s", m->definition->name, name);
}

API struct obj *module_call(struct module *module, const char *name, struct obj *args)
{
    struct module_loaded *m = module_of(module);
    const struct module_function *f = module_function(m, name);
    if (!f || !obj_as(args, &tuple_type))
        return NULL;
    struct err_kept err;
    err_keep(&err); /* success leaves the caller's last error as it was */
    struct module_lock *outer = module_enter(m->lock);
    err_take();
    struct obj *result = f->call(module, args);
    if (!result) {
        if (err_code() == ERR_NONE)
            module_fail(ERR_VALUE, "%s.%s returned nothing and no error", m->definition->name, name);
        err_keep(&err);
    }
    module_leave(outer); /* may run destructors */
    err_restore(&err);
    return result;
}

API struct obj *module_get(struct module *module, const char *name)
{
    struct module_loaded *m = module_of(module);
    struct obj *value = NULL;
    if (!m->names)
        return module_fail(ERR_VALUE, "module %s is closed", m->definition->name);
    struct obj *key = str_from(name);
    if (key && dict_get(m->names, key, &value) == 0)
        module_fail(ERR_KEY, "module %s has no %s", m->definition->name, name);
    obj_xdecref(key);
    return value;
}

/* NULL: nothing to run. */
static void module_run_end(struct module_loaded *m, void (*run)(struct module *))
{
    struct module_lock *outer = module_enter(m->lock);
    if (run)
        run(&m->base);
    module_leave(outer);
}

static void module_close(struct module_loaded *m)
{
    struct obj *names = m->names;
    m->names = NULL;
    obj_decref(names);
    if (m->created)
        module_run_end(m, m->definition->clear);
}

API int module_unload(struct module *module)
{
    struct module_loaded *m = module_of(module);
    if (m->names)
        module_close(m);
    rc_drain();
    int64_t objects = module_objects(module);
    if (objects > 0)
        return module_fail(ERR_VALUE, "module %s: %" PRId64 " objects of its types are alive", m->definition->name, objects), -1;
    if (m->created)
        module_run_end(m, m->definition->free);
    module_unregister(m);
    void *library = m->library;
    module_free(m);
    if (library)
        os_library_close(library);
    return 0;
}

API void module_start(enum module_policy policy) { modules.policy = policy; }

API void module_stop(void)
{
    thread_gil_off();
    while (modules.retired) {
        struct module_type *next = modules.retired->next;
        os_free(modules.retired);
        modules.retired = next;
    }
}
