/*
 * build.h -- what the tests of objects share: objects made from C values, their texts, keys with a behaviour of their own.
 *
 * own() keeps a new reference until drop_owned(), with which a test that uses it ends; what own, and all that is built on
 * it, returns is borrowed until then. Main thread only, since it asserts.
 */
#ifndef TESTS_BUILD_H
#define TESTS_BUILD_H

#include "../objects/dict.h"
#include "../objects/iter.h"
#include "../objects/list.h"
#include "../objects/number.h"
#include "../objects/set.h"
#include "../objects/str.h"
#include "../objects/tuple.h"
#include "harness.h"

static struct {
    struct obj **item;
    size_t length, room;
} build_owned;

/* Takes over a new reference, which must not be NULL. Never allocates through os.h: no fault plan sees it. */
API struct obj *own(struct obj *o)
{
    char message[200];
    if (!o)
        fprintf(stderr, "NULL after %s\n", err_format(message, sizeof message));
    cr_assert_not_null(o);
    if (build_owned.length == build_owned.room) {
        build_owned.room = build_owned.room * 2 + 64;
        build_owned.item = realloc(build_owned.item, build_owned.room * sizeof *build_owned.item);
        if (!build_owned.item)
            die("own", ENOMEM);
    }
    return build_owned.item[build_owned.length++] = o;
}

/* Drops what has been owned since `build_owned.length` was `mark`. */
API void drop_owned_since(size_t mark)
{
    while (build_owned.length > mark)
        obj_decref(build_owned.item[--build_owned.length]);
}

API void drop_owned(void)
{
    drop_owned_since(0);
    free(build_owned.item);
    build_owned.item = NULL;
    build_owned.room = 0;
}

/* --- objects from C values, owned --- */

API struct obj *num(int64_t value) { return own(int_new(value)); }
API struct obj *real(double value) { return own(float_new(value)); }
API struct obj *text(const char *s) { return own(str_from(s)); }
API struct obj *big(const char *digits) { return own(int_parse(digits, strlen(digits))); }

/* A list or tuple of ints and other objects, from arrays. */
API struct obj *list_of_array(const int64_t *value, size_t length)
{
    struct obj *l = own(list_new(length));
    for (size_t i = 0; i < length; i++)
        cr_assert_eq(list_append(l, num(value[i])), 0);
    return l;
}
#define list_of_ints(...) \
    list_of_array((const int64_t[]){__VA_ARGS__}, sizeof(const int64_t[]){__VA_ARGS__} / sizeof(int64_t))
#define list_of(...) \
    own(list_from((struct obj *[]){__VA_ARGS__}, sizeof(struct obj *[]){__VA_ARGS__} / sizeof(struct obj *)))
#define tuple_of(...) \
    own(tuple_new((struct obj *[]){__VA_ARGS__}, sizeof(struct obj *[]){__VA_ARGS__} / sizeof(struct obj *)))

API struct obj *list_of_range(int64_t from, int64_t to)
{
    struct obj *l = own(list_new(0));
    for (int64_t i = from; i < to; i++)
        cr_assert_eq(list_append(l, num(i)), 0);
    return l;
}

API struct obj *set_of_range(int64_t from, int64_t to)
{
    struct obj *s = own(set_new(0));
    for (int64_t i = from; i < to; i++)
        cr_assert_eq(set_add(s, num(i)), 1);
    return s;
}

/* {from: -from, …} */
API struct obj *dict_of_range(int64_t from, int64_t to)
{
    struct obj *d = own(dict_new(0));
    for (int64_t i = from; i < to; i++)
        cr_assert_eq(dict_set(d, num(i), num(-i)), 0);
    return d;
}

/* --- looking at objects --- */

/* Its representation, good until drop_owned. */
API const char *shown(struct obj *o) { return str_bytes(own(obj_repr(o))); }

API int64_t value_of(struct obj *o)
{
    int64_t value = 0;
    cr_assert_eq(int_value(o, &value), 0);
    return value;
}

API int64_t hash_of(struct obj *o)
{
    int64_t hash = 0;
    cr_assert_eq(obj_hash(o, &hash), 0);
    return hash;
}

/* The thread's last error is of that kind and its text contains `part`. Clears it. */
API bool raised(enum err code, const char *part)
{
    char message[300];
    bool right = err_code() == code && strstr(err_format(message, sizeof message), part);
    if (!right)
        fprintf(stderr, "raised \"%s\", expected %s with \"%s\"\n",
                err_format(message, sizeof message), err_name(code), part);
    err_take();
    return right;
}

/* How many references there are to it. No other thread is attached. */
API int64_t count_of(struct obj *o)
{
    rc_drain();
    return rc_count_stw(&o->rc);
}

/* Live objects once everything deferred is done. No other thread is attached. */
API int64_t live_now(void)
{
    rc_drain();
    return heap_live();
}

/* Nobody holds its lock (an error branch must leave it so, FIELD.md 3.3), nor is the depth of nesting counted up. */
API bool is_released(struct obj *o)
{
    struct lock *l = obj_is(o, &list_type)   ? &((struct list *)o)->lock
                     : obj_is(o, &dict_type) ? &((struct dict *)o)->lock
                     : obj_is(o, &set_type)  ? &((struct set *)o)->lock
                                             : &((struct iter *)o)->lock;
    if (heap_self()->depth != 0 || !lock_try(l))
        return false;
    lock_release(l);
    return true;
}

