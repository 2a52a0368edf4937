/*
 * coroutine.c -- the scenario's threads as coroutines of one OS thread: stacks at fixed places, saved and restored whole.
 *
 * main (the driver's own stack) resumes one; it pauses back to main. A stack can be saved while it is paused and restored
 * any number of times: a helper that was started in setup goes on from there in every execution.
 */
#include "engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { STACK_BYTES = 256 << 10 };
#define STACKS_AT ((void *)0x7e0000000000)

extern void coroutine_switch(void **save, void *load);

static struct coroutine {
    void *sp;
    void (*body)(int);
    int arg;
    void *saved_sp;
    char *saved;
    size_t saved_bytes;
} coroutine[CLOCKS];

static char *stacks;
static void *main_sp;
static struct coroutine *running;

static char *stack_top(const struct coroutine *c) { return stacks + (size_t)(c - coroutine + 1) * STACK_BYTES; }

static void coroutine_entry(void)
{
    running->body(running->arg);
    for (;;)
        coroutine_pause();
}

static void stacks_map(void)
{
    stacks = mmap(STACKS_AT, (size_t)CLOCKS * STACK_BYTES, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (stacks == MAP_FAILED) {
        perror("rclab explore: stacks");
        exit(2);
    }
}

void coroutine_open(int number, void (*body)(int), int arg)
{
    struct coroutine *c = &coroutine[number];
    if (!stacks)
        stacks_map();
    c->body = body;
    c->arg = arg;
    void **sp = (void **)stack_top(c);
#if defined(__x86_64__)
    *--sp = NULL; /* so that the entry finds the stack aligned as after a call */
    *--sp = (void *)coroutine_entry;
    for (int i = 0; i < 6; i++)
        *--sp = NULL;
#else
    sp -= 20;
    memset(sp, 0, 20 * sizeof *sp);
    sp[11] = (void *)coroutine_entry; /* x30 */
#endif
    c->sp = sp;
    c->saved_sp = NULL;
}

void coroutine_resume(int number)
{
    running = &coroutine[number];
    coroutine_switch(&main_sp, running->sp);
    running = NULL;
}

void coroutine_pause(void)
{
    struct coroutine *c = running;
    coroutine_switch(&c->sp, main_sp);
}

void coroutine_save(int number)
{
    struct coroutine *c = &coroutine[number];
    c->saved_sp = c->sp;
    c->saved_bytes = (size_t)(stack_top(c) - (char *)c->sp);
    c->saved = realloc(c->saved, c->saved_bytes);
    if (!c->saved)
        abort();
    memcpy(c->saved, c->sp, c->saved_bytes);
}

void coroutine_restore(int number)
{
    struct coroutine *c = &coroutine[number];
    c->sp = c->saved_sp;
    memcpy(c->sp, c->saved, c->saved_bytes);
}

bool coroutine_is_own_stack(uintptr_t addr)
{
    return (addr - (uintptr_t)STACKS_AT) / STACK_BYTES == (uintptr_t)(running - coroutine);
}

bool coroutine_is_stack(uintptr_t addr)
{
    return addr - (uintptr_t)STACKS_AT < (uintptr_t)CLOCKS * STACK_BYTES;
}
