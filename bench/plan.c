/*
 * plan.c -- the cells of a run.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "die.h"
#include "memory.h"
#include "pace.h"
#include "param.h"
#include "suggest.h"

static const char PLAN_USUAL_REFERENCE[] = "gil";

/* The user's names, checked; or all of them. */
static void plan_choose(struct names *chosen, const struct names *given, const struct names *known, const char *kind)
{
    const struct names *from = given->count == 0 || names_has(given, "all") ? known : given;

    if (known->count == 0)
        die_usage("no %s is linked into this program", kind);
    for (size_t i = 0; i < from->count; i++) {
        if (!names_has(known, from->item[i]))
            suggest_die(kind, from->item[i], known);
        names_add(chosen, from->item[i]);
    }
}

static char *plan_reference(const struct options *options, const struct names *strategies, const struct names *known)
{
    const char *reference = options->reference;

    if (!reference)
        return memory_text("%s", names_has(strategies, PLAN_USUAL_REFERENCE) ? PLAN_USUAL_REFERENCE : strategies->item[0]);
    if (!names_has(known, reference))
        suggest_die("strategy", reference, known);
    if (!names_has(strategies, reference)) {
        char *chosen = names_join(strategies, ", ");

        die_usage("--reference %s: it is not among the strategies of this run (%s)", reference, chosen);
    }
    return memory_text("%s", reference);
}

static const struct runtime *plan_runtime(const char *strategy, bool stats)
{
    const struct runtime *runtime = catalog_runtime(strategy, stats);

    if (!runtime)
        die_usage("strategy %s was built %s statistics only: %s --stats", strategy, stats ? "without" : "with",
                  stats ? "leave out" : "give");
    return runtime;
}

static void plan_check_values(const struct param *param, const struct binding *binding)
{
    for (size_t i = 0; i < binding->values.count; i++) {
        char *refusal = param_refusal(param, binding->values.item[i]);

        if (refusal)
            die_usage("-L %s", refusal);
    }
}

/* A strategy that cannot have a value says why, and the run ends before it begins: a table without it would look complete. */
static void plan_check_refusals(const struct runtime *runtime, const struct binding *binding)
{
    for (size_t i = 0; i < binding->values.count; i++) {
        const char *why = catalog_refusal(runtime, binding->name, binding->values.item[i]);

        if (why)
            die_usage("-L %s=%s: not with strategy %s: %s (choose others with -s)", binding->name, binding->values.item[i],
                      runtime->name, why);
    }
}

void plan_check_bindings(const struct bindings *bindings, const struct names *strategies, const struct names *workloads)
{
    for (size_t b = 0; b < bindings->count; b++) {
        const struct binding *binding = &bindings->item[b];
        struct names known = {0};
        bool used = false;

        for (size_t s = 0; s < strategies->count; s++)
            for (size_t w = 0; w < workloads->count; w++) {
                const struct runtime *runtime = catalog_strategy(strategies->item[s]);
                const struct workload_info *workload = catalog_workload(runtime, workloads->item[w]);
                const struct param *param = workload ? catalog_param(runtime, workload, binding->name) : NULL;

                if (workload)
                    catalog_params(&known, runtime, workload);
                if (param) {
                    plan_check_values(param, binding);
                    plan_check_refusals(runtime, binding);
                }
                used |= param != NULL;
            }
        if (!used)
            suggest_die("parameter of these workloads", binding->name, &known);
        names_free(&known);
    }
}

/* "/shared=counted,n=20", or nothing: given values that differ from the default. */
static char *plan_key_values(const struct cell *cell)
{
    struct names values = {0};
    char *joined, *text;

    for (const struct param_value *value = cell->params; value->name; value++) {
        const struct param *param = catalog_param(cell->runtime, cell->workload, value->name);

        if (strcmp(param->fallback, value->value) != 0) {
            char *item = memory_text("%s=%s", value->name, value->value);

            names_add(&values, item);
            free(item);
        }
    }
    joined = names_join(&values, ",");
    text = memory_text("%s%s", values.count ? "/" : "", joined);
    free(joined);
    names_free(&values);
    return text;
}

