/*
 * err.h -- how an operation of the object runtime fails.
 *
 * A failing function returns NULL or -1 and leaves the reason in the calling thread: a code, and a message that is only
 * put together when somebody asks (a missing key in a loop costs no snprintf). The next failure overwrites it. Success
 * does not clear it. A failed operation has changed nothing and holds no reference.
 */
#ifndef OBJECTS_ERR_H
#define OBJECTS_ERR_H

#include <stddef.h>
#include <stdint.h>

enum err {
    ERR_NONE,
    ERR_MEMORY,        /* no memory */
    ERR_INDEX,         /* no such position */
    ERR_KEY,           /* no such key or item */
    ERR_TYPE,          /* an object of another type was needed, or one that can be hashed or ordered */
    ERR_OVERFLOW,      /* the value does not fit */
    ERR_VALUE,         /* right type, impossible value */
    ERR_ZERO_DIVISION, /* */
    ERR_CHANGED,       /* the container was changed while it was iterated or sorted */
    ERR_RECURSION,     /* nested too deeply to compare, hash or print */
    ERR_EMPTY,         /* nothing to take, and nothing came in time */
    ERR_FULL,          /* no room, and none came in time */
    ERR_SHUTDOWN,      /* the queue is shut down: nothing goes in, and nothing is left in it */
    ERR_CANCELLED,     /* what was waited for will not come */
    ERR_OWNER,         /* a lock is not held by who has to hold it, or is held by who wants it */
};

enum { ERR_TEXT = 120 }; /* bytes of a text that cannot be put together later (heap_thread.err_text) */

struct err_state {
    enum err code;
    const char *format;   /* a literal; takes (name, other) when name is set, else (a, b) */
    const char *name, *other;
    int64_t a, b;
};

/* An error put aside, with the text that it names if that is the thread's, which the next error may overwrite. */
struct err_kept {
    struct err_state state;
    char text[ERR_TEXT]; /* only if state.name is the thread's err_text */
};

#endif
