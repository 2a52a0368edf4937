/*
 * linearizability.h -- was what the threads saw possible one operation at a time? Histories, and the checker that decides.
 *
 * A history holds for each operation when it was invoked, when it returned (stamps of one clock) and what it answered. It is
 * linearizable if there is an order of all operations that a sequential model allows and in which each comes after all that had
 * returned before it was invoked (Herlihy and Wing, TOPLAS 1990).
 * The search is Wing and Gong's (JPDC 1993): take as next any operation that was invoked before the first return still to come, go back when
 * none fits. Lowe's memo (Concurrency and Computation 2017) cuts it: a configuration, which is the set of operations taken and the state after
 * them, that has failed once is not tried again. Operations with different keys are checked apart: linearizability is local.
 *
 * A model's state is flat memory, and equal states have equal bytes: the checker copies, hashes and compares them as such.
 *
 *     struct lin_history h;
 *     lin_begin(&h, threads, operations of each at most);
 *         each thread: struct lin_op *op = lin_invoke(&h, thread, LIN_SET, key, value); …the operation… lin_return(&h, op, result);
 *     struct lin_result r = lin_check(&h, &lin_dict);      r.verdict == LIN_YES, else lin_explain(&h, &r) says why not
 *     lin_end(&h);
 */
#ifndef TESTS_LINEARIZABILITY_H
#define TESTS_LINEARIZABILITY_H

#include "../rc/os.h"

enum { LIN_THREADS = 16 };
#define LIN_NONE INT64_MIN /* as a result or a value: nothing was there */

struct lin_op {
    int64_t invoked, returned; /* all stamps of a history differ */
    int thread, kind;          /* kind: the model's */
    int64_t key;               /* 0 for all in a model of one object */
    int64_t argument, result;
};

struct lin_history {
    struct lin_op *op[LIN_THREADS]; /* each thread's own, in its order */
    int length[LIN_THREADS], threads, room;
    _Atomic int64_t clock;
};

struct lin_model {
    const char *name;
    /* Bytes of a state after at most that many operations; the whole of it begins as zeros, then init (may be NULL). */
    size_t (*room)(int operations);
    void (*init)(void *state);
    /* How many of these bytes say all about the state; NULL: all. */
    size_t (*used)(const void *state);
    /* Does the operation with that result; false: it is impossible in that state, which may be left in any form. */
    bool (*apply)(void *state, const struct lin_op *op);
    const char *const *kinds; /* names, for people */
};

enum lin_verdict { LIN_YES, LIN_NO, LIN_TOO_LARGE };

struct lin_result {
    enum lin_verdict verdict;
    const struct lin_model *model;
    int64_t key;         /* unless YES: whose operations they are */
    int longest;         /* unless YES: how many of them have an order at most */
    int64_t configurations; /* looked at, over all keys */
};

/* --- histories --- */

static void *lin_alloc(size_t count, size_t bytes)
{
    void *memory = calloc(count ? count : 1, bytes); /* not os_alloc: no fault plan sees it */
    if (!memory)
        die("history", ENOMEM);
    return memory;
}

API void lin_begin(struct lin_history *h, int threads, int room)
{
    *h = (struct lin_history){.threads = threads, .room = room};
    for (int i = 0; i < threads; i++)
        h->op[i] = lin_alloc((size_t)room, sizeof *h->op[i]);
}

API void lin_end(struct lin_history *h)
{
    for (int i = 0; i < h->threads; i++)
        free(h->op[i]);
}

/* The operation lies between its two stamps. Under ThreadSanitizer relaxed: a clock that synchronised would hide the edges that
 * the container under test lacks. (The instruction is the same.) */
#ifdef OS_TSAN
#define LIN_ORDER memory_order_relaxed
#else
#define LIN_ORDER memory_order_seq_cst
#endif
static int64_t lin_stamp(struct lin_history *h) { return atomic_fetch_add_explicit(&h->clock, 1, LIN_ORDER); }

/* By thread number `thread` itself. */
API struct lin_op *lin_invoke(struct lin_history *h, int thread, int kind, int64_t key, int64_t argument)
{
    if (h->length[thread] == h->room)
        die("history", ENOSPC);
    struct lin_op *op = &h->op[thread][h->length[thread]++];
    *op = (struct lin_op){.thread = thread, .kind = kind, .key = key, .argument = argument};
    op->invoked = lin_stamp(h);
    return op;
}
API void lin_return(struct lin_history *h, struct lin_op *op, int64_t result)
{
    op->returned = lin_stamp(h);
    op->result = result;
}

