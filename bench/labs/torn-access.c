/*
 * torn-access.c -- eight bytes written by one thread and read by another: may a reader see half of a write?
 *
 * The writer stores zeros and ones in turn; a value that is neither is torn. The place of the eight bytes is what is varied.
 * Plain accesses on purpose: each is one instruction, and a compiler has no reason to split it.
 */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

enum { TORN_LINE = 64, TORN_PAGE = 4096, TORN_BATCH = 64, TORN_PLACES = 4 };
typedef volatile uint64_t __attribute__((aligned(1))) torn_word; /* one access, wherever it lies */

static alignas(TORN_PAGE) unsigned char torn_memory[2 * TORN_PAGE];

static const struct torn_place {
    const char *name;
    size_t offset;
} torn_places[TORN_PLACES] = {
    {"aligned", 0}, {"unaligned, within one line", 3}, {"across two lines", TORN_LINE - 4}, {"across two pages", TORN_PAGE - 4}};

struct torn {
    torn_word *word;
    int64_t until;
    _Atomic bool stop;
    uint64_t reads, torn;
    uint64_t batch[TORN_BATCH]; /* the first one that holds a torn value */
    int64_t batch_ns;           /* how long it took; 0: there is none */
};

static void torn_write(struct torn *t)
{
    while (!atomic_load_explicit(&t->stop, memory_order_relaxed)) { /* relaxed: it says stop, no more */
        *t->word = 0;
        *t->word = UINT64_MAX;
    }
}

static bool torn_is(uint64_t value)
{
    return value != 0 && value != UINT64_MAX;
}

static void torn_keep(struct torn *t, const uint64_t *batch, int64_t ns)
{
    for (int i = 0; i < TORN_BATCH; i++)
        t->batch[i] = batch[i];
    t->batch_ns = ns > 0 ? ns : 1;
}

static void torn_read(struct torn *t)
{
    uint64_t batch[TORN_BATCH], before;
    int64_t now = lab_now(), begin;

    do {
        begin = now;
        for (int i = 0; i < TORN_BATCH; i++)
            batch[i] = *t->word;
        now = lab_now();
        before = t->torn;
        for (int i = 0; i < TORN_BATCH; i++)
            t->torn += torn_is(batch[i]);
        if (t->torn > before && !t->batch_ns)
            torn_keep(t, batch, now - begin);
        t->reads += TORN_BATCH;
    } while (now < t->until);
    atomic_store_explicit(&t->stop, true, memory_order_relaxed); /* relaxed: as above */
}

static void torn_body(void *arg, int thread)
{
    if (thread == 0)
        torn_write(arg);
    else
        torn_read(arg);
}

/* Reads as a lane: what each of them saw. */
static void torn_draw(struct lab_run *run, const struct torn *t)
{
    double each = (double)t->batch_ns / TORN_BATCH;

    lab_timeline(run, "What 64 reads in a row saw, across two lines", 0, t->batch_ns);
    lab_legend(run, LAB_RUN, "all ones");
    lab_legend(run, LAB_IO, "all zeros");
    lab_legend(run, LAB_MOVE, "torn: half of each");
    lab_lane(run, "reader");
    for (int i = 0; i < TORN_BATCH; i++)
        lab_span(run, torn_is(t->batch[i]) ? LAB_MOVE : t->batch[i] ? LAB_RUN : LAB_IO, (int64_t)(i * each), (int64_t)((i + 1) * each));
}

static void torn_draw_first(struct lab_run *run, const struct torn *t)
{
    for (int i = 0; i < TORN_BATCH; i++)
        if (torn_is(t->batch[i])) {
            lab_say(run, "One of the torn values: 0x%016" PRIx64 ". Nobody wrote it.", t->batch[i]);
            return;
        }
}

static void torn_run(struct lab_run *run)
{
    static struct torn t[TORN_PLACES];
    uint64_t within = 0, across = 0;

    if (!lab_needs_cpus(run, 2))
        return;
    for (int i = 0; i < TORN_PLACES; i++) {
        memset(torn_memory, 0, sizeof torn_memory); /* what another place left would look torn until the first write */
        t[i].word = (torn_word *)(torn_memory + torn_places[i].offset);
        t[i].until = lab_now() + lab_share(run, 0.9 / TORN_PLACES);
        lab_threads(run, 2, torn_body, &t[i]);
        *(i < 2 ? &within : &across) += t[i].torn;
    }
    lab_bars(run, "Torn reads in a million", "");
    for (int i = 0; i < TORN_PLACES; i++)
        lab_bar(run, torn_places[i].name, (double)t[i].torn * 1e6 / (double)t[i].reads, -1, NULL);
    if (t[2].batch_ns) {
        torn_draw(run, &t[2]);
        torn_draw_first(run, &t[2]);
    }
    lab_answer(run, within ? 'c' : across ? 'b' : 'a');
    if (across)
        lab_shown(run, "%" PRIu64 " reads across a line or page saw half of a write, %" PRIu64 " within a line did", across, within);
    else
        lab_not_shown(run, "no read was torn, not even across lines: this processor locks both lines, or the threads did not run at once");
}

LAB(.number = 1, .run = torn_run);
