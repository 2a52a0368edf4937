/*
 * test_collect_live.c -- what a collection leaves alone, and that it leaves nothing behind: the words beside the slots, short memory,
 * long chains, and who listens to the stops.
 */
#include "../gc/collect.h"
#include "../objects/dict.h"
#include "../objects/list.h"
#include "../objects/number.h"
#include "../objects/tuple.h"

static void live_begin(enum track_policy track)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .track = track};
    cr_assert_eq(objects_start(&config), 0);
    gc_start();
}

static void live_count_word(struct container *c, struct track_word *word, void *dirty)
{
    cr_assert_eq(track_word(track_slot(c)), word);
    cr_assert_eq(track_container(word), c);
    *(int *)dirty += word->state != 0 || word->link;
}

/* Every word is 0 outside a collection. */
static void live_words_are_clean(void)
{
    int dirty = 0;
    thread_stop_world();
    track_for_each_stw(true, live_count_word, &dirty);
    thread_start_world();
    cr_assert_eq(dirty, 0);
}

/* A list that holds the list made before it, `length` of them; the newest. */
static struct obj *live_chain(int length)
{
    struct obj *last = list_new(0);
    for (int i = 1; i < length && last; i++) {
        struct obj *next = list_from(&last, 1);
        obj_decref(last);
        last = next;
    }
    return last;
}

static int live_chain_length(struct obj *list)
{
    int length = 0;
    obj_incref(list);
    while (list) {
        struct obj *next = list_length(list) ? list_get(list, 0) : NULL;
        obj_decref(list);
        list = next;
        length++;
    }
    return length;
}

TEST(a_long_chain_is_marked_without_recursion)
{
    enum { LENGTH = 50000 };
    live_begin(TRACK_THREAD);
    struct obj *chain = live_chain(LENGTH);
    cr_assert_not_null(chain);
    cr_assert_eq(gc_collect(), 0);
    cr_assert_eq(gc_statistics().tracked, LENGTH);
    cr_assert_eq(live_chain_length(chain), LENGTH);
    live_words_are_clean();
    obj_decref(chain);
    rc_drain();
}

/* One hub that many hold, in both orders of making: held from outside it keeps all, dropped it goes with all. */
static void live_hub(enum track_policy track)
{
    enum { SPOKES = 3000 };
    live_begin(track);
    struct obj *hub = list_new(0);
    for (int i = 0; i < SPOKES; i++) {
        struct obj *spoke = tuple_pair(hub, hub);
        cr_assert_eq(list_append(hub, spoke), 0);
        obj_decref(spoke);
    }
    cr_assert_eq(gc_collect(), 0);
    live_words_are_clean();
    struct obj *spoke = list_get(hub, SPOKES - 1);
    obj_decref(hub);
    rc_drain();
    cr_assert_eq(gc_collect(), 0, "a spoke holds the hub");
    cr_assert_eq(list_length(tuple_get_borrowed(spoke, 0)), SPOKES);
    obj_decref(spoke);
    cr_assert_eq(gc_collect(), SPOKES + 1);
    live_words_are_clean();
}
TEST(a_hub_is_kept_by_any_spoke_track_thread) { live_hub(TRACK_THREAD); }
TEST(a_hub_is_kept_by_any_spoke_track_locked) { live_hub(TRACK_LOCKED); }

/* --- how much is looked at --- */

/* Holds another one, and tells how often anybody asks. */
struct live_link {
    struct container base;
    struct obj *held;
};
static int live_traversals;

static int live_link_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct live_link *l = (struct live_link *)o;
    live_traversals++;
    return l->held ? visit(l->held, arg) : 0;
}
static void live_link_dealloc(struct obj *o)
{
    struct live_link *l = (struct live_link *)o;
    if (l->held)
        obj_decref_field(l->held);
    obj_free(o, sizeof *l);
}
static const struct type live_link_type = {
    .name = "link", .flags = TYPE_CONTAINER, .dealloc = live_link_dealloc, .traverse = live_link_traverse};

/* `held` is stolen. */
static struct live_link *live_link_new(struct obj *held)
{
    struct live_link *l = obj_alloc(&live_link_type, sizeof *l);
    cr_assert_not_null(l);
    l->held = held;
    obj_track(&l->base);
    return l;
}

