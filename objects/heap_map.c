/*
 * heap_map.c -- the allocation map: each thread's own set of blocks, their union, its text.
 */
#include "lock.h"

#if RC_STATISTICS

enum { HEAP_MAP_ROOM = 1024 }; /* at first; a power of two */

static struct {
    struct os_mutex lock;
    struct heap_map map; /* of the threads that have ended */
} heap_map_all = {.lock = OS_MUTEX_INIT};

/* Where the block is, or the free place that it belongs in. There is one: a set is never full. */
static struct heap_map_block *heap_map_place(const struct heap_map *m, uintptr_t address, const struct type *type)
{
    size_t i = (address >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20; /* blocks are 16 bytes apart; Fibonacci hashing */
    for (;; i++) {
        struct heap_map_block *b = &m->block[i & (m->room - 1)];
        if (b->address == 0 || (b->address == address && b->type == type))
            return b;
    }
}

/* Twice the room; false: no memory, all is as it was. */
static bool heap_map_grow(struct heap_map *m)
{
    struct heap_map bigger = {.used = m->used, .room = m->room ? 2 * m->room : HEAP_MAP_ROOM, .lost = m->lost};
    bigger.block = os_alloc(bigger.room * sizeof *bigger.block);
    if (!bigger.block)
        return false;
    memset(bigger.block, 0, bigger.room * sizeof *bigger.block);
    for (size_t i = 0; i < m->room; i++)
        if (m->block[i].address)
            *heap_map_place(&bigger, m->block[i].address, m->block[i].type) = m->block[i];
    os_free(m->block);
    *m = bigger;
    return true;
}

static void heap_map_add(struct heap_map *m, struct heap_map_block block)
{
    if (2 * (m->used + 1) > m->room && !heap_map_grow(m)) {
        m->lost++;
        return;
    }
    struct heap_map_block *b = heap_map_place(m, block.address, block.type);
    m->used += b->address == 0;
    block.bytes = block.bytes > b->bytes ? block.bytes : b->bytes;
    *b = block;
}

SLOW void heap_map_note_slow(const struct obj *o, size_t bytes)
{
    heap_map_add(&heap_self()->map, (struct heap_map_block){(uintptr_t)o, bytes, o->type});
}

API void heap_map_start(void) { heap_map_wanted = true; }

API void heap_map_publish(struct heap_thread *t)
{
    os_lock(&heap_map_all.lock);
    for (size_t i = 0; i < t->map.room; i++)
        if (t->map.block[i].address)
            heap_map_add(&heap_map_all.map, t->map.block[i]);
    heap_map_all.map.lost += t->map.lost;
    os_unlock(&heap_map_all.lock);
    os_free(t->map.block);
    t->map = (struct heap_map){0};
}

/* --- the text --- */

static void heap_map_field(FILE *f, const char *type, const char *name, size_t offset, size_t bytes)
{
    fprintf(f, "field %s %zu %zu %s\n", type, offset, bytes, name);
}

/* What comes before an object's own fields. */
static void heap_map_head(FILE *f, const struct type *t)
{
#define X(member)                                                                                                       \
    heap_map_field(f, t->name, "head." #member, offsetof(struct rc_head, member), sizeof(((struct rc_head *)0)->member));
    RC_HEAD_FIELDS(X)
#undef X
    heap_map_field(f, t->name, "type", offsetof(struct obj, type), sizeof(const struct type *));
    if (t->flags & TYPE_CONTAINER)
        heap_map_field(f, t->name, "dead_next", offsetof(struct container, dead_next), sizeof(struct container *));
#if !LOCK_NONE
    if (t->lock) /* it follows the container: lock_init */
        heap_map_field(f, t->name, "lock", sizeof(struct container), sizeof(struct lock));
#endif
}

/* No block before this one has its type. Blocks are hashed, so that one is soon found. */
static bool heap_map_first_of_type(const struct heap_map *m, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (m->block[i].address && m->block[i].type == m->block[at].type)
            return false;
    return true;
}

API int heap_map_write(const char *path)
{
    const struct heap_map *m = &heap_map_all.map;
    FILE *f = fopen(path, "we");
    if (!f)
        return errno;
    fprintf(f, "# rclab allocation map: field TYPE OFFSET BYTES NAME; block ADDRESS BYTES TYPE. %zu blocks lost\n", m->lost);
    for (size_t i = 0; i < m->room; i++)
        if (m->block[i].address && heap_map_first_of_type(m, i))
            heap_map_head(f, m->block[i].type);
    for (size_t i = 0; i < m->room; i++)
        if (m->block[i].address)
            fprintf(f, "block 0x%jx %zu %s\n", (uintmax_t)m->block[i].address, m->block[i].bytes, m->block[i].type->name);
    int failed = ferror(f) ? EIO : 0;
    return fclose(f) != 0 && !failed ? errno : failed;
}

#else

API void heap_map_start(void) {}
API void heap_map_publish(struct heap_thread *t) { (void)t; }
API int heap_map_write(const char *path) { return (void)path, ENOTSUP; }

#endif
