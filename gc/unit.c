/*
 * unit.c -- the whole runtime as one unit, in the order in which its layers build on each other: rc/, objects/, gc/.
 *
 * Everything is static. bench/runtime.c (what is measured and tested) and bench/explore/instance.c (what is proved) include it, so
 * that both hold the same source.
 */
#include "../rc/rc.h"

#include "../rc/thread.c"

#include "../objects/object.c"
#include "../objects/borrowed.c"
#include "../objects/retire.c"
#include "../objects/heap.c"
#include "../objects/heap_map.c"
#include "../objects/track.c"
#include "../objects/defer.c"
#include "../objects/stack.c"
#include "../objects/weak.c"
#include "../objects/parking.c"
#include "../objects/lock.c"
#include "../objects/section.c"
#include "../objects/lock_statistics.c"
#include "../objects/number.c"
#include "../objects/str.c"
#include "../objects/tuple.c"
#include "../objects/table.c"
#include "../objects/list.c"
#include "../objects/dict.c"
#include "../objects/weakdict.c"
#include "../objects/set.c"
#include "../objects/iter.c"
#include "../objects/function.c"
#include "../objects/local_wrapper.c"
#include "../objects/thread_local.c"
#include "../objects/affinity.c"
#include "../objects/interval_lock.c"
#include "../objects/rwlock.c"
#include "../objects/module.c"

#include "../gc/verify.c"
#include "../gc/collect.c"
