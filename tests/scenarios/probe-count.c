/*
 * probe-count.c -- the least programs in which one step of a count's protocol matters: who made the object, who holds a
 * reference, who looks at a queue. tests/mutants/table says which step each of them guards.
 *
 * The objects are probes: they count their own deaths, so that a body can say "now it must be dead". That is asked by
 * whoever comes last to `probe.done`, which orders the bodies' ends and nothing before them.
 */
struct probe_object {
    struct obj base;
    int data; /* plain: who touches it without order races */
};

static struct {
    struct obj *o, *other;
    _Atomic int dead, done;
    struct thread *owner;
} probe;

static void probe_dealloc(struct obj *o)
{
    ((struct probe_object *)o)->data++;
    atomic_fetch_add_explicit(&probe.dead, 1, memory_order_relaxed); /* relaxed: looked at behind probe.done */
    obj_free(o, sizeof(struct probe_object));
}
static const struct type probe_type = {.name = "probe", .dealloc = probe_dealloc};

static struct obj *probe_new(void)
{
    struct obj *o = obj_alloc(&probe_type, sizeof(struct probe_object));
    ((struct probe_object *)o)->data = 0;
    return o;
}

/* In setup: acts as thread number n (-1: main). Returns who acted before. */
static struct thread *probe_act_as(struct thread *t)
{
    struct thread *before = rt_self;
    rt_self = t;
    return before;
}
static struct obj *probe_new_of(int thread)
{
    struct thread *self = probe_act_as(stage.thread[thread]);
    struct obj *o = probe_new();
    probe_act_as(self);
    return o;
}
static void probe_incref_as(int thread, struct obj *o)
{
    struct thread *self = probe_act_as(stage.thread[thread]);
    obj_incref(o);
    probe_act_as(self);
}

/* True for the last of the bodies that come here. */
static bool probe_is_last(int bodies)
{
    return atomic_fetch_add_explicit(&probe.done, 1, memory_order_acq_rel) == bodies - 1;
}
static int probe_deaths(void) { return atomic_load_explicit(&probe.dead, memory_order_relaxed); }

static void probe_touch(void) { ((struct probe_object *)probe.o)->data++; }
static int probe_look(void) { return ((volatile struct probe_object *)probe.o)->data; }

static const char *probe_unless_counted(void) { return RC_UNSAFE ? "it has one thread" : NULL; }
/* For what must be dead at once, and for bodies that detach and attach as they like. */
static const char *probe_unless_immediate(void)
{
    return RC_UNSAFE ? "it has one thread" : RC_DEFERS_FREE ? "it frees later" : RC_NEEDS_GIL ? "it has the GIL" : NULL;
}

/* A made it; the second reference was counted by B (shared), or by A (local). */
static void probe_owner_setup(void)
{
    probe.o = probe_new_of(0);
    probe_incref_as(1, probe.o);
}
static void probe_look_drop(void)
{
    (void)probe_look();
    obj_decref(probe.o);
}
static void probe_queue_setup(void)
{
    probe.o = probe_new_of(0);
    probe_incref_as(0, probe.o);
}

/* --- the owner detaches meanwhile: nothing may be left behind --- */

static void probe_detach_setup(void) { probe.o = probe_new_of(0); }
static void probe_detach_owner(void)
{
    thread_detach();
    if (probe_is_last(2))
        EXPLORE_CHECK(probe_deaths() == 1);
}
static void probe_detach_stranger(void)
{
    obj_decref(probe.o);
    if (probe_is_last(2))
        EXPLORE_CHECK(probe_deaths() == 1);
}
static void probe_detached_check(void) { EXPLORE_CHECK(probe_deaths() == 1); }
static const struct scenario probe_detach = {
    .name = "probe-detach", .summary = "a stranger drops the last reference while the owner detaches: it is dead when both are done",
    .source = "FIELD.md 3.11", .setup = probe_detach_setup, .thread = {probe_detach_owner, probe_detach_stranger},
    .check = probe_detached_check, .unfit = probe_unless_immediate,
};
SCENARIO(probe_detach);

