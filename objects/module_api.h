/*
 * module_api.h -- what an extension module is written against: this header alone, C11, nothing else of the runtime.
 *
 * A module is a shared object that exports one `const struct module_definition rclab_module` (MODULE_SYMBOL). Loading it has
 * phases, as in PEP 489 (where the state comes after create, and there is one create slot at most): the definition is read and its
 * version checked; its state is allocated, zeroed; the create slots run, then the exec slots, each in their order; then its
 * functions can be called. What is called afterwards gets the
 * `struct module`: two loads, and two runtimes in one process, have one each, so what belongs to a module belongs into its
 * state and not into C statics.
 *
 * Locking. A module says that it is safe without a lock by a MODULE_SLOT_UNLOCKED with flag = 1: its functions are then called by several
 * threads at once. One that does not say so is taken for old: the runtime takes a lock around each call of its slots, functions, clear and
 * dealloc. As with a GIL, others may be inside meanwhile when it calls out: in `threads_begin … threads_end`, and
 * where a function of the API runs another module's code, or safepoint().
 *
 * References. "New": the caller owns it and drops it with decref. "Borrowed": good as long as what it came from is.
 * Arguments stay the caller's. A function that fails returns NULL or -1 and has set the thread's error.
 */
#ifndef RCLAB_MODULE_API_H
#define RCLAB_MODULE_API_H

#include <stddef.h>
#include <stdint.h>

/* Changes when anything that exists here changes its meaning or place. What is added goes to the end of struct module_api, whose
 * `bytes` tells a module what its runtime has. */
enum { MODULE_VERSION = 1 };
#define MODULE_SYMBOL "rclab_module"

struct obj;         /* any object */
struct module_type; /* a type that is ready */

/* X(name): the errors that a module can raise and meet. */
#define MODULE_ERRORS(X) X(NONE) X(MEMORY) X(INDEX) X(KEY) X(TYPE) X(OVERFLOW) X(VALUE) X(ZERO_DIVISION)
enum module_error {
#define X(name) MODULE_ERROR_##name,
    MODULE_ERRORS(X)
#undef X
};

struct module {
    const struct module_api *api;
    void *state; /* state_bytes of the module's own; zeroed before create */
};

/* --- what a module defines --- */

struct module_function {
    const char *name; /* NULL: the end */
    /* args: a tuple, borrowed. New reference, or NULL with an error set. */
    struct obj *(*call)(struct module *, struct obj *args);
};

enum module_slot_id {
    MODULE_SLOT_END,
    MODULE_SLOT_CREATE,   /* run: makes what the module itself needs. 0; or -1 with an error, having undone its own */
    MODULE_SLOT_EXEC,     /* run: makes types ready, adds names. 0; or -1 with an error: clear and free are called */
    MODULE_SLOT_UNLOCKED, /* flag: 1 safe without a lock; 0, as without this slot: not */
};
struct module_slot {
    enum module_slot_id id;
    int flag;
    int (*run)(struct module *);
};

struct module_definition {
    uint32_t version; /* MODULE_VERSION */
    uint32_t bytes;   /* sizeof(struct module_definition) */
    const char *name;
    size_t state_bytes;
    const struct module_function *functions;
    const struct module_slot *slots;
    void (*clear)(struct module *); /* drops the references in the state; NULL: there are none */
    void (*free)(struct module *);  /* the rest of what create and exec made, but no objects; NULL: nothing */
};

/*
 * A type. `data` is data_bytes of the object's own, aligned for anything, zeroed when it is made; the callbacks must do with zeroes.
 * They take no other lock, do not wait, and do not call threads_begin: an object dies wherever its last reference goes, on any thread.
 * traverse runs with all other threads stopped: it calls visit alone, for each reference in data, and returns at once what visit
 * returns if that is not 0. A type whose objects can be part of a cycle has traverse and clear; then the references in data change
 * only inside the module's functions, and never between threads_begin and threads_end.
 */
struct module_type_spec {
    const char *name;
    size_t data_bytes;
    void (*dealloc)(struct module *, void *data); /* drops the references in data and frees what else it has; NULL: nothing */
    int (*traverse)(struct module *, void *data, int (*visit)(struct obj *, void *), void *arg);
    void (*clear)(struct module *, void *data); /* drops those that may be in a cycle; data stays valid */
};

/* --- what the runtime offers --- */

struct module_api {
    uint32_t version, bytes;

    struct obj *(*incref)(struct obj *); /* returns it: new */
    void (*decref)(struct obj *);

    /* Errors: of the calling thread. The text is copied and may be cut (MODULE_ERROR_TEXT). Returns NULL, for `return`. */
    void *(*error)(enum module_error, const char *text);
    int (*error_code)(void); /* enum module_error, or a larger number: another error of the runtime's */
    void (*error_clear)(void);

    /* New, all four. */
    struct obj *(*none)(void);
    struct obj *(*bool_new)(int);
    struct obj *(*int_new)(int64_t);
    struct obj *(*str_new)(const char *bytes, size_t length);
    int (*int_value)(const struct obj *, int64_t *value); /* 0; TYPE, OVERFLOW */
    const char *(*str_bytes)(const struct obj *);         /* borrowed, closed by 0; TYPE */
    int64_t (*str_length)(const struct obj *);            /* TYPE */

    struct obj *(*tuple_new)(struct obj *const *items, size_t length); /* new; takes its own references */
    int64_t (*tuple_length)(const struct obj *);                       /* TYPE */
    struct obj *(*tuple_get)(struct obj *, int64_t i);                 /* new; INDEX, TYPE */

    struct obj *(*list_new)(void); /* new, empty */
    int64_t (*list_length)(struct obj *);
    struct obj *(*list_get)(struct obj *, int64_t i); /* new; INDEX, TYPE */
    int (*list_set)(struct obj *, int64_t i, struct obj *item);
    int (*list_append)(struct obj *, struct obj *item);

    struct obj *(*dict_new)(void); /* new, empty */
    int64_t (*dict_length)(struct obj *);
    int (*dict_get)(struct obj *, struct obj *key, struct obj **value); /* 1 and new; 0: no such key; -1 */
    int (*dict_set)(struct obj *, struct obj *key, struct obj *value);
    int (*dict_del)(struct obj *, struct obj *key); /* KEY: there is none */

    int (*equal)(struct obj *, struct obj *); /* 1, 0, -1; may run other code */

    /* Memory of the module's own: it counts where the runtime's counts. NULL: MEMORY is set. */
    void *(*alloc)(size_t bytes);
    void (*free)(void *);

    /* In exec: the type becomes usable. NULL: MEMORY, VALUE (what is wrong with the spec). It lives as long as the module. */
    struct module_type *(*type_ready)(struct module *, const struct module_type_spec *);
    struct obj *(*object_new)(struct module_type *);                      /* new */
    void *(*object_data)(const struct obj *, const struct module_type *); /* borrowed; NULL: TYPE */

    /* A name in the module, for module_get of who loaded it. */
    int (*add)(struct module *, const char *name, struct obj *value);

    /* Between the two the thread touches no object and calls nothing else here; it may block or compute, and holds up nobody; the
     * module's lock is given up. The value of begin goes to end. */
    void *(*threads_begin)(void);
    void (*threads_end)(void *);
    /* In long loops, holding no borrowed reference to what others can change. */
    void (*safepoint)(void);
};

enum { MODULE_ERROR_TEXT = 120 }; /* bytes of an error's text, the closing 0 included */

#endif
