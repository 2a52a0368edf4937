/*
 * members.c -- reads what `readelf --debug-dump=info` prints: entries (DIEs) one after another, children deeper than their parent.
 *
 *      <1><54b>: Abbrev Number: 52 (DW_TAG_variable)
 *         <54c>   DW_AT_name        : (indirect string, offset: 0x3bd): arena
 *         <552>   DW_AT_type        : <0x45b>
 *         <556>   DW_AT_location    : 9 byte block: 3 0 46 50 0 0 0 0 0 	(DW_OP_addr: 504600)
 */
#include "members.h"
#include "source.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum tag { TAG_OTHER, TAG_VARIABLE, TAG_STRUCT, TAG_MEMBER, TAG_ARRAY, TAG_RANGE, TAG_ALIAS };

struct entry {
    uint32_t offset, type, specification;
    uint8_t tag, depth;
    uint64_t bytes, location, upper;
    uintptr_t addr;
    char name[40];
};

static struct {
    struct entry *at;
    size_t used, room;
    bool known;
} entries;

static enum tag tag_of(const char *text)
{
    static const struct {
        const char *name;
        enum tag tag;
    } known[] = {{"variable)", TAG_VARIABLE},   {"structure_type)", TAG_STRUCT}, {"union_type)", TAG_STRUCT},  {"member)", TAG_MEMBER},
                 {"array_type)", TAG_ARRAY},    {"subrange_type)", TAG_RANGE},   {"typedef)", TAG_ALIAS},      {"const_type)", TAG_ALIAS},
                 {"volatile_type)", TAG_ALIAS}, {"atomic_type)", TAG_ALIAS}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(text, known[i].name, strlen(known[i].name)) == 0)
            return known[i].tag;
    return TAG_OTHER;
}

static void begin_entry(unsigned depth, unsigned offset, const char *tag)
{
    if (entries.used == entries.room) {
        entries.room = entries.room * 2 + 4096;
        entries.at = realloc(entries.at, entries.room * sizeof *entries.at);
        if (!entries.at)
            abort();
    }
    entries.at[entries.used++] = (struct entry){.offset = offset, .depth = (uint8_t)depth, .tag = (uint8_t)tag_of(tag)};
}

static void take_attribute(struct entry *e, const char *attribute, const char *value)
{
    const char *text;
    if (strncmp(attribute, "name ", 5) == 0) {
        text = value[0] == '(' && strstr(value, "): ") ? strstr(value, "): ") + 3 : value;
        snprintf(e->name, sizeof e->name, "%.39s", text);
    } else if (strncmp(attribute, "type ", 5) == 0) {
        e->type = (uint32_t)strtoul(value + 1, NULL, 16);
    } else if (strncmp(attribute, "specification", 13) == 0) {
        e->specification = (uint32_t)strtoul(value + 1, NULL, 16);
    } else if (strncmp(attribute, "byte_size", 9) == 0) {
        e->bytes = strtoull(value, NULL, 0);
    } else if (strncmp(attribute, "upper_bound", 11) == 0) {
        e->upper = strtoull(value, NULL, 0);
    } else if (strncmp(attribute, "data_member_location", 20) == 0) {
        e->location = strtoull(value, NULL, 0);
    } else if (strncmp(attribute, "location", 8) == 0 && (text = strstr(value, "(DW_OP_addr: ")) != NULL) {
        e->addr = strtoul(text + 13, NULL, 16);
    }
}

static void read_entries(void)
{
    char *argv[] = {"readelf", "--debug-dump=info", (char *)source_executable(), NULL}, line[1024];
    FILE *from = source_output_of(argv);
    entries.known = true;
    while (from && fgets(line, sizeof line, from)) {
        unsigned depth, offset;
        char *tag = strstr(line, "(DW_TAG_"), *attribute = strstr(line, "DW_AT_"), *value;
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, " <%u><%x>:", &depth, &offset) == 2) {
            if (tag)
                begin_entry(depth, offset, tag + 8);
        } else if (attribute && entries.used > 0 && (value = strstr(attribute, ": ")) != NULL) {
            take_attribute(&entries.at[entries.used - 1], attribute + 6, value + 2);
        }
    }
    if (from)
        fclose(from);
}

/* --- types --- */

static int by_offset(const void *key, const void *entry)
{
    uint32_t a = *(const uint32_t *)key, b = ((const struct entry *)entry)->offset;
    return a < b ? -1 : a > b;
}

/* The entry at that offset, typedefs and qualifiers looked through; NULL: void, or none. */
static const struct entry *entry_at(uint32_t offset, bool through)
{
    const struct entry *e;
    do {
        e = offset ? bsearch(&offset, entries.at, entries.used, sizeof *e, by_offset) : NULL;
        offset = e ? e->type : 0;
    } while (through && e && e->tag == TAG_ALIAS);
    return e;
}

static bool is_child(const struct entry *of, const struct entry *e)
{
    return e < entries.at + entries.used && e->depth > of->depth;
}

static uint64_t bytes_of(const struct entry *type)
{
    uint64_t count = 1;
    if (!type || type->tag != TAG_ARRAY)
        return type ? type->bytes : 0;
    for (const struct entry *e = type + 1; is_child(type, e); e++)
        if (e->tag == TAG_RANGE)
            count *= e->upper + 1;
    return count * bytes_of(entry_at(type->type, true));
}

static const struct entry *member_at(const struct entry *type, uint64_t offset)
{
    for (const struct entry *e = type + 1; is_child(type, e); e++)
        if (e->tag == TAG_MEMBER && e->depth == type->depth + 1 && offset - e->location < bytes_of(entry_at(e->type, true)))
            return e;
    return NULL;
}

static void add(char *path, size_t size, const char *text)
{
    size_t used = strlen(path);
    snprintf(path + used, size - used, "%s", text);
}

/* Appends the way from the type to what lies at the offset in it. */
static void descend(const struct entry *type, uint64_t offset, char *path, size_t size)
{
    char index[32];
    const struct entry *member, *element;
    while (type) {
        if (type->tag == TAG_STRUCT && (member = member_at(type, offset)) != NULL) {
            if (member->name[0]) {
                add(path, size, path[0] ? "." : "");
                add(path, size, member->name);
            }
            offset -= member->location;
            type = entry_at(member->type, true);
        } else if (type->tag == TAG_ARRAY && (element = entry_at(type->type, true)) != NULL && bytes_of(element) > 0) {
            snprintf(index, sizeof index, "[%llu]", (unsigned long long)(offset / bytes_of(element)));
            add(path, size, index);
            offset %= bytes_of(element);
            type = element;
        } else {
            break;
        }
    }
    if (offset > 0) {
        snprintf(index, sizeof index, " + %llu", (unsigned long long)offset);
        add(path, size, index + (path[0] ? 0 : 1));
    }
}

bool members_path(uintptr_t addr, char *path, size_t size)
{
    if (!entries.known)
        read_entries();
    path[0] = 0;
    for (size_t i = 0; i < entries.used; i++) {
        const struct entry *e = &entries.at[i];
        if (e->tag != TAG_VARIABLE || !e->addr || addr < e->addr)
            continue;
        const struct entry *declared = e->type ? e : entry_at(e->specification, false);
        const struct entry *type = declared ? entry_at(declared->type, true) : NULL;
        if (addr - e->addr >= bytes_of(type))
            continue;
        descend(type, addr - e->addr, path, size);
        return true;
    }
    return false;
}
