/*
 * rwlock.c -- the read-write lock. Protocol and invariant are in rwlock.h.
 */
#include "rwlock.h"

#ifdef RC_HOSTILE
enum { RWLOCK_ROOM = 1 }; /* every second reader needs memory */
#else
enum { RWLOCK_ROOM = 8 };
#endif

API struct obj *rwlock_new(void)
{
    struct rwlock *l = obj_alloc(&rwlock_type, sizeof *l);
    if (unlikely(!l))
        return NULL;
    memset(&l->guard, 0, sizeof *l - offsetof(struct rwlock, guard));
    os_mutex_init(&l->guard);
    return &l->base;
}

SLOW int rwlock_refuse(const char *text)
{
    err_set(ERR_OWNER, text, 0, 0);
    return -1;
}

/* --- under the guard --- */

/* The thread among those that read, or NULL. */
static struct rwlock_holder *rwlock_holder(const struct rwlock *l, uint32_t key)
{
    for (uint32_t i = 0; i < l->held; i++)
        if (l->holder[i].key == key)
            return &l->holder[i];
    return NULL;
}

/* One place more than are taken or promised; false: no memory. */
static bool rwlock_reserve(struct rwlock *l)
{
    if (l->held + l->readers.length < l->room)
        return true;
    uint32_t room = l->room + RWLOCK_ROOM + l->room / 2;
    struct rwlock_holder *holder = os_realloc(l->holder, room * sizeof *holder);
    if (!holder)
        return false;
    l->holder = holder;
    l->room = room;
    return true;
}

static void rwlock_add(struct rwlock *l, uint32_t key) { l->holder[l->held++] = (struct rwlock_holder){key, 1}; }

/* Nobody holds it any more: the next ones do. A list of those to be told. */
static struct turn *rwlock_pass(struct rwlock *l)
{
    struct turn *next = turn_take(&l->writers);
    if (next) {
        l->writer = next->key;
        next->next = NULL;
        return next;
    }
    next = l->readers.head;
    for (struct turn *t; (t = turn_take(&l->readers)) != NULL;)
        rwlock_add(l, t->key);
    return next;
}

/* --- not under it --- */

static void rwlock_tell(struct turn *list)
{
    while (list) {
        struct turn *next = list->next;
        turn_tell(list);
        list = next;
    }
}

enum rwlock_answer { RWLOCK_HAS, RWLOCK_WAITS, RWLOCK_OWN, RWLOCK_NO_MEMORY };

/* Under the guard. Who has to wait `joins` or, still attached, asks again (turn.h). */
static enum rwlock_answer rwlock_begin_read(struct rwlock *l, bool joins)
{
    struct rwlock_holder *mine = rwlock_holder(l, rt_self->key);
    if (l->writer == rt_self->key)
        return RWLOCK_OWN;
    if (mine) {
        mine->count++;
        return RWLOCK_HAS;
    }
    if (!rwlock_reserve(l))
        return RWLOCK_NO_MEMORY;
    if (l->writer || l->writers.length > 0) {
        if (joins)
            turn_join(&l->readers);
        return RWLOCK_WAITS;
    }
    rwlock_add(l, rt_self->key);
    return RWLOCK_HAS;
}

/* Under the guard, as rwlock_begin_read. */
static enum rwlock_answer rwlock_begin_write(struct rwlock *l, bool joins)
{
    if (l->writer == rt_self->key || rwlock_holder(l, rt_self->key))
        return RWLOCK_OWN;
    if (l->writer || l->held > 0) {
        if (joins)
            turn_join(&l->writers);
        return RWLOCK_WAITS;
    }
    l->writer = rt_self->key;
    return RWLOCK_HAS;
}

static enum rwlock_answer rwlock_ask_for(struct rwlock *l, enum rwlock_answer (*begin)(struct rwlock *, bool), bool joins)
{
    os_lock(&l->guard);
    enum rwlock_answer answer = begin(l, joins);
    os_unlock(&l->guard);
    return answer;
}

/* What a destructor that ran meanwhile did with the lock is in the answer. */
SLOW enum rwlock_answer rwlock_wait(struct rwlock *l, enum rwlock_answer (*begin)(struct rwlock *, bool))
{
    thread_detach(); /* before it joins: turn.h */
    enum rwlock_answer answer = rwlock_ask_for(l, begin, true);
    if (answer == RWLOCK_WAITS)
        turn_wait();
    thread_attach();
    return answer;
}

