/*
 * identity.h -- do two run records tell of the same experiment? Plan, host and build are asked for apart, and what differs
 * is named.
 *
 * Each function returns NULL if there is no difference, else "seed: 7 and 8" or the like, which the caller frees. A fact
 * that one of the two lacks (an older file) is no difference.
 */
#ifndef BENCH_IDENTITY_H
#define BENCH_IDENTITY_H

#include <jansson.h>

enum { IDENTITY_HASH = 17 };

/* What is measured and in which order: cells, seed, times, statistics, placement policy, reference. Not the number of
 * rounds, nor what the host decides (CPU numbers). */
char *identity_plan_difference(const json_t *a, const json_t *b);

/* 16 hex digits of the same facts; returns `text`. */
const char *identity_plan_hash(const json_t *run, char text[IDENTITY_HASH]);

char *identity_host_difference(const json_t *a, const json_t *b);   /* name, processor, topology, virtualisation */
char *identity_kernel_difference(const json_t *a, const json_t *b);
char *identity_build_difference(const json_t *a, const json_t *b);
char *identity_cpus_difference(const json_t *a, const json_t *b);   /* of plans that do not differ */

#endif
