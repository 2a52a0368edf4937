/*
 * str.c -- immutable byte strings and the growing text buffer.
 *
 * Hash: 8 bytes at a time, each mixed in by a 64 x 64 -> 128 bit multiplication whose halves are folded together. The
 * length is part of the seed, so the zeros that fill the last word tell nothing wrong.
 * Memory order: relaxed throughout; the only atomic is the lazily computed hash, see str.h.
 */
#include "str.h"

enum { STRBUF_FIRST = 64 };

static size_t str_bytes_of(size_t length) { return offsetof(struct str, bytes) + length + 1; }

/* Room for `length` bytes, closed by 0, contents to be written by the caller. */
static struct str *str_alloc(size_t length)
{
    if (unlikely(length > PTRDIFF_MAX - sizeof(struct str) - 1))
        return err_memory();
    struct str *s = obj_alloc(&str_type, str_bytes_of(length));
    if (unlikely(!s))
        return NULL;
    atomic_init(&s->hash, 0);
    s->length = length;
    s->bytes[length] = 0;
    return s;
}

API struct obj *str_new(const char *bytes, size_t length)
{
    struct str *s = str_alloc(length);
    if (unlikely(!s))
        return NULL;
    if (length > 0) /* bytes may then be NULL */
        memcpy(s->bytes, bytes, length);
    return &s->base;
}

API struct obj *str_from(const char *c_string) { return str_new(c_string, strlen(c_string)); }

API struct obj *str_concat(struct obj *a, struct obj *b)
{
    const struct str *x = obj_as(a, &str_type), *y = x ? obj_as(b, &str_type) : NULL;
    if (!y)
        return NULL;
    struct str *s = str_alloc(x->length + y->length); /* no overflow: both lie in memory */
    if (!s)
        return NULL;
    memcpy(s->bytes, x->bytes, x->length);
    memcpy(s->bytes + x->length, y->bytes, y->length);
    return &s->base;
}

/* A position counted from the end when negative, clipped to 0 … length. */
static size_t str_clip(int64_t at, size_t length)
{
    int64_t end = (int64_t)length;
    if (at < 0)
        at = at < -end ? 0 : at + end;
    return (size_t)(at > end ? end : at);
}

API struct obj *str_slice(struct obj *o, int64_t from, int64_t to)
{
    struct str *s = obj_as(o, &str_type);
    if (!s)
        return NULL;
    size_t first = str_clip(from, s->length), end = str_clip(to, s->length);
    if (first == 0 && end == s->length)
        return obj_incref(&s->base);
    return str_new(s->bytes + first, end > first ? end - first : 0);
}

API int64_t str_length(const struct obj *o)
{
    const struct str *s = obj_as(o, &str_type);
    return s ? (int64_t)s->length : -1;
}

API const char *str_bytes(const struct obj *o)
{
    const struct str *s = obj_as(o, &str_type);
    return s ? s->bytes : NULL;
}

/* --- slots --- */

static void str_dealloc(struct obj *o) { obj_free(o, str_bytes_of(((struct str *)o)->length)); }

INLINE uint64_t str_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Never 0 (not computed) nor -1 (no slot's hash). */
static int64_t str_compute_hash(const char *bytes, size_t length)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15); /* 2^64 / golden ratio */
    uint64_t h = length * odd ^ UINT64_C(0xd1b54a32d192ed03), word;
    for (; length >= sizeof word; bytes += sizeof word, length -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        h = str_mix(h ^ word, odd);
    }
    word = 0;
    memcpy(&word, bytes, length);
    h = str_mix(h ^ word, odd);
    h = str_mix(h ^ h >> 32, UINT64_C(0xa0761d6478bd642f)); /* so that short strings reach the low bits too */
    return h == 0 ? 1 : h == UINT64_MAX ? -2 : (int64_t)h;
}

static int str_hash(struct obj *o, int64_t *hash)
{
    struct str *s = (struct str *)o;
    /* relaxed: 0 or the one right value, nothing else hangs on it */
    *hash = atomic_load_explicit(&s->hash, memory_order_relaxed);
    if (unlikely(*hash == 0)) {
        *hash = str_compute_hash(s->bytes, s->length);
        atomic_store_explicit(&s->hash, *hash, memory_order_relaxed); /* relaxed: every writer stores the same word */
    }
    return 0;
}