/* The owner (main) is detached all the time; two strangers send it one object each. */
static void probe_asleep_setup(void)
{
    probe.o = probe_new();
    probe.other = probe_new();
}
static void probe_asleep_first(void)
{
    obj_decref(probe.o);
    if (probe_is_last(2))
        EXPLORE_CHECK(probe_deaths() == 2);
}
static void probe_asleep_second(void)
{
    obj_decref(probe.other);
    if (probe_is_last(2))
        EXPLORE_CHECK(probe_deaths() == 2);
}
static const struct scenario probe_asleep = {
    .name = "probe-asleep", .summary = "two strangers drop last references to objects of a thread that is detached: both are dead afterwards",
    .source = "FIELD.md 3.11", .setup = probe_asleep_setup, .thread = {probe_asleep_first, probe_asleep_second},
    .unfit = probe_unless_immediate,
};
SCENARIO(probe_asleep);

/* --- the owner's flag is set already: who clears it looks at the queue, or it is set again --- */

static void probe_flag_setup(void)
{
    probe.o = probe_new_of(0);
    probe.owner = stage.thread[0];
    thread_break(probe.owner, BREAK_MERGE);
}
static void probe_flag_ask(void)
{
    bool asked = atomic_load_explicit(&probe.owner->breaker, memory_order_relaxed) != 0;
    EXPLORE_CHECK(probe_deaths() == 1 || asked);
}
static void probe_flag_owner(void)
{
    rt_safepoint();
    if (probe_is_last(2))
        probe_flag_ask();
}
static void probe_flag_stranger(void)
{
    obj_decref(probe.o);
    if (probe_is_last(2))
        probe_flag_ask();
}
static const struct scenario probe_flag = {
    .name = "probe-flag", .summary = "a stranger queues while the owner's safepoint clears the flag: merged then, or the flag stands",
    .source = "FIELD.md 1 (biased)", .setup = probe_flag_setup, .thread = {probe_flag_owner, probe_flag_stranger},
    .unfit = probe_unless_immediate,
};
SCENARIO(probe_flag);

/* --- an ending thread's last destructor makes an object and gives it away --- */

struct probe_parent {
    struct obj base;
};
static _Atomic(struct obj *) probe_child;
static void probe_parent_dealloc(struct obj *o)
{
    struct obj *child = probe_new();
    obj_incref(child);
    atomic_store_explicit(&probe_child, child, memory_order_release);
    obj_free(o, sizeof(struct probe_parent));
    obj_decref(child);
}
static const struct type probe_parent_type = {.name = "probe parent", .dealloc = probe_parent_dealloc};
static void probe_heir_setup(void)
{
    struct thread *self = probe_act_as(stage.thread[0]);
    probe.o = obj_alloc(&probe_parent_type, sizeof(struct probe_parent));
    probe_act_as(self);
}
static void probe_heir_owner(void) { scenario_thread_end(0); }
static void probe_heir_stranger(void)
{
    obj_decref(probe.o);
    struct obj *child = atomic_exchange_explicit(&probe_child, NULL, memory_order_acquire);
    if (child)
        obj_decref(child);
}
static void probe_heir_check(void)
{
    struct obj *child = atomic_load_explicit(&probe_child, memory_order_relaxed);
    if (child)
        obj_decref(child);
}
static const struct scenario probe_heir = {
    .name = "probe-heir", .summary = "an ending thread's last destructor makes an object that another thread drops",
    .source = "FIELD.md 3.10", .setup = probe_heir_setup, .thread = {probe_heir_owner, probe_heir_stranger},
    .check = probe_heir_check, .unfit = probe_unless_immediate,
};
SCENARIO(probe_heir);

/* --- the registry: threads join and leave while a stranger looks for the owner behind them (one bucket: RC_HOSTILE) --- */

