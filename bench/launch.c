/*
 * launch.c -- worker processes, seen from the driver.
 */
#define _GNU_SOURCE 1
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "die.h"
#include "interrupt.h"
#include "memory.h"
#include "timing.h"

enum {
    LAUNCH_ERRORS_KEPT = 2048, /* bytes of a worker's standard error that a sample keeps */
    LAUNCH_READ = 4096,
    LAUNCH_WORDS = 32,         /* of a command line with its wrapper */
    LAUNCH_FAILED = 127,       /* exit status when exec fails, as in a shell */
    LAUNCH_REAP_NS = 1000000,  /* a worker whose pipes are closed is about to end: look every ms */
};

static void launch_setenv_padding(size_t padding)
{
    char *text = memory_alloc(padding + 1, 1);

    memset(text, 'x', padding);
    if (setenv("RCLAB_PADDING", text, 1))
        die("environment", errno);
}

/* Through a program that is to find this one by its name: /proc/self/exe would be that program's own by then. */
static void launch_exec_wrapped(char *const *wrapper, char *const *worker)
{
    char *argv[LAUNCH_WORDS], self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    size_t words = 0;

    if (length < 0)
        return;
    self[length] = '\0';
    while (*wrapper && words < LAUNCH_WORDS / 2)
        argv[words++] = *wrapper++;
    argv[words++] = self;
    for (worker++; *worker; worker++) /* its own name was the first */
        argv[words++] = *worker;
    argv[words] = NULL;
    execvp(argv[0], argv);
}

static _Noreturn void launch_exec(const char *command, int report, int errors, char *order, size_t padding, pid_t driver,
                                  char *const *wrapper)
{
    char fd[16], *argv[] = {(char[]){"rclab"}, (char *)command, fd, order, NULL};
    int nothing = open("/dev/null", O_RDONLY);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != driver)
        _exit(LAUNCH_FAILED); /* it died before prctl */
    launch_setenv_padding(padding);
    dup2(nothing, STDIN_FILENO);
    dup2(errors, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    fcntl(report, F_SETFD, 0); /* the one descriptor that outlives exec under its own number */
    snprintf(fd, sizeof fd, "%d", report);
    sigprocmask(SIG_SETMASK, interrupt_open_mask(), NULL);
    if (wrapper)
        launch_exec_wrapped(wrapper, argv);
    else
        execv("/proc/self/exe", argv);
    perror("rclab: cannot start a worker");
    _exit(LAUNCH_FAILED);
}