/* --- keys: a type of the user's, whose callbacks run what a test arms them with --- */

/* Equal by id; hashed and ordered by group, so one group is one chain of collisions, and a sort's ties. */
struct key {
    struct obj base;
    int64_t id, group;
};

/* Each runs once, at the `after`-th call from now (1: the next), then disarms itself. -1 makes the callback fail. */
struct key_hook {
    int (*run)(void);
    int after;
};
static struct key_hook key_at_compare, key_at_hash, key_at_repr; /* compare: equal and less */
static int (*key_at_finalize)(void); /* for each; on any thread: change it only when drained */

static int key_hook_run(struct key_hook *h)
{
    if (!h->run || --h->after > 0)
        return 0;
    int (*run)(void) = h->run;
    h->run = NULL;
    return run();
}

/* For hooks: the error that a user's callback raises. */
API int key_fails(void)
{
    err_set(ERR_VALUE, "key refuses", 0, 0);
    return -1;
}

static int key_hash(struct obj *o, int64_t *hash)
{
    *hash = ((struct key *)o)->group;
    return key_hook_run(&key_at_hash);
}

static const struct type key_type;

static int key_equal(struct obj *a, struct obj *b)
{
    const struct key *x = (struct key *)a, *y = (struct key *)b;
    if (key_hook_run(&key_at_compare) != 0)
        return -1;
    return obj_is(b, &key_type) && x->id == y->id && x->group == y->group;
}

static int key_less(struct obj *a, struct obj *b)
{
    if (key_hook_run(&key_at_compare) != 0)
        return -1;
    return obj_expect(b, &key_type) ? ((struct key *)a)->group < ((struct key *)b)->group : -1;
}

static int key_repr(struct obj *o, struct strbuf *b, int depth)
{
    char s[48];
    (void)depth;
    snprintf(s, sizeof s, "<%lld.%lld>", (long long)((struct key *)o)->group, (long long)((struct key *)o)->id);
    return key_hook_run(&key_at_repr) != 0 ? -1 : strbuf_add_text(b, s);
}

static void key_finalize(struct obj *o)
{
    (void)o;
    if (key_at_finalize)
        key_at_finalize();
}

static void key_dealloc(struct obj *o) { obj_free(o, sizeof(struct key)); }

static const struct type key_type = {
    .name = "key", .dealloc = key_dealloc, .finalize = key_finalize, .hash = key_hash, .equal = key_equal, .less = key_less,
    .repr = key_repr,
};

/* New reference. */
API struct obj *key_new(int64_t group, int64_t id)
{
    struct key *k = obj_alloc(&key_type, sizeof *k);
    if (k) {
        k->id = id;
        k->group = group;
    }
    return k ? &k->base : NULL;
}
API struct obj *key(int64_t group, int64_t id) { return own(key_new(group, id)); }

/* Every reference that the object says it holds. */
static int count_visit(struct obj *child, void *count)
{
    (*(int *)count)++;
    return child == NULL;
}
API int children_of(struct obj *o)
{
    int count = 0;
    cr_assert_eq(o->type->traverse(o, count_visit, &count), 0);
    return count;
}

/* --- random draws, from a fixed seed --- */

static uint64_t build_seed;
API uint64_t draw(void) { return work_random(&build_seed); }
/* 0 … below - 1 */
API int64_t draw_below(int64_t below) { return (int64_t)(draw() % (uint64_t)below); }

/* --- what dict and set are compared with: keys in the order of their insertion --- */

enum { ORDER_KEYS = 80 }; /* key k is kinds[k % 5]: int, str, keys that all collide, tuple, ints alike in their low bits */

struct order_model {
    int64_t key[ORDER_KEYS], value[ORDER_KEYS];
    int64_t length;
};

/* The object for key number k, a new one each time; owned. */
API struct obj *order_key(int64_t k)
{
    char name[32];
    snprintf(name, sizeof name, "key %lld", (long long)k);
    switch (k % 5) {
    case 0: return num(k);
    case 1: return text(name);
    case 2: return key(7, k);
    case 3: return tuple_of(num(k), text(name));
    default: return num(k << 40);
    }
}

/* -1: not there. */
API int64_t order_find(const struct order_model *m, int64_t k)
{
    for (int64_t i = 0; i < m->length; i++)
        if (m->key[i] == k)
            return i;
    return -1;
}

API void order_put(struct order_model *m, int64_t k, int64_t value)
{
    int64_t at = order_find(m, k);
    if (at < 0) {
        at = m->length++;
        m->key[at] = k;
    }
    m->value[at] = value;
}

API void order_delete(struct order_model *m, int64_t k)
{
    int64_t at = order_find(m, k);
    if (at < 0)
        return;
    m->length--;
    for (int64_t i = at; i < m->length; i++) {
        m->key[i] = m->key[i + 1];
        m->value[i] = m->value[i + 1];
    }
}

#endif
