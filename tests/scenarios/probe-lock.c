/*
 * probe-lock.c -- the object lock alone: what it guards is a plain number, so that an acquire that sees too little is a data race,
 * and a waiter that nobody wakes a deadlock. tests/mutants/table says which step each scenario guards.
 */
static struct {
    struct container x_of; /* a lock follows the container that it belongs to */
    struct lock x;
    struct container y_of;
    struct lock y;
    int data, other;
    struct obj *o;
} guarded;

static const char *probe_unless_locks(void) { return LOCK_NONE ? "it has no object locks" : NULL; }

static void lock_and_write(void)
{
    lock_acquire(&guarded.x);
    guarded.data++;
    lock_release(&guarded.x);
}
static void lock_and_write_twice(void)
{
    lock_and_write();
    lock_and_write();
}

/* The lock is A's. */
static void probe_biased_setup(void)
{
    scenario_act_as(0);
    EXPLORE_CHECK(lock_init(&guarded.x, &guarded.x_of));
    EXPLORE_CHECK(lock_init(&guarded.y, &guarded.y_of));
}
static void probe_main_biased_setup(void) { EXPLORE_CHECK(lock_init(&guarded.x, &guarded.x_of)); }
/* The bias is gone. */
static void probe_lock_setup(void)
{
    probe_biased_setup();
    scenario_act_as(-1);
    lock_acquire(&guarded.x);
    lock_release(&guarded.x);
    lock_acquire(&guarded.y);
    lock_release(&guarded.y);
}
static void probe_lock_check(void) { lock_and_write(); }

static const struct scenario probe_revoke = {
    .name = "probe-revoke", .summary = "the owner uses its biased lock while another thread takes the bias away", .source = "lock.h",
    .setup = probe_biased_setup, .thread = {lock_and_write_twice, lock_and_write}, .check = probe_lock_check, .unfit = probe_unless_locks,
};
SCENARIO(probe_revoke);

/* The owner is elsewhere. */
static const struct scenario probe_revoke_two = {
    .name = "probe-revoke-two", .summary = "two threads want the lock that is biased to a third", .source = "lock.h",
    .setup = probe_main_biased_setup, .thread = {lock_and_write, lock_and_write}, .check = probe_lock_check, .unfit = probe_unless_locks,
};
SCENARIO(probe_revoke_two);

static const struct scenario probe_lock = {
    .name = "probe-lock", .summary = "two threads take one lock", .source = "Drepper 2011", .setup = probe_lock_setup,
    .thread = {lock_and_write_twice, lock_and_write}, .check = probe_lock_check, .unfit = probe_unless_locks,
};
SCENARIO(probe_lock);

/* A has it from the beginning, so B and C can both sleep when it comes free. */
static void probe_held_setup(void)
{
    probe_lock_setup();
    scenario_act_as(0);
    lock_acquire(&guarded.x);
}
static void unlock_only(void) { lock_release(&guarded.x); }
static void lock_and_unlock(void)
{
    lock_acquire(&guarded.x);
    lock_release(&guarded.x);
}
static const struct scenario probe_held = {
    .name = "probe-held", .summary = "two threads wait for a lock that a third holds: both get it", .source = "Drepper 2011",
    .setup = probe_held_setup, .thread = {unlock_only, lock_and_unlock, lock_and_unlock}, .unfit = probe_unless_locks, .large = true,
};
SCENARIO(probe_held);

/* --- two locks --- */

static void lock_x_y(void)
{
    lock_acquire_two(&guarded.x, &guarded.y);
    guarded.data++;
    guarded.other++;
    lock_release_two(&guarded.x, &guarded.y);
}
static void lock_y_x(void)
{
    lock_acquire_two(&guarded.y, &guarded.x);
    guarded.data++;
    guarded.other++;
    lock_release_two(&guarded.y, &guarded.x);
}
static void lock_y(void)
{
    lock_acquire(&guarded.y);
    guarded.other++;
    lock_release(&guarded.y);
}
static const struct scenario probe_two_locks = {
    .name = "probe-two-locks", .summary = "two threads take the same two locks, named in either order", .source = "FIELD.md 3.5",
    .setup = probe_lock_setup, .thread = {lock_x_y, lock_y_x}, .unfit = probe_unless_locks,
};
SCENARIO(probe_two_locks);

/* The other one takes them one after the other. */
static void lock_y_then_x(void)
{
    lock_y();
    lock_and_write();
}
static const struct scenario probe_two_or_one = {
    .name = "probe-two-or-one", .summary = "a thread takes two locks while another takes the second and then the first", .source = "FIELD.md 3.5",
    .setup = probe_lock_setup, .thread = {lock_x_y, lock_y_then_x}, .unfit = probe_unless_locks,
};
SCENARIO(probe_two_or_one);

static void lock_x_x(void)
{
    lock_acquire_two(&guarded.x, &guarded.x);
    guarded.data++;
    lock_release_two(&guarded.x, &guarded.x);
}
static void lock_x_x_then_x(void)
{
    lock_x_x();
    lock_and_write();
}
static const struct scenario probe_same_lock = {
    .name = "probe-same-lock", .summary = "a thread asks for one lock as two", .source = "FIELD.md 3.5", .setup = probe_lock_setup,
    .thread = {lock_x_x_then_x, lock_and_write}, .unfit = probe_unless_locks,
};
SCENARIO(probe_same_lock);

