/*
 * quantum.c -- native work beside a lock: gates on a quantum register (issue 6; FT_UTILS.md, experiment 14).
 *
 * A register is an object that holds 2^n complex amplitudes. Every thread has one and runs the same circuit on it again and
 * again, from |0…0>. A gate is native work: it touches no object, so that other threads may run meanwhile, if the memory that it
 * works on is nobody else's. `release` says how that is had:
 *
 *     hold     not at all: attached through the gate, as code does that never heard of a lock (under a GIL all others stand still)
 *     clone    for each gate: copy the amplitudes, detach, compute on the copy, attach, store it in the register. Readers of the
 *              register always see a whole state; the price is a copy and an allocation for each gate
 *     arena    two arrays, made once: detach, compute from the one into the other, attach, exchange. As safe as clone, without the copy
 *     batch    as clone, once for `batch` gates
 *     raw      detach, compute in place through a pointer into the register. Free; sound only because no other thread here knows
 *              the register (a reader would see half a gate, a resize would free what is written to)
 *
 * With pool=N a gate's pairs are shared among the caller and N-1 native threads that the runtime never sees: they hold no references
 * and need no lock. touch=block: after every 1024 pairs the gate counts one object that all threads share, which only an attached
 * thread may do: so it attaches and detaches that often (pool=1).
 *
 * The answer: each run's amplitudes are those of a textbook implementation (quantum.h), to 1e-12. Facts: the largest difference, in
 * 1e-18; of the time in gates the part that went into copies (clone permille); the part spent attaching again (attach permille).
 * CPU/WALL in the table is the core use.
 */
#include "../workload.h"
#include "quantum.h"

enum {
    QUANTUM_MAX = 20,      /* qubits: 16 MiB */
    QUANTUM_POOL_MAX = 64, /* threads of the pool */
    QUANTUM_BLOCK = 1024,  /* pairs that a thread of the pool takes at a time; from touch to touch */
};

enum quantum_release { QUANTUM_HOLD, QUANTUM_CLONE, QUANTUM_ARENA, QUANTUM_BATCH, QUANTUM_RAW };

/* --- the pool: native threads that share one gate --- */

struct quantum_job {
    const struct quantum_gate *gate;
    struct amplitude *out;
    const struct amplitude *in;
    size_t pairs;
    _Atomic size_t next;      /* the first pair that nobody has taken */
    int workers;              /* of the pool, that are at it; under the pool's mutex */
    struct quantum_job *after;
};

struct quantum_pool {
    struct os_mutex mutex;
    struct os_cond work, done;
    struct quantum_job *jobs; /* that may have pairs left */
    bool stop;
    int threads;
    pthread_t thread[QUANTUM_POOL_MAX];
};

/* Takes blocks until none is left. */
static void quantum_job_help(struct quantum_job *j)
{
    size_t from;
    /* relaxed: only shares the numbers out; the arrays pass through the pool's mutex, both ways */
    while ((from = atomic_fetch_add_explicit(&j->next, QUANTUM_BLOCK, memory_order_relaxed)) < j->pairs)
        quantum_gate_pairs(j->gate, j->out, j->in, from, from + QUANTUM_BLOCK < j->pairs ? from + QUANTUM_BLOCK : j->pairs);
}

/* Under the mutex. */
static void quantum_job_unlink(struct quantum_pool *p, struct quantum_job *j)
{
    struct quantum_job **at = &p->jobs;
    while (*at && *at != j)
        at = &(*at)->after;
    if (*at)
        *at = j->after;
}

static void *quantum_pool_thread(void *arg)
{
    struct quantum_pool *p = arg;
    os_lock(&p->mutex);
    while (!p->stop) {
        struct quantum_job *j = p->jobs;
        if (!j) {
            os_wait(&p->work, &p->mutex, -1);
            continue;
        }
        j->workers++;
        os_unlock(&p->mutex);
        quantum_job_help(j);
        os_lock(&p->mutex);
        quantum_job_unlink(p, j); /* nothing is left to take */
        if (--j->workers == 0)
            os_broadcast(&p->done);
    }
    os_unlock(&p->mutex);
    return NULL;
}

