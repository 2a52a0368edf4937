/*
 * weak-dict.c -- a dict with weak values: two threads at one key while its value lives or dies.
 *
 * Where from: FIELD.md 3.20, objects/weakdict.h (a key whose value is gone is missing to everybody; setdefault is atomic). Goes wrong when
 * a get upgrades what is dead, when two that meet a dead entry both take it out, when two setdefaults both insert, or when who
 * replaces a dead value takes out the new one.
 * Checked: what is got lives; one value for all who ask; how many entries there are in the end. Main makes the dict and the weak
 * reference.
 */
#include "../../objects/number.h"
#include "../../objects/weakdict.h"
#include "things.h"

static struct {
    struct obj *dict, *key, *value[2], *got[2]; /* key: a cached int, which nobody counts */
    int result[2];
} wd;

/* `dead`: nobody holds the first value, whose entry is there; else A alone does. The second is B's. */
static void wd_setup_entry(bool dead)
{
    memset(&wd, 0, sizeof wd);
    wd.dict = weakdict_new();
    wd.key = int_new(1);
    for (int i = 0; i < 2; i++) {
        scenario_act_as(i);
        wd.value[i] = thing_new(i + 1);
    }
    scenario_act_as(-1);
    EXPLORE_CHECK(weakdict_set(wd.dict, wd.key, wd.value[0]) == 0);
    scenario_act_as(0);
    if (dead)
        obj_decref(wd.value[0]);
    thing_unbias(wd.dict);
}
static void wd_setup(void) { wd_setup_entry(false); }
static void wd_setup_dead(void) { wd_setup_entry(true); }
static void wd_setup_empty(void)
{
    wd_setup();
    EXPLORE_CHECK(weakdict_del(wd.dict, wd.key) == 0);
}

static void wd_get(int who)
{
    wd.result[who] = weakdict_get(wd.dict, wd.key, &wd.got[who]);
    if (wd.result[who] == 1)
        thing_value(wd.got[who]);
}
static void wd_get_a(void) { wd_get(0); }
static void wd_get_b(void) { wd_get(1); }
static void wd_drop_value(void) { obj_decref(wd.value[0]); }
static void wd_default(int who)
{
    wd.result[who] = weakdict_setdefault(wd.dict, wd.key, wd.value[who], &wd.got[who]);
    thing_value(wd.got[who]);
}
static void wd_default_a(void) { wd_default(0); }
static void wd_default_b(void) { wd_default(1); }

static void wd_drop(void)
{
    obj_decref(wd.value[1]);
    for (int i = 0; i < 2; i++)
        obj_xdecref(wd.got[i]);
    obj_decref(wd.dict);
}
static void wd_check_got(void)
{
    EXPLORE_CHECK(wd.result[1] == (wd.got[1] != NULL) && (!wd.got[1] || wd.got[1] == wd.value[0]));
    EXPLORE_CHECK(table_used(&((struct weakdict *)wd.dict)->table) <= 1);
    wd_drop();
}
/* Late frees: it may still have been there. */
static void wd_check_missing(void)
{
    if (!RC_DEFERS_FREE)
        EXPLORE_CHECK(!wd.got[0] && !wd.got[1] && table_used(&((struct weakdict *)wd.dict)->table) == 0);
    wd_drop();
}
static void wd_check_one_value(void)
{
    EXPLORE_CHECK(wd.result[0] + wd.result[1] == 1); /* one inserted, the other found */
    EXPLORE_CHECK(wd.got[0] == wd.got[1] && wd.got[0] == wd.value[wd.result[0]] && weakdict_length(wd.dict) == 1);
    obj_decref(wd.value[0]);
    wd_drop();
}
/* What B got is the value that died, just before, or its own, which is in the dict then. */
static void wd_check_replaced(void)
{
    struct obj *now;
    int found = weakdict_get(wd.dict, wd.key, &now);
    EXPLORE_CHECK(wd.got[1] == wd.value[wd.result[1] == 0] && found == 1 && now == wd.got[1]);
    obj_decref(now);
    wd_drop();
}

#define WEAK_DICT(symbol, title, asked, prepare, after, ...)                                                           \
    static const struct scenario symbol = {                                                                            \
        .name = title, .summary = asked, .source = "FIELD.md 3.20; objects/weakdict.h", .setup = prepare,              \
        .thread = {__VA_ARGS__}, .check = after,                                                                       \
    };                                                                                                                 \
    SCENARIO(symbol)
WEAK_DICT(wd_get_drop, "weak-dict-get", "a get while the value's last reference is dropped", wd_setup, wd_check_got, wd_drop_value, wd_get_b);
WEAK_DICT(wd_gets, "weak-dict-get-dead", "two gets meet an entry whose value is dead", wd_setup_dead, wd_check_missing, wd_get_a, wd_get_b);
WEAK_DICT(wd_defaults, "weak-dict-setdefault", "setdefault of one key by two threads: one value", wd_setup_empty, wd_check_one_value,
          wd_default_a, wd_default_b);
WEAK_DICT(wd_replace, "weak-dict-setdefault-dead", "setdefault while the value's last reference is dropped", wd_setup, wd_check_replaced,
          wd_drop_value, wd_default_b);
WEAK_DICT(wd_replace_get, "weak-dict-replace-get", "a setdefault and a get meet an entry whose value is dead", wd_setup_dead,
          wd_check_replaced, wd_get_a, wd_default_b);
