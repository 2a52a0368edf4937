/*
 * wait.c -- waiting for a condition: no notice is lost, whoever is late says so, nobody sleeps for what is there.
 *
 * Where from: objects/wait.h (W1, W2); Drepper's lost wake-up. Goes wrong when a waiter sleeps for ever (deadlock), or does not see
 * what the notifier did before its notice (a data race on `data`).
 * Checked: what was put in was taken, by as many as found it. A wait with a deadline may end late, once a thread.
 */
static struct {
    struct container of;
    struct lock lock;
    struct wait wait;
    int items, taken, late; /* under the lock */
    _Atomic uint32_t open;  /* without it */
    int data;               /* of who opened it */
} gate;

static void gate_setup(void)
{
    scenario_act_as(0);
    EXPLORE_CHECK(lock_init(&gate.lock, &gate.of));
    wait_init(&gate.wait);
    scenario_act_as(-1);
    lock_acquire(&gate.lock);
    lock_release(&gate.lock);
}

static bool gate_has_item(void *arg) { return (void)arg, gate.items > 0; }
static void gate_take_until(int64_t deadline)
{
    lock_acquire(&gate.lock);
    bool found = wait_for(&gate.wait, &gate.lock, gate_has_item, NULL, deadline);
    gate.items -= found;
    gate.taken += found;
    gate.late += !found;
    lock_release(&gate.lock);
}
static void gate_take(void) { gate_take_until(WAIT_FOREVER); }
static void gate_take_or_leave(void) { gate_take_until(wait_deadline(1000)); }
static void gate_put(int items)
{
    lock_acquire(&gate.lock);
    gate.items += items;
    lock_release(&gate.lock);
}
static void gate_put_one(void)
{
    gate_put(1);
    wait_one(&gate.wait);
}
static void gate_put_two(void)
{
    gate_put(2);
    wait_one(&gate.wait);
    wait_one(&gate.wait);
}
static void gate_put_for_all(void)
{
    gate_put(2);
    wait_all(&gate.wait);
}
static void gate_check_one(void) { EXPLORE_CHECK(gate.taken == 1 && gate.items == 0); }
static void gate_check_two(void) { EXPLORE_CHECK(gate.taken == 2 && gate.items == 0); }
static void gate_check_late(void) { EXPLORE_CHECK(gate.taken + gate.items == 1 && gate.taken + gate.late == 1); }
static void gate_check_one_late(void) { EXPLORE_CHECK(gate.taken + gate.items == 2 && gate.taken + gate.late == 2 && gate.taken >= 1); }

/* The look is without the lock: the notifier takes none. */
static bool gate_is_open(void *arg)
{
    (void)arg;
    return atomic_load_explicit(&gate.open, memory_order_acquire) != 0; /* acquire: data comes with it */
}
static void gate_pass(void)
{
    lock_acquire(&gate.lock);
    wait_for(&gate.wait, &gate.lock, gate_is_open, NULL, WAIT_FOREVER);
    lock_release(&gate.lock);
    EXPLORE_CHECK(gate.data == 1);
}
static void gate_open(void)
{
    gate.data = 1;
    atomic_store_explicit(&gate.open, 1, memory_order_release); /* release: with data */
    atomic_thread_fence(memory_order_seq_cst); /* (W1) seq_cst fence: of who holds no lock */
    wait_all(&gate.wait);
}

/* Where there are most executions: under the policy with the fewest steps. The locks themselves are the business of lock-policies.c. */
#define GATE(symbol, title, asked, after, three, ...)                                                                  \
    static const struct scenario symbol = {                                                                            \
        .name = title, .summary = asked, .source = "objects/wait.h, W1 and W2", .setup = gate_setup,                   \
        .thread = {__VA_ARGS__}, .check = after, .large = three,                                                       \
        .lock = (three) || RC_DEFERS_FREE ? LOCK_BY_MUTEX : LOCK_BY_BIAS,                                              \
    };                                                                                                                 \
    SCENARIO(symbol)
GATE(gate_one, "wait", "one waits, one notifies under the lock", gate_check_one, false, gate_take, gate_put_one);
GATE(gate_late, "wait-late", "the same, but the waiter may be late: it takes the item or says so", gate_check_late, false,
     gate_take_or_leave, gate_put_one);
GATE(gate_unlocked, "wait-unlocked", "the notifier takes no lock: its fence stands against the waiter's", NULL, false, gate_pass, gate_open);
GATE(gate_two, "wait-two", "two wait, two are woken, one by one", gate_check_two, true, gate_take, gate_take, gate_put_two);
GATE(gate_all, "wait-all", "two wait, one notifies both", gate_check_two, true, gate_take, gate_take, gate_put_for_all);
GATE(gate_one_late, "wait-two-late", "two wait, one of them may be late: the wake reaches who needs it", gate_check_one_late, true,
     gate_take, gate_take_or_leave, gate_put_two);
