/*
 * trace.c -- notes the steps of one execution and, afterwards, what they have to do with each other.
 *
 * A plain access is reported before the compiler's own instruction carries it out; its value is looked up at the next report,
 * whoever makes it: one OS thread runs all, so nothing can come between.
 */
#include "trace.h"
#include "source.h"
#include "things.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool trace_is_on;

static struct {
    struct step *at;
    int used, room;
    int pending;                   /* a plain step whose value is not known yet, or -1 */
    int of_event[EVENTS_MAX];      /* the step of each event */
    int failing;
    bool folds;
} trace = {.pending = -1, .failing = -1};

int trace_length(void) { return trace.used; }
bool trace_folds(void) { return trace.folds; }
const struct step *trace_step(int number) { return &trace.at[number]; }

void trace_begin(void)
{
    for (int i = 0; i < trace.used; i++)
        free(trace.at[i].data);
    trace.used = 0;
    trace.pending = trace.failing = -1;
    trace_is_on = true;
}

/* --- noting --- */

static void settle(void)
{
    if (trace.pending < 0)
        return;
    struct step *s = &trace.at[trace.pending];
    trace.pending = -1;
    s->has_value = true;
    if (s->bytes <= 8) {
        s->written = arena_load(s->addr, (unsigned)s->bytes);
    } else if (s->kind == STEP_WRITE) {
        s->data = malloc(s->bytes);
        if (!s->data)
            abort();
        memcpy(s->data, (const void *)s->addr, s->bytes);
    }
}

extern const char __executable_start[], _end[]; /* the linker's */

/* The engine and the instance keep frame pointers (Makefile). The engine's own frames are inside `pc`. */
static void note_calls(struct step *s, const void *pc)
{
    uintptr_t *frame = __builtin_frame_address(0);
    s->call[0] = (uintptr_t)pc;
    s->calls = pc != NULL;
    for (bool inside = false; frame && s->calls < CALLS;) {
        uintptr_t at = frame[1], *up = (uintptr_t *)frame[0];
        if (at - (uintptr_t)__executable_start >= (uintptr_t)(_end - __executable_start))
            break;
        if (inside || !pc)
            s->call[s->calls++] = at;
        inside = inside || at == (uintptr_t)pc;
        if (up <= frame || ((uintptr_t)up & 7) || up - frame > 1 << 16)
            break;
        frame = up;
    }
}

static struct step *push(enum step_kind kind, const void *pc)
{
    settle();
    if (trace.used == trace.room) {
        trace.room = trace.room * 2 + 256;
        trace.at = realloc(trace.at, (size_t)trace.room * sizeof *trace.at);
        if (!trace.at)
            abort();
    }
    struct step *s = &trace.at[trace.used++];
    *s = (struct step){.kind = (uint8_t)kind, .thread = (int8_t)run_current(), .from = FROM_NONE, .newest = FROM_NONE, .related = FROM_NONE};
    note_calls(s, pc);
    return s;
}

static int step_of(int event) { return event == INIT ? FROM_INIT : trace.of_event[event]; }

void trace_event(int event)
{
    const struct event *e = &graph->event[event];
    if (e->op.kind == PLAIN_STORE) { /* the plain write that it is part of is noted */
        trace.of_event[event] = trace.used - 1;
        return;
    }
    struct step *s = push(STEP_EVENT, e->op.pc);
    trace.of_event[event] = trace.used - 1;
    s->op = e->op;
    s->reads = e->reads;
    s->writes = e->writes;
    s->read = e->read;
    s->written = e->written;
    s->has_value = true;
    if (e->op.location < 0)
        return;
    s->buried = e->writes && e->mo < graph_last_mo(graph, e->op.location);
    s->addr = location_at(e->op.location)->addr;
    s->bytes = e->op.size;
    if (!e->reads)
        return;
    s->from = step_of(e->from);
    int last = graph_last_mo(graph, e->op.location);
    s->stale = graph_mo_of(graph, e->from) + (e->writes ? 1 : 0) < last;
    if (s->stale)
        s->newest = step_of(graph_at_mo(graph, e->op.location, last));
}

