/*
 * describe.h -- the instance's side of names: what a block of its memory is, its members, their values in words.
 *
 * Included by instance.c. Members come from the lists that stand beside the structs (RC_HEAD_FIELDS, THREAD_FIELDS, LOCK_FIELDS); what has
 * no list here is shown by its offset. Runs in the middle of an execution, hence without instrumentation: nothing that these
 * functions read is noticed as an access.
 */
#ifndef EXPLORE_DESCRIBE_H
#define EXPLORE_DESCRIBE_H

#include "os.h"

#include "../../objects/dict.h"
#include "../../objects/list.h"
#include "../../objects/number.h"
#include "../../objects/set.h"

#define UNSEEN __attribute__((no_sanitize_thread, noinline))

/* --- words that several lists use --- */

static struct {
    const struct thread *at;
    uint32_t id;
    int self;
} survey_thread[16];
static int survey_threads;

UNSEEN static void words_thread(uint64_t id, char *buf, size_t size)
{
    for (int i = 0; i < survey_threads; i++)
        if (survey_thread[i].id == id) {
            snprintf(buf, size, "%s", explore_thread_name(survey_thread[i].self));
            return;
        }
    snprintf(buf, size, id == THREAD_ID_NONE ? "nobody" : id == THREAD_ID_ENDING ? "ending" : "%u", (unsigned)id);
}
INLINE void words_count(uint64_t value, char *buf, size_t size)
{
    snprintf(buf, size, (int64_t)value < 0 ? "immortal" : "%lld", (long long)value);
}

/* --- members --- */

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))
#define FIELD(s, m, w) {#m, offsetof(struct s, m), sizeof(((struct s *)0)->m), w},
#define FIELD_HEAD(m) FIELD(rc_head, m, NULL)
#define FIELD_WORDS(m, w) FIELD(rc_head, m, w)
#define FIELD_OBJ(m, w) FIELD(obj, m, w)
#define FIELD_CONTAINER(m, w) FIELD(container, m, w)
#define FIELD_LOCK(m, w) FIELD(lock, m, w)
#define FIELD_THREAD(m, w) FIELD(thread, m, w)
#define FIELD_RC_THREAD(m, w) FIELD(rc_thread, m, w)
#define END_OF_LIST {NULL, 0, 0, NULL} /* so that a list may be empty */

static struct explore_field head_fields[] = {RC_HEAD_FIELDS(FIELD_HEAD) END_OF_LIST}; /* survey adds the words */
static const struct explore_field head_words[] = {RC_HEAD_WORDS(FIELD_WORDS) END_OF_LIST};
static const struct explore_field lock_fields[] = {LOCK_FIELDS(FIELD_LOCK) END_OF_LIST};
static const struct explore_field thread_fields[] = {THREAD_FIELDS(FIELD_THREAD) END_OF_LIST};
static const struct explore_field rc_thread_fields[] = {RC_THREAD_FIELDS(FIELD_RC_THREAD) END_OF_LIST};
static const struct explore_field heap_thread_fields[] = {
    FIELD(heap_thread, live, NULL) FIELD(heap_thread, dead_head, NULL) FIELD(heap_thread, dead_tail, NULL)
    FIELD(heap_thread, revoked, NULL) FIELD(heap_thread, deallocating, NULL) FIELD(heap_thread, depth, NULL)
    FIELD(heap_thread, borrowed.count, NULL) FIELD(heap_thread, borrowed.floor, NULL)
    FIELD(heap_thread, counts.count, NULL) FIELD(heap_thread, counts.room, NULL) FIELD(heap_thread, stack.top, NULL)
};
static const struct explore_field obj_fields[] = {FIELD_OBJ(type, NULL)};
static const struct explore_field container_fields[] = {FIELD_OBJ(type, NULL) FIELD_CONTAINER(dead_next, NULL)};
static const struct explore_field list_fields[] = {
    FIELD(list, length, NULL) FIELD(list, room, NULL) FIELD(list, item, NULL)
};
static const struct explore_field table_fields[] = {
    FIELD(table, index, NULL) FIELD(table, entry, NULL) FIELD(table, slots, NULL) FIELD(table, used, NULL)
    FIELD(table, filled, NULL) FIELD(table, usable, NULL)
};
static const struct explore_field integer_fields[] = {FIELD(integer, limbs, NULL) FIELD(integer, small, NULL)};

