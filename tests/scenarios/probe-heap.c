/*
 * probe-heap.c -- blocks that go from thread to thread: through the locked freelist, and through the depot. A block comes back
 * with what its last user wrote into it, so a missing edge is a data race on the block or on the list.
 */
static void heap_make_and_drop(void)
{
    struct obj *one = probe_new(), *two = probe_new(), *three = probe_new(), *four = probe_new(), *five = probe_new();
    obj_decref(one);
    obj_decref(two);
    obj_decref(three);
    obj_decref(four);
    obj_decref(five);
}
static const char *probe_unless_freed_here(void) { return RC_DEFERS_FREE ? "its committer frees" : probe_unless_counted(); }

static void heap_one(void) { obj_decref(probe_new()); }
static void probe_heap_setup(void) { heap_one(); }
static const struct scenario heap_locked = {
    .name = "heap-locked", .summary = "two threads make and drop objects through one locked freelist", .source = "FIELD.md 3.19",
    .setup = probe_heap_setup, .thread = {heap_one, heap_one}, .heap = HEAP_LOCKED, .unfit = probe_unless_freed_here,
};
SCENARIO(heap_locked);

static void probe_depot_setup(void)
{
    heap_make_and_drop();
    heap_make_and_drop();
}
static const struct scenario heap_depot = {
    .name = "heap-depot", .summary = "lists of blocks go from thread to thread through the depot", .source = "heap.c",
    .setup = probe_depot_setup, .thread = {heap_make_and_drop, heap_make_and_drop}, .heap = HEAP_THREAD, .unfit = probe_unless_freed_here,
};
SCENARIO(heap_depot);
