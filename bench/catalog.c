/*
 * catalog.c -- the runtime instances linked into this program.
 */
#include "catalog.h"

#include <string.h>

#include "param.h"

/* Supplied by the linker; weak, so that a program without any runtime links and says so. */
extern const struct runtime *const __start_rclab_runtimes[] __attribute__((weak));
extern const struct runtime *const __stop_rclab_runtimes[] __attribute__((weak));

static const struct runtime *const *catalog_begin(void)
{
    return __start_rclab_runtimes;
}

static const struct runtime *const *catalog_end(void)
{
    return __stop_rclab_runtimes;
}

const struct runtime *catalog_runtime(const char *name, bool statistics)
{
    for (const struct runtime *const *at = catalog_begin(); at != catalog_end(); at++)
        if ((*at)->statistics == statistics && strcmp((*at)->name, name) == 0)
            return *at;
    return NULL;
}

const struct runtime *catalog_strategy(const char *name)
{
    const struct runtime *runtime = catalog_runtime(name, false);

    return runtime ? runtime : catalog_runtime(name, true);
}

const struct workload_info *catalog_workload(const struct runtime *runtime, const char *name)
{
    for (const struct workload_info *const *at = runtime->workloads; *at; at++)
        if (strcmp((*at)->name, name) == 0)
            return *at;
    return NULL;
}

const struct param *catalog_param(const struct runtime *runtime, const struct workload_info *workload, const char *name)
{
    const struct param *param = param_find(workload->params, name);

    return param ? param : param_find(runtime->params, name);
}

void catalog_strategies(struct names *names)
{
    for (const struct runtime *const *at = catalog_begin(); at != catalog_end(); at++)
        names_add(names, (*at)->name);
    names_sort(names);
}

void catalog_workloads(struct names *names)
{
    struct names strategies = {0};

    catalog_strategies(&strategies); /* by name, so that the order does not depend on the link's */
    for (size_t i = 0; i < strategies.count; i++)
        for (const struct workload_info *const *w = catalog_strategy(strategies.item[i])->workloads; *w; w++)
            names_add(names, (*w)->name);
    names_free(&strategies);
}

static void catalog_add_params(struct names *names, const struct param *param)
{
    for (; param && param->name; param++)
        names_add(names, param->name);
}

void catalog_params(struct names *names, const struct runtime *runtime, const struct workload_info *workload)
{
    catalog_add_params(names, workload->params);
    catalog_add_params(names, runtime->params);
}

const char *catalog_refusal(const struct runtime *runtime, const char *param, const char *value)
{
    return runtime->refuses ? runtime->refuses(param, value) : NULL;
}
