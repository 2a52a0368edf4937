/*
 * lock-policies.c -- every way in which an object lock waits, and critical sections over each of them.
 *
 * Where from: Drepper ("Futexes are tricky"); FIELD.md 3.4, 3.5, 3.21 (a lock handed to who is stopped), 3.25, 3.26; section.h.
 * Goes wrong when two are inside at once (a data race on what the lock guards), when somebody waits for ever (deadlock), or
 * when the next holder does not see what the last one wrote. Hand-overs: whether a waiter is late is answered both ways.
 */
struct policed {
    struct container base;
    struct lock lock;
    int data;
};
static struct policed px, py;
static struct obj *policed_sent;

static const char *policed_unless_locks(void) { return LOCK_NONE ? "it has no object locks" : NULL; }
static void policed_lock(struct obj *o) { lock_acquire(&((struct policed *)o)->lock); }
static void policed_unlock(struct obj *o) { lock_release(&((struct policed *)o)->lock); }
static void policed_dealloc(struct obj *o) { (void)o; } /* they are static */
static const struct type policed_type = {
    .name = "policed", .flags = TYPE_CONTAINER, .dealloc = policed_dealloc, .lock = policed_lock, .unlock = policed_unlock};

static void policed_setup(void)
{
    scenario_act_as(0);
    px.base.base.type = py.base.base.type = &policed_type;
    EXPLORE_CHECK(lock_init(&px.lock, &px.base) && lock_init(&py.lock, &py.base));
}
static void policed_setup_held(void)
{
    policed_setup();
    policed_lock(&px.base.base);
}
static void policed_setup_second_held(void)
{
    policed_setup();
    policed_lock(&py.base.base);
}
static void policed_check(void)
{
    lock_acquire_two(&px.lock, &py.lock); /* for ever, if somebody has forgotten to let go */
    lock_release_two(&px.lock, &py.lock);
    lock_drop(&px.lock);
    lock_drop(&py.lock);
}
static void policed_check_two(void)
{
    EXPLORE_CHECK(px.data == 2);
    policed_check();
}
static void policed_check_three(void)
{
    EXPLORE_CHECK(px.data == 3);
    policed_check();
}
static void policed_check_four(void)
{
    EXPLORE_CHECK(px.data == 4);
    policed_check();
}
static void policed_check_three_and_one(void)
{
    EXPLORE_CHECK(px.data == 3 && py.data == 1);
    policed_check();
}
static void policed_check_pairs(void)
{
    EXPLORE_CHECK(px.data == 2 && py.data == 2);
    policed_check();
}

/* --- plain locks --- */

static void policed_leave(void)
{
    px.data++;
    lock_release(&px.lock);
}
static void policed_take(void)
{
    lock_acquire(&px.lock);
    policed_leave();
}
static void policed_leave_y(void)
{
    py.data++;
    lock_release(&py.lock);
}
static void policed_take_twice(void)
{
    policed_take();
    policed_take();
}
static void policed_pair(struct policed *a, struct policed *b)
{
    lock_acquire_two(&a->lock, &b->lock);
    px.data++;
    py.data++;
    lock_release_two(&a->lock, &b->lock);
}
static void policed_xy(void) { policed_pair(&px, &py); }
static void policed_yx(void) { policed_pair(&py, &px); }
/* The world waits for whoever stays attached. */
static void policed_rest(void)
{
    if (!RC_DEFERS_FREE) /* the explorer detaches those itself */
        thread_detach();
}
static void policed_take_and_rest(void)
{
    policed_take();
    policed_rest();
}
static void policed_stop(void)
{
    thread_stop_world();
    thread_start_world();
}
static void policed_leave_and_stop_world(void)
{
    policed_leave();
    policed_stop();
}

/* B waits for the lock, C drops an object of B's whose destructor wants the same lock. */
static void policed_sender_dealloc(struct obj *o)
{
    policed_take();
    obj_free(o, sizeof(struct obj));
}
static const struct type policed_sender_type = {.name = "sender", .dealloc = policed_sender_dealloc};
static void policed_setup_sending(int owner, const struct type *type)
{
    scenario_act_as(owner);
    policed_sent = obj_alloc(type, sizeof(struct obj));
}
static void policed_setup_sent(void)
{
    policed_setup_held();
    policed_setup_sending(1, &policed_sender_type);
}
static void policed_send(void) { obj_decref(policed_sent); }