static void probe_registry_guest(void)
{
    struct thread *self = probe_act_as(NULL);
    if (thread_begin() == 0)
        thread_end();
    probe_act_as(self);
}
static const struct scenario probe_registry = {
    .name = "probe-registry", .summary = "a thread joins and leaves the registry while a stranger looks for an owner behind it",
    .source = "FIELD.md 3.10", .setup = probe_queue_setup,
    .thread = {probe_look_drop, probe_detach_stranger, probe_registry_guest}, .unfit = probe_unless_immediate,
};
SCENARIO(probe_registry);

/* One guest stays (until the check), in front of it another comes and goes. */
static struct thread *probe_lodger;
static void probe_registry_lodger(void)
{
    struct thread *self = probe_act_as(NULL);
    if (thread_begin() == 0)
        probe_lodger = rt_self;
    probe_act_as(self);
}
static void probe_registry_check(void)
{
    struct thread *self = probe_act_as(probe_lodger);
    thread_end();
    probe_act_as(self);
}
static void probe_registry_ask(void)
{
    os_rcu_read_lock();
    EXPLORE_CHECK(thread_find(stage.main->key) == stage.main);
    os_rcu_read_unlock();
}
static const struct scenario probe_registry_two = {
    .name = "probe-registry-two", .summary = "a thread joins, another joins and leaves, a third looks for one behind both",
    .source = "FIELD.md 3.10", .thread = {probe_registry_ask, probe_registry_lodger, probe_registry_guest},
    .check = probe_registry_check, .unfit = probe_unless_immediate,
};
SCENARIO(probe_registry_two);

static const struct scenario probe_join_two = {
    .name = "probe-join-two", .summary = "two threads join and leave the registry", .source = "FIELD.md 3.10",
    .thread = {probe_registry_guest, probe_registry_guest}, .unfit = probe_unless_immediate,
};
SCENARIO(probe_join_two);

/* --- what an ending thread's last drain drops was its own, and others drop it too --- */

struct probe_holder {
    struct obj base;
    struct obj *held;
};
static void probe_holder_dealloc(struct obj *o)
{
    obj_decref(((struct probe_holder *)o)->held);
    obj_free(o, sizeof(struct probe_holder));
}
static const struct type probe_holder_type = {.name = "probe holder", .dealloc = probe_holder_dealloc};
static void exit_owned_setup(void)
{
    probe_queue_setup();
    scenario_act_as(0);
    probe.other = obj_alloc(&probe_holder_type, sizeof(struct probe_holder));
    ((struct probe_holder *)probe.other)->held = probe.o;
}
static void exit_owned_owner(void) { scenario_thread_end(0); }
static void exit_owned_stranger(void)
{
    obj_decref(probe.other);
    probe_look_drop();
}
static const struct scenario exit_owned = {
    .name = "exit-owned", .summary = "an ending thread's last drain drops an object of its own while a stranger merges it",
    .source = "FIELD.md 3.10", .setup = exit_owned_setup, .thread = {exit_owned_owner, exit_owned_stranger},
    .unfit = probe_unless_immediate,
};
SCENARIO(exit_owned);

/* --- the owner gives its object up and gets it back from a stranger --- */

static _Atomic(struct obj *) probe_gift;
static void comes_back_owner(void)
{
    obj_decref(probe.o);
    struct obj *gift = atomic_exchange_explicit(&probe_gift, NULL, memory_order_acquire);
    if (gift)
        obj_decref(gift);
}
static void comes_back_stranger(void)
{
    atomic_store_explicit(&probe_gift, obj_incref(probe.o), memory_order_release);
    probe_look_drop();
}
static void comes_back_check(void)
{
    struct obj *gift = atomic_load_explicit(&probe_gift, memory_order_relaxed);
    if (gift)
        obj_decref(gift);
}
static const struct scenario comes_back = {
    .name = "comes-back", .summary = "the owner drops its last local reference and then is given one by a stranger",
    .source = "FIELD.md 3.8", .setup = probe_owner_setup, .thread = {comes_back_owner, comes_back_stranger},
    .check = comes_back_check, .unfit = probe_unless_counted,
};
SCENARIO(comes_back);

/* --- unique: the owner may write in place --- */