/* A whole gate, by the caller and whoever of the pool has time; done on return. */
static void quantum_pool_run(struct quantum_pool *p, const struct quantum_gate *g, struct amplitude *out, const struct amplitude *in,
                             size_t pairs)
{
    if (p->threads == 0 || pairs <= QUANTUM_BLOCK) {
        quantum_gate_pairs(g, out, in, 0, pairs);
        return;
    }
    struct quantum_job j = {.gate = g, .out = out, .in = in, .pairs = pairs};
    os_lock(&p->mutex);
    j.after = p->jobs;
    p->jobs = &j;
    os_unlock(&p->mutex);
    os_broadcast(&p->work);
    quantum_job_help(&j);
    os_lock(&p->mutex);
    quantum_job_unlink(p, &j);
    while (j.workers > 0)
        os_wait(&p->done, &p->mutex, -1);
    os_unlock(&p->mutex);
}

static void quantum_pool_stop(struct quantum_pool *p)
{
    os_lock(&p->mutex);
    p->stop = true;
    os_unlock(&p->mutex);
    os_broadcast(&p->work);
    for (int i = 0; i < p->threads; i++)
        os_join(p->thread[i]);
    os_mutex_drop(&p->mutex);
}

/* 0, or -1: a thread could not be started (none is left). */
static int quantum_pool_start(struct quantum_pool *p, int threads)
{
    os_mutex_init(&p->mutex);
    p->work = p->done = (struct os_cond)OS_COND_INIT;
    for (; p->threads < threads; p->threads++) {
        if (os_spawn(&p->thread[p->threads], quantum_pool_thread, p) != 0) {
            quantum_pool_stop(p);
            return -1;
        }
    }
    return 0;
}

/* --- the register --- */

struct quantum_register {
    struct obj base;
    size_t states;
    struct amplitude *amplitude;
};

static void quantum_register_dealloc(struct obj *o)
{
    os_free(((struct quantum_register *)o)->amplitude);
    obj_free(o, sizeof(struct quantum_register));
}
static const struct type quantum_register_type = {
    .name = "quantum register", .dealloc = quantum_register_dealloc, .size = {.least = sizeof(struct quantum_register)}};

/* New, or NULL. */
static struct quantum_register *quantum_register_new(size_t states)
{
    struct amplitude *a = os_alloc(states * sizeof *a);
    struct quantum_register *r = a ? obj_alloc(&quantum_register_type, sizeof *r) : NULL;
    if (!r) {
        os_free(a);
        return err_memory();
    }
    r->states = states;
    r->amplitude = a;
    return r;
}

/* |0…0> */
static void quantum_register_reset(struct quantum_register *r)
{
    memset(r->amplitude, 0, r->states * sizeof *r->amplitude);
    r->amplitude[0].re = 1;
}

/* --- a thread's run --- */

struct quantum_thread {
    _Alignas(CACHE_LINE) struct quantum_register *r; /* made by the thread itself */
    struct amplitude *other;                         /* release=arena: the array that the register does not have */
    int64_t gate_ns, clone_ns, attach_ns;
    double worst;                                    /* largest difference from the reference */
};

struct quantum {
    enum quantum_release release;
    int qubits, layers, batch, threads;
    bool touch;
    struct obj *touched;     /* counted by all */
    double complex *wanted;  /* what a run must give */
    struct quantum_thread *thread;
    struct quantum_pool pool;
};

static int quantum_gates(const struct quantum *s) { return s->layers * s->qubits * QUANTUM_LAYER_GATES; }
static struct quantum_gate quantum_gate_at(const struct quantum *s, int i)
{
    int layer = s->qubits * QUANTUM_LAYER_GATES;
    return quantum_circuit(s->qubits, i / layer, i % layer);
}

static void quantum_attach(struct quantum_thread *t)
{
    int64_t before = os_now();
    thread_attach();
    t->attach_ns += os_now() - before;
}

/* The gate, attached or not: as the caller is. */
static void quantum_compute(struct quantum *s, struct quantum_thread *t, int i, struct amplitude *out, const struct amplitude *in)
{
    struct quantum_gate g = quantum_gate_at(s, i);
    size_t pairs = t->r->states / 2;
    if (!s->touch) {
        quantum_pool_run(&s->pool, &g, out, in, pairs);
        return;
    }
    bool detached = s->release != QUANTUM_HOLD;
    for (size_t from = 0; from < pairs; from += QUANTUM_BLOCK) {
        quantum_gate_pairs(&g, out, in, from, from + QUANTUM_BLOCK < pairs ? from + QUANTUM_BLOCK : pairs);
        if (detached)
            quantum_attach(t);
        obj_incref(s->touched);
        obj_decref(s->touched);
        if (detached)
            thread_detach();
    }
}

