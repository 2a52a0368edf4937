/*
 * function.h -- what a program is made of, as objects: code, namespaces, functions, classes; and instances.
 *
 * Small, but with the references that count: a function refers to its code, its globals and its builtins, code to its constants,
 * a class to its namespace, an instance to its class and its fields. They are made for one thing: every thread uses them in every call,
 * so that their counts bounce. defer_enable (defer.h) makes one of the first four deferred, or counted by thread.
 * Nothing changes after it has been made, but for the dict in a namespace, which has its own lock; so there is no lock here, and
 * no clear slot: a cycle leads through a dict or a list, and clearing that one breaks it.
 * Counts: the references from a function to its parts and from an instance to its class are defer_incref's; all others obj_incref's.
 */
#ifndef OBJECTS_FUNCTION_H
#define OBJECTS_FUNCTION_H

#include "defer.h"

struct code {
    struct deferred base;
    struct obj *name; /* a str */
    int64_t constants;
    struct obj *constant[];
};

/* The globals of a module, or the builtins. */
struct namespace {
    struct deferred base;
    struct obj *dict;
};

struct function {
    struct deferred base;
    struct code *code;
    struct namespace *globals, *builtins;
};

/* A type that a program made. */
struct class {
    struct deferred base;
    struct obj *name; /* a str */
    struct namespace *namespace;
};

struct instance {
    struct container base;
    struct class *class;
    int64_t fields;
    struct obj *field[];
};

static const struct type code_type, namespace_type, function_type, class_type, instance_type;

/* All of them: a new reference, tracked, with ordinary counts; takes references of its own. NULL: ERR_MEMORY, ERR_TYPE. */
API struct obj *code_new(struct obj *name, struct obj *const *constants, size_t length);
API struct obj *namespace_new(void);
API struct obj *function_new(struct obj *code, struct obj *globals, struct obj *builtins);
API struct obj *class_new(struct obj *name, struct obj *namespace);
API struct obj *instance_new(struct obj *class, struct obj *const *fields, size_t length);

/* Borrowed: good as long as the namespace. */
INLINE struct obj *namespace_dict(struct obj *namespace) { return ((struct namespace *)namespace)->dict; }

#endif
