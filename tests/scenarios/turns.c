/*
 * turns.c -- the locks that are objects (IntervalLock, RWLock), and thread-local values at the end of their thread and of their key.
 *
 * Where from: FIELD.md 3.21 (a hand-over that misses its waiter), 3.10 and 3.20 for values (their thread ends, their key dies);
 * turn.h, interval_lock.h, rwlock.h, thread_local.h.
 * A thread that waits runs destructors on its way to sleep, which may wait themselves.
 * Goes wrong when two are inside at once or the next one does not see what the last one wrote (a data race on what the lock guards),
 * when somebody is not woken (deadlock), when a value is dropped twice or never (use after free, leak).
 * Whether the interval is over is answered both ways (os_is_late).
 */
#include "things.h"

static struct {
    struct obj *lock;
    int data;
} turns;

/* --- the interval lock --- */

static void turns_setup_interval(void)
{
    turns.lock = interval_lock_new(INTERVAL_LOCK_NS);
    turns.data = 0;
}
static void turns_setup_interval_held(void)
{
    turns_setup_interval();
    scenario_act_as(0);
    interval_lock_lock(turns.lock);
}
static void turns_in(void)
{
    EXPLORE_CHECK(interval_lock_lock(turns.lock) == 0);
    turns.data++;
}
static void turns_out(void)
{
    turns.data++;
    EXPLORE_CHECK(interval_lock_unlock(turns.lock) == 0);
}
static void turns_take(void)
{
    turns_in();
    turns_out();
}
static void turns_poll(void)
{
    turns_in();
    EXPLORE_CHECK(interval_lock_poll(turns.lock) >= 0);
    turns_out();
}
static void turns_cede(void)
{
    turns.data++;
    EXPLORE_CHECK(interval_lock_cede(turns.lock) >= 0 && interval_lock_locked(turns.lock) == 1);
    turns_out();
}
static void turns_out_and_stop_world(void)
{
    turns_out();
    thread_stop_world();
    thread_start_world();
}
/* The world waits for whoever stays attached. */
static void turns_take_and_rest(void)
{
    turns_take();
    if (!RC_DEFERS_FREE) /* the explorer detaches those itself */
        thread_detach();
}
static void turns_check_interval(void)
{
    EXPLORE_CHECK(interval_lock_locked(turns.lock) == 0);
    obj_decref(turns.lock);
}
static void turns_check_four(void)
{
    EXPLORE_CHECK(turns.data == 4);
    turns_check_interval();
}
static void turns_check_five(void)
{
    EXPLORE_CHECK(turns.data == 5); /* the holder's one or two, and each waiter's two */
    turns_check_interval();
}
static void turns_check_three(void)
{
    EXPLORE_CHECK(turns.data == 3);
    turns_check_interval();
}
static void turns_check_six(void)
{
    EXPLORE_CHECK(turns.data == 6);
    turns_check_interval();
}

/* A strategy that defers frees makes an epoch's business of each wait: the locks are the same, the proof takes minutes. */
#define TURNS(symbol, title, asked, from, prepare, after, big, ...)                                                    \
    static const struct scenario symbol = {                                                                            \
        .name = title, .summary = asked, .source = from, .setup = prepare, .thread = {__VA_ARGS__}, .check = after,    \
        .large = (big) || RC_DEFERS_FREE,                                                                              \
    };                                                                                                                 \
    SCENARIO(symbol)

TURNS(turns_interval_poll, "interval-poll", "two threads under one interval lock, one of them polls", "interval_lock.h", turns_setup_interval,
      turns_check_four, false, turns_poll, turns_take);
TURNS(turns_interval_polls, "interval-polls", "both poll: the lock may go to and fro", "interval_lock.h", turns_setup_interval,
      turns_check_four, false, turns_poll, turns_poll);
TURNS(turns_interval_cede, "interval-cede", "the holder lends the lock to whoever waits, and has it back", "interval_lock.h",
      turns_setup_interval_held, turns_check_four, false, turns_cede, turns_take);
TURNS(turns_interval_held, "interval-held", "two threads wait for a lock that a third one gives up", "FIELD.md 3.21", turns_setup_interval_held,
      turns_check_five, RC_NEEDS_GIL, turns_out, turns_take, turns_take);
TURNS(turns_interval_three, "interval-three", "three threads, one of them polls", "interval_lock.h", turns_setup_interval, turns_check_six, true,
      turns_poll, turns_take, turns_take);
TURNS(turns_interval_stop, "interval-stop", "who gives up the lock stops the world at once, a waiter gets it", "FIELD.md 3.21",
      turns_setup_interval_held, turns_check_three, RC_NEEDS_GIL, turns_out_and_stop_world, turns_take_and_rest);

/* --- the read-write lock --- */