void trace_native(const struct op *op, uintptr_t addr)
{
    struct step *s = push(STEP_NATIVE, op->pc);
    s->op = *op;
    s->addr = addr;
    s->bytes = op->size;
    s->read = arena_load(addr, op->size);
    s->reads = op->kind != STORE;
    s->writes = op->kind != LOAD && (op->kind != CAS || s->read == op->expected);
    s->written = op->kind == RMW ? op_rmw(op, s->read) : op->operand;
    s->has_value = true;
}

void trace_plain(uintptr_t addr, size_t bytes, enum step_kind kind, const void *pc)
{
    struct step *s = push(kind, pc);
    s->addr = addr;
    s->bytes = bytes;
    s->reads = kind == STEP_READ;
    s->writes = kind == STEP_WRITE;
    if (bytes <= 8)
        s->read = arena_load(addr, (unsigned)bytes);
    trace.pending = trace.used - 1;
}

void trace_block(uintptr_t at, size_t bytes, enum step_kind kind, const void *pc)
{
    struct step *s = push(kind, pc);
    s->addr = at;
    s->bytes = bytes;
    s->has_value = true;
}

void trace_failure(const void *pc)
{
    struct step *last = trace.used > 0 ? &trace.at[trace.used - 1] : NULL;
    if (last && last->thread == run_current() && pc && last->calls > 0 && last->call[0] == (uintptr_t)pc) {
        trace.pending = -1; /* it was not carried out */
        last->has_value = last->kind == STEP_EVENT || last->kind == STEP_NATIVE;
    } else if (run_current() >= 0 || pc) {
        last = push(STEP_FAIL, pc);
    } else {
        last = NULL;
    }
    if (last) {
        last->fails = true;
        trace.failing = trace.used - 1;
    }
    trace_is_on = false;
}

/* --- afterwards --- */

static bool overlap(const struct step *a, const struct step *b)
{
    return a->addr < b->addr + b->bytes && b->addr < a->addr + a->bytes;
}

static bool is_access(const struct step *s) { return s->bytes > 0 && s->kind != STEP_ALLOC && s->kind != STEP_ALLOC_ZEROED && s->kind != STEP_WAIT; }
static bool is_plain(const struct step *s) { return s->kind == STEP_READ || s->kind == STEP_WRITE; }
static bool is_wild(const struct step *s) { return is_plain(s) || s->kind == STEP_FREE; }
static bool changes(const struct step *s) { return s->writes || s->kind == STEP_FREE; }

/* The latest step of another thread that clashes with the failing one; the free before it. */
static void relate(const struct failure *failure)
{
    struct step *f = trace.failing < 0 ? NULL : &trace.at[trace.failing];
    bool race = strcmp(failure->kind, "data race") == 0;
    for (int i = trace.failing; f && f->bytes > 0 && i-- > 0 && f->related == FROM_NONE;) {
        const struct step *s = &trace.at[i];
        if (!is_access(s) || !overlap(s, f))
            continue;
        if (race ? s->thread != f->thread && (is_wild(s) || is_wild(f)) && (changes(s) || changes(f)) : s->kind == STEP_FREE)
            f->related = i;
    }
}

/* Who touches each 8 bytes: a plain access that concerns nobody else says nothing. */
enum { GRANULES = 1 << 16 };
struct touched {
    uintptr_t granule;
    uint32_t threads;
    bool changed;
};

static struct touched *touched_at(struct touched *table, uintptr_t granule)
{
    uint32_t i = (uint32_t)((granule * 0x9e3779b97f4a7c15u) >> 48);
    while (table[i].granule && table[i].granule != granule)
        i = (i + 1) % GRANULES;
    table[i].granule = granule;
    return &table[i];
}

static bool is_head(uintptr_t addr)
{
    const struct explore_part *part;
    const struct thing *t = things_at(addr);
    return t && t->is.object && things_field(t, addr, &part) && part == &t->is.part[0];
}