static bool str_hashes_differ(const struct str *a, const struct str *b)
{
    int64_t x = atomic_load_explicit(&a->hash, memory_order_relaxed); /* relaxed: as in str_hash */
    int64_t y = atomic_load_explicit(&b->hash, memory_order_relaxed); /* relaxed: as in str_hash */
    return x != 0 && y != 0 && x != y;
}

static int str_equal(struct obj *a, struct obj *b)
{
    const struct str *x = (struct str *)a, *y = obj_if(b, &str_type);
    if (x == y)
        return 1;
    if (!y || x->length != y->length || str_hashes_differ(x, y))
        return 0;
    return memcmp(x->bytes, y->bytes, x->length) == 0;
}

static int str_less(struct obj *a, struct obj *b)
{
    const struct str *x = (struct str *)a, *y = obj_if(b, &str_type);
    if (!y)
        return err_unordered(a, b);
    int order = memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
    return order < 0 || (order == 0 && x->length < y->length);
}

/* How one byte is written inside quotes, into text; its length. Bytes from 0x80 on pass: UTF-8 stays readable. */
static size_t str_escape(unsigned char c, char quote, char text[8])
{
    static const char letter[] = {['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    text[0] = '\\';
    if (c == (unsigned char)quote || c == '\\') {
        text[1] = (char)c;
        return 2;
    }
    if (c < sizeof letter && letter[c]) {
        text[1] = letter[c];
        return 2;
    }
    if (c < 0x20 || c == 0x7f)
        return (size_t)snprintf(text, 8, "\\x%02x", c);
    text[0] = (char)c;
    return 1;
}

/* As Python: single quotes, unless the text has some and no double ones. */
static int str_repr(struct obj *o, struct strbuf *b, int depth)
{
    const struct str *s = (struct str *)o;
    char quote = memchr(s->bytes, '\'', s->length) && !memchr(s->bytes, '"', s->length) ? '"' : '\'';
    char text[8];
    size_t before = b->length;
    (void)depth;
    int failed = strbuf_add(b, &quote, 1);
    for (size_t i = 0; i < s->length && !failed; i++)
        failed = strbuf_add(b, text, str_escape((unsigned char)s->bytes[i], quote, text));
    if (!failed)
        failed = strbuf_add(b, &quote, 1);
    if (failed)
        b->length = before;
    return failed;
}

static const struct type str_type = {
    .name = "str", .flags = TYPE_EXACT, .dealloc = str_dealloc, .hash = str_hash, .equal = str_equal, .less = str_less,
    .repr = str_repr,
    .size = {.fixed = offsetof(struct str, bytes) + 1, .each = 1, .count_at = offsetof(struct str, length)},
};

/* --- strbuf --- */

/* Room for `more` bytes after the text. */
SLOW int strbuf_grow(struct strbuf *b, size_t more)
{
    size_t room = b->room ? b->room : STRBUF_FIRST;
    while (room - b->length < more && room <= PTRDIFF_MAX / 2)
        room *= 2;
    char *bytes = room - b->length < more ? NULL : os_realloc(b->bytes, room);
    if (!bytes) {
        err_memory();
        return -1;
    }
    b->bytes = bytes;
    b->room = room;
    return 0;
}

API int strbuf_add(struct strbuf *b, const char *bytes, size_t length)
{
    if (unlikely(b->room - b->length < length) && strbuf_grow(b, length) != 0)
        return -1;
    if (length > 0) /* b->bytes may then be NULL */
        memcpy(b->bytes + b->length, bytes, length);
    b->length += length;
    return 0;
}

API int strbuf_add_text(struct strbuf *b, const char *c_string) { return strbuf_add(b, c_string, strlen(c_string)); }

API struct obj *strbuf_finish(struct strbuf *b)
{
    struct obj *s = str_new(b->bytes, b->length);
    strbuf_drop(b);
    return s;
}

API void strbuf_drop(struct strbuf *b)
{
    os_free(b->bytes);
    *b = (struct strbuf){0};
}

API int strbuf_add_repr(struct strbuf *b, struct obj *o, int depth)
{
    char text[96];
    if (depth > OBJ_DEPTH_MAX) {
        err_set(ERR_RECURSION, "nested too deeply to print", 0, 0);
        return -1;
    }
    if (o->type->repr)
        return o->type->repr(o, b, depth);
    snprintf(text, sizeof text, "<%.60s at %p>", o->type->name, (void *)o);
    return strbuf_add_text(b, text);
}