static void plan_add(struct plan *plan, struct cell cell)
{
    char *values = plan_key_values(&cell), *pace = pace_key(&cell.pace);

    if (plan->cells == PLAN_MOST_CELLS)
        die_usage("more than %d cells: choose fewer strategies, workloads, thread counts or values", PLAN_MOST_CELLS);
    cell.strategy = memory_text("%s%s", cell.runtime->name, cell.aa ? " (A/A)" : "");
    cell.key = memory_text("%s/%s/t%d%s%s", cell.workload->name, cell.strategy, cell.threads, values, pace);
    free(values);
    free(pace);
    plan->cell = memory_resize(plan->cell, plan->cells + 1, sizeof plan->cell[0]);
    plan->cell[plan->cells++] = cell;
}

/* Fills in combination number `combination` of the values of those -L that this workload knows; the number of them. */
static size_t plan_bind(struct cell *cell, const struct options *options, size_t combination)
{
    size_t combinations = 1, used = 0;

    for (size_t b = 0; b < options->bindings.count; b++) {
        const struct binding *binding = &options->bindings.item[b];
        const struct names *values = &binding->values;

        if (!catalog_param(cell->runtime, cell->workload, binding->name))
            continue;
        if (used == RUNTIME_MAX_PARAMS - 1)
            die_usage("-L %s: more than %d variables for one workload", binding->name, RUNTIME_MAX_PARAMS - 1);
        if (combinations > PLAN_MOST_CELLS)
            die_usage("more than %d cells: give fewer values of -L", PLAN_MOST_CELLS);
        cell->params[used++] = (struct param_value){
            .name = binding->name, .value = values->item[combination / combinations % values->count]};
        combinations *= values->count;
    }
    return combinations;
}

static bool plan_is_reference(const struct plan *plan, const struct cell *cell)
{
    return strcmp(cell->runtime->name, plan->reference) == 0;
}

static const char *plan_given(const struct cell *cell, const char *name)
{
    for (const struct param_value *given = cell->params; given->name; given++)
        if (strcmp(given->name, name) == 0)
            return given->value;
    return NULL;
}

/* Why a repetition of this cell is not one thread's own; NULL: it is. */
static const struct joint *plan_joint(const struct cell *cell)
{
    for (const struct joint *joint = cell->workload->joint; joint && joint->why; joint++) {
        const char *given = joint->param ? plan_given(cell, joint->param) : NULL;

        if (!joint->param)
            return joint;
        if (strcmp(given ? given : catalog_param(cell->runtime, cell->workload, joint->param)->fallback, joint->value) == 0)
            return joint;
    }
    return NULL;
}

static void plan_check_pace(const struct cell *cell)
{
    const struct joint *joint = cell->pace.mode == PACE_OFF ? NULL : plan_joint(cell);

    if (joint)
        die_usage("--latency: workload %s%s%s%s%s cannot be timed request by request: %s", cell->workload->name,
                  joint->param ? " with " : "", joint->param ? joint->param : "", joint->param ? "=" : "",
                  joint->param ? joint->value : "", joint->why);
}

/* All cells of one strategy, workload and thread count. */
static void plan_add_combinations(struct plan *plan, const struct options *options, const struct place *place,
                                  struct cell cell)
{
    size_t combinations = plan_bind(&cell, options, 0);

    cell.oversubscribed = place_crowded(place, cell.threads);
    for (size_t i = 0; i < combinations; i++) {
        plan_bind(&cell, options, i);
        plan_check_pace(&cell);
        cell.aa = false;
        plan_add(plan, cell);
        if (options->rigorous && plan_is_reference(plan, &cell)) {
            cell.aa = true;
            plan_add(plan, cell);
        }
    }
}

static void plan_add_workload(struct plan *plan, const struct options *options, const struct place *place,
                              const struct names *strategies, const char *name)
{
    size_t before = plan->cells;

    for (size_t t = 0; t < options->thread_counts; t++)
        for (size_t s = 0; s < strategies->count; s++) {
            const struct runtime *runtime = plan_runtime(strategies->item[s], options->stats);
            const struct workload_info *workload = catalog_workload(runtime, name);

            if (workload)
                plan_add_combinations(plan, options, place,
                                      (struct cell){.runtime = runtime,
                                                    .workload = workload,
                                                    .threads = options->threads[t],
                                                    .pace = options->pace});
        }
    if (plan->cells == before)
        die_usage("workload %s: none of the chosen strategies has it", name);
}