/* --- the events of one key, in the order of their stamps: a list from which operations are taken out and put back --- */

struct lin_event {
    const struct lin_op *op;
    bool call;
    int number;                       /* of the operation, in the set of those taken */
    struct lin_event *next, *previous, *match; /* match: of a call its return */
};

static int64_t lin_event_at(const struct lin_event *e) { return e->call ? e->op->invoked : e->op->returned; }
static int lin_event_compare(const void *x, const void *y)
{
    int64_t a = lin_event_at(x), b = lin_event_at(y);
    return (a > b) - (a < b);
}

/* All events of the key behind event[0], the list's head; *operations: how many calls. The caller frees it. */
static struct lin_event *lin_events(const struct lin_history *h, int64_t key, int *operations)
{
    int most = 0, n = 1, number = 0;
    for (int t = 0; t < h->threads; t++)
        most += h->length[t];
    struct lin_event *event = lin_alloc(2 * (size_t)most + 1, sizeof *event), **call = lin_alloc((size_t)most, sizeof *call);
    for (int t = 0; t < h->threads; t++)
        for (const struct lin_op *op = h->op[t]; op < h->op[t] + h->length[t]; op++)
            if (op->key == key) {
                event[n++] = (struct lin_event){.op = op, .call = true, .number = number};
                event[n++] = (struct lin_event){.op = op, .call = false, .number = number++};
            }
    *operations = number;
    qsort(event + 1, (size_t)n - 1, sizeof *event, lin_event_compare);
    for (int i = 0; i < n; i++) {
        event[i].previous = i > 0 ? &event[i - 1] : NULL;
        event[i].next = i + 1 < n ? &event[i + 1] : NULL;
        if (i > 0 && event[i].call)
            call[event[i].number] = &event[i];
        else if (i > 0)
            call[event[i].number]->match = &event[i];
    }
    free(call);
    return event;
}

static void lin_unlink(struct lin_event *e)
{
    e->previous->next = e->next;
    if (e->next)
        e->next->previous = e->previous;
}
static void lin_relink(struct lin_event *e)
{
    e->previous->next = e;
    if (e->next)
        e->next->previous = e;
}

/* --- the search --- */

/* What has been taken, and the state after it. In the memo for good; `from` and `taken` are the way that led there first. */
struct lin_node {
    struct lin_node *same_bucket, *from;
    struct lin_event *taken;
    uint64_t hash;
    size_t used;
    uint64_t word[]; /* the set of operations, then `used` bytes of state */
};

static size_t lin_limit = (size_t)256 << 20; /* bytes of nodes: then it gives up */

struct lin_search {
    const struct lin_model *model;
    size_t words, room;           /* of the set; of a state */
    struct lin_node **bucket;
    size_t buckets, nodes, bytes;
    uint64_t *set;                /* what is tried: set and state */
    void *state;
};

static uint64_t lin_hash(uint64_t hash, const void *bytes, size_t count)
{
    for (const unsigned char *b = bytes; count-- > 0; b++)
        hash = (hash ^ *b) * 0x100000001b3u; /* FNV-1a */
    return hash;
}

static void lin_grow(struct lin_search *s)
{
    size_t old = s->buckets;
    struct lin_node **from = s->bucket;
    s->buckets = old ? 4 * old : 16;
    s->bucket = lin_alloc(s->buckets, sizeof *s->bucket);
    for (size_t i = 0; i < old; i++)
        for (struct lin_node *next, *n = from[i]; n; n = next) {
            next = n->same_bucket;
            n->same_bucket = s->bucket[n->hash % s->buckets];
            s->bucket[n->hash % s->buckets] = n;
        }
    free(from);
}

/* The new node for what s->set and s->state hold; NULL: it was there, and has failed or is failing. */
static struct lin_node *lin_enter(struct lin_search *s, struct lin_node *from, struct lin_event *taken)
{
    size_t used = s->model->used ? s->model->used(s->state) : s->room, set = s->words * sizeof *s->set;
    uint64_t hash = lin_hash(lin_hash(0xcbf29ce484222325u, s->set, set), s->state, used);
    if (s->nodes >= s->buckets)
        lin_grow(s);
    struct lin_node **bucket = &s->bucket[hash % s->buckets];
    for (struct lin_node *n = *bucket; n; n = n->same_bucket)
        if (n->hash == hash && n->used == used && memcmp(n->word, s->set, set) == 0 &&
            memcmp(n->word + s->words, s->state, used) == 0)
            return NULL;
    struct lin_node *n = lin_alloc(1, sizeof *n + set + used);
    *n = (struct lin_node){.same_bucket = *bucket, .from = from, .taken = taken, .hash = hash, .used = used};
    memcpy(n->word, s->set, set);
    memcpy(n->word + s->words, s->state, used);
    *bucket = n;
    s->nodes++;
    s->bytes += sizeof *n + set + used;
    return n;
}

