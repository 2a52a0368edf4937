/*
 * maps.h -- hash tables of others, from integers to reference-counted objects: liburcu's (lfht), Concurrency Kit's (ckht).
 *
 * Keys are words, which both compare without calling anybody; ours are objects with a hash slot. The tables are made as large as
 * they will be. Functions return as those of ConcurrentDict; a value comes with a new reference. See limbo.h.
 */
#ifndef CONTENDERS_MAPS_H
#define CONTENDERS_MAPS_H

#include "ck.h"
#include "limbo.h"
#include "locks.h"
#include <urcu/rculfhash.h>
#ifdef HAVE_CK
#include <ck_ht.h>
#endif

/* Both want hashes that are spread already: splitmix64's last steps. */
INLINE uint64_t maps_mix(uint64_t key) { return work_random(&key); }

/* --- liburcu: split-ordered lists (Shalev and Shavit), all operations lock-free --- */

extern const struct rcu_flavor_struct urcu_memb_flavor;

struct lfht_node {
    struct cds_lfht_node node;
    int64_t key;
    struct obj *value; /* owned */
};

API struct cds_lfht *lfht_new(int64_t keys)
{
    unsigned long buckets = 1;
    while (buckets < (unsigned long)keys)
        buckets *= 2;
    struct cds_lfht *table = cds_lfht_new_flavor(buckets, buckets, buckets, 0, &urcu_memb_flavor, NULL);
    return table ? table : err_memory();
}

static int lfht_match(struct cds_lfht_node *node, const void *key)
{
    OS_ACQUIRES(node); /* of lfht_add */
    return ((struct lfht_node *)node)->key == *(const int64_t *)key;
}

/* Inside a read section; NULL: none. */
INLINE struct lfht_node *lfht_find(struct cds_lfht *table, int64_t key)
{
    struct cds_lfht_iter at;
    cds_lfht_lookup(table, maps_mix((uint64_t)key), lfht_match, &key, &at);
    return (struct lfht_node *)cds_lfht_iter_get_node(&at);
}

/* NULL: no memory. */
INLINE struct lfht_node *lfht_node(int64_t key, struct obj *value)
{
    struct lfht_node *n = os_alloc(sizeof *n);
    if (unlikely(!n))
        return err_memory();
    cds_lfht_node_init(&n->node);
    n->key = key;
    n->value = obj_incref(value);
    OS_RELEASES(&n->node);
    return n;
}

API int lfht_get(struct cds_lfht *table, int64_t key, struct obj **value)
{
    os_rcu_read_lock();
    struct lfht_node *n = lfht_find(table, key);
    *value = n ? obj_incref(n->value) : NULL;
    os_rcu_read_unlock();
    return n != NULL;
}

API int lfht_set(struct cds_lfht *table, struct limbo *l, int64_t key, struct obj *value)
{
    struct lfht_node *n = lfht_node(key, value);
    if (unlikely(!n))
        return -1;
    os_rcu_read_lock();
    struct lfht_node *old =
        (struct lfht_node *)cds_lfht_add_replace(table, maps_mix((uint64_t)key), lfht_match, &key, &n->node);
    os_rcu_read_unlock();
    if (old)
        limbo_put(l, old, old->value);
    return 0;
}

API int lfht_setdefault(struct cds_lfht *table, int64_t key, struct obj *value, struct obj **found)
{
    if (lfht_get(table, key, found)) /* without memory for a node, as one does */
        return 1;
    struct lfht_node *n = lfht_node(key, value);
    if (unlikely(!n))
        return -1;
    os_rcu_read_lock();
    struct lfht_node *there =
        (struct lfht_node *)cds_lfht_add_unique(table, maps_mix((uint64_t)key), lfht_match, &key, &n->node);
    *found = there == n ? obj_incref(value) : obj_incref(there->value);
    os_rcu_read_unlock();
    if (there == n)
        return 0;
    obj_decref(value);
    os_free(n);
    return 1;
}

API int lfht_pop(struct cds_lfht *table, struct limbo *l, int64_t key, struct obj **value)
{
    os_rcu_read_lock();
    struct lfht_node *n = lfht_find(table, key);
    bool mine = n && cds_lfht_del(table, &n->node) == 0;
    *value = mine ? obj_incref(n->value) : NULL;
    os_rcu_read_unlock();
    if (mine)
        limbo_put(l, n, n->value);
    return mine;
}

/* When no thread uses it any more. */
API void lfht_free(struct cds_lfht *table, struct limbo *l)
{
    struct cds_lfht_iter at;
    os_rcu_read_lock();
    cds_lfht_first(table, &at);
    for (struct cds_lfht_node *n; (n = cds_lfht_iter_get_node(&at)) != NULL;) {
        cds_lfht_next(table, &at);
        cds_lfht_del(table, n);
        os_rcu_read_unlock();
        limbo_put(l, n, ((struct lfht_node *)n)->value);
        os_rcu_read_lock();
    }
    os_rcu_read_unlock();
    limbo_empty(l);
    int error = cds_lfht_destroy(table, NULL);
    if (error)
        die("cds_lfht_destroy", -error);
}

#ifdef HAVE_CK
/* --- Concurrency Kit: open addressing; any number of readers without a lock, one writer: a mutex --- */

struct ckht {
    ck_ht_t table;
    struct os_mutex writer;
};

