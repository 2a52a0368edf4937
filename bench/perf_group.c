/*
 * perf_group.c -- one group of events, counted by the calling thread for itself.
 */
#define _GNU_SOURCE 1
#include "perf_group.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(PERF_NEVER_RAN == EBUSY && PERF_VANISHED == EIO && PERF_NOT_COUNTED == ENODATA, "they are shown by these names");

enum { PERF_PROBE_STEPS = 200000 }; /* about 0.1 ms: long enough to be scheduled, short enough to do for each event */

/* --- the kernel --- */

static int door_open(struct perf_event_attr *attributes, int leader)
{
    return (int)syscall(SYS_perf_event_open, attributes, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
}

static ssize_t door_read(int fd, void *buffer, size_t size)
{
    return read(fd, buffer, size);
}

static int door_control(int fd, unsigned long request)
{
    return ioctl(fd, request, PERF_IOC_FLAG_GROUP);
}

static void door_close(int fd)
{
    close(fd);
}

const struct perf_door perf_door_real = {door_open, door_read, door_control, door_close};

/* --- a group --- */

static void perf_open_one(struct perf_group *group, struct perf_count *count)
{
    struct perf_event_attr attributes = {
        .type = count->code.type,
        .config = count->code.config,
        .size = sizeof attributes,
        .disabled = group->leader < 0, /* members follow their leader */
        .exclude_kernel = !count->event->kernel,
        .exclude_hv = 1,
        .read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
    };

    count->fd = group->door->open(&attributes, group->leader);
    if (count->fd >= 0 && group->leader < 0)
        group->leader = count->fd;
    if (count->fd >= 0)
        return;
    count->error = errno ? errno : ENOENT;
    count->by_usage = count->event->usage != EVENT_USAGE_NONE;
}

void perf_group_open(struct perf_group *group, const struct perf_door *door, const struct events_cpu *cpu,
                     const struct event_group *events)
{
    *group = (struct perf_group){.door = door, .counts = events->count, .leader = -1};
    for (size_t i = 0; i < events->count; i++) {
        struct perf_count *count = &group->count[i];

        *count = (struct perf_count){.event = events->event[i], .fd = -1};
        if (events_code(count->event, cpu, &count->code))
            perf_open_one(group, count);
        else
            count->error = EOPNOTSUPP;
    }
}

/* Of all that perf counts. */
static void perf_group_fail(struct perf_group *group, int error)
{
    for (size_t i = 0; i < group->counts; i++)
        if (group->count[i].fd >= 0)
            group->count[i].error = error;
}

void perf_group_begin(struct perf_group *group)
{
    getrusage(RUSAGE_THREAD, &group->before);
    if (group->leader < 0)
        return;
    if (group->door->control(group->leader, PERF_EVENT_IOC_RESET) ||
        group->door->control(group->leader, PERF_EVENT_IOC_ENABLE))
        perf_group_fail(group, errno);
}

static void perf_take_usage(struct perf_group *group)
{
    const struct rusage *before = &group->before;
    struct rusage after;

    getrusage(RUSAGE_THREAD, &after);
    for (size_t i = 0; i < group->counts; i++) {
        struct perf_count *count = &group->count[i];
        long value = count->event->usage == EVENT_USAGE_SWITCHES
                         ? after.ru_nvcsw + after.ru_nivcsw - before->ru_nvcsw - before->ru_nivcsw
                         : after.ru_minflt + after.ru_majflt - before->ru_minflt - before->ru_majflt;

        if (!count->by_usage)
            continue;
        count->value = (uint64_t)value;
        count->error = 0;
    }
}

/* `value`: of those that perf counts, in the order in which they were opened. */
static void perf_take_values(struct perf_group *group, const uint64_t *value)
{
    bool estimated = group->running_ns < group->enabled_ns;

    for (size_t i = 0; i < group->counts; i++) {
        struct perf_count *count = &group->count[i];

        if (count->fd < 0)
            continue;
        count->value = *value++;
        count->estimated = estimated;
        if (group->running_ns == 0)
            count->error = PERF_NEVER_RAN;
        else if (estimated)
            count->value = (uint64_t)((long double)count->value * group->enabled_ns / group->running_ns + 0.5L);
    }
}

/* nr, time enabled, time running, the values. 0, or an errno. */
static int perf_read(struct perf_group *group, uint64_t data[3 + EVENTS_MOST])
{
    uint64_t open = 0;
    ssize_t size;

    for (size_t i = 0; i < group->counts; i++)
        open += group->count[i].fd >= 0;
    size = group->door->read(group->leader, data, (3 + EVENTS_MOST) * sizeof data[0]);
    if (size < 0)
        return errno ? errno : PERF_VANISHED;
    return (size_t)size < (3 + open) * sizeof data[0] || data[0] != open ? PERF_VANISHED : 0;
}

void perf_group_end(struct perf_group *group)
{
    uint64_t data[3 + EVENTS_MOST];
    int error = 0;

    if (group->leader >= 0) {
        group->door->control(group->leader, PERF_EVENT_IOC_DISABLE); /* should it fail, the read still tells */
        error = perf_read(group, data);
    }
    perf_take_usage(group);
    if (error)
        perf_group_fail(group, error);
    else if (group->leader >= 0) {
        group->enabled_ns = data[1];
        group->running_ns = data[2];
        perf_take_values(group, data + 3);
    }
}

void perf_group_close(struct perf_group *group)
{
    for (size_t i = group->counts; i-- > 0;) /* the leader last */
        if (group->count[i].fd >= 0)
            group->door->close(group->count[i].fd);
    group->leader = -1;
}

/* --- reasons --- */

static const char PERF_NO_PMU_REMEDY[] =
    "a machine, or a virtual machine, that shows its performance counters; else --stats and --count-instructions";

struct perf_reason perf_reason(const struct event *event, int error)
{
    const char *name = strerrorname_np(error);
    struct perf_reason reason = {name ? name : "unknown", strerror(error), "none known"};

    switch (error) {
    case ENOENT:
    case ENODEV:
        reason.why = event->kind == EVENT_HARDWARE ? "this machine shows no such counter (no virtual PMU?)"
                                                   : "this kernel does not have it";
        reason.remedy = event->kind == EVENT_HARDWARE ? PERF_NO_PMU_REMEDY : "another kernel";
        break;
    case EOPNOTSUPP:
        reason.why = event->type == PERF_TYPE_RAW ? "no code of it is known for this processor, or the machine refuses it"
                                                  : "this machine does not support it";
        reason.remedy = event->type == PERF_TYPE_RAW ? "build with libpfm4-dev, or add the code to bench/events.c"
                                                     : PERF_NO_PMU_REMEDY;
        break;
    case EACCES:
    case EPERM:
        reason.why = "not permitted";
        reason.remedy = event->kernel ? "sysctl kernel.perf_event_paranoid=1, or CAP_PERFMON"
                                      : "sysctl kernel.perf_event_paranoid=2, or CAP_PERFMON; in a container also its seccomp rules";
        break;
    case ENOSYS:
        reason.why = "the kernel has no perf_event_open, or a seccomp filter hides it";
        reason.remedy = "a kernel with CONFIG_PERF_EVENTS; in a container: --security-opt seccomp=unconfined";
        break;
    case EMFILE: reason.remedy = "ulimit -n: one file for each event and thread"; break;
    case EINVAL: reason.why = "refused: unknown to this kernel, or the group does not fit the counters"; break;
    case PERF_NEVER_RAN:
        reason.why = "it was never on a counter: others hold them";
        reason.remedy = "sysctl kernel.nmi_watchdog=0; end other users of perf";
        break;
    case PERF_VANISHED:
        reason.why = "it was opened and then could not be read";
        reason.remedy = "end other users of perf; the CPU may have gone offline";
        break;
    case PERF_NOT_COUNTED:
        reason.why = "it opens but counts nothing: the hypervisor withholds it";
        reason.remedy = PERF_NO_PMU_REMEDY;
        break;
    default: break;
    }
    return reason;
}

int perf_probe(const struct event *event, const struct perf_door *door, const struct events_cpu *cpu, struct perf_group *group)
{
    const struct event_group one = {.event = {event}, .count = 1};
    struct perf_count *count = &group->count[0];

    perf_group_open(group, door, cpu, &one);
    perf_group_begin(group);
    for (unsigned i = 0; i < PERF_PROBE_STEPS; i++)
        __asm__ volatile("" : : "r"(i));
    perf_group_end(group);
    perf_group_close(group);
    if (!count->error && !count->by_usage && event->busy && count->value == 0)
        count->error = PERF_NOT_COUNTED;
    return count->error;
}