/* s->set and s->state become those of a node. */
static void lin_recall(struct lin_search *s, const struct lin_node *n)
{
    memcpy(s->set, n->word, s->words * sizeof *s->set);
    memcpy(s->state, n->word + s->words, n->used);
    memset((char *)s->state + n->used, 0, s->room - n->used);
}

/* Tries to take the operation next: the node that this leads to, or NULL. */
static struct lin_node *lin_take(struct lin_search *s, struct lin_node *now, struct lin_event *call)
{
    struct lin_node *next = NULL;
    s->set[call->number / 64] |= UINT64_C(1) << call->number % 64;
    if (s->model->apply(s->state, call->op))
        next = lin_enter(s, now, call);
    if (!next)
        lin_recall(s, now);
    return next;
}

/* Is there an order of the events behind `head`? *longest: of how many operations, at most. */
static enum lin_verdict lin_search(struct lin_search *s, struct lin_event *head, int *longest)
{
    struct lin_node *now = lin_enter(s, NULL, NULL);
    int depth = 0;
    for (struct lin_event *e = head->next; head->next;) {
        if (s->bytes > lin_limit)
            return LIN_TOO_LARGE;
        struct lin_node *next = e->call ? lin_take(s, now, e) : NULL;
        if (next) {
            lin_unlink(e);
            lin_unlink(e->match);
            now = next;
            *longest = ++depth > *longest ? depth : *longest;
            e = head->next;
        } else if (e->call) {
            e = e->next; /* a return is still to come */
        } else if (now->from) {
            /* who returns here must have been taken: the last choice was wrong */
            e = now->taken;
            lin_relink(e->match);
            lin_relink(e);
            now = now->from;
            lin_recall(s, now);
            depth--;
            e = e->next;
        } else {
            return LIN_NO;
        }
    }
    return LIN_YES;
}

static void lin_check_key(const struct lin_history *h, int64_t key, struct lin_result *r)
{
    int operations;
    struct lin_event *event = lin_events(h, key, &operations);
    struct lin_search s = {.model = r->model, .words = (size_t)operations / 64 + 1, .room = r->model->room(operations)};
    s.set = lin_alloc(s.words, sizeof *s.set);
    s.state = lin_alloc(1, s.room);
    if (s.model->init)
        s.model->init(s.state);
    r->key = key;
    r->longest = 0;
    r->verdict = lin_search(&s, event, &r->longest);
    r->configurations += (int64_t)s.nodes;
    for (size_t i = 0; i < s.buckets; i++)
        for (struct lin_node *next, *n = s.bucket[i]; n; n = next) {
            next = n->same_bucket;
            free(n);
        }
    free(s.state);
    free(s.set);
    free(s.bucket);
    free(event);
}

/* The next key after `after`; false: no more. */
static bool lin_next_key(const struct lin_history *h, int64_t after, bool first, int64_t *key)
{
    bool found = false;
    for (int t = 0; t < h->threads; t++)
        for (const struct lin_op *op = h->op[t]; op < h->op[t] + h->length[t]; op++)
            if ((first || op->key > after) && (!found || op->key < *key)) {
                *key = op->key;
                found = true;
            }
    return found;
}

/* All operations have returned. LIN_TOO_LARGE: undecided when lin_limit was reached; a test takes
 * that as a failure of its own. */
API struct lin_result lin_check(const struct lin_history *h, const struct lin_model *model)
{
    struct lin_result r = {.verdict = LIN_YES, .model = model};
    int64_t key = 0;
    for (bool first = true; r.verdict == LIN_YES && lin_next_key(h, r.key, first, &key); first = false)
        lin_check_key(h, key, &r);
    return r;
}

/* To stderr: the operations of the key that has no order. */
API void lin_explain(const struct lin_history *h, const struct lin_result *r)
{
    int operations;
    struct lin_event *event = lin_events(h, r->key, &operations);
    fprintf(stderr, "%s, key %lld: of %d operations no more than %d have an order%s\n", r->model->name, (long long)r->key,
            operations, r->longest, r->verdict == LIN_TOO_LARGE ? " so far: too large to decide" : "");
    for (const struct lin_event *e = event->next; e; e = e->next)
        if (e->call)
            fprintf(stderr, "  [%4lld, %4lld] thread %d: %s(%lld) -> %lld\n", (long long)e->op->invoked, (long long)e->op->returned,
                    e->op->thread, r->model->kinds[e->op->kind], (long long)e->op->argument, (long long)e->op->result);
    free(event);
}

