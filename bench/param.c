/*
 * param.c -- the variables of workloads: finding, checking and describing them.
 */
#include "param.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "names.h"

const struct param *param_find(const struct param *list, const char *name)
{
    for (; list && list->name; list++)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

char *param_values(const struct param *param)
{
    switch (param->kind) {
    case PARAM_CHOICE:
        return memory_text("%s", param->choices);
    case PARAM_INT:
        return memory_text("%" PRId64 " to %" PRId64, param->min, param->max);
    case PARAM_PATH:
        return memory_text("a path");
    }
    return memory_text("?");
}

void param_choices(const struct param *param, struct names *choices)
{
    struct names all = {0};

    names_split(&all, param->choices, '|');
    for (size_t i = 0; i < all.count; i++)
        if (all.item[i][0] != '(')
            names_add(choices, all.item[i]);
    names_free(&all);
}

static bool param_has_choice(const struct param *param, const char *value)
{
    struct names choices = {0};
    bool has;

    param_choices(param, &choices);
    has = names_has(&choices, value);
    names_free(&choices);
    return has;
}

static bool param_in_range(const struct param *param, const char *value)
{
    char *end;
    long long number;

    if (!isdigit((unsigned char)value[value[0] == '-']))
        return false; /* strtoll would take blanks and a plus sign: one value must have one spelling */
    errno = 0;
    number = strtoll(value, &end, 10);
    return !*end && !errno && number >= param->min && number <= param->max;
}

static char *param_refuse(const struct param *param, const char *value)
{
    char *values = param_values(param);
    char *refusal = memory_text("%s=%s: allowed is %s", param->name, value, values);

    free(values);
    return refusal;
}

char *param_refusal(const struct param *param, const char *value)
{
    if (param->kind == PARAM_PATH)
        return access(value, R_OK) == 0 ? NULL : memory_text("%s=%s: %s", param->name, value, strerror(errno));
    if (param->kind == PARAM_CHOICE ? param_has_choice(param, value) : param_in_range(param, value))
        return NULL;
    return param_refuse(param, value);
}