static void live_once(struct live_link *first, int length)
{
    live_traversals = 0;
    cr_assert_eq(gc_collect(), 0);
    cr_assert_eq(gc_statistics().tracked, length);
    cr_assert_eq(gc_statistics().suspects, 0);
    cr_assert_eq(live_traversals, length);
    live_words_are_clean();
    obj_decref(&first->base.base);
}

enum { LIVE_LINKS = 100 };

TEST(without_garbage_each_is_traversed_once_made_from_the_last)
{
    live_begin(TRACK_THREAD);
    struct live_link *first = NULL;
    for (int i = 0; i < LIVE_LINKS; i++)
        first = live_link_new(first ? &first->base.base : NULL);
    live_once(first, LIVE_LINKS);
}
TEST(without_garbage_each_is_traversed_once_made_from_the_first)
{
    live_begin(TRACK_THREAD);
    struct live_link *first = live_link_new(NULL), *last = first;
    for (int i = 1; i < LIVE_LINKS; i++) {
        struct live_link *next = live_link_new(NULL);
        last->held = &next->base.base;
        last = next;
    }
    live_once(first, LIVE_LINKS);
}

TEST(what_lives_is_not_suspected_because_garbage_holds_it)
{
    live_begin(TRACK_THREAD);
    struct obj *kept = live_chain(10), *ring = list_new(0);
    cr_assert_eq(list_append(ring, ring) | list_append(ring, kept), 0);
    obj_decref(ring);
    cr_assert_eq(gc_collect(), 1);
    cr_assert_eq(gc_statistics().suspects, 1);
    cr_assert_eq(live_chain_length(kept), 10);
    obj_decref(kept);
}

TEST(what_is_immortal_stays)
{
    live_begin(TRACK_THREAD);
    struct obj *forever = list_new(0), *below = list_new(0);
    cr_assert_eq(list_append(below, forever) | list_append(forever, below), 0);
    obj_decref(below);
    rc_drain();
    rc_immortalize(&forever->rc);
    cr_assert_eq(gc_collect(), 0);
    cr_assert_eq(list_length(below), 1);
    cr_assert_eq(list_clear(forever), 0);
    rc_drain();
    obj_dealloc(forever);
}

/* --- a finaliser, so that there is a second look: at garbage that refers to what lives --- */

static void live_finalize(struct obj *o) { (void)o; }
static void live_dealloc(struct obj *o)
{
    obj_free(o, sizeof(struct container));
}
static const struct type live_soul_type = {
    .name = "soul", .flags = TYPE_CONTAINER, .dealloc = live_dealloc, .finalize = live_finalize};

TEST(the_second_look_leaves_what_lives_as_it_was)
{
    live_begin(TRACK_THREAD);
    struct obj *kept = live_chain(10), *ring = list_new(0);
    struct container *soul = obj_alloc(&live_soul_type, sizeof *soul);
    obj_track(soul);
    cr_assert_eq(list_append(ring, ring) | list_append(ring, kept) | list_append(ring, &soul->base), 0);
    obj_decref(&soul->base);
    obj_decref(ring);
    cr_assert_eq(gc_collect(), 2);
    rc_drain();
    live_words_are_clean();
    cr_assert_eq(live_chain_length(kept), 10);
    cr_assert_eq(gc_collect(), 0);
    obj_decref(kept);
}

/* --- short memory --- */

TEST(a_collection_needs_no_memory)
{
    enum { RINGS = 2000 };
    live_begin(TRACK_THREAD);
    struct obj *kept = live_chain(10);
    for (int i = 0; i < RINGS; i++) {
        struct obj *ring = list_new(0);
        cr_assert_eq(list_append(ring, ring) | list_append(ring, kept), 0);
        obj_decref(ring);
    }
    rc_drain();
    os_fault_plan(1, true);
    int64_t collected = gc_collect();
    os_fault_plan(0, false);
    cr_assert_eq(collected, RINGS);
    cr_assert_eq(gc_statistics().skipped, 0);
    live_words_are_clean();
    cr_assert_eq(live_chain_length(kept), 10);
    obj_decref(kept);
}

/* --- who listens --- */

static void live_heard(void *stops, int64_t ns)
{
    cr_assert_geq(ns, 0);
    ++*(int *)stops;
}

TEST(each_stop_is_told_to_the_listener)
{
    int stops = 0;
    live_begin(TRACK_THREAD);
    gc_listen(live_heard, &stops);
    gc_collect();
    gc_collect();
    cr_assert_eq(stops, 2);
    gc_listen(NULL, NULL);
    gc_collect();
    cr_assert_eq(stops, 2);
}