static void probe_unique_owner(void)
{
    if (rc_is_unique(&probe.o->rc))
        probe_touch();
    obj_decref(probe.o);
}
static const struct scenario probe_unique = {
    .name = "probe-unique", .summary = "the owner writes in place if nobody else holds the object, while a stranger reads and drops it",
    .source = "FIELD.md 3.24", .setup = probe_owner_setup, .thread = {probe_unique_owner, probe_look_drop},
    .unfit = probe_unless_counted,
};
SCENARIO(probe_unique);

/* The same, the stranger's reference counted by the owner: a test of `local` alone would say yes too early. */
static const struct scenario probe_unique_queue = {
    .name = "probe-unique-queue", .summary = "as probe-unique, with a reference that the owner counted",
    .source = "FIELD.md 3.24", .setup = probe_queue_setup, .thread = {probe_unique_owner, probe_look_drop},
    .unfit = probe_unless_counted,
};
SCENARIO(probe_unique_queue);

/* --- try-incref: who finds an object in a slot takes a reference and looks again whether it is still there --- */

static _Atomic(struct obj *) probe_slot;

/* Two references, both counted where strangers count. */
static void probe_try_setup(void)
{
    probe.o = probe_new();
    probe_incref_as(0, probe.o);
    probe_incref_as(0, probe.o);
    obj_decref(probe.o);
    atomic_store_explicit(&probe_slot, probe.o, memory_order_relaxed);
}
static void probe_try_remover(void)
{
    atomic_store_explicit(&probe_slot, NULL, memory_order_relaxed); /* relaxed: the decref releases it */
    obj_decref(probe.o);
}
static void probe_try_finder(void)
{
    if (rc_count_stw(&probe.o->rc) != 1 || !rc_try_incref(&probe.o->rc))
        return;
    EXPLORE_CHECK(atomic_load_explicit(&probe_slot, memory_order_relaxed) == NULL);
    obj_decref(probe.o);
}
static void probe_try_check(void) { obj_decref(probe.o); }
static const struct scenario probe_try = {
    .name = "probe-try", .summary = "try-incref sees the removal that the count it found shows to have happened", .source = "FIELD.md 1",
    .setup = probe_try_setup, .thread = {probe_try_remover, probe_try_finder}, .check = probe_try_check, .unfit = probe_unless_counted,
};
SCENARIO(probe_try);

/* The object lies in memory that stays when it is dead. */
static struct probe_object probe_static;
static void probe_static_dealloc(struct obj *o) { ((struct probe_object *)o)->data++; }
static const struct type probe_static_type = {.name = "probe that stays", .dealloc = probe_static_dealloc};
static void probe_try_dead_setup(void)
{
    scenario_act_as(0);
    probe.o = &probe_static.base;
    rc_init(&probe.o->rc);
    probe.o->type = &probe_static_type;
}
static void probe_try_dead_finder(void)
{
    if (!rc_try_incref(&probe.o->rc))
        return;
    probe_touch();
    obj_decref(probe.o);
}
static void probe_try_dead_owner(void) { obj_decref(probe.o); }
static const struct scenario probe_try_dead = {
    .name = "probe-try-dead", .summary = "try-incref against the last decref, and against what is dead", .source = "FIELD.md 3.19",
    .setup = probe_try_dead_setup, .thread = {probe_try_dead_owner, probe_try_dead_finder}, .unfit = probe_unless_counted,
};
SCENARIO(probe_try_dead);

/* The same for an object that strangers hold. */
static void probe_try_merged_setup(void)
{
    probe_try_dead_setup();
    scenario_act_as(1);
    obj_incref(probe.o);
    scenario_act_as(0);
    obj_decref(probe.o);
}
static const struct scenario probe_try_merged = {
    .name = "probe-try-merged", .summary = "the same for an object that its owner has given up", .source = "FIELD.md 3.19",
    .setup = probe_try_merged_setup, .thread = {probe_try_dead_owner, probe_try_dead_finder}, .unfit = probe_unless_counted,
};
SCENARIO(probe_try_merged);
