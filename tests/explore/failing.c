/*
 * failing.c -- scenarios that fail, each in its own way: what lanes.sh and page/ look at. Not among tests/scenarios/, where all are
 * proved; scratch.sh puts it there in a copy of the tree.
 */
static struct {
    struct obj *o;
    _Atomic int x, y;
    int seen[2], plain;
    struct os_mutex lock[2];
} failing;

static void failing_setup(void) { failing.o = list_new(0); }

/* Store buffering: both read the old value, so that one load is stale whatever the order. */
static void failing_stale_a(void)
{
    atomic_store_explicit(&failing.x, 1, memory_order_relaxed);
    failing.seen[0] = atomic_load_explicit(&failing.y, memory_order_relaxed);
}
static void failing_stale_b(void)
{
    atomic_store_explicit(&failing.y, 1, memory_order_relaxed);
    failing.seen[1] = atomic_load_explicit(&failing.x, memory_order_relaxed);
}
static void failing_stale_check(void) { EXPLORE_CHECK(failing.seen[0] || failing.seen[1]); }

/* The last reference goes, then the other thread, told so, looks at the object. */
static void failing_free_a(void)
{
    obj_decref(failing.o);
    atomic_store_explicit(&failing.x, 1, memory_order_release);
}
static void failing_free_b(void)
{
    if (atomic_load_explicit(&failing.x, memory_order_acquire))
        list_length(failing.o);
}

static void failing_lock_a(void)
{
    os_lock(&failing.lock[0]);
    os_lock(&failing.lock[1]);
    os_unlock(&failing.lock[1]);
    os_unlock(&failing.lock[0]);
}
static void failing_lock_b(void)
{
    os_lock(&failing.lock[1]);
    os_lock(&failing.lock[0]);
    os_unlock(&failing.lock[0]);
    os_unlock(&failing.lock[1]);
}

static void failing_leak_a(void) { list_new(0); }

/* Text that must stay text on the page. */
static void failing_text_a(void) { EXPLORE_CHECK(failing.plain == 1 && "</script><b>&\"'"); }

#define FAILING(symbol, title, ...)                                                                         \
    static const struct scenario failing_##symbol = {                                                       \
        .name = title, .summary = "fails </script><b>&\"'", .source = "tests/explore", .thread = __VA_ARGS__ }; \
    SCENARIO(failing_##symbol)
FAILING(stale, "fails-stale", {failing_stale_a, failing_stale_b}, .check = failing_stale_check);
FAILING(free, "fails-free", {failing_free_a, failing_free_b}, .setup = failing_setup);
FAILING(lock, "fails-lock", {failing_lock_a, failing_lock_b});
FAILING(leak, "fails-leak", {failing_leak_a});
FAILING(text, "fails-text", {failing_text_a}, .label = {"<i>one</i>"});
