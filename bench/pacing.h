/*
 * pacing.h -- when one thread's requests begin, and what is recorded of each (rule 12 of the harness).
 *
 *     closed loop   a request begins when the last one ended; recorded is its service time, end - start
 *     fixed rate    request i is due at begin_ns + i / rate; recorded is end - due. A thread that is early waits; one that is
 *                   late begins at once, and the wait of a request behind a slow one is part of its latency
 *
 * Leaving that wait out is coordinated omission: one stall of 100 ms at 1000 requests a second delays a hundred requests, of
 * which a closed loop sees one. The percentiles of the two modes are different figures and are never mixed.
 *
 * A rate that cannot be kept up makes a queue that grows. All that was due is served and recorded, for up to
 * PACING_PATIENCE times the length of the schedule; what has not begun by then is `unserved`.
 *
 * What is recorded includes one reading of the clock. The loop takes its clock, its waiting and its work through a door, so
 * that a test can put a script in their place. It allocates nothing.
 */
#ifndef BENCH_PACING_H
#define BENCH_PACING_H

#include <stdbool.h>

#include "histogram.h"

enum { PACING_PATIENCE = 2, PACING_OVERSLEPT_NS = 10000 };

/* One thread's: first what is asked, then what came of it. Zero but for what is asked. */
struct pacing {
    _Alignas(64) int64_t rate; /* requests a second; 0: closed loop */
    uint64_t requests;         /* at least 1 */
    int64_t begin_ns;          /* when request 0 is due; not used by a closed loop */
    uint64_t unserved;         /* never begun */
    uint64_t backlog;          /* not yet served when the schedule was over, the unserved ones included */
    uint64_t overslept;        /* waits that ended more than PACING_OVERSLEPT_NS late: the machine's fault, but in the figures */
    int64_t overslept_ns;      /* the worst of them */
    int64_t end_ns;            /* of the last request */
    struct histogram histogram; /* of the requests served, ns */
};

struct pacing_door {
    int64_t (*now)(void *arg);                 /* ns */
    int64_t (*wait)(void *arg, int64_t until); /* returns at `until` or later, ready to work; the time when waiting ended */
    int64_t (*serve)(void *arg);               /* one request; operations done, or -1: stop */
};

/* Nanoseconds from request 0 to request i; exact for any i whose time fits. */
static inline int64_t pacing_offset(int64_t rate, uint64_t i)
{
    uint64_t r = (uint64_t)rate;

    return (int64_t)(i / r * 1000000000 + i % r * 1000000000 / r);
}

/* The request before this moment is the last that begins. */
static inline int64_t pacing_deadline(const struct pacing *p)
{
    return p->begin_ns + PACING_PATIENCE * pacing_offset(p->rate, p->requests);
}

/* Until the request is due. False: there is no use in going on. */
static inline bool pacing_await(struct pacing *p, const struct pacing_door *door, void *arg, int64_t due, int64_t deadline)
{
    int64_t now = door->now(arg), woke;

    if (now >= due)
        return now < deadline;
    woke = door->wait(arg, due);
    if (woke - due > PACING_OVERSLEPT_NS) {
        p->overslept++;
        p->overslept_ns = woke - due > p->overslept_ns ? woke - due : p->overslept_ns;
    }
    return true;
}

static inline int64_t pacing_closed(struct pacing *p, const struct pacing_door *door, void *arg)
{
    int64_t ops = 0;

    for (uint64_t i = 0; i < p->requests; i++) {
        int64_t start = door->now(arg), done = door->serve(arg);

        if (done < 0)
            return -1;
        ops += done;
        p->end_ns = door->now(arg);
        histogram_record(&p->histogram, p->end_ns - start, 1);
    }
    return ops;
}

static inline int64_t pacing_fixed(struct pacing *p, const struct pacing_door *door, void *arg)
{
    int64_t over = p->begin_ns + pacing_offset(p->rate, p->requests), deadline = pacing_deadline(p), ops = 0;

    for (uint64_t i = 0; i < p->requests; i++) {
        int64_t due = p->begin_ns + pacing_offset(p->rate, i), done;

        if (!pacing_await(p, door, arg, due, deadline)) {
            p->unserved = p->requests - i;
            p->backlog += p->unserved;
            return ops;
        }
        done = door->serve(arg);
        if (done < 0)
            return -1;
        ops += done;
        p->end_ns = door->now(arg);
        p->backlog += p->end_ns > over;
        histogram_record(&p->histogram, p->end_ns - due, 1);
    }
    return ops;
}

/* All requests of the calling thread. Operations done, or -1 as soon as a request fails. */
static inline int64_t pacing_run(struct pacing *p, const struct pacing_door *door, void *arg)
{
    return p->rate ? pacing_fixed(p, door, arg) : pacing_closed(p, door, arg);
}

/* Requests a second that were really served, from the first due moment on; not above the rate. Fixed rate only. */
static inline double pacing_achieved(const struct pacing *p)
{
    int64_t planned = pacing_offset(p->rate, p->requests), took = p->end_ns - p->begin_ns;

    return (double)p->histogram.count * 1e9 / (double)(took > planned ? took : planned);
}

#endif