/* A's, and its destructor stops the world. */
static void policed_stopper_dealloc(struct obj *o)
{
    policed_stop();
    obj_free(o, sizeof(struct obj));
}
static const struct type policed_stopper_type = {.name = "stopper", .dealloc = policed_stopper_dealloc};
static void policed_setup_stopper(void)
{
    policed_setup();
    policed_setup_sending(0, &policed_stopper_type);
}

/* --- critical sections --- */

static void section_x_then_y(struct policed *x, struct policed *y)
{
    struct section outer, inner;
    section_begin(&outer, &x->base.base);
    section_begin(&inner, &y->base.base);
    y->data++;
    section_end(&inner);
    x->data++; /* held again, should it have been let go of */
    section_end(&outer);
}
static void section_nest_xy(void) { section_x_then_y(&px, &py); }
static void section_nest_yx(void) { section_x_then_y(&py, &px); }
static void section_both(struct policed *a, struct policed *b)
{
    struct section s, same;
    section_begin_two(&s, &a->base.base, &b->base.base);
    section_begin(&same, &a->base.base); /* has its lock already */
    px.data++;
    section_end(&same);
    py.data++;
    section_end(&s);
}
static void section_two_xy(void) { section_both(&px, &py); }
static void section_two_yx(void) { section_both(&py, &px); }
static void section_detached(void)
{
    struct section s;
    section_begin(&s, &px.base.base);
    px.data++;
    thread_detach();
    EXPLORE_CHECK(!s.held);
    thread_attach();
    px.data++;
    section_end(&s);
}
static void section_plain(void)
{
    struct section s, same;
    section_begin(&s, &px.base.base);
    policed_take(); /* its own lock */
    px.data++;
    section_begin_two(&same, &px.base.base, &px.base.base);
    section_end(&same);
    section_end(&s);
}
static void section_plain_two(void)
{
    struct section s;
    section_begin(&s, &py.base.base);
    policed_xy();
    py.data += 0;
    section_end(&s);
}

static void section_one(struct policed *x)
{
    struct section s;
    section_begin(&s, &x->base.base);
    x->data++;
    section_end(&s);
}
/* A's, and its destructor begins a section of its own: of the object whose section it interrupts, or of another. */
static void section_x_dealloc(struct obj *o)
{
    section_one(&px);
    obj_free(o, sizeof(struct obj));
}
static void section_y_dealloc(struct obj *o)
{
    section_one(&py);
    obj_free(o, sizeof(struct obj));
}
static const struct type section_x_type = {.name = "section of x", .dealloc = section_x_dealloc};
static const struct type section_y_type = {.name = "section of y", .dealloc = section_y_dealloc};
static void section_setup_x(void)
{
    policed_setup();
    policed_setup_sending(0, &section_x_type);
}
static void section_setup_y(void)
{
    policed_setup();
    policed_setup_sending(0, &section_y_type);
}
static void section_sends_first(void)
{
    policed_send();
    section_one(&px);
}

/* A section around a stop: its lock is let go of, whatever others do with it meanwhile. */
static void section_stops(void)
{
    struct section s;
    section_begin(&s, &px.base.base);
    px.data++;
    policed_stop();
    px.data++;
    section_end(&s);
    policed_rest();
}
/* Sends the other one a destructor that stops the world, while it holds what the other one wants back. */
static void section_sends(void)
{
    struct section s;
    section_begin(&s, &px.base.base);
    obj_decref(policed_sent);
    px.data++;
    section_end(&s);
    policed_rest();
}

