/*
 * concurrent_dict.h -- ConcurrentDict: a mapping for many threads at once (ft_utils' ConcurrentDict). Any key whose type has hash and equal.
 *
 * The entries lie in 2^bits shards, each a hash table (table.h) under a lock of its own. The hash is mixed first, and the mixed one's
 * upper bits choose the shard: whatever the stride of the keys, the shards fill alike.
 *
 *     mixed hash   | bits: which shard | … |          one bit more: shard i is divided into 2i and 2i + 1
 *
 *     shards --an insertion finds its shard over-full--> next = twice as many, empty; then shard by shard, each under its lock:
 *     shard holding its entries --its entries go to next's 2i and 2i + 1--> moved, for good: who comes goes on to `next`
 *     all moved --> next takes the place of shards; the old ones stay until the dict dies (together less than the new)
 *
 * Nobody waits for a growth, but for the one shard that is being divided. Where memory is short it stops and is taken up later. A
 * shard's table grows by itself in any case.
 *
 * What is atomic. Linearizable per key: get, set, del, contains, setdefault, pop, replace, and the last step of compute and upsert. Of
 * compute and upsert: the function is called with the value that is there, holding no lock, and its result is published only if that
 * very value is there then (by identity; a reference to it is held, so no other object has its address), else it is called again
 * with the new one: no update is lost, and the function must do nothing but make a value. len, iteration, keys, values, items, clear, update and == are not atomic as a whole: they
 * take shard after shard, each at one moment; in an iteration no key comes twice, and a key that is there all the time comes once.
 * No order of insertion.
 * Not liburcu's lock-free hash table: its readers would compare keys, which may be user code, inside an RCU read section; a value
 * found there could die before it is counted; and a removed node could drop its references only after a grace period.
 * Displaced keys and values are decref'ed after the unlock. Errors of all: ERR_TYPE (not a ConcurrentDict; key unhashable), ERR_MEMORY,
 * and whatever a key's equal slot raises.
 */
#ifndef OBJECTS_CONCURRENT_DICT_H
#define OBJECTS_CONCURRENT_DICT_H

#include "table.h"

struct concurrent_shard {
    _Alignas(CACHE_LINE) struct container holder; /* no object: where the lock looks for its type (lock.h) */
    struct lock lock;
    struct table table;
    uint8_t bits;  /* of its shards */
    bool moved;    /* under the lock */
};

struct concurrent_shards {
    int bits;                                 /* there are 1 << bits */
    struct concurrent_shards *older;          /* half as many, all moved or being moved; owned */
    _Atomic(struct concurrent_shards *) next; /* where the entries of moved ones are */
    struct concurrent_shard shard[];
};

struct concurrent_dict {
    struct container base;
    _Atomic(struct concurrent_shards *) shards; /* (G1) where a search begins */
    _Atomic bool growing;                       /* (G2) one thread at a time makes them grow */
};

static const struct type concurrent_dict_type;

#define CONCURRENT_CAPACITY_MAX (INT64_C(1) << 31)

/* New, empty, with room for about that many entries, and as many shards as they will fill (0: the least).
 * NULL: ERR_VALUE (negative, or more than CONCURRENT_CAPACITY_MAX), ERR_MEMORY. */
API struct obj *concurrent_dict_new(int64_t capacity);
API int64_t concurrent_dict_length(struct obj *dict);
/* 1 and a new reference in *value; 0: no such key (*value = NULL); -1 error (*value = NULL). */
API int concurrent_dict_get(struct obj *dict, struct obj *key, struct obj **value);
API int concurrent_dict_contains(struct obj *dict, struct obj *key); /* 1, 0, -1 */
API int concurrent_dict_set(struct obj *dict, struct obj *key, struct obj *value);
API int concurrent_dict_del(struct obj *dict, struct obj *key); /* -1 with ERR_KEY: no such key */
/* The value that is there, or `value` after inserting it: new reference in *found; 1 it was there, 0 inserted, -1. */
API int concurrent_dict_setdefault(struct obj *dict, struct obj *key, struct obj *value, struct obj **found);
/* Removes: 1 and the dict's own reference in *value; 0: no such key; -1. */
API int concurrent_dict_pop(struct obj *dict, struct obj *key, struct obj **value);
/* Puts `value` (NULL: takes the key out) in the place of `expected` (by identity; NULL: there is no such key). 1; 0: that is not what is
 * there; -1. */
API int concurrent_dict_replace(struct obj *dict, struct obj *key, struct obj *expected, struct obj *value);

/* `old` is borrowed, NULL: the key is missing. New reference in *value, NULL: to be missing. 0, or -1 and an error. May be called
 * several times (see above). */
typedef int concurrent_dict_function(void *arg, struct obj *key, struct obj *old, struct obj **value);
/* The key gets the value that the function makes of its value: 1 and a new reference in *now; 0: the key is missing now; -1. */
API int concurrent_dict_compute(struct obj *dict, struct obj *key, concurrent_dict_function *function, void *arg, struct obj **now);
/* compute, but a missing key gets `initial`, and the function is called for a value only. 1 and *now as above; -1. */
API int concurrent_dict_upsert(struct obj *dict, struct obj *key, struct obj *initial, concurrent_dict_function *function, void *arg,
                               struct obj **now);

/* Sets every pair of `other`, a dict or ConcurrentDict (itself: no change). On error some may be set, each whole. */
API int concurrent_dict_update(struct obj *dict, struct obj *other);
API int concurrent_dict_clear(struct obj *dict);
/* New lists; items holds tuples (key, value). */
API struct obj *concurrent_dict_keys(struct obj *dict);
API struct obj *concurrent_dict_values(struct obj *dict);
API struct obj *concurrent_dict_items(struct obj *dict);

/* Iteration, by one thread. It holds references to the pairs of one shard at a time. */
struct concurrent_cursor {
    struct concurrent_dict *dict; /* borrowed */
    uint64_t place;               /* up to here, of all mixed hashes */
    bool last;                    /* nothing lies beyond */
    struct table_snapshot batch;
    size_t at;
};
/* 0, or -1: ERR_TYPE. The caller keeps the dict, and ends with concurrent_dict_end, in any case but -1. */
API int concurrent_dict_begin(struct concurrent_cursor *c, struct obj *dict);
/* 1 and the next pair in *e, borrowed until the next step; 0: no more; -1: ERR_MEMORY. */
API int concurrent_dict_step(struct concurrent_cursor *c, struct table_entry *e);
API void concurrent_dict_end(struct concurrent_cursor *c);

#endif
