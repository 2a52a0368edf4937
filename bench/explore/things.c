/*
 * things.c -- names of addresses and values: the arena's blocks as the instance identifies them, statics by the symbol table.
 */
#include "things.h"
#include "members.h"
#include "source.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    struct thing *at;
    size_t used, room;
    bool known;
} things;

static struct thing *push(void)
{
    if (things.used == things.room) {
        things.room = things.room * 2 + 256;
        things.at = realloc(things.at, things.room * sizeof *things.at);
        if (!things.at)
            abort();
    }
    struct thing *t = &things.at[things.used++];
    memset(t, 0, sizeof *t);
    return t;
}

/* How many objects, and how many numbered things of that name, came before. */
static int64_t count_before(const struct thing *t, int *same)
{
    int64_t objects = 0;
    *same = 0;
    for (const struct thing *other = things.at; other < t; other++) {
        *same += other->number > 0 && strcmp(other->is.name, t->is.name) == 0;
        objects += other->is.object;
    }
    return objects;
}

static void name_block(struct thing *t, const struct block *b)
{
    int same;
    int64_t objects = count_before(t, &same), own = run.target->runtime_objects ? *run.target->runtime_objects : 0;
    if (!t->is.name[0]) {
        snprintf(t->name, sizeof t->name, "block %s%" PRIu64, b->part ? run_thread_name(b->part - 1) : "main", b->number);
    } else if (t->is.object && b->part == 0 && objects < own) {
        snprintf(t->name, sizeof t->name, "%s", t->is.constant[0] ? t->is.constant : t->is.name);
    } else if (t->is.numbered) {
        t->number = same + 1;
        snprintf(t->name, sizeof t->name, "%s#%d", t->is.name, t->number);
    } else {
        snprintf(t->name, sizeof t->name, "%s", t->is.name);
    }
}

static void note_block(const struct block *b)
{
    struct thing *t = push();
    t->at = b->at;
    t->bytes = b->bytes;
    if (!run.target->identify || !run.target->identify((const void *)b->at, b->bytes, &t->is))
        memset(&t->is, 0, sizeof t->is);
    name_block(t, b);
}

/* "list#1.item[]": memory that a member of something with a name points at. */
static void name_pointed_at(struct thing *block)
{
    for (const struct thing *t = things.at; t < things.at + things.used; t++)
        for (int p = 0; p < t->is.parts; p++)
            for (int f = 0; f < t->is.part[p].fields; f++) {
                const struct explore_field *field = &t->is.part[p].field[f];
                if (field->bytes == 8 && arena_load(t->at + t->is.part[p].offset + field->offset, 8) == block->at)
                    snprintf(block->name, sizeof block->name, "%.40s.%.20s[]", t->name, field->name);
            }
}

static void name_blocks(void)
{
    arena_each_block(note_block);
    for (size_t i = 0; i < things.used; i++)
        if (!things.at[i].is.name[0])
            name_pointed_at(&things.at[i]);
}

void things_forget(void)
{
    things.used = 0;
    things.known = false;
}

static const struct thing *static_at(uintptr_t addr)
{
    static struct thing t;
    struct symbol s;
    memset(&t, 0, sizeof t);
    t.is_static = true;
    if (source_symbol(addr, &s)) {
        snprintf(t.name, sizeof t.name, "%s", s.name);
        t.at = s.at;
        t.bytes = s.bytes;
    } else {
        snprintf(t.name, sizeof t.name, "static %#" PRIxPTR, addr & ~(uintptr_t)7);
        t.at = addr & ~(uintptr_t)7;
        t.bytes = 8;
    }
    return &t;
}

const struct thing *things_at(uintptr_t addr)
{
    if (!things.known) {
        things.known = true;
        name_blocks();
    }
    for (size_t i = 0; i < things.used; i++)
        if (addr - things.at[i].at < things.at[i].bytes)
            return &things.at[i];
    return arena_is_static(addr) ? static_at(addr) : NULL;
}

const struct explore_field *things_field(const struct thing *t, uintptr_t addr, const struct explore_part **part)
{
    for (int p = 0; p < t->is.parts; p++)
        for (int f = 0; f < t->is.part[p].fields; f++) {
            const struct explore_field *field = &t->is.part[p].field[f];
            *part = &t->is.part[p];
            if (addr - t->at - (*part)->offset - field->offset < field->bytes)
                return field;
        }
    return NULL;
}

