/*
 * concurrent-dict.c -- ConcurrentDict: two threads at one key, and at shards that are being divided.
 *
 * Where from: FT_UTILS.md (setdefault, pop and upsert are atomic per key; the dict must reshard), FIELD.md 3.17 (a resize against a
 * reader). Under the explorer there are 2 shards, at most 4, and a shard with 2 entries is over-full.
 * Checked: each result is one that some order of the operations gives; what is got lives; counts.
 */
#include "../../objects/concurrent_dict.h"
#include "../../objects/number.h"
#include "things.h"

static struct {
    struct obj *dict, *key[4], *value[2], *got[2];
    int result[2];
} shards;

/* Keys that lie in the lower half, of which the last is not in the same quarter as the others. Cached ints: nobody counts them, and
 * logs stay short. */
static void shards_find_keys(void)
{
    for (int64_t i = 0, found = 0; found < 4; i++)
        if (concurrent_mix(i) >> 62 == (uint64_t)(found == 3)) /* an int is its own hash */
            shards.key[found++] = int_new(i);
}
static void shards_setup(void)
{
    shards.dict = concurrent_dict_new(0);
    shards_find_keys();
    for (int i = 0; i < 2; i++) {
        shards.value[i] = thing_new(i + 1);
        shards.got[i] = NULL;
    }
}
static void shards_drop(void)
{
    for (int i = 0; i < 4; i++)
        obj_decref(shards.key[i]);
    for (int i = 0; i < 2; i++) {
        obj_decref(shards.value[i]);
        obj_xdecref(shards.got[i]);
    }
    obj_decref(shards.dict);
}

/* --- setdefault --- */

static void shards_default(int who)
{
    shards.result[who] = concurrent_dict_setdefault(shards.dict, shards.key[0], shards.value[who], &shards.got[who]);
    thing_value(shards.got[who]);
}
static void shards_default_a(void) { shards_default(0); }
static void shards_default_b(void) { shards_default(1); }
static void shards_check_default(void)
{
    EXPLORE_CHECK(shards.result[0] + shards.result[1] == 1); /* one inserted, the other found */
    EXPLORE_CHECK(shards.got[0] == shards.got[1] && shards.got[0] == shards.value[shards.result[0]]);
    EXPLORE_CHECK(concurrent_dict_length(shards.dict) == 1);
    shards_drop();
}
static const struct scenario dict_default = {
    .name = "concurrent-setdefault", .summary = "ConcurrentDict: setdefault of one key by two threads: one value", .source = "FT_UTILS.md",
    .setup = shards_setup, .thread = {shards_default_a, shards_default_b}, .check = shards_check_default,
};
SCENARIO(dict_default);

/* --- pop --- */

static void shards_setup_pop(void)
{
    shards_setup();
    concurrent_dict_set(shards.dict, shards.key[0], shards.value[0]);
    obj_decref(shards.value[0]); /* the dict alone holds it */
    shards.value[0] = none_get();
}
static void shards_pop(int who)
{
    struct obj *value;
    shards.result[who] = concurrent_dict_pop(shards.dict, shards.key[0], &value);
    if (value) {
        EXPLORE_CHECK(thing_value(value) == 1);
        obj_decref(value);
    }
    rt_safepoint();
}
static void shards_pop_a(void) { shards_pop(0); }
static void shards_pop_b(void) { shards_pop(1); }
static void shards_check_pop(void)
{
    EXPLORE_CHECK(shards.result[0] + shards.result[1] == 1);
    EXPLORE_CHECK(concurrent_dict_length(shards.dict) == 0);
    shards_drop();
}
static const struct scenario dict_pop_two = {
    .name = "concurrent-pop", .summary = "ConcurrentDict: pop of one key by two threads: one gets it", .source = "FT_UTILS.md",
    .setup = shards_setup_pop, .thread = {shards_pop_a, shards_pop_b}, .check = shards_check_pop,
};
SCENARIO(dict_pop_two);

static void shards_get(void)
{
    struct obj *value;
    shards.result[0] = concurrent_dict_get(shards.dict, shards.key[0], &value);
    if (value) {
        EXPLORE_CHECK(thing_value(value) == 1);
        obj_decref(value);
    }
    rt_safepoint();
}
static void shards_check_gone(void)
{
    EXPLORE_CHECK(shards.result[1] == 1 && concurrent_dict_length(shards.dict) == 0);
    shards_drop();
}
static const struct scenario dict_get_pop = {
    .name = "concurrent-get-pop", .summary = "ConcurrentDict: get against a pop that drops the last reference", .source = "FIELD.md 3.1",
    .setup = shards_setup_pop, .thread = {shards_get, shards_pop_b}, .check = shards_check_gone,
};
SCENARIO(dict_get_pop);

