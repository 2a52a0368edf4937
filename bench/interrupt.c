/*
 * interrupt.c -- SIGINT, SIGTERM and SIGHUP, held back except while the driver waits for a worker.
 */
#define _GNU_SOURCE 1
#include "interrupt.h"

#include <stddef.h>

enum { INTERRUPT_SIGNALS = 3 };
static const int signals[INTERRUPT_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction before[INTERRUPT_SIGNALS];
static sigset_t open_mask;
static volatile sig_atomic_t seen;

static void interrupt_note(int number)
{
    (void)number;
    seen = 1;
}

void interrupt_hold(void)
{
    struct sigaction action = {.sa_handler = interrupt_note}; /* no SA_RESTART: ppoll must return */
    sigset_t held;

    sigemptyset(&held);
    for (int i = 0; i < INTERRUPT_SIGNALS; i++) {
        sigaction(signals[i], NULL, &before[i]);
        if (signals[i] == SIGHUP && before[i].sa_handler == SIG_IGN)
            continue; /* nohup */
        sigaction(signals[i], &action, NULL);
        sigaddset(&held, signals[i]);
    }
    sigprocmask(SIG_BLOCK, &held, &open_mask);
    for (int i = 0; i < INTERRUPT_SIGNALS; i++)
        sigdelset(&open_mask, signals[i]); /* a parent that left them blocked must not make us deaf */
}

void interrupt_release(void)
{
    sigprocmask(SIG_SETMASK, &open_mask, NULL);
    for (int i = 0; i < INTERRUPT_SIGNALS; i++)
        sigaction(signals[i], &before[i], NULL);
}

bool interrupt_seen(void)
{
    sigset_t pending;

    if (seen)
        return true;
    sigpending(&pending);
    for (int i = 0; i < INTERRUPT_SIGNALS; i++)
        if (sigismember(&pending, signals[i]))
            return true;
    return false;
}

const sigset_t *interrupt_open_mask(void)
{
    return &open_mask;
}