static void rw_setup(void)
{
    turns.lock = rwlock_new();
    turns.data = 0;
}
static void rw_setup_read(void)
{
    rw_setup();
    scenario_act_as(0);
    rwlock_read_lock(turns.lock);
}
static void rw_setup_written(void)
{
    rw_setup();
    scenario_act_as(0);
    rwlock_write_lock(turns.lock);
}
static void rw_read(void)
{
    EXPLORE_CHECK(rwlock_read_lock(turns.lock) == 0 && turns.data % 2 == 0);
    EXPLORE_CHECK(rwlock_read_unlock(turns.lock) == 0);
}
static void rw_leave_read(void)
{
    EXPLORE_CHECK(turns.data == 0); /* it reads from the beginning: no writer came before */
    EXPLORE_CHECK(rwlock_read_unlock(turns.lock) == 0);
}
static void rw_leave_written(void)
{
    turns.data += 2;
    EXPLORE_CHECK(rwlock_write_unlock(turns.lock) == 0);
}
static void rw_write(void)
{
    EXPLORE_CHECK(rwlock_write_lock(turns.lock) == 0);
    turns.data++;
    turns.data++;
    EXPLORE_CHECK(rwlock_write_unlock(turns.lock) == 0);
}
static void rw_check(int data)
{
    EXPLORE_CHECK(turns.data == data && rwlock_readers(turns.lock) == 0 && rwlock_writer_locked(turns.lock) == 0 &&
                  rwlock_writers_waiting(turns.lock) == 0);
    obj_decref(turns.lock);
}
static void rw_check_two(void) { rw_check(2); }
static void rw_check_four(void) { rw_check(4); }

TURNS(rw_pair, "rwlock", "a reader and a writer", "rwlock.h", rw_setup, rw_check_two, false, rw_read, rw_write);
TURNS(rw_writers, "rwlock-writers", "two writers", "rwlock.h", rw_setup, rw_check_four, false, rw_write, rw_write);
TURNS(rw_reading, "rwlock-reading", "a writer and a reader come while a thread reads", "rwlock.h", rw_setup_read, rw_check_two, RC_NEEDS_GIL,
      rw_leave_read, rw_write, rw_read);
TURNS(rw_writing, "rwlock-writing", "a writer and a reader come while a thread writes", "rwlock.h", rw_setup_written, rw_check_four, RC_NEEDS_GIL,
      rw_leave_written, rw_write, rw_read);
TURNS(rw_readers, "rwlock-readers", "two readers wait for a writer and come in together", "rwlock.h", rw_setup_written, rw_check_two, RC_NEEDS_GIL,
      rw_leave_written, rw_read, rw_read);

/* --- A waits for a lock; the destructor that its detaching runs waits for one too --- */

static struct {
    struct obj *lock[2], *o, *list; /* list: of o alone, A's; or NULL */
    int (*take)(struct obj *), (*leave)(struct obj *);
    int second, data[2], deaths; /* second: the destructor's lock; deaths: on A */
} turns_nested;

static void nested_take(int i)
{
    EXPLORE_CHECK(turns_nested.take(turns_nested.lock[i]) == 0);
    turns_nested.data[i]++;
    EXPLORE_CHECK(turns_nested.leave(turns_nested.lock[i]) == 0);
}
/* On B, who has the locks, there is nothing to wait for. */
static void nested_finalize(struct thing *t)
{
    (void)t;
    if (rt_self != stage.thread[0])
        return;
    turns_nested.deaths++;
    nested_take(turns_nested.second);
}
/* B holds both. */
static void nested_setup_locks(struct obj *first, struct obj *second, int (*take)(struct obj *), int (*leave)(struct obj *))
{
    memset(&turns_nested, 0, sizeof turns_nested);
    turns_nested.lock[0] = first;
    turns_nested.lock[1] = second;
    turns_nested.take = take;
    turns_nested.leave = leave;
    turns_nested.second = 1;
    scenario_act_as(1);
    for (int i = 0; i < 2; i++)
        EXPLORE_CHECK(take(turns_nested.lock[i]) == 0);
    scenario_act_as(0);
    turns_nested.o = mortal_new(nested_finalize, NULL);
}
/* A will borrow it, and hold nothing else of it: it dies where A detaches. */
static void nested_setup_note(void)
{
    nested_setup_locks(rwlock_new(), rwlock_new(), rwlock_write_lock, rwlock_write_unlock);
    turns_nested.list = list_from(&turns_nested.o, 1);
    obj_decref(turns_nested.o);
}
static void nested_setup_read(void)
{
    nested_setup_note();
    turns_nested.take = rwlock_read_lock;
    turns_nested.leave = rwlock_read_unlock;
}
static void nested_setup_same(void)
{
    nested_setup_note();
    turns_nested.second = 0;
}
/* B drops it: to A's queue where there are such. */
static void nested_setup_sent(void)
{
    nested_setup_locks(interval_lock_new(INTERVAL_LOCK_NS), interval_lock_new(INTERVAL_LOCK_NS), interval_lock_lock, interval_lock_unlock);
}
static void nested_wait(void)
{
    if (turns_nested.list) {
        EXPLORE_CHECK(list_get_borrowed(turns_nested.list, 0) == turns_nested.o);
        obj_decref(turns_nested.list);
    }
    nested_take(0);
}
static void nested_give(int (*leave)(struct obj *))
{
    for (int i = 0; i < 2; i++) {
        turns_nested.data[i]++;
        EXPLORE_CHECK(leave(turns_nested.lock[i]) == 0);
    }
}
static void nested_write_and_give(void) { nested_give(rwlock_write_unlock); }
static void nested_send_and_give(void)
{
    obj_decref(turns_nested.o);
    nested_give(interval_lock_unlock);
}
static void nested_check(void)
{
    int second = turns_nested.second;
    EXPLORE_CHECK(turns_nested.data[0] + turns_nested.data[1] == 3 + turns_nested.deaths);
    EXPLORE_CHECK(turns_nested.data[second] == (second ? 1 : 2) + turns_nested.deaths);
    for (int i = 0; i < 2; i++) {
        EXPLORE_CHECK(turns_nested.take(turns_nested.lock[i]) == 0 && turns_nested.leave(turns_nested.lock[i]) == 0);
        obj_decref(turns_nested.lock[i]);
    }
}

