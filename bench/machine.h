/*
 * machine.h -- the facts that go with every number: the host, the build, the state of the system. Read only.
 * What cannot be found out is null, never a guess.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <jansson.h>

/* All return new references. */
json_t *machine_host(void);        /* name, cpu, topology, virt, kernel */
json_t *machine_build(void);       /* cc, cflags, git, dirty, ndebug, optimised, sanitizers, binary */
json_t *machine_system(void);      /* governor, boost, smt, aslr, isolated, load1 */

/* "rclab 0.1 (git abc1234)": for --version. Static. */
const char *machine_version(void);

#endif