/* --- the model of a dict: one value or none for each key --- */

enum lin_dict_kind {
    LIN_GET,        /* -> the value, or LIN_NONE */
    LIN_SET,        /* argument: the value */
    LIN_DEL,        /* -> 1, or 0: it was not there */
    LIN_CONTAINS,   /* -> 1 or 0 */
    LIN_SETDEFAULT, /* argument: the value if there is none -> the value that is there then */
    LIN_POP,        /* -> the value, or LIN_NONE */
    LIN_ADD,        /* argument: what is added to the value (none counts as 0) -> the sum, which is the value then */
};
static const char *const lin_dict_kinds[] = {"get", "set", "del", "contains", "setdefault", "pop", "add"};

static size_t lin_dict_room(int operations) { return (void)operations, sizeof(int64_t); }
static void lin_dict_init(void *state) { *(int64_t *)state = LIN_NONE; }
static bool lin_dict_apply(void *state, const struct lin_op *op)
{
    int64_t *value = state, before = *value;
    switch (op->kind) {
    case LIN_GET: return op->result == before;
    case LIN_SET: *value = op->argument; return true;
    case LIN_DEL: *value = LIN_NONE; return op->result == (before != LIN_NONE);
    case LIN_CONTAINS: return op->result == (before != LIN_NONE);
    case LIN_SETDEFAULT: *value = before == LIN_NONE ? op->argument : before; return op->result == *value;
    case LIN_POP: *value = LIN_NONE; return op->result == before;
    case LIN_ADD: *value = (before == LIN_NONE ? 0 : before) + op->argument; return op->result == *value;
    default: return false;
    }
}
static const struct lin_model lin_dict __attribute__((unused)) = {
    .name = "dict", .room = lin_dict_room, .init = lin_dict_init, .apply = lin_dict_apply, .kinds = lin_dict_kinds};

/* --- the model of a deque; a queue is one with LIN_PUSH and LIN_TAKE alone --- */

enum lin_deque_kind {
    LIN_APPEND,      /* argument: the item, at the right end */
    LIN_APPEND_LEFT, /* argument: the item */
    LIN_POP_RIGHT,   /* -> the item, or LIN_NONE: it is empty */
    LIN_POP_LEFT,    /* the same */
    LIN_LENGTH,      /* -> how many */
};
enum { LIN_PUSH = LIN_APPEND, LIN_TAKE = LIN_POP_LEFT }; /* a queue's */
static const char *const lin_deque_kinds[] = {"append", "append_left", "pop", "pop_left", "length"};
static const char *const lin_queue_kinds[] = {"push", "?", "?", "take", "length"};

struct lin_sequence {
    int64_t length, item[];
};
static size_t lin_sequence_room(int operations) { return sizeof(int64_t) * (size_t)(operations + 1); }
static size_t lin_sequence_used(const void *state) { return sizeof(int64_t) * (size_t)(1 + ((const struct lin_sequence *)state)->length); }

static bool lin_sequence_take(struct lin_sequence *s, bool left, int64_t result)
{
    if (s->length == 0)
        return result == LIN_NONE;
    int64_t item = s->item[left ? 0 : s->length - 1];
    s->length--;
    if (left)
        memmove(s->item, s->item + 1, (size_t)s->length * sizeof *s->item);
    return result == item;
}

static bool lin_sequence_apply(void *state, const struct lin_op *op)
{
    struct lin_sequence *s = state;
    switch (op->kind) {
    case LIN_APPEND: s->item[s->length++] = op->argument; return true;
    case LIN_APPEND_LEFT:
        memmove(s->item + 1, s->item, (size_t)s->length++ * sizeof *s->item);
        s->item[0] = op->argument;
        return true;
    case LIN_POP_RIGHT: return lin_sequence_take(s, false, op->result);
    case LIN_POP_LEFT: return lin_sequence_take(s, true, op->result);
    case LIN_LENGTH: return op->result == s->length;
    default: return false;
    }
}
static const struct lin_model lin_deque __attribute__((unused)) = {
    .name = "deque", .room = lin_sequence_room, .used = lin_sequence_used, .apply = lin_sequence_apply, .kinds = lin_deque_kinds};
static const struct lin_model lin_queue __attribute__((unused)) = {
    .name = "queue", .room = lin_sequence_room, .used = lin_sequence_used, .apply = lin_sequence_apply, .kinds = lin_queue_kinds};

#endif