#define NESTED(symbol, title, asked, prepare, gives)                                                                   \
    static const struct scenario symbol = {                                                                            \
        .name = title, .summary = asked, .source = "turn.h", .setup = prepare, .thread = {nested_wait, gives},         \
        .check = nested_check, .large = RC_DEFERS_FREE || RC_NEEDS_GIL, .borrowed = BORROWED_DEFERRED,                 \
    };                                                                                                                 \
    SCENARIO(symbol)

NESTED(nested_note, "turns-nested", "a thread that waits for a lock runs a destructor that waits for another one", nested_setup_note,
       nested_write_and_give);
NESTED(nested_read, "turns-nested-read", "the same, to read", nested_setup_read, nested_write_and_give);
NESTED(nested_same, "turns-nested-same", "a thread that waits for a lock runs a destructor that waits for the same one", nested_setup_same,
       nested_write_and_give);
NESTED(nested_sent, "turns-nested-sent", "interval locks; whoever holds them drops the object, which comes back to the waiter",
       nested_setup_sent, nested_send_and_give);

/* --- thread-local values --- */

static struct {
    struct obj *key, *second, *value;
    int calls, order;
} at_end;

/* Each has its thread to itself. */
static void at_end_destroy(struct obj *key, struct obj *value)
{
    at_end.calls++;
    at_end.order = at_end.order * 10 + (key == at_end.second ? 2 : 1);
    thing_set(value, thing_value(value) + 1);
}
/* A has a value of a key that it does not hold; B has made it and has the only reference. */
static void at_end_setup(void)
{
    scenario_act_as(1);
    memset(&at_end, 0, sizeof at_end);
    at_end.key = thread_local_new(at_end_destroy);
    scenario_act_as(0);
    at_end.value = thing_new(7);
    EXPLORE_CHECK(thread_local_set(at_end.key, at_end.value) == 0);
    obj_decref(at_end.value);
}
static void at_end_setup_two(void)
{
    at_end_setup();
    at_end.second = thread_local_new(at_end_destroy);
    struct obj *other = thing_new(7);
    EXPLORE_CHECK(thread_local_set(at_end.second, other) == 0);
    obj_decref(other);
}
static void at_end_end(void) { scenario_thread_end(0); }
static void at_end_drop_key(void) { obj_decref(at_end.key); }
static void at_end_unregister(void) { EXPLORE_CHECK(thread_local_unregister(at_end.key) == 1); }
static void at_end_set_own(void)
{
    struct obj *other = thing_new(9);
    EXPLORE_CHECK(thread_local_set(at_end.key, other) == 0 && thread_local_get(at_end.key, &at_end.value) == 1);
    EXPLORE_CHECK(at_end.value == other && thing_value(other) == 9);
    obj_decref(at_end.value);
    obj_decref(other);
}
static void at_end_check_once(void) { EXPLORE_CHECK(at_end.calls <= 1); }
static void at_end_check_both(void)
{
    EXPLORE_CHECK(at_end.calls == 2); /* B's when it ends, after the scenario */
    obj_decref(at_end.key);
}
static void at_end_check_order(void)
{
    EXPLORE_CHECK(at_end.order == 12 || at_end.order == 2); /* the first one may have been unregistered in time */
    obj_decref(at_end.key);
    obj_decref(at_end.second);
}

TURNS(at_end_key, "thread-local-key", "a thread ends while another drops the last reference to the key of its value", "FIELD.md 3.20",
      at_end_setup, at_end_check_once, false, at_end_end, at_end_drop_key);
TURNS(at_end_others, "thread-local-others", "a thread ends while another sets a value of the same key", "thread_local.h", at_end_setup,
      at_end_check_both, false, at_end_end, at_end_set_own);
TURNS(at_end_order, "thread-local-unregister", "a thread with two values ends while a destructor is unregistered", "thread_local.h",
      at_end_setup_two, at_end_check_order, false, at_end_end, at_end_unregister);
