/*
 * interrupt.h -- SIGINT, SIGTERM and SIGHUP, held back except while the driver waits for a worker.
 * Blocked elsewhere, so that a record is never cut in two and no signal slips in between a test and the wait.
 */
#ifndef BENCH_INTERRUPT_H
#define BENCH_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

void interrupt_hold(void);    /* install the handlers, block the signals */
void interrupt_release(void); /* as before interrupt_hold */
bool interrupt_seen(void);    /* one has arrived, delivered or still pending */

/* The signal mask of the time before interrupt_hold: for ppoll, and for a child before exec. */
const sigset_t *interrupt_open_mask(void);

#endif
