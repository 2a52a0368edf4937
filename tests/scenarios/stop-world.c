/*
 * stop-world.c -- one thread stops the world while others run, block, or stop it themselves (FIELD.md 3.21).
 *
 * Between stop and start the requester alone touches the shared word, without any synchronisation of its own: a thread
 * that still runs, or has just started, is a data race. A request that is lost, or a requester that waits for somebody who waits for it, is a deadlock.
 */
static struct {
    int64_t word;
} world;

static void world_setup(void) { world.word = 0; }

static void world_stop(void)
{
    thread_stop_world();
    world.word++;
    thread_start_world();
}

/* Attached for a while; comes to a safepoint; blocks for good (a thread that stayed attached without safepoints would hold up the world). */
static void world_mutator(void)
{
    rt_safepoint();
    thread_detach();
}
static void world_returner(void)
{
    thread_detach();
    thread_attach();
    thread_detach();
}

/* Every attached thread may write while it is between two safepoints, if nobody else does. */
static void world_writer(void)
{
    world.word++;
    thread_detach();
}

static void world_check(void) { EXPLORE_CHECK(world.word >= 1); }

static const struct scenario stop_world = {
    .name = "stop-world", .summary = "one thread stops the world, the other reaches a safepoint and blocks",
    .source = "FIELD.md 3.21", .setup = world_setup, .thread = {world_stop, world_mutator}, .check = world_check,
};
SCENARIO(stop_world);

static const struct scenario stop_world_writes = {
    .name = "stop-world-writes", .summary = "what an attached thread wrote happens before what the requester does",
    .source = "FIELD.md 3.21", .setup = world_setup, .thread = {world_stop, world_writer}, .check = world_check,
};
SCENARIO(stop_world_writes);

static void world_stop_and_rest(void)
{
    world_stop();
    thread_detach();
}
static const struct scenario stop_world_both = {
    .name = "stop-world-both", .summary = "two threads stop the world at the same time", .source = "FIELD.md 3.21",
    .setup = world_setup, .thread = {world_stop_and_rest, world_stop_and_rest}, .check = world_check, .large = RC_NEEDS_GIL || RC_DEFERS_FREE,
};
SCENARIO(stop_world_both);

static void world_exit(void)
{
    world.word++;
    scenario_thread_end(1);
}
static const struct scenario stop_world_exit = {
    .name = "stop-world-exit", .summary = "a thread ends while another stops the world", .source = "FIELD.md 3.21",
    .setup = world_setup, .thread = {world_stop, world_exit}, .check = world_check,
};
SCENARIO(stop_world_exit);

static const struct scenario stop_world_return = {
    .name = "stop-world-return", .summary = "a thread comes back from blocking while another stops the world",
    .source = "FIELD.md 3.21", .setup = world_setup, .thread = {world_stop, world_returner}, .check = world_check, .large = RC_NEEDS_GIL || RC_DEFERS_FREE,
};
SCENARIO(stop_world_return);

/* Whoever starts finds the request, or is among those that are asked: it never writes beside the requester. Its host is away. */
static void world_start(void)
{
    struct thread *host = rt_self;
    thread_detach();
    rt_self = NULL;
    EXPLORE_CHECK(thread_begin() == 0);
    world.word++;
    thread_end();
    rt_self = host;
}
static void world_check_two(void) { EXPLORE_CHECK(world.word == 2); }
static const struct scenario stop_world_start = {
    .name = "stop-world-start", .summary = "a thread starts, writes and ends while another stops the world", .source = "FIELD.md 3.21",
    .setup = world_setup, .thread = {world_stop, world_start}, .check = world_check_two, .large = RC_NEEDS_GIL || RC_DEFERS_FREE,
};
SCENARIO(stop_world_start);

/* Who was stopped once is stopped again. */
static void world_stop_twice(void)
{
    world_stop();
    world_stop();
}
static void world_return_and_write(void)
{
    thread_detach();
    thread_attach();
    world.word++;
    thread_detach();
}
static void world_check_three(void) { EXPLORE_CHECK(world.word == 3); }
static const struct scenario stop_world_twice = {
    .name = "stop-world-twice", .summary = "one thread stops the world twice, the other comes back meanwhile and writes",
    .source = "FIELD.md 3.21", .setup = world_setup, .thread = {world_stop_twice, world_return_and_write}, .check = world_check_three,
    .large = true,
};
SCENARIO(stop_world_twice);

/* --- what is sent to a thread that stands still --- */

static struct {
    struct obj *sent;
    _Atomic uint32_t dead;
} world_mail;

static void world_sent_dealloc(struct obj *o)
{
    obj_free(o, sizeof(struct obj));
    atomic_store_explicit(&world_mail.dead, 1, memory_order_release); /* release: a word to sleep on */
    os_unpark(&world_mail.dead, 1);
}
static const struct type world_sent_type = {.name = "sent", .dealloc = world_sent_dealloc};

/* C's, and B drops it; C blocks for as long as it lives. */
static void world_setup_sent(void)
{
    world_setup();
    world_mail.dead = 0;
    scenario_act_as(2);
    world_mail.sent = obj_alloc(&world_sent_type, sizeof(struct obj));
    scenario_act_as(-1);
}
static void world_send(void)
{
    rt_safepoint();
    obj_decref(world_mail.sent);
    thread_detach();
}
static void world_wait_for_death(void)
{
    thread_detach();
    while (!atomic_load_explicit(&world_mail.dead, memory_order_acquire)) /* acquire: as above */
        os_park(&world_mail.dead, 0, -1);
    thread_attach();
    thread_detach();
}
static const struct scenario stop_world_sent = {
    .name = "stop-world-sent", .summary = "who goes on first sends an object to a blocked thread that has not been resumed yet",
    .source = "FIELD.md 3.11", .setup = world_setup_sent, .thread = {world_stop_and_rest, world_send, world_wait_for_death}, .check = world_check,
    .large = true,
};
SCENARIO(stop_world_sent);
