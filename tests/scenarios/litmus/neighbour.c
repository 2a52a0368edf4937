/*
 * neighbour.c -- a plain word and an atomic one in the same eight bytes: a write to the one is none to the other.
 */
static struct {
    _Atomic uint32_t flag;
    uint32_t plain;
} neighbour;

static void neighbour_plain(void)
{
    (void)atomic_load_explicit(&neighbour.flag, memory_order_relaxed);
    neighbour.plain++;
}
static void neighbour_flag(void) { atomic_store_explicit(&neighbour.flag, 1, memory_order_relaxed); }
static void neighbour_check(void)
{
    explore_outcome("flag=%u plain=%u", (unsigned)atomic_load_explicit(&neighbour.flag, memory_order_relaxed), (unsigned)neighbour.plain);
}
static const char *const neighbour_outcomes[] = {"flag=1 plain=1", NULL};
static const struct scenario neighbour_scenario = {
    .name = "neighbour", .summary = "a plain write beside an atomic word leaves it alone", .source = "for the tests of the engine",
    .bare = true, .thread = {neighbour_plain, neighbour_flag}, .check = neighbour_check,
    .outcomes = neighbour_outcomes, .outcomes_sc = neighbour_outcomes,
};
SCENARIO(neighbour_scenario);