void things_place(const struct thing *t, uintptr_t addr, char *buf, size_t size)
{
    const struct explore_part *part;
    const struct explore_field *field = things_field(t, addr, &part);
    size_t inside = addr - t->at;
    if (t->is_static && members_path(addr, buf, size))
        return;
    if (field && inside == part->offset + field->offset)
        snprintf(buf, size, "%s%s", part->prefix, field->name);
    else if (field)
        snprintf(buf, size, "%s%s + %zu", part->prefix, field->name, inside - part->offset - field->offset);
    else if (inside == 0 && t->is.parts == 0)
        buf[0] = 0;
    else
        snprintf(buf, size, "+ %zu", inside);
}

/* Between two blocks: said by the one before, if that is near. */
static void name_gap(uintptr_t addr, char *buf, size_t size)
{
    const struct thing *before = NULL;
    for (const struct thing *t = things.at; t < things.at + things.used; t++)
        if (addr - t->at < t->bytes + 64 && (!before || t->at > before->at))
            before = t;
    if (before && addr == before->at + before->bytes)
        snprintf(buf, size, "memory right behind %s (%zu bytes)", before->name, before->bytes);
    else if (before)
        snprintf(buf, size, "memory %zu bytes behind %s (%zu bytes)", addr - before->at - before->bytes, before->name, before->bytes);
    else
        snprintf(buf, size, "memory at %#" PRIxPTR, addr);
}

static void name_address(uintptr_t addr, char *buf, size_t size, bool pointed_at)
{
    char place[96];
    int word;
    const void *parked_on = side_belongs_to(addr, &word);
    if (parked_on) {
        name_address((uintptr_t)parked_on, place, sizeof place, false);
        snprintf(buf, size, "%s of %s", word ? "waiters" : "bucket", place);
        return;
    }
    const struct thing *t = things_at(addr);
    if (!t) {
        name_gap(addr, buf, size);
        return;
    }
    things_place(t, addr, place, sizeof place);
    if (!place[0] || (pointed_at && addr == t->at))
        snprintf(buf, size, "%s", t->name);
    else
        snprintf(buf, size, "%s%s%s", t->name, place[0] == '+' ? " " : place[0] == '[' ? "" : ".", place);
}

void things_name(uintptr_t addr, char *buf, size_t size) { name_address(addr, buf, size, false); }

void arena_name(uintptr_t addr, char *buf, size_t size)
{
    things_forget(); /* in the middle of an execution: blocks come */
    name_address(addr, buf, size, false);
}

/* What explore_alloc fills new memory with. */
static bool is_unset(uint64_t value, unsigned bytes)
{
    return bytes >= 2 && value == (0xa5a5a5a5a5a5a5a5u & (bytes < 8 ? (1ull << (8 * bytes)) - 1 : ~0ull));
}

static void number_words(uint64_t value, unsigned bytes, char *buf, size_t size)
{
    int64_t with_sign = bytes < 8 ? (int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes) : (int64_t)value;
    struct symbol s;
    if (is_unset(value, bytes))
        snprintf(buf, size, "unset");
    else if (bytes == 8 && arena_is_shared(value) && things_at(value))
        name_address(value, buf, size, true);
    else if (bytes == 8 && value > 4096 && source_symbol(value, &s) && s.at == value)
        snprintf(buf, size, "%s", s.name);
    else if (with_sign < 0 && with_sign > -1000000)
        snprintf(buf, size, "%" PRId64, with_sign);
    else
        snprintf(buf, size, value >> 40 ? "%#" PRIx64 : "%" PRIu64, value);
}

void things_words(uintptr_t addr, uint64_t value, unsigned bytes, char *buf, size_t size)
{
    const struct explore_part *part;
    const struct thing *t = things_at(addr);
    const struct explore_field *field = t ? things_field(t, addr, &part) : NULL;
    if (bytes < 8)
        value &= (1ull << (8 * bytes)) - 1;
    if (field && field->words && field->bytes == bytes && !is_unset(value, bytes))
        field->words(value, buf, size);
    else
        number_words(value, bytes, buf, size);
}
