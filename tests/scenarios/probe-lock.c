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
    lock_init(&guarded.x, &guarded.x_of);
    lock_init(&guarded.y, &guarded.y_of);
}
/* The bias is gone. */
static void probe_lock_setup(void)
{
    probe_biased_setup();
    scenario_act_as(-1);
    lock_acquire_two(&guarded.x, &guarded.y);
    lock_release_two(&guarded.x, &guarded.y);
}
static void probe_lock_check(void) { lock_and_write(); }

static const struct scenario probe_revoke = {
    .name = "probe-revoke", .summary = "the owner uses its biased lock while another thread takes the bias away", .source = "lock.h",
    .setup = probe_biased_setup, .thread = {lock_and_write_twice, lock_and_write}, .check = probe_lock_check, .unfit = probe_unless_locks,
};
SCENARIO(probe_revoke);

static const struct scenario probe_revoke_two = {
    .name = "probe-revoke-two", .summary = "two threads want the lock that is biased to a third", .source = "lock.h",
    .setup = probe_biased_setup, .thread = {lock_and_write, lock_and_write, lock_and_write}, .unfit = probe_unless_locks, .large = true,
};
SCENARIO(probe_revoke_two);

static const struct scenario probe_lock = {
    .name = "probe-lock", .summary = "two threads take one lock", .source = "Drepper 2011", .setup = probe_lock_setup,
    .thread = {lock_and_write_twice, lock_and_write}, .check = probe_lock_check, .unfit = probe_unless_locks,
};
SCENARIO(probe_lock);

static const struct scenario probe_lock_three = {
    .name = "probe-lock-three", .summary = "three threads take one lock: nobody sleeps for ever", .source = "Drepper 2011",
    .setup = probe_lock_setup, .thread = {lock_and_write, lock_and_write, lock_and_write}, .unfit = probe_unless_locks, .large = true,
};
SCENARIO(probe_lock_three);

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

static void lock_x_x(void)
{
    lock_acquire_two(&guarded.x, &guarded.x);
    guarded.data++;
    lock_release_two(&guarded.x, &guarded.x);
}
static const struct scenario probe_same_lock = {
    .name = "probe-same-lock", .summary = "a thread asks for one lock as two", .source = "FIELD.md 3.5", .setup = probe_lock_setup,
    .thread = {lock_x_x, lock_and_write}, .unfit = probe_unless_locks,
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
