/*
 * affinity.h -- which CPUs the calling thread runs on.
 */
#ifndef OBJECTS_AFFINITY_H
#define OBJECTS_AFFINITY_H

#include "object.h"

/* From now on it runs on that CPU alone. 0, or -1: ERR_VALUE, with a text that names the CPU and those that are allowed. */
API int affinity_pin(int64_t cpu);
/* It may run on all CPUs again that the kernel allows. 0, or -1: ERR_VALUE. */
API int affinity_unpin(void);
/* New list: the CPUs that it may be pinned to. NULL: ERR_MEMORY, ERR_VALUE. */
API struct obj *affinity_cpus(void);

#endif