static bool matters(struct touched *table, const struct step *s)
{
    const struct step *f = trace.failing < 0 ? NULL : &trace.at[trace.failing];
    if (s->fails || (f && f->related >= 0 && s == &trace.at[f->related]))
        return true;
    if (f && f->bytes > 0 && f->kind != STEP_FREE && is_access(s) && overlap(s, f))
        return true;
    if (s->thread < 0 || (s->op.kind == CHOICE && s->written == 0)) /* nothing unusual happens */
        return false;
    if (!is_plain(s) || is_head(s->addr))
        return true;
    for (uintptr_t g = s->addr / 8; g <= (s->addr + s->bytes - 1) / 8; g++) {
        const struct touched *t = touched_at(table, g);
        if (t->changed && (t->threads & (t->threads - 1)))
            return true;
    }
    return false;
}

static void fold(void)
{
    struct touched *table = calloc(GRANULES, sizeof *table);
    int granules = 0;
    if (!table)
        abort();
    for (int i = 0; i < trace.used; i++) {
        const struct step *s = &trace.at[i];
        if (s->thread < 0 || !is_access(s) || s->kind == STEP_FREE)
            continue;
        for (uintptr_t g = s->addr / 8; g <= (s->addr + s->bytes - 1) / 8 && granules < GRANULES / 2; g++) {
            struct touched *t = touched_at(table, g);
            granules += t->threads == 0;
            t->threads |= 1u << s->thread;
            t->changed = t->changed || changes(s);
        }
    }
    for (int i = 0; i < trace.used; i++)
        trace.at[i].folded = !matters(table, &trace.at[i]);
    for (int i = 0; i < trace.used; i++)
        if (!trace.at[i].folded && trace.at[i].from >= 0)
            trace.at[trace.at[i].from].folded = false; /* it is spoken of */
    free(table);
}

static bool all_wait(const struct failure *f) { return strcmp(f->kind, "deadlock") == 0 || strcmp(f->kind, "livelock") == 0; }

/* What each thread that has not ended waits for. */
static void note_waits(const struct failure *failure)
{
    if (!all_wait(failure))
        return;
    trace.used -= trace.failing >= 0; /* main's finding it out is no step */
    for (int t = 0; t < run_thread_count(); t++) {
        const struct op *op = run_pending(t);
        int last = run_last_read(t);
        if (!run_waits(t) || (!op && last == INIT))
            continue;
        if (!op)
            op = &graph->event[last].op;
        struct step *s = push(STEP_WAIT, op->pc);
        s->thread = (int8_t)t;
        s->op = *op;
        s->fails = true;
        s->addr = op->location >= 0 ? location_at(op->location)->addr : 0;
        s->bytes = op->size;
        if (op->location >= 0) {
            int newest = graph_at_mo(graph, op->location, graph_last_mo(graph, op->location));
            s->from = step_of(newest);
            s->read = newest == INIT ? location_init(op->location) : graph->event[newest].written;
            s->reads = s->has_value = true;
        }
        trace.failing = trace.used - 1;
    }
}

void trace_end(const struct failure *failure, bool folds)
{
    settle();
    trace_is_on = false;
    trace.folds = folds;
    things_forget();
    note_waits(failure);
    relate(failure);
    if (folds)
        fold();
    for (int i = 0, number = 0; i < trace.used; i++)
        trace.at[i].number = trace.at[i].folded ? number : ++number;
    for (int i = 0; i < trace.used; i++)
        for (int k = 0; k < trace.at[i].calls; k++)
            source_want(trace.at[i].call[k]);
    source_resolve();
}

/* --- memory --- */

bool trace_wrote(const struct step *s, uintptr_t addr, unsigned bytes, uint64_t *value)
{
    bool blank = s->kind == STEP_ALLOC_ZEROED || s->kind == STEP_ALLOC;
    if (!(s->writes || blank) || s->buried || !s->has_value || addr < s->addr || addr + bytes > s->addr + s->bytes)
        return false;
    *value = 0;
    if (s->data)
        memcpy(value, s->data + (addr - s->addr), bytes);
    else if (blank)
        memset(value, s->kind == STEP_ALLOC ? 0xa5 : 0, sizeof *value); /* as explore_alloc does */
    else
        *value = s->written >> (8 * (addr - s->addr));
    if (bytes < 8)
        *value &= (1ull << (8 * bytes)) - 1;
    return true;
}

