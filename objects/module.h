/*
 * module.h -- extension modules: loading them, calling them, and the lock around those that do not say that they need none.
 *
 * Protocol. A module that is not MODULE_SLOT_UNLOCKED has a lock, by policy:
 *
 *     lock   its own (of its definition: two loads of one shared object share its C statics, hence its lock)
 *     gil    one for all such modules together; and the load of the first one switches a GIL on, for all threads and for good, as
 *            CPython does (rc/gil_switch.c). A commit thread runs beside the GIL: its destructors meet the modules' one lock
 *     off    none: a demonstration of what the lock is for. Wrong answers are expected
 *
 * Where threads cannot run at once anyway (RC_NEEDS_GIL, RC_UNSAFE) there is none either: the GIL is that lock.
 *
 *     free --call--> owned by a thread --another call of it by that thread--> the same --its outermost call returns--> free
 *
 * A thread holds at most one module's lock: a call into another locked module, and threads_begin, give it up and take it again
 * afterwards; so no cycle of threads can wait for each other. Who waits is detached. The holder is a thread like any: it reaches
 * safepoints, stops with the world, waits for object locks (whose holders wait for nothing).
 * Destructors never wait: they run wherever a last reference goes, on a commit thread that the holder may be waiting for, or on the
 * holder of another module's lock. An object that dies while another thread holds its module's lock is left to that thread, which
 * destroys it before it lets go. For the same reason a finaliser (type.finalize) must not call a locked module.
 *
 * Invariant: under module_lock.mutex: owner == NULL implies dead == NULL. heap_thread.module == l exactly while l->owner is that thread.
 * Order: module_lock.mutex carries everything from one holder to the next.
 * Sources: PEP 489 (phases), PEP 703 (what does not say that it is safe: there it switches the GIL on for all), the Gilectomy's plan of a lock
 * around extensions, CPython's critical sections (given up when it must wait).
 */
#ifndef OBJECTS_MODULE_H
#define OBJECTS_MODULE_H

#include "module_api.h"
#include "object.h"

/*
 * Loads the shared object at `path` (with a '/' in it) and runs its create and exec slots. NULL: the thread's error is set, `why`
 * says more, and nothing is left behind. The caller holds no lock. Drop it with module_unload.
 */
API struct module *module_load(const char *path, char *why, size_t size);
/* The same for a definition that is linked in. */
API struct module *module_make(const struct module_definition *definition, char *why, size_t size);
/*
 * Closes the module for good: no call may be under way, and later ones are refused; its names and its state's references are
 * dropped. Then, if no object of its types is alive, it goes, shared object and all: 0. Else -1 with ERR_VALUE: call again
 * when they are gone, which may be a little later than the last reference to them where frees are deferred and other threads are attached.
 */
API int module_unload(struct module *module);

/* New reference, or NULL: ERR_KEY (no such function), ERR_TYPE (args is no tuple), ERR_VALUE (closed), or what the function raised. A
 * safepoint: it may wait for the module's lock. The caller holds no object's lock. */
API struct obj *module_call(struct module *module, const char *name, struct obj *args);
/* What the module added under that name. New; NULL: ERR_KEY, ERR_VALUE (closed). */
API struct obj *module_get(struct module *module, const char *name);
/* False: it is called without a lock, because it says that it is safe, or by the policy. */
API bool module_is_locked(const struct module *module);
/* Alive, of all its types. */
API int64_t module_objects(const struct module *module);

/* For objects_start and objects_stop. Modules that are still loaded then stay so, and their objects count as leaked. */
API void module_start(enum module_policy policy);
API void module_stop(void);

#endif