/* A waits for its second lock; B sends it an object whose destructor takes the first. */
struct locker {
    struct obj base;
};
static void locker_dealloc(struct obj *o)
{
    lock_and_write();
    obj_free(o, sizeof(struct locker));
}
static const struct type locker_type = {.name = "locker", .dealloc = locker_dealloc};
static void probe_destructor_setup(void)
{
    probe_lock_setup();
    scenario_act_as(0);
    guarded.o = obj_alloc(&locker_type, sizeof(struct locker));
}
static void probe_destructor_stranger(void)
{
    obj_decref(guarded.o);
    lock_y();
}
static const struct scenario probe_destructor = {
    .name = "probe-destructor", .summary = "who waits for a second lock runs a destructor that takes the first", .source = "FIELD.md 3.4",
    .setup = probe_destructor_setup, .thread = {lock_x_y, probe_destructor_stranger}, .unfit = probe_unless_locks,
};
SCENARIO(probe_destructor);

/* --- what a container displaces is dropped when its lock is free: the dropped one asks the container for its length --- */

static struct obj *asked;

/* The lock is nobody's own: its owner could enter twice without being stopped. */
static void asker_unbias(void)
{
    scenario_act_as(-1);
    if (obj_is(asked, &list_type))
        (void)list_length(asked);
    else
        (void)dict_length(asked);
}
static void asker_dealloc(struct obj *o)
{
    if (obj_is(asked, &list_type))
        (void)list_length(asked);
    else
        (void)dict_length(asked);
    obj_free(o, sizeof(struct locker));
}
static const struct type asker_type = {.name = "asker", .dealloc = asker_dealloc};
static struct obj *asker_new(void) { return obj_alloc(&asker_type, sizeof(struct locker)); }
static void asker_setup_list(void)
{
    struct obj *asker = asker_new();
    scenario_act_as(0);
    asked = list_new(1);
    list_append(asked, asker);
    obj_decref(asker);
    asker_unbias();
}
static void asker_setup_dict(void)
{
    struct obj *asker = asker_new();
    scenario_act_as(0);
    asked = dict_new(1);
    dict_set(asked, none_get(), asker);
    obj_decref(asker);
    asker_unbias();
}
static void asker_list_set(void) { list_set(asked, 0, none_get()); }
static void asker_list_clear(void) { list_clear(asked); }
static void asker_list_set_slice(void) { list_set_slice(asked, 0, 1, NULL); }
static void asker_dict_set(void) { dict_set(asked, none_get(), none_get()); }
static void asker_dict_clear(void) { dict_clear(asked); }
static void asker_check(void) { obj_decref(asked); }
#define ASKER(symbol, title, prepare, body)                                                                              \
    static const struct scenario symbol = {                                                                              \
        .name = title, .summary = "a container drops an item that asks it for its length", .source = "FIELD.md 3.4",     \
        .setup = prepare, .thread = {body}, .check = asker_check, .unfit = probe_unless_locks,                           \
    };                                                                                                                   \
    SCENARIO(symbol)
ASKER(asker_set, "asker-list-set", asker_setup_list, asker_list_set);
ASKER(asker_clear, "asker-list-clear", asker_setup_list, asker_list_clear);
ASKER(asker_slice, "asker-list-slice", asker_setup_list, asker_list_set_slice);
ASKER(asker_dict, "asker-dict-set", asker_setup_dict, asker_dict_set);
ASKER(asker_drop, "asker-dict-clear", asker_setup_dict, asker_dict_clear);

/* --- an iterator that another thread clears (as the cycle collector would) --- */

static struct obj *probe_iter, *probe_iterated;
static void probe_iter_setup(void)
{
    scenario_act_as(0);
    probe_iterated = list_new(1);
    list_append(probe_iterated, none_get());
    probe_iter = iter_new(probe_iterated);
}
static void probe_iter_alone_setup(void)
{
    probe_iter_setup();
    obj_decref(probe_iterated);
}
static void probe_iter_item_setup(void)
{
    probe_iter_setup();
    struct obj *item = probe_new();
    list_set(probe_iterated, 0, item);
    obj_decref(item);
    obj_decref(probe_iterated);
}
static void probe_iter_next(void)
{
    struct obj *item;
    if (iter_next(probe_iter, &item) == 1)
        obj_decref(item);
}
static void probe_iter_clear(void) { iter_clear(probe_iter); }
static void probe_iter_use_and_clear(void)
{
    (void)list_length(probe_iterated);
    obj_decref(probe_iterated);
    iter_clear(probe_iter);
}
static void probe_iter_check(void) { obj_decref(probe_iter); }
static const struct scenario iter_cleared = {
    .name = "iter-cleared", .summary = "one thread takes a step, another clears the iterator, which alone held the list", .source = "iter.c",
    .setup = probe_iter_alone_setup, .thread = {probe_iter_next, probe_iter_clear}, .check = probe_iter_check, .unfit = probe_unless_locks,
};
SCENARIO(iter_cleared);
static const struct scenario iter_cleared_busy = {
    .name = "iter-cleared-busy", .summary = "the same while the list's lock is taken by its last other holder", .source = "iter.c",
    .setup = probe_iter_setup, .thread = {probe_iter_next, probe_iter_use_and_clear}, .check = probe_iter_check,
    .unfit = probe_unless_locks, .large = true,
};
SCENARIO(iter_cleared_busy);
static const struct scenario iter_cleared_item = {
    .name = "iter-cleared-item", .summary = "the same, and the list alone held the item", .source = "iter.c",
    .setup = probe_iter_item_setup, .thread = {probe_iter_next, probe_iter_clear}, .check = probe_iter_check,
    .unfit = probe_unless_locks,
};
SCENARIO(iter_cleared_item);
