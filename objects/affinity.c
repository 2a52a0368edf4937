/*
 * affinity.c -- pinning, over rc/os.h.
 */
#include "affinity.h"
#include "list.h"
#include "number.h"
#include <inttypes.h>

/* "0-3,7": those that are set, as Linux writes them; cut off where there is no room. */
static void affinity_format(const unsigned char allowed[OS_CPUS], char *text, size_t size)
{
    size_t used = 0;
    *text = 0;
    for (int cpu = 0, last; cpu < OS_CPUS && used < size; cpu = last + 1) {
        last = cpu;
        if (!allowed[cpu])
            continue;
        while (last + 1 < OS_CPUS && allowed[last + 1])
            last++;
        used += (size_t)snprintf(text + used, size - used, last > cpu ? "%s%d-%d" : "%s%d", used ? "," : "", cpu, last);
    }
}

SLOW int affinity_refuse(const char *what, int64_t cpu)
{
    unsigned char allowed[OS_CPUS];
    char list[ERR_TEXT / 2], *text = heap_self()->err_text;
    bool known = os_cpus(allowed);
    affinity_format(allowed, list, sizeof list);
    snprintf(text, ERR_TEXT, "%s %" PRId64 ": allowed is %s", what, cpu, known ? list : "what the kernel does not tell");
    err_set_name(ERR_VALUE, "%s", text, "");
    return -1;
}

API int affinity_pin(int64_t cpu)
{
    bool pinned = cpu >= 0 && cpu < OS_CPUS && os_pin((int)cpu) == 0;
    return pinned ? 0 : affinity_refuse("cannot pin a thread to CPU", cpu);
}

API int affinity_unpin(void) { return os_unpin() == 0 ? 0 : affinity_refuse("cannot unpin a thread from", 0); }

API struct obj *affinity_cpus(void)
{
    unsigned char allowed[OS_CPUS];
    struct obj *list = list_new(0), *number;
    int failed = !list || !os_cpus(allowed);
    if (failed && list)
        err_set(ERR_VALUE, "the kernel does not tell which CPUs are allowed", 0, 0);
    for (int cpu = 0; cpu < OS_CPUS && !failed; cpu++) {
        if (!allowed[cpu])
            continue;
        number = int_new(cpu);
        failed = !number || list_append(list, number) != 0;
        obj_xdecref(number);
    }
    if (!failed)
        return list;
    obj_xdecref(list);
    return NULL;
}