/* Some workload of this name that is never one thread's own: nobody chose it, so it is left out. */
static bool plan_leaves_out(const struct options *options, const struct names *strategies, const char *name)
{
    for (size_t s = 0; s < strategies->count; s++) {
        const struct workload_info *workload = catalog_workload(catalog_strategy(strategies->item[s]), name);

        if (options->pace.mode == PACE_OFF || names_has(&options->workloads, name) || !workload || !workload->joint ||
            workload->joint->param)
            continue;
        fprintf(stderr, "rclab: --latency leaves out %s: %s\n", name, workload->joint->why);
        return true;
    }
    return false;
}

void plan_build(struct plan *plan, const struct options *options, const struct place *place)
{
    struct names known = {0}, known_workloads = {0}, strategies = {0}, workloads = {0};

    *plan = (struct plan){0};
    catalog_strategies(&known);
    catalog_workloads(&known_workloads);
    plan_choose(&strategies, &options->strategies, &known, "strategy");
    plan_choose(&workloads, &options->workloads, &known_workloads, "workload");
    plan_check_bindings(&options->bindings, &strategies, &workloads);
    plan->reference = plan_reference(options, &strategies, &known);
    for (size_t w = 0; w < workloads.count; w++)
        if (!plan_leaves_out(options, &strategies, workloads.item[w]))
            plan_add_workload(plan, options, place, &strategies, workloads.item[w]);
    if (plan->cells == 0)
        die_usage("--latency: no workload is left");
    names_free(&known);
    names_free(&known_workloads);
    names_free(&strategies);
    names_free(&workloads);
}

/* Every variable of the workload with the value it has in this cell, and of those that all workloads have the given ones:
 * what heads the table. */
static json_t *plan_values(const struct cell *cell)
{
    json_t *values = json_object();

    for (const struct param *param = cell->workload->params; param && param->name; param++) {
        const char *given = plan_given(cell, param->name);

        json_object_set_new(values, param->name, json_string(given ? given : param->fallback));
    }
    for (const struct param_value *given = cell->params; given->name; given++)
        json_object_set_new(values, given->name, json_string(given->value));
    return values;
}

/* The rest of them: the file must not depend on today's defaults. */
static json_t *plan_defaults(const struct cell *cell)
{
    json_t *values = json_object();

    for (const struct param *param = cell->runtime->params; param && param->name; param++)
        if (!plan_given(cell, param->name))
            json_object_set_new(values, param->name, json_string(param->fallback));
    return values;
}

static json_t *plan_traits(const struct runtime *runtime)
{
    return json_pack("{s:b, s:b, s:b}", "unsafe", !!(runtime->traits & RUNTIME_UNSAFE), "gil",
                     !!(runtime->traits & RUNTIME_GIL), "defers_free", !!(runtime->traits & RUNTIME_DEFERS_FREE));
}

static json_t *plan_cpus(const struct cell *cell, const struct place *place)
{
    json_t *cpus = json_array();

    for (int i = 0; i < cell->threads; i++)
        json_array_append_new(cpus, json_integer(place_cpu(place, i)));
    return cpus;
}

json_t *plan_json(const struct plan *plan, const struct place *place)
{
    json_t *list = json_array();

    for (size_t i = 0; i < plan->cells; i++) {
        const struct cell *cell = &plan->cell[i];

        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:i, s:s, s:o, s:o, s:o, s:b, s:b, s:o, s:I, s:I}", "cell", cell->key, "strategy",
                            cell->strategy, "workload", cell->workload->name, "threads", cell->threads, "unit",
                            cell->workload->unit, "params", plan_values(cell), "defaults", plan_defaults(cell), "traits",
                            plan_traits(cell->runtime), "aa", cell->aa, "oversubscribed", cell->oversubscribed, "cpus",
                            plan_cpus(cell, place), "head_bytes", (json_int_t)cell->runtime->head_bytes, "int_bytes",
                            (json_int_t)cell->runtime->int_bytes));
    }
    return list;
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->cells; i++) {
        free(plan->cell[i].key);
        free(plan->cell[i].strategy);
    }
    free(plan->cell);
    free(plan->reference);
}
