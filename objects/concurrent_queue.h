/*
 * concurrent_queue.h -- an unbounded FIFO queue: many pushers that do not wait, many poppers that may, shutdown.
 *
 * liburcu's wait-free queue (os_queue), whose dequeuing end is guarded by the object's lock. A push is one exchange of the
 * tail; it takes no lock and waits for nobody but malloc. Pops exclude each other. A popper that finds nothing waits, detached
 * (wait.h).
 *
 *     open --shutdown--> closing --all pushes that saw it open have ended (an RCU grace period)--> closed
 *
 * A push goes on inside an RCU read section: when the queue is closed everything whose push succeeded is in it, and nothing
 * will come. Who finds it closing waits until it is closed; the shutdown holds the lock meanwhile and runs no destructor, which might
 * push and wait for its own thread. So, in this order of all operations, no result is out of place:
 *     a push that succeeds       at the exchange of the tail
 *     a pop that finds           at the removal, under the lock
 *     a pop that finds nothing   when it looks at the tail: Empty before the queue is closed, ShutDown after
 *     a shutdown, and a push that fails   when it is closed, under the lock, or after that
 * A pop that loses to the clock has taken nothing: an item leaves the queue only in the hands of who returns it. It looks for
 * an item after every wake, and before it looks at the clock; the deadline is absolute.
 * What may hold up a pop besides the lock: a pusher between its exchange and the link that follows (two instructions), as with
 * every queue of this kind. It can neither block there nor run user code.
 *
 * `scaling`, as the original has it, is how many threads are expected to push at a time. There it is the number of inner lanes,
 * here a push is one exchange however many they are; it is the number of cache lines over which pushes are counted, whose sum
 * is the size.
 * Errors: ERR_TYPE (not such a queue), ERR_MEMORY, and those named at the function. Timeouts: nanoseconds; < 0: for ever; 0:
 * not at all.
 */
#ifndef OBJECTS_CONCURRENT_QUEUE_H
#define OBJECTS_CONCURRENT_QUEUE_H

#include "wait.h"

enum { CONCURRENT_QUEUE_SCALING_MAX = 64 };
enum concurrent_queue_state { CONCURRENT_QUEUE_OPEN, CONCURRENT_QUEUE_CLOSING, CONCURRENT_QUEUE_CLOSED };

/* An item in the queue. Its reference is the cell's. */
struct concurrent_cell {
    struct os_node node;
    struct concurrent_cell *next; /* among those taken out together */
    struct obj *item;
};

struct concurrent_line {
    _Alignas(CACHE_LINE) _Atomic int64_t pushed;
};

/* Apart: an object's memory is not aligned to cache lines. */
struct concurrent_ends {
    struct os_queue queue;
    struct concurrent_line line[]; /* scaling of them */
};

struct concurrent_queue {
    struct container base;
    struct lock lock;              /* of the dequeuing end */
    _Atomic uint32_t state;        /* enum concurrent_queue_state; written under the lock */
    uint32_t scaling;
    struct wait filled;
    _Atomic int64_t popped;        /* or dropped by a shutdown; written under the lock */
    struct concurrent_ends *ends;  /* owned */
};

static const struct type concurrent_queue_type;

API struct obj *concurrent_queue_new(int64_t scaling); /* new, empty; ERR_VALUE: not from 1 to CONCURRENT_QUEUE_SCALING_MAX */
/* Takes a reference of its own. ERR_SHUTDOWN: it may have waited, detached, for the shutdown to be over. */
API int concurrent_queue_push(struct obj *queue, struct obj *item);
/* The oldest item; the queue's reference passes to the caller. May detach. NULL: ERR_EMPTY (nothing came in time); ERR_SHUTDOWN. */
API struct obj *concurrent_queue_pop(struct obj *queue, int64_t timeout_ns);
/* The items whose push has returned, less those popped; while others push and pop, as many more as are on their way. Never negative. */
API int64_t concurrent_queue_size(struct obj *queue);
API int concurrent_queue_empty(struct obj *queue); /* 1, 0, -1: no pop could find anything now */
/* Nothing goes in any more; what is in it can be popped, unless `immediate`: then it is dropped. Wakes all who wait. Waits for
 * the pushes under way, a grace period. Again: nothing, or drops what is left if immediate. */
API int concurrent_queue_shutdown(struct obj *queue, bool immediate);

#endif
