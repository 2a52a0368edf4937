/*
 * ping-pong.c -- what it costs two cores to write to one cache line: one word, two words of one line, two lines.
 *
 * The increments are atomic and relaxed: no order is asked for, so all that is paid is the line. The drawing comes from tickets: fetch_add
 * returns 0, 1, 2 … in the order in which the line was written, so who drew a ticket says on which core the line was.
 */
#define _GNU_SOURCE 1
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "../hop.h"
#include "lab.h"

enum { PING_LINE = 128, PING_BATCH = 500, PING_ROUNDS = 7, PING_TICKETS = 20000, PING_DRAWN = 40, PING_ATTEMPTS = 40 };

enum ping_way { PING_ALONE, PING_PRIVATE, PING_ONE_LINE, PING_ONE_WORD, PING_WAYS };
static const char *const ping_names[PING_WAYS] = {"one thread alone", "two threads, two lines", "two threads, two words of one line",
                                                  "two threads, one word"};

static struct ping {
    enum ping_way way;
    alignas(PING_LINE) _Atomic uint64_t line[2][PING_LINE / sizeof(uint64_t)];
    alignas(PING_LINE) _Atomic uint32_t ticket;
} ping;

/* When each ticket was drawn, and by whom. */
static struct {
    int64_t at[2 * PING_TICKETS];
    unsigned char by[2 * PING_TICKETS];
} ping_log;

static uint64_t ping_batch(void *arg, int thread)
{
    bool second = thread == 1;
    _Atomic uint64_t *word = &ping.line[ping.way == PING_PRIVATE && second][ping.way == PING_ONE_LINE && second];

    (void)arg;
    for (int i = 0; i < PING_BATCH; i++)
        atomic_fetch_add_explicit(word, 1, memory_order_relaxed); /* relaxed: the line alone is measured */
    return PING_BATCH;
}

static void ping_draw_tickets(void *arg, int thread)
{
    (void)arg;
    for (int i = 0; i < PING_TICKETS; i++) {
        uint32_t ticket = atomic_fetch_add_explicit(&ping.ticket, 1, memory_order_relaxed); /* relaxed: the value is the message */

        ping_log.at[ticket] = lab_now();
        ping_log.by[ticket] = (unsigned char)thread;
    }
}

/* How often the line changed its core among the tickets from `first` on. */
static int ping_changes(int first)
{
    int changes = 0;

    for (int i = first + 1; i < first + PING_DRAWN; i++)
        changes += ping_log.by[i] != ping_log.by[i - 1];
    return changes;
}

/* A stretch with many changes, among those without a gap. */
static int ping_stretch(void)
{
    int best = 0, most = -1;

    for (int first = 0; first + PING_DRAWN < 2 * PING_TICKETS; first += PING_DRAWN / 2) {
        int64_t length = ping_log.at[first + PING_DRAWN - 1] - ping_log.at[first];
        int changes = length > 0 && length < 100000 ? ping_changes(first) : -1;

        if (changes > most) {
            most = changes;
            best = first;
        }
    }
    return best;
}

static void ping_draw_lane(struct lab_run *run, int first, int thread)
{
    int64_t begin = ping_log.at[first];

    for (int i = first; i < first + PING_DRAWN - 1; i++) {
        int from = i;

        if (ping_log.by[i] != thread)
            continue;
        while (i + 1 < first + PING_DRAWN - 1 && ping_log.by[i + 1] == thread)
            i++;
        lab_span(run, LAB_HOLD, ping_log.at[from] - begin, ping_log.at[i + 1] - begin);
    }
}

/* A stretch of a run in which the threads met, if there is one. */
static int ping_meet(struct lab_run *run)
{
    int first = 0;

    for (int i = 0; i < PING_ATTEMPTS; i++) {
        atomic_store_explicit(&ping.ticket, 0, memory_order_relaxed); /* relaxed: no thread is there */
        lab_threads(run, 2, ping_draw_tickets, NULL);
        first = ping_stretch();
        if (ping_changes(first) > PING_DRAWN / 3)
            break;
    }
    return first;
}

static void ping_draw(struct lab_run *run)
{
    int first = ping_meet(run);

    lab_timeline(run, "Where the line was: 40 increments of one word in the order in which they took effect", 0,
                 ping_log.at[first + PING_DRAWN - 1] - ping_log.at[first]);
    lab_legend(run, LAB_HOLD, "the line is on this core");
    lab_lane(run, "core A");
    ping_draw_lane(run, first, 0);
    lab_lane(run, "core B");
    ping_draw_lane(run, first, 1);
    lab_say(run, "In this stretch the line changed cores %d times. (Each ticket's time is taken after it was drawn: edges are some 20 ns late.)",
            ping_changes(first));
}

static void ping_bars(struct lab_run *run, const struct lab_series *cost)
{
    lab_bars(run, "One increment, of one thread", "ns");
    for (int way = 0; way < PING_WAYS; way++)
        lab_bar(run, ping_names[way], lab_median(&cost[way]), lab_mad(&cost[way]), NULL);
}

static void ping_hop(struct lab_run *run)
{
    struct lab_series hops = {0};
    double ns;

    for (int i = 0; i < PING_ROUNDS; i++)
        if (hop_measure(0, 1, &ns))
            lab_add(&hops, ns);
    if (hops.count)
        lab_figure(run, "a line's way from one core to the other", lab_median(&hops), "ns", lab_mad(&hops));
}

static void ping_run(struct lab_run *run)
{
    static struct lab_series cost[PING_WAYS];
    double alone, shared, false_sharing;

    if (!lab_needs_cpus(run, 2))
        return;
    for (int round = 0; round < PING_ROUNDS; round++)
        for (int way = 0; way < PING_WAYS; way++) {
            ping.way = (enum ping_way)way;
            lab_add(&cost[way], lab_cost(run, way == PING_ALONE ? 1 : 2, lab_share(run, 0.8 / PING_ROUNDS / PING_WAYS), ping_batch, NULL));
        }
    ping_bars(run, cost);
    ping_hop(run);
    ping_draw(run);
    alone = lab_median(&cost[PING_PRIVATE]);
    false_sharing = lab_median(&cost[PING_ONE_LINE]);
    shared = lab_median(&cost[PING_ONE_WORD]);
    lab_answer(run, false_sharing > 1.5 * alone ? 'c' : shared > 1.5 * alone ? 'b' : 'a');
    if (false_sharing > 1.5 * alone && shared > 1.5 * alone)
        lab_shown(run, "two words of one line cost %.1f times what two lines cost, one word %.1f times", false_sharing / alone, shared / alone);
    else
        lab_not_shown(run, "one line costs %.2f, one word %.2f times what two lines cost: the threads hardly ran at the same time, or share a core",
                      false_sharing / alone, shared / alone);
}

LAB(.number = 20, .run = ping_run);
