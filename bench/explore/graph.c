/*
 * graph.c -- execution graphs: events, what they read from, the modification order of each location, vector clocks.
 *
 * Happens-before is RC11's (Lahav, Vafeiadis, Kang, Hur, Dreyer: "Repairing sequential consistency in C/C++11", PLDI 2017)
 * with C++20's release sequences: a release store and the read-modify-writes that follow it, not the later plain stores of its
 * thread. That synchronises less than C11 says, so what is proved here holds for both.
 *
 * Invariant: events stand in an order in which everything that an event depends on by program order comes before it; a
 * read may stand before the store it reads from, if that store was added later and took it over (search.c).
 */
#include "engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum model model;
struct graph *graph;

/* --- locations: the same addresses in every execution --- */

enum { LOCATIONS = 1 << 14, LOCATION_HASH = 1 << 16 };

static struct {
    struct location at[LOCATIONS];
    uint64_t init[LOCATIONS];
    uint32_t init_execution[LOCATIONS]; /* in which execution init was noted */
    int32_t hash[LOCATION_HASH];        /* number + 1; by address: the same with another size is another location */
    int count;
    uint32_t execution;
} locations = {.execution = 1};

const struct location *location_at(int location) { return &locations.at[location]; }
int location_count(void) { return locations.count; }

static uint32_t location_slot(uintptr_t addr) { return (uint32_t)((addr * 0x9e3779b97f4a7c15u) >> 48); }

/* size 0: the one that has events in this execution. */
static int location_search(uintptr_t addr, unsigned size)
{
    for (uint32_t i = location_slot(addr); locations.hash[i]; i = (i + 1) % LOCATION_HASH) {
        int l = locations.hash[i] - 1;
        if (locations.at[l].addr == addr && (size ? locations.at[l].size == size : location_has_init(l)))
            return l;
    }
    return -1;
}
int location_find(uintptr_t addr) { return location_search(addr, 0); }

static void location_refuse_mixed(uintptr_t addr, unsigned size)
{
    for (uintptr_t a = addr & ~(uintptr_t)7; a < addr + size; a++) {
        int other = location_find(a);
        if (other >= 0 && !(a == addr && locations.at[other].size == size) && a + locations.at[other].size > addr)
            run_fail("mixed sizes", NULL, "atomic accesses of %u and %u bytes overlap: the memory model has no such thing", size,
                     locations.at[other].size);
    }
}

int location_of(uintptr_t addr, unsigned size)
{
    int known = location_search(addr, size);
    if (known >= 0 && location_has_init(known))
        return known;
    location_refuse_mixed(addr, size);
    if (known >= 0)
        return known;
    if (locations.count == LOCATIONS)
        run_fail("too large", NULL, "more than %d atomic locations", LOCATIONS);
    uint32_t i = location_slot(addr);
    while (locations.hash[i])
        i = (i + 1) % LOCATION_HASH;
    locations.at[locations.count] = (struct location){addr, (uint8_t)size};
    locations.hash[i] = ++locations.count;
    return locations.count - 1;
}

void locations_begin_execution(void) { locations.execution++; }
bool location_has_init(int location) { return locations.init_execution[location] == locations.execution; }
uint64_t location_init(int location) { return locations.init[location]; }
void location_set_init(int location, uint64_t value)
{
    locations.init[location] = value;
    locations.init_execution[location] = locations.execution;
}

/* --- clocks --- */

bool clock_covers(const struct clock *c, const struct event *e) { return c->at[e->thread] >= e->index; }

void clock_join(struct clock *c, const struct clock *other)
{
    for (int i = 0; i < CLOCKS; i++)
        if (other->at[i] > c->at[i])
            c->at[i] = other->at[i];
}

/* --- looking at a graph --- */

const struct event *graph_before(const struct graph *g, int event)
{
    for (int i = event; i-- > 0;)
        if (g->event[i].thread == g->event[event].thread)
            return &g->event[i];
    return NULL;
}

struct event *graph_last_of(struct graph *g, int thread)
{
    for (int i = g->length; i-- > 0;)
        if (g->event[i].thread == thread)
            return &g->event[i];
    return NULL;
}

int graph_last_mo(const struct graph *g, int location)
{
    int last = 0;
    for (int i = 0; i < g->length; i++)
        if (g->event[i].writes && g->event[i].op.location == location && g->event[i].mo > last)
            last = g->event[i].mo;
    return last;
}

