/*
 * dict.h -- a mapping with one lock; insertion-ordered as in Python; any key whose type has hash and equal.
 *
 * Invariant, under the lock: table.h's. Displaced keys and values are decref'ed after the unlock. Keys of TYPE_EXACT
 * types are compared under the lock; for any other the dict takes a new reference to the stored key, unlocks, compares, relocks, and starts again
 * when the version has changed.
 * Errors of all: ERR_TYPE (not a dict; key unhashable), ERR_MEMORY, and whatever a key's equal slot raises.
 */
#ifndef OBJECTS_DICT_H
#define OBJECTS_DICT_H

#include "table.h"

struct dict {
    struct container base;
    struct lock lock;
    struct table table;
};

static const struct type dict_type;

API struct obj *dict_new(size_t room);
API int64_t dict_length(struct obj *dict);
/* 1 and a new reference in *value; 0: no such key (*value = NULL); -1 error (*value = NULL). */
API int dict_get(struct obj *dict, struct obj *key, struct obj **value);
/* As dict_get, borrowed: good as what list_get_borrowed returns. */
API int dict_get_borrowed(struct obj *dict, struct obj *key, struct obj **value);
API int dict_contains(struct obj *dict, struct obj *key); /* 1, 0, -1 */
API int dict_set(struct obj *dict, struct obj *key, struct obj *value);
API int dict_del(struct obj *dict, struct obj *key); /* -1 with ERR_KEY: no such key */
/* The value that is there, or `value` after inserting it: new reference in *found; 1 it was there, 0 inserted, -1. Atomic. */
API int dict_setdefault(struct obj *dict, struct obj *key, struct obj *value, struct obj **found);
/* Removes: 1 and the dict's own reference in *value; 0: no such key; -1. Atomic. */
API int dict_pop(struct obj *dict, struct obj *key, struct obj **value);
/* Sets every pair of `other` (a dict; itself: no change). Not atomic as a whole, each pair is. ERR_MEMORY: none is
 * set (unless others took the room meanwhile); when an equal slot fails some may be. */
API int dict_update(struct obj *dict, struct obj *other);
API int dict_clear(struct obj *dict);
API struct obj *dict_copy(struct obj *dict);
/* New lists: a snapshot taken under the lock; items holds tuples (key, value). */
API struct obj *dict_keys(struct obj *dict);
API struct obj *dict_values(struct obj *dict);
API struct obj *dict_items(struct obj *dict);

#endif