/* Above 2, whatever the driver was started with: the worker's dup2 must not overwrite them. */
static void launch_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC))
        die("pipe", errno);
    for (int i = 0; i < 2; i++)
        if (ends[i] <= STDERR_FILENO) {
            int moved = fcntl(ends[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

            if (moved < 0)
                die("pipe", errno);
            close(ends[i]);
            ends[i] = moved;
        }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

void launch_start(struct launch *launch, const json_t *order, size_t padding, char *const *wrapper)
{
    launch_begin(launch, "worker", order, padding, wrapper);
}

void launch_begin(struct launch *launch, const char *command, const json_t *order, size_t padding, char *const *wrapper)
{
    char *text = json_dumps(order, JSON_COMPACT);
    pid_t driver = getpid();
    int report[2], errors[2];

    *launch = (struct launch){0};
    launch_pipe(report);
    launch_pipe(errors);
    launch->pid = fork();
    if (launch->pid < 0)
        die("fork", errno);
    if (launch->pid == 0)
        launch_exec(command, report[1], errors[1], text, padding, driver, wrapper);
    setpgid(launch->pid, launch->pid); /* here too: whichever comes first, the group is there before a kill */
    close(report[1]);
    close(errors[1]);
    launch->report.fd = report[0];
    launch->errors.fd = errors[0];
    free(text);
}

static void launch_read(struct launch_stream *stream, size_t kept)
{
    ssize_t got;

    do {
        stream->text = memory_resize(stream->text, stream->length + LAUNCH_READ + 1, 1);
        got = read(stream->fd, stream->text + stream->length, LAUNCH_READ);
        if (got > 0)
            stream->length += (size_t)got;
        if (kept && stream->length > kept) {
            memmove(stream->text, stream->text + stream->length - kept, kept);
            stream->length = kept;
        }
        stream->text[stream->length] = '\0';
    } while (got > 0);
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(stream->fd);
        stream->fd = -1;
    }
}

static void launch_read_both(struct launch *launch)
{
    if (launch->report.fd >= 0)
        launch_read(&launch->report, 0);
    if (launch->errors.fd >= 0)
        launch_read(&launch->errors, LAUNCH_ERRORS_KEPT);
}

static bool launch_must_stop(int64_t deadline)
{
    return interrupt_seen() || timing_now() >= deadline;
}

/* Sleeps until there is something to read, the deadline or a signal. False when every pipe is closed. */
static bool launch_sleep(const struct launch *launches, size_t count, struct pollfd *fds, int64_t deadline)
{
    nfds_t used = 0;
    int64_t left = deadline - timing_now();
    struct timespec wait;

    for (size_t i = 0; i < count; i++) {
        if (launches[i].report.fd >= 0)
            fds[used++] = (struct pollfd){.fd = launches[i].report.fd, .events = POLLIN};
        if (launches[i].errors.fd >= 0)
            fds[used++] = (struct pollfd){.fd = launches[i].errors.fd, .events = POLLIN};
    }
    if (left < 0)
        left = 0;
    wait = (struct timespec){.tv_sec = left / TIMING_SECOND, .tv_nsec = left % TIMING_SECOND};
    if (used && ppoll(fds, used, &wait, interrupt_open_mask()) < 0 && errno != EINTR)
        die("poll", errno);
    return used > 0;
}

static void launch_kill(struct launch *launch)
{
    if (kill(-launch->pid, SIGKILL))
        kill(launch->pid, SIGKILL);
    launch->end = interrupt_seen() ? LAUNCH_INTERRUPTED : LAUNCH_TIMED_OUT;
}

/* Waits for the end without reaping: as long as the zombie is there, its process group's number cannot be another's. */
static bool launch_ended(pid_t pid, int flags)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | flags) == 0 && info.si_pid == pid;
}

static void launch_reap(struct launch *launch, int64_t deadline)
{
    const struct timespec pause = {.tv_nsec = LAUNCH_REAP_NS};
    bool killed = false;
    int status;

    while (!launch_ended(launch->pid, killed ? 0 : WNOHANG)) {
        killed = launch_must_stop(deadline);
        if (killed)
            launch_kill(launch);
        else
            nanosleep(&pause, NULL);
    }
    kill(-launch->pid, SIGKILL); /* processes that it left behind */
    if (wait4(launch->pid, &status, 0, &launch->usage) != launch->pid)
        die("wait", errno);
    launch_read_both(launch);
    if (killed)
        return;
    launch->end = WIFSIGNALED(status) ? LAUNCH_SIGNALLED : LAUNCH_EXITED;
    launch->code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

void launch_wait(struct launch *launches, size_t count, int64_t deadline)
{
    struct pollfd *fds = memory_alloc(2 * count, sizeof fds[0]);

    while (!launch_must_stop(deadline) && launch_sleep(launches, count, fds, deadline))
        for (size_t i = 0; i < count; i++)
            launch_read_both(&launches[i]);
    for (size_t i = 0; i < count; i++)
        launch_reap(&launches[i], deadline);
    free(fds);
}

json_t *launch_report(const struct launch *launch)
{
    json_t *report = launch->report.text ? json_loadb(launch->report.text, launch->report.length, 0, NULL) : NULL;

    if (json_is_object(report))
        return report;
    json_decref(report);
    return NULL;
}

void launch_free(struct launch *launch)
{
    if (launch->report.fd >= 0)
        close(launch->report.fd);
    if (launch->errors.fd >= 0)
        close(launch->errors.fd);
    free(launch->report.text);
    free(launch->errors.text);
}