int graph_at_mo(const struct graph *g, int location, int mo)
{
    for (int i = 0; mo > 0 && i < g->length; i++)
        if (g->event[i].writes && g->event[i].op.location == location && g->event[i].mo == mo)
            return i;
    return INIT;
}

int graph_mo_of(const struct graph *g, int event) { return event == INIT ? 0 : g->event[event].mo; }

int graph_rmw_from(const struct graph *g, int location, int event, int but)
{
    for (int i = 0; i < g->length; i++) {
        const struct event *e = &g->event[i];
        if (i != but && e->reads && e->writes && e->op.location == location && e->from == event)
            return i;
    }
    return INIT;
}

/* --- evaluation --- */

static uint64_t truncate_to(uint64_t value, unsigned size)
{
    return size == 8 ? value : value & ((1ull << (8 * size)) - 1);
}

uint64_t op_rmw(const struct op *op, uint64_t v)
{
    uint64_t x = op->operand;
    switch ((enum explore_rmw)op->rmw) {
    case RMW_ADD: return v + x;
    case RMW_SUB: return v - x;
    case RMW_AND: return v & x;
    case RMW_OR: return v | x;
    case RMW_XOR: return v ^ x;
    case RMW_NAND: return ~(v & x);
    case RMW_XCHG: return x;
    case RMW_PUSH: /* above the highest used digit */
        for (int shift = 0; shift < 64; shift += 4)
            if (v >> shift == 0)
                return v | x << shift;
        return v; /* 16 wait: more than there are threads */
    case RMW_POP: { /* the digit in place x, or the highest there is */
        int shift = x && v >> 4 ? 4 : 0;
        uint64_t below = v & ((1ull << shift) - 1);
        return v >> (shift + 4) << shift | below;
    }
    }
    return 0;
}

static bool queue_contains(uint64_t queue, uint64_t thread)
{
    for (; queue; queue >>= 4)
        if ((queue & 15) == thread)
            return true;
    return false;
}

bool op_holds(const struct op *op, uint64_t read)
{
    switch ((enum await)op->await) {
    case AWAIT_EQUAL: return read == (op->kind == CAS ? op->expected : op->operand);
    case AWAIT_ABSENT: return !queue_contains(read, op->operand);
    default: return true;
    }
}

/* membarrier is a seq_cst fence of its caller; the light fence holds the compiler only: it makes no edge of its own. */
static bool both(int order) { return order == memory_order_acq_rel || order == memory_order_seq_cst || order == FENCE_OTHERS; }
static bool acquires(int order) { return order == memory_order_acquire || order == memory_order_consume || both(order); }
static bool releases(int order) { return order == memory_order_release || both(order); }

bool op_swaps(const struct op *op, uint64_t read) { return read == truncate_to(op->expected, op->size); }

uint64_t graph_value(const struct graph *g, int location, int event)
{
    return event == INIT ? location_init(location) : g->event[event].written;
}

static void evaluate_values(struct graph *g, struct event *e)
{
    const struct op *op = &e->op;
    if (op->kind == CHOICE)
        return;
    e->reads = op->kind == LOAD || op->kind == RMW || op->kind == CAS;
    e->read = !e->reads ? 0 : graph_value(g, op->location, e->from);
    e->writes = op->kind == STORE || op->kind == RMW || op->kind == PLAIN_STORE ||
                (op->kind == CAS && op_swaps(op, e->read));
    if (!e->writes)
        e->written = 0; /* a CAS that succeeded before */
    if (op->kind == RMW)
        e->written = truncate_to(op_rmw(op, e->read), op->size);
    else if (op->kind != PLAIN_STORE && e->writes)
        e->written = truncate_to(op->operand, op->size);
}

static void evaluate_clocks(struct graph *g, struct event *e)
{
    static const struct event none;
    const struct event *before = graph_before(g, (int)(e - g->event));
    if (!before)
        before = &none;
    int order = e->op.kind == CAS && !e->writes ? e->op.order_failure : e->op.order;
    e->hb = before->hb;
    e->porf = before->porf;
    e->pending = before->pending;
    e->released = before->released;
    if (e->reads && e->from != INIT) {
        const struct event *source = &g->event[e->from];
        clock_join(&e->porf, &source->porf);
        clock_join(&e->pending, &source->message);
        if (acquires(order))
            clock_join(&e->hb, &source->message);
    }
    if (e->op.kind == FENCE && acquires(order))
        clock_join(&e->hb, &e->pending);
    e->hb.at[e->thread] = e->porf.at[e->thread] = e->index;
    if (e->op.kind == FENCE && releases(order))
        e->released = e->hb;
    if (e->writes) {
        e->message = releases(order) ? e->hb : e->released;
        if (e->op.kind == PLAIN_STORE)
            memset(&e->message, 0, sizeof e->message);
        if (e->reads && e->from != INIT)
            clock_join(&e->message, &g->event[e->from].message);
    }
}