/* Under a strategy that defers frees each wait is an epoch's business as well: the lock's code is the same, the proof takes minutes. */
#define POLICED(symbol, title, how, asked, from, prepare, after, big, ...)                                             \
    static const struct scenario symbol = {                                                                            \
        .name = title, .summary = asked, .source = from, .setup = prepare, .thread = {__VA_ARGS__}, .check = after,    \
        .unfit = policed_unless_locks, .lock = how, .large = (big) || RC_DEFERS_FREE,                                  \
    };                                                                                                                 \
    SCENARIO(symbol)
#define POLICED_EACH(policy, how)                                                                                      \
    POLICED(policed_park_##policy, "lock-" #policy, how, "two threads, one lock", "FIELD.md 3.26", policed_setup,      \
            policed_check_three, false, policed_take_twice, policed_take);                                             \
    POLICED(policed_held_##policy, "lock-" #policy "-held", how, "two threads want a lock that a third one holds",     \
            "FIELD.md 3.21", policed_setup_held, policed_check_three, true, policed_leave, policed_take, policed_take);\
    POLICED(policed_two_##policy, "lock-" #policy "-two", how, "two threads take two locks, each in its own order",    \
            "FIELD.md 3.5", policed_setup, policed_check_pairs, false, policed_xy, policed_yx);                        \
    POLICED(policed_stop_##policy, "lock-" #policy "-stop", how, "who releases a lock stops the world at once, a waiter gets it", \
            "FIELD.md 3.21", policed_setup_held, policed_check_two, false, policed_leave_and_stop_world, policed_take_and_rest); \
    POLICED(policed_sent_##policy, "lock-" #policy "-destructor", how, "who waits for a lock is sent a destructor that takes it", \
            "FIELD.md 3.4", policed_setup_sent, policed_check_three, true, policed_leave, policed_take, policed_send); \
    SECTIONS_EACH(policy, how)
#define SECTIONS_EACH(policy, how)                                                                                     \
    POLICED(section_nested_##policy, "section-" #policy, how, "two threads nest two sections, each in its own order",  \
            "PEP 703", policed_setup, policed_check_pairs, false, section_nest_xy, section_nest_yx);                   \
    POLICED(section_two_##policy, "section-" #policy "-two", how, "two threads begin a section of two objects",        \
            "FIELD.md 3.5", policed_setup, policed_check_pairs, false, section_two_xy, section_two_yx);                \
    POLICED(section_detached_##policy, "section-" #policy "-suspended", how, "a section is let go of and held again around a wait", \
            "FIELD.md 3.25", policed_setup, policed_check_three, false, section_detached, policed_take);               \
    POLICED(section_plain_##policy, "section-" #policy "-plain", how, "a container's own operation wants the lock of the section", \
            "FIELD.md 3.4", policed_setup, policed_check_three, false, section_plain, policed_take);                   \
    POLICED(section_again_##policy, "section-" #policy "-again", how, "a destructor in a detach begins the section that was let go of", \
            "section.h", section_setup_x, policed_check_four, false, section_detached, section_sends_first);           \
    POLICED(section_other_##policy, "section-" #policy "-other", how, "a destructor in a detach begins and ends another section", \
            "section.h", section_setup_y, policed_check_three_and_one, false, section_detached, section_sends_first);  \
    POLICED(section_stopped_##policy, "section-" #policy "-stop", how, "who is in a section stops the world, and is sent a destructor that does so", \
            "FIELD.md 3.21, 3.25", policed_setup_stopper, policed_check_three, true, section_stops, section_sends);   \
    POLICED(section_plain_two_##policy, "section-" #policy "-plain-two", how, "the same with two locks",               \
            "FIELD.md 3.5", policed_setup, policed_check_pairs, true, section_plain_two, policed_yx)

POLICED(policed_two_and_one, "lock-two-and-one", LOCK_BY_FUTEX, "who waits for its second lock may find the first one taken when it has it",
        "FIELD.md 3.5", policed_setup_second_held, policed_check_pairs, true, policed_leave_y, policed_xy, policed_take);
POLICED_EACH(futex, LOCK_BY_FUTEX);
POLICED_EACH(parking, LOCK_BY_PARKING);
POLICED_EACH(mutex, LOCK_BY_MUTEX);
SECTIONS_EACH(biased, LOCK_BY_BIAS);