/* Gates `from` … `to` - 1 on a copy, which then takes the register's place. 0, or -1: no memory. */
static int quantum_on_copy(struct quantum *s, struct quantum_thread *t, int from, int to)
{
    size_t bytes = t->r->states * sizeof *t->r->amplitude;
    int64_t start = os_now();
    struct amplitude *copy = os_alloc(bytes);
    if (!copy) {
        err_memory();
        return -1;
    }
    memcpy(copy, t->r->amplitude, bytes);
    t->clone_ns += os_now() - start;
    thread_detach();
    for (int i = from; i < to; i++)
        quantum_compute(s, t, i, copy, copy);
    quantum_attach(t);
    start = os_now();
    os_free(t->r->amplitude);
    t->r->amplitude = copy;
    t->clone_ns += os_now() - start;
    return 0;
}

static void quantum_into_other(struct quantum *s, struct quantum_thread *t, int i)
{
    struct amplitude *out = t->other, *in = t->r->amplitude;
    thread_detach();
    quantum_compute(s, t, i, out, in);
    quantum_attach(t);
    t->r->amplitude = out;
    t->other = in;
}

/* Gate `i` and, with release=batch, those that go with it; the number of the next one, or -1. */
static int quantum_step(struct quantum *s, struct quantum_thread *t, int i)
{
    int next = i + 1;
    switch (s->release) {
    case QUANTUM_HOLD:
        quantum_compute(s, t, i, t->r->amplitude, t->r->amplitude);
        break;
    case QUANTUM_RAW:
        thread_detach();
        quantum_compute(s, t, i, t->r->amplitude, t->r->amplitude);
        quantum_attach(t);
        break;
    case QUANTUM_ARENA:
        quantum_into_other(s, t, i);
        break;
    case QUANTUM_BATCH:
        next = i + s->batch < quantum_gates(s) ? i + s->batch : quantum_gates(s);
        /* fallthrough */
    case QUANTUM_CLONE:
        if (quantum_on_copy(s, t, i, next) != 0)
            return -1;
    }
    rt_safepoint();
    return next;
}

/* The largest distance of an amplitude from what it should be; infinite for one that is no number. */
static double quantum_distance(const struct quantum *s, const struct quantum_register *r)
{
    double worst = 0;
    for (size_t k = 0; k < r->states; k++) {
        double d = cabs(r->amplitude[k].re + I * r->amplitude[k].im - s->wanted[k]);
        if (!(d <= worst))
            worst = isnan(d) ? INFINITY : d;
    }
    return worst;
}

static int quantum_once(struct quantum *s, struct quantum_thread *t)
{
    int64_t start = os_now();
    quantum_register_reset(t->r);
    for (int i = 0; i < quantum_gates(s);)
        if ((i = quantum_step(s, t, i)) < 0)
            return -1;
    t->gate_ns += os_now() - start;
    double worst = quantum_distance(s, t->r);
    if (worst > t->worst)
        t->worst = worst;
    return 0;
}

/* What the thread needs, when it runs for the first time. */
static int quantum_begin(struct quantum *s, struct quantum_thread *t)
{
    size_t states = (size_t)1 << s->qubits;
    if (!t->r && !(t->r = quantum_register_new(states)))
        return -1;
    if (s->release == QUANTUM_ARENA && !t->other && !(t->other = os_alloc(states * sizeof *t->other))) {
        err_memory();
        return -1;
    }
    return 0;
}

static int64_t quantum_run(struct work *w, int thread, uint64_t reps)
{
    struct quantum *s = w->state;
    struct quantum_thread *t = &s->thread[thread];
    if (quantum_begin(s, t) != 0)
        return -1;
    for (uint64_t i = 0; i < reps; i++)
        if (quantum_once(s, t) != 0)
            return -1;
    return (int64_t)reps * quantum_gates(s);
}

/* --- set-up and the answer --- */

