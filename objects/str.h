/*
 * str.h -- immutable byte strings (UTF-8 by convention), hash computed when first asked for.
 *
 * The hash is written by whoever computes it first, and by others that compute it at the same time: always the same value, by
 * relaxed stores of one 64-bit word. A reader sees 0 (compute it) or the value; nothing else hangs on it.
 */
#ifndef OBJECTS_STR_H
#define OBJECTS_STR_H

#include "object.h"

struct str {
    struct obj base;
    _Atomic int64_t hash; /* 0: not computed yet (a hash of 0 is stored as 1) */
    size_t length;        /* bytes, without the closing 0 */
    char bytes[];
};

static const struct type str_type;

/* New references, or NULL: ERR_MEMORY, ERR_TYPE. `bytes` is copied and may hold zero bytes. */
API struct obj *str_new(const char *bytes, size_t length);
API struct obj *str_from(const char *c_string);
API struct obj *str_concat(struct obj *a, struct obj *b);
API struct obj *str_slice(struct obj *s, int64_t from, int64_t to); /* bytes; bounds are clipped as in Python */
/* Bytes, or -1: ERR_TYPE. */
API int64_t str_length(const struct obj *s);
/* Borrowed bytes, closed by 0, good as long as the object; NULL: ERR_TYPE. */
API const char *str_bytes(const struct obj *s);

/* A growing text; starts as {0}; free with strbuf_drop. */
struct strbuf {
    char *bytes;
    size_t length, room;
};
API int strbuf_add(struct strbuf *b, const char *bytes, size_t length); /* 0, or -1: ERR_MEMORY, nothing added */
API int strbuf_add_text(struct strbuf *b, const char *c_string);
API struct obj *strbuf_finish(struct strbuf *b); /* new str; the buffer is dropped in any case */
API void strbuf_drop(struct strbuf *b);
/* Appends the representation of `o` (depth: levels above it); 0 or -1. */
API int strbuf_add_repr(struct strbuf *b, struct obj *o, int depth);

#endif
