/*
 * lock.c -- one measurement at a time on one machine.
 *
 * In /tmp and not in /run/user, because the users of one machine disturb each other too. The kernel may forbid O_CREAT on
 * somebody else's file in /tmp (fs.protected_regular), so the file that is there is opened without it; O_NOFOLLOW,
 * O_NONBLOCK and the check for a regular file, because anybody can put anything there.
 */
#define _GNU_SOURCE 1
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "die.h"

static const char *lock_path(void)
{
    const char *path = getenv("RCLAB_LOCK");

    return path && *path ? path : "/tmp/rclab.lock";
}

static int lock_open(const char *path)
{
    int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, fd = open(path, flags);
    struct stat status;

    if (fd < 0 && errno == ENOENT) {
        fd = open(path, flags | O_CREAT | O_EXCL, 0666);
        if (fd >= 0)
            fchmod(fd, 0666); /* in spite of the umask: another user must be able to lock it */
        else if (errno == EEXIST)
            fd = open(path, flags); /* somebody was faster */
    }
    if (fd >= 0 && (fstat(fd, &status) || !S_ISREG(status.st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

/* What the holder wrote. It may be about to write it: then the number is missing. */
static void lock_holder(int fd, char *pid, size_t size)
{
    ssize_t length = pread(fd, pid, size - 1, 0);

    pid[length > 0 ? length : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
}

void lock_take(void)
{
    const char *path = lock_path();
    int fd = lock_open(path), length;
    char pid[16];

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno == EWOULDBLOCK) {
            lock_holder(fd, pid, sizeof pid);
            die_usage("another measurement runs on this machine (process %s holds %s): two disturb each other; wait for it, "
                      "or give --no-lock",
                      *pid ? pid : "?", path);
        }
        close(fd);
        fd = -1;
    }
    if (fd < 0) {
        fprintf(stderr, "rclab: warning: %s: %s: not locked against a second measurement\n", path, strerror(errno));
        return;
    }
    length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) || pwrite(fd, pid, (size_t)length, 0) != length)
        fprintf(stderr, "rclab: warning: %s: %s\n", path, strerror(errno));
}
