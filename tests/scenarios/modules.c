/*
 * modules.c -- the automatic lock around extension modules that do not say that they need none.
 *
 * Where from: module.h (a destructor must not wait for the lock; a thread holds one at most), FIELD.md 3.4 and 3.21 for the like.
 * Goes wrong when two are inside at once (a data race on the module's statics), when a dead object is left to a holder who has
 * gone (a leak), when two threads wait for each other's module (deadlock), or when a wake-up is lost.
 * Checked: plain counters, one of them counted by destructors.
 */
static struct {
    struct module *m[2];
    struct module_type *type;
    struct obj *args, *token;
    int calls, deaths;
} modules_seen;

static struct obj *modules_count(struct module *m, struct obj *args)
{
    (void)args;
    modules_seen.calls++;
    return m->api->none();
}
/* Blocks for a moment, keeping the lock, as who waits for an object's lock does: others may merge in the thread's place. */
static struct obj *modules_block(struct module *m, struct obj *args)
{
    thread_detach();
    thread_attach();
    return modules_count(m, args);
}
/* Calls the other module; the count is taken outside that call. */
static struct obj *modules_count_other(struct module *m, struct obj *args)
{
    return module_call(modules_seen.m[m == modules_seen.m[0]], "count", args);
}
/* Enters its own module again: nobody else comes in meanwhile. */
static struct obj *modules_again(struct module *m, struct obj *args)
{
    int before = modules_seen.calls++;
    obj_decref(module_call(m, "count", args));
    EXPLORE_CHECK(modules_seen.calls == before + 2);
    return m->api->none();
}
static void modules_token_dealloc(struct module *m, void *data)
{
    (void)m, (void)data;
    modules_seen.calls++; /* what its functions touch as well */
    modules_seen.deaths++;
}
static int modules_exec(struct module *m)
{
    static const struct module_type_spec token = {.name = "token", .dealloc = modules_token_dealloc};
    modules_seen.type = m->api->type_ready(m, &token);
    return modules_seen.type ? 0 : -1;
}
static struct obj *modules_nothing(struct module *m, struct obj *args)
{
    (void)args;
    return m->api->none();
}

static const struct module_slot modules_slots[] = {{.id = MODULE_SLOT_EXEC, .run = modules_exec}, {0}};
static const struct module_function modules_functions[] = {{"count", modules_count}, {"block", modules_block}, {"again", modules_again}, {0}};
static const struct module_function modules_cross_functions[] = {{"cross", modules_count_other}, {"count", modules_nothing}, {0}};
static const struct module_definition modules_definition = {.version = MODULE_VERSION,
                                                            .bytes = sizeof(struct module_definition),
                                                            .name = "one",
                                                            .functions = modules_functions,
                                                            .slots = modules_slots};
static const struct module_definition modules_left = {.version = MODULE_VERSION,
                                                      .bytes = sizeof(struct module_definition),
                                                      .name = "left",
                                                      .functions = modules_cross_functions,
                                                      .slots = modules_slots};
static const struct module_definition modules_right = {.version = MODULE_VERSION,
                                                       .bytes = sizeof(struct module_definition),
                                                       .name = "right",
                                                       .functions = modules_cross_functions,
                                                       .slots = modules_slots};

static struct module *modules_make(const struct module_definition *d)
{
    char why[100];
    struct module *m = module_make(d, why, sizeof why);
    EXPLORE_CHECK(m != NULL);
    return m;
}
static void modules_setup(void)
{
    memset(&modules_seen, 0, sizeof modules_seen);
    modules_seen.args = tuple_new(NULL, 0);
    modules_seen.m[0] = modules_make(&modules_definition);
}
static void modules_setup_token(void)
{
    modules_setup();
    scenario_act_as(1);
    modules_seen.token = modules_seen.m[0]->api->object_new(modules_seen.type);
}
static void modules_setup_callers_token(void)
{
    modules_setup();
    scenario_act_as(0);
    modules_seen.token = modules_seen.m[0]->api->object_new(modules_seen.type);
}
static void modules_setup_cross(void)
{
    memset(&modules_seen, 0, sizeof modules_seen);
    modules_seen.args = tuple_new(NULL, 0);
    modules_seen.m[0] = modules_make(&modules_left);
    modules_seen.m[1] = modules_make(&modules_right);
}

static void modules_call(void) { obj_decref(module_call(modules_seen.m[0], "count", modules_seen.args)); }
static void modules_call_block(void) { obj_decref(module_call(modules_seen.m[0], "block", modules_seen.args)); }
static void modules_call_again(void) { obj_decref(module_call(modules_seen.m[0], "again", modules_seen.args)); }
static void modules_drop(void) { obj_decref(modules_seen.token); }
static void modules_cross_left(void) { obj_decref(module_call(modules_seen.m[0], "cross", modules_seen.args)); }
static void modules_cross_right(void) { obj_decref(module_call(modules_seen.m[1], "cross", modules_seen.args)); }

static void modules_end(void)
{
    obj_decref(modules_seen.args);
    for (int i = 0; i < 2; i++)
        EXPLORE_CHECK(!modules_seen.m[i] || module_unload(modules_seen.m[i]) == 0);
}
static void modules_check_calls(void)
{
    EXPLORE_CHECK(modules_seen.calls == 2);
    modules_end();
}
static void modules_check_again(void)
{
    EXPLORE_CHECK(modules_seen.calls == 3);
    modules_end();
}
static void modules_check_death(void)
{
    EXPLORE_CHECK(modules_seen.calls == 2 && modules_seen.deaths == 1);
    modules_end();
}

static const struct scenario modules_two_calls = {
    .name = "module-calls", .summary = "two threads call an old extension: one at a time is inside", .source = "module.h, PEP 703",
    .setup = modules_setup, .thread = {modules_call, modules_call}, .check = modules_check_calls,
};
SCENARIO(modules_two_calls);
static const struct scenario modules_recursion = {
    .name = "module-again", .summary = "an old extension is entered again by who is inside, while another waits: the inner call gives nothing back",
    .source = "module.h", .setup = modules_setup, .thread = {modules_call_again, modules_call}, .check = modules_check_again,
};
SCENARIO(modules_recursion);
static const struct scenario modules_death = {
    .name = "module-death", .summary = "an object of an old extension dies while another thread is inside: never waited for, never lost",
    .source = "module.h", .setup = modules_setup_token, .thread = {modules_call, modules_drop}, .check = modules_check_death,
};
SCENARIO(modules_death);
static const struct scenario modules_death_merged = {
    .name = "module-death-merge", .summary = "the object was made by the holder, who blocks inside: who drops it merges in the holder's place",
    .source = "module.h", .setup = modules_setup_callers_token, .thread = {modules_call_block, modules_drop}, .check = modules_check_death,
};
SCENARIO(modules_death_merged);
static const struct scenario modules_crossing = {
    .name = "module-cross", .summary = "two old extensions call each other on two threads: none waits for ever", .source = "module.h, FIELD.md 3.4",
    .setup = modules_setup_cross, .thread = {modules_cross_left, modules_cross_right}, .check = modules_end,
};
SCENARIO(modules_crossing);
