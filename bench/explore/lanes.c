/*
 * lanes.c -- the failing execution as text: one column a thread, time downwards.
 */
#include "lanes.h"
#include <string.h>

void lanes_begin(void) {}

static const char *const order_name[] = {"relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst"};

static void print_event(FILE *to, const struct event *e)
{
    char name[160] = "";
    const char *order = e->op.order < 0 ? (e->op.order == FENCE_LIGHT ? "light" : "others") : order_name[(int)e->op.order];
    if (e->op.kind != FENCE)
        arena_name(location_at(e->op.location)->addr, name, sizeof name);
    fprintf(to, "%-8s ", run_thread_name(e->thread));
    if (e->op.kind == FENCE)
        fprintf(to, "fence %s\n", order);
    else if (e->reads && e->writes)
        fprintf(to, "%s: %lld -> %lld (%s)\n", name, (long long)e->read, (long long)e->written, order);
    else if (e->reads)
        fprintf(to, "reads %s: %lld (%s)\n", name, (long long)e->read, order);
    else
        fprintf(to, "%s = %lld (%s)\n", name, (long long)e->written, order);
}

void lanes_print(FILE *to, const struct failure *failure)
{
    for (int i = 0; i < graph->length; i++)
        print_event(to, &graph->event[i]);
    fprintf(to, "%s in %s: %s\n", failure->kind, run_thread_name(failure->thread), failure->text);
}

void lanes_write_page(const char *path, const struct failure *failure, const struct proof_request *request)
{
    (void)path, (void)failure, (void)request;
}
