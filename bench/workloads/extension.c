/*
 * extension.c -- calls of an extension module by all threads: what the automatic lock (-L modules=) costs, and what it is for.
 *
 *     old     adds 1 to a C static, in two steps: it does not say that it is safe, so it is locked, by policy
 *     safe    adds 1 to an atomic in its state, and says so: never locked
 *     native  as old, and computes a while with other threads allowed
 *     beside  as safe, with the old one loaded beside it, which nobody calls: under modules=gil its load has switched a GIL on for all
 *
 * The answer: as many as were called. Fact: `lost`. A DEMONSTRATION is old (or native) with modules=off: updates are lost, which is what it
 * shows, so check() then accepts any count that losing can explain, and the sample says that it is one. Under a GIL none are lost: a call has no safepoint.
 * The modules are linked in, so that nothing has to be found at run time; tests/test_module.c loads shared objects.
 */
#include "../workload.h"
#include <inttypes.h>

enum {
    EXTENSION_BATCH = 64,    /* calls from safepoint to safepoint */
    EXTENSION_NATIVE = 2000, /* steps of native work */
};

struct extension {
    struct module *module, *beside; /* beside: NULL, or the old one that is just there */
    const char *function;
    struct obj *args; /* the empty tuple */
    _Atomic int64_t calls;
};

/* --- the modules --- */

static volatile int64_t extension_static; /* volatile: two steps, as they were written */

/* Not for ThreadSanitizer: with modules=off the race is what it shows. */
__attribute__((no_sanitize_thread)) static struct obj *extension_old(struct module *m, struct obj *args)
{
    (void)args;
    int64_t was = extension_static;
    extension_static = was + 1;
    return m->api->none();
}

static struct obj *extension_native(struct module *m, struct obj *args)
{
    volatile uint64_t x = 1;
    void *threads = m->api->threads_begin();
    for (int i = 0; i < EXTENSION_NATIVE; i++)
        x = x * 6364136223846793005u + 1;
    m->api->threads_end(threads);
    return extension_old(m, args);
}

static struct obj *extension_old_count(struct module *m, struct obj *args) { return (void)args, m->api->int_new(extension_static); }

static int extension_old_exec(struct module *m)
{
    (void)m;
    extension_static = 0;
    return 0;
}

static struct obj *extension_safe(struct module *m, struct obj *args)
{
    (void)args;
    /* relaxed: a sum, read after the join */
    atomic_fetch_add_explicit((_Atomic int64_t *)m->state, 1, memory_order_relaxed);
    return m->api->none();
}

static struct obj *extension_safe_count(struct module *m, struct obj *args)
{
    (void)args;
    return m->api->int_new(atomic_load_explicit((_Atomic int64_t *)m->state, memory_order_relaxed)); /* relaxed: after the join */
}

static const struct module_function extension_old_functions[] = {
    {"old", extension_old}, {"native", extension_native}, {"count", extension_old_count}, {0}};
static const struct module_function extension_safe_functions[] = {{"safe", extension_safe}, {"count", extension_safe_count}, {0}};
static const struct module_slot extension_old_slots[] = {{.id = MODULE_SLOT_EXEC, .run = extension_old_exec}, {0}};
static const struct module_slot extension_safe_slots[] = {{.id = MODULE_SLOT_UNLOCKED, .flag = 1}, {0}};

static const struct module_definition extension_old_definition = {.version = MODULE_VERSION,
                                                                  .bytes = sizeof(struct module_definition),
                                                                  .name = "old",
                                                                  .functions = extension_old_functions,
                                                                  .slots = extension_old_slots};
static const struct module_definition extension_safe_definition = {.version = MODULE_VERSION,
                                                                   .bytes = sizeof(struct module_definition),
                                                                   .name = "safe",
                                                                   .state_bytes = sizeof(int64_t),
                                                                   .functions = extension_safe_functions,
                                                                   .slots = extension_safe_slots};

/* --- the workload --- */

static void extension_unload(struct work *w, struct module *m)
{
    if (m && module_unload(m) != 0)
        work_wrong(w, "the module could not be unloaded");
}

static void extension_teardown(struct work *w)
{
    struct extension *s = w->state;
    extension_unload(w, s->module);
    extension_unload(w, s->beside);
    obj_xdecref(s->args);
    os_free(s);
}

static int extension_setup(struct work *w)
{
    char why[200];
    struct extension *s = work_state(sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    bool beside = work_is(w, "kind", "beside"), safe = beside || work_is(w, "kind", "safe");
    w->state = s;
    s->function = safe ? "safe" : work_is(w, "kind", "old") ? "old" : "native";
    if (!safe && work_is(w, "modules", "off") && !RC_NEEDS_GIL && w->threads > 1)
        work_demonstrates(w);
    s->args = tuple_new(NULL, 0);
    s->beside = s->args && beside ? module_make(&extension_old_definition, why, sizeof why) : NULL;
    if (s->args && (s->beside || !beside))
        s->module = module_make(safe ? &extension_safe_definition : &extension_old_definition, why, sizeof why);
    if (s->module)
        return 0;
    extension_teardown(w);
    return -1;
}

static int64_t extension_run(struct work *w, int thread, uint64_t reps)
{
    struct extension *s = w->state;
    int64_t calls = 0;
    (void)thread;
    for (uint64_t batch = reps; batch > 0; batch--) {
        for (int i = 0; i < EXTENSION_BATCH; i++, calls++) {
            struct obj *none = module_call(s->module, s->function, s->args);
            if (unlikely(!none))
                return -1;
            obj_decref(none);
        }
        rt_safepoint();
    }
    atomic_fetch_add_explicit(&s->calls, calls, memory_order_relaxed); /* relaxed: read after the join */
    return calls;
}

static bool extension_check(struct work *w)
{
    struct extension *s = w->state;
    int64_t calls = atomic_load_explicit(&s->calls, memory_order_relaxed), counted = -1; /* relaxed: the threads are joined */
    struct obj *count = module_call(s->module, "count", s->args);
    if (count)
        int_value(count, &counted);
    obj_xdecref(count);
    work_fact(w, "lost", calls - counted);
    if (counted == calls || (w->sample->demonstration && counted >= 1 && counted < calls))
        return true;
    return work_wrong(w, "counted %" PRId64 " of %" PRId64 " calls", counted, calls);
}

static const struct param extension_params[] = {
    {"kind", PARAM_CHOICE, "old|safe|native|beside", 0, 0, "old",
     "old: C statics, needs its lock; safe: says that it needs none; native: old, and computes outside; beside: safe, an old one is loaded too"},
    {0},
};

static const struct workload workload_extension = {
    .info = {.name = "extension", .unit = "calls", .summary = "calls of an extension module, with and without its automatic lock",
             .params = extension_params},
    .setup = extension_setup,
    .run = extension_run,
    .check = extension_check,
    .teardown = extension_teardown,
};