/* --- upsert --- */

/* Values are cached ints, whose counts nobody touches: what is looked at is who publishes. */
static int shards_add_one(void *arg, struct obj *key, struct obj *old, struct obj **value)
{
    int64_t n = 0;
    (void)arg, (void)key;
    *value = int_value(old, &n) == 0 ? int_new(n + 1) : NULL;
    return 0;
}
static void shards_upsert(void)
{
    struct obj *initial = int_new(100), *now;
    EXPLORE_CHECK(concurrent_dict_upsert(shards.dict, shards.key[0], initial, shards_add_one, NULL, &now) == 1);
    obj_decref(now);
}
static void shards_check_upsert(void)
{
    struct obj *value;
    int64_t n;
    EXPLORE_CHECK(concurrent_dict_get(shards.dict, shards.key[0], &value) == 1 && int_value(value, &n) == 0 && n == 101);
    shards_drop();
}
static const struct scenario dict_upsert = {
    .name = "concurrent-upsert", .summary = "ConcurrentDict: upsert of one key by two threads: no update is lost", .source = "FT_UTILS.md",
    .setup = shards_setup, .thread = {shards_upsert, shards_upsert}, .check = shards_check_upsert,
};
SCENARIO(dict_upsert);

/* --- growth --- */

/* One more entry makes the lower shard over-full. */
static void shards_setup_full(void)
{
    shards_setup();
    concurrent_dict_set(shards.dict, shards.key[0], shards.value[0]);
}
static void shards_insert(void) { EXPLORE_CHECK(concurrent_dict_set(shards.dict, shards.key[1], shards.value[1]) == 0); }
static void shards_read(void)
{
    struct obj *value;
    EXPLORE_CHECK(concurrent_dict_get(shards.dict, shards.key[0], &value) == 1 && thing_value(value) == 1);
    obj_decref(value);
}
static void shards_check_grown(void)
{
    for (int i = 0; i < 2; i++) {
        struct obj *value;
        EXPLORE_CHECK(concurrent_dict_get(shards.dict, shards.key[i], &value) == 1 && value == shards.value[i]);
        obj_decref(value);
    }
    EXPLORE_CHECK(concurrent_dict_length(shards.dict) == 2);
    EXPLORE_CHECK(concurrent_newest(shards.dict)->bits == 2);
    shards_drop();
}
static const struct scenario dict_grow_get = {
    .name = "concurrent-grow-get", .summary = "ConcurrentDict: get while the shards are divided", .source = "FIELD.md 3.17",
    .setup = shards_setup_full, .thread = {shards_insert, shards_read}, .check = shards_check_grown,
};
SCENARIO(dict_grow_get);

static void shards_insert_other(void) { EXPLORE_CHECK(concurrent_dict_set(shards.dict, shards.key[3], shards.value[0]) == 0); }
static void shards_check_grown_two(void)
{
    EXPLORE_CHECK(concurrent_dict_contains(shards.dict, shards.key[3]) == 1 && concurrent_dict_length(shards.dict) == 3);
    EXPLORE_CHECK(concurrent_dict_del(shards.dict, shards.key[3]) == 0);
    shards_check_grown();
}
static const struct scenario dict_grow_two = {
    .name = "concurrent-grow-two", .summary = "ConcurrentDict: two insertions, each of which makes the shards divide", .source = "FIELD.md 3.17",
    .setup = shards_setup_full, .thread = {shards_insert, shards_insert_other}, .check = shards_check_grown_two,
};
SCENARIO(dict_grow_two);

static void shards_count(void)
{
    int64_t length = concurrent_dict_length(shards.dict);
    EXPLORE_CHECK(length == 1 || length == 2);
}
static const struct scenario dict_grow_length = {
    .name = "concurrent-grow-length", .summary = "ConcurrentDict: length while the shards are divided: nothing twice, nothing missed",
    .source = "FT_UTILS.md", .setup = shards_setup_full, .thread = {shards_insert, shards_count}, .check = shards_check_grown,
};
SCENARIO(dict_grow_length);