void event_evaluate(struct graph *g, int event)
{
    evaluate_values(g, &g->event[event]);
    evaluate_clocks(g, &g->event[event]);
}

/* --- changing a graph --- */

void graph_insert_mo(struct graph *g, int event, int mo)
{
    int location = g->event[event].op.location;
    for (int i = 0; i < g->length; i++)
        if (i != event && g->event[i].writes && g->event[i].op.location == location && g->event[i].mo >= mo)
            g->event[i].mo++;
    g->event[event].mo = (int16_t)mo;
}

int graph_add(struct graph *g, int thread, const struct op *op, int from, int mo)
{
    if (g->length == EVENTS_MAX)
        run_fail("too long", op->pc, "more than %d events in one execution", EVENTS_MAX);
    const struct event *last = graph_last_of(g, thread);
    struct event *e = &g->event[g->length++];
    *e = (struct event){.op = *op, .thread = (uint8_t)thread, .index = (uint16_t)(last ? last->index + 1 : 1), .from = (int16_t)from};
    if (op->kind == CHOICE)
        e->written = (uint64_t)mo;
    event_evaluate(g, g->length - 1);
    if (e->writes)
        graph_insert_mo(g, g->length - 1, e->reads ? graph_mo_of(g, from) + 1 : mo);
    return g->length - 1;
}

void graph_remove_last(struct graph *g)
{
    const struct event *e = &g->event[--g->length];
    for (int i = 0; e->writes && i < g->length; i++)
        if (g->event[i].writes && g->event[i].op.location == e->op.location && g->event[i].mo > e->mo)
            g->event[i].mo--;
}

static struct graph *graph_new(int length)
{
    struct graph *g = malloc(sizeof *g + (size_t)length * sizeof *g->event);
    if (!g) {
        fprintf(stderr, "rclab explore: out of memory\n");
        exit(2);
    }
    g->length = length;
    return g;
}

struct graph *graph_copy(const struct graph *g)
{
    struct graph *copy = graph_new(g->length);
    memcpy(copy->event, g->event, (size_t)g->length * sizeof *g->event);
    return copy;
}

/* Places in modification order count the kept writes alone. */
static void graph_close_mo(struct graph *to, const struct graph *from, const bool *keep)
{
    for (int i = 0; i < from->length; i++) {
        const struct event *gone = &from->event[i];
        if (keep[i] || !gone->writes)
            continue;
        for (int k = 0, old = 0; old < from->length; old++) {
            if (!keep[old])
                continue;
            if (from->event[old].writes && from->event[old].op.location == gone->op.location && from->event[old].mo > gone->mo)
                to->event[k].mo--;
            k++;
        }
    }
}

struct graph *graph_restrict(const struct graph *g, const bool *keep, int *map)
{
    struct graph *to = graph_new(g->length + 1); /* room for one more */
    int length = 0;
    for (int i = 0; i < g->length; i++) {
        map[i] = keep[i] ? length : INIT;
        if (keep[i])
            to->event[length++] = g->event[i];
    }
    to->length = length;
    for (int i = 0; i < length; i++)
        if (to->event[i].reads && to->event[i].from != INIT)
            to->event[i].from = (int16_t)map[to->event[i].from];
    graph_close_mo(to, g, keep);
    return to;
}

/* --- identity: the same for two graphs that differ in nothing but the order in which their events were added --- */

static uint64_t hash_mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

static uint64_t event_name(const struct graph *g, int event)
{
    return event == INIT ? ~0ull : (uint64_t)g->event[event].thread << 16 | g->event[event].index;
}

uint64_t graph_hash(const struct graph *g)
{
    uint64_t sum = 0;
    for (int i = 0; i < g->length; i++) {
        const struct event *e = &g->event[i];
        uint64_t h = hash_mix(e->op.kind, event_name(g, i));
        h = hash_mix(h, e->op.location < 0 ? 0 : location_at(e->op.location)->addr);
        h = hash_mix(h, e->reads ? event_name(g, e->from) : 0);
        h = hash_mix(h, e->writes ? event_name(g, graph_at_mo(g, e->op.location, e->mo - 1)) : 0);
        h = hash_mix(h, e->written);
        sum += hash_mix(h, 7);
    }
    return sum;
}
