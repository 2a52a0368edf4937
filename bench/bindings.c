/*
 * bindings.c -- variables and their values, as -L gives them.
 */
#define _GNU_SOURCE 1
#include "bindings.h"

#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "memory.h"

static struct binding *bindings_find(const struct bindings *bindings, const char *name, size_t length)
{
    for (size_t i = 0; i < bindings->count; i++)
        if (strlen(bindings->item[i].name) == length && strncmp(bindings->item[i].name, name, length) == 0)
            return &bindings->item[i];
    return NULL;
}

struct names *bindings_values(struct bindings *bindings, const char *name, size_t length)
{
    struct binding *binding = bindings_find(bindings, name, length);

    if (!binding) {
        bindings->item = memory_resize(bindings->item, bindings->count + 1, sizeof bindings->item[0]);
        binding = &bindings->item[bindings->count++];
        *binding = (struct binding){.name = memory_text("%.*s", (int)length, name)};
    }
    return &binding->values;
}

const struct names *bindings_of(const struct bindings *bindings, const char *name)
{
    const struct binding *binding = bindings_find(bindings, name, strlen(name));

    return binding ? &binding->values : NULL;
}

void bindings_parse(struct bindings *bindings, const char *text, struct argp_state *state)
{
    size_t length = strcspn(text, "= ");
    const char *list = text + length;
    struct names *values;

    if (*list)
        list++;
    else if (state->next < state->argc && state->argv[state->next][0] == '-')
        die_usage("-L %s: its values are missing before %s: allowed is VAR=VALUE[,VALUE…] or VAR VALUE[,VALUE…]", text,
                  state->argv[state->next]);
    else if (state->next < state->argc)
        list = state->argv[state->next++];
    if (length == 0 || *list == '\0')
        die_usage("-L '%s': allowed is VAR=VALUE[,VALUE…] or VAR VALUE[,VALUE…]", text);
    values = bindings_values(bindings, text, length);
    names_split(values, list, ',');
    if (values->count == 0)
        die_usage("-L '%s': an empty list; allowed is NAME[,NAME…]", list);
}

void bindings_free(struct bindings *bindings)
{
    for (size_t i = 0; i < bindings->count; i++) {
        free(bindings->item[i].name);
        names_free(&bindings->item[i].values);
    }
    free(bindings->item);
    *bindings = (struct bindings){0};
}
