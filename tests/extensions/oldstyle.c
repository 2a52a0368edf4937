/*
 * oldstyle.c -- an extension as they were written for the GIL: C statics, no locks, no word about safety. Do not copy.
 *
 *     deposit(n)   reads the balance, and later writes it: two at once lose one     balance()  what is there
 *     repeat(n)    63 times the letter n in a static buffer, which is then copied: two at once mix them
 *     token()      an object; tokens are counted when they are made and when they die      tokens()  alive, by that count
 *     nap()        waits until somebody calls wake(), other threads being allowed          wake()
 *
 * Between a read and its write, and in the middle of the buffer, the processor is given away, so that what can go wrong does so soon and
 * not once a year. volatile: the compiler must not join what is apart.
 */
#define _POSIX_C_SOURCE 200809L
#include "module_api.h"
#include <sched.h>
#include <stdatomic.h>

static volatile int64_t oldstyle_balance, oldstyle_tokens;
static volatile char oldstyle_buffer[64];
static _Atomic int oldstyle_awake; /* read between threads_begin and threads_end: there even old code needs it */

struct oldstyle {
    struct module_type *token;
};

static struct obj *oldstyle_deposit(struct module *m, struct obj *args)
{
    int64_t n = 0;
    struct obj *o = m->api->tuple_get(args, 0);
    if (!o || m->api->int_value(o, &n) != 0) {
        if (o)
            m->api->decref(o);
        return NULL;
    }
    m->api->decref(o);
    int64_t was = oldstyle_balance;
    sched_yield();
    oldstyle_balance = was + n;
    return m->api->none();
}

static struct obj *oldstyle_balance_now(struct module *m, struct obj *args)
{
    (void)args;
    return m->api->int_new(oldstyle_balance);
}

static struct obj *oldstyle_repeat(struct module *m, struct obj *args)
{
    int64_t n = 0;
    struct obj *o = m->api->tuple_get(args, 0);
    int result = o ? m->api->int_value(o, &n) : -1;
    if (o)
        m->api->decref(o);
    if (result != 0)
        return NULL;
    for (int i = 0; i < 63; i++) {
        oldstyle_buffer[i] = (char)('a' + n % 26);
        if (i == 31)
            sched_yield();
    }
    oldstyle_buffer[63] = 0;
    char copy[64];
    for (int i = 0; i < 64; i++)
        copy[i] = oldstyle_buffer[i];
    return m->api->str_new(copy, 63);
}

static void oldstyle_token_dealloc(struct module *m, void *data)
{
    (void)m, (void)data;
    oldstyle_tokens = oldstyle_tokens - 1;
}

static struct obj *oldstyle_token(struct module *m, struct obj *args)
{
    (void)args;
    struct obj *token = m->api->object_new(((struct oldstyle *)m->state)->token);
    if (token) {
        int64_t was = oldstyle_tokens;
        sched_yield();
        oldstyle_tokens = was + 1;
    }
    return token;
}

static struct obj *oldstyle_tokens_now(struct module *m, struct obj *args)
{
    (void)args;
    return m->api->int_new(oldstyle_tokens);
}

static struct obj *oldstyle_nap(struct module *m, struct obj *args)
{
    (void)args;
    void *threads = m->api->threads_begin();
    while (!atomic_load_explicit(&oldstyle_awake, memory_order_relaxed)) /* relaxed: a flag with nothing behind it */
        sched_yield();
    m->api->threads_end(threads);
    return m->api->none();
}

static struct obj *oldstyle_wake(struct module *m, struct obj *args)
{
    (void)args;
    atomic_store_explicit(&oldstyle_awake, 1, memory_order_relaxed); /* relaxed: as in oldstyle_nap */
    return m->api->none();
}

static int oldstyle_exec(struct module *m)
{
    static const struct module_type_spec token = {.name = "token", .dealloc = oldstyle_token_dealloc};
    oldstyle_balance = oldstyle_tokens = 0;
    ((struct oldstyle *)m->state)->token = m->api->type_ready(m, &token);
    return ((struct oldstyle *)m->state)->token ? 0 : -1;
}

static const struct module_function oldstyle_functions[] = {
    {"deposit", oldstyle_deposit}, {"balance", oldstyle_balance_now}, {"repeat", oldstyle_repeat}, {"token", oldstyle_token},
    {"tokens", oldstyle_tokens_now}, {"nap", oldstyle_nap}, {"wake", oldstyle_wake}, {0},
};

static const struct module_slot oldstyle_slots[] = {
    {.id = MODULE_SLOT_EXEC, .run = oldstyle_exec},
    {.id = MODULE_SLOT_END},
};

extern const struct module_definition rclab_module;
const struct module_definition rclab_module = {
    .version = MODULE_VERSION,
    .bytes = sizeof rclab_module,
    .name = "oldstyle",
    .state_bytes = sizeof(struct oldstyle),
    .functions = oldstyle_functions,
    .slots = oldstyle_slots,
};