/* --- what a block is --- */

UNSEEN static void add_part(struct explore_thing *t, const char *prefix, size_t offset, const struct explore_field *f, int fields)
{
    t->part[t->parts++] = (struct explore_part){prefix, offset, f, fields};
}

/* Where a type of its own has members worth a name: the lock that makes its races, and what that guards. */
UNSEEN static void add_own_parts(struct explore_thing *t, const struct type *type)
{
    if (type == &list_type) {
        add_part(t, "lock.", offsetof(struct list, lock), lock_fields, LENGTH(lock_fields) - 1);
        add_part(t, "", 0, list_fields, LENGTH(list_fields));
    } else if (type == &dict_type || type == &set_type) {
        _Static_assert(offsetof(struct dict, lock) == offsetof(struct set, lock), "one way to describe both");
        add_part(t, "lock.", offsetof(struct dict, lock), lock_fields, LENGTH(lock_fields) - 1);
        add_part(t, "table.", offsetof(struct dict, table), table_fields, LENGTH(table_fields));
    } else if (type == &int_type) {
        add_part(t, "", 0, integer_fields, LENGTH(integer_fields));
    }
}

extern const char __executable_start[], _end[]; /* the linker's: the program's image */
UNSEEN static bool in_image(const void *p) { return (uintptr_t)p - (uintptr_t)__executable_start < (uintptr_t)(_end - __executable_start); }

/* An object is what points at a type where its type should stand; no other block points at a constant that begins with a name. */
UNSEEN static const struct type *type_of(const void *block, size_t bytes)
{
    const struct type *type = bytes < sizeof(struct obj) ? NULL : ((const struct obj *)block)->type;
    if (!in_image(type) || (uintptr_t)type % _Alignof(struct type) != 0 || !in_image(type->name) || !in_image((const void *)type->dealloc))
        return NULL;
    return type;
}

UNSEEN static bool identify(const void *block, size_t bytes, struct explore_thing *t)
{
    *t = (struct explore_thing){.numbered = true};
    for (int i = 0; i < survey_threads; i++)
        if (survey_thread[i].at == block) {
            t->numbered = false;
            snprintf(t->name, sizeof t->name, "%s", explore_thread_name(survey_thread[i].self));
            add_part(t, "", 0, thread_fields, LENGTH(thread_fields) - 1);
            add_part(t, "", 0, rc_thread_fields, LENGTH(rc_thread_fields) - 1);
            add_part(t, "", 0, heap_thread_fields, LENGTH(heap_thread_fields));
            return true;
        }
    const struct type *type = type_of(block, bytes);
    if (!type)
        return false;
    bool container = type->flags & TYPE_CONTAINER;
    t->object = true;
    snprintf(t->name, sizeof t->name, "%s", type->name);
    if (type == &int_type && bytes >= sizeof(struct integer) && ((const struct integer *)block)->limbs == 0)
        snprintf(t->constant, sizeof t->constant, "int %lld", (long long)((const struct integer *)block)->small);
    add_part(t, "rc.", offsetof(struct obj, rc), head_fields, LENGTH(head_fields) - 1);
    add_part(t, "", 0, container ? container_fields : obj_fields, container ? LENGTH(container_fields) : LENGTH(obj_fields));
    add_own_parts(t, type);
    return true;
}

/* Called on main after start, with the bodies' threads; the rest but main are helpers, in the order of their registration. */
static void survey_of(struct thread *const *body)
{
    struct thread *t;
    int helper = 0;
    for (int i = 0; i < LENGTH(head_words) - 1; i++)
        for (int k = 0; k < LENGTH(head_fields) - 1; k++)
            if (head_fields[k].offset == head_words[i].offset)
                head_fields[k].words = head_words[i].words;
    if (!thread_registry_all.next)
        return; /* a scenario without the runtime */
    survey_threads = 0;
    while (helper < SCENARIO_THREADS && body[helper])
        helper++;
    thread_registry_for_each(t) {
        int self = t == rt_self ? 0 : -1;
        for (int i = 0; i < SCENARIO_THREADS; i++)
            if (body[i] == t)
                self = i + 1;
        if (survey_threads < LENGTH(survey_thread)) {
            survey_thread[survey_threads].at = t;
            survey_thread[survey_threads].id = t->id;
            survey_thread[survey_threads++].self = self >= 0 ? self : ++helper;
        }
    }
}

#endif