static int rwlock_begin(struct obj *o, enum rwlock_answer (*begin)(struct rwlock *, bool), const char *refusal)
{
    struct rwlock *l = obj_as(o, &rwlock_type);
    if (!l)
        return -1;
    enum rwlock_answer answer = rwlock_ask_for(l, begin, false);
    if (answer == RWLOCK_WAITS)
        answer = rwlock_wait(l, begin);
    if (answer == RWLOCK_OWN)
        return rwlock_refuse(refusal);
    else if (answer == RWLOCK_NO_MEMORY)
        err_memory();
    return answer == RWLOCK_NO_MEMORY ? -1 : 0;
}

API int rwlock_read_lock(struct obj *o)
{
    return rwlock_begin(o, rwlock_begin_read, "read lock: the caller holds the write lock");
}
API int rwlock_write_lock(struct obj *o)
{
    return rwlock_begin(o, rwlock_begin_write, "write lock: the caller holds the lock already, to read or to write");
}

API int rwlock_read_unlock(struct obj *o)
{
    struct rwlock *l = obj_as(o, &rwlock_type);
    struct turn *next = NULL;
    if (!l)
        return -1;
    os_lock(&l->guard);
    struct rwlock_holder *mine = rwlock_holder(l, rt_self->key);
    bool matched = mine != NULL;
    if (matched && --mine->count == 0) {
        *mine = l->holder[--l->held];
        next = l->held == 0 ? rwlock_pass(l) : NULL;
    }
    os_unlock(&l->guard);
    rwlock_tell(next);
    return matched ? 0 : rwlock_refuse("read unlock: the caller does not hold the read lock");
}

API int rwlock_write_unlock(struct obj *o)
{
    struct rwlock *l = obj_as(o, &rwlock_type);
    struct turn *next = NULL;
    if (!l)
        return -1;
    os_lock(&l->guard);
    bool matched = l->writer == rt_self->key;
    if (matched) {
        l->writer = 0;
        next = rwlock_pass(l);
    }
    os_unlock(&l->guard);
    rwlock_tell(next);
    return matched ? 0 : rwlock_refuse("write unlock: the caller does not hold the write lock");
}

/* --- looking --- */

enum rwlock_question { RWLOCK_READERS, RWLOCK_WRITERS, RWLOCK_WRITER };

static int64_t rwlock_ask(struct obj *o, enum rwlock_question what)
{
    struct rwlock *l = obj_as(o, &rwlock_type);
    if (!l)
        return -1;
    os_lock(&l->guard);
    int64_t answer = what == RWLOCK_READERS ? l->held : what == RWLOCK_WRITERS ? l->writers.length : l->writer != 0;
    os_unlock(&l->guard);
    return answer;
}
API int64_t rwlock_readers(struct obj *o) { return rwlock_ask(o, RWLOCK_READERS); }
API int64_t rwlock_writers_waiting(struct obj *o) { return rwlock_ask(o, RWLOCK_WRITERS); }
API int rwlock_writer_locked(struct obj *o) { return (int)rwlock_ask(o, RWLOCK_WRITER); }

/* --- contexts --- */

static int rwlock_enter(struct rwlock_context *c, struct obj *lock, bool writes)
{
    *c = (struct rwlock_context){.writes = writes};
    if ((writes ? rwlock_write_lock : rwlock_read_lock)(lock) != 0)
        return -1;
    c->lock = obj_incref(lock);
    return 0;
}
API int rwlock_enter_read(struct rwlock_context *c, struct obj *lock) { return rwlock_enter(c, lock, false); }
API int rwlock_enter_write(struct rwlock_context *c, struct obj *lock) { return rwlock_enter(c, lock, true); }

API int rwlock_exit(struct rwlock_context *c)
{
    struct obj *lock = c->lock;
    c->lock = NULL;
    if (!lock)
        return rwlock_refuse("exit: not inside a read or write context");
    int result = (c->writes ? rwlock_write_unlock : rwlock_read_unlock)(lock);
    obj_decref(lock);
    return result;
}

static void rwlock_dealloc(struct obj *o)
{
    struct rwlock *l = (struct rwlock *)o;
    assert(l->readers.length == 0 && l->writers.length == 0); /* each holds a reference for the length of its call */
    os_mutex_drop(&l->guard);
    os_free(l->holder);
    obj_free(o, sizeof *l);
}

static const struct type rwlock_type = {.name = "RWLock", .dealloc = rwlock_dealloc, .size = {.least = sizeof(struct rwlock)}};