/* Of what a textbook would do to |0…0>; NULL: no memory. */
static double complex *quantum_reference(const struct quantum *s)
{
    size_t states = (size_t)1 << s->qubits;
    double complex *now = os_alloc_zeroed(states, sizeof *now), *next = os_alloc_zeroed(states, sizeof *next);
    if (now && next) {
        now[0] = 1;
        for (int i = 0; i < quantum_gates(s); i++) {
            struct quantum_gate g = quantum_gate_at(s, i);
            quantum_gate_naive(&g, next, now, s->qubits);
            double complex *swap = now;
            now = next;
            next = swap;
        }
        os_free(next);
        return now;
    }
    os_free(now);
    os_free(next);
    return err_memory();
}

static enum quantum_release quantum_release_of(const struct work *w)
{
    static const char *const name[] = {"hold", "clone", "arena", "batch", "raw"}; /* in the order of the enum */
    int i = 0;
    while (!work_is(w, "release", name[i]))
        i++;
    return (enum quantum_release)i;
}

static void quantum_drop(struct quantum *s)
{
    for (int i = 0; s->thread && i < s->threads; i++) {
        if (s->thread[i].r)
            obj_decref(&s->thread[i].r->base);
        os_free(s->thread[i].other);
    }
    obj_xdecref(s->touched);
    os_free(s->thread);
    os_free(s->wanted);
    os_free(s);
}

static void quantum_teardown(struct work *w)
{
    struct quantum *s = w->state;
    quantum_pool_stop(&s->pool);
    quantum_drop(s);
}

static int quantum_setup(struct work *w)
{
    struct quantum *s = work_state(sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    *s = (struct quantum){.release = quantum_release_of(w), .qubits = (int)work_int(w, "qubits"), .layers = (int)work_int(w, "layers"),
                          .batch = (int)work_int(w, "batch"), .threads = w->threads, .touch = work_is(w, "touch", "block")};
    int pool = (int)work_int(w, "pool");
    if (s->touch && pool > 1) {
        err_set(ERR_VALUE, "touch=block needs pool=1, not %" PRId64, pool, 0);
    } else {
        s->thread = work_per_thread(w, sizeof *s->thread);
        s->wanted = s->thread ? quantum_reference(s) : err_memory();
        s->touched = s->wanted ? (struct obj *)quantum_register_new(1) : NULL;
        if (s->touched && quantum_pool_start(&s->pool, pool - 1) == 0) {
            w->state = s;
            return 0;
        }
        if (s->touched)
            err_memory();
    }
    quantum_drop(s);
    return -1;
}

static int64_t quantum_permille(int64_t part, int64_t whole) { return whole > 0 ? part * 1000 / whole : 0; }

static bool quantum_check(struct work *w)
{
    struct quantum *s = w->state;
    int64_t gate = 0, clone = 0, attach = 0;
    double worst = 0;
    for (int i = 0; i < w->threads; i++) {
        const struct quantum_thread *t = &s->thread[i];
        gate += t->gate_ns;
        clone += t->clone_ns;
        attach += t->attach_ns;
        worst = fmax(worst, t->worst);
    }
    work_fact(w, "worst error 1e-18", worst < 1 ? (int64_t)(worst * 1e18) : INT64_MAX);
    work_fact(w, "clone permille", quantum_permille(clone, gate));
    work_fact(w, "attach permille", quantum_permille(attach, gate));
    return worst <= 1e-12 || work_wrong(w, "an amplitude is off by %g; allowed is 1e-12", worst);
}

static const struct param quantum_params[] = {
    {"release", PARAM_CHOICE, "hold|clone|arena|batch|raw", 0, 0, "clone", "what lets other threads run during a gate, if anything"},
    {"qubits", PARAM_INT, NULL, 1, QUANTUM_MAX, "12", "of a register: 2^n amplitudes of 16 bytes"},
    {"layers", PARAM_INT, NULL, 1, 1000, "2", "of the circuit: 5 gates for each qubit"},
    {"batch", PARAM_INT, NULL, 1, 1000, "8", "gates on one copy, with release=batch"},
    {"pool", PARAM_INT, NULL, 1, QUANTUM_POOL_MAX, "1", "native threads that share a gate, the caller among them"},
    {"touch", PARAM_CHOICE, "none|block", 0, 0, "none", "count one shared object after every 1024 pairs"},
    {0},
};

static const struct workload workload_quantum = {
    .info = {.name = "quantum", .unit = "gates", .summary = "a native kernel, with other threads held up or let through",
             .params = quantum_params},
    .setup = quantum_setup,
    .run = quantum_run,
    .check = quantum_check,
    .teardown = quantum_teardown,
};
