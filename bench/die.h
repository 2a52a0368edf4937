/*
 * die.h -- the ways the driver gives up: one for the system's errors, one for the user's. Both exit with EXITS_USAGE.
 */
#ifndef BENCH_DIE_H
#define BENCH_DIE_H

/* "rclab: WHAT: strerror(error)". */
_Noreturn void die(const char *what, int error);

/* "rclab: MESSAGE"; the message names the bad value and what is allowed. */
_Noreturn void die_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