bool trace_initial(uintptr_t addr, unsigned bytes, uint64_t *value)
{
    struct step place = {.addr = addr, .bytes = bytes};
    int location = location_find(addr);
    for (int i = 0; i < trace.used; i++) {
        const struct step *s = &trace.at[i];
        if (!overlap(s, &place) || s->kind == STEP_WAIT)
            continue;
        if (s->kind == STEP_ALLOC || s->kind == STEP_ALLOC_ZEROED)
            return false;
        if (s->kind == STEP_EVENT || !s->writes)
            continue;
        *value = s->read >> (8 * (addr - s->addr)); /* more than 8 bytes: not kept */
        return s->bytes <= 8 && addr >= s->addr;
    }
    *value = location >= 0 && location_has_init(location) ? location_init(location) : arena_load(addr, bytes);
    return true;
}

bool trace_value(uintptr_t addr, unsigned bytes, int steps, uint64_t *value)
{
    bool known = trace_initial(addr, bytes, value);
    for (int i = 0; i < steps; i++)
        known = trace_wrote(&trace.at[i], addr, bytes, value) || known;
    return known;
}

bool trace_is_freed(uintptr_t addr)
{
    for (int i = 0; i < trace.used; i++)
        if (trace.at[i].kind == STEP_FREE && !trace.at[i].fails && addr - trace.at[i].addr < trace.at[i].bytes)
            return true;
    return false;
}

/* --- in words --- */

const char *trace_thread(const struct failure *failure) { return all_wait(failure) ? "" : run_thread_name(failure->thread); }

const char *trace_verb(const struct step *s)
{
    static const char *const plain[] = {[STEP_READ] = "read", [STEP_WRITE] = "write", [STEP_ALLOC] = "allocate",
                                        [STEP_ALLOC_ZEROED] = "allocate", [STEP_FREE] = "free", [STEP_FAIL] = "✗ here it fails"};
    static const char *const part[] = {NULL, "lock", "unlock", "queue up with", "wake one of", "wake all", "sleep among", "await 0 in"};
    static const char *const rmw[] = {"add", "subtract", "and", "or", "xor", "nand", "exchange", "queue up", "wake one"};
    if (s->kind != STEP_EVENT && s->kind != STEP_NATIVE && s->kind != STEP_WAIT)
        return plain[s->kind];
    if (s->op.part_of)
        return part[s->op.part_of];
    switch ((enum kind)s->op.kind) {
    case LOAD: return "load";
    case STORE: return "store";
    case CAS: return "CAS";
    case CHOICE: return "surprise"; /* a spurious failure, a wake without cause, not the one that waited longest */
    case FENCE: return s->op.order == FENCE_LIGHT ? "light fence" : s->op.order == FENCE_OTHERS ? "fence all threads" : "fence";
    default: return rmw[s->op.rmw];
    }
}

const char *trace_order(const struct step *s)
{
    static const char *const name[] = {"relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst"};
    bool failed_cas = s->op.kind == CAS && !s->writes;
    bool atomic = s->kind == STEP_EVENT || s->kind == STEP_NATIVE;
    return !atomic || s->op.order < 0 || s->op.kind == CHOICE ? "" : name[(int)(failed_cas ? s->op.order_failure : s->op.order)];
}

void trace_name(const struct step *s, char *buf, size_t size)
{
    const struct thing *t = s->addr ? things_at(s->addr) : NULL;
    buf[0] = 0;
    if (t && (s->kind == STEP_ALLOC || s->kind == STEP_ALLOC_ZEROED || s->kind == STEP_FREE))
        snprintf(buf, size, "%s", t->name);
    else if (s->addr)
        things_name(s->addr, buf, size);
}

/* explore_queue_push and its like: the waiting threads, the one that waits longest first. */
static void queue_words(uint64_t queue, char *buf, size_t size)
{
    size_t used = 0;
    snprintf(buf, size, "nobody");
    for (; queue && used < size; queue >>= 4)
        used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "", explore_thread_name((int)(queue & 15) - 1));
}