/* A table that ck has left and readers may be in: kept until the end. Under the writer's mutex. */
struct ckht_block {
    _Alignas(16) struct ckht_block *next;
};
static struct ckht_block *ckht_left;

static void *ckht_alloc(size_t bytes)
{
    struct ckht_block *b = os_alloc(sizeof *b + bytes);
    return b ? b + 1 : NULL;
}
static void ckht_release(void *memory, size_t bytes, bool defer)
{
    (void)bytes;
    struct ckht_block *b = (struct ckht_block *)memory - 1;
    if (!defer) {
        os_free(b);
        return;
    }
    b->next = ckht_left;
    ckht_left = b;
}
static void *ckht_realloc(void *memory, size_t old, size_t bytes, bool defer)
{
    (void)memory, (void)old, (void)bytes, (void)defer;
    return NULL; /* never called for a ck_ht */
}
static struct ck_malloc ckht_memory = {ckht_alloc, ckht_realloc, ckht_release};

API struct ckht *ckht_new(int64_t keys, uint64_t seed)
{
    struct ckht *t = os_alloc_zeroed(1, sizeof *t);
    if (t && ck_ht_init(&t->table, CK_HT_MODE_DIRECT | CK_HT_WORKLOAD_DELETE, NULL, &ckht_memory, (uint64_t)keys * 2 + 2, seed)) {
        os_mutex_init(&t->writer);
        return t;
    }
    os_free(t);
    return err_memory();
}

/* The key as ck wants it, which keeps 0 and ~0 for itself. */
INLINE uintptr_t ckht_key(int64_t key) { return (uintptr_t)key + 1; }
INLINE ck_ht_hash_t ckht_hash(struct ckht *t, int64_t key)
{
    ck_ht_hash_t hash;
    ck_ht_hash_direct(&hash, &t->table, ckht_key(key));
    return hash;
}
/* New reference, or NULL. Inside a read section, or as the writer. */
INLINE struct obj *ckht_find(struct ckht *t, int64_t key, ck_ht_hash_t hash)
{
    ck_ht_entry_t e;
    ck_ht_entry_key_set_direct(&e, ckht_key(key));
    return ck_ht_get_spmc(&t->table, hash, &e) ? obj_incref((struct obj *)ck_ht_entry_value_direct(&e)) : NULL;
}

API int ckht_get(struct ckht *t, int64_t key, struct obj **value)
{
    ck_ht_hash_t hash = ckht_hash(t, key);
    os_rcu_read_lock();
    *value = ckht_find(t, key, hash);
    os_rcu_read_unlock();
    return *value != NULL;
}

API int ckht_set(struct ckht *t, struct limbo *l, int64_t key, struct obj *value)
{
    ck_ht_entry_t e;
    ck_ht_hash_t hash = ckht_hash(t, key);
    ck_ht_entry_set_direct(&e, hash, ckht_key(key), (uintptr_t)value);
    obj_incref(value);
    native_lock(&t->writer);
    bool done = ck_ht_set_spmc(&t->table, hash, &e);
    os_unlock(&t->writer);
    if (unlikely(!done)) {
        obj_decref(value);
        err_memory();
        return -1;
    }
    if (!ck_ht_entry_empty(&e))
        limbo_put(l, NULL, (struct obj *)ck_ht_entry_value_direct(&e));
    return 0;
}

API int ckht_setdefault(struct ckht *t, int64_t key, struct obj *value, struct obj **found)
{
    if (ckht_get(t, key, found))
        return 1;
    ck_ht_entry_t e;
    ck_ht_hash_t hash = ckht_hash(t, key);
    ck_ht_entry_set_direct(&e, hash, ckht_key(key), (uintptr_t)value);
    native_lock(&t->writer);
    *found = ckht_find(t, key, hash); /* (its table is the writer's: nothing goes meanwhile) */
    bool there = *found != NULL, done = there || ck_ht_put_spmc(&t->table, hash, &e);
    if (!there && done)
        *found = obj_incref(obj_incref(value)); /* the table's, and the caller's */
    os_unlock(&t->writer);
    if (!done)
        err_memory();
    return done ? there : -1;
}

API int ckht_pop(struct ckht *t, struct limbo *l, int64_t key, struct obj **value)
{
    ck_ht_entry_t e;
    ck_ht_hash_t hash = ckht_hash(t, key);
    ck_ht_entry_key_set_direct(&e, ckht_key(key));
    native_lock(&t->writer);
    bool there = ck_ht_remove_spmc(&t->table, hash, &e);
    os_unlock(&t->writer);
    *value = there ? obj_incref((struct obj *)ck_ht_entry_value_direct(&e)) : NULL;
    if (there)
        limbo_put(l, NULL, *value);
    return there;
}

/* When no thread uses it any more. */
API void ckht_free(struct ckht *t)
{
    ck_ht_iterator_t at = CK_HT_ITERATOR_INITIALIZER;
    for (ck_ht_entry_t *e; ck_ht_next(&t->table, &at, &e);)
        obj_decref((struct obj *)ck_ht_entry_value_direct(e));
    ck_ht_destroy(&t->table);
    for (struct ckht_block *b; (b = ckht_left) != NULL; os_free(b))
        ckht_left = b->next;
    os_mutex_drop(&t->writer);
    os_free(t);
}
#endif

#endif