static void part_values(const struct step *s, char *buf, size_t size)
{
    char read[96], written[96];
    switch ((enum explore_part_of)s->op.part_of) {
    case PART_LOCK: case PART_UNLOCK: case PART_AWAIT:
        snprintf(buf, size, "%s", s->kind == STEP_WAIT ? "which is held" : "");
        return;
    default:
        queue_words(s->read, read, sizeof read);
        queue_words(s->written, written, sizeof written);
        snprintf(buf, size, s->writes ? "%s → %s" : "= %s", read, written);
    }
}

void trace_values(const struct step *s, char *buf, size_t size)
{
    char read[96] = "", written[96] = "", expected[96];
    unsigned bytes = (unsigned)s->bytes;
    buf[0] = 0;
    if (s->kind == STEP_FREE || s->bytes == 0 || !s->has_value)
        return;
    if (s->kind == STEP_ALLOC || s->kind == STEP_ALLOC_ZEROED || s->bytes > 8) {
        snprintf(buf, size, "%zu bytes%s", s->bytes, s->kind == STEP_ALLOC_ZEROED ? ", zeroed" : "");
        return;
    }
    if (s->op.part_of) {
        part_values(s, buf, size);
        return;
    }
    things_words(s->addr, is_plain(s) ? s->written : s->read, bytes, read, sizeof read);
    if (s->writes)
        things_words(s->addr, s->written, bytes, written, sizeof written);
    if (!s->writes && s->op.kind == CAS && !is_plain(s)) {
        things_words(s->addr, s->op.expected, bytes, expected, sizeof expected);
        snprintf(buf, size, "%s, not %s", read, expected);
    } else if (s->reads && s->writes) {
        snprintf(buf, size, "%s → %s", read, written);
    } else {
        snprintf(buf, size, "%s %s", s->writes ? ":=" : "=", s->writes ? written : read);
    }
}

static void step_name(int number, char *buf, size_t size)
{
    if (number < 0)
        snprintf(buf, size, "the initial value");
    else
        snprintf(buf, size, "step %d (%s)", trace.at[number].number, run_thread_name(trace.at[number].thread));
}

void trace_note(int number, char *buf, size_t size)
{
    const struct step *s = &trace.at[number];
    char from[64], newest[64];
    buf[0] = 0;
    if (s->kind == STEP_WAIT) {
        step_name(s->from, from, sizeof from);
        snprintf(buf, size, "waits for ever, newest is %s", from);
    } else if (s->fails && s->related >= 0) {
        step_name(s->related, from, sizeof from);
        snprintf(buf, size, trace.at[s->related].kind == STEP_FREE ? "freed in %s" : "races with %s", from);
    } else if (s->stale) {
        step_name(s->from, from, sizeof from);
        step_name(s->newest, newest, sizeof newest);
        snprintf(buf, size, "from %s: stale, newest is %s", from, newest);
    } else if (s->buried) {
        snprintf(buf, size, "in modification order before a newer one");
    } else if (s->from >= 0 && trace.at[s->from].thread != s->thread) {
        step_name(s->from, from, sizeof from);
        snprintf(buf, size, "from %s", from);
    }
}

static bool begins_with(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

const struct frame *trace_place(const struct step *s)
{
    const struct frame *frames, *first = NULL;
    for (int i = 0; i < s->calls; i++) {
        int n = source_frames(s->call[i], &frames);
        for (int k = 0; k < n; k++) {
            if (!first)
                first = &frames[k];
            if (!begins_with(frames[k].file, "bench/explore/"))
                return &frames[k];
        }
    }
    return first;
}

const struct frame *trace_scenario_place(const struct step *s)
{
    const struct frame *frames;
    for (int i = 0; i < s->calls; i++) {
        int n = source_frames(s->call[i], &frames);
        for (int k = 0; k < n; k++)
            if (begins_with(frames[k].file, "tests/scenarios/"))
                return &frames[k];
    }
    return NULL;
}
